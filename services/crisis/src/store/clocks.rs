//! Promises of incidents.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_clock::{Deadlines, Step};
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::{ClockKind, ClockState, DutyRole};
use redress_rpc::trace_context::traceparent;
use redress_store::{Database, OneRowExt as _, StoreResultExt as _, Tx};
use redress_timers::{Entry, Overdue};
use uuid::Uuid;

use super::read;
use crate::domain::ladder::Told;

/// A promise.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Id.
    pub id: Uuid,
    /// Its incident.
    pub incident: Uuid,
    /// Which promise.
    pub kind: ClockKind,
    /// Whose complainant, for a leader's contact.
    pub case: Option<Uuid>,
    /// What it is about, where somebody looks after one thing; none for what the incident itself promises.
    pub subject: Option<Uuid>,
    /// Which role answers for it; none: as the kind says.
    pub owner: Option<DutyRole>,
    /// Where it stands.
    pub state: ClockState,
    /// When it was made.
    pub start: Timestamp,
    /// Its instants.
    pub deadlines: Deadlines,
    /// What was told.
    pub told: Told,
    /// Rung reached.
    pub level: u8,
    /// Rises with every change.
    pub generation: i64,
    /// When something happens next.
    pub next: Option<Timestamp>,
    /// When it stopped.
    pub stopped: Option<Timestamp>,
}

impl Clock {
    /// Whether it still counts.
    pub fn is_open(&self) -> bool {
        self.stopped.is_none()
    }

    /// What the timers have to know of it.
    pub fn entry(&self) -> Option<Entry> {
        self.next.map(|due| entry(self.id, self.generation, due))
    }
}

/// Promises of a crisis come before all others (P22, P23).
fn entry(id: Uuid, generation: i64, due: Timestamp) -> Entry {
    Entry::new(id, generation, due).first(true)
}

struct Row {
    id: Uuid,
    incident: Uuid,
    kind: String,
    case_id: Option<Uuid>,
    subject: Option<Uuid>,
    owner: Option<String>,
    state: String,
    start_time: jiff_sqlx::Timestamp,
    warn_time: jiff_sqlx::Timestamp,
    due_time: jiff_sqlx::Timestamp,
    climb_duty_time: jiff_sqlx::Timestamp,
    climb_top_time: jiff_sqlx::Timestamp,
    told: i16,
    heard: bool,
    level: i16,
    generation: i64,
    next_time: Option<jiff_sqlx::Timestamp>,
    stop_time: Option<jiff_sqlx::Timestamp>,
}

impl TryFrom<Row> for Clock {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id,
            incident: row.incident,
            kind: read(&row.kind)?,
            case: row.case_id,
            subject: row.subject,
            owner: row.owner.as_deref().map(read).transpose()?,
            state: read(&row.state)?,
            start: row.start_time.to_jiff(),
            deadlines: Deadlines {
                warn_early: None,
                warn: row.warn_time.to_jiff(),
                due: row.due_time.to_jiff(),
                climb_duty: row.climb_duty_time.to_jiff(),
                climb_top: row.climb_top_time.to_jiff(),
            },
            told: Told {
                step: step(row.told),
                heard: row.heard,
            },
            level: u8::try_from(row.level).unwrap_or(0),
            generation: row.generation,
            next: row.next_time.map(|t| t.to_jiff()),
            stopped: row.stop_time.map(|t| t.to_jiff()),
        })
    }
}

/// Steps are stored as 0 (none) to 4 (top lead); 5 is the first of two warnings, which promises of an
/// incident do not have.
fn step(row: i16) -> Option<Step> {
    Step::ALL.into_iter().find(|s| number(Some(*s)) == row)
}

fn number(step: Option<Step>) -> i16 {
    match step {
        None => 0,
        Some(Step::WarnEarly) => 5,
        Some(Step::Warn) => 1,
        Some(Step::Breach) => 2,
        Some(Step::ClimbDuty) => 3,
        Some(Step::ClimbTop) => 4,
    }
}

