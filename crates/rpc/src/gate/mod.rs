//! What stands in front of every handler, once: trace, panic guard, admission, token and permission,
//! deadline. One tower layer, because the steps share what they learn about the call; each step has its
//! own file.
//!
//! Order matters. The span is outermost, so that refusals show in traces and metrics too. Admission comes
//! before the token, so that a flood costs no signature checks. Health and reflection pass untouched.

mod admission;
mod body;
mod deadline;
mod span;

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use http::{HeaderMap, Request, Response};
use jiff::Timestamp;
use opentelemetry::metrics::Meter;
use redress_model::time::SharedClock;
use redress_model::{Fault, Violation};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Instrument as _;

use crate::auth::Verifier;
use crate::permission::{Method, MethodTable};
use crate::status::status;

use admission::Admission;
use body::{Ending, GuardedBody};
pub(crate) use deadline::format as format_timeout;
pub use deadline::remaining;
use span::Calls;
pub(crate) use span::{DURATION_BOUNDS, code_name};

/// How much one process takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest time for a call that does not stream; also when the caller names none.
    pub deadline_max: Duration,
    /// Calls at the same time that do not stream.
    pub calls_max: usize,
    /// Streams at the same time.
    pub streams_max: usize,
}

/// The layer.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    methods: MethodTable,
    verifier: Verifier,
    limits: Limits,
    admission: Admission,
    calls: Calls,
    clock: SharedClock,
    draining: CancellationToken,
}

impl Gate {
    /// A gate for these methods. When `draining` is cancelled, server streams end with UNAVAILABLE, so
    /// that their callers go on elsewhere and the process can stop.
    pub fn new(
        methods: MethodTable,
        verifier: Verifier,
        limits: Limits,
        meter: &Meter,
        clock: SharedClock,
        draining: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            methods,
            verifier,
            admission: Admission::new(limits.calls_max, limits.streams_max),
            limits,
            calls: Calls::new(meter),
            clock,
            draining,
        }))
    }
}

impl<S> tower::Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated {
            gate: Arc::clone(&self.0),
            inner,
        }
    }
}

/// A service behind the gate.
#[derive(Clone)]
pub struct Gated<S> {
    gate: Arc<Inner>,
    inner: S,
}

impl<S> tower::Service<Request<Body>> for Gated<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The clone takes the place of the one that was polled ready.
        let inner = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, inner);
        let Some(method) = self.gate.methods.get(request.uri().path()).cloned() else {
            // Reflection, and paths that the router answers with UNIMPLEMENTED.
            let answer = inner.call(request);
            return Box::pin(async move { answer.await.map(explained) });
        };
        let gate = Arc::clone(&self.gate);
        // Taken here and not in the future, so that it runs out before the transport's own.
        let started = Instant::now();
        let span = span::server(&method, request.headers());
        let outer = span.clone();
        Box::pin(
            async move {
                let guarded = AssertUnwindSafe(gate.admit(&method, started, inner, request));
                let outcome = match guarded.catch_unwind().await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(panicked()),
                };
                Ok(match outcome {
                    Ok((response, ending)) => {
                        let response = match too_large(response.headers()) {
                            Some(refusal) => refusal.into_http(),
                            None => response,
                        };
                        let finish = gate.calls.started(&method, started, outer);
                        let (parts, body) = response.into_parts();
                        let body = GuardedBody::new(&parts.headers, body, ending, finish);
                        Response::from_parts(parts, Body::new(body))
                    }
                    Err(status) => {
                        gate.calls
                            .started(&method, started, outer)
                            .ended(status.code());
                        status.into_http()
                    }
                })
            }
            .instrument(span),
        )
    }
}

impl Inner {
    /// Lets a call in, or says why not.
    async fn admit<S>(
        &self,
        method: &Method,
        started: Instant,
        mut inner: S,
        mut request: Request<Body>,
    ) -> Result<(Response<Body>, Ending), Status>
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let permit = self.admission.enter(method).map_err(status)?;
        let deadline = deadline::of(method, started, request.headers(), self.limits.deadline_max);
        let handled = async {
            let token = token(request.headers()).map_err(status)?;
            let caller = self.verifier.verify(&token).await.map_err(status)?;
            if !caller.may(&method.permission) {
                return Err(status(Fault::denied(&*method.permission)));
            }
            let expires = self.until(caller.expires);
            request.extensions_mut().insert(Arc::new(caller));
            let response = inner.call(request).await.unwrap_or_else(|e| match e {});
            Ok((response, expires))
        };
        let (response, expires) = deadline::within(deadline, handled)
            .await
            .ok_or_else(|| status(Fault::Deadline))??;
        if !method.server_streams {
            return Ok((response, Ending::never(permit)));
        }
        // A stream in both directions is work that its caller brings to an end, like an import.
        let draining = (!method.client_streams).then(|| self.draining.clone().cancelled_owned());
        Ok((
            response,
            Ending::new(permit, deadline, Some(expires), draining),
        ))
    }

    /// The wall clock's instant on the clock that timers run by.
    fn until(&self, end: Timestamp) -> Instant {
        let left = self.clock.now().duration_until(end);
        Instant::now() + Duration::try_from(left).unwrap_or_default().min(FAR)
    }
}

/// What the caller is to hear where these headers or trailers refuse a message for its size. The transport calls that
/// OUT_OF_RANGE, which for us says "list again"; but it is a request that its caller has to mend.
fn too_large(headers: &HeaderMap) -> Option<Status> {
    let refusal = Status::from_header_map(headers)?;
    let is_size = refusal.code() == Code::OutOfRange
        && refusal
            .message()
            .contains("decoded message length too large");
    is_size.then(|| {
        status(Fault::Invalid {
            reason: "MESSAGE_TOO_LARGE",
            violations: vec![Violation {
                field: "request".to_owned(),
                description: "must be at most 4 MiB; send less at once".to_owned(),
            }],
        })
    })
}

/// The answer to a path that is no method of ours, with a reason where the router refused it without a word.
fn explained(response: Response<Body>) -> Response<Body> {
    let is_mute = Status::from_header_map(response.headers()).is_some_and(|refusal| {
        refusal.code() == Code::Unimplemented && refusal.message().is_empty()
    });
    if is_mute {
        status(Fault::UnknownMethod).into_http()
    } else {
        response
    }
}

/// The bearer token of a call.
fn token(headers: &HeaderMap) -> Result<String, Fault> {
    headers
        .get(http::header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| {
            let (scheme, token) = v.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.to_owned())
        })
        .ok_or_else(|| {
            Fault::unauthenticated(
                "an access token is missing; send it as `authorization: Bearer …`",
            )
        })
}

/// Longest life of a stream; far enough to be none, near enough for every clock.
const FAR: Duration = Duration::from_secs(30 * 24 * 3600);

/// A handler panicked: the caller learns nothing but that it was us. The panic itself was printed by
/// the hook.
fn panicked() -> Status {
    status(Fault::internal("a handler panicked"))
}
