//! The relay of a service: carries the outbox to every subscriber.
//!
//! One [`Courier`](crate::courier) a subscriber does the work; here they are started, stopped and kept
//! informed of how many replicas there are, and delivered events are deleted after a week.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};
use redress_model::Fault;
use redress_rpc::client::Peers;
use redress_store::{Database, StoreResultExt as _};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::courier::Courier;
use crate::peer::{GrpcPeer, Peer};
use crate::subscriptions::Subscriptions;
use crate::{cursor, held};

/// Rows that one purge statement deletes at most.
const PURGE_ROWS_MAX: i64 = 1_000;
/// Buckets of the delay, in seconds: fine where it lies on a good day, and with every threshold that alerts ask for.
const DELAY_BOUNDS: [f64; 16] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 3600.0,
];

/// How fast a relay goes. The default is for production; tests hurry.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often to look when nothing wakes the relay.
    pub poll: Duration,
    /// From the beginning of one look to the next that an ordinary event causes, so that under load each carries many.
    pub rest: Duration,
    /// How often positions are written down while events flow: after a crash, what was delivered
    /// since is delivered again.
    pub save: Duration,
    /// How long a replica owns a partition without a sign of life.
    pub lease: Duration,
    /// How often leases are renewed and shared out anew.
    pub beat: Duration,
    /// Longest pause before the second attempt; doubles with each further one.
    pub backoff_first: Duration,
    /// Longest pause between attempts.
    pub backoff_max: Duration,
    /// An event that was refused so often is parked.
    pub rejections_max: i32,
    /// How long delivered events are kept.
    pub keep: Duration,
    /// How often old ones are deleted.
    pub purge: Duration,
    /// How often the backlog is measured.
    pub measure: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(2),
            rest: Duration::from_millis(100),
            save: Duration::from_secs(1),
            lease: Duration::from_secs(10),
            beat: Duration::from_secs(3),
            backoff_first: Duration::from_millis(500),
            backoff_max: Duration::from_secs(60),
            rejections_max: 8,
            keep: Duration::from_secs(7 * 24 * 3600),
            purge: Duration::from_secs(300),
            measure: Duration::from_secs(15),
        }
    }
}

impl Pace {
    /// The pause before attempt `attempts + 1`: capped, and between half and all of the bound, so that
    /// many that failed together do not come back together.
    pub(crate) fn backoff(&self, attempts: i32) -> Duration {
        let doublings = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
        self.backoff_first
            .saturating_mul(1 << doublings)
            .min(self.backoff_max)
            .mul_f64(rand::random_range(0.5..1.0))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub(crate) delivered: Counter<u64>,
    pub(crate) delay: Histogram<f64>,
    parked: Gauge<i64>,
    age: Gauge<f64>,
}

impl Metrics {
    fn new(meter: &Meter) -> Self {
        Self {
            delivered: meter
                .u64_counter("redress.events.deliveries")
                .with_unit("{event}")
                .with_description("Deliveries by subscriber and outcome.")
                .build(),
            delay: meter
                .f64_histogram("redress.events.delay")
                .with_unit("s")
                .with_description("From the writing of an event until its subscriber has it.")
                .with_boundaries(DELAY_BOUNDS.to_vec())
                .build(),
            parked: meter
                .i64_gauge("redress.events.parked")
                .with_unit("{event}")
                .with_description("Events that wait for an operator.")
                .build(),
            age: meter
                .f64_gauge("redress.events.outbox.age")
                .with_unit("s")
                .with_description("How old the oldest event is that a subscriber has not got yet and that is not parked.")
                .build(),
        }
    }
}

/// Carries a service's events to their subscribers.
#[derive(Clone)]
pub struct Relay {
    db: Database,
    subscriptions: Subscriptions,
    peers: Vec<(String, Arc<dyn Peer>)>,
    pace: Pace,
    metrics: Metrics,
    token: Uuid,
}

impl Relay {
    /// A relay for the outbox of `db`. Each subscriber needs its peer.
    ///
    /// # Errors
    /// INTERNAL when a subscriber has no peer.
    pub fn new(
        db: Database,
        subscriptions: Subscriptions,
        peers: Vec<(String, Arc<dyn Peer>)>,
        pace: Pace,
        meter: &Meter,
    ) -> Result<Self, Fault> {
        for subscriber in subscriptions.subscribers() {
            if !peers.iter().any(|(name, _)| *name == subscriber) {
                return Err(Fault::internal(format!(
                    "no peer for subscriber {subscriber}"
                )));
            }
        }
        Ok(Self {
            db,
            subscriptions,
            peers,
            pace,
            metrics: Metrics::new(meter),
            token: Uuid::new_v4(),
        })
    }

    /// A relay to the inboxes of the services themselves, at the usual pace.
    ///
    /// # Errors
    /// INTERNAL when a subscriber is not configured as a peer.
    pub fn to_peers(
        db: Database,
        subscriptions: Subscriptions,
        peers: &Peers,
        meter: &Meter,
    ) -> Result<Self, Fault> {
        let mut inboxes: Vec<(String, Arc<dyn Peer>)> = Vec::new();
        for service in subscriptions.subscribers() {
            let inbox = GrpcPeer::new(peers, &service)?;
            inboxes.push((service, Arc::new(inbox)));
        }
        Self::new(db, subscriptions, inboxes, Pace::default(), meter)
    }

