//! Which criteria match (domain.md section 4). Each is tested on its own; a measure that comes in
//! steps (people, money, reach) lists the step it reached, while every age that was passed stays
//! listed. Matching takes no memory; what matched is put into words only where somebody reads it.

use jiff::Timestamp;
use redress_model::words::{QualityImpact, SignalBasis, SignalKind};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::criterion::{Criteria, Criterion, CriterionId as Id};
use super::facts::{Age, Facts, Signal};
use super::policy::Grading;

/// Every criterion that matches at `now`; `G4` alone where nothing else does.
pub fn matched(facts: &Facts, grading: &Grading, now: Timestamp) -> Criteria {
    let mut found: Criteria = facts
        .counting()
        .filter_map(|signal| criterion_of(signal, grading))
        .collect();
    let steps = [
        defect(facts),
        people(facts, grading),
        amount(facts, grading),
    ];
    for id in steps.into_iter().flatten() {
        found.insert(id);
    }
    if facts.cluster.recent_cases >= grading.similar_cases {
        found.insert(Id::SameIssue);
    }
    for id in aged(&facts.age, grading, now) {
        found.insert(id);
    }
    if facts.repeat {
        found.insert(Id::Again);
    }
    if found.is_empty() {
        found.insert(Id::Routine);
    }
    found
}

/// The criteria that match by age, which alone grows while nothing happens.
pub fn aged(age: &Age, grading: &Grading, now: Timestamp) -> impl Iterator<Item = Id> {
    [
        (Id::MonthOld, grading.age_major),
        (Id::FortnightOld, grading.age_grave),
    ]
    .into_iter()
    .filter(move |(_, limit)| age.is_past(*limit, now))
    .map(|(id, _)| id)
}

/// Puts into words what matched.
pub fn explain(facts: &Facts, grading: &Grading, matched: Criteria) -> Vec<Criterion> {
    matched
        .iter()
        .map(|id| Criterion {
            id,
            evidence: evidence(facts, grading, id),
        })
        .collect()
}

fn criterion_of(signal: &Signal, grading: &Grading) -> Option<Id> {
    Some(match signal.kind {
        SignalKind::Demonstration => Id::PublicConflict,
        SignalKind::MediaExposure => Id::Exposed,
        SignalKind::OnlinePost if signal.reach >= grading.reach_major => Id::Exposed,
        SignalKind::OnlinePost => Id::Post,
        SignalKind::Litigation => Id::Litigation,
        SignalKind::Injury | SignalKind::DangerToPersons => Id::Danger,
        SignalKind::ThreatensLitigation | SignalKind::ThreatensMedia => Id::Threat,
        SignalKind::DataLeak => Id::DataLeak,
        SignalKind::LocalConflictRisk => Id::ConflictRisk,
        SignalKind::HandedUp => Id::Again,
        SignalKind::GraveServiceFailure
        | SignalKind::OngoingDamage
        | SignalKind::FeeWithheld
        | SignalKind::HandoverRefused => return None,
    })
}

fn defect(facts: &Facts) -> Option<Id> {
    match facts.quality_impact {
        QualityImpact::None => None,
        QualityImpact::Cosmetic => Some(Id::Cosmetic),
        QualityImpact::AffectsUse => Some(Id::DefectInUse),
        QualityImpact::Grave => Some(Id::GraveDefect),
    }
}

fn people(facts: &Facts, grading: &Grading) -> Option<Id> {
    let together = facts.together();
    if together >= grading.group_major {
        Some(Id::LargeGroup)
    } else if together >= grading.group {
        Some(Id::Group)
    } else if facts.complainants >= 2 {
        // Exactly two, unless a policy makes groups larger: more people never lower a grade.
        Some(Id::Pair)
    } else {
        None
    }
}

fn amount(facts: &Facts, grading: &Grading) -> Option<Id> {
    let amount = facts.amount().filter(|amount| *amount > Decimal::ZERO)?;
    Some(if amount >= grading.amount_major {
        Id::LargeAmount
    } else {
        Id::Amount
    })
}

