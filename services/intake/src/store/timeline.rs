//! The timeline's rows: appended under the case's lock, never changed; erasing takes notes and salts.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use rand::Rng as _;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::intake::v1::TimelineKind;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

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

/// An entry that is not written yet.
#[derive(Debug)]
pub struct Fresh {
    case: CaseName,
    stored: Stored,
}

/// Chains an entry to a locked case, whose record has to be saved afterwards, as the entry has to be
/// [inserted](insert).
pub fn chain(case: &mut Record, happened: Happened<'_>, now: Timestamp) -> Fresh {
    let note = (!happened.note.is_empty()).then(|| happened.note.to_owned());
    let salt = note.as_ref().map(|_| {
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
            .as_ref()
            .zip(salt.as_ref())
            .map(|(note, salt)| commit(salt, note)),
    };
    let chain = Chain {
        site: &case.name.site,
        case: case.name.id,
    };
    let hash = hash(chain, &case.timeline_hash, &entry);
    case.timeline_length = entry.sequence;
    case.timeline_hash.clone_from(&hash);
    Fresh {
        case: case.name.clone(),
        stored: Stored {
            entry,
            note,
            salt,
            hash,
        },
    }
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
    insert(tx, &[chain(case, happened, now)]).await
}

/// Writes entries of any cases.
///
/// # Errors
/// When Postgres is away.
pub async fn insert(tx: &mut Tx, entries: &[Fresh]) -> Result<(), Fault> {
    if entries.is_empty() {
        return Ok(());
    }
    let facts: Result<Vec<serde_json::Value>, _> = entries
        .iter()
        .map(|e| serde_json::to_value(&e.stored.entry.facts))
        .collect();
    let at = |time: fn(&Entry) -> Timestamp| -> Vec<jiff_sqlx::Timestamp> {
        let times = entries.iter().map(|e| time(&e.stored.entry).to_sqlx());
        times.collect()
    };
    let sites: Vec<&str> = entries.iter().map(|e| e.case.site.as_str()).collect();
    let ids: Vec<Uuid> = entries.iter().map(|e| e.case.id).collect();
    let sequences: Vec<i64> = entries.iter().map(|e| e.stored.entry.sequence).collect();
    let kinds: Vec<&str> = entries
        .iter()
        .map(|e| kind_word(e.stored.entry.kind))
        .collect();
    let actors: Vec<&str> = entries
        .iter()
        .map(|e| e.stored.entry.actor.as_str())
        .collect();
    let notes: Vec<Option<&str>> = entries.iter().map(|e| e.stored.note.as_deref()).collect();
    let salts: Vec<Option<&[u8]>> = entries.iter().map(|e| e.stored.salt.as_deref()).collect();
    let commitments: Vec<Option<&[u8]>> = entries
        .iter()
        .map(|e| e.stored.entry.commitment.as_deref())
        .collect();
    let hashes: Vec<&[u8]> = entries.iter().map(|e| e.stored.hash.as_slice()).collect();
    sqlx::query!(
        "-- intake::timeline::insert
        INSERT INTO timeline (site, case_id, sequence, kind, event_time, record_time, actor, facts, note, salt, commitment, hash)
        SELECT * FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[],
                             $7::text[], $8::jsonb[], $9::text[], $10::bytea[], $11::bytea[], $12::bytea[])",
        &sites as &[&str],
        &ids,
        &sequences,
        &kinds as &[&str],
        &at(|e| e.event_time) as &[jiff_sqlx::Timestamp],
        &at(|e| e.record_time) as &[jiff_sqlx::Timestamp],
        &actors as &[&str],
        &facts.map_err(Fault::internal)?,
        &notes as &[Option<&str>],
        &salts as &[Option<&[u8]>],
        &commitments as &[Option<&[u8]>],
        &hashes as &[&[u8]],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
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
