//! Rows as the contract shows them.

use jiff::Timestamp;
use redress_clock::Length;
use redress_model::Grade;
use redress_model::name::{CaseName, ClockName, ClusterName, SignalName, SiteId};
use redress_model::words::CaseMode;
use redress_proto::convert::{to_timestamp, to_wire, to_wire_opt};
use redress_proto::triage::v1 as wire;
use redress_proto::words;
use redress_rpc::etag;

use crate::domain::{CriterionId, IncidentMode, incident_mode};
use crate::store::clocks::{Clock, History};
use crate::store::clusters::{Cluster, Seat};
use crate::store::decisions::DecisionRow;
use crate::store::signals::SignalRow;

fn time(t: Timestamp) -> Option<prost_types::Timestamp> {
    Some(to_timestamp(t))
}

pub(super) fn count(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

pub(super) fn grade(grade: Grade) -> i32 {
    i32::from(grade.value())
}

pub(super) fn mode(mode: Option<IncidentMode>) -> i32 {
    let mode = match mode {
        None => wire::IncidentMode::Unspecified,
        Some(IncidentMode::Public) => wire::IncidentMode::Public,
        Some(IncidentMode::Private) => wire::IncidentMode::Private,
    };
    mode.into()
}

pub(super) fn criterion(id: CriterionId, evidence: String) -> wire::Criterion {
    wire::Criterion {
        criterion_id: id.id().to_owned(),
        grade: grade(id.grade()),
        evidence,
    }
}

pub(super) fn decision(site: &SiteId, row: DecisionRow) -> wire::Decision {
    let r = row.ruling;
    let case = CaseName::new(site.clone(), row.case);
    let criteria: Vec<(CriterionId, String)> = r
        .criteria
        .into_iter()
        .filter_map(|(id, evidence)| Some((id.parse().ok()?, evidence)))
        .collect();
    let opens = incident_mode(r.grade, criteria.iter().map(|c| c.0)).filter(|_| !row.historical);
    let basis = match (r.category, r.category_stated) {
        (None, _) => wire::CategoryBasis::Unspecified,
        (Some(_), true) => wire::CategoryBasis::Stated,
        (Some(_), false) => wire::CategoryBasis::Suggested,
    };
    let case_mode = if row.historical {
        CaseMode::Historical
    } else {
        CaseMode::Live
    };
    wire::Decision {
        name: format!("{case}/decisions/{}", row.revision),
        case: case.to_string(),
        grade: grade(r.grade),
        criteria: criteria
            .into_iter()
            .map(|(id, evidence)| criterion(id, evidence))
            .collect(),
        nature: to_wire(r.nature),
        urgency: to_wire(r.urgency),
        category: to_wire_opt(r.category),
        category_basis: basis.into(),
        category_words: r.category_words,
        would_open_incident: opens.is_some(),
        incident_mode: mode(opens),
        cluster: ClusterName::new(site.clone(), r.cluster).to_string(),
        complainants: count(r.complainants),
        cluster_complainants: count(r.cluster_facts.complainants),
        cluster_recent_cases: count(r.cluster_facts.recent_cases),
        cause: row.cause,
        decide_time: time(row.decided),
        revision: row.revision,
        proposed_grade: if r.computed == r.grade {
            0
        } else {
            grade(r.computed)
        },
        policy_profile: r.policy_profile,
        policy_revision: count(r.policy_revision),
        mode: to_wire(case_mode),
        suspected_signals: r.suspected.into_iter().map(to_wire).collect(),
    }
}

pub(super) fn signal(site: &SiteId, row: SignalRow) -> wire::CaseSignal {
    let (confirmer, confirmed) = row.confirmed.unzip();
    wire::CaseSignal {
        name: SignalName::new(site.clone(), row.id).to_string(),
        case: CaseName::new(site.clone(), row.case).to_string(),
        signal: Some(words::Signal {
            signal_id: row.id.to_string(),
            kind: to_wire(row.signal.kind),
            basis: to_wire(row.signal.basis),
            reach: i64::try_from(row.signal.reach).unwrap_or(i64::MAX),
            known_time: time(row.known),
        }),
        recorder: row.recorder,
        confirmer: confirmer.unwrap_or_default(),
        confirm_time: confirmed.map(to_timestamp),
        create_time: time(row.created),
        etag: etag::of(row.revision),
    }
}

pub(super) fn cluster(
    site: &SiteId,
    cluster: Cluster,
    cases: u32,
    seats: &[Seat],
    facts: crate::domain::ClusterFacts,
) -> wire::Cluster {
    let name = |id| ClusterName::new(site.clone(), id).to_string();
    wire::Cluster {
        name: name(cluster.id),
        create_time: time(cluster.created),
        case_count: count(cases),
        complainants: count(facts.complainants),
        recent_cases: count(facts.recent_cases),
        members: seats
            .iter()
            .map(|member| wire::ClusterMember {
                case: CaseName::new(site.clone(), member.case).to_string(),
                received_time: time(member.received),
                similarity: member.similarity,
            })
            .collect(),
        merged_into: cluster.merged_into.map(name).unwrap_or_default(),
        revision: cluster.revision,
        etag: etag::of(cluster.revision),
    }
}

fn length(length: Length) -> wire::ClockLength {
    let (amount, unit) = match length {
        Length::Minutes(n) => (n, wire::ClockUnit::Minutes),
        Length::WorkingMinutes(n) => (n, wire::ClockUnit::WorkingMinutes),
        Length::WorkingDays(n) => (n, wire::ClockUnit::WorkingDays),
        Length::Days(n) => (n, wire::ClockUnit::Days),
        Length::Months(n) => (n, wire::ClockUnit::Months),
    };
    wire::ClockLength {
        amount: i64::from(amount),
        unit: unit.into(),
    }
}

pub(super) fn clock(site: &SiteId, clock: Clock) -> wire::CaseClock {
    wire::CaseClock {
        name: ClockName::new(site.clone(), clock.id).to_string(),
        case: CaseName::new(site.clone(), clock.case).to_string(),
        kind: to_wire(clock.kind),
        state: to_wire(clock.state),
        start_time: time(clock.start),
        length: Some(length(clock.length)),
        warn_time: time(clock.deadlines.warn),
        due_time: time(clock.deadlines.due),
        duty_lead_time: time(clock.deadlines.climb_duty),
        top_lead_time: time(clock.deadlines.climb_top),
        next_time: clock.next.map(to_timestamp),
        level: i32::from(clock.level),
        stop_time: clock.stopped.map(to_timestamp),
        grade: grade(clock.grade),
        generation: clock.generation,
        policy_profile: clock.policy_profile,
        policy_revision: clock.policy_revision,
        provisional: clock.provisional,
        held: clock.held,
        etag: etag::of(clock.generation),
        ..Default::default()
    }
}

pub(super) fn history(entry: History) -> wire::ClockHistoryEntry {
    wire::ClockHistoryEntry {
        transition: to_wire(entry.transition),
        transition_time: time(entry.at),
        due_time: time(entry.due),
        cause: entry.cause,
    }
}
