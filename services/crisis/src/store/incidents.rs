//! Incidents themselves.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{IncidentName, SiteId};
use redress_store::{OneRowExt as _, StoreResultExt as _, Tx};
use uuid::Uuid;

use super::read;
use crate::domain::words::{Mode, Stage, State};

/// An incident.
#[derive(Debug, Clone)]
pub struct Incident {
    /// Site and id.
    pub name: IncidentName,
    /// For people.
    pub number: String,
    /// The matter.
    pub cluster: Uuid,
    /// Whether it is open.
    pub state: State,
    /// How it is run.
    pub mode: Mode,
    /// Why so.
    pub mode_reason: String,
    /// Public criteria already weighed.
    pub weighed: Vec<String>,
    /// Where it stands.
    pub stage: Stage,
    /// Why it was opened.
    pub open_reason: String,
    /// Who opened it by hand; empty where it opened by itself.
    pub opened_by: String,
    /// The case that opened it.
    pub opened_case: Uuid,
    /// When.
    pub opened: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// Where it went.
    pub merged_into: Option<Uuid>,
    /// Rises with every change.
    pub revision: i64,
    /// It hangs on suspicions that nobody answered: people inside are called, and nothing leaves.
    pub provisional: bool,
}

struct Row {
    site: String,
    id: Uuid,
    number: String,
    cluster: Uuid,
    state: String,
    mode: String,
    mode_reason: String,
    weighed: Vec<String>,
    stage: String,
    open_reason: String,
    opened_by: String,
    opened_case: Uuid,
    open_time: jiff_sqlx::Timestamp,
    update_time: jiff_sqlx::Timestamp,
    merged_into: Option<Uuid>,
    revision: i64,
    provisional: bool,
}

impl TryFrom<Row> for Incident {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            name: IncidentName::new(read(&row.site)?, row.id),
            number: row.number,
            cluster: row.cluster,
            state: read(&row.state)?,
            mode: read(&row.mode)?,
            mode_reason: row.mode_reason,
            weighed: row.weighed,
            stage: read(&row.stage)?,
            open_reason: row.open_reason,
            opened_by: row.opened_by,
            opened_case: row.opened_case,
            opened: row.open_time.to_jiff(),
            updated: row.update_time.to_jiff(),
            merged_into: row.merged_into,
            revision: row.revision,
            provisional: row.provisional,
        })
    }
}

/// The open incident of a matter, locked.
///
/// # Errors
/// When Postgres is away.
pub async fn lock_open(
    tx: &mut Tx,
    site: &SiteId,
    cluster: Uuid,
) -> Result<Option<Incident>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::incidents::lock_open
        SELECT site, id, number, cluster, state, mode, mode_reason, weighed, stage, open_reason, opened_by,
               opened_case, open_time, update_time, merged_into, revision, provisional
        FROM incident WHERE site = $1 AND cluster = $2 AND state = 'OPEN' FOR UPDATE",
        site.as_str(),
        cluster,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// An incident, locked.
