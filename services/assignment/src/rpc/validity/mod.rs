//! ValidityService, one file per RPC.

mod appeal_validity;
mod decide_appeal;
mod decide_validity;
mod get_validity;
mod reject_work;

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::validity_service_server::ValidityService;
use redress_proto::assignment::v1::{
    AppealValidityRequest, AppealValidityResponse, DecideAppealRequest, DecideAppealResponse,
    DecideValidityRequest, DecideValidityResponse, GetValidityRequest, GetValidityResponse,
    RejectWorkRequest, RejectWorkResponse,
};
use redress_rpc::status;
use tonic::{Request, Response, Status};

use super::{Shared, parse};
use crate::domain::validity::DecidedAbove;

/// A decision that this caller does not overturn.
fn decided_above(why: &DecidedAbove, case: &CaseName) -> Fault {
    Fault::illegal("DECIDED_ABOVE", why.to_string(), parse::work_name(case))
}

/// Whether complaints are justified.
#[derive(Debug, Clone)]
pub struct ValidityRpc(pub Shared);

#[tonic::async_trait]
impl ValidityService for ValidityRpc {
    async fn decide_validity(
        &self,
        request: Request<DecideValidityRequest>,
    ) -> Result<Response<DecideValidityResponse>, Status> {
        answer!(&self.0, request, decide_validity)
    }

    async fn get_validity(
        &self,
        request: Request<GetValidityRequest>,
    ) -> Result<Response<GetValidityResponse>, Status> {
        answer!(&self.0, request, get_validity)
    }

    async fn reject_work(
        &self,
        request: Request<RejectWorkRequest>,
    ) -> Result<Response<RejectWorkResponse>, Status> {
        answer!(&self.0, request, reject_work)
    }

    async fn appeal_validity(
        &self,
        request: Request<AppealValidityRequest>,
    ) -> Result<Response<AppealValidityResponse>, Status> {
        answer!(&self.0, request, appeal_validity)
    }

    async fn decide_appeal(
        &self,
        request: Request<DecideAppealRequest>,
    ) -> Result<Response<DecideAppealResponse>, Status> {
        answer!(&self.0, request, decide_appeal)
    }
}
