//! The work on one case: its state, and the words for what moves it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Grade;
use redress_model::lifecycle::{self, Mover};
use redress_model::name::{CaseName, DepartmentId, SiteId, StaffId};
use redress_model::words::{CaseStatus, Category, Urgency};

use super::handling::{Ending, Restatement};
use super::person::Person;

/// What intake says of a case, as far as work depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Number for people.
    pub number: String,
    /// Language of the complainant; empty: the site's.
    pub language: String,
    /// Who received it; none on machine channels.
    pub first_contact: Option<StaffId>,
    /// Staff complained about: cannot see or handle the case.
    pub excluded: BTreeSet<StaffId>,
    /// When it was received.
    pub received_at: Timestamp,
    /// Status in intake's eyes.
    pub status: CaseStatus,
    /// Intake's epoch.
    pub epoch: i64,
    /// Rises with every change of the facts.
    pub revision: i64,
    /// The agency store that complains about this one (M17): the company centre has the case, neither store.
    pub complaining_store: Option<SiteId>,
}

/// What triage decided, as far as work depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Rises with every decision on the case.
    pub revision: i64,
    /// Intake's epoch that triage saw.
    pub epoch: i64,
    /// Category; none where triage abstained.
    pub category: Option<Category>,
    /// Grade.
    pub grade: Grade,
    /// How soon somebody must act.
    pub urgency: Option<Urgency>,
}

/// How a case was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// What was done.
    pub summary: String,
    /// Why it happened in the first place (M15).
    pub root_cause: String,
    /// Who resolved it.
    pub resolver: Person,
}

/// The work on one live case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The case.
    pub case: CaseName,
    /// What intake says.
    pub facts: Facts,
    /// What triage decided last; none until graded.
    pub decision: Option<Decision>,
    /// The gravest grade that it ever had: what may be paid is decided by it, so that lowering a grade for a moment
    /// lowers nobody's limit.
    pub gravest: Option<Grade>,
    /// How far it is.
    pub status: CaseStatus,
    /// Intake's epoch as far as it took effect here.
    pub epoch: i64,
    /// The one responsible person; none only where nobody may handle the case.
    pub responsible: Option<StaffId>,
    /// Whom it is offered to.
    pub offered_to: Option<StaffId>,
    /// The lead department.
    pub department: Option<DepartmentId>,
    /// Why this person, in words.
    pub explanation: Vec<String>,
    /// When it was offered last.
    pub assigned_at: Option<Timestamp>,
    /// When it was accepted last.
    pub accepted_at: Option<Timestamp>,
    /// When it was resolved last.
    pub resolved_at: Option<Timestamp>,
    /// How it was resolved last.
    pub resolution: Option<Resolution>,
    /// What was understood, said back last.
    pub restatement: Option<Restatement>,
    /// How it ended for both sides, and when; none while it is not closed.
    pub ending: Option<(Ending, Timestamp)>,
    /// When the company centre took it over (M17); none where it has not. It is never given back.
    pub taken_over_at: Option<Timestamp>,
    /// When the work began.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

impl Work {
    /// Category by the latest decision.
    pub fn category(&self) -> Option<Category> {
        self.decision.as_ref().and_then(|d| d.category)
    }

    /// Whether several go on site together: as long as it lives, of what is severe now (M18).
    pub fn wants_joint_visit(&self) -> bool {
        let is_severe = self
            .decision
            .as_ref()
            .is_some_and(|d| d.grade == Grade::ONE);
        is_severe && is_live(self.status)
    }
}

/// What happened to the work: the words of `redress.assignment.v1.WorkStepKind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// The first-contact owner is responsible.
    Received,
    /// Offered to a person.
    Offered,
    /// Accepted.
    Accepted,
    /// Progress was logged.
    Progress,
    /// Resolved.
    Resolved,
    /// Graded.
    Graded,
    /// Intake ended the case.
    Ended,
    /// Intake opened the case again.
    Reopened,
    /// Somebody else took over.
    HandedOver,
    /// A move of an older epoch, without effect.
    Outdated,
    /// The offered person declined.
    Declined,
    /// Offered to another person by who has it in hand.
    HandoverOffered,
    /// A hand-over was declined or taken back.
    HandoverDeclined,
    /// Nobody answered a hand-over in time.
    HandoverExpired,
    /// What was understood was said back.
    Restated,
    /// Person, place or time was changed so that it becomes calm.
    Calmed,
    /// A visit was planned, or is cancelled.
    VisitPlanned,
    /// A visit was made.
    Visited,
    /// A solution was proposed inside, or its terms were changed.
    SolutionProposed,
    /// A solution was approved or refused.
    SolutionReviewed,
    /// A solution was told to the complainant.
    SolutionTold,
    /// The complainant agreed or declined, or stayed silent.
    SolutionAnswered,
    /// A step of the solution was done.
    SolutionStepDone,
    /// The complainant was asked after the resolution.
    FollowedUp,
    /// Closed.
    Closed,
    /// Somebody decided whether the complaint is justified, or judged its demands.
    ValidityDecided,
    /// Answered with reasons and turned down.
    Rejected,
    /// The complainant appealed, or the appeal was decided.
    Appealed,
    /// The company centre took it over.
    TakenOver,
    /// The store reported in writing.
    Reported,
    /// Evidence was asked for, brought, or is not needed any more.
    EvidenceAsked,
    /// Handling was ordered with a deadline, the deadline passed, or the order was lifted.
    HandlingOrdered,
}

