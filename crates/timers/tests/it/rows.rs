//! The rows of a service as a test needs them: what is armed, and every effect that was ever committed.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use redress_model::Fault;
use redress_model::time::{SharedClock, SystemClock};
use redress_store::{StoreResultExt, fault};
use redress_testkit::{TestDatabase, TestRedis, database};
use redress_timers::{Cause, Entry, Fired, Overdue, Receipt, Redis, Settings, Timers, Truth};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, FromRow, PgPool};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const TABLES: &str = "
    CREATE TABLE row (
        id uuid PRIMARY KEY,
        generation bigint NOT NULL,
        due timestamptz NOT NULL,
        first boolean NOT NULL,
        armed boolean NOT NULL DEFAULT true,
        -- A periodic row is due again after this long.
        period interval
    );
    CREATE TABLE effect (
        number bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        id uuid NOT NULL,
        generation bigint NOT NULL,
        due timestamptz NOT NULL,
        happened timestamptz NOT NULL
    )";

/// The rows, in a database of the test's own.
pub(crate) struct Rows {
    /// None in a process that a test started: there it is the test's.
    database: Option<TestDatabase>,
    pool: PgPool,
    pub(crate) clock: SharedClock,
}

/// One committed effect.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Effect {
    pub(crate) id: Uuid,
    pub(crate) generation: i64,
    due: jiff_sqlx::Timestamp,
    happened: jiff_sqlx::Timestamp,
}

impl Effect {
    pub(crate) fn due(&self) -> Timestamp {
        self.due.to_jiff()
    }

    pub(crate) fn lag(&self) -> SignedDuration {
        self.happened.to_jiff().duration_since(self.due.to_jiff())
    }
}

impl Rows {
    pub(crate) async fn new() -> Arc<Self> {
        Self::at(Arc::new(SystemClock)).await
    }

    pub(crate) async fn at(clock: SharedClock) -> Arc<Self> {
        let database = database("triage", &[&redress_store::MIGRATOR]).await;
        sqlx::raw_sql(TABLES)
            .execute(&database.owner)
            .await
            .expect("the tables are made");
        let options = database.owner.connect_options().as_ref().clone();
        Arc::new(Self {
            database: Some(database),
            pool: pool(options),
            clock,
        })
    }

    /// The rows of the test that started this process, by their [`url`](Self::url).
    pub(crate) fn of_another_process(url: &str) -> Arc<Self> {
        Arc::new(Self {
            database: None,
            pool: pool(url.parse().expect("a url")),
            clock: Arc::new(SystemClock),
        })
    }