fn evidence(facts: &Facts, grading: &Grading, id: Id) -> String {
    match id {
        Id::GraveDefect => "a defect that gravely affects living".to_owned(),
        Id::DefectInUse => "a defect that affects use".to_owned(),
        Id::Cosmetic => "a cosmetic defect or slight inconvenience".to_owned(),
        Id::LargeGroup | Id::Group | Id::Pair => {
            let together = facts.together();
            let place = if together > facts.complainants {
                " in the cluster"
            } else {
                ""
            };
            format!("{together} complainants together{place}")
        }
        Id::SameIssue => format!(
            "{} cases about the same issue within a month",
            facts.cluster.recent_cases
        ),
        Id::LargeAmount | Id::Amount => {
            let how = if facts.assessed_claim.is_some() {
                "assessed"
            } else {
                "claimed"
            };
            format!("CNY {:.2} {how}", facts.amount().unwrap_or_default())
        }
        Id::MonthOld => format!("unresolved {} after receipt", grading.age_major),
        Id::FortnightOld => format!("unresolved {} after receipt", grading.age_grave),
        Id::Routine => "nothing graver matched".to_owned(),
        Id::PublicConflict
        | Id::Exposed
        | Id::Litigation
        | Id::Danger
        | Id::Threat
        | Id::DataLeak
        | Id::Post
        | Id::Again
        | Id::ConflictRisk => {
            let mut said: Vec<String> = behind(facts, grading, id).map(in_words).collect();
            if id == Id::Again && facts.repeat {
                said.push("complained again after handling".to_owned());
            }
            said.join("; ")
        }
    }
}

/// The signals that count for a criterion.
fn behind<'a>(
    facts: &'a Facts,
    grading: &'a Grading,
    id: Id,
) -> impl Iterator<Item = &'a Signal> + 'a {
    facts
        .counting()
        .filter(move |signal| criterion_of(signal, grading) == Some(id))
}

fn in_words(signal: &Signal) -> String {
    let basis = match signal.basis {
        SignalBasis::Confirmed => "confirmed by staff",
        SignalBasis::Reported => "reported by the complainant",
        SignalBasis::Suspected => "suspected and not answered, counts provisionally",
    };
    match signal.kind {
        SignalKind::OnlinePost => {
            format!("ONLINE_POST with a reach of {}, {basis}", signal.reach)
        }
        kind => format!("{}, {basis}", kind.word()),
    }
}

/// How much speaks for a criterion. What a person set aside counts again once more speaks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Strength {
    /// Signals, people, cases or fen; 0 where it only holds or does not.
    pub amount: i64,
    /// When the newest signal or reopening behind it became known as it is; 0 without one. Microseconds of Unix time.
    pub newest: i64,
}

impl Strength {
    /// Whether more speaks for it than this.
    pub fn exceeds(self, known: Self) -> bool {
        self.amount > known.amount || self.newest > known.newest
    }
}

/// Whether a step of the defect is reached no more, by something milder or nothing that is said of it now.
pub fn is_gone(facts: &Facts, id: Id) -> bool {
    let steps = [Id::Cosmetic, Id::DefectInUse, Id::GraveDefect];
    let at = |id: Id| steps.iter().position(|step| *step == id);
    at(id).is_some_and(|step| defect(facts).and_then(at).is_none_or(|now| now < step))
}

/// How much speaks for a criterion that matched.
pub fn strength(facts: &Facts, grading: &Grading, id: Id) -> Strength {
    let amount = match id {
        Id::LargeGroup | Id::Group | Id::Pair => i64::from(facts.together()),
        Id::SameIssue => i64::from(facts.cluster.recent_cases),
        Id::LargeAmount | Id::Amount => fen(facts.amount().unwrap_or_default()),
        // Age alone is never news: it was known that it would come.
        Id::MonthOld | Id::FortnightOld => 0,
        Id::GraveDefect | Id::DefectInUse | Id::Cosmetic | Id::Routine => 0,
        Id::Exposed | Id::Post => behind(facts, grading, id)
            .map(|signal| 1 + i64::try_from(signal.reach).unwrap_or(i64::MAX - 1))
            .fold(0, i64::saturating_add),
        Id::PublicConflict
        | Id::Litigation
        | Id::Danger
        | Id::Threat
        | Id::DataLeak
        | Id::Again
        | Id::ConflictRisk => {
            let signals = behind(facts, grading, id).count();
            let again = id == Id::Again && facts.repeat;
            i64::try_from(signals).unwrap_or(i64::MAX) + i64::from(again)
        }
    };
    // That it was complained again is so or not; each time that the case was opened again for it is news all the same.
    let again = facts
        .repeat_since
        .filter(|_| id == Id::Again && facts.repeat);
    let newest = behind(facts, grading, id)
        .map(|signal| signal.since)
        .chain(again)
        .max();
    Strength {
        amount,
        newest: newest.map_or(0, Timestamp::as_microsecond),
    }
}

fn fen(amount: Decimal) -> i64 {
    use rust_decimal::prelude::ToPrimitive as _;
    amount
        .checked_mul(Decimal::ONE_HUNDRED)
        .and_then(|fen| fen.ceil().to_i64())
        .unwrap_or(i64::MAX)
}
