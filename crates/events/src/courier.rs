//! Carries one service's events to one subscriber.
//!
//! A round: look how far windows may reach, load the ids of what lies in them, deliver the events in batches, where
//! there are many some partitions beside others, and close the windows. Meanwhile positions
//! are written down about once a second. Then held events whose turn has come are tried again.
//! Beside the rounds, [`express`] carries what is urgent ahead of them.
//!
//! Cost of a round with nothing to do: one statement. With something: two, and two for each batch of
//! 200 events. Rows read are those of the window, whatever else happens in the database.

mod express;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures::future::join_all;
use opentelemetry::KeyValue;
use redress_model::Fault;
use redress_store::Database;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::batch::{self, Away, EVENTS_MAX, Fate, Outgoing};
use crate::cursor::{self, Cursor, Row};
use crate::held::{self, Due, Failure, Hold};
use crate::outbox::PARTITIONS;
use crate::peer::Peer;
use crate::relay::{Metrics, Pace};

use express::Ahead;

/// First pause before looking again at rows that wait for an older transaction to end.
const OLDER_TRANSACTION_PAUSE: Duration = Duration::from_millis(5);

/// Rows from which on a further lane is worth its cost.
const LANE_ROWS: usize = 50;

pub(crate) struct Courier {
    db: Database,
    subscriber: String,
    types: Vec<String>,
    peer: Arc<dyn Peer>,
    token: Uuid,
    pace: Pace,
    metrics: Metrics,
    live: watch::Receiver<i64>,
    cursors: Mutex<BTreeMap<i16, Cursor>>,
    /// Whether some held event waits for its turn.
    holding: AtomicBool,
    /// Whether the subscriber cannot be reached as far as is known, or our outbox cannot.
    away: AtomicBool,
    /// What goes ahead of the rounds.
    ahead: Ahead,
}

/// The rows of a round, shared out to be carried side by side. A partition is in one lane, so order holds; few rows go
/// together, since each lane costs a look-up and a request.
struct Lanes(Vec<Vec<Row>>);

impl Lanes {
    fn of(rows: Vec<Row>) -> Self {
        let most = usize::from(PARTITIONS.unsigned_abs());
        let count = rows.len().div_ceil(LANE_ROWS).clamp(1, most);
        let mut lanes = Self(vec![Vec::new(); count]);
        for row in rows {
            let index = lanes.index(row.partition);
            lanes.0[index].push(row);
        }
        lanes
    }

    fn index(&self, partition: i16) -> usize {
        usize::from(partition.unsigned_abs()) % self.0.len()
    }
}

/// How a round ended.
enum Round {
    /// Nothing is left to do.
    Idle,
    /// There is more to deliver at once.
    Unfinished,
    /// Rows wait for an older transaction to end.
    OlderTransaction,
}

/// Waits for news, which go together with what else comes until the courier has rested.
async fn news(publications: &mut watch::Receiver<u64>, rested: Instant) {
    // Fails when the database is gone, and so does everything else.
    let _ = publications.changed().await;
    tokio::time::sleep_until(rested.into()).await;
}

impl Courier {
    #[allow(clippy::too_many_arguments)] // One caller, which names them all.
    pub(crate) fn new(
        db: Database,
        subscriber: String,
        types: Vec<String>,
        peer: Arc<dyn Peer>,
        token: Uuid,
        pace: Pace,
        metrics: Metrics,
        live: watch::Receiver<i64>,
    ) -> Self {
        Self {
            db,
            subscriber,
            types,
            peer,
            token,
            pace,
            metrics,
            live,
            cursors: Mutex::default(),
            holding: AtomicBool::new(false),
            away: AtomicBool::new(false),
            ahead: Ahead::default(),
        }
    }

    pub(crate) async fn run(self, shutdown: CancellationToken) {
        tokio::join!(self.rounds(&shutdown), self.carry_urgent(&shutdown));
        self.stop().await;
    }

