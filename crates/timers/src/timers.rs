//! The handle that a service holds, and what its background work shares.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use opentelemetry::metrics::Meter;
use redress_model::time::SharedClock;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::entry::{Entry, Truth};
use crate::index::{Index, micros};
use crate::metrics::Metrics;
use crate::redis::Redis;
use crate::settings::Settings;
use crate::{keeper, scanner, worker};

/// How many changes may wait for Redis. What does not fit is found again by a rebuild.
const QUEUE_MAX: usize = 10_000;
/// How many changes go to Redis at once.
const BATCH_MAX: usize = 256;
/// Failures that are remembered; those that have not failed for a while are forgotten beyond this number.
const FAILURES_MAX: usize = 10_000;

/// The timers of one service. Clones share everything.
#[derive(Clone, Debug)]
pub struct Timers {
    shared: Arc<Shared>,
}

/// What the tasks of a replica share.
pub(crate) struct Shared {
    pub(crate) name: &'static str,
    pub(crate) index: Option<Index>,
    pub(crate) truth: Arc<dyn Truth>,
    pub(crate) clock: SharedClock,
    pub(crate) settings: Settings,
    pub(crate) metrics: Metrics,
    /// Unlike that of any other worker anywhere, so that a claim is known as ours.
    pub(crate) worker: String,
    pub(crate) state: watch::Sender<State>,
    /// Something was not written to the index, so that its being complete can no longer be trusted.
    pub(crate) is_suspect: AtomicBool,
    /// Wakes the worker.
    pub(crate) news: Notify,
    /// Until when the worker means to sleep, by the service's clock.
    pub(crate) sleeps_until: AtomicI64,
    queue: mpsc::Sender<Change>,
    changes: tokio::sync::Mutex<mpsc::Receiver<Change>>,
    in_hand: Mutex<HashSet<Uuid>>,
    failures: Mutex<HashMap<Uuid, Failure>>,
}

/// Whether the index can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// There is none, or it does not answer.
    Away,
    /// It answers, but does not hold everything that is armed.
    Incomplete,
    /// It holds everything that is armed.
    Ready,
}

/// A change that waits for Redis.
#[derive(Clone, Copy, Debug)]
enum Change {
    Put(Entry),
    Cancel(Uuid, i64),
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    count: u32,
    until: Instant,
}

/// An entry that this replica fires just now. Given back when dropped.
pub(crate) struct InHand<'a> {
    shared: &'a Shared,
    id: Uuid,
}

impl Timers {
    /// The timers of the service `name` over its rows. Without Redis they run from a scan of Postgres alone.
    pub fn new(
        name: &'static str,
        redis: Option<Redis>,
        truth: Arc<dyn Truth>,
        clock: SharedClock,
        meter: &Meter,
    ) -> Self {
        Self::with_settings(name, redis, truth, clock, meter, Settings::default())
    }

