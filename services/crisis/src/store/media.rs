//! Inquiries and exposures. What was said of an exposure is only ever added to.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{ExposureName, InquiryName, SiteId};
use redress_model::words::ClockKind;
use redress_store::{Keyring, StoreResultExt as _, Tx};
use redress_vault::Place;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::read;
use crate::domain::words::{ExposureMedium, ExposureTruth, InquiryState, OutletRank};

/// Somebody of the press asks.
#[derive(Debug, Clone)]
pub struct Inquiry {
    /// Site and id.
    pub name: InquiryName,
    /// Its incident.
    pub incident: Uuid,
    /// The outlet.
    pub outlet: String,
    /// How far it reaches.
    pub rank: OutletRank,
    /// What is asked.
    pub question: String,
    /// When it came.
    pub received: Timestamp,
    /// By when the outlet wants the answer.
    pub due: Timestamp,
    /// Nothing of the answer is printed before.
    pub embargo: Option<Timestamp>,
    /// Where it stands.
    pub state: InquiryState,
    /// The statement that answers it.
    pub statement: Option<Uuid>,
    /// As exactly what that was given: the words of an approved one may still change.
    pub digest: Option<Vec<u8>>,
    /// Why it was declined.
    pub reason: String,
    /// Who decided.
    pub decided_by: String,
    /// When.
    pub decided: Option<Timestamp>,
    /// Who recorded it.
    pub recorded_by: String,
    /// When.
    pub created: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

struct InquiryRow {
    site: String,
    id: Uuid,
    incident: Uuid,
    outlet: String,
    rank: String,
    question: String,
    receive_time: jiff_sqlx::Timestamp,
    due_time: jiff_sqlx::Timestamp,
    embargo_time: Option<jiff_sqlx::Timestamp>,
    state: String,
    statement: Option<Uuid>,
    digest: Option<Vec<u8>>,
    reason: String,
    decided_by: String,
    decide_time: Option<jiff_sqlx::Timestamp>,
    recorded_by: String,
    create_time: jiff_sqlx::Timestamp,
    revision: i64,
}

impl TryFrom<InquiryRow> for Inquiry {
    type Error = Fault;

    fn try_from(row: InquiryRow) -> Result<Self, Fault> {
        Ok(Self {
            name: InquiryName::new(read(&row.site)?, row.id),
            incident: row.incident,
            outlet: row.outlet,
            rank: read(&row.rank)?,
            question: row.question,
            received: row.receive_time.to_jiff(),
            due: row.due_time.to_jiff(),
            embargo: row.embargo_time.map(|t| t.to_jiff()),
            state: read(&row.state)?,
            statement: row.statement,
            digest: row.digest,
            reason: row.reason,
            decided_by: row.decided_by,
            decided: row.decide_time.map(|t| t.to_jiff()),
            recorded_by: row.recorded_by,
            created: row.create_time.to_jiff(),
            revision: row.revision,
        })
    }
}

fn journalist_place(inquiry: Uuid) -> Place<'static> {
    Place {
        table: "media_inquiry",
        row: inquiry,
        field: "journalist",
    }
}

