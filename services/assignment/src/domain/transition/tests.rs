use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::strategy::Union;
use redress_model::Grade;
use redress_model::lifecycle::{self, Mover};
use redress_model::name::{CaseName, StaffId};
use redress_model::words::{CaseStatus, Category, DutyRole};
use redress_policy::Routing;
use uuid::Uuid;

use super::{Action, Outcome, receive, transition};
use crate::domain::bench::{Bench, Department, Person, Stretch};
use crate::domain::demand::Demands;
use crate::domain::handling::{Ending, Restatement};
use crate::domain::handover;
use crate::domain::past_office;
use crate::domain::routing::Reason;
use crate::domain::solution::Answer;
use crate::domain::work::{Decision, Facts, Resolution, StepKind, Work, is_in_hand, is_live};

fn now() -> Timestamp {
    Timestamp::from_second(1_780_000_000).expect("in range")
}

fn id(text: &str) -> StaffId {
    text.parse().expect("a slug")
}

fn somebody(subject: &str) -> crate::domain::person::Person {
    crate::domain::person::Person {
        subject: subject.to_owned(),
        staff: None,
    }
}

fn person(department: Option<&str>, open: u32) -> Person {
    Person {
        department: department.map(|d| d.parse().expect("a slug")),
        skills: Vec::new(),
        languages: vec!["zh-CN".to_owned()],
        max_open: None,
        open,
        recent: 0,
        last_offered: None,
        retired: false,
    }
}

fn duty(role: DutyRole, staff: &str, rank: i32) -> Stretch {
    Stretch {
        role,
        staff: id(staff),
        rank,
        from: None,
        until: None,
    }
}

/// Two engineers, a seller, a front office and the three leads, all on duty.
fn bench() -> Bench {
    let departments = ["engineering", "sales", "customer-service"]
        .map(|d| Department {
            id: d.parse().expect("a slug"),
            categories: BTreeSet::new(),
        })
        .to_vec();
    let people: BTreeMap<StaffId, Person> = [
        ("eng-one", person(Some("engineering"), 2)),
        ("eng-two", person(Some("engineering"), 1)),
        ("seller", person(Some("sales"), 0)),
        ("desk", person(Some("customer-service"), 0)),
        ("lead-site", person(None, 0)),
        ("lead-duty", person(None, 0)),
        ("lead-top", person(None, 0)),
    ]
    .into_iter()
    .map(|(name, p)| (id(name), p))
    .collect();
    let stretches = vec![
        duty(DutyRole::Handler, "eng-one", 0),
        duty(DutyRole::Handler, "eng-two", 0),
        duty(DutyRole::Handler, "seller", 0),
        duty(DutyRole::FrontOffice, "desk", 0),
        duty(DutyRole::OnSiteLead, "lead-site", 0),
        duty(DutyRole::DutyLead, "lead-duty", 0),
        duty(DutyRole::TopLead, "lead-top", 0),
    ];
    Bench {
        people,
        stretches,
        away: BTreeSet::new(),
        departments,
        routing: Routing::default(),
        demands: Demands::default(),
        centre: None,
    }
}

/// The same with somebody of the company centre.
fn bench_with_centre() -> Bench {
    let mut bench = bench();
    let id: redress_model::name::DepartmentId = "company-centre".parse().expect("a slug");
    bench.departments.push(Department {
        id: id.clone(),
        categories: BTreeSet::new(),
    });
    bench
        .people
        .insert(self::id("centre"), person(Some("company-centre"), 0));
    bench.centre = Some(id);
    bench
}

fn facts() -> Facts {
    Facts {
        number: "LS-20260528-0001".to_owned(),
        language: String::new(),
        first_contact: None,
        excluded: BTreeSet::new(),
        received_at: now(),
        status: CaseStatus::Received,
        epoch: 1,
        revision: 1,
        complaining_store: None,
    }
}

fn decision(revision: i64, epoch: i64, category: Category) -> Action {
    Action::Graded(Decision {
        revision,
        epoch,
        category: Some(category),
        grade: Grade::THREE,
        urgency: None,
    })
}

fn case() -> CaseName {
    CaseName::new(
        "lakeside".parse().expect("a slug"),
        Uuid::from_u128(0x0190_a6c2_0000_7000_8000_0000_0000_0001),
    )
}

fn received(facts: Facts) -> Work {
    receive(case(), facts, &bench(), now()).work
}

fn apply(work: &Work, action: Action) -> Outcome {
    transition(work, action, &bench(), now()).expect("legal")
}

fn assigned() -> Work {
    apply(
        &received(facts()),
        decision(1, 1, Category::EngineeringQuality),
    )
    .work
}

#[test]
fn a_machine_channel_falls_to_the_front_office() {
    let outcome = receive(case(), facts(), &bench(), now());
    assert_eq!(outcome.work.responsible, Some(id("desk")));
    assert_eq!(outcome.owner, Some(Reason::FirstContact));
    assert_eq!(outcome.work.status, CaseStatus::Received);
    assert!(outcome.moves.is_empty());
}

#[test]
fn whoever_received_the_case_keeps_it_until_somebody_accepts() {
    let mut facts = facts();
    facts.first_contact = Some(id("seller"));
    let work = received(facts);
    assert_eq!(work.responsible, Some(id("seller")));
    let offered = apply(&work, decision(1, 1, Category::EngineeringQuality));
    assert_eq!(offered.work.responsible, Some(id("seller")));
    assert_eq!(offered.work.offered_to, Some(id("eng-two")));
    assert_eq!(offered.owner, Some(Reason::Routed));
    assert_eq!(offered.moves, [CaseStatus::Assigned]);
    let accepted = apply(&offered.work, Action::Accept);
    assert_eq!(accepted.work.responsible, Some(id("eng-two")));
    assert_eq!(accepted.work.offered_to, None);
    assert_eq!(accepted.owner, Some(Reason::Accepted));
}

