//! Organizations, regions and sites.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{OrganizationId, OrganizationName, RegionName, SiteId, SiteName};
use redress_model::words::SiteKind;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::intake::v1 as pb;
use redress_rpc::etag;
use redress_store::{StoreResultExt as _, Tx, place_site};

use super::{stored, word};
use crate::domain::directory::NewSite;

/// A site as it is stored.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Where it belongs.
    pub region: RegionName,
    /// What kind of place it is.
    pub kind: SiteKind,
    /// Name for people.
    pub display_name: String,
    /// Name for people who read English; empty: the other.
    pub display_name_en: String,
    /// IANA time zone.
    pub time_zone: String,
    /// What the numbers of its cases begin with.
    pub number_prefix: String,
    /// What customers receive unless they prefer another.
    pub language: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed last.
    pub updated: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

impl Site {
    /// The organization.
    pub fn organization(&self) -> &OrganizationId {
        &self.region.organization
    }

    /// The time zone.
    ///
    /// # Errors
    /// INTERNAL when this machine's database lacks it.
    pub fn zone(&self) -> Result<TimeZone, Fault> {
        TimeZone::get(&self.time_zone).map_err(Fault::internal)
    }

    /// As the wire carries it.
    pub fn to_wire(&self) -> pb::Site {
        pb::Site {
            name: SiteName(self.id.clone()).to_string(),
            region: self.region.to_string(),
            kind: to_wire(self.kind),
            display_name: self.display_name.clone(),
            display_name_en: self.display_name_en.clone(),
            time_zone: self.time_zone.clone(),
            number_prefix: self.number_prefix.clone(),
            language: self.language.clone(),
            create_time: Some(to_timestamp(self.created)),
            update_time: Some(to_timestamp(self.updated)),
            etag: etag::of(self.revision),
        }
    }
}

/// Where a page of a directory list ended.
pub type DirectoryKey = (Timestamp, String);

fn split(after: Option<&DirectoryKey>) -> (Option<jiff_sqlx::Timestamp>, Option<&str>) {
    match after {
        Some((time, id)) => (Some(time.to_sqlx()), Some(id)),
        None => (None, None),
    }
}

/// Makes an organization.
///
/// # Errors
/// NOT_FOUND when it is outside of the caller's scope, ALREADY_EXISTS when the id is taken.
pub async fn insert_organization(
    tx: &mut Tx,
    name: &OrganizationName,
    display_name: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- intake::directory::insert_organization
        INSERT INTO organization (id, display_name, create_time) VALUES ($1, $2, $3)",
        name.0.as_str(),
        display_name,
        now.to_sqlx() as _,
    )
    .execute(&mut **tx)
    .await
    .or_constraint("organization_pkey", || Fault::exists(name))
    .map_err(|f| hide("Organization", name, f))?;
    Ok(())
}

/// A row that row security refuses looks like one whose parent does not exist.
fn hide(kind: &'static str, name: impl std::fmt::Display, fault: Fault) -> Fault {
    match fault {
        Fault::Denied { .. } => Fault::not_found(kind, name),
        other => other,
    }
}

/// Reads organizations in scope: one by id, or a page, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn organizations(
    tx: &mut Tx,
    id: Option<&OrganizationId>,
    after: Option<&DirectoryKey>,
    limit: i64,
) -> Result<Vec<(DirectoryKey, pb::Organization)>, Fault> {
    let (time, last) = split(after);
    let rows = sqlx::query!(
        "-- intake::directory::organizations
        SELECT id, display_name, create_time, revision FROM organization
        WHERE ($1::text IS NULL OR id = $1) AND ($2::timestamptz IS NULL OR (create_time, id) < ($2, $3))
        ORDER BY create_time DESC, id DESC LIMIT $4",
        id.map(OrganizationId::as_str),
        time as _,
        last,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|r| {
            let created = r.create_time.to_jiff();
            let wire = pb::Organization {
                name: format!("organizations/{}", r.id),
                display_name: r.display_name,
                create_time: Some(to_timestamp(created)),
                etag: etag::of(r.revision),
            };
            ((created, r.id), wire)
        })
        .collect())
}

