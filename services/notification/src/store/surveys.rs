//! Surveys: made once an occasion and person, answered once, called about a few times.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId};
use redress_store::{Database, Keyring, StoreResultExt as _, Tx};
use redress_vault::Place;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{parts, word};
use crate::domain::causes;
use crate::domain::route::ContactPoints;
use crate::domain::survey::{Answer, CALLS_MAX};
use crate::domain::words::{SurveyCallOutcome, SurveyKind, SurveyState};

/// A survey, without its comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Where.
    pub site: SiteId,
    /// Its id.
    pub id: Uuid,
    /// After what it is asked.
    pub kind: SurveyKind,
    /// Where it stands.
    pub state: SurveyState,
    /// The customer, by person token.
    pub person: String,
    /// The case; none where it asks about none.
    pub case: Option<CaseName>,
    /// The customer's own case, where it was merged into that one.
    pub known_by: Option<CaseName>,
    /// The department, by its full name; empty where not known.
    pub department: String,
    /// Who handled the matter, by their full names.
    pub handlers: Vec<String>,
    /// When it was caused.
    pub create_time: Timestamp,
    /// From when on the customer is asked.
    pub open_time: Timestamp,
    /// From when on the customer may be called next.
    pub next_call_time: Option<Timestamp>,
    /// When the task of that call is to be made; none where it was made.
    pub call_task_time: Option<Timestamp>,
    /// 1 to 5; none before the answer.
    pub score: Option<i32>,
    /// Whether it is solved.
    pub solved: Option<bool>,
    /// Staff praised.
    pub praised: Vec<String>,
    /// When it was answered.
    pub answer_time: Option<Timestamp>,
    /// Whether there is a comment.
    pub commented: bool,
    /// Rises with every change.
    pub revision: i64,
}

impl Survey {
    /// Its resource name.
    pub fn name(&self) -> String {
        format!("sites/{}/surveys/{}", self.site, self.id)
    }
}

/// A survey to be made.
pub struct NewSurvey<'a> {
    /// Its id.
    pub id: Uuid,
    /// Spelled from the occasion.
    pub cause: &'a str,
    /// After what it is asked.
    pub kind: SurveyKind,
    /// The customer, by person token.
    pub person: &'a str,
    /// The case and intake's epoch of its resolution.
    pub case: Option<(&'a CaseName, i64)>,
    /// The customer's own case, where it was merged into that one.
    pub known_by: Option<&'a CaseName>,
    /// The department, by its full name.
    pub department: &'a str,
    /// Who handled the matter, by their full names.
    pub handlers: &'a [String],
    /// How to reach a customer without a case, and in which language.
    pub contact: Option<&'a Contact>,
    /// From when on the customer is asked.
    pub open_time: Timestamp,
    /// From when on the customer may be called.
    pub next_call_time: Option<Timestamp>,
}

/// How a customer without a case is reached. Personal data: hence no `Debug`.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Contact {
    /// Name and addresses.
    pub points: ContactPoints,
    /// BCP 47 tag; empty for the site's.
    pub language: String,
}

fn place(id: Uuid, field: &str) -> Place<'_> {
    Place {
        table: "survey",
        row: id,
        field,
    }
}

