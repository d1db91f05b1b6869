//! Counts over all sites, for gauges. Each reads one small index (migration 0021).

use redress_model::Fault;
use redress_store::{Database, StoreResultExt as _};

/// Open cases of one kind.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenCases {
    /// Kind of their sites.
    pub site_kind: String,
    /// 1 to 4; 0 while ungraded.
    pub grade: i16,
    /// Their status.
    pub status: String,
    /// How many.
    pub count: i64,
}

/// Cases that are neither over nor of the past.
///
/// # Errors
/// When Postgres is away.
pub async fn open_cases(db: &Database) -> Result<Vec<OpenCases>, Fault> {
    sqlx::query_as!(
        OpenCases,
        "-- triage::store::standing::open_cases
        SELECT s.kind AS site_kind, coalesce(c.grade, 0::smallint) AS \"grade!\", c.status,
               sum(c.count)::bigint AS \"count!\"
        FROM (SELECT site, status, grade, count(*) AS count FROM case_file
              WHERE NOT historical AND status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED')
              GROUP BY site, status, grade) AS c
        JOIN site s ON s.site = c.site
        GROUP BY s.kind, c.grade, c.status",
    )
    .fetch_all(db.worker())
    .await
    .or_fault()
}

/// Promises of one kind in one state.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenClocks {
    /// Their kind.
    pub kind: String,
    /// `running`, `warned`, `breached`; `held` while one is held, unless it was broken before: a breach stays one, and lists of
    /// broken promises have it.
    pub state: String,
    /// How many.
    pub count: i64,
}

/// Promises that are neither kept nor cancelled; not what merely waits (ages, ends of holds).
///
/// # Errors
/// When Postgres is away.
pub async fn open_clocks(db: &Database) -> Result<Vec<OpenClocks>, Fault> {
    sqlx::query_as!(
        OpenClocks,
        "-- triage::store::standing::open_clocks
        SELECT kind, state AS \"state!\", count(*) AS \"count!\"
        FROM (SELECT kind, CASE WHEN told >= 2 THEN 'breached' WHEN held THEN 'held' WHEN told = 0 THEN 'running'
                           ELSE 'warned' END AS state
              FROM clock WHERE stop_time IS NULL AND kind NOT IN ('AGE_CHECK', 'HOLD_END')) AS c
        GROUP BY kind, state",
    )
    .fetch_all(db.worker())
    .await
    .or_fault()
}

/// The sites with the most breached promises, worst first.
///
/// # Errors
/// When Postgres is away.
pub async fn worst_sites(db: &Database, max: i64) -> Result<Vec<(String, i64)>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::standing::worst_sites
        SELECT site, count(*) AS \"count!\" FROM clock
        WHERE stop_time IS NULL AND told >= 2 AND kind NOT IN ('AGE_CHECK', 'HOLD_END')
        GROUP BY site ORDER BY count(*) DESC, site LIMIT $1",
        max,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    Ok(rows.into_iter().map(|row| (row.site, row.count)).collect())
}
