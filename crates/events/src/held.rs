//! Events that a subscriber could not take. They leave the main flow together with every later event
//! of their subject, so that nothing else waits for them, and are tried again in their own order.

use std::time::Duration;

use redress_model::Fault;
use redress_store::{Database, StoreResultExt as _};
use uuid::Uuid;

/// Subjects that one look takes up at most.
const SUBJECTS_MAX: i64 = 50;

/// One event to hold.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    pub(crate) outbox_id: i64,
    /// None for one that merely waits behind.
    pub(crate) failure: Option<Failure>,
}

/// Why and how long the first of a subject waits.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) attempts: i32,
    pub(crate) rejections: i32,
    pub(crate) reason: String,
    /// When it is tried again; none parks it.
    pub(crate) again: Option<Duration>,
}

/// A held event whose turn has come, or one behind it.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) outbox_id: i64,
    pub(crate) attempts: i32,
    pub(crate) rejections: i32,
}

/// Holds events, unless the partition is somebody else's by now (who will deliver them again).
pub(crate) async fn hold(
    db: &Database,
    subscriber: &str,
    token: Uuid,
    holds: &[Hold],
) -> Result<(), Fault> {
    let ids: Vec<i64> = holds.iter().map(|h| h.outbox_id).collect();
    let attempts: Vec<i32> = holds
        .iter()
        .map(|h| h.failure.as_ref().map_or(0, |f| f.attempts))
        .collect();
    let rejections: Vec<i32> = holds
        .iter()
        .map(|h| h.failure.as_ref().map_or(0, |f| f.rejections))
        .collect();
    let reasons: Vec<String> = holds
        .iter()
        .map(|h| {
            h.failure
                .as_ref()
                .map(|f| f.reason.clone())
                .unwrap_or_default()
        })
        .collect();
    // Seconds until the next attempt; below zero: none of its own.
    let delays: Vec<f64> = holds
        .iter()
        .map(|h| {
            h.failure
                .as_ref()
                .and_then(|f| f.again)
                .map_or(-1.0, |d| d.as_secs_f64())
        })
        .collect();
    sqlx::query!(
        "-- events::held::hold
        INSERT INTO outbox_held (subscriber, outbox_id, partition, site, subject, event_id, type,
                                 attempts, rejections, reason, next_attempt_time)
        SELECT $1, o.id, o.partition, o.site, o.subject, o.event_id, o.type, n.attempts, n.rejections, n.reason,
               CASE WHEN n.delay >= 0 THEN clock_timestamp() + n.delay * interval '1 second' END
        FROM unnest($3::bigint[], $4::int[], $5::int[], $6::text[], $7::float8[])
               AS n (id, attempts, rejections, reason, delay)
        JOIN outbox o ON o.id = n.id
        JOIN outbox_cursor c ON c.subscriber = $1 AND c.partition = o.partition AND c.lease_token = $2
        ON CONFLICT (subscriber, outbox_id) DO NOTHING",
        subscriber,
        token,
        &ids,
        &attempts,
        &rejections,
        &reasons,
        &delays,
    )
    .execute(db.worker())
    .await
    .or_fault()?;
    Ok(())
}

/// Gives the first of each subject its turn where nobody else has: after the one before it went, and
/// where a replica lost its lease between two steps.
pub(crate) async fn promote(db: &Database, subscriber: &str) -> Result<(), Fault> {
    sqlx::query!(
        "-- events::held::promote
        UPDATE outbox_held AS h SET next_attempt_time = clock_timestamp()
        WHERE h.subscriber = $1 AND h.next_attempt_time IS NULL AND h.park_time IS NULL
          AND NOT EXISTS (SELECT FROM outbox_held b WHERE b.subscriber = h.subscriber
                          AND b.subject = h.subject AND b.outbox_id < h.outbox_id)",
        subscriber,
    )
    .execute(db.worker())
    .await
    .or_fault()?;
    Ok(())
}

/// The events of subjects whose turn has come, each subject's in order.
pub(crate) async fn due(
    db: &Database,
    subscriber: &str,
    partitions: &[i16],
    limit: i64,
) -> Result<Vec<Due>, Fault> {
    sqlx::query_as!(
        Due,
        "-- events::held::due
        WITH due AS (
          SELECT subject FROM outbox_held
          WHERE subscriber = $1 AND next_attempt_time <= clock_timestamp() AND partition = ANY ($2)
          ORDER BY next_attempt_time LIMIT $3)
        SELECT h.outbox_id, h.attempts, h.rejections
        FROM outbox_held h JOIN due ON due.subject = h.subject
        WHERE h.subscriber = $1
        ORDER BY h.subject, h.outbox_id LIMIT $4",
        subscriber,
        partitions,
        SUBJECTS_MAX,
        limit,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()
}

/// Whether some held event waits for its turn; parked ones and those behind them do not.
pub(crate) async fn any_waiting(db: &Database, subscriber: &str) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        "-- events::held::any_waiting
        SELECT EXISTS (SELECT FROM outbox_held WHERE subscriber = $1 AND next_attempt_time IS NOT NULL) AS \"any!\"",
        subscriber,
    )
    .fetch_one(db.worker())
    .await
    .or_fault()
}

/// These were delivered.
pub(crate) async fn settle(db: &Database, subscriber: &str, ids: &[i64]) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "-- events::held::settle
        DELETE FROM outbox_held WHERE subscriber = $1 AND outbox_id = ANY ($2)",
        subscriber,
        ids,
    )
    .execute(db.worker())
    .await
    .or_fault()?;
    Ok(())
}

/// This one failed again.
pub(crate) async fn fail(
    db: &Database,
    subscriber: &str,
    outbox_id: i64,
    failure: &Failure,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- events::held::fail
        UPDATE outbox_held SET attempts = $3, rejections = $4, reason = $5,
          next_attempt_time = clock_timestamp() + $6::float8 * interval '1 second',
          park_time = CASE WHEN $6::float8 IS NULL THEN clock_timestamp() END
        WHERE subscriber = $1 AND outbox_id = $2",
        subscriber,
        outbox_id,
        failure.attempts,
        failure.rejections,
        failure.reason,
        failure.again.map(|d| d.as_secs_f64()),
    )
    .execute(db.worker())
    .await
    .or_fault()?;
    Ok(())
}

/// How many events are parked, over all sites and subscribers.
pub(crate) async fn parked_count(db: &Database) -> Result<i64, Fault> {
    sqlx::query_scalar!(
        "-- events::held::parked_count
        SELECT count(*) AS \"count!\" FROM outbox_held WHERE park_time IS NOT NULL",
    )
    .fetch_one(db.worker())
    .await
    .or_fault()
}
