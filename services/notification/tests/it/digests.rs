//! Many offers, warnings and breaches at once: one digest a person, whatever the replicas, and grade 1 apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff_sqlx::ToSqlx as _;
use prost::Message as _;
use redress_events::Event;
use redress_model::name::{CaseName, ClockName, MessageName, StaffName};
use redress_model::words::{ClockKind, ClockTransition, DutyRole};
use redress_notification::domain::words::{MessageChannel, MessageState, Template};
use redress_notification::provider::Gateways;
use redress_notification::provider::webhook::Webhook;
use redress_notification::rpc::Apps;
use redress_notification::store::kept::KeptText;
use redress_notification::store::messages::{Lane, Message};
use redress_proto::event::v1::{ClockChanged, WorkNews};
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::app_service_server::AppService as _;
use redress_proto::notification::v1::message_service_server::MessageService as _;
use redress_testkit::eventually;
use tokio::sync::Notify;
use tokio_stream::StreamExt as _;
use uuid::Uuid;

use crate::crash::survives;
use crate::rpc::{acknowledge, by, caller, list, service};
use crate::support::http::{Endpoint, Manner};
use crate::support::{World, news, site};

const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// Cases that nobody complained about by name, so that they cause nothing by themselves.
async fn cases(world: &World, count: i32) -> Vec<CaseName> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "INSERT INTO notification.case_view (site, case_id, number, historical, status, epoch, revision, language,
           grade, grade_revision, responsible, offered_to, owner_revision)
         SELECT 'lake', gen_random_uuid(), 'LAKE-' || n, false, 'ACCEPTED', 1, 1, '', 3, 1, '', '', 1
         FROM generate_series(1, $1) n RETURNING case_id",
    )
    .bind(count)
    .fetch_all(&world.base.admin)
    .await
    .expect("cases are kept");
    ids.into_iter()
        .map(|id| CaseName::new(site("lake"), id))
        .collect()
}

fn new_clock() -> ClockName {
    ClockName::new(site("lake"), Uuid::now_v7())
}

fn breach(case: &CaseName, lead: &StaffName, grade: i32) -> Event {
    let what = (ClockTransition::Breached, 2);
    news::clock(&new_clock(), case, ClockKind::Answer, what, &[lead], grade)
}

/// So many breaches for one lead.
async fn breaches(world: &World, lead: &StaffName, count: i32) -> Vec<Event> {
    let cases = cases(world, count).await;
    let events: Vec<Event> = cases.iter().map(|case| breach(case, lead, 3)).collect();
    for event in &events {
        world.tell(event.clone()).await;
    }
    events
}

async fn lead(world: &World) -> StaffName {
    world.hire("li", "+8613800000001", "li@example.com").await
}

async fn digests(world: &World) -> Vec<Message> {
    let mut all = world.messages().await;
    all.retain(|m| m.template == Template::ClockDigest);
    all
}

