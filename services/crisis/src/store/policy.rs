//! What the policy of a site says of incidents, as triage told it last.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_policy::Briefing;
use redress_store::{StoreResultExt as _, Tx};

/// Keeps what is not older than what is known.
///
/// # Errors
/// When Postgres is away.
pub async fn learn(
    tx: &mut Tx,
    site: &SiteId,
    revision: i64,
    briefing: &Briefing,
) -> Result<(), Fault> {
    let briefing = serde_json::to_value(briefing).map_err(Fault::internal)?;
    sqlx::query!(
        "-- crisis::store::policy::learn
        INSERT INTO site_policy AS p (site, revision, briefing) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT site_policy_key DO UPDATE SET revision = $2, briefing = $3
        WHERE p.revision <= $2",
        site.as_str(),
        revision,
        briefing,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// When the weekly briefing of a site is; silent where nobody told of it.
///
/// # Errors
/// When Postgres is away.
pub async fn briefing(tx: &mut Tx, site: &SiteId) -> Result<Briefing, Fault> {
    let told = sqlx::query_scalar!(
        "-- crisis::store::policy::briefing
        SELECT briefing FROM site_policy WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    told.map_or_else(
        || Ok(Briefing::default()),
        |told| serde_json::from_value(told).map_err(Fault::internal),
    )
}
