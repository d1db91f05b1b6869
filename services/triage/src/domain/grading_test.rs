//! Laws of grading over random facts, and the boundaries of section 4, which are exact.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use redress_model::words::{QualityImpact, SignalBasis, SignalKind, SiteKind, Urgency, Wants};
use rust_decimal::Decimal;

use super::grading::explain;
use super::{Age, ClusterFacts, Decision, Facts, IncidentMode, Profile, Signal, decide};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn routine(zone: &str, received: Timestamp) -> Facts {
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
            received,
            zone: TimeZone::get(zone).expect("a known zone"),
            held: SignedDuration::ZERO,
            held_since: None,
            resolved: false,
        },
    }
}

fn received() -> Timestamp {
    at("2026-03-02T09:00:00+08:00")
}

fn fresh() -> Facts {
    routine("Asia/Shanghai", received())
}

fn graded(facts: &Facts, now: Timestamp) -> Decision {
    decide(
        facts,
        &Profile::for_site(SiteKind::Residential, false).grading,
        now,
    )
}

fn ids(facts: &Facts, now: Timestamp) -> Vec<&'static str> {
    let decision = graded(facts, now);
    decision.criteria.iter().map(|id| id.id()).collect()
}

fn signal(kind: SignalKind, basis: SignalBasis, reach: u64) -> Signal {
    Signal {
        kind,
        basis,
        reach,
        provisional: false,
        since: received(),
    }
}

#[test]
fn the_boundaries_of_people_are_exact_g3_2_g2_2_g1_4() {
    for (people, expected) in [
        (0, "G4"),
        (1, "G4"),
        (2, "G3.2"),
        (3, "G2.2"),
        (9, "G2.2"),
        (10, "G1.4"),
        (11, "G1.4"),
    ] {
        let facts = Facts {
            complainants: people,
            ..fresh()
        };
        assert_eq!(ids(&facts, received()), [expected], "{people}");
    }
}

/// Where a policy calls only five a group, three and four are more than the two of G3.2 and no less grave.
#[test]
fn more_people_than_two_and_fewer_than_a_group_are_no_less_than_two() {
    let mut rules = Profile::for_site(SiteKind::Residential, false)
        .grading
        .clone();
    rules.group = 5;
    let grade = |people| {
        let facts = Facts {
            complainants: people,
            ..fresh()
        };
        decide(&facts, &rules, received()).grade.value()
    };
    assert_eq!([1, 2, 3, 4, 5, 10].map(grade), [4, 3, 3, 3, 2, 1]);
}

#[test]
fn the_boundaries_of_amounts_are_exact_g2_5_g1_6() {
    for (sum, expected) in [
        ("0", "G4"),
        ("0.00", "G4"),
        ("0.01", "G2.5"),
        ("9999.99", "G2.5"),
        ("10000.00", "G1.6"),
        ("10000.01", "G1.6"),
    ] {
        let claim: Decimal = sum.parse().expect("a sum");
        let facts = Facts {
            claim: Some(claim),
            ..fresh()
        };
        assert_eq!(ids(&facts, received()), [expected], "{sum}");
    }
}

#[test]
fn an_assessed_sum_replaces_the_claimed_one() {
    let facts = Facts {
        claim: Some(Decimal::from(50_000)),
        assessed_claim: Some(Decimal::from(800)),
        ..fresh()
    };
    assert_eq!(ids(&facts, received()), ["G2.5"]);
    let facts = Facts {
        assessed_claim: Some(Decimal::ZERO),
        ..facts
    };
    assert_eq!(ids(&facts, received()), ["G4"]);
}

#[test]
fn the_boundaries_of_reach_are_exact_g2_8_g1_2() {
    for (reach, expected) in [(0, "G2.8"), (9_999, "G2.8"), (10_000, "G1.2")] {
        let post = signal(SignalKind::OnlinePost, SignalBasis::Confirmed, reach);
        let facts = Facts {
            signals: vec![post],
            ..fresh()
        };
        assert_eq!(ids(&facts, received()), [expected], "{reach}");
    }
}

