//! CaseService: hands each call to its file.

use std::sync::Arc;

use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::case_service_server::CaseService;
use redress_rpc::{status, watch};
use tonic::{Request, Response, Status, Streaming};

use super::own_move::OwnMove;
use super::{
    add_evidence, create_case, get_case, import_cases, list_cases, list_timeline, merge_cases,
    own_move, record_contact, record_custody, record_needs, search_cases, update_case,
    verify_timeline, verify_timelines, watch_cases,
};
use crate::intake::Intake;

/// Serves cases.
#[derive(Debug, Clone)]
pub struct CaseServer(pub Arc<Intake>);

#[tonic::async_trait]
impl CaseService for CaseServer {
    async fn create_case(
        &self,
        request: Request<pb::CreateCaseRequest>,
    ) -> Result<Response<pb::CreateCaseResponse>, Status> {
        let case = create_case::create(&self.0, request)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::CreateCaseResponse { case: Some(case) }))
    }

    async fn get_case(
        &self,
        request: Request<pb::GetCaseRequest>,
    ) -> Result<Response<pb::GetCaseResponse>, Status> {
        let case = get_case::get(&self.0, request).await.map_err(status)?;
        Ok(Response::new(pb::GetCaseResponse { case: Some(case) }))
    }

    async fn list_cases(
        &self,
        request: Request<pb::ListCasesRequest>,
    ) -> Result<Response<pb::ListCasesResponse>, Status> {
        list_cases::list(&self.0, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn search_cases(
        &self,
        request: Request<pb::SearchCasesRequest>,
    ) -> Result<Response<pb::SearchCasesResponse>, Status> {
        search_cases::search(&self.0, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn update_case(
        &self,
        request: Request<pb::UpdateCaseRequest>,
    ) -> Result<Response<pb::UpdateCaseResponse>, Status> {
        let case = update_case::update(&self.0, request)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::UpdateCaseResponse { case: Some(case) }))
    }

    async fn record_contact(
        &self,
        request: Request<pb::RecordContactRequest>,
    ) -> Result<Response<pb::RecordContactResponse>, Status> {
        let contact = record_contact::record(&self.0, request)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::RecordContactResponse {
            contact: Some(contact),
        }))
    }

    async fn add_evidence(
        &self,
        request: Request<pb::AddEvidenceRequest>,
    ) -> Result<Response<pb::AddEvidenceResponse>, Status> {
        let evidence = add_evidence::add(&self.0, request).await.map_err(status)?;
        Ok(Response::new(pb::AddEvidenceResponse {
            evidence: Some(evidence),
        }))
    }

    async fn record_custody(
        &self,
        request: Request<pb::RecordCustodyRequest>,
    ) -> Result<Response<pb::RecordCustodyResponse>, Status> {
        let evidence = record_custody::record(&self.0, request)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::RecordCustodyResponse {
            evidence: Some(evidence),
        }))
    }

    async fn record_needs(
        &self,
        request: Request<pb::RecordNeedsRequest>,
    ) -> Result<Response<pb::RecordNeedsResponse>, Status> {
        let case = record_needs::record(&self.0, request)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::RecordNeedsResponse { case: Some(case) }))
    }

    async fn withdraw_case(
        &self,
        request: Request<pb::WithdrawCaseRequest>,
    ) -> Result<Response<pb::WithdrawCaseResponse>, Status> {
        let case = own_move::run(&self.0, request, OwnMove::withdraw)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::WithdrawCaseResponse { case: Some(case) }))
    }

    async fn merge_cases(
        &self,
        request: Request<pb::MergeCasesRequest>,
    ) -> Result<Response<pb::MergeCasesResponse>, Status> {
        let case = merge_cases::merge(&self.0, request).await.map_err(status)?;
        Ok(Response::new(pb::MergeCasesResponse { case: Some(case) }))
    }

    async fn unmerge_case(
        &self,
        request: Request<pb::UnmergeCaseRequest>,
    ) -> Result<Response<pb::UnmergeCaseResponse>, Status> {
        let case = own_move::run(&self.0, request, OwnMove::unmerge)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::UnmergeCaseResponse { case: Some(case) }))
    }

    async fn reopen_case(
        &self,
        request: Request<pb::ReopenCaseRequest>,
    ) -> Result<Response<pb::ReopenCaseResponse>, Status> {
        let case = own_move::run(&self.0, request, OwnMove::reopen)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::ReopenCaseResponse { case: Some(case) }))
    }

    async fn archive_case(
        &self,
        request: Request<pb::ArchiveCaseRequest>,
    ) -> Result<Response<pb::ArchiveCaseResponse>, Status> {
        let case = own_move::run(&self.0, request, OwnMove::archive)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::ArchiveCaseResponse { case: Some(case) }))
    }

    async fn erase_case(
        &self,
        request: Request<pb::EraseCaseRequest>,
    ) -> Result<Response<pb::EraseCaseResponse>, Status> {
        let case = own_move::run(&self.0, request, OwnMove::erase)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::EraseCaseResponse { case: Some(case) }))
    }

    async fn list_timeline(
        &self,
        request: Request<pb::ListTimelineRequest>,
    ) -> Result<Response<pb::ListTimelineResponse>, Status> {
        list_timeline::list(&self.0, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn verify_timeline(
        &self,
        request: Request<pb::VerifyTimelineRequest>,
    ) -> Result<Response<pb::VerifyTimelineResponse>, Status> {
        verify_timeline::verify(&self.0, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn verify_timelines(
        &self,
        request: Request<pb::VerifyTimelinesRequest>,
    ) -> Result<Response<pb::VerifyTimelinesResponse>, Status> {
        verify_timelines::verify(&self.0, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    type WatchCasesStream = watch::Stream<pb::WatchCasesResponse>;

    async fn watch_cases(
        &self,
        request: Request<pb::WatchCasesRequest>,
    ) -> Result<Response<Self::WatchCasesStream>, Status> {
        watch_cases::watch(&self.0, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    type ImportCasesStream = watch::Stream<pb::ImportCasesResponse>;

    async fn import_cases(
        &self,
        request: Request<Streaming<pb::ImportCasesRequest>>,
    ) -> Result<Response<Self::ImportCasesStream>, Status> {
        import_cases::import(&self.0, request)
            .map(Response::new)
            .map_err(status)
    }
}
