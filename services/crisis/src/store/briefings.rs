//! Briefings, and what was asked at them.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{BriefingName, SiteId, StaffId};
use redress_model::words::ClockKind;
use redress_store::{OneRowExt as _, StoreResultExt as _, Tx};
use uuid::Uuid;

use super::{read, read_all, texts};
use crate::domain::briefing::{Asked, BriefingState, Broken, Form, Logged, Settled, Window};
use crate::domain::words::Stage;

/// A briefing.
#[derive(Debug, Clone)]
pub struct Briefing {
    /// Site and id.
    pub name: BriefingName,
    /// Its incident.
    pub incident: Uuid,
    /// Counts from 1 within the incident.
    pub number: i32,
    /// Where it stands.
    pub state: BriefingState,
    /// The site's fixed time at which it is to be held; of one that was held beside those of the weeks, when it was.
    pub planned: Timestamp,
    /// How it was held; none before.
    pub held: Option<Held>,
    /// How its notes were released; none before.
    pub released: Option<Released>,
    /// Rises with every change.
    pub revision: i64,
}

/// How a briefing was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Meeting or notice.
    pub form: Form,
    /// When.
    pub at: Timestamp,
    /// Subject of a token.
    pub by: String,
    /// How many people who complain attended or were told.
    pub attendance: i32,
    /// Who of the company attended.
    pub staff: Vec<StaffId>,
    /// Whose complainants attended or were told.
    pub cases: Vec<Uuid>,
    /// Where papers lie.
    pub reference: String,
}

/// How notes were released.
#[derive(Debug, Clone)]
pub struct Released {
    /// What they cover.
    pub window: Window,
    /// When.
    pub at: Timestamp,
    /// Subject of a token.
    pub by: String,
    /// The incident's stage.
    pub stage: Stage,
    /// IANA zone in which times are written.
    pub zone: String,
    /// The words.
    pub notes: String,
    /// Names them.
    pub digest: [u8; 32],
}

struct Row {
    site: String,
    id: Uuid,
    incident: Uuid,
    number: i32,
    state: String,
    plan_time: jiff_sqlx::Timestamp,
    form: Option<String>,
    hold_time: Option<jiff_sqlx::Timestamp>,
    held_by: Option<String>,
    attendance: i32,
    staff: Vec<String>,
    cases: Vec<Uuid>,
    reference: String,
    release_time: Option<jiff_sqlx::Timestamp>,
    released_by: Option<String>,
    since_log: Option<i64>,
    since_time: Option<jiff_sqlx::Timestamp>,
    until_log: Option<i64>,
    until_time: Option<jiff_sqlx::Timestamp>,
    since_number: Option<i32>,
    since_noted: Option<i64>,
    noted_log: Option<i64>,
    stage: Option<String>,
    time_zone: Option<String>,
    notes: Option<String>,
    digest: Option<Vec<u8>>,
    revision: i64,
}

impl TryFrom<Row> for Briefing {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let held = match (row.form, row.hold_time, row.held_by) {
            (Some(form), Some(at), Some(by)) => Some(Held {
                form: read(&form)?,
                at: at.to_jiff(),
                by,
                attendance: row.attendance,
                staff: read_all(&row.staff)?,
                cases: row.cases,
                reference: row.reference,
            }),
            _ => None,
        };
        let released = match (row.release_time, row.released_by, row.notes, row.digest) {
            (Some(at), Some(by), Some(notes), Some(digest)) => Some(Released {
                window: Window {
                    since_log: row.since_log.unwrap_or_default(),
                    since: row.since_time.map_or(at.to_jiff(), |t| t.to_jiff()),
                    since_number: row.since_number.unwrap_or_default(),
                    since_noted: row.since_noted.or(row.since_log).unwrap_or_default(),
                    until_log: row.until_log.unwrap_or_default(),
                    until: row.until_time.map_or(at.to_jiff(), |t| t.to_jiff()),
                    noted_log: row.noted_log.or(row.until_log).unwrap_or_default(),
                },
                at: at.to_jiff(),
                by,
                stage: read(&row.stage.unwrap_or_default())?,
                zone: row.time_zone.unwrap_or_default(),
                notes,
                digest: digest.as_slice().try_into().map_err(Fault::internal)?,
            }),
            _ => None,
        };
        Ok(Self {
            name: BriefingName::new(read(&row.site)?, row.id),
            incident: row.incident,
            number: row.number,
            state: read(&row.state)?,
            planned: row.plan_time.to_jiff(),
            held,
            released,
            revision: row.revision,
        })
    }
}

