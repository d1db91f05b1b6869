//! What follows an incident: one RPC a file.

mod add_review_action;
mod check_stand_down;
mod close_review;
mod export_incident;
mod get_review;
mod settle_review_action;
mod stand_down;
pub(super) mod view;
mod write_review;

use std::sync::Arc;

use redress_model::Fault;
use redress_model::name::IncidentName;
use redress_proto::crisis::v1::aftermath_service_server::AftermathService;
use redress_proto::crisis::v1::{
    AddReviewActionRequest, AddReviewActionResponse, CheckStandDownRequest, CheckStandDownResponse,
    CloseReviewRequest, CloseReviewResponse, ExportIncidentRequest, ExportIncidentResponse,
    GetReviewRequest, GetReviewResponse, SettleReviewActionRequest, SettleReviewActionResponse,
    StandDownRequest, StandDownResponse, WriteReviewRequest, WriteReviewResponse,
};
use redress_rpc::client::Peers;
use tonic::{Request, Response, Status};

use super::{Incidents, answer};

/// The `typ` of the signature of an exported incident.
pub const EXPORT_TYPE: &str = "redress-incident+jwt";

/// Signs the last hash of an export of an incident: `(incident, hash in hexadecimal)`.
pub type SignExport = dyn Fn(&IncidentName, &str) -> Result<String, Fault> + Send + Sync;

/// What the handlers need.
pub struct Aftermath {
    /// Incidents, in whose turns everything moves.
    pub incidents: Arc<Incidents>,
    /// Signs exports.
    pub sign: Arc<SignExport>,
}

impl std::fmt::Debug for Aftermath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aftermath").finish_non_exhaustive()
    }
}

#[derive(serde::Serialize)]
struct Signed<'a> {
    incident: &'a str,
    hash: &'a str,
}

/// Signs with the key of the platform's issuer.
pub fn export_signer(peers: Peers) -> Arc<SignExport> {
    Arc::new(move |incident: &IncidentName, hash: &str| {
        let incident = incident.to_string();
        peers.attest(
            EXPORT_TYPE,
            &Signed {
                incident: &incident,
                hash,
            },
        )
    })
}

#[tonic::async_trait]
impl AftermathService for Aftermath {
    async fn check_stand_down(
        &self,
        request: Request<CheckStandDownRequest>,
    ) -> Result<Response<CheckStandDownResponse>, Status> {
        answer(check_stand_down::handle(&self.incidents, &request).await)
    }

    async fn stand_down(
        &self,
        request: Request<StandDownRequest>,
    ) -> Result<Response<StandDownResponse>, Status> {
        answer(stand_down::handle(&self.incidents, &request).await)
    }

    async fn get_review(
        &self,
        request: Request<GetReviewRequest>,
    ) -> Result<Response<GetReviewResponse>, Status> {
        answer(get_review::handle(&self.incidents, &request).await)
    }

    async fn write_review(
        &self,
        request: Request<WriteReviewRequest>,
    ) -> Result<Response<WriteReviewResponse>, Status> {
        answer(write_review::handle(&self.incidents, &request).await)
    }

    async fn add_review_action(
        &self,
        request: Request<AddReviewActionRequest>,
    ) -> Result<Response<AddReviewActionResponse>, Status> {
        answer(add_review_action::handle(&self.incidents, &request).await)
    }

    async fn settle_review_action(
        &self,
        request: Request<SettleReviewActionRequest>,
    ) -> Result<Response<SettleReviewActionResponse>, Status> {
        answer(settle_review_action::handle(&self.incidents, &request).await)
    }

    async fn close_review(
        &self,
        request: Request<CloseReviewRequest>,
    ) -> Result<Response<CloseReviewResponse>, Status> {
        answer(close_review::handle(&self.incidents, &request).await)
    }

    async fn export_incident(
        &self,
        request: Request<ExportIncidentRequest>,
    ) -> Result<Response<ExportIncidentResponse>, Status> {
        answer(export_incident::handle(self, &request).await)
    }
}
