//! From what is stored to the wire.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::name::{DepartmentName, SiteId, SiteName, SolutionName, StaffId, StaffName};
use redress_proto::assignment::v1 as wire;
use redress_proto::convert::{to_money, to_timestamp, to_wire, to_wire_opt};
use redress_rpc::etag;
use sha2::{Digest as _, Sha256};

use super::parse::work_name;
use crate::domain::authority::Limits;
use crate::domain::bench::Stretch;
use crate::domain::handling::Visit;
use crate::domain::past_office::PastOffice;
use crate::domain::practice::checklist::{Checklist, Item};
use crate::domain::solution::{Review, Solution, Terms, When};
use crate::domain::validity::{Appeal, Decision, Judgement};
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
        display_name_en: department.display_name_en,
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
        display_name_en: staff.display_name_en,
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
                 ..
             }| wire::Resolution {
                summary,
                root_cause,
            },
        ),
        epoch: work.epoch,
        create_time: time(work.created_at),
        update_time: time(work.updated_at),
        etag: etag::of(work.revision),
        restatement: work.restatement.map(|r| wire::Restatement {
            text: r.text,
            confirmed: r.confirmed,
            restate_time: time(r.at),
        }),
        outcome: to_wire_opt(work.ending.map(|(ending, _)| ending)),
        close_time: work.ending.map(|(_, at)| to_timestamp(at)),
        take_over_time: work.taken_over_at.map(to_timestamp),
        complaining_store: work
            .facts
            .complaining_store
            .map_or_else(String::new, |id| SiteName(id).to_string()),
    }
}

pub(super) fn past_office(site: &SiteId, mark: PastOffice) -> wire::PastOffice {
    let consent = mark.consent.as_ref();
    wire::PastOffice {
        receiver: person(site, Some(&mark.receiver)),
        past_staff: person(site, mark.past_staff.as_ref()),
        past_department: mark.past_department.map_or_else(String::new, |id| {
            DepartmentName::new(site.clone(), id).to_string()
        }),
        recorder: mark.recorder,
        receive_time: time(mark.at),
        consent_channel: to_wire_opt(consent.map(|c| c.channel)),
        consent_recorder: consent.map_or_else(String::new, |c| c.recorder.clone()),
        consent_time: consent.map(|c| to_timestamp(c.at)),
    }
}

pub(super) fn visit(site: &SiteId, visit: Visit, participants: &BTreeSet<StaffId>) -> wire::Visit {
    let state = match (visit.made, visit.cancelled) {
        (Some(_), _) => wire::VisitState::Made,
        (None, Some(_)) => wire::VisitState::Cancelled,
        (None, None) => wire::VisitState::Planned,
    };
    wire::Visit {
        visit_id: visit.id.to_string(),
        purpose: to_wire(visit.purpose),
        state: state.into(),
        staff: person(site, visit.staff.as_ref()),
        plan_time: visit.planned.map(to_timestamp),
        make_time: visit.made.map(to_timestamp),
        cancel_time: visit.cancelled.map(to_timestamp),
        findings: visit.findings,
        participants: participants
            .iter()
            .map(|id| person(site, Some(id)))
            .collect(),
    }
}

pub(super) fn solution(solution: Solution) -> wire::Solution {
    let site = &solution.case.site;
    let reviews = reviews(&solution);
    wire::Solution {
        tampered: digest(site, &solution.terms) != solution.digest,
        name: SolutionName::new(site.clone(), solution.id).to_string(),
        case: solution.case.to_string(),
        terms: Some(terms(
            site,
            &solution.terms,
            &solution.done,
            &solution.checklists,
        )),
        state: to_wire(solution.state),
        total: Some(to_money(solution.terms.total())),
        required_level: to_wire(solution.required),
        author: solution.author.subject,
        digest: hex::encode(&solution.digest),
        reviews,
        tell_time: solution.told.map(to_timestamp),
        answer: to_wire_opt(solution.answer),
        answer_time: solution.answered.map(to_timestamp),
        create_time: time(solution.created_at),
        update_time: time(solution.updated_at),
        etag: etag::of(solution.revision),
    }
}

/// Newest first.
fn reviews(of: &Solution) -> Vec<wire::SolutionReview> {
    let wire = |review: &Review| wire::SolutionReview {
        sequence: review.sequence,
        approved: review.approved,
        level: to_wire(review.level),
        reviewer: review.reviewer.subject.clone(),
        reason: review.reason.clone(),
        digest: hex::encode(&review.digest),
        review_time: time(review.at),
        of_these_terms: of.is_of_these_terms(review),
    };
    of.reviews.iter().rev().map(wire).collect()
}

/// Over the wire's form of the terms as they are kept: the same terms give the same digest, whatever was typed.
pub(super) fn digest(site: &SiteId, of: &Terms) -> Vec<u8> {
    Sha256::digest(prost::Message::encode_to_vec(&terms(site, of, &[], &[]))).to_vec()
}

/// One item of what is done beside a repair.
pub(super) fn checked(item: &Item) -> wire::ChecklistItem {
    let tick = item.tick.as_ref();
    wire::ChecklistItem {
        text: item.text.clone(),
        tick_time: tick.map(|tick| to_timestamp(tick.at)),
        ticked_by: tick.map(|tick| tick.by.clone()).unwrap_or_default(),
    }
}

