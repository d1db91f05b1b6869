//! Corrective actions (M16). [`make`] and [`save`] keep an action and its history in step.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, CorrectiveActionName, SiteId, StaffId, StaffName};
use redress_proto::event::v1::WorkNews;
use redress_store::{StoreResultExt as _, Tx};
use sqlx::PgPool;
use uuid::Uuid;

use super::outbox::{self, Notice};
use super::{bench, parse, work};
use crate::domain::action::{ActionState, TELLINGS_PERCENT, listeners, tellings};
use crate::domain::person::Person;

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectiveAction {
    /// Its site.
    pub site: SiteId,
    /// Its id.
    pub id: Uuid,
    /// What is to be done.
    pub title: String,
    /// The cause it removes.
    pub cause: String,
    /// The case that led to it.
    pub case: Option<Uuid>,
    /// Who does it.
    pub owner: StaffId,
    /// Until when.
    pub due: Timestamp,
    /// Where it stands.
    pub state: ActionState,
    /// What was done or found last.
    pub note: String,
    /// Who said that it is done.
    pub done_by: Option<String>,
    /// How often it did not work.
    pub failed_checks: i32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

struct Row {
    site: String,
    id: Uuid,
    title: String,
    cause: String,
    case_id: Option<Uuid>,
    owner: String,
    due_time: Timestamp,
    state: String,
    note: String,
    done_by: Option<String>,
    failed_checks: i32,
    create_time: Timestamp,
    update_time: Timestamp,
    revision: i64,
}

impl Row {
    fn into_action(self) -> Result<CorrectiveAction, Fault> {
        Ok(CorrectiveAction {
            site: parse("corrective_action.site", &self.site)?,
            id: self.id,
            title: self.title,
            cause: self.cause,
            case: self.case_id,
            owner: parse("corrective_action.owner", &self.owner)?,
            due: self.due_time,
            state: parse("corrective_action.state", &self.state)?,
            note: self.note,
            done_by: self.done_by,
            failed_checks: self.failed_checks,
            created_at: self.create_time,
            updated_at: self.update_time,
            revision: self.revision,
        })
    }
}

/// Makes an action.
///
/// # Errors
/// When Postgres is away.
pub async fn make(tx: &mut Tx, action: &CorrectiveAction, by: &Person) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::actions::make
        INSERT INTO corrective_action (site, id, title, cause, case_id, owner, due_time, state, note, failed_checks,
                                       create_time, update_time, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 0, $9, $9, 1)",
        action.site.as_str(),
        action.id,
        action.title,
        action.cause,
        action.case,
        action.owner.as_str(),
        action.due.to_sqlx(),
        action.state.word(),
        action.created_at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    act(tx, action, by).await
}

/// Stores an action that moved on.
///
/// # Errors
/// When Postgres is away.
pub async fn save(tx: &mut Tx, action: &CorrectiveAction, by: &Person) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::actions::save
        UPDATE corrective_action
        SET due_time = $3, state = $4, note = $5, done_by = $6, failed_checks = $7, update_time = $8, revision = $9, told = 0
        WHERE site = $1 AND id = $2",
        action.site.as_str(),
        action.id,
        action.due.to_sqlx(),
        action.state.word(),
        action.note,
        action.done_by,
        action.failed_checks,
        action.updated_at.to_sqlx(),
        action.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    act(tx, action, by).await
}

async fn act(tx: &mut Tx, action: &CorrectiveAction, by: &Person) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::actions::act
        INSERT INTO corrective_action_act (site, action, revision, state, act_time, actor, note, actor_staff)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        action.site.as_str(),
        action.id,
        action.revision,
        action.state.word(),
        action.updated_at.to_sqlx(),
        by.subject,
        action.note,
        by.staff.as_ref().map(ToString::to_string),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Whether this person made the last change of an action: of one that is done, whether they did it.
