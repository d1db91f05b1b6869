//! What became of the messages that carry statements: the newest state of each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, MessageName, SiteId};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

/// News of one message.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The message.
    pub message: MessageName,
    /// The statement that it carries.
    pub statement: Uuid,
    /// Whose complainant it goes to.
    pub case: CaseName,
    /// It was sent, and nothing came back.
    pub reached: bool,
    /// Since when.
    pub at: Timestamp,
}

/// Takes news in unless newer ones are known. Of one instant the better ones hold, in whatever order they come. Says whether
/// that changes who was reached: a message of which nothing is known counts as having arrived.
///
/// # Errors
/// When Postgres is away.
pub async fn take(tx: &mut Tx, delivery: &Delivery) -> Result<bool, Fault> {
    let moved = sqlx::query_scalar!(
        r#"-- crisis::store::deliveries::take
        WITH known AS (SELECT reached FROM statement_delivery WHERE site = $1 AND message = $2),
        taken AS (
          INSERT INTO statement_delivery AS d (site, message, statement, case_id, reached, change_time)
          VALUES ($1, $2, $3, $4, $5, $6)
          ON CONFLICT (site, message) DO UPDATE SET reached = $5, change_time = $6
          WHERE (d.change_time, d.reached) < ($6, $5)
          RETURNING d.reached
        )
        SELECT taken.reached <> coalesce((SELECT reached FROM known), true) AS "moved!" FROM taken"#,
        delivery.message.site.as_str(),
        delivery.message.id,
        delivery.statement,
        delivery.case.id,
        delivery.reached,
        delivery.at.to_sqlx(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(moved == Some(true))
}

/// How many people were not reached by each statement of an incident and of those that were merged into it, by statement
/// and case.
///
/// # Errors
/// When Postgres is away.
pub async fn missed(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
) -> Result<BTreeMap<(Uuid, Uuid), u64>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::deliveries::missed
        SELECT d.statement, d.case_id, count(*) AS "people!"
        FROM statement_delivery d JOIN statement s ON s.site = d.site AND s.id = d.statement
        WHERE d.site = $1 AND NOT d.reached
          AND s.incident IN (SELECT $2::uuid UNION ALL SELECT merged_of($1, $2))
        GROUP BY d.statement, d.case_id"#,
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|r| ((r.statement, r.case_id), r.people.unsigned_abs()))
        .collect())
}