/// Records a new promise.
///
/// # Errors
/// When Postgres is away.
pub async fn insert(tx: &mut Tx, site: &SiteId, clock: &Clock) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::clocks::insert
        INSERT INTO incident_clock (site, id, incident, kind, case_id, subject, owner, state, start_time, warn_time, due_time,
          climb_duty_time, climb_top_time, told, heard, level, generation, next_time, stop_time,
          traceparent)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        site.as_str(),
        clock.id,
        clock.incident,
        clock.kind.word(),
        clock.case,
        clock.subject,
        clock.owner.map(|o| o.word()),
        clock.state.word(),
        clock.start.to_sqlx(),
        clock.deadlines.warn.to_sqlx(),
        clock.deadlines.due.to_sqlx(),
        clock.deadlines.climb_duty.to_sqlx(),
        clock.deadlines.climb_top.to_sqlx(),
        number(clock.told.step),
        clock.told.heard,
        i16::from(clock.level),
        clock.generation,
        clock.next.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        clock.stopped.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        traceparent().unwrap_or_default(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Writes what may change, fenced by the generation before.
///
/// # Errors
/// When Postgres is away.
pub async fn update(tx: &mut Tx, site: &SiteId, clock: &Clock) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::clocks::update
        UPDATE incident_clock SET state = $3, told = $4, heard = $5, level = $6, generation = $7, next_time = $8, stop_time = $9
        WHERE site = $1 AND id = $2 AND generation = $7::bigint - 1",
        site.as_str(),
        clock.id,
        clock.state.word(),
        number(clock.told.step),
        clock.told.heard,
        i16::from(clock.level),
        clock.generation,
        clock.next.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        clock.stopped.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .execute(&mut **tx)
    .await
    .one_row("a clock was changed without its incident's lock")
}

