//! Matters of law and practice. One table keeps every kind: the domain alone reads the document, lists find it by its
//! columns, and each change appends to its history and tells others what follows.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId, StaffId};
use redress_store::{StoreResultExt as _, Tx, constraint};
use uuid::Uuid;

use super::{outbox, parse};
use crate::domain::practice::{Effect, Matter};

/// Steps of a history that are read at most.
pub const STEPS_MAX: i64 = 200;

/// A matter as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<T> {
    /// The site.
    pub site: SiteId,
    /// Its id.
    pub id: Uuid,
    /// The case it belongs to.
    pub case: Option<Uuid>,
    /// What it is.
    pub matter: T,
    /// When it was recorded.
    pub created: Timestamp,
    /// Last change.
    pub updated: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

impl<T: Matter> Kept<T> {
    /// The resource's name.
    pub fn name(&self) -> String {
        format!("sites/{}/{}/{}", self.site, T::COLLECTION, self.id)
    }

    /// The case's name; empty where it belongs to none.
    pub fn case_name(&self) -> String {
        let name = |id| CaseName::new(self.site.clone(), id).to_string();
        self.case.map(name).unwrap_or_default()
    }
}

/// One entry of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// Counts from 1.
    pub sequence: i64,
    /// What happened.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// Who recorded it.
    pub actor: String,
    /// What was said of it.
    pub text: String,
}

struct Row {
    site: String,
    id: Uuid,
    case_id: Option<Uuid>,
    document: serde_json::Value,
    create_time: jiff_sqlx::Timestamp,
    update_time: jiff_sqlx::Timestamp,
    revision: i64,
}

impl Row {
    fn read<T: Matter>(self) -> Result<Kept<T>, Fault> {
        Ok(Kept {
            site: parse("matter.site", &self.site)?,
            id: self.id,
            case: self.case_id,
            matter: serde_json::from_value(self.document).map_err(Fault::internal)?,
            created: self.create_time.to_jiff(),
            updated: self.update_time.to_jiff(),
            revision: self.revision,
        })
    }
}

/// Reads a matter; with `lock`, nobody else changes it until the transaction ends.
///
/// # Errors
/// When Postgres is away.
pub async fn find<T: Matter>(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
    lock: bool,
) -> Result<Option<Kept<T>>, Fault> {
    let row = if lock {
        sqlx::query_as!(
            Row,
            "-- assignment::store::matters::find
            SELECT site, id, case_id, document, create_time, update_time, revision
            FROM matter WHERE site = $1 AND id = $2 AND kind = $3 FOR UPDATE",
            site.as_str(),
            id,
            T::KIND,
        )
        .fetch_optional(&mut **tx)
        .await
    } else {
        sqlx::query_as!(
            Row,
            "-- assignment::store::matters::find
            SELECT site, id, case_id, document, create_time, update_time, revision
            FROM matter WHERE site = $1 AND id = $2 AND kind = $3",
            site.as_str(),
            id,
            T::KIND,
        )
        .fetch_optional(&mut **tx)
        .await
    };
    row.or_fault()?.map(Row::read).transpose()
}

/// What is kept with a change.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The step in a word.
    pub word: &'static str,
    /// What was said of it.
    pub text: &'a str,
    /// Who recorded it.
    pub actor: &'a str,
    /// When.
    pub at: Timestamp,
}

