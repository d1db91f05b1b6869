//! Policy documents of organizations, regions and sites, and what holds at a site.
//!
//! Reading what holds costs one query of three short ranges; documents are read and merged once a process
//! and content. The cache is keyed by the hashes of the rows that the same transaction saw, so it is
//! never behind.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{OrganizationId, SiteId};
use redress_policy::{Level, Overlay, Released};
use redress_store::{Database, StoreResultExt as _, Tx};
use sha2::{Digest as _, Sha256};

use super::sites::SiteEntry;
use crate::domain::policies::{
    Document, Head, Place, PolicyScope, SitePolicy, compose, number, release_of, revisions_of,
};

/// Policies that are kept in memory.
const CACHED_MAX: usize = 4096;

/// For how long a revision is leased; renewed at every site.
const LEASE: SignedDuration = SignedDuration::from_mins(2);

/// What names a policy whole: its profile, its number and the content of its documents.
type Key = (String, u32, Vec<Vec<u8>>);

static CACHE: LazyLock<Mutex<HashMap<Key, Arc<SitePolicy>>>> = LazyLock::new(Mutex::default);

/// A revision as it is stored.
#[derive(Debug, Clone)]
pub struct Revision {
    /// What it belongs to.
    pub scope: PolicyScope,
    /// Its number within the scope.
    pub revision: u32,
    /// From when on it holds.
    pub effective: Timestamp,
    /// YAML.
    pub document: String,
    /// Who applied it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When.
    pub created: Timestamp,
    /// Hash over it and the one before.
    pub hash: Vec<u8>,
}

