//! Rosters by rules: one file per RPC.

mod create_leave;
mod create_swap;
mod delete_leave;
mod delete_swap;
mod get_roster_plan;
mod import_roster;
mod list_duty_slots;
mod list_leaves;
mod list_swaps;
mod read_file;
mod render;
mod set_roster_plan;

use jiff::Timestamp;
use redress_model::name::{SiteId, StaffId, StaffName};
use redress_model::{Fault, Violation};
use redress_proto::assignment::v1::roster_plan_service_server::RosterPlanService;
use redress_proto::assignment::v1::{
    CreateLeaveRequest, CreateLeaveResponse, CreateSwapRequest, CreateSwapResponse,
    DeleteLeaveRequest, DeleteLeaveResponse, DeleteSwapRequest, DeleteSwapResponse,
    GetRosterPlanRequest, GetRosterPlanResponse, ImportRosterRequest, ImportRosterResponse,
    ListDutySlotsRequest, ListDutySlotsResponse, ListLeavesRequest, ListLeavesResponse,
    ListSwapsRequest, ListSwapsResponse, SetRosterPlanRequest, SetRosterPlanResponse,
};
use redress_proto::convert::from_timestamp;
use redress_rpc::status;
use redress_store::Tx;
use tonic::{Request, Response, Status};

use super::{Shared, parse};
use crate::store::plan::Filter;
use crate::store::staff;

/// A window that is given from both sides and not empty.
fn window(
    of: &str,
    start: Option<&prost_types::Timestamp>,
    end: Option<&prost_types::Timestamp>,
) -> Result<(Timestamp, Timestamp), Fault> {
    let instant = |name: &str, given: Option<&prost_types::Timestamp>| {
        let field = format!("{of}.{name}");
        let given = given.ok_or_else(|| Fault::invalid(&field, "must be given"))?;
        from_timestamp(&field, given)
    };
    let (from, until) = (instant("start_time", start)?, instant("end_time", end)?);
    if until <= from {
        let field = format!("{of}.end_time");
        return Err(Fault::invalid(field, "must be after start_time"));
    }
    Ok((from, until))
}

/// What a list of leave or of swaps is narrowed by.
fn filter(
    parent: &str,
    staff: &str,
    after: Option<&prost_types::Timestamp>,
) -> Result<Filter, Fault> {
    let site = parse::site(parent)?;
    Ok(Filter {
        staff: parse::staff_of("staff", Some(&site), staff)?,
        after: after.map(|t| from_timestamp("after_time", t)).transpose()?,
        site,
    })
}

/// A person of the site who must be given.
fn person(field: &str, site: &SiteId, name: &str) -> Result<StaffId, Fault> {
    parse::staff_of(field, Some(site), name)?.ok_or_else(|| Fault::invalid(field, "must be given"))
}

/// That these people exist and work here, each named with its field.
async fn require_people(
    tx: &mut Tx,
    site: &SiteId,
    people: &[(&str, &StaffId)],
) -> Result<(), Fault> {
    let ids: Vec<String> = people.iter().map(|(_, id)| id.to_string()).collect();
    let active = staff::active(tx, site, &ids).await?;
    let violations: Vec<Violation> = people
        .iter()
        .filter(|(_, id)| !active.contains(id))
        .map(|(field, id)| Violation {
            field: (*field).to_owned(),
            description: format!(
                "{} does not exist or has retired",
                StaffName::new(site.clone(), (*id).clone())
            ),
        })
        .collect();
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Fault::violations(violations))
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

/// Rosters by rules.
#[derive(Debug, Clone)]
pub struct RosterPlanRpc(pub Shared);

#[tonic::async_trait]
impl RosterPlanService for RosterPlanRpc {
    async fn get_roster_plan(
        &self,
        request: Request<GetRosterPlanRequest>,
    ) -> Result<Response<GetRosterPlanResponse>, Status> {
        answer!(&self.0, request, get_roster_plan)
    }

    async fn set_roster_plan(
        &self,
        request: Request<SetRosterPlanRequest>,
    ) -> Result<Response<SetRosterPlanResponse>, Status> {
        answer!(&self.0, request, set_roster_plan)
    }

    async fn list_duty_slots(
        &self,
        request: Request<ListDutySlotsRequest>,
    ) -> Result<Response<ListDutySlotsResponse>, Status> {
        answer!(&self.0, request, list_duty_slots)
    }

    async fn create_leave(
        &self,
        request: Request<CreateLeaveRequest>,
    ) -> Result<Response<CreateLeaveResponse>, Status> {
        answer!(&self.0, request, create_leave)
    }

    async fn list_leaves(
        &self,
        request: Request<ListLeavesRequest>,
    ) -> Result<Response<ListLeavesResponse>, Status> {
        answer!(&self.0, request, list_leaves)
    }

    async fn delete_leave(
        &self,
        request: Request<DeleteLeaveRequest>,
    ) -> Result<Response<DeleteLeaveResponse>, Status> {
        answer!(&self.0, request, delete_leave)
    }

    async fn create_swap(
        &self,
        request: Request<CreateSwapRequest>,
    ) -> Result<Response<CreateSwapResponse>, Status> {
        answer!(&self.0, request, create_swap)
    }

    async fn list_swaps(
        &self,
        request: Request<ListSwapsRequest>,
    ) -> Result<Response<ListSwapsResponse>, Status> {
        answer!(&self.0, request, list_swaps)
    }

    async fn delete_swap(
        &self,
        request: Request<DeleteSwapRequest>,
    ) -> Result<Response<DeleteSwapResponse>, Status> {
        answer!(&self.0, request, delete_swap)
    }

    async fn import_roster(
        &self,
        request: Request<ImportRosterRequest>,
    ) -> Result<Response<ImportRosterResponse>, Status> {
        answer!(&self.0, request, import_roster)
    }
}