#[test]
fn without_a_front_office_the_on_site_lead_is_first() {
    let mut bench = bench();
    bench.stretches.retain(|s| s.role != DutyRole::FrontOffice);
    let work = receive(case(), facts(), &bench, now()).work;
    assert_eq!(work.responsible, Some(id("lead-site")));
}

#[test]
fn a_case_waits_for_nobody_on_leave_and_is_never_nobodys() {
    let accepted = apply(&assigned(), Action::Accept).work;
    assert_eq!(accepted.responsible, Some(id("eng-two")));
    let mut bench = bench();
    let settled = |work: &Work, bench: &Bench| {
        transition(work, Action::RosterChanged, bench, now()).expect("legal")
    };
    // A colleague stands in, with the reason; what was being handed over has another giver now.
    let offered = handover::offer(&accepted, id("seller"), String::new(), now()).expect("in hand");
    bench.away.insert(id("eng-two"));
    let outcome = settled(&offered.work, &bench);
    assert_eq!(outcome.work.responsible, Some(id("eng-one")));
    assert_eq!(outcome.work.offered_to, None);
    assert_eq!(outcome.work.status, CaseStatus::Accepted);
    assert_eq!(outcome.owner, Some(Reason::HandedOver));
    let step = outcome.steps.last().expect("a step");
    assert!(step.text.contains("eng-two is on leave"), "{}", step.text);
    // Without colleagues the lead does, and whoever comes back takes nothing away.
    bench.away.insert(id("eng-one"));
    let outcome = settled(&outcome.work, &bench);
    assert_eq!(outcome.work.responsible, Some(id("lead-site")));
    bench.away.clear();
    assert!(!settled(&outcome.work, &bench).changed(&outcome.work));
    // Where everybody is away it stays where it is.
    bench.away = bench.people.keys().cloned().collect();
    assert!(!settled(&accepted, &bench).changed(&accepted));
    // Before acceptance the duty of first contact passes on, and the offer stays.
    let waiting = assigned();
    assert_eq!(waiting.responsible, Some(id("desk")));
    bench.away = BTreeSet::from([id("desk")]);
    bench.stretches.retain(|s| s.staff != id("desk"));
    let outcome = settled(&waiting, &bench);
    assert_eq!(outcome.work.responsible, Some(id("lead-site")));
    assert_eq!(outcome.work.offered_to, waiting.offered_to);
}

#[test]
fn m17_while_the_centre_is_on_leave_a_case_between_stores_goes_to_the_top_lead() {
    let facts = || Facts {
        complaining_store: Some("south-store".parse().expect("a slug")),
        ..facts()
    };
    let graded = || decision(1, 1, Category::EngineeringQuality);
    let received = |bench: &Bench| receive(case(), facts(), bench, now()).work;
    let mut bench = bench_with_centre();
    // Leave begins while the centre has it.
    let held = transition(&received(&bench), graded(), &bench, now()).expect("legal");
    assert_eq!(held.work.responsible, Some(id("centre")));
    bench.away.insert(id("centre"));
    let settled = transition(&held.work, Action::RosterChanged, &bench, now()).expect("legal");
    assert_eq!(settled.work.responsible, Some(id("lead-top")));
    // It is on leave already.
    let routed = transition(&received(&bench), graded(), &bench, now()).expect("legal");
    assert_eq!(routed.work.responsible, Some(id("lead-top")));
    // Where the top lead is not there either, whoever is of the centre has it.
    bench.away = bench.people.keys().cloned().collect();
    let routed = transition(&received(&bench), graded(), &bench, now()).expect("legal");
    assert_eq!(routed.work.responsible, Some(id("centre")));
}

#[test]
fn m17_the_centre_keeps_what_it_took_over_while_anybody_of_it_is_there() {
    let mut bench = bench_with_centre();
    let colleague = person(Some("company-centre"), 0);
    bench.people.insert(id("colleague"), colleague);
    bench.stretches.retain(|s| s.role != DutyRole::TopLead);
    let mut work = assigned();
    work.responsible = Some(id("centre"));
    work.taken_over_at = Some(now());
    let kept =
        |work: &Work, bench: &Bench| past_office::is_kept_above(work, &id("eng-one"), bench, now());
    bench.away.insert(id("centre"));
    assert!(kept(&work, &bench), "a colleague is there");
    let mut accuses = work.clone();
    accuses.facts.excluded.insert(id("colleague"));
    assert!(!kept(&accuses, &bench), "the colleague may not have it");
    bench.away.insert(id("colleague"));
    assert!(!kept(&work, &bench), "nobody above the store is (P14)");
}

#[test]
fn p14_nobody_on_duty_goes_to_the_first_filled_rung_at_once() {
    for (filled, expected) in [
        (DutyRole::OnSiteLead, "lead-site"),
        (DutyRole::DutyLead, "lead-duty"),
        (DutyRole::TopLead, "lead-top"),
    ] {
        let mut bench = bench();
        bench.stretches.retain(|s| s.role == filled);
        let work = receive(case(), facts(), &bench, now()).work;
        let outcome = transition(
            &work,
            decision(1, 1, Category::EngineeringQuality),
            &bench,
            now(),
        )
        .expect("legal");
        assert_eq!(outcome.work.offered_to, Some(id(expected)));
        assert_eq!(outcome.owner, Some(Reason::NobodyOnDuty));
    }
}

