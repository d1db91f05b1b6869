//! What is promised at a site and not done yet (M05, M12), and what stands beside the work on a case.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use redress_assignment::domain::solution::Answer;
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, Category, ClockKind, ClockState, ClockTransition};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::PromiseKind as Kind;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::assignment::v1::ledger_service_server::LedgerService;
use redress_proto::assignment::v1::promise_service_server::PromiseService;
use redress_proto::assignment::v1::register_service_server::RegisterService;
use redress_proto::assignment::v1::solution_service_server::SolutionService;
use redress_proto::assignment::v1::staffing_service_server::StaffingService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_rpc::Caller;
use uuid::Uuid;

use crate::staffing::{crowd, hand_over_shift, offer, set_rules};
use crate::world::{NowPlus as _, World, by, last};

impl World {
    fn clock_news(
        &self,
        case: &CaseName,
        kind: ClockKind,
        (state, transition): (ClockState, ClockTransition),
        (generation, due_hours): (i64, i64),
    ) -> Event {
        let hours = |h| {
            Some(to_timestamp(
                self.clock.now_plus(SignedDuration::from_hours(h)),
            ))
        };
        let payload = event::ClockChanged {
            clock: format!(
                "sites/lakeside/clocks/{}",
                Uuid::from_u128(case.id.as_u128() ^ kind as u128)
            ),
            case: case.to_string(),
            kind: to_wire(kind),
            state: to_wire(state),
            transition: to_wire(transition),
            start_time: hours(0),
            due_time: hours(due_hours),
            transition_time: hours(0),
            generation,
            ..Default::default()
        };
        let subject = case.to_string();
        self.event("triage", "redress.clock.changed.v1", &subject, &payload)
    }

    pub(crate) async fn open_promises(
        &self,
        caller: Caller,
        staff: &str,
        size: i32,
    ) -> Vec<wire::OpenPromise> {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = wire::ListOpenPromisesRequest {
                parent: "sites/lakeside".to_owned(),
                staff: match staff {
                    "" => String::new(),
                    id => format!("sites/lakeside/staff/{id}"),
                },
                page_size: size,
                page_token,
            };
            let answer = self
                .promises
                .list_open_promises(by(caller.clone(), request))
                .await;
            let answer = answer.expect("listed").into_inner();
            all.extend(answer.promises);
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }
}

const STARTED: (ClockState, ClockTransition) = (ClockState::Running, ClockTransition::Started);

fn seen(promises: &[wire::OpenPromise]) -> Vec<(Kind, &str)> {
    promises
        .iter()
        .map(|p| (p.kind(), last(&p.staff)))
        .collect()
}

#[tokio::test]
async fn m12_every_open_promise_of_a_site_is_listed_by_its_time_and_what_is_done_is_not() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let hours = |h| {
        Some(to_timestamp(
            world.clock.now_plus(SignedDuration::from_hours(h)),
        ))
    };
    world
        .tell(&[
            world.clock_news(&case, ClockKind::Resolve, STARTED, (1, 48)),
            world.clock_news(&case, ClockKind::Answer, STARTED, (1, 3)),
        ])
        .await;
    let visit = wire::PlanVisitRequest {
        name: World::name_of(&case),
        purpose: wire::VisitPurpose::Inspection.into(),
        plan_time: hours(5),
        ..Default::default()
    };
    world
        .handling
        .plan_visit(by(world.handler("eng-one"), visit))
        .await
        .expect("planned");
    let help = wire::RequestSupportRequest {
        name: World::name_of(&case),
        support: Some(wire::Support {
            department: "sites/lakeside/departments/sales".to_owned(),
            task: "find the contract".to_owned(),
            ..Default::default()
        }),
        limit: Some(prost_types::Duration {
            seconds: 4 * 3_600,
            nanos: 0,
        }),
        ..Default::default()
    };
    let help = world
        .staffing
        .request_support(by(world.handler("eng-one"), help))
        .await;
    let help = help.expect("asked").into_inner().support.expect("help");
    let action = wire::CreateCorrectiveActionRequest {
        parent: "sites/lakeside".to_owned(),
        title: "seal all joints of building 3".to_owned(),
        owner: "sites/lakeside/staff/eng-two".to_owned(),
        due_time: hours(100),
        ..Default::default()
    };
    world
        .ledger
        .create_corrective_action(by(world.manager(), action))
        .await
        .expect("made");

    for size in [0, 1] {
        let all = world.open_promises(world.manager(), "", size).await;
        assert_eq!(
            seen(&all),
            [
                (Kind::Clock, "eng-one"),
                (Kind::Support, "seller"),
                (Kind::Visit, "eng-one"),
                (Kind::Clock, "eng-one"),
                (Kind::CorrectiveAction, "eng-two"),
            ]
        );
        assert_eq!(
            (all[0].text.as_str(), all[0].number.as_str()),
            ("ANSWER", "LS-20260528-0001")
        );
    }
    let of_seller = world.open_promises(world.manager(), "seller", 0).await;
    assert_eq!(of_seller.len(), 1);
    assert_eq!(
        (of_seller[0].resource.as_str(), of_seller[0].text.as_str()),
        (help.name.as_str(), "find the contract")
    );

    let met = (ClockState::Met, ClockTransition::Met);
    world
        .tell(&[world.clock_news(&case, ClockKind::Answer, met, (2, 3))])
        .await;
    let done = wire::EndSupportRequest {
        name: help.name,
        done: true,
    };
    world
        .staffing
        .end_support(by(world.manager(), done))
        .await
        .expect("done");
    world.clock.advance(SignedDuration::from_hours(6));
    let left = world.open_promises(world.manager(), "", 0).await;
    assert_eq!(
        seen(&left),
        [
            (Kind::Visit, "eng-one"),
            (Kind::Clock, "eng-one"),
            (Kind::CorrectiveAction, "eng-two")
        ]
    );
    assert!(left[0].overdue && !left[1].overdue);
}

