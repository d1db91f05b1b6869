//! The handle that a service holds, and what its background work shares.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use jiff::Timestamp;
use opentelemetry::metrics::Meter;
use redress_model::time::SharedClock;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::entry::{Entry, Truth};
use crate::floor::{self, Floor};
use crate::index::{Amiss, Change, Claimed, Index, micros};
use crate::metrics::Metrics;
use crate::receipt::{Mark, Past, Receipt};
use crate::redis::Redis;
use crate::settings::Settings;
use crate::{keeper, scanner, worker};

/// How many changes may wait for Redis. What does not fit is found again by a rebuild.
const QUEUE_MAX: usize = 100_000;
/// How many changes go to Redis at once.
const BATCH_MAX: usize = 4096;
/// How many batches of `schedule_many` are on their way at once.
const BATCHES_MAX: usize = 4;
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
    past: Mutex<Past>,
    floor: Mutex<Floor>,
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

#[derive(Clone, Copy, Debug)]
struct Failure {
    count: u32,
    until: Instant,
}

/// Entries that this replica fires just now. Given back when dropped.
pub(crate) struct InHand<'a> {
    shared: &'a Shared,
    ids: HashSet<Uuid>,
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
        mut settings: Settings,
    ) -> Self {
        // What comes late by the machine's slowness is no more late because the clock runs fast.
        settings.late_after = clock.meanwhile(settings.late_after);
        let (queue, changes) = mpsc::channel(QUEUE_MAX);
        let now = clock.now();
        let mut past = Past::new(now);
        past.is_away(now, redis.is_none());
        let shared = Shared {
            name,
            index: redis.map(|client| Index::new(name, client)),
            truth,
            clock,
            settings,
            metrics: Metrics::new(name, meter),
            worker: format!("{:010}-{}", std::process::id(), Uuid::new_v4()),
            state: watch::Sender::new(State::Away),
            // Nothing is known of what went on before.
            is_suspect: AtomicBool::new(false),
            news: Notify::new(),
            sleeps_until: AtomicI64::new(i64::MAX),
            queue,
            changes: tokio::sync::Mutex::new(changes),
            in_hand: Mutex::default(),
            failures: Mutex::default(),
            past: Mutex::new(past),
            floor: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Tells the index what is armed now. Call it after the commit. It neither waits nor fails: what does not reach the
    /// index is found by the auditor.
    pub fn schedule(&self, entry: Entry) {
        self.shared.armed([&entry]);
        let mark = self.shared.mark(&entry);
        self.shared.enqueue(Change::Put(entry, mark));
    }

    /// Tells the index of many that are armed now, and waits until it knows: for whoever arms thousands at once, which
    /// would fill the queue behind [`schedule`](Self::schedule). It does not fail either.
    pub async fn schedule_many(&self, entries: &[Entry]) {
        let shared = &self.shared;
        shared.armed(entries);
        let Some(index) = &shared.index else { return };
        let batches = entries.chunks(BATCH_MAX).map(|entries| async move {
            let put = |entry: &Entry| Change::Put(*entry, shared.mark(entry));
            let changes: Vec<Change> = entries.iter().map(put).collect();
            shared.tell(index, &changes).await;
        });
        futures::stream::iter(batches)
            .buffer_unordered(BATCHES_MAX)
            .collect::<()>()
            .await;
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
        let now = self.clock.now();
        let mut past = lock(&self.past);
        past.is_away(now, state == State::Away);
        past.is_incomplete(now, state == State::Incomplete);
        drop(past);
        if before == state {
            return;
        }
        if state == State::Away {
            // What others armed in the past is told to nobody now.
            lock(&self.floor).forget();
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

    /// Looks at the clock, and remembers when it was set forward.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        lock(&self.past).see(now, self.clock.rate());
        now
    }

    /// Since when anything can be due; none: all has to be read.
    pub(crate) fn since(&self, now: Timestamp) -> Option<Timestamp> {
        lock(&self.floor).at(now, self.settings.floor_every.saturating_mul(2))
    }

    /// The same for the auditor, which reads all from time to time and then says what was [read](Self::all_was_read).
    pub(crate) fn since_or_all(&self, now: Timestamp) -> Option<Timestamp> {
        let mut floor = lock(&self.floor);
        let since = floor.at(now, self.settings.floor_every);
        if since.is_none() {
            floor.begin();
        }
        since
    }

    /// All that is due at `now` was read: this is the oldest.
    pub(crate) fn all_was_read(&self, oldest: Option<Timestamp>, now: Timestamp) {
        let margin = self.clock.meanwhile(floor::MARGIN);
        lock(&self.floor).end(oldest, now, margin);
    }

    /// These are armed, by a transaction of this replica.
    pub(crate) fn armed<'a>(&self, entries: impl IntoIterator<Item = &'a Entry>) {
        if let Some(due) = entries.into_iter().map(|entry| entry.due).min() {
            lock(&self.floor).armed(due);
        }
    }

    /// Takes those entries in hand that this replica does not have in hand already.
    pub(crate) fn take(&self, ids: impl IntoIterator<Item = Uuid>) -> InHand<'_> {
        let mut in_hand = lock(&self.in_hand);
        let ids = ids.into_iter().filter(|id| in_hand.insert(*id)).collect();
        InHand { shared: self, ids }
    }

    /// What the index should remember of an entry that is armed now.
    fn mark(&self, entry: &Entry) -> Option<Mark> {
        let late = between(entry.due, self.clock.now());
        (late >= self.settings.late_after).then_some(Mark::ArmedLate)
    }

    /// The receipt of an entry that fires late now.
    pub(crate) fn receipt(&self, claimed: &Claimed, now: Timestamp) -> Receipt {
        let Claimed { entry, mark } = *claimed;
        let has_failed = lock(&self.failures)
            .get(&entry.id)
            .is_some_and(|failure| failure.count > 0);
        Receipt {
            entry,
            fired: now,
            cause: lock(&self.past).cause(entry.due, mark, has_failed),
        }
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

    pub(crate) fn succeeded(&self, ids: impl Iterator<Item = Uuid>) {
        let mut failures = lock(&self.failures);
        if !failures.is_empty() {
            for id in ids {
                failures.remove(&id);
            }
        }
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
        self.enqueue(Change::Put(entry, None));
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
            self.tell(index, &batch).await;
            batch.clear();
        }
    }

    /// Tells the index of changes, and the worker if it would sleep past one. What the index could not be told is found
    /// again by a rebuild.
    async fn tell(&self, index: &Index, changes: &[Change]) {
        if let Err(error) = index.change(changes).await {
            self.suspect();
            tracing::debug!(redress.timers.name = self.name, %error, "timer index was not written");
            return;
        }
        let due = |change: &Change| match change {
            Change::Put(entry, _) | Change::Repair(Amiss { entry, .. }) => Some(micros(entry.due)),
            Change::Cancel(..) => None,
        };
        let soonest = changes.iter().filter_map(due).min();
        if soonest.is_some_and(|due| due < self.sleeps_until.load(Ordering::SeqCst)) {
            self.news.notify_one();
        }
    }
}

