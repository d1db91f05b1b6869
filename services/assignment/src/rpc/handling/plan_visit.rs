//! Plans a visit.

use std::collections::BTreeSet;

use redress_model::Fault;
use redress_model::ids::new_id;
use redress_proto::assignment::v1::{PlanVisitRequest, PlanVisitResponse};
use redress_proto::convert::{from_deadline, required};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{visit_name, visit_of};
use crate::domain::handling::Visit;
use crate::domain::transition::Action;
use crate::domain::work::StepKind;
use crate::rpc::asked::Asked;
use crate::rpc::{Shared, parse, render};
use crate::store::visits;

const METHOD: &str = "redress.assignment.v1.HandlingService/PlanVisit";

pub(super) async fn run(
    shared: &Shared,
    request: Request<PlanVisitRequest>,
) -> Result<PlanVisitResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let planned = request.plan_time.unwrap_or_default();
    let planned = from_deadline("plan_time", &planned, asked.now)?;
    if planned <= asked.now {
        return Err(Fault::invalid("plan_time", "must be ahead"));
    }
    let visit = Visit {
        id: new_id(asked.now),
        purpose: required("purpose", request.purpose)?,
        staff: parse::staff_of("staff", Some(&asked.case.site), &request.staff)?,
        planned: Some(planned),
        made: None,
        findings: String::new(),
    };
    let site = asked.case.site.clone();
    let operation = Plan { visit, asked };
    let visit = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(PlanVisitResponse {
        visit: Some(render::visit(&site, visit, &BTreeSet::new())),
    })
}

struct Plan<'a> {
    asked: Asked<'a>,
    visit: Visit,
}

impl Operation for Plan<'_> {
    const NAME: &'static str = "assignment.plan_visit";
    type Output = Visit;

    async fn run(&self, tx: &mut Tx) -> Result<Visit, Fault> {
        let begun = self.asked.begin(tx).await?;
        let case = &self.asked.case;
        if let Some(done) = begun.done {
            return visit_of(tx, case, &done).await;
        }
        self.asked.require_part(tx, &begun.work).await?;
        let mut visit = self.visit.clone();
        if visit.staff.is_none() {
            visit.staff.clone_from(&begun.work.responsible);
        }
        let text = format!("{} planned", visit.purpose);
        let action = Action::Note(StepKind::VisitPlanned, text);
        let work = self.asked.change(tx, &begun.work, action).await?;
        visits::put(tx, case, &visit, self.asked.now).await?;
        let name = visit_name(case, &visit);
        self.asked.keep_as(tx, &name, work.revision).await?;
        Ok(visit)
    }
}
