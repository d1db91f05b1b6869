//! Who was summoned to a case, and who said so.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, SiteId, StaffId, SummonsName};
use redress_store::{StoreResultExt as _, Tx};
use sqlx::PgPool;
use uuid::Uuid;

use super::{outbox, parse};
use crate::domain::bench::Bench;
use crate::domain::demand::{ANSWER_MINUTES, LAST_ANSWER_MINUTES, PositionKind, TELLINGS_MAX};
use crate::domain::work::{Work, is_live};

/// Somebody who has to appear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summons {
    /// Its id.
    pub id: Uuid,
    /// The case.
    pub case: CaseName,
    /// Number of the case for people.
    pub number: String,
    /// Because of which position.
    pub position: PositionKind,
    /// Who.
    pub staff: StaffId,
    /// How many complain together.
    pub complainants: i32,
    /// When summoned first.
    pub at: Timestamp,
    /// How often told.
    pub told: i32,
    /// When acknowledged.
    pub acknowledged: Option<Timestamp>,
    /// The matter that calls for the person: a cluster, or the case itself.
    pub matter: String,
}

struct Row {
    site: String,
    id: Uuid,
    case_id: Uuid,
    number: String,
    position: String,
    staff: String,
    complainants: i32,
    summon_time: Timestamp,
    told_count: i32,
    acknowledge_time: Option<jiff_sqlx::Timestamp>,
    matter: String,
}

impl Row {
    fn into_summons(self) -> Result<Summons, Fault> {
        Ok(Summons {
            id: self.id,
            case: CaseName::new(parse("summons.site", &self.site)?, self.case_id),
            number: self.number,
            position: parse("summons.position", &self.position)?,
            staff: parse("summons.staff", &self.staff)?,
            complainants: self.complainants,
            at: self.summon_time,
            told: self.told_count,
            acknowledged: self.acknowledge_time.map(jiff_sqlx::Timestamp::to_jiff),
            matter: self.matter,
        })
    }
}

fn next_telling(at: Timestamp) -> Timestamp {
    after(at, ANSWER_MINUTES)
}

fn after(at: Timestamp, minutes: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_mins(minutes))
        .unwrap_or(Timestamp::MAX)
}

/// Summons everybody whom so many complainants of a matter call for and whom it did not call for yet; each is told once,
/// however many cases the matter has.
///
/// # Errors
/// When Postgres is away.
pub async fn call(
    tx: &mut Tx,
    work: &Work,
    matter: &str,
    complainants: i32,
    bench: &Bench,
    at: Timestamp,
) -> Result<(), Fault> {
    if !is_live(work.status) {
        return Ok(());
    }
    let may = |staff: &StaffId| bench.may_handle(staff, &work.facts.excluded);
    let department = bench.department_of(work.category());
    let people = bench.demands.summoned(complainants, department, may);
    summon(tx, work, matter, complainants, people, at).await
}

