//! Who took part in a visit beside whoever made it (M18).

use std::collections::{BTreeMap, BTreeSet};

use redress_model::Fault;
use redress_model::name::{CaseName, StaffId};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::parse;

/// Keeps who took part in a visit that was made.
///
/// # Errors
/// When Postgres is away.
pub async fn add(
    tx: &mut Tx,
    case: &CaseName,
    visit: Uuid,
    participants: &BTreeSet<StaffId>,
) -> Result<(), Fault> {
    let staff: Vec<String> = participants.iter().map(StaffId::to_string).collect();
    sqlx::query!(
        "-- assignment::store::joint_visits::add
        INSERT INTO visit_participant (site, case_id, visit, staff)
        SELECT $1, $2, $3, p.staff FROM unnest($4::text[]) AS p (staff)",
        case.site.as_str(),
        case.id,
        visit,
        &staff,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Who took part in the visits of a case, by visit; a visit that one person made is not among them.
///
/// # Errors
/// When Postgres is away.
pub async fn of_case(
    tx: &mut Tx,
    case: &CaseName,
) -> Result<BTreeMap<Uuid, BTreeSet<StaffId>>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::joint_visits::of_case
        SELECT visit, staff FROM visit_participant WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut found: BTreeMap<Uuid, BTreeSet<StaffId>> = BTreeMap::new();
    for row in rows {
        let staff = parse("visit_participant.staff", &row.staff)?;
        found.entry(row.visit).or_default().insert(staff);
    }
    Ok(found)
}
