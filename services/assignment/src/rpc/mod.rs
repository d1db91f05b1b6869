//! The services, one file per RPC. Each parses, decides, and persists in one transaction.

mod accept_assignment;
mod asked;
mod create_department;
mod create_staff;
mod get_department;
mod get_staff;
mod get_work;
mod list_accesses;
mod list_departments;
mod list_duties;
mod list_staff;
mod list_work;
mod log_progress;
mod outward;
mod parse;
mod plan;
mod practice;
mod read_staff_contact_points;
mod render;
mod resolve_work;
mod set_duties;
mod staffing;
mod update_department;
mod update_staff;
mod verify_work;

use std::fmt::Display;
use std::sync::Arc;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId, StaffId};
use redress_model::time::SharedClock;
use redress_proto::assignment::v1::roster_service_server::RosterService;
use redress_proto::assignment::v1::work_service_server::WorkService;
use redress_proto::assignment::v1::{
    AcceptAssignmentRequest, AcceptAssignmentResponse, CreateDepartmentRequest,
    CreateDepartmentResponse, CreateStaffRequest, CreateStaffResponse, GetDepartmentRequest,
    GetDepartmentResponse, GetStaffRequest, GetStaffResponse, GetWorkRequest, GetWorkResponse,
    ListAccessesRequest, ListAccessesResponse, ListDepartmentsRequest, ListDepartmentsResponse,
    ListDutiesRequest, ListDutiesResponse, ListStaffRequest, ListStaffResponse, ListWorkRequest,
    ListWorkResponse, LogProgressRequest, LogProgressResponse, ReadStaffContactPointsRequest,
    ReadStaffContactPointsResponse, ResolveWorkRequest, ResolveWorkResponse, SetDutiesRequest,
    SetDutiesResponse, UpdateDepartmentRequest, UpdateDepartmentResponse, UpdateStaffRequest,
    UpdateStaffResponse, VerifyWorkRequest, VerifyWorkResponse,
};
use redress_rpc::{Caller, Fingerprints, status};
use redress_store::receipt::ReceiptKey;
use redress_store::{Database, Keyring, Tx};
use tonic::{Request, Response, Status};

pub use plan::RosterPlanRpc;
pub use staffing::StaffingRpc;

use self::asked::Asked;
use crate::domain::bench::Bench;
use crate::domain::work::{Illegal, Work};
use crate::store;

pub use practice::{
    ContractorRpc, DisputeRpc, LibraryRpc, PowerRpc, RegisterRpc, SettlementRpc, TransferRpc,
    WarrantyRpc,
};

/// Lets its holder accept and resolve in another's name.
pub const OVERRIDE: &str = "assignments.override";

/// What every RPC needs.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The database.
    pub db: Database,
    /// The time.
    pub clock: SharedClock,
    /// Seals contact points and hints.
    pub keyring: Arc<Keyring>,
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

    /// A change of the work on a case; `request` comes with its `request_id` blanked.
    fn asked<'a>(
        &self,
        caller: &'a Caller,
        method: &'static str,
        case: CaseName,
        request_id: String,
        request: &impl prost::Message,
        etag: &str,
    ) -> Result<Asked<'a>, Fault> {
        caller.require_site(&case.site)?;
        Ok(Asked {
            receipt: self.receipt(caller, method, &case.site, request_id, request),
            case,
            etag: etag.to_owned(),
            caller,
            now: self.clock.now(),
        })
    }
}

/// The work on a case, as far as the caller may see it: whoever is complained about finds nothing.
async fn visible_work(tx: &mut Tx, caller: &Caller, case: &CaseName) -> Result<Work, Fault> {
    store::work::find(tx, case)
        .await?
        .filter(|work| {
            caller.staff.as_ref().is_none_or(|staff| {
                staff.site != case.site || !work.facts.excluded.contains(&staff.id)
            })
        })
        .ok_or_else(|| Fault::not_found("Work", parse::work_name(case)))
}

/// A move that the state does not allow, as FAILED_PRECONDITION with what is legal (I10).
fn illegal(illegal: &Illegal, case: &CaseName) -> Fault {
    Fault::illegal(
        "ILLEGAL_TRANSITION",
        illegal.to_string(),
        parse::work_name(case),
    )
}

/// That nobody is given work who is on leave and would let it lie (P14).
fn require_present(bench: &Bench, staff: &StaffId, name: impl Display) -> Result<(), Fault> {
    if bench.is_away(staff) {
        return Err(on_leave(staff, "name somebody else", name));
    }
    Ok(())
}

/// That nobody is to do something at a time at which they are on leave, named or not (P14). `legal` says what may be asked
/// instead.
async fn require_present_at(
    tx: &mut Tx,
    case: &CaseName,
    staff: &StaffId,
    at: Timestamp,
    legal: &str,
) -> Result<(), Fault> {
    if store::plan::is_away(tx, &case.site, staff, at).await? {
        return Err(on_leave(staff, legal, parse::work_name(case)));
    }
    Ok(())
}

