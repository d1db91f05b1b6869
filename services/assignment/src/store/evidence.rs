//! Which pieces of evidence a case has, as intake tells it.

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

/// Remembers a piece. Returns whether it is news.
///
/// # Errors
/// When Postgres is away.
pub async fn learn(tx: &mut Tx, case: &CaseName, id: Uuid) -> Result<bool, Fault> {
    let done = sqlx::query!(
        "-- assignment::store::evidence::learn
        INSERT INTO evidence (site, case_id, id) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT evidence_key DO NOTHING",
        case.site.as_str(),
        case.id,
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(done.rows_affected() > 0)
}

/// Those of these pieces that the case has.
///
/// # Errors
/// When Postgres is away.
pub async fn known(tx: &mut Tx, case: &CaseName, ids: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- assignment::store::evidence::known
        SELECT id FROM evidence WHERE site = $1 AND case_id = $2 AND id = ANY ($3)",
        case.site.as_str(),
        case.id,
        ids,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}
