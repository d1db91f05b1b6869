//! Reviews of incidents that were stood down and their actions.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{IncidentName, ReviewActionName, SiteId, StaffId};
use redress_model::words::{ClockKind, ClockState};
use redress_store::{OneRowExt as _, StoreResultExt as _, Tx};
use uuid::Uuid;

use super::read;
use crate::domain::aftermath::{ActionState, ReviewState};

/// A review.
#[derive(Debug, Clone)]
pub struct Review {
    /// Its incident.
    pub incident: IncidentName,
    /// Where it stands.
    pub state: ReviewState,
    /// The version that stands; 0 while nobody has written one.
    pub version: i64,
    /// Why it came to this.
    pub causes: Vec<String>,
    /// What worked.
    pub worked: Vec<String>,
    /// What was lacking.
    pub lacking: Vec<String>,
    /// Who wrote it last; empty while nobody has.
    pub author: String,
    /// When it was last changed; none while there is no review.
    pub updated: Option<Timestamp>,
    /// When and by whom it was closed.
    pub closed: Option<(Timestamp, String)>,
    /// Rises with every change; 0 while there is no review.
    pub revision: i64,
}

/// What somebody has to do.
#[derive(Debug, Clone)]
pub struct Action {
    /// Site and id.
    pub name: ReviewActionName,
    /// Its incident.
    pub incident: Uuid,
    /// What.
    pub text: String,
    /// Who.
    pub owner: StaffId,
    /// By when.
    pub due: Timestamp,
    /// Where it stands.
    pub state: ActionState,
    /// When, by whom and how it was settled; none while it is open.
    pub settled: Option<(Timestamp, String, String)>,
    /// Rises with every change.
    pub revision: i64,
    /// Where its clock stands.
    pub clock: ClockState,
}

/// How the promises of one kind were kept.
#[derive(Debug, Clone, Copy)]
pub struct Score {
    /// Which.
    pub kind: ClockKind,
    /// How many ended.
    pub count: i64,
    /// How many of them late or never.
    pub broken: i64,
}

/// Begins the review of an incident.
///
/// # Errors
/// When Postgres is away.
pub async fn begin(tx: &mut Tx, incident: &IncidentName, at: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::reviews::begin
        INSERT INTO review (site, incident, state, version, update_time, revision) VALUES ($1, $2, 'OPEN', 0, $3, 1)
        ON CONFLICT ON CONSTRAINT review_key DO NOTHING",
        incident.site.as_str(),
        incident.id,
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The review of an incident with the version that stands; an empty one while there is none.
///
/// # Errors
/// When Postgres is away.
pub async fn get(tx: &mut Tx, incident: &IncidentName) -> Result<Review, Fault> {
    let row = sqlx::query!(
        r#"-- crisis::store::reviews::get
        SELECT r.state, r.version, r.update_time AS "update_time: jiff_sqlx::Timestamp",
               r.close_time AS "close_time: jiff_sqlx::Timestamp", r.closed_by, r.revision,
               v.causes AS "causes?", v.worked AS "worked?", v.lacking AS "lacking?", v.author AS "author?"
        FROM review r
        LEFT JOIN review_version v ON v.site = r.site AND v.incident = r.incident AND v.number = r.version
        WHERE r.site = $1 AND r.incident = $2"#,
        incident.site.as_str(),
        incident.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    let Some(row) = row else {
        return Ok(Review {
            incident: incident.clone(),
            state: ReviewState::Open,
            version: 0,
            causes: Vec::new(),
            worked: Vec::new(),
            lacking: Vec::new(),
            author: String::new(),
            updated: None,
            closed: None,
            revision: 0,
        });
    };
    Ok(Review {
        incident: incident.clone(),
        state: read(&row.state)?,
        version: row.version,
        causes: row.causes.unwrap_or_default(),
        worked: row.worked.unwrap_or_default(),
        lacking: row.lacking.unwrap_or_default(),
        author: row.author.unwrap_or_default(),
        updated: Some(row.update_time.to_jiff()),
        closed: row.close_time.map(|t| t.to_jiff()).zip(row.closed_by),
        revision: row.revision,
    })
}

/// Adds the version that `review` has.
///
/// # Errors
/// When Postgres is away.
pub async fn write(tx: &mut Tx, review: &Review, at: Timestamp) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::reviews::write
        INSERT INTO review_version (site, incident, number, causes, worked, lacking, author, write_time)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        review.incident.site.as_str(),
        review.incident.id,
        review.version,
        &review.causes,
        &review.worked,
        &review.lacking,
        review.author,
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Writes what may change of a review, under the lock of its incident.
///
/// # Errors
/// When Postgres is away.
pub async fn update(tx: &mut Tx, review: &Review, at: Timestamp) -> Result<(), Fault> {
    let closed = review.closed.as_ref();
    sqlx::query!(
        "-- crisis::store::reviews::update
        UPDATE review SET state = $3, version = $4, update_time = $5, close_time = $6, closed_by = $7, revision = $8
        WHERE site = $1 AND incident = $2 AND revision < $8",
        review.incident.site.as_str(),
        review.incident.id,
        review.state.word(),
        review.version,
        at.to_sqlx(),
        closed.map(|c| c.0.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        closed.map(|c| c.1.as_str()),
        review.revision,
    )
    .execute(&mut **tx)
    .await
    .one_row("a review was changed without its lock")
}

/// Adds an action. Its clock is started beside it.
///
/// # Errors
/// When Postgres is away.
pub async fn add_action(tx: &mut Tx, action: &Action) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::reviews::add_action
        INSERT INTO review_action (site, id, incident, text, owner, due_time, state, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        action.name.site.as_str(),
        action.name.id,
        action.incident,
        action.text,
        action.owner.as_str(),
        action.due.to_sqlx(),
        action.state.word(),
        action.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Settles an open action, under the lock of its incident.
///
/// # Errors
/// When Postgres is away.
pub async fn settle_action(
    tx: &mut Tx,
    name: &ReviewActionName,
    state: ActionState,
    at: Timestamp,
    by: &str,
    outcome: &str,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::reviews::settle_action
        UPDATE review_action SET state = $3, settle_time = $4, settled_by = $5, outcome = $6, revision = revision + 1
        WHERE site = $1 AND id = $2 AND state = 'OPEN'",
        name.site.as_str(),
        name.id,
        state.word(),
        at.to_sqlx(),
        by,
        outcome,
    )
    .execute(&mut **tx)
    .await
    .one_row("an action was settled without its lock")
}

struct Row {
    site: String,
    id: Uuid,
    incident: Uuid,
    text: String,
    owner: String,
    due_time: jiff_sqlx::Timestamp,
    state: String,
    settle_time: Option<jiff_sqlx::Timestamp>,
    settled_by: Option<String>,
    outcome: Option<String>,
    revision: i64,
    clock: String,
}

impl TryFrom<Row> for Action {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            name: ReviewActionName::new(read(&row.site)?, row.id),
            incident: row.incident,
            text: row.text,
            owner: read(&row.owner)?,
            due: row.due_time.to_jiff(),
            state: read(&row.state)?,
            settled: match (row.settle_time, row.settled_by, row.outcome) {
                (Some(at), Some(by), Some(outcome)) => Some((at.to_jiff(), by, outcome)),
                _ => None,
            },
            revision: row.revision,
            clock: read(&row.clock)?,
        })
    }
}

