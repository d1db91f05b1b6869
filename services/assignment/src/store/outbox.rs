//! What assignment tells other services, in the transaction of the change.

use jiff::Timestamp;
use redress_events::{NewEvent, publish};
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{
    CaseName, DepartmentName, SiteId, SolutionName, StaffId, StaffName, SummonsName,
};
use redress_model::words::{CaseStatus, Channel};
use redress_proto::convert::{to_money, to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_store::Tx;
use uuid::Uuid;

use super::staff::Staff;
use super::summonses::Summons;
use super::{duties, plan};
use crate::domain::horizon::horizon;
use crate::domain::practice::{Demand, DemandState, Effect};
use crate::domain::routing::Reason;
use crate::domain::solution::Solution;
use crate::domain::work::Work;

/// Says who is responsible for a case now.
///
/// # Errors
/// When Postgres is away.
pub async fn owner_changed(tx: &mut Tx, work: &Work, reason: Reason) -> Result<(), Fault> {
    let site = &work.case.site;
    let person = |id: &Option<StaffId>| {
        id.as_ref().map_or_else(String::new, |id| {
            StaffName::new(site.clone(), id.clone()).to_string()
        })
    };
    let payload = event::OwnerChanged {
        case: work.case.to_string(),
        responsible: person(&work.responsible),
        offered_to: person(&work.offered_to),
        department: work.department.as_ref().map_or_else(String::new, |id| {
            DepartmentName::new(site.clone(), id.clone()).to_string()
        }),
        reason: reason.word().to_owned(),
        revision: work.revision,
        grade: work
            .decision
            .as_ref()
            .map_or(0, |d| i32::from(d.grade.value())),
        number: work.facts.number.clone(),
    };
    send(
        tx,
        "redress.owner.changed.v1",
        site,
        &work.case.to_string(),
        &payload,
    )
    .await
}

/// Says that the work moved the case.
///
/// # Errors
/// When Postgres is away.
pub async fn case_moved(
    tx: &mut Tx,
    work: &Work,
    status: CaseStatus,
    actor: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let payload = event::CaseMoved {
        case: work.case.to_string(),
        status: to_wire(status),
        epoch: work.epoch,
        move_time: Some(to_timestamp(at)),
        merged_into: String::new(),
        actor: actor.to_owned(),
        complained_again: false,
    };
    send(
        tx,
        "redress.case.moved.v1",
        &work.case.site,
        &work.case.to_string(),
        &payload,
    )
    .await
}

/// Says that somebody has to appear.
///
/// # Errors
/// When Postgres is away.
pub async fn work_summoned(tx: &mut Tx, work: &Work, summons: &Summons) -> Result<(), Fault> {
    let site = &work.case.site;
    let payload = event::WorkSummoned {
        case: work.case.to_string(),
        summons: SummonsName::new(site.clone(), summons.id).to_string(),
        staff: StaffName::new(site.clone(), summons.staff.clone()).to_string(),
        position: summons.position.word().to_owned(),
        complainants: summons.complainants,
        number: work.facts.number.clone(),
        grade: work
            .decision
            .as_ref()
            .map_or(0, |d| i32::from(d.grade.value())),
        told_count: summons.told,
    };
    let subject = work.case.to_string();
    send(tx, "redress.work.summoned.v1", site, &subject, &payload).await
}

/// Something that people of a site have to know.
#[derive(Debug)]
pub struct Notice<'a> {
    /// Its id.
    pub id: Uuid,
    /// What happened.
    pub news: event::WorkNews,
    /// Who is told; where nobody is, nothing is said.
    pub staff: Vec<StaffId>,
    /// The work it is about; none where it is about none.
    pub work: Option<&'a Work>,
    /// What it is about, where that is not the case.
    pub resource: String,
}

/// Says what people of a site have to know.
///
/// # Errors
/// When Postgres is away.
pub async fn work_noticed(tx: &mut Tx, site: &SiteId, notice: &Notice<'_>) -> Result<(), Fault> {
    if notice.staff.is_empty() {
        return Ok(());
    }
    let work = notice.work;
    let name = |id: &StaffId| StaffName::new(site.clone(), id.clone()).to_string();
    let payload = event::WorkNoticed {
        notice_id: notice.id.to_string(),
        news: notice.news.into(),
        staff: notice.staff.iter().map(name).collect(),
        case: work.map_or_else(String::new, |w| w.case.to_string()),
        resource: notice.resource.clone(),
        number: work.map_or_else(String::new, |w| w.facts.number.clone()),
        grade: work
            .and_then(|w| w.decision.as_ref())
            .map_or(0, |d| i32::from(d.grade.value())),
    };
    let subject = work.map_or_else(|| format!("sites/{site}"), |w| w.case.to_string());
    send(tx, "redress.work.noticed.v1", site, &subject, &payload).await
}

