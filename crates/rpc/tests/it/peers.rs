//! Calls between services, over real connections.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use redress_model::Fault;
use redress_proto::event::v1::event_admin_service_client::EventAdminServiceClient;
use redress_proto::event::v1::event_admin_service_server::{
    EventAdminService, EventAdminServiceServer,
};
use redress_proto::event::v1::{
    ListParkedEventsRequest, ListParkedEventsResponse, RedriveEventRequest, RedriveEventResponse,
};
use redress_rpc::client::{Call, Peers};
use redress_rpc::{fault_of, status};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::support::{Platform, meter};

/// A peer that is away for its first calls, and tells what it was shown.
#[derive(Default)]
struct Flaky {
    away: AtomicU32,
    calls: AtomicU32,
}

#[derive(Clone)]
struct Admin(Arc<Flaky>);

#[tonic::async_trait]
impl EventAdminService for Admin {
    async fn list_parked_events(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        assert!(request.metadata().contains_key("authorization"));
        assert!(request.metadata().contains_key("grpc-timeout"));
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        let away = self.0.away.load(Ordering::SeqCst);
        if away > 0 {
            self.0.away.store(away - 1, Ordering::SeqCst);
            return Err(status(Fault::unavailable("postgres")));
        }
        Ok(Response::new(ListParkedEventsResponse::default()))
    }

    async fn redrive_event(
        &self,
        _: Request<RedriveEventRequest>,
    ) -> Result<Response<RedriveEventResponse>, Status> {
        std::future::pending().await
    }
}

async fn server(flaky: &Arc<Flaky>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
    let service = EventAdminServiceServer::new(Admin(Arc::clone(flaky)));
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    address
}

fn peers(platform: &Platform, url: String) -> Peers {
    let urls = BTreeMap::from([("triage".to_owned(), url)]);
    Peers::new("intake", platform.issuer.clone(), &urls, &meter()).expect("a URL")
}

async fn list(peers: &Peers, call: Call) -> Result<(), Fault> {
    let peer = peers.call("triage", call)?;
    EventAdminServiceClient::new(peer)
        .list_parked_events(ListParkedEventsRequest::default())
        .await
        .map(drop)
        .map_err(|s| fault_of("triage", s))
}

#[tokio::test]
async fn an_idempotent_call_is_repeated_while_the_peer_is_away() {
    let (platform, flaky) = (Platform::new(), Arc::new(Flaky::default()));
    flaky.away.store(2, Ordering::SeqCst);
    let peers = peers(&platform, format!("http://{}", server(&flaky).await));
    list(&peers, Call::new("test").idempotent())
        .await
        .expect("third time");
    assert_eq!(flaky.calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn any_other_call_is_made_once() {
    let (platform, flaky) = (Platform::new(), Arc::new(Flaky::default()));
    flaky.away.store(1, Ordering::SeqCst);
    let peers = peers(&platform, format!("http://{}", server(&flaky).await));
    let fault = list(&peers, Call::new("test")).await.expect_err("away");
    assert_eq!(fault.reason(), "DEPENDENCY_UNAVAILABLE");
    assert_eq!(flaky.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_peer_that_hangs_is_given_up_at_the_deadline() {
    let (platform, flaky) = (Platform::new(), Arc::new(Flaky::default()));
    let peers = peers(&platform, format!("http://{}", server(&flaky).await));
    let call = Call::new("test").deadline(Duration::from_millis(100));
    let peer = peers.call("triage", call).expect("configured");
    let status = EventAdminServiceClient::new(peer)
        .redrive_event(RedriveEventRequest {
            event_id: "e".to_owned(),
            subscriber: "s".to_owned(),
        })
        .await
        .expect_err("too late");
    assert_eq!(fault_of("triage", status).reason(), "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_peer_that_is_down_is_unavailable() {
    let platform = Platform::new();
    let peers = peers(&platform, "http://127.0.0.1:1".to_owned());
    let fault = list(&peers, Call::new("test").idempotent())
        .await
        .expect_err("down");
    assert!(fault.is_transient(), "{fault:?}");
}

#[tokio::test]
async fn a_name_is_resolved_and_called() {
    let (platform, flaky) = (Platform::new(), Arc::new(Flaky::default()));
    let port = server(&flaky).await.port();
    let peers = peers(&platform, format!("http://localhost:{port}"));
    let call = Call::new("test")
        .idempotent()
        .deadline(Duration::from_secs(20));
    list(&peers, call).await.expect("resolved");
}

#[tokio::test]
async fn a_wrong_url_names_its_peer() {
    let platform = Platform::new();
    let urls = BTreeMap::from([("triage".to_owned(), "triage:7402".to_owned())]);
    let error =
        Peers::new("intake", platform.issuer.clone(), &urls, &meter()).expect_err("no scheme");
    assert!(error.to_string().starts_with("peers.triage is"));
}
