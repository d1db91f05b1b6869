//! What stands beside an incident in the crisis room.

use redress_model::Fault;
use redress_model::name::IncidentName;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_store::Tx;

use super::aftermath::view::action;
use super::briefings::view::{commitment, listed};
use super::commanding::view::handover;
use super::lessons::view::lesson;
use super::media::view::{exposure, inquiry};
use super::playbooks::view::{condition, goal, task};
use super::statements::view::deputy;
use crate::domain::aftermath::ActionState;
use crate::domain::briefing::{BriefingState, CommitmentState, form};
use crate::domain::lesson::LessonState;
use crate::domain::words::{HandoverState, InquiryState, StatementState, TaskState};
use crate::flow::{Account, Desk, StatementCase};
use crate::store::handovers::Handover;
use crate::store::incidents::Incident;
use crate::store::statements::Filter;
use crate::store::{
    briefings, commitments, deputies, handovers, held, lessons, links, media, reviews, roles,
    stages, statements, tasks, terms,
};

/// Of each kind at most.
const SHOWN_MAX: i64 = 50;
/// The same, where all of a kind were read.
const LISTED_MAX: usize = SHOWN_MAX as usize;

/// Reads it.
///
/// # Errors
/// When Postgres is away.
pub(super) async fn room(
    tx: &mut Tx,
    desk: &Desk,
    incident: &Incident,
) -> Result<wire::IncidentRoom, Fault> {
    let (goals, conditions) = stage(tx, desk, incident).await?;
    Ok(wire::IncidentRoom {
        statements: said(tx, desk, incident).await?,
        cells: told(tx, desk, incident).await?,
        briefings: met(tx, incident).await?,
        commitments: promised(tx, incident).await?,
        inquiries: asked(tx, incident).await?,
        exposures: reported(tx, incident).await?,
        tasks: to_do(tx, incident).await?,
        conditions,
        handovers: offered(tx, desk, incident).await?,
        links: linked(tx, incident).await?,
        held: Some(silenced(tx, incident).await?),
        deputies: acting(tx, desk, incident).await?,
        goals,
        review: reviewed(tx, incident).await?,
        questions: unanswered(tx, incident).await?,
    })
}

/// What waits for the spokesperson, and what became of the rest.
async fn silenced(tx: &mut Tx, incident: &Incident) -> Result<wire::RoomHeld, Fault> {
    let IncidentName { site, id } = &incident.name;
    let counts = held::count(tx, site, *id).await?;
    let many = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
    Ok(wire::RoomHeld {
        waiting_count: many(counts.waiting),
        released_count: many(counts.released),
        dropped_count: many(counts.dropped),
        oldest_hold_time: counts.oldest.map(to_timestamp),
        next_decide_time: counts.next.map(to_timestamp),
    })
}

/// Who may act for a role now.
async fn acting(tx: &mut Tx, desk: &Desk, incident: &Incident) -> Result<Vec<wire::Deputy>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let acting = deputies::acting(tx, site, *id, desk.clock.now()).await?;
    Ok(acting.iter().map(|d| deputy(site, d)).collect())
}

/// Who was asked to take a role over and may still do so.
async fn offered(
    tx: &mut Tx,
    desk: &Desk,
    incident: &Incident,
) -> Result<Vec<wire::Handover>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let now = desk.clock.now();
    let all = handovers::of_incident(tx, site, *id, i64::MAX).await?;
    let stands = |o: &&Handover| o.state == HandoverState::Offered && o.expires > now;
    let open = all.iter().filter(stands);
    Ok(open.map(|offer| handover(site, offer)).collect())
}

async fn linked(tx: &mut Tx, incident: &Incident) -> Result<Vec<wire::RoomLink>, Fault> {
    let links = links::of_incident(tx, &incident.name).await?.into_iter();
    let shown = links.map(|link| wire::RoomLink {
        incident: link.other.to_string(),
        leads: link.leads,
    });
    Ok(shown.collect())
}

async fn said(
    tx: &mut Tx,
    desk: &Desk,
    incident: &Incident,
) -> Result<Vec<wire::RoomStatement>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let any = Filter::default();
    let all = statements::list(tx, site, *id, any, None, SHOWN_MAX).await?;
    let mut shown = Vec::new();
    for statement in all {
        if statement.state == StatementState::Dropped {
            continue;
        }
        let case = StatementCase::load(tx, desk, statement, incident.stage).await?;
        let draft = case.statement.state == StatementState::Draft;
        let due = case.due();
        shown.push(wire::RoomStatement {
            name: case.statement.name.to_string(),
            kind: to_wire(case.statement.content.kind),
            audience: to_wire(case.statement.content.audience),
            state: to_wire(case.statement.state),
            due_step: due.filter(|_| draft).map_or(0, to_wire),
            objection_count: i32::try_from(case.standing.objectors.len()).unwrap_or(i32::MAX),
            update_time: Some(to_timestamp(case.statement.updated)),
        });
    }
    shown.sort_by_key(|s| std::cmp::Reverse(s.update_time.map(|t| (t.seconds, t.nanos))));
    Ok(shown)
}

