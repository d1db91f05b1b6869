//! Closes a resolved case: a review by somebody who neither resolved it nor wrote its solution (M03).

use redress_model::Fault;
use redress_model::words::CaseStatus;
use redress_proto::assignment::v1::{CloseWorkRequest, CloseWorkResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{authors, told};
use crate::domain::handling::Closing;
use crate::domain::transition::Action;
use crate::domain::work::{Illegal, Work};
use crate::rpc::asked::{Asked, person_of};
use crate::rpc::{Shared, illegal, parse, render};
use crate::store::visits;

const METHOD: &str = "redress.assignment.v1.HandlingService/CloseWork";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CloseWorkRequest>,
) -> Result<CloseWorkResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let operation = Close {
        note: request.note,
        asked,
    };
    let work = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(CloseWorkResponse {
        work: Some(render::work(work)),
    })
}

struct Close<'a> {
    asked: Asked<'a>,
    note: String,
}

impl Operation for Close<'_> {
    const NAME: &'static str = "assignment.close_work";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        let begun = self.asked.begin(tx).await?;
        if begun.done.is_some() {
            return Ok(begun.work);
        }
        let before = &begun.work;
        let case = &before.case;
        let wanted = CaseStatus::Closed;
        let (Some(resolved), CaseStatus::Resolved) = (before.resolved_at, before.status) else {
            let status = before.status;
            return Err(illegal(&Illegal { status, wanted }, case));
        };
        let authors = authors(tx, before).await?;
        let follow_up = visits::last_follow_up(tx, case, resolved).await?;
        let closing = Closing {
            reviewer: &person_of(self.asked.caller),
            authors: &authors,
            follow_up: follow_up.as_ref(),
            answer: told(tx, before).await?.and_then(|s| s.last_word()),
        };
        let ending = closing
            .end()
            .map_err(|e| Fault::illegal("NOT_CLOSABLE", e.to_string(), parse::work_name(case)))?;
        let text = format!("{ending}: {}", self.note);
        let work = self
            .asked
            .change(tx, before, Action::Close(ending, text))
            .await?;
        self.asked.keep(tx, &work).await?;
        Ok(work)
    }
}