impl Revision {
    /// The hash of a revision after the one with this hash; nothing before the first (I12).
    pub fn hash_after(&self, previous: &[u8]) -> Vec<u8> {
        let mut hasher = Sha256::new();
        let parts = [
            self.scope.to_string(),
            self.revision.to_string(),
            self.effective.to_string(),
            self.document.clone(),
            self.author.clone(),
            self.reason.clone(),
            self.created.to_string(),
        ];
        hasher.update(previous);
        for part in parts {
            // With its length, so that no two revisions read the same.
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().to_vec()
    }

    /// When it holds.
    pub fn head(&self) -> Head {
        Head {
            scope: self.scope.clone(),
            revision: self.revision,
            effective: self.effective,
        }
    }

    /// What it changes; none where this release cannot read it.
    pub fn overlay(&self) -> Option<Overlay> {
        Overlay::parse(&self.document).ok()
    }

    fn document(&self) -> Document {
        Document {
            origin: self.scope.origin(self.revision),
            overlay: self.overlay(),
        }
    }
}

struct Row {
    scope: String,
    revision: i32,
    effective_time: jiff_sqlx::Timestamp,
    document: String,
    author: String,
    reason: String,
    create_time: jiff_sqlx::Timestamp,
    hash: Vec<u8>,
}

impl Row {
    fn read(self) -> Result<Revision, Fault> {
        Ok(Revision {
            scope: self.scope.parse().map_err(Fault::internal)?,
            revision: u32::try_from(self.revision).map_err(Fault::internal)?,
            effective: self.effective_time.to_jiff(),
            document: self.document,
            author: self.author,
            reason: self.reason,
            created: self.create_time.to_jiff(),
            hash: self.hash,
        })
    }
}

/// Keeps every change of an organization's policies apart until the transaction ends: a document has to go
/// with those above and below it.
pub async fn lock(tx: &mut Tx, organization: &OrganizationId) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::policies::lock
        SELECT pg_advisory_xact_lock(hashtextextended('triage.policies/' || $1, 0)) AS locked",
        organization.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Adds a revision.
pub async fn insert(tx: &mut Tx, row: &Revision) -> Result<(), Fault> {
    let (organization, region, site) = match &row.scope {
        PolicyScope::Organization(id) => (Some(id.as_str()), None, None),
        PolicyScope::Region(name) => (
            Some(name.organization.as_str()),
            Some(name.region.as_str()),
            None,
        ),
        PolicyScope::Site(id) => (None, None, Some(id.as_str())),
    };
    sqlx::query!(
        "-- triage::store::policies::insert
        INSERT INTO policy_revision (scope, revision, organization, region, site, effective_time, document, author,
          reason, create_time, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        row.scope.to_string(),
        i32::try_from(row.revision).map_err(Fault::internal)?,
        organization,
        region,
        site,
        row.effective.to_sqlx(),
        row.document,
        row.author,
        row.reason,
        row.created.to_sqlx(),
        row.hash,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Revisions of a scope, newest first, from before this one on.
pub async fn list(
    tx: &mut Tx,
    scope: &PolicyScope,
    before: Option<u32>,
    limit: i64,
) -> Result<Vec<Revision>, Fault> {
    let before = before.map_or(i32::MAX, |n| i32::try_from(n).unwrap_or(i32::MAX));
    sqlx::query_as!(
        Row,
        "-- triage::store::policies::list
        SELECT scope, revision, effective_time, document, author, reason, create_time, hash
        FROM policy_revision WHERE scope = $1 AND revision < $2 ORDER BY revision DESC LIMIT $3",
        scope.to_string(),
        before,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// The newest revision of a scope.
pub async fn newest(tx: &mut Tx, scope: &PolicyScope) -> Result<Option<Revision>, Fault> {
    Ok(list(tx, scope, None, 1).await?.pop())
}

/// When each revision of these scopes holds.
pub async fn heads(tx: &mut Tx, scopes: &[PolicyScope]) -> Result<Vec<Head>, Fault> {
    let names: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        "-- triage::store::policies::heads
        SELECT scope, revision, effective_time FROM policy_revision WHERE scope = ANY ($1)",
        &names,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Head {
                scope: row.scope.parse().map_err(Fault::internal)?,
                revision: u32::try_from(row.revision).map_err(Fault::internal)?,
                effective: jiff_sqlx::Timestamp::to_jiff(row.effective_time),
            })
        })
        .collect()
}

/// Every revision of these scopes that holds at an instant or later.
pub async fn from(
    tx: &mut Tx,
    scopes: &[PolicyScope],
    at: Timestamp,
) -> Result<Vec<Revision>, Fault> {
    let names: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    sqlx::query_as!(
        Row,
        "-- triage::store::policies::from
        SELECT p.scope, p.revision, p.effective_time, p.document, p.author, p.reason, p.create_time, p.hash
        FROM policy_revision p
        WHERE p.scope = ANY ($1)
          AND (p.effective_time > $2
               OR p.revision = (SELECT max(o.revision) FROM policy_revision o
                                WHERE o.scope = p.scope AND o.effective_time <= $2))",
        &names,
        at.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// The regions and sites of an organization that have documents of their own.
pub async fn scopes_below(
    tx: &mut Tx,
    organization: &OrganizationId,
) -> Result<Vec<PolicyScope>, Fault> {
    let names = sqlx::query_scalar!(
        "-- triage::store::policies::scopes_below
        SELECT DISTINCT p.scope FROM policy_revision p
        WHERE (p.organization = $1 AND p.region IS NOT NULL)
           OR p.site IN (SELECT s.site FROM site s WHERE s.organization = $1)",
        organization.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    names
        .iter()
        .map(|name| name.parse().map_err(Fault::internal))
        .collect()
}

/// What holds at a place at an instant, by this profile.
pub async fn at(
    tx: &mut Tx,
    place: &Place,
    profile: &str,
    at: Timestamp,
) -> Result<Arc<SitePolicy>, Fault> {
    let scopes = place.scopes();
    let names: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        "-- triage::store::policies::at
        SELECT p.scope, p.revision, p.hash FROM policy_revision p
        WHERE p.scope = ANY ($1)
          AND p.revision = (SELECT max(o.revision) FROM policy_revision o
                            WHERE o.scope = p.scope AND o.effective_time <= $2)",
        &names,
        at.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut held: Vec<(PolicyScope, u32, Vec<u8>)> = rows
        .into_iter()
        .map(|row| {
            let scope: PolicyScope = row.scope.parse().map_err(Fault::internal)?;
            let revision = u32::try_from(row.revision).map_err(Fault::internal)?;
            Ok((scope, revision, row.hash))
        })
        .collect::<Result<_, Fault>>()?;
    held.sort_by_key(|(scope, ..)| scope.level());
    let newest = Released::newest(Released::all(), profile)
        .ok_or_else(|| Fault::internal("a profile that the product does not ship"))?;
    made_of(tx, place, newest, held).await
}

/// The policy that a decision or a clock of a site pins, by the profile of that release (P26); none where it is not known any
/// more, or not yet.
pub async fn pinned(
    tx: &mut Tx,
    site: &SiteId,
    profile: &str,
    pinned: u32,
) -> Result<Option<Arc<SitePolicy>>, Fault> {
    let Some(place) = place(tx, site, Some(pinned)).await? else {
        return Ok(None);
    };
    let Some(release) = release_of(Released::all(), profile, pinned) else {
        return Ok(None);
    };
    let heads = heads(tx, &place.scopes()).await?;
    let Some(held) = revisions_of(pinned, &place, &heads) else {
        return Ok(None);
    };
    let mut rows = Vec::new();
    for (scope, revision) in held {
        let before = Some(revision + 1);
        let row = list(tx, &scope, before, 1).await?.pop();
        rows.extend(row.map(|row| (scope, revision, row.hash)));
    }
    made_of(tx, &place, release, rows).await.map(Some)
}

/// Where a site lies, or lay when its policy had this number.
pub async fn place(
    tx: &mut Tx,
    site: &SiteId,
    number: Option<u32>,
) -> Result<Option<Place>, Fault> {
    let below = number.map_or(i32::MAX, |n| {
        i32::try_from(crate::domain::policies::sum_of(n)).unwrap_or(i32::MAX)
    });
    let row = sqlx::query!(
        "-- triage::store::policies::place
        SELECT base, organization, region FROM site_place
        WHERE site = $1 AND base <= $2 ORDER BY base DESC LIMIT 1",
        site.as_str(),
        below,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(|row| {
        let organization: OrganizationId = row.organization.parse().map_err(Fault::internal)?;
        Ok(Place {
            site: site.clone(),
            region: redress_model::name::RegionName {
                organization: organization.clone(),
                region: row.region.parse().map_err(Fault::internal)?,
            },
            organization,
            base: u32::try_from(row.base).map_err(Fault::internal)?,
        })
    })
    .transpose()
}

/// Notes where a site lies by a new entry of the directory, where that is another place.
pub(super) async fn settle(tx: &mut Tx, site: &SiteId, entry: &SiteEntry) -> Result<(), Fault> {
    // The base rises above every number that the documents of the old place can still give.
    sqlx::query!(
        "-- triage::store::policies::settle
        INSERT INTO site_place (site, base, organization, region)
        SELECT $1,
               COALESCE((SELECT o.base + 1 + COALESCE((SELECT sum(m.newest) FROM (
                           SELECT max(p.revision) AS newest FROM policy_revision p
                           WHERE p.scope IN ('organizations/' || o.organization,
                                             'organizations/' || o.organization || '/regions/' || o.region,
                                             'sites/' || $1)
                           GROUP BY p.scope) m), 0)
                         FROM site_place o WHERE o.site = $1 ORDER BY o.base DESC LIMIT 1), 0)::integer,
               $2, $3
        WHERE NOT EXISTS (
          SELECT FROM (SELECT n.organization, n.region FROM site_place n WHERE n.site = $1
                       ORDER BY n.base DESC LIMIT 1) l
          WHERE l.organization = $2 AND l.region = $3)
          AND NOT EXISTS (SELECT FROM site s WHERE s.site = $1 AND s.revision >= $4)",
        site.as_str(),
        entry.organization,
        entry.region,
        entry.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

async fn made_of(
    tx: &mut Tx,
    place: &Place,
    profile: &Released,
    held: Vec<(PolicyScope, u32, Vec<u8>)>,
) -> Result<Arc<SitePolicy>, Fault> {
    let number = number(
        profile.policy(),
        place.base,
        held.iter().map(|(_, revision, _)| *revision),
    );
    let hashes = held.iter().map(|(.., hash)| hash.clone()).collect();
    let key: Key = (profile.policy().name.clone(), number, hashes);
    let cached = CACHE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
        .cloned();
    if let Some(cached) = cached {
        return Ok(cached);
    }
    let mut documents = Vec::new();
    for (scope, revision, _) in &held {
        let row = list(tx, scope, Some(revision + 1), 1).await?.pop();
        documents.extend(row.map(|row| row.document()));
    }
    let policy = Arc::new(compose(profile, &documents, number));
    for origin in &policy.left_out {
        let at_level = match origin.level {
            Level::Profile => "profile",
            Level::Organization => "organization",
            Level::Region => "region",
            Level::Site => "site",
        };
        tracing::warn!(
            site = %place.site,
            level = at_level,
            revision = origin.revision,
            "a policy document contradicts the levels above it and is left out"
        );
    }
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if cache.len() >= CACHED_MAX {
        cache.clear();
    }
    cache.insert(key, Arc::clone(&policy));
    Ok(policy)
}

/// The document of a scope that holds at an instant.
pub async fn holding_document(
    tx: &mut Tx,
    scope: &PolicyScope,
    at: Timestamp,
) -> Result<Option<Document>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "-- triage::store::policies::holding_document
        SELECT scope, revision, effective_time, document, author, reason, create_time, hash
        FROM policy_revision WHERE scope = $1 AND effective_time <= $2 ORDER BY revision DESC LIMIT 1",
        scope.to_string(),
        at.to_sqlx(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(Row::read).transpose()?.map(|row| row.document()))
}

/// A revision under which open cases are graded again now.
#[derive(Debug, Clone)]
pub struct Leased {
    scope: String,
    revision: i32,
    organization: Option<String>,
    region: Option<String>,
    site: Option<String>,
}

/// Leases the oldest revision that has taken effect and under which nothing was graded again yet.
pub async fn lease(db: &Database, now: Timestamp) -> Result<Option<Leased>, Fault> {
    let until = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
    sqlx::query_as!(
        Leased,
        "-- triage::store::policies::lease
        UPDATE policy_revision SET lease_time = $2
        WHERE (scope, revision) IN (
          SELECT scope, revision FROM policy_revision
          WHERE spread_time IS NULL AND effective_time <= $1 AND (lease_time IS NULL OR lease_time <= $1)
          ORDER BY effective_time, scope, revision LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING scope, revision, organization, region, site",
        now.to_sqlx(),
        until.to_sqlx(),
    )
    .fetch_optional(db.worker())
    .await
    .or_fault()
}

/// Since when a policy holds at a place under which its open cases are still to be graded again; none where all were.
pub async fn unspread_since(
    tx: &mut Tx,
    place: &Place,
    now: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let scopes = place.scopes();
    let names: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    let since = sqlx::query_scalar!(
        "-- triage::store::policies::unspread_since
        SELECT min(effective_time) FROM policy_revision
        WHERE scope = ANY ($1) AND spread_time IS NULL AND effective_time <= $2",
        &names,
        now.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(since.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Keeps a lease.
pub async fn renew(db: &Database, leased: &Leased, now: Timestamp) -> Result<(), Fault> {
    let until = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
    sqlx::query!(
        "-- triage::store::policies::renew
        UPDATE policy_revision SET lease_time = $3 WHERE scope = $1 AND revision = $2",
        leased.scope,
        leased.revision,
        until.to_sqlx(),
    )
    .execute(db.worker())
    .await
    .or_fault()?;
    Ok(())
}

/// Notes that the open cases below a revision were graded again.
pub async fn spread(db: &Database, leased: &Leased, now: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::policies::spread
        UPDATE policy_revision SET spread_time = $3, lease_time = NULL WHERE scope = $1 AND revision = $2",
        leased.scope,
        leased.revision,
        now.to_sqlx(),
    )
    .execute(db.worker())
    .await
    .or_fault()?;
    Ok(())
}

/// The sites below a revision.
pub async fn sites_below(db: &Database, leased: &Leased) -> Result<Vec<SiteId>, Fault> {
    let names = sqlx::query_scalar!(
        "-- triage::store::policies::sites_below
        SELECT site FROM site
        WHERE site = $1 OR (organization = $2 AND ($3::text IS NULL OR region = $3)) ORDER BY site",
        leased.site,
        leased.organization,
        leased.region,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    names
        .iter()
        .map(|name| name.parse().map_err(Fault::internal))
        .collect()
}
