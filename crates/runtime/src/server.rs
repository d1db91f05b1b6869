//! The server: from the first byte of a connection to the gate. The port is open, and health answers
//! NOT_SERVING, before the database is; everything else answers UNAVAILABLE until the app is there.

use std::convert::Infallible;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Request, Response};
use redress_model::Fault;
use redress_proto::FILE_DESCRIPTOR_SET;
use redress_rpc::gate::{Gate, Gated};
use redress_rpc::permission::{MethodTable, TableError};
use redress_rpc::status;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::ServerTlsConfig;
use tonic::transport::server::TcpIncoming;
use tonic_health::server::HealthReporter;
use tower::Layer as _;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::service::{App, BoxError};

/// A silent connection is asked for a sign of life this often, and given as long to answer.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else has it.
    #[error(
        "the address {0} is taken by another program; stop it or set server.listen to another one"
    )]
    Taken(SocketAddr),
    /// Anything else.
    #[error("the address {address} cannot be listened on: {source}; correct server.listen")]
    Other {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// Opens the port.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let open = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    open().map_err(|source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => ListenError::Taken(address),
        _ => ListenError::Other { address, source },
    })
}

/// The methods that an app serves, and its routes with reflection beside them.
pub(crate) fn routes(app: &mut App) -> Result<(MethodTable, Routes), BoxError> {
    let table = MethodTable::read(FILE_DESCRIPTOR_SET, app.served.iter().copied())
        .map_err(|e: TableError| e.to_string())?;
    let mut reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health")
        .with_service_name("grpc.reflection.v1.ServerReflection");
    for name in &app.served {
        reflection = reflection.with_service_name(*name);
    }
    Ok((table, app.take_routes().add_service(reflection.build_v1()?)))
}

/// Serves a [`Front`] until `stop`, then waits for calls in flight.
pub(crate) async fn serve(
    listener: TcpListener,
    front: Front,
    cors_origins: &[String],
    tls: Option<ServerTlsConfig>,
    stop: CancellationToken,
) -> Result<(), BoxError> {
    let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener)?)
        .with_nodelay(Some(true))
        .with_keepalive(Some(KEEP_ALIVE));
    let mut server = tonic::transport::Server::builder()
        .accept_http1(true)
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE));
    if let Some(tls) = tls {
        server = server.tls_config(tls)?;
    }
    server
        .layer(cors(cors_origins))
        .layer(tonic_web::GrpcWebLayer::new())
        .serve_with_incoming_shutdown(front, incoming, stop.cancelled_owned())
        .await?;
    Ok(())
}

/// What web pages of these origins may do. No origin, no page.
fn cors(origins: &[String]) -> CorsLayer {
    let allowed = if origins.iter().any(|o| o == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|o| HeaderValue::from_str(o).ok()))
    };
    let names = |names: &[&'static str]| -> Vec<HeaderName> {
        names.iter().copied().map(HeaderName::from_static).collect()
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([http::Method::POST])
        .allow_headers(names(&[
            "authorization",
            "content-type",
            "grpc-timeout",
            "traceparent",
            "tracestate",
            "x-grpc-web",
            "x-user-agent",
        ]))
        .expose_headers(names(&[
            "grpc-message",
            "grpc-status",
            "grpc-status-details-bin",
        ]))
        .max_age(Duration::from_secs(3600))
}

/// Health from the start, the app once it is there.
#[derive(Clone)]
pub(crate) struct Front {
    health: Routes,
    app: Arc<OnceLock<Gated<Routes>>>,
}

impl Front {
    pub(crate) fn new() -> (Self, HealthReporter) {
        let (reporter, health) = tonic_health::server::health_reporter();
        let front = Self {
            health: Routes::new(health),
            app: Arc::default(),
        };
        (front, reporter)
    }

    /// Opens the door behind the gate.
    pub(crate) fn open(&self, gate: &Gate, routes: Routes) {
        let opened = self.app.set(gate.layer(routes.prepare()));
        debug_assert!(opened.is_ok(), "the door opens once");
    }
}

impl tower::Service<Request<Body>> for Front {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.uri().path().starts_with("/grpc.health.v1.Health/") {
            return Box::pin(self.health.call(request));
        }
        match self.app.get() {
            Some(app) => Box::pin(app.clone().call(request)),
            None => {
                let answer = status(Fault::unavailable("this service (it is starting)"));
                Box::pin(std::future::ready(Ok(answer.into_http())))
            }
        }
    }
}
