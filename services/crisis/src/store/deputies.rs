//! Who may act for a role of an incident, until when.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffId};
use redress_model::words::DutyRole;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::statements::{person, staff_of};
use super::{givers, read, read_givers};
use crate::domain::statement::Person;

/// Somebody who may act for a role.
#[derive(Debug, Clone)]
pub struct Deputy {
    /// The role.
    pub role: DutyRole,
    /// Who.
    pub staff: StaffId,
    /// Until before here.
    pub end: Timestamp,
    /// Whoever appointed.
    pub appointed_by: Person,
    /// Whoever gave the appointer the right to, and so on; empty where that is the roster's.
    pub givers: Vec<Person>,
}

impl Deputy {
    /// By whose word they act, whoever appointed first.
    pub fn word_of(&self) -> Vec<Person> {
        let appointer = std::iter::once(&self.appointed_by);
        appointer.chain(&self.givers).cloned().collect()
    }
}

/// Appoints, or moves the end.
///
/// # Errors
/// When Postgres is away.
pub async fn appoint(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    deputy: &Deputy,
) -> Result<(), Fault> {
    let (appointer, home) = staff_of(&deputy.appointed_by, site);
    sqlx::query!(
        "-- crisis::store::deputies::appoint
        INSERT INTO incident_deputy (site, incident, role, staff, end_time, appointed_by, appointer, appointer_site, givers)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (site, incident, role, staff)
        DO UPDATE SET end_time = $5, appointed_by = $6, appointer = $7, appointer_site = $8, givers = $9",
        site.as_str(),
        incident,
        deputy.role.word(),
        deputy.staff.as_str(),
        deputy.end.to_sqlx(),
        deputy.appointed_by.subject,
        appointer,
        home,
        givers(&deputy.givers)?,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Who may act at an instant.
///
/// # Errors
/// When Postgres is away.
pub async fn acting(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    at: Timestamp,
) -> Result<Vec<Deputy>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::deputies::acting
        SELECT role, staff, end_time, appointed_by, appointer, appointer_site, givers FROM incident_deputy
        WHERE site = $1 AND incident = $2 AND end_time > $3 ORDER BY role, staff",
        site.as_str(),
        incident,
        at.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Deputy {
                role: read(&r.role)?,
                staff: read(&r.staff)?,
                end: r.end_time.to_jiff(),
                appointed_by: person(site, r.appointed_by, r.appointer, r.appointer_site)?,
                givers: read_givers(r.givers)?,
            })
        })
        .collect()
}
