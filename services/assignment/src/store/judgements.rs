//! What was judged of the demands of complaints (M02).

use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_store::{StoreResultExt as _, Tx};

use crate::domain::validity::{Demand, Judgement};

/// How many judgements of a case are read at most.
const JUDGEMENTS_MAX: i64 = 100;

/// Adds a judgement, numbered after the last one. The site's lock keeps two from the same number.
///
/// # Errors
/// When Postgres is away.
pub async fn add(tx: &mut Tx, case: &CaseName, judgement: &Judgement) -> Result<i32, Fault> {
    let demands = &judgement.demands;
    let texts: Vec<String> = demands.iter().map(|d| d.text.clone()).collect();
    let lawful: Vec<bool> = demands.iter().map(|d| d.lawful).collect();
    let reasonable: Vec<bool> = demands.iter().map(|d| d.reasonable).collect();
    let reasons: Vec<String> = demands.iter().map(|d| d.reason.clone()).collect();
    let sequence = sqlx::query_scalar!(
        "-- assignment::store::judgements::add
        INSERT INTO demand_judgement (site, case_id, sequence, demands, lawful, reasonable, reasons, judge, judge_time)
        SELECT $1, $2, coalesce(max(sequence), 0) + 1, $3, $4, $5, $6, $7, $8
        FROM demand_judgement WHERE site = $1 AND case_id = $2
        RETURNING sequence",
        case.site.as_str(),
        case.id,
        &texts,
        &lawful,
        &reasonable,
        &reasons,
        judgement.judge,
        judgement.at.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(sequence)
}

/// What was judged of the demands of a case, newest first: the first one stands.
///
/// # Errors
/// When Postgres is away.
pub async fn of_case(tx: &mut Tx, case: &CaseName) -> Result<Vec<Judgement>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::judgements::of_case
        SELECT sequence, demands, lawful, reasonable, reasons, judge, judge_time FROM demand_judgement
        WHERE site = $1 AND case_id = $2 ORDER BY sequence DESC LIMIT $3",
        case.site.as_str(),
        case.id,
        JUDGEMENTS_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let judgements = rows.into_iter().map(|row| Judgement {
        sequence: row.sequence,
        demands: row
            .demands
            .into_iter()
            .zip(row.lawful)
            .zip(row.reasonable)
            .zip(row.reasons)
            .map(|(((text, lawful), reasonable), reason)| Demand {
                text,
                lawful,
                reasonable,
                reason,
            })
            .collect(),
        judge: row.judge,
        at: row.judge_time.to_jiff(),
    });
    Ok(judgements.collect())
}
