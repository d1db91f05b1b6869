//! Cases as intake and triage tell them, and which incident they belong to. Either producer may come
//! first; each writes its own columns, fenced by its own revision.
//!
//! `case_file.incident` is the incident of now. What an incident has and had is kept beside it by a trigger, in `incident_case`:
//! one that was stood down keeps its cases, wherever they go afterwards.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::name::{CaseName, SiteId};
use redress_model::{Fault, Grade};
use redress_store::{StoreResultExt as _, Tx};
use uuid::Uuid;

use crate::domain::matrix::Members;

/// A case.
#[derive(Debug, Clone)]
pub struct CaseFile {
    /// Id.
    pub id: Uuid,
    /// Number for people; empty until known.
    pub number: String,
    /// Never an incident.
    pub historical: bool,
    /// Highest of intake's epochs seen.
    pub epoch: i64,
    /// Intake ended it in that epoch.
    pub ended: bool,
    /// Triage's revision; 0 before the first decision.
    pub decision: i64,
    /// Its matter; none before the first decision.
    pub cluster: Option<Uuid>,
    /// Its grade; none before the first decision.
    pub grade: Option<Grade>,
    /// Criteria of the newest decision.
    pub criteria: Vec<String>,
    /// Complainants by the newest decision.
    pub complainants: i32,
    /// Its incident.
    pub incident: Option<Uuid>,
    /// When it joined that.
    pub join_time: Option<Timestamp>,
    /// Staff complained about, by their full names.
    pub complained_about: Vec<String>,
    /// A person split it off, into no incident.
    pub parted: bool,
    /// It is grade 1 on a suspicion that nobody answered, or was when it was last grade 1.
    pub provisional: bool,
}

/// What intake tells.
#[derive(Debug, Clone)]
pub struct Filing {
    /// The case.
    pub case: CaseName,
    /// Number for people; empty in moves.
    pub number: String,
    /// Imported history.
    pub historical: bool,
    /// Intake's epoch.
    pub epoch: i64,
    /// Withdrawn, merged into another, or archived.
    pub ended: bool,
    /// Revision of the facts; 0 in moves.
    pub facts_revision: i64,
    /// Staff complained about, by their full names; empty in moves.
    pub complained_about: Vec<String>,
}

/// What triage tells.
#[derive(Debug, Clone)]
pub struct Ruling {
    /// The case.
    pub case: CaseName,
    /// Number for people.
    pub number: String,
    /// Imported history.
    pub historical: bool,
    /// Rises with every decision.
    pub revision: i64,
    /// The matter.
    pub cluster: Uuid,
    /// The grade.
    pub grade: Grade,
    /// The grade before.
    pub previous: Option<Grade>,
    /// What matched, gravest first.
    pub criteria: Vec<String>,
    /// People who complain.
    pub complainants: i32,
    /// People of the whole matter.
    pub cluster_complainants: i32,
    /// Intake's epoch that triage saw.
    pub epoch: i64,
    /// When it was decided.
    pub decided: Timestamp,
    /// The grade hangs on a suspicion that nobody answered.
    pub provisional: bool,
}

struct Row {
    id: Uuid,
    number: String,
    historical: bool,
    epoch: i64,
    ended: bool,
    decision: i64,
    cluster: Option<Uuid>,
    grade: Option<i16>,
    criteria: Vec<String>,
    complainants: i32,
    incident: Option<Uuid>,
    join_time: Option<jiff_sqlx::Timestamp>,
    complained_about: Vec<String>,
    parted: bool,
    provisional: bool,
}

impl From<Row> for CaseFile {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            number: row.number,
            historical: row.historical,
            epoch: row.epoch,
            ended: row.ended,
            decision: row.decision,
            cluster: row.cluster,
            grade: row
                .grade
                .and_then(|g| u8::try_from(g).ok())
                .and_then(Grade::new),
            criteria: row.criteria,
            complainants: row.complainants,
            incident: row.incident,
            join_time: row.join_time.map(|t| t.to_jiff()),
            complained_about: row.complained_about,
            parted: row.parted,
            provisional: row.provisional,
        }
    }
}

/// Takes in what intake tells, and gives the case as it is then, locked.
///
/// # Errors
/// When Postgres is away.
pub async fn file(tx: &mut Tx, filing: &Filing) -> Result<CaseFile, Fault> {
    let row = sqlx::query_as!(
        Row,
        "-- crisis::store::cases::file
        INSERT INTO case_file AS c (site, id, number, historical, epoch, ended, facts_revision, complained_about)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (site, id) DO UPDATE SET
          number = CASE WHEN $3 = '' THEN c.number ELSE $3 END,
          historical = c.historical OR $4,
          ended = CASE WHEN $5 >= c.epoch THEN $6 ELSE c.ended END,
          epoch = greatest(c.epoch, $5),
          complained_about = CASE WHEN $7 > c.facts_revision THEN $8 ELSE c.complained_about END,
          facts_revision = greatest(c.facts_revision, $7)
        RETURNING id, number, historical, epoch, ended, decision, cluster, grade, criteria, complainants, incident, join_time, complained_about, parted,
                  provisional",
        filing.case.site.as_str(),
        filing.case.id,
        filing.number,
        filing.historical,
        filing.epoch,
        filing.ended,
        filing.facts_revision,
        &filing.complained_about,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.into())
}