#[test]
fn with_nobody_on_any_duty_somebody_of_the_department_gets_it() {
    let mut bench = bench();
    bench.stretches.clear();
    let work = receive(case(), facts(), &bench, now()).work;
    let outcome = transition(
        &work,
        decision(1, 1, Category::EngineeringQuality),
        &bench,
        now(),
    )
    .expect("legal");
    assert_eq!(outcome.work.offered_to, Some(id("eng-two")));
    assert!(outcome.work.responsible.is_some());
}

#[test]
fn staff_complained_about_are_excluded_everywhere() {
    let mut facts = facts();
    facts.first_contact = Some(id("seller"));
    facts.excluded = ["seller", "eng-two", "desk"].map(id).into();
    let work = received(facts);
    assert_eq!(work.responsible, Some(id("lead-site")));
    let offered = apply(&work, decision(1, 1, Category::EngineeringQuality)).work;
    assert_eq!(offered.offered_to, Some(id("eng-one")));
}

#[test]
fn where_all_leads_are_complained_about_the_regions_contact_leads() {
    let mut bench = bench();
    bench.people.insert(id("region"), person(None, 0));
    bench
        .stretches
        .push(duty(DutyRole::RegionContact, "region", 0));
    let leads = ["lead-site", "lead-duty", "lead-top"].map(id);
    let mut excluded: BTreeSet<_> = leads.into();
    assert_eq!(
        bench.lead(now(), &BTreeSet::new()),
        Some((DutyRole::OnSiteLead, &id("lead-site")))
    );
    let region = Some((DutyRole::RegionContact, &id("region")));
    assert_eq!(bench.lead(now(), &excluded), region);
    assert_eq!(bench.top_lead(now(), &excluded), region);
    assert!(bench.is_lead(&id("region"), now()));
    excluded.insert(id("region"));
    assert_eq!(bench.lead(now(), &excluded), None);

    let mut facts = facts();
    facts.first_contact = None;
    facts.excluded = ["lead-site", "lead-duty", "lead-top", "desk"]
        .map(id)
        .into();
    let work = receive(case(), facts, &bench, now()).work;
    assert_eq!(work.responsible, Some(id("region")));
}

#[test]
fn a_handler_complained_about_later_hands_over_at_once() {
    let work = apply(&assigned(), Action::Accept).work;
    let mut facts = work.facts.clone();
    facts.revision += 1;
    facts.excluded = [id("eng-two")].into();
    let outcome = apply(&work, Action::Facts(facts));
    assert_eq!(outcome.work.responsible, Some(id("eng-one")));
    assert_eq!(outcome.work.status, CaseStatus::Accepted);
    assert_eq!(outcome.owner, Some(Reason::HandedOver));
}

#[test]
fn an_equal_load_goes_to_whoever_was_not_offered_one_for_longest() {
    let mut bench = bench();
    let mut offered = |name: &str, at: Option<Timestamp>| {
        let p = bench.people.get_mut(&id(name)).expect("there");
        p.open = 1;
        p.last_offered = at;
    };
    offered("eng-one", Some(now() - SignedDuration::from_hours(9)));
    offered("eng-two", Some(now() - SignedDuration::from_hours(1)));
    let work = receive(case(), facts(), &bench, now()).work;
    let action = decision(1, 1, Category::EngineeringQuality);
    let outcome = transition(&work, action, &bench, now()).expect("legal");
    assert_eq!(outcome.work.offered_to, Some(id("eng-one")));
    assert!(
        outcome
            .work
            .explanation
            .iter()
            .any(|line| line.contains("eng-one has the fewest open cases (1)"))
    );
}

#[test]
fn a_person_at_the_limit_is_passed_over() {
    let mut bench = bench();
    bench
        .people
        .get_mut(&id("eng-two"))
        .expect("there")
        .max_open = Some(1);
    let work = receive(case(), facts(), &bench, now()).work;
    let action = decision(1, 1, Category::EngineeringQuality);
    let outcome = transition(&work, action, &bench, now()).expect("legal");
    assert_eq!(outcome.work.offered_to, Some(id("eng-one")));
}

#[test]
fn the_complainants_language_comes_before_the_load() {
    let mut bench = bench();
    bench
        .people
        .get_mut(&id("eng-one"))
        .expect("there")
        .languages = vec!["en".to_owned()];
    let mut facts = facts();
    facts.language = "en-GB".to_owned();
    let work = receive(case(), facts, &bench, now()).work;
    let action = decision(1, 1, Category::EngineeringQuality);
    let outcome = transition(&work, action, &bench, now()).expect("legal");
    assert_eq!(outcome.work.offered_to, Some(id("eng-one")));
}

#[test]
fn a_departments_own_list_comes_before_the_default() {
    let mut bench = bench();
    bench.departments[1].categories = [Category::EngineeringQuality].into();
    let work = receive(case(), facts(), &bench, now()).work;
    let action = decision(1, 1, Category::EngineeringQuality);
    let outcome = transition(&work, action, &bench, now()).expect("legal");
    assert_eq!(outcome.work.offered_to, Some(id("seller")));
}

#[test]
fn what_a_policy_says_otherwise_than_the_handbook_comes_before_a_departments_own_list() {
    let mut bench = bench();
    bench.departments[1].categories =
        [Category::EngineeringQuality, Category::RepairService].into();
    let department = |bench: &Bench, category| {
        let found = bench.department_of(category);
        found.map(ToString::to_string).unwrap_or_default()
    };
    bench.routing.engineering_quality = "customer-service".to_owned();
    bench.routing.unknown = "sales".to_owned();
    for (category, takes) in [
        (Some(Category::EngineeringQuality), "customer-service"),
        (Some(Category::RepairService), "sales"),
        (Some(Category::PlanningDesign), ""),
        (None, "sales"),
    ] {
        assert_eq!(department(&bench, category), takes, "{category:?}");
    }
    // A department that the site does not have takes nothing.
    bench.routing.engineering_quality = "nobody".to_owned();
    bench.routing.service_conduct = "nobody".to_owned();
    for (category, takes) in [
        (Some(Category::EngineeringQuality), "sales"),
        (Some(Category::ServiceConduct), "customer-service"),
    ] {
        assert_eq!(department(&bench, category), takes, "{category:?}");
    }
}