    /// One round after the other, until `shutdown`.
    async fn rounds(&self, shutdown: &CancellationToken) {
        let mut publications = self.db.publications();
        let mut live = self.live.clone();
        let mut share_at = Instant::now();
        let mut failures = 0;
        let mut gone;
        let mut older = OLDER_TRANSACTION_PAUSE;
        while !shutdown.is_cancelled() {
            publications.borrow_and_update();
            let rested = Instant::now() + self.pace.rest;
            if Instant::now() >= share_at || live.has_changed().unwrap_or(false) {
                live.borrow_and_update();
                if let Err(fault) = self.share().await {
                    tracing::warn!(subscriber = %self.subscriber, %fault, "leases cannot be renewed");
                }
                share_at = Instant::now() + self.pace.beat;
            }
            let pause = match self.round(shutdown).await {
                Ok(round) => {
                    if failures > 0 {
                        tracing::info!(subscriber = %self.subscriber, "events flow again");
                    }
                    (failures, gone) = (0, false);
                    match round {
                        Round::Unfinished => Duration::ZERO,
                        Round::OlderTransaction => {
                            older = (older * 2).min(self.pace.poll);
                            older
                        }
                        Round::Idle => {
                            older = OLDER_TRANSACTION_PAUSE;
                            self.pace.poll
                        }
                    }
                }
                Err(away) => {
                    failures += 1;
                    gone = away.is_gone();
                    if failures == 1 {
                        self.log_away(&away);
                    }
                    self.pace.backoff(failures).min(self.pace.poll)
                }
            };
            self.away.store(gone, Ordering::Relaxed);
            let pause = if self.holding.load(Ordering::Relaxed) {
                pause.min(self.pace.backoff_first)
            } else {
                pause
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                // While the subscriber is away, new events are no reason to hurry.
                () = news(&mut publications, rested), if failures == 0 => {}
                _ = live.changed() => { share_at = Instant::now(); }
            }
        }
    }

    fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    fn log_away(&self, away: &Away) {
        match away {
            Away::Peer(status) => {
                tracing::warn!(subscriber = %self.subscriber, code = ?status.code(), reason = status.message(), "subscriber is away, its events wait");
            }
            Away::Store(fault) => {
                tracing::warn!(subscriber = %self.subscriber, %fault, "the outbox cannot be read, events wait");
            }
        }
    }

    /// Renews our leases and takes or gives partitions until every replica has its share.
    async fn share(&self) -> Result<(), Fault> {
        self.save().await?;
        let partitions = i64::from(PARTITIONS);
        let live = (*self.live.borrow()).clamp(1, partitions);
        let fair = (partitions + live - 1) / live;
        let mine = i64::try_from(self.cursors().len()).unwrap_or(partitions);
        if mine > fair {
            let surplus: Vec<Cursor> = {
                let mut cursors = self.cursors();
                let keep = usize::try_from(fair).unwrap_or(0);
                let from = cursors.keys().nth(keep).copied().unwrap_or(PARTITIONS);
                cursors.split_off(&from).into_values().collect()
            };
            cursor::release(&self.db, &self.subscriber, self.token, &surplus).await?;
        } else if mine < fair {
            let lease = self.pace.lease;
            let new =
                cursor::claim(&self.db, &self.subscriber, self.token, fair - mine, lease).await?;
            if !new.is_empty() {
                // Whoever had them may have started over.
                self.ahead.forget();
            }
            self.cursors()
                .extend(new.into_iter().map(|c| (c.partition, c)));
        }
        held::promote(&self.db, &self.subscriber).await?;
        let holding = held::any_waiting(&self.db, &self.subscriber).await?;
        self.holding.store(holding, Ordering::Relaxed);
        Ok(())
    }

    /// Writes our positions down; forgets partitions that somebody else has taken over.
    async fn save(&self) -> Result<(), Fault> {
        let cursors: Vec<Cursor> = self.cursors().values().copied().collect();
        let ours = cursor::save(
            &self.db,
            &self.subscriber,
            self.token,
            &cursors,
            self.pace.lease,
        )
        .await?;
        let mut held = self.cursors();
        for cursor in cursors {
            if !ours.contains(&cursor.partition) {
                held.remove(&cursor.partition);
                tracing::warn!(subscriber = %self.subscriber, partition = cursor.partition, "a lease was lost");
            }
        }
        Ok(())
    }

    async fn stop(self) {
        let cursors: Vec<Cursor> = self.cursors().values().copied().collect();
        if let Err(fault) = cursor::release(&self.db, &self.subscriber, self.token, &cursors).await
        {
            tracing::warn!(subscriber = %self.subscriber, %fault, "positions could not be saved, some events will be delivered again");
        }
    }

    async fn round(&self, shutdown: &CancellationToken) -> Result<Round, Away> {
        let low = match self.cursors().values().map(|c| c.low).min() {
            Some(low) => low,
            None => {
                self.ahead.forget();
                return Ok(Round::Idle);
            }
        };
        let look = cursor::look(&self.db, low).await.map_err(Away::Store)?;
        if look.xmin < low {
            tracing::warn!(subscriber = %self.subscriber, "the database was restored into another cluster: events of the last days are delivered again");
            self.cursors().clear();
            self.ahead.forget();
            cursor::start_over(&self.db).await.map_err(Away::Store)?;
            return Ok(Round::Idle);
        }
        let mut unfinished = false;
        if look.any {
            unfinished = self.deliver_windows(look.xmin, shutdown).await?;
        } else {
            for cursor in self.cursors().values_mut() {
                cursor.high = look.xmin.max(cursor.high);
                cursor.close();
            }
        }
        if self.holding.load(Ordering::Relaxed) {
            self.retry_held(shutdown).await?;
        }
        Ok(match (unfinished, look.more) {
            (true, _) => Round::Unfinished,
            (false, true) => Round::OlderTransaction,
            (false, false) => Round::Idle,
        })
    }

