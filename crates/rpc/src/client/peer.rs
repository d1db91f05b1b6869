//! One call to a peer, with everything that goes along.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute::{
    RPC_METHOD, RPC_RESPONSE_STATUS_CODE, RPC_SYSTEM_NAME,
};
use redress_model::Fault;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service as _;
use tracing::{Instrument as _, Span};

use super::address::Destination;
use super::{Call, Inner, Peers};
use crate::status::status;
use crate::{gate, trace_context};

/// How often a call is tried, the first time included.
const TRIES_MAX: u32 = 4;

/// Pause before the second try; doubles with each, with up to as much again by chance.
const PAUSE: Duration = Duration::from_millis(50);

/// So much earlier than the channel's own timer, which would say CANCELLED.
const MARGIN: Duration = Duration::from_millis(2);

/// A token is used this long, a good part of its life.
const TOKEN_USED: Duration = Duration::from_secs(45);

/// A channel to one service, for one purpose. Generated clients take it in place of a tonic channel;
/// it may be kept, for its token is renewed.
#[derive(Clone)]
pub struct Peer {
    peers: Peers,
    destination: Destination,
    call: Call,
    token: Arc<Mutex<Option<(Instant, HeaderValue)>>>,
}

impl Peer {
    pub(super) fn new(peers: Peers, destination: Destination, call: Call) -> Self {
        Self {
            peers,
            destination,
            call,
            token: Arc::default(),
        }
    }

    fn authorization(&self) -> Result<HeaderValue, Fault> {
        let mut token = self.token.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((made, value)) = &*token
            && made.elapsed() < TOKEN_USED
        {
            return Ok(value.clone());
        }
        let Inner {
            issuer, service, ..
        } = &*self.peers.0;
        let text = issuer
            .service_token(
                service,
                &self.destination.name,
                &self.call.sites,
                &self.call.purpose,
            )
            .map_err(Fault::internal)?;
        let mut value =
            HeaderValue::from_str(&format!("Bearer {text}")).map_err(Fault::internal)?;
        value.set_sensitive(true);
        *token = Some((Instant::now(), value.clone()));
        Ok(value)
    }

    async fn send(self, mut request: Request<Body>) -> Result<Response<Body>, Status> {
        let limit =
            gate::remaining().map_or(self.call.deadline, |left| left.min(self.call.deadline));
        let deadline = Instant::now() + limit.max(MARGIN);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.authorization().map_err(status)?);
        trace_context::inject(&Span::current(), headers);
        // A stream's whole life is its caller's affair; one answer is awaited here.
        let work = if self.call.idempotent {
            futures::future::Either::Left(self.send_until_answered(request, deadline))
        } else {
            futures::future::Either::Right(self.send_once(request, deadline))
        };
        // Ours first: on a busy machine both timers are due by the time somebody looks.
        tokio::select! {
            biased;
            () = tokio::time::sleep_until((deadline - MARGIN).into()) => Err(status(Fault::Deadline)),
            answer = work => answer,
        }
    }

    async fn send_once(
        &self,
        mut request: Request<Body>,
        deadline: Instant,
    ) -> Result<Response<Body>, Status> {
        if !self.destination.has_addresses() {
            return Err(Status::unavailable(format!(
                "{} has no address now",
                self.destination.name
            )));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if let Ok(value) = HeaderValue::from_str(&gate::format_timeout(left)) {
            request.headers_mut().insert("grpc-timeout", value);
        }
        let mut channel = self.destination.channel.clone();
        let sent = async {
            std::future::poll_fn(|context| channel.poll_ready(context)).await?;
            channel.call(request).await
        };
        sent.await.map_err(|error| Status::from_error(error.into()))
    }

    async fn send_until_answered(
        &self,
        request: Request<Body>,
        deadline: Instant,
    ) -> Result<Response<Body>, Status> {
        let (parts, body) = request.into_parts();
        let body: Bytes = body.collect().await?.to_bytes();
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let copy = Request::from_parts(parts.clone(), Body::new(Full::new(body.clone())));
            let outcome = self.send_once(copy, deadline).await;
            let code = match &outcome {
                Ok(response) => code_in(response.headers()),
                Err(error) => Some(error.code()),
            };
            if code != Some(Code::Unavailable) || attempt == TRIES_MAX {
                return outcome;
            }
            tokio::time::sleep(pause.mul_f64(1.0 + rand::random::<f64>())).await;
            pause *= 2;
            attempt += 1;
        }
    }
}

impl tower::Service<Request<Body>> for Peer {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let peer = self.clone();
        let method = request.uri().path().trim_start_matches('/').to_owned();
        let span = tracing::info_span!(
            "rpc",
            otel.name = method,
            otel.kind = "client",
            otel.status_code = tracing::field::Empty,
            rpc.system.name = "grpc",
            rpc.method = method,
            rpc.response.status_code = tracing::field::Empty,
            server.address = &*self.destination.name,
        );
        let inside = span.clone();
        let work = async move {
            let started = Instant::now();
            let duration = peer.peers.0.duration.clone();
            let outcome = peer.send(request).await;
            // An answer without status in its headers has messages first; what ends it is in its
            // trailers, which the caller reads.
            let code = match &outcome {
                Ok(response) => code_in(response.headers()).unwrap_or(Code::Ok),
                Err(error) => error.code(),
            };
            let name = gate::code_name(code);
            inside.record("rpc.response.status_code", name);
            if code != Code::Ok {
                inside.record("otel.status_code", "ERROR");
            }
            duration.record(
                started.elapsed().as_secs_f64(),
                &[
                    KeyValue::new(RPC_SYSTEM_NAME, "grpc"),
                    KeyValue::new(RPC_METHOD, method),
                    KeyValue::new(RPC_RESPONSE_STATUS_CODE, name),
                ],
            );
            outcome
        };
        Box::pin(work.instrument(span))
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer")
            .field("service", &self.destination.name)
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// The status of an answer that holds nothing else.
fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers
        .get(Status::GRPC_STATUS)
        .map(|v| Code::from_bytes(v.as_bytes()))
}