#[test]
fn three_cases_about_the_same_issue_are_grade_2_g2_3() {
    for (cases, expected) in [(2, "G4"), (3, "G2.3")] {
        let cluster = ClusterFacts {
            complainants: 1,
            recent_cases: cases,
        };
        assert_eq!(ids(&Facts { cluster, ..fresh() }, received()), [expected]);
    }
}

#[test]
fn a_cluster_counts_for_g1_4_and_g2_2_but_not_for_g3_2() {
    for (people, expected) in [(2, "G4"), (3, "G2.2"), (9, "G2.2"), (10, "G1.4")] {
        let cluster = ClusterFacts {
            complainants: people,
            recent_cases: 1,
        };
        assert_eq!(
            ids(&Facts { cluster, ..fresh() }, received()),
            [expected],
            "{people}"
        );
    }
}

#[test]
fn ages_are_reached_at_the_instant_and_stay_listed_g1_7_g2_4() {
    let facts = fresh();
    let instant = SignedDuration::from_micros(1);
    let fortnight = at("2026-03-17T09:00:00+08:00");
    let month = at("2026-04-02T09:00:00+08:00");
    assert_eq!(ids(&facts, fortnight - instant), ["G4"]);
    assert_eq!(ids(&facts, fortnight), ["G2.4"]);
    assert_eq!(ids(&facts, month - instant), ["G2.4"]);
    assert_eq!(ids(&facts, month), ["G1.7", "G2.4"]);
}

#[test]
fn a_month_clamps_to_the_last_day_of_february() {
    for (received, due) in [
        ("2026-01-31T09:00:00+08:00", "2026-02-28T09:00:00+08:00"),
        ("2028-01-31T09:00:00+08:00", "2028-02-29T09:00:00+08:00"),
    ] {
        let facts = routine("Asia/Shanghai", at(received));
        let before = at(due) - SignedDuration::from_micros(1);
        assert_eq!(ids(&facts, before), ["G2.4"]);
        assert_eq!(ids(&facts, at(due)), ["G1.7", "G2.4"]);
    }
}

#[test]
fn days_are_local_days_where_clocks_change() {
    // Berlin springs forward on 29 March 2026: the local time stays.
    let facts = routine("Europe/Berlin", at("2026-03-20T09:00:00+01:00"));
    let due = at("2026-04-04T09:00:00+02:00");
    assert_eq!(ids(&facts, due - SignedDuration::from_micros(1)), ["G4"]);
    assert_eq!(ids(&facts, due), ["G2.4"]);
    // New York falls back on 1 November 2026.
    let facts = routine("America/New_York", at("2026-10-25T09:00:00-04:00"));
    let due = at("2026-11-09T09:00:00-05:00");
    assert_eq!(ids(&facts, due - SignedDuration::from_micros(1)), ["G4"]);
    assert_eq!(ids(&facts, due), ["G2.4"]);
}

#[test]
fn the_age_stops_while_the_reason_lies_elsewhere_and_when_resolved() {
    let mut facts = fresh();
    facts.age.held = SignedDuration::from_hours(48);
    assert_eq!(ids(&facts, at("2026-03-19T08:59:59+08:00")), ["G4"]);
    assert_eq!(ids(&facts, at("2026-03-19T09:00:00+08:00")), ["G2.4"]);
    facts.age.resolved = true;
    assert_eq!(ids(&facts, at("2027-03-19T09:00:00+08:00")), ["G4"]);
}

#[test]
fn an_age_that_was_reached_before_a_hold_stays_reached_and_none_is_reached_during_it_g2_4() {
    let mut facts = fresh();
    let grading = &Profile::for_site(SiteKind::Residential, false).grading;
    let later = at("2026-06-01T09:00:00+08:00");
    facts.age.held_since = Some(at("2026-03-17T08:59:59+08:00"));
    assert_eq!(ids(&facts, later), ["G4"]);
    let next = at("2026-03-17T09:00:00+08:00");
    assert_eq!(facts.age.next_check(grading, later), Some(next));
    facts.age.held_since = Some(next);
    assert_eq!(ids(&facts, later), ["G2.4"]);
}

