//! Clusters and who belongs to them.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::CaseStatus;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{count_of_row, word};
use crate::domain::people::People;

/// A cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its id.
    pub id: Uuid,
    /// When its first case came in.
    pub created: Timestamp,
    /// The cluster that took all its cases.
    pub merged_into: Option<Uuid>,
    /// Rises with every change.
    pub revision: i64,
}

/// A case of a cluster, as counting needs it.
#[derive(Debug, Clone)]
pub struct Member {
    /// The case.
    pub case: Uuid,
    /// When the complaint was made.
    pub received: Timestamp,
    /// Its people.
    pub people: People,
    /// Where it stands.
    pub status: CaseStatus,
    /// Only kept.
    pub historical: bool,
    /// How like the case by which it joined.
    pub similarity: f64,
}

/// Adds a cluster of nobody.
pub async fn insert(tx: &mut Tx, site: &SiteId, id: Uuid, now: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::clusters::insert
        INSERT INTO cluster (site, id, create_time, revision) VALUES ($1, $2, $3, 1)",
        site.as_str(),
        id,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// A cluster.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Cluster>, Fault> {
    let row = sqlx::query!(
        "-- triage::store::clusters::get
        SELECT id, create_time, merged_into, revision FROM cluster WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(|row| Cluster {
        id: row.id,
        created: row.create_time.to_jiff(),
        merged_into: row.merged_into,
        revision: row.revision,
    }))
}

/// Notes that a cluster changed.
pub async fn touch(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::clusters::touch
        UPDATE cluster SET revision = revision + 1 WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The cases of a cluster, newest first.
pub async fn members(tx: &mut Tx, site: &SiteId, cluster: Uuid) -> Result<Vec<Member>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::clusters::members
        SELECT id, received_time, headcount, person_tokens, status, historical, similarity
        FROM case_file WHERE site = $1 AND cluster = $2 ORDER BY received_time DESC, id DESC",
        site.as_str(),
        cluster,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Member {
                case: row.id,
                received: row.received_time.to_jiff(),
                people: People {
                    headcount: count_of_row(row.headcount),
                    tokens: row.person_tokens.into_iter().collect(),
                },
                status: word(&row.status)?,
                historical: row.historical,
                similarity: row.similarity,
            })
        })
        .collect()
}

/// Moves every case of one cluster into another, and ends it.
pub async fn merge(
    tx: &mut Tx,
    site: &SiteId,
    source: Uuid,
    target: Uuid,
) -> Result<Vec<Uuid>, Fault> {
    let moved = sqlx::query_scalar!(
        "-- triage::store::clusters::merge
        UPDATE case_file SET cluster = $3, similarity = 0 WHERE site = $1 AND cluster = $2 RETURNING id",
        site.as_str(),
        source,
        target,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- triage::store::clusters::merge
        UPDATE cluster SET merged_into = $3, revision = revision + 1 WHERE site = $1 AND id = $2",
        site.as_str(),
        source,
        target,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    touch(tx, site, target).await?;
    Ok(moved)
}
