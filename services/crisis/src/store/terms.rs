//! What incidents are run by. Rows are only added; the newest of an incident holds.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffName};
use redress_policy::Playbook;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::person_of;
use crate::Settings;
use crate::domain::statement::Person;

/// What was frozen.
#[derive(Debug, Clone)]
pub struct Frozen {
    /// Section `[service]` of the configuration.
    pub settings: Settings,
    /// The playbook.
    pub playbook: Playbook,
    /// The organization's revision of it; 0 for a shipped one.
    pub playbook_revision: i32,
}

/// Who changes it, and why.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Subject of a token; empty where the incident opened by itself.
    pub actor: &'a str,
    /// The person on a roster; none where the incident opened, by itself or by hand.
    pub staff: Option<&'a StaffName>,
    /// Why.
    pub reason: &'a str,
    /// When.
    pub at: Timestamp,
}

/// Who changed it, and why.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Subject of a token, empty where the incident opened by itself, and the person on a roster.
    pub by: Person,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What an incident is run by; none for one that opened before anything was frozen. A setting that there was not at its
/// opening is as `today`.
///
/// # Errors
/// When Postgres is away.
pub async fn newest(
    tx: &mut Tx,
    today: &Settings,
    site: &SiteId,
    incident: Uuid,
) -> Result<Option<Frozen>, Fault> {
    sqlx::query!(
        "-- crisis::store::terms::newest
        SELECT settings, playbook, playbook_revision FROM incident_terms
        WHERE site = $1 AND incident = $2 ORDER BY number DESC LIMIT 1",
        site.as_str(),
        incident,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(|row| {
        Ok(Frozen {
            settings: today.with(row.settings).map_err(Fault::internal)?,
            playbook: serde_json::from_value(row.playbook).map_err(Fault::internal)?,
            playbook_revision: row.playbook_revision,
        })
    })
    .transpose()
}

/// Everything that an incident was run by, oldest first, with who changed it.
///
/// # Errors
/// When Postgres is away.
pub async fn history(
    tx: &mut Tx,
    today: &Settings,
    site: &SiteId,
    incident: Uuid,
) -> Result<Vec<(Frozen, Changed)>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::terms::history
        SELECT settings, playbook, playbook_revision, actor, actor_staff, reason, change_time FROM incident_terms
        WHERE site = $1 AND incident = $2 ORDER BY number",
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let frozen = Frozen {
                settings: today.with(row.settings).map_err(Fault::internal)?,
                playbook: serde_json::from_value(row.playbook).map_err(Fault::internal)?,
                playbook_revision: row.playbook_revision,
            };
            let changed = Changed {
                by: person_of(row.actor, &row.actor_staff)?,
                reason: row.reason,
                at: row.change_time.to_jiff(),
            };
            Ok((frozen, changed))
        })
        .collect()
}

/// Adds what holds from now on. The caller holds the incident's row.
///
/// # Errors
/// When Postgres is away.
pub async fn add(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    frozen: &Frozen,
    change: Change<'_>,
) -> Result<(), Fault> {
    let settings = serde_json::to_value(&frozen.settings).map_err(Fault::internal)?;
    let playbook = serde_json::to_value(&frozen.playbook).map_err(Fault::internal)?;
    sqlx::query!(
        "-- crisis::store::terms::add
        INSERT INTO incident_terms (site, incident, number, settings, playbook, playbook_revision, actor, reason, change_time, actor_staff)
        SELECT $1, $2, 1 + coalesce(max(number), 0), $3, $4, $5, $6, $7, $8, $9
        FROM incident_terms WHERE site = $1 AND incident = $2",
        site.as_str(),
        incident,
        settings,
        playbook,
        frozen.playbook_revision,
        change.actor,
        change.reason,
        change.at.to_sqlx(),
        change.staff.map(ToString::to_string).unwrap_or_default(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