#[test]
fn a_week_unresolved_is_a_hotspot() {
    let hotspot = |now: &str| graded(&fresh(), at(now)).nature.word();
    assert_eq!(hotspot("2026-03-09T08:59:59+08:00"), "GENERAL");
    assert_eq!(hotspot("2026-03-09T09:00:00+08:00"), "HOTSPOT");
}

#[test]
fn the_next_age_check_is_the_next_threshold_ahead() {
    let facts = fresh();
    let grading = &Profile::for_site(SiteKind::Residential, false).grading;
    let mut now = received();
    let mut checks = vec![];
    while let Some(next) = facts.age.next_check(grading, now) {
        checks.push(next);
        now = next;
    }
    assert_eq!(
        checks,
        [
            at("2026-03-09T09:00:00+08:00"),
            at("2026-03-17T09:00:00+08:00"),
            at("2026-04-02T09:00:00+08:00"),
        ]
    );
}

#[test]
fn every_signal_leads_where_section_4_says() {
    for kind in SignalKind::ALL {
        let expected = match kind.word() {
            "DEMONSTRATION" => "G1.1",
            "MEDIA_EXPOSURE" => "G1.2",
            "LITIGATION" => "G1.5",
            "INJURY" | "DANGER_TO_PERSONS" => "G1.8",
            "THREATENS_LITIGATION" | "THREATENS_MEDIA" => "G2.6",
            "DATA_LEAK" => "G2.7",
            "ONLINE_POST" => "G2.8",
            "HANDED_UP" => "G3.3",
            "LOCAL_CONFLICT_RISK" => "G3.4",
            _ => "G4",
        };
        for basis in SignalBasis::ALL {
            let facts = Facts {
                signals: vec![signal(*kind, *basis, 0)],
                ..fresh()
            };
            let counts = *basis != SignalBasis::Suspected;
            assert_eq!(
                ids(&facts, received()),
                [if counts { expected } else { "G4" }]
            );
        }
    }
}

#[test]
fn the_mode_is_public_where_the_public_sees_it_and_private_for_the_rest() {
    let mode = |facts: Facts| graded(&facts, received()).incident_mode();
    let with = |kind| Facts {
        signals: vec![signal(kind, SignalBasis::Confirmed, 0)],
        ..fresh()
    };
    for kind in [
        SignalKind::Demonstration,
        SignalKind::MediaExposure,
        SignalKind::Injury,
    ] {
        assert_eq!(mode(with(kind)), Some(IncidentMode::Public));
    }
    assert_eq!(
        mode(Facts {
            complainants: 10,
            ..fresh()
        }),
        Some(IncidentMode::Public)
    );
    assert_eq!(
        mode(with(SignalKind::Litigation)),
        Some(IncidentMode::Private)
    );
    let grave = Facts {
        quality_impact: QualityImpact::Grave,
        ..fresh()
    };
    assert_eq!(mode(grave), Some(IncidentMode::Private));
    assert_eq!(mode(fresh()), None);
}

#[test]
fn urgency_falls_to_three_days_only_for_an_explanation_that_is_not_pressing() {
    let asks = Facts {
        wants: Wants::Explanation,
        ..fresh()
    };
    assert_eq!(graded(&asks, received()).urgency, Urgency::WithinThreeDays);
    let damage = signal(SignalKind::OngoingDamage, SignalBasis::Reported, 0);
    let pressing = Facts {
        signals: vec![damage],
        ..asks
    };
    assert_eq!(graded(&pressing, received()).urgency, Urgency::Immediate);
    assert_eq!(graded(&fresh(), received()).urgency, Urgency::WithinADay);
}