    /// How another process reaches them.
    pub(crate) fn url(&self) -> String {
        self.pool.connect_options().to_url_lossy().to_string()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An instant this many milliseconds from now.
    pub(crate) fn in_millis(&self, millis: i64) -> Timestamp {
        self.now() + SignedDuration::from_millis(millis)
    }

    /// Commits a row, new or changed.
    pub(crate) async fn arm(&self, entry: Entry) -> Entry {
        sqlx::query(
            "INSERT INTO row (id, generation, due, first) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET generation = $2, due = $3, first = $4, armed = true",
        )
        .bind(entry.id)
        .bind(entry.generation)
        .bind(entry.due.to_sqlx())
        .bind(entry.first)
        .execute(&self.pool)
        .await
        .expect("the row is committed");
        entry
    }

    /// Commits new rows by one statement: so many one by one can take longer than they have.
    pub(crate) async fn arm_all(&self, entries: &[Entry]) {
        sqlx::QueryBuilder::new("INSERT INTO row (id, generation, due, first) ")
            .push_values(entries, |mut row, entry| {
                row.push_bind(entry.id)
                    .push_bind(entry.generation)
                    .push_bind(entry.due.to_sqlx())
                    .push_bind(entry.first);
            })
            .build()
            .execute(&self.pool)
            .await
            .expect("the rows are committed");
    }

    /// Commits a new row that is due in this many milliseconds.
    pub(crate) async fn arm_in(&self, millis: i64) -> Entry {
        self.arm(Entry::new(Uuid::now_v7(), 1, self.in_millis(millis)))
            .await
    }

    /// Commits a new row that is due in this many milliseconds, and again after each period.
    pub(crate) async fn arm_periodic(&self, millis: i64, period: Duration) -> Entry {
        let entry = Entry::new(Uuid::now_v7(), 1, self.in_millis(millis));
        sqlx::query(
            "INSERT INTO row (id, generation, due, first, period) VALUES ($1, $2, $3, false, make_interval(secs => $4))",
        )
        .bind(entry.id)
        .bind(entry.generation)
        .bind(entry.due.to_sqlx())
        .bind(period.as_secs_f64())
        .execute(&self.pool)
        .await
        .expect("the row is committed");
        entry
    }

    pub(crate) async fn disarm(&self, id: Uuid) {
        sqlx::query("UPDATE row SET armed = false WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await
            .expect("is changed");
    }

    pub(crate) async fn effects(&self) -> Vec<Effect> {
        sqlx::query_as("SELECT id, generation, due, happened FROM effect ORDER BY number")
            .fetch_all(&self.pool)
            .await
            .expect("the effects are read")
    }

    pub(crate) async fn count(&self) -> usize {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM effect")
            .fetch_one(&self.pool)
            .await
            .expect("answers");
        usize::try_from(count).expect("a count")
    }

    /// I4: every entry took effect, none early, none twice.
    pub(crate) async fn assert_each_once_and_none_early(&self, entries: &[Entry]) {
        let effects = self.effects().await;
        let mut times: HashMap<(Uuid, i64), usize> = HashMap::new();
        for effect in &effects {
            *times.entry((effect.id, effect.generation)).or_default() += 1;
            assert!(effect.lag() >= SignedDuration::ZERO, "early: {effect:?}");
        }
        for entry in entries {
            assert_eq!(
                times.remove(&(entry.id, entry.generation)),
                Some(1),
                "{entry:?}"
            );
        }
        assert!(times.is_empty(), "effects that nobody asked for: {times:?}");
        let mut lags: Vec<_> = effects.iter().map(Effect::lag).collect();
        lags.sort_unstable();
        // The figures of docs/benchmarks.md, shown with --nocapture.
        let at = |share: usize| lags.get(lags.len().saturating_sub(1) * share / 100);
        if let (Some(half), Some(worst)) = (at(50), at(100)) {
            let test = std::thread::current();
            let test = test.name().unwrap_or_default().to_owned();
            let count = lags.len();
            #[expect(clippy::print_stdout, reason = "a figure for who runs it by hand")]
            {
                println!("{test}: {count} fired, lag p50 {half:#}, worst {worst:#}");
            }
        }
    }

    pub(crate) fn database(&self) -> &TestDatabase {
        self.database.as_ref().expect("this process made it")
    }
}

fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(24)
        .connect_lazy_with(options)
}

/// How a replica's handler behaves.
#[derive(Default)]
pub(crate) struct Behaviour {
    /// How long it takes before it commits.
    pub(crate) before_commit: Duration,
    /// How long it takes with everything written and nothing committed, where it commits one by one.
    pub(crate) uncommitted: Duration,
    /// How long it takes after it committed.
    pub(crate) after_commit: Duration,
    /// How many more calls fail.
    pub(crate) failures: AtomicUsize,
    /// Whether it panics when it is called the next time.
    pub(crate) panics: AtomicBool,
    /// Whether it cannot count what is overdue.
    pub(crate) uncounted: AtomicBool,
    /// The row that it always fails for.
    pub(crate) poisoned: Option<Uuid>,
    /// The row that it leaves out of a batch, to be fired by itself.
    pub(crate) alone: Option<Uuid>,
    /// What it says is armed too, whenever something periodic fires.
    pub(crate) arms_also: Option<Entry>,
    /// How many entries it commits at once; none is one.
    pub(crate) batch_max: usize,
    /// What each page of armed rows waits for between being read and being answered.
    pub(crate) gate: Option<Semaphore>,
}

/// The service's rows as one replica handles them.
pub(crate) struct Handler {
    rows: Arc<Rows>,
    pub(crate) behaviour: Behaviour,
    /// How many calls run now, by id.
    running: Arc<Mutex<HashMap<Uuid, usize>>>,
    asked: Mutex<BTreeSet<(Uuid, i64)>>,
    pub(crate) calls: AtomicUsize,
    /// How often it was asked to commit several at once.
    pub(crate) batches: AtomicUsize,
    /// How often it was asked what is due.
    pub(crate) scans: AtomicUsize,
    /// How often it was asked so since an instant only.
    pub(crate) scans_since: AtomicUsize,
    /// How many pages of armed rows were read, empty ones aside.
    pub(crate) pages: AtomicUsize,
    receipts: Mutex<Vec<Receipt>>,
    /// The most calls that ever ran at once for one id.
    pub(crate) most: AtomicUsize,
}

impl Handler {
    pub(crate) fn new(rows: &Arc<Rows>, behaviour: Behaviour) -> Arc<Self> {
        Self::beside(rows, behaviour, None)
    }