/// What each audience was told in this stage, and in the others what it was told at all.
async fn told(tx: &mut Tx, desk: &Desk, incident: &Incident) -> Result<Vec<wire::RoomCell>, Fault> {
    let account = Account::load(tx, desk, incident).await?;
    let shown = account
        .cells()
        .into_iter()
        .filter(|cell| cell.count > 0 || cell.stage == incident.stage)
        .map(|cell| wire::RoomCell {
            audience: to_wire(cell.audience),
            tell_time: cell.last.map(|told| to_timestamp(told.at)),
            missing: cell.missing,
            reached_count: i32::try_from(cell.reached.people).unwrap_or(i32::MAX),
            audience_size: i32::try_from(cell.reached.of).unwrap_or(i32::MAX),
            stage: to_wire(cell.stage),
        });
    Ok(shown.collect())
}

/// The planned one and the last one held.
async fn met(tx: &mut Tx, incident: &Incident) -> Result<Vec<wire::Briefing>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let now = form(briefings::complainants(tx, site, *id).await?);
    let mut shown = Vec::new();
    shown.extend(briefings::planned(tx, site, *id).await?);
    for state in [BriefingState::Held, BriefingState::Released] {
        shown.extend(briefings::list(tx, site, *id, Some(state), None, 1).await?);
    }
    shown.sort_by_key(|b| std::cmp::Reverse(b.number));
    shown.truncate(2);
    let form = |b: &briefings::Briefing| b.held.as_ref().map_or(now, |h| h.form);
    Ok(shown.iter().map(|b| listed(b, form(b))).collect())
}

/// What was asked at a briefing and nobody has answered.
async fn unanswered(tx: &mut Tx, incident: &Incident) -> Result<Vec<wire::RoomQuestion>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let all = briefings::asked(tx, site, *id).await?.into_iter();
    let open = all.filter(|question| question.answer.is_none());
    let shown = open.take(LISTED_MAX).map(|question| wire::RoomQuestion {
        briefing_number: question.briefing,
        number: question.number,
        text: question.text,
    });
    Ok(shown.collect())
}

/// What the playbook asks of the stage and nobody has done.
async fn to_do(tx: &mut Tx, incident: &Incident) -> Result<Vec<wire::IncidentTask>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let Some(visit) = stages::visit(tx, site, *id).await? else {
        return Ok(Vec::new());
    };
    let roles = roles::of_incident(tx, site, *id).await?;
    let tasks = tasks::of_visit(tx, site, *id, visit.number).await?;
    let open = tasks.iter().filter(|t| t.state == TaskState::Open);
    Ok(open.map(|t| task(site, t, &roles)).collect())
}

/// What the stage is for, and what has to hold before it is left, of which nobody says that it does.
async fn stage(
    tx: &mut Tx,
    desk: &Desk,
    incident: &Incident,
) -> Result<(Vec<wire::PlaybookText>, Vec<wire::ExitCondition>), Fault> {
    let IncidentName { site, id } = &incident.name;
    let Some(visit) = stages::visit(tx, site, *id).await? else {
        return Ok((Vec::new(), Vec::new()));
    };
    let terms = desk.terms(terms::newest(tx, &desk.settings, site, *id).await?)?;
    let said = stages::words(tx, site, *id, visit.number).await?;
    let Some(plan) = terms.plan(incident.stage) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let goals = plan.goals.iter().map(goal).collect();
    let conditions = plan.exit.iter().map(|c| condition(c, &said));
    Ok((goals, conditions.filter(|c| !c.holds).collect()))
}

/// What is left to be done of its review; none while it is not stood down.
async fn reviewed(tx: &mut Tx, incident: &Incident) -> Result<Option<wire::RoomReview>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let review = reviews::get(tx, &incident.name).await?;
    if review.revision == 0 {
        return Ok(None);
    }
    let mut actions = reviews::actions(tx, site, *id).await?;
    let all = actions.len();
    actions.retain(|a| a.state == ActionState::Open);
    let mut taught = lessons::of_incident(tx, site, *id).await?;
    taught.retain(|l| l.state == LessonState::Proposed);
    Ok(Some(wire::RoomReview {
        state: to_wire(review.state),
        actions: actions.iter().take(LISTED_MAX).map(action).collect(),
        settled_count: i32::try_from(all - actions.len()).unwrap_or(i32::MAX),
        lessons: taught.iter().take(LISTED_MAX).map(lesson).collect(),
        update_time: review.updated.map(to_timestamp),
    }))
}

async fn promised(tx: &mut Tx, incident: &Incident) -> Result<Vec<wire::Commitment>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let open = Some(CommitmentState::Open);
    let open = commitments::list(tx, site, *id, open, None, SHOWN_MAX).await?;
    Ok(open.iter().map(commitment).collect())
}

async fn asked(tx: &mut Tx, incident: &Incident) -> Result<Vec<wire::Inquiry>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let open = Some(InquiryState::Open);
    let mut open = media::inquiries(tx, site, *id, open, None, SHOWN_MAX).await?;
    open.sort_by_key(|i| i.due);
    Ok(open.iter().map(inquiry).collect())
}

async fn reported(tx: &mut Tx, incident: &Incident) -> Result<Vec<wire::Exposure>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let mut open = media::unsettled(tx, site, *id, SHOWN_MAX).await?;
    open.sort_by_key(|e| (e.clarify_due.is_none(), e.clarify_due));
    open.iter().map(|e| exposure(e, &[])).collect()
}
