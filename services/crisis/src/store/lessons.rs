//! What reviews teach playbooks. What was proposed never changes; only the decision is added.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{LessonName, SiteId};
use redress_policy::playbook::Text;
use redress_store::{OneRowExt as _, StoreResultExt as _, Tx};
use uuid::Uuid;

use super::read;
use crate::domain::lesson::{LessonState, Teaching, Work};

/// A lesson.
#[derive(Debug, Clone)]
pub struct Lesson {
    /// Site and id.
    pub name: LessonName,
    /// Its incident.
    pub incident: Uuid,
    /// What it says.
    pub teaching: Teaching,
    /// What happened that teaches it.
    pub reason: String,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed: Timestamp,
    /// Where it stands.
    pub state: LessonState,
    /// What was decided; none before.
    pub decided: Option<Decision>,
    /// Rises with the decision.
    pub revision: i64,
}

/// What was decided of a lesson.
#[derive(Debug, Clone)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The organization's revision of the playbook that has it; none where it was declined.
    pub playbook_revision: Option<i32>,
}

struct Row {
    site: String,
    id: Uuid,
    incident: Uuid,
    playbook: String,
    stage: String,
    text_zh: String,
    text_en: String,
    key: Option<String>,
    owner: Option<String>,
    within: Option<String>,
    optional: bool,
    reason: String,
    proposed_by: String,
    propose_time: jiff_sqlx::Timestamp,
    state: String,
    decided_by: Option<String>,
    decide_time: Option<jiff_sqlx::Timestamp>,
    decision: Option<String>,
    playbook_revision: Option<i32>,
    revision: i64,
}

impl TryFrom<Row> for Lesson {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let task = match (row.key, row.owner, row.within) {
            (Some(key), Some(owner), Some(within)) => Some(Work {
                key,
                owner: read(&owner)?,
                within: read(&within)?,
                optional: row.optional,
            }),
            _ => None,
        };
        Ok(Self {
            name: LessonName::new(read(&row.site)?, row.id),
            incident: row.incident,
            teaching: Teaching {
                playbook: row.playbook,
                stage: read(&row.stage)?,
                text: Text {
                    zh_cn: row.text_zh,
                    en: row.text_en,
                },
                task,
            },
            reason: row.reason,
            proposed_by: row.proposed_by,
            proposed: row.propose_time.to_jiff(),
            state: read(&row.state)?,
            decided: match (row.decide_time, row.decided_by, row.decision) {
                (Some(at), Some(by), Some(reason)) => Some(Decision {
                    at: at.to_jiff(),
                    by,
                    reason,
                    playbook_revision: row.playbook_revision,
                }),
                _ => None,
            },
            revision: row.revision,
        })
    }
}

/// Records a new lesson.
///
/// # Errors
/// When Postgres is away.
pub async fn insert(tx: &mut Tx, lesson: &Lesson) -> Result<(), Fault> {
    let teaching = &lesson.teaching;
    let task = teaching.task.as_ref();
    sqlx::query!(
        "-- crisis::store::lessons::insert
        INSERT INTO review_lesson (site, id, incident, playbook, stage, kind, text_zh, text_en, key, owner, within, optional, reason,
          proposed_by, propose_time, state, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        lesson.name.site.as_str(),
        lesson.name.id,
        lesson.incident,
        teaching.playbook,
        teaching.stage.word(),
        teaching.kind().word(),
        teaching.text.zh_cn,
        teaching.text.en,
        task.map(|t| t.key.as_str()),
        task.map(|t| t.owner.word()),
        task.map(|t| t.within.to_string()),
        task.is_some_and(|t| t.optional),
        lesson.reason,
        lesson.proposed_by,
        lesson.proposed.to_sqlx(),
        lesson.state.word(),
        lesson.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Decides a proposed lesson, under the lock of its incident.
///
/// # Errors
/// When Postgres is away.
pub async fn decide(
    tx: &mut Tx,
    name: &LessonName,
    state: LessonState,
    decision: &Decision,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::lessons::decide
        UPDATE review_lesson SET state = $3, decide_time = $4, decided_by = $5, decision = $6, playbook_revision = $7,
          revision = revision + 1
        WHERE site = $1 AND id = $2 AND state = 'PROPOSED'",
        name.site.as_str(),
        name.id,
        state.word(),
        decision.at.to_sqlx(),
        decision.by,
        decision.reason,
        decision.playbook_revision,
    )
    .execute(&mut **tx)
    .await
    .one_row("a lesson was decided without its lock")
}

/// A lesson.
///
/// # Errors
/// When Postgres is away.
pub async fn get(tx: &mut Tx, name: &LessonName) -> Result<Option<Lesson>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::lessons::get
        SELECT site, id, incident, playbook, stage, text_zh, text_en, key, owner, within, optional, reason, proposed_by, propose_time,
               state, decided_by, decide_time, decision, playbook_revision, revision
        FROM review_lesson WHERE site = $1 AND id = $2",
        name.site.as_str(),
        name.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// The lessons of an incident's review, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_incident(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Lesson>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::lessons::of_incident
        SELECT site, id, incident, playbook, stage, text_zh, text_en, key, owner, within, optional, reason, proposed_by, propose_time,
               state, decided_by, decide_time, decision, playbook_revision, revision
        FROM review_lesson WHERE site = $1 AND incident = $2 ORDER BY propose_time, id",
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

/// Lessons of a site or of all in scope, newest first, by keyset pages; without those of incidents that the caller may not
/// see, since a case of them complains about the caller.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    site: Option<&SiteId>,
    state: Option<LessonState>,
    before: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Lesson>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::lessons::list
        SELECT site, id, incident, playbook, stage, text_zh, text_en, key, owner, within, optional, reason, proposed_by, propose_time,
               state, decided_by, decide_time, decision, playbook_revision, revision
        FROM review_lesson l
        WHERE ($1::text IS NULL OR site = $1) AND ($2::text IS NULL OR state = $2)
          AND EXISTS (SELECT FROM incident i WHERE i.site = l.site AND i.id = l.incident)
          AND ($3::timestamptz IS NULL OR (propose_time, id) < ($3, $4))
        ORDER BY propose_time DESC, id DESC LIMIT $5",
        site.map(SiteId::as_str),
        state.map(|s| s.word()),
        before.map(|b| b.0.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        before.map(|b| b.1),
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}
