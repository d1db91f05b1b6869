//! Staffing of cases: one file per RPC.

mod accept_handover;
mod acknowledge_summons;
mod borrow_staff;
mod decline_assignment;
mod decline_handover;
mod end_loan;
mod end_support;
mod get_routing_rules;
mod hand_over_shift;
mod list_loans;
mod list_summonses;
mod list_supports;
mod offer_handover;
mod receive_past_office;
mod render;
mod request_support;
mod set_routing_rules;

use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId, StaffId, StaffName};
use redress_proto::assignment::v1::staffing_service_server::StaffingService;
use redress_proto::assignment::v1::{
    AcceptHandoverRequest, AcceptHandoverResponse, AcknowledgeSummonsRequest,
    AcknowledgeSummonsResponse, BorrowStaffRequest, BorrowStaffResponse, DeclineAssignmentRequest,
    DeclineAssignmentResponse, DeclineHandoverRequest, DeclineHandoverResponse, EndLoanRequest,
    EndLoanResponse, EndSupportRequest, EndSupportResponse, GetRoutingRulesRequest,
    GetRoutingRulesResponse, HandOverShiftRequest, HandOverShiftResponse, ListLoansRequest,
    ListLoansResponse, ListSummonsesRequest, ListSummonsesResponse, ListSupportsRequest,
    ListSupportsResponse, OfferHandoverRequest, OfferHandoverResponse, ReceivePastOfficeRequest,
    ReceivePastOfficeResponse, RequestSupportRequest, RequestSupportResponse,
    SetRoutingRulesRequest, SetRoutingRulesResponse,
};
use redress_rpc::{Caller, status};
use redress_store::Tx;
use tonic::{Request, Response, Status};

use super::asked::require_override;
use super::{Shared, is_staff, parse, require_present};
use crate::domain::bench::Bench;
use crate::domain::handover::Refusal;
use crate::domain::work::Work;

/// A person of the site who must be given.
fn person(field: &str, site: &SiteId, name: &str) -> Result<StaffId, Fault> {
    parse::staff_of(field, Some(site), name)?.ok_or_else(|| Fault::invalid(field, "must be given"))
}

/// The end of a limit that was asked for, else of so many hours.
fn end_of(limit: Option<&prost_types::Duration>, hours: i64, now: Timestamp) -> Timestamp {
    let seconds = limit.map_or(hours * 3_600, |limit| limit.seconds);
    now.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}

/// A hand-over that is not possible, as FAILED_PRECONDITION with what is legal (I10).
fn refused(refusal: &Refusal, case: &CaseName) -> Fault {
    let reason = match refusal {
        Refusal::NotInHand(_) => "NOT_IN_HAND",
        Refusal::NotOffered => "NO_HANDOVER",
    };
    Fault::illegal(reason, refusal.to_string(), parse::work_name(case))
}

/// That the person works here, is not complained about, and is somebody else than who is responsible.
fn require_receiver(
    field: &str,
    work: &Work,
    receiver: &StaffId,
    bench: &Bench,
) -> Result<(), Fault> {
    if work.responsible.as_ref() == Some(receiver) {
        return Err(Fault::invalid(field, "is responsible already"));
    }
    if bench.may_handle(receiver, &work.facts.excluded) {
        return require_present(bench, receiver, parse::work_name(&work.case));
    }
    // Not said which: who is complained about is nobody else's business.
    Err(Fault::invalid(
        field,
        "must be somebody who works here and may handle the case",
    ))
}

/// That the caller is one of these people, or may act in another's name.
fn require_one_of(
    caller: &Caller,
    case: &CaseName,
    people: &[Option<&StaffId>],
) -> Result<(), Fault> {
    let is_one = people.iter().flatten().any(|p| is_staff(caller, case, p));
    if is_one {
        Ok(())
    } else {
        let site = &case.site;
        let named = people.iter().flatten();
        let whose: Vec<String> = named
            .map(|p| StaffName::new(site.clone(), (*p).clone()).to_string())
            .collect();
        require_override(caller, format!("it is for {} to do", whose.join(" or ")))
    }
}

/// The person that a caller must not be told about: whoever asks, where the site is theirs.
fn asker(caller: &Caller, site: &SiteId) -> Option<StaffId> {
    let staff = caller.staff.as_ref().filter(|staff| staff.site == *site);
    staff.map(|staff| staff.id.clone())
}

