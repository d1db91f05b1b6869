//! A worker dies between any two steps: nothing is lost, and every copy carries the same id.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use jiff::SignedDuration;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use redress_model::name::{CaseName, IncidentName};
use redress_model::words::CaseStatus;
use redress_notification::domain::message::{Draft, Priority};
use redress_notification::domain::words::{AttemptOutcome, MessageChannel, MessageState, Template};
use redress_notification::jobs::metrics::Metrics;
use redress_notification::jobs::sender::Sender;
use redress_notification::provider::Gateways;
use redress_notification::provider::sms::{SmsGateway, SmsKey, SmsSettings};
use redress_notification::provider::smtp::Smtp;
use redress_notification::provider::webhook::Webhook;
use redress_notification::provider::wecom::Wecom;
use redress_notification::store::messages::Lane;
use redress_testkit::eventually;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::support::http::{Endpoint, Manner};
use crate::support::people::TestPeople;
use crate::support::smtp::MailServer;
use crate::support::{World, news, site};
use crate::timing::news_for;

const LIMIT: Duration = Duration::from_secs(10);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn by_webhook(endpoint: &Endpoint) -> Gateways {
    let channels = vec![MessageChannel::Sms];
    let timeout = Duration::from_secs(15);
    Gateways {
        webhook: Some(
            Webhook::new(&endpoint.url(), &[SECRET], channels, timeout).expect("right settings"),
        ),
        ..Gateways::default()
    }
}

async fn callout(world: &World) {
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
}

#[tokio::test]
async fn between_claim_and_attempt_the_message_comes_back_when_the_lease_ends() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.people.set_hangs(true);
    let sender = world.outbox_sender();
    let due = world
        .due(redress_notification::store::messages::Lane::Routine)
        .await;
    let worker = tokio::spawn({
        let (sender, due) = (sender.clone(), due[0].clone());
        async move { sender.deliver(&due).await }
    });
    eventually(LIMIT, async || {
        world.message().await.fate.state == MessageState::Sending && world.people.asked() > 0
    })
    .await;
    worker.abort();
    let _ = worker.await;

    world.people.set_hangs(false);
    world.clock.advance(SignedDuration::from_secs(59));
    assert!(world.send_due(&sender).await.is_empty(), "the lease holds");
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.send_due(&sender).await.len(), 1);
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Sent);
    assert_eq!(message.fate.attempt_count, 1);
    assert_eq!(world.announced().await, ["SENT"]);
}

#[tokio::test]
async fn between_handing_over_and_completing_the_copy_carries_the_same_id() {
    let world = World::new().await;
    callout(&world).await;
    let endpoint = Endpoint::start().await;
    endpoint.next(Manner::Stall);
    let sender = world.sender(by_webhook(&endpoint));
    let due = world
        .due(redress_notification::store::messages::Lane::Grave)
        .await;
    let worker = tokio::spawn({
        let (sender, due) = (sender.clone(), due[0].clone());
        async move { sender.deliver(&due).await }
    });
    eventually(LIMIT, async || endpoint.received().len() == 1).await;
    worker.abort();
    let _ = worker.await;

    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(world.send_due(&sender).await.len(), 1);
    let received = endpoint.received();
    assert_eq!(received.len(), 2);
    assert_eq!(
        received[0].headers["webhook-id"],
        received[1].headers["webhook-id"]
    );
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Sent);
    let outcomes: Vec<AttemptOutcome> = world
        .attempts(&message.name)
        .await
        .iter()
        .map(|a| a.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [AttemptOutcome::Unknown, AttemptOutcome::Accepted]
    );
    assert_eq!(world.announced().await, ["SENT"]);
}

#[tokio::test]
async fn p19_a_worker_that_was_taken_for_dead_changes_nothing_when_it_comes_back() {
    let world = World::new().await;
    callout(&world).await;
    let endpoint = Endpoint::start().await;
    endpoint.next(Manner::Stall);
    let sender = world.sender(by_webhook(&endpoint));
    let due = world
        .due(redress_notification::store::messages::Lane::Grave)
        .await;
    let slow = tokio::spawn({
        let (sender, due) = (sender.clone(), due[0].clone());
        async move { sender.deliver(&due).await }
    });
    eventually(LIMIT, async || endpoint.received().len() == 1).await;
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(world.send_due(&sender).await.len(), 1);
    let settled = world.message().await;

    endpoint.release();
    slow.await.expect("the slow worker ends by itself");
    let after = world.message().await;
    assert_eq!(after.fate, settled.fate);
    assert_eq!(world.announced().await, ["SENT"]);
}

