//! Receipts of clocks that fired late.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::ClockKind;
use redress_store::{Database, StoreResultExt as _, Tx};
use redress_timers::{Cause, Receipt};
use uuid::Uuid;

use super::word;

/// How long receipts are kept.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Rows that one purge statement deletes at most.
const PURGE_ROWS_MAX: i64 = 1_000;

/// Keeps receipts of clocks of this site, in the transaction in which these took effect. One that is there already stays as it
/// is.
pub async fn keep(tx: &mut Tx, site: &SiteId, receipts: &[Receipt]) -> Result<(), Fault> {
    if receipts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = receipts.iter().map(|r| r.entry.id).collect();
    let generations: Vec<i64> = receipts.iter().map(|r| r.entry.generation).collect();
    let due: Vec<jiff_sqlx::Timestamp> = receipts.iter().map(|r| r.entry.due.to_sqlx()).collect();
    let fired: Vec<jiff_sqlx::Timestamp> = receipts.iter().map(|r| r.fired.to_sqlx()).collect();
    let causes: Vec<String> = receipts.iter().map(|r| r.cause.word().to_owned()).collect();
    sqlx::query!(
        "-- triage::store::late::keep
        INSERT INTO late_firing (site, clock_id, generation, due_time, fire_time, cause)
        SELECT $1, late.id, late.generation, late.due, late.fired, late.cause
        FROM unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[])
          AS late(id, generation, due, fired, cause)
        ON CONFLICT ON CONSTRAINT late_firing_key DO NOTHING",
        site.as_str(),
        &ids,
        &generations,
        &due as &[jiff_sqlx::Timestamp],
        &fired as &[jiff_sqlx::Timestamp],
        &causes,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// A receipt as it is listed.
#[derive(Debug, Clone)]
pub struct Late {
    /// The site.
    pub site: SiteId,
    /// The clock.
    pub clock: Uuid,
    /// Its case.
    pub case: Uuid,
    /// Which promise.
    pub kind: ClockKind,
    /// Which change of the clock it was about.
    pub generation: i64,
    /// When it was due.
    pub due: Timestamp,
    /// When it fired.
    pub fired: Timestamp,
    /// Why so late.
    pub cause: Cause,
}

/// What a list of receipts is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One site; none: all in scope.
    pub site: Option<SiteId>,
    /// At least so late.
    pub lag: SignedDuration,
    /// For one of these reasons; empty: any.
    pub causes: Vec<Cause>,
    /// Not of cases about this person, `sites/{site}/staff/{staff}`.
    pub not_about: Option<String>,
}

/// Where a page ended: when it fired, the clock and its generation.
pub type Key = (Timestamp, Uuid, i64);

/// Receipts, the latest firing first, after a key.
pub async fn page(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<Key>,
    limit: i64,
) -> Result<Vec<Late>, Fault> {
    let causes: Vec<String> = filter.causes.iter().map(|c| c.word().to_owned()).collect();
    let lag = f64::max(filter.lag.as_secs_f64(), 0.0);
    let rows = sqlx::query!(
        "-- triage::store::late::page
        SELECT l.site, l.clock_id, c.case_id, c.kind, l.generation, l.due_time, l.fire_time, l.cause
        FROM late_firing l JOIN clock c ON c.site = l.site AND c.id = l.clock_id
        WHERE ($1::text IS NULL OR l.site = $1)
          AND ($2::timestamptz IS NULL OR (l.fire_time, l.clock_id, l.generation) < ($2, $3, $4))
          AND l.fire_time - l.due_time >= make_interval(secs => $5)
          AND (cardinality($6::text[]) = 0 OR l.cause = ANY ($6))
          AND ($7::text IS NULL OR NOT EXISTS (
            SELECT FROM case_file f WHERE f.site = c.site AND f.id = c.case_id AND $7 = ANY (f.excluded)))
        ORDER BY l.fire_time DESC, l.clock_id DESC, l.generation DESC LIMIT $8",
        filter.site.as_ref().map(SiteId::as_str),
        after.map(|(at, ..)| at.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        after.map(|(_, clock, _)| clock),
        after.map(|(.., generation)| generation),
        lag,
        &causes,
        filter.not_about,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Late {
                site: row.site.parse().map_err(Fault::internal)?,
                clock: row.clock_id,
                case: row.case_id,
                kind: word(&row.kind)?,
                generation: row.generation,
                due: row.due_time.to_jiff(),
                fired: row.fire_time.to_jiff(),
                cause: word(&row.cause)?,
            })
        })
        .collect()
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