impl InHand<'_> {
    /// Whether this was taken.
    pub(crate) fn holds(&self, id: Uuid) -> bool {
        self.ids.contains(&id)
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        let mut in_hand = lock(&self.shared.in_hand);
        for id in &self.ids {
            in_hand.remove(id);
        }
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
    use crate::entry::{Fired, Overdue};
    use redress_model::Fault;
    use redress_model::time::SystemClock;
    use std::process::Command;

    struct Nothing;

    #[async_trait::async_trait]
    impl Truth for Nothing {
        async fn due(
            &self,
            _: Option<Timestamp>,
            _: Timestamp,
            _: i64,
        ) -> Result<Vec<Entry>, Fault> {
            Ok(Vec::new())
        }
        async fn overdue(&self, _: Option<Timestamp>, _: Timestamp) -> Result<Overdue, Fault> {
            Ok(Overdue::default())
        }
        async fn armed(&self, _: Option<Uuid>, _: i64) -> Result<Vec<Entry>, Fault> {
            Ok(Vec::new())
        }
        async fn fire(&self, _: &Entry, _: &[Receipt], _: Timestamp) -> Result<Fired, Fault> {
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

    /// A replica's worker id, as another process has it.
    fn of_another_process() -> String {
        let this = std::env::current_exe().expect("the path of the tests");
        let test = "timers::tests::a_replica_says_its_worker_id";
        let output = Command::new(this)
            .args(["--exact", test, "--ignored", "--nocapture"])
            .output()
            .expect("starts");
        let said = String::from_utf8(output.stdout).expect("text");
        let (_, after) = said.split_once("worker=").expect("an id");
        after.lines().next().expect("a line").to_owned()
    }

    #[test]
    #[ignore = "is started by p20_two_replicas_never_share_a_worker_id"]
    fn a_replica_says_its_worker_id() {
        println!("worker={}", timers().shared.worker);
    }

    /// Replicas in containers may have the same process id, so that the rest has to tell them apart.
    #[test]
    fn p20_two_replicas_never_share_a_worker_id() {
        let mut workers = vec![of_another_process(), of_another_process()];
        workers.extend((0..100).map(|_| timers().shared.worker.clone()));
        let rests: HashSet<&str> = workers
            .iter()
            .filter_map(|worker| Some(worker.split_once('-')?.1))
            .collect();
        assert_eq!(rests.len(), workers.len(), "{workers:?}");
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
        shared.succeeded([id].into_iter());
        assert!(!shared.rests(id));
    }

    #[test]
    fn what_is_in_hand_is_not_taken_twice() {
        let shared = timers().shared;
        let id = Uuid::now_v7();
        let hold = shared.take([id]);
        assert!(hold.holds(id) && !shared.take([id]).holds(id));
        drop(hold);
        assert!(shared.take([id]).holds(id));
    }
}