impl StepKind {
    /// Every kind, in the order of their numbers on the wire.
    pub const ALL: [Self; 32] = [
        Self::Received,
        Self::Offered,
        Self::Accepted,
        Self::Progress,
        Self::Resolved,
        Self::Graded,
        Self::Ended,
        Self::Reopened,
        Self::HandedOver,
        Self::Outdated,
        Self::Declined,
        Self::HandoverOffered,
        Self::HandoverDeclined,
        Self::HandoverExpired,
        Self::Restated,
        Self::Calmed,
        Self::VisitPlanned,
        Self::Visited,
        Self::SolutionProposed,
        Self::SolutionReviewed,
        Self::SolutionTold,
        Self::SolutionAnswered,
        Self::SolutionStepDone,
        Self::FollowedUp,
        Self::Closed,
        Self::ValidityDecided,
        Self::Rejected,
        Self::Appealed,
        Self::TakenOver,
        Self::Reported,
        Self::EvidenceAsked,
        Self::HandlingOrdered,
    ];

    /// The word as Postgres keeps it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Offered => "OFFERED",
            Self::Accepted => "ACCEPTED",
            Self::Progress => "PROGRESS",
            Self::Resolved => "RESOLVED",
            Self::Graded => "GRADED",
            Self::Ended => "ENDED",
            Self::Reopened => "REOPENED",
            Self::HandedOver => "HANDED_OVER",
            Self::Outdated => "OUTDATED",
            Self::Declined => "DECLINED",
            Self::HandoverOffered => "HANDOVER_OFFERED",
            Self::HandoverDeclined => "HANDOVER_DECLINED",
            Self::HandoverExpired => "HANDOVER_EXPIRED",
            Self::Restated => "RESTATED",
            Self::Calmed => "CALMED",
            Self::VisitPlanned => "VISIT_PLANNED",
            Self::Visited => "VISITED",
            Self::SolutionProposed => "SOLUTION_PROPOSED",
            Self::SolutionReviewed => "SOLUTION_REVIEWED",
            Self::SolutionTold => "SOLUTION_TOLD",
            Self::SolutionAnswered => "SOLUTION_ANSWERED",
            Self::SolutionStepDone => "SOLUTION_STEP_DONE",
            Self::FollowedUp => "FOLLOWED_UP",
            Self::Closed => "CLOSED",
            Self::ValidityDecided => "VALIDITY_DECIDED",
            Self::Rejected => "REJECTED",
            Self::Appealed => "APPEALED",
            Self::TakenOver => "TAKEN_OVER",
            Self::Reported => "REPORTED",
            Self::EvidenceAsked => "EVIDENCE_ASKED",
            Self::HandlingOrdered => "HANDLING_ORDERED",
        }
    }

    /// The kind spelled exactly so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.word() == word)
    }
}

/// One step of the work's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happened.
    pub kind: StepKind,
    /// Status after it.
    pub status: CaseStatus,
    /// The responsible person after it.
    pub responsible: Option<StaffId>,
    /// Whom it was offered to after it.
    pub offered_to: Option<StaffId>,
    /// The logged progress, or the reasons.
    pub text: String,
}

/// Whether the case still needs somebody responsible.
pub fn is_live(status: CaseStatus) -> bool {
    match status {
        CaseStatus::Received
        | CaseStatus::Triaged
        | CaseStatus::Assigned
        | CaseStatus::Accepted
        | CaseStatus::Investigating
        | CaseStatus::Proposed
        | CaseStatus::Resolving
        | CaseStatus::Resolved
        | CaseStatus::Reopened => true,
        CaseStatus::Closed
        | CaseStatus::Archived
        | CaseStatus::Withdrawn
        | CaseStatus::Rejected
        | CaseStatus::Merged => false,
    }
}

/// Whether somebody has accepted the case and works on it.
pub fn is_in_hand(status: CaseStatus) -> bool {
    matches!(
        status,
        CaseStatus::Accepted
            | CaseStatus::Investigating
            | CaseStatus::Proposed
            | CaseStatus::Resolving
            | CaseStatus::Resolved
    )
}

/// The statuses that count as load on a person: live and not resolved.
pub const OPEN: [CaseStatus; 8] = [
    CaseStatus::Received,
    CaseStatus::Triaged,
    CaseStatus::Assigned,
    CaseStatus::Accepted,
    CaseStatus::Investigating,
    CaseStatus::Proposed,
    CaseStatus::Resolving,
    CaseStatus::Reopened,
];

/// A move that the state does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the work is {status}, which cannot become {wanted}; legal now: {}", lifecycle::legal(*status, Mover::Assignment))]
pub struct Illegal {
    /// The state.
    pub status: CaseStatus,
    /// Where the move leads.
    pub wanted: CaseStatus,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_load_is_what_lives_and_is_not_resolved() {
        for status in CaseStatus::ALL {
            let open = is_live(*status) && *status != CaseStatus::Resolved;
            assert_eq!(OPEN.contains(status), open, "{status}");
        }
    }

    #[test]
    fn section_7_what_lives_is_what_can_be_withdrawn() {
        for &status in CaseStatus::ALL {
            let open = lifecycle::allows(status, CaseStatus::Withdrawn, Mover::Intake);
            assert_eq!(is_live(status), open, "{status}");
        }
    }

    #[test]
    fn an_illegal_move_says_what_is_legal() {
        let illegal = Illegal {
            status: CaseStatus::Accepted,
            wanted: CaseStatus::Resolved,
        };
        assert_eq!(
            illegal.to_string(),
            "the work is ACCEPTED, which cannot become RESOLVED; legal now: INVESTIGATING; by intake WITHDRAWN, MERGED"
        );
    }

    #[test]
    fn every_kind_of_step_reads_back() {
        for kind in StepKind::ALL {
            assert_eq!(StepKind::parse(kind.word()), Some(kind));
        }
    }
}
