//! What people said of clusters: that cases belong together, that a defect is one of many homes; and the
//! record of all that they did.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use crate::domain::defect::Defect;

/// What a person did to a cluster.
#[derive(Debug, Clone)]
pub struct Act {
    /// What.
    pub act: String,
    /// Subject of their token.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The cluster on the other side.
    pub other: Option<Uuid>,
    /// The cases that it was about.
    pub cases: Vec<Uuid>,
    /// When.
    pub at: Timestamp,
}

/// Adds to the record of a cluster. The site's clusters must be locked.
pub async fn record(tx: &mut Tx, site: &SiteId, cluster: Uuid, act: &Act) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::cluster_acts::record
        INSERT INTO cluster_act (site, cluster, sequence, act, actor, reason, other, cases, act_time)
        SELECT $1, $2, coalesce(max(sequence), 0) + 1, $3, $4, $5, $6, $7, $8
        FROM cluster_act WHERE site = $1 AND cluster = $2",
        site.as_str(),
        cluster,
        act.act,
        act.actor,
        act.reason,
        act.other,
        &act.cases,
        act.at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The record of a cluster, newest first; without what was done about cases that complain about the given person.
pub async fn of_cluster(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    not_about: Option<&str>,
    limit: i64,
) -> Result<Vec<Act>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::cluster_acts::of_cluster
        SELECT act, actor, reason, other, cases, act_time FROM cluster_act a
        WHERE site = $1 AND cluster = $2
          AND ($3::text IS NULL OR NOT EXISTS (
            SELECT FROM case_file c WHERE c.site = $1 AND c.id = ANY (a.cases) AND $3 = ANY (c.excluded)))
        ORDER BY sequence DESC LIMIT $4",
        site.as_str(),
        cluster,
        not_about,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|row| Act {
            act: row.act,
            actor: row.actor,
            reason: row.reason,
            other: row.other,
            cases: row.cases,
            at: row.act_time.to_jiff(),
        })
        .collect())
}

/// Of these cases, or of all where none is named, those of the cluster that this person may know of, each
/// with whether it is confirmed.
pub async fn named(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    cases: &BTreeSet<Uuid>,
    staff: Option<&str>,
) -> Result<Vec<(Uuid, bool)>, Fault> {
    let cases: Vec<Uuid> = cases.iter().copied().collect();
    let rows = sqlx::query!(
        "-- triage::store::cluster_acts::named
        SELECT id, confirmer IS NOT NULL AS \"confirmed!\" FROM case_file
        WHERE site = $1 AND cluster = $2 AND (cardinality($3::uuid[]) = 0 OR id = ANY ($3))
          AND ($4::text IS NULL OR NOT $4 = ANY (excluded))
        ORDER BY id",
        site.as_str(),
        cluster,
        &cases,
        staff,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.confirmed))
        .collect())
}

/// Keeps who said that these cases belong where they are; what is confirmed already stays. Says how many
/// that changed.
pub async fn confirm(
    tx: &mut Tx,
    site: &SiteId,
    cases: &[Uuid],
    confirmer: &str,
    now: Timestamp,
) -> Result<u64, Fault> {
    let done = sqlx::query!(
        "-- triage::store::cluster_acts::confirm
        UPDATE case_file SET confirmer = $3, confirm_time = $4
        WHERE site = $1 AND id = ANY ($2) AND confirmer IS NULL",
        site.as_str(),
        cases,
        confirmer,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(done.rows_affected())
}

/// Takes back what was said of these cases. Says how many that changed.
pub async fn withdraw(tx: &mut Tx, site: &SiteId, cases: &[Uuid]) -> Result<u64, Fault> {
    let done = sqlx::query!(
        "-- triage::store::cluster_acts::withdraw
        UPDATE case_file SET confirmer = NULL, confirm_time = NULL
        WHERE site = $1 AND id = ANY ($2) AND confirmer IS NOT NULL",
        site.as_str(),
        cases,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(done.rows_affected())
}

/// How many different units the complaining cases of a cluster are about.
pub async fn units(tx: &mut Tx, site: &SiteId, cluster: Uuid) -> Result<u32, Fault> {
    let units = sqlx::query_scalar!(
        "-- triage::store::cluster_acts::units
        SELECT count(DISTINCT unit) AS \"units!\" FROM case_file
        WHERE site = $1 AND cluster = $2 AND unit IS NOT NULL AND status NOT IN ('WITHDRAWN', 'REJECTED')",
        site.as_str(),
        cluster,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(u32::try_from(units).unwrap_or(u32::MAX))
}

/// Whether the unit is known that a case is about.
///
/// # Errors
/// When Postgres is away.
pub async fn has_unit(tx: &mut Tx, site: &SiteId, case: Uuid) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- triage::store::cluster_acts::has_unit
        SELECT EXISTS (SELECT FROM case_file WHERE site = $1 AND id = $2 AND unit IS NOT NULL) AS "has_unit!""#,
        site.as_str(),
        case,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Keeps where a general defect stands.
pub async fn set_defect(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    defect: &Defect,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::cluster_acts::set_defect
        UPDATE cluster SET defect = $3, defect_units = $4, defect_time = $5, defect_by = $6, defect_reason = $7,
          revision = revision + 1
        WHERE site = $1 AND id = $2",
        site.as_str(),
        cluster,
        defect.state.word(),
        super::count_to_row(defect.units),
        defect.since.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        defect.by,
        defect.reason,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
