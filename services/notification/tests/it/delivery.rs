//! DeliveryService: what sites decide, what customers prefer, what gateways report.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use redress_model::name::{CaseName, IncidentName};
use redress_notification::domain::message::Draft;
use redress_notification::domain::words::{
    AttemptOutcome, MessageChannel, MessageState, MessageTopic, Template,
};
use redress_notification::jobs::metrics::Metrics;
use redress_notification::jobs::sender::Sender;
use redress_notification::provider::Gateways;
use redress_notification::provider::webhook::Webhook;
use redress_notification::rpc::delivery::Delivery;
use redress_notification::store::messages::Lane;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::delivery_service_server::DeliveryService as _;
use redress_rpc::Fingerprints;
use redress_testkit::eventually;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::channels::open_tasks;
use crate::crash::dies_once_it_was_sent;
use crate::rpc::{by, caller};
use crate::support::http::{Endpoint, Manner};
use crate::support::people::TestPeople;
use crate::support::{CALLOUT_ANSWER, World, meter, news, site, tokens};
use crate::timing::news_for;

const LIMIT: Duration = Duration::from_secs(10);
const PERSON: &str = "sites/lake/preferences/token-LAKE-1";

pub(crate) fn service(world: &World) -> Delivery {
    Delivery {
        db: world.base.db.clone(),
        clock: world.clock.clone(),
        tokens: tokens(),
        fingerprints: Fingerprints::new(b"a key of tests"),
        callout_answer: CALLOUT_ANSWER,
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

pub(crate) fn by_webhook(endpoint: &Endpoint) -> Gateways {
    let channels = vec![MessageChannel::Sms, MessageChannel::Email];
    webhook(endpoint, channels, Duration::from_secs(15))
}

fn webhook(endpoint: &Endpoint, channels: Vec<MessageChannel>, timeout: Duration) -> Gateways {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
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

/// The only message came back by text message, was handed over by e-mail, and is told of in this order.
async fn went_by_mail_instead(world: &World, endpoint: &Endpoint, told: &[&str]) {
    let message = world.message().await;
    assert_eq!(
        (message.fate.state, message.fate.channel),
        (MessageState::Sent, Some(MessageChannel::Email))
    );
    let attempts = world.attempts(&message.name).await;
    let outcomes: Vec<AttemptOutcome> = attempts.iter().map(|a| a.outcome).collect();
    assert_eq!(
        outcomes,
        [AttemptOutcome::Bounced, AttemptOutcome::Accepted]
    );
    assert!(attempts.iter().all(|a| a.end_time.is_some()));
    assert_eq!(endpoint.received().len(), 2);
    assert_eq!(world.announced().await, told);
}

/// A gateway reports on a text message before its worker knows that it was taken, which it may never, since it has died.
async fn report_early(
    world: &World,
    sender: &Arc<Sender<TestPeople>>,
    endpoint: &Endpoint,
    what: proto::DeliveryReport,
    dies: bool,
) -> proto::Message {
    if dies {
        dies_once_it_was_sent(world, sender, endpoint, Lane::Routine).await;
        return report(world, proto::MessageChannel::Sms, what).await;
    }
    endpoint.next(Manner::Stall);
    let due = world.due(Lane::Routine).await;
    let worker = tokio::spawn({
        let (sender, due) = (Arc::clone(sender), due[0].clone());
        async move { sender.deliver(&due).await }
    });
    eventually(LIMIT, async || endpoint.received().len() == 1).await;
    let reported = report(world, proto::MessageChannel::Sms, what).await;
    endpoint.release();
    worker.await.expect("it ends by itself");
    reported
}

/// The only message arrived by its first attempt, and is told of once.
async fn arrived_once(world: &World, endpoint: &Endpoint) {
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Sent);
    assert_eq!(message.fate.due_time, None);
    assert!(message.fate.send_time.is_some() && message.fate.deliver_time.is_some());
    let attempts = world.attempts(&message.name).await;
    let outcomes: Vec<AttemptOutcome> = attempts.iter().map(|a| a.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Accepted]);
    assert!(attempts.iter().all(|a| a.end_time.is_some()));
    assert_eq!(endpoint.received().len(), 1);
    assert_eq!(world.announced().await, ["SENT", "DELIVERED"]);
}

#[tokio::test]
async fn p21_what_comes_back_before_its_worker_knows_that_it_was_taken_goes_by_the_next_way() {
    use proto::DeliveryReport::{Bounced, Delivered};
    use proto::MessageChannel::Sms;
    for dies in [true, false] {
        let world = World::new().await;
        world.case("LAKE-1").await;
        world.clock.advance(SignedDuration::from_secs(60));
        let endpoint = Endpoint::start().await;
        let sender = world.sender(by_webhook(&endpoint));
        let back = report_early(&world, &sender, &endpoint, Bounced, dies).await;
        assert_eq!(back.state(), proto::MessageState::Queued, "dies: {dies}");
        // The same way's news come once more, and late ones: it has come back.
        report(&world, Sms, Bounced).await;
        assert_eq!(report(&world, Sms, Delivered).await.deliver_time, None);
        world.send_due(&sender).await;
        went_by_mail_instead(&world, &endpoint, &["BOUNCED", "SENT"]).await;
    }
}

#[tokio::test]
async fn p21_what_comes_back_once_another_worker_has_planned_to_send_it_again_is_not_sent_by_that_way()
 {
    let world = World::new().await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_secs(60));
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_webhook(&endpoint));
    dies_once_it_was_sent(&world, &sender, &endpoint, Lane::Routine).await;
    world.clock.advance(SignedDuration::from_secs(60));
    // Claimed by another one, which knows of the first attempt and asks for the address.
    world.people.set_hangs(true);
    let asked = world.people.asked();
    let due = world.due(Lane::Routine).await;
    let worker = tokio::spawn({
        let (sender, due) = (sender.clone(), due[0].clone());
        async move { sender.deliver(&due).await }
    });
    eventually(LIMIT, async || world.people.asked() > asked).await;
    let bounced = proto::DeliveryReport::Bounced;
    report(&world, proto::MessageChannel::Sms, bounced).await;
    world.people.answer_now();
    worker.await.expect("it ends by itself");
    assert_eq!(endpoint.received().len(), 1, "not by this way again");
    world.send_due(&sender).await;
    went_by_mail_instead(&world, &endpoint, &["BOUNCED", "SENT"]).await;
}

