//! Decisions on validity, and the one appeal of a case.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, StaffId};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{parse, person};
use crate::domain::validity::{Appeal, Decision};

/// How many decisions of a case are read at most.
const DECISIONS_MAX: i64 = 100;

/// Adds a decision, numbered after the last one. The site's lock keeps two from the same number.
///
/// # Errors
/// When Postgres is away.
pub async fn add(tx: &mut Tx, case: &CaseName, decision: &Decision) -> Result<i32, Fault> {
    let sequence = sqlx::query_scalar!(
        "-- assignment::store::validity::add
        INSERT INTO validity_decision (site, case_id, sequence, validity, reason, evidence, decider, decide_time,
                                       on_appeal, decider_staff, level)
        SELECT $1, $2, coalesce(max(sequence), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10
        FROM validity_decision WHERE site = $1 AND case_id = $2
        RETURNING sequence",
        case.site.as_str(),
        case.id,
        decision.validity.word(),
        decision.reason,
        &decision.evidence,
        decision.decider.subject,
        decision.at.to_sqlx(),
        decision.on_appeal,
        decision.decider.staff.as_ref().map(ToString::to_string),
        decision.level.word(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(sequence)
}

/// The decisions on a case, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_case(tx: &mut Tx, case: &CaseName) -> Result<Vec<Decision>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::validity::of_case
        SELECT sequence, validity, reason, evidence, decider, decide_time, on_appeal, decider_staff, level FROM validity_decision
        WHERE site = $1 AND case_id = $2 ORDER BY sequence DESC LIMIT $3",
        case.site.as_str(),
        case.id,
        DECISIONS_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Decision {
                sequence: row.sequence,
                validity: parse("validity_decision.validity", &row.validity)?,
                reason: row.reason,
                evidence: row.evidence,
                decider: person(
                    "validity_decision.decider_staff",
                    row.decider,
                    row.decider_staff.as_deref(),
                )?,
                level: parse("validity_decision.level", &row.level)?,
                at: row.decide_time.to_jiff(),
                on_appeal: row.on_appeal,
            })
        })
        .collect()
}

/// The appeal of a case, if there is one.
///
/// # Errors
/// When Postgres is away.
pub async fn appeal(tx: &mut Tx, case: &CaseName) -> Result<Option<Appeal>, Fault> {
    let row = sqlx::query!(
        "-- assignment::store::validity::appeal
        SELECT reason, appeal_time, against, against_staff, granted, decide_time, evidence FROM appeal WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(row) = row else {
        return Ok(None);
    };
    let against = row.against_staff.as_deref();
    Ok(Some(Appeal {
        reason: row.reason,
        at: row.appeal_time.to_jiff(),
        against: person("appeal.against_staff", row.against, against)?,
        decided: row
            .granted
            .zip(row.decide_time.map(jiff_sqlx::Timestamp::to_jiff)),
        evidence: row.evidence,
    }))
}

/// Takes an appeal in.
///
/// # Errors
/// When Postgres is away.
pub async fn add_appeal(tx: &mut Tx, case: &CaseName, appeal: &Appeal) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::validity::add_appeal
        INSERT INTO appeal (site, case_id, reason, appeal_time, against, against_staff) VALUES ($1, $2, $3, $4, $5, $6)",
        case.site.as_str(),
        case.id,
        appeal.reason,
        appeal.at.to_sqlx(),
        appeal.against.subject,
        appeal.against.staff.as_ref().map(ToString::to_string),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What is owed to whoever appealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// Id of its demand, which has a clock of its own.
    pub demand: Uuid,
    /// From when on.
    pub since: Timestamp,
    /// By when it is to be decided.
    pub due: Timestamp,
}

/// Lets the appeal be owed; who was told first stands for it.
///
/// # Errors
/// When Postgres is away.
pub async fn owe(
    tx: &mut Tx,
    case: &CaseName,
    owed: &Owed,
    by: Option<&StaffId>,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::validity::owe
        UPDATE appeal SET demand = $3, owe_time = $4, due_time = $5, owed_by = $6
        WHERE site = $1 AND case_id = $2 AND granted IS NULL",
        case.site.as_str(),
        case.id,
        owed.demand,
        owed.since.to_sqlx(),
        owed.due.to_sqlx(),
        by.map(StaffId::as_str),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What is owed of an appeal that nobody decided; none where there is none, or an older release took it in.
///
/// # Errors
/// When Postgres is away.
pub async fn owed(tx: &mut Tx, case: &CaseName) -> Result<Option<Owed>, Fault> {
    let row = sqlx::query!(
        r#"-- assignment::store::validity::owed
        SELECT demand AS "demand!", owe_time AS "owe_time!", due_time AS "due_time!" FROM appeal
        WHERE site = $1 AND case_id = $2 AND granted IS NULL AND demand IS NOT NULL"#,
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(|row| Owed {
        demand: row.demand,
        since: row.owe_time.to_jiff(),
        due: row.due_time.to_jiff(),
    }))
}

/// What was decided of an appeal.
#[derive(Debug, Clone, Copy)]
pub struct Verdict<'a> {
    /// Granted, or dismissed.
    pub granted: bool,
    /// Token subject of who decided.
    pub decider: &'a str,
    /// Why.
    pub reason: &'a str,
    /// What proves it.
    pub evidence: &'a [String],
}

/// Decides the appeal.
///
/// # Errors
/// When Postgres is away.
pub async fn decide_appeal(
    tx: &mut Tx,
    case: &CaseName,
    verdict: &Verdict<'_>,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::validity::decide_appeal
        UPDATE appeal SET granted = $3, decide_time = $4, decider = $5, decision = $6, evidence = $7
        WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
        verdict.granted,
        now.to_sqlx(),
        verdict.decider,
        verdict.reason,
        verdict.evidence,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