/// Takes in what triage decided, and gives the case as it is then, locked; none when a newer decision
/// is known.
///
/// # Errors
/// When Postgres is away.
pub async fn rule(tx: &mut Tx, ruling: &Ruling) -> Result<Option<CaseFile>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "-- crisis::store::cases::rule
        INSERT INTO case_file AS c (site, id, number, historical, decision, cluster, grade, criteria, complainants, cluster_complainants, provisional)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (site, id) DO UPDATE SET
          number = CASE WHEN $3 = '' THEN c.number ELSE $3 END,
          historical = c.historical OR $4,
          decision = $5, cluster = $6, grade = $7, criteria = $8, complainants = $9, cluster_complainants = $10,
          provisional = CASE WHEN $7 = 1 THEN $11 ELSE c.provisional END
        WHERE c.decision < $5
        RETURNING id, number, historical, epoch, ended, decision, cluster, grade, criteria, complainants, incident, join_time, complained_about, parted,
                  provisional",
        ruling.case.site.as_str(),
        ruling.case.id,
        ruling.number,
        ruling.historical,
        ruling.revision,
        ruling.cluster,
        i16::from(ruling.grade.value()),
        &ruling.criteria,
        ruling.complainants,
        ruling.cluster_complainants,
        ruling.provisional,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(Into::into))
}

/// The case, locked; none where it complains about whoever asks.
///
/// # Errors
/// When Postgres is away.
pub async fn lock(tx: &mut Tx, site: &SiteId, case: Uuid) -> Result<Option<CaseFile>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "-- crisis::store::cases::lock
        SELECT id, number, historical, epoch, ended, decision, cluster, grade, criteria, complainants, incident, join_time, complained_about, parted,
               provisional
        FROM case_file WHERE site = $1 AND id = $2 AND (asking_staff() = ANY (complained_about)) IS NOT TRUE FOR UPDATE",
        site.as_str(),
        case,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(Into::into))
}

/// The cases of an incident, of one that was stood down those that it had then, in the order in which they joined, the first
/// `limit`.
///
/// # Errors
/// When Postgres is away.
pub async fn of_incident(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    limit: i64,
) -> Result<Vec<CaseFile>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- crisis::store::cases::of_incident
        SELECT c.id, c.number, c.historical, c.epoch, c.ended, c.decision, c.cluster, c.grade, c.criteria, c.complainants, c.incident,
               m.join_time AS "join_time?", c.complained_about, c.parted, c.provisional
        FROM incident_case m
        JOIN case_file c ON c.site = m.site AND c.id = m.case_id
        WHERE m.site = $1 AND m.incident = $2 AND m.leave_time IS NULL ORDER BY m.join_number, m.join_time, m.case_id LIMIT $3"#,
        site.as_str(),
        incident,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// A case that left an incident while that was open.
#[derive(Debug, Clone)]
pub struct Past {
    /// Id.
    pub id: Uuid,
    /// Number for people.
    pub number: String,
    /// When it joined.
    pub joined: Timestamp,
    /// When it left.
    pub left: Timestamp,
}

/// The cases that left an incident, in the order in which they joined.
///
/// # Errors
/// When Postgres is away.
pub async fn past_of_incident(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
) -> Result<Vec<Past>, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::cases::past_of_incident
        SELECT c.id, c.number, m.join_time, m.leave_time AS "leave_time!: jiff_sqlx::Timestamp" FROM incident_case m
        JOIN case_file c ON c.site = m.site AND c.id = m.case_id
        WHERE m.site = $1 AND m.incident = $2 AND m.leave_time IS NOT NULL ORDER BY m.join_time, m.join_number, m.case_id"#,
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let past = rows.into_iter().map(|r| Past {
        id: r.id,
        number: r.number,
        joined: r.join_time.to_jiff(),
        left: r.leave_time.to_jiff(),
    });
    Ok(past.collect())
}

