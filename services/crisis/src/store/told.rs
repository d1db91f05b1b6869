//! What was told to whom; only ever added to.

use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::read;
use crate::domain::matrix::Told;

/// Adds what was told.
///
/// # Errors
/// When Postgres is away.
pub async fn add(tx: &mut Tx, site: &SiteId, incident: Uuid, told: &Told) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::told::add
        INSERT INTO incident_told (site, incident, audience, stage, means, reference, told_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
        site.as_str(),
        incident,
        told.audience.word(),
        told.stage.word(),
        told.means.word(),
        told.reference,
        told.at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Everything that was told on an incident, and on those that were merged into it, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_incident(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Told>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::told::of_incident
        SELECT audience, stage, means, reference, told_time FROM incident_told
        WHERE site = $1 AND (incident = $2
          OR incident IN (SELECT i.id FROM incident i WHERE i.site = $1 AND i.merged_into = $2))
        ORDER BY id",
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Told {
                audience: read(&r.audience)?,
                stage: read(&r.stage)?,
                means: read(&r.means)?,
                reference: r.reference,
                at: r.told_time.to_jiff(),
            })
        })
        .collect()
}