/// Adds an inquiry, with the journalist sealed.
///
/// # Errors
/// When Postgres is away.
pub async fn insert_inquiry(
    tx: &mut Tx,
    keys: &Keyring,
    inquiry: &Inquiry,
    journalist: &str,
) -> Result<(), Fault> {
    let InquiryName { site, id } = &inquiry.name;
    let place = journalist_place(*id);
    let sealed = match journalist {
        "" => None,
        named => {
            let at = inquiry.created;
            Some(keys.seal(tx, site, &place, named.as_bytes(), at).await?)
        }
    };
    sqlx::query!(
        "-- crisis::store::media::insert_inquiry
        INSERT INTO media_inquiry (site, id, incident, outlet, rank, journalist, question, receive_time, due_time,
                                   embargo_time, state, recorded_by, create_time, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        site.as_str(),
        id,
        inquiry.incident,
        inquiry.outlet,
        inquiry.rank.word(),
        sealed,
        inquiry.question,
        inquiry.received.to_sqlx(),
        inquiry.due.to_sqlx(),
        inquiry.embargo.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        inquiry.state.word(),
        inquiry.recorded_by,
        inquiry.created.to_sqlx(),
        inquiry.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The journalist of an inquiry, opened; none where nobody is named.
///
/// # Errors
/// When Postgres is away.
pub async fn journalist(
    tx: &mut Tx,
    keys: &Keyring,
    name: &InquiryName,
) -> Result<Option<Zeroizing<String>>, Fault> {
    let sealed = sqlx::query_scalar!(
        "-- crisis::store::media::journalist
        SELECT journalist FROM media_inquiry WHERE site = $1 AND id = $2",
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
    let place = journalist_place(name.id);
    let plain = keys.open(tx, &name.site, &place, &sealed).await?;
    String::from_utf8(plain.to_vec())
        .map(|text| Some(Zeroizing::new(text)))
        .map_err(|_| Fault::internal("a sealed text is not what was sealed"))
}

/// An inquiry.
///
/// # Errors
/// When Postgres is away.
pub async fn inquiry(tx: &mut Tx, name: &InquiryName) -> Result<Option<Inquiry>, Fault> {
    sqlx::query_as!(
        InquiryRow,
        "-- crisis::store::media::inquiry
        SELECT site, id, incident, outlet, rank, question, receive_time, due_time, embargo_time, state, statement, digest, reason,
               decided_by, decide_time, recorded_by, create_time, revision
        FROM media_inquiry WHERE site = $1 AND id = $2",
        name.site.as_str(),
        name.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// Inquiries of an incident, newest first, below an id.
///
/// # Errors
/// When Postgres is away.
pub async fn inquiries(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    state: Option<InquiryState>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Inquiry>, Fault> {
    sqlx::query_as!(
        InquiryRow,
        "-- crisis::store::media::inquiries
        SELECT site, id, incident, outlet, rank, question, receive_time, due_time, embargo_time, state, statement, digest, reason,
               decided_by, decide_time, recorded_by, create_time, revision
        FROM media_inquiry
        WHERE site = $1 AND incident = $2 AND ($3::text IS NULL OR state = $3) AND ($4::uuid IS NULL OR id < $4)
        ORDER BY id DESC LIMIT $5",
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

/// Writes what was decided about an inquiry. The caller holds its incident.
///
/// # Errors
/// When Postgres is away.
pub async fn decide_inquiry(tx: &mut Tx, inquiry: &Inquiry) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::media::decide_inquiry
        UPDATE media_inquiry SET state = $3, statement = $4, digest = $9, reason = $5, decided_by = $6, decide_time = $7, revision = $8
        WHERE site = $1 AND id = $2 AND state = 'OPEN'",
        inquiry.name.site.as_str(),
        inquiry.name.id,
        inquiry.state.word(),
        inquiry.statement,
        inquiry.reason,
        inquiry.decided_by,
        inquiry.decided.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        inquiry.revision,
        inquiry.digest,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// How a false report was set right.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Clarified {
    /// The statement.
    pub statement: Uuid,
    /// Where it stands.
    pub outlet: String,
    /// How far that reaches, as its word.
    pub rank: String,
    /// Where it can be read.
    pub link: String,
    /// When it stood there.
    pub at: Timestamp,
    /// It came in time.
    pub in_time: bool,
}

/// Something was reported.
#[derive(Debug, Clone)]
pub struct Exposure {
    /// Site and id.
    pub name: ExposureName,
    /// Its incident.
    pub incident: Uuid,
    /// The outlet.
    pub outlet: String,
    /// How far it reaches.
    pub rank: OutletRank,
    /// By which medium.
    pub medium: ExposureMedium,
    /// Where it can be read.
    pub link: String,
    /// How many people it reached.
    pub reach: i64,
    /// When it was published.
    pub published: Timestamp,
    /// What is true of it; none until somebody said.
    pub truth: Option<ExposureTruth>,
    /// By when it has to be clarified.
    pub clarify_due: Option<Timestamp>,
    /// How it was.
    pub clarified: Option<Clarified>,
    /// Who recorded it.
    pub recorded_by: String,
    /// When.
    pub created: Timestamp,
    /// Last change.
    pub updated: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

struct ExposureRow {
    site: String,
    id: Uuid,
    incident: Uuid,
    outlet: String,
    rank: String,
    medium: String,
    link: String,
    reach: i64,
    publish_time: jiff_sqlx::Timestamp,
    truth: String,
    clarify_due: Option<jiff_sqlx::Timestamp>,
    clarified: Option<serde_json::Value>,
    recorded_by: String,
    create_time: jiff_sqlx::Timestamp,
    update_time: jiff_sqlx::Timestamp,
    revision: i64,
}

impl TryFrom<ExposureRow> for Exposure {
    type Error = Fault;

    fn try_from(row: ExposureRow) -> Result<Self, Fault> {
        let clarified = row.clarified.map(serde_json::from_value).transpose();
        Ok(Self {
            name: ExposureName::new(read(&row.site)?, row.id),
            incident: row.incident,
            outlet: row.outlet,
            rank: read(&row.rank)?,
            medium: read(&row.medium)?,
            link: row.link,
            reach: row.reach,
            published: row.publish_time.to_jiff(),
            truth: match row.truth.as_str() {
                "" => None,
                truth => Some(read(truth)?),
            },
            clarify_due: row.clarify_due.map(|t| t.to_jiff()),
            clarified: clarified.map_err(Fault::internal)?,
            recorded_by: row.recorded_by,
            created: row.create_time.to_jiff(),
            updated: row.update_time.to_jiff(),
            revision: row.revision,
        })
    }
}

/// Adds an exposure.
///
/// # Errors
/// When Postgres is away.
pub async fn insert_exposure(tx: &mut Tx, exposure: &Exposure) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::media::insert_exposure
        INSERT INTO media_exposure (site, id, incident, outlet, rank, medium, link, reach, publish_time, truth, clarify_due,
                                    recorded_by, create_time, update_time, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        exposure.name.site.as_str(),
        exposure.name.id,
        exposure.incident,
        exposure.outlet,
        exposure.rank.word(),
        exposure.medium.word(),
        exposure.link,
        exposure.reach,
        exposure.published.to_sqlx(),
        exposure.truth.map_or("", |t| t.word()),
        exposure.clarify_due.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        exposure.recorded_by,
        exposure.created.to_sqlx(),
        exposure.updated.to_sqlx(),
        exposure.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// An exposure.
///
/// # Errors
/// When Postgres is away.
pub async fn exposure(tx: &mut Tx, name: &ExposureName) -> Result<Option<Exposure>, Fault> {
    sqlx::query_as!(
        ExposureRow,
        "-- crisis::store::media::exposure
        SELECT site, id, incident, outlet, rank, medium, link, reach, publish_time, truth, clarify_due, clarified,
               recorded_by, create_time, update_time, revision
        FROM media_exposure WHERE site = $1 AND id = $2",
        name.site.as_str(),
        name.id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(TryInto::try_into)
    .transpose()
}

/// Exposures of an incident, newest first, below an id.
///
/// # Errors
/// When Postgres is away.
pub async fn exposures(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    truth: Option<ExposureTruth>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Exposure>, Fault> {
    sqlx::query_as!(
        ExposureRow,
        "-- crisis::store::media::exposures
        SELECT site, id, incident, outlet, rank, medium, link, reach, publish_time, truth, clarify_due, clarified,
               recorded_by, create_time, update_time, revision
        FROM media_exposure
        WHERE site = $1 AND incident = $2 AND ($3::text IS NULL OR truth = $3) AND ($4::uuid IS NULL OR id < $4)
        ORDER BY id DESC LIMIT $5",
        site.as_str(),
        incident,
        truth.map(|t| t.word()),
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

/// Exposures of an incident that ask for something: nobody has said what is true of them, or they are false and not
/// clarified. Newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn unsettled(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    limit: i64,
) -> Result<Vec<Exposure>, Fault> {
    sqlx::query_as!(
        ExposureRow,
        "-- crisis::store::media::unsettled
        SELECT site, id, incident, outlet, rank, medium, link, reach, publish_time, truth, clarify_due, clarified,
               recorded_by, create_time, update_time, revision
        FROM media_exposure
        WHERE site = $1 AND incident = $2 AND (truth = '' OR (truth = 'FALSE' AND clarified IS NULL))
        ORDER BY id DESC LIMIT $3",
        site.as_str(),
        incident,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// Until when people have said of everything that was reported what is true of it; none where nothing was reported, or
/// something waits for that word. The first word of each counts: one said anew tells of no report that came out meanwhile.
///
/// # Errors
/// When Postgres is away.
pub async fn assessed(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
) -> Result<Option<Timestamp>, Fault> {
    let until = sqlx::query_scalar!(
        "-- crisis::store::media::assessed
        SELECT max(f.assess_time) FROM (
          SELECT min(a.assess_time) AS assess_time FROM media_assessment a
          JOIN media_exposure e ON e.site = a.site AND e.id = a.exposure
          WHERE e.site = $1 AND e.incident = $2 AND a.actor <> ''
          GROUP BY a.exposure) f
        WHERE NOT EXISTS (SELECT FROM media_exposure w WHERE w.site = $1 AND w.incident = $2 AND w.truth = '')",
        site.as_str(),
        incident,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(until.map(jiff_sqlx::Timestamp::to_jiff))
}

/// When an exposure was first found false; none where it never was.
///
/// # Errors
/// When Postgres is away.
pub async fn found_false(tx: &mut Tx, exposure: &ExposureName) -> Result<Option<Timestamp>, Fault> {
    let found = sqlx::query_scalar!(
        "-- crisis::store::media::found_false
        SELECT min(assess_time) FROM media_assessment WHERE site = $1 AND exposure = $2 AND truth = 'FALSE'",
        exposure.site.as_str(),
        exposure.id,
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(found.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Writes what may change of an exposure. The caller holds its incident.
///
/// # Errors
/// When Postgres is away.
pub async fn update_exposure(tx: &mut Tx, exposure: &Exposure) -> Result<(), Fault> {
    let clarified = exposure.clarified.as_ref().map(serde_json::to_value);
    let clarified = clarified.transpose().map_err(Fault::internal)?;
    sqlx::query!(
        "-- crisis::store::media::update_exposure
        UPDATE media_exposure SET reach = $3, truth = $4, clarify_due = $5, clarified = $6, update_time = $7, revision = $8
        WHERE site = $1 AND id = $2",
        exposure.name.site.as_str(),
        exposure.name.id,
        exposure.reach,
        exposure.truth.map_or("", |t| t.word()),
        exposure.clarify_due.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        clarified,
        exposure.updated.to_sqlx(),
        exposure.revision,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// What was said of an exposure.
#[derive(Debug, Clone)]
pub struct Assessment {
    /// Counts from 1.
    pub number: i64,
    /// What is true of it.
    pub truth: ExposureTruth,
    /// How far it had reached.
    pub reach: i64,
    /// Why.
    pub reason: String,
    /// Who; empty where nobody clarified in time.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// Adds what was said. The caller holds the incident, so that numbers follow each other.
///
/// # Errors
/// When Postgres is away.
pub async fn assess(tx: &mut Tx, exposure: &ExposureName, said: &Assessment) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::media::assess
        INSERT INTO media_assessment (site, exposure, number, truth, reach, reason, actor, assess_time)
        SELECT $1, $2, 1 + coalesce(max(number), 0), $3, $4, $5, $6, $7
        FROM media_assessment WHERE site = $1 AND exposure = $2",
        exposure.site.as_str(),
        exposure.id,
        said.truth.word(),
        said.reach,
        said.reason,
        said.actor,
        said.at.to_sqlx(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Everything that was said of an exposure, oldest first.
///
/// # Errors
/// When Postgres is away.
pub async fn assessments(tx: &mut Tx, exposure: &ExposureName) -> Result<Vec<Assessment>, Fault> {
    let rows = sqlx::query!(
        "-- crisis::store::media::assessments
        SELECT number, truth, reach, reason, actor, assess_time FROM media_assessment
        WHERE site = $1 AND exposure = $2 ORDER BY number",
        exposure.site.as_str(),
        exposure.id,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            Ok(Assessment {
                number: r.number,
                truth: read(&r.truth)?,
                reach: r.reach,
                reason: r.reason,
                actor: r.actor,
                at: r.assess_time.to_jiff(),
            })
        })
        .collect()
}

/// Moves what one incident has on its desk to another, with what is promised about it.
///
/// # Errors
/// When Postgres is away.
pub async fn move_all(tx: &mut Tx, site: &SiteId, from: Uuid, into: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::media::move_all
        WITH inquiries AS (
          UPDATE media_inquiry SET incident = $3, revision = revision + 1 WHERE site = $1 AND incident = $2
        ), exposures AS (
          UPDATE media_exposure SET incident = $3, revision = revision + 1 WHERE site = $1 AND incident = $2
        )
        UPDATE incident_clock SET incident = $3
        WHERE site = $1 AND incident = $2 AND kind IN ($4, $5) AND stop_time IS NULL",
        site.as_str(),
        from,
        into,
        ClockKind::MediaAnswer.word(),
        ClockKind::MediaClarification.word(),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}
