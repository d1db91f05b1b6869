//! Declines an offered case: it is offered to somebody else. What went past the office stays above it (M18).

use redress_model::Fault;
use redress_proto::assignment::v1::{DeclineAssignmentRequest, DeclineAssignmentResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, require_one_of};
use crate::domain::transition::{Action, transition};
use crate::domain::work::Work;
use crate::rpc::asked::Asked;
use crate::rpc::{illegal, parse, render};
use crate::store::{bench, take_over, work};

const METHOD: &str = "redress.assignment.v1.StaffingService/DeclineAssignment";

pub(super) async fn run(
    shared: &Shared,
    request: Request<DeclineAssignmentRequest>,
) -> Result<DeclineAssignmentResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    parse::storable("reason", &request.reason)?;
    let request_id = std::mem::take(&mut request.request_id);
    let operation = Decline {
        asked: shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?,
        reason: request.reason,
    };
    let scope = redress_runtime::scope(&caller);
    let work = shared.db.run(&scope, &operation).await?;
    Ok(DeclineAssignmentResponse {
        work: Some(render::work(work)),
    })
}

struct Decline<'a> {
    asked: Asked<'a>,
    reason: String,
}

impl Operation for Decline<'_> {
    const NAME: &'static str = "assignment.decline_assignment";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        let begun = self.asked.begin(tx).await?;
        if begun.done.is_some() {
            return Ok(begun.work);
        }
        let (before, case, now) = (&begun.work, &self.asked.case, self.asked.now);
        let bench = bench::load(tx, &case.site, now).await?;
        let action = Action::Decline(self.reason.clone());
        let outcome = transition(before, action, &bench, now).map_err(|e| illegal(&e, case))?;
        require_one_of(self.asked.caller, case, &[before.offered_to.as_ref()])?;
        if !outcome.changed(before) {
            let text = "nobody else who may handle the case is there; legal now: AcceptAssignment";
            let name = parse::work_name(case);
            return Err(Fault::illegal("NOBODY_ELSE", text, &name));
        }
        let actor = &self.asked.caller.subject;
        work::save(tx, Some(before), &outcome, actor, now).await?;
        let work = take_over::keep_above(tx, before, outcome.work, actor, now).await?;
        self.asked.keep(tx, &work).await?;
        Ok(work)
    }
}
