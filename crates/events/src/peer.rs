//! The one step out of the process: handing a batch to a subscriber's inbox.

use std::time::Duration;

use redress_model::Fault;
use redress_proto::event::v1::inbox_service_client::InboxServiceClient;
use redress_proto::event::v1::{DeliverRequest, DeliverResponse};
use redress_rpc::client::{self, Call, Peers};
use tonic::Status;

/// How long a subscriber may take for one batch.
const DELIVER_TIMEOUT: Duration = Duration::from_secs(30);

/// A subscriber's inbox: over gRPC between services, in memory where a test stands in for one.
#[async_trait::async_trait]
pub trait Peer: Send + Sync + 'static {
    /// Delivers a batch and returns one result for each event, in order.
    async fn deliver(&self, request: DeliverRequest) -> Result<DeliverResponse, Status>;
}

/// A subscriber reached over gRPC.
#[derive(Clone)]
pub struct GrpcPeer(InboxServiceClient<client::Peer>);

impl GrpcPeer {
    /// The inbox of `service`.
    ///
    /// # Errors
    /// INTERNAL when the service is not configured as a peer.
    pub fn new(peers: &Peers, service: &str) -> Result<Self, Fault> {
        // Delivering twice does no harm, but repeats are the relay's affair: it knows the order.
        let call = Call::new("deliver events").deadline(DELIVER_TIMEOUT);
        Ok(Self(InboxServiceClient::new(peers.call(service, call)?)))
    }
}

impl std::fmt::Debug for GrpcPeer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GrpcPeer")
    }
}

#[async_trait::async_trait]
impl Peer for GrpcPeer {
    async fn deliver(&self, request: DeliverRequest) -> Result<DeliverResponse, Status> {
        self.0
            .clone()
            .deliver(request)
            .await
            .map(tonic::Response::into_inner)
    }
}
