//! The RPCs of triage, one a file. Each parses, decides, and persists in one transaction.

mod confirm_signal;
mod get_clock;
mod get_cluster;
mod get_decision;
mod list_clocks;
mod list_decisions;
mod list_signals;
mod merge_clusters;
mod parse;
mod preview_triage;
mod record_signal;
mod render;

use std::sync::Arc;

use redress_model::Fault;
use redress_model::name::{CaseName, SiteId};
use redress_proto::triage::v1::clock_service_server::ClockService;
use redress_proto::triage::v1::cluster_service_server::ClusterService;
use redress_proto::triage::v1::triage_service_server::TriageService;
use redress_proto::triage::v1::{
    ConfirmSignalRequest, ConfirmSignalResponse, GetClockRequest, GetClockResponse,
    GetClusterRequest, GetClusterResponse, GetDecisionRequest, GetDecisionResponse,
    ListClocksRequest, ListClocksResponse, ListDecisionsRequest, ListDecisionsResponse,
    ListSignalsRequest, ListSignalsResponse, MergeClustersRequest, MergeClustersResponse,
    PreviewTriageRequest, PreviewTriageResponse, RecordSignalRequest, RecordSignalResponse,
};
use redress_rpc::{Caller, Fingerprints, status};
use redress_store::Tx;
use redress_store::receipt::ReceiptKey;
use tonic::{Request, Response, Status};

use crate::desk::Desk;
use crate::store::cases;

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

macro_rules! answer {
    ($shared:expr, $request:ident, $module:ident) => {
        $module::run($shared, $request)
            .await
            .map(Response::new)
            .map_err(status)
    };
}

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

    async fn list_signals(
        &self,
        request: Request<ListSignalsRequest>,
    ) -> Result<Response<ListSignalsResponse>, Status> {
        answer!(&self.0, request, list_signals)
    }
}

#[tonic::async_trait]
impl ClusterService for TriageRpc {
    async fn get_cluster(
        &self,
        request: Request<GetClusterRequest>,
    ) -> Result<Response<GetClusterResponse>, Status> {
        answer!(&self.0, request, get_cluster)
    }

    async fn merge_clusters(
        &self,
        request: Request<MergeClustersRequest>,
    ) -> Result<Response<MergeClustersResponse>, Status> {
        answer!(&self.0, request, merge_clusters)
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
}