/// One of each kind, on cases that others have in hand: none of it goes with a case of the giver's.
#[tokio::test]
async fn m12_a_change_of_shifts_names_every_kind_of_promise_that_stays_with_who_goes() {
    let world = World::staffed().await;
    let seller = || "sites/lakeside/staff/seller".to_owned();
    let hours = |h| {
        Some(to_timestamp(
            world.clock.now_plus(SignedDuration::from_hours(h)),
        ))
    };
    let rules = wire::RoutingRules {
        positions: vec![wire::Position {
            kind: wire::PositionKind::VicePresident.into(),
            department: String::new(),
            staff: seller(),
        }],
        ..Default::default()
    };
    set_rules(&world, rules).await.expect("set");
    let many = world.new_case();
    let received = world.received(world.facts(&many));
    world.tell(&[received, crowd(&world, &many, 1, 3, 3)]).await;

    let colleague = || world.handler("eng-one");
    let case = world.investigated().await;
    let visit = wire::PlanVisitRequest {
        name: World::name_of(&case),
        purpose: wire::VisitPurpose::Inspection.into(),
        plan_time: hours(5),
        staff: seller(),
        ..Default::default()
    };
    let visit = world.handling.plan_visit(by(colleague(), visit)).await;
    visit.expect("planned");
    let help = wire::RequestSupportRequest {
        name: World::name_of(&case),
        support: Some(wire::Support {
            department: "sites/lakeside/departments/sales".to_owned(),
            staff: seller(),
            task: "find the contract".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let help = world.staffing.request_support(by(colleague(), help)).await;
    help.expect("asked");
    let evidence = world.ask_evidence(colleague(), &case, "seller", "").await;
    evidence.expect("asked");
    let mut terms = world.terms(500);
    terms.steps[0].owner = seller();
    let propose = wire::ProposeSolutionRequest {
        parent: World::name_of(&case),
        terms: Some(terms),
        ..Default::default()
    };
    let proposed = world.solutions.propose_solution(by(colleague(), propose));
    let proposed = proposed.await.expect("proposed").into_inner();
    let solution = proposed.solution.expect("a solution");
    let approved = world.review(world.manager(), &solution, true).await;
    approved.expect("within the limit");
    world.tell_solution(&solution).await.expect("told");
    let agreed = world.confirm(&solution, Answer::Agreed).await;
    agreed.expect("answered");
    let offered = offer(&world, colleague(), &case, "seller").await;
    offered.expect("offered");
    let action = wire::CreateCorrectiveActionRequest {
        parent: "sites/lakeside".to_owned(),
        title: "say the term of delivery in writing".to_owned(),
        owner: seller(),
        due_time: hours(100),
        ..Default::default()
    };
    let action = world
        .ledger
        .create_corrective_action(by(world.manager(), action))
        .await;
    action.expect("made");
    // Amounts of the ledger are those of a store.
    world.is_store().await;
    let (penalty, upheld) = (
        wire::LedgerKind::Penalty,
        wire::LedgerCause::UpheldComplaint,
    );
    world.book(penalty, upheld, &["seller"]).await;
    let own = world.new_case();
    let mut facts = world.facts(&own);
    facts.first_contact_owner = seller();
    let started = world.clock_news(&own, ClockKind::Answer, STARTED, (1, 4));
    world.tell(&[world.received(facts), started]).await;

    let owed = world.open_promises(world.handler("seller"), "seller", 0);
    let owed = owed.await;
    let answer = hand_over_shift(&world, "seller", "eng-two", "").await;
    let stays: Vec<&str> = answer.unmoved.iter().map(|u| u.work.as_str()).collect();
    assert_eq!(
        stays,
        [World::name_of(&own), World::name_of(&many)],
        "what the giver received, and what is offered to the giver"
    );
    let kinds: BTreeSet<Kind> = answer.promises.iter().map(|p| p.kind()).collect();
    let expected = [
        Kind::Support,
        Kind::SolutionStep,
        Kind::Visit,
        Kind::CorrectiveAction,
        Kind::Handover,
        Kind::Summons,
        Kind::LedgerEntry,
        Kind::EvidenceRequest,
    ];
    assert_eq!(kinds, BTreeSet::from(expected));
    let (clocks, others): (Vec<_>, Vec<_>) =
        owed.into_iter().partition(|p| p.kind() == Kind::Clock);
    assert_eq!(clocks.len(), 1, "stands with its case");
    assert_eq!(answer.promises, others, "as the list of promises says it");
}

#[tokio::test]
async fn m12_a_change_of_shifts_names_the_running_clock_of_a_case_that_has_ended() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let started = world.clock_news(&case, ClockKind::Answer, STARTED, (1, 3));
    let withdrawn = world.moved(&case, CaseStatus::Withdrawn, 2);
    world.tell(&[started, withdrawn]).await;
    let answer = hand_over_shift(&world, "eng-one", "eng-two", "").await;
    assert!(answer.work.is_empty() && answer.unmoved.is_empty());
    assert_eq!(seen(&answer.promises), [(Kind::Clock, "eng-one")]);
    assert_eq!(answer.promises[0].case, case.to_string());
}

#[tokio::test]
async fn whoever_is_complained_about_sees_no_promise_of_the_case() {
    let world = World::staffed().await;
    let case = world.new_case();
    let mut facts = world.facts(&case);
    facts.staff_complained_about = vec!["sites/lakeside/staff/seller".to_owned()];
    let graded = world.graded(&case, 1, 1, Some(Category::EngineeringQuality));
    let started = world.clock_news(&case, ClockKind::Answer, STARTED, (1, 3));
    world.tell(&[world.received(facts), graded, started]).await;
    assert_eq!(world.open_promises(world.manager(), "", 0).await.len(), 1);
    assert!(
        world
            .open_promises(world.handler("seller"), "", 0)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn p05_a_hold_shows_in_the_running_clocks_of_the_work_until_it_ends() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let resolve = |transition, at| {
        world.clock_news(
            &case,
            ClockKind::Resolve,
            (ClockState::Running, transition),
            at,
        )
    };
    let clocks = async || {
        world
            .try_get(world.manager(), &case)
            .await
            .expect("there")
            .clocks
    };
    world
        .tell(&[resolve(ClockTransition::Started, (1, 48))])
        .await;
    assert!(!clocks().await[0].held);
    world.tell(&[resolve(ClockTransition::Held, (2, 48))]).await;
    assert!(clocks().await[0].held);
    assert!(world.open_promises(world.manager(), "", 0).await[0].held);
    // News of before it changes nothing, whenever it comes.
    world
        .tell(&[resolve(ClockTransition::Resumed, (1, 1))])
        .await;
    assert!(clocks().await[0].held);
    world
        .tell(&[resolve(ClockTransition::Resumed, (3, 72))])
        .await;
    let running = clocks().await;
    assert!(!running[0].held);
    let due = world.clock.now_plus(SignedDuration::from_hours(72));
    assert_eq!(running[0].due_time, Some(to_timestamp(due)));
}

#[tokio::test]
async fn m10_the_register_is_read_where_the_work_is() {
    let world = World::staffed().await;
    for (text, category) in [
        (
            "the pool was promised for May",
            Some(Category::SalesManagement),
        ),
        ("the river smells in August", None),
        (
            "joints of building 3 are weak",
            Some(Category::EngineeringQuality),
        ),
    ] {
        let request = wire::CreateRegisterEntryRequest {
            parent: "sites/lakeside".to_owned(),
            kind: 1,
            text: text.to_owned(),
            source: "sales brochure of 2025".to_owned(),
            valid_from: "2026-01-01".to_owned(),
            categories: category.map(to_wire).into_iter().collect(),
            ..Default::default()
        };
        world
            .register
            .create_register_entry(by(world.manager(), request))
            .await
            .expect("kept");
    }
    let case = world.offered(Category::EngineeringQuality).await;
    let work = world.try_get(world.manager(), &case).await.expect("there");
    let mut texts: Vec<&str> = work
        .register_entries
        .iter()
        .map(|e| e.text.as_str())
        .collect();
    texts.sort_unstable();
    assert_eq!(
        texts,
        [
            "joints of building 3 are weak",
            "the river smells in August"
        ]
    );
}