#[tokio::test]
async fn a_message_that_kills_every_worker_ends_in_failed_and_each_counts_for_its_provider() {
    let world = World::new().await;
    callout(&world).await;
    let endpoint = Endpoint::start().await;
    let (sender, provider, exporter) = counting(&world, by_webhook(&endpoint));
    for _ in 1..=3 {
        dies_once_it_was_sent(&world, &sender, &endpoint, Lane::Grave).await;
        world.clock.advance(SignedDuration::from_secs(60));
    }
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Failed);
    assert_eq!(message.fate.reason, "WAYS_USED_UP");
    assert_eq!(endpoint.received().len(), 3);

    provider.force_flush().expect("read");
    assert_eq!(attempts(&exporter), [(unknown_by_webhook(), 3)]);
}

/// A complainant's message of a case of this number, whose worker dies.
async fn progress_is_lost(
    world: &World,
    sender: &Arc<Sender<TestPeople>>,
    endpoint: &Endpoint,
    number: &str,
) -> CaseName {
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let (phone, email) = ("+8613800138000", "wang@example.com");
    world
        .people
        .add_complainant(&case, number, "Wang", phone, email);
    // Nobody of the case gets a receipt meanwhile.
    world.tell(news::received(&case, number, &[])).await;
    let draft = Draft {
        template: Template::CaseProgress,
        ..news_for(&case, number, number, world.now())
    };
    world.queue(&draft).await;
    dies_once_it_was_sent(world, sender, endpoint, Lane::Routine).await;
    case
}

#[tokio::test]
async fn p21_an_end_that_nobody_knows_is_counted_though_its_message_ends_or_waits_and_is_not_sent_again()
 {
    let world = World::new().await;
    let endpoint = Endpoint::start().await;
    let (sender, provider, exporter) = counting(&world, by_webhook(&endpoint));
    // 20:57:30 in Shanghai, where the night begins at 21:00.
    world
        .clock
        .set("2026-11-21T12:57:30Z".parse().expect("an instant"));
    let lease_ends = async || {
        world.clock.advance(SignedDuration::from_secs(60));
        world.send_due(&sender).await;
    };

    let withdrawn = progress_is_lost(&world, &sender, &endpoint, "LAKE-1").await;
    world
        .tell(news::moved(&withdrawn, CaseStatus::Withdrawn, 2))
        .await;
    lease_ends().await;
    let silenced = progress_is_lost(&world, &sender, &endpoint, "LAKE-2").await;
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::incident(&incident, &[&silenced], None, 1))
        .await;
    lease_ends().await;
    progress_is_lost(&world, &sender, &endpoint, "LAKE-3").await;
    lease_ends().await;

    let messages = world.messages().await;
    let came_to: Vec<(MessageState, &str)> = messages
        .iter()
        .map(|m| (m.fate.state, m.fate.reason.as_str()))
        .collect();
    let expected = [
        (MessageState::Cancelled, "CASE_ENDED"),
        (MessageState::Held, "SINGLE_VOICE"),
        (MessageState::Queued, "QUIET_HOURS"),
    ];
    assert_eq!(came_to, expected);
    assert_eq!(endpoint.received().len(), 3, "none was sent again");
    for message in &messages {
        let attempts = world.attempts(&message.name).await;
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].outcome, AttemptOutcome::Unknown);
    }
    provider.force_flush().expect("read");
    assert_eq!(attempts(&exporter), [(unknown_by_webhook(), 3)]);
}

/// A sender whose attempts are counted, and where the counts are read.
fn counting(
    world: &World,
    gateways: Gateways,
) -> (
    Arc<Sender<TestPeople>>,
    SdkMeterProvider,
    InMemoryMetricExporter,
) {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(exporter.clone()).build())
        .build();
    let mut sender = world.sender(gateways);
    Arc::get_mut(&mut sender).expect("no worker lives").metrics =
        Metrics::new(&provider.meter("test"));
    (sender, provider, exporter)
}

/// The worker of what is due in a lane dies once the provider has it, before there is an answer.
pub(crate) async fn dies_once_it_was_sent(
    world: &World,
    sender: &Arc<Sender<TestPeople>>,
    endpoint: &Endpoint,
    lane: Lane,
) {
    let before = endpoint.received().len();
    endpoint.next(Manner::Stall);
    let due = world.due(lane).await;
    let worker = tokio::spawn({
        let (sender, due) = (Arc::clone(sender), due[0].clone());
        async move { sender.deliver(&due).await }
    });
    eventually(LIMIT, async || endpoint.received().len() > before).await;
    worker.abort();
    let _ = worker.await;
}

