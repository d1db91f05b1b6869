//! Clusters and who belongs to them. What a cluster counts to is kept in `tallies`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::{CaseStatus, Category};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{count_of_row, word};
use crate::domain::defect::{Defect, DefectState};
use crate::domain::people::People;
use crate::domain::similarity::Place;

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
    /// How many cases it has.
    pub cases: u32,
    /// Distinct person tokens of the cases whose people still complain.
    pub persons: u32,
    /// Largest unnamed remainder of any of those.
    pub unnamed: u32,
    /// When its newest complaint was made.
    pub newest: Option<Timestamp>,
    /// Whether it is a defect of many homes.
    pub defect: Defect,
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
}

/// A case of a cluster, as people look at it.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The case.
    pub case: Uuid,
    /// Its number for people.
    pub number: String,
    /// When the complaint was made.
    pub received: Timestamp,
    /// How like the case by which it joined.
    pub similarity: f64,
    /// Its grade.
    pub grade: Option<i16>,
    /// What it is about: stated, else suggested.
    pub category: Option<String>,
    /// Where it is about.
    pub place: Place,
    /// Who said that it belongs here, and when.
    pub confirmed: Option<(String, Timestamp)>,
}

/// Adds a cluster of nobody; its first case makes it revision 1.
pub async fn insert(tx: &mut Tx, site: &SiteId, id: Uuid, now: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::clusters::insert
        INSERT INTO cluster (site, id, create_time, revision) VALUES ($1, $2, $3, 0)",
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
        SELECT id, create_time, merged_into, revision, cases, persons, unnamed, newest_time,
               defect, defect_units, defect_time, defect_by, defect_reason
        FROM cluster WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(|row| {
        Ok(Cluster {
            id: row.id,
            created: row.create_time.to_jiff(),
            merged_into: row.merged_into,
            revision: row.revision,
            cases: count_of_row(row.cases),
            persons: count_of_row(row.persons),
            unnamed: count_of_row(row.unnamed),
            newest: row.newest_time.map(jiff_sqlx::Timestamp::to_jiff),
            defect: Defect {
                state: row.defect.parse().map_err(Fault::internal)?,
                units: count_of_row(row.defect_units),
                since: row.defect_time.map(jiff_sqlx::Timestamp::to_jiff),
                by: row.defect_by,
                reason: row.defect_reason,
            },
        })
    })
    .transpose()
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

/// The cases of a cluster received up to an instant, oldest first.
pub async fn members(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    until: Timestamp,
) -> Result<Vec<Member>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::clusters::members
        SELECT id, received_time, headcount, person_tokens, status, historical
        FROM case_file WHERE site = $1 AND cluster = $2 AND received_time <= $3
        ORDER BY received_time, id",
        site.as_str(),
        cluster,
        until.to_sqlx(),
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
            })
        })
        .collect()
}

