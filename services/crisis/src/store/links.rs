//! Incidents under one command. Each site has its side of a link.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::IncidentName;
use redress_store::{StoreResultExt as _, Tx};

use super::read;

/// One side of a link.
#[derive(Debug, Clone)]
pub struct Link {
    /// The other incident.
    pub other: IncidentName,
    /// Whether this side leads.
    pub leads: bool,
    /// Why.
    pub reason: String,
    /// Who linked them.
    pub actor: String,
    /// When.
    pub linked: Timestamp,
}

/// The links of an incident, by the other side.
///
/// # Errors
/// When Postgres is away.
pub async fn of_incident(tx: &mut Tx, incident: &IncidentName) -> Result<Vec<Link>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::links::of_incident
        SELECT other_site, other_incident, leads, reason, actor, link_time FROM incident_link
        WHERE site = $1 AND incident = $2 ORDER BY other_site, other_incident",
        incident.site.as_str(),
        incident.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Link {
                other: IncidentName::new(read(&r.other_site)?, r.other_incident),
                leads: r.leads,
                reason: r.reason,
                actor: r.actor,
                linked: r.link_time.to_jiff(),
            })
        })
        .collect()
}

/// Keeps one side.
///
/// # Errors
/// When Postgres is away.
pub async fn add(tx: &mut Tx, of: &IncidentName, link: &Link) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::links::add
        INSERT INTO incident_link (site, incident, other_site, other_incident, leads, reason, actor, link_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        of.site.as_str(),
        of.id,
        link.other.site.as_str(),
        link.other.id,
        link.leads,
        link.reason,
        link.actor,
        link.linked.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Ends one side.
///
/// # Errors
/// When Postgres is away.
pub async fn end(tx: &mut Tx, of: &IncidentName, other: &IncidentName) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::links::end
        DELETE FROM incident_link WHERE site = $1 AND incident = $2 AND other_site = $3 AND other_incident = $4",
        of.site.as_str(),
        of.id,
        other.site.as_str(),
        other.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
