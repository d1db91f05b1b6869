//! The log of an incident: only ever added to, each entry hashed over the one before (I12).

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{IncidentName, SiteId};
use redress_store::{OneRowExt as _, StoreResultExt as _, Tx};
use redress_vault::chain::{Head, Kept};
use uuid::Uuid;

use super::read;
use crate::domain::logbook;
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

/// What an incident remembers of its log; nothing where there is none in scope.
///
/// # Errors
/// When Postgres is away.
pub async fn head(tx: &mut Tx, incident: &IncidentName) -> Result<Head, Fault> {
    let row = sqlx::query!(
        "-- crisis::store::log::head
        SELECT log_count, log_hash FROM incident WHERE site = $1 AND id = $2",
        incident.site.as_str(),
        incident.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map_or_else(Head::default, |row| Head {
        count: row.log_count,
        hash: row.log_hash,
    }))
}

/// What follows an entry, oldest first: all of the log after 0.
///
/// # Errors
/// When Postgres is away.
pub async fn kept_after(
    tx: &mut Tx,
    incident: &IncidentName,
    number: i64,
) -> Result<Vec<Kept<logbook::Entry>>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::log::kept_after
        SELECT number, kind, log_time, actor, text, reference, hash FROM incident_log
        WHERE site = $1 AND incident = $2 AND number > $3 ORDER BY number",
        incident.site.as_str(),
        incident.id,
        number,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let kept = rows.into_iter().map(|r| Kept {
        entry: logbook::Entry {
            number: r.number,
            kind: r.kind,
            at: r.log_time.to_jiff(),
            actor: r.actor,
            text: r.text,
            reference: r.reference,
        },
        hash: r.hash,
    });
    Ok(kept.collect())
}

/// Where the next entry goes on: after what is remembered, and what a release without hashes added meanwhile.
///
/// # Errors
/// When Postgres is away.
pub async fn end(tx: &mut Tx, incident: &IncidentName) -> Result<Head, Fault> {
    let mut head = head(tx, incident).await?;
    for kept in kept_after(tx, incident, head.count).await? {
        head.over(incident, &kept.entry);
    }
    Ok(head)
}

/// Adds an entry after `end`, which goes on over it. The caller holds the incident's row, so that entries follow each other.
///
/// # Errors
/// When Postgres is away.
pub async fn add(
    tx: &mut Tx,
    incident: &IncidentName,
    end: &mut Head,
    at: Timestamp,
    note: Note<'_>,
) -> Result<(), Fault> {
    let entry = logbook::Entry {
        number: end.count + 1,
        kind: note.kind.word().to_owned(),
        at,
        actor: note.actor.to_owned(),
        text: note.text.to_owned(),
        reference: note.reference.to_owned(),
    };
    end.over(incident, &entry);
    sqlx::query!(
        "-- crisis::store::log::add
        WITH noted AS (
          INSERT INTO incident_log (site, incident, number, kind, log_time, actor, text, reference, hash)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        )
        UPDATE incident SET log_count = $3, log_hash = $9 WHERE site = $1 AND id = $2",
        incident.site.as_str(),
        incident.id,
        entry.number,
        entry.kind,
        at.to_sqlx(),
        entry.actor,
        entry.text,
        entry.reference,
        end.hash,
    )
    .execute(&mut **tx)
    .await
    .one_row("an entry was added to the log of an incident that is not there")
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
