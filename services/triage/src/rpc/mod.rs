//! The RPCs of triage, one a file. Each parses, decides, and persists in one transaction.

mod add_working_time;
mod apply_policy;
mod calendar_service;
mod cancel_clock;
mod change_clock;
mod check_policy;
mod clock_view;
mod cluster_service;
mod confirm_cluster;
mod confirm_signal;
mod dismiss_signal;
mod explain_clock;
mod extend_clock;
mod get_calendar;
mod get_clock;
mod get_cluster;
mod get_decision;
mod get_policy;
mod hold_case;
mod import_calendar;
mod judge_signal;
mod list_calendar_revisions;
mod list_clocks;
mod list_clusters;
mod list_decisions;
mod list_grade_proposals;
mod list_holds;
mod list_late_firings;
mod list_opening_windows;
mod list_policy_revisions;
mod list_signals;
mod lower_grade;
mod meet_clock;
mod merge_clusters;
mod overrule;
mod parse;
mod policy_service;
mod preview_policy;
mod preview_triage;
mod raise_grade;
mod record_signal;
mod render;
mod render_cluster;
mod resume_case;
mod review_general_defect;
mod set_opening_windows;
mod split_cluster;
mod start_clock;
mod verify_decisions;

use std::sync::Arc;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, ClockName, SiteId};
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService;
use redress_proto::triage::v1::triage_service_server::TriageService;
use redress_proto::triage::v1::{
    ConfirmSignalRequest, ConfirmSignalResponse, DismissSignalRequest, DismissSignalResponse,
    GetClockRequest, GetClockResponse, GetDecisionRequest, GetDecisionResponse, ListClocksRequest,
    ListClocksResponse, ListDecisionsRequest, ListDecisionsResponse, ListGradeProposalsRequest,
    ListGradeProposalsResponse, ListSignalsRequest, ListSignalsResponse, LowerGradeRequest,
    LowerGradeResponse, PreviewTriageRequest, PreviewTriageResponse, RaiseGradeRequest,
    RaiseGradeResponse, RecordSignalRequest, RecordSignalResponse, VerifyDecisionsRequest,
    VerifyDecisionsResponse,
};
use redress_rpc::{Caller, Fingerprints, status};
use redress_store::Tx;
use redress_store::receipt::ReceiptKey;
use tonic::{Request, Response, Status};

use crate::casework;
use crate::desk::Desk;
use crate::store::cases;
use crate::store::clocks::{self, Clock};

/// What every RPC needs.
#[derive(Debug, Clone)]
pub struct Shared {
    /// What triage shares.
    pub desk: Arc<Desk>,
    /// Tells a retry from another request.
    pub fingerprints: Fingerprints,
}

impl Shared {
    /// The receipt of a request; `request` comes with its `request_id` blanked.
    fn receipt(
        &self,
        caller: &Caller,
        method: &'static str,
        site: &SiteId,
        request_id: String,
        request: &impl prost::Message,
    ) -> ReceiptKey {
        ReceiptKey {
            caller: caller.key(),
            method,
            request_id,
            site: site.to_string(),
            fingerprint: self.fingerprints.of(method, request).to_vec(),
        }
    }
}

/// Refuses a case that the caller may not know of like one that is not there.
async fn require_visible(tx: &mut Tx, caller: &Caller, case: &CaseName) -> Result<(), Fault> {
    let staff = caller.staff.as_ref().map(ToString::to_string);
    if cases::is_visible(tx, &case.site, case.id, staff.as_deref()).await? {
        Ok(())
    } else {
        Err(Fault::not_found("Case", case))
    }
}

/// A clock as it is shown: an age check that stands still is held for what its case is held for.
async fn shown_clock(
    tx: &mut Tx,
    name: &ClockName,
    now: Timestamp,
) -> Result<Option<Clock>, Fault> {
    let Some(mut clock) = clocks::get(tx, &name.site, name.id).await? else {
        return Ok(None);
    };
    if clock.is_still() {
        clock.held = casework::stills(tx, &name.site, clock.case, now).await?;
    }
    Ok(Some(clock))
}

macro_rules! answer {
    ($shared:expr, $request:ident, $module:ident) => {
        $module::run($shared, $request)
            .await
            .map(Response::new)
            .map_err(status)
    };
}
use answer;

/// All services of triage.
#[derive(Debug, Clone)]
pub struct TriageRpc(pub Shared);

#[tonic::async_trait]
impl TriageService for TriageRpc {
    async fn preview_triage(
        &self,
        request: Request<PreviewTriageRequest>,
    ) -> Result<Response<PreviewTriageResponse>, Status> {
        answer!(&self.0, request, preview_triage)
    }