/// Keeps a matter at its new revision (1: it is new), appends to its history and tells what follows.
///
/// # Errors
/// ALREADY_EXISTS for a second transfer of one number or a second open dispute of a case.
pub async fn save<T: Matter>(
    tx: &mut Tx,
    kept: &Kept<T>,
    effects: &[Effect],
    change: Change<'_>,
) -> Result<(), Fault> {
    let document = serde_json::to_value(&kept.matter).map_err(Fault::internal)?;
    sqlx::query!(
        "-- assignment::store::matters::save
        INSERT INTO matter (site, id, kind, case_id, ended, tags, searched, document, create_time, update_time, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT ON CONSTRAINT matter_key DO UPDATE SET
          ended = $5, tags = $6, searched = $7, document = $8, update_time = $10, revision = $11",
        kept.site.as_str(),
        kept.id,
        T::KIND,
        kept.case,
        kept.matter.is_ended(),
        &kept.matter.tags(),
        kept.matter.searched(),
        document,
        kept.created.to_sqlx(),
        kept.updated.to_sqlx(),
        kept.revision,
    )
    .execute(&mut **tx)
    .await
    .map_err(|e| match constraint(&e) {
        Some("matter_transfer_number") => Fault::exists("a transfer of that body with that number"),
        Some("matter_open_dispute") => Fault::exists("an open dispute of that case"),
        _ => redress_store::fault(e),
    })?;
    sqlx::query!(
        "-- assignment::store::matters::save
        INSERT INTO matter_step (site, matter, sequence, kind, step_time, actor, text)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
        kept.site.as_str(),
        kept.id,
        kept.revision,
        change.word,
        change.at.to_sqlx(),
        change.actor,
        change.text,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    let Some(case) = kept.case else {
        return Ok(());
    };
    let case = CaseName::new(kept.site.clone(), case);
    for effect in effects {
        outbox::practice(tx, &case, effect, change.actor).await?;
    }
    Ok(())
}

/// The oldest [`STEPS_MAX`] entries of a history.
///
/// # Errors
/// When Postgres is away.
pub async fn steps(tx: &mut Tx, site: &SiteId, matter: Uuid) -> Result<Vec<StepRow>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::matters::steps
        SELECT sequence, kind, step_time, actor, text FROM matter_step
        WHERE site = $1 AND matter = $2 ORDER BY sequence LIMIT $3",
        site.as_str(),
        matter,
        STEPS_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|row| StepRow {
            sequence: row.sequence,
            kind: row.kind,
            at: row.step_time.to_jiff(),
            actor: row.actor,
            text: row.text,
        })
        .collect())
}

/// What a list of matters is narrowed by.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this site.
    pub site: Option<SiteId>,
    /// Only of this case.
    pub case: Option<Uuid>,
    /// Only those that have not ended.
    pub open: bool,
    /// Only those with one of these tags, for each of the sets that is not empty.
    pub any_of: [Vec<String>; 3],
    /// Only those with this text in what is searched.
    pub query: String,
    /// Only those that hold on this day, `YYYY-MM-DD`.
    pub on: String,
    /// Without what belongs to cases that complain about this person of this site, or to their clusters.
    pub not_about: Option<(SiteId, StaffId)>,
}

/// Matters, newest first, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn list<T: Matter>(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Kept<T>>, Fault> {
    let not_about = filter.not_about.as_ref();
    let [first, second, third] = &filter.any_of;
    let rows = sqlx::query_as!(
        Row,
        "-- assignment::store::matters::list
        SELECT site, id, case_id, document, create_time, update_time, revision FROM matter m
        WHERE kind = $1
          AND ($2::text IS NULL OR site = $2)
          AND ($3::uuid IS NULL OR case_id = $3)
          AND NOT ($4 AND ended)
          AND (cardinality($5::text[]) = 0 OR tags && $5)
          AND (cardinality($6::text[]) = 0 OR tags && $6)
          AND (cardinality($7::text[]) = 0 OR tags && $7)
          AND ($8 = '' OR strpos(lower(searched), lower($8)) > 0)
          AND ($9 = '' OR (document ->> 'from' <= $9 AND coalesce(document ->> 'to', $9) >= $9))
          AND ($10::text IS NULL OR NOT EXISTS (
            SELECT FROM work w WHERE w.site = m.site AND w.case_id = m.case_id AND w.site = $10
              AND w.excluded @> ARRAY[$11::text]))
          AND ($10::text IS NULL OR NOT EXISTS (
            SELECT FROM work w WHERE w.site = m.site AND w.site = $10 AND w.excluded <> '{}'
              AND w.excluded @> ARRAY[$11::text] AND w.clusters @> ARRAY[m.document ->> 'cluster']))
          AND ($12::timestamptz IS NULL OR (create_time, id) < ($12, $13))
        ORDER BY create_time DESC, id DESC LIMIT $14",
        T::KIND,
        filter.site.as_ref().map(SiteId::as_str),
        filter.case,
        filter.open,
        first,
        second,
        third,
        filter.query,
        filter.on,
        not_about.map(|(site, _)| site.as_str()),
        not_about.map(|(_, staff)| staff.as_str()),
        after.map(|(t, _)| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        after.map(|(_, id)| *id),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::read).collect()
}
