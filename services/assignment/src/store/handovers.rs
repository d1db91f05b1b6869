//! Until when open hand-overs stand. Who hands what over to whom stands in the work.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_store::{StoreResultExt as _, Tx};
use sqlx::PgPool;

use super::parse;

/// Keeps until when a hand-over stands; replaces the one before.
///
/// # Errors
/// When Postgres is away.
pub async fn keep(tx: &mut Tx, case: &CaseName, due: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::handovers::keep
        INSERT INTO handover (site, case_id, due_time) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT handover_key DO UPDATE SET due_time = $3",
        case.site.as_str(),
        case.id,
        due.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Forgets a hand-over that is over.
///
/// # Errors
/// When Postgres is away.
pub async fn forget(tx: &mut Tx, case: &CaseName) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::handovers::forget
        DELETE FROM handover WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Whether a hand-over is still open though its time is over.
///
/// # Errors
/// When Postgres is away.
pub async fn is_over(tx: &mut Tx, case: &CaseName, now: Timestamp) -> Result<bool, Fault> {
    let due = sqlx::query_scalar!(
        "-- assignment::store::handovers::is_over
        SELECT due_time FROM handover WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(due.is_some_and(|due| due.to_jiff() <= now))
}

/// Cases whose hand-over's time is over, the longest first. For the worker role.
///
/// # Errors
/// When Postgres is away.
pub async fn due(worker: &PgPool, now: Timestamp, limit: i64) -> Result<Vec<CaseName>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::handovers::due
        SELECT site, case_id FROM handover WHERE due_time <= $1 ORDER BY due_time LIMIT $2",
        now.to_sqlx(),
        limit,
    )
    .fetch_all(worker)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(CaseName::new(
                parse("handover.site", &row.site)?,
                row.case_id,
            ))
        })
        .collect()
}
