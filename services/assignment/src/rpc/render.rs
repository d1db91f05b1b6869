//! From what is stored to the wire.

use jiff::Timestamp;
use redress_model::name::{DepartmentName, SiteId, StaffId, StaffName};
use redress_proto::assignment::v1 as wire;
use redress_proto::convert::{to_timestamp, to_wire, to_wire_opt};
use redress_rpc::etag;

use super::parse::work_name;
use crate::domain::bench::Stretch;
use crate::domain::work::{Resolution, StepKind, Work};
use crate::store::departments::Department;
use crate::store::staff::Staff;
use crate::store::work::StoredStep;

fn time(t: Timestamp) -> Option<prost_types::Timestamp> {
    Some(to_timestamp(t))
}

fn person(site: &SiteId, id: Option<&StaffId>) -> String {
    id.map_or_else(String::new, |id| {
        StaffName::new(site.clone(), id.clone()).to_string()
    })
}

pub(super) fn department(department: Department) -> wire::Department {
    wire::Department {
        name: department.name.to_string(),
        display_name: department.display_name,
        categories: department.categories.into_iter().map(to_wire).collect(),
        create_time: time(department.created_at),
        etag: etag::of(department.revision),
    }
}

pub(super) fn staff(staff: Staff) -> wire::Staff {
    let department = staff.department.map_or_else(String::new, |id| {
        DepartmentName::new(staff.name.site.clone(), id).to_string()
    });
    wire::Staff {
        name: staff.name.to_string(),
        display_name: staff.display_name,
        department,
        skills: staff.skills,
        languages: staff.languages,
        account: staff.account.unwrap_or_default(),
        contact_points: Vec::new(),
        contact_kinds: staff.contact_kinds.iter().map(|k| kind(k)).collect(),
        max_open_cases: staff.max_open_cases.unwrap_or(0),
        retired: staff.retired,
        open_cases: staff.open_cases,
        create_time: time(staff.created_at),
        update_time: time(staff.updated_at),
        etag: etag::of(staff.revision),
    }
}

/// The number of a stored kind of contact point.
pub(super) fn kind(word: &str) -> i32 {
    wire::ContactKind::from_str_name(&format!("CONTACT_KIND_{word}"))
        .unwrap_or_default()
        .into()
}

pub(super) fn duty(site: &SiteId, stretch: &Stretch) -> wire::Duty {
    wire::Duty {
        role: to_wire(stretch.role),
        staff: person(site, Some(&stretch.staff)),
        rank: stretch.rank,
        start_time: stretch.from.map(to_timestamp),
        end_time: stretch.until.map(to_timestamp),
    }
}

pub(super) fn work(work: Work) -> wire::Work {
    let site = &work.case.site;
    let decision = work.decision.as_ref();
    wire::Work {
        name: work_name(&work.case).to_string(),
        case: work.case.to_string(),
        number: work.facts.number.clone(),
        status: to_wire(work.status),
        responsible: person(site, work.responsible.as_ref()),
        offered_to: person(site, work.offered_to.as_ref()),
        department: work.department.as_ref().map_or_else(String::new, |id| {
            DepartmentName::new(site.clone(), id.clone()).to_string()
        }),
        category: to_wire_opt(work.category()),
        grade: decision.map_or(0, |d| i32::from(d.grade.value())),
        urgency: to_wire_opt(decision.and_then(|d| d.urgency)),
        explanation: work.explanation,
        received_time: time(work.facts.received_at),
        assign_time: work.assigned_at.map(to_timestamp),
        accept_time: work.accepted_at.map(to_timestamp),
        resolve_time: work.resolved_at.map(to_timestamp),
        resolution: work.resolution.map(
            |Resolution {
                 summary,
                 root_cause,
             }| wire::Resolution {
                summary,
                root_cause,
            },
        ),
        epoch: work.epoch,
        create_time: time(work.created_at),
        update_time: time(work.updated_at),
        etag: etag::of(work.revision),
    }
}

pub(super) fn step(site: &SiteId, stored: StoredStep) -> wire::WorkStep {
    wire::WorkStep {
        sequence: stored.sequence,
        kind: step_kind(stored.step.kind).into(),
        status: to_wire(stored.step.status),
        step_time: time(stored.at),
        actor: stored.actor,
        responsible: person(site, stored.step.responsible.as_ref()),
        offered_to: person(site, stored.step.offered_to.as_ref()),
        text: stored.step.text,
    }
}

fn step_kind(kind: StepKind) -> wire::WorkStepKind {
    match kind {
        StepKind::Received => wire::WorkStepKind::Received,
        StepKind::Offered => wire::WorkStepKind::Offered,
        StepKind::Accepted => wire::WorkStepKind::Accepted,
        StepKind::Progress => wire::WorkStepKind::Progress,
        StepKind::Resolved => wire::WorkStepKind::Resolved,
        StepKind::Graded => wire::WorkStepKind::Graded,
        StepKind::Ended => wire::WorkStepKind::Ended,
        StepKind::Reopened => wire::WorkStepKind::Reopened,
        StepKind::HandedOver => wire::WorkStepKind::HandedOver,
        StepKind::Outdated => wire::WorkStepKind::Outdated,
        StepKind::Declined => wire::WorkStepKind::Declined,
        StepKind::HandoverOffered => wire::WorkStepKind::HandoverOffered,
        StepKind::HandoverDeclined => wire::WorkStepKind::HandoverDeclined,
        StepKind::HandoverExpired => wire::WorkStepKind::HandoverExpired,
    }
}
