//! What corrections taught each organization: counts of keyed hashes of words, seen from its own sites alone.

use std::collections::HashMap;

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::Category;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::word;
use crate::domain::lessons::{Lesson, Lessons, SITE_PRIOR_CASES};
use crate::domain::similarity::Terms;

/// What a site's organization was taught, as far as these words need it.
pub async fn of_words(tx: &mut Tx, site: &SiteId, terms: &Terms) -> Result<Lessons, Fault> {
    let mut lessons = Lessons::default();
    let counts = sqlx::query!(
        "-- triage::store::lessons::of_words
        SELECT l.category, l.instead_of, l.cases FROM lesson_count l
        JOIN site s ON s.organization = l.organization
        WHERE s.site = $1 AND l.cases > 0",
        site.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    for row in counts {
        let instead_of = match row.instead_of.as_str() {
            "" => None,
            instead_of => Some(word(instead_of)?),
        };
        let category: Category = word(&row.category)?;
        lessons
            .cases
            .insert((category, instead_of), count(row.cases));
    }
    // Most organizations have not been taught anything, and a complaint has many words.
    if lessons.cases.is_empty() {
        return Ok(lessons);
    }
    let hashes: Vec<i64> = terms.keys().copied().collect();
    let words = sqlx::query!(
        "-- triage::store::lessons::of_words
        SELECT l.term, l.category, l.cases FROM lesson_word l
        JOIN site s ON s.organization = l.organization
        WHERE s.site = $1 AND l.term = ANY ($2) AND l.cases > 0",
        site.as_str(),
        &hashes,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    for row in words {
        let by = lessons.words.entry(row.term).or_default();
        by.insert(word(&row.category)?, count(row.cases));
    }
    lessons.common = common(tx, site, lessons.words.keys().copied().collect()).await?;
    Ok(lessons)
}

/// In what share of the site's cases these words occur.
async fn common(tx: &mut Tx, site: &SiteId, terms: Vec<i64>) -> Result<HashMap<i64, f64>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::lessons::common
        SELECT t.term, t.documents::float8 / (s.documents + $3::float8) AS \"share!\"
        FROM term t JOIN site s ON s.site = t.site
        WHERE t.site = $1 AND t.term = ANY ($2)",
        site.as_str(),
        &terms,
        SITE_PRIOR_CASES,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows.into_iter().map(|row| (row.term, row.share)).collect())
}

/// What a case taught, and to which organization.
pub async fn of_case(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
) -> Result<Option<(String, Lesson)>, Fault> {
    let row = sqlx::query!(
        "-- triage::store::lessons::of_case
        SELECT organization, category, instead_of FROM lesson WHERE site = $1 AND case_id = $2 FOR UPDATE",
        site.as_str(),
        case,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(|row| {
        let lesson = Lesson {
            category: word(&row.category)?,
            instead_of: row.instead_of.as_deref().map(word).transpose()?,
        };
        Ok((row.organization, lesson))
    })
    .transpose()
}

/// Takes back what a case taught.
pub async fn forget(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    organization: &str,
    lesson: Lesson,
    terms: &Terms,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::lessons::forget
        DELETE FROM lesson WHERE site = $1 AND case_id = $2",
        site.as_str(),
        case,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    add(tx, organization, lesson, terms, -1).await
}

/// Keeps what a case teaches the organization of its site.
pub async fn keep(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    lesson: Lesson,
    terms: &Terms,
) -> Result<(), Fault> {
    let organization = sqlx::query_scalar!(
        "-- triage::store::lessons::keep
        INSERT INTO lesson (site, case_id, organization, category, instead_of)
        SELECT $1, $2, s.organization, $3, $4 FROM site s WHERE s.site = $1
        RETURNING organization",
        site.as_str(),
        case,
        lesson.category.word(),
        lesson.instead_of.map(Category::word),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    add(tx, &organization, lesson, terms, 1).await
}

async fn add(
    tx: &mut Tx,
    organization: &str,
    lesson: Lesson,
    terms: &Terms,
    by: i64,
) -> Result<(), Fault> {
    let category = lesson.category.word();
    sqlx::query!(
        "-- triage::store::lessons::add
        INSERT INTO lesson_count AS l (organization, category, instead_of, cases) VALUES ($1, $2, $3, $4)
        ON CONFLICT ON CONSTRAINT lesson_count_key DO UPDATE SET cases = l.cases + $4",
        organization,
        category,
        lesson.instead_of.map_or("", Category::word),
        by,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    // In the order of the words, so that two sites of one organization do not wait for each other.
    let hashes: Vec<i64> = terms.keys().copied().collect();
    sqlx::query!(
        "-- triage::store::lessons::add
        INSERT INTO lesson_word AS l (organization, term, category, cases)
        SELECT $1, t.term, $2, $4 FROM unnest($3::bigint[]) AS t (term)
        ON CONFLICT ON CONSTRAINT lesson_word_key DO UPDATE SET cases = l.cases + $4",
        organization,
        category,
        &hashes,
        by,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Keeps how a category was suggested: from corrections, and what the rules of the order gave.
pub async fn set_basis(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    rule: Option<Category>,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::lessons::set_basis
        UPDATE case_file SET category_learned = true, rule_category = $3 WHERE site = $1 AND id = $2",
        site.as_str(),
        case,
        rule.map(Category::word),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Where the suggestion of a case was learned from corrections: what the rules gave.
pub async fn learned(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
) -> Result<Option<Option<Category>>, Fault> {
    let row = sqlx::query!(
        "-- triage::store::lessons::learned
        SELECT rule_category FROM case_file WHERE site = $1 AND id = $2 AND category_learned",
        site.as_str(),
        case,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(|row| row.rule_category.as_deref().map(word).transpose())
        .transpose()
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