fn on_leave(staff: &StaffId, legal: &str, name: impl Display) -> Fault {
    let text = format!("{staff} is on leave; legal now: {legal}, or delete the leave first");
    Fault::illegal("ON_LEAVE", text, name)
}

/// Whether the caller is this person of the case's site.
fn is_staff(caller: &Caller, case: &CaseName, person: &StaffId) -> bool {
    caller
        .staff
        .as_ref()
        .is_some_and(|staff| staff.site == case.site && staff.id == *person)
}

macro_rules! answer {
    ($shared:expr, $request:ident, $module:ident) => {
        $module::run($shared, $request)
            .await
            .map(Response::new)
            .map_err(status)
    };
}

mod handling;
mod solution;
mod validity;

pub use handling::HandlingRpc;
pub use solution::SolutionRpc;
pub use validity::ValidityRpc;
mod agency;
mod ledger;
mod promises;
mod reports;

pub use agency::AgencyRpc;
pub use ledger::LedgerRpc;
pub use promises::PromiseRpc;
pub use reports::ReportRpc;

/// The roster.
#[derive(Debug, Clone)]
pub struct RosterRpc(pub Shared);

#[tonic::async_trait]
impl RosterService for RosterRpc {
    async fn create_department(
        &self,
        request: Request<CreateDepartmentRequest>,
    ) -> Result<Response<CreateDepartmentResponse>, Status> {
        answer!(&self.0, request, create_department)
    }

    async fn get_department(
        &self,
        request: Request<GetDepartmentRequest>,
    ) -> Result<Response<GetDepartmentResponse>, Status> {
        answer!(&self.0, request, get_department)
    }

    async fn list_departments(
        &self,
        request: Request<ListDepartmentsRequest>,
    ) -> Result<Response<ListDepartmentsResponse>, Status> {
        answer!(&self.0, request, list_departments)
    }

    async fn update_department(
        &self,
        request: Request<UpdateDepartmentRequest>,
    ) -> Result<Response<UpdateDepartmentResponse>, Status> {
        answer!(&self.0, request, update_department)
    }

    async fn create_staff(
        &self,
        request: Request<CreateStaffRequest>,
    ) -> Result<Response<CreateStaffResponse>, Status> {
        answer!(&self.0, request, create_staff)
    }

    async fn get_staff(
        &self,
        request: Request<GetStaffRequest>,
    ) -> Result<Response<GetStaffResponse>, Status> {
        answer!(&self.0, request, get_staff)
    }

    async fn list_staff(
        &self,
        request: Request<ListStaffRequest>,
    ) -> Result<Response<ListStaffResponse>, Status> {
        answer!(&self.0, request, list_staff)
    }

    async fn update_staff(
        &self,
        request: Request<UpdateStaffRequest>,
    ) -> Result<Response<UpdateStaffResponse>, Status> {
        answer!(&self.0, request, update_staff)
    }

    async fn set_duties(
        &self,
        request: Request<SetDutiesRequest>,
    ) -> Result<Response<SetDutiesResponse>, Status> {
        answer!(&self.0, request, set_duties)
    }

    async fn list_duties(
        &self,
        request: Request<ListDutiesRequest>,
    ) -> Result<Response<ListDutiesResponse>, Status> {
        answer!(&self.0, request, list_duties)
    }

    async fn read_staff_contact_points(
        &self,
        request: Request<ReadStaffContactPointsRequest>,
    ) -> Result<Response<ReadStaffContactPointsResponse>, Status> {
        answer!(&self.0, request, read_staff_contact_points)
    }
}

/// The work on cases.
#[derive(Debug, Clone)]
pub struct WorkRpc(pub Shared);

#[tonic::async_trait]
impl WorkService for WorkRpc {
    async fn get_work(
        &self,
        request: Request<GetWorkRequest>,
    ) -> Result<Response<GetWorkResponse>, Status> {
        answer!(&self.0, request, get_work)
    }

    async fn list_work(
        &self,
        request: Request<ListWorkRequest>,
    ) -> Result<Response<ListWorkResponse>, Status> {
        answer!(&self.0, request, list_work)
    }

    async fn accept_assignment(
        &self,
        request: Request<AcceptAssignmentRequest>,
    ) -> Result<Response<AcceptAssignmentResponse>, Status> {
        answer!(&self.0, request, accept_assignment)
    }

    async fn log_progress(
        &self,
        request: Request<LogProgressRequest>,
    ) -> Result<Response<LogProgressResponse>, Status> {
        answer!(&self.0, request, log_progress)
    }

    async fn resolve_work(
        &self,
        request: Request<ResolveWorkRequest>,
    ) -> Result<Response<ResolveWorkResponse>, Status> {
        answer!(&self.0, request, resolve_work)
    }

    async fn verify_work(
        &self,
        request: Request<VerifyWorkRequest>,
    ) -> Result<Response<VerifyWorkResponse>, Status> {
        answer!(&self.0, request, verify_work)
    }

    async fn list_accesses(
        &self,
        request: Request<ListAccessesRequest>,
    ) -> Result<Response<ListAccessesResponse>, Status> {
        answer!(&self.0, request, list_accesses)
    }
}
