//! Cursors and leases: how far a subscriber has got in each partition, and who carries it there.
//! The statements here are the only ones that touch `outbox_cursor` and `outbox_relay`.
//!
//! Leases run on Postgres' own clock: a virtual clock that stands still must not stop deliveries.

use std::time::Duration;

use redress_model::Fault;
use redress_store::{Database, StoreResultExt as _};
use uuid::Uuid;

use crate::outbox::PARTITIONS;

/// Ids that one look at a window loads at most: 800 kB.
const IDS_MAX: i64 = 100_000;

/// Position of one subscriber in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) partition: i16,
    /// Everything stamped below is done.
    pub(crate) low: i64,
    /// End of the window under way; equal to `low` when none is.
    pub(crate) high: i64,
    /// Everything of the window up to this id is delivered or held.
    pub(crate) last_id: i64,
}

impl Cursor {
    /// Opens the window up to `xmin` unless one is under way.
    pub(crate) fn open(&mut self, xmin: i64) {
        if self.high <= self.low && xmin > self.low {
            self.high = xmin;
            self.last_id = 0;
        }
    }

    /// The window is done.
    pub(crate) fn close(&mut self) {
        self.low = self.high;
        self.last_id = 0;
    }
}

/// Makes the rows of new subscribers. They begin with the oldest event that is still kept.
pub(crate) async fn ensure(db: &Database, subscribers: &[String]) -> Result<(), Fault> {
    sqlx::query!(
        "-- events::cursor::ensure
        INSERT INTO outbox_cursor (subscriber, partition)
        SELECT s, p::smallint FROM unnest($1::text[]) AS s, generate_series(0, $2 - 1) AS p
        ON CONFLICT DO NOTHING",
        subscribers,
        i32::from(PARTITIONS),
    )
    .execute(db.worker())
    .await
    .or_fault()?;
    Ok(())
}

/// Says that this replica lives, forgets long-dead ones, and counts the living.
pub(crate) async fn beat(db: &Database, token: Uuid, lease: Duration) -> Result<i64, Fault> {
    sqlx::query!(
        "-- events::cursor::beat
        WITH mine AS (
          INSERT INTO outbox_relay AS r (token, live_until)
          VALUES ($1, clock_timestamp() + $2 * interval '1 second')
          ON CONFLICT (token) DO UPDATE SET live_until = excluded.live_until),
        dead AS (DELETE FROM outbox_relay WHERE live_until < clock_timestamp() - interval '1 hour')
        SELECT 1 + count(*) AS \"live!\" FROM outbox_relay
        WHERE token <> $1 AND live_until > clock_timestamp()",
        token,
        lease.as_secs_f64(),
    )
    .fetch_one(db.worker())
    .await
    .or_fault()
    .map(|row| row.live)
}

/// This replica carries no more.
pub(crate) async fn leave(db: &Database, token: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "-- events::cursor::leave
        DELETE FROM outbox_relay WHERE token = $1",
        token,
    )
    .execute(db.worker())
    .await
    .or_fault()?;
    Ok(())
}

/// Takes up to `wanted` partitions that nobody carries.
pub(crate) async fn claim(
    db: &Database,
    subscriber: &str,
    token: Uuid,
    wanted: i64,
    lease: Duration,
) -> Result<Vec<Cursor>, Fault> {
    sqlx::query_as!(
        Cursor,
        "-- events::cursor::claim
        UPDATE outbox_cursor AS c
        SET lease_token = $2, lease_until = clock_timestamp() + $4 * interval '1 second'
        FROM (SELECT subscriber, partition FROM outbox_cursor
              WHERE subscriber = $1 AND lease_token IS DISTINCT FROM $2
                AND (lease_token IS NULL OR lease_until < clock_timestamp())
              ORDER BY partition LIMIT $3 FOR UPDATE SKIP LOCKED) AS free
        WHERE c.subscriber = free.subscriber AND c.partition = free.partition
        RETURNING c.partition, c.low_stamp::text::bigint AS \"low!\", c.high_stamp::text::bigint AS \"high!\", c.last_id",
        subscriber,
        token,
        wanted,
        lease.as_secs_f64(),
    )
    .fetch_all(db.worker())
    .await
    .or_fault()
}

/// Writes positions down and renews their leases. Returns the partitions that are still ours; the
/// others were taken over after our lease had run out.
pub(crate) async fn save(
    db: &Database,
    subscriber: &str,
    token: Uuid,
    cursors: &[Cursor],
    lease: Duration,
) -> Result<Vec<i16>, Fault> {
    write(db, subscriber, token, cursors, Some(lease)).await
}

/// Writes positions down and gives the partitions up.
pub(crate) async fn release(
    db: &Database,
    subscriber: &str,
    token: Uuid,
    cursors: &[Cursor],
) -> Result<(), Fault> {
    write(db, subscriber, token, cursors, None)
        .await
        .map(|_| ())
}

async fn write(
    db: &Database,
    subscriber: &str,
    token: Uuid,
    cursors: &[Cursor],
    lease: Option<Duration>,
) -> Result<Vec<i16>, Fault> {
    if cursors.is_empty() {
        return Ok(Vec::new());
    }
    let columns = Columns::of(cursors);
    sqlx::query_scalar!(
        "-- events::cursor::write
        UPDATE outbox_cursor AS c
        SET low_stamp = n.low::text::xid8, high_stamp = n.high::text::xid8, last_id = n.last_id,
            lease_token = CASE WHEN $7::float8 IS NULL THEN NULL ELSE c.lease_token END,
            lease_until = clock_timestamp() + $7 * interval '1 second'
        FROM unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS n (partition, low, high, last_id)
        WHERE c.subscriber = $1 AND c.partition = n.partition AND c.lease_token = $2
        RETURNING c.partition",
        subscriber,
        token,
        &columns.partitions,
        &columns.lows,
        &columns.highs,
        &columns.last_ids,
        lease.map(|l| l.as_secs_f64()),
    )
    .fetch_all(db.worker())
    .await
    .or_fault()
}