async fn digest(world: &World) -> Message {
    let mut all = digests(world).await;
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

async fn states(world: &World) -> BTreeMap<String, i64> {
    sqlx::query_as::<_, (String, i64)>(
        "SELECT state, count(*) FROM notification.message GROUP BY state",
    )
    .fetch_all(&world.base.admin)
    .await
    .expect("messages are counted")
    .into_iter()
    .collect()
}

#[tokio::test]
async fn p22_five_thousand_breaches_in_one_second_are_one_digest_each_and_grade_1_goes_at_once() {
    let world = World::new().await;
    let leads = [
        world.hire("li", "+8613800000001", "li@example.com").await,
        world.hire("wu", "+8613800000002", "wu@example.com").await,
        world.hire("he", "+8613800000003", "he@example.com").await,
    ];
    let cases = cases(&world, 5_000).await;
    let events: Vec<Event> = cases
        .iter()
        .enumerate()
        // Every hundredth is grade 1.
        .map(|(n, case)| breach(case, &leads[n % 3], if n % 100 == 50 { 1 } else { 3 }))
        .collect();
    // Several workers take them in at once, in no order, some of them twice.
    let again = events.iter().step_by(250);
    let all: Vec<&Event> = events.iter().chain(again).collect();
    let worker = async |first: usize| {
        for event in all.iter().skip(first).step_by(8) {
            world.try_tell((*event).clone()).await.expect("taken in");
        }
    };
    tokio::join!(
        worker(0),
        worker(1),
        worker(2),
        worker(3),
        worker(4),
        worker(5),
        worker(6),
        worker(7)
    );

    let rows: Vec<(String, i16, i64, i64, i64)> = sqlx::query_as(
        "SELECT recipient, priority, count(*) FILTER (WHERE template = 'clock.digest'),
                count(*) FILTER (WHERE template <> 'clock.digest' AND state = 'QUEUED' AND due_time <= $1),
                count(*) FILTER (WHERE state = 'BUNDLED')
         FROM notification.message GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind(world.now().to_sqlx())
    .fetch_all(&world.base.admin)
    .await
    .expect("messages are counted");
    assert_eq!(rows.len(), 6, "{rows:?}");
    for (reader, priority, digests, alone, bundled) in &rows {
        if *priority == 1 {
            assert!((16..=17).contains(alone), "{reader}: {alone} of grade 1");
            assert_eq!((*digests, *bundled), (0, 0), "{reader}: grade 1 is bundled");
        } else {
            assert_eq!((*digests, *alone), (1, 5), "{reader}");
        }
    }
    let told: i64 = rows.iter().map(|r| r.3 + r.4).sum();
    assert_eq!(told, 5_000, "every breach is told, none twice");

    // Grade 1 waits for nobody: all of it is in a lane of its own, due now.
    assert_eq!(world.due(Lane::Grave).await.len(), 50);
    world.clock.advance(WINDOW);
    let sender = world.outbox_sender();
    for due in world.due(Lane::Routine).await {
        sender.deliver(&due).await;
    }
    let sent: Vec<(String, i64)> = sqlx::query_as(
        "SELECT d.state, (SELECT count(*) FROM notification.message b WHERE b.digest_id = d.message_id)
         FROM notification.message d WHERE d.template = 'clock.digest'",
    )
    .fetch_all(&world.base.admin)
    .await
    .expect("digests are counted");
    assert_eq!(sent.len(), 3);
    let all = |(state, bundled): &(String, i64)| state == "SENT" && *bundled > 1_600;
    assert!(sent.iter().all(all), "{sent:?}");
}

#[tokio::test]
async fn p22_a_digest_goes_when_its_window_ends_though_hundreds_wait_for_their_readers_turn() {
    let world = World::new().await;
    let li = lead(&world).await;
    for case in cases(&world, 200).await {
        let handover = news::work_noticed(&case, WorkNews::HandoverExpired, &[&li], 3);
        world.tell(handover).await;
    }
    breaches(&world, &li, 200).await;
    let sender = world.outbox_sender();
    let try_all = async || {
        loop {
            let due = world.due(Lane::Routine).await;
            if due.is_empty() {
                break;
            }
            for due in &due {
                sender.deliver(due).await;
            }
        }
    };
    // Thirty take their turns; what waits is due again before the digest is.
    try_all().await;
    world.clock.advance(WINDOW);
    try_all().await;
    let states = states(&world).await;
    assert!(
        states["QUEUED"] > 100,
        "the reader's turn is over: {states:?}"
    );
    let digest = digest(&world).await;
    assert_eq!(
        (digest.fate.state, digest.bundled_count),
        (MessageState::Sent, 195)
    );
}

#[tokio::test]
async fn p22_m17_m13_a_flood_of_take_overs_and_late_orders_is_one_digest_but_for_grade_1() {
    let world = World::new().await;
    let li = lead(&world).await;
    let all = cases(&world, 202).await;
    for (n, case) in all.iter().enumerate() {
        let what = match n % 2 {
            0 => WorkNews::TakenOver,
            _ => WorkNews::OrderOverdue,
        };
        let grade = if n == 200 { 1 } else { 3 };
        if n == 201 {
            // It rose, and assignment does not know yet.
            world.tell(news::decided(case, 1, 2)).await;
        }
        world
            .tell(news::work_noticed(case, what, &[&li], grade))
            .await;
    }
    assert_eq!(world.due(Lane::Grave).await.len(), 2, "grade 1, at once");
    let sender = world.outbox_sender();
    assert_eq!(world.send_due(&sender).await.len(), 7, "five go alone");
    assert_eq!(digest(&world).await.bundled_count, 195);
    // A case that rises leaves it, as with breaches.
    world.tell(news::decided(&all[100], 1, 2)).await;
    assert_eq!(world.send_due(&sender).await.len(), 1);

    world.clock.advance(WINDOW);
    assert_eq!(world.send_due(&sender).await.len(), 1);
    let digest = digest(&world).await;
    assert_eq!(
        (digest.fate.state, digest.bundled_count),
        (MessageState::Sent, 194)
    );
    let texts = world.texts().await;
    let text = texts
        .iter()
        .find(|t| t.subject.contains("194 matters"))
        .expect("a digest of the rest");
    assert!(text.body.contains("not done in time: 194"), "{}", text.body);
    let named = text.body.lines().filter(|line| {
        line.ends_with(": the company centre takes the case over")
            || line.ends_with(": what was ordered is not done in time")
    });
    assert_eq!(named.count(), 10, "{}", text.body);
    assert!(text.body.contains("and 184 more"), "{}", text.body);
}

#[tokio::test]
async fn p22_p21_a_storm_of_offers_is_a_few_messages_that_name_each_once_and_grade_1_goes_alone() {
    let world = World::new().await;
    let li = lead(&world).await;
    let wu = world.hire("wu", "+8613800000002", "wu@example.com").await;
    let all = cases(&world, 17).await;
    // It rose, and assignment does not know yet.
    world.tell(news::decided(&all[15], 1, 2)).await;
    for case in &all {
        let offer = news::offered(case, &li, Some(&li), 2);
        world.tell(offer.clone()).await;
        world.tell(offer).await;
    }
    // One is offered to li anew.
    world.tell(news::offered(&all[14], &li, Some(&li), 3)).await;
    assert_eq!(digest(&world).await.bundled_count, 12);
    // One goes to somebody else before li is told.
    world.tell(news::offered(&all[16], &li, Some(&wu), 3)).await;
    assert_eq!(world.due(Lane::Grave).await.len(), 1, "grade 1, at once");
    let sender = world.outbox_sender();
    let sent = world.send_due(&sender).await.len();
    assert_eq!(sent, 7, "five and grade 1 alone, and wu's");

    world.clock.advance(WINDOW);
    assert_eq!(world.send_due(&sender).await.len(), 1);
    assert_eq!(digest(&world).await.fate.state, MessageState::Sent);
    let texts = world.texts().await;
    assert_eq!(texts.len(), 8);
    for n in 1..=17 {
        let number = format!("LAKE-{n} (grade ");
        let named = texts.iter().filter(|t| t.body.contains(&number)).count();
        assert_eq!(named, 1, "{number}");
    }
    let text = texts
        .iter()
        .find(|t| t.subject.contains("10 matters"))
        .expect("a digest of the rest");
    assert!(
        text.body.contains("accepted by itself: 10"),
        "{}",
        text.body
    );
    assert_eq!(text.body.matches(": offered to you").count(), 10);
    assert!(!text.body.contains("(grade 1)"), "{}", text.body);
}

#[tokio::test]
async fn p21_a_digest_is_sent_once_by_two_replicas_at_once() {
    let world = World::new().await;
    let li = lead(&world).await;
    breaches(&world, &li, 8).await;
    world.clock.advance(WINDOW);
    let (one, other) = (world.outbox_sender(), world.outbox_sender());
    let due = world.due(Lane::Routine).await;
    assert_eq!(due.len(), 6, "five alone and the digest");
    for due in &due {
        tokio::join!(one.deliver(due), other.deliver(due), one.deliver(due));
    }
    let digest = digest(&world).await;
    assert_eq!(
        (digest.fate.state, digest.fate.attempt_count),
        (MessageState::Sent, 1)
    );
    assert_eq!(world.texts().await.len(), 6);
    assert_eq!(world.announced().await, ["SENT"; 6]);
    world.clock.advance(SignedDuration::from_hours(1));
    assert!(
        world.send_due(&one).await.is_empty(),
        "nobody sends it again"
    );
}

#[tokio::test]
async fn a_digest_says_how_many_and_names_the_most_urgent() {
    let world = World::new().await;
    let li = lead(&world).await;
    breaches(&world, &li, 25).await;
    world.clock.advance(WINDOW);
    world.send_due(&world.outbox_sender()).await;
    let texts = world.texts().await;
    let text = texts
        .iter()
        .find(|t| t.subject.contains("20 promises"))
        .expect("a digest of twenty");
    assert!(text.body.contains("Overdue: 20"), "{}", text.body);
    assert!(text.body.contains("and 10 more"), "{}", text.body);
    assert_eq!(text.body.matches("answer to the customer").count(), 10);
}

#[tokio::test]
async fn what_a_digest_tells_stays_visible_and_is_listed_by_it() {
    let world = World::new().await;
    let li = lead(&world).await;
    breaches(&world, &li, 7).await;
    let digest = digest(&world).await;
    let service = service(&world);
    let manager = caller("lake", &["messages.*"], None);
    let asked = proto::ListMessagesRequest {
        digest: digest.name.to_string(),
        ..list("sites/-")
    };
    let listed = service.list_messages(by(&manager, asked)).await;
    let listed = listed.expect("listed").into_inner().messages;
    assert_eq!(listed.len(), 2);
    for message in &listed {
        assert_eq!(message.state(), proto::MessageState::Bundled);
        assert_eq!(message.digest, digest.name.to_string());
        assert!(!message.case.is_empty());
    }
    let get = proto::GetMessageRequest {
        name: digest.name.to_string(),
    };
    let shown = service.get_message(by(&manager, get)).await.expect("shown");
    let shown = shown.into_inner().message.expect("given");
    assert_eq!(
        (shown.template.as_str(), shown.bundled_count),
        ("clock.digest", 2)
    );
}

#[tokio::test]
async fn p02_a_digest_leaves_out_what_was_met_and_is_not_sent_when_nothing_is_left() {
    let world = World::new().await;
    let li = lead(&world).await;
    let cases = cases(&world, 7).await;
    let clocks: Vec<ClockName> = cases.iter().map(|_| new_clock()).collect();
    let tell = async |n: usize, transition, generation| {
        let what = (transition, generation);
        let event = news::clock(&clocks[n], &cases[n], ClockKind::Answer, what, &[&li], 3);
        world.tell(event).await;
    };
    for n in 0..7 {
        tell(n, ClockTransition::Breached, 2).await;
    }
    tell(6, ClockTransition::Met, 3).await;
    tell(5, ClockTransition::Cancelled, 3).await;
    world.clock.advance(WINDOW);
    world.send_due(&world.outbox_sender()).await;
    let digest = digest(&world).await;
    assert_eq!(digest.fate.state, MessageState::Cancelled);
    assert_eq!(digest.fate.reason, "NOTHING_LEFT");
    assert_eq!(world.texts().await.len(), 5);
}

#[tokio::test]
async fn acknowledging_a_digest_acknowledges_everything_in_it_though_the_worker_dies_half_way() {
    let world = World::new().await;
    let li = lead(&world).await;
    breaches(&world, &li, 9).await;
    let sender = world.outbox_sender();
    world.clock.advance(WINDOW);
    world.send_due(&sender).await;
    let digest = digest(&world).await;
    let own = caller("lake", &["messages.acknowledge"], Some(&li));
    let service = service(&world);
    for _ in 0..2 {
        let answer = service
            .acknowledge_message(by(&own, acknowledge(&digest.name)))
            .await;
        answer.expect("taken");
    }
    // One of four is done, and done again by a worker that comes late; then the worker is gone.
    let due = world.due(Lane::Routine).await;
    assert_eq!(due.len(), 4);
    sender.deliver(&due[0]).await;
    sender.deliver(&due[0]).await;
    assert_eq!(states(&world).await["BUNDLED"], 3);

    world.send_due(&world.outbox_sender()).await;
    let states = states(&world).await;
    assert_eq!(
        states["ACKNOWLEDGED"], 5,
        "the digest and its four: {states:?}"
    );
    let told = world.fates().await;
    let acknowledged: Vec<_> = told.iter().filter(|f| f.state == "ACKNOWLEDGED").collect();
    assert_eq!(acknowledged.len(), 5);
    let pages = acknowledged
        .iter()
        .filter(|f| !f.clock.is_empty() && f.clock_generation == 2 && f.staff == li.to_string());
    assert_eq!(pages.count(), 4, "each is told to the owner of its clock");
}

#[tokio::test]
async fn one_message_of_a_digest_can_be_acknowledged_by_itself() {
    let world = World::new().await;
    let li = lead(&world).await;
    breaches(&world, &li, 6).await;
    let bundled = world
        .messages()
        .await
        .into_iter()
        .find(|m| m.fate.state == MessageState::Bundled)
        .expect("one is bundled");
    let own = caller("lake", &["messages.acknowledge"], Some(&li));
    let answer = service(&world)
        .acknowledge_message(by(&own, acknowledge(&bundled.name)))
        .await;
    answer.expect("taken");
    world.clock.advance(WINDOW);
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(digest(&world).await.fate.reason, "NOTHING_LEFT");
}

fn by_webhook(endpoint: &Endpoint) -> Gateways {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let channels = vec![MessageChannel::Sms];
    let webhook = Webhook::new(
        &endpoint.url(),
        &[SECRET],
        channels,
        Duration::from_secs(15),
    );
    Gateways {
        webhook: Some(webhook.expect("right settings")),
        ..Gateways::default()
    }
}

#[tokio::test]
async fn a_digest_whose_worker_died_is_sent_again_as_it_was_and_takes_nothing_more() {
    let world = World::new().await;
    let li = lead(&world).await;
    breaches(&world, &li, 7).await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_webhook(&endpoint));
    for due in world.due(Lane::Routine).await {
        sender.deliver(&due).await;
    }
    world.clock.advance(SignedDuration::from_secs(59));
    endpoint.next(Manner::Stall);
    world.clock.advance(SignedDuration::from_secs(1));
    let due = world.due(Lane::Routine).await;
    assert_eq!(due.len(), 1, "the digest");
    let worker = tokio::spawn({
        let (sender, due) = (Arc::clone(&sender), due[0].clone());
        async move { sender.deliver(&due).await }
    });
    eventually(Duration::from_secs(10), async || {
        endpoint.received().len() == 6
    })
    .await;
    // While it is under way more comes: five go alone again, the sixth opens a digest of its own.
    breaches(&world, &li, 6).await;
    worker.abort();
    let _ = worker.await;

    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&sender).await;
    let all = digests(&world).await;
    let counts: Vec<(MessageState, i64)> = all
        .iter()
        .map(|d| (d.fate.state, d.bundled_count))
        .collect();
    assert_eq!(counts, [(MessageState::Sent, 2), (MessageState::Sent, 1)]);
    let id = |name: &MessageName| format!("msg_{}.1", name.id.simple());
    let received = endpoint.received();
    let copies: Vec<&str> = received
        .iter()
        .filter(|r| r.headers["webhook-id"] == id(&all[0].name))
        .map(|r| std::str::from_utf8(&r.body).expect("JSON"))
        .collect();
    assert_eq!(copies.len(), 2, "at least once, known by its id");
    assert!(copies.iter().all(|body| body.contains("2 promises")));
}

