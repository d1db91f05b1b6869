//! The signed webhook against an endpoint that refuses, throttles, stalls and hangs up.

use std::time::Duration;

use jiff::SignedDuration;
use redress_model::name::{CaseName, IncidentName};
use redress_model::words::CaseStatus;
use redress_notification::domain::words::{AttemptOutcome, MessageChannel, MessageState, Template};
use redress_notification::provider::Gateways;
use redress_notification::provider::webhook::{SigningKey, Webhook};
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::message_service_server::MessageService as _;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::rpc::{by, caller, service};
use crate::support::http::{Endpoint, Manner};
use crate::support::{World, news, site};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn gateways(endpoint: &Endpoint, outbox: bool) -> Gateways {
    let channels = vec![MessageChannel::Sms, MessageChannel::Email];
    let timeout = Duration::from_secs(2);
    Gateways {
        webhook: Some(
            Webhook::new(&endpoint.url(), &[NEW, OLD], channels, timeout).expect("right settings"),
        ),
        outbox,
        ..Gateways::default()
    }
}

async fn world_with_callout() -> World {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
    world
}

#[tokio::test]
async fn a_receiver_verifies_what_it_gets_by_either_secret_and_learns_where_it_should_go() {
    let world = world_with_callout().await;
    let endpoint = Endpoint::start().await;
    world
        .send_due(&world.sender(gateways(&endpoint, false)))
        .await;

    let received = endpoint.received();
    assert_eq!(received.len(), 1);
    let headers = &received[0].headers;
    let timestamp: i64 = headers["webhook-timestamp"].parse().expect("seconds");
    for secret in [OLD, NEW] {
        let key = SigningKey::parse(secret).expect("a secret");
        let verifies = |body: &[u8]| {
            key.verifies(
                &headers["webhook-id"],
                timestamp,
                body,
                &headers["webhook-signature"],
                world.now(),
                SignedDuration::from_mins(5),
            )
        };
        assert!(verifies(&received[0].body));
        let mut forged = received[0].body.clone();
        forged[20] ^= 1;
        assert!(!verifies(&forged));
    }
    let payload: serde_json::Value =
        serde_json::from_slice(&received[0].body).expect("a JSON payload");
    assert_eq!(payload["type"], "message.requested");
    assert_eq!(payload["data"]["to"], "+8613800000001");
    assert_eq!(payload["data"]["channel"], "SMS");
    assert_eq!(payload["data"]["template"], "incident.callout");
    assert_eq!(world.message().await.fate.state, MessageState::Sent);
}

#[tokio::test]
async fn whatever_the_endpoint_does_the_message_is_sent_again_under_the_same_id() {
    let world = world_with_callout().await;
    let endpoint = Endpoint::start().await;
    let mut sender = world.sender(gateways(&endpoint, false));
    std::sync::Arc::get_mut(&mut sender)
        .expect("not shared yet")
        .sending
        .attempts_per_way_max = 20;
    let manners = [
        (Manner::Answer("500 Internal Server Error"), "HTTP_500"),
        (
            Manner::Answer("302 Found\r\nLocation: http://127.0.0.1:1/"),
            "HTTP_302",
        ),
        (Manner::Answer("401 Unauthorized"), "HTTP_401"),
        (Manner::Stall, "TIMEOUT"),
        (Manner::HangUp, "HTTP_BROKEN"),
        (Manner::HalfAnswer, "HTTP_BROKEN"),
    ];
    for (manner, reason) in &manners {
        endpoint.next(manner.clone());
        world.send_due(&sender).await;
        let message = world.message().await;
        assert_eq!(message.fate.state, MessageState::Queued, "{reason}");
        assert_eq!(&message.fate.reason, reason);
        world.clock.advance(SignedDuration::from_mins(1));
    }
    world.send_due(&sender).await;
    assert_eq!(world.message().await.fate.state, MessageState::Sent);
    let ids: std::collections::BTreeSet<String> = endpoint
        .received()
        .iter()
        .map(|r| r.headers["webhook-id"].clone())
        .collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_throttling_endpoint_is_left_alone_for_as_long_as_it_asks() {
    let world = world_with_callout().await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(gateways(&endpoint, false));
    endpoint.next(Manner::Answer("429 Too Many Requests\r\nRetry-After: 25"));
    world.send_due(&sender).await;
    world.clock.advance(SignedDuration::from_secs(24));
    assert!(world.send_due(&sender).await.is_empty());
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.send_due(&sender).await.len(), 1);
    assert_eq!(world.message().await.fate.state, MessageState::Sent);
}