async fn summon(
    tx: &mut Tx,
    work: &Work,
    matter: &str,
    complainants: i32,
    people: Vec<(PositionKind, StaffId)>,
    at: Timestamp,
) -> Result<(), Fault> {
    for (position, staff) in people {
        let summons = Summons {
            id: new_id(at),
            case: work.case.clone(),
            number: work.facts.number.clone(),
            position,
            staff,
            complainants,
            at,
            told: 1,
            acknowledged: None,
            matter: matter.to_owned(),
        };
        let new = sqlx::query!(
            "-- assignment::store::summonses::summon
            INSERT INTO summons (site, id, case_id, staff, position, complainants, summon_time, told_count, tell_due, matter)
            SELECT $1, $2, $3, $4, $5, $6, $7, 1, $8, $9
            WHERE NOT EXISTS (
              SELECT FROM summons s JOIN work w ON w.site = s.site AND w.case_id = s.case_id
              WHERE s.site = $1 AND s.matter = $9 AND s.matter <> '' AND s.staff = $4
                AND w.status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED'))
            ON CONFLICT ON CONSTRAINT summons_once DO NOTHING",
            work.case.site.as_str(),
            summons.id,
            work.case.id,
            summons.staff.as_str(),
            position.word(),
            complainants,
            at.to_sqlx(),
            next_telling(at).to_sqlx(),
            matter,
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
        if new.rows_affected() == 1 {
            outbox::work_summoned(tx, work, &summons).await?;
        }
    }
    Ok(())
}

/// Nobody whom the case accuses is told again that they have to appear; whoever stands above them is called instead, unless
/// called already.
///
/// # Errors
/// When Postgres is away.
pub async fn pass_on(tx: &mut Tx, work: &Work, bench: &Bench, at: Timestamp) -> Result<(), Fault> {
    let accused: Vec<String> = work.facts.excluded.iter().map(StaffId::to_string).collect();
    let calls = sqlx::query!(
        "-- assignment::store::summonses::pass_on
        UPDATE summons SET tell_due = NULL WHERE site = $1 AND case_id = $2 AND staff = ANY ($3)
        RETURNING matter, complainants",
        work.case.site.as_str(),
        work.case.id,
        &accused,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    for row in calls {
        call(tx, work, &row.matter, row.complainants, bench, at).await?;
    }
    Ok(())
}

/// A summons, none where there is none in scope.
///
/// # Errors
/// When Postgres is away.
pub async fn find(tx: &mut Tx, name: &SummonsName) -> Result<Option<Summons>, Fault> {
    sqlx::query_as!(
        Row,
        r#"-- assignment::store::summonses::find
        SELECT s.site, s.id, s.case_id, w.number, s.position, s.staff, s.complainants, s.summon_time, s.told_count,
               s.acknowledge_time, s.matter
        FROM summons s JOIN work w ON w.site = s.site AND w.case_id = s.case_id
        WHERE s.site = $1 AND s.id = $2"#,
        name.site.as_str(),
        name.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::into_summons)
    .transpose()
}

/// Keeps that somebody knows; nothing where that is kept already.
///
/// # Errors
/// When Postgres is away.
pub async fn acknowledge(tx: &mut Tx, name: &SummonsName, at: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::summonses::acknowledge
        UPDATE summons SET acknowledge_time = $3, tell_due = NULL
        WHERE site = $1 AND id = $2 AND acknowledge_time IS NULL",
        name.site.as_str(),
        name.id,
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Keeps that a person who was summoned to a case knows.
///
/// # Errors
/// When Postgres is away.
pub async fn acknowledge_of(
    tx: &mut Tx,
    case: &CaseName,
    staff: &StaffId,
    at: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::summonses::acknowledge_of
        UPDATE summons SET acknowledge_time = $4, tell_due = NULL
        WHERE site = $1 AND case_id = $2 AND staff = $3 AND acknowledge_time IS NULL",
        case.site.as_str(),
        case.id,
        staff.as_str(),
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The summons that is due to be told again: tells it, or after [`TELLINGS_MAX`] times summons the next position up
/// (P14); where nobody above is told still or has answered, tells it every [`LAST_ANSWER_MINUTES`]. Returns whether it was due.
///
/// # Errors
/// When Postgres is away.
pub async fn tell_again(
    tx: &mut Tx,
    name: &SummonsName,
    work: Option<&Work>,
    bench: &Bench,
    now: Timestamp,
) -> Result<bool, Fault> {
    let Some(mut summons) = find(tx, name).await? else {
        return Ok(false);
    };
    let is_live = work.is_some_and(|w| is_live(w.status));
    let again = is_live && summons.told < TELLINGS_MAX;
    let due = again.then(|| next_telling(now).to_sqlx());
    let was_due = sqlx::query!(
        "-- assignment::store::summonses::tell_again
        UPDATE summons SET told_count = told_count + $4, tell_due = $5
        WHERE site = $1 AND id = $2 AND tell_due <= $3",
        name.site.as_str(),
        name.id,
        now.to_sqlx(),
        i32::from(again),
        due as Option<jiff_sqlx::Timestamp>,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    let (1, Some(work), true) = (was_due, work, is_live) else {
        return Ok(was_due == 1);
    };
    if again {
        summons.told += 1;
        outbox::work_summoned(tx, work, &summons).await?;
    } else {
        let may = |staff: &StaffId| bench.may_handle(staff, &work.facts.excluded);
        let department = bench.department_of(work.category());
        let above = bench.demands.above(summons.position, department, may);
        let here_and_up = PositionKind::ALL
            .iter()
            .filter(|kind| **kind >= summons.position);
        let people: Vec<String> = here_and_up
            .flat_map(|kind| bench.demands.above(*kind, department, may))
            .map(|(_, staff)| staff.to_string())
            .collect();
        let matter = summons.matter.clone();
        summon(tx, work, &matter, summons.complainants, above, now).await?;
        if !is_heard(tx, name, work, &matter, &people).await? {
            summons.told += 1;
            tell_slowly(tx, name, after(now, LAST_ANSWER_MINUTES)).await?;
            outbox::work_summoned(tx, work, &summons).await?;
        }
    }
    Ok(true)
}

/// Whether any of these people has another summons to the case or its matter, and is told of it still or has answered: one person
/// may have two positions, so that those above were told long ago.
async fn is_heard(
    tx: &mut Tx,
    name: &SummonsName,
    work: &Work,
    matter: &str,
    people: &[String],
) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::summonses::is_heard
        SELECT EXISTS (
          SELECT FROM summons s JOIN work w ON w.site = s.site AND w.case_id = s.case_id
          WHERE s.site = $1 AND (s.case_id = $2 OR (s.matter = $3 AND s.matter <> '')) AND s.id <> $4
            AND s.staff = ANY ($5) AND (s.tell_due IS NOT NULL OR s.acknowledge_time IS NOT NULL)
            AND w.status NOT IN ('CLOSED', 'ARCHIVED', 'WITHDRAWN', 'REJECTED', 'MERGED')) AS "heard!""#,
        name.site.as_str(),
        work.case.id,
        matter,
        name.id,
        people,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Counts a telling, and lets the next one be due then.
async fn tell_slowly(tx: &mut Tx, name: &SummonsName, due: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::summonses::tell_slowly
        UPDATE summons SET told_count = told_count + 1, tell_due = $3 WHERE site = $1 AND id = $2",
        name.site.as_str(),
        name.id,
        due.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Summonses that are to be told again, longest overdue first. For the worker role.
///
/// # Errors
/// When Postgres is away.
pub async fn due(worker: &PgPool, now: Timestamp, limit: i64) -> Result<Vec<SummonsName>, Fault> {
    let rows = sqlx::query!(
        "-- assignment::store::summonses::due
        SELECT site, id FROM summons WHERE tell_due <= $1 ORDER BY tell_due LIMIT $2",
        now.to_sqlx(),
        limit,
    )
    .fetch_all(worker)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok(SummonsName::new(parse("summons.site", &row.site)?, row.id)))
        .collect()
}

/// What a list of summonses is narrowed by.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Of this site.
    pub site: SiteId,
    /// Only of this case.
    pub case: Option<Uuid>,
    /// Only those that nobody acknowledged.
    pub open_only: bool,
    /// Without cases that complain about this person.
    pub not_about: Option<StaffId>,
}

/// Summonses, newest first, after the given one.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Summons>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- assignment::store::summonses::list
        SELECT s.site, s.id, s.case_id, w.number, s.position, s.staff, s.complainants, s.summon_time, s.told_count,
               s.acknowledge_time, s.matter
        FROM summons s JOIN work w ON w.site = s.site AND w.case_id = s.case_id
        WHERE s.site = $1 AND ($2::uuid IS NULL OR s.case_id = $2) AND (NOT $3 OR s.acknowledge_time IS NULL)
          AND ($4::text IS NULL OR NOT w.excluded @> ARRAY[$4::text])
          AND ($5::timestamptz IS NULL OR (s.summon_time, s.id) < ($5, $6))
        ORDER BY s.summon_time DESC, s.id DESC LIMIT $7"#,
        filter.site.as_str(),
        filter.case,
        filter.open_only,
        filter.not_about.as_ref().map(StaffId::as_str),
        after.map(|(time, _)| time.to_sqlx()),
        after.map(|(_, id)| *id),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::into_summons).collect()
}
