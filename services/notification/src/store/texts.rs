//! Texts as revisions: what organizations, regions and sites put in the place of the product's own, what people
//! wrote, and who overrode the wording check.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{MessageName, OrganizationId, RegionId, SiteId};
use redress_store::{Database, Keyring, StoreResultExt as _, Tx};
use redress_vault::Place;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::texts::{Holding, Subject, TextScope};

/// A revision as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// What it belongs to.
    pub scope: TextScope,
    /// What it is of.
    pub subject: Subject,
    /// Its number within scope and subject, from 1.
    pub revision: i32,
    /// From when on it holds.
    pub effective: Timestamp,
    /// A template's source as JSON, or wording rules as TOML.
    pub document: String,
    /// Who applied it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// Wording rules that its author overrode.
    pub overridden: Vec<String>,
    /// When.
    pub created: Timestamp,
}

struct Row {
    scope: String,
    subject: String,
    revision: i32,
    effective_time: jiff_sqlx::Timestamp,
    document: String,
    author: String,
    reason: String,
    overridden: Vec<String>,
    create_time: jiff_sqlx::Timestamp,
}

impl Row {
    /// None for a subject of a newer release.
    fn read(self) -> Result<Option<Revision>, Fault> {
        let Some(subject) = Subject::of_key(&self.subject) else {
            return Ok(None);
        };
        Ok(Some(Revision {
            scope: self.scope.parse().map_err(Fault::internal)?,
            subject,
            revision: self.revision,
            effective: self.effective_time.to_jiff(),
            document: self.document,
            author: self.author,
            reason: self.reason,
            overridden: self.overridden,
            created: self.create_time.to_jiff(),
        }))
    }
}

