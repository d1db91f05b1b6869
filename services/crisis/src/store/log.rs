//! The log of an incident: only ever added to.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::read;
use crate::domain::words::LogKind;

/// An entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Counts from 1.
    pub number: i64,
    /// What it tells.
    pub kind: LogKind,
    /// When.
    pub at: Timestamp,
    /// Who; empty where the platform did it.
    pub actor: String,
    /// What happened, without a complainant's data.
    pub text: String,
    /// Where a text lies; empty where none.
    pub reference: String,
}

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// What it tells.
    pub kind: LogKind,
    /// Who; empty where the platform did it.
    pub actor: &'a str,
    /// What happened.
    pub text: &'a str,
    /// Where a text lies; empty where none.
    pub reference: &'a str,
}

/// When the stage last moved; none where it never did.
///
/// # Errors
/// When Postgres is away.
pub async fn stage_moved(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
) -> Result<Option<Timestamp>, Fault> {
    let moved = sqlx::query_scalar!(
        "-- crisis::store::log::stage_moved
        SELECT max(log_time) FROM incident_log WHERE site = $1 AND incident = $2 AND kind = 'STAGE_MOVED'",
        site.as_str(),
        incident,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(moved.map(|t: jiff_sqlx::Timestamp| t.to_jiff()))
}

/// Adds an entry. The caller holds the incident's row, so that numbers follow each other.
///
/// # Errors
/// When Postgres is away.
pub async fn add(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    at: Timestamp,
    note: Note<'_>,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::log::add
        INSERT INTO incident_log (site, incident, number, kind, log_time, actor, text, reference)
        SELECT $1, $2, 1 + coalesce(max(number), 0), $3, $4, $5, $6, $7
        FROM incident_log WHERE site = $1 AND incident = $2",
        site.as_str(),
        incident,
        note.kind.word(),
        at.to_sqlx(),
        note.actor,
        note.text,
        note.reference,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The last entries, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn last(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    limit: i64,
) -> Result<Vec<Entry>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::log::last
        SELECT number, kind, log_time, actor, text, reference FROM incident_log
        WHERE site = $1 AND incident = $2 ORDER BY number DESC LIMIT $3",
        site.as_str(),
        incident,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Entry {
                number: r.number,
                kind: read(&r.kind)?,
                at: r.log_time.to_jiff(),
                actor: r.actor,
                text: r.text,
                reference: r.reference,
            })
        })
        .collect()
}