/// A contact with a complainant that the work itself is.
#[derive(Debug, Clone)]
pub struct Spoken<'a> {
    /// By which way.
    pub channel: Channel,
    /// It answers the matter itself.
    pub substantive: bool,
    /// Somebody was there.
    pub visit: bool,
    /// It asked whether it really is solved.
    pub follow_up: bool,
    /// When the next word was promised.
    pub promised: Option<Timestamp>,
    /// Who spoke.
    pub staff: Option<&'a StaffName>,
    /// When.
    pub at: Timestamp,
}

/// Says that somebody spoke with a complainant: it meets promises as a contact at intake does.
///
/// # Errors
/// When Postgres is away.
pub async fn contact_recorded(
    tx: &mut Tx,
    case: &CaseName,
    spoken: &Spoken<'_>,
) -> Result<(), Fault> {
    let payload = event::ContactRecorded {
        case: case.to_string(),
        contact_id: new_id(spoken.at).to_string(),
        direction: event::ContactDirection::Outbound.into(),
        channel: to_wire(spoken.channel),
        by_person: true,
        substantive: spoken.substantive,
        contact_time: Some(to_timestamp(spoken.at)),
        visit: spoken.visit,
        promised_next_time: spoken.promised.map(to_timestamp),
        staff: spoken.staff.map_or_else(String::new, ToString::to_string),
        follow_up: spoken.follow_up,
        has_note: false,
    };
    let subject = case.to_string();
    send(
        tx,
        "redress.contact.recorded.v1",
        &case.site,
        &subject,
        &payload,
    )
    .await
}

/// Says how much of a solution may be promised.
///
/// # Errors
/// When Postgres is away.
pub async fn solution_changed(tx: &mut Tx, solution: &Solution) -> Result<(), Fault> {
    let (case, terms) = (&solution.case, &solution.terms);
    let payload = event::SolutionChanged {
        case: case.to_string(),
        solution: SolutionName::new(case.site.clone(), solution.id).to_string(),
        epoch: solution.epoch,
        may_be_promised: solution.may_be_promised(),
        sum: Some(to_money(terms.sum_to_decide())),
        expire_time: terms.final_offer.as_ref().map(|o| to_timestamp(o.expires)),
        revision: solution.revision,
    };
    let (site, subject) = (&case.site, case.to_string());
    send(tx, "redress.solution.changed.v1", site, &subject, &payload).await
}

/// Says that somebody has a part in a case, or has it no more.
///
/// # Errors
/// When Postgres is away.
pub async fn part_changed(
    tx: &mut Tx,
    case: &CaseName,
    part: Uuid,
    staff: &StaffId,
    open: bool,
) -> Result<(), Fault> {
    let payload = event::PartChanged {
        case: case.to_string(),
        part: part.to_string(),
        staff: StaffName::new(case.site.clone(), staff.clone()).to_string(),
        open,
    };
    let (site, subject) = (&case.site, case.to_string());
    send(tx, "redress.part.changed.v1", site, &subject, &payload).await
}

/// Says what became of the appeal of a case.
///
/// # Errors
/// When Postgres is away.
pub async fn appeal_decided(
    tx: &mut Tx,
    work: &Work,
    granted: bool,
    at: Timestamp,
) -> Result<(), Fault> {
    let payload = event::AppealDecided {
        case: work.case.to_string(),
        epoch: work.epoch,
        granted,
        decide_time: Some(to_timestamp(at)),
    };
    let (site, subject) = (&work.case.site, work.case.to_string());
    send(tx, "redress.appeal.decided.v1", site, &subject, &payload).await
}

/// Asks intake to open a case again.
///
/// # Errors
/// When Postgres is away.
pub async fn reopening_asked(
    tx: &mut Tx,
    work: &Work,
    reason: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let payload = event::ReopeningAsked {
        case: work.case.to_string(),
        epoch: work.epoch,
        reason: reason.to_owned(),
        ask_time: Some(to_timestamp(at)),
    };
    let subject = work.case.to_string();
    send(
        tx,
        "redress.reopening.asked.v1",
        &work.case.site,
        &subject,
        &payload,
    )
    .await
}

