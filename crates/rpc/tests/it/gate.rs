//! The gate around a handler that behaves as each test wants.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use redress_proto::FILE_DESCRIPTOR_SET;
use redress_rpc::Caller;
use redress_rpc::auth::{Audience, Claims, USER_AUDIENCE};
use redress_rpc::gate::{Gate, Limits, remaining};
use redress_rpc::permission::MethodTable;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use crate::support::{HOUR, Platform, clock, meter};

const REDRIVE: &str = "/redress.event.v1.EventAdminService/RedriveEvent";
const WATCH: &str = "/redress.crisis.v1.IncidentService/WatchIncident";

struct Fixture {
    platform: Platform,
    draining: CancellationToken,
    limits: Limits,
}

impl Fixture {
    fn new() -> Self {
        Self {
            platform: Platform::new(),
            draining: CancellationToken::new(),
            limits: Limits {
                deadline_max: Duration::from_secs(20),
                calls_max: 2,
                streams_max: 2,
            },
        }
    }

    fn behind<F, R>(
        &self,
        handler: F,
    ) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone
    where
        F: Fn(Request<Body>) -> R + Clone + Send + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        let services = [
            "redress.event.v1.EventAdminService",
            "redress.crisis.v1.IncidentService",
        ];
        let gate = Gate::new(
            MethodTable::read(FILE_DESCRIPTOR_SET, services).expect("complete"),
            self.platform.verifier(),
            self.limits,
            &meter(),
            clock(),
            self.draining.clone(),
        );
        gate.layer(service_fn(move |request| {
            let answer = handler(request);
            async move { Ok::<_, Infallible>(answer.await) }
        }))
    }

    fn request(&self, path: &str, roles: &[&str], headers: &[(&str, &str)]) -> Request<Body> {
        let token = self.platform.token(roles);
        let mut request = Request::post(path).header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).expect("a request")
    }
}

/// What the caller is told: in the headers, or in the trailers after the body.
async fn outcome(response: Response<Body>) -> Status {
    let (parts, body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&parts.headers) {
        return status;
    }
    let trailers = body
        .collect()
        .await
        .expect("a body")
        .trailers()
        .cloned()
        .unwrap_or_default();
    Status::from_header_map(&trailers).expect("an end")
}

fn ok() -> Response<Body> {
    Status::ok("").into_http()
}

/// An answer that sends one message and then neither ends nor goes on.
fn endless() -> Response<Body> {
    use futures::StreamExt as _;
    let first = Ok::<_, Status>(http_body::Frame::data(Bytes::from_static(b"x")));
    let stream = futures::stream::iter([first]).chain(futures::stream::pending());
    Response::new(Body::new(StreamBody::new(stream)))
}

#[tokio::test]
async fn a_permitted_call_reaches_the_handler_with_its_caller() {
    let fixture = Fixture::new();
    let service = fixture.behind(|request: Request<Body>| async move {
        let caller = request
            .extensions()
            .get::<Arc<Caller>>()
            .expect("put there by the gate");
        assert_eq!(caller.subject, "li");
        let left = remaining().expect("the call has a deadline");
        assert!(left <= Duration::from_secs(20));
        ok()
    });
    let response = service
        .oneshot(fixture.request(REDRIVE, &["sre"], &[]))
        .await;
    assert_eq!(
        outcome(response.expect("infallible")).await.code(),
        Code::Ok
    );
}

#[tokio::test]
async fn a_missing_permission_is_named_and_the_handler_never_runs() {
    let fixture = Fixture::new();
    let service = fixture.behind(|_| async { panic!("must not run") });
    let request = fixture.request(REDRIVE, &["clerk"], &[]);
    let status = outcome(service.oneshot(request).await.expect("infallible")).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let details = status.get_error_details();
    let info = details.error_info().expect("details");
    assert_eq!(info.metadata["permission"], "events.redrive");
}

#[tokio::test]
async fn a_call_without_token_is_told_how_to_send_one() {
    let fixture = Fixture::new();
    let service = fixture.behind(|_| async { panic!("must not run") });
    let request = Request::post(REDRIVE)
        .body(Body::empty())
        .expect("a request");
    let status = outcome(service.oneshot(request).await.expect("infallible")).await;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("authorization: Bearer"));
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_and_its_work_is_dropped() {
    struct Dropped(CancellationToken);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.cancel();
        }
    }
    let fixture = Fixture::new();
    let dropped = CancellationToken::new();
    let token = dropped.clone();
    let service = fixture.behind(move |_| {
        let guard = Dropped(token.clone());
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    });
    let request = fixture.request(REDRIVE, &["sre"], &[("grpc-timeout", "100m")]);
    let status = outcome(service.oneshot(request).await.expect("infallible")).await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(dropped.is_cancelled());
}