///
/// # Errors
/// When Postgres is away.
pub async fn did_last(tx: &mut Tx, action: &CorrectiveAction, by: &Person) -> Result<bool, Fault> {
    sqlx::query_scalar!(
        r#"-- assignment::store::actions::did_last
        SELECT EXISTS (
          SELECT FROM corrective_action_act
          WHERE site = $1 AND action = $2 AND revision = $3 AND (actor = $4 OR actor_staff = $5)) AS "did!""#,
        action.site.as_str(),
        action.id,
        action.revision,
        by.subject,
        by.staff.as_ref().map(ToString::to_string),
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// An action, held until the transaction ends; none where there is none in scope.
///
/// # Errors
/// When Postgres is away.
pub async fn lock(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<CorrectiveAction>, Fault> {
    sqlx::query_as!(
        Row,
        "-- assignment::store::actions::lock
        SELECT site, id, title, cause, case_id, owner, due_time, state, note, done_by, failed_checks, create_time,
               update_time, revision
        FROM corrective_action WHERE site = $1 AND id = $2 FOR UPDATE",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::into_action)
    .transpose()
}

/// Open actions of which a telling is due, any of them: those that nobody is there to hear of stay due, and hold back no others
/// (P14). For the worker role.
///
/// # Errors
/// When Postgres is away.
pub async fn due(
    worker: &PgPool,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<CorrectiveActionName>, Fault> {
    let shares = TELLINGS_PERCENT.map(|percent| f64::from(percent) / 100.0);
    let rows = sqlx::query!(
        "-- assignment::store::actions::due
        SELECT site, id FROM corrective_action
        WHERE state = 'OPEN' AND update_time + make_interval(
          secs => extract(epoch FROM due_time - update_time)::float8 * ($2::float8[])[told + 1]) <= $1
        ORDER BY random() LIMIT $3",
        now.to_sqlx(),
        &shares[..],
        limit,
    )
    .fetch_all(worker)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|row| {
            let site = parse("corrective_action.site", &row.site)?;
            Ok(CorrectiveActionName::new(site, row.id))
        })
        .collect()
}

/// Tells of an open action what is due: before its time its owner, then one rung of the lead ladder more each time; nobody who is
/// complained about in its case. It is told without the case, which may have ended (P06). False where nothing is due, or nobody is
/// there to hear it: then it is looked at again.
///
/// # Errors
/// When Postgres is away.
pub async fn remind(
    tx: &mut Tx,
    name: &CorrectiveActionName,
    now: Timestamp,
) -> Result<bool, Fault> {
    let site = &name.site;
    let known = lock(tx, site, name.id).await?;
    let Some(action) = known.filter(|action| action.state == ActionState::Open) else {
        return Ok(false);
    };
    let told = told(tx, name).await?;
    let due = tellings(action.updated_at, action.due, now);
    if due <= told {
        return Ok(false);
    }
    let case = action.case.map(|id| CaseName::new(site.clone(), id));
    let known = match &case {
        Some(case) => work::find(tx, case).await?,
        None => None,
    };
    let excluded: BTreeSet<StaffId> = known.map(|work| work.facts.excluded).unwrap_or_default();
    let bench = bench::load(tx, site, now).await?;
    let people = listeners(&action.owner, (told, due), &bench, &excluded, now);
    if people.is_empty() {
        return Ok(false);
    }
    let count = i32::try_from(due).map_err(Fault::internal)?;
    sqlx::query!(
        "-- assignment::store::actions::remind
        UPDATE corrective_action SET told = $3 WHERE site = $1 AND id = $2",
        site.as_str(),
        name.id,
        count,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    let notice = Notice {
        id: new_id(now),
        news: if action.due <= now {
            WorkNews::ActionOverdue
        } else {
            WorkNews::ActionDue
        },
        staff: people.into_iter().collect(),
        work: None,
        resource: name.to_string(),
    };
    outbox::work_noticed(tx, site, &notice).await?;
    Ok(true)
}

async fn told(tx: &mut Tx, name: &CorrectiveActionName) -> Result<usize, Fault> {
    let told = sqlx::query_scalar!(
        "-- assignment::store::actions::told
        SELECT told FROM corrective_action WHERE site = $1 AND id = $2",
        name.site.as_str(),
        name.id,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    usize::try_from(told).map_err(Fault::internal)
}

/// Actions of a site or of all in scope, in one state or any, newest first, after the given one; without those of cases that
/// complain about the given person of a site.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    site: Option<&SiteId>,
    state: Option<ActionState>,
    not_about: Option<&StaffName>,
    after: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<CorrectiveAction>, Fault> {
    sqlx::query_as!(
        Row,
        "-- assignment::store::actions::list
        SELECT site, id, title, cause, case_id, owner, due_time, state, note, done_by, failed_checks, create_time,
               update_time, revision
        FROM corrective_action a
        WHERE ($1::text IS NULL OR site = $1) AND ($2::text IS NULL OR state = $2)
          AND ($3::timestamptz IS NULL OR (create_time, id) < ($3, $4))
          AND ($5::text IS NULL OR NOT EXISTS (
            SELECT FROM work w WHERE w.site = a.site AND w.case_id = a.case_id AND w.site = $5
              AND w.excluded @> ARRAY[$6::text]))
        ORDER BY create_time DESC, id DESC LIMIT $7",
        site.map(SiteId::as_str),
        state.map(ActionState::word),
        after.map(|(time, _)| time.to_sqlx()),
        after.map(|(_, id)| *id),
        not_about.map(|staff| staff.site.as_str()),
        not_about.map(|staff| staff.id.as_str()),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::into_action)
    .collect()
}