    /// A handler that counts what runs at once together with another one.
    pub(crate) fn beside(
        rows: &Arc<Rows>,
        behaviour: Behaviour,
        other: Option<&Handler>,
    ) -> Arc<Self> {
        Arc::new(Self {
            rows: rows.clone(),
            behaviour,
            running: other.map(|other| other.running.clone()).unwrap_or_default(),
            asked: Mutex::default(),
            calls: AtomicUsize::new(0),
            batches: AtomicUsize::new(0),
            scans: AtomicUsize::new(0),
            scans_since: AtomicUsize::new(0),
            pages: AtomicUsize::new(0),
            receipts: Mutex::default(),
            most: AtomicUsize::new(0),
        })
    }

    /// The cause that was told of each entry that fired late.
    pub(crate) fn causes(&self) -> HashMap<Uuid, Cause> {
        let receipts = self.receipts.lock().expect("no panic while it is locked");
        receipts
            .iter()
            .map(|receipt| (receipt.entry.id, receipt.cause))
            .collect()
    }

    /// Every id and generation that it was ever asked to commit: unlike the number of calls, the same however often a slow
    /// machine lets a lease end.
    pub(crate) fn asked(&self) -> BTreeSet<(Uuid, i64)> {
        self.asked
            .lock()
            .expect("no panic while it is locked")
            .clone()
    }

    pub(crate) fn receipts(&self) -> Vec<Receipt> {
        self.receipts
            .lock()
            .expect("no panic while it is locked")
            .clone()
    }

    /// Keeps the receipts of what took effect.
    fn keep<'a>(&self, late: &[Receipt], fired: impl IntoIterator<Item = (&'a Entry, &'a Fired)>) {
        let mut kept = self.receipts.lock().expect("no panic while it is locked");
        kept.extend(Receipt::of_effects(late, fired));
    }

    async fn commit(&self, entry: &Entry, now: Timestamp) -> Result<Fired, Fault> {
        let mut tx = self.rows.pool.begin().await.map_err(fault)?;
        let fired = self.apply(&mut tx, entry, now).await?;
        tokio::time::sleep(self.behaviour.uncommitted).await;
        tx.commit().await.map_err(fault)?;
        Ok(fired)
    }

    async fn apply(
        &self,
        tx: &mut sqlx::PgConnection,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Fired, Fault> {
        let row: Option<(i64, jiff_sqlx::Timestamp, Option<f64>)> = sqlx::query_as(
            "SELECT generation, due, extract(epoch FROM period)::float8 FROM row WHERE id = $1 AND armed FOR UPDATE",
        )
        .bind(entry.id)
        .fetch_optional(&mut *tx)
        .await
        .or_fault()?;
        let Some((generation, due, period)) = row else {
            return Ok(Fired::Stale);
        };
        if generation != entry.generation {
            return Ok(Fired::Stale);
        }
        if due.to_jiff() > now {
            return Ok(Fired::Early);
        }
        sqlx::query("INSERT INTO effect (id, generation, due, happened) VALUES ($1, $2, $3, $4)")
            .bind(entry.id)
            .bind(generation)
            .bind(due)
            .bind(self.rows.now().to_sqlx())
            .execute(&mut *tx)
            .await
            .or_fault()?;
        let next = period.map(|seconds| {
            let due = due.to_jiff() + SignedDuration::from_secs_f64(seconds);
            Entry::new(entry.id, generation + 1, due)
        });
        sqlx::query("UPDATE row SET armed = $2, generation = coalesce($3, generation), due = coalesce($4, due) WHERE id = $1")
            .bind(entry.id)
            .bind(next.is_some())
            .bind(next.map(|next| next.generation))
            .bind(next.map(|next| next.due.to_sqlx()))
            .execute(&mut *tx)
            .await
            .or_fault()?;
        // With several armed at once, the next of this id is among them.
        Ok(match (next, self.behaviour.arms_also) {
            (Some(next), Some(other)) => Fired::Armed(vec![other, next]),
            (next, _) => next.map_or(Fired::Done, Fired::Again),
        })
    }
}

/// Counts a call for as long as it runs, cancelled ones too.
struct Running<'a>(&'a Handler, Uuid);

