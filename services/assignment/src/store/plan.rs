//! The rules of a site's roster, leave and swaps, and the roster that they make together.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{LeaveName, SiteId, StaffId, StaffName};
use redress_model::words::DutyRole;
use redress_proto::event::v1::WorkNews;
use redress_store::{StoreResultExt as _, Tx};
use sqlx::PgPool;
use uuid::Uuid;

use super::outbox::{self, Notice};
use super::{bench, document, duties, parse, parse_opt, work};
use crate::domain::plan::{Leave, Roster, Rules, Swap};

/// Leave and swaps that ended longer ago change no stretch that anybody still asks for: the longest turn is a year.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(400 * 24);

/// The rules as set last, with their revision; empty ones of revision 0 where none were.
///
/// # Errors
/// When Postgres is away.
pub async fn rules(tx: &mut Tx, site: &SiteId) -> Result<(Rules, i64), Fault> {
    let row = sqlx::query!(
        "-- assignment::store::plan::rules
        SELECT rules, revision FROM roster_plan WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    document(row.map(|row| (row.rules, row.revision)))
}

/// Replaces the rules.
///
/// # Errors
/// When Postgres is away.
pub async fn set_rules(
    tx: &mut Tx,
    site: &SiteId,
    rules: &Rules,
    revision: i64,
) -> Result<(), Fault> {
    let rules = serde_json::to_value(rules).map_err(Fault::internal)?;
    sqlx::query!(
        "-- assignment::store::plan::set_rules
        INSERT INTO roster_plan (site, rules, revision) VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT roster_plan_key DO UPDATE SET rules = $2, revision = $3",
        site.as_str(),
        rules,
        revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The zone of a site's local times.
///
/// # Errors
/// NOT_FOUND when the site is not known here or not in scope.
pub async fn zone(tx: &mut Tx, site: &SiteId) -> Result<TimeZone, Fault> {
    let name = sqlx::query_scalar!(
        "-- assignment::store::plan::zone
        SELECT time_zone FROM site WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .ok_or_else(|| Fault::not_found("Site", format!("sites/{site}")))?;
    TimeZone::get(&name).map_err(Fault::internal)
}

/// Everything that says who has which duty from an instant on.
///
/// # Errors
/// NOT_FOUND when the site is not known here; when Postgres is away.
pub async fn roster(tx: &mut Tx, site: &SiteId, from: Timestamp) -> Result<Roster, Fault> {
    let zone = zone(tx, site).await?;
    let (rules, _) = rules(tx, site).await?;
    let since = from.saturating_sub(LOOK_BACK).unwrap_or(Timestamp::MIN);
    let leaves = sqlx::query!(
        "-- assignment::store::plan::roster
        SELECT staff, start_time, end_time FROM leave WHERE site = $1 AND end_time > $2",
        site.as_str(),
        since.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let swaps = sqlx::query!(
        "-- assignment::store::plan::roster
        SELECT staff, substitute, role, start_time, end_time FROM swap WHERE site = $1 AND end_time > $2 ORDER BY id",
        site.as_str(),
        since.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let leaves: Result<Vec<Leave>, Fault> = leaves
        .into_iter()
        .map(|row| {
            Ok(Leave {
                staff: parse("leave.staff", &row.staff)?,
                from: row.start_time.to_jiff(),
                until: row.end_time.to_jiff(),
            })
        })
        .collect();
    let swaps: Result<Vec<Swap>, Fault> = swaps
        .into_iter()
        .map(|row| {
            Ok(Swap {
                staff: parse("swap.staff", &row.staff)?,
                substitute: parse("swap.substitute", &row.substitute)?,
                role: parse_opt::<DutyRole>("swap.role", row.role.as_deref())?,
                from: row.start_time.to_jiff(),
                until: row.end_time.to_jiff(),
            })
        })
        .collect();
    Ok(Roster {
        zone,
        rules,
        fixed: duties::ahead(tx, site, from).await?,
        leaves: leaves?,
        swaps: swaps?,
    })
}

/// Lets a change of the roster take effect: others are told, and cases that waited for somebody get them.
///
/// # Errors
/// When Postgres is away.
pub async fn announce(
    tx: &mut Tx,
    site: &SiteId,
    actor: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    duties::lock_revision(tx, site, now).await?;
    outbox::duty_changed(tx, site, now, false).await?;
    work::settle(tx, site, None, actor, now).await
}

/// Takes the locks of a change of the roster.
///
/// # Errors
/// When Postgres is away.
pub async fn lock(tx: &mut Tx, site: &SiteId, now: Timestamp) -> Result<i64, Fault> {
    bench::lock(tx, site).await?;
    duties::lock_revision(tx, site, now).await
}

/// Adds leave.
///
/// # Errors
/// When Postgres is away.
pub async fn insert_leave(
    tx: &mut Tx,
    site: &SiteId,
    id: Uuid,
    leave: &Leave,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::plan::insert_leave
        INSERT INTO leave (site, id, staff, start_time, end_time) VALUES ($1, $2, $3, $4, $5)",
        site.as_str(),
        id,
        leave.staff.as_str(),
        leave.from.to_sqlx(),
        leave.until.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Whether a person is on leave at an instant.
///
/// # Errors
/// When Postgres is away.
pub async fn is_away(
    tx: &mut Tx,
    site: &SiteId,
    staff: &StaffId,
    at: Timestamp,
) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::plan::is_away
        SELECT EXISTS (
          SELECT FROM leave WHERE site = $1 AND staff = $2 AND start_time <= $3 AND end_time > $3) AS "away!""#,
        site.as_str(),
        staff.as_str(),
        at.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Sites where an offer or a hand-over waits for somebody who is on leave now. For the worker role.
///
/// # Errors
/// When Postgres is away.
pub async fn waiting_for_leave(worker: &PgPool, now: Timestamp) -> Result<Vec<SiteId>, Fault> {
    let sites = sqlx::query_scalar!(
        "-- assignment::store::plan::waiting_for_leave
        SELECT DISTINCT w.site FROM leave l
        JOIN work w ON w.site = l.site AND (w.offered_to = l.staff OR w.responsible = l.staff)
        WHERE l.start_time <= $1 AND l.end_time > $1
          AND w.status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED')",
        now.to_sqlx(),
    )
    .fetch_all(worker)
    .await
    .or_fault()?;
    sites.iter().map(|s| parse("work.site", s)).collect()
}

/// Leave that has begun and of which nobody was told, any of it: one that nobody is there to hear of holds back no others (P14). For
/// the worker role.
///
/// # Errors
/// When Postgres is away.
pub async fn untold(worker: &PgPool, now: Timestamp, limit: i64) -> Result<Vec<LeaveName>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::plan::untold
        SELECT site, id FROM leave
        WHERE told_time IS NULL AND start_time <= $1 AND end_time > $1
        ORDER BY random() LIMIT $2",
        now.to_sqlx(),
        limit,
    )
    .fetch_all(worker)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok(LeaveName::new(parse("leave.site", &row.site)?, row.id)))
        .collect()
}

/// Tells the lead on duty, once, what help and evidence somebody still owes whose leave has begun; nobody who is complained about in
/// one of those cases. False where nothing is told; where nobody is there to hear it, it is looked at again. The site's lock is held.
///
/// # Errors
/// When Postgres is away.
pub async fn tell_begun(tx: &mut Tx, name: &LeaveName, now: Timestamp) -> Result<bool, Fault> {
    let site = &name.site;
    let staff = sqlx::query_scalar!(
        "-- assignment::store::plan::tell_begun
        SELECT staff FROM leave
        WHERE site = $1 AND id = $2 AND told_time IS NULL AND start_time <= $3 AND end_time > $3",
        site.as_str(),
        name.id,
        now.to_sqlx(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(staff) = staff else {
        return Ok(false);
    };
    let accused = sqlx::query_scalar!(
        "-- assignment::store::plan::tell_begun
        SELECT excluded FROM work w
        WHERE w.site = $1 AND w.status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED')
          AND (EXISTS (
            SELECT FROM support s
            WHERE s.site = w.site AND s.case_id = w.case_id AND s.staff = $2 AND s.state = 'REQUESTED')
          OR EXISTS (
            SELECT FROM matter m
            WHERE m.site = w.site AND m.case_id = w.case_id AND m.kind = 'EVIDENCE_REQUEST' AND NOT m.ended
              AND m.document ->> 'staff' = $2))",
        site.as_str(),
        staff,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let owes = !accused.is_empty();
    if owes {
        let accused: Result<BTreeSet<StaffId>, Fault> = accused
            .iter()
            .flatten()
            .map(|id| parse("work.excluded", id))
            .collect();
        let bench = bench::load(tx, site, now).await?;
        let Some((_, lead)) = bench.lead(now, &accused?) else {
            return Ok(false);
        };
        let notice = Notice {
            id: new_id(now),
            news: WorkNews::HelperOnLeave,
            staff: vec![lead.clone()],
            work: None,
            resource: StaffName::new(site.clone(), parse("leave.staff", &staff)?).to_string(),
        };
        outbox::work_noticed(tx, site, &notice).await?;
    }
    sqlx::query!(
        "-- assignment::store::plan::tell_begun
        UPDATE leave SET told_time = $3 WHERE site = $1 AND id = $2",
        site.as_str(),
        name.id,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(owes)
}

/// Removes leave; false where there is none in scope.
///
/// # Errors
/// When Postgres is away.
pub async fn delete_leave(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<bool, Fault> {
    let gone = sqlx::query!(
        "-- assignment::store::plan::delete_leave
        DELETE FROM leave WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(gone.rows_affected() == 1)
}

/// Adds a swap.
///
/// # Errors
/// When Postgres is away.
pub async fn insert_swap(tx: &mut Tx, site: &SiteId, id: Uuid, swap: &Swap) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::plan::insert_swap
        INSERT INTO swap (site, id, staff, substitute, role, start_time, end_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
        site.as_str(),
        id,
        swap.staff.as_str(),
        swap.substitute.as_str(),
        swap.role.map(DutyRole::word),
        swap.from.to_sqlx(),
        swap.until.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Removes a swap; false where there is none in scope.
///
/// # Errors
/// When Postgres is away.
pub async fn delete_swap(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<bool, Fault> {
    let gone = sqlx::query!(
        "-- assignment::store::plan::delete_swap
        DELETE FROM swap WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(gone.rows_affected() == 1)
}

/// What a list of leave or swaps is narrowed by.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Of this site.
    pub site: SiteId,
    /// Only of this person.
    pub staff: Option<StaffId>,
    /// Only what ends after this.
    pub after: Option<Timestamp>,
}

/// Leave with its id, what ends last first, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn leaves(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<(Uuid, Leave)>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::plan::leaves
        SELECT id, staff, start_time, end_time FROM leave
        WHERE site = $1 AND ($2::text IS NULL OR staff = $2) AND ($3::timestamptz IS NULL OR end_time > $3)
          AND ($4::timestamptz IS NULL OR (end_time, id) < ($4, $5))
        ORDER BY end_time DESC, id DESC LIMIT $6",
        filter.site.as_str(),
        filter.staff.as_ref().map(StaffId::as_str),
        filter.after.map(|t| t.to_sqlx()),
        after.map(|(time, _)| time.to_sqlx()),
        after.map(|(_, id)| *id),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let leave = Leave {
                staff: parse("leave.staff", &row.staff)?,
                from: row.start_time.to_jiff(),
                until: row.end_time.to_jiff(),
            };
            Ok((row.id, leave))
        })
        .collect()
}

/// Swaps with their ids, what ends last first, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn swaps(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<(Uuid, Swap)>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::plan::swaps
        SELECT id, staff, substitute, role, start_time, end_time FROM swap
        WHERE site = $1 AND ($2::text IS NULL OR staff = $2 OR substitute = $2)
          AND ($3::timestamptz IS NULL OR end_time > $3)
          AND ($4::timestamptz IS NULL OR (end_time, id) < ($4, $5))
        ORDER BY end_time DESC, id DESC LIMIT $6",
        filter.site.as_str(),
        filter.staff.as_ref().map(StaffId::as_str),
        filter.after.map(|t| t.to_sqlx()),
        after.map(|(time, _)| time.to_sqlx()),
        after.map(|(_, id)| *id),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let swap = Swap {
                staff: parse("swap.staff", &row.staff)?,
                substitute: parse("swap.substitute", &row.substitute)?,
                role: parse_opt::<DutyRole>("swap.role", row.role.as_deref())?,
                from: row.start_time.to_jiff(),
                until: row.end_time.to_jiff(),
            };
            Ok((row.id, swap))
        })
        .collect()
}
