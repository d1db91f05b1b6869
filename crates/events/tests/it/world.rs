//! Two services in one database: intake says, triage hears. Between them a peer that fails on demand.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::global::meter;
use opentelemetry::metrics::Meter;
use redress_events::{
    Applied, Event, Handler, Inbox, Keeper, Kept, NewEvent, Pace, Peer, Relay, Subscriptions,
};
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::event::v1::{CaseMoved, DeliverRequest, DeliverResponse};
use redress_rpc::status;
use redress_store::{Database, Operation, Scope, StoreResultExt as _, Tx};
use redress_testkit::TestDatabase;
use sqlx::migrate::Migrator;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;

pub(crate) const MOVED: &str = "redress.case.moved.v1";
pub(crate) const SOON: Duration = Duration::from_secs(20);

static MIGRATORS: [&Migrator; 2] = [&redress_store::MIGRATOR, &redress_events::MIGRATOR];

pub(crate) struct World {
    pub(crate) t: TestDatabase,
    /// intake
    pub(crate) sender: Database,
    /// triage
    pub(crate) receiver: Database,
    pub(crate) mood: Arc<Mood>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) wire: Arc<Wire>,
}

/// How the handler behaves, by subject.
#[derive(Default)]
pub(crate) struct Mood {
    pub(crate) later: Mutex<HashSet<String>>,
    pub(crate) refuses: Mutex<HashSet<String>>,
    pub(crate) panics: Mutex<HashSet<String>>,
    /// Waits until this subject has an event of this source.
    pub(crate) waits_for: Mutex<HashMap<String, String>>,
    pub(crate) attempts: AtomicU64,
}

/// The wire between relay and inbox.
pub(crate) struct Wire {
    inbox: Arc<Inbox>,
    /// Unreachable.
    pub(crate) cut: AtomicBool,
    /// Every batch arrives twice.
    pub(crate) twice: AtomicBool,
    /// The next answers get lost after the batch was applied.
    pub(crate) answers_lost: AtomicU64,
    /// Requests that hold this subject are refused as a whole.
    pub(crate) chokes_on: Mutex<Option<String>>,
    /// While set, answers are held back.
    pub(crate) gate: tokio::sync::watch::Sender<bool>,
    pub(crate) events: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) urgent_requests: AtomicU64,
}

#[async_trait::async_trait]
impl Peer for Wire {
    async fn deliver(&self, request: DeliverRequest) -> Result<DeliverResponse, Status> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        if self.cut.load(Ordering::SeqCst) {
            return Err(Status::unavailable("cut"));
        }
        let is_urgent = request.urgent;
        self.urgent_requests
            .fetch_add(u64::from(is_urgent), Ordering::SeqCst);
        let events: Vec<Event> = request
            .events
            .into_iter()
            .map(|e| Event::from_cloud_event(e).unwrap())
            .collect();
        if let Some(subject) = self.chokes_on.lock().unwrap().as_ref()
            && events.iter().any(|e| e.subject == *subject)
        {
            return Err(Status::invalid_argument("choked"));
        }
        self.events.fetch_add(events.len() as u64, Ordering::SeqCst);
        if self.twice.load(Ordering::SeqCst) {
            let (a, b) = tokio::join!(
                self.inbox.receive(events.clone()),
                self.inbox.receive(events.clone())
            );
            a.map_err(status)?;
            b.map_err(status)?;
        }
        let results = match is_urgent {
            true => self.inbox.receive_urgent(events).await,
            false => self.inbox.receive(events).await,
        };
        let results = results.map_err(status)?;
        self.gate
            .subscribe()
            .wait_for(|closed| !closed)
            .await
            .unwrap();
        if self
            .answers_lost
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
            .is_ok()
        {
            return Err(Status::unavailable("the answer was lost"));
        }
        Ok(DeliverResponse { results })
    }
}

/// Writes what it hears into a log.
struct Log(Arc<Mood>);

impl Handler for Log {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        self.0.hear(tx, event).await
    }
}

/// Writes what it hears of many at once into the log. What is about nothing does not concern it.
pub(crate) struct LogOfMany(pub(crate) Arc<Mood>);