/// When the newest historical case of a cluster other than this one was received, where that is not before
/// an instant.
pub async fn newest_history_since(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    other_than: Uuid,
    since: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let newest = sqlx::query_scalar!(
        "-- triage::store::clusters::newest_history_since
        SELECT received_time FROM case_file
        WHERE site = $1 AND cluster = $2 AND received_time >= $4 AND id <> $3 AND historical
        ORDER BY received_time DESC LIMIT 1",
        site.as_str(),
        cluster,
        other_than,
        since.to_sqlx(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(newest.map(jiff_sqlx::Timestamp::to_jiff))
}

/// The cases of a cluster about which something is still to be decided: live ones that have not ended, and
/// those whose head may not have. With `history`, every case.
pub async fn to_decide(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    history: bool,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::clusters::to_decide
        SELECT id FROM case_file
        WHERE site = $1 AND cluster = $2 AND id > $4
          AND CASE WHEN historical THEN $3
              ELSE status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED') END
        ORDER BY id LIMIT $5",
        site.as_str(),
        cluster,
        history,
        after,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Whether a live case of a cluster that has not ended, and is not about this person, is grade 1: its incident has opened
/// (section 9).
pub async fn is_grave(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    staff: Option<&str>,
) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::clusters::is_grave
        SELECT EXISTS (
          SELECT FROM case_file
          WHERE site = $1 AND cluster = $2 AND grade = 1 AND NOT historical
            AND status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED')
            AND ($3::text IS NULL OR NOT $3 = ANY (excluded))) AS \"exists!\"",
        site.as_str(),
        cluster,
        staff,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Which clusters are asked for.
#[derive(Debug, Clone)]
pub struct Filter {
    /// One site, or all of the scope.
    pub site: Option<SiteId>,
    /// Of at least so many cases, as far as the person below may know of them.
    pub min_cases: i32,
    /// Whose general defect stands there.
    pub defect: Option<DefectState>,
    /// Left out where all cases are about this person.
    pub not_about: Option<String>,
}

/// Clusters that have cases, newest complaint first.
pub async fn page(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<(SiteId, Uuid, Timestamp)>, Fault> {
    let (time, id) = after.unzip();
    let rows = sqlx::query!(
        "-- triage::store::clusters::page
        SELECT k.site, k.id, k.newest_time AS \"newest_time!\" FROM cluster k
        WHERE k.merged_into IS NULL AND k.cases > 0 AND k.cases >= $2
          AND ($1::text IS NULL OR k.site = $1) AND ($3::text IS NULL OR k.defect = $3)
          AND ($4::timestamptz IS NULL OR (k.newest_time, k.id) < ($4, $5))
          AND ($6::text IS NULL OR EXISTS (
            SELECT FROM case_file c WHERE c.site = k.site AND c.cluster = k.id AND NOT $6 = ANY (c.excluded)))
          AND ($6::text IS NULL OR $2 <= 1 OR $2 <= (
            SELECT count(*) FROM case_file c WHERE c.site = k.site AND c.cluster = k.id AND NOT $6 = ANY (c.excluded)))
        ORDER BY k.newest_time DESC, k.id DESC LIMIT $7",
        filter.site.as_ref().map(SiteId::as_str),
        filter.min_cases,
        filter.defect.map(DefectState::word),
        time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        id,
        filter.not_about,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let site = row.site.parse().map_err(Fault::internal)?;
            Ok((site, row.id, row.newest_time.to_jiff()))
        })
        .collect()
}

/// The cases of a cluster that this person may know of, newest first.
pub async fn seats(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    staff: Option<&str>,
    limit: i64,
) -> Result<Vec<Seat>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::clusters::seats
        SELECT id, number, received_time, similarity, grade, stated_category, suggested_category, building, unit,
               confirmer, confirm_time
        FROM case_file
        WHERE site = $1 AND cluster = $2 AND ($3::text IS NULL OR NOT $3 = ANY (excluded))
        ORDER BY received_time DESC, id DESC LIMIT $4",
        site.as_str(),
        cluster,
        staff,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let seat = |confirmer: Option<String>, time: Option<jiff_sqlx::Timestamp>| {
        Some((confirmer?, time?.to_jiff()))
    };
    Ok(rows
        .into_iter()
        .map(|row| Seat {
            case: row.id,
            number: row.number,
            received: row.received_time.to_jiff(),
            similarity: row.similarity,
            grade: row.grade,
            category: row.stated_category.or(row.suggested_category),
            place: Place {
                building: row.building,
                unit: row.unit,
            },
            confirmed: seat(row.confirmer, row.confirm_time),
        })
        .collect())
}

/// What this person may know of the cases of a cluster.
#[derive(Debug, Clone, Copy)]
pub struct Visible {
    /// How many.
    pub cases: u32,
    /// The gravest grade among them.
    pub grade: Option<i16>,
    /// When the newest of their complaints was made.
    pub newest: Option<Timestamp>,
}

/// What this person may know of the cases of a cluster.
pub async fn visible(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
    staff: Option<&str>,
) -> Result<Visible, Fault> {
    let row = sqlx::query!(
        "-- triage::store::clusters::visible
        SELECT count(*) AS \"cases!\", min(grade) AS grade, max(received_time) AS newest FROM case_file
        WHERE site = $1 AND cluster = $2 AND ($3::text IS NULL OR NOT $3 = ANY (excluded))",
        site.as_str(),
        cluster,
        staff,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(Visible {
        cases: u32::try_from(row.cases).unwrap_or(u32::MAX),
        grade: row.grade,
        newest: row.newest.map(jiff_sqlx::Timestamp::to_jiff),
    })
}

/// Moves every case of one cluster into another, and ends it. Gives each case, and whether it is only kept.
pub async fn merge(
    tx: &mut Tx,
    site: &SiteId,
    source: Uuid,
    target: Uuid,
) -> Result<Vec<(Uuid, bool)>, Fault> {
    let moved = sqlx::query!(
        "-- triage::store::clusters::merge
        UPDATE case_file SET cluster = $3, similarity = 0 WHERE site = $1 AND cluster = $2
        RETURNING id, historical",
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
    Ok(moved
        .into_iter()
        .map(|row| (row.id, row.historical))
        .collect())
}

/// Moves these cases of one cluster into another. Gives each that was there, and whether it is only kept.
pub async fn move_cases(
    tx: &mut Tx,
    site: &SiteId,
    source: Uuid,
    target: Uuid,
    cases: &BTreeSet<Uuid>,
) -> Result<Vec<(Uuid, bool)>, Fault> {
    let cases: Vec<Uuid> = cases.iter().copied().collect();
    let moved = sqlx::query!(
        "-- triage::store::clusters::move_cases
        UPDATE case_file SET cluster = $3, similarity = 0
        WHERE site = $1 AND cluster = $2 AND id = ANY ($4)
        RETURNING id, historical",
        site.as_str(),
        source,
        target,
        &cases,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    touch(tx, site, source).await?;
    touch(tx, site, target).await?;
    Ok(moved
        .into_iter()
        .map(|row| (row.id, row.historical))
        .collect())
}

/// Keeps where a case is about.
pub async fn set_place(tx: &mut Tx, site: &SiteId, case: Uuid, place: Place) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::clusters::set_place
        UPDATE case_file SET building = $3, unit = $4 WHERE site = $1 AND id = $2",
        site.as_str(),
        case,
        place.building,
        place.unit,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What most cases of a cluster are about: stated, else suggested.
pub async fn category(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
) -> Result<Option<Category>, Fault> {
    let category = sqlx::query_scalar!(
        "-- triage::store::clusters::category
        SELECT coalesce(stated_category, suggested_category) AS category FROM case_file
        WHERE site = $1 AND cluster = $2 AND coalesce(stated_category, suggested_category) IS NOT NULL
        GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
        site.as_str(),
        cluster,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    category.flatten().as_deref().map(word).transpose()
}
