//! Rows as the contract shows them.

use jiff::Timestamp;
use redress_model::Grade;
use redress_model::name::{CaseName, ClockName, ClusterName, SignalName, SiteId};
use redress_model::words::{CaseMode, ClockKind};
use redress_proto::convert::{to_timestamp, to_wire, to_wire_opt};
use redress_proto::triage::v1 as wire;
use redress_proto::words;
use redress_rpc::etag;

use super::clock_view;
use crate::domain::paging::{PageState, Paging};
use crate::domain::standing::{Direction, Override};
use crate::domain::{CriterionId, IncidentMode, incident_mode};
use crate::store::clocks::{Clock, History};
use crate::store::decisions::DecisionRow;
use crate::store::pages::PageRow;
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
    let (proposed, provisional) = (row.ruling.proposed(), row.ruling.is_provisional());
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
        proposed_grade: proposed.map_or(0, grade),
        computed_grade: grade(r.computed),
        provisional,
        r#override: r.word.map(grade_override),
        etag: etag::of(row.revision),
        policy_profile: r.policy_profile,
        policy_revision: count(r.policy_revision),
        mode: to_wire(case_mode),
        suspected_signals: r.suspected.into_iter().map(to_wire).collect(),
        // Asked for one decision alone.
        rule_category: 0,
    }
}

fn grade_override(word: Override) -> wire::GradeOverride {
    let direction = match word.direction {
        Direction::Lowered => wire::GradeDirection::Lowered,
        Direction::Raised => wire::GradeDirection::Raised,
    };
    wire::GradeOverride {
        direction: direction.into(),
        grade: grade(word.grade),
        previous_grade: grade(word.previous),
        reason: word.reason,
        actor: word.actor,
        override_time: time(word.at),
        revision: word.revision,
        set_aside: word
            .set_aside
            .into_iter()
            .map(|aside| criterion(aside.id, aside.evidence))
            .collect(),
    }
}

pub(super) fn signal(site: &SiteId, row: SignalRow) -> wire::CaseSignal {
    let (confirmer, confirmed) = row.confirmed.unzip();
    let (dismisser, dismiss_time, dismiss_reason) = match row.dismissed {
        Some(d) => (d.by, time(d.at), d.reason),
        None => Default::default(),
    };
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
        provisional: row.signal.provisional,
        dismisser,
        dismiss_time,
        dismiss_reason,
    }
}

/// A clock with the last page about it. Whoever was asked a question last had a time of their own.
pub(super) fn paged(site: &SiteId, clock: Clock, page: Option<&PageRow>) -> wire::CaseClock {
    let asked = page.filter(|_| clock.kind == ClockKind::ConfirmSignal);
    let due = asked.map_or(clock.due(), |page| page.answer);
    wire::CaseClock {
        due_time: time(due),
        page: page.map(|page| self::page(page, clock.paging)),
        ..self::clock(site, clock)
    }
}

pub(super) fn clock(site: &SiteId, clock: Clock) -> wire::CaseClock {
    wire::CaseClock {
        law: to_wire_opt(clock.law()),
        name: ClockName::new(site.clone(), clock.id).to_string(),
        case: CaseName::new(site.clone(), clock.case).to_string(),
        kind: to_wire(clock.kind),
        state: to_wire(clock.state),
        start_time: time(clock.start),
        length: Some(clock_view::term(clock.term)),
        warn_time: time(clock.deadlines.warn),
        due_time: time(clock.due()),
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
        held: clock.held.is_some(),
        hold_reason: to_wire_opt(clock.held),
        warn_early_time: clock.deadlines.warn_early.map(to_timestamp),
        calendar_revision: count(clock.calendar_revision),
        told_to_customer: clock.told_customer,
        party: clock.party,
        outside_number: clock.outside_number,
        urgency: to_wire(clock.urgency),
        stop_cause: clock.stop_cause,
        etag: etag::of(clock.generation),
        waiting_for_duty: clock.paging.state == PageState::Waiting,
        page: None,
        demand: clock.demand.map(|d| d.to_string()).unwrap_or_default(),
    }
}

/// The last page about a clock, which is to be acknowledged while paging is open.
pub(super) fn page(page: &PageRow, paging: Paging) -> wire::ClockPage {
    let open = paging.state == PageState::Open;
    wire::ClockPage {
        staff: page.staff.clone(),
        level: i32::from(page.rung),
        page_count: i32::from(page.page),
        send_time: time(page.sent),
        answer_time: time(page.answer).filter(|_| open),
        acknowledge_time: page.acknowledged.map(to_timestamp),
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
