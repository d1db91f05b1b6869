//! Who has a part in a case beside the responsible person, as assignment says (M09, M13).

use redress_model::Fault;
use redress_model::name::{CaseName, StaffName};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

/// Keeps the newest word about a part; a case's news come in order.
pub async fn keep(
    tx: &mut Tx,
    case: &CaseName,
    part: Uuid,
    staff: &StaffName,
    open: bool,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::parts::keep
        INSERT INTO case_part (site, part_id, case_id, staff, open) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT ON CONSTRAINT case_part_pkey DO UPDATE SET staff = $4, open = $5",
        case.site.as_str(),
        part,
        case.id,
        staff.to_string(),
        open,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Everybody who has, or had, a part in a case.
pub async fn people(tx: &mut Tx, case: &CaseName) -> Result<Vec<String>, Fault> {
    sqlx::query_scalar!(
        "-- notification::parts::people
        SELECT DISTINCT staff FROM case_part WHERE site = $1 AND case_id = $2 ORDER BY staff",
        case.site.as_str(),
        case.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Whether somebody has a part in a case.
pub async fn has(tx: &mut Tx, case: &CaseName, staff: &StaffName) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::parts::has
        SELECT EXISTS (SELECT FROM case_part WHERE site = $1 AND case_id = $2 AND staff = $3 AND open) AS "has!""#,
        case.site.as_str(),
        case.id,
        staff.to_string(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}
