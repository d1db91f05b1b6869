//! The steps of the work as a chain (I12). The site's lock is held by who adds to it.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId, StaffId};
use redress_store::{StoreResultExt as _, Tx};
use redress_vault::chain::{Head, Kept, first_broken};
use uuid::Uuid;

use crate::domain::history::Entry;
use crate::domain::work::Step;

struct Row {
    sequence: i64,
    kind: String,
    status: String,
    step_time: Timestamp,
    actor: String,
    responsible: Option<String>,
    offered_to: Option<String>,
    text: String,
    hash: Option<Vec<u8>>,
}

impl Row {
    fn into_kept(self) -> Kept<Entry> {
        Kept {
            entry: Entry {
                sequence: self.sequence,
                kind: self.kind,
                status: self.status,
                at: self.step_time,
                actor: self.actor,
                responsible: self.responsible,
                offered_to: self.offered_to,
                text: self.text,
            },
            hash: self.hash,
        }
    }
}

/// The history after a step, oldest first: all of it after 0.
///
/// # Errors
/// When Postgres is away.
pub async fn after(tx: &mut Tx, case: &CaseName, sequence: i64) -> Result<Vec<Kept<Entry>>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- assignment::store::history::after
        SELECT sequence, kind, status, step_time, actor, responsible, offered_to, text, hash FROM work_step
        WHERE site = $1 AND case_id = $2 AND sequence > $3 ORDER BY sequence",
        case.site.as_str(),
        case.id,
        sequence,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows.into_iter().map(Row::into_kept).collect())
}

/// What the work on a case remembers of its history; none where there is no work in scope.
///
/// # Errors
/// When Postgres is away.
pub async fn head(tx: &mut Tx, case: &CaseName) -> Result<Option<Head>, Fault> {
    let row = sqlx::query!(
        "-- assignment::store::history::head
        SELECT step_count, step_hash FROM work WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(|row| Head {
        count: row.step_count,
        hash: row.step_hash,
    }))
}

/// What stands in the place of the words of a step of an erased case.
const GONE: &str = "erased with the case";

/// Takes the words of every step and hashes the chain anew over what remains, so that it stands as it did: what is changed of it
/// afterwards is found, and so is a word that is put back. One that did not stand before keeps its hashes, and does not stand.
/// The site is locked.
///
/// # Errors
/// When Postgres is away.
pub async fn erase(tx: &mut Tx, case: &CaseName) -> Result<(), Fault> {
    let steps = after(tx, case, 0).await?;
    let remembered = head(tx, case).await?.unwrap_or_default();
    let stood = first_broken(case, &steps, &remembered).is_none();
    let (mut walked, mut last) = (Head::default(), remembered.hash.clone());
    let mut numbers = Vec::with_capacity(steps.len());
    let mut texts = Vec::with_capacity(steps.len());
    let mut hashes = Vec::with_capacity(steps.len());
    for Kept { mut entry, hash } in steps {
        if !entry.text.is_empty() {
            GONE.clone_into(&mut entry.text);
        }
        walked.over(case, &entry);
        let number = entry.sequence;
        if stood && number == remembered.count {
            last.clone_from(&walked.hash);
        }
        numbers.push(number);
        texts.push(entry.text);
        hashes.push(match hash {
            Some(_) if stood => Some(walked.hash.clone()),
            kept => kept,
        });
    }
    sqlx::query!(
        "-- assignment::store::history::erase
        UPDATE work_step s SET text = n.text, hash = n.hash
        FROM unnest($3::bigint[], $4::text[], $5::bytea[]) AS n (sequence, text, hash)
        WHERE s.site = $1 AND s.case_id = $2 AND s.sequence = n.sequence",
        case.site.as_str(),
        case.id,
        &numbers,
        &texts,
        &hashes as &[Option<Vec<u8>>],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- assignment::store::history::erase
        UPDATE work SET step_hash = $3 WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
        last,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Whether the case was erased, so that nothing is written down about it in words any more.
async fn is_erased(tx: &mut Tx, case: &CaseName) -> Result<bool, Fault> {
    let erased = sqlx::query_scalar!(
        "-- assignment::store::history::is_erased
        SELECT erased FROM work WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(erased.unwrap_or(false))
}

/// Adds steps, each hashed over the one before.
///
/// # Errors
/// When Postgres is away.
pub async fn append(
    tx: &mut Tx,
    case: &CaseName,
    steps: &[Step],
    actor: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    if steps.is_empty() {
        return Ok(());
    }
    let mut head = head(tx, case).await?.unwrap_or_default();
    // What a release without hashes added meanwhile.
    for step in after(tx, case, head.count).await? {
        head.over(case, &step.entry);
    }
    let erased = is_erased(tx, case).await?;
    for step in steps {
        let text = match step.text.as_str() {
            "" => "",
            _ if erased => GONE,
            text => text,
        };
        let entry = Entry {
            sequence: head.count + 1,
            kind: step.kind.word().to_owned(),
            status: step.status.word().to_owned(),
            at,
            actor: actor.to_owned(),
            responsible: step.responsible.as_ref().map(StaffId::to_string),
            offered_to: step.offered_to.as_ref().map(StaffId::to_string),
            text: text.to_owned(),
        };
        head.over(case, &entry);
        insert(tx, case, &entry, &head.hash).await?;
    }
    sqlx::query!(
        "-- assignment::store::history::append
        UPDATE work SET step_count = $3, step_hash = $4 WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
        head.count,
        head.hash,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

async fn insert(tx: &mut Tx, case: &CaseName, entry: &Entry, hash: &[u8]) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::history::insert
        INSERT INTO work_step (site, case_id, sequence, kind, status, step_time, actor, responsible, offered_to, text, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        case.site.as_str(),
        case.id,
        entry.sequence,
        entry.kind,
        entry.status,
        entry.at.to_sqlx(),
        entry.actor,
        entry.responsible,
        entry.offered_to,
        entry.text,
        hash,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Cases of a site that have work, in the order of their ids, without those that complain about the given person.
///
/// # Errors
/// When Postgres is away.
pub async fn cases(
    tx: &mut Tx,
    site: &SiteId,
    after: Option<Uuid>,
    not_about: Option<&StaffId>,
    limit: i64,
) -> Result<Vec<CaseName>, Fault> {
    let ids = sqlx::query_scalar!(
        "-- assignment::store::history::cases
        SELECT case_id FROM work
        WHERE site = $1
          AND ($2::uuid IS NULL OR case_id > $2)
          AND ($3::text IS NULL OR NOT excluded @> ARRAY[$3])
        ORDER BY case_id LIMIT $4",
        site.as_str(),
        after,
        not_about.map(StaffId::as_str),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let name = |id| CaseName::new(site.clone(), id);
    Ok(ids.into_iter().map(name).collect())
}
