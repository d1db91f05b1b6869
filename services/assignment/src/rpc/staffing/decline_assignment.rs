//! Declines an offered case: it is offered to somebody else.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::{DeclineAssignmentRequest, DeclineAssignmentResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, require_one_of};
use crate::domain::transition::{Action, transition};
use crate::domain::work::Work;
use crate::rpc::{illegal, parse, render, visible_work};
use crate::store::{bench, work};

const METHOD: &str = "redress.assignment.v1.StaffingService/DeclineAssignment";

pub(super) async fn run(
    shared: &Shared,
    request: Request<DeclineAssignmentRequest>,
) -> Result<DeclineAssignmentResponse, Fault> {
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
    Ok(DeclineAssignmentResponse {
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
    const NAME: &'static str = "assignment.decline_assignment";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        bench::lock(tx, &self.case.site).await?;
        let before = visible_work(tx, self.caller, &self.case).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        let name = parse::work_name(&self.case);
        etag::check(&self.etag, before.revision, &name)?;
        let bench = bench::load(tx, &self.case.site, self.now).await?;
        let action = Action::Decline(self.reason.clone());
        let outcome =
            transition(&before, action, &bench, self.now).map_err(|e| illegal(&e, &self.case))?;
        require_one_of(self.caller, &self.case, &[before.offered_to.as_ref()])?;
        if !outcome.changed(&before) {
            let text = "nobody else may handle the case; legal now: AcceptAssignment";
            return Err(Fault::illegal("NOBODY_ELSE", text, &name));
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