#[test]
fn a_new_category_routes_again_only_before_acceptance() {
    let work = assigned();
    let rerouted = apply(&work, decision(2, 1, Category::SalesManagement));
    assert_eq!(rerouted.work.offered_to, Some(id("seller")));
    assert_eq!(rerouted.owner, Some(Reason::Routed));
    assert!(rerouted.moves.is_empty(), "it is assigned already");

    let accepted = apply(&work, Action::Accept).work;
    let recorded = apply(&accepted, decision(2, 1, Category::SalesManagement));
    assert_eq!(recorded.work.responsible, Some(id("eng-two")));
    assert_eq!(recorded.work.status, CaseStatus::Accepted);
    assert_eq!(recorded.owner, None);
    assert_eq!(recorded.work.category(), Some(Category::SalesManagement));
}

#[test]
fn the_whole_life_in_order() {
    let accepted = apply(&assigned(), Action::Accept);
    assert_eq!(accepted.moves, [CaseStatus::Accepted]);
    let first = apply(&accepted.work, Action::Progress("looked".to_owned()));
    assert_eq!(first.moves, [CaseStatus::Investigating]);
    let second = apply(&first.work, Action::Progress("again".to_owned()));
    assert!(second.moves.is_empty());
    let resolution = Resolution {
        summary: "sealed".to_owned(),
        root_cause: "a loose joint".to_owned(),
        resolver: somebody("li"),
    };
    let resolved = apply(&second.work, Action::Resolve(resolution.clone()));
    assert_eq!(resolved.moves, [CaseStatus::Resolved]);
    assert_eq!(resolved.work.resolution, Some(resolution));
    assert_eq!(resolved.work.responsible, Some(id("eng-two")));
}

#[test]
fn i10_an_illegal_move_says_what_is_legal() {
    let illegal = |work: &Work, action| {
        transition(work, action, &bench(), now())
            .expect_err("illegal")
            .to_string()
    };
    let resolution = Resolution {
        summary: "done".to_owned(),
        root_cause: "unknown".to_owned(),
        resolver: somebody("li"),
    };
    let fresh = received(facts());
    assert!(illegal(&fresh, Action::Accept).contains("legal now: by triage TRIAGED;"));
    let assigned = assigned();
    assert!(illegal(&assigned, Action::Progress("x".to_owned())).contains("legal now: ACCEPTED;"));
    let accepted = apply(&assigned, Action::Accept).work;
    assert!(illegal(&accepted, Action::Accept).contains("legal now: INVESTIGATING;"));
    assert!(illegal(&accepted, Action::Resolve(resolution)).contains("legal now: INVESTIGATING;"));
}

#[test]
fn an_intake_move_ends_the_work_and_a_decision_after_it_changes_nothing() {
    for status in [
        CaseStatus::Withdrawn,
        CaseStatus::Merged,
        CaseStatus::Archived,
    ] {
        let ended = apply(&assigned(), Action::IntakeMoved { status, epoch: 2 });
        assert_eq!(ended.work.status, status);
        assert_eq!(ended.work.offered_to, None);
        let told = Some(Reason::HandoverEnded);
        assert_eq!((ended.owner, ended.moves.len()), (told, 0));
        let late = apply(&ended.work, decision(2, 1, Category::SalesManagement));
        assert_eq!(late.work.status, status);
        assert_eq!(late.work.offered_to, None);
        assert_eq!((late.owner, late.moves.len()), (None, 0));
        assert_eq!(late.steps.last().map(|s| s.kind), Some(StepKind::Outdated));
    }
}

#[test]
fn a_move_of_an_older_epoch_is_recorded_without_effect() {
    let work = apply(
        &assigned(),
        Action::IntakeMoved {
            status: CaseStatus::Reopened,
            epoch: 5,
        },
    )
    .work;
    let outcome = apply(
        &work,
        Action::IntakeMoved {
            status: CaseStatus::Withdrawn,
            epoch: 4,
        },
    );
    assert_eq!(outcome.work.status, work.status);
    assert_eq!(outcome.work.epoch, 5);
    assert_eq!(
        outcome.steps.iter().map(|s| s.kind).collect::<Vec<_>>(),
        [StepKind::Outdated]
    );
}

#[test]
fn a_reopened_case_goes_back_to_whoever_handled_it() {
    let mut work = apply(&assigned(), Action::Accept).work;
    work = apply(&work, Action::Progress("x".to_owned())).work;
    work = apply(
        &work,
        Action::Resolve(Resolution {
            summary: "s".to_owned(),
            root_cause: "r".to_owned(),
            resolver: somebody("li"),
        }),
    )
    .work;
    // The other engineer is now less loaded, but who repairs is not changed midway (M12).
    let mut bench = bench();
    bench.people.get_mut(&id("eng-one")).expect("there").open = 0;
    let reopened = transition(
        &work,
        Action::IntakeMoved {
            status: CaseStatus::Reopened,
            epoch: 2,
        },
        &bench,
        now(),
    )
    .expect("legal");
    assert_eq!(reopened.work.status, CaseStatus::Assigned);
    assert_eq!(reopened.work.offered_to, Some(id("eng-two")));
    assert_eq!(reopened.work.responsible, Some(id("eng-two")));
    assert_eq!(reopened.moves, [CaseStatus::Assigned]);
}

