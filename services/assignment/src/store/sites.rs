//! The projection of intake's directory.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};

/// Keeps what is newer than what is known.
///
/// # Errors
/// When Postgres is away.
pub async fn learn(
    tx: &mut Tx,
    site: &SiteId,
    language: &str,
    time_zone: &str,
    revision: i64,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::sites::learn
        INSERT INTO site AS s (site, language, revision, time_zone) VALUES ($1, $2, $3, $4)
        ON CONFLICT (site) DO UPDATE SET language = $2, revision = $3, time_zone = $4 WHERE s.revision < $3",
        site.as_str(),
        language,
        revision,
        time_zone,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Whether the site is known here and in the caller's scope.
///
/// # Errors
/// NOT_FOUND when it is not.
pub async fn require(tx: &mut Tx, site: &SiteId) -> Result<(), Fault> {
    sqlx::query_scalar!(
        "-- assignment::store::sites::require
        SELECT site FROM site WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(|_| ())
    .ok_or_else(|| Fault::not_found("Site", format!("sites/{site}")))
}