impl Keeper for LogOfMany {
    fn concerns(&self, event: &Event) -> bool {
        event.decode::<CaseMoved>().map_or(true, |m| m.epoch != 0)
    }

    async fn keep(&self, tx: &mut Tx, events: &[Kept<'_>]) -> Result<Applied, Fault> {
        for Kept { event, .. } in events {
            if self.0.hear(tx, event).await? == Applied::Wait {
                return Ok(Applied::Wait);
            }
        }
        Ok(Applied::Done)
    }
}

impl Mood {
    async fn hear(&self, tx: &mut Tx, event: &Event) -> Result<Applied, Fault> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        // Before anything is decided, so that whatever fails or waits has something to undo.
        let number = event.decode::<CaseMoved>()?.epoch;
        sqlx::query("INSERT INTO log (site, subject, source, number) VALUES ($1, $2, $3, $4)")
            .bind(event.site.as_str())
            .bind(&event.subject)
            .bind(&event.source)
            .bind(number)
            .execute(&mut **tx)
            .await
            .or_fault()?;
        let is_in = |set: &Mutex<HashSet<String>>| set.lock().unwrap().contains(&event.subject);
        let waits_for = self.waits_for.lock().unwrap().get(&event.subject).cloned();
        if let Some(base) = waits_for
            && base != event.source
            && !knows(tx, &event.subject, &base).await?
        {
            return Ok(Applied::Wait);
        }
        assert!(!is_in(&self.panics), "as told");
        if is_in(&self.later) {
            return Err(Fault::unavailable("intake"));
        }
        if is_in(&self.refuses) {
            return Err(Fault::invalid("data", "is poison"));
        }
        Ok(Applied::Done)
    }
}

async fn knows(tx: &mut Tx, subject: &str, source: &str) -> Result<bool, Fault> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM log WHERE subject = $1 AND source = $2)")
        .bind(subject)
        .bind(source)
        .fetch_one(&mut **tx)
        .await
        .or_fault()
}

/// Hurried, so that tests of failures take seconds.
pub(crate) fn pace() -> Pace {
    Pace {
        poll: Duration::from_millis(50),
        save: Duration::from_millis(20),
        lease: Duration::from_secs(2),
        beat: Duration::from_millis(100),
        backoff_first: Duration::from_millis(4),
        backoff_max: Duration::from_millis(40),
        ..Pace::default()
    }
}

pub(crate) fn subscriptions() -> Subscriptions {
    Subscriptions::new(&[(MOVED, &["triage"])])
}

impl World {
    pub(crate) async fn new() -> Self {
        let t =
            redress_testkit::database_of(&[("intake", &MIGRATORS), ("triage", &MIGRATORS)]).await;
        sqlx::raw_sql(
            "CREATE TABLE triage.log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, site text NOT NULL,
               subject text NOT NULL, source text NOT NULL, number bigint NOT NULL);
             GRANT SELECT, INSERT ON triage.log TO redress_triage_app",
        )
        .execute(&t.admin)
        .await
        .unwrap();
        let (sender, receiver) = (t.connect("intake"), t.connect("triage"));
        let mood = Arc::new(Mood::default());
        let inbox =
            Arc::new(Inbox::new(receiver.clone(), &meter("test")).on(MOVED, Log(mood.clone())));
        let wire = Arc::new(Wire {
            inbox: inbox.clone(),
            cut: AtomicBool::new(false),
            twice: AtomicBool::new(false),
            answers_lost: AtomicU64::new(0),
            chokes_on: Mutex::new(None),
            gate: tokio::sync::watch::Sender::new(false),
            events: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            urgent_requests: AtomicU64::new(0),
        });
        Self {
            t,
            sender,
            receiver,
            mood,
            inbox,
            wire,
        }
    }

    /// A relay with pools of its own: a replica.
    pub(crate) fn relay(&self, pace: Pace) -> Running {
        self.relay_through(self.wire.clone(), pace)
    }

    pub(crate) fn relay_through(&self, wire: Arc<dyn Peer>, pace: Pace) -> Running {
        self.relay_of(self.t.connect("intake"), wire, pace)
    }

    pub(crate) fn relay_of(&self, db: Database, wire: Arc<dyn Peer>, pace: Pace) -> Running {
        self.relay_measured(db, wire, pace, &meter("test"))
    }

    pub(crate) fn relay_measured(
        &self,
        db: Database,
        wire: Arc<dyn Peer>,
        pace: Pace,
        meter: &Meter,
    ) -> Running {
        let peers = vec![("triage".to_owned(), wire)];
        let relay = Relay::new(db.clone(), subscriptions(), peers, pace, meter).unwrap();
        let stop = CancellationToken::new();
        Running {
            db,
            task: tokio::spawn(relay.run(stop.clone())),
            stop,
        }
    }

    /// Says that the case of this name moved.
    pub(crate) async fn say(&self, subject: &str, number: i64) {
        say(&self.sender, subject, number).await.unwrap();
    }

    /// What was heard about a subject, in order.
    pub(crate) async fn heard(&self, subject: &str) -> Vec<i64> {
        sqlx::query_scalar("SELECT number FROM triage.log WHERE subject = $1 ORDER BY id")
            .bind(subject)
            .fetch_all(&self.t.admin)
            .await
            .unwrap()
    }

    pub(crate) async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement)
            .fetch_one(&self.t.admin)
            .await
            .unwrap()
    }

    /// Waits until exactly this was heard.
    pub(crate) async fn hears(&self, subject: &str, numbers: &[i64]) {
        redress_testkit::eventually(SOON, async || {
            let heard = self.heard(subject).await;
            if heard == numbers {
                Ok(())
            } else {
                Err(format!("{subject}: {heard:?} instead of {numbers:?}"))
            }
        })
        .await;
    }
}

