//! HandlingService, one file per RPC.

mod calm_complainant;
mod cancel_visit;
mod close_work;
mod follow_up_work;
mod get_hints;
mod hints;
mod list_visits;
mod plan_visit;
mod record_visit;
mod restate_work;
mod set_hints;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::assignment::v1::{
    CalmComplainantRequest, CalmComplainantResponse, CancelVisitRequest, CancelVisitResponse,
    CloseWorkRequest, CloseWorkResponse, FollowUpWorkRequest, FollowUpWorkResponse,
    GetHintsRequest, GetHintsResponse, ListVisitsRequest, ListVisitsResponse, PlanVisitRequest,
    PlanVisitResponse, RecordVisitRequest, RecordVisitResponse, RestateWorkRequest,
    RestateWorkResponse, SetHintsRequest, SetHintsResponse,
};
use redress_rpc::status;
use redress_store::Tx;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Shared, parse};
use crate::domain::handling::Visit;
use crate::domain::person::Person;
use crate::domain::solution::Solution;
use crate::domain::work::Work;
use crate::store::{solutions, visits};

/// Handling of the people of cases.
#[derive(Debug, Clone)]
pub struct HandlingRpc(pub Shared);

/// Who resolved the case and who wrote of its solution: none of them reviews it (M03).
async fn authors(tx: &mut Tx, work: &Work) -> Result<Vec<Person>, Fault> {
    let resolver = work.resolution.as_ref().map(|r| r.resolver.clone());
    let solution = told(tx, work).await?;
    let wrote = solution.iter().flat_map(Solution::authors).cloned();
    Ok(resolver.into_iter().chain(wrote).collect())
}

/// The solution that the complainant was told last since the case was opened.
async fn told(tx: &mut Tx, work: &Work) -> Result<Option<Solution>, Fault> {
    let all = solutions::of_case(tx, &work.case).await?;
    let of_now = |s: &Solution| s.epoch == work.epoch && s.told.is_some();
    Ok(all.into_iter().find(of_now))
}

/// The name that the receipt of a visit keeps.
fn visit_name(case: &CaseName, visit: &Visit) -> String {
    format!("{}/visits/{}", parse::work_name(case), visit.id)
}

/// The visit behind the name in a receipt.
async fn visit_of(tx: &mut Tx, case: &CaseName, resource: &str) -> Result<Visit, Fault> {
    let id = resource.rsplit('/').next().unwrap_or_default();
    let id: Uuid = id.parse().map_err(Fault::internal)?;
    visits::get(tx, case, id).await
}

/// A planned visit that nobody makes any more; one that was made stays made.
fn cancelled(case: &CaseName, visit: Visit, now: Timestamp) -> Result<Visit, Fault> {
    if visit.made.is_some() {
        let text = "the visit was made; legal now: plan another";
        return Err(Fault::illegal(
            "VISIT_ENDED",
            text.to_owned(),
            parse::work_name(case),
        ));
    }
    Ok(Visit {
        cancelled: visit.cancelled.or(Some(now)),
        ..visit
    })
}

#[tonic::async_trait]
impl HandlingService for HandlingRpc {
    async fn restate_work(
        &self,
        request: Request<RestateWorkRequest>,
    ) -> Result<Response<RestateWorkResponse>, Status> {
        answer!(&self.0, request, restate_work)
    }

    async fn calm_complainant(
        &self,
        request: Request<CalmComplainantRequest>,
    ) -> Result<Response<CalmComplainantResponse>, Status> {
        answer!(&self.0, request, calm_complainant)
    }

    async fn set_hints(
        &self,
        request: Request<SetHintsRequest>,
    ) -> Result<Response<SetHintsResponse>, Status> {
        answer!(&self.0, request, set_hints)
    }

    async fn get_hints(
        &self,
        request: Request<GetHintsRequest>,
    ) -> Result<Response<GetHintsResponse>, Status> {
        answer!(&self.0, request, get_hints)
    }

    async fn plan_visit(
        &self,
        request: Request<PlanVisitRequest>,
    ) -> Result<Response<PlanVisitResponse>, Status> {
        answer!(&self.0, request, plan_visit)
    }

    async fn cancel_visit(
        &self,
        request: Request<CancelVisitRequest>,
    ) -> Result<Response<CancelVisitResponse>, Status> {
        answer!(&self.0, request, cancel_visit)
    }

    async fn record_visit(
        &self,
        request: Request<RecordVisitRequest>,
    ) -> Result<Response<RecordVisitResponse>, Status> {
        answer!(&self.0, request, record_visit)
    }

    async fn list_visits(
        &self,
        request: Request<ListVisitsRequest>,
    ) -> Result<Response<ListVisitsResponse>, Status> {
        answer!(&self.0, request, list_visits)
    }

    async fn follow_up_work(
        &self,
        request: Request<FollowUpWorkRequest>,
    ) -> Result<Response<FollowUpWorkResponse>, Status> {
        answer!(&self.0, request, follow_up_work)
    }

    async fn close_work(
        &self,
        request: Request<CloseWorkRequest>,
    ) -> Result<Response<CloseWorkResponse>, Status> {
        answer!(&self.0, request, close_work)
    }
}