/// The terms of a solution of this site, with when each step was done and what is done beside it.
pub(super) fn terms(
    site: &SiteId,
    terms: &Terms,
    done: &[Option<Timestamp>],
    checklists: &[Checklist],
) -> wire::SolutionTerms {
    let remedies = terms.remedies.iter().map(|remedy| wire::Remedy {
        kind: to_wire(remedy.kind),
        text: remedy.text.clone(),
        amount: Some(to_money(remedy.amount)),
        department: remedy.department.as_ref().map_or_else(String::new, |id| {
            DepartmentName::new(site.clone(), id.clone()).to_string()
        }),
        outside_party: remedy.outside_party.clone(),
    });
    let when_done = done.iter().copied().chain(std::iter::repeat(None));
    let nothing: &[Item] = &[];
    let beside = checklists.iter().map(Checklist::items);
    let beside = beside.chain(std::iter::repeat(nothing));
    let steps = terms.steps.iter().zip(when_done.zip(beside));
    let steps = steps.map(|(step, (done, items))| {
        let (due_time, condition) = match &step.when {
            When::By(due) => (Some(to_timestamp(*due)), String::new()),
            When::If(condition) => (None, condition.clone()),
        };
        wire::SolutionStep {
            text: step.text.clone(),
            owner: person(site, step.owner.as_ref()),
            outside_party: step.outside_party.clone(),
            due_time,
            condition,
            done_time: done.map(to_timestamp),
            checklist: items.iter().map(checked).collect(),
        }
    });
    wire::SolutionTerms {
        summary: terms.summary.clone(),
        root_cause: terms.root_cause.clone(),
        remedies: remedies.collect(),
        steps: steps.collect(),
        legal_basis: Some(wire::LegalBasis {
            kind: to_wire(terms.basis),
            citation: terms.citation.clone(),
        }),
        liability: Some(wire::Liability {
            ground: to_wire(terms.ground),
            reference: terms.reference.clone(),
            no_clause_reason: terms.no_clause_reason.clone(),
            partner: terms.partner.clone(),
            recourse: terms.recourse.clone(),
        }),
        final_offer: terms.final_offer.as_ref().map(|offer| wire::FinalOffer {
            ceiling: Some(to_money(offer.ceiling)),
            expire_time: time(offer.expires),
            text: offer.text.clone(),
        }),
    }
}

pub(super) fn limits(limits: &Limits) -> Vec<wire::AuthorityLimit> {
    limits
        .pairs()
        .map(|(level, amount)| wire::AuthorityLimit {
            level: to_wire(level),
            amount: Some(to_money(amount)),
        })
        .collect()
}

pub(super) fn validity(decision: Decision) -> wire::ValidityDecision {
    wire::ValidityDecision {
        sequence: decision.sequence,
        validity: to_wire(decision.validity),
        reason: decision.reason,
        evidence: decision.evidence,
        decider: decision.decider.subject,
        decide_time: time(decision.at),
        on_appeal: decision.on_appeal,
    }
}

pub(super) fn judgement(judgement: Judgement) -> wire::DemandJudgement {
    let demands = judgement.demands.into_iter();
    wire::DemandJudgement {
        sequence: judgement.sequence,
        demands: demands
            .map(|demand| wire::JudgedDemand {
                text: demand.text,
                lawful: demand.lawful,
                reasonable: demand.reasonable,
                reason: demand.reason,
            })
            .collect(),
        judge: judgement.judge,
        judge_time: time(judgement.at),
    }
}

pub(super) fn appeal(appeal: Appeal) -> wire::Appeal {
    wire::Appeal {
        reason: appeal.reason,
        appeal_time: time(appeal.at),
        granted: appeal.decided.is_some_and(|(granted, _)| granted),
        decide_time: appeal.decided.map(|(_, at)| to_timestamp(at)),
        evidence: appeal.evidence,
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
        StepKind::Restated => wire::WorkStepKind::Restated,
        StepKind::Calmed => wire::WorkStepKind::Calmed,
        StepKind::VisitPlanned => wire::WorkStepKind::VisitPlanned,
        StepKind::Visited => wire::WorkStepKind::Visited,
        StepKind::SolutionProposed => wire::WorkStepKind::SolutionProposed,
        StepKind::SolutionReviewed => wire::WorkStepKind::SolutionReviewed,
        StepKind::SolutionTold => wire::WorkStepKind::SolutionTold,
        StepKind::SolutionAnswered => wire::WorkStepKind::SolutionAnswered,
        StepKind::SolutionStepDone => wire::WorkStepKind::SolutionStepDone,
        StepKind::FollowedUp => wire::WorkStepKind::FollowedUp,
        StepKind::Closed => wire::WorkStepKind::Closed,
        StepKind::ValidityDecided => wire::WorkStepKind::ValidityDecided,
        StepKind::Rejected => wire::WorkStepKind::Rejected,
        StepKind::Appealed => wire::WorkStepKind::Appealed,
        StepKind::TakenOver => wire::WorkStepKind::TakenOver,
        StepKind::Reported => wire::WorkStepKind::Reported,
        StepKind::EvidenceAsked => wire::WorkStepKind::EvidenceAsked,
        StepKind::HandlingOrdered => wire::WorkStepKind::HandlingOrdered,
    }
}