#[tokio::test]
async fn p21_what_arrives_before_its_worker_knows_that_it_was_taken_is_not_sent_again() {
    use proto::DeliveryReport::Delivered;
    for dies in [true, false] {
        let world = World::new().await;
        world.case("LAKE-1").await;
        world.clock.advance(SignedDuration::from_secs(60));
        let endpoint = Endpoint::start().await;
        let sender = world.sender(by_webhook(&endpoint));
        let kept = report_early(&world, &sender, &endpoint, Delivered, dies).await;
        assert_eq!(kept.state(), proto::MessageState::Sent, "dies: {dies}");
        report(&world, proto::MessageChannel::Sms, Delivered).await;
        world.clock.advance(SignedDuration::from_secs(60));
        world.send_due(&sender).await;
        arrived_once(&world, &endpoint).await;
    }
}

/// A gateway has the only message by text message and answers so: its worker puts down this and is going to try again.
async fn tried_in_vain(
    world: &World,
    manner: Manner,
    reason: &str,
) -> (Endpoint, Arc<Sender<TestPeople>>) {
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_secs(60));
    let endpoint = Endpoint::start().await;
    let channels = vec![MessageChannel::Sms, MessageChannel::Email];
    let sender = world.sender(webhook(&endpoint, channels, Duration::from_secs(2)));
    endpoint.next(manner);
    world.send_due(&sender).await;
    let waits = world.message().await.fate;
    assert_eq!(
        (waits.state, waits.reason.as_str()),
        (MessageState::Queued, reason)
    );
    (endpoint, sender)
}