/// What a first, cheap look at the outbox shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Every transaction below has ended: windows may reach up to here.
    pub(crate) xmin: i64,
    /// Whether there is any row to read in a window.
    pub(crate) any: bool,
    /// Whether there are committed rows above, which wait for an older transaction to end.
    pub(crate) more: bool,
}

/// Looks whether there is anything stamped from `low` on.
pub(crate) async fn look(db: &Database, low: i64) -> Result<Look, Fault> {
    sqlx::query_as!(
        Look,
        "-- events::cursor::look
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS \"xmin!\",
               -- By the first and the last stamp, not by EXISTS: that may be planned as a scan of the whole
               -- table, in the hope of an early hit.
               coalesce((SELECT stamp FROM outbox WHERE stamp >= $1::bigint::text::xid8 ORDER BY stamp LIMIT 1)
                        < pg_snapshot_xmin(pg_current_snapshot()), false) AS \"any!\",
               coalesce((SELECT stamp FROM outbox ORDER BY stamp DESC LIMIT 1)
                        >= pg_snapshot_xmin(pg_current_snapshot()), false) AS \"more!\"",
        low,
    )
    .fetch_one(db.worker())
    .await
    .or_fault()
}

/// How many seconds ago the oldest event was said that each subscriber has not got yet, 0 where it has all.
/// A parked event, and what waits behind it, is the operator's and does not count.
pub(crate) async fn ages(
    db: &Database,
    subscribers: &[String],
) -> Result<Vec<(String, f64)>, Fault> {
    let rows = sqlx::query!(
        "-- events::cursor::ages
        SELECT s.subscriber AS \"subscriber!\", coalesce(extract(epoch FROM clock_timestamp() - least(
                 (SELECT min(next.time) FROM outbox_cursor c CROSS JOIN LATERAL (
                    SELECT o.time FROM outbox o
                    WHERE o.partition = c.partition AND o.stamp >= c.low_stamp
                      AND (o.stamp >= c.high_stamp OR o.id > c.last_id)
                    ORDER BY o.stamp, o.id LIMIT 1) AS next
                  WHERE c.subscriber = s.subscriber),
                 (SELECT min(o.time) FROM outbox_held h JOIN outbox o ON o.id = h.outbox_id
                  WHERE h.subscriber = s.subscriber AND h.next_attempt_time IS NOT NULL)))::float8, 0) AS \"age!\"
        FROM unnest($1::text[]) AS s (subscriber)",
        subscribers,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|row| (row.subscriber, row.age.max(0.0)))
        .collect())
}

/// Starts over after a logical restore into another cluster, whose transaction ids are lower than the
/// stored ones: nothing new would ever lie in a window. What was delivered already is delivered again and
/// recognised. All leases end, so that no replica goes on with what it remembers.
pub(crate) async fn start_over(db: &Database) -> Result<(), Fault> {
    sqlx::query!(
        "-- events::cursor::start_over
        WITH stamped AS (
          UPDATE outbox SET stamp = pg_current_xact_id() WHERE stamp >= pg_snapshot_xmax(pg_current_snapshot()))
        UPDATE outbox_cursor SET low_stamp = '0', high_stamp = '0', last_id = 0, lease_token = NULL, lease_until = NULL",
    )
    .execute(db.worker())
    .await
    .or_fault()?;
    Ok(())
}

/// One row of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) partition: i16,
}

/// The rows of the open windows, in order of id.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    /// The windows hold more than was loaded, with higher ids.
    pub(crate) truncated: bool,
}

/// Loads what is left of the cursors' windows.
pub(crate) async fn read(
    db: &Database,
    types: &[String],
    cursors: &[Cursor],
) -> Result<Rows, Fault> {
    let low = cursors.iter().map(|c| c.low).min().unwrap_or_default();
    let high = cursors.iter().map(|c| c.high).max().unwrap_or_default();
    let columns = Columns::of(cursors);
    let rows = sqlx::query_as!(
        Row,
        "-- events::cursor::read
        WITH c AS MATERIALIZED (
          SELECT partition, low::text::xid8 AS low, high::text::xid8 AS high, last_id
          FROM unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS n (partition, low, high, last_id))
        SELECT o.id, o.partition FROM outbox o JOIN c ON c.partition = o.partition
          AND o.stamp >= c.low AND o.stamp < c.high AND o.id > c.last_id
        WHERE o.stamp >= $6::bigint::text::xid8 AND o.stamp < $7::bigint::text::xid8 AND o.type = ANY ($1)
        -- Not by the primary key's index: the window is a narrow range of stamps.
        ORDER BY o.id + 0 LIMIT $8",
        types,
        &columns.partitions,
        &columns.lows,
        &columns.highs,
        &columns.last_ids,
        low,
        high,
        IDS_MAX,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    let truncated = i64::try_from(rows.len()).is_ok_and(|n| n >= IDS_MAX);
    Ok(Rows { rows, truncated })
}

/// Cursors column by column, as Postgres takes arrays.
struct Columns {
    partitions: Vec<i16>,
    lows: Vec<i64>,
    highs: Vec<i64>,
    last_ids: Vec<i64>,
}

impl Columns {
    fn of(cursors: &[Cursor]) -> Self {
        Self {
            partitions: cursors.iter().map(|c| c.partition).collect(),
            lows: cursors.iter().map(|c| c.low).collect(),
            highs: cursors.iter().map(|c| c.high).collect(),
            last_ids: cursors.iter().map(|c| c.last_id).collect(),
        }
    }
}