#[test]
fn a_case_that_was_merged_by_mistake_goes_on_where_it_was() {
    let accepted = apply(&assigned(), Action::Accept).work;
    let work = apply(&accepted, Action::Progress("x".to_owned())).work;
    let moved = |work: &Work, status, epoch| apply(work, Action::IntakeMoved { status, epoch });
    let merged = moved(&work, CaseStatus::Merged, 2).work;
    let back = moved(&merged, CaseStatus::Investigating, 3);
    assert_eq!(back.work.status, CaseStatus::Investigating);
    assert_eq!(back.work.responsible, Some(id("eng-two")));
    assert_eq!(back.work.department, work.department);
    assert_eq!((back.owner, back.moves.len()), (None, 0));

    let merged = moved(&assigned(), CaseStatus::Merged, 2).work;
    let back = moved(&merged, CaseStatus::Assigned, 3);
    assert_eq!(back.work.status, CaseStatus::Assigned);
    assert_eq!(back.work.offered_to, Some(id("eng-two")));
}

#[test]
fn m17_the_store_that_complains_stays_where_an_intake_of_an_older_release_does_not_say_it() {
    let store: redress_model::name::SiteId = "south-store".parse().expect("a slug");
    let work = received(Facts {
        complaining_store: Some(store.clone()),
        ..facts()
    });
    let silent = Facts {
        revision: 2,
        ..facts()
    };
    let outcome = apply(&work, Action::Facts(silent));
    assert_eq!(outcome.work.facts.revision, 2);
    assert_eq!(outcome.work.facts.complaining_store, Some(store));
}

#[test]
fn a_repeat_changes_nothing() {
    let work = assigned();
    for action in [
        decision(1, 1, Category::EngineeringQuality),
        Action::Facts(work.facts.clone()),
        Action::IntakeMoved {
            status: CaseStatus::Received,
            epoch: 1,
        },
        Action::RosterChanged,
    ] {
        let outcome = apply(&work, action);
        assert!(!outcome.changed(&work));
        assert_eq!(outcome.work, work);
    }
}

#[test]
fn who_declines_is_passed_over_and_whoever_is_responsible_stays_so() {
    let work = assigned();
    let outcome = apply(&work, Action::Decline("no scaffold".to_owned()));
    assert_eq!(work.offered_to, Some(id("eng-two")));
    assert_eq!(outcome.work.offered_to, Some(id("eng-one")));
    assert_eq!(outcome.work.responsible, work.responsible);
    assert_eq!(outcome.steps[0].kind, StepKind::Declined);

    let mut alone = bench();
    alone.people.retain(|staff, _| *staff == id("eng-two"));
    let kept = transition(&work, Action::Decline("no".to_owned()), &alone, now());
    assert!(!kept.expect("legal").changed(&work), "never nobody");
}

#[test]
fn p14_what_somebody_declines_is_offered_to_nobody_on_leave() {
    let work = assigned();
    assert_eq!(work.offered_to, Some(id("eng-two")));
    let mut bench = bench();
    let declined = |bench: &Bench| {
        let action = Action::Decline("no scaffold".to_owned());
        transition(&work, action, bench, now()).expect("legal")
    };
    // Past whoever is on leave, rung by rung, and it stays there.
    for (away, expected) in [
        ("eng-one", "lead-site"),
        ("lead-site", "lead-duty"),
        ("lead-duty", "lead-top"),
    ] {
        bench.away.insert(id(away));
        let climbed = declined(&bench);
        assert_eq!(climbed.work.offered_to, Some(id(expected)));
        let settled = transition(&climbed.work, Action::RosterChanged, &bench, now());
        let settled = settled.expect("legal");
        assert_eq!(settled.work.offered_to, Some(id(expected)));
    }
    // Where nobody else is there it stays with whoever is.
    bench.away = bench.people.keys().cloned().collect();
    bench.away.remove(&id("eng-two"));
    assert!(!declined(&bench).changed(&work));
}

#[test]
fn a_hand_over_ends_with_the_duty_of_the_giver() {
    let work = apply(&assigned(), Action::Accept).work;
    let offered = handover::offer(&work, id("eng-one"), String::new(), now())
        .expect("in hand")
        .work;
    assert_eq!(offered.responsible, Some(id("eng-two")));
    let mut left = bench();
    left.people.get_mut(&id("eng-two")).expect("there").retired = true;
    let outcome = transition(&offered, Action::RosterChanged, &left, now()).expect("legal");
    assert_eq!(outcome.work.offered_to, None);
    assert!(handover::accept(&outcome.work, now()).is_err());
    assert!(handover::offer(&assigned(), id("eng-one"), String::new(), now()).is_err());
}

/// The moves that the work itself makes, with where each leads.
fn own_moves() -> Vec<(CaseStatus, Action)> {
    let text = || "x".to_owned();
    let resolution = Resolution {
        summary: text(),
        root_cause: text(),
        resolver: somebody(&text()),
    };
    vec![
        (CaseStatus::Proposed, Action::Tell(text())),
        (
            CaseStatus::Resolving,
            Action::Answer(Answer::Agreed, text()),
        ),
        (
            CaseStatus::Resolving,
            Action::Answer(Answer::Silence, text()),
        ),
        (
            CaseStatus::Investigating,
            Action::Answer(Answer::Declined, text()),
        ),
        (CaseStatus::Resolved, Action::Resolve(resolution)),
        (CaseStatus::Rejected, Action::Reject(text())),
        (
            CaseStatus::Closed,
            Action::Close(Ending::BothSatisfied, text()),
        ),
    ]
}

