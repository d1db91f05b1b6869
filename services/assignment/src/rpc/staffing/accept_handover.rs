//! Accepts a case that is handed over.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{AcceptHandoverRequest, AcceptHandoverResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, refused, require_one_of};
use crate::domain::handover;
use crate::domain::work::Work;
use crate::rpc::{parse, render, visible_work};
use crate::store::{bench, handovers, work};

const METHOD: &str = "redress.assignment.v1.StaffingService/AcceptHandover";

pub(super) async fn run(
    shared: &Shared,
    request: Request<AcceptHandoverRequest>,
) -> Result<AcceptHandoverResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    caller.require_site(&case.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let now = shared.clock.now();
    let operation = Accept {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        case,
        etag: request.etag,
        caller: &caller,
        now,
    };
    let scope = redress_runtime::scope(&caller);
    let work = shared.db.run(&scope, &operation).await?;
    Ok(AcceptHandoverResponse {
        work: Some(render::work(work)),
    })
}

struct Accept<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Accept<'_> {
    const NAME: &'static str = "assignment.accept_handover";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        bench::lock(tx, &self.case.site).await?;
        let before = visible_work(tx, self.caller, &self.case).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        let name = parse::work_name(&self.case);
        etag::check(&self.etag, before.revision, &name)?;
        let outcome = handover::accept(&before, self.now).map_err(|e| refused(&e, &self.case))?;
        require_one_of(self.caller, &self.case, &[before.offered_to.as_ref()])?;
        // Its time is over, though nobody has looked yet.
        if handovers::is_over(tx, &self.case, self.now).await? {
            return Err(refused(&handover::Refusal::NotOffered, &self.case));
        }
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
