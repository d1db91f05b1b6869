//! Our side: real timers over rows that are not there, so that handlers do nothing.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use redress_local::Redis;
use redress_model::Fault;
use redress_model::time::SystemClock;
use redress_timers::{Entry, Fired, Overdue, Receipt, Timers, Truth};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const BATCH_MAX: usize = 1000;
/// Longer than arming takes.
const AHEAD: SignedDuration = SignedDuration::from_secs(5);

/// Nothing is stored, and nothing is done.
struct Nothing {
    handled: AtomicUsize,
    lags: Mutex<Vec<f64>>,
    keeps_lags: AtomicBool,
    is_open: watch::Sender<bool>,
}

#[async_trait]
impl Truth for Nothing {
    async fn due(&self, _: Option<Timestamp>, _: Timestamp, _: i64) -> Result<Vec<Entry>, Fault> {
        Ok(Vec::new())
    }

    async fn overdue(&self, _: Option<Timestamp>, _: Timestamp) -> Result<Overdue, Fault> {
        Ok(Overdue::default())
    }

    async fn armed(&self, _: Option<Uuid>, _: i64) -> Result<Vec<Entry>, Fault> {
        Ok(Vec::new())
    }

    async fn fire(&self, entry: &Entry, late: &[Receipt], now: Timestamp) -> Result<Fired, Fault> {
        let one = std::slice::from_ref(entry);
        self.fire_many(one, late, now).await?;
        Ok(Fired::Done)
    }

    fn batch_max(&self) -> usize {
        BATCH_MAX
    }

    async fn fire_many(
        &self,
        entries: &[Entry],
        _: &[Receipt],
        _: Timestamp,
    ) -> Result<Vec<Option<Fired>>, Fault> {
        let now = now();
        assert!(entries.iter().all(|entry| entry.due <= now), "early");
        if self.keeps_lags.load(Ordering::Relaxed) {
            let lag = |entry: &Entry| now.duration_since(entry.due).as_secs_f64() * 1000.0;
            let mut lags = self.lags.lock().expect("nobody panics with it");
            lags.extend(entries.iter().map(lag));
        }
        self.handled.fetch_add(entries.len(), Ordering::SeqCst);
        let mut gate = self.is_open.subscribe();
        gate.wait_for(|is_open| *is_open)
            .await
            .expect("the sender is ours");
        Ok(vec![Some(Fired::Done); entries.len()])
    }
}

pub(crate) struct Ours {
    client: redis::Client,
}

/// Running timers.
struct Running {
    timers: Timers,
    truth: Arc<Nothing>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
    connection: redis::aio::MultiplexedConnection,
}

/// Timers that are in hand.
pub(crate) struct Held(Running);

pub(crate) fn timers(client: &redis::Client, truth: Arc<dyn Truth>) -> Timers {
    let meter = opentelemetry::global::meter("bench");
    let clock = Arc::new(SystemClock);
    Timers::new("bench", Some(client.clone().into()), truth, clock, &meter)
}

impl Ours {
    pub(crate) fn new(server: &Redis) -> Self {
        Self {
            client: redis::Client::open(server.url()).expect("a url"),
        }
    }

    async fn start(&self, is_open: bool) -> Running {
        let truth = Arc::new(Nothing {
            handled: AtomicUsize::new(0),
            lags: Mutex::default(),
            keeps_lags: AtomicBool::new(false),
            is_open: watch::Sender::new(is_open),
        });
        let timers = timers(&self.client, truth.clone());
        let shutdown = CancellationToken::new();
        let (running, token) = (timers.clone(), shutdown.clone());
        let task = tokio::spawn(async move { running.run(token).await });
        until(|| timers.is_index_ready()).await;
        let connection = self.client.get_multiplexed_async_connection().await;
        Running {
            timers,
            truth,
            shutdown,
            task,
            connection: connection.expect("redis answers"),
        }
    }

    /// Seconds, for timers due in a day.
    pub(crate) async fn schedule(&self, count: usize) -> f64 {
        let running = self.start(true).await;
        let due = now() + SignedDuration::from_hours(24);
        let started = Instant::now();
        let entries = entries(count, |n| due + SignedDuration::from_millis(n as i64));
        running.timers.schedule_many(&entries).await;
        let seconds = started.elapsed().as_secs_f64();
        assert_eq!(running.known().await, count, "all are in the index");
        running.end().await;
        seconds
    }

    /// Seconds from their common instant until none is left in the index.
    pub(crate) async fn burst(&self, count: usize) -> f64 {
        let running = self.start(true).await;
        let due = now() + AHEAD;
        let entries = entries(count, |_| due);
        running.timers.schedule_many(&entries).await;
        assert!(now() < due, "the timers were due before all were armed");
        until(|| running.truth.handled.load(Ordering::SeqCst) == count).await;
        while running.known().await > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let seconds = now().duration_since(due).as_secs_f64();
        running.end().await;
        seconds
    }

    /// Arms so many that are due now, and answers once all of them are in hand.
    pub(crate) async fn hold(&self, count: usize) -> Held {
        let running = self.start(false).await;
        let due = now();
        running.timers.schedule_many(&entries(count, |_| due)).await;
        until(|| running.truth.handled.load(Ordering::SeqCst) == count).await;
        Held(running)
    }

    /// Milliseconds, one for each.
    pub(crate) async fn lag(&self, rate: usize, seconds: usize) -> Vec<f64> {
        let running = self.start(true).await;
        running.truth.keeps_lags.store(true, Ordering::Relaxed);
        let (start, count) = (now() + AHEAD, rate * seconds);
        let due = |n: usize| start + SignedDuration::from_micros((n * 1_000_000 / rate) as i64);
        running.timers.schedule_many(&entries(count, due)).await;
        assert!(now() < start, "the timers were due before all were armed");
        until(|| running.truth.handled.load(Ordering::SeqCst) == count).await;
        let lags = std::mem::take(&mut *running.truth.lags.lock().expect("nobody panics with it"));
        running.end().await;
        lags
    }
}

impl Running {
    async fn known(&self) -> usize {
        known(&mut self.connection.clone()).await
    }

    async fn end(self) {
        self.shutdown.cancel();
        self.task.await.expect("ends in order");
    }
}

impl Held {
    pub(crate) async fn release(self) {
        self.0.truth.is_open.send_replace(true);
        self.0.end().await;
    }
}

fn now() -> Timestamp {
    Timestamp::now()
}

fn entries(count: usize, due: impl Fn(usize) -> Timestamp) -> Vec<Entry> {
    (0..count)
        .map(|n| Entry::new(Uuid::now_v7(), 1, due(n)))
        .collect()
}

/// How many entries the index knows of.
pub(crate) async fn known(connection: &mut redis::aio::MultiplexedConnection) -> usize {
    let mut all = redis::pipe();
    for shard in 0..16 {
        all.hlen(format!("redress:{{timers:bench:{shard}}}:generation"));
    }
    let counts: Vec<usize> = all.query_async(connection).await.expect("redis answers");
    counts.into_iter().sum()
}

pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