///
/// # Errors
/// When Postgres is away.
pub async fn lock(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Incident>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::incidents::lock
        SELECT site, id, number, cluster, state, mode, mode_reason, weighed, stage, open_reason, opened_by,
               opened_case, open_time, update_time, merged_into, revision, provisional
        FROM incident WHERE site = $1 AND id = $2 FOR UPDATE",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// An incident.
///
/// # Errors
/// When Postgres is away.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Incident>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::incidents::get
        SELECT site, id, number, cluster, state, mode, mode_reason, weighed, stage, open_reason, opened_by,
               opened_case, open_time, update_time, merged_into, revision, provisional
        FROM incident WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// State of an incident.
///
/// # Errors
/// When Postgres is away.
pub async fn state(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<State>, Fault> {
    Ok(get(tx, site, id).await?.map(|i| i.state))
}

/// Ids of the open incidents of a site, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn open_ids(tx: &mut Tx, site: &SiteId) -> Result<Vec<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- crisis::store::incidents::open_ids
        SELECT id FROM incident WHERE site = $1 AND state = 'OPEN' ORDER BY id",
        site.as_str(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Ids of incidents of a site in their order, ended ones too.
///
/// # Errors
/// When Postgres is away.
pub async fn ids_after(
    tx: &mut Tx,
    site: &SiteId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- crisis::store::incidents::ids_after
        SELECT id FROM incident WHERE site = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        site.as_str(),
        after,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// What was merged into an incident, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn merged(tx: &mut Tx, into: &IncidentName) -> Result<Vec<Incident>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::incidents::merged
        SELECT site, id, number, cluster, state, mode, mode_reason, weighed, stage, open_reason, opened_by,
               opened_case, open_time, update_time, merged_into, revision, provisional
        FROM incident WHERE site = $1 AND merged_into = $2 ORDER BY open_time, id",
        into.site.as_str(),
        into.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// What a list is narrowed by.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One site; none for every site in scope.
    pub site: Option<SiteId>,
    /// State.
    pub state: Option<State>,
    /// Mode.
    pub mode: Option<Mode>,
    /// The incident of this case.
    pub case: Option<Uuid>,
    /// Matter.
    pub cluster: Option<Uuid>,
}

/// Incidents newest first, below a key.
///
/// # Errors
/// When Postgres is away.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    before: Option<&(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Incident>, Fault> {
    sqlx::query_as!(
        Row,
        "-- crisis::store::incidents::list
        SELECT site, id, number, cluster, state, mode, mode_reason, weighed, stage, open_reason, opened_by,
               opened_case, open_time, update_time, merged_into, revision, provisional
        FROM incident i
        WHERE ($1::text IS NULL OR site = $1)
          AND ($2::text IS NULL OR state = $2)
          AND ($3::text IS NULL OR mode = $3)
          AND ($4::uuid IS NULL OR id = (SELECT c.incident FROM case_file c WHERE c.site = i.site AND c.id = $4))
          AND ($5::uuid IS NULL OR cluster = $5)
          AND ($6::timestamptz IS NULL OR (open_time, id) < ($6, $7))
        ORDER BY open_time DESC, id DESC LIMIT $8",
        filter.site.as_ref().map(SiteId::as_str),
        filter.state.map(|s| s.word()),
        filter.mode.map(|m| m.word()),
        filter.case,
        filter.cluster,
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

/// Inserts a new incident. I6: the index `incident_open` refuses a second open one of its matter; under
/// the site's lock that happens only to whoever may not see the first.
///
/// # Errors
/// NOT_FOUND when the matter has an open one that the caller may not see.
pub async fn insert(tx: &mut Tx, incident: &Incident) -> Result<(), Fault> {
    let site = incident.name.site.as_str();
    sqlx::query!(
        "-- crisis::store::incidents::insert
        INSERT INTO incident (site, id, number, cluster, state, mode, mode_reason, weighed, stage, open_reason,
                              opened_by, opened_case, open_time, update_time, merged_into, revision,
                              provisional)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        site,
        incident.name.id,
        incident.number,
        incident.cluster,
        incident.state.word(),
        incident.mode.word(),
        incident.mode_reason,
        &incident.weighed,
        incident.stage.word(),
        incident.open_reason,
        incident.opened_by,
        incident.opened_case,
        incident.opened.to_sqlx(),
        incident.updated.to_sqlx(),
        incident.merged_into,
        incident.revision,
        incident.provisional,
    )
    .execute(&mut **tx)
    .await
    .or_constraint("incident_open", || Fault::not_found("Incident", "of this matter"))?;
    Ok(())
}

/// Writes what may change, under the row's lock.
///
/// # Errors
/// When Postgres is away.
pub async fn update(tx: &mut Tx, incident: &Incident) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::incidents::update
        UPDATE incident SET cluster = $3, state = $4, mode = $5, mode_reason = $6, weighed = $7, stage = $8,
                            update_time = $9, merged_into = $10, revision = $11, provisional = $12
        WHERE site = $1 AND id = $2 AND revision < $11",
        incident.name.site.as_str(),
        incident.name.id,
        incident.cluster,
        incident.state.word(),
        incident.mode.word(),
        incident.mode_reason,
        &incident.weighed,
        incident.stage.word(),
        incident.updated.to_sqlx(),
        incident.merged_into,
        incident.revision,
        incident.provisional,
    )
    .execute(&mut **tx)
    .await
    .one_row("an incident was changed without its lock")
}

/// Points what was merged into `from` to `into`, so that nobody has to follow a chain.
///
/// # Errors
/// When Postgres is away.
pub async fn repoint(tx: &mut Tx, site: &SiteId, from: Uuid, into: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::incidents::repoint
        UPDATE incident SET merged_into = $3, revision = revision + 1 WHERE site = $1 AND merged_into = $2",
        site.as_str(),
        from,
        into,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The next count of incidents of a site on a day.
///
/// # Errors
/// When Postgres is away.
pub async fn next_of_day(tx: &mut Tx, site: &SiteId, day: Date) -> Result<i32, Fault> {
    use jiff_sqlx::ToSqlx as _;
    sqlx::query_scalar!(
        "-- crisis::store::incidents::next_of_day
        INSERT INTO incident_day AS d (site, day, taken) VALUES ($1, $2, 1)
        ON CONFLICT (site, day) DO UPDATE SET taken = d.taken + 1
        RETURNING taken",
        site.as_str(),
        day.to_sqlx() as jiff_sqlx::Date,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}