/// The same news with this number for people.
fn numbered(event: Event, number: &str) -> Event {
    let mut payload = ClockChanged::decode(&*event.data).expect("news of a clock");
    number.clone_into(&mut payload.number);
    Event {
        data: payload.encode_to_vec().into(),
        ..event
    }
}

#[tokio::test]
async fn p22_what_rises_to_grade_1_leaves_its_digest_and_goes_at_once() {
    let world = World::new().await;
    let li = lead(&world).await;
    let all = cases(&world, 7).await;
    for (n, case) in all.iter().enumerate() {
        let event = numbered(breach(case, &li, 3), &format!("NO{n}-"));
        world.tell(event).await;
    }
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    assert_eq!(digest(&world).await.bundled_count, 2);
    // A fall, and an older decision that comes late, change nothing.
    world.tell(news::decided(&all[5], 2, 2)).await;
    world.tell(news::decided(&all[5], 1, 1)).await;
    assert_eq!(digest(&world).await.bundled_count, 2);

    for _ in 0..2 {
        world.tell(news::decided(&all[6], 1, 2)).await;
    }
    let due = world.due(Lane::Grave).await;
    assert_eq!(due.len(), 1, "at once, in the lane of grade 1");
    world.send_due(&sender).await;
    let told = |texts: &[KeptText]| texts.iter().filter(|t| t.body.contains("NO6-")).count();
    let texts = world.texts().await;
    assert_eq!((texts.len(), told(&texts)), (6, 1));
    assert!(texts[5].body.contains("(grade 1)"), "{}", texts[5].body);
    // News of another service, which does not know of the rise, is about grade 1 too.
    world.tell(breach(&all[6], &li, 3)).await;
    assert_eq!(world.due(Lane::Grave).await.len(), 1);

    world.clock.advance(WINDOW);
    world.send_due(&sender).await;
    let texts = world.texts().await;
    assert_eq!(told(&texts), 1, "the digest does not tell it again");
    let rest = digest(&world).await;
    assert_eq!(
        (rest.fate.state, rest.bundled_count, rest.priority),
        (MessageState::Sent, 1, 2)
    );
}

