//! The timeline's rows: appended under the case's lock, never changed; erasing takes notes and salts.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use rand::Rng as _;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::intake::v1::TimelineKind;
use redress_store::{StoreResultExt as _, Tx};

use super::case::Record;
use crate::domain::timeline::{
    Chain, Entry, Facts, HASH_LENGTH_BYTES, Stored, commit, hash, kind_of, kind_word,
};

/// Entries that a walk reads at once.
const WALK_ENTRIES_MAX: i64 = 500;

/// What happened.
#[derive(Debug)]
pub struct Happened<'a> {
    /// Which kind of thing.
    pub kind: TimelineKind,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it: subject of a token, or a service.
    pub actor: &'a str,
    /// The facts; no personal data.
    pub facts: Facts,
    /// Words of people; empty where there are none.
    pub note: &'a str,
}

/// Appends an entry to a locked case, whose record has to be saved afterwards.
///
/// # Errors
/// When Postgres is away.
pub async fn append(
    tx: &mut Tx,
    case: &mut Record,
    happened: Happened<'_>,
    now: Timestamp,
) -> Result<(), Fault> {
    let note = (!happened.note.is_empty()).then_some(happened.note);
    let salt = note.map(|_| {
        let mut salt = vec![0; HASH_LENGTH_BYTES];
        rand::rng().fill_bytes(&mut salt);
        salt
    });
    let entry = Entry {
        sequence: case.timeline_length + 1,
        kind: happened.kind,
        event_time: happened.at,
        record_time: now,
        actor: happened.actor.to_owned(),
        facts: happened.facts,
        commitment: note
            .zip(salt.as_ref())
            .map(|(note, salt)| commit(salt, note)),
    };
    let chain = Chain {
        site: &case.name.site,
        case: case.name.id,
    };
    let hash = hash(chain, &case.timeline_hash, &entry);
    sqlx::query!(
        "-- intake::timeline::append
        INSERT INTO timeline (site, case_id, sequence, kind, event_time, record_time, actor, facts, note, salt, commitment, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        case.name.site.as_str(),
        case.name.id,
        entry.sequence,
        kind_word(entry.kind),
        entry.event_time.to_sqlx() as _,
        entry.record_time.to_sqlx() as _,
        entry.actor,
        serde_json::to_value(&entry.facts).map_err(Fault::internal)?,
        note,
        salt,
        entry.commitment,
        hash,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    case.timeline_length = entry.sequence;
    case.timeline_hash = hash;
    Ok(())
}

/// Entries of a case, newest first, below a sequence.
///
/// # Errors
/// When Postgres is away.
pub async fn page(
    tx: &mut Tx,
    name: &CaseName,
    below: Option<i64>,
    limit: i64,
) -> Result<Vec<Stored>, Fault> {
    let rows = sqlx::query!(
        "-- intake::timeline::page
        SELECT sequence, kind, event_time, record_time, actor, facts, note, salt, commitment, hash
        FROM timeline WHERE site = $1 AND case_id = $2 AND sequence < $3
        ORDER BY sequence DESC LIMIT $4",
        name.site.as_str(),
        name.id,
        below.unwrap_or(i64::MAX),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Stored {
                entry: Entry {
                    sequence: row.sequence,
                    kind: kind_of(&row.kind),
                    event_time: row.event_time.to_jiff(),
                    record_time: row.record_time.to_jiff(),
                    actor: row.actor,
                    facts: serde_json::from_value(row.facts).map_err(Fault::internal)?,
                    commitment: row.commitment,
                },
                note: row.note,
                salt: row.salt,
                hash: row.hash,
            })
        })
        .collect()
}

/// All entries of a case, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn all(tx: &mut Tx, name: &CaseName) -> Result<Vec<Stored>, Fault> {
    let mut entries: Vec<Stored> = Vec::new();
    loop {
        let below = entries.last().map(|e| e.entry.sequence);
        let batch = page(tx, name, below, WALK_ENTRIES_MAX).await?;
        let last = i64::try_from(batch.len()).is_ok_and(|n| n < WALK_ENTRIES_MAX);
        entries.extend(batch);
        if last {
            entries.reverse();
            return Ok(entries);
        }
    }
}

/// The note of one entry; none where there is none or it was erased.
///
/// # Errors
/// When Postgres is away.
pub async fn note(tx: &mut Tx, name: &CaseName, sequence: i64) -> Result<Option<String>, Fault> {
    let row = sqlx::query!(
        "-- intake::timeline::note
        SELECT note FROM timeline WHERE site = $1 AND case_id = $2 AND sequence = $3",
        name.site.as_str(),
        name.id,
        sequence,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.and_then(|r| r.note))
}

/// Takes all notes and salts of a case away.
///
/// # Errors
/// When Postgres is away.
pub async fn erase(tx: &mut Tx, name: &CaseName) -> Result<(), Fault> {
    sqlx::query!(
        "-- intake::timeline::erase
        UPDATE timeline SET note = NULL, salt = NULL
        WHERE site = $1 AND case_id = $2 AND salt IS NOT NULL",
        name.site.as_str(),
        name.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
