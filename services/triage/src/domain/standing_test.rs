//! Laws of the grade that stands: it rises by itself and falls only by a person.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_model::Grade;
use redress_model::words::{Nature, QualityImpact, SignalBasis, SignalKind, SiteKind, Wants};
use rust_decimal::Decimal;

use super::*;
use crate::domain::{Age, ClusterFacts, Profile, Signal};

fn received() -> Timestamp {
    "2026-03-02T09:00:00+08:00".parse().expect("an instant")
}

fn later(minutes: i64) -> Timestamp {
    received() + SignedDuration::from_mins(minutes)
}

fn routine() -> Facts {
    Facts {
        complainants: 1,
        cluster: ClusterFacts::default(),
        quality_impact: QualityImpact::None,
        wants: Wants::Remedy,
        claim: None,
        assessed_claim: None,
        repeat: false,
        repeat_since: None,
        needs_advisers: false,
        signals: vec![],
        age: Age {
            received: received(),
            zone: TimeZone::get("Asia/Shanghai").expect("a known zone"),
            held: SignedDuration::ZERO,
            held_since: None,
            resolved: false,
        },
    }
}

fn signal(kind: SignalKind, basis: SignalBasis, minutes: i64) -> Signal {
    Signal {
        kind,
        basis,
        reach: 0,
        provisional: false,
        since: later(minutes),
    }
}

fn given(facts: &Facts, minutes: i64) -> Given<'_> {
    Given {
        facts,
        grading: &Profile::for_site(SiteKind::Residential, false).grading,
        now: later(minutes),
    }
}

/// What stands after `last`, by these facts.
fn next(last: &Standing, facts: &Facts, minutes: i64) -> Standing {
    let before = Before {
        grade: last.firm,
        nature: (last.firm == last.grade).then_some(last.nature),
        criteria: &last.criteria,
    };
    given(facts, minutes).stand(&[before], last.word.as_ref())
}

fn first(facts: &Facts) -> Standing {
    given(facts, 0).stand(&[], None)
}

fn wish(grade: Grade) -> Wish<'static> {
    Wish {
        grade,
        reason: "looked at it on site",
        actor: "manager",
        revision: 2,
        cases: Vec::new(),
    }
}

fn ids(standing: &Standing) -> Vec<&'static str> {
    standing.criteria.iter().map(|(id, _)| id.id()).collect()
}

fn proposal(standing: &Standing) -> Option<Grade> {
    proposed(standing.firm, standing.computed, standing.word.as_ref())
}

#[test]
fn a_lowered_grade_stays_low_by_the_facts_that_were_known() {
    let mut facts = routine();
    facts.signals = vec![signal(SignalKind::Injury, SignalBasis::Reported, 0)];
    let stood = first(&facts);
    assert_eq!((stood.grade, stood.nature), (Grade::ONE, Nature::Major));
    let lowered = given(&facts, 5).lower(&stood, &wish(Grade::THREE));
    assert_eq!(lowered.grade, Grade::THREE);
    assert_eq!(ids(&lowered), ["G4"]);
    assert_eq!(lowered.nature, Nature::General);
    assert_eq!(proposal(&lowered), None, "a person gave this grade");
    let word = lowered.word.as_ref().expect("kept");
    assert_eq!(
        (word.previous, word.direction),
        (Grade::ONE, Direction::Lowered)
    );
    assert_eq!(word.set_aside[0].id, Id::Danger);
    assert_eq!(
        word.set_aside[0].evidence,
        "INJURY, reported by the complainant"
    );
    let again = next(&lowered, &facts, 600);
    assert_eq!(again.grade, Grade::THREE);
}

#[test]
fn another_signal_or_a_confirmation_raises_again_what_was_set_aside() {
    let mut facts = routine();
    facts.signals = vec![signal(SignalKind::Injury, SignalBasis::Reported, 0)];
    let lowered = given(&facts, 5).lower(&first(&facts), &wish(Grade::FOUR));
    let mut another = facts.clone();
    another.signals.push(signal(
        SignalKind::DangerToPersons,
        SignalBasis::Reported,
        6,
    ));
    assert_eq!(next(&lowered, &another, 6).grade, Grade::ONE);
    // The same signal, confirmed since.
    facts.signals = vec![signal(SignalKind::Injury, SignalBasis::Confirmed, 7)];
    let confirmed = next(&lowered, &facts, 7);
    assert_eq!(confirmed.grade, Grade::ONE);
    assert!(confirmed.word.expect("kept").set_aside.is_empty());
}