#[tokio::test]
async fn p22_an_app_that_showed_a_digest_is_told_it_anew_without_the_page_that_left_it() {
    let world = World::new().await;
    let endpoint = Endpoint::start().await;
    let li = lead(&world).await;
    let apps = Apps {
        db: world.base.db.clone(),
        keys: Arc::clone(&world.keys),
        bell: world.bell.clone(),
    };
    let asked = proto::SubscribeRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let mine = caller("lake", &["notices.subscribe"], Some(&li));
    let stream = apps.subscribe(by(&mine, asked)).await.expect("a stream");
    let mut app = stream.into_inner();
    let mut shown = async |count: usize| {
        let mut all = Vec::new();
        for _ in 0..count {
            let item = tokio::time::timeout(Duration::from_secs(20), app.next());
            let item = item.await.expect("in time").expect("an item").expect("ok");
            all.push(item.notice.expect("a notice"));
        }
        all
    };

    let all = cases(&world, 7).await;
    for (n, case) in all.iter().enumerate() {
        let event = numbered(breach(case, &li, 3), &format!("NO{n}-"));
        world.tell(event).await;
    }
    let sender = world.sender(Gateways {
        app: true,
        ..by_webhook(&endpoint)
    });
    world.send_due(&sender).await;
    world.clock.advance(WINDOW);
    // The app is told at once; the provider refuses the digest for now, and then a case rises.
    let due = world.due(Lane::Routine).await;
    assert_eq!(due.len(), 1, "the digest");
    endpoint.next(Manner::Answer("503 Service Unavailable"));
    sender.deliver(&due[0]).await;
    world.tell(news::decided(&all[6], 1, 2)).await;
    world.send_due(&sender).await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&sender).await;

    let (digests, alone): (Vec<_>, Vec<_>) = shown(5 + 1 + 1 + 1 + 1)
        .await
        .into_iter()
        .partition(|n| n.template == "clock.digest");
    let told = |n: &proto::Notice, number: &str| n.body.contains(number);
    let editions: Vec<_> = digests
        .iter()
        .map(|n| (n.edition, n.withdrawn, told(n, "NO5-"), told(n, "NO6-")))
        .collect();
    assert_eq!(
        editions,
        [
            (1, false, true, true),
            (2, true, false, false),
            (3, false, true, false),
        ]
    );
    assert!(
        digests
            .iter()
            .all(|n| n.message == digests[0].message && n.page == 1)
    );
    assert_eq!(alone.iter().filter(|n| told(n, "NO6-")).count(), 1);
    assert!(alone.iter().all(|n| n.edition == 1 && !n.withdrawn));
}

