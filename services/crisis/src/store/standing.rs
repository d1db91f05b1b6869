//! Counts over all sites, for gauges.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_store::{Database, StoreResultExt as _};

/// Open incidents of one mode and stage.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenIncidents {
    /// Their mode.
    pub mode: String,
    /// Their stage.
    pub stage: String,
    /// How many.
    pub count: i64,
}

/// Incidents that are neither merged nor stood down.
///
/// # Errors
/// When Postgres is away.
pub async fn open_incidents(db: &Database) -> Result<Vec<OpenIncidents>, Fault> {
    sqlx::query_as!(
        OpenIncidents,
        "-- crisis::store::standing::open_incidents
        SELECT mode, stage, count(*) AS \"count!\" FROM incident WHERE state = 'OPEN' GROUP BY mode, stage",
    )
    .fetch_all(db.worker())
    .await
    .or_fault()
}

/// Promises of one kind and how they stand.
#[derive(Debug, PartialEq, Eq)]
pub struct Promises {
    /// Their kind.
    pub kind: String,
    /// `running`, `breached`, or how they ended: `kept` in time, `late`.
    pub outcome: String,
    /// How many.
    pub count: i64,
}

/// Promises that run, and those that ended since then; cancelled ones promise nothing.
///
/// # Errors
/// When Postgres is away.
pub async fn promises(db: &Database, since: Timestamp) -> Result<Vec<Promises>, Fault> {
    sqlx::query_as!(
        Promises,
        "-- crisis::store::standing::promises
        SELECT kind AS \"kind!\", outcome AS \"outcome!\", count(*) AS \"count!\"
        FROM (SELECT kind, lower(state) AS outcome FROM incident_clock WHERE state IN ('RUNNING', 'BREACHED')
              UNION ALL
              SELECT kind, CASE WHEN stop_time <= due_time THEN 'kept' ELSE 'late' END
              FROM incident_clock WHERE state = 'MET' AND stop_time > $1) AS c
        GROUP BY kind, outcome",
        since.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()
}