/// The labels of attempts by text message through the webhook whose end nobody knows.
fn unknown_by_webhook() -> BTreeMap<String, String> {
    let labels = [
        ("redress.message.channel", "SMS"),
        ("redress.message.outcome", "UNKNOWN"),
        ("redress.message.provider", "WEBHOOK"),
    ];
    BTreeMap::from(labels.map(|(label, value)| (label.to_owned(), value.to_owned())))
}

/// The attempts that the latest export counts, by their labels.
fn attempts(exporter: &InMemoryMetricExporter) -> Vec<(BTreeMap<String, String>, u64)> {
    let exports = exporter.get_finished_metrics().expect("read");
    let last = exports.last().expect("an export");
    let mut counted = Vec::new();
    for metric in last.scope_metrics().flat_map(|scope| scope.metrics()) {
        if metric.name() != "redress.notification.attempts" {
            continue;
        }
        let AggregatedMetrics::U64(MetricData::Sum(sum)) = metric.data() else {
            panic!("{} is no count", metric.name());
        };
        for point in sum.data_points() {
            let labels = point
                .attributes()
                .map(|label| (label.key.to_string(), label.value.to_string()))
                .collect();
            counted.push((labels, point.value()));
        }
    }
    counted
}

/// How far a message has come, seen from outside.
struct Seen {
    state: String,
    under_way: bool,
    arrived: bool,
}

/// The places between two steps: claimed, begun, in the provider's hands without an answer. Behind the last step nothing
/// is left to die in.
const PLACES: [fn(&Seen) -> bool; 3] = [
    |seen| seen.state == "SENDING" && !seen.under_way,
    |seen| seen.under_way && !seen.arrived,
    |seen| seen.under_way && seen.arrived,
];

/// How many workers may slip through a place while it is looked at from outside.
const SLIPS_MAX: usize = 100;

/// Rings when the worker may go on.
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Lets a worker go on, wait by wait, until it is to die. Returns whether it came to its end before.
pub(crate) async fn survives(
    worker: impl Future<Output = ()>,
    mut dies: impl AsyncFnMut() -> bool,
) -> bool {
    let mut worker = std::pin::pin!(worker);
    let bell = Arc::new(Bell(Notify::new()));
    let waker = Waker::from(Arc::clone(&bell));
    loop {
        if dies().await {
            return false;
        }
        if worker
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
        {
            return true;
        }
        bell.0.notified().await;
    }
}

/// How many workers have to survive, each killed one wait later than the one before, until every wait has been one to
/// die in.
const SURVIVORS: usize = 3;

/// One call-out after the other to somebody of the staff; see [`each_killed`].
async fn killed_everywhere(
    world: &World,
    gateways: impl Fn() -> Gateways,
    arrived: impl AsyncFn() -> usize,
) -> usize {
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    let cause = async || {
        let callout = news::callout(Uuid::now_v7(), &incident, &case, &li);
        world.tell(callout).await;
    };
    each_killed(world, gateways, cause, arrived).await
}

/// One grave message after the other, and the worker of each is killed in another place; then their leases end. Returns how
/// many messages there were. `cause` makes one, and `arrived` says how many the provider has taken. A worker that is killed
/// takes with it what it remembers of its gateways.
async fn each_killed(
    world: &World,
    gateways: impl Fn() -> Gateways,
    cause: impl AsyncFn(),
    arrived: impl AsyncFn() -> usize,
) -> usize {
    let mut sender = world.sender(gateways());
    let next = async || {
        cause().await;
        let due = world.due(Lane::Grave).await;
        let newest = due.into_iter().max_by_key(|d| d.name.id);
        newest.expect("one is due")
    };
    let mut callouts = 0;
    let mut places = PLACES.into_iter();
    let mut place = places.next();
    while let Some(dies_at) = place {
        let (due, before) = (next().await, arrived().await);
        callouts += 1;
        Arc::get_mut(&mut sender).expect("no worker lives").gateways = gateways();
        let dies = async || {
            let (state, pending): (String, i64) = sqlx::query_as(
                "SELECT state, (SELECT count(*) FROM notification.attempt a
                                WHERE a.message_id = m.message_id AND a.outcome = 'PENDING')
                 FROM notification.message m WHERE message_id = $1",
            )
            .bind(due.name.id)
            .fetch_one(&world.base.admin)
            .await
            .expect("it is there");
            dies_at(&Seen {
                state,
                under_way: pending > 0,
                arrived: arrived().await > before,
            })
        };
        if !survives(sender.deliver(&due), dies).await {
            place = places.next();
        }
        assert!(callouts < SLIPS_MAX, "nobody dies where they should");
    }
    let mut survivors = 0;
    for waits in 0.. {
        let due = next().await;
        callouts += 1;
        Arc::get_mut(&mut sender).expect("no worker lives").gateways = gateways();
        let mut left = waits;
        let dies = async || {
            left -= 1;
            left < 0
        };
        survivors += usize::from(survives(sender.deliver(&due), dies).await);
        if survivors == SURVIVORS {
            break;
        }
        assert!(waits < 1_000, "sending takes no end");
    }
    // Not so long that anybody would be paged again: what is sent more than once is sent for a death.
    world.clock.advance(SignedDuration::from_secs(60));
    loop {
        let due = world.due(Lane::Grave).await;
        if due.is_empty() {
            return callouts;
        }
        for due in &due {
            Arc::get_mut(&mut sender).expect("no worker lives").gateways = gateways();
            sender.deliver(due).await;
        }
    }
}