#[tokio::test]
async fn a_call_without_deadline_gets_the_longest() {
    let mut fixture = Fixture::new();
    fixture.limits.deadline_max = Duration::from_millis(100);
    let service = fixture.behind(|_| std::future::pending());
    let request = fixture.request(REDRIVE, &["sre"], &[("grpc-timeout", "9H")]);
    let status = outcome(service.oneshot(request).await.expect("infallible")).await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn what_is_above_the_limit_is_refused_at_once_and_told_when_to_retry() {
    let fixture = Fixture::new();
    let service = fixture.behind(|_| std::future::pending());
    let call = || {
        let service = service.clone();
        service.oneshot(fixture.request(REDRIVE, &["sre"], &[]))
    };
    let (mut first, mut second) = (Box::pin(call()), Box::pin(call()));
    assert!(futures::poll!(&mut first).is_pending());
    assert!(futures::poll!(&mut second).is_pending());
    let status = outcome(call().await.expect("infallible")).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.get_error_details().retry_info().is_some());
    drop(first);
    let mut fourth = Box::pin(call());
    assert!(
        futures::poll!(&mut fourth).is_pending(),
        "a place was free again"
    );
}

#[tokio::test]
async fn a_panic_is_an_internal_error_with_a_fixed_text() {
    let fixture = Fixture::new();
    let service = fixture.behind(|_| async { panic!("the caller's phone is 13800000000") });
    let request = fixture.request(REDRIVE, &["sre"], &[]);
    let status = outcome(service.oneshot(request).await.expect("infallible")).await;
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(status.message(), "an internal error happened");
}

#[tokio::test]
async fn a_stream_ends_when_the_instance_stops() {
    let fixture = Fixture::new();
    let service = fixture.behind(|_| async { endless() });
    let request = fixture.request(WATCH, &["admin"], &[]);
    let response = service.oneshot(request).await.expect("infallible");
    let mut body = response.into_body();
    assert!(body.frame().await.expect("a message").is_ok());
    fixture.draining.cancel();
    let last = body.frame().await.expect("an end").expect("trailers");
    let status = status_in(last.trailers_ref().expect("trailers"));
    assert_eq!(status.code(), Code::Unavailable);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_row_above_the_limit_ends_its_stream_in_the_words_of_any_other_call() {
    let fixture = Fixture::new();
    // As tonic ends a stream whose handler met such a row: in the trailers, after other answers.
    let ended = |message: &'static str| {
        let service = fixture.behind(move |_| async move {
            let mut trailers = HeaderMap::new();
            let ending = Status::out_of_range(message).add_header(&mut trailers);
            ending.expect("headers");
            let frames = [
                Ok::<_, Status>(http_body::Frame::data(Bytes::from_static(b"x"))),
                Ok(http_body::Frame::trailers(trailers)),
            ];
            Response::new(Body::new(StreamBody::new(futures::stream::iter(frames))))
        });
        let request = fixture.request(WATCH, &["admin"], &[]);
        async move { outcome(service.oneshot(request).await.expect("infallible")).await }
    };
    let status = ended(
        "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes",
    )
    .await;
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    assert_eq!(
        details.error_info().expect("a reason").reason,
        "MESSAGE_TOO_LARGE"
    );
    assert!(details.bad_request().is_some());
    let other = ended("the resume position is too old").await;
    assert_eq!(other.code(), Code::OutOfRange);
}

#[tokio::test]
async fn a_stream_ends_with_its_access_token() {
    let fixture = Fixture::new();
    let service = fixture.behind(|_| async { endless() });
    let before = Instant::now();
    // The leeway of 30 s counts as life: more than a second is left.
    let issuer = &fixture.platform.issuer;
    let claims = Claims {
        aud: Audience::One(USER_AUDIENCE.to_owned()),
        roles: vec!["admin".to_owned()],
        exp: clock().now().as_second() - 28,
        ..issuer.blank(HOUR)
    };
    let token = issuer.sign(&claims).expect("signable");
    let request = Request::post(WATCH)
        .header("authorization", format!("bearer {token}"))
        .body(Body::empty())
        .expect("a request");
    let response = service.oneshot(request).await.expect("infallible");
    let status = outcome(response).await;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(
        before.elapsed() >= Duration::from_millis(900),
        "not before its end"
    );
}

#[tokio::test]
async fn a_stream_lasts_as_long_as_its_caller_says() {
    let mut fixture = Fixture::new();
    fixture.limits.deadline_max = Duration::from_millis(50);
    let service = fixture.behind(|_| async { endless() });
    let request = fixture.request(WATCH, &["admin"], &[("grpc-timeout", "200m")]);
    let before = Instant::now();
    let status = outcome(service.oneshot(request).await.expect("infallible")).await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(before.elapsed() > Duration::from_millis(150));
}

#[tokio::test]
async fn an_unknown_path_is_left_to_the_router_whose_refusal_is_explained() {
    let fixture = Fixture::new();
    let service = fixture.behind(|_| async { Status::unimplemented("").into_http() });
    let request = Request::post("/redress.event.v1.EventAdminService/Nope")
        .body(Body::empty())
        .expect("a request");
    let status = outcome(service.oneshot(request).await.expect("infallible")).await;
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("no such method"), "{status:?}");
    let details = status.get_error_details();
    let info = details.error_info().expect("a reason");
    assert_eq!(info.reason, "UNKNOWN_METHOD");

    let service = fixture.behind(|_| async { ok() });
    let request = Request::post("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        .body(Body::empty())
        .expect("a request");
    let status = outcome(service.oneshot(request).await.expect("infallible")).await;
    assert_eq!(status.code(), Code::Ok, "what it answers stays");
}

fn status_in(headers: &HeaderMap) -> Status {
    Status::from_header_map(headers).expect("a status")
}