/// Ids of the open incidents that a case has left, in their order.
///
/// # Errors
/// When Postgres is away.
pub async fn open_past(tx: &mut Tx, site: &SiteId, case: Uuid) -> Result<Vec<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- crisis::store::cases::open_past
        SELECT m.incident FROM incident_case m
        JOIN incident i ON i.site = m.site AND i.id = m.incident
        WHERE m.site = $1 AND m.case_id = $2 AND m.leave_time IS NOT NULL AND i.state = 'OPEN' ORDER BY m.incident",
        site.as_str(),
        case,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// Staff whom a case complains about that an incident has, or ever had, by their full names: they find no such incident.
///
/// # Errors
/// When Postgres is away.
pub async fn complained_about(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
) -> Result<Vec<String>, Fault> {
    sqlx::query_scalar!(
        r#"-- crisis::store::cases::complained_about
        SELECT DISTINCT unnest(c.complained_about) AS "staff!" FROM incident_case m
        JOIN case_file c ON c.site = m.site AND c.id = m.case_id
        WHERE m.site = $1 AND m.incident = $2"#,
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// How many cases an incident has; of one that was stood down, how many it had then.
///
/// # Errors
/// When Postgres is away.
pub async fn count(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<i64, Fault> {
    sqlx::query_scalar!(
        r#"-- crisis::store::cases::count
        SELECT count(*) AS "count!" FROM incident_case WHERE site = $1 AND incident = $2 AND leave_time IS NULL"#,
        site.as_str(),
        incident,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()
}

/// Makes a case a member of an incident, as its last. The caller holds the incident's row, and the case is in no open one.
///
/// # Errors
/// When Postgres is away.
pub async fn join(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    incident: Uuid,
    at: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::cases::join
        UPDATE case_file SET incident = $3, join_time = $4, parted = false,
          join_number = 1 + (SELECT coalesce(max(join_number), 0) FROM case_file WHERE site = $1 AND incident = $3)
        WHERE site = $1 AND id = $2",
        site.as_str(),
        case,
        incident,
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Takes a case out of its incident. The caller holds the incident's row.
///
/// # Errors
/// When Postgres is away.
pub async fn part(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    incident: Uuid,
    at: Timestamp,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::cases::part
        WITH gone AS (
          UPDATE incident_case SET leave_time = $4 WHERE site = $1 AND case_id = $2 AND incident = $3 AND leave_time IS NULL)
        UPDATE case_file SET incident = NULL, join_time = NULL, join_number = NULL, parted = true
        WHERE site = $1 AND id = $2 AND incident = $3",
        site.as_str(),
        case,
        incident,
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Moves all cases of one incident behind those of another. When they joined stays.
///
/// # Errors
/// When Postgres is away.
pub async fn move_all(
    tx: &mut Tx,
    site: &SiteId,
    from: Uuid,
    into: Uuid,
    at: Timestamp,
) -> Result<u64, Fault> {
    let moved = sqlx::query!(
        "-- crisis::store::cases::move_all
        WITH gone AS (
          UPDATE incident_case SET leave_time = $4 WHERE site = $1 AND incident = $2 AND leave_time IS NULL)
        UPDATE case_file SET incident = $3,
          join_number = join_number + (SELECT coalesce(max(join_number), 0) FROM case_file WHERE site = $1 AND incident = $3)
        WHERE site = $1 AND incident = $2",
        site.as_str(),
        from,
        into,
        at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(moved.rows_affected())
}

/// Cases of an incident whose complainants no lead has contacted since they joined: not ended, and with
/// somebody who complains.
///
/// # Errors
/// When Postgres is away.
pub async fn uncontacted(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Vec<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- crisis::store::cases::uncontacted
        SELECT c.id FROM case_file c
        WHERE c.site = $1 AND c.incident = $2 AND NOT c.ended AND c.complainants > 0
          AND NOT EXISTS (SELECT FROM case_contact k
                          WHERE k.site = c.site AND k.case_id = c.id AND k.lead AND k.contact_time >= c.join_time)
        ORDER BY c.join_number",
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// How many people complain in each case of an incident: not ended, and with somebody who complains. Of one that was stood down
/// it is what [`keep_members`] kept.
///
/// # Errors
/// When Postgres is away.
pub async fn members(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<Members, Fault> {
    let rows = sqlx::query!(
        r#"-- crisis::store::cases::members
        SELECT c.id, coalesce(m.affected, c.complainants) AS "complainants!" FROM incident_case m
        JOIN case_file c ON c.site = m.site AND c.id = m.case_id
        WHERE m.site = $1 AND m.incident = $2 AND m.leave_time IS NULL
          AND coalesce(m.affected, CASE WHEN c.ended THEN 0 ELSE c.complainants END) > 0"#,
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let people = |complainants: i32| u64::try_from(complainants).unwrap_or(0);
    Ok(rows
        .into_iter()
        .map(|r| (r.id, people(r.complainants)))
        .collect())
}

/// Keeps how many people complain in each case of an incident, whatever becomes of the cases afterwards.
///
/// # Errors
/// When Postgres is away.
pub async fn keep_members(tx: &mut Tx, site: &SiteId, incident: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::cases::keep_members
        UPDATE incident_case m SET affected = CASE WHEN c.ended THEN 0 ELSE c.complainants END FROM case_file c
        WHERE m.site = $1 AND m.incident = $2 AND m.leave_time IS NULL AND c.site = m.site AND c.id = m.case_id",
        site.as_str(),
        incident,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Moves a case to another cluster.
///
/// # Errors
/// When Postgres is away.
pub async fn set_cluster(tx: &mut Tx, case: &CaseName, cluster: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::cases::set_cluster
        INSERT INTO case_file (site, id, cluster) VALUES ($1, $2, $3)
        ON CONFLICT (site, id) DO UPDATE SET cluster = $3",
        case.site.as_str(),
        case.id,
        cluster,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Longest chain of merges that is followed. Triage refuses to merge a cluster that was merged, so a
/// chain only grows at its end.
const ALIASES_MAX: i32 = 64;

/// Records that a cluster was merged whole into another.
///
/// # Errors
/// When Postgres is away.
pub async fn merge_clusters(
    tx: &mut Tx,
    site: &SiteId,
    from: Uuid,
    into: Uuid,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::cases::merge_clusters
        INSERT INTO cluster_alias (site, cluster, into_cluster) VALUES ($1, $2, $3)
        ON CONFLICT (site, cluster) DO NOTHING",
        site.as_str(),
        from,
        into,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The cluster that this one is part of by now. The caller holds the site's lock.
///
/// # Errors
/// When Postgres is away.
pub async fn cluster_now(tx: &mut Tx, site: &SiteId, cluster: Uuid) -> Result<Uuid, Fault> {
    let end = sqlx::query_scalar!(
        "-- crisis::store::cases::cluster_now
        WITH RECURSIVE chain (cluster, depth) AS (
          SELECT $2::uuid, 0
          UNION ALL
          SELECT a.into_cluster, c.depth + 1 FROM chain c
          JOIN cluster_alias a ON a.site = $1 AND a.cluster = c.cluster
          WHERE c.depth < $3
        )
        SELECT cluster FROM chain ORDER BY depth DESC LIMIT 1",
        site.as_str(),
        cluster,
        ALIASES_MAX,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(end.unwrap_or(cluster))
}

/// An outward contact by a person.
#[derive(Debug, Clone)]
pub struct Contact {
    /// The case.
    pub case: CaseName,
    /// Id of the contact.
    pub id: Uuid,
    /// Who; a person of the site, or the subject of a lead's token.
    pub staff: String,
    /// When.
    pub at: Timestamp,
    /// Whether that was a lead then.
    pub lead: bool,
}

/// Records a contact. Once by a lead, always by a lead.
///
/// # Errors
/// When Postgres is away.
pub async fn contacted(tx: &mut Tx, contact: &Contact) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::cases::contacted
        INSERT INTO case_contact AS k (site, case_id, contact, staff, contact_time, lead) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (site, case_id, contact) DO UPDATE SET lead = k.lead OR $6",
        contact.case.site.as_str(),
        contact.case.id,
        contact.id,
        contact.staff,
        contact.at.to_sqlx(),
        contact.lead,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Contacts with cases of an incident since they joined, by people who were no leads as far as the roster
/// then told.
///
/// # Errors
/// When Postgres is away.
pub async fn contacts_in_doubt(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
) -> Result<Vec<Contact>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::cases::contacts_in_doubt
        SELECT k.case_id, k.contact, k.staff, k.contact_time FROM case_contact k
        JOIN case_file c ON c.site = k.site AND c.id = k.case_id
        WHERE k.site = $1 AND c.incident = $2 AND NOT k.lead AND k.contact_time >= c.join_time
        ORDER BY k.contact_time, k.contact",
        site.as_str(),
        incident,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let contacts = rows.into_iter().map(|r| Contact {
        case: CaseName::new(site.clone(), r.case_id),
        id: r.contact,
        staff: r.staff,
        at: r.contact_time.to_jiff(),
        lead: false,
    });
    Ok(contacts.collect())
}

/// The case.
///
/// # Errors
/// When Postgres is away.
pub async fn get(tx: &mut Tx, site: &SiteId, case: Uuid) -> Result<Option<CaseFile>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "-- crisis::store::cases::get
        SELECT id, number, historical, epoch, ended, decision, cluster, grade, criteria, complainants, incident, join_time, complained_about, parted,
               provisional
        FROM case_file WHERE site = $1 AND id = $2",
        site.as_str(),
        case,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    Ok(row.map(Into::into))
}