/// Makes a region.
///
/// # Errors
/// NOT_FOUND when the organization does not exist in scope, ALREADY_EXISTS when the id is taken.
pub async fn insert_region(
    tx: &mut Tx,
    name: &RegionName,
    display_name: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let organization = OrganizationName(name.organization.clone());
    if organizations(tx, Some(&name.organization), None, 1)
        .await?
        .is_empty()
    {
        return Err(Fault::not_found("Organization", organization));
    }
    sqlx::query!(
        "-- intake::directory::insert_region
        INSERT INTO region (organization, id, display_name, create_time) VALUES ($1, $2, $3, $4)",
        name.organization.as_str(),
        name.region.as_str(),
        display_name,
        now.to_sqlx() as _,
    )
    .execute(&mut **tx)
    .await
    .or_constraint("region_key", || Fault::exists(name))
    .map_err(|f| hide("Organization", organization, f))?;
    Ok(())
}

/// Reads regions of an organization in scope: one by id, or a page, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn regions(
    tx: &mut Tx,
    organization: &OrganizationId,
    id: Option<&str>,
    after: Option<&DirectoryKey>,
    limit: i64,
) -> Result<Vec<(DirectoryKey, pb::Region)>, Fault> {
    let (time, last) = split(after);
    let rows = sqlx::query!(
        "-- intake::directory::regions
        SELECT id, display_name, create_time, revision FROM region
        WHERE organization = $1 AND ($2::text IS NULL OR id = $2)
          AND ($3::timestamptz IS NULL OR (create_time, id) < ($3, $4))
        ORDER BY create_time DESC, id DESC LIMIT $5",
        organization.as_str(),
        id,
        time as _,
        last,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|r| {
            let created = r.create_time.to_jiff();
            let wire = pb::Region {
                name: format!("organizations/{organization}/regions/{}", r.id),
                display_name: r.display_name,
                create_time: Some(to_timestamp(created)),
                etag: etag::of(r.revision),
            };
            ((created, r.id), wire)
        })
        .collect())
}

/// Makes a site; from here on the transaction's scope holds it.
///
/// # Errors
/// NOT_FOUND when the region does not exist in scope, ALREADY_EXISTS when the id or the prefix is taken.
pub async fn insert_site(tx: &mut Tx, site: &NewSite, now: Timestamp) -> Result<Site, Fault> {
    let region = &site.region;
    let known = regions(
        tx,
        &region.organization,
        Some(region.region.as_str()),
        None,
        1,
    )
    .await?;
    if known.is_empty() {
        return Err(Fault::not_found("Region", region));
    }
    let name = SiteName(site.id.clone());
    sqlx::query!(
        "-- intake::directory::insert_site
        INSERT INTO site (id, organization, region, kind, display_name, time_zone, number_prefix, language, create_time,
                          update_time, display_name_en)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)",
        site.id.as_str(),
        region.organization.as_str(),
        region.region.as_str(),
        site.kind.word(),
        site.display_name,
        site.time_zone,
        site.number_prefix,
        site.language,
        now.to_sqlx() as _,
        site.display_name_en,
    )
    .execute(&mut **tx)
    .await
    .map_err(|error| match redress_store::constraint(&error) {
        Some("site_key") => Fault::exists(&name),
        Some("site_number_prefix") => Fault::exists(format!(
            "number_prefix {} in organizations/{}",
            site.number_prefix, region.organization
        )),
        _ => hide("Region", region, redress_store::fault(error)),
    })?;
    place_site(tx, &site.id, &region.organization, &region.region).await?;
    sqlx::query!(
        "-- intake::directory::insert_site
        SELECT set_config('redress.sites', array_append(
          COALESCE(NULLIF(current_setting('redress.sites', true), ''), '{}')::text[], $1)::text, true) AS sites",
        site.id.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    get_site(tx, &site.id).await
}

