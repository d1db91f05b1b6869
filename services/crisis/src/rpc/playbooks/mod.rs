//! Playbooks, and what incidents do of them: one RPC a file.

mod answer_condition;
mod apply_playbook;
mod change_terms;
mod complete_task;
mod get_incident_plan;
mod get_playbook;
mod list_playbooks;
mod skip_task;
pub(super) mod view;

use std::sync::Arc;

use redress_proto::crisis::v1::playbook_service_server::PlaybookService;
use redress_proto::crisis::v1::{
    AnswerConditionRequest, AnswerConditionResponse, ApplyPlaybookRequest, ApplyPlaybookResponse,
    ChangeTermsRequest, ChangeTermsResponse, CompleteTaskRequest, CompleteTaskResponse,
    GetIncidentPlanRequest, GetIncidentPlanResponse, GetPlaybookRequest, GetPlaybookResponse,
    ListPlaybooksRequest, ListPlaybooksResponse, SkipTaskRequest, SkipTaskResponse,
};
use tonic::{Request, Response, Status};

use super::{Incidents, answer};

/// What the handlers need.
#[derive(Debug)]
pub struct Playbooks {
    /// Incidents, in whose turns tasks move.
    pub incidents: Arc<Incidents>,
}

#[tonic::async_trait]
impl PlaybookService for Playbooks {
    async fn list_playbooks(
        &self,
        request: Request<ListPlaybooksRequest>,
    ) -> Result<Response<ListPlaybooksResponse>, Status> {
        answer(list_playbooks::handle(self, &request).await)
    }

    async fn get_playbook(
        &self,
        request: Request<GetPlaybookRequest>,
    ) -> Result<Response<GetPlaybookResponse>, Status> {
        answer(get_playbook::handle(self, &request).await)
    }

    async fn apply_playbook(
        &self,
        request: Request<ApplyPlaybookRequest>,
    ) -> Result<Response<ApplyPlaybookResponse>, Status> {
        answer(apply_playbook::handle(self, &request).await)
    }

    async fn get_incident_plan(
        &self,
        request: Request<GetIncidentPlanRequest>,
    ) -> Result<Response<GetIncidentPlanResponse>, Status> {
        answer(get_incident_plan::handle(self, &request).await)
    }

    async fn complete_task(
        &self,
        request: Request<CompleteTaskRequest>,
    ) -> Result<Response<CompleteTaskResponse>, Status> {
        answer(complete_task::handle(self, &request).await)
    }

    async fn skip_task(
        &self,
        request: Request<SkipTaskRequest>,
    ) -> Result<Response<SkipTaskResponse>, Status> {
        answer(skip_task::handle(self, &request).await)
    }

    async fn answer_condition(
        &self,
        request: Request<AnswerConditionRequest>,
    ) -> Result<Response<AnswerConditionResponse>, Status> {
        answer(answer_condition::handle(self, &request).await)
    }

    async fn change_terms(
        &self,
        request: Request<ChangeTermsRequest>,
    ) -> Result<Response<ChangeTermsResponse>, Status> {
        answer(change_terms::handle(self, &request).await)
    }
}
