//! What stands beside an incident in the crisis room.

use redress_model::Fault;
use redress_model::name::IncidentName;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_store::Tx;

use super::briefings::view::{commitment, listed};
use crate::domain::briefing::{BriefingState, CommitmentState, form};
use crate::domain::words::{Audience, StatementState};
use crate::flow::{Desk, StatementCase};
use crate::store::incidents::Incident;
use crate::store::statements::Filter;
use crate::store::{briefings, commitments, statements, story};

/// Of each kind at most.
const SHOWN_MAX: i64 = 50;

/// Reads it.
///
/// # Errors
/// When Postgres is away.
pub(super) async fn room(
    tx: &mut Tx,
    desk: &Desk,
    incident: &Incident,
) -> Result<wire::IncidentRoom, Fault> {
    Ok(wire::IncidentRoom {
        statements: said(tx, desk, incident).await?,
        cells: told(tx, incident).await?,
        briefings: met(tx, incident).await?,
        commitments: promised(tx, incident).await?,
    })
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
        let case = StatementCase::load(tx, statement, incident.stage).await?;
        let draft = case.statement.state == StatementState::Draft;
        let due = case.standing.due(desk.policy.statement_quorum);
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

/// When each audience was last told something by a statement in this stage.
async fn told(tx: &mut Tx, incident: &Incident) -> Result<Vec<wire::RoomCell>, Fault> {
    let last = story::last_told(tx, &incident.name, incident.stage).await?;
    let cell = |audience: &Audience| {
        let told = last.iter().find(|(to, _)| to == audience);
        wire::RoomCell {
            audience: to_wire(*audience),
            tell_time: told.map(|(_, at)| to_timestamp(*at)),
        }
    };
    Ok(Audience::ALL.iter().map(cell).collect())
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

async fn promised(tx: &mut Tx, incident: &Incident) -> Result<Vec<wire::Commitment>, Fault> {
    let IncidentName { site, id } = &incident.name;
    let open = Some(CommitmentState::Open);
    let open = commitments::list(tx, site, *id, open, None, SHOWN_MAX).await?;
    Ok(open.iter().map(commitment).collect())
}
