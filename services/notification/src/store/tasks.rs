//! Tasks: made by the sender, taken and ended by people.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::name::{CaseName, MessageName, SiteId, TaskName};
use redress_model::words::DutyRole;
use redress_model::{Fault, ids};
use redress_store::{Database, Keyring, OneRowExt as _, StoreResultExt as _, Tx};
use redress_vault::Place;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::surveys::Survey;
use super::word;
use crate::domain::task::{self, TaskKind, TaskOutcome, TaskState};

/// What the person who took a task works with. Names people: hence no `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskText {
    /// Whom to reach; empty where unknown.
    pub reader: String,
    /// The number to call or what is known of where to write.
    pub address: String,
    /// Subject line.
    pub subject: String,
    /// What to say or to print.
    pub body: String,
}

/// A task to be made.
pub struct NewTask<'a> {
    /// What is to be done.
    pub kind: TaskKind,
    /// For which message.
    pub message: &'a MessageName,
    /// About which case.
    pub case: Option<&'a CaseName>,
    /// The survey that is asked, where it is one.
    pub survey: Option<Uuid>,
    /// Which time the message was queued.
    pub round: i32,
    /// Which page.
    pub page: i32,
    /// The attempt that it is; 0 for a failed message.
    pub attempt: i32,
    /// Which duty it waits for.
    pub role: DutyRole,
    /// Who is asked.
    pub offered_to: String,
    /// Which of the duties that are asked one after the other that person has, from 0.
    pub step: i32,
    /// Why the message failed.
    pub reason: &'a str,
    /// What the person needs.
    pub text: Option<&'a TaskText>,
}

/// A task.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its name.
    pub name: TaskName,
    /// What is to be done.
    pub kind: TaskKind,
    /// Where it stands.
    pub state: TaskState,
    /// Which duty it waits for.
    pub role: String,
    /// Who held it when the task was made, when whoever was asked before came to be complained about, or who was asked since in
    /// their place.
    pub offered_to: String,
    /// The message.
    pub message: MessageName,
    /// The attempt that it is; 0 for a failed message.
    pub attempt: i32,
    /// The case.
    pub case: Option<CaseName>,
    /// The survey that is asked.
    pub survey: Option<Uuid>,
    /// Why the message failed.
    pub reason: String,
    /// By when.
    pub due_time: Timestamp,
    /// Who took it.
    pub taken_by: String,
    /// Who of the staff that is, `sites/{site}/staff/{staff}`; empty where the token does not say.
    pub taker: String,
    /// When.
    pub take_time: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<TaskOutcome>,
    /// Who ended it.
    pub done_by: String,
    /// When.
    pub done_time: Option<Timestamp>,
    /// When it was made.
    pub create_time: Timestamp,
    /// Which of the duties that are asked one after the other it was put to, from 0.
    pub step: i32,
    /// When it is looked at next; none: once it is due.
    pub look_time: Option<Timestamp>,
    /// Rises with every change.
    pub revision: i64,
}

struct Row {
    site: String,
    task_id: Uuid,
    kind: String,
    state: String,
    role: String,
    offered_to: String,
    message_id: Uuid,
    attempt: i32,
    case_id: Option<Uuid>,
    survey_id: Option<Uuid>,
    reason: String,
    due_time: jiff_sqlx::Timestamp,
    taken_by: String,
    taker: String,
    take_time: Option<jiff_sqlx::Timestamp>,
    outcome: String,
    done_by: String,
    done_time: Option<jiff_sqlx::Timestamp>,
    create_time: jiff_sqlx::Timestamp,
    step: i32,
    look_time: Option<jiff_sqlx::Timestamp>,
    revision: i64,
}