#[tokio::test]
async fn p07_p22_an_offer_that_joins_reminders_which_wait_for_duty_waits_for_none() {
    let world = World::new().await;
    let li = lead(&world).await;
    let off = [(&li, DutyRole::Handler, "2026-11-29T01:00:00Z", None)];
    world.tell(news::duties(&off, 1)).await;
    let all = cases(&world, 12).await;
    let (warned, offered) = all.split_at(6);
    for case in warned {
        let what = (ClockTransition::Warned, 2);
        let event = news::clock(&new_clock(), case, ClockKind::Answer, what, &[&li], 3);
        world.tell(event).await;
    }
    let sender = world.outbox_sender();
    world.clock.advance(WINDOW);
    world.send_due(&sender).await;
    let waits = digest(&world).await;
    assert_eq!(
        (waits.bundled_count, waits.fate.reason.as_str()),
        (1, "OFF_DUTY")
    );

    for case in offered {
        world.tell(news::offered(case, &li, Some(&li), 2)).await;
    }
    world.send_due(&sender).await;
    world.clock.advance(WINDOW);
    world.send_due(&sender).await;
    let told = digest(&world).await;
    assert_eq!(
        (told.bundled_count, told.fate.state),
        (2, MessageState::Sent)
    );
}

#[tokio::test]
async fn p22_a_reminder_that_waits_for_duty_goes_at_once_when_its_case_rises_to_grade_1() {
    let world = World::new().await;
    let li = lead(&world).await;
    let off = [(&li, DutyRole::Handler, "2026-11-29T01:00:00Z", None)];
    world.tell(news::duties(&off, 1)).await;
    let case = cases(&world, 1).await.remove(0);
    let what = (ClockTransition::Warned, 2);
    let warned = news::clock(&new_clock(), &case, ClockKind::Answer, what, &[&li], 3);
    world.tell(warned).await;
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    assert_eq!(world.message().await.fate.reason, "OFF_DUTY");
    world.tell(news::decided(&case, 1, 2)).await;
    assert_eq!(world.due(Lane::Grave).await.len(), 1);
    world.send_due(&sender).await;
    assert_eq!(world.message().await.fate.state, MessageState::Sent);
    let body = world.texts().await.remove(0).body;
    assert!(body.contains("(grade 1)"), "{body}");
}