#[tokio::test]
async fn a_refused_message_goes_by_the_next_channel_and_then_to_the_outbox() {
    let world = world_with_callout().await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(gateways(&endpoint, true));
    endpoint.next(Manner::Answer("422 Unprocessable Content"));
    endpoint.next(Manner::Answer("410 Gone"));
    world.send_due(&sender).await;
    let message = world.message().await;
    let ways: Vec<(&str, &str, AttemptOutcome)> = world
        .attempts(&message.name)
        .await
        .iter()
        .map(|a| (a.way.channel.word(), a.way.provider.word(), a.outcome))
        .collect();
    assert_eq!(
        ways,
        [
            ("SMS", "WEBHOOK", AttemptOutcome::Permanent),
            ("EMAIL", "WEBHOOK", AttemptOutcome::Permanent),
            ("SMS", "OUTBOX", AttemptOutcome::Accepted)
        ]
    );
    assert_eq!(message.fate.state, MessageState::Sent);
}

#[tokio::test]
async fn when_every_way_is_used_up_the_message_fails_and_is_announced() {
    let world = world_with_callout().await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(gateways(&endpoint, false));
    for _ in 0..6 {
        endpoint.next(Manner::Answer("503 Service Unavailable"));
    }
    for _ in 0..6 {
        world.send_due(&sender).await;
        world.clock.advance(SignedDuration::from_mins(1));
    }
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Failed);
    assert_eq!(message.fate.reason, "HTTP_503");
    assert_eq!(message.fate.attempt_count, 6, "three by each channel");
    assert_eq!(world.announced().await, ["FAILED"]);
}

#[tokio::test]
async fn m18_that_a_case_was_rejected_is_sent_anew_though_the_case_has_ended_until_it_lives_again()
{
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    let endpoint = Endpoint::start().await;
    let sender = world.sender(gateways(&endpoint, false));
    world.send_due(&sender).await;
    world
        .tell(news::moved(&case, CaseStatus::Rejected, 1))
        .await;
    let told = async || {
        let all = world.messages().await.into_iter();
        let mut told = all.filter(|m| m.template == Template::CaseRejected);
        told.next().expect("queued")
    };
    let operator = caller("lake", &["messages.retry"], None);
    let redrive = async |request_id: &str| {
        let request = proto::RedriveMessagesRequest {
            parent: "sites/lake".to_owned(),
            template: Template::CaseRejected.key().to_owned(),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        let done = service(&world)
            .redrive_messages(by(&operator, request))
            .await;
        let done = done.expect("redriven").into_inner();
        (done.retried_count, done.ended_count)
    };
    let refuse = async || {
        endpoint.always(Manner::Answer("422 Unprocessable Content"));
        world.send_due(&sender).await;
        assert_eq!(told().await.fate.state, MessageState::Failed);
        endpoint.always(Manner::Answer("204 No Content"));
    };
    refuse().await;
    assert_eq!(redrive("first").await, (1, 0));
    refuse().await;
    let retry = proto::RetryMessageRequest {
        name: told().await.name.to_string(),
        ..Default::default()
    };
    let retried = service(&world)
        .retry_message(by(&operator, retry.clone()))
        .await;
    retried.expect("it is told because the case has ended");
    refuse().await;
    // An appeal was granted: the rejection stands no more (P06).
    world
        .tell(news::moved(&case, CaseStatus::Reopened, 2))
        .await;
    let refused = service(&world)
        .retry_message(by(&operator, retry))
        .await
        .expect_err("it lives");
    let reason = refused.get_details_error_info().expect("given").reason;
    assert_eq!(reason, "MATTER_ENDED");
    assert_eq!(redrive("last").await, (0, 1));
}