/// An action.
///
/// # Errors
/// When Postgres is away.
pub async fn action(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Action>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::reviews::action
        SELECT a.site, a.id, a.incident, a.text, a.owner, a.due_time, a.state, a.settle_time, a.settled_by, a.outcome, a.revision,
               k.state AS clock
        FROM review_action a JOIN incident_clock k ON k.site = a.site AND k.kind = $3 AND k.subject = a.id
        WHERE a.site = $1 AND a.id = $2",
        site.as_str(),
        id,
        ClockKind::ReviewAction.word(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// The actions of an incident's review, the soonest due first.
///
/// # Errors
/// When Postgres is away.
pub async fn actions(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Action>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::reviews::actions
        SELECT a.site, a.id, a.incident, a.text, a.owner, a.due_time, a.state, a.settle_time, a.settled_by, a.outcome, a.revision,
               k.state AS clock
        FROM review_action a JOIN incident_clock k ON k.site = a.site AND k.incident = a.incident AND k.kind = $3 AND k.subject = a.id
        WHERE a.site = $1 AND a.incident = $2 ORDER BY a.due_time, a.id",
        site.as_str(),
        incident,
        ClockKind::ReviewAction.word(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// Who does an action.
///
/// # Errors
/// When Postgres is away.
pub async fn owner(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<StaffId>, Fault> {
    let owner = sqlx::query_scalar!(
        "-- crisis::store::reviews::owner
        SELECT owner FROM review_action WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    owner.as_deref().map(read).transpose()
}

/// How the promises of an incident were kept, by kind: those that ended, and those that are late.
///
/// # Errors
/// When Postgres is away.
pub async fn scores(
    tx: &mut Tx,
    incident: &IncidentName,
    now: Timestamp,
) -> Result<Vec<Score>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::reviews::scores
        SELECT kind, count(*) AS "count!", count(*) FILTER (WHERE coalesce(stop_time, $3) > due_time) AS "broken!"
        FROM incident_clock
        WHERE site = $1 AND incident = $2 AND (state = 'MET' OR due_time < coalesce(stop_time, $3))
        GROUP BY kind ORDER BY kind"#,
        incident.site.as_str(),
        incident.id,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Score {
                kind: read(&r.kind)?,
                count: r.count,
                broken: r.broken,
            })
        })
        .collect()
}

/// When the stage last moved; none where it never did.
///
/// # Errors
/// When Postgres is away.
pub async fn stage_since(tx: &mut Tx, incident: &IncidentName) -> Result<Option<Timestamp>, Fault> {
    let at = sqlx::query_scalar!(
        r#"-- crisis::store::reviews::stage_since
        SELECT max(log_time) AS "at: jiff_sqlx::Timestamp" FROM incident_log
        WHERE site = $1 AND incident = $2 AND kind = 'STAGE_MOVED'"#,
        incident.site.as_str(),
        incident.id,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(at.map(|t| t.to_jiff()))
}
