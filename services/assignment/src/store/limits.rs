//! What each level may decide at a site.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};
use rust_decimal::Decimal;

use super::parse;
use crate::domain::authority::{Level, Limits};

/// What each level may decide at a site.
///
/// # Errors
/// When Postgres is away.
pub async fn of_site(tx: &mut Tx, site: &SiteId) -> Result<Limits, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::limits::of_site
        SELECT level, amount FROM authority_limit WHERE site = $1",
        site.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut limits = Limits::default();
    for row in rows {
        limits.set(parse("authority_limit.level", &row.level)?, row.amount);
    }
    Ok(limits)
}

/// Lets a level decide up to this at a site.
///
/// # Errors
/// When Postgres is away.
pub async fn set(tx: &mut Tx, site: &SiteId, level: Level, amount: Decimal) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::limits::set
        INSERT INTO authority_limit (site, level, amount) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT authority_limit_key DO UPDATE SET amount = $3",
        site.as_str(),
        level.word(),
        amount,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The organization and region of a site; none where nobody told it yet.
///
/// # Errors
/// When Postgres is away.
pub async fn place_of(tx: &mut Tx, site: &SiteId) -> Result<Option<(String, String)>, Fault> {
    let row = sqlx::query!(
        "-- assignment::store::limits::place_of
        SELECT organization, region FROM scope_site WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(|row| (row.organization, row.region)))
}
