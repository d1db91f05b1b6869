//! AgencyService, one file per RPC.

mod list_store_reports;
mod submit_store_report;

use redress_model::name::CaseName;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::agency_service_server::AgencyService;
use redress_proto::convert::to_timestamp;
use redress_rpc::status;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Shared, parse};
use crate::store::store_reports::StoreReport;

/// What agency stores owe.
#[derive(Debug, Clone)]
pub struct AgencyRpc(pub Shared);

#[tonic::async_trait]
impl AgencyService for AgencyRpc {
    async fn submit_store_report(
        &self,
        request: Request<wire::SubmitStoreReportRequest>,
    ) -> Result<Response<wire::SubmitStoreReportResponse>, Status> {
        answer!(&self.0, request, submit_store_report)
    }

    async fn list_store_reports(
        &self,
        request: Request<wire::ListStoreReportsRequest>,
    ) -> Result<Response<wire::ListStoreReportsResponse>, Status> {
        answer!(&self.0, request, list_store_reports)
    }
}

fn report_name(case: &CaseName, id: Uuid) -> String {
    format!("{}/reports/{id}", parse::work_name(case))
}

fn render(case: &CaseName, report: StoreReport) -> wire::StoreReport {
    wire::StoreReport {
        name: report_name(case, report.id),
        text: report.text,
        author: report.author,
        submit_time: Some(to_timestamp(report.at)),
    }
}