/// Plans the next briefing of an incident. The caller holds the incident's row, so that numbers follow each other.
///
/// # Errors
/// When Postgres is away.
pub async fn plan(
    tx: &mut Tx,
    name: &BriefingName,
    incident: Uuid,
    at: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::briefings::plan
        INSERT INTO briefing (site, id, incident, number, state, plan_time, revision)
        SELECT $1, $2, $3, 1 + coalesce(max(number), 0), 'PLANNED', $4, 1 FROM briefing WHERE site = $1 AND incident = $3",
        name.site.as_str(),
        name.id,
        incident,
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Writes what may change of a briefing, under the lock of its incident.
///
/// # Errors
/// When Postgres is away.
pub async fn update(tx: &mut Tx, briefing: &Briefing) -> Result<(), Fault> {
    let held = briefing.held.as_ref();
    let released = briefing.released.as_ref();
    sqlx::query!(
        "-- crisis::store::briefings::update
        UPDATE briefing SET state = $3, form = $4, hold_time = $5, held_by = $6, attendance = $7, staff = $8, cases = $9,
          reference = $10, release_time = $11, released_by = $12, since_log = $13, since_time = $14, until_log = $15,
          stage = $16, time_zone = $17, notes = $18, digest = $19, revision = $20, plan_time = $21,
          until_time = $22, noted_log = $23, since_noted = $24, since_number = $25
        WHERE site = $1 AND id = $2 AND revision < $20",
        briefing.name.site.as_str(),
        briefing.name.id,
        briefing.state.word(),
        held.map(|h| h.form.word()),
        held.map(|h| h.at.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        held.map(|h| h.by.as_str()),
        held.map_or(0, |h| h.attendance),
        &held.map(|h| texts(&h.staff)).unwrap_or_default(),
        held.map_or(&[] as &[Uuid], |h| h.cases.as_slice()),
        held.map_or("", |h| h.reference.as_str()),
        released.map(|r| r.at.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        released.map(|r| r.by.as_str()),
        released.map(|r| r.window.since_log),
        released.map(|r| r.window.since.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        released.map(|r| r.window.until_log),
        released.map(|r| r.stage.word()),
        released.map(|r| r.zone.as_str()),
        released.map(|r| r.notes.as_str()),
        released.map(|r| r.digest.to_vec()),
        briefing.revision,
        briefing.planned.to_sqlx(),
        released.map(|r| r.window.until.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        released.map(|r| r.window.noted_log),
        released.map(|r| r.window.since_noted),
        released.map(|r| r.window.since_number),
    )
    .execute(&mut **tx)
    .await
    .one_row("a briefing was changed without its lock")
}

/// A briefing.
///
/// # Errors
/// When Postgres is away.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Briefing>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::briefings::get
        SELECT site, id, incident, number, state, plan_time, form, hold_time, held_by, attendance, staff, cases, reference,
               release_time, released_by, since_log, since_time, until_log, until_time, since_number, since_noted, noted_log, stage, time_zone, notes, digest, revision
        FROM briefing WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// The briefing of an incident that is to be held.
///
/// # Errors
/// When Postgres is away.
pub async fn planned(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
) -> Result<Option<Briefing>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::briefings::planned
        SELECT site, id, incident, number, state, plan_time, form, hold_time, held_by, attendance, staff, cases, reference,
               release_time, released_by, since_log, since_time, until_log, until_time, since_number, since_noted, noted_log, stage, time_zone, notes, digest, revision
        FROM briefing WHERE site = $1 AND incident = $2 AND state = 'PLANNED'",
        site.as_str(),
        incident,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// Those of an incident below a number that were held, in their order: for when each was planned, and when it was held.
///
/// # Errors
/// When Postgres is away.
pub async fn held_below(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    number: i32,
) -> Result<Vec<(Timestamp, Timestamp)>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::briefings::held_below
        SELECT plan_time, hold_time AS "hold_time!: jiff_sqlx::Timestamp" FROM briefing
        WHERE site = $1 AND incident = $2 AND number < $3 AND hold_time IS NOT NULL ORDER BY number"#,
        site.as_str(),
        incident,
        number,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let times = rows
        .into_iter()
        .map(|r| (r.plan_time.to_jiff(), r.hold_time.to_jiff()));
    Ok(times.collect())
}

/// The briefings of an incident below a number, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    state: Option<BriefingState>,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<Briefing>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::briefings::list
        SELECT site, id, incident, number, state, plan_time, form, hold_time, held_by, attendance, staff, cases, reference,
               release_time, released_by, since_log, since_time, until_log, until_time, since_number, since_noted, noted_log, stage, time_zone, notes, digest, revision
        FROM briefing WHERE site = $1 AND incident = $2 AND ($3::text IS NULL OR state = $3) AND ($4::int IS NULL OR number < $4)
        ORDER BY number DESC LIMIT $5",
        site.as_str(),
        incident,
        state.map(|s| s.word()),
        before,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// Adds a question.
///
/// # Errors
/// When Postgres is away.
pub async fn ask(tx: &mut Tx, briefing: &BriefingName, question: &Asked) -> Result<(), Fault> {
    let answer = question.answer.as_ref();
    sqlx::query!(
        "-- crisis::store::briefings::ask
        INSERT INTO briefing_question (site, briefing, number, text, ask_log, answer, answer_time, answered_by, answer_log)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        briefing.site.as_str(),
        briefing.id,
        question.number,
        question.text,
        question.log,
        answer.map(|a| a.text.as_str()),
        answer.map(|a| a.at.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        answer.map(|a| a.by.as_str()),
        answer.map(|a| a.log),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Answers an open question.
///
/// # Errors
/// When Postgres is away.
pub async fn answer(
    tx: &mut Tx,
    briefing: &BriefingName,
    number: i32,
    answer: &Settled,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::briefings::answer
        UPDATE briefing_question SET answer = $4, answer_time = $5, answered_by = $6, answer_log = $7
        WHERE site = $1 AND briefing = $2 AND number = $3 AND answer IS NULL",
        briefing.site.as_str(),
        briefing.id,
        number,
        answer.text,
        answer.at.to_sqlx(),
        answer.by,
        answer.log,
    )
    .execute(&mut **tx)
    .await
    .one_row("a question was answered without its lock")
}

/// Everything that was asked at the briefings of an incident, in order.
///
/// # Errors
/// When Postgres is away.
pub async fn asked(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Asked>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::briefings::asked
        SELECT b.number AS briefing, q.number, q.text, q.ask_log, q.answer, q.answer_time AS "answer_time: jiff_sqlx::Timestamp",
               q.answered_by, q.answer_log
        FROM briefing_question q JOIN briefing b ON b.site = q.site AND b.id = q.briefing
        WHERE b.site = $1 AND b.incident = $2 ORDER BY b.number, q.number"#,
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|r| Asked {
            briefing: r.briefing,
            number: r.number,
            log: r.ask_log,
            text: r.text,
            answer: match (r.answer, r.answer_time, r.answered_by, r.answer_log) {
                (Some(text), Some(at), Some(by), Some(log)) => Some(Settled {
                    log,
                    at: at.to_jiff(),
                    by,
                    text,
                }),
                _ => None,
            },
        })
        .collect())
}

/// The whole log of an incident up to an entry, as agendas read it.
///
/// # Errors
/// When Postgres is away.
pub async fn log(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    window: &Window,
) -> Result<Vec<Logged>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::briefings::log
        SELECT number, kind, log_time AS "log_time: jiff_sqlx::Timestamp", text FROM incident_log
        WHERE site = $1 AND incident = $2 AND number > $3 AND number <= $4 ORDER BY number"#,
        site.as_str(),
        incident,
        window.since_log,
        window.until_log,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Logged {
                number: r.number,
                kind: read(&r.kind)?,
                at: r.log_time.to_jiff(),
                text: r.text,
            })
        })
        .collect()
}

