//! Lists of cases, latest received first.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::stored;

/// Where a page of cases ended.
pub type CaseKey = (Timestamp, Uuid);

/// What to list. An empty list or none stands for "any".
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this site.
    pub site: Option<SiteId>,
    /// Words of statuses.
    pub statuses: Vec<String>,
    /// Grades.
    pub grades: Vec<i16>,
    /// Words of categories.
    pub categories: Vec<String>,
    /// Words of channels.
    pub channels: Vec<String>,
    /// The responsible person.
    pub owner: Option<String>,
    /// Received at or after.
    pub received_from: Option<Timestamp>,
    /// Received before.
    pub received_until: Option<Timestamp>,
    /// Keyed hashes of a phone, one for each organization in scope.
    pub phone_indexes: Option<Vec<String>>,
    /// Word of a mode.
    pub mode: Option<String>,
    /// Numbers, as people know them.
    pub numbers: Vec<String>,
    /// Cases, by their own ids.
    pub ids: Vec<Uuid>,
}

/// Names of a page of cases.
///
/// # Errors
/// When Postgres is away.
pub async fn names(
    tx: &mut Tx,
    wanted: &Wanted,
    after: Option<&CaseKey>,
    limit: i64,
) -> Result<Vec<CaseName>, Fault> {
    let rows = sqlx::query!(
        "-- intake::list::names
        SELECT c.site, c.id FROM complaint c
        WHERE ($1::text IS NULL OR c.site = $1)
          AND (cardinality($2::text[]) = 0 OR c.status = ANY ($2))
          AND (cardinality($3::smallint[]) = 0 OR c.grade = ANY ($3))
          AND (cardinality($4::text[]) = 0 OR c.category = ANY ($4))
          AND (cardinality($5::text[]) = 0 OR c.channel = ANY ($5))
          AND ($6::text IS NULL OR c.owner = $6)
          AND ($7::timestamptz IS NULL OR c.received_time >= $7)
          AND ($8::timestamptz IS NULL OR c.received_time < $8)
          AND ($9::text[] IS NULL OR (c.site, c.id) IN (
                SELECT k.site, k.case_id FROM complainant k WHERE k.phone_index = ANY ($9)))
          AND ($10::text IS NULL OR c.mode = $10)
          AND (cardinality($14::text[]) = 0 OR c.number = ANY ($14))
          AND (cardinality($15::uuid[]) = 0 OR c.id = ANY ($15))
          AND ($11::timestamptz IS NULL OR (c.received_time, c.id) < ($11, $12))
        ORDER BY c.received_time DESC, c.id DESC LIMIT $13",
        wanted.site.as_ref().map(SiteId::as_str),
        &wanted.statuses,
        &wanted.grades,
        &wanted.categories,
        &wanted.channels,
        wanted.owner,
        wanted.received_from.map(|t| t.to_sqlx()) as _,
        wanted.received_until.map(|t| t.to_sqlx()) as _,
        wanted.phone_indexes.as_deref(),
        wanted.mode,
        after.map(|k| k.0.to_sqlx()) as _,
        after.map(|k| k.1),
        limit,
        &wanted.numbers,
        &wanted.ids,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.iter()
        .map(|r| Ok(CaseName::new(stored(&r.site)?, r.id)))
        .collect()
}

/// Names of a site's cases in the order of their ids, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn by_id(
    tx: &mut Tx,
    site: &SiteId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<CaseName>, Fault> {
    let rows = sqlx::query!(
        "-- intake::list::by_id
        SELECT id FROM complaint WHERE site = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        site.as_str(),
        after,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .iter()
        .map(|r| CaseName::new(site.clone(), r.id))
        .collect())
}
