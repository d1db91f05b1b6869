//! DeliveryService: what sites decide, what customers prefer, what gateways report.

use std::time::Duration;

use jiff::SignedDuration;
use redress_notification::domain::words::{
    AttemptOutcome, MessageChannel, MessageState, MessageTopic,
};
use redress_notification::jobs::metrics::Metrics;
use redress_notification::provider::Gateways;
use redress_notification::provider::webhook::Webhook;
use redress_notification::rpc::delivery::Delivery;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::delivery_service_server::DeliveryService as _;
use redress_rpc::Fingerprints;
use tonic::{Code, Status};

use crate::rpc::{by, caller};
use crate::support::http::Endpoint;
use crate::support::{World, meter, site, tokens};

const PERSON: &str = "sites/lake/preferences/token-LAKE-1";

pub(crate) fn service(world: &World) -> Delivery {
    Delivery {
        db: world.base.db.clone(),
        clock: world.clock.clone(),
        tokens: tokens(),
        fingerprints: Fingerprints::new(b"a key of tests"),
        metrics: Metrics::new(&meter()),
    }
}

/// What holds at the site.
pub(crate) async fn policy(world: &World) -> proto::DeliveryPolicy {
    let asked = proto::GetDeliveryPolicyRequest {
        name: "sites/lake/deliveryPolicy".to_owned(),
    };
    let manager = caller("lake", &["delivery_policies.*"], None);
    let answer = service(world)
        .get_delivery_policy(by(&manager, asked))
        .await;
    answer
        .expect("shown")
        .into_inner()
        .delivery_policy
        .expect("given")
}

/// Decides what holds from now on.
pub(crate) async fn set_policy(world: &World, policy: proto::DeliveryPolicy) {
    let asked = proto::UpdateDeliveryPolicyRequest {
        delivery_policy: Some(policy),
        request_id: String::new(),
    };
    let manager = caller("lake", &["delivery_policies.*"], None);
    let answer = service(world)
        .update_delivery_policy(by(&manager, asked))
        .await;
    answer.expect("decided");
}

async fn prefer(
    world: &World,
    preference: proto::Preference,
    request_id: &str,
) -> Result<proto::Preference, Status> {
    let asked = proto::UpdatePreferenceRequest {
        preference: Some(preference),
        request_id: request_id.to_owned(),
    };
    let portal = caller("lake", &["preferences.*"], None);
    let answer = service(world).update_preference(by(&portal, asked)).await?;
    Ok(answer.into_inner().preference.expect("given"))
}

fn preference() -> proto::Preference {
    proto::Preference {
        name: PERSON.to_owned(),
        channels: vec![proto::MessageChannel::Email.into()],
        language: "zh-CN".to_owned(),
        ..Default::default()
    }
}

fn by_webhook(endpoint: &Endpoint) -> Gateways {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let channels = vec![MessageChannel::Sms, MessageChannel::Email];
    let timeout = Duration::from_secs(15);
    let webhook = Webhook::new(&endpoint.url(), &[SECRET], channels, timeout);
    Gateways {
        webhook: Some(webhook.expect("right settings")),
        ..Gateways::default()
    }
}

#[tokio::test]
async fn m05_a_customer_is_reached_by_the_preferred_way_in_the_preferred_language() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    prefer(&world, preference(), "").await.expect("kept");
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&world.outbox_sender()).await;
    let message = world.message().await;
    assert_eq!(message.fate.channel, Some(MessageChannel::Email));
    assert_eq!(message.fate.language, "zh-CN");
    assert_eq!(world.text().await.address, "wang@example.com");
}

#[tokio::test]
async fn p28_preferences_and_policies_are_not_overwritten_and_repeats_change_nothing() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    let first = prefer(&world, preference(), "one").await.expect("kept");
    let again = prefer(&world, preference(), "one").await.expect("the same");
    assert_eq!(first, again);
    let changed = proto::Preference {
        language: "en".to_owned(),
        ..first.clone()
    };
    prefer(&world, changed.clone(), "two").await.expect("kept");
    let stale = prefer(&world, changed, "three").await.expect_err("stale");
    assert_eq!(stale.code(), Code::Aborted);
    let other = proto::Preference {
        language: "en".to_owned(),
        ..preference()
    };
    let reused = prefer(&world, other, "one")
        .await
        .expect_err("another request");
    assert_eq!(reused.code(), Code::InvalidArgument);

    let decided = policy(&world).await;
    assert_eq!(
        (decided.quiet_start.as_str(), decided.etag.as_str()),
        ("21:00", "")
    );
    set_policy(&world, decided).await;
    let decided = policy(&world).await;
    set_policy(&world, decided.clone()).await;
    let manager = caller("lake", &["*"], None);
    let asked = proto::UpdateDeliveryPolicyRequest {
        delivery_policy: Some(decided),
        request_id: String::new(),
    };
    let stale = service(&world)
        .update_delivery_policy(by(&manager, asked))
        .await;
    assert_eq!(stale.expect_err("stale").code(), Code::Aborted);
}