impl<'a> Running<'a> {
    fn new(handler: &'a Handler, entry: &Entry) -> Self {
        let mut asked = handler.asked.lock().expect("no panic while it is locked");
        asked.insert((entry.id, entry.generation));
        let mut running = handler.running.lock().expect("no panic while it is locked");
        let count = running.entry(entry.id).or_default();
        *count += 1;
        handler.most.fetch_max(*count, Ordering::SeqCst);
        handler.calls.fetch_add(1, Ordering::SeqCst);
        Self(handler, entry.id)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(count) = self
            .0
            .running
            .lock()
            .expect("no panic while it is locked")
            .get_mut(&self.1)
        {
            *count -= 1;
        }
    }
}

#[derive(FromRow)]
struct Armed {
    id: Uuid,
    generation: i64,
    due: jiff_sqlx::Timestamp,
    first: bool,
}

fn entries(rows: Vec<Armed>) -> Vec<Entry> {
    rows.into_iter()
        .map(|row| Entry::new(row.id, row.generation, row.due.to_jiff()).first(row.first))
        .collect()
}

/// What one row of counts holds: five classes, and the oldest.
type Counts = (i64, i64, i64, i64, i64, Option<jiff_sqlx::Timestamp>);

#[async_trait]
impl Truth for Handler {
    async fn due(
        &self,
        since: Option<Timestamp>,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Entry>, Fault> {
        self.scans.fetch_add(1, Ordering::SeqCst);
        if since.is_some() {
            self.scans_since.fetch_add(1, Ordering::SeqCst);
        }
        let rows = sqlx::query_as(
            "SELECT id, generation, due, first FROM row
             WHERE armed AND due <= $1 AND due >= coalesce($3, '-infinity'::timestamptz)
             ORDER BY first DESC, due LIMIT $2",
        )
        .bind(now.to_sqlx())
        .bind(limit)
        .bind(since.map(|at| at.to_sqlx()))
        .fetch_all(&self.rows.pool)
        .await
        .or_fault()?;
        Ok(entries(rows))
    }

    async fn overdue(&self, since: Option<Timestamp>, now: Timestamp) -> Result<Overdue, Fault> {
        if self.behaviour.uncounted.load(Ordering::SeqCst) {
            return Err(Fault::unavailable("the test"));
        }
        let [second, ten, minute, long] = Overdue::instants(now).map(|at| at.to_sqlx());
        let (under_1s, under_10s, under_1m, under_10m, over_10m, oldest): Counts = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE due > $2),
                    count(*) FILTER (WHERE due <= $2 AND due > $3),
                    count(*) FILTER (WHERE due <= $3 AND due > $4),
                    count(*) FILTER (WHERE due <= $4 AND due > $5),
                    count(*) FILTER (WHERE due <= $5),
                    min(due)
             FROM row WHERE armed AND due <= $1 AND due >= coalesce($6, '-infinity'::timestamptz)",
        )
        .bind(now.to_sqlx())
        .bind(second)
        .bind(ten)
        .bind(minute)
        .bind(long)
        .bind(since.map(|at| at.to_sqlx()))
        .fetch_one(&self.rows.pool)
        .await
        .or_fault()?;
        let counts = [under_1s, under_10s, under_1m, under_10m, over_10m];
        Ok(Overdue {
            counts: counts.map(i64::unsigned_abs),
            oldest: oldest.map(|at| at.to_jiff()),
        })
    }

    async fn armed(&self, after: Option<Uuid>, limit: i64) -> Result<Vec<Entry>, Fault> {
        let rows = sqlx::query_as(
            "SELECT id, generation, due, first FROM row
             WHERE armed AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.rows.pool)
        .await
        .or_fault()?;
        let page = entries(rows);
        if !page.is_empty() {
            self.pages.fetch_add(1, Ordering::SeqCst);
            if let Some(gate) = &self.behaviour.gate {
                gate.acquire().await.expect("is never closed").forget();
            }
        }
        Ok(page)
    }

    async fn fire(&self, entry: &Entry, late: &[Receipt], now: Timestamp) -> Result<Fired, Fault> {
        let _running = Running::new(self, entry);
        let Behaviour {
            before_commit,
            after_commit,
            failures,
            panics,
            poisoned,
            ..
        } = &self.behaviour;
        assert!(
            !panics.swap(false, Ordering::SeqCst),
            "the handler was told to panic"
        );
        let fails = failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        if fails || *poisoned == Some(entry.id) {
            return Err(Fault::unavailable("the test"));
        }
        tokio::time::sleep(*before_commit).await;
        let fired = self.commit(entry, now).await?;
        self.keep(late, [(entry, &fired)]);
        tokio::time::sleep(*after_commit).await;
        Ok(fired)
    }

    fn batch_max(&self) -> usize {
        self.behaviour.batch_max.max(1)
    }

    async fn fire_many(
        &self,
        entries: &[Entry],
        late: &[Receipt],
        now: Timestamp,
    ) -> Result<Vec<Option<Fired>>, Fault> {
        let _running: Vec<_> = entries.iter().map(|e| Running::new(self, e)).collect();
        self.batches.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.behaviour.before_commit).await;
        let mut tx = self.rows.pool.begin().await.map_err(fault)?;
        let mut fired = Vec::new();
        for entry in entries {
            if self.behaviour.poisoned == Some(entry.id) {
                return Err(Fault::internal("one of the batch is poisoned"));
            }
            if self.behaviour.alone == Some(entry.id) {
                fired.push(None);
                continue;
            }
            fired.push(Some(self.apply(&mut tx, entry, now).await?));
        }
        tx.commit().await.map_err(fault)?;
        let answered = entries.iter().zip(&fired);
        self.keep(
            late,
            answered.filter_map(|(entry, fired)| Some((entry, fired.as_ref()?))),
        );
        tokio::time::sleep(self.behaviour.after_commit).await;
        Ok(fired)
    }
}

