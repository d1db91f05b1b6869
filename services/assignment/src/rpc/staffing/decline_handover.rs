//! Ends a hand-over without effect: declined, or taken back.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{DeclineHandoverRequest, DeclineHandoverResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, refused, require_one_of};
use crate::domain::handover::{self, Ending};
use crate::domain::work::Work;
use crate::rpc::{parse, render, visible_work};
use crate::store::{bench, work};

const METHOD: &str = "redress.assignment.v1.StaffingService/DeclineHandover";

pub(super) async fn run(
    shared: &Shared,
    request: Request<DeclineHandoverRequest>,
) -> Result<DeclineHandoverResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    caller.require_site(&case.site)?;
    parse::storable("reason", &request.reason)?;
    let request_id = std::mem::take(&mut request.request_id);
    let now = shared.clock.now();
    let operation = Decline {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        reason: std::mem::take(&mut request.reason),
        case,
        etag: request.etag,
        caller: &caller,
        now,
    };
    let scope = redress_runtime::scope(&caller);
    let work = shared.db.run(&scope, &operation).await?;
    Ok(DeclineHandoverResponse {
        work: Some(render::work(work)),
    })
}

struct Decline<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    reason: String,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Decline<'_> {
    const NAME: &'static str = "assignment.decline_handover";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        bench::lock(tx, &self.case.site).await?;
        let before = visible_work(tx, self.caller, &self.case).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        let name = parse::work_name(&self.case);
        etag::check(&self.etag, before.revision, &name)?;
        let outcome = handover::end(&before, Ending::Declined, self.reason.clone(), self.now)
            .map_err(|e| refused(&e, &self.case))?;
        let people = [before.offered_to.as_ref(), before.responsible.as_ref()];
        require_one_of(self.caller, &self.case, &people)?;
        work::save(tx, Some(&before), &outcome, &self.caller.subject, self.now).await?;
        receipt::complete(
            tx,
            &self.receipt,
            &name.to_string(),
            &etag::of(outcome.work.revision),
        )
        .await?;
        Ok(outcome.work)
    }
}
