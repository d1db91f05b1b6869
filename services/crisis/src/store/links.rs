//! Incidents under one command. Each site has its side of a link, and nobody who acts for one site alone can change the
//! other's. So a side names the other incident as it was when they were linked: who may see that one is shown where it
//! went when it was merged, and that nothing is left of a link that the other side has no more.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{IncidentName, StaffName};
use redress_store::{StoreResultExt as _, Tx};

use super::read;
use crate::domain::statement::Person;

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
    /// The same on a roster; none where the token named nobody.
    pub staff: Option<StaffName>,
    /// When.
    pub linked: Timestamp,
}

impl Link {
    /// Who linked them, as somebody who writes and reviews.
    pub fn linker(&self) -> Person {
        Person {
            subject: self.actor.clone(),
            staff: self.staff.clone(),
        }
    }
}

/// The links of an incident, by the other side.
///
/// # Errors
/// When Postgres is away.
pub async fn of_incident(tx: &mut Tx, incident: &IncidentName) -> Result<Vec<Link>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::links::of_incident
        SELECT DISTINCT ON (l.other_site, coalesce(o.merged_into, l.other_incident))
               l.other_site, coalesce(o.merged_into, l.other_incident) AS "other_incident!", l.leads, l.reason, l.actor, l.staff, l.link_time
        FROM incident_link l LEFT JOIN incident o ON o.site = l.other_site AND o.id = l.other_incident
        WHERE l.site = $1 AND l.incident = $2 AND (o.id IS NULL OR EXISTS (
          SELECT FROM incident_link m LEFT JOIN incident w ON w.site = m.other_site AND w.id = m.other_incident
          WHERE m.site = l.other_site AND m.incident = coalesce(o.merged_into, l.other_incident) AND m.leads <> l.leads
            AND m.other_site = l.site AND coalesce(w.merged_into, m.other_incident) = l.incident))
        ORDER BY l.other_site, coalesce(o.merged_into, l.other_incident), l.link_time"#,
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
                staff: r.staff.as_deref().map(read).transpose()?,
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
        INSERT INTO incident_link (site, incident, other_site, other_incident, leads, reason, actor, link_time, staff)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        of.site.as_str(),
        of.id,
        link.other.site.as_str(),
        link.other.id,
        link.leads,
        link.reason,
        link.actor,
        link.linked.to_sqlx(),
        link.staff.as_ref().map(ToString::to_string),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Ends one side, by whatever name it knows the other.
///
/// # Errors
/// When Postgres is away.
pub async fn end(tx: &mut Tx, of: &IncidentName, other: &IncidentName) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::links::end
        DELETE FROM incident_link l WHERE l.site = $1 AND l.incident = $2 AND l.other_site = $3
          AND (l.other_incident = $4
            OR EXISTS (SELECT FROM incident o WHERE o.site = $3 AND o.id = l.other_incident AND o.merged_into = $4))",
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

/// Ends what is left of an incident's side, of which nothing holds any more.
///
/// # Errors
/// When Postgres is away.
pub async fn clear(tx: &mut Tx, of: &IncidentName) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::links::clear
        DELETE FROM incident_link WHERE site = $1 AND incident = $2",
        of.site.as_str(),
        of.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
