//! Sites, as intake's directory knows them.

use jiff::tz::TimeZone;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::SiteKind;
use redress_store::{StoreResultExt as _, Tx};

use super::word;
use crate::domain::Profile;

/// A site.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// What kind of place; selects the profile.
    pub kind: SiteKind,
    /// Its zone.
    pub zone: TimeZone,
}

impl Site {
    /// The profile by which its cases are graded and its promises made.
    pub fn profile(&self) -> &'static Profile {
        Profile::for_site(self.kind, false)
    }

    /// Its working time.
    pub fn calendar(&self) -> redress_calendar::Calendar {
        self.profile().calendar(self.zone.clone())
    }
}

/// What an event says of a site.
#[derive(Debug, Clone)]
pub struct SiteEntry {
    /// Its organization.
    pub organization: String,
    /// Its region.
    pub region: String,
    /// What kind of place.
    pub kind: SiteKind,
    /// IANA name of its zone.
    pub time_zone: String,
    /// Rises with every change.
    pub revision: i64,
}

/// Keeps the newest entry of a site.
pub async fn put(tx: &mut Tx, site: &SiteId, entry: &SiteEntry) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::sites::put
        INSERT INTO site AS s (site, organization, region, kind, time_zone, revision)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (site) DO UPDATE
        SET organization = $2, region = $3, kind = $4, time_zone = $5, revision = $6
        WHERE s.revision < $6",
        site.as_str(),
        entry.organization,
        entry.region,
        entry.kind.word(),
        entry.time_zone,
        entry.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// A site; none until the directory's event came.
pub async fn get(tx: &mut Tx, site: &SiteId) -> Result<Option<Site>, Fault> {
    let row = sqlx::query!(
        "-- triage::store::sites::get
        SELECT kind, time_zone FROM site WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Site {
        id: site.clone(),
        kind: word(&row.kind)?,
        // Checked when the entry came in; a zone that a newer tzdata dropped reads as UTC.
        zone: TimeZone::get(&row.time_zone).unwrap_or(TimeZone::UTC),
    }))
}

/// Keeps every change of the site's clusters apart until the transaction ends.
pub async fn lock_clusters(tx: &mut Tx, site: &SiteId) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::sites::lock_clusters
        SELECT pg_advisory_xact_lock(hashtextextended('triage.clusters/' || $1, 0)) AS locked",
        site.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