#[tokio::test]
async fn i8_i10_strangers_and_unknown_people_are_refused() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    let unknown = proto::Preference {
        name: "sites/lake/preferences/nobody".to_owned(),
        ..preference()
    };
    let refused = prefer(&world, unknown, "").await.expect_err("nobody");
    assert_eq!(refused.code(), Code::NotFound);
    let nowhere = proto::Preference {
        time_zone: "Asia/Nowhere".to_owned(),
        ..preference()
    };
    let refused = prefer(&world, nowhere, "").await.expect_err("no zone");
    assert_eq!(refused.code(), Code::InvalidArgument);

    let foreign = caller("river", &["*"], None);
    let service = service(&world);
    let name = world.message().await.name.to_string();
    let get = proto::GetPreferenceRequest {
        name: PERSON.to_owned(),
    };
    let update = proto::UpdatePreferenceRequest {
        preference: Some(preference()),
        ..Default::default()
    };
    let report = proto::RecordDeliveryReceiptRequest {
        name,
        channel: 1,
        report: 1,
        ..Default::default()
    };
    let token = tokens().refusal(&site("lake"), "token-LAKE-1", MessageTopic::Survey);
    let unsubscribe = proto::UnsubscribeRequest { token };
    let refusals = [
        service.get_preference(by(&foreign, get)).await.err(),
        service.update_preference(by(&foreign, update)).await.err(),
        service
            .record_delivery_receipt(by(&foreign, report))
            .await
            .err(),
        service.unsubscribe(by(&foreign, unsubscribe)).await.err(),
    ];
    for refused in refusals {
        assert_eq!(refused.map(|s| s.code()), Some(Code::NotFound));
    }
}

async fn report(
    world: &World,
    channel: proto::MessageChannel,
    report: proto::DeliveryReport,
) -> proto::Message {
    let asked = proto::RecordDeliveryReceiptRequest {
        name: world.message().await.name.to_string(),
        channel: channel.into(),
        report: report.into(),
        ..Default::default()
    };
    let gateway = caller("lake", &["messages.record_delivery"], None);
    let answer = service(world)
        .record_delivery_receipt(by(&gateway, asked))
        .await;
    answer.expect("taken").into_inner().message.expect("given")
}

#[tokio::test]
async fn a_message_that_came_back_goes_by_the_next_way_once_and_fails_when_none_is_left() {
    use proto::DeliveryReport::{Bounced, Delivered, Read};
    use proto::MessageChannel::{Email, Sms};
    let world = World::new().await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_secs(60));
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_webhook(&endpoint));
    world.send_due(&sender).await;
    assert_eq!(
        world.message().await.fate.channel,
        Some(MessageChannel::Sms)
    );
    // By e-mail it never went, so it cannot have come back by it.
    report(&world, Email, Bounced).await;
    assert_eq!(world.message().await.fate.state, MessageState::Sent);

    assert!(report(&world, Sms, Delivered).await.deliver_time.is_some());
    let back = report(&world, Sms, Bounced).await;
    assert_eq!(
        (back.state(), back.deliver_time),
        (proto::MessageState::Queued, None)
    );
    report(&world, Sms, Bounced).await;
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(
        (message.fate.state, message.fate.channel),
        (MessageState::Sent, Some(MessageChannel::Email))
    );
    // The first way's news come once more, late: the second one stands.
    report(&world, Sms, Bounced).await;
    report(&world, Sms, Delivered).await;
    assert_eq!(world.message().await.fate.deliver_time, None);
    assert!(world.send_due(&sender).await.is_empty());

    let read = report(&world, Email, Read).await;
    assert!(read.read_time.is_some() && read.deliver_time.is_some());
    report(&world, Email, Read).await;
    report(&world, Email, Bounced).await;
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Failed);
    let outcomes: Vec<AttemptOutcome> = world
        .attempts(&message.name)
        .await
        .iter()
        .map(|a| a.outcome)
        .collect();
    assert_eq!(outcomes, [AttemptOutcome::Bounced; 2]);
    assert_eq!(endpoint.received().len(), 2);
    assert_eq!(
        world.announced().await,
        [
            "SENT",
            "DELIVERED",
            "BOUNCED",
            "SENT",
            "READ",
            "BOUNCED",
            "FAILED"
        ]
    );
    let ways: Vec<String> = world.fates().await.into_iter().map(|f| f.channel).collect();
    assert_eq!(ways[..4], ["SMS", "SMS", "SMS", "EMAIL"]);
}

#[tokio::test]
async fn one_click_refuses_a_topic_once_and_a_forged_token_refuses_nothing() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    let portal = caller("lake", &["preferences.*"], None);
    let service = service(&world);
    let token = tokens().refusal(&site("lake"), "token-LAKE-1", MessageTopic::Survey);
    for _ in 0..2 {
        let asked = proto::UnsubscribeRequest {
            token: token.clone(),
        };
        service
            .unsubscribe(by(&portal, asked))
            .await
            .expect("refused");
    }
    let forged = proto::UnsubscribeRequest {
        token: token.replace("SURVEY", "PROGRESS"),
    };
    let refused = service
        .unsubscribe(by(&portal, forged))
        .await
        .expect_err("forged");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let get = proto::GetPreferenceRequest {
        name: PERSON.to_owned(),
    };
    let kept = service
        .get_preference(by(&portal, get))
        .await
        .expect("shown");
    let kept = kept.into_inner().preference.expect("given");
    assert_eq!(
        kept.refused_topics,
        [i32::from(proto::MessageTopic::Survey)]
    );
    // A receipt is told in any case.
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(world.message().await.fate.state, MessageState::Sent);
}

/// The customer of LAKE-1 does not want to be asked how it was.
pub(crate) async fn refuse_surveys(world: &World) {
    let portal = caller("lake", &["preferences.*"], None);
    let token = tokens().refusal(&site("lake"), "token-LAKE-1", MessageTopic::Survey);
    let asked = proto::UnsubscribeRequest { token };
    let answer = service(world).unsubscribe(by(&portal, asked)).await;
    answer.expect("refused");
}