impl Row {
    fn task(self) -> Result<Task, Fault> {
        let site: SiteId = self.site.parse().map_err(Fault::internal)?;
        Ok(Task {
            kind: word(&self.kind)?,
            state: word(&self.state)?,
            role: self.role,
            offered_to: self.offered_to,
            message: MessageName::new(site.clone(), self.message_id),
            attempt: self.attempt,
            case: self.case_id.map(|id| CaseName::new(site.clone(), id)),
            survey: self.survey_id,
            reason: self.reason,
            due_time: self.due_time.to_jiff(),
            taken_by: self.taken_by,
            taker: self.taker,
            take_time: self.take_time.map(|t| t.to_jiff()),
            outcome: if self.outcome.is_empty() {
                None
            } else {
                Some(word(&self.outcome)?)
            },
            done_by: self.done_by,
            done_time: self.done_time.map(|t| t.to_jiff()),
            create_time: self.create_time.to_jiff(),
            step: self.step,
            look_time: self.look_time.map(|t| t.to_jiff()),
            revision: self.revision,
            name: TaskName::new(site, self.task_id),
        })
    }
}

fn place(id: Uuid) -> Place<'static> {
    Place {
        table: "task",
        row: id,
        field: "sealed",
    }
}

/// Makes a task, once for a page of a message. Returns whether it is new.
pub async fn make(
    tx: &mut Tx,
    keys: &Keyring,
    new: &NewTask<'_>,
    now: Timestamp,
) -> Result<bool, Fault> {
    let site = &new.message.site;
    let id = ids::new_id(now);
    let sealed = match new.text {
        Some(text) => {
            let plain = Zeroizing::new(serde_json::to_vec(text).map_err(Fault::internal)?);
            Some(keys.seal(tx, site, &place(id), &plain, now).await?)
        }
        None => None,
    };
    let due = new.kind.due(now);
    let look = task::look_at(!new.offered_to.is_empty(), due, now);
    let rows = sqlx::query!(
        "-- notification::tasks::make
        INSERT INTO task (site, task_id, kind, state, role, offered_to, message_id, round, page, attempt, case_id,
                          reason, due_time, sealed, create_time, survey_id, look_time, step)
        VALUES ($1, $2, $3, 'OPEN', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        ON CONFLICT ON CONSTRAINT task_once DO NOTHING",
        site.as_str(),
        id,
        new.kind.word(),
        new.role.word(),
        new.offered_to,
        new.message.id,
        new.round,
        new.page,
        new.attempt,
        new.case.map(|case| case.id),
        new.reason,
        due.to_sqlx(),
        sealed,
        now.to_sqlx(),
        new.survey,
        look.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        new.step,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?
    .rows_affected();
    if rows > 0 {
        return Ok(true);
    }
    // The same call for the attempt that follows one whose end got lost: it stands for that one now.
    sqlx::query!(
        "-- notification::tasks::make
        UPDATE task SET attempt = $6 WHERE site = $1 AND message_id = $2 AND kind = $3 AND round = $4 AND page = $5",
        site.as_str(),
        new.message.id,
        new.kind.word(),
        new.round,
        new.page,
        new.attempt,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(false)
}

/// How the call or letter ended that an attempt asked for; none while it waits.
pub async fn outcome(
    tx: &mut Tx,
    message: &MessageName,
    attempt: i32,
) -> Result<Option<TaskOutcome>, Fault> {
    let word = sqlx::query_scalar!(
        "-- notification::tasks::outcome
        SELECT outcome FROM task WHERE site = $1 AND message_id = $2 AND attempt = $3 AND state = 'DONE'",
        message.site.as_str(),
        message.id,
        attempt,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    word.map(|word| word.parse().map_err(Fault::internal))
        .transpose()
}

/// Ends the search for a reader whom the message has reached after all, or who needs it no more.
pub async fn end_search(tx: &mut Tx, message: &MessageName, now: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::tasks::end_search
        UPDATE task SET state = 'DONE', outcome = 'NOT_NEEDED', done_time = $3, revision = revision + 1
        WHERE site = $1 AND message_id = $2 AND kind = 'UNREACHED' AND state <> 'DONE'",
        message.site.as_str(),
        message.id,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Ends everything that somebody was asked to do about a message that the spokesperson dropped, or that nobody needs any more.
pub async fn end_dropped(tx: &mut Tx, message: &MessageName, now: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::tasks::end_dropped
        UPDATE task SET state = 'DONE', outcome = 'NOT_NEEDED', done_time = $3, revision = revision + 1
        WHERE site = $1 AND message_id = $2 AND state <> 'DONE'",
        message.site.as_str(),
        message.id,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The task of a survey's next call, where one waits or is under way.
pub async fn of_survey(tx: &mut Tx, site: &SiteId, survey: Uuid) -> Result<Option<Task>, Fault> {
    let id = sqlx::query_scalar!(
        "-- notification::tasks::of_survey
        SELECT task_id FROM task WHERE site = $1 AND survey_id = $2 AND state <> 'DONE'
        ORDER BY task_id DESC LIMIT 1",
        site.as_str(),
        survey,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    match id {
        Some(id) => lock(tx, &TaskName::new(site.clone(), id)).await,
        None => Ok(None),
    }
}

/// Ends the task of a survey's call; `by` is empty where nobody called.
pub async fn end_survey(
    tx: &mut Tx,
    survey: &Survey,
    outcome: TaskOutcome,
    by: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::tasks::end_survey
        UPDATE task SET state = 'DONE', outcome = $3, done_by = $4, done_time = $5, revision = revision + 1
        WHERE site = $1 AND survey_id = $2 AND state <> 'DONE'",
        survey.site.as_str(),
        survey.id,
        outcome.word(),
        by,
        now.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Ends calls that nobody is to make any more: of surveys that have ended, and of a person who refuses to be asked. Returns
/// the surveys.
pub async fn end_needless_surveys(
    tx: &mut Tx,
    site: &SiteId,
    case: Option<Uuid>,
    person: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Uuid>, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::tasks::end_needless_surveys
        UPDATE task t SET state = 'DONE', outcome = 'NOT_NEEDED', done_time = $4, revision = t.revision + 1
        FROM survey s
        WHERE t.site = $1 AND s.site = $1 AND s.survey_id = t.survey_id AND t.state <> 'DONE'
          AND ((s.case_id = $2 OR s.known_by = $2) AND s.state <> 'OPEN' OR s.person = $3)
        RETURNING s.survey_id AS "survey_id!""#,
        site.as_str(),
        case,
        person,
        now.to_sqlx(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Tasks about a case, or about an incident that ever had it, that are with one of these people: asked of them, or taken by
/// them.
pub async fn with(tx: &mut Tx, case: &CaseName, staff: &[String]) -> Result<Vec<TaskName>, Fault> {
    let ids = sqlx::query_scalar!(
        "-- notification::tasks::with
        SELECT t.task_id FROM task t JOIN message m ON m.site = t.site AND m.message_id = t.message_id
        WHERE t.site = $1
          AND (t.state = 'OPEN' AND t.offered_to = ANY ($3) OR t.state = 'CLAIMED' AND t.taker = ANY ($3))
          AND (m.case_id = $2 OR m.incident_id IN (
                SELECT incident_id FROM incident_view WHERE site = $1 AND $2 = ANY (ever_case_ids)))
        ORDER BY t.task_id",
        case.site.as_str(),
        case.id,
        staff,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(ids
        .into_iter()
        .map(|id| TaskName::new(case.site.clone(), id))
        .collect())
}

/// Tasks of all sites at which somebody is to look, the one that waits longest in front. A statement of the worker role.
pub async fn to_look_at(db: &Database, now: Timestamp, limit: i64) -> Result<Vec<TaskName>, Fault> {
    let rows = sqlx::query!(
        "-- notification::tasks::to_look_at
        SELECT site, task_id FROM task WHERE state <> 'DONE' AND coalesce(look_time, due_time) <= $1
        ORDER BY coalesce(look_time, due_time) LIMIT $2",
        now.to_sqlx(),
        limit,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let site = row.site.parse().map_err(Fault::internal)?;
            Ok(TaskName::new(site, row.task_id))
        })
        .collect()
}

/// How many tasks of all sites are late. A statement of the worker role.
pub async fn late(db: &Database, now: Timestamp) -> Result<i64, Fault> {
    sqlx::query_scalar!(
        r#"-- notification::tasks::late
        SELECT count(*) AS "late!" FROM task WHERE state <> 'DONE' AND due_time <= $1"#,
        now.to_sqlx(),
    )
    .fetch_one(db.worker())
    .await
    .or_fault()
}

/// A task under a lock until the end of the transaction.
pub async fn lock(tx: &mut Tx, name: &TaskName) -> Result<Option<Task>, Fault> {
    sqlx::query!(
        "-- notification::tasks::lock
        SELECT 1 AS one FROM task WHERE site = $1 AND task_id = $2 FOR UPDATE",
        name.site.as_str(),
        name.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    get(tx, name).await
}

/// A task.
pub async fn get(tx: &mut Tx, name: &TaskName) -> Result<Option<Task>, Fault> {
    sqlx::query_as!(
        Row,
        r#"-- notification::tasks::get
        SELECT site, task_id, kind, state, role, offered_to, message_id, attempt, case_id, survey_id, reason, due_time, taken_by,
               taker, take_time, outcome, done_by, done_time, create_time, step, look_time, revision
        FROM task WHERE site = $1 AND task_id = $2"#,
        name.site.as_str(),
        name.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::task)
    .transpose()
}

/// What the person who took it works with; none where nothing is kept.
pub async fn text(tx: &mut Tx, keys: &Keyring, name: &TaskName) -> Result<Option<TaskText>, Fault> {
    let sealed = sqlx::query_scalar!(
        "-- notification::tasks::text
        SELECT sealed FROM task WHERE site = $1 AND task_id = $2",
        name.site.as_str(),
        name.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .flatten();
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    let plain = keys.open(tx, &name.site, &place(name.id), &sealed).await?;
    serde_json::from_slice(&plain)
        .map(Some)
        .map_err(|_| Fault::internal("a sealed text is not what was sealed"))
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One site; none: all in scope.
    pub site: Option<SiteId>,
    /// Any of these states; empty: all.
    pub states: Vec<String>,
    /// One kind.
    pub kind: Option<TaskKind>,
    /// One case.
    pub case: Option<Uuid>,
    /// One message.
    pub message: Option<Uuid>,
    /// Taken by this person; empty: by anybody.
    pub taken_by: String,
}

/// Where a page of a list ended: by when the last task is due, and its id.
pub type Last = (Timestamp, Uuid);

/// Tasks, the one that is due first in front.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<Last>,
    limit: i64,
) -> Result<Vec<Task>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- notification::tasks::list
        SELECT site, task_id, kind, state, role, offered_to, message_id, attempt, case_id, survey_id, reason, due_time, taken_by,
               taker, take_time, outcome, done_by, done_time, create_time, step, look_time, revision
        FROM task
        WHERE ($1::text IS NULL OR site = $1)
          AND (cardinality($2::text[]) = 0 OR state = ANY ($2))
          AND ($3::text IS NULL OR kind = $3)
          AND ($4::uuid IS NULL OR case_id = $4)
          AND ($5::uuid IS NULL OR message_id = $5)
          AND ($6::text = '' OR taken_by = $6)
          AND ($7::timestamptz IS NULL OR (due_time, task_id) > ($7, $8::uuid))
        ORDER BY due_time, task_id LIMIT $9"#,
        filter.site.as_ref().map(SiteId::as_str),
        &filter.states,
        filter.kind.map(|kind| kind.word()),
        filter.case,
        filter.message,
        filter.taken_by,
        after.map(|(due, _)| due.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        after.map(|(_, id)| id),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(Row::task).collect()
}

/// Writes the part that moves and bumps its revision. The row is locked by this transaction.
pub async fn settle(tx: &mut Tx, task: &mut Task) -> Result<(), Fault> {
    sqlx::query!(
        "-- notification::tasks::settle
        UPDATE task SET state = $4, taken_by = $5, take_time = $6, outcome = $7, done_by = $8, done_time = $9,
                        offered_to = $10, taker = $11, step = $12, look_time = $13, revision = revision + 1
        WHERE site = $1 AND task_id = $2 AND revision = $3",
        task.name.site.as_str(),
        task.name.id,
        task.revision,
        task.state.word(),
        task.taken_by,
        task.take_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        task.outcome.map_or("", |outcome| outcome.word()),
        task.done_by,
        task.done_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        task.offered_to,
        task.taker,
        task.step,
        task.look_time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .execute(&mut **tx)
    .await
    .one_row("a task was settled without its lock")?;
    task.revision += 1;
    Ok(())
}
