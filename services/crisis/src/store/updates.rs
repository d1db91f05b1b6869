//! What was told about incidents, inside and outward. Rows are only added.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::person_of;
use crate::domain::statement::Person;
use crate::domain::words::UpdateAudience;

/// Something that was told.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// To whom.
    pub audience: UpdateAudience,
    /// It says that nothing is new.
    pub nothing_new: bool,
    /// Where its text lies.
    pub reference: &'a str,
    /// Who told it.
    pub by: &'a Person,
}

/// Adds one, and says which it is. The caller holds the incident's row.
///
/// # Errors
/// When Postgres is away.
pub async fn add(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    update: Update<'_>,
    at: Timestamp,
) -> Result<i64, Fault> {
    sqlx::query_scalar!(
        "-- crisis::store::updates::add
        INSERT INTO incident_update (site, incident, number, audience, nothing_new, reference, actor, update_time, actor_staff)
        SELECT $1, $2, 1 + coalesce(max(number), 0), $3, $4, $5, $6, $7, $8
        FROM incident_update WHERE site = $1 AND incident = $2
        RETURNING number",
        site.as_str(),
        incident,
        update.audience.word(),
        update.nothing_new,
        update.reference,
        update.by.subject,
        at.to_sqlx(),
        update
            .by
            .staff
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Whether the last ones to an audience said whether nothing was new, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn last(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    audience: UpdateAudience,
    limit: i64,
) -> Result<Vec<bool>, Fault> {
    sqlx::query_scalar!(
        "-- crisis::store::updates::last
        SELECT nothing_new FROM incident_update
        WHERE site = $1 AND incident = $2 AND audience = $3 ORDER BY number DESC LIMIT $4",
        site.as_str(),
        incident,
        audience.word(),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Who gave an update and those to its audience in a row before it that say nothing new.
///
/// # Errors
/// When Postgres is away.
pub async fn in_row(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    audience: UpdateAudience,
    number: i64,
) -> Result<Vec<Person>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::updates::in_row
        SELECT DISTINCT actor, actor_staff FROM incident_update
        WHERE site = $1 AND incident = $2 AND audience = $3 AND number <= $4 AND number > (
          SELECT coalesce(max(number), 0) FROM incident_update
          WHERE site = $1 AND incident = $2 AND audience = $3 AND number <= $4 AND NOT nothing_new)",
        site.as_str(),
        incident,
        audience.word(),
        number,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| person_of(r.actor, &r.actor_staff))
        .collect()
}
