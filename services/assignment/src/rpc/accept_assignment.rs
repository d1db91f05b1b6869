//! Accepts an offered case. Of two who accept at once one wins, the other is told (I11, P28).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::words::CaseStatus;
use redress_proto::assignment::v1::{AcceptAssignmentRequest, AcceptAssignmentResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::asked::{require_override, staff_name};
use super::{Shared, illegal, is_staff, parse, render, visible_work};
use crate::domain::bench::Bench;
use crate::domain::transition::{Action, transition};
use crate::domain::work::{Illegal, Work, is_in_hand};
use crate::store::{bench, work};

const METHOD: &str = "redress.assignment.v1.WorkService/AcceptAssignment";

pub(super) async fn run(
    shared: &Shared,
    request: Request<AcceptAssignmentRequest>,
) -> Result<AcceptAssignmentResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    caller.require_site(&case.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let operation = Accept {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        case,
        etag: request.etag,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let work = shared.db.run(&scope, &operation).await?;
    Ok(AcceptAssignmentResponse {
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
    const NAME: &'static str = "assignment.accept_assignment";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        bench::lock(tx, &self.case.site).await?;
        let before = visible_work(tx, self.caller, &self.case).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        let after = if self.has_accepted(&before) {
            before
        } else {
            self.accept(tx, &before).await?
        };
        let resource = parse::work_name(&self.case).to_string();
        receipt::complete(tx, &self.receipt, &resource, &etag::of(after.revision)).await?;
        Ok(after)
    }
}

impl Accept<'_> {
    /// Why it cannot be accepted: of a case in hand, who has it, since its status alone would say that what is accepted cannot be
    /// accepted.
    fn refused(&self, error: &Illegal, before: &Work) -> Fault {
        let Some(holder) = before
            .responsible
            .as_ref()
            .filter(|_| is_in_hand(before.status))
        else {
            return illegal(error, &self.case);
        };
        let has = staff_name(before, holder);
        let text = match &before.offered_to {
            Some(receiver) => format!(
                "{has} has it and hands it over to {}; legal now: AcceptHandover by who is to take it",
                staff_name(before, receiver)
            ),
            None => format!(
                "{has} has it, and it is offered to nobody; legal now: OfferHandover by who has it"
            ),
        };
        Fault::illegal("ILLEGAL_TRANSITION", text, parse::work_name(&self.case))
    }

    /// Whether the caller is who accepted it before: a repeat.
    fn has_accepted(&self, work: &Work) -> bool {
        work.status == CaseStatus::Accepted
            && work
                .responsible
                .as_ref()
                .is_some_and(|person| is_staff(self.caller, &self.case, person))
    }

    async fn accept(&self, tx: &mut Tx, before: &Work) -> Result<Work, Fault> {
        let name = parse::work_name(&self.case);
        etag::check(&self.etag, before.revision, &name)?;
        // Legal comes before allowed: when nothing is offered there is nobody to be.
        let outcome = transition(before, Action::Accept, &Bench::default(), self.now)
            .map_err(|e| self.refused(&e, before))?;
        let is_offered = before
            .offered_to
            .as_ref()
            .is_some_and(|person| is_staff(self.caller, &self.case, person));
        if let Some(person) = before.offered_to.as_ref().filter(|_| !is_offered) {
            let whose = staff_name(before, person);
            require_override(self.caller, format!("it is offered to {whose}"))?;
        }
        work::save(tx, Some(before), &outcome, &self.caller.subject, self.now).await?;
        Ok(outcome.work)
    }
}
