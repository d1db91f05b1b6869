//! The media desk: inquiries and exposures. One RPC a file.

mod answer_inquiry;
mod assess_exposure;
mod clarify_exposure;
mod decline_inquiry;
mod get_exposure;
mod get_inquiry;
mod list_exposures;
mod list_inquiries;
mod record_exposure;
mod record_inquiry;
pub(super) mod view;

use std::sync::Arc;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, StatementName};
use redress_proto::crisis::v1::media_service_server::MediaService;
use redress_proto::crisis::v1::{
    AnswerInquiryRequest, AnswerInquiryResponse, AssessExposureRequest, AssessExposureResponse,
    ClarifyExposureRequest, ClarifyExposureResponse, DeclineInquiryRequest, DeclineInquiryResponse,
    GetExposureRequest, GetExposureResponse, GetInquiryRequest, GetInquiryResponse,
    ListExposuresRequest, ListExposuresResponse, ListInquiriesRequest, ListInquiriesResponse,
    RecordExposureRequest, RecordExposureResponse, RecordInquiryRequest, RecordInquiryResponse,
};
use redress_store::Keyring;
use tonic::{Request, Response, Status};

use super::{Incidents, answer};

/// What the handlers need.
#[derive(Debug)]
pub struct Media {
    /// Incidents, in whose turns the desk works.
    pub incidents: Arc<Incidents>,
    /// What seals journalists.
    pub keys: Arc<Keyring>,
}

/// A statement that is named next to something of a site.
fn statement(site: &SiteId, name: &str) -> Result<StatementName, Fault> {
    let statement: StatementName = parse_field("statement", name)?;
    if statement.site == *site {
        Ok(statement)
    } else {
        Err(Fault::invalid("statement", "must belong to the same site"))
    }
}

#[tonic::async_trait]
impl MediaService for Media {
    async fn record_inquiry(
        &self,
        request: Request<RecordInquiryRequest>,
    ) -> Result<Response<RecordInquiryResponse>, Status> {
        answer(record_inquiry::handle(self, &request).await)
    }

    async fn get_inquiry(
        &self,
        request: Request<GetInquiryRequest>,
    ) -> Result<Response<GetInquiryResponse>, Status> {
        answer(get_inquiry::handle(self, &request).await)
    }

    async fn list_inquiries(
        &self,
        request: Request<ListInquiriesRequest>,
    ) -> Result<Response<ListInquiriesResponse>, Status> {
        answer(list_inquiries::handle(self, &request).await)
    }

    async fn answer_inquiry(
        &self,
        request: Request<AnswerInquiryRequest>,
    ) -> Result<Response<AnswerInquiryResponse>, Status> {
        answer(answer_inquiry::handle(self, &request).await)
    }

    async fn decline_inquiry(
        &self,
        request: Request<DeclineInquiryRequest>,
    ) -> Result<Response<DeclineInquiryResponse>, Status> {
        answer(decline_inquiry::handle(self, &request).await)
    }

    async fn record_exposure(
        &self,
        request: Request<RecordExposureRequest>,
    ) -> Result<Response<RecordExposureResponse>, Status> {
        answer(record_exposure::handle(self, &request).await)
    }

    async fn get_exposure(
        &self,
        request: Request<GetExposureRequest>,
    ) -> Result<Response<GetExposureResponse>, Status> {
        answer(get_exposure::handle(self, &request).await)
    }

    async fn list_exposures(
        &self,
        request: Request<ListExposuresRequest>,
    ) -> Result<Response<ListExposuresResponse>, Status> {
        answer(list_exposures::handle(self, &request).await)
    }

    async fn assess_exposure(
        &self,
        request: Request<AssessExposureRequest>,
    ) -> Result<Response<AssessExposureResponse>, Status> {
        answer(assess_exposure::handle(self, &request).await)
    }

    async fn clarify_exposure(
        &self,
        request: Request<ClarifyExposureRequest>,
    ) -> Result<Response<ClarifyExposureResponse>, Status> {
        answer(clarify_exposure::handle(self, &request).await)
    }
}