/// What the worker of a digest meets when a case in it rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meets {
    /// It dies, and the rise comes.
    Death,
    /// The rise comes while it goes on.
    Rise,
    /// The same, and the provider refuses the digest for now.
    Refusal,
}

/// A digest of two is sent by a worker, and one of the two cases rises at the given wait of it. Says whether the worker
/// came to its end, and whether the rise was told alone. Exactly one message told it, and it went without waiting where it
/// went alone.
async fn rises_at(world: &World, endpoint: &Endpoint, wait: usize, meets: Meets) -> (bool, bool) {
    let sender = world.sender(by_webhook(endpoint));
    let id = format!("li{wait}");
    let staff = world.hire(&id, "+8613800000001", "li@example.com").await;
    let all = cases(world, 7).await;
    let number = |n: usize| format!("NO{wait}-{n}-");
    for (n, case) in all.iter().enumerate() {
        let event = numbered(breach(case, &staff, 3), &number(n));
        world.tell(event).await;
    }
    world.send_due(&sender).await;
    world.clock.advance(WINDOW);
    let due = world.due(Lane::Routine).await;
    assert_eq!(due.len(), 1, "the digest");
    if meets == Meets::Refusal {
        endpoint.next(Manner::Answer("503 Service Unavailable"));
    }
    let before = endpoint.received().len();
    let rise = news::decided(&all[6], 1, 2);
    let worker = sender.deliver(&due[0]);
    let mut left = wait;
    let finished = if meets == Meets::Death {
        let dies = async || left.checked_sub(1).map(|fewer| left = fewer).is_none();
        let finished = survives(worker, dies).await;
        world.tell(rise).await;
        finished
    } else {
        let time = Notify::new();
        let mut came = false;
        let watched = async {
            let comes = async || {
                match left.checked_sub(1) {
                    Some(fewer) => left = fewer,
                    None if came => {}
                    None => {
                        came = true;
                        time.notify_one();
                    }
                }
                false
            };
            survives(worker, comes).await;
            time.notify_one();
        };
        let risen = async {
            time.notified().await;
            world.tell(rise).await;
        };
        tokio::join!(watched, risen);
        !came
    };
    endpoint.forget();
    // What was refused told nobody.
    let refused = meets == Meets::Refusal && endpoint.received().len() > before;
    let begin = before + usize::from(refused);
    world.send_due(&sender).await;
    let told = || -> Vec<(bool, String)> {
        let received = endpoint.received();
        let about = received[begin..].iter().filter_map(|r| {
            let body = std::str::from_utf8(&r.body).expect("JSON");
            body.contains(&number(6)).then(|| {
                let bundled = body.contains("clock.digest");
                (bundled, r.headers["webhook-id"].clone())
            })
        });
        about.collect()
    };
    let at_once = told();
    // The lease ends; what was under way is sent again.
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&sender).await;
    let messages: BTreeSet<(bool, String)> = told().into_iter().collect();
    assert_eq!(messages.len(), 1, "{meets:?} at {wait}: {messages:?}");
    let alone = messages.iter().all(|(bundled, _)| !bundled);
    if alone {
        assert!(!at_once.is_empty(), "{meets:?} at {wait}: it waited");
    }
    (finished, alone)
}

