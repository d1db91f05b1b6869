//! Receipts of clocks that fired late.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_store::{Database, StoreResultExt as _};
use redress_timers::Receipt;
use uuid::Uuid;

/// How long receipts are kept.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many old ones go with each batch of new ones: more than a batch brings.
const PURGE_ROWS_MAX: i64 = 1_000;

/// Keeps receipts, of whichever sites: the worker's part. One that is there already stays as it is.
pub async fn keep(db: &Database, receipts: &[Receipt]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = receipts.iter().map(|r| r.entry.id).collect();
    let generations: Vec<i64> = receipts.iter().map(|r| r.entry.generation).collect();
    let due: Vec<jiff_sqlx::Timestamp> = receipts.iter().map(|r| r.entry.due.to_sqlx()).collect();
    let fired: Vec<jiff_sqlx::Timestamp> = receipts.iter().map(|r| r.fired.to_sqlx()).collect();
    let causes: Vec<String> = receipts.iter().map(|r| r.cause.word().to_owned()).collect();
    sqlx::query!(
        "-- triage::store::late::keep
        INSERT INTO late_firing (site, clock_id, generation, due_time, fire_time, cause)
        SELECT clock.site, late.id, late.generation, late.due, late.fired, late.cause
        FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[])
          AS late(id, generation, due, fired, cause)
        JOIN clock ON clock.id = late.id
        ON CONFLICT ON CONSTRAINT late_firing_key DO NOTHING",
        &ids,
        &generations,
        &due as &[jiff_sqlx::Timestamp],
        &fired as &[jiff_sqlx::Timestamp],
        &causes,
    )
    .execute(db.worker())
    .await
    .or_fault()?;
    Ok(())
}

/// Deletes receipts that were kept long enough, a bounded number at once.
pub async fn purge(db: &Database, now: Timestamp) -> Result<u64, Fault> {
    let until = now
        .checked_sub(RETENTION)
        .unwrap_or(Timestamp::MIN)
        .to_sqlx();
    sqlx::query!(
        "-- triage::store::late::purge
        DELETE FROM late_firing WHERE (site, clock_id, generation) IN (
          SELECT site, clock_id, generation FROM late_firing WHERE fire_time < $1 ORDER BY fire_time LIMIT $2)",
        until as jiff_sqlx::Timestamp,
        PURGE_ROWS_MAX,
    )
    .execute(db.worker())
    .await
    .or_fault()
    .map(|done| done.rows_affected())
}
