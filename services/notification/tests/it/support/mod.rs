//! One site with its people, a clock that stands still, and the means to tell news and send messages.

pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod news;
pub(crate) mod people;
pub(crate) mod smtp;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use opentelemetry::metrics::{Meter, MeterProvider as _, noop::NoopMeterProvider};
use redress_events::{Applied, Event, Handler as _, Keeper as _, Kept};
use redress_model::Fault;
use redress_model::name::{CaseName, MessageName, SiteId, StaffName};
use redress_model::time::ManualClock;
use redress_notification::domain::message::Draft;
use redress_notification::domain::render::Templates;
use redress_notification::jobs::compose::Previews;
use redress_notification::jobs::inbox::{News, TOLD_OF_CASES};
use redress_notification::jobs::metrics::Metrics;
use redress_notification::jobs::sender::Sender;
use redress_notification::provider::Gateways;
use redress_notification::settings::Sending;
use redress_notification::store::attempts::{self, Attempt};
use redress_notification::store::digests::Bundling;
use redress_notification::store::kept::{self, KeptPage, KeptText};
use redress_notification::store::messages::{self, Filter, Lane, Message};
use redress_notification::token::Tokens;
use redress_rpc::Fingerprints;
use redress_rpc::watch::Bell;
use redress_store::{Keyring, Operation, Scope, Tx};
use redress_testkit::TestDatabase;
use redress_vault::Vault;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use people::TestPeople;

/// Name of the service, which is its schema's.
pub(crate) const SERVICE: &str = "notification";

/// A meter that counts for nobody.
pub(crate) fn meter() -> Meter {
    NoopMeterProvider::new().meter("test")
}

/// As the compiled-in configuration has it.
pub(crate) const BUNDLING: Bundling = Bundling {
    alone_max: 5,
    window: SignedDuration::from_secs(60),
};

/// How long somebody called out has to acknowledge, as the compiled-in configuration has it.
pub(crate) const CALLOUT_ANSWER: SignedDuration = SignedDuration::from_mins(5);

/// A site, as this service sees it.
pub(crate) struct World {
    pub(crate) base: TestDatabase,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) people: TestPeople,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) news: Arc<News<TestPeople>>,
    pub(crate) bell: Bell,
}

impl World {
    /// An empty database and a site `lake` in it.
    pub(crate) async fn new() -> Self {
        log::remember();
        let migrators = [
            &redress_store::MIGRATOR,
            &redress_events::MIGRATOR,
            &redress_notification::MIGRATOR,
        ];
        let base = redress_testkit::database(SERVICE, &migrators).await;
        let clock = ManualClock::new("2026-11-21T02:00:00Z".parse().expect("an instant"));
        let vault = Vault::parse(redress_vault::generate_key_file("k1").expose_secret())
            .expect("a generated file parses");
        let keys = Arc::new(Keyring::new(Arc::new(vault), "key_id"));
        let people = TestPeople::default();
        let news = Arc::new(News {
            keys: Arc::clone(&keys),
            people: people.clone(),
            receipt_wait: SignedDuration::from_secs(60),
            bundling: BUNDLING,
            clock: clock.clone(),
        });
        let world = Self {
            base,
            clock,
            people,
            keys,
            news,
            bell: Bell::new(),
        };
        world.tell(news::site_changed("lake", "en")).await;
        world
    }

    /// Applies an event as the inbox does, without its memory of what was seen.
    pub(crate) async fn try_tell(&self, event: Event) -> Result<Applied, Fault> {
        let prepared = self.news.prepare(&event).await?;
        let apply = Apply {
            news: &self.news,
            event: &event,
            prepared: &prepared,
        };
        self.base
            .db
            .run(&Scope::site(event.site.clone()), &apply)
            .await
    }

    /// Applies an event that has to be applied now.
    pub(crate) async fn tell(&self, event: Event) {
        let subject = event.subject.clone();
        let applied = self.try_tell(event).await.expect("the event is taken in");
        assert_eq!(applied, Applied::Done, "{subject}");
        // What is told later is younger: ids sort by time of birth.
        self.clock.advance(SignedDuration::from_millis(1));
    }

