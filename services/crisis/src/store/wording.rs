//! Which words must not leave the house: the product's rules with those that an organization, a region or a site laid
//! over them, as notification tells.

use std::sync::Arc;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};
use redress_wording::{Checker, Level};

/// One revision of a level's rules.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The level: `organizations/{o}`, `organizations/{o}/regions/{r}` or `sites/{s}`.
    pub scope: String,
    /// Its number within the level.
    pub revision: i32,
    /// From when on it holds.
    pub effective: Timestamp,
    /// The rules, as TOML.
    pub document: String,
}

/// Remembers a revision for a site. A repeat changes nothing: a revision never changes.
///
/// # Errors
/// When Postgres is away.
pub async fn take(tx: &mut Tx, site: &SiteId, rules: &Rules) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::wording::take
        INSERT INTO wording_rules (site, scope, revision, effective_time, document) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT ON CONSTRAINT wording_rules_key DO NOTHING",
        site.as_str(),
        rules.scope,
        rules.revision,
        rules.effective.to_sqlx(),
        rules.document,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What checks a text of a site at an instant. A document that this release cannot read changes nothing.
///
/// # Errors
/// When Postgres is away.
pub async fn checker(tx: &mut Tx, site: &SiteId, at: Timestamp) -> Result<Arc<Checker>, Fault> {
    let levels = sqlx::query_as!(
        Level,
        "-- crisis::store::wording::checker
        SELECT DISTINCT ON (scope) scope, revision, document FROM wording_rules
        WHERE site = $1 AND effective_time <= $2 ORDER BY scope, revision DESC",
        site.as_str(),
        at.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(Checker::of_levels(levels))
}