/// Makes a survey, unless this person was asked about the occasion before. Returns the id of the one there is, and
/// whether it is new.
pub async fn insert(
    tx: &mut Tx,
    keys: &Keyring,
    site: &SiteId,
    new: &NewSurvey<'_>,
    now: Timestamp,
) -> Result<(Uuid, bool), Fault> {
    let contact = match new.contact {
        Some(contact) => {
            let plain = Zeroizing::new(serde_json::to_vec(contact).map_err(Fault::internal)?);
            Some(
                keys.seal(tx, site, &place(new.id, "contact"), &plain, now)
                    .await?,
            )
        }
        None => None,
    };
    let rows = sqlx::query!(
        "-- notification::surveys::insert
        INSERT INTO survey (site, survey_id, cause, kind, state, person, case_id, epoch, department, handlers,
                            contact, create_time, open_time, next_call_time, call_task_time, known_by)
        VALUES ($1, $2, $3, $4, 'OPEN', $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14)
        ON CONFLICT ON CONSTRAINT survey_cause_key DO NOTHING",
        site.as_str(),
        new.id,
        new.cause,
        new.kind.word(),
        new.person,
        new.case.map(|(case, _)| case.id),
        new.case.map_or(0, |(_, epoch)| epoch),
        new.department,
        new.handlers,
        contact,
        now.to_sqlx(),
        new.open_time.to_sqlx(),
        new.next_call_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        new.known_by.map(|case| case.id),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if rows > 0 {
        return Ok((new.id, true));
    }
    let id = sqlx::query_scalar!(
        "-- notification::surveys::insert
        SELECT survey_id FROM survey WHERE site = $1 AND cause = $2 AND person = $3",
        site.as_str(),
        new.cause,
        new.person,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok((id, false))
}

struct Row {
    site: String,
    survey_id: Uuid,
    kind: String,
    state: String,
    person: String,
    case_id: Option<Uuid>,
    known_by: Option<Uuid>,
    department: String,
    handlers: Vec<String>,
    create_time: jiff_sqlx::Timestamp,
    open_time: jiff_sqlx::Timestamp,
    next_call_time: Option<jiff_sqlx::Timestamp>,
    call_task_time: Option<jiff_sqlx::Timestamp>,
    score: Option<i32>,
    solved: Option<bool>,
    praised: Vec<String>,
    answer_time: Option<jiff_sqlx::Timestamp>,
    commented: bool,
    revision: i64,
}

impl Row {
    fn survey(self) -> Result<Survey, Fault> {
        let site: SiteId = self.site.parse().map_err(Fault::internal)?;
        Ok(Survey {
            id: self.survey_id,
            kind: word(&self.kind)?,
            state: word(&self.state)?,
            person: self.person,
            case: self.case_id.map(|id| CaseName::new(site.clone(), id)),
            known_by: self.known_by.map(|id| CaseName::new(site.clone(), id)),
            department: self.department,
            handlers: self.handlers,
            create_time: self.create_time.to_jiff(),
            open_time: self.open_time.to_jiff(),
            call_task_time: self.call_task_time.map(|t| t.to_jiff()),
            next_call_time: self.next_call_time.map(|t| t.to_jiff()),
            score: self.score,
            solved: self.solved,
            praised: self.praised,
            answer_time: self.answer_time.map(|t| t.to_jiff()),
            commented: self.commented,
            revision: self.revision,
            site,
        })
    }
}

/// A survey; none where there is none in scope.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Survey>, Fault> {
    sqlx::query_as!(
        Row,
        r#"-- notification::surveys::get
        SELECT site, survey_id, kind, state, person, case_id, known_by, department, handlers,
               create_time AS "create_time: jiff_sqlx::Timestamp", open_time AS "open_time: jiff_sqlx::Timestamp",
               next_call_time AS "next_call_time: jiff_sqlx::Timestamp",
               call_task_time AS "call_task_time: jiff_sqlx::Timestamp", score, solved, praised,
               answer_time AS "answer_time: jiff_sqlx::Timestamp", comment IS NOT NULL AS "commented!", revision
        FROM survey WHERE site = $1 AND survey_id = $2"#,
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::survey)
    .transpose()
}

/// A survey under a lock until the end of the transaction.
pub async fn lock(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Survey>, Fault> {
    sqlx::query!(
        "-- notification::surveys::lock
        SELECT 1 AS one FROM survey WHERE site = $1 AND survey_id = $2 FOR UPDATE",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    get(tx, site, id).await
}

/// How to reach a customer without a case: while the survey is open, and to be thanked for a praise.
pub async fn contact(
    tx: &mut Tx,
    keys: &Keyring,
    site: &SiteId,
    id: Uuid,
) -> Result<Option<Contact>, Fault> {
    let sealed = sqlx::query_scalar!(
        "-- notification::surveys::contact
        SELECT COALESCE(contact, thanks_contact) AS contact FROM survey WHERE site = $1 AND survey_id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .flatten();
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    let plain = keys.open(tx, site, &place(id, "contact"), &sealed).await?;
    serde_json::from_slice(&plain)
        .map(Some)
        .map_err(|_| Fault::internal("a sealed contact is not what was sealed"))
}

/// What the customer said beyond the score; empty for nothing.
pub async fn comment(
    tx: &mut Tx,
    keys: &Keyring,
    site: &SiteId,
    id: Uuid,
) -> Result<String, Fault> {
    let sealed = sqlx::query_scalar!(
        "-- notification::surveys::comment
        SELECT comment FROM survey WHERE site = $1 AND survey_id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .flatten();
    let Some(sealed) = sealed else {
        return Ok(String::new());
    };
    let plain = keys.open(tx, site, &place(id, "comment"), &sealed).await?;
    String::from_utf8(plain.to_vec())
        .map_err(|_| Fault::internal("a sealed comment is not what was sealed"))
}

/// Writes down the answer; the row is locked by this transaction and open.
pub async fn answer(
    tx: &mut Tx,
    keys: &Keyring,
    survey: &mut Survey,
    answer: &Answer,
    by: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let comment = if answer.comment.is_empty() {
        None
    } else {
        let plain = answer.comment.as_bytes();
        let place = place(survey.id, "comment");
        Some(keys.seal(tx, &survey.site, &place, plain, now).await?)
    };
    sqlx::query!(
        "-- notification::surveys::answer
        UPDATE survey SET state = 'ANSWERED', score = $3, solved = $4, comment = $5, praised = $6, answer_time = $7,
               answered_by = $8, next_call_time = NULL, call_task_time = NULL, contact = NULL,
               thanks_contact = CASE WHEN cardinality($6::text[]) > 0 THEN contact END, revision = revision + 1
        WHERE site = $1 AND survey_id = $2",
        survey.site.as_str(),
        survey.id,
        answer.score,
        answer.solved,
        comment,
        &answer.praised,
        now.to_sqlx(),
        by,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    survey.state = SurveyState::Answered;
    survey.score = Some(answer.score);
    survey.solved = answer.solved;
    survey.praised.clone_from(&answer.praised);
    survey.answer_time = Some(now);
    survey.next_call_time = None;
    survey.call_task_time = None;
    survey.commented = comment.is_some();
    survey.revision += 1;
    Ok(())
}

/// Forgets how to reach a customer without a case who has been thanked, or cannot be.
pub async fn thanked(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::surveys::thanked
        UPDATE survey SET thanks_contact = NULL WHERE site = $1 AND survey_id = $2 AND thanks_contact IS NOT NULL",
        site.as_str(),
        id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Writes down when the customer may be called next, or that the customer is not asked any more; the row is locked
/// by this transaction and open.
pub async fn postpone(
    tx: &mut Tx,
    survey: &mut Survey,
    next_call_time: Option<Timestamp>,
    cancelled: bool,
) -> Result<(), Fault> {
    let state = if cancelled {
        SurveyState::Cancelled
    } else {
        SurveyState::Open
    };
    sqlx::query!(
        "-- notification::surveys::postpone
        UPDATE survey SET state = $3, next_call_time = $4, call_task_time = $4, contact = CASE WHEN $3 = 'OPEN' THEN contact END,
               revision = revision + 1
        WHERE site = $1 AND survey_id = $2",
        survey.site.as_str(),
        survey.id,
        state.word(),
        next_call_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    survey.state = state;
    survey.next_call_time = next_call_time;
    survey.call_task_time = next_call_time;
    survey.revision += 1;
    Ok(())
}

/// Asks no more about a case that was opened again, or withdrawn, after these epochs, nor its people about another one than it is
/// merged into. Returns what was asked.
pub async fn cancel_of_case(
    tx: &mut Tx,
    case: &CaseName,
    epoch: i64,
    into: Option<Uuid>,
) -> Result<Vec<Survey>, Fault> {
    let ids = sqlx::query_scalar!(
        "-- notification::surveys::cancel_of_case
        UPDATE survey SET state = 'CANCELLED', next_call_time = NULL, call_task_time = NULL, contact = NULL, revision = revision + 1
        WHERE site = $1 AND state = 'OPEN'
          AND (case_id = $2 AND epoch < $3 OR known_by = $2 AND case_id IS DISTINCT FROM $4)
        RETURNING survey_id",
        case.site.as_str(),
        case.id,
        epoch,
        into,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut cancelled = Vec::with_capacity(ids.len());
    for id in ids {
        cancelled.extend(get(tx, &case.site, id).await?);
    }
    Ok(cancelled)
}

/// Asks nobody about an erased case any more, and forgets what was answered in words. Returns what was asked.
pub async fn end_of_erased(tx: &mut Tx, case: &CaseName) -> Result<Vec<Survey>, Fault> {
    sqlx::query!(
        "-- notification::surveys::end_of_erased
        UPDATE survey SET comment = NULL, thanks_contact = NULL, revision = revision + 1
        WHERE site = $1 AND (case_id = $2 OR known_by = $2) AND (comment IS NOT NULL OR thanks_contact IS NOT NULL)",
        case.site.as_str(),
        case.id,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    cancel_of_case(tx, case, i64::MAX, None).await
}

/// Writes down when the task of the next call is to be made; none where it is there, or nobody is to call. The row is
/// locked by this transaction.
pub async fn set_call_task_time(
    tx: &mut Tx,
    survey: &Survey,
    time: Option<Timestamp>,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::surveys::set_call_task_time
        UPDATE survey SET call_task_time = $3 WHERE site = $1 AND survey_id = $2",
        survey.site.as_str(),
        survey.id,
        time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The message that asked in writing.
pub async fn question(tx: &mut Tx, survey: &Survey) -> Result<Option<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- notification::surveys::question
        SELECT message_id FROM message WHERE site = $1 AND cause = $2 LIMIT 1",
        survey.site.as_str(),
        causes::survey_cause(survey.id),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()
}

/// Surveys of all sites whose next call waits for its task, the one that waits longest in front. A statement of the
/// worker role.
pub async fn calls_due(
    db: &Database,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(SiteId, Uuid)>, Fault> {
    let rows = sqlx::query!(
        "-- notification::surveys::calls_due
        SELECT site, survey_id FROM survey WHERE call_task_time <= $1 ORDER BY call_task_time LIMIT $2",
        now.to_sqlx(),
        limit,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| Ok((row.site.parse().map_err(Fault::internal)?, row.survey_id)))
        .collect()
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who called, by the full name.
    pub caller: String,
    /// When.
    pub call_time: Timestamp,
    /// What came of it.
    pub outcome: SurveyCallOutcome,
}

/// Adds a call.
pub async fn add_call(
    tx: &mut Tx,
    survey: &Survey,
    number: usize,
    call: &Call,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::surveys::add_call
        INSERT INTO survey_call (site, survey_id, number, caller, call_time, outcome)
        VALUES ($1, $2, $3, $4, $5, $6)",
        survey.site.as_str(),
        survey.id,
        i32::try_from(number).unwrap_or(i32::MAX),
        call.caller,
        call.call_time.to_sqlx(),
        call.outcome.word(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The calls of a survey, oldest first.
pub async fn calls(tx: &mut Tx, survey: &Survey) -> Result<Vec<Call>, Fault> {
    let rows = sqlx::query!(
        r#"-- notification::surveys::calls
        SELECT caller, call_time AS "call_time: jiff_sqlx::Timestamp", outcome FROM survey_call
        WHERE site = $1 AND survey_id = $2 ORDER BY number"#,
        survey.site.as_str(),
        survey.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Call {
                caller: row.caller,
                call_time: row.call_time.to_jiff(),
                outcome: word(&row.outcome)?,
            })
        })
        .collect()
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One site; none: all in scope.
    pub site: Option<SiteId>,
    /// One state.
    pub state: Option<SurveyState>,
    /// One kind.
    pub kind: Option<SurveyKind>,
    /// One case.
    pub case: Option<Uuid>,
    /// Only those whose customer may be called at this instant.
    pub callable_at: Option<Timestamp>,
}

/// Surveys, newest first.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Survey>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- notification::surveys::list
        SELECT site, survey_id, kind, state, person, case_id, known_by, department, handlers,
               create_time AS "create_time: jiff_sqlx::Timestamp", open_time AS "open_time: jiff_sqlx::Timestamp",
               next_call_time AS "next_call_time: jiff_sqlx::Timestamp",
               call_task_time AS "call_task_time: jiff_sqlx::Timestamp", score, solved, praised,
               answer_time AS "answer_time: jiff_sqlx::Timestamp", comment IS NOT NULL AS "commented!", revision
        FROM survey
        WHERE ($1::text IS NULL OR site = $1)
          AND ($2::text IS NULL OR state = $2)
          AND ($3::text IS NULL OR kind = $3)
          AND ($4::uuid IS NULL OR case_id = $4)
          AND ($5::timestamptz IS NULL OR next_call_time <= $5)
          AND ($6::uuid IS NULL OR survey_id < $6)
        ORDER BY survey_id DESC LIMIT $7"#,
        filter.site.as_ref().map(SiteId::as_str),
        filter.state.map(SurveyState::word),
        filter.kind.map(SurveyKind::word),
        filter.case,
        filter.callable_at.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        after,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::survey).collect()
}

/// What surveys came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// The site.
    pub site: SiteId,
    /// After what they were asked.
    pub kind: SurveyKind,
    /// The department.
    pub department: String,
    /// How many were made.
    pub asked: i64,
    /// How many were answered.
    pub answered: i64,
    /// Mean score; 0 without an answer.
    pub mean: f64,
    /// How many are dissatisfied.
    pub dissatisfied: i64,
    /// How many say it is not solved.
    pub unsolved: i64,
    /// How many praise somebody.
    pub praising: i64,
}

/// What the surveys of a site, or of all in scope, made in a period came to. Cancelled ones were never asked to the end and do
/// not count, but for those that no call reached.
pub async fn tally(
    tx: &mut Tx,
    site: Option<&SiteId>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Vec<Tally>, Fault> {
    let rows = sqlx::query!(
        r#"-- notification::surveys::tally
        SELECT site, kind, department, count(*) AS "asked!", count(score) AS "answered!",
               coalesce(avg(score), 0)::double precision AS "mean!",
               count(*) FILTER (WHERE score <= 2 OR NOT solved) AS "dissatisfied!",
               count(*) FILTER (WHERE NOT solved) AS "unsolved!",
               count(*) FILTER (WHERE cardinality(praised) > 0) AS "praising!"
        FROM survey
        WHERE ($1::text IS NULL OR site = $1)
          AND (state <> 'CANCELLED' OR EXISTS (
            SELECT FROM survey_call c
            WHERE c.site = survey.site AND c.survey_id = survey.survey_id AND c.number >= $4 AND c.outcome = 'NOT_REACHED'))
          AND ($2::timestamptz IS NULL OR create_time >= $2)
          AND ($3::timestamptz IS NULL OR create_time < $3)
        GROUP BY site, kind, department ORDER BY site, kind, department"#,
        site.map(SiteId::as_str),
        from.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        until.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        i32::try_from(CALLS_MAX).unwrap_or(i32::MAX),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            Ok(Tally {
                site: row.site.parse().map_err(Fault::internal)?,
                kind: word(&row.kind)?,
                department: row.department,
                asked: row.asked,
                answered: row.answered,
                mean: row.mean,
                dissatisfied: row.dissatisfied,
                unsolved: row.unsolved,
                praising: row.praising,
            })
        })
        .collect()
}

/// Those to be asked about a resolved case: who was told that it was received.
pub async fn people_of_case(tx: &mut Tx, case: &CaseName) -> Result<Vec<String>, Fault> {
    sqlx::query_scalar!(
        "-- notification::surveys::people_of_case
        SELECT DISTINCT recipient FROM message
        WHERE site = $1 AND case_id = $2 AND template = 'case.received' ORDER BY recipient",
        case.site.as_str(),
        case.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// The department of a case and everybody who was ever responsible for it.
pub async fn handled_by(tx: &mut Tx, case: &CaseName) -> Result<(String, Vec<String>), Fault> {
    let row = sqlx::query!(
        "-- notification::surveys::handled_by
        SELECT department, handlers FROM case_view WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row
        .map(|row| (row.department, row.handlers))
        .unwrap_or_default())
}

/// Everybody who handled what a survey asks about, or had a part in it, also since it was scheduled.
pub async fn handlers(tx: &mut Tx, survey: &Survey) -> Result<Vec<String>, Fault> {
    let mut handlers = survey.handlers.clone();
    for case in survey.case.iter().chain(&survey.known_by) {
        handlers.extend(handled_by(tx, case).await?.1);
        handlers.extend(parts::people(tx, case).await?);
    }
    Ok(handlers)
}

/// Remembers who is, or was, responsible for a case; the department only from the newest owner.
pub async fn keep_handler(
    tx: &mut Tx,
    case: &CaseName,
    responsible: &str,
    department: Option<&str>,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::surveys::keep_handler
        UPDATE case_view
        SET handlers = CASE WHEN $3 = '' OR $3 = ANY (handlers) THEN handlers ELSE array_append(handlers, $3) END,
            department = coalesce($4, department)
        WHERE site = $1 AND case_id = $2",
        case.site.as_str(),
        case.id,
        responsible,
        department,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