    /// The same with limits of one's own.
    pub fn with_settings(
        name: &'static str,
        redis: Option<Redis>,
        truth: Arc<dyn Truth>,
        clock: SharedClock,
        meter: &Meter,
        settings: Settings,
    ) -> Self {
        let (queue, changes) = mpsc::channel(QUEUE_MAX);
        let shared = Shared {
            name,
            index: redis.map(|client| Index::new(name, client)),
            truth,
            clock,
            settings,
            metrics: Metrics::new(name, meter),
            worker: format!("{}-{}", std::process::id(), Uuid::new_v4().simple()),
            state: watch::Sender::new(State::Away),
            // Nothing is known of what went on before.
            is_suspect: AtomicBool::new(false),
            news: Notify::new(),
            sleeps_until: AtomicI64::new(i64::MAX),
            queue,
            changes: tokio::sync::Mutex::new(changes),
            in_hand: Mutex::default(),
            failures: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Tells the index what is armed now. Call it after the commit. It neither waits nor fails: what does not reach the
    /// index is found by the auditor.
    pub fn schedule(&self, entry: Entry) {
        self.shared.enqueue(Change::Put(entry));
    }

    /// Tells the index that nothing of this generation or older is armed. Call it after the commit; without it the entry
    /// would be fired, and answered [`Stale`](crate::Fired::Stale).
    pub fn cancel(&self, id: Uuid, generation: i64) {
        self.shared.enqueue(Change::Cancel(id, generation));
    }

    /// Whether the index answers and holds everything that is armed. Entries fire in either case.
    pub fn is_index_ready(&self) -> bool {
        *self.shared.state.borrow() == State::Ready
    }

    /// Fires what is due until `shutdown`, then lets what is being fired end. Run it once in every replica. Dropping it
    /// is like killing the process: what was claimed goes to others once its lease ends.
    pub async fn run(&self, shutdown: CancellationToken) {
        let shared = &self.shared;
        // What the last entries leave behind is still carried to Redis.
        let fed = CancellationToken::new();
        let work = async {
            tokio::join!(
                worker::run(shared.clone(), &shutdown),
                scanner::run(shared.clone(), &shutdown),
                keeper::run(shared, &shutdown),
            );
            fed.cancel();
        };
        tokio::join!(work, shared.feed(&fed));
    }
}

impl Shared {
    pub(crate) fn suspect(&self) {
        self.is_suspect.store(true, Ordering::SeqCst);
    }

    /// Remembers whether the index can be relied on, and says so when it changes.
    pub(crate) fn enter(&self, state: State) {
        let before = self.state.send_replace(state);
        self.metrics.index_ready(state == State::Ready);
        if before == state {
            return;
        }
        match state {
            State::Away => tracing::warn!(
                redress.timers.name = self.name,
                "timer index is away, scanning postgres instead"
            ),
            State::Incomplete => tracing::info!(
                redress.timers.name = self.name,
                "timer index is being rebuilt"
            ),
            State::Ready => {
                tracing::info!(redress.timers.name = self.name, "timer index is complete")
            }
        }
    }

    /// Takes an entry in hand, unless this replica has it in hand already.
    pub(crate) fn take(&self, id: Uuid) -> Option<InHand<'_>> {
        // Lazily: an `InHand` that is dropped here would give back what another one holds.
        let is_new = lock(&self.in_hand).insert(id);
        is_new.then(|| InHand { shared: self, id })
    }

    /// How long to leave an entry alone after one more failure: twice as long each time, and not all at once.
    pub(crate) fn failed(&self, id: Uuid) -> Duration {
        let Settings {
            first_pause,
            longest_pause,
            ..
        } = self.settings;
        let now = Instant::now();
        let mut failures = lock(&self.failures);
        if failures.len() >= FAILURES_MAX {
            failures.retain(|_, failure| failure.until + longest_pause > now);
        }
        let failure = failures.entry(id).or_insert(Failure {
            count: 0,
            until: now,
        });
        let pause = first_pause
            .saturating_mul(1 << failure.count.min(20))
            .min(longest_pause);
        let pause = pause.mul_f64(rand::random_range(0.75..1.0));
        *failure = Failure {
            count: failure.count + 1,
            until: now + pause,
        };
        pause
    }

    pub(crate) fn succeeded(&self, id: Uuid) {
        lock(&self.failures).remove(&id);
    }

    /// Leaves an entry alone for a while, without counting it as failed.
    pub(crate) fn rest(&self, id: Uuid, pause: Duration) {
        let until = Instant::now() + pause;
        lock(&self.failures)
            .entry(id)
            .or_insert(Failure { count: 0, until })
            .until = until;
    }

    /// Whether an entry is to be left alone now.
    pub(crate) fn rests(&self, id: Uuid) -> bool {
        lock(&self.failures)
            .get(&id)
            .is_some_and(|failure| failure.until > Instant::now())
    }

    /// How many entries are to be left alone now.
    pub(crate) fn resting(&self) -> usize {
        let now = Instant::now();
        lock(&self.failures)
            .values()
            .filter(|failure| failure.until > now)
            .count()
    }

    pub(crate) fn put_soon(&self, entry: Entry) {
        self.enqueue(Change::Put(entry));
    }

    fn enqueue(&self, change: Change) {
        if self.index.is_some() && self.queue.try_send(change).is_err() {
            self.suspect();
        }
    }

    /// Carries changes to Redis in the order in which they were made, until shutdown and what was queued before it.
    async fn feed(&self, shutdown: &CancellationToken) {
        let Some(index) = &self.index else { return };
        let mut changes = self.changes.lock().await;
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                biased;
                _ = changes.recv_many(&mut batch, BATCH_MAX) => {}
                () = shutdown.cancelled() => return,
            }
            if let Err(error) = self.write(index, &batch).await {
                self.suspect();
                tracing::debug!(redress.timers.name = self.name, %error, "timer index was not written");
            }
            batch.clear();
        }
    }

    async fn write(&self, index: &Index, batch: &[Change]) -> redis::RedisResult<()> {
        let mut puts = Vec::with_capacity(batch.len());
        for change in batch {
            match change {
                Change::Put(entry) => puts.push(*entry),
                Change::Cancel(id, generation) => {
                    index.put(&std::mem::take(&mut puts)).await?;
                    index.cancel(*id, *generation).await?;
                }
            }
        }
        let soonest = puts.iter().map(|entry| micros(entry.due)).min();
        index.put(&puts).await?;
        if soonest.is_some_and(|due| due < self.sleeps_until.load(Ordering::SeqCst)) {
            self.news.notify_one();
        }
        Ok(())
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        lock(&self.shared.in_hand).remove(&self.id);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timers")
            .field("name", &self.name)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

/// Time from `earlier` to `later`; nothing when it is the other way round.
pub(crate) fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    later.duration_since(earlier).try_into().unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Fired;
    use redress_model::Fault;
    use redress_model::time::SystemClock;

    struct Nothing;

    #[async_trait::async_trait]
    impl Truth for Nothing {
        async fn due(&self, _: Timestamp, _: i64) -> Result<Vec<Entry>, Fault> {
            Ok(Vec::new())
        }
        async fn armed(&self, _: Option<Uuid>, _: i64) -> Result<Vec<Entry>, Fault> {
            Ok(Vec::new())
        }
        async fn fire(&self, _: &Entry, _: Timestamp) -> Result<Fired, Fault> {
            Ok(Fired::Stale)
        }
    }

    fn timers() -> Timers {
        let meter = opentelemetry::global::meter("test");
        Timers::new(
            "test",
            None,
            Arc::new(Nothing),
            Arc::new(SystemClock),
            &meter,
        )
    }

    #[test]
    fn p20_two_replicas_never_share_a_worker_id() {
        let workers: HashSet<String> = (0..100).map(|_| timers().shared.worker.clone()).collect();
        assert_eq!(workers.len(), 100);
    }

    #[test]
    fn pauses_grow_to_a_limit_and_end_with_success() {
        let shared = timers().shared;
        let id = Uuid::now_v7();
        let pauses: Vec<Duration> = (0..12).map(|_| shared.failed(id)).collect();
        assert!(pauses[0] <= Duration::from_secs(1) && pauses[3] >= Duration::from_secs(6));
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(60)));
        assert!(shared.rests(id));
        assert_eq!(shared.resting(), 1);
        shared.succeeded(id);
        assert!(!shared.rests(id));
    }

    #[test]
    fn what_is_in_hand_is_not_taken_twice() {
        let shared = timers().shared;
        let id = Uuid::now_v7();
        let hold = shared.take(id);
        assert!(hold.is_some() && shared.take(id).is_none());
        drop(hold);
        assert!(shared.take(id).is_some());
    }
}