#[tokio::test]
async fn p21_what_arrives_though_the_answer_to_its_hand_over_was_lost_is_not_sent_again() {
    use proto::DeliveryReport::Delivered;
    use proto::MessageChannel::Sms;
    for (manner, reason) in [
        (Manner::Stall, "TIMEOUT"),
        (Manner::HangUp, "HTTP_BROKEN"),
        (Manner::Answer("504 Gateway Timeout"), "HTTP_504"),
    ] {
        let world = World::new().await;
        let (endpoint, sender) = tried_in_vain(&world, manner, reason).await;
        let kept = report(&world, Sms, Delivered).await;
        assert_eq!(kept.state(), proto::MessageState::Sent, "{reason}");
        report(&world, Sms, Delivered).await;
        world.clock.advance(SignedDuration::from_secs(60));
        world.send_due(&sender).await;
        arrived_once(&world, &endpoint).await;
    }
}

#[tokio::test]
async fn what_arrives_after_it_was_given_up_is_sent_and_nobody_looks_for_its_reader_any_more() {
    use proto::DeliveryReport::Delivered;
    let world = World::new().await;
    world.case("LAKE-1").await;
    let endpoint = Endpoint::start().await;
    let channels = vec![MessageChannel::Sms];
    let sender = world.sender(webhook(&endpoint, channels, Duration::from_secs(15)));
    for _ in 0..3 {
        endpoint.next(Manner::HangUp);
        world.clock.advance(SignedDuration::from_mins(2));
        world.send_due(&sender).await;
    }
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Failed);
    assert_eq!(open_tasks(&world).await.len(), 1, "a person looks");
    let kept = report(&world, proto::MessageChannel::Sms, Delivered).await;
    assert_eq!(
        (kept.state(), kept.reason.as_str()),
        (proto::MessageState::Sent, "")
    );
    assert!(kept.send_time.is_some() && kept.deliver_time.is_some());
    assert!(open_tasks(&world).await.is_empty());
    report(&world, proto::MessageChannel::Sms, Delivered).await;
    assert!(world.send_due(&sender).await.is_empty());
    assert_eq!(world.announced().await, ["FAILED", "SENT", "DELIVERED"]);
}

#[tokio::test]
async fn what_a_gateway_refused_for_now_has_not_arrived_whatever_it_reports() {
    use proto::DeliveryReport::Delivered;
    use proto::MessageChannel::Sms;
    let world = World::new().await;
    let manner = Manner::Answer("503 Service Unavailable");
    let (endpoint, sender) = tried_in_vain(&world, manner, "HTTP_503").await;
    let kept = report(&world, Sms, Delivered).await;
    assert_eq!(
        (kept.state(), kept.deliver_time),
        (proto::MessageState::Queued, None)
    );
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&sender).await;
    assert_eq!(endpoint.received().len(), 2);
    assert_eq!(world.announced().await, ["SENT"]);
}

#[tokio::test]
async fn p21_what_comes_back_though_the_answer_to_its_hand_over_was_lost_goes_by_the_next_way() {
    use proto::DeliveryReport::{Bounced, Delivered};
    use proto::MessageChannel::Sms;
    let world = World::new().await;
    let (endpoint, sender) = tried_in_vain(&world, Manner::Stall, "TIMEOUT").await;
    report(&world, Sms, Bounced).await;
    assert_eq!(report(&world, Sms, Delivered).await.deliver_time, None);
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&sender).await;
    went_by_mail_instead(&world, &endpoint, &["SENT"]).await;
}

/// What waits to be sent to a complainant a minute before the night begins.
async fn queued_at_nightfall(world: &World) -> (Endpoint, Arc<Sender<TestPeople>>) {
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let (phone, email) = ("+8613800138000", "wang@example.com");
    world
        .people
        .add_complainant(&case, "wang", "Wang", phone, email);
    // Nobody of the case gets a receipt meanwhile.
    world.tell(news::received(&case, "LAKE-1", &[])).await;
    // 20:59 in Shanghai.
    world
        .clock
        .set("2026-11-21T12:59:00Z".parse().expect("an instant"));
    let draft = Draft {
        template: Template::CaseProgress,
        ..news_for(&case, "wang", "a", world.now())
    };
    world.queue(&draft).await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_webhook(&endpoint));
    (endpoint, sender)
}