#[test]
fn i10_every_move_from_every_status_is_made_where_it_is_legal_and_refused_with_what_is_legal_elsewhere()
 {
    let bench = bench();
    let mut made = 0;
    for &status in CaseStatus::ALL {
        for (to, action) in own_moves() {
            let mut work = apply(&assigned(), Action::Accept).work;
            work.status = status;
            // An answer needs a question, but for a no once it was agreed to; everything else follows the table.
            let is_asked = match &action {
                Action::Answer(Answer::Declined, _) => {
                    matches!(status, CaseStatus::Proposed | CaseStatus::Resolving)
                }
                Action::Answer(..) => status == CaseStatus::Proposed,
                _ => true,
            };
            let legal = lifecycle::allows(status, to, Mover::Assignment) && is_asked;
            match transition(&work, action.clone(), &bench, now()) {
                Ok(outcome) => {
                    assert!(legal, "{status} to {to}: {action:?}");
                    assert_eq!((outcome.work.status, outcome.moves), (to, vec![to]));
                    assert_eq!(outcome.work.revision, work.revision + 1);
                    assert_eq!(outcome.steps.len(), 1, "no move is silent");
                    made += 1;
                }
                Err(refused) => {
                    assert!(!legal, "{status} to {to}: {action:?}");
                    let told = refused.to_string();
                    for (next, _) in lifecycle::next(status) {
                        assert!(told.contains(next.word()), "{told}");
                    }
                }
            }
        }
    }
    assert_eq!(made, 9);
}

#[test]
fn section_7_every_move_that_the_work_makes_stands_in_the_table() {
    let text = || "x".to_owned();
    let further = [
        Action::Accept,
        Action::Progress(text()),
        Action::Visit(text()),
        Action::TakeOver(text()),
    ];
    let own = own_moves().into_iter().map(|(_, action)| action);
    let actions: Vec<Action> = own.chain(further).collect();
    let mut made = BTreeSet::new();
    for &status in CaseStatus::ALL {
        for action in &actions {
            let mut work = assigned();
            work.status = status;
            let Ok(outcome) = transition(&work, action.clone(), &bench(), now()) else {
                continue;
            };
            let mut from = status;
            for to in outcome.moves {
                let legal = lifecycle::allows(from, to, Mover::Assignment);
                assert!(legal, "{from} to {to}: {action:?}");
                made.insert(to);
                from = to;
            }
        }
    }
    for &to in CaseStatus::ALL {
        // Offers are made by the roster, not by an action.
        if lifecycle::makes(Mover::Assignment, to) && to != CaseStatus::Assigned {
            assert!(made.contains(&to), "{to} is never reached");
        }
    }
}

#[test]
fn how_a_case_ended_stands_until_it_is_opened_again() {
    let mut work = apply(&assigned(), Action::Accept).work;
    work.status = CaseStatus::Resolved;
    let closed = apply(&work, Action::Close(Ending::OneSided, "x".to_owned())).work;
    assert_eq!(closed.ending, Some((Ending::OneSided, now())));
    let moved =
        |work: &Work, status, epoch| apply(work, Action::IntakeMoved { status, epoch }).work;
    let archived = moved(&closed, CaseStatus::Archived, 2);
    assert_eq!(archived.ending, closed.ending);
    assert_eq!(moved(&archived, CaseStatus::Reopened, 3).ending, None);
}

#[test]
fn the_first_visit_of_an_accepted_case_begins_its_investigation() {
    let accepted = apply(&assigned(), Action::Accept).work;
    let visited = apply(&accepted, Action::Visit("seen".to_owned()));
    assert_eq!(visited.moves, [CaseStatus::Investigating]);
    let again = apply(&visited.work, Action::Visit("seen".to_owned()));
    assert!(again.moves.is_empty());
}

#[test]
fn what_ends_while_it_is_handed_over_waits_for_nobody() {
    let mut work = apply(&assigned(), Action::Accept).work;
    work.status = CaseStatus::Resolved;
    let offered = handover::offer(&work, id("eng-one"), String::new(), now());
    let offered = offered.expect("in hand").work;
    let closed = apply(&offered, Action::Close(Ending::OneSided, "x".to_owned()));
    assert_eq!(closed.work.offered_to, None);
    assert_eq!(closed.owner, Some(Reason::HandoverEnded), "others are told");
}

