//! The search rows. Reading goes through a function of the owner that applies scope and viewer itself,
//! since full-text operators are not leakproof and lose their index under row security.

use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId};
use redress_store::{StoreResultExt as _, Tx};

use super::case::Record;
use super::list::CaseKey;
use super::stored;
use crate::domain::search::lexemes;

/// Writes what a case is found by.
///
/// # Errors
/// When Postgres is away.
pub async fn put(tx: &mut Tx, case: &Record) -> Result<(), Fault> {
    let words = lexemes(
        case.name.site.as_str(),
        &[
            &case.text,
            &case.place.building,
            &case.place.unit,
            &case.place.detail,
        ],
    );
    let hidden_from: Vec<String> = case
        .staff_complained_about
        .iter()
        .map(ToString::to_string)
        .collect();
    sqlx::query!(
        "-- intake::search::put
        INSERT INTO case_search (site, case_id, received_time, hidden_from, lexemes)
        VALUES ($1, $2, $3, $4, array_to_tsvector($5::text[]))
        ON CONFLICT ON CONSTRAINT case_search_key DO UPDATE SET hidden_from = $4, lexemes = array_to_tsvector($5::text[])",
        case.name.site.as_str(),
        case.name.id,
        case.received.to_sqlx() as _,
        &hidden_from,
        &words,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Names of a page of cases that hold all words.
///
/// # Errors
/// When Postgres is away.
pub async fn names(
    tx: &mut Tx,
    words: &[String],
    site: Option<&SiteId>,
    after: Option<&CaseKey>,
    limit: i64,
) -> Result<Vec<CaseName>, Fault> {
    let rows = sqlx::query!(
        r#"-- intake::search::names
        SELECT site AS "site!", case_id AS "case_id!" FROM case_search_find($1, $2, $3, $4, $5)
        ORDER BY received_time DESC, case_id DESC"#,
        words,
        site.map(SiteId::as_str),
        after.map(|k| k.0.to_sqlx()) as _,
        after.map(|k| k.1),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.iter()
        .map(|r| Ok(CaseName::new(stored(&r.site)?, r.case_id)))
        .collect()
}