/// The work behind something of a case, hidden from whoever is complained about in it.
async fn visible(
    tx: &mut Tx,
    caller: &Caller,
    case: &CaseName,
    hidden: impl Fn() -> Fault,
) -> Result<Work, Fault> {
    super::visible_work(tx, caller, case)
        .await
        .map_err(|fault| match fault {
            Fault::NotFound { .. } => hidden(),
            other => other,
        })
}

macro_rules! answer {
    ($shared:expr, $request:ident, $module:ident) => {
        $module::run($shared, $request)
            .await
            .map(Response::new)
            .map_err(status)
    };
}

/// Staffing of cases.
#[derive(Debug, Clone)]
pub struct StaffingRpc(pub Shared);

#[tonic::async_trait]
impl StaffingService for StaffingRpc {
    async fn decline_assignment(
        &self,
        request: Request<DeclineAssignmentRequest>,
    ) -> Result<Response<DeclineAssignmentResponse>, Status> {
        answer!(&self.0, request, decline_assignment)
    }

    async fn offer_handover(
        &self,
        request: Request<OfferHandoverRequest>,
    ) -> Result<Response<OfferHandoverResponse>, Status> {
        answer!(&self.0, request, offer_handover)
    }

    async fn receive_past_office(
        &self,
        request: Request<ReceivePastOfficeRequest>,
    ) -> Result<Response<ReceivePastOfficeResponse>, Status> {
        answer!(&self.0, request, receive_past_office)
    }

    async fn accept_handover(
        &self,
        request: Request<AcceptHandoverRequest>,
    ) -> Result<Response<AcceptHandoverResponse>, Status> {
        answer!(&self.0, request, accept_handover)
    }

    async fn decline_handover(
        &self,
        request: Request<DeclineHandoverRequest>,
    ) -> Result<Response<DeclineHandoverResponse>, Status> {
        answer!(&self.0, request, decline_handover)
    }

    async fn hand_over_shift(
        &self,
        request: Request<HandOverShiftRequest>,
    ) -> Result<Response<HandOverShiftResponse>, Status> {
        answer!(&self.0, request, hand_over_shift)
    }

    async fn get_routing_rules(
        &self,
        request: Request<GetRoutingRulesRequest>,
    ) -> Result<Response<GetRoutingRulesResponse>, Status> {
        answer!(&self.0, request, get_routing_rules)
    }

    async fn set_routing_rules(
        &self,
        request: Request<SetRoutingRulesRequest>,
    ) -> Result<Response<SetRoutingRulesResponse>, Status> {
        answer!(&self.0, request, set_routing_rules)
    }

    async fn borrow_staff(
        &self,
        request: Request<BorrowStaffRequest>,
    ) -> Result<Response<BorrowStaffResponse>, Status> {
        answer!(&self.0, request, borrow_staff)
    }

    async fn list_loans(
        &self,
        request: Request<ListLoansRequest>,
    ) -> Result<Response<ListLoansResponse>, Status> {
        answer!(&self.0, request, list_loans)
    }

    async fn end_loan(
        &self,
        request: Request<EndLoanRequest>,
    ) -> Result<Response<EndLoanResponse>, Status> {
        answer!(&self.0, request, end_loan)
    }

    async fn list_summonses(
        &self,
        request: Request<ListSummonsesRequest>,
    ) -> Result<Response<ListSummonsesResponse>, Status> {
        answer!(&self.0, request, list_summonses)
    }

    async fn acknowledge_summons(
        &self,
        request: Request<AcknowledgeSummonsRequest>,
    ) -> Result<Response<AcknowledgeSummonsResponse>, Status> {
        answer!(&self.0, request, acknowledge_summons)
    }

    async fn request_support(
        &self,
        request: Request<RequestSupportRequest>,
    ) -> Result<Response<RequestSupportResponse>, Status> {
        answer!(&self.0, request, request_support)
    }

    async fn list_supports(
        &self,
        request: Request<ListSupportsRequest>,
    ) -> Result<Response<ListSupportsResponse>, Status> {
        answer!(&self.0, request, list_supports)
    }

    async fn end_support(
        &self,
        request: Request<EndSupportRequest>,
    ) -> Result<Response<EndSupportResponse>, Status> {
        answer!(&self.0, request, end_support)
    }
}
