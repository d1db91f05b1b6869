//! An incident as callers see it.

use redress_model::Fault;
use redress_model::name::{
    CaseName, ClockName, ClusterName, ExposureName, IncidentName, InquiryName, SiteId, StaffId,
    StaffName, StatementName,
};
use redress_model::words::{ClockKind, Word as _};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_rpc::etag;
use redress_store::Tx;
use uuid::Uuid;

use crate::store::callouts::{self, CallOut};
use crate::store::cases::{self, CaseFile};
use crate::store::clocks::{self, Clock};
use crate::store::incidents::Incident;
use crate::store::log;
use crate::store::roles::{self, Role};

/// Cases shown at most.
const CASES_MAX: i64 = 1_000;
/// Stopped clocks shown at most.
const STOPPED_MAX: i64 = 100;
/// Log entries shown at most.
const LOG_MAX: i64 = 200;
/// Promises about one thing that are shown with the incident's own.
const SHOWN: [ClockKind; 3] = [
    ClockKind::MediaAnswer,
    ClockKind::MediaClarification,
    ClockKind::StatementReview,
];

/// How much of an incident is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// All of it.
    Whole,
    /// Without log and stopped clocks.
    Listed,
}

/// Reads what belongs to an incident and renders it.
///
/// # Errors
/// When Postgres is away.
pub(super) async fn view(
    tx: &mut Tx,
    incident: Incident,
    depth: Depth,
) -> Result<wire::Incident, Fault> {
    let IncidentName { site, id } = incident.name.clone();
    let cases = cases::of_incident(tx, &site, id, CASES_MAX).await?;
    let count = cases::count(tx, &site, id).await?;
    let callouts = callouts::of_incident(tx, &site, id).await?;
    let roles = roles::of_incident(tx, &site, id).await?;
    let mut clocks = clocks::open(tx, &site, id).await?;
    // What somebody promised or was given to do has its own list; what the press or a statement waits for has none.
    clocks.retain(|c| c.subject.is_none() || SHOWN.contains(&c.kind));
    let mut entries = Vec::new();
    if depth == Depth::Whole {
        clocks.extend(clocks::stopped(tx, &site, id, &SHOWN, STOPPED_MAX).await?);
        clocks.sort_by_key(|c| std::cmp::Reverse((c.start, c.id)));
        entries = log::last(tx, &site, id, LOG_MAX).await?;
    }
    Ok(wire::Incident {
        etag: etag::of(incident.revision),
        provisional: incident.provisional,
        number: incident.number,
        cluster: ClusterName::new(site.clone(), incident.cluster).to_string(),
        state: incident.state.number(),
        mode: incident.mode.number(),
        mode_reason: incident.mode_reason,
        stage: incident.stage.number(),
        open_reason: incident.open_reason,
        opened_by: incident.opened_by,
        open_time: Some(to_timestamp(incident.opened)),
        cases: cases.into_iter().map(|c| case(&site, c)).collect(),
        case_count: i32::try_from(count).unwrap_or(i32::MAX),
        roles: roles.iter().map(|r| role(&site, r, &callouts)).collect(),
        clocks: clocks.into_iter().map(|c| clock(&site, c)).collect(),
        log_entries: entries.into_iter().map(entry).collect(),
        merged_into: incident.merged_into.map_or_else(String::new, |into| {
            IncidentName::new(site.clone(), into).to_string()
        }),
        update_time: Some(to_timestamp(incident.updated)),
        name: incident.name.to_string(),
    })
}

fn case(site: &SiteId, case: CaseFile) -> wire::IncidentCase {
    wire::IncidentCase {
        case: CaseName::new(site.clone(), case.id).to_string(),
        number: case.number,
        grade: case.grade.map_or(0, |g| i32::from(g.value())),
        criteria: case.criteria,
        join_time: case.join_time.map(to_timestamp),
    }
}

fn role(site: &SiteId, role: &Role, callouts: &[CallOut]) -> wire::IncidentRole {
    let name = |staff: &StaffId| StaffName::new(site.clone(), staff.clone()).to_string();
    let callout = callouts.iter().find(|c| role.callout == Some(c.id));
    wire::IncidentRole {
        role: to_wire(role.role),
        staff: role.held.staff.as_ref().map(name).unwrap_or_default(),
        deputies: role.held.deputies.iter().map(name).collect(),
        stand_in: role.held.stand_in.as_ref().map(name).unwrap_or_default(),
        call_out_state: callout.map_or(0, |c| c.state.number()),
        call_out_time: callout.map(|c| to_timestamp(c.changed)),
    }
}

fn clock(site: &SiteId, clock: Clock) -> wire::IncidentClock {
    wire::IncidentClock {
        name: ClockName::new(site.clone(), clock.id).to_string(),
        kind: to_wire(clock.kind),
        state: to_wire(clock.state),
        case: clock.case.map_or_else(String::new, |case| {
            CaseName::new(site.clone(), case).to_string()
        }),
        start_time: Some(to_timestamp(clock.start)),
        warn_time: Some(to_timestamp(clock.deadlines.warn)),
        due_time: Some(to_timestamp(clock.deadlines.due)),
        level: i32::from(clock.level),
        next_time: clock.next.map(to_timestamp),
        stop_time: clock.stopped.map(to_timestamp),
        subject: clock
            .subject
            .and_then(|id| subject(site, clock.kind, id))
            .unwrap_or_default(),
        role: clock.owner.map_or(0, to_wire),
    }
}

/// What one of the [`SHOWN`] promises is about.
fn subject(site: &SiteId, kind: ClockKind, id: Uuid) -> Option<String> {
    let site = site.clone();
    match kind {
        ClockKind::StatementReview => Some(StatementName::new(site, id).to_string()),
        ClockKind::MediaAnswer => Some(InquiryName::new(site, id).to_string()),
        ClockKind::MediaClarification => Some(ExposureName::new(site, id).to_string()),
        _ => None,
    }
}

pub(super) fn entry(entry: log::Entry) -> wire::LogEntry {
    wire::LogEntry {
        number: entry.number,
        kind: entry.kind.number(),
        log_time: Some(to_timestamp(entry.at)),
        actor: entry.actor,
        text: entry.text,
        reference: entry.reference,
    }
}
