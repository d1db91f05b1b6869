//! The steps of the work as a chain (I12). The site's lock is held by who adds to it.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId, StaffId};
use redress_store::{StoreResultExt as _, Tx};
use redress_vault::chain::{Head, Kept};
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
    for step in steps {
        let entry = Entry {
            sequence: head.count + 1,
            kind: step.kind.word().to_owned(),
            status: step.status.word().to_owned(),
            at,
            actor: actor.to_owned(),
            responsible: step.responsible.as_ref().map(StaffId::to_string),
            offered_to: step.offered_to.as_ref().map(StaffId::to_string),
            text: step.text.clone(),
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
