//! Rules of the contracts, met through a generated server.

use std::time::Duration;

use redress_proto::FILE_DESCRIPTOR_SET;
use redress_proto::event::v1::event_admin_service_client::EventAdminServiceClient;
use redress_proto::event::v1::event_admin_service_server::{
    EventAdminService, EventAdminServiceServer,
};
use redress_proto::event::v1::{
    ListParkedEventsRequest, ListParkedEventsResponse, RedriveEventRequest, RedriveEventResponse,
};
use redress_rpc::gate::{Gate, Limits};
use redress_rpc::permission::MethodTable;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;
use tower::Layer as _;

use crate::support::{Platform, clock, meter};

struct Admin;

#[tonic::async_trait]
impl EventAdminService for Admin {
    async fn list_parked_events(
        &self,
        _: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        Ok(Response::new(ListParkedEventsResponse::default()))
    }

    async fn redrive_event(
        &self,
        _: Request<RedriveEventRequest>,
    ) -> Result<Response<RedriveEventResponse>, Status> {
        Ok(Response::new(RedriveEventResponse { redriven: 1 }))
    }
}

/// A client of a server in memory: the same bytes as over a network.
fn client() -> EventAdminServiceClient<EventAdminServiceServer<Admin>> {
    EventAdminServiceClient::new(EventAdminServiceServer::new(Admin))
}

#[tokio::test]
async fn a_message_above_the_limit_is_the_callers_to_mend() {
    let platform = Platform::new();
    let gate = Gate::new(
        MethodTable::read(FILE_DESCRIPTOR_SET, ["redress.event.v1.EventAdminService"])
            .expect("complete"),
        platform.verifier(),
        Limits {
            deadline_max: Duration::from_secs(20),
            calls_max: 1,
            streams_max: 1,
        },
        &meter(),
        clock(),
        CancellationToken::new(),
    );
    let mut request = Request::new(RedriveEventRequest {
        event_id: "x".repeat(4 * 1024 * 1024),
        subscriber: "triage".to_owned(),
    });
    let bearer = format!("Bearer {}", platform.token(&["sre"]));
    let bearer = bearer.parse().expect("a header");
    request.metadata_mut().insert("authorization", bearer);
    let status = EventAdminServiceClient::new(gate.layer(EventAdminServiceServer::new(Admin)))
        .redrive_event(request)
        .await
        .expect_err("too large");
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    let info = details.error_info().expect("a reason");
    assert_eq!(info.reason, "MESSAGE_TOO_LARGE");
}

#[tokio::test]
async fn every_broken_rule_is_told_with_its_field() {
    let status = client()
        .redrive_event(RedriveEventRequest {
            event_id: String::new(),
            subscriber: "x".repeat(65),
        })
        .await
        .expect_err("two broken rules");
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    let fields: Vec<&str> = details
        .bad_request()
        .expect("fields")
        .field_violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    assert_eq!(fields, ["event_id", "subscriber"]);
    assert_eq!(
        details.error_info().expect("a reason").reason,
        "INVALID_FIELD"
    );
}

#[tokio::test]
async fn a_right_request_passes() {
    let answer = client()
        .redrive_event(RedriveEventRequest {
            event_id: "e".to_owned(),
            subscriber: "triage".to_owned(),
        })
        .await
        .expect("right");
    assert_eq!(answer.into_inner().redriven, 1);
}

#[tokio::test]
async fn bytes_that_are_no_message_are_the_callers_mistake() {
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;
    let junk = bytes::Bytes::from_static(&[0, 0, 0, 0, 2, 0xff, 0xff]);
    let body = tonic::body::Body::new(http_body_util::Full::from(junk));
    let request = http::Request::post("/redress.event.v1.EventAdminService/RedriveEvent")
        .header("content-type", "application/grpc")
        .body(body)
        .expect("a request");
    let response = EventAdminServiceServer::new(Admin)
        .oneshot(request)
        .await
        .expect("infallible");
    let (parts, body) = response.into_parts();
    drop(body.collect().await);
    let status = Status::from_header_map(&parts.headers).expect("a status");
    assert_eq!(status.code(), Code::InvalidArgument);
}
