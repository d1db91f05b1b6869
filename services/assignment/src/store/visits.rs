//! Visits, and what complainants said at follow-ups.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, StaffId};
use redress_store::{StoreResultExt as _, Tx, constraint};
use uuid::Uuid;

use super::{outbox, parse, parse_opt};
use crate::domain::handling::{FollowUp, Visit, VisitPurpose};
use crate::domain::work::Work;

/// How many visits of a case are read at most.
const VISITS_MAX: i64 = 500;

/// Adds a visit, or records of a planned one that it was made or cancelled; and says who has a part in the case by it, and
/// where its clock stands. One that was made or cancelled stays as it is.
///
/// # Errors
/// INVALID_ARGUMENT when the person does not exist.
pub async fn put(tx: &mut Tx, case: &CaseName, visit: &Visit, now: Timestamp) -> Result<(), Fault> {
    let kept = sqlx::query!(
        r#"-- assignment::store::visits::put
        INSERT INTO visit AS v (site, case_id, id, purpose, staff, plan_time, make_time, findings, create_time, cancel_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT ON CONSTRAINT visit_key DO UPDATE SET staff = $5, make_time = $7, findings = $8, cancel_time = $10
        WHERE v.make_time IS NULL AND v.cancel_time IS NULL
        RETURNING plan_time, create_time AS "create_time!""#,
        case.site.as_str(),
        case.id,
        visit.id,
        visit.purpose.word(),
        visit.staff.as_ref().map(StaffId::as_str),
        visit.planned.map(|t| t.to_sqlx()),
        visit.made.map(|t| t.to_sqlx()),
        visit.findings,
        now.to_sqlx(),
        visit.cancelled.map(|t| t.to_sqlx()),
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(|e| match constraint(&e) {
        Some("visit_staff") => Fault::invalid("staff", "must be a person of the site"),
        _ => redress_store::fault(e),
    })?;
    let Some(kept) = kept else {
        return Ok(());
    };
    if let Some(staff) = &visit.staff {
        outbox::part_changed(tx, case, visit.id, staff, visit.is_open()).await?;
    }
    // By its times as they are kept, so that it is the same demand whoever says it again.
    let visit = Visit {
        planned: kept.plan_time.map(jiff_sqlx::Timestamp::to_jiff),
        ..visit.clone()
    };
    match visit.demand(kept.create_time.to_jiff()) {
        Some(demand) => outbox::demanded(tx, case, &demand, "").await,
        None => Ok(()),
    }
}

/// Cancels what is still to take place: the case has ended (P06).
///
/// # Errors
/// When Postgres is away.
pub async fn cancel_open(tx: &mut Tx, case: &CaseName, now: Timestamp) -> Result<(), Fault> {
    for mut visit in of_case(tx, case).await? {
        if visit.is_open() {
            visit.cancelled = Some(now);
            put(tx, case, &visit, now).await?;
        }
    }
    Ok(())
}

/// The visits of a case, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_case(tx: &mut Tx, case: &CaseName) -> Result<Vec<Visit>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::visits::of_case
        SELECT id, purpose, staff, plan_time, make_time, cancel_time, findings FROM visit
        WHERE site = $1 AND case_id = $2 ORDER BY id DESC LIMIT $3",
        case.site.as_str(),
        case.id,
        VISITS_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Visit {
                id: row.id,
                purpose: parse::<VisitPurpose>("visit.purpose", &row.purpose)?,
                staff: parse_opt("visit.staff", row.staff.as_deref())?,
                planned: row.plan_time.map(jiff_sqlx::Timestamp::to_jiff),
                made: row.make_time.map(jiff_sqlx::Timestamp::to_jiff),
                cancelled: row.cancel_time.map(jiff_sqlx::Timestamp::to_jiff),
                findings: row.findings,
            })
        })
        .collect()
}

/// The visit of a case by its id.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn get(tx: &mut Tx, case: &CaseName, id: Uuid) -> Result<Visit, Fault> {
    of_case(tx, case)
        .await?
        .into_iter()
        .find(|visit| visit.id == id)
        .ok_or_else(|| Fault::not_found("Visit", id))
}

/// When somebody last met the complainant or looked at the matter; none before.
///
/// # Errors
/// When Postgres is away.
pub async fn last_made(tx: &mut Tx, case: &CaseName) -> Result<Option<Timestamp>, Fault> {
    let last = sqlx::query_scalar!(
        "-- assignment::store::visits::last_made
        SELECT max(make_time) FROM visit WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(last.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Keeps what a complainant said at a follow-up.
///
/// # Errors
/// When Postgres is away.
pub async fn add_follow_up(
    tx: &mut Tx,
    case: &CaseName,
    said: &FollowUp,
    note: &str,
    actor: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::visits::add_follow_up
        INSERT INTO follow_up (site, case_id, id, satisfaction, last_word, note, actor, follow_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        case.site.as_str(),
        case.id,
        new_id(now),
        said.satisfaction.word(),
        said.last_word,
        note,
        actor,
        said.at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What was said last at a follow-up since this instant.
///
/// # Errors
/// When Postgres is away.
pub async fn last_follow_up(
    tx: &mut Tx,
    case: &CaseName,
    since: Timestamp,
) -> Result<Option<FollowUp>, Fault> {
    let row = sqlx::query!(
        "-- assignment::store::visits::last_follow_up
        SELECT satisfaction, last_word, follow_time FROM follow_up
        WHERE site = $1 AND case_id = $2 AND follow_time >= $3 ORDER BY follow_time DESC, id DESC LIMIT 1",
        case.site.as_str(),
        case.id,
        since.to_sqlx(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(|row| {
        Ok(FollowUp {
            satisfaction: parse("follow_up.satisfaction", &row.satisfaction)?,
            last_word: row.last_word,
            at: row.follow_time.to_jiff(),
        })
    })
    .transpose()
}

/// Whether a person with authority said since the resolution that the company's last word stands.
///
/// # Errors
/// When Postgres is away.
pub async fn last_word_stands(tx: &mut Tx, work: &Work) -> Result<bool, Fault> {
    let Some(resolved) = work.resolved_at else {
        return Ok(false);
    };
    sqlx::query_scalar!(
        r#"-- assignment::store::visits::last_word_stands
        SELECT EXISTS (
          SELECT FROM follow_up WHERE site = $1 AND case_id = $2 AND follow_time >= $3 AND last_word) AS "stands!""#,
        work.case.site.as_str(),
        work.case.id,
        resolved.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}