fn any_signal() -> impl Strategy<Value = Signal> {
    let kinds = prop::sample::select(SignalKind::ALL);
    let bases = prop::sample::select(SignalBasis::ALL);
    (kinds, bases, prop_oneof![Just(0u64), 9_990u64..10_010])
        .prop_map(|(kind, basis, reach)| signal(kind, basis, reach))
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let people = (0u32..13, 0u32..13, 0u32..5);
    let sums = prop::option::of(999_900i64..1_000_100);
    let defect = prop::sample::select(QualityImpact::ALL);
    let zones = prop::sample::select(&["Asia/Shanghai", "Europe/Berlin", "America/New_York"][..]);
    let signals = prop::collection::vec(any_signal(), 0..4);
    (
        people,
        sums,
        defect,
        any::<(bool, bool, bool)>(),
        zones,
        signals,
        0i64..700_000,
    )
        .prop_map(
            |(
                (people, cluster, cases),
                sum,
                defect,
                (repeat, advisers, explain),
                zone,
                signals,
                minutes,
            )| Facts {
                complainants: people,
                cluster: ClusterFacts {
                    complainants: cluster,
                    recent_cases: cases,
                },
                quality_impact: defect,
                wants: if explain {
                    Wants::Explanation
                } else {
                    Wants::Remedy
                },
                claim: sum.map(|minor| Decimal::new(minor, 2)),
                repeat,
                needs_advisers: advisers,
                signals,
                ..routine(zone, received() + SignedDuration::from_mins(minutes))
            },
        )
}

proptest! {
    #[test]
    fn what_is_far_from_a_threshold_is_found_like_what_is_near(facts in any_facts(), minutes in 0i64..120_000, held in 0i64..20_000) {
        let mut age = facts.age;
        age.held = SignedDuration::from_mins(held);
        let now = age.received + SignedDuration::from_mins(minutes);
        let rules = &Profile::for_site(SiteKind::Residential, false).grading;
        for length in [rules.age_hotspot, rules.age_grave, rules.age_major] {
            prop_assert_eq!(age.is_past(length, now), age.reaches(length) <= now);
        }
    }

    #[test]
    fn another_signal_never_lowers_a_grade(facts in any_facts(), more in any_signal(), days in 0i64..60) {
        let now = facts.age.received + SignedDuration::from_hours(24 * days);
        let before = graded(&facts, now);
        let mut with = facts.clone();
        with.signals.push(more);
        let after = graded(&with, now);
        prop_assert!(after.grade <= before.grade);
        prop_assert!(after.urgency <= before.urgency && after.nature <= before.nature);
        if !more.counts() { prop_assert_eq!(after, before); }
    }

    #[test]
    fn another_complainant_never_lowers_a_grade_whatever_a_policy_calls_a_group(
        facts in any_facts(),
        together in any::<bool>(),
        group in 3u32..10,
    ) {
        let now = facts.age.received;
        let mut rules = Profile::for_site(SiteKind::Residential, false).grading.clone();
        rules.group = group;
        let mut with = facts.clone();
        if together { with.complainants += 1 } else { with.cluster.complainants += 1 }
        prop_assert!(decide(&with, &rules, now).grade <= decide(&facts, &rules, now).grade);
    }

    #[test]
    fn another_day_never_lowers_a_grade(facts in any_facts(), minutes in 0i64..90_000, more in 0i64..90_000) {
        let now = facts.age.received + SignedDuration::from_mins(minutes);
        let later = now + SignedDuration::from_mins(more);
        prop_assert!(graded(&facts, later).grade <= graded(&facts, now).grade);
    }

    #[test]
    fn a_decision_lists_every_reason_gravest_first_and_g4_only_alone(facts in any_facts(), minutes in 0i64..90_000) {
        let now = facts.age.received + SignedDuration::from_mins(minutes);
        let decision = graded(&facts, now);
        let ids: Vec<_> = decision.criteria.iter().collect();
        prop_assert!(ids.is_sorted() && !ids.is_empty());
        prop_assert_eq!(decision.grade, ids[0].grade());
        prop_assert!(ids.len() == 1 || !ids.contains(&super::CriterionId::Routine));
        let rules = &Profile::for_site(SiteKind::Residential, false).grading;
        let told = explain(&facts, rules, decision.criteria);
        prop_assert!(told.len() == ids.len() && told.iter().all(|c| !c.evidence.is_empty()));
        prop_assert_eq!(decision.incident_mode().is_some(), decision.grade.value() == 1);
    }
}
