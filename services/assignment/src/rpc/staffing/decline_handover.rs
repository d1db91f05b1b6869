//! Ends a hand-over without effect: declined, or taken back.

use redress_model::Fault;
use redress_proto::assignment::v1::{DeclineHandoverRequest, DeclineHandoverResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, refused, require_one_of};
use crate::domain::handover::{self, Ending};
use crate::domain::work::Work;
use crate::rpc::asked::Asked;
use crate::rpc::{parse, render};

const METHOD: &str = "redress.assignment.v1.StaffingService/DeclineHandover";

pub(super) async fn run(
    shared: &Shared,
    request: Request<DeclineHandoverRequest>,
) -> Result<DeclineHandoverResponse, Fault> {
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
    Ok(DeclineHandoverResponse {
        work: Some(render::work(work)),
    })
}

struct Decline<'a> {
    asked: Asked<'a>,
    reason: String,
}

impl Operation for Decline<'_> {
    const NAME: &'static str = "assignment.decline_handover";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        let begun = self.asked.begin(tx).await?;
        if begun.done.is_some() {
            return Ok(begun.work);
        }
        let (before, case) = (&begun.work, &self.asked.case);
        let reason = self.reason.clone();
        let outcome = handover::end(before, Ending::Declined, reason, self.asked.now)
            .map_err(|e| refused(&e, case))?;
        let people = [before.offered_to.as_ref(), before.responsible.as_ref()];
        require_one_of(self.asked.caller, case, &people)?;
        self.asked.save(tx, before, outcome).await
    }
}