/// Keeps every change of one text apart until the transaction ends.
pub async fn lock(tx: &mut Tx, scope: &TextScope, subject: Subject) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::texts::lock
        SELECT pg_advisory_xact_lock(hashtextextended('notification.text:' || $1 || ' ' || $2, 0)) AS locked",
        scope.to_string(),
        subject.key(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Adds a revision.
pub async fn insert(tx: &mut Tx, row: &Revision) -> Result<(), Fault> {
    let (organization, region, site) = match &row.scope {
        TextScope::Organization(id) => (Some(id.as_str()), None, None),
        TextScope::Region(name) => (
            Some(name.organization.as_str()),
            Some(name.region.as_str()),
            None,
        ),
        TextScope::Site(id) => (None, None, Some(id.as_str())),
    };
    sqlx::query!(
        "-- notification::texts::insert
        INSERT INTO text_revision (scope, subject, revision, organization, region, site, effective_time, document,
                                   author, reason, overridden, create_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        row.scope.to_string(),
        row.subject.key(),
        row.revision,
        organization,
        region,
        site,
        row.effective.to_sqlx(),
        row.document,
        row.author,
        row.reason,
        &row.overridden,
        row.created.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Revisions of a scope, newest first, below a number where one is given.
pub async fn list(
    tx: &mut Tx,
    scope: &TextScope,
    subject: Subject,
    below: Option<i32>,
    limit: i64,
) -> Result<Vec<Revision>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- notification::texts::list
        SELECT scope, subject, revision, effective_time, document, author, reason, overridden, create_time FROM text_revision
        WHERE scope = $1 AND subject = $2 AND ($3::int IS NULL OR revision < $3)
        ORDER BY revision DESC LIMIT $4",
        scope.to_string(),
        subject.key(),
        below,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .filter_map(|row| row.read().transpose())
        .collect()
}

/// What holds at a site at an instant, of its levels above the product's own: of each level the newest revision of
/// each text.
pub async fn holding(tx: &mut Tx, site: &SiteId, at: Timestamp) -> Result<Vec<Holding>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- notification::texts::holding
        SELECT DISTINCT ON (t.scope, t.subject) t.scope, t.subject, t.revision, t.effective_time, t.document, t.author,
               t.reason, t.overridden, t.create_time
        FROM text_revision t
        WHERE t.effective_time <= $2
          AND (t.site = $1 OR EXISTS (
            SELECT FROM scope_site s
            WHERE s.site = $1 AND s.organization = t.organization AND (t.region IS NULL OR t.region = s.region)))
        ORDER BY t.scope, t.subject, t.revision DESC",
        site.as_str(),
        at.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let revisions: Vec<Revision> = rows
        .into_iter()
        .filter_map(|row| row.read().transpose())
        .collect::<Result<_, _>>()?;
    Ok(revisions
        .into_iter()
        .map(|row| Holding {
            scope: row.scope,
            subject: row.subject,
            revision: row.revision,
            document: row.document,
            overridden: row.overridden,
        })
        .collect())
}

/// The sites that a level's texts hold for.
pub async fn sites_below(tx: &mut Tx, scope: &TextScope) -> Result<Vec<SiteId>, Fault> {
    let (organization, region) = match scope {
        TextScope::Site(site) => return Ok(vec![site.clone()]),
        TextScope::Organization(id) => (id.as_str(), None),
        TextScope::Region(name) => (name.organization.as_str(), Some(name.region.as_str())),
    };
    let sites = sqlx::query_scalar!(
        "-- notification::texts::sites_below
        SELECT site FROM scope_site
        WHERE organization = $1 AND ($2::text IS NULL OR region = $2) AND redress_in_scope(site) ORDER BY site",
        organization,
        region,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    sites
        .into_iter()
        .map(|site| site.parse().map_err(Fault::internal))
        .collect()
}

/// The wording rules of a site's levels that hold at an instant or will: of each level the newest one that holds, and
/// all that follow it.
pub async fn wording_of(tx: &mut Tx, site: &SiteId, at: Timestamp) -> Result<Vec<Revision>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- notification::texts::wording_of
        SELECT t.scope, t.subject, t.revision, t.effective_time, t.document, t.author, t.reason, t.overridden, t.create_time
        FROM text_revision t
        WHERE t.subject = 'wording'
          AND (t.site = $1 OR EXISTS (
            SELECT FROM scope_site s
            WHERE s.site = $1 AND s.organization = t.organization AND (t.region IS NULL OR t.region = s.region)))
          AND NOT EXISTS (
            SELECT FROM text_revision n
            WHERE n.scope = t.scope AND n.subject = t.subject AND n.revision > t.revision AND n.effective_time <= $2)
        ORDER BY t.scope, t.revision",
        site.as_str(),
        at.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .filter_map(|row| row.read().transpose())
        .collect()
}

/// Sites whose wording rules were not told to everybody who checks texts. A statement of the worker role.
///
/// # Errors
/// When Postgres is away.
pub async fn untold_sites(db: &Database, limit: i64) -> Result<Vec<SiteId>, Fault> {
    let sites = sqlx::query_scalar!(
        "-- notification::texts::untold_sites
        SELECT site FROM site WHERE wording_untold ORDER BY site LIMIT $1",
        limit,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    sites
        .into_iter()
        .map(|site| site.parse().map_err(Fault::internal))
        .collect()
}

/// Keeps that the wording rules of a site are told; returns whether they were not before.
///
/// # Errors
/// When Postgres is away.
pub async fn mark_told(tx: &mut Tx, site: &SiteId) -> Result<bool, Fault> {
    let marked = sqlx::query!(
        "-- notification::texts::mark_told
        UPDATE site SET wording_untold = false WHERE site = $1 AND wording_untold",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    Ok(marked == 1)
}

/// Where a site lies; none where it is not known here or out of scope.
pub async fn place(
    tx: &mut Tx,
    site: &SiteId,
) -> Result<Option<(OrganizationId, RegionId)>, Fault> {
    let row = sqlx::query!(
        "-- notification::texts::place
        SELECT organization, region FROM scope_site WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(|row| {
        let organization = row.organization.parse().map_err(Fault::internal)?;
        let region = row.region.parse().map_err(Fault::internal)?;
        Ok((organization, region))
    })
    .transpose()
}

fn said_place(message: Uuid) -> Place<'static> {
    Place {
        table: "said_text",
        row: message,
        field: "sealed",
    }
}

/// Keeps what somebody wrote for a message.
pub async fn keep_said(
    tx: &mut Tx,
    keys: &Keyring,
    message: &MessageName,
    author: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let place = said_place(message.id);
    let sealed = keys
        .seal(tx, &message.site, &place, text.as_bytes(), now)
        .await?;
    sqlx::query!(
        "-- notification::texts::keep_said
        INSERT INTO said_text (site, message_id, author, sealed) VALUES ($1, $2, $3, $4)",
        message.site.as_str(),
        message.id,
        author,
        sealed,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What somebody wrote for a message; none for those that nobody wrote.
pub async fn said(
    tx: &mut Tx,
    keys: &Keyring,
    message: &MessageName,
) -> Result<Option<Zeroizing<String>>, Fault> {
    let sealed = sqlx::query_scalar!(
        "-- notification::texts::said
        SELECT sealed FROM said_text WHERE site = $1 AND message_id = $2",
        message.site.as_str(),
        message.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    let place = said_place(message.id);
    let plain = keys.open(tx, &message.site, &place, &sealed).await?;
    String::from_utf8(plain.to_vec())
        .map(|text| Some(Zeroizing::new(text)))
        .map_err(|_| Fault::internal("a sealed text is not what was sealed"))
}

/// An override of the wording check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Site, and its id there.
    pub site: SiteId,
    /// Its id.
    pub id: Uuid,
    /// The message.
    pub message: MessageName,
    /// The rules that it covers.
    pub rules: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who.
    pub author: String,
    /// When.
    pub create_time: Timestamp,
}

/// Keeps an override.
pub async fn keep_override(tx: &mut Tx, new: &Override) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::texts::keep_override
        INSERT INTO wording_override (site, override_id, message_id, rules, reason, author, create_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new.site.as_str(),
        new.id,
        new.message.id,
        &new.rules,
        new.reason,
        new.author,
        new.create_time.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The rules that overrides of a message cover.
pub async fn overridden(tx: &mut Tx, message: &MessageName) -> Result<Vec<String>, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::texts::overridden
        SELECT DISTINCT unnest(rules) AS "rule!" FROM wording_override WHERE site = $1 AND message_id = $2"#,
        message.site.as_str(),
        message.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Overrides, newest first.
pub async fn overrides(
    tx: &mut Tx,
    site: Option<&SiteId>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Override>, Fault> {
    let rows = sqlx::query!(
        "-- notification::texts::overrides
        SELECT site, override_id, message_id, rules, reason, author, create_time FROM wording_override
        WHERE ($1::text IS NULL OR site = $1) AND ($2::uuid IS NULL OR override_id < $2)
        ORDER BY override_id DESC LIMIT $3",
        site.map(SiteId::as_str),
        after,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let site: SiteId = row.site.parse().map_err(Fault::internal)?;
            Ok(Override {
                message: MessageName::new(site.clone(), row.message_id),
                site,
                id: row.override_id,
                rules: row.rules,
                reason: row.reason,
                author: row.author,
                create_time: row.create_time.to_jiff(),
            })
        })
        .collect()
}

/// Whether the caller has a site in an organization, or in one of its regions.
pub async fn any_in(
    tx: &mut Tx,
    organization: &OrganizationId,
    region: Option<&RegionId>,
) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::texts::any_in
        SELECT EXISTS (
          SELECT FROM scope_site
          WHERE redress_in_scope(site) AND organization = $1 AND ($2::text IS NULL OR region = $2)) AS "any!""#,
        organization.as_str(),
        region.map(RegionId::as_str),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Remembers what the check found, for whoever looks at the message.
pub async fn block(tx: &mut Tx, message: &MessageName, rules: &[String]) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::texts::block
        UPDATE message SET blocked_rules = $3 WHERE site = $1 AND message_id = $2",
        message.site.as_str(),
        message.id,
        rules,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