    /// Delivers what the windows up to `xmin` hold. True when there is more to load.
    async fn deliver_windows(&self, xmin: i64, shutdown: &CancellationToken) -> Result<bool, Away> {
        let open: Vec<Cursor> = {
            let mut cursors = self.cursors();
            cursors.values_mut().for_each(|c| c.open(xmin));
            cursors.values().copied().collect()
        };
        let loaded = cursor::read(&self.db, &self.types, &open)
            .await
            .map_err(Away::Store)?;
        let last_id = loaded.rows.last().map(|row| row.id);
        let lanes = Lanes::of(loaded.rows);
        let carried = join_all(lanes.0.iter().map(|rows| self.carry(rows, shutdown)));
        let carried = tokio::select! {
            carried = carried => carried,
            never = self.save_from_time_to_time() => match never {},
        };
        let mut cursors = self.cursors();
        let mut unfinished = loaded.truncated;
        for Cursor { partition, .. } in open {
            let Some(cursor) = cursors.get_mut(&partition) else {
                continue;
            };
            match carried.get(lanes.index(partition)) {
                Some(Ok(true)) => match last_id {
                    Some(last_id) if loaded.truncated => cursor.last_id = last_id,
                    _ => cursor.close(),
                },
                _ => unfinished = true,
            }
        }
        let away = carried.into_iter().find_map(Result::err);
        away.map_or(Ok(unfinished), Err)
    }

    /// Saves while batches are under way, which also renews our leases.
    async fn save_from_time_to_time(&self) -> Infallible {
        loop {
            tokio::time::sleep(self.pace.save).await;
            if let Err(fault) = self.save().await {
                tracing::warn!(subscriber = %self.subscriber, %fault, "positions cannot be saved");
            }
        }
    }

    /// Delivers events of some partitions in order. False when it stopped before the end at shutdown. What belongs to
    /// a partition that is somebody else's by now is left to them.
    async fn carry(&self, rows: &[Row], shutdown: &CancellationToken) -> Result<bool, Away> {
        for rows in rows.chunks(EVENTS_MAX) {
            if shutdown.is_cancelled() {
                return Ok(false);
            }
            let ids: Vec<i64> = {
                let cursors = self.cursors();
                let ours = rows.iter().filter(|r| cursors.contains_key(&r.partition));
                ours.map(|row| row.id).collect()
            };
            let ids = self.ahead.left(ids).await;
            if !ids.is_empty() {
                let outgoing = batch::load(&self.db, &self.subscriber, &ids)
                    .await
                    .map_err(Away::Store)?;
                self.deliver(&outgoing).await?;
            }
            let mut cursors = self.cursors();
            for row in rows {
                if let Some(cursor) = cursors.get_mut(&row.partition) {
                    cursor.last_id = row.id;
                }
            }
        }
        Ok(true)
    }