    /// Runs until `shutdown`; then ends the batches under way, writes down how far it got and gives
    /// its partitions up, so that the next replica starts right there.
    pub async fn run(self, shutdown: CancellationToken) {
        let subscribers = self.subscriptions.subscribers();
        while let Err(fault) = cursor::ensure(&self.db, &subscribers).await {
            tracing::warn!(%fault, "the relay cannot start yet");
            if wait(&shutdown, self.pace.backoff_max.min(Duration::from_secs(1))).await {
                return;
            }
        }
        let live = watch::Sender::new(1);
        // Dropping the relay ends its couriers with it.
        let mut tasks = JoinSet::new();
        for (subscriber, types) in self.subscriptions.iter() {
            let Some((_, peer)) = self.peers.iter().find(|(name, _)| name == subscriber) else {
                continue;
            };
            let courier = Courier::new(
                self.db.clone(),
                subscriber.to_owned(),
                types.to_vec(),
                Arc::clone(peer),
                self.token,
                self.pace,
                self.metrics.clone(),
                live.subscribe(),
            );
            tasks.spawn(courier.run(shutdown.clone()));
        }
        tasks.spawn(self.clone().purge_from_time_to_time(shutdown.clone()));
        tasks.spawn(self.clone().measure_from_time_to_time(shutdown.clone()));
        tokio::select! {
            () = self.beat(&live, &shutdown) => {}
            Some(ended) = tasks.join_next() => end(ended),
        }
        while let Some(ended) = tasks.join_next().await {
            end(ended);
        }
        if let Err(fault) = cursor::leave(&self.db, self.token).await {
            tracing::debug!(%fault, "the relay left without saying so");
        }
    }

    /// Shows that this replica lives and tells the couriers how many do.
    async fn beat(&self, live: &watch::Sender<i64>, shutdown: &CancellationToken) {
        loop {
            match cursor::beat(&self.db, self.token, self.pace.lease).await {
                Ok(count) => {
                    live.send_if_modified(|known| std::mem::replace(known, count) != count);
                }
                Err(fault) => tracing::warn!(%fault, "the relay cannot renew its leases"),
            }
            if wait(shutdown, self.pace.beat).await {
                return;
            }
        }
    }

    async fn purge_from_time_to_time(self, shutdown: CancellationToken) {
        while !wait(&shutdown, self.pace.purge).await {
            match purge(&self.db, &self.subscriptions, self.pace.keep).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "delivered events were deleted"),
                Err(fault) => tracing::warn!(%fault, "delivered events could not be deleted"),
            }
        }
    }

    async fn measure_from_time_to_time(self, shutdown: CancellationToken) {
        let subscribers = self.subscriptions.subscribers();
        let service = KeyValue::new("redress.service", self.db.service());
        loop {
            let measured = async {
                let parked = held::parked_count(&self.db).await?;
                self.metrics
                    .parked
                    .record(parked, std::slice::from_ref(&service));
                for (subscriber, age) in cursor::ages(&self.db, &subscribers).await? {
                    let subscriber = KeyValue::new("redress.subscriber", subscriber);
                    self.metrics.age.record(age, &[service.clone(), subscriber]);
                }
                Ok::<_, Fault>(())
            };
            if let Err(fault) = measured.await {
                tracing::debug!(%fault, "the backlog of events cannot be measured");
            }
            if wait(&shutdown, self.pace.measure).await {
                return;
            }
        }
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay")
            .field("service", &self.db.service())
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// Deletes events older than `keep` that every subscriber has: below all cursors and not held. In
/// batches of one short statement each. Returns how many.
///
/// # Errors
/// When Postgres is away.
pub async fn purge(
    db: &Database,
    subscriptions: &Subscriptions,
    keep: Duration,
) -> Result<u64, Fault> {
    let subscribers = subscriptions.subscribers();
    let mut purged = 0;
    loop {
        let rows = sqlx::query!(
            "-- events::relay::purge
            DELETE FROM outbox WHERE id = ANY (ARRAY(
              SELECT o.id FROM outbox o
              WHERE o.time < clock_timestamp() - $2 * interval '1 second'
                AND o.stamp < (SELECT c.low_stamp FROM outbox_cursor c WHERE c.subscriber = ANY ($1)
                               ORDER BY c.low_stamp LIMIT 1)
                AND NOT EXISTS (SELECT FROM outbox_held h WHERE h.outbox_id = o.id AND h.subscriber = ANY ($1))
              ORDER BY o.time LIMIT $3))",
            &subscribers,
            keep.as_secs_f64(),
            PURGE_ROWS_MAX,
        )
        .execute(db.worker())
        .await
        .or_fault()?
        .rows_affected();
        purged += rows;
        if rows < PURGE_ROWS_MAX.unsigned_abs() {
            return Ok(purged);
        }
    }
}

/// A courier that panicked takes the relay with it, so that whoever watches over the process sees it: a
/// subscriber that silently gets nothing any more would be worse.
fn end(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

/// Waits; true when it is time to stop.
pub(crate) async fn wait(shutdown: &CancellationToken, pause: Duration) -> bool {
    tokio::select! {
        () = shutdown.cancelled() => true,
        () = tokio::time::sleep(pause) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_their_cap_and_are_never_nothing() {
        let pace = Pace::default();
        for attempts in 1..60 {
            let pause = pace.backoff(attempts);
            assert!(pause <= pace.backoff_max && pause >= pace.backoff_first / 2);
        }
        assert!(pace.backoff(30) >= pace.backoff_max / 2);
    }
}