/// Says that a person was added or changed.
///
/// # Errors
/// When Postgres is away.
pub async fn staff_changed(tx: &mut Tx, staff: &Staff) -> Result<(), Fault> {
    let site = &staff.name.site;
    let payload = event::StaffChanged {
        staff: staff.name.to_string(),
        department: staff.department.as_ref().map_or_else(String::new, |id| {
            DepartmentName::new(site.clone(), id.clone()).to_string()
        }),
        account: staff.account.clone().unwrap_or_default(),
        language: staff.languages.first().cloned().unwrap_or_default(),
        retired: staff.retired,
        revision: staff.revision,
    };
    send(
        tx,
        "redress.staff.changed.v1",
        site,
        &format!("sites/{site}"),
        &payload,
    )
    .await
}

/// Says who has which duty in the next 14 days, and who is on the roster at all. With `only_due`, only where it is due; returns whether it was said.
///
/// # Errors
/// When Postgres is away.
pub async fn duty_changed(
    tx: &mut Tx,
    site: &SiteId,
    now: Timestamp,
    only_due: bool,
) -> Result<bool, Fault> {
    let Some(revision) = duties::count_telling(tx, site, now, only_due).await? else {
        return Ok(false);
    };
    let roster = plan::roster(tx, site, now).await?;
    let until = horizon(now);
    let members = roster
        .members(now, until)
        .into_iter()
        .map(|(person, roles)| event::RosterMember {
            staff: StaffName::new(site.clone(), person.clone()).to_string(),
            roles: roles.into_iter().map(to_wire).collect(),
        })
        .collect();
    let slots = roster
        .between(now, until)
        .into_iter()
        .map(|s| event::DutySlot {
            role: to_wire(s.role),
            staff: StaffName::new(site.clone(), s.staff).to_string(),
            rank: s.rank,
            // Readers expect a start; what has always been so starts with time itself.
            start_time: Some(to_timestamp(s.from.unwrap_or(Timestamp::UNIX_EPOCH))),
            end_time: s.until.map(to_timestamp),
        })
        .collect();
    let payload = event::DutyChanged {
        site: format!("sites/{site}"),
        slots,
        revision,
        members,
    };
    send(
        tx,
        "redress.duty.changed.v1",
        site,
        &format!("sites/{site}"),
        &payload,
    )
    .await?;
    Ok(true)
}

/// Says what follows from a matter of law and practice: a demand, or that the case came before a court.
///
/// # Errors
/// When Postgres is away.
pub async fn practice(
    tx: &mut Tx,
    case: &CaseName,
    effect: &Effect,
    actor: &str,
) -> Result<(), Fault> {
    match effect {
        Effect::Demand(demand) => demanded(tx, case, demand, actor).await,
        Effect::Litigation { stage, begun } => {
            let subject = case.to_string();
            let payload = event::DisputeBegun {
                case: subject.clone(),
                stage: stage.to_string(),
                begin_time: Some(to_timestamp(*begun)),
                actor: actor.to_owned(),
            };
            send(
                tx,
                "redress.dispute.begun.v1",
                &case.site,
                &subject,
                &payload,
            )
            .await
        }
    }
}

/// Says where something that was promised or is demanded stands: a clock of its own follows it. `recorded_by`: who said so, a
/// token subject; empty where it does not matter who did.
///
/// # Errors
/// When Postgres is away.
pub async fn demanded(
    tx: &mut Tx,
    case: &CaseName,
    demand: &Demand,
    recorded_by: &str,
) -> Result<(), Fault> {
    let subject = case.to_string();
    let payload = demand_changed(&subject, demand, recorded_by);
    send(
        tx,
        "redress.demand.changed.v1",
        &case.site,
        &subject,
        &payload,
    )
    .await
}

fn demand_changed(case: &str, demand: &Demand, recorded_by: &str) -> event::DemandChanged {
    let (state, met) = match demand.state {
        DemandState::Open => (event::DemandState::Open, None),
        DemandState::Met(at) => (event::DemandState::Met, Some(at)),
        DemandState::Cancelled => (event::DemandState::Cancelled, None),
    };
    event::DemandChanged {
        case: case.to_owned(),
        demand: demand.id.to_string(),
        kind: to_wire(demand.kind),
        state: state.into(),
        start_time: Some(to_timestamp(demand.start)),
        due_time: demand.due.map(to_timestamp),
        met_time: met.map(to_timestamp),
        party: demand.party.clone(),
        outside_number: demand.outside_number.clone(),
        grant_time: demand.granted.map(to_timestamp),
        recorded_by: recorded_by.to_owned(),
    }
}

async fn send<M: prost::Message>(
    tx: &mut Tx,
    event_type: &'static str,
    site: &SiteId,
    subject: &str,
    payload: &M,
) -> Result<(), Fault> {
    publish(
        tx,
        &NewEvent {
            event_type,
            site,
            subject,
            // Historical cases have no work, so nothing said here is about one.
            historical: false,
            payload,
        },
    )
    .await?;
    Ok(())
}