/// The least id of what is born in a later millisecond.
fn born_after(at: Timestamp) -> Uuid {
    let next = u128::try_from(at.as_millisecond()).unwrap_or(0) + 1;
    Uuid::from_u128(next << 80)
}

/// Promises of an incident, but for what people promised, that were broken between two instants, as far as they were made by
/// the second: one that is entered later with a deadline of then changes no notes that were released.
///
/// # Errors
/// When Postgres is away.
pub async fn broken(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    window: &Window,
) -> Result<Vec<Broken>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::briefings::broken
        SELECT DISTINCT kind, due_time AS "due_time: jiff_sqlx::Timestamp" FROM incident_clock
        WHERE site = $1 AND incident = $2 AND kind <> $5 AND due_time >= $3 AND due_time < $4 AND id < $6
          AND (stop_time IS NULL OR stop_time > due_time)
        ORDER BY due_time, kind"#,
        site.as_str(),
        incident,
        window.since.to_sqlx(),
        window.until.to_sqlx(),
        ClockKind::Commitment.word(),
        born_after(window.until),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Broken {
                kind: read(&r.kind)?,
                due: r.due_time.to_jiff(),
            })
        })
        .collect()
}

/// The number of the last entry of an incident's log.
///
/// # Errors
/// When Postgres is away.
pub async fn last_log(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<i64, Fault> {
    sqlx::query_scalar!(
        r#"-- crisis::store::briefings::last_log
        SELECT coalesce(max(number), 0) AS "number!" FROM incident_log WHERE site = $1 AND incident = $2"#,
        site.as_str(),
        incident,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// The number of the last entry of an incident's log up to an instant.
///
/// # Errors
/// When Postgres is away.
pub async fn last_log_until(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    at: Timestamp,
) -> Result<i64, Fault> {
    sqlx::query_scalar!(
        r#"-- crisis::store::briefings::last_log_until
        SELECT coalesce(max(number), 0) AS "number!" FROM incident_log
        WHERE site = $1 AND incident = $2 AND log_time <= $3"#,
        site.as_str(),
        incident,
        at.to_sqlx(),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// How many people complain in the matter of an incident, as triage counted them last.
///
/// # Errors
/// When Postgres is away.
pub async fn complainants(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<i32, Fault> {
    sqlx::query_scalar!(
        r#"-- crisis::store::briefings::complainants
        SELECT coalesce(max(greatest(complainants, cluster_complainants)), 0) AS "people!" FROM case_file
        WHERE site = $1 AND incident = $2 AND NOT ended"#,
        site.as_str(),
        incident,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Cases of an incident that are not ended and have somebody who complains: whom a notice has to reach.
///
/// # Errors
/// When Postgres is away.
pub async fn concerned(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- crisis::store::briefings::concerned
        SELECT id FROM case_file WHERE site = $1 AND incident = $2 AND NOT ended AND complainants > 0 ORDER BY join_number",
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// The numbers of cases, for people, in the order of their ids.
///
/// # Errors
/// When Postgres is away.
pub async fn case_numbers(
    tx: &mut Tx,
    site: &SiteId,
    cases: &[Uuid],
) -> Result<Vec<String>, Fault> {
    sqlx::query_scalar!(
        "-- crisis::store::briefings::case_numbers
        SELECT number FROM case_file WHERE site = $1 AND id = ANY ($2) ORDER BY number, id",
        site.as_str(),
        cases,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}
