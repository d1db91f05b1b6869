//! Call-outs: one standing for each person of an incident.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffId};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::read;
use crate::domain::words::CallOutState;

/// A call-out.
#[derive(Debug, Clone)]
pub struct CallOut {
    /// Id.
    pub id: Uuid,
    /// Its incident.
    pub incident: Uuid,
    /// Who is called.
    pub staff: StaffId,
    /// How far the person was reached.
    pub state: CallOutState,
    /// Since when.
    pub changed: Timestamp,
}

struct Row {
    id: Uuid,
    incident: Uuid,
    staff: String,
    state: String,
    change_time: jiff_sqlx::Timestamp,
}

impl TryFrom<Row> for CallOut {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id,
            incident: row.incident,
            staff: read(&row.staff)?,
            state: read(&row.state)?,
            changed: row.change_time.to_jiff(),
        })
    }
}

/// The standing call-out of a person about an incident.
///
/// # Errors
/// When Postgres is away.
pub async fn standing(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    staff: &StaffId,
) -> Result<Option<CallOut>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::callouts::standing
        SELECT id, incident, staff, state, change_time FROM callout
        WHERE site = $1 AND incident = $2 AND staff = $3 AND state <> 'FAILED'",
        site.as_str(),
        incident,
        staff.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// A call-out.
///
/// # Errors
/// When Postgres is away.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<CallOut>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::callouts::get
        SELECT id, incident, staff, state, change_time FROM callout WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// The call-outs of an incident.
///
/// # Errors
/// When Postgres is away.
pub async fn of_incident(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
) -> Result<Vec<CallOut>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::callouts::of_incident
        SELECT c.id, c.incident, c.staff, c.state, c.change_time FROM callout c
        WHERE c.site = $1 AND c.id IN (SELECT r.callout FROM incident_role r WHERE r.site = $1 AND r.incident = $2)",
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// Records a new call-out.
///
/// # Errors
/// When Postgres is away.
pub async fn insert(tx: &mut Tx, site: &SiteId, callout: &CallOut) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::callouts::insert
        INSERT INTO callout (site, id, incident, staff, state, change_time) VALUES ($1, $2, $3, $4, $5, $6)",
        site.as_str(),
        callout.id,
        callout.incident,
        callout.staff.as_str(),
        callout.state.word(),
        callout.changed.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Moves a call-out.
///
/// # Errors
/// When Postgres is away.
pub async fn set_state(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
    state: CallOutState,
    at: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::callouts::set_state
        UPDATE callout SET state = $3, change_time = $4 WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
        state.word(),
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Moves the answered call-outs of one incident to another, except of people who were called about that
/// one too.
///
/// # Errors
/// When Postgres is away.
pub async fn move_answered(
    tx: &mut Tx,
    site: &SiteId,
    from: Uuid,
    into: Uuid,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::callouts::move_answered
        UPDATE callout c SET incident = $3
        WHERE c.site = $1 AND c.incident = $2 AND c.state = 'ACKNOWLEDGED'
          AND NOT EXISTS (SELECT FROM callout o
                          WHERE o.site = $1 AND o.incident = $3 AND o.staff = c.staff AND o.state <> 'FAILED')",
        site.as_str(),
        from,
        into,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