#[test]
fn a_criterion_that_was_not_set_aside_raises_by_itself_and_the_others_stay_aside() {
    let mut facts = routine();
    facts.signals = vec![signal(SignalKind::Litigation, SignalBasis::Reported, 0)];
    let lowered = given(&facts, 5).lower(&first(&facts), &wish(Grade::FOUR));
    facts
        .signals
        .push(signal(SignalKind::DataLeak, SignalBasis::Reported, 6));
    let risen = next(&lowered, &facts, 6);
    assert_eq!((risen.grade, ids(&risen)), (Grade::TWO, vec!["G2.7"]));
}

#[test]
fn a_milder_step_of_what_was_set_aside_is_no_news_and_a_stronger_one_is() {
    let crowd = |n| Facts {
        complainants: n,
        ..routine()
    };
    let lowered = given(&crowd(12), 5).lower(&first(&crowd(12)), &wish(Grade::FOUR));
    assert_eq!(next(&lowered, &crowd(9), 6).grade, Grade::FOUR);
    assert_eq!(next(&lowered, &crowd(12), 6).grade, Grade::FOUR);
    assert_eq!(next(&lowered, &crowd(13), 6).grade, Grade::ONE);
    let sum = |fen| Facts {
        claim: Some(Decimal::new(fen, 2)),
        ..routine()
    };
    let lowered = given(&sum(1_000_000), 5).lower(&first(&sum(1_000_000)), &wish(Grade::THREE));
    assert_eq!(next(&lowered, &sum(999_999), 6).grade, Grade::THREE);
    assert_eq!(next(&lowered, &sum(1_000_001), 6).grade, Grade::ONE);
}

#[test]
fn a_defect_that_was_set_aside_and_found_milder_since_counts_when_it_is_grave_again() {
    let with = |quality_impact| Facts {
        quality_impact,
        ..routine()
    };
    let grave = with(QualityImpact::Grave);
    let stood = first(&grave);
    let lowered = given(&grave, 5).lower(&stood, &wish(Grade::FOUR));
    assert_eq!(next(&lowered, &grave, 6).grade, Grade::FOUR);
    // A milder step of it is no news.
    let in_use = next(&lowered, &with(QualityImpact::AffectsUse), 7);
    assert_eq!(in_use.grade, Grade::FOUR);
    let grave_again = next(&in_use, &grave, 8);
    assert_eq!(grave_again.grade, stood.grade);
    let mended = next(&lowered, &with(QualityImpact::None), 7);
    assert_eq!(mended.grade, Grade::FOUR);
    assert_eq!(next(&mended, &grave, 8).grade, stood.grade);
}

#[test]
fn what_was_complained_again_counts_again_with_another_reopening_and_never_by_the_old_one_g3_3() {
    let reopened = |minutes| Facts {
        repeat: true,
        repeat_since: Some(later(minutes)),
        ..routine()
    };
    let stood = first(&reopened(0));
    assert_eq!((stood.grade, ids(&stood)), (Grade::THREE, vec!["G3.3"]));
    let lowered = given(&reopened(0), 5).lower(&stood, &wish(Grade::FOUR));
    assert_eq!(next(&lowered, &reopened(0), 600).grade, Grade::FOUR);
    let again = next(&lowered, &reopened(700), 700);
    assert_eq!((again.grade, ids(&again)), (Grade::THREE, vec!["G3.3"]));
    // Set aside once more, in knowledge of both.
    let lowered = given(&reopened(700), 705).lower(&again, &wish(Grade::FOUR));
    for known in [reopened(700), reopened(0)] {
        assert_eq!(next(&lowered, &known, 900).grade, Grade::FOUR);
    }
    // What a clerk stated is set aside as well, until the case is opened again for it; that alone is none.
    let stated = Facts {
        repeat: true,
        ..routine()
    };
    let lowered = given(&stated, 5).lower(&first(&stated), &wish(Grade::FOUR));
    assert_eq!(next(&lowered, &stated, 600).grade, Grade::FOUR);
    assert_eq!(next(&lowered, &reopened(700), 700).grade, Grade::THREE);
    let denied = Facts {
        repeat: false,
        ..reopened(700)
    };
    assert_eq!(next(&lowered, &denied, 700).grade, Grade::FOUR);
}

