//! One decision: grade, criteria, nature and urgency from facts at an instant.

use jiff::Timestamp;
use redress_model::Grade;
use redress_model::words::{Nature, QualityImpact, SignalKind, Urgency, Wants};

use super::criterion::{Criterion, CriterionId as Id};
use super::facts::Facts;
use super::grading;
use super::policy::Grading;

/// What facts are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The gravest grade among the criteria.
    pub grade: Grade,
    /// Everything that matched, gravest first; never empty.
    pub criteria: Vec<Criterion>,
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
            Self::Preview => "preview",
        }
    }
}

/// Decides from these facts as of `now`.
pub fn decide(facts: &Facts, rules: &Grading, now: Timestamp) -> Decision {
    let criteria = grading::matched(facts, rules, now);
    let grade = criteria
        .iter()
        .map(|c| c.id.grade())
        .min()
        .unwrap_or(Grade::FOUR);
    Decision {
        grade,
        nature: nature(facts, rules, &criteria, now),
        urgency: urgency(facts),
        criteria,
    }
}

impl Decision {
    /// Whether this criterion matched.
    pub fn matched(&self, id: Id) -> bool {
        self.criteria.iter().any(|c| c.id == id)
    }

    /// The mode of the incident that a grade-1 decision opens; none for every other grade.
    pub fn incident_mode(&self) -> Option<IncidentMode> {
        incident_mode(self.grade, self.criteria.iter().map(|c| c.id))
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

fn nature(facts: &Facts, rules: &Grading, criteria: &[Criterion], now: Timestamp) -> Nature {
    let hot = [Id::SameIssue, Id::Threat, Id::DataLeak, Id::Post];
    if criteria.iter().any(|c| c.id.grade() == Grade::ONE) {
        Nature::Major
    } else if criteria.iter().any(|c| hot.contains(&c.id))
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

fn urgency(facts: &Facts) -> Urgency {
    let at_once = [
        SignalKind::Injury,
        SignalKind::DangerToPersons,
        SignalKind::Demonstration,
        SignalKind::OngoingDamage,
        SignalKind::GraveServiceFailure,
    ];
    if facts.quality_impact == QualityImpact::Grave
        || at_once.into_iter().any(|kind| facts.has(kind))
    {
        Urgency::Immediate
    } else if facts.wants == Wants::Explanation {
        Urgency::WithinThreeDays
    } else {
        Urgency::WithinADay
    }
}
