//! What is to be done in the stages of incidents.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::words::DutyRole;
use redress_policy::playbook::Text;
use redress_store::{OneRowExt as _, StoreResultExt as _, Tx};
use uuid::Uuid;

use super::read;
use crate::domain::words::{Stage, TaskState};

/// A task.
#[derive(Debug, Clone)]
pub struct Task {
    /// Id.
    pub id: Uuid,
    /// The visit of the stage.
    pub visit: i64,
    /// The stage.
    pub stage: Stage,
    /// Its name within the visit.
    pub key: String,
    /// For people.
    pub title: Text,
    /// The role that does it.
    pub owner: DutyRole,
    /// The stage may be left with it open.
    pub optional: bool,
    /// Where it stands.
    pub state: TaskState,
    /// Since when.
    pub start: Timestamp,
    /// Its deadline.
    pub due: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Who ended it; empty where the platform did.
    pub actor: String,
    /// Why it was skipped.
    pub reason: String,
    /// Where the result lies.
    pub reference: String,
    /// The incident whose review taught it; empty: nobody's.
    pub origin: String,
}

/// The tasks of a visit, by deadline.
///
/// # Errors
/// When Postgres is away.
pub async fn of_visit(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    visit: i64,
) -> Result<Vec<Task>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::tasks::of_visit
        SELECT id, visit, stage, key, title_zh, title_en, owner, optional, state, start_time, due_time, end_time, actor,
               reason, reference, origin
        FROM incident_task WHERE site = $1 AND incident = $2 AND visit = $3 ORDER BY due_time, key",
        site.as_str(),
        incident,
        visit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Task {
                id: r.id,
                visit: r.visit,
                stage: read(&r.stage)?,
                key: r.key,
                title: Text {
                    zh_cn: r.title_zh,
                    en: r.title_en,
                },
                owner: read(&r.owner)?,
                optional: r.optional,
                state: read(&r.state)?,
                start: r.start_time.to_jiff(),
                due: r.due_time.to_jiff(),
                ended: r.end_time.map(|t| t.to_jiff()),
                actor: r.actor,
                reason: r.reason,
                reference: r.reference,
                origin: r.origin,
            })
        })
        .collect()
}

/// Records a new task.
///
/// # Errors
/// When Postgres is away.
pub async fn insert(tx: &mut Tx, site: &SiteId, incident: Uuid, task: &Task) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::tasks::insert
        INSERT INTO incident_task (site, id, incident, visit, stage, key, title_zh, title_en, owner, optional, state,
          start_time, due_time, end_time, actor, reason, reference, origin)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        site.as_str(),
        task.id,
        incident,
        task.visit,
        task.stage.word(),
        task.key,
        task.title.zh_cn,
        task.title.en,
        task.owner.word(),
        task.optional,
        task.state.word(),
        task.start.to_sqlx(),
        task.due.to_sqlx(),
        task.ended.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        task.actor,
        task.reason,
        task.reference,
        task.origin,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Ends an open task.
///
/// # Errors
/// When Postgres is away.
pub async fn end(tx: &mut Tx, site: &SiteId, task: &Task) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::tasks::end
        UPDATE incident_task SET state = $3, end_time = $4, actor = $5, reason = $6, reference = $7
        WHERE site = $1 AND id = $2 AND state = 'OPEN'",
        site.as_str(),
        task.id,
        task.state.word(),
        task.ended.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        task.actor,
        task.reason,
        task.reference,
    )
    .execute(&mut **tx)
    .await
    .one_row("a task was ended without its incident's lock")
}