#[test]
fn an_age_that_was_set_aside_never_comes_back_and_a_later_one_does() {
    let facts = routine();
    let day = 24 * 60;
    let fortnight = given(&facts, 15 * day).stand(&[], None);
    assert_eq!(fortnight.grade, Grade::TWO);
    let lowered = given(&facts, 15 * day).lower(&fortnight, &wish(Grade::FOUR));
    assert_eq!(next(&lowered, &facts, 20 * day).grade, Grade::FOUR);
    let month = next(&lowered, &facts, 32 * day);
    assert_eq!((month.grade, ids(&month)), (Grade::ONE, vec!["G1.7"]));
}

#[test]
fn a_raised_grade_stands_until_a_person_lowers_it() {
    let facts = routine();
    let raised = given(&facts, 5).raise(&first(&facts), &wish(Grade::ONE));
    assert_eq!((raised.grade, raised.nature), (Grade::ONE, Nature::Major));
    assert_eq!((ids(&raised), proposal(&raised)), (vec!["G4"], None));
    let again = next(&raised, &facts, 6);
    assert_eq!(again.grade, Grade::ONE);
    let lowered = given(&facts, 7).lower(&again, &wish(Grade::FOUR));
    assert_eq!(
        (lowered.grade, lowered.nature),
        (Grade::FOUR, Nature::General)
    );
}

#[test]
fn a_grade_that_the_facts_no_longer_give_is_kept_explained_and_proposed() {
    let together = |n| Facts {
        cluster: ClusterFacts {
            complainants: n,
            recent_cases: 1,
        },
        ..routine()
    };
    let stood = first(&together(12));
    let split = next(&stood, &together(1), 5);
    assert_eq!((split.grade, split.computed), (Grade::ONE, Grade::FOUR));
    assert_eq!(ids(&split), ["G1.4", "G4"]);
    assert_eq!(proposal(&split), Some(Grade::FOUR));
    // A person who raised in knowledge of 2 is told when it falls further.
    let raised = given(&together(3), 5).raise(&first(&together(3)), &wish(Grade::ONE));
    assert_eq!(proposal(&next(&raised, &together(3), 6)), None);
    assert_eq!(proposal(&next(&raised, &together(1), 6)), Some(Grade::FOUR));
}

#[test]
fn what_counts_provisionally_raises_and_leaves_nothing_behind_when_it_is_dismissed() {
    let mut facts = routine();
    facts.signals = vec![signal(SignalKind::Injury, SignalBasis::Suspected, 0)];
    let stood = first(&facts);
    assert_eq!(stood.grade, Grade::FOUR);
    facts.signals[0].provisional = true;
    let provisional = next(&stood, &facts, 30);
    assert_eq!(
        (provisional.grade, provisional.firm),
        (Grade::ONE, Grade::FOUR)
    );
    assert_eq!(ids(&provisional), ["G1.8"]);
    let dismissed = next(&provisional, &routine(), 40);
    assert_eq!(
        (dismissed.grade, dismissed.firm),
        (Grade::FOUR, Grade::FOUR)
    );
    assert_eq!(dismissed.nature, Nature::General);
    facts.signals = vec![signal(SignalKind::Injury, SignalBasis::Confirmed, 40)];
    let confirmed = next(&provisional, &facts, 40);
    assert_eq!((confirmed.grade, confirmed.firm), (Grade::ONE, Grade::ONE));
}

#[test]
fn a_word_reads_back_as_it_was_written() {
    let mut facts = routine();
    facts.signals = vec![signal(SignalKind::Injury, SignalBasis::Reported, 0)];
    let lowered = given(&facts, 5).lower(&first(&facts), &wish(Grade::THREE));
    let word = lowered.word.expect("kept");
    let text = serde_json::to_string(&word).expect("written");
    assert_eq!(serde_json::from_str::<Override>(&text).expect("read"), word);
}
