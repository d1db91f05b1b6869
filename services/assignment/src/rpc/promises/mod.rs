//! PromiseService, one file per RPC.

mod list_open_promises;

use redress_model::name::{ClockName, SiteId};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::promise_service_server::PromiseService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_rpc::status;
use tonic::{Request, Response, Status};

use super::{Shared, parse};
use crate::store::promises::Running;

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
