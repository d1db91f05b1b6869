//! Cancels a planned visit: nobody goes, and its clock ends.

use std::collections::BTreeSet;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_proto::assignment::v1::{CancelVisitRequest, CancelVisitResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{cancelled, visit_name, visit_of};
use crate::domain::handling::Visit;
use crate::domain::transition::Action;
use crate::domain::work::StepKind;
use crate::rpc::asked::Asked;
use crate::rpc::{Shared, parse, render};
use crate::store::visits;

const METHOD: &str = "redress.assignment.v1.HandlingService/CancelVisit";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CancelVisitRequest>,
) -> Result<CancelVisitResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let operation = Cancel {
        visit: parse_field("visit_id", &request.visit_id)?,
        reason: parse::text("reason", request.reason)?,
        asked,
    };
    let visit = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    let site = &operation.asked.case.site;
    Ok(CancelVisitResponse {
        visit: Some(render::visit(site, visit, &BTreeSet::new())),
    })
}

struct Cancel<'a> {
    asked: Asked<'a>,
    visit: Uuid,
    reason: String,
}

impl Operation for Cancel<'_> {
    const NAME: &'static str = "assignment.cancel_visit";
    type Output = Visit;

    async fn run(&self, tx: &mut Tx) -> Result<Visit, Fault> {
        let begun = self.asked.begin(tx).await?;
        let (case, now) = (&self.asked.case, self.asked.now);
        if let Some(done) = begun.done {
            return visit_of(tx, case, &done).await;
        }
        self.asked.require_part(tx, &begun.work).await?;
        let before = visits::get(tx, case, self.visit).await?;
        let name = visit_name(case, &before);
        if before.cancelled.is_some() {
            self.asked.keep_as(tx, &name, begun.work.revision).await?;
            return Ok(before);
        }
        let visit = cancelled(case, before, now)?;
        let text = format!("{} cancelled: {}", visit.purpose, self.reason);
        let action = Action::Note(StepKind::VisitPlanned, text);
        let work = self.asked.change(tx, &begun.work, action).await?;
        visits::put(tx, case, &visit, now).await?;
        self.asked.keep_as(tx, &name, work.revision).await?;
        Ok(visit)
    }
}