/// Every wait of the worker is one at which the case rises. Returns how often it was told alone and how often by the
/// digest.
async fn rises_everywhere(meets: Meets) -> (usize, usize) {
    let world = World::new().await;
    let endpoint = Endpoint::start().await;
    let (mut alone, mut bundled, mut finished) = (0, 0, 0);
    for wait in 0.. {
        let (ended, by_itself) = rises_at(&world, &endpoint, wait, meets).await;
        alone += usize::from(by_itself);
        bundled += usize::from(!by_itself);
        finished += usize::from(ended);
        if finished == 2 {
            break;
        }
        assert!(wait < 200, "sending takes no end");
    }
    (alone, bundled)
}

#[tokio::test]
async fn p22_p21_a_rise_is_told_once_wherever_the_worker_of_its_digest_dies() {
    let (alone, bundled) = rises_everywhere(Meets::Death).await;
    assert!(alone > 0 && bundled > 0, "{alone} alone, {bundled} bundled");
}

#[tokio::test]
async fn p22_p21_a_rise_is_told_once_whenever_it_comes_while_its_digest_is_sent() {
    let (alone, bundled) = rises_everywhere(Meets::Rise).await;
    assert!(alone > 0 && bundled > 0, "{alone} alone, {bundled} bundled");
}

#[tokio::test]
async fn p22_what_rises_while_its_digest_is_refused_does_not_wait_for_the_next_try() {
    let (alone, bundled) = rises_everywhere(Meets::Refusal).await;
    assert!(
        alone > 3 && bundled == 0,
        "{alone} alone, {bundled} bundled"
    );
}
