//! Clusters whose cases wait to be decided again, a batch at a time.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{Database, StoreResultExt as _, Tx};
use uuid::Uuid;

/// How far a cluster has come.
#[derive(Debug, Clone)]
pub struct Regrade {
    /// The site.
    pub site: SiteId,
    /// The cluster.
    pub cluster: Uuid,
    /// Cases up to this id are done.
    pub after: Uuid,
    /// Fences two who do the same.
    pub generation: i64,
}

/// Lets the cases of a cluster be decided again, from the first one on.
pub async fn request(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::regrades::request
        INSERT INTO cluster_regrade AS r (site, cluster, after_case, generation, create_time)
        VALUES ($1, $2, $3, 1, $4)
        ON CONFLICT ON CONSTRAINT cluster_regrade_key
        DO UPDATE SET after_case = $3, generation = r.generation + 1",
        site.as_str(),
        cluster,
        Uuid::nil(),
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    tx.wake();
    Ok(())
}

/// What waits longest, of all sites.
pub async fn waiting(db: &Database, limit: i64) -> Result<Vec<Regrade>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::regrades::waiting
        SELECT site, cluster, after_case, generation FROM cluster_regrade ORDER BY create_time LIMIT $1",
        limit,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Regrade {
                site: row.site.parse().map_err(Fault::internal)?,
                cluster: row.cluster,
                after: row.after_case,
                generation: row.generation,
            })
        })
        .collect()
}

/// Lets a cluster wait behind all that wait now.
pub async fn postpone(tx: &mut Tx, job: &Regrade, now: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::regrades::postpone
        UPDATE cluster_regrade SET create_time = $3 WHERE site = $1 AND cluster = $2",
        job.site.as_str(),
        job.cluster,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Notes that the cases up to this one are done; with none, all are. Nothing happens where somebody else
/// was faster or it began anew.
pub async fn advance(tx: &mut Tx, done: &Regrade, after: Option<Uuid>) -> Result<(), Fault> {
    match after {
        Some(after) => sqlx::query!(
            "-- triage::store::regrades::advance
            UPDATE cluster_regrade SET after_case = $5
            WHERE site = $1 AND cluster = $2 AND generation = $3 AND after_case = $4",
            done.site.as_str(),
            done.cluster,
            done.generation,
            done.after,
            after,
        )
        .execute(&mut **tx)
        .await
        .or_fault()?,
        None => sqlx::query!(
            "-- triage::store::regrades::advance
            DELETE FROM cluster_regrade
            WHERE site = $1 AND cluster = $2 AND generation = $3 AND after_case = $4",
            done.site.as_str(),
            done.cluster,
            done.generation,
            done.after,
        )
        .execute(&mut **tx)
        .await
        .or_fault()?,
    };
    Ok(())
}