    /// Adds a person to the staff, reached by these addresses.
    pub(crate) async fn hire(&self, id: &str, phone: &str, email: &str) -> StaffName {
        let name = StaffName::new(site("lake"), id.parse().expect("a slug"));
        self.people.add_staff(&name, id, phone, email);
        self.tell(news::staff_changed(&name, 1, false)).await;
        name
    }

    /// A live case with one named complainant, whose receipt is queued.
    pub(crate) async fn case(&self, number: &str) -> CaseName {
        let case = CaseName::new(site("lake"), Uuid::now_v7());
        let token = format!("token-{number}");
        self.people.add_complainant(
            &case,
            &token,
            "Wang Fang",
            "+8613800138000",
            "wang@example.com",
        );
        self.tell(news::received(&case, number, &[&token])).await;
        case
    }

    /// A sender with these gateways.
    pub(crate) fn sender(&self, gateways: Gateways) -> Arc<Sender<TestPeople>> {
        Arc::new(Sender {
            db: self.base.connect(SERVICE),
            keys: Arc::clone(&self.keys),
            gateways,
            templates: Templates::compiled_in().expect("templates compile"),
            people: self.people.clone(),
            sending: Sending {
                receipt_wait: SignedDuration::from_secs(60),
                bundling: BUNDLING,
                callout_answer: CALLOUT_ANSWER,
                attempts_per_way_max: 3,
                lease: SignedDuration::from_secs(60),
                grave_concurrency_max: 4,
                routine_concurrency_max: 4,
                poll: std::time::Duration::from_millis(20),
                unsubscribe_url: Some("https://portal.example.com/unsubscribe?token=".to_owned()),
                survey_url: Some("https://portal.example.com/survey?token=".to_owned()),
            },
            rehearsal: false,
            tokens: tokens(),
            clock: self.clock.clone(),
            metrics: Metrics::new(&meter()),
            bell: self.bell.clone(),
        })
    }

    /// A receipt for somebody who wants to be called, at 10:02: the task of a call waits. Gives its case, and the sender.
    pub(crate) async fn call_waits(&self) -> (CaseName, Arc<Sender<TestPeople>>) {
        let case = CaseName::new(site("lake"), Uuid::now_v7());
        let (name, phone) = ("Wang Fang", "+8613800138000");
        self.people.add_caller(&case, "t1", name, phone);
        self.tell(news::received(&case, "LAKE-1", &["t1"])).await;
        self.clock.advance(SignedDuration::from_mins(2));
        let sender = self.sender(Gateways {
            tasks: true,
            ..Gateways::default()
        });
        self.send_due(&sender).await;
        (case, sender)
    }

    /// A sender that keeps everything in the local outbox.
    pub(crate) fn outbox_sender(&self) -> Arc<Sender<TestPeople>> {
        self.sender(Gateways {
            outbox: true,
            ..Gateways::default()
        })
    }

    /// Sends what is due now, one after the other, until nothing is. Returns the names in order.
    pub(crate) async fn send_due(&self, sender: &Sender<TestPeople>) -> Vec<MessageName> {
        let mut sent = Vec::new();
        loop {
            let mut due = self.due(Lane::Grave).await;
            due.extend(self.due(Lane::Routine).await);
            let Some(next) = due.into_iter().next() else {
                return sent;
            };
            assert!(sent.len() < 100, "sending does not come to an end");
            sender.deliver(&next).await;
            sent.push(next.name);
        }
    }

    /// What is due now in a lane.
    pub(crate) async fn due(&self, lane: Lane) -> Vec<messages::DueMessage> {
        messages::due(&self.base.db, lane, self.now(), 100)
            .await
            .expect("due messages are read")
    }

    pub(crate) fn now(&self) -> Timestamp {
        redress_model::time::Clock::now(&*self.clock)
    }

    /// Queues a message as an event would.
    pub(crate) async fn queue(&self, draft: &Draft) {
        let scope = Scope::site(site("lake"));
        let queue = Queue(draft, self.now());
        self.base.db.run(&scope, &queue).await.expect("queued");
        self.clock.advance(SignedDuration::from_millis(1));
    }

    /// All messages of the site, oldest first.
    pub(crate) async fn messages(&self) -> Vec<Message> {
        let mut all = self
            .base
            .db
            .read(&Scope::site(site("lake")), &All)
            .await
            .expect("messages are read");
        all.sort_by_key(|a| (a.create_time, a.name.id));
        all
    }

