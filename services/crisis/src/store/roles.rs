//! The command of an incident, role by role.

use std::collections::BTreeSet;

use redress_model::Fault;
use redress_model::name::{SiteId, StaffId};
use redress_model::words::DutyRole;
use redress_store::{Database, StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{givers, read, read_all, read_givers, texts};
use crate::domain::command::Appointment;
use crate::domain::statement::Person;

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Which.
    pub role: DutyRole,
    /// Who fills it, who could, or who stands in.
    pub held: Appointment,
    /// Who was called in vain.
    pub tried: BTreeSet<StaffId>,
    /// The call-out of whoever holds it or stands in; the last one that failed when nobody is left.
    pub callout: Option<Uuid>,
    /// By whose word the holder has it: whoever gave it, then whoever gave that person the right to, and so on; empty where the
    /// roster did.
    pub givers: Vec<Person>,
}

impl Role {
    /// A role that nobody was looked for yet.
    pub fn new(role: DutyRole) -> Self {
        Self {
            role,
            held: Appointment::default(),
            tried: BTreeSet::new(),
            callout: None,
            givers: Vec::new(),
        }
    }
}

/// The roles of an incident, in the order of the command.
///
/// # Errors
/// When Postgres is away.
pub async fn of_incident(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Role>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::roles::of_incident
        SELECT role, staff, deputies, stand_in, tried, callout, givers FROM incident_role WHERE site = $1 AND incident = $2",
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut roles = rows
        .into_iter()
        .map(|r| {
            Ok(Role {
                role: read(&r.role)?,
                held: Appointment {
                    staff: r.staff.as_deref().map(read).transpose()?,
                    deputies: read_all::<StaffId, _>(&r.deputies)?,
                    stand_in: r.stand_in.as_deref().map(read).transpose()?,
                },
                tried: read_all::<StaffId, _>(&r.tried)?,
                callout: r.callout,
                givers: read_givers(r.givers)?,
            })
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    let place = |role: DutyRole| {
        crate::domain::command::ROLES
            .iter()
            .position(|r| *r == role)
    };
    roles.sort_by_key(|r| place(r.role));
    Ok(roles)
}

/// Writes a role.
///
/// # Errors
/// When Postgres is away.
pub async fn put(tx: &mut Tx, site: &SiteId, incident: Uuid, role: &Role) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::roles::put
        INSERT INTO incident_role (site, incident, role, staff, deputies, stand_in, tried, callout, givers)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (site, incident, role) DO UPDATE SET
          staff = $4, deputies = $5, stand_in = $6, tried = $7, callout = $8, givers = $9",
        site.as_str(),
        incident,
        role.role.word(),
        role.held.staff.as_ref().map(StaffId::as_str),
        &texts(&role.held.deputies),
        role.held.stand_in.as_ref().map(StaffId::as_str),
        &texts(&role.tried),
        role.callout,
        givers(&role.givers)?,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Sites where an open incident has a role that nobody fills.
///
/// # Errors
/// When Postgres is away.
pub async fn sites_with_unfilled(db: &Database) -> Result<Vec<SiteId>, Fault> {
    let sites = sqlx::query_scalar!(
        "-- crisis::store::roles::sites_with_unfilled
        SELECT DISTINCT r.site FROM incident_role r
        JOIN incident i ON i.site = r.site AND i.id = r.incident AND i.state = 'OPEN'
        WHERE r.staff IS NULL",
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    read_all(&sites)
}
