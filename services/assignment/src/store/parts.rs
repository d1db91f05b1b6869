//! Who has a part in a case beside the responsible person (M09, M10, M13).

use redress_model::Fault;
use redress_model::name::{CaseName, StaffId};
use redress_store::{StoreResultExt as _, Tx};
use sqlx::PgPool;
use uuid::Uuid;

use super::parse;

/// Whether somebody helps on a case, was summoned to it, or is to visit for it.
///
/// # Errors
/// When Postgres is away.
pub async fn has(tx: &mut Tx, case: &CaseName, staff: &StaffId) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::parts::has
        SELECT EXISTS (SELECT FROM support WHERE site = $1 AND case_id = $2 AND staff = $3 AND state = 'REQUESTED')
            OR EXISTS (SELECT FROM summons WHERE site = $1 AND case_id = $2 AND staff = $3)
            OR EXISTS (SELECT FROM visit WHERE site = $1 AND case_id = $2 AND staff = $3
              AND make_time IS NULL AND cancel_time IS NULL)
            AS "has!""#,
        case.site.as_str(),
        case.id,
        staff.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Who has a part in a case, each part by the id under which others hear of it.
///
/// # Errors
/// When Postgres is away.
pub async fn open(tx: &mut Tx, case: &CaseName) -> Result<Vec<(Uuid, StaffId)>, Fault> {
    let rows = sqlx::query!(
        r#"-- assignment::store::parts::open
        SELECT id AS "id!", staff AS "staff!" FROM (
          SELECT id, staff FROM support WHERE site = $1 AND case_id = $2 AND state = 'REQUESTED'
          UNION ALL SELECT id, staff FROM summons WHERE site = $1 AND case_id = $2
          UNION ALL SELECT id, staff FROM visit
            WHERE site = $1 AND case_id = $2 AND make_time IS NULL AND cancel_time IS NULL
              AND staff IS NOT NULL) AS part
        ORDER BY id"#,
        case.site.as_str(),
        case.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok((row.id, parse("part.staff", &row.staff)?)))
        .collect()
}

/// Live cases of which nobody was told who has a part in them. For the worker role.
///
/// # Errors
/// When Postgres is away.
pub async fn untold(worker: &PgPool, limit: i64) -> Result<Vec<CaseName>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::parts::untold
        SELECT site, case_id FROM work
        WHERE untold AND status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED')
        ORDER BY site, case_id LIMIT $1",
        limit,
    )
    .fetch_all(worker)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok(CaseName::new(parse("work.site", &row.site)?, row.case_id)))
        .collect()
}

/// Keeps that others are told; returns whether they were not before.
///
/// # Errors
/// When Postgres is away.
pub async fn mark_told(tx: &mut Tx, case: &CaseName) -> Result<bool, Fault> {
    let marked = sqlx::query!(
        "-- assignment::store::parts::mark_told
        UPDATE work SET untold = false WHERE site = $1 AND case_id = $2 AND untold",
        case.site.as_str(),
        case.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    Ok(marked == 1)
}
