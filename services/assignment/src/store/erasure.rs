//! What is forgotten of an erased case. Which columns lose their words, and that they get none any more, the tables say
//! themselves (migration 0136): every row that is written again loses them.

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_store::{StoreResultExt as _, Tx};

use super::history;

/// Forgets the words of the work on a case for good. A repeat changes nothing. The site is locked.
///
/// # Errors
/// When Postgres is away.
pub async fn forget(tx: &mut Tx, case: &CaseName) -> Result<(), Fault> {
    let (site, id) = (case.site.as_str(), case.id);
    let newly = sqlx::query!(
        "-- assignment::store::erasure::forget
        UPDATE work SET erased = true WHERE site = $1 AND case_id = $2 AND NOT erased",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if newly == 0 {
        return Ok(());
    }
    sqlx::query!(
        "-- assignment::store::erasure::forget
        UPDATE visit SET findings = findings WHERE site = $1 AND case_id = $2",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- assignment::store::erasure::forget
        UPDATE follow_up SET note = note WHERE site = $1 AND case_id = $2",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- assignment::store::erasure::forget
        UPDATE support SET task = task WHERE site = $1 AND case_id = $2",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- assignment::store::erasure::forget
        UPDATE validity_decision SET reason = reason WHERE site = $1 AND case_id = $2",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- assignment::store::erasure::forget
        UPDATE appeal SET reason = reason WHERE site = $1 AND case_id = $2",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- assignment::store::erasure::forget
        UPDATE demand_judgement SET reasons = reasons WHERE site = $1 AND case_id = $2",
        site,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    history::erase(tx, case).await
}
