//! Sites, as intake's directory knows them.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_calendar::Calendar;
use redress_clock::{Event, Revisions};
use redress_model::Fault;
use redress_model::name::{OrganizationId, RegionId, RegionName, SiteId, SiteName};
use redress_model::words::SiteKind;
use redress_store::{StoreResultExt as _, Tx};

use super::{calendars, openings, policies, word};
use crate::domain::Profile;
use crate::domain::calendars::SiteCalendars;
use crate::domain::policies::SitePolicy;

/// A site.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// What kind of place; selects the profile.
    pub kind: SiteKind,
    /// Its zone.
    pub zone: TimeZone,
    /// The zone's IANA name.
    pub zone_name: String,
    /// Its working time, by revision.
    pub calendars: Arc<SiteCalendars>,
    /// What holds there.
    pub policy: Arc<SitePolicy>,
    /// As of when.
    pub as_of: Timestamp,
}

impl Site {
    /// The policy by which its cases are graded and its promises made.
    pub fn profile(&self) -> &Profile {
        self.policy.policy()
    }

    /// Its working time, as the newest revision of its calendar has it.
    pub fn calendar(&self) -> Calendar {
        self.calendars.current().clone()
    }

    /// The newest revision of its calendar; 0 where there is none yet and the policy's working time holds.
    pub fn calendar_revision(&self) -> u32 {
        self.calendars.newest_number()
    }

    /// The calendars that the events of a clock ask for; most know one. A promise that follows newer holidays
    /// keeps the policy's hours under which it was made (P26).
    pub async fn calendars_of(&self, tx: &mut Tx, events: &[Event]) -> Result<Revisions, Fault> {
        let mut known = Revisions::new(self.calendar_revision(), self.calendar());
        let mut made_under = None;
        for event in events {
            let Some(revision) = event.calendar() else {
                continue;
            };
            let follows = matches!(event, Event::Recalendared { .. });
            let under = made_under.filter(|_| follows).unwrap_or(revision);
            made_under = Some(under);
            if let Some(calendar) = self.calendar_of(tx, under, revision).await? {
                known.add(revision, calendar);
            }
        }
        Ok(known)
    }

    /// Its working time as a revision has it for a promise made under another one, also one that came after this
    /// site was read.
    async fn calendar_of(
        &self,
        tx: &mut Tx,
        made_under: u32,
        revision: u32,
    ) -> Result<Option<Calendar>, Fault> {
        if revision <= self.calendar_revision() {
            return Ok(Some(self.calendars.revision_since(made_under, revision)));
        }
        let later = calendars::newest(tx, &self.id).await?;
        Ok(later.map(|calendars| calendars.revision_since(made_under, revision)))
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
    // First, while the documents of the old place can still be seen.
    policies::settle(tx, site, entry).await?;
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

/// A site with what holds there at an instant; none until the directory's event came.
pub async fn get(tx: &mut Tx, site: &SiteId, at: Timestamp) -> Result<Option<Site>, Fault> {
    let row = sqlx::query!(
        "-- triage::store::sites::get
        SELECT kind, time_zone,
               (SELECT c.id FROM calendar_revision c WHERE c.site = s.site ORDER BY c.revision DESC LIMIT 1)
                 AS calendar
        FROM site s WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(row) = row else { return Ok(None) };
    let kind = word(&row.kind)?;
    let policy = policy(tx, site, kind, at).await?;
    // Checked when the entry came in; a zone that a newer tzdata dropped reads as UTC.
    let zone = TimeZone::get(&row.time_zone).unwrap_or(TimeZone::UTC);
    let stored = match row.calendar {
        Some(newest) => calendars::of_newest(tx, site, newest).await?,
        None => None,
    };
    let calendars =
        stored.unwrap_or_else(|| Arc::new(SiteCalendars::of_policy(policy.policy(), &zone)));
    Ok(Some(Site {
        id: site.clone(),
        kind,
        zone,
        zone_name: row.time_zone,
        calendars,
        policy,
        as_of: at,
    }))
}

/// Whether a site is known and in scope.
pub async fn exists(tx: &mut Tx, site: &SiteId) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::sites::exists
        SELECT EXISTS (SELECT FROM site WHERE site = $1) AS \"exists!\"",
        site.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// What a list of a site finds, once it is sure that there is such a site: a name that was mistyped is no empty list.
///
/// # Errors
/// NOT_FOUND when nothing is found and the site is not known, or not in scope.
pub async fn found<T>(tx: &mut Tx, site: Option<&SiteId>, rows: Vec<T>) -> Result<Vec<T>, Fault> {
    match site {
        Some(site) if rows.is_empty() && !exists(tx, site).await? => {
            Err(Fault::not_found("Site", SiteName(site.clone())))
        }
        _ => Ok(rows),
    }
}

/// Whether any site of this organization, or of this region of it, is in scope.
pub async fn any_in(
    tx: &mut Tx,
    organization: &OrganizationId,
    region: Option<&RegionId>,
) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::sites::any_in
        SELECT EXISTS (SELECT FROM site
                       WHERE organization = $1 AND ($2::text IS NULL OR region = $2)) AS \"exists!\"",
        organization.as_str(),
        region.map(RegionId::as_str),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// A site of the directory, as far as its place goes.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The site.
    pub id: SiteId,
    /// What kind of place.
    pub kind: SiteKind,
    /// Its region.
    pub region: RegionName,
}

/// The sites of an organization that are in scope.
pub async fn of_organization(
    tx: &mut Tx,
    organization: &OrganizationId,
) -> Result<Vec<Placed>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::sites::of_organization
        SELECT site, kind, region FROM site WHERE organization = $1 ORDER BY site",
        organization.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Placed {
                id: row.site.parse().map_err(Fault::internal)?,
                kind: word(&row.kind)?,
                region: RegionName {
                    organization: organization.clone(),
                    region: row.region.parse().map_err(Fault::internal)?,
                },
            })
        })
        .collect()
}

/// What holds at a site of this kind at an instant. Sales centres work by another profile inside their
/// opening-day windows (M15).
pub async fn policy(
    tx: &mut Tx,
    site: &SiteId,
    kind: SiteKind,
    at: Timestamp,
) -> Result<Arc<SitePolicy>, Fault> {
    let opening_day = kind == SiteKind::SalesCenter && openings::is_open(tx, site, at).await?;
    let place = policies::place(tx, site, None)
        .await?
        .ok_or_else(|| Fault::internal("a site without a place"))?;
    policies::at(tx, &place, Profile::profile_of(kind, opening_day), at).await
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
