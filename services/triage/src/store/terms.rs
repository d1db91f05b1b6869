//! Keyed hashes of the words of cases, and how often they occur at a site.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::Category;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::word;
use crate::domain::similarity::{Documents, Terms, WINDOW_DAYS};

/// Cases that are compared in full at most; those that share the heaviest words.
const CANDIDATES_MAX: i64 = 24;

/// Words by which candidates are looked up at most: the heaviest, so that the cost of a look-up does
/// not grow with the length of a complaint.
const PROBES_MAX: usize = 48;

/// A case that may be about the same issue.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The case.
    pub case: Uuid,
    /// Its cluster.
    pub cluster: Uuid,
    /// What it is about.
    pub category: Option<Category>,
    /// Its words.
    pub terms: Terms,
}

/// Keeps the words of a case and counts it as a document of the site. Call once for a case.
pub async fn learn(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    received: Timestamp,
    terms: &Terms,
) -> Result<(), Fault> {
    let (hashes, counts): (Vec<i64>, Vec<i32>) = terms
        .iter()
        .map(|(&term, &count)| (term, i32::try_from(count).unwrap_or(i32::MAX)))
        .unzip();
    sqlx::query!(
        "-- triage::store::terms::learn
        INSERT INTO case_term (site, term, case_id, count, received_time)
        SELECT $1, t.term, $2, t.count, $3 FROM unnest($4::bigint[], $5::int[]) AS t (term, count)",
        site.as_str(),
        case,
        received.to_sqlx(),
        &hashes,
        &counts,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- triage::store::terms::learn
        INSERT INTO term AS t (site, term, documents)
        SELECT $1, n.term, 1 FROM unnest($2::bigint[]) AS n (term)
        ON CONFLICT ON CONSTRAINT term_key DO UPDATE SET documents = t.documents + 1",
        site.as_str(),
        &hashes,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    sqlx::query!(
        "-- triage::store::terms::learn
        UPDATE site SET documents = documents + 1 WHERE site = $1",
        site.as_str(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// How many documents the site has and in how many of them these terms occur; added to what is known.
pub async fn documents(
    tx: &mut Tx,
    site: &SiteId,
    terms: &[i64],
    known: &mut Documents,
) -> Result<(), Fault> {
    let count = sqlx::query_scalar!(
        "-- triage::store::terms::documents
        SELECT documents FROM site WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    known.count = count.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    let rows = sqlx::query!(
        "-- triage::store::terms::documents
        SELECT term, documents FROM term WHERE site = $1 AND term = ANY ($2)",
        site.as_str(),
        terms,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let rows = rows
        .into_iter()
        .map(|row| (row.term, u64::try_from(row.documents).unwrap_or(0)));
    known.with_term.extend(rows);
    Ok(())
}

/// The cases received around this time that share the heaviest of these words, but not the case itself.
pub async fn candidates(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    received: Timestamp,
    terms: &Terms,
    documents: &Documents,
) -> Result<Vec<Candidate>, Fault> {
    let mut probes: Vec<(i64, f64)> = terms
        .iter()
        .map(|(&term, &count)| (term, f64::from(count) * documents.weight(term).powi(2)))
        .collect();
    probes.sort_by(|a, b| b.1.total_cmp(&a.1));
    probes.truncate(PROBES_MAX);
    let (hashes, weights): (Vec<i64>, Vec<f64>) = probes.into_iter().unzip();
    let window = SignedDuration::from_hours(24 * WINDOW_DAYS);
    let rows = sqlx::query!(
        "-- triage::store::terms::candidates
        SELECT c.id, c.cluster, c.stated_category, c.suggested_category
        FROM (SELECT t.case_id, sum(t.count * p.weight) AS score
              FROM unnest($2::bigint[], $3::float8[]) AS p (term, weight)
              JOIN case_term t ON t.site = $1 AND t.term = p.term
              WHERE t.received_time BETWEEN $4 AND $5 AND t.case_id <> $6
              GROUP BY t.case_id
              ORDER BY score DESC, t.case_id LIMIT $7) AS best
        JOIN case_file c ON c.site = $1 AND c.id = best.case_id",
        site.as_str(),
        &hashes,
        &weights,
        received
            .saturating_sub(window)
            .unwrap_or(Timestamp::MIN)
            .to_sqlx(),
        received
            .saturating_add(window)
            .unwrap_or(Timestamp::MAX)
            .to_sqlx(),
        case,
        CANDIDATES_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut terms = of_cases(tx, site, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let category = row.stated_category.or(row.suggested_category);
            Ok(Candidate {
                case: row.id,
                cluster: row.cluster,
                category: category.as_deref().map(word).transpose()?,
                terms: terms.remove(&row.id).unwrap_or_default(),
            })
        })
        .collect()
}

async fn of_cases(
    tx: &mut Tx,
    site: &SiteId,
    cases: &[Uuid],
) -> Result<HashMap<Uuid, Terms>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::terms::of_cases
        SELECT case_id, term, count FROM case_term WHERE site = $1 AND case_id = ANY ($2)",
        site.as_str(),
        cases,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut of_cases: HashMap<Uuid, Terms> = HashMap::new();
    for row in rows {
        let terms = of_cases.entry(row.case_id).or_default();
        terms.insert(row.term, u32::try_from(row.count).unwrap_or(0));
    }
    Ok(of_cases)
}
