//! Hints on how to speak with a complainant (M14): one sealed row a case, gone when the work ends or the policy of the site has
//! them off; and who read them.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, SiteId, StaffId};
use redress_store::{Keyring, StoreResultExt as _, Tx};
use redress_vault::Place;

use crate::domain::hints::Hints;

fn place(case: &CaseName) -> Place<'static> {
    Place {
        table: "hints",
        row: case.id,
        field: "sealed",
    }
}

/// Keeps the hints of a case in place of those before.
///
/// # Errors
/// When Postgres is away or the key file does not hold the site's key.
pub async fn keep(
    tx: &mut Tx,
    keyring: &Keyring,
    case: &CaseName,
    hints: Hints,
    now: Timestamp,
) -> Result<(), Fault> {
    let plain = hints.to_bytes();
    let sealed = keyring
        .seal(tx, &case.site, &place(case), &plain, now)
        .await?;
    sqlx::query!(
        "-- assignment::store::hints::keep
        INSERT INTO hints (site, case_id, sealed) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT hints_key DO UPDATE SET sealed = $3",
        case.site.as_str(),
        case.id,
        sealed,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Opens the hints of a case; none where none are kept.
///
/// # Errors
/// When Postgres is away, or they do not open.
pub async fn open(tx: &mut Tx, keyring: &Keyring, case: &CaseName) -> Result<Option<Hints>, Fault> {
    let sealed = sqlx::query_scalar!(
        "-- assignment::store::hints::open
        SELECT sealed FROM hints WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    let plain = keyring.open(tx, &case.site, &place(case), &sealed).await?;
    match Hints::from_bytes(&plain) {
        Some(hints) => Ok(Some(hints)),
        None => Err(Fault::internal("what was sealed as hints is none")),
    }
}

/// Keeps who read the hints of a case: the subject of the token, and the responsible person behind it.
///
/// # Errors
/// When Postgres is away.
pub async fn record_access(
    tx: &mut Tx,
    case: &CaseName,
    reader: &str,
    staff: &StaffId,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::hints::record_access
        INSERT INTO hints_access (site, id, case_id, reader, staff, access_time) VALUES ($1, $2, $3, $4, $5, $6)",
        case.site.as_str(),
        new_id(now),
        case.id,
        reader,
        staff.as_str(),
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Deletes the hints of a case, where there are any.
///
/// # Errors
/// When Postgres is away.
pub async fn forget(tx: &mut Tx, case: &CaseName) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::hints::forget
        DELETE FROM hints WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Deletes all hints of a site.
///
/// # Errors
/// When Postgres is away.
pub async fn forget_site(tx: &mut Tx, site: &SiteId) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::hints::forget_site
        DELETE FROM hints WHERE site = $1",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
