//! The facts of a case, each from the one who knows it. Every function converges: what is older than what is known
//! changes nothing, so events may come again and in any order.
//!
//! Where the site's lock is needed too, it is taken first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, DepartmentId, SiteId};
use redress_model::words::{CaseStatus, Category, Channel, ClockKind, ClockState, SiteKind};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use crate::domain::report::{self, CauseSource};
use crate::domain::work::Work;

/// Where a site lies in time, and what kind it is. Its cases are counted again where its zone changed.
///
/// # Errors
/// When Postgres is away.
pub async fn place(
    tx: &mut Tx,
    site: &SiteId,
    kind: Option<SiteKind>,
    time_zone: &str,
    revision: i64,
) -> Result<(), Fault> {
    // An unknown zone would stop the counting of the site.
    let zone = jiff::tz::TimeZone::get(time_zone)
        .ok()
        .and_then(|_| Some(time_zone).filter(|z| !z.is_empty()))
        .unwrap_or("Asia/Shanghai");
    let before = sqlx::query_scalar!(
        "-- assignment::store::reports::facts::place
        SELECT time_zone FROM place WHERE site = $1",
        site.as_str(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let learnt = sqlx::query!(
        "-- assignment::store::reports::facts::place
        INSERT INTO place AS p (site, kind, time_zone, revision) VALUES ($1, $2, $3, $4)
        ON CONFLICT ON CONSTRAINT place_key DO UPDATE SET kind = $2, time_zone = $3, revision = $4
        WHERE p.revision < $4",
        site.as_str(),
        kind.map_or("", SiteKind::word),
        zone,
        revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if learnt == 1 && before.as_deref() != Some(zone) {
        sqlx::query!(
            "-- assignment::store::reports::facts::place
            UPDATE case_fact SET dirty = true WHERE site = $1 AND NOT dirty",
            site.as_str(),
        )
        .execute(&mut **tx)
        .await
        .or_fault()?;
    }
    Ok(())
}

/// What intake says of a case, as far as it is counted.
#[derive(Debug, Clone)]
pub struct Received {
    /// Rises with every change.
    pub revision: i64,
    /// When the complaint was made.
    pub at: Timestamp,
    /// How it came in.
    pub channel: Option<Channel>,
    /// Imported history.
    pub historical: bool,
    /// One and the same as another case.
    pub merged: bool,
}

/// Learns what intake says.
///
/// # Errors
/// When Postgres is away.
pub async fn received(tx: &mut Tx, case: &CaseName, facts: &Received) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::reports::facts::received
        INSERT INTO case_fact AS f (site, case_id, facts_revision, received_time, channel, historical, merged, dirty)
        VALUES ($1, $2, $3, $4, $5, $6, $7, true)
        ON CONFLICT ON CONSTRAINT case_fact_key DO UPDATE
        SET facts_revision = $3, received_time = $4, channel = $5, historical = $6, merged = $7, dirty = true
        WHERE f.facts_revision IS NULL OR f.facts_revision < $3",
        case.site.as_str(),
        case.id,
        facts.revision,
        facts.at.to_sqlx(),
        facts.channel.map_or("", Channel::word),
        facts.historical,
        facts.merged,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Learns what triage decided, and what that makes of its first decision (M06): whether the category was corrected, which a
/// person alone does, and whether the case is graver by a decision that `judges` the one before.
///
/// The decisions of a case come in their order. Where the first was told to a release that did not follow it, nothing is followed.
///
/// # Errors
/// When Postgres is away.
pub async fn graded(
    tx: &mut Tx,
    case: &CaseName,
    revision: i64,
    category: Option<Category>,
    grade: redress_model::Grade,
    judges: bool,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::reports::facts::graded
        INSERT INTO case_fact AS f (site, case_id, decision_revision, category, grade, rerouted, regraded, dirty)
        VALUES ($1, $2, $3, $4, $5, false, false, true)
        ON CONFLICT ON CONSTRAINT case_fact_key DO UPDATE
        SET decision_revision = $3, category = $4, grade = $5, dirty = true,
            rerouted = CASE WHEN f.decision_revision IS NULL THEN false
                            WHEN f.rerouted IS NOT NULL THEN f.rerouted OR coalesce(f.category <> $4, false) END,
            regraded = CASE WHEN f.decision_revision IS NULL THEN false
                            WHEN f.regraded IS NOT NULL THEN f.regraded OR ($6 AND coalesce(f.grade > $5, false)) END
        WHERE f.decision_revision IS NULL OR f.decision_revision < $3",
        case.site.as_str(),
        case.id,
        revision,
        category.map(Category::word),
        i16::from(grade.value()),
        judges,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Learns what became of the work. The site's lock is held.
///
/// # Errors
/// When Postgres is away.
pub async fn worked(tx: &mut Tx, work: &Work) -> Result<(), Fault> {
    let is_resolved = matches!(
        work.status,
        CaseStatus::Resolved | CaseStatus::Closed | CaseStatus::Archived
    );
    let root_cause = work
        .resolution
        .as_ref()
        .map(|r| report::cause_of(&r.root_cause))
        .unwrap_or_default();
    sqlx::query!(
        "-- assignment::store::reports::facts::worked
        INSERT INTO case_fact AS f (site, case_id, department, resolve_time, root_cause, dirty)
        VALUES ($1, $2, $3, $4, $5, true)
        ON CONFLICT ON CONSTRAINT case_fact_key DO UPDATE
        SET department = $3, resolve_time = $4, root_cause = $5, dirty = true
        WHERE (f.department, f.resolve_time, f.root_cause) IS DISTINCT FROM ($3, $4, $5)",
        work.case.site.as_str(),
        work.case.id,
        work.department.as_ref().map(DepartmentId::as_str),
        work.resolved_at
            .filter(|_| is_resolved)
            .map(|t| t.to_sqlx()),
        root_cause,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Learns what a person classified. Returns the cause as it counts now.
///
/// # Errors
/// When Postgres is away.
pub async fn classified(
    tx: &mut Tx,
    case: &CaseName,
    cause: &str,
    source: Option<CauseSource>,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::reports::facts::classified
        INSERT INTO case_fact AS f (site, case_id, cause, source, dirty) VALUES ($1, $2, $3, $4, true)
        ON CONFLICT ON CONSTRAINT case_fact_key DO UPDATE SET cause = $3, source = $4, dirty = true
        WHERE (f.cause, f.source) IS DISTINCT FROM ($3, $4)",
        case.site.as_str(),
        case.id,
        cause,
        source.map_or("", CauseSource::word),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The cause and the source of a case as they count: classified, else the root cause where it is short.
///
/// # Errors
/// When Postgres is away.
pub async fn cause(tx: &mut Tx, case: &CaseName) -> Result<(String, String), Fault> {
    let row = sqlx::query!(
        r#"-- assignment::store::reports::facts::cause
        SELECT CASE WHEN cause <> '' THEN cause ELSE root_cause END AS "cause!", source
        FROM case_fact WHERE site = $1 AND case_id = $2"#,
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(|row| (row.cause, row.source)).unwrap_or_default())
}

/// Learns what a customer answered; the newest answer counts.
///
/// # Errors
/// When Postgres is away.
pub async fn surveyed(
    tx: &mut Tx,
    case: &CaseName,
    score: i16,
    at: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::reports::facts::surveyed
        INSERT INTO case_fact AS f (site, case_id, survey_score, survey_time, dirty) VALUES ($1, $2, $3, $4, true)
        ON CONFLICT ON CONSTRAINT case_fact_key DO UPDATE SET survey_score = $3, survey_time = $4, dirty = true
        WHERE f.survey_time IS NULL OR f.survey_time < $4",
        case.site.as_str(),
        case.id,
        score,
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// News of a promise on a case.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// The clock.
    pub clock: Uuid,
    /// Which promise.
    pub kind: ClockKind,
    /// Rises with every change of the clock.
    pub generation: i64,
    /// It is met.
    pub met: bool,
    /// Where it stands.
    pub state: ClockState,
    /// When it was made.
    pub start: Option<Timestamp>,
    /// The deadline as it stands now.
    pub due: Timestamp,
    /// Whether it stands still; none where this news says nothing of it.
    pub held: Option<bool>,
    /// It was broken.
    pub late: bool,
    /// When it happened.
    pub at: Timestamp,
}

impl Promise {
    /// What both pieces of news of one clock come to, whichever was said first.
    fn with(self, other: Self) -> Self {
        let (older, newer) = match self.generation < other.generation {
            true => (self, other),
            false => (other, self),
        };
        Self {
            held: newer.held.or(older.held),
            late: older.late || newer.late,
            ..newer
        }
    }
}

/// Learns how promises of one site go.
///
/// # Errors
/// When Postgres is away.
pub async fn promised(tx: &mut Tx, news: &[(CaseName, Promise)]) -> Result<(), Fault> {
    let Some((first, _)) = news.first() else {
        return Ok(());
    };
    // A row is written once, whatever was said of it.
    let mut answers: BTreeMap<Uuid, Option<Timestamp>> = BTreeMap::new();
    let mut promises: BTreeMap<Uuid, (Uuid, Promise)> = BTreeMap::new();
    for (case, promise) in news {
        let answered = (promise.kind == ClockKind::Answer && promise.met).then_some(promise.at);
        let answer = answers.entry(case.id).or_default();
        *answer = (*answer).into_iter().chain(answered).min();
        promises
            .entry(promise.clock)
            .and_modify(|(_, known)| *known = known.with(*promise))
            .or_insert((case.id, *promise));
    }
    let site = first.site.as_str();
    let cases: Vec<Uuid> = answers.keys().copied().collect();
    let answered: Vec<Option<jiff_sqlx::Timestamp>> =
        answers.values().map(|at| at.map(|t| t.to_sqlx())).collect();
    // The cases' rows first: they are what the counting locks, too, in this order.
    sqlx::query!(
        "-- assignment::store::reports::facts::promised
        INSERT INTO case_fact AS f (site, case_id, answer_time, dirty)
        SELECT $1, n.case_id, n.answer_time, true FROM unnest($2::uuid[], $3::timestamptz[]) AS n (case_id, answer_time)
        ON CONFLICT ON CONSTRAINT case_fact_key
        DO UPDATE SET answer_time = least(f.answer_time, excluded.answer_time), dirty = true",
        site,
        &cases,
        &answered as &[Option<jiff_sqlx::Timestamp>],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    let all: Vec<&(Uuid, Promise)> = promises.values().collect();
    let cases: Vec<Uuid> = all.iter().map(|(case, _)| *case).collect();
    let clocks: Vec<Uuid> = all.iter().map(|(_, p)| p.clock).collect();
    let kinds: Vec<&str> = all.iter().map(|(_, p)| p.kind.word()).collect();
    let generations: Vec<i64> = all.iter().map(|(_, p)| p.generation).collect();
    let met: Vec<bool> = all.iter().map(|(_, p)| p.met).collect();
    let late: Vec<bool> = all.iter().map(|(_, p)| p.late).collect();
    let states: Vec<&str> = all.iter().map(|(_, p)| p.state.word()).collect();
    let starts: Vec<Option<jiff_sqlx::Timestamp>> = all
        .iter()
        .map(|(_, p)| p.start.map(|t| t.to_sqlx()))
        .collect();
    let dues: Vec<jiff_sqlx::Timestamp> = all.iter().map(|(_, p)| p.due.to_sqlx()).collect();
    let held: Vec<Option<bool>> = all.iter().map(|(_, p)| p.held).collect();
    sqlx::query!(
        "-- assignment::store::reports::facts::promised
        WITH n AS (
          SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::boolean[], $7::boolean[], $8::text[],
                               $9::timestamptz[], $10::timestamptz[], $11::boolean[])
            AS n (case_id, clock, kind, generation, met, late, state, start_time, due_time, held)),
        known AS (
          UPDATE clock_fact AS c
          SET met = CASE WHEN c.generation < n.generation THEN n.met ELSE c.met END, late = c.late OR n.late,
              state = CASE WHEN c.generation < n.generation THEN n.state ELSE c.state END,
              start_time = CASE WHEN c.generation < n.generation THEN n.start_time ELSE c.start_time END,
              due_time = CASE WHEN c.generation < n.generation THEN n.due_time ELSE c.due_time END,
              held = CASE WHEN c.generation < n.generation THEN coalesce(n.held, c.held) ELSE c.held END,
              generation = greatest(c.generation, n.generation)
          FROM n WHERE c.site = $1 AND c.case_id = n.case_id AND c.clock = n.clock
          RETURNING c.clock)
        INSERT INTO clock_fact (site, case_id, clock, kind, generation, met, late, state, start_time, due_time, held)
        SELECT $1, n.case_id, n.clock, n.kind, n.generation, n.met, n.late, n.state, n.start_time, n.due_time,
               coalesce(n.held, false)
        FROM n WHERE n.clock NOT IN (SELECT clock FROM known)",
        site,
        &cases,
        &clocks,
        &kinds as &[&str],
        &generations,
        &met,
        &late,
        &states as &[&str],
        &starts as &[Option<jiff_sqlx::Timestamp>],
        &dues as &[jiff_sqlx::Timestamp],
        &held as &[Option<bool>],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