    /// Delivers one batch and holds what was not taken. When this returns, nothing of the batch is
    /// left to do in the main flow.
    async fn deliver(&self, outgoing: &[Outgoing]) -> Result<(), Away> {
        let free: Vec<_> = outgoing
            .iter()
            .filter(|o| !o.behind)
            .map(|o| &o.event)
            .collect();
        let mut fates = batch::send(self.peer.as_ref(), &free, false)
            .await?
            .into_iter();
        self.away.store(false, Ordering::Relaxed);
        let (mut holds, mut taken) = (Vec::new(), Vec::new());
        let mut failed = BTreeSet::new();
        for out in outgoing {
            let fate = if out.behind { None } else { fates.next() };
            let behind = out.behind || failed.contains(&out.event.subject);
            let failure = match fate {
                _ if behind => None,
                Some(fate) => match self.judge(out, &fate, 0, 0) {
                    Some(failure) => Some(failure),
                    None => {
                        taken.push(out.id);
                        continue;
                    }
                },
                None => None,
            };
            if failure.is_some() {
                failed.insert(out.event.subject.clone());
            }
            holds.push(Hold {
                outbox_id: out.id,
                failure,
            });
        }
        self.ahead.arrived(taken.into_iter());
        if !holds.is_empty() {
            held::hold(&self.db, &self.subscriber, self.token, &holds)
                .await
                .map_err(Away::Store)?;
            self.holding.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Counts a delivery; what to write down when it failed.
    fn judge(
        &self,
        out: &Outgoing,
        fate: &Fate,
        attempts: i32,
        rejections: i32,
    ) -> Option<Failure> {
        let (outcome, failure) = match fate {
            Fate::Taken => {
                self.count_taken(out);
                return None;
            }
            Fate::Later(reason) => {
                let attempts = attempts.saturating_add(1);
                let again = Some(self.pace.backoff(attempts));
                (
                    "later",
                    Failure {
                        attempts,
                        rejections,
                        reason: reason.clone(),
                        again,
                    },
                )
            }
            Fate::Refused(reason) => {
                let attempts = attempts.saturating_add(1);
                let rejections = rejections.saturating_add(1);
                let again =
                    (rejections < self.pace.rejections_max).then(|| self.pace.backoff(attempts));
                (
                    "refused",
                    Failure {
                        attempts,
                        rejections,
                        reason: reason.clone(),
                        again,
                    },
                )
            }
        };
        self.count_delivery(outcome);
        let event = &out.event;
        let (subscriber, reason) = (&self.subscriber, &failure.reason);
        if failure.again.is_none() {
            tracing::error!(%subscriber, event_id = %event.id, event_type = %event.event_type, subject = %event.subject, reason, "an event was parked: mend the cause, then redrive it");
        } else {
            tracing::debug!(%subscriber, event_id = %event.id, event_type = %event.event_type, reason, attempts = failure.attempts, "an event is held and tried again");
        }
        Some(failure)
    }

    fn count_taken(&self, out: &Outgoing) {
        let delay = jiff::Timestamp::now().duration_since(out.event.time);
        self.metrics
            .delay
            .record(delay.as_secs_f64().max(0.0), &[self.subscriber_attribute()]);
        self.count_delivery("taken");
    }

    fn count_delivery(&self, outcome: &'static str) {
        let outcome = KeyValue::new("redress.outcome", outcome);
        self.metrics
            .delivered
            .add(1, &[self.subscriber_attribute(), outcome]);
    }

    fn subscriber_attribute(&self) -> KeyValue {
        KeyValue::new("redress.subscriber", self.subscriber.clone())
    }

    /// Tries held events whose turn has come, each subject in its order, until none is due.
    async fn retry_held(&self, shutdown: &CancellationToken) -> Result<(), Away> {
        let limit = i64::try_from(EVENTS_MAX).unwrap_or(i64::MAX);
        while !shutdown.is_cancelled() {
            let partitions: Vec<i16> = self.cursors().keys().copied().collect();
            let due = held::due(&self.db, &self.subscriber, &partitions, limit)
                .await
                .map_err(Away::Store)?;
            if due.is_empty() {
                break;
            }
            self.retry(&due).await?;
            held::promote(&self.db, &self.subscriber)
                .await
                .map_err(Away::Store)?;
        }
        let waiting = held::any_waiting(&self.db, &self.subscriber)
            .await
            .map_err(Away::Store)?;
        self.holding.store(waiting, Ordering::Relaxed);
        Ok(())
    }

    async fn retry(&self, due: &[Due]) -> Result<(), Away> {
        let ids: Vec<i64> = due.iter().map(|d| d.outbox_id).collect();
        let outgoing = batch::load(&self.db, &self.subscriber, &ids)
            .await
            .map_err(Away::Store)?;
        let events: Vec<_> = outgoing.iter().map(|o| &o.event).collect();
        let fates = batch::send(self.peer.as_ref(), &events, false).await?;
        let mut failed = BTreeSet::new();
        let mut settled = Vec::new();
        for (out, fate) in outgoing.iter().zip(&fates) {
            if failed.contains(out.event.subject.as_str()) {
                continue;
            }
            let Some(Due {
                attempts,
                rejections,
                ..
            }) = due.iter().find(|d| d.outbox_id == out.id)
            else {
                continue;
            };
            match self.judge(out, fate, *attempts, *rejections) {
                None => settled.push(out.id),
                Some(failure) => {
                    failed.insert(out.event.subject.as_str());
                    held::fail(&self.db, &self.subscriber, out.id, &failure)
                        .await
                        .map_err(Away::Store)?;
                }
            }
        }
        held::settle(&self.db, &self.subscriber, &settled)
            .await
            .map_err(Away::Store)
    }

    fn cursors(&self) -> MutexGuard<'_, BTreeMap<i16, Cursor>> {
        self.cursors.lock().unwrap_or_else(|e| e.into_inner())
    }
}