    async fn get_decision(
        &self,
        request: Request<GetDecisionRequest>,
    ) -> Result<Response<GetDecisionResponse>, Status> {
        answer!(&self.0, request, get_decision)
    }

    async fn list_decisions(
        &self,
        request: Request<ListDecisionsRequest>,
    ) -> Result<Response<ListDecisionsResponse>, Status> {
        answer!(&self.0, request, list_decisions)
    }

    async fn record_signal(
        &self,
        request: Request<RecordSignalRequest>,
    ) -> Result<Response<RecordSignalResponse>, Status> {
        answer!(&self.0, request, record_signal)
    }

    async fn confirm_signal(
        &self,
        request: Request<ConfirmSignalRequest>,
    ) -> Result<Response<ConfirmSignalResponse>, Status> {
        answer!(&self.0, request, confirm_signal)
    }

    async fn dismiss_signal(
        &self,
        request: Request<DismissSignalRequest>,
    ) -> Result<Response<DismissSignalResponse>, Status> {
        answer!(&self.0, request, dismiss_signal)
    }

    async fn lower_grade(
        &self,
        request: Request<LowerGradeRequest>,
    ) -> Result<Response<LowerGradeResponse>, Status> {
        answer!(&self.0, request, lower_grade)
    }

    async fn raise_grade(
        &self,
        request: Request<RaiseGradeRequest>,
    ) -> Result<Response<RaiseGradeResponse>, Status> {
        answer!(&self.0, request, raise_grade)
    }

    async fn list_grade_proposals(
        &self,
        request: Request<ListGradeProposalsRequest>,
    ) -> Result<Response<ListGradeProposalsResponse>, Status> {
        answer!(&self.0, request, list_grade_proposals)
    }

    async fn verify_decisions(
        &self,
        request: Request<VerifyDecisionsRequest>,
    ) -> Result<Response<VerifyDecisionsResponse>, Status> {
        answer!(&self.0, request, verify_decisions)
    }

    async fn list_signals(
        &self,
        request: Request<ListSignalsRequest>,
    ) -> Result<Response<ListSignalsResponse>, Status> {
        answer!(&self.0, request, list_signals)
    }
}

#[tonic::async_trait]
impl ClockService for TriageRpc {
    async fn list_clocks(
        &self,
        request: Request<ListClocksRequest>,
    ) -> Result<Response<ListClocksResponse>, Status> {
        answer!(&self.0, request, list_clocks)
    }

    async fn get_clock(
        &self,
        request: Request<GetClockRequest>,
    ) -> Result<Response<GetClockResponse>, Status> {
        answer!(&self.0, request, get_clock)
    }

    async fn explain_clock(
        &self,
        request: Request<wire::ExplainClockRequest>,
    ) -> Result<Response<wire::ExplainClockResponse>, Status> {
        answer!(&self.0, request, explain_clock)
    }

    async fn hold_case(
        &self,
        request: Request<wire::HoldCaseRequest>,
    ) -> Result<Response<wire::HoldCaseResponse>, Status> {
        answer!(&self.0, request, hold_case)
    }

    async fn resume_case(
        &self,
        request: Request<wire::ResumeCaseRequest>,
    ) -> Result<Response<wire::ResumeCaseResponse>, Status> {
        answer!(&self.0, request, resume_case)
    }

    async fn list_holds(
        &self,
        request: Request<wire::ListHoldsRequest>,
    ) -> Result<Response<wire::ListHoldsResponse>, Status> {
        answer!(&self.0, request, list_holds)
    }

    async fn list_late_firings(
        &self,
        request: Request<wire::ListLateFiringsRequest>,
    ) -> Result<Response<wire::ListLateFiringsResponse>, Status> {
        answer!(&self.0, request, list_late_firings)
    }

    async fn start_clock(
        &self,
        request: Request<wire::StartClockRequest>,
    ) -> Result<Response<wire::StartClockResponse>, Status> {
        answer!(&self.0, request, start_clock)
    }

    async fn extend_clock(
        &self,
        request: Request<wire::ExtendClockRequest>,
    ) -> Result<Response<wire::ExtendClockResponse>, Status> {
        answer!(&self.0, request, extend_clock)
    }

    async fn meet_clock(
        &self,
        request: Request<wire::MeetClockRequest>,
    ) -> Result<Response<wire::MeetClockResponse>, Status> {
        answer!(&self.0, request, meet_clock)
    }

    async fn cancel_clock(
        &self,
        request: Request<wire::CancelClockRequest>,
    ) -> Result<Response<wire::CancelClockResponse>, Status> {
        answer!(&self.0, request, cancel_clock)
    }
}
