//! Offers to take a role of an incident over.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffId};
use redress_model::words::DutyRole;
use redress_store::{OneRowExt as _, StoreResultExt as _, Tx};
use uuid::Uuid;

use super::statements::person;
use super::{givers, read, read_givers};
use crate::domain::statement::Person;
use crate::domain::words::HandoverState;

/// An offer.
#[derive(Debug, Clone)]
pub struct Handover {
    /// From 1 within the incident; 0 before it is kept.
    pub number: i64,
    /// The role.
    pub role: DutyRole,
    /// Who held it then.
    pub from: Option<StaffId>,
    /// Who is to take it.
    pub to: StaffId,
    /// Why.
    pub reason: String,
    /// What became of it.
    pub state: HandoverState,
    /// Who offered: subject of the token.
    pub offered_by: String,
    /// The same on the site's roster; none where the token named nobody of it.
    pub offerer: Option<StaffId>,
    /// By whose word whoever accepts has the role: whoever offered, then whoever gave that person the right to, and so on.
    pub givers: Vec<Person>,
    /// When.
    pub offered: Timestamp,
    /// Accepted before here, or not at all.
    pub expires: Timestamp,
    /// When it was answered.
    pub answered: Option<Timestamp>,
    /// What was said to it.
    pub answer: String,
}

struct Row {
    number: i64,
    role: String,
    from_staff: Option<String>,
    to_staff: String,
    reason: String,
    state: String,
    offered_by: String,
    offerer: Option<String>,
    givers: Option<serde_json::Value>,
    offer_time: jiff_sqlx::Timestamp,
    expire_time: jiff_sqlx::Timestamp,
    answer_time: Option<jiff_sqlx::Timestamp>,
    answer_reason: String,
}

impl Row {
    fn read(self, site: &SiteId) -> Result<Handover, Fault> {
        let r = self;
        let givers = match r.givers {
            Some(givers) => read_givers(givers)?,
            None => vec![person(site, r.offered_by.clone(), r.offerer.clone(), None)?],
        };
        Ok(Handover {
            givers,
            number: r.number,
            role: read(&r.role)?,
            from: r.from_staff.as_deref().map(read).transpose()?,
            to: read(&r.to_staff)?,
            reason: r.reason,
            state: read(&r.state)?,
            offered_by: r.offered_by,
            offerer: r.offerer.as_deref().map(read).transpose()?,
            offered: r.offer_time.to_jiff(),
            expires: r.expire_time.to_jiff(),
            answered: r.answer_time.map(|t| t.to_jiff()),
            answer: r.answer_reason,
        })
    }
}

/// The offers of an incident, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_incident(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    limit: i64,
) -> Result<Vec<Handover>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        "-- crisis::store::handovers::of_incident
        SELECT number, role, from_staff, to_staff, reason, state, offered_by, offerer, givers, offer_time, expire_time, answer_time, answer_reason
        FROM incident_handover WHERE site = $1 AND incident = $2 ORDER BY number DESC LIMIT $3",
        site.as_str(),
        incident,
        limit,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter().map(|row| row.read(site)).collect()
}

/// The offer of a role that nobody has answered; its time may be over. The caller holds the incident's row.
///
/// # Errors
/// When Postgres is away.
pub async fn unanswered(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    role: DutyRole,
) -> Result<Option<Handover>, Fault> {
    let row = sqlx::query_as!(
        Row,
        "-- crisis::store::handovers::unanswered
        SELECT number, role, from_staff, to_staff, reason, state, offered_by, offerer, givers, offer_time, expire_time, answer_time, answer_reason
        FROM incident_handover WHERE site = $1 AND incident = $2 AND role = $3 AND state = 'OFFERED'",
        site.as_str(),
        incident,
        role.word(),
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?;
    row.map(|row| row.read(site)).transpose()
}

/// Keeps an offer. The caller holds the incident's row.
///
/// # Errors
/// When Postgres is away.
pub async fn offer(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    offer: &Handover,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::handovers::offer
        INSERT INTO incident_handover (site, incident, number, role, from_staff, to_staff, reason, state, offered_by,
          offer_time, expire_time, offerer, givers, answer_time, answer_reason)
        SELECT $1, $2, 1 + coalesce(max(number), 0), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, ''
        FROM incident_handover WHERE site = $1 AND incident = $2",
        site.as_str(),
        incident,
        offer.role.word(),
        offer.from.as_ref().map(StaffId::as_str),
        offer.to.as_str(),
        offer.reason,
        offer.state.word(),
        offer.offered_by,
        offer.offered.to_sqlx(),
        offer.expires.to_sqlx(),
        offer.offerer.as_ref().map(StaffId::as_str),
        givers(&offer.givers)?,
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Ends an offer that stands.
///
/// # Errors
/// When Postgres is away.
pub async fn answer(
    tx: &mut Tx,
    site: &SiteId,
    incident: Uuid,
    offer: &Handover,
) -> Result<(), Fault> {
    sqlx::query!(
        "-- crisis::store::handovers::answer
        UPDATE incident_handover SET state = $4, answer_time = $5, answer_reason = $6
        WHERE site = $1 AND incident = $2 AND number = $3 AND state = 'OFFERED'",
        site.as_str(),
        incident,
        offer.number,
        offer.state.word(),
        offer.answered.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        offer.answer,
    )
    .execute(&mut **tx)
    .await
    .one_row("an offer was answered without its incident's lock")
}
