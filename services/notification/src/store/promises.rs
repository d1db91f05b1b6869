//! How much may be promised to the complainants of a case: what assignment said of its solutions.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, SolutionName};
use redress_store::{StoreResultExt as _, Tx};
use rust_decimal::Decimal;

/// What is known of a solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promised {
    /// The solution.
    pub solution: SolutionName,
    /// The case.
    pub case: CaseName,
    /// The case's epoch that it belongs to.
    pub epoch: i64,
    /// Approved as it stands, told or agreed to.
    pub may_be_promised: bool,
    /// The most that it gives.
    pub sum: Decimal,
    /// Until when its final offer stands.
    pub expires: Option<Timestamp>,
    /// Revision of the solution.
    pub revision: i64,
}

/// Keeps what is newer.
pub async fn keep(tx: &mut Tx, promised: &Promised) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::promises::keep
        INSERT INTO promised_sum AS p (site, solution_id, case_id, epoch, may_be_promised, sum, expire_time, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT ON CONSTRAINT promised_sum_pkey DO UPDATE
        SET epoch = $4, may_be_promised = $5, sum = $6, expire_time = $7, revision = $8
        WHERE p.revision < $8",
        promised.case.site.as_str(),
        promised.solution.id,
        promised.case.id,
        promised.epoch,
        promised.may_be_promised,
        promised.sum,
        promised.expires.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        promised.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The most that may be promised in this epoch of a case; none where no solution may be told.
pub async fn most(
    tx: &mut Tx,
    case: &CaseName,
    epoch: i64,
    now: Timestamp,
) -> Result<Option<Decimal>, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::promises::most
        SELECT max(sum) AS "most" FROM promised_sum
        WHERE site = $1 AND case_id = $2 AND epoch = $3 AND may_be_promised
          AND (expire_time IS NULL OR expire_time > $4)"#,
        case.site.as_str(),
        case.id,
        epoch,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}
