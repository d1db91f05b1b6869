//! Who opened what is sealed here: hints on complainants (M14), and contact points of staff. What was in it is not kept.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::name::{CaseName, SiteId, StaffId};
use redress_model::{Fault, words};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::parse;

words! {
    /// What was opened.
    AccessKind, "ACCESS_KIND_" {
        /// Hints on how to speak with the complainant of a case.
        Hints = 1 => "HINTS",
        /// How a person of the site is reached.
        ContactPoints = 2 => "CONTACT_POINTS",
    }
}

/// One opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Its id.
    pub id: Uuid,
    /// What was opened.
    pub kind: AccessKind,
    /// When.
    pub at: Timestamp,
    /// Who: a token subject, or a service.
    pub reader: String,
    /// Hints: the responsible person who read them; contact points: whose they are.
    pub staff: StaffId,
    /// Hints: the case.
    pub case: Option<CaseName>,
    /// Contact points: what for.
    pub purpose: String,
}

/// What a list of openings is narrowed by.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Of this site.
    pub site: SiteId,
    /// Only of this case.
    pub case: Option<Uuid>,
    /// Only of this kind.
    pub kind: Option<AccessKind>,
    /// Without cases that complain about this person.
    pub not_about: Option<StaffId>,
}

/// Openings, newest first, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Access>, Fault> {
    let rows = sqlx::query!(
        r#"-- assignment::store::accesses::list
        WITH access AS (
          SELECT 'HINTS' AS kind, id, access_time, reader, staff, case_id, '' AS purpose FROM hints_access WHERE site = $1
          UNION ALL
          SELECT 'CONTACT_POINTS', id, access_time, service, staff, NULL::uuid, purpose FROM contact_access WHERE site = $1
        )
        SELECT a.kind AS "kind!", a.id AS "id!", a.access_time AS "access_time!", a.reader AS "reader!", a.staff AS "staff!",
               a.case_id AS "case_id?", a.purpose AS "purpose!"
        FROM access a
        WHERE ($2::uuid IS NULL OR a.case_id = $2) AND ($3::text IS NULL OR a.kind = $3)
          AND ($4::text IS NULL OR NOT EXISTS (
            SELECT FROM work w WHERE w.site = $1 AND w.case_id = a.case_id AND w.excluded @> ARRAY[$4::text]))
          AND ($5::timestamptz IS NULL OR (a.access_time, a.id) < ($5, $6))
        ORDER BY a.access_time DESC, a.id DESC LIMIT $7"#,
        filter.site.as_str(),
        filter.case,
        filter.kind.map(AccessKind::word),
        filter.not_about.as_ref().map(StaffId::as_str),
        after.map(|(time, _)| time.to_sqlx()),
        after.map(|(_, id)| *id),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Access {
                id: row.id,
                kind: parse("access.kind", &row.kind)?,
                at: row.access_time.to_jiff(),
                reader: row.reader,
                staff: parse("access.staff", &row.staff)?,
                case: row.case_id.map(|id| CaseName::new(filter.site.clone(), id)),
                purpose: row.purpose,
            })
        })
        .collect()
}