#[tokio::test]
async fn p21_what_arrives_while_it_waits_for_the_morning_to_be_sent_again_is_not_sent_again() {
    let world = World::new().await;
    let (endpoint, sender) = queued_at_nightfall(&world).await;
    dies_once_it_was_sent(&world, &sender, &endpoint, Lane::Routine).await;
    world.clock.advance(SignedDuration::from_mins(31));
    world.send_due(&sender).await;
    let waits = world.message().await.fate;
    assert_eq!(waits.state, MessageState::Queued);
    let delivered = proto::DeliveryReport::Delivered;
    report(&world, proto::MessageChannel::Sms, delivered).await;
    world.clock.set(waits.due_time.expect("the morning"));
    world.send_due(&sender).await;
    arrived_once(&world, &endpoint).await;
}

#[tokio::test]
async fn p07_what_came_back_and_waited_for_the_morning_is_announced_as_sent_anew() {
    use proto::DeliveryReport::Bounced;
    use proto::MessageChannel::Sms;
    let world = World::new().await;
    let (endpoint, sender) = queued_at_nightfall(&world).await;
    world.send_due(&sender).await;
    world.clock.advance(SignedDuration::from_mins(31));
    report(&world, Sms, Bounced).await;
    world.send_due(&sender).await;
    let waits = world.message().await.fate;
    assert_eq!(
        (waits.state, waits.reason.as_str()),
        (MessageState::Queued, "QUIET_HOURS")
    );
    world.clock.set(waits.due_time.expect("the morning"));
    world.send_due(&sender).await;
    went_by_mail_instead(&world, &endpoint, &["SENT", "BOUNCED", "SENT"]).await;
}

#[tokio::test]
async fn p21_a_callout_that_arrives_before_its_worker_knows_is_not_sent_again_and_pages_on_unless_answered()
 {
    use proto::DeliveryReport::Delivered;
    use proto::MessageChannel::Sms;
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_webhook(&endpoint));
    dies_once_it_was_sent(&world, &sender, &endpoint, Lane::Grave).await;
    let kept = report(&world, Sms, Delivered).await;
    assert_eq!(kept.state(), proto::MessageState::Sent);
    let due = world.message().await.fate.due_time;
    assert_eq!(due, Some(world.now() + CALLOUT_ANSWER));
    world.clock.advance(SignedDuration::from_secs(60));
    assert!(world.send_due(&sender).await.is_empty(), "not once more");
    assert_eq!(endpoint.received().len(), 1);
    world.clock.advance(CALLOUT_ANSWER);
    world.send_due(&sender).await;
    assert_eq!(world.message().await.fate.page, 2);
    assert_eq!(endpoint.received().len(), 2);
    assert_eq!(world.announced().await, ["SENT", "DELIVERED"]);
}

#[tokio::test]
async fn a_callout_that_was_given_up_stays_so_though_it_arrived() {
    use proto::DeliveryReport::Delivered;
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
    let endpoint = Endpoint::start().await;
    let channels = vec![MessageChannel::Sms];
    let sender = world.sender(webhook(&endpoint, channels, Duration::from_secs(15)));
    for _ in 0..3 {
        endpoint.next(Manner::HangUp);
        world.send_due(&sender).await;
        world.clock.advance(SignedDuration::from_mins(2));
    }
    let kept = report(&world, proto::MessageChannel::Sms, Delivered).await;
    assert_eq!(kept.state(), proto::MessageState::Failed);
    assert!(kept.deliver_time.is_some());
    assert!(world.send_due(&sender).await.is_empty());
    assert_eq!(world.announced().await, ["FAILED", "DELIVERED"]);
}

#[tokio::test]
async fn what_came_back_of_a_callouts_first_page_announces_none_of_the_later_ones() {
    use proto::DeliveryReport::Bounced;
    use proto::MessageChannel::Sms;
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_webhook(&endpoint));
    world.send_due(&sender).await;
    report(&world, Sms, Bounced).await;
    world.send_due(&sender).await;
    let told = ["SENT", "BOUNCED", "SENT"];
    went_by_mail_instead(&world, &endpoint, &told).await;
    world.clock.advance(SignedDuration::from_mins(5));
    world.send_due(&sender).await;
    assert_eq!(world.message().await.fate.page, 2);
    assert_eq!(endpoint.received().len(), 3);
    assert_eq!(world.announced().await, told);
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
