//! Command of incidents: roles handed over, wrong joins set right, several sites led as one. One RPC a file.

mod answer_role;
mod get_command;
mod link_incident;
mod offer_role;
mod split_case;
mod unlink_incident;
pub(super) mod view;

use std::sync::Arc;

use redress_proto::crisis::v1::command_service_server::CommandService;
use redress_proto::crisis::v1::{
    AnswerRoleRequest, AnswerRoleResponse, GetCommandRequest, GetCommandResponse,
    LinkIncidentRequest, LinkIncidentResponse, OfferRoleRequest, OfferRoleResponse,
    SplitCaseRequest, SplitCaseResponse, UnlinkIncidentRequest, UnlinkIncidentResponse,
};
use tonic::{Request, Response, Status};

use super::{Incidents, answer};

/// What the handlers need.
#[derive(Debug)]
pub struct Commanding {
    /// Incidents, in whose turns the command changes.
    pub incidents: Arc<Incidents>,
}

#[tonic::async_trait]
impl CommandService for Commanding {
    async fn get_command(
        &self,
        request: Request<GetCommandRequest>,
    ) -> Result<Response<GetCommandResponse>, Status> {
        answer(get_command::handle(self, &request).await)
    }

    async fn offer_role(
        &self,
        request: Request<OfferRoleRequest>,
    ) -> Result<Response<OfferRoleResponse>, Status> {
        answer(offer_role::handle(self, &request).await)
    }

    async fn answer_role(
        &self,
        request: Request<AnswerRoleRequest>,
    ) -> Result<Response<AnswerRoleResponse>, Status> {
        answer(answer_role::handle(self, &request).await)
    }

    async fn split_case(
        &self,
        request: Request<SplitCaseRequest>,
    ) -> Result<Response<SplitCaseResponse>, Status> {
        answer(split_case::handle(self, &request).await)
    }

    async fn link_incident(
        &self,
        request: Request<LinkIncidentRequest>,
    ) -> Result<Response<LinkIncidentResponse>, Status> {
        answer(link_incident::handle(self, &request).await)
    }

    async fn unlink_incident(
        &self,
        request: Request<UnlinkIncidentRequest>,
    ) -> Result<Response<UnlinkIncidentResponse>, Status> {
        answer(unlink_incident::handle(self, &request).await)
    }
}