#[test]
fn m16_somebody_senior_takes_over_and_others_are_told() {
    let accepted = apply(&assigned(), Action::Accept).work;
    let action = Action::HandUp {
        to: id("lead-site"),
        text: "PERSON: heated".to_owned(),
    };
    let calmed = apply(&accepted, action);
    assert_eq!(calmed.work.responsible, Some(id("lead-site")));
    assert_eq!(calmed.owner, Some(Reason::HandedUp));
    let why = ["lead-site took it over so that it becomes calm"];
    assert_eq!(calmed.work.explanation, why, "of who has it now");
    assert!(calmed.moves.is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Act(Action),
    Retire(usize),
    Return(usize),
    Leave(usize),
    Back(usize),
    Duties(Vec<(usize, usize)>),
    /// Hand over to this person, as far as the person may handle it.
    HandOver(usize),
    /// The complainant goes past the office to this person, as far as the person may handle it.
    GoPast(usize),
    TakeOver,
    Keep(handover::Ending),
}

const NAMES: [&str; 8] = [
    "centre",
    "eng-one",
    "eng-two",
    "seller",
    "desk",
    "lead-site",
    "lead-duty",
    "lead-top",
];

/// Draws one of these actions. The list is whole: an [`Action`] that is not in it does not compile.
macro_rules! one_of {
    ($($action:pat => $strategy:expr,)+) => {
        Union::new([
            $(($strategy)
                .prop_map(|action: Action| {
                    assert!(matches!(action, $action), "another's place: {action:?}");
                    action
                })
                .boxed(),)+
        ])
        .prop_map(|action| {
            let ($($action)|+) = &action;
            action
        })
    };
}

fn action() -> impl Strategy<Value = Action> {
    let text = || "x".to_owned();
    let excluded = prop::collection::btree_set(0..NAMES.len(), 0..=NAMES.len());
    let facts = (
        excluded,
        0..4_i64,
        0..8_i64,
        prop::sample::select(CaseStatus::ALL),
    )
        .prop_map(|(excluded, epoch, revision, status)| {
            Action::Facts(Facts {
                excluded: excluded.into_iter().map(|i| id(NAMES[i])).collect(),
                epoch,
                revision,
                status,
                ..self::facts()
            })
        });
    let moved = (prop::sample::select(CaseStatus::ALL), 0..6_i64)
        .prop_map(|(status, epoch)| Action::IntakeMoved { status, epoch });
    let graded = (
        0..6_i64,
        0..4_i64,
        prop::option::of(prop::sample::select(Category::ALL)),
        1..=4_u8,
    )
        .prop_map(|(revision, epoch, category, grade)| {
            Action::Graded(Decision {
                revision,
                epoch,
                category,
                grade: Grade::new(grade).expect("1 to 4"),
                urgency: None,
            })
        });
    let resolution = Resolution {
        summary: text(),
        root_cause: text(),
        resolver: somebody("li"),
    };
    let restatement = Restatement {
        text: text(),
        confirmed: true,
        at: now(),
    };
    let hand_up = (0..NAMES.len()).prop_map(|i| Action::HandUp {
        to: id(NAMES[i]),
        text: "x".to_owned(),
    });
    let answer =
        prop::sample::select(Answer::ALL).prop_map(|answer| Action::Answer(answer, "x".to_owned()));
    let close =
        prop::sample::select(Ending::ALL).prop_map(|how| Action::Close(how, "x".to_owned()));
    let note = prop::sample::select(StepKind::ALL.to_vec())
        .prop_map(|kind| Action::Note(kind, "x".to_owned()));
    one_of! {
        Action::Facts(_) => facts,
        Action::IntakeMoved { .. } => moved,
        Action::Graded(_) => graded,
        Action::RosterChanged => Just(Action::RosterChanged),
        Action::Accept => Just(Action::Accept),
        Action::Decline(_) => Just(Action::Decline(text())),
        Action::Progress(_) => Just(Action::Progress(text())),
        Action::Resolve(_) => Just(Action::Resolve(resolution)),
        Action::Restate(_) => Just(Action::Restate(restatement)),
        Action::HandUp { .. } => hand_up,
        Action::Visit(_) => Just(Action::Visit(text())),
        Action::Tell(_) => Just(Action::Tell(text())),
        Action::Answer(..) => answer,
        Action::FollowUp(_) => Just(Action::FollowUp(text())),
        Action::Close(..) => close,
        Action::Reject(_) => Just(Action::Reject(text())),
        Action::Appeal(_) => Just(Action::Appeal(text())),
        Action::TakeOver(_) => Just(Action::TakeOver(text())),
        Action::Report(_) => Just(Action::Report(text())),
        Action::Note(..) => note,
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let duties = prop::collection::vec((0..DutyRole::ALL.len(), 0..NAMES.len()), 0..8);
    let step = prop_oneof![
        12 => action().prop_map(Step::Act),
        1 => (0..NAMES.len()).prop_map(Step::Retire),
        1 => (0..NAMES.len()).prop_map(Step::Return),
        1 => (0..NAMES.len()).prop_map(Step::Leave),
        1 => (0..NAMES.len()).prop_map(Step::Back),
        1 => duties.prop_map(Step::Duties),
        2 => (0..NAMES.len()).prop_map(Step::HandOver),
        1 => (0..NAMES.len()).prop_map(Step::GoPast),
        1 => Just(Step::TakeOver),
        1 => prop::sample::select(vec![handover::Ending::Declined, handover::Ending::Expired]).prop_map(Step::Keep),
    ];
    prop::collection::vec(step, 0..60)
}

fn check(work: &Work, bench: &Bench) {
    let eligible = |s: &StaffId| bench.may_handle(s, &work.facts.excluded);
    if is_live(work.status) {
        let anybody = bench.people.keys().any(eligible);
        assert_eq!(
            work.responsible.is_some(),
            anybody,
            "exactly one responsible person as long as there is anybody"
        );
        if let Some(responsible) = &work.responsible {
            assert!(eligible(responsible), "{responsible} may not handle it");
        }
        if anybody && work.decision.is_some() {
            assert!(
                work.offered_to.is_some() || is_in_hand(work.status),
                "a graded case is offered or in hand"
            );
            assert!(work.status == CaseStatus::Assigned || is_in_hand(work.status));
        }
    } else {
        assert_eq!(work.offered_to, None, "what has ended is offered to nobody");
    }
    if handover::is_open(work) {
        assert_ne!(
            work.offered_to, work.responsible,
            "nobody takes over from themselves"
        );
    }
    if let Some(offered) = &work.offered_to {
        assert!(!is_live(work.status) || eligible(offered));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_case_has_exactly_one_responsible_person_at_every_moment(steps in steps()) {
        let mut bench = bench_with_centre();
        let mut work = receive(case(), facts(), &bench, now()).work;
        check(&work, &bench);
        for step in steps {
            let before = work.clone();
            let action = match step {
                Step::HandOver(i) => {
                    let to = id(NAMES[i]);
                    let may = bench.may_handle(&to, &work.facts.excluded) && work.responsible.as_ref() != Some(&to);
                    if may && let Ok(outcome) = handover::offer(&work, to, String::new(), now()) {
                        prop_assert_eq!(&outcome.work.responsible, &before.responsible, "the giver keeps it");
                        prop_assert!(outcome.owner.is_some());
                        work = outcome.work;
                    }
                    check(&work, &bench);
                    continue;
                }
                Step::GoPast(i) => {
                    let to = id(NAMES[i]);
                    let may = bench.may_handle(&to, &work.facts.excluded);
                    if may && let Ok((outcome, _)) = past_office::receive(&work, &to, &bench, "li", now()) {
                        prop_assert_eq!(&outcome.work.responsible, &Some(to), "M18: the receiver has it at once");
                        prop_assert!(is_in_hand(outcome.work.status));
                        prop_assert_eq!(&outcome.work.offered_to, &None);
                        if outcome.work.responsible != before.responsible
                            || outcome.work.offered_to != before.offered_to
                        {
                            prop_assert!(outcome.owner.is_some(), "others are told");
                        }
                        work = outcome.work;
                    }
                    check(&work, &bench);
                    continue;
                }
                Step::TakeOver => {
                    if let Ok(outcome) = handover::accept(&work, now()) {
                        prop_assert_eq!(&outcome.work.responsible, &before.offered_to);
                        prop_assert!(outcome.owner.is_some());
                        work = outcome.work;
                    }
                    check(&work, &bench);
                    continue;
                }
                Step::Keep(how) => {
                    if let Ok(outcome) = handover::end(&work, how, String::new(), now()) {
                        prop_assert_eq!(&outcome.work.responsible, &before.responsible, "the giver keeps it");
                        work = outcome.work;
                    }
                    check(&work, &bench);
                    continue;
                }
                Step::Act(action) => action,
                Step::Retire(i) => {
                    bench.people.get_mut(&id(NAMES[i])).expect("there").retired = true;
                    Action::RosterChanged
                }
                Step::Return(i) => {
                    bench.people.get_mut(&id(NAMES[i])).expect("there").retired = false;
                    Action::RosterChanged
                }
                Step::Leave(i) => {
                    bench.away.insert(id(NAMES[i]));
                    Action::RosterChanged
                }
                Step::Back(i) => {
                    bench.away.remove(&id(NAMES[i]));
                    Action::RosterChanged
                }
                Step::Duties(duties) => {
                    bench.stretches = duties
                        .into_iter()
                        .map(|(role, i)| duty(DutyRole::ALL[role], NAMES[i], 0))
                        .collect();
                    Action::RosterChanged
                }
            };
            let settles = action == Action::RosterChanged;
            let takes_over = matches!(action, Action::TakeOver(_)) && before.taken_over_at.is_none();
            // Whoever calms is asked first: nobody is handed a case that they may not handle.
            if matches!(&action, Action::HandUp { to, .. } if !bench.may_handle(to, &work.facts.excluded)) {
                continue;
            }
            if let Ok(outcome) = transition(&work, action, &bench, now()) {
                prop_assert!(outcome.work.revision - before.revision <= 1);
                let centre = id("centre");
                let is_there = bench.may_handle(&centre, &before.facts.excluded) && !bench.is_away(&centre);
                if takes_over && is_live(before.status) && is_there {
                    prop_assert_eq!(&outcome.work.responsible, &Some(centre), "M17: the centre has it at once");
                    prop_assert_eq!(&outcome.work.offered_to, &None);
                }
                prop_assert!(outcome.work.epoch >= before.epoch);
                if outcome.work.responsible != before.responsible
                    || outcome.work.offered_to != before.offered_to
                {
                    prop_assert!(outcome.owner.is_some(), "others are told who owns it and whom it waits for");
                }
                work = outcome.work;
            }
            check(&work, &bench);
            if settles && is_live(work.status) && work.responsible.as_ref().is_some_and(|s| bench.is_away(s)) {
                let all = bench.anyone(&work.facts.excluded);
                prop_assert!(all.iter().all(|s| bench.is_away(s)), "a case waits for somebody on leave: {:?}", work.responsible);
            }
        }
    }

    #[test]
    fn i3_two_producers_in_any_interleaving_end_in_the_same_state(
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        ended in any::<bool>(),
    ) {
        // Intake: withdrawn, reopened, and perhaps merged. Triage: three decisions, of the epochs it saw.
        let intake = {
            let mut moves = vec![
                Action::IntakeMoved { status: CaseStatus::Withdrawn, epoch: 2 },
                Action::IntakeMoved { status: CaseStatus::Reopened, epoch: 3 },
            ];
            let last = if ended { CaseStatus::Merged } else { CaseStatus::Reopened };
            moves.push(Action::IntakeMoved { status: last, epoch: 4 });
            moves
        };
        let triage = [
            (1, decision(1, 1, Category::EngineeringQuality)),
            (1, decision(2, 1, Category::SalesManagement)),
            (3, decision(3, 3, Category::EngineeringQuality)),
        ];
        let run = |order: &[usize]| {
            let mut work = received(facts());
            let (mut i, mut t) = (0, 0);
            for pick in order {
                // Each producer's own order holds; a decision of an epoch not known yet waits, as in the inbox.
                if *pick < 3 {
                    work = apply(&work, intake[i].clone()).work;
                    i += 1;
                }
                else { t += 1; }
                while let Some((epoch, action)) = triage[..t].iter().find(|(epoch, a)| {
                    *epoch <= work.epoch && matches!(a, Action::Graded(d) if work.decision.as_ref().is_none_or(|k| d.revision == k.revision + 1) && (work.decision.is_some() || d.revision == 1))
                }) {
                    let _ = epoch;
                    work = apply(&work, action.clone()).work;
                }
            }
            (work.status, work.responsible, work.offered_to, work.department, work.decision, work.epoch)
        };
        prop_assert_eq!(run(&order), run(&[0, 1, 2, 3, 4, 5]));
    }
}
