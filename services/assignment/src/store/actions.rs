//! Corrective actions (M16). [`make`] and [`save`] keep an action and its history in step.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffId, StaffName};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use super::parse;
use crate::domain::action::ActionState;

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
pub async fn make(tx: &mut Tx, action: &CorrectiveAction, actor: &str) -> Result<(), Fault> {
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
    act(tx, action, actor).await
}

/// Stores an action that moved on.
///
/// # Errors
/// When Postgres is away.
pub async fn save(tx: &mut Tx, action: &CorrectiveAction, actor: &str) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::actions::save
        UPDATE corrective_action
        SET due_time = $3, state = $4, note = $5, done_by = $6, failed_checks = $7, update_time = $8, revision = $9
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
    act(tx, action, actor).await
}

async fn act(tx: &mut Tx, action: &CorrectiveAction, actor: &str) -> Result<(), Fault> {
    sqlx::query!(
        "-- assignment::store::actions::act
        INSERT INTO corrective_action_act (site, action, revision, state, act_time, actor, note)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
        action.site.as_str(),
        action.id,
        action.revision,
        action.state.word(),
        action.updated_at.to_sqlx(),
        actor,
        action.note,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
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