/// The promises of an incident that still count.
///
/// # Errors
/// When Postgres is away.
pub async fn open(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Clock>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::clocks::open
        SELECT id, incident, kind, case_id, subject, owner, state, start_time, warn_time, due_time, climb_duty_time, climb_top_time,
               told, heard, level, generation, next_time, stop_time
        FROM incident_clock WHERE site = $1 AND incident = $2 AND stop_time IS NULL
        ORDER BY start_time DESC, id DESC",
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// The last promises of an incident that stopped, newest first: its own, and those about one thing of these kinds.
///
/// # Errors
/// When Postgres is away.
pub async fn stopped(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    about: &[ClockKind],
    limit: i64,
) -> Result<Vec<Clock>, Fault> {
    let about: Vec<String> = about.iter().map(|kind| kind.word().to_owned()).collect();
    sqlx::query_as!(
        Row,
        "-- crisis::store::clocks::stopped
        SELECT id, incident, kind, case_id, subject, owner, state, start_time, warn_time, due_time, climb_duty_time, climb_top_time,
               told, heard, level, generation, next_time, stop_time
        FROM incident_clock WHERE site = $1 AND incident = $2 AND stop_time IS NOT NULL AND (subject IS NULL OR kind = ANY($4))
        ORDER BY start_time DESC, id DESC LIMIT $3",
        site.as_str(),
        incident,
        limit,
        &about,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// The last promise of each kind that an incident itself made, and the last to each complainant since the case joined, in
/// whichever incident it was then: one that still counts, else the one that stopped last.
///
/// # Errors
/// When Postgres is away.
pub async fn last(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Clock>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::clocks::last
        SELECT DISTINCT ON (k.kind, k.case_id) k.id, k.incident, k.kind, k.case_id, k.subject, k.owner, k.state, k.start_time,
               k.warn_time, k.due_time, k.climb_duty_time, k.climb_top_time, k.told, k.heard, k.level, k.generation, k.next_time,
               k.stop_time
        FROM incident_clock k
        WHERE k.site = $1 AND k.subject IS NULL
          AND ((k.incident = $2 AND k.case_id IS NULL)
            OR EXISTS (SELECT FROM case_file c WHERE c.site = k.site AND c.id = k.case_id AND c.incident = $2
                         AND (k.stop_time IS NULL OR k.stop_time >= c.join_time)))
        ORDER BY k.kind, k.case_id, k.stop_time DESC NULLS FIRST, k.start_time DESC, k.id DESC",
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// A promise.
///
/// # Errors
/// When Postgres is away.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Clock>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::clocks::get
        SELECT id, incident, kind, case_id, subject, owner, state, start_time, warn_time, due_time, climb_duty_time, climb_top_time,
               told, heard, level, generation, next_time, stop_time
        FROM incident_clock WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// How many promises of a kind an incident kept in time since an instant.
///
/// # Errors
/// When Postgres is away.
pub async fn kept_since(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    kind: ClockKind,
    since: Timestamp,
) -> Result<u32, Fault> {
    let kept = sqlx::query_scalar!(
        r#"-- crisis::store::clocks::kept_since
        SELECT count(*) AS "kept!" FROM incident_clock
        WHERE site = $1 AND incident = $2 AND kind = $3 AND state = 'MET' AND stop_time <= due_time AND start_time >= $4"#,
        site.as_str(),
        incident,
        kind.word(),
        since.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(u32::try_from(kept).unwrap_or(u32::MAX))
}

/// What is due over all sites, since an instant where one is given, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn due(
    db: &Database,
    since: Option<Timestamp>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Entry>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::clocks::due
        SELECT id, generation, next_time AS "next_time!" FROM incident_clock
        WHERE next_time <= $1 AND next_time >= coalesce($3, '-infinity'::timestamptz) ORDER BY next_time LIMIT $2"#,
        now.to_sqlx(),
        limit,
        since.map(|at| at.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|r| entry(r.id, r.generation, r.next_time.to_jiff()))
        .collect())
}

/// How much is due over all sites, by how late it is. Reads of the index `incident_clock_next` what lies between `since`
/// and `now`, and of no incident.
///
/// # Errors
/// When Postgres is away.
pub async fn overdue(
    db: &Database,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<Overdue, Fault> {
    let [second, ten, minute, long] = Overdue::instants(now).map(|at| at.to_sqlx());
    let row = sqlx::query!(
        r#"-- crisis::store::clocks::overdue
        SELECT count(*) FILTER (WHERE next_time > $2) AS "under_1s!",
               count(*) FILTER (WHERE next_time <= $2 AND next_time > $3) AS "under_10s!",
               count(*) FILTER (WHERE next_time <= $3 AND next_time > $4) AS "under_1m!",
               count(*) FILTER (WHERE next_time <= $4 AND next_time > $5) AS "under_10m!",
               count(*) FILTER (WHERE next_time <= $5) AS "over_10m!",
               min(next_time) AS oldest
        FROM incident_clock WHERE next_time <= $1 AND next_time >= coalesce($6, '-infinity'::timestamptz)"#,
        now.to_sqlx(),
        second,
        ten,
        minute,
        long,
        since.map(|at| at.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .fetch_one(db.worker())
    .await
    .or_fault()?;
    let counts = [
        row.under_1s,
        row.under_10s,
        row.under_1m,
        row.under_10m,
        row.over_10m,
    ];
    Ok(Overdue {
        counts: counts.map(i64::unsigned_abs),
        oldest: row.oldest.map(|at| at.to_jiff()),
    })
}

/// Everything that waits for its time, by id.
///
/// # Errors
/// When Postgres is away.
pub async fn armed(db: &Database, after: Option<Uuid>, limit: i64) -> Result<Vec<Entry>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::clocks::armed
        SELECT id, generation, next_time AS "next_time!" FROM incident_clock
        WHERE next_time IS NOT NULL AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2"#,
        after,
        limit,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|r| entry(r.id, r.generation, r.next_time.to_jiff()))
        .collect())
}

/// Where a promise was made.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Its site.
    pub site: SiteId,
    /// The trace.
    pub traceparent: String,
}

/// Where the promises were made that wait for their time.
///
/// # Errors
/// When Postgres is away.
pub async fn origins(db: &Database, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Origin>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::clocks::origins
        SELECT id, site, traceparent FROM incident_clock WHERE id = ANY ($1) AND next_time IS NOT NULL",
        ids,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    let origin = |site: String, traceparent| {
        let site = read(&site)?;
        Ok(Origin { site, traceparent })
    };
    rows.into_iter()
        .map(|r| Ok((r.id, origin(r.site, r.traceparent)?)))
        .collect()
}
