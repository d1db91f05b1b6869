//! The directory as intake tells it.

use jiff::tz::TimeZone;
use redress_model::Fault;
use redress_model::name::{OrganizationId, RegionName, SiteId, SiteName};
use redress_model::words::SiteKind;
use redress_store::{StoreResultExt as _, Tx, place_site};

use super::read;

/// A directory entry.
#[derive(Debug, Clone)]
pub struct Site {
    /// The site.
    pub id: SiteId,
    /// Its place.
    pub region: RegionName,
    /// What kind of place it is.
    pub kind: SiteKind,
    /// IANA zone.
    pub time_zone: String,
    /// Rises with every change.
    pub revision: i64,
}

/// Takes a directory entry in unless a newer one is known.
///
/// # Errors
/// When Postgres is away.
pub async fn take(tx: &mut Tx, site: &Site) -> Result<(), Fault> {
    let taken = sqlx::query!(
        "-- crisis::store::sites::take
        INSERT INTO site AS s (site, organization, region, kind, time_zone, revision)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (site) DO UPDATE SET organization = $2, region = $3, kind = $4, time_zone = $5, revision = $6
        WHERE s.revision < $6",
        site.id.as_str(),
        site.region.organization.as_str(),
        site.region.region.as_str(),
        site.kind.word(),
        site.time_zone,
        site.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if taken == 1 {
        place_site(tx, &site.id, &site.region.organization, &site.region.region).await?;
    }
    Ok(())
}

/// The organization that a site belongs to; none while the site is not known here.
///
/// # Errors
/// When Postgres is away.
pub async fn organization(tx: &mut Tx, site: &SiteId) -> Result<Option<OrganizationId>, Fault> {
    let name = sqlx::query_scalar!(
        "-- crisis::store::sites::organization
        SELECT organization FROM site WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    name.as_deref().map(read).transpose()
}

/// What a list of a site finds, once it is sure that there is such a site: a name that was mistyped, or is of another
/// organization, is no empty list.
///
/// # Errors
/// NOT_FOUND when nothing is found and the site is not known, or not in scope.
pub async fn found<T>(tx: &mut Tx, site: Option<&SiteId>, rows: Vec<T>) -> Result<Vec<T>, Fault> {
    match site {
        Some(site) if rows.is_empty() && organization(tx, site).await?.is_none() => {
            Err(Fault::not_found("Site", SiteName(site.clone())))
        }
        _ => Ok(rows),
    }
}

/// The zone of a site; none while the site, or its zone, is not known here. A crisis does not wait for
/// the directory.
///
/// # Errors
/// When Postgres is away.
pub async fn zone(tx: &mut Tx, site: &SiteId) -> Result<Option<TimeZone>, Fault> {
    let name = sqlx::query_scalar!(
        "-- crisis::store::sites::zone
        SELECT time_zone FROM site WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(name.and_then(|n| TimeZone::get(&n).ok()))
}