/// Each was sent, each copy beyond the first belongs to an end that nobody knows, and nobody was told twice that it
/// was sent.
async fn each_was_sent_once_in_effect(
    world: &World,
    copies: &BTreeMap<String, usize>,
    callouts: usize,
) {
    let again = each_came_to(world, copies, callouts, MessageState::Sent).await;
    assert!(again >= 1, "a lost end was answered by a copy");
    assert_eq!(world.announced().await, vec!["SENT"; callouts]);
}

/// Each came to this, and each copy beyond the first belongs to an end that nobody knows and that is counted. Returns how
/// many copies there were.
async fn each_came_to(
    world: &World,
    copies: &BTreeMap<String, usize>,
    callouts: usize,
    state: MessageState,
) -> usize {
    let messages = world.messages().await;
    assert_eq!(messages.len(), callouts);
    let (mut lost, mut again) = (0, 0);
    for message in &messages {
        assert_eq!(message.fate.state, state, "{:?}", message.name);
        let id = format!("{}.1", message.name.id.simple());
        let arrived = copies.get(&id).copied().unwrap_or_default();
        let attempts = world.attempts(&message.name).await;
        let unknown = attempts
            .iter()
            .filter(|a| a.outcome == AttemptOutcome::Unknown)
            .count();
        assert!(arrived >= 1, "{id} never arrived");
        assert!(
            arrived <= 1 + unknown,
            "{id} arrived {arrived} times, {unknown} unknown"
        );
        lost += unknown;
        again += arrived - 1;
    }
    assert!(lost >= 2, "{lost} unknown, {again} again");
    assert_eq!(copies.len(), messages.len(), "nothing else arrived");
    again
}

#[tokio::test]
async fn p21_a_worker_killed_between_any_two_steps_loses_nothing_and_the_webhooks_id_tells_copies()
{
    let world = World::new().await;
    let endpoint = Endpoint::start().await;
    let arrived = async || endpoint.received().len();
    let callouts = killed_everywhere(&world, || by_webhook(&endpoint), arrived).await;
    let mut copies = BTreeMap::new();
    for request in endpoint.received() {
        let id = request.headers["webhook-id"]
            .trim_start_matches("msg_")
            .to_owned();
        *copies.entry(id).or_insert(0) += 1;
    }
    each_was_sent_once_in_effect(&world, &copies, callouts).await;
}

#[tokio::test]
async fn p21_a_worker_killed_between_any_two_steps_gives_the_text_gateway_one_idempotency_key() {
    let world = World::new().await;
    let endpoint = Endpoint::start().await;
    let settings = || SmsSettings {
        url: endpoint.url(),
        keys: vec![SmsKey {
            id: "new".to_owned(),
            secret: b"fedcba9876543210".to_vec(),
        }],
        signature: "湖畔花园".to_owned(),
        sites: vec![site("lake")],
        templates: BTreeMap::new(),
    };
    let gateway = || SmsGateway::new(settings(), Duration::from_secs(15)).expect("right settings");
    let by_sms = || Gateways {
        sms: vec![gateway()],
        ..Gateways::default()
    };
    let callouts = killed_everywhere(&world, by_sms, async || endpoint.received().len()).await;
    let mut copies = BTreeMap::new();
    for request in endpoint.received() {
        let key = request.headers["idempotency-key"].clone();
        *copies.entry(key).or_insert(0) += 1;
    }
    each_was_sent_once_in_effect(&world, &copies, callouts).await;
}

