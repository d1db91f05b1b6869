//! Who has a part in a case beside the responsible person (M09, M10, M13).

use redress_model::Fault;
use redress_model::name::{CaseName, StaffId};
use redress_store::{StoreResultExt as _, Tx};

/// Whether somebody helps on a case, was summoned to it, or is to visit for it.
///
/// # Errors
/// When Postgres is away.
pub async fn has(tx: &mut Tx, case: &CaseName, staff: &StaffId) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::parts::has
        SELECT EXISTS (SELECT FROM support WHERE site = $1 AND case_id = $2 AND staff = $3 AND state = 'REQUESTED')
            OR EXISTS (SELECT FROM summons WHERE site = $1 AND case_id = $2 AND staff = $3)
            OR EXISTS (SELECT FROM visit WHERE site = $1 AND case_id = $2 AND staff = $3 AND make_time IS NULL)
            AS "has!""#,
        case.site.as_str(),
        case.id,
        staff.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}