/// Limits short enough for a test.
pub(crate) fn quick() -> Settings {
    Settings {
        lease: Duration::from_millis(1500),
        idle: Duration::from_millis(200),
        scan_every: Duration::from_millis(300),
        audit_every: Duration::from_millis(500),
        first_pause: Duration::from_millis(200),
        page: 200,
        rebuild_page: 200,
        ..Settings::default()
    }
}

/// A running replica.
pub(crate) struct Replica {
    pub(crate) timers: Timers,
    shutdown: CancellationToken,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Replica {
    pub(crate) fn start(redis: Option<Redis>, handler: &Arc<Handler>, settings: Settings) -> Self {
        let meter = opentelemetry::global::meter("test");
        Self::measured(redis, handler, settings, &meter)
    }

    pub(crate) fn measured(
        redis: Option<Redis>,
        handler: &Arc<Handler>,
        settings: Settings,
        meter: &opentelemetry::metrics::Meter,
    ) -> Self {
        let clock = handler.rows.clock.clone();
        let timers = Timers::with_settings("test", redis, handler.clone(), clock, meter, settings);
        let shutdown = CancellationToken::new();
        let (running, token) = (timers.clone(), shutdown.clone());
        let task = Some(tokio::spawn(async move { running.run(token).await }));
        Self {
            timers,
            shutdown,
            task,
        }
    }

    /// Ends it as SIGKILL would: nothing more runs of it, and nobody is told.
    pub(crate) async fn kill(mut self) {
        let task = self.task.take().expect("runs until it is ended");
        task.abort();
        assert!(task.await.expect_err("was aborted").is_cancelled());
    }

    /// Ends it as SIGTERM would.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        self.task
            .take()
            .expect("runs until it is ended")
            .await
            .expect("ends in order");
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

pub(crate) fn client(server: &TestRedis) -> Option<Redis> {
    Some(redis::Client::open(server.url()).expect("a url").into())
}

/// How many entries the index knows of.
pub(crate) fn known_to(server: &TestRedis) -> usize {
    let count = "local count = 0
        for _, key in ipairs(redis.call('KEYS', '*:generation')) do count = count + redis.call('HLEN', key) end
        return count";
    server
        .ask(&["EVAL", count, "0"])
        .expect("redis answers")
        .parse()
        .expect("a count")
}

/// The generations that the index knows, in order.
pub(crate) fn generations_known_to(server: &TestRedis) -> String {
    let generations = "local all = {}
        for _, key in ipairs(redis.call('KEYS', '*:generation')) do
            for _, generation in ipairs(redis.call('HVALS', key)) do all[#all + 1] = generation end
        end
        table.sort(all)
        return table.concat(all, ' ')";
    server
        .ask(&["EVAL", generations, "0"])
        .expect("redis answers")
}
