//! Written reports of stores on cases (M17). Rows are only added.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

/// How many reports of a case are read at most.
const REPORTS_MAX: i64 = 100;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreReport {
    /// Its id.
    pub id: Uuid,
    /// What it says.
    pub text: String,
    /// Who submitted it.
    pub author: String,
    /// When.
    pub at: Timestamp,
}

/// Keeps a report.
///
/// # Errors
/// When Postgres is away.
pub async fn add(tx: &mut Tx, case: &CaseName, report: &StoreReport) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::store_reports::add
        INSERT INTO store_report (site, id, case_id, text, author, submit_time) VALUES ($1, $2, $3, $4, $5, $6)",
        case.site.as_str(),
        report.id,
        case.id,
        report.text,
        report.author,
        report.at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The reports on a case, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_case(tx: &mut Tx, case: &CaseName) -> Result<Vec<StoreReport>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::store_reports::of_case
        SELECT id, text, author, submit_time FROM store_report
        WHERE site = $1 AND case_id = $2 ORDER BY id DESC LIMIT $3",
        case.site.as_str(),
        case.id,
        REPORTS_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|row| StoreReport {
            id: row.id,
            text: row.text,
            author: row.author,
            at: row.submit_time.to_jiff(),
        })
        .collect())
}