    /// The only message there is.
    pub(crate) async fn message(&self) -> Message {
        let mut all = self.messages().await;
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    }

    /// The attempts of a message.
    pub(crate) async fn attempts(&self, name: &MessageName) -> Vec<Attempt> {
        self.base
            .db
            .read(&Scope::site(site("lake")), &AttemptsOf(name))
            .await
            .expect("attempts are read")
    }

    /// Everything in the local outbox, opened, oldest first.
    pub(crate) async fn texts(&self) -> Vec<KeptText> {
        let mut texts = Vec::new();
        for message in self.messages().await {
            let kept = KeptOf(&message.name, &self.keys);
            let scope = Scope::site(site("lake"));
            let pages = self.base.db.read(&scope, &kept).await;
            texts.extend(
                pages
                    .expect("texts are read")
                    .into_iter()
                    .map(|page| page.text),
            );
        }
        texts
    }

    /// The only text in the local outbox.
    pub(crate) async fn text(&self) -> KeptText {
        let mut texts = self.texts().await;
        assert_eq!(texts.len(), 1);
        texts.remove(0)
    }

    /// What was announced of messages' fates, by state.
    pub(crate) async fn announced(&self) -> Vec<String> {
        self.fates().await.into_iter().map(|f| f.state).collect()
    }

    /// What was announced of messages' fates.
    pub(crate) async fn fates(&self) -> Vec<redress_proto::event::v1::MessageChanged> {
        use prost::Message as _;
        let rows: Vec<(Vec<u8>,)> = sqlx::query_as(
            "SELECT payload FROM notification.outbox WHERE type = 'redress.message.changed.v1' ORDER BY id",
        )
        .fetch_all(&self.base.admin)
        .await
        .expect("the outbox is read");
        rows.iter()
            .map(|(data,)| {
                redress_proto::event::v1::MessageChanged::decode(data.as_slice())
                    .expect("a message.changed")
            })
            .collect()
    }
}

/// What writes messages for whoever decides about them.
pub(crate) fn previews() -> Arc<Previews> {
    Arc::new(Previews {
        templates: Templates::compiled_in().expect("templates compile"),
        survey_url: Some("https://portal.example.com/survey?token=".to_owned()),
        rehearsal: false,
    })
}

/// What signs links in tests.
pub(crate) fn tokens() -> Tokens {
    Tokens::new(Fingerprints::new(b"a key of tests"))
}

/// A site id.
pub(crate) fn site(id: &str) -> SiteId {
    id.parse().expect("a slug")
}

struct Apply<'a> {
    news: &'a News<TestPeople>,
    event: &'a Event,
    prepared: &'a Option<redress_notification::store::staff::StaffContact>,
}

impl Operation for Apply<'_> {
    const NAME: &'static str = "test.apply";
    type Output = Applied;

    async fn run(&self, tx: &mut Tx) -> Result<Applied, Fault> {
        let event = self.event;
        if TOLD_OF_CASES.contains(&event.event_type.as_str()) {
            let span = tracing::Span::none();
            return self.news.keep(tx, &[Kept { event, span }]).await;
        }
        self.news.apply(tx, event, self.prepared).await
    }
}

struct Queue<'a>(&'a Draft, Timestamp);

impl Operation for Queue<'_> {
    const NAME: &'static str = "test.queue";
    type Output = u64;

    async fn run(&self, tx: &mut Tx) -> Result<u64, Fault> {
        messages::queue(tx, &site("lake"), std::slice::from_ref(self.0), self.1).await
    }
}

struct All;

impl Operation for All {
    const NAME: &'static str = "test.all_messages";
    type Output = Vec<Message>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Message>, Fault> {
        messages::list(tx, &Filter::default(), None, 1000).await
    }
}

struct KeptOf<'a>(&'a MessageName, &'a Keyring);

impl Operation for KeptOf<'_> {
    const NAME: &'static str = "test.kept";
    type Output = Vec<KeptPage>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<KeptPage>, Fault> {
        kept::list(tx, self.1, self.0).await
    }
}

struct AttemptsOf<'a>(&'a MessageName);

impl Operation for AttemptsOf<'_> {
    const NAME: &'static str = "test.attempts";
    type Output = Vec<Attempt>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Attempt>, Fault> {
        attempts::list(tx, self.0).await
    }
}
