//! Which criteria match (domain.md section 4). Each is tested on its own; a measure that comes in
//! steps (people, money, reach) lists the step it reached, while every age that was passed stays
//! listed.

use jiff::Timestamp;
use redress_model::words::{QualityImpact, SignalBasis, SignalKind};
use rust_decimal::Decimal;

use super::criterion::{Criterion, CriterionId as Id};
use super::facts::{Facts, Signal};
use super::policy::Grading;

/// Every criterion that matches at `now`, gravest first; `G4` alone where nothing else does.
pub fn matched(facts: &Facts, grading: &Grading, now: Timestamp) -> Vec<Criterion> {
    let mut found = Vec::new();
    signals(facts, grading, &mut found);
    defect(facts, &mut found);
    people(facts, grading, &mut found);
    amount(facts, grading, &mut found);
    age(facts, grading, now, &mut found);
    if facts.repeat {
        found.push((Id::Again, "complained again after handling".to_owned()));
    }
    if found.is_empty() {
        found.push((Id::Routine, "nothing graver matched".to_owned()));
    }
    merged(found)
}

type Found = Vec<(Id, String)>;

fn signals(facts: &Facts, grading: &Grading, found: &mut Found) {
    for signal in facts.counting() {
        if let Some(id) = criterion_of(signal, grading) {
            let basis = match signal.basis {
                SignalBasis::Confirmed => "confirmed by staff",
                SignalBasis::Reported => "reported by the complainant",
                SignalBasis::Suspected => "suspected",
            };
            let what = match signal.kind {
                SignalKind::OnlinePost => format!("ONLINE_POST with a reach of {}", signal.reach),
                kind => kind.word().to_owned(),
            };
            found.push((id, format!("{what}, {basis}")));
        }
    }
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

fn defect(facts: &Facts, found: &mut Found) {
    let (id, evidence) = match facts.quality_impact {
        QualityImpact::None => return,
        QualityImpact::Cosmetic => (Id::Cosmetic, "a cosmetic defect or slight inconvenience"),
        QualityImpact::AffectsUse => (Id::DefectInUse, "a defect that affects use"),
        QualityImpact::Grave => (Id::GraveDefect, "a defect that gravely affects living"),
    };
    found.push((id, evidence.to_owned()));
}

fn people(facts: &Facts, grading: &Grading, found: &mut Found) {
    let together = facts.together();
    let evidence = || {
        if together > facts.complainants {
            format!("{together} complainants together in the cluster")
        } else {
            format!("{together} complainants together")
        }
    };
    if together >= grading.group_major {
        found.push((Id::LargeGroup, evidence()));
    } else if together >= grading.group {
        found.push((Id::Group, evidence()));
    } else if facts.complainants == 2 {
        found.push((Id::Pair, evidence()));
    }
    let cases = facts.cluster.recent_cases;
    if cases >= grading.similar_cases {
        let evidence = format!("{cases} cases about the same issue within a month");
        found.push((Id::SameIssue, evidence));
    }
}

fn amount(facts: &Facts, grading: &Grading, found: &mut Found) {
    let Some(amount) = facts.amount().filter(|amount| *amount > Decimal::ZERO) else {
        return;
    };
    let id = if amount >= grading.amount_major {
        Id::LargeAmount
    } else {
        Id::Amount
    };
    let how = if facts.assessed_claim.is_some() {
        "assessed"
    } else {
        "claimed"
    };
    found.push((id, format!("CNY {amount:.2} {how}")));
}

fn age(facts: &Facts, grading: &Grading, now: Timestamp, found: &mut Found) {
    for (id, age) in [
        (Id::MonthOld, grading.age_major),
        (Id::FortnightOld, grading.age_grave),
    ] {
        if facts.age.is_past(age, now) {
            found.push((id, format!("unresolved {age} after receipt")));
        }
    }
}

/// Gravest first; what matched several times is listed once with all its evidence.
fn merged(mut found: Found) -> Vec<Criterion> {
    found.sort_by_key(|(id, _)| *id);
    let mut criteria: Vec<Criterion> = Vec::new();
    for (id, evidence) in found {
        match criteria.last_mut() {
            Some(last) if last.id == id => {
                last.evidence.push_str("; ");
                last.evidence.push_str(&evidence);
            }
            _ => criteria.push(Criterion { id, evidence }),
        }
    }
    criteria
}