/// A relay at work.
pub(crate) struct Running {
    pub(crate) db: Database,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Running {
    /// As on SIGTERM.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
        self.db.close().await;
    }

    /// As by SIGKILL: nothing is written down any more.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

struct Say<'a> {
    subject: &'a str,
    number: i64,
    urgent: bool,
}

impl Operation for Say<'_> {
    const NAME: &'static str = "test.say";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let payload = moved(self.number);
        let site = site_of(self.subject);
        let event = about(&site, self.subject, &payload);
        match self.urgent {
            true => redress_events::publish_urgent(tx, &event).await?,
            false => redress_events::publish(tx, &event).await?,
        };
        Ok(())
    }
}

pub(crate) async fn say(db: &Database, subject: &str, number: i64) -> Result<(), Fault> {
    say_urgently(db, subject, number, false).await
}

pub(crate) async fn say_urgently(
    db: &Database,
    subject: &str,
    number: i64,
    urgent: bool,
) -> Result<(), Fault> {
    let say = Say {
        subject,
        number,
        urgent,
    };
    db.run(&Scope::site(site_of(subject)), &say).await
}

pub(crate) async fn publish(tx: &mut Tx, subject: &str, number: i64) -> Result<(), Fault> {
    let (site, payload) = (site_of(subject), moved(number));
    let event = about(&site, subject, &payload);
    redress_events::publish(tx, &event).await.map(|_| ())
}

fn moved(number: i64) -> CaseMoved {
    CaseMoved {
        epoch: number,
        ..CaseMoved::default()
    }
}

fn about<'a>(
    site: &'a SiteId,
    subject: &'a str,
    payload: &'a CaseMoved,
) -> NewEvent<'a, CaseMoved> {
    NewEvent {
        event_type: MOVED,
        site,
        subject,
        historical: false,
        payload,
    }
}

/// An event of any source, as it arrives.
pub(crate) fn event(source: &str, subject: &str, number: i64) -> Event {
    Event {
        id: uuid::Uuid::new_v4(),
        source: source.to_owned(),
        event_type: MOVED.to_owned(),
        site: site_of(subject),
        subject: subject.to_owned(),
        historical: false,
        time: jiff::Timestamp::UNIX_EPOCH,
        traceparent: String::new(),
        data: prost::Message::encode_to_vec(&moved(number)).into(),
    }
}

/// `sites/lake/cases/1` is at lake; a name without a site is at lake too.
pub(crate) fn site_of(subject: &str) -> SiteId {
    let site = subject
        .strip_prefix("sites/")
        .and_then(|rest| rest.split('/').next());
    site.unwrap_or("lake").parse().unwrap()
}
