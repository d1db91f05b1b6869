//! What is held for the spokesperson of an incident, and what became of it: notification's word, the newest of each. Rows
//! stay.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, MessageName, SiteId};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

/// A message that is or was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The message.
    pub message: MessageName,
    /// The incident that holds it.
    pub incident: Uuid,
    /// Its case; none where it is of none.
    pub case: Option<CaseName>,
    /// What it says, by the key of its template.
    pub template: String,
    /// Since when.
    pub since: Timestamp,
    /// By when it is to be decided.
    pub decide_by: Timestamp,
    /// `RELEASED` or `DROPPED`; empty while it waits.
    pub decision: String,
    /// Token subject of whoever decided; empty where nobody had to any more.
    pub decided_by: String,
    /// Why.
    pub reason: String,
    /// When it came to be so.
    pub changed: Timestamp,
}

/// Takes news in unless newer ones are known: a decision is newer than its hold, whatever the clocks say. Says whether they
/// are news.
///
/// # Errors
/// When Postgres is away.
pub async fn take(tx: &mut Tx, held: &Held) -> Result<bool, Fault> {
    let taken = sqlx::query!(
        "-- crisis::store::held::take
        INSERT INTO incident_held AS h (site, message, hold_time, incident, case_id, template, due_time, decision, decided_by,
                                        reason, change_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT ON CONSTRAINT incident_held_key DO UPDATE
        SET incident = excluded.incident, due_time = excluded.due_time, decision = excluded.decision,
            decided_by = excluded.decided_by, reason = excluded.reason, change_time = excluded.change_time
        WHERE (h.decision <> '', h.change_time) < (excluded.decision <> '', excluded.change_time)",
        held.message.site.as_str(),
        held.message.id,
        held.since.to_sqlx(),
        held.incident,
        held.case.as_ref().map(|case| case.id),
        held.template,
        held.decide_by.to_sqlx(),
        held.decision,
        held.decided_by,
        held.reason,
        held.changed.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(taken.rows_affected() > 0)
}

/// How many messages wait, were released and were dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Wait for a decision.
    pub waiting: i64,
    /// Went.
    pub released: i64,
    /// Never went.
    pub dropped: i64,
    /// Since when the oldest of those that wait does.
    pub oldest: Option<Timestamp>,
    /// By when the next of them is to be decided.
    pub next: Option<Timestamp>,
}

/// Counts what an incident, and those that were merged into it, held.
///
/// # Errors
/// When Postgres is away.
pub async fn count(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Counts, Fault> {
    let row = sqlx::query!(
        r#"-- crisis::store::held::count
        SELECT count(*) FILTER (WHERE decision = '') AS "waiting!",
               count(*) FILTER (WHERE decision = 'RELEASED') AS "released!",
               count(*) FILTER (WHERE decision = 'DROPPED') AS "dropped!",
               min(hold_time) FILTER (WHERE decision = '') AS oldest,
               min(due_time) FILTER (WHERE decision = '') AS next
        FROM incident_held
        WHERE site = $1 AND incident IN (SELECT $2::uuid UNION ALL SELECT merged_of($1, $2))"#,
        site.as_str(),
        incident,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(Counts {
        waiting: row.waiting,
        released: row.released,
        dropped: row.dropped,
        oldest: row.oldest.map(|t: jiff_sqlx::Timestamp| t.to_jiff()),
        next: row.next.map(|t: jiff_sqlx::Timestamp| t.to_jiff()),
    })
}

/// Everything that an incident held, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_incident(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Held>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::held::of_incident
        SELECT message, hold_time, case_id, template, due_time, decision, decided_by, reason, change_time
        FROM incident_held WHERE site = $1 AND incident = $2 ORDER BY hold_time, message",
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|row| Held {
            message: MessageName::new(site.clone(), row.message),
            incident,
            case: row.case_id.map(|id| CaseName::new(site.clone(), id)),
            template: row.template,
            since: row.hold_time.to_jiff(),
            decide_by: row.due_time.to_jiff(),
            decision: row.decision,
            decided_by: row.decided_by,
            reason: row.reason,
            changed: row.change_time.to_jiff(),
        })
        .collect())
}