#[tokio::test]
async fn p21_a_worker_killed_between_any_two_steps_sends_mail_again_under_the_same_message_id() {
    let world = World::new().await;
    let server = MailServer::start();
    let by_mail = || Gateways {
        smtp: Some(
            Smtp::new(
                &server.url(),
                "service@lake.example.com",
                None,
                Duration::from_secs(10),
            )
            .expect("right settings"),
        ),
        ..Gateways::default()
    };
    let callouts = killed_everywhere(&world, by_mail, async || server.mails().len()).await;
    let mut copies = BTreeMap::new();
    for mail in server.mails() {
        let id = mail["message_id"].as_str().expect("an id");
        let id = id
            .trim_start_matches('<')
            .split('@')
            .next()
            .unwrap_or_default();
        *copies.entry(id.to_owned()).or_insert(0) += 1;
    }
    each_was_sent_once_in_effect(&world, &copies, callouts).await;
}

#[tokio::test]
async fn p21_a_worker_killed_between_any_two_steps_writes_to_the_group_again_and_each_copy_is_counted()
 {
    let world = World::new().await;
    let endpoint = Endpoint::start().await;
    // WeCom knows no id of ours: what tells copies is the message's name, which every call-out ends with.
    endpoint.always(Manner::Json(r#"{"errcode":0,"errmsg":"ok"}"#));
    let robot = || Wecom::new(&endpoint.url(), Vec::new(), Duration::from_secs(15));
    let by_robot = || Gateways {
        wecom: vec![robot().expect("right settings")],
        ..Gateways::default()
    };
    let callouts = killed_everywhere(&world, by_robot, async || endpoint.received().len()).await;
    let mut copies = BTreeMap::new();
    for request in endpoint.received() {
        let payload: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
        let content = payload["text"]["content"].as_str().expect("a text");
        let (_, name) = content.split_once("/messages/").expect("its name");
        let id: Uuid = name[..36].parse().expect("an id");
        *copies.entry(format!("{}.1", id.simple())).or_insert(0) += 1;
    }
    each_was_sent_once_in_effect(&world, &copies, callouts).await;
}

/// How often each message stands in a table of ours.
async fn rows(world: &World, table: &str) -> BTreeMap<String, usize> {
    let statement = format!("SELECT message_id FROM notification.{table}");
    let ids: Vec<Uuid> = sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
        .fetch_all(&world.base.admin)
        .await
        .expect("read");
    let mut copies = BTreeMap::new();
    for id in ids {
        *copies.entry(format!("{}.1", id.simple())).or_insert(0) += 1;
    }
    copies
}

#[tokio::test]
async fn p21_a_worker_killed_between_any_two_steps_tells_apps_once_and_keeps_one_page_in_the_outbox()
 {
    for table in ["app_notice", "kept_text"] {
        let world = World::new().await;
        let gateways = || Gateways {
            app: table == "app_notice",
            outbox: table == "kept_text",
            ..Gateways::default()
        };
        let arrived = async || rows(&world, table).await.len();
        let callouts = killed_everywhere(&world, gateways, arrived).await;
        let copies = rows(&world, table).await;
        let again = each_came_to(&world, &copies, callouts, MessageState::Sent).await;
        assert_eq!(again, 0, "{table}: it lies where the message lies");
        assert_eq!(world.announced().await, vec!["SENT"; callouts]);
    }
}

#[tokio::test]
async fn p21_a_worker_killed_between_any_two_steps_asks_for_one_call_and_one_letter() {
    for channel in [MessageChannel::Phone, MessageChannel::Letter] {
        let world = World::new().await;
        let case = CaseName::new(site("lake"), Uuid::now_v7());
        match channel {
            MessageChannel::Phone => world
                .people
                .add_caller(&case, "t1", "Wang", "+8613800138000"),
            _ => world
                .people
                .add_writer(&case, "t1", "Wang", "3栋 1单元1201"),
        }
        // Nobody of the case gets a receipt meanwhile.
        world.tell(news::received(&case, "LAKE-1", &[])).await;
        let made = Cell::new(0_usize);
        let cause = async || {
            made.set(made.get() + 1);
            // As grave as a call-out, so that no hour and no limit keeps any of them back.
            let draft = Draft {
                priority: Priority::Grave,
                ..news_for(&case, "t1", &made.get().to_string(), world.now())
            };
            world.queue(&draft).await;
        };
        let gateways = || Gateways {
            tasks: true,
            ..Gateways::default()
        };
        let arrived = async || rows(&world, "task").await.len();
        let messages = each_killed(&world, gateways, cause, arrived).await;
        let copies = rows(&world, "task").await;
        let again = each_came_to(&world, &copies, messages, MessageState::Asked).await;
        assert_eq!(again, 0, "{channel}: one task, whoever died");
        assert!(world.announced().await.is_empty(), "nobody was told yet");
    }
}
