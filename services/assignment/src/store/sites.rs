//! The projection of intake's directory.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::SiteKind;
use redress_store::{StoreResultExt as _, Tx};

/// Keeps what is newer than what is known.
///
/// # Errors
/// When Postgres is away.
pub async fn learn(
    tx: &mut Tx,
    site: &SiteId,
    language: &str,
    time_zone: &str,
    revision: i64,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::sites::learn
        INSERT INTO site AS s (site, language, revision, time_zone) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site) DO UPDATE SET language = $2, revision = $3, time_zone = $4 WHERE s.revision < $3",
        site.as_str(),
        language,
        revision,
        time_zone,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The day at the site, `YYYY-MM-DD`.
///
/// # Errors
/// When Postgres is away.
pub async fn today(tx: &mut Tx, site: &SiteId, now: Timestamp) -> Result<String, Fault> {
    let local = now.to_zoned(zone(tx, site).await?);
    Ok(local.date().to_string())
}

/// The zone of the site; UTC where nobody told it yet.
///
/// # Errors
/// When Postgres is away.
pub async fn zone(tx: &mut Tx, site: &SiteId) -> Result<TimeZone, Fault> {
    let zone = sqlx::query_scalar!(
        "-- assignment::store::sites::zone
        SELECT time_zone FROM place WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let zone = zone.and_then(|name| TimeZone::get(&name).ok());
    Ok(zone.unwrap_or(TimeZone::UTC))
}

/// The year at the site.
///
/// # Errors
/// When Postgres is away.
pub async fn year(tx: &mut Tx, site: &SiteId, now: Timestamp) -> Result<i32, Fault> {
    let local = now.to_zoned(zone(tx, site).await?);
    Ok(i32::from(local.year()))
}

/// What kind of place it is; none where nobody told it yet.
///
/// # Errors
/// When Postgres is away.
pub async fn kind(tx: &mut Tx, site: &SiteId) -> Result<Option<SiteKind>, Fault> {
    let kind = sqlx::query_scalar!(
        "-- assignment::store::sites::kind
        SELECT kind FROM place WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(kind.and_then(|kind| kind.parse().ok()))
}

/// Whether the site is known here and in the caller's scope.
///
/// # Errors
/// NOT_FOUND when it is not.
pub async fn require(tx: &mut Tx, site: &SiteId) -> Result<(), Fault> {
    sqlx::query_scalar!(
        "-- assignment::store::sites::require
        SELECT site FROM site WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(|_| ())
    .ok_or_else(|| Fault::not_found("Site", format!("sites/{site}")))
}

/// What a list of a site finds, once it is sure that there is such a site: a name that was mistyped, or is of another
/// organization, is no empty list.
///
/// # Errors
/// NOT_FOUND when nothing is found and the site is not known, or not in scope.
pub async fn found<T>(tx: &mut Tx, site: Option<&SiteId>, rows: Vec<T>) -> Result<Vec<T>, Fault> {
    if rows.is_empty()
        && let Some(site) = site
    {
        require(tx, site).await?;
    }
    Ok(rows)
}