/// Reads a site.
///
/// # Errors
/// NOT_FOUND when there is none in scope.
pub async fn get_site(tx: &mut Tx, id: &SiteId) -> Result<Site, Fault> {
    sites(tx, Some(id), None, None, 1)
        .await?
        .pop()
        .ok_or_else(|| Fault::not_found("Site", SiteName(id.clone())))
}

/// What a list of a site finds, once it is sure that there is such a site: a name that was mistyped, or is of another
/// organization, is no empty list.
///
/// # Errors
/// NOT_FOUND when nothing is found and there is no such site in scope.
pub async fn found<T>(tx: &mut Tx, site: Option<&SiteId>, rows: Vec<T>) -> Result<Vec<T>, Fault> {
    if rows.is_empty()
        && let Some(site) = site
    {
        get_site(tx, site).await?;
    }
    Ok(rows)
}

/// Locks a site against other changes and reads it.
///
/// # Errors
/// NOT_FOUND when there is none in scope.
pub async fn lock_site(tx: &mut Tx, id: &SiteId) -> Result<Site, Fault> {
    sqlx::query!(
        "-- intake::directory::lock_site
        SELECT id FROM site WHERE id = $1 FOR UPDATE",
        id.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .ok_or_else(|| Fault::not_found("Site", SiteName(id.clone())))?;
    get_site(tx, id).await
}

/// Reads sites in scope: one by id, or a page, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn sites(
    tx: &mut Tx,
    id: Option<&SiteId>,
    region: Option<&RegionName>,
    after: Option<&DirectoryKey>,
    limit: i64,
) -> Result<Vec<Site>, Fault> {
    let (time, last) = split(after);
    let rows = sqlx::query!(
        "-- intake::directory::sites
        SELECT id, organization, region, kind, display_name, time_zone, number_prefix, language, create_time,
               update_time, revision, display_name_en
        FROM site
        WHERE ($1::text IS NULL OR id = $1)
          AND ($2::text IS NULL OR (organization = $2 AND region = $3))
          AND ($4::timestamptz IS NULL OR (create_time, id) < ($4, $5))
        ORDER BY create_time DESC, id DESC LIMIT $6",
        id.map(SiteId::as_str),
        region.map(|r| r.organization.as_str()),
        region.map(|r| r.region.as_str()),
        time as _,
        last,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Site {
                id: stored(&r.id)?,
                region: RegionName {
                    organization: stored(&r.organization)?,
                    region: stored(&r.region)?,
                },
                kind: word(&r.kind)?,
                display_name: r.display_name,
                display_name_en: r.display_name_en,
                time_zone: r.time_zone,
                number_prefix: r.number_prefix,
                language: r.language,
                created: r.create_time.to_jiff(),
                updated: r.update_time.to_jiff(),
                revision: r.revision,
            })
        })
        .collect()
}

/// Saves what may change of a locked site.
///
/// # Errors
/// When Postgres is away.
pub async fn save_site(tx: &mut Tx, site: &Site) -> Result<(), Fault> {
    sqlx::query!(
        "-- intake::directory::save_site
        UPDATE site SET display_name = $2, language = $3, update_time = $4, revision = $5, display_name_en = $6
        WHERE id = $1",
        site.id.as_str(),
        site.display_name,
        site.language,
        site.updated.to_sqlx() as _,
        site.revision,
        site.display_name_en,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The organizations that the scope touches, for what is keyed by organization.
///
/// # Errors
/// When Postgres is away.
pub async fn organizations_in_scope(tx: &mut Tx) -> Result<Vec<OrganizationId>, Fault> {
    let rows = sqlx::query!(
        "-- intake::directory::organizations_in_scope
        SELECT DISTINCT organization FROM site"
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.iter().map(|r| stored(&r.organization)).collect()
}
