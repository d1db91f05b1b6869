//! What a cluster counts to, kept so that a case that joins costs the same however large the cluster is. One
//! that joins is added; whatever else happens to a cluster, it is counted anew from its cases.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{count_of_row, count_to_row};
use crate::domain::people::People;

/// Adds a case that has just joined; its people only where they still complain.
pub async fn add(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    received: Timestamp,
    people: Option<&People>,
) -> Result<(), Fault> {
    let tokens: Vec<String> = people
        .into_iter()
        .flat_map(|p| p.tokens.iter().cloned())
        .collect();
    let unnamed = people.map_or(0, People::unnamed);
    sqlx::query!(
        "-- triage::store::tallies::add
        WITH named AS (
          INSERT INTO cluster_person AS p (site, cluster, token, cases)
          SELECT $1, $2, t.token, 1 FROM unnest($3::text[]) AS t (token)
          ON CONFLICT ON CONSTRAINT cluster_person_key DO UPDATE SET cases = p.cases + 1
          RETURNING p.cases)
        UPDATE cluster SET cases = cases + 1, revision = revision + 1,
          persons = persons + (SELECT count(*) FROM named WHERE named.cases = 1)::integer,
          unnamed = greatest(unnamed, $4), newest_time = greatest(newest_time, $5)
        WHERE site = $1 AND id = $2",
        site.as_str(),
        cluster,
        &tokens,
        count_to_row(unnamed),
        received.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Counts a cluster anew.
pub async fn recount(tx: &mut Tx, site: &SiteId, cluster: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::tallies::recount
        DELETE FROM cluster_person WHERE site = $1 AND cluster = $2",
        site.as_str(),
        cluster,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- triage::store::tallies::recount
        WITH named AS (
          INSERT INTO cluster_person (site, cluster, token, cases)
          SELECT $1, $2, t.token, count(*)
          FROM (SELECT DISTINCT id, unnest(person_tokens) AS token FROM case_file
                WHERE site = $1 AND cluster = $2 AND status NOT IN ('WITHDRAWN', 'REJECTED')) AS t
          GROUP BY t.token
          RETURNING 1)
        UPDATE cluster SET
          persons = (SELECT count(*) FROM named)::integer,
          cases = c.cases, newest_time = c.newest, unnamed = c.unnamed
        FROM (SELECT count(*)::integer AS cases, max(received_time) AS newest,
                     coalesce(max(greatest(headcount - cardinality(person_tokens), 0))
                       FILTER (WHERE status NOT IN ('WITHDRAWN', 'REJECTED')), 0) AS unnamed
              FROM case_file WHERE site = $1 AND cluster = $2) AS c
        WHERE site = $1 AND id = $2",
        site.as_str(),
        cluster,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The people of the cases of a cluster that still complain and were received after one instant and up to
/// another, newest first; without cases that complain about the given person.
pub async fn people_between(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    (after, until): (Timestamp, Timestamp),
    not_about: Option<&str>,
    limit: i64,
) -> Result<Vec<People>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::tallies::people_between
        SELECT headcount, person_tokens FROM case_file
        WHERE site = $1 AND cluster = $2 AND received_time > $3 AND received_time <= $4
          AND status NOT IN ('WITHDRAWN', 'REJECTED') AND ($5::text IS NULL OR NOT $5 = ANY (excluded))
        ORDER BY received_time DESC LIMIT $6",
        site.as_str(),
        cluster,
        after.to_sqlx(),
        until.to_sqlx(),
        not_about,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|row| People {
            headcount: count_of_row(row.headcount),
            tokens: row.person_tokens.into_iter().collect(),
        })
        .collect())
}

/// Keeps which thresholds a cluster is past; says whether that is new.
pub async fn set_crossed(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    crossed: i16,
) -> Result<bool, Fault> {
    let done = sqlx::query!(
        "-- triage::store::tallies::set_crossed
        UPDATE cluster SET crossed = $3 WHERE site = $1 AND id = $2 AND crossed <> $3",
        site.as_str(),
        cluster,
        crossed,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(done.rows_affected() > 0)
}
