//! Playbooks of organizations. Rows are only added.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{OrganizationId, SiteId};
use redress_policy::Playbook;
use redress_store::{StoreResultExt as _, Tx};

use super::sites;

/// A playbook with where it comes from.
#[derive(Debug, Clone)]
pub struct Known {
    /// What it says.
    pub playbook: Playbook,
    /// YAML as it was given.
    pub document: String,
    /// The organization's revision; 0 for a shipped one.
    pub revision: i32,
    /// Who applied it; empty for a shipped one.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When; none for a shipped one.
    pub created: Option<Timestamp>,
}

impl Known {
    fn shipped(playbook: &Playbook) -> Self {
        let document = Playbook::document(&playbook.name).unwrap_or_default();
        Self {
            playbook: playbook.clone(),
            document: document.to_owned(),
            revision: 0,
            author: String::new(),
            reason: String::new(),
            created: None,
        }
    }
}

/// A new revision.
#[derive(Debug, Clone)]
pub struct Revision<'a> {
    /// Whose.
    pub organization: &'a OrganizationId,
    /// Its name.
    pub name: &'a str,
    /// Its number.
    pub revision: i32,
    /// YAML.
    pub document: &'a str,
    /// Who applies it.
    pub author: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When.
    pub created: Timestamp,
}

/// The playbooks that hold at a site, by rank: its organization's, and those shipped ones that it does not replace.
///
/// # Errors
/// When Postgres is away.
pub async fn of_site(tx: &mut Tx, site: &SiteId) -> Result<Vec<Known>, Fault> {
    // A crisis does not wait for the directory.
    let own = match sites::organization(tx, site).await? {
        Some(organization) => newest(tx, organization.as_str(), None).await?,
        None => Vec::new(),
    };
    Ok(with_shipped(own))
}

fn with_shipped(own: Vec<Known>) -> Vec<Known> {
    let replaced = |p: &&Playbook| own.iter().any(|k| k.playbook.name == p.name);
    let mut all: Vec<Known> = Playbook::shipped()
        .iter()
        .filter(|p| !replaced(p))
        .map(Known::shipped)
        .collect();
    all.extend(own);
    all.sort_by(|a, b| {
        let key = |k: &Known| (k.playbook.rank, k.playbook.name.clone());
        key(a).cmp(&key(b))
    });
    all
}

/// The newest revisions of an organization, of one name or of all.
async fn newest(tx: &mut Tx, organization: &str, name: Option<&str>) -> Result<Vec<Known>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::playbooks::newest
        SELECT DISTINCT ON (name) revision, document, author, reason, create_time FROM playbook_revision
        WHERE organization = $1 AND ($2::text IS NULL OR name = $2) ORDER BY name, revision DESC",
        organization,
        name,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let known = rows.into_iter().filter_map(|row| {
        // One that this release cannot read leaves the shipped one in place: a crisis does not wait for a release.
        let playbook = Playbook::parse(&row.document).ok()?;
        Some(Known {
            playbook,
            document: row.document,
            revision: row.revision,
            author: row.author,
            reason: row.reason,
            created: Some(row.create_time.to_jiff()),
        })
    });
    Ok(known.collect())
}

/// The number of an organization's newest revision of a name; 0 while there is none. Keeps every change of its
/// playbooks apart until the transaction ends.
///
/// # Errors
/// When Postgres is away.
pub async fn lock(tx: &mut Tx, organization: &OrganizationId, name: &str) -> Result<i32, Fault> {
    sqlx::query!(
        "-- crisis::store::playbooks::lock
        SELECT pg_advisory_xact_lock(hashtextextended('crisis.playbooks/' || $1, 0))",
        organization.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query_scalar!(
        r#"-- crisis::store::playbooks::lock
        SELECT coalesce(max(revision), 0) AS "revision!" FROM playbook_revision WHERE organization = $1 AND name = $2"#,
        organization.as_str(),
        name,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// What holds for an organization under a name.
///
/// # Errors
/// When Postgres is away.
pub async fn get(
    tx: &mut Tx,
    organization: &OrganizationId,
    name: &str,
) -> Result<Option<Known>, Fault> {
    let own = newest(tx, organization.as_str(), Some(name)).await?;
    Ok(with_shipped(own)
        .into_iter()
        .find(|k| k.playbook.name == name))
}

/// Adds a revision.
///
/// # Errors
/// When Postgres is away.
pub async fn insert(tx: &mut Tx, new: &Revision<'_>) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::playbooks::insert
        INSERT INTO playbook_revision (organization, name, revision, document, author, reason, create_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new.organization.as_str(),
        new.name,
        new.revision,
        new.document,
        new.author,
        new.reason,
        new.created.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
