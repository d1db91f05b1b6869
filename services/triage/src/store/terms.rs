//! Keyed hashes of the words of cases, and how often they occur at a site.
//!
//! Finding the likest cases costs the same whatever the size of the site: only the heaviest words are looked
//! up, only so many cases of each, the newest first, and only a handful is compared in full.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::Category;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::word;
use crate::domain::similarity::{Documents, Place, Terms};

/// Cases that are compared in full at most.
const CANDIDATES_MAX: i64 = 8;

/// Words by which cases are looked up at most: the heaviest, so that the cost of a look-up does not grow
/// with the length of a complaint.
const PROBES_MAX: usize = 48;

/// Cases that are looked up by one word at most.
const CASES_OF_A_WORD_MAX: u64 = 1_000;

/// Cases that are looked up by all words together at most; the heaviest words come first.
const CASES_OF_WORDS_MAX: u64 = 1_500;

/// A case that may be about the same issue.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The case.
    pub case: Uuid,
    /// Its cluster.
    pub cluster: Uuid,
    /// What it is about.
    pub category: Option<Category>,
    /// Where it is about.
    pub place: Place,
    /// Its words.
    pub terms: Terms,
}

/// Counts a case as a document of the site, and gives the counts of its words with itself. The site's clusters must be
/// locked: nobody else counts meanwhile.
pub async fn count(tx: &mut Tx, site: &SiteId, terms: &Terms) -> Result<Documents, Fault> {
    let hashes: Vec<i64> = terms.keys().copied().collect();
    // Nearly all words of a case are known. Arrays, since a row for each word costs more than finding it.
    let row = sqlx::query!(
        "-- triage::store::terms::count
        WITH known AS (
          UPDATE term SET documents = documents + 1 WHERE site = $1 AND term = ANY ($2)
          RETURNING term, documents),
        added AS (
          INSERT INTO term (site, term, documents)
          SELECT $1, n.term, 1 FROM unnest($2::bigint[]) AS n (term)
          WHERE n.term NOT IN (SELECT k.term FROM known k)
          RETURNING term, documents),
        counted AS (UPDATE site SET documents = documents + 1 WHERE site = $1 RETURNING documents)
        SELECT coalesce(array_agg(w.term), '{}') AS \"terms!\", coalesce(array_agg(w.documents), '{}') AS \"documents!\",
               (SELECT c.documents FROM counted c) AS \"of_site!\"
        FROM (SELECT term, documents FROM known UNION ALL SELECT term, documents FROM added) AS w",
        site.as_str(),
        &hashes,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(Documents {
        count: count_of(row.of_site),
        with_term: with_term(row.terms, row.documents).collect(),
    })
}

/// Keeps the words of a case, once they are counted.
pub async fn keep(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    received: Timestamp,
    terms: &Terms,
    documents: &Documents,
) -> Result<(), Fault> {
    let (hashes, counts): (Vec<i64>, Vec<i32>) = terms
        .iter()
        .map(|(&term, &count)| (term, i32::try_from(count).unwrap_or(i32::MAX)))
        .unzip();
    let unit = documents.heaviest() / documents.norm(terms).max(f64::MIN_POSITIVE);
    sqlx::query!(
        "-- triage::store::terms::keep
        WITH found_by AS (
          INSERT INTO case_term (site, term, case_id, received_time, share)
          SELECT $1, t.term, $2, $3, t.count * $6::float8
          FROM unnest($4::bigint[], $5::int[]) AS t (term, count))
        INSERT INTO case_words (site, case_id, terms, counts) VALUES ($1, $2, $4, $5)",
        site.as_str(),
        case,
        received.to_sqlx(),
        &hashes,
        &counts,
        unit,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The cases received around this time that are likest by the heaviest of these words. What their words
/// weigh is added to what is known.
pub async fn candidates(
    tx: &mut Tx,
    site: &SiteId,
    received: Timestamp,
    window: SignedDuration,
    terms: &Terms,
    documents: &mut Documents,
) -> Result<Vec<Candidate>, Fault> {
    let (hashes, weights) = probes(terms, documents);
    let rows = sqlx::query!(
        "-- triage::store::terms::candidates
        SELECT c.id, c.cluster, c.stated_category, c.suggested_category, c.building, c.unit,
               w.terms AS \"terms?\", w.counts AS \"counts?\"
        FROM (SELECT t.case_id, sum(t.share * p.weight) AS score
              FROM unnest($2::bigint[], $3::float8[]) AS p (term, weight)
              CROSS JOIN LATERAL (
                SELECT case_id, share FROM case_term
                WHERE site = $1 AND term = p.term AND received_time BETWEEN $4 AND $5
                ORDER BY received_time DESC, case_id DESC LIMIT $6) AS t
              GROUP BY t.case_id
              ORDER BY score DESC, t.case_id LIMIT $7) AS best
        JOIN case_file c ON c.site = $1 AND c.id = best.case_id
        LEFT JOIN case_words w ON w.site = $1 AND w.case_id = best.case_id
        ORDER BY best.score DESC, c.id",
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
        i64::try_from(CASES_OF_A_WORD_MAX).unwrap_or(i64::MAX),
        CANDIDATES_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let candidates = rows
        .into_iter()
        .map(|row| {
            let category = row.stated_category.or(row.suggested_category);
            Ok(Candidate {
                case: row.id,
                cluster: row.cluster,
                category: category.as_deref().map(word).transpose()?,
                place: Place {
                    building: row.building,
                    unit: row.unit,
                },
                terms: terms_of(
                    row.terms.unwrap_or_default(),
                    row.counts.unwrap_or_default(),
                ),
            })
        })
        .collect::<Result<Vec<Candidate>, Fault>>()?;
    weigh(tx, site, &candidates, documents).await?;
    Ok(candidates)
}

/// The words by which to look, heaviest first, with what an occurrence in another case is worth; as many as
/// the limit of cases allows.
fn probes(terms: &Terms, documents: &Documents) -> (Vec<i64>, Vec<f64>) {
    let mut probes: Vec<(i64, f64)> = terms
        .iter()
        .map(|(&term, &count)| (term, f64::from(count) * documents.weight(term).powi(2)))
        .collect();
    probes.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut left = CASES_OF_WORDS_MAX;
    probes
        .into_iter()
        .take(PROBES_MAX)
        .take_while(|(term, _)| {
            let reads = documents.with(*term).min(CASES_OF_A_WORD_MAX);
            let begins = left > 0;
            left = left.saturating_sub(reads);
            begins
        })
        .unzip()
}

/// Adds to what is known in how many documents each word of these cases occurs.
async fn weigh(
    tx: &mut Tx,
    site: &SiteId,
    candidates: &[Candidate],
    documents: &mut Documents,
) -> Result<(), Fault> {
    let mut others: Vec<i64> = candidates
        .iter()
        .flat_map(|candidate| candidate.terms.keys().copied())
        .filter(|term| !documents.with_term.contains_key(term))
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    others.sort_unstable();
    others.dedup();
    let row = sqlx::query!(
        "-- triage::store::terms::weigh
        SELECT coalesce(array_agg(term), '{}') AS \"terms!\", coalesce(array_agg(documents), '{}') AS \"documents!\"
        FROM term WHERE site = $1 AND term = ANY ($2)",
        site.as_str(),
        &others,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    documents
        .with_term
        .extend(with_term(row.terms, row.documents));
    Ok(())
}

/// The words of a case.
pub async fn of_case(tx: &mut Tx, site: &SiteId, case: Uuid) -> Result<Terms, Fault> {
    let row = sqlx::query!(
        "-- triage::store::terms::of_case
        SELECT terms, counts FROM case_words WHERE site = $1 AND case_id = $2",
        site.as_str(),
        case,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map_or_else(Terms::new, |row| terms_of(row.terms, row.counts)))
}

fn terms_of(terms: Vec<i64>, counts: Vec<i32>) -> Terms {
    let counts = counts.into_iter().map(|n| u32::try_from(n).unwrap_or(0));
    terms.into_iter().zip(counts).collect()
}

fn with_term(terms: Vec<i64>, documents: Vec<i64>) -> impl Iterator<Item = (i64, u64)> {
    terms.into_iter().zip(documents.into_iter().map(count_of))
}

fn count_of(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
