//! PromiseService, one file per RPC.

mod list_open_promises;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, ClockName, SiteId, StaffId, StaffName};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::promise_service_server::PromiseService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_rpc::{Caller, status};
use redress_store::Tx;
use tonic::{Request, Response, Status};

use super::{Shared, parse};
use crate::store::promises::{self, Filter, Promise, Running};

/// Lets its holder see everybody's entries of the ledger.
const SEE_ENTRIES: &str = "ledger.list";

/// Lets its holder confirm or refuse penalties that others proposed.
const CONFIRM: &str = "ledger.add";

/// Lets its holder decide appeals against entries of the ledger.
const DECIDE: &str = "ledger.decide";

/// What is promised and not done yet.
#[derive(Debug, Clone)]
pub struct PromiseRpc(pub Shared);

#[tonic::async_trait]
impl PromiseService for PromiseRpc {
    async fn list_open_promises(
        &self,
        request: Request<wire::ListOpenPromisesRequest>,
    ) -> Result<Response<wire::ListOpenPromisesResponse>, Status> {
        answer!(&self.0, request, list_open_promises)
    }
}

/// A running clock of a case of this site.
pub(super) fn clock(site: &SiteId, running: &Running) -> wire::WorkClock {
    wire::WorkClock {
        clock: ClockName::new(site.clone(), running.clock).to_string(),
        kind: to_wire(running.kind),
        state: to_wire(running.state),
        due_time: running.due.map(to_timestamp),
        held: running.held,
    }
}

/// Every promise that this person owes at the site, of those that the caller may see.
pub(super) async fn owed_by(
    tx: &mut Tx,
    caller: &Caller,
    site: &SiteId,
    staff: &StaffId,
) -> Result<Vec<Promise>, Fault> {
    let filter = seen_by(caller, Some(site.clone()), Some(staff.clone()));
    promises::list(tx, &filter, None, i64::MAX).await
}

/// What this caller may see of the promises of a site, or of a person of it.
fn seen_by(caller: &Caller, site: Option<SiteId>, staff: Option<StaffId>) -> Filter {
    Filter {
        site,
        staff,
        all_entries: caller.may(SEE_ENTRIES),
        confirmer: caller.may(CONFIRM).then(|| caller.subject.clone()),
        decider: caller.may(DECIDE).then(|| caller.subject.clone()),
        caller: caller.staff.clone().map(|s| (s.site, s.id)),
    }
}

/// A promise as it stands at this instant.
pub(super) fn render(promise: Promise, now: Timestamp) -> wire::OpenPromise {
    let site = &promise.site;
    let overdue = !promise.held && promise.late_from().is_some_and(|late| late <= now);
    wire::OpenPromise {
        kind: to_wire(promise.kind),
        resource: format!("sites/{site}/{}", promise.resource),
        case: promise.case.map_or_else(String::new, |id| {
            CaseName::new(site.clone(), id).to_string()
        }),
        number: promise.number,
        staff: promise.staff.map_or_else(String::new, |id| {
            StaffName::new(site.clone(), id).to_string()
        }),
        text: promise.text,
        due_time: promise.due.map(to_timestamp),
        overdue,
        held: promise.held,
    }
}
