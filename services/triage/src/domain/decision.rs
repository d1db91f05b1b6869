//! One decision: grade, criteria, nature and urgency from facts at an instant.

use jiff::Timestamp;
use redress_model::Grade;
use redress_model::words::{Nature, QualityImpact, SignalKind, Urgency, Wants};

use super::criterion::{Criteria, CriterionId as Id};
use super::facts::Facts;
use super::grading;
use super::policy::Grading;

/// What facts are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The gravest grade among the criteria.
    pub grade: Grade,
    /// Everything that matched; never empty.
    pub criteria: Criteria,
    /// How public it is.
    pub nature: Nature,
    /// How soon somebody must act.
    pub urgency: Urgency,
}

/// The mode in which an incident opens (section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentMode {
    /// Statements, outward updates, briefings.
    Public,
    /// A leader's contact; nothing is published.
    Private,
}

/// Why a decision was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The case came in.
    Received,
    /// Its facts changed.
    Updated,
    /// A signal was recorded or confirmed.
    Signal,
    /// Somebody spoke with the complainant.
    Contact,
    /// A cluster fact crossed a threshold.
    Cluster,
    /// An age threshold was reached.
    Age,
    /// The status moved.
    Moved,
    /// A person lowered the grade, with a reason.
    Lowered,
    /// A person raised it, with a reason.
    Raised,
    /// A signal was dismissed, with a reason.
    Dismissed,
    /// Nobody answered whether a suspected signal is so: it counts provisionally.
    Unanswered,
    /// A policy took effect.
    Policy,
    /// Somebody only asked.
    Preview,
}

impl Cause {
    /// The word under which it is kept and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Updated => "updated",
            Self::Signal => "signal",
            Self::Contact => "contact",
            Self::Cluster => "cluster",
            Self::Age => "age",
            Self::Moved => "moved",
            Self::Lowered => "lowered",
            Self::Raised => "raised",
            Self::Dismissed => "dismissed",
            Self::Unanswered => "unanswered",
            Self::Policy => "policy",
            Self::Preview => "preview",
        }
    }
}

/// Decides from these facts as of `now`.
pub fn decide(facts: &Facts, rules: &Grading, now: Timestamp) -> Decision {
    let criteria = grading::matched(facts, rules, now);
    Decision {
        grade: criteria.grade(),
        nature: nature(facts, rules, criteria, now),
        urgency: urgency(facts),
        criteria,
    }
}

impl Decision {
    /// The mode of the incident that a grade-1 decision opens; none for every other grade.
    pub fn incident_mode(&self) -> Option<IncidentMode> {
        incident_mode(self.grade, self.criteria.iter())
    }
}

/// The mode of the incident that a decision of this grade by these criteria opens.
pub fn incident_mode(grade: Grade, criteria: impl IntoIterator<Item = Id>) -> Option<IncidentMode> {
    let public = [Id::PublicConflict, Id::Exposed, Id::LargeGroup, Id::Danger];
    if grade != Grade::ONE {
        None
    } else if criteria.into_iter().any(|id| public.contains(&id)) {
        Some(IncidentMode::Public)
    } else {
        Some(IncidentMode::Private)
    }
}

/// How public a matter is by these criteria.
pub fn nature(facts: &Facts, rules: &Grading, criteria: Criteria, now: Timestamp) -> Nature {
    let hot = [Id::SameIssue, Id::Threat, Id::DataLeak, Id::Post];
    if criteria.grade() == Grade::ONE {
        Nature::Major
    } else if hot.into_iter().any(|id| criteria.contains(id))
        || facts.together() >= rules.group
        || facts.age.is_past(rules.age_hotspot, now)
    {
        Nature::Hotspot
    } else if facts.repeat || facts.needs_advisers {
        Nature::Important
    } else {
        Nature::General
    }
}

/// The signals for which somebody has to come at once.
pub const AT_ONCE: [SignalKind; 5] = [
    SignalKind::Injury,
    SignalKind::DangerToPersons,
    SignalKind::Demonstration,
    SignalKind::OngoingDamage,
    SignalKind::GraveServiceFailure,
];

fn urgency(facts: &Facts) -> Urgency {
    if facts.quality_impact == QualityImpact::Grave
        || AT_ONCE.into_iter().any(|kind| facts.has(kind))
    {
        Urgency::Immediate
    } else if facts.wants == Wants::Explanation {
        Urgency::WithinThreeDays
    } else {
        Urgency::WithinADay
    }
}
