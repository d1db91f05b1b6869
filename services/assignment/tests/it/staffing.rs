//! Who takes a case over from whom, who is lent to whom, who has to appear, and which departments help.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use redress_assignment::domain::solution::Answer;
use redress_assignment::jobs::{expire_handovers, settle_leaves, tell_summonses};
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::time::SharedClock;
use redress_model::words::{CaseStatus, Category, ClockKind};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::handling_service_server::HandlingService as _;
use redress_proto::assignment::v1::roster_plan_service_server::RosterPlanService;
use redress_proto::assignment::v1::roster_service_server::RosterService;
use redress_proto::assignment::v1::solution_service_server::SolutionService as _;
use redress_proto::assignment::v1::staffing_service_server::StaffingService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::{
    self as event, DemandChanged, DemandState, OwnerChanged, PartChanged, WorkNews, WorkNoticed,
    WorkSummoned,
};
use redress_rpc::Caller;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{NowPlus, World, by, last};

fn name(staff: &str) -> String {
    format!("sites/lakeside/staff/{staff}")
}

async fn in_hand(world: &World) -> (CaseName, String) {
    let case = world.offered(Category::EngineeringQuality).await;
    let owner = last(&world.get(&case).await.offered_to).to_owned();
    world
        .accept(world.handler(&owner), &case, "")
        .await
        .expect("accepted");
    (case, owner)
}

fn other(owner: &str) -> &'static str {
    if owner == "eng-one" {
        "eng-two"
    } else {
        "eng-one"
    }
}

pub(crate) async fn offer(
    world: &World,
    caller: Caller,
    case: &CaseName,
    to: &str,
) -> Result<wire::Work, Status> {
    let request = wire::OfferHandoverRequest {
        name: World::name_of(case),
        staff: name(to),
        limit: Some(prost_types::Duration {
            seconds: 600,
            nanos: 0,
        }),
        note: "parts arrive on Friday".to_owned(),
        ..Default::default()
    };
    let answer = world.staffing.offer_handover(by(caller, request)).await?;
    Ok(answer.into_inner().work.expect("work"))
}

async fn take(world: &World, caller: Caller, case: &CaseName) -> Result<wire::Work, Status> {
    let request = wire::AcceptHandoverRequest {
        name: World::name_of(case),
        ..Default::default()
    };
    let answer = world.staffing.accept_handover(by(caller, request)).await?;
    Ok(answer.into_inner().work.expect("work"))
}

#[tokio::test]
async fn m12_the_giver_keeps_a_case_until_the_receiver_accepts() {
    let world = World::staffed().await;
    let (case, owner) = in_hand(&world).await;
    let to = other(&owner);
    let refused = offer(&world, world.handler(to), &case, to)
        .await
        .expect_err("not the owner");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let work = offer(&world, world.handler(&owner), &case, to)
        .await
        .expect("offered");
    assert_eq!(
        (last(&work.responsible), last(&work.offered_to)),
        (owner.as_str(), to)
    );
    let told = world.said::<OwnerChanged>("redress.owner.changed.v1").await;
    assert_eq!(told.last().expect("told").reason, "handover_offered");
    assert_eq!(
        world.get_staff(to).await.open_cases,
        1,
        "counts for both meanwhile"
    );
    assert_eq!(world.get_staff(&owner).await.open_cases, 1);

    let refused = take(&world, world.handler("seller"), &case)
        .await
        .expect_err("somebody else");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let work = take(&world, world.handler(to), &case)
        .await
        .expect("accepted");
    assert_eq!(
        (last(&work.responsible), work.offered_to.as_str()),
        (to, "")
    );
    let why = world.get(&case).await.explanation;
    assert_eq!(
        why,
        [format!("{owner} handed it over")],
        "of who has it, and nothing of why the giver had it"
    );
    assert_eq!(world.get_staff(&owner).await.open_cases, 0);
    let refused = take(&world, world.handler(to), &case)
        .await
        .expect_err("over");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(
        world
            .count("SELECT count(*) FROM assignment.handover")
            .await,
        0
    );
}

#[tokio::test]
async fn m12_who_carries_a_solution_out_is_not_changed_midway_without_a_reason() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 500).await.expect("proposed");
    let approved = world.review(world.manager(), &solution, true).await;
    approved.expect("within the limit");
    world.tell_solution(&solution).await.expect("told");
    let agreed = world.confirm(&solution, Answer::Agreed).await;
    agreed.expect("answered");
    let offer = async |note: &str| {
        let request = wire::OfferHandoverRequest {
            name: World::name_of(&case),
            staff: name("eng-two"),
            note: note.to_owned(),
            ..Default::default()
        };
        let caller = world.handler("eng-one");
        world.staffing.offer_handover(by(caller, request)).await
    };
    let refused = offer(" ").await.expect_err("no reason");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    let violation = &details.bad_request().expect("told").field_violations[0];
    assert_eq!(violation.field, "note");
    assert_eq!(world.get(&case).await.offered_to, "");
    let offered = offer("the wall takes a licence").await;
    offered.expect("with a reason");
}

#[tokio::test]
async fn p16_a_hand_over_ends_at_its_limit_whatever_restarts_and_never_before() {
    let world = World::staffed().await;
    let clock: SharedClock = world.clock.clone();
    let (case, owner) = in_hand(&world).await;
    offer(&world, world.handler(&owner), &case, other(&owner))
        .await
        .expect("offered");
    world.clock.advance(SignedDuration::from_secs(599));
    let replica = world.database.connect("assignment");
    assert_eq!(
        expire_handovers::expire_due(&replica, &clock)
            .await
            .expect("looked"),
        0
    );
    world.clock.advance(SignedDuration::from_secs(1));
    let late = take(&world, world.handler(other(&owner)), &case)
        .await
        .expect_err("too late");
    assert_eq!(late.code(), Code::FailedPrecondition);
    let (one, two) = tokio::join!(
        expire_handovers::expire_due(&world.database.db, &clock),
        expire_handovers::expire_due(&replica, &clock)
    );
    assert_eq!(one.expect("looked") + two.expect("looked"), 1, "P17");
    let work = world.get(&case).await;
    assert_eq!(
        (last(&work.responsible), work.offered_to.as_str()),
        (owner.as_str(), "")
    );
    let steps = world
        .try_get(world.manager(), &case)
        .await
        .expect("there")
        .steps;
    assert_eq!(steps[0].kind(), wire::WorkStepKind::HandoverExpired);
}

#[tokio::test]
async fn a_hand_over_goes_to_nobody_who_may_not_handle_the_case_and_a_refusal_leaves_it() {
    let world = World::staffed().await;
    let case = world.new_case();
    let mut facts = world.facts(&case);
    facts.staff_complained_about = vec![name("seller")];
    let graded = world.graded(&case, 1, 1, Some(Category::EngineeringQuality));
    world.tell(&[world.received(facts), graded]).await;
    let refused = offer(&world, world.manager(), &case, "eng-one")
        .await
        .expect_err("not in hand");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let owner = last(&world.get(&case).await.offered_to).to_owned();
    world
        .accept(world.handler(&owner), &case, "")
        .await
        .expect("accepted");
    for wrong in ["seller", "nobody", owner.as_str()] {
        let refused = offer(&world, world.manager(), &case, wrong)
            .await
            .expect_err(wrong);
        assert_eq!(refused.code(), Code::InvalidArgument, "{wrong}");
    }
    let hidden = take(&world, world.handler("seller"), &case)
        .await
        .expect_err("complained about");
    assert_eq!(hidden.code(), Code::NotFound);

    let to = other(&owner);
    offer(&world, world.manager(), &case, to)
        .await
        .expect("offered");
    let request = wire::DeclineHandoverRequest {
        name: World::name_of(&case),
        reason: "full".to_owned(),
        ..Default::default()
    };
    let answer = world
        .staffing
        .decline_handover(by(world.handler(to), request))
        .await;
    let work = answer.expect("declined").into_inner().work.expect("work");
    assert_eq!(
        (last(&work.responsible), work.offered_to.as_str()),
        (owner.as_str(), "")
    );

    offer(&world, world.manager(), &case, to)
        .await
        .expect("offered");
    world.retire(to).await;
    let work = world.get(&case).await;
    assert_eq!(
        (last(&work.responsible), work.offered_to.as_str()),
        (owner.as_str(), "")
    );
}

#[tokio::test]
async fn who_declines_an_offer_is_passed_over() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let before = world.get(&case).await;
    let first = last(&before.offered_to).to_owned();
    let decline = |request_id: &str| wire::DeclineAssignmentRequest {
        name: World::name_of(&case),
        reason: "no scaffold".to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    let refused = world
        .staffing
        .decline_assignment(by(world.handler("seller"), decline("")))
        .await;
    assert_eq!(
        refused.expect_err("not offered").code(),
        Code::PermissionDenied
    );
    for _ in 0..2 {
        let answer = world
            .staffing
            .decline_assignment(by(world.handler(&first), decline("once")))
            .await;
        let work = answer.expect("I2").into_inner().work.expect("work");
        assert_eq!(last(&work.offered_to), other(&first));
        assert_eq!(work.responsible, before.responsible);
    }
}

#[tokio::test]
async fn m12_a_change_of_shifts_hands_over_by_name_and_says_what_stays() {
    let world = World::staffed().await;
    let (case, owner) = in_hand(&world).await;
    let about = world.new_case();
    let mut facts = world.facts(&about);
    facts.staff_complained_about = vec![name("seller")];
    facts.first_contact_owner = name(&owner);
    world.tell(&[world.received(facts)]).await;
    let request = wire::HandOverShiftRequest {
        parent: "sites/lakeside".to_owned(),
        staff: name(&owner),
        receiver: name("seller"),
        ..Default::default()
    };
    let refused = world
        .staffing
        .hand_over_shift(by(world.handler("seller"), request.clone()))
        .await;
    assert_eq!(
        refused.expect_err("somebody else").code(),
        Code::PermissionDenied
    );
    let answer = world
        .staffing
        .hand_over_shift(by(world.handler(&owner), request))
        .await;
    let answer = answer.expect("handed over").into_inner();
    let moved: Vec<&str> = answer.work.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(moved, [World::name_of(&case)]);
    assert_eq!(last(&answer.work[0].responsible), owner);
    let stays: Vec<&str> = answer.unmoved.iter().map(|u| u.work.as_str()).collect();
    assert_eq!(stays, [World::name_of(&about)]);
}

/// A change of shifts as who goes asks for it.
pub(crate) async fn hand_over_shift(
    world: &World,
    from: &str,
    to: &str,
    request_id: &str,
) -> wire::HandOverShiftResponse {
    let request = wire::HandOverShiftRequest {
        parent: "sites/lakeside".to_owned(),
        staff: name(from),
        receiver: name(to),
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    let caller = world.handler(from);
    let answer = world.staffing.hand_over_shift(by(caller, request)).await;
    answer.expect("handed over").into_inner()
}

#[tokio::test]
async fn m12_a_change_of_shifts_names_what_is_offered_to_who_goes_and_not_accepted() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let before = world.get(&case).await;
    let goes = last(&before.offered_to).to_owned();
    for _ in 0..2 {
        let answer = hand_over_shift(&world, &goes, "seller", "once").await;
        assert!(answer.work.is_empty(), "nobody has it in hand");
        let stays: Vec<&str> = answer.unmoved.iter().map(|u| u.work.as_str()).collect();
        assert_eq!(stays, [World::name_of(&case)]);
        assert_eq!(answer.unmoved[0].number, before.number);
        let reason = &answer.unmoved[0].reason;
        assert!(reason.starts_with("is offered to who goes"), "{reason}");
    }
    assert_eq!(world.get(&case).await, before, "nothing moves by it");
    // Who received it is asked as well as responsible: the case is named once.
    let both = world.new_case();
    let facts = event::CaseFacts {
        first_contact_owner: name(other(&goes)),
        ..world.facts(&both)
    };
    let graded = world.graded(&both, 1, 1, Some(Category::EngineeringQuality));
    world.tell(&[world.received(facts), graded]).await;
    let work = world.get(&both).await;
    assert_eq!(work.offered_to, work.responsible, "asked and responsible");
    let answer = hand_over_shift(&world, other(&goes), "seller", "").await;
    let stays: Vec<&str> = answer.unmoved.iter().map(|u| u.work.as_str()).collect();
    assert_eq!(stays, [World::name_of(&both)]);
}

#[tokio::test]
async fn m12_a_change_of_shifts_leaves_out_no_case_however_many_there_are() {
    let world = World::staffed().await;
    let (oldest, owner) = in_hand(&world).await;
    let mut newer = BTreeSet::new();
    for _ in 0..200 {
        let case = world.new_case();
        let facts = event::CaseFacts {
            first_contact_owner: name(&owner),
            ..world.facts(&case)
        };
        world.tell(&[world.received(facts)]).await;
        newer.insert(World::name_of(&case));
    }
    let answer = hand_over_shift(&world, &owner, other(&owner), "").await;
    let moved: Vec<&str> = answer.work.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(moved, [World::name_of(&oldest)]);
    assert_eq!(last(&world.get(&oldest).await.offered_to), other(&owner));
    let stays: BTreeSet<String> = answer.unmoved.into_iter().map(|u| u.work).collect();
    assert_eq!(stays, newer, "each by its name");
}

#[tokio::test]
async fn m12_a_change_of_shifts_hands_over_what_is_resolved_and_owed_its_follow_up_visit() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let resolved = world.resolve(world.handler("eng-one"), &case).await;
    resolved.expect("investigated");
    let answer = hand_over_shift(&world, "eng-one", "eng-two", "").await;
    let moved: Vec<&str> = answer.work.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(moved, [World::name_of(&case)]);
    assert!(answer.unmoved.is_empty());
    let taken = take(&world, world.handler("eng-two"), &case).await;
    let taken = taken.expect("accepted");
    assert_eq!(
        (last(&taken.responsible), taken.status),
        ("eng-two", to_wire(CaseStatus::Resolved))
    );
}

#[tokio::test]
async fn i2_a_change_of_shifts_that_is_asked_for_again_names_the_same_and_offers_nothing_anew() {
    let world = World::staffed().await;
    let (case, owner) = in_hand(&world).await;
    let received = world.new_case();
    let facts = event::CaseFacts {
        first_contact_owner: name(&owner),
        ..world.facts(&received)
    };
    world.tell(&[world.received(facts)]).await;
    let names = |answer: wire::HandOverShiftResponse| {
        let moved: Vec<String> = answer.work.into_iter().map(|w| w.name).collect();
        (moved, answer.unmoved)
    };
    let once = names(hand_over_shift(&world, &owner, other(&owner), "once").await);
    assert_eq!((once.0.len(), once.1.len()), (1, 1));
    let etag = world.get(&case).await.etag;
    let again = names(hand_over_shift(&world, &owner, other(&owner), "once").await);
    assert_eq!(once, again);
    assert_eq!(world.get(&case).await.etag, etag);
    // Declined since, the case is named as one that stays.
    let decline = wire::DeclineHandoverRequest {
        name: World::name_of(&case),
        reason: "full".to_owned(),
        ..Default::default()
    };
    let receiver = world.handler(other(&owner));
    let declined = world.staffing.decline_handover(by(receiver, decline)).await;
    declined.expect("declined");
    let later = names(hand_over_shift(&world, &owner, other(&owner), "once").await);
    assert_eq!((later.0.len(), later.1.len()), (0, 2));
    assert_eq!(world.get(&case).await.offered_to, "");
}

#[tokio::test]
async fn routing_looks_for_the_skill_and_says_so() {
    let world = World::staffed().await;
    let request = wire::UpdateStaffRequest {
        staff: Some(wire::Staff {
            name: name("eng-two"),
            skills: vec!["waterproofing".to_owned()],
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["skills".to_owned()],
        }),
        ..Default::default()
    };
    world
        .roster
        .update_staff(by(world.manager(), request))
        .await
        .expect("learned");
    let rules = wire::RoutingRules {
        required_skills: vec![wire::RequiredSkill {
            category: to_wire(Category::EngineeringQuality),
            skill: "waterproofing".to_owned(),
        }],
        ..Default::default()
    };
    let set = set_rules(&world, rules).await.expect("set");
    let get = wire::GetRoutingRulesRequest {
        name: set.name.clone(),
    };
    let kept = world.staffing.get_routing_rules(by(world.manager(), get));
    let kept = kept.await.expect("kept").into_inner().rules;
    let kept = kept.expect("rules");
    assert_eq!(kept.required_skills[0].skill, "waterproofing");
    assert_eq!(kept, set);
    for _ in 0..3 {
        let case = world.offered(Category::EngineeringQuality).await;
        let work = world.get(&case).await;
        assert_eq!(last(&work.offered_to), "eng-two", "in spite of the load");
        assert!(work.explanation.iter().any(|w| w.contains("waterproofing")));
    }
}

pub(crate) async fn set_rules(
    world: &World,
    rules: wire::RoutingRules,
) -> Result<wire::RoutingRules, Status> {
    let request = wire::SetRoutingRulesRequest {
        parent: "sites/lakeside".to_owned(),
        rules: Some(rules),
        etag: String::new(),
    };
    let answer = world
        .staffing
        .set_routing_rules(by(world.manager(), request))
        .await?;
    Ok(answer.into_inner().rules.expect("rules"))
}

#[tokio::test]
async fn m13_a_borrowed_person_takes_cases_of_the_other_department_until_the_end() {
    let world = World::staffed().await;
    let borrow = |staff: &str, department: &str, hours: i64| wire::BorrowStaffRequest {
        parent: "sites/lakeside".to_owned(),
        loan: Some(wire::Loan {
            staff: name(staff),
            department: format!("sites/lakeside/departments/{department}"),
            end_time: Some(to_timestamp(
                world.clock.now_plus(SignedDuration::from_hours(hours)),
            )),
            ..Default::default()
        }),
        request_id: String::new(),
    };
    for (staff, department, hours) in [
        ("eng-one", "engineering", 1),
        ("eng-one", "sales", -1),
        ("nobody", "sales", 1),
        ("eng-one", "nowhere", 1),
    ] {
        let refused = world
            .staffing
            .borrow_staff(by(world.manager(), borrow(staff, department, hours)))
            .await;
        assert_eq!(
            refused.expect_err("wrong").code(),
            Code::InvalidArgument,
            "{staff} {department}"
        );
    }
    let loan = world
        .staffing
        .borrow_staff(by(world.manager(), borrow("eng-one", "sales", 8)))
        .await;
    let loan = loan.expect("lent").into_inner().loan.expect("a loan");
    let loans = async || {
        let list = wire::ListLoansRequest {
            parent: "sites/lakeside".to_owned(),
            ..Default::default()
        };
        let answer = world.staffing.list_loans(by(world.manager(), list)).await;
        answer.expect("listed").into_inner().loans
    };
    assert_eq!(loans().await, std::slice::from_ref(&loan));
    let refused = world
        .staffing
        .borrow_staff(by(world.manager(), borrow("eng-one", "sales", 2)))
        .await;
    assert_eq!(
        refused.expect_err("lent already").code(),
        Code::InvalidArgument
    );

    let mut sellers = Vec::new();
    for _ in 0..2 {
        let case = world.offered(Category::SalesManagement).await;
        sellers.push(last(&world.get(&case).await.offered_to).to_owned());
    }
    sellers.sort();
    assert_eq!(sellers, ["eng-one", "seller"]);
    let case = world.offered(Category::EngineeringQuality).await;
    assert_eq!(last(&world.get(&case).await.offered_to), "eng-two");

    let end = wire::EndLoanRequest { name: loan.name };
    let ended = world.staffing.end_loan(by(world.manager(), end)).await;
    let ended = ended.expect("ended").into_inner().loan.expect("a loan");
    assert_ne!(ended.end_time, loan.end_time);
    assert_eq!(loans().await, [ended], "it stays on record");
    let case = world.offered(Category::SalesManagement).await;
    assert_eq!(last(&world.get(&case).await.offered_to), "seller");
}

pub(crate) fn crowd(
    world: &World,
    case: &CaseName,
    revision: i64,
    people: i32,
    cluster: i32,
) -> Event {
    let payload = event::CaseGraded {
        case: case.to_string(),
        grade: 2,
        category: to_wire(Category::SalesManagement),
        revision,
        epoch: 1,
        mode: 1,
        complainants: people,
        cluster_complainants: cluster,
        ..Default::default()
    };
    world.event(
        "triage",
        "redress.case.graded.v1",
        &case.to_string(),
        &payload,
    )
}

async fn with_positions() -> World {
    with_positions_of("manager", "vice", "head").await
}

/// The manager of sales, the vice-president and the head of the company, who may be one person twice.
async fn with_positions_of(manager: &str, vice: &str, head: &str) -> World {
    let world = World::staffed().await;
    for id in BTreeSet::from([manager, vice, head]) {
        world.staff(id, "").await.expect("added");
    }
    let position = |kind: wire::PositionKind, department: &str, staff: &str| wire::Position {
        kind: kind.into(),
        department: department.to_owned(),
        staff: name(staff),
    };
    let rules = wire::RoutingRules {
        positions: vec![
            position(
                wire::PositionKind::DepartmentManager,
                "sites/lakeside/departments/sales",
                manager,
            ),
            position(wire::PositionKind::VicePresident, "", vice),
            position(wire::PositionKind::CompanyHead, "", head),
        ],
        ..Default::default()
    };
    set_rules(&world, rules).await.expect("set");
    world
}

async fn summoned(world: &World) -> Vec<(String, i32)> {
    let told = world.said::<WorkSummoned>("redress.work.summoned.v1").await;
    told.iter()
        .map(|s| (last(&s.staff).to_owned(), s.told_count))
        .collect()
}

pub(crate) async fn on_leave(world: &World, staff: &str, from: i64, until: i64) -> String {
    let hours = |h| {
        Some(to_timestamp(
            world.clock.now_plus(SignedDuration::from_hours(h)),
        ))
    };
    let request = wire::CreateLeaveRequest {
        parent: "sites/lakeside".to_owned(),
        leave: Some(wire::Leave {
            staff: name(staff),
            start_time: hours(from),
            end_time: hours(until),
            ..Default::default()
        }),
        request_id: String::new(),
    };
    let answer = world.plan.create_leave(by(world.manager(), request)).await;
    answer
        .expect("made")
        .into_inner()
        .leave
        .expect("leave")
        .name
}

#[tokio::test]
async fn p14_the_climb_of_a_summons_never_ends_in_silence() {
    let world = with_positions().await;
    let clock: SharedClock = world.clock.clone();
    let case = world.new_case();
    let received = world.received(world.facts(&case));
    let told = async |minutes: i64| {
        world.clock.advance(SignedDuration::from_mins(minutes));
        let told = tell_summonses::tell_due(&world.database.db, &clock).await;
        told.expect("looked");
        let mut told = summoned(&world).await;
        told.retain(|(staff, _)| staff == "head");
        told.last().expect("called").1
    };
    world
        .tell(&[received, crowd(&world, &case, 1, 10, 10)])
        .await;
    assert_eq!(told(15).await, 2);
    assert_eq!(told(15).await, 3);
    assert_eq!(told(15).await, 4, "nobody is above");
    assert_eq!(told(45).await, 4, "not before its hour is over");
    assert_eq!(told(15).await, 5);
}

#[tokio::test]
async fn p14_the_climb_of_a_summons_goes_on_where_one_person_has_two_positions() {
    let world = with_positions_of("both", "vice", "both").await;
    let clock: SharedClock = world.clock.clone();
    let case = world.new_case();
    let received = world.received(world.facts(&case));
    world
        .tell(&[received, crowd(&world, &case, 1, 10, 10)])
        .await;
    let told = async |minutes: i64| {
        world.clock.advance(SignedDuration::from_mins(minutes));
        let told = tell_summonses::tell_due(&world.database.db, &clock).await;
        told.expect("looked");
        summoned(&world).await.len()
    };
    assert_eq!(summoned(&world).await.len(), 2, "each once");
    assert_eq!(told(15).await, 4);
    assert_eq!(told(15).await, 6);
    // Each stands above the other, and one of them goes on to hear of it.
    assert_eq!(told(15).await, 7);
    assert_eq!(told(45).await, 7, "not before its hour is over");
    assert_eq!(told(15).await, 8);
}

#[tokio::test]
async fn p14_whoever_has_a_position_and_is_on_leave_is_neither_called_nor_asked() {
    let world = with_positions().await;
    on_leave(&world, "manager", 0, 336).await;
    let case = world.new_case();
    let received = world.received(world.facts(&case));
    world.tell(&[received, crowd(&world, &case, 1, 3, 3)]).await;
    let told = summoned(&world).await;
    let told: Vec<(&str, i32)> = told.iter().map(|(s, n)| (s.as_str(), *n)).collect();
    assert_eq!(told, [("lead-site", 1), ("vice", 1)], "at once");

    // A manager of the site goes on leave: the next one up decides.
    on_leave(&world, "vice", 0, 336).await;
    let case = world.investigated().await;
    world.propose(&case, 9_000).await.expect("proposed");
    let asked = world.notices(WorkNews::SolutionAwaits).await;
    assert_eq!(asked[0].staff, [name("lead-duty")]);
}

/// P14: nobody waits for somebody who is away.
#[tokio::test]
async fn p14_nothing_waits_for_somebody_on_leave() {
    let world = World::staffed().await;
    let clock: SharedClock = world.clock.clone();
    // What is offered already goes on as soon as leave is made.
    let case = world.offered(Category::EngineeringQuality).await;
    let first = last(&world.get(&case).await.offered_to).to_owned();
    let second = other(&first);
    let leave = on_leave(&world, &first, 0, 48).await;
    assert_eq!(last(&world.get(&case).await.offered_to), second);
    let told = world.said::<OwnerChanged>("redress.owner.changed.v1").await;
    assert_eq!(last(&told.last().expect("told").offered_to), second);

    // Nobody hands over to them, one case or a whole shift.
    world
        .accept(world.handler(second), &case, "")
        .await
        .expect("accepted");
    let refused = offer(&world, world.handler(second), &case, &first)
        .await
        .expect_err("on leave");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("is on leave"), "{refused}");
    let shift = wire::HandOverShiftRequest {
        parent: "sites/lakeside".to_owned(),
        staff: name(second),
        receiver: name(&first),
        ..Default::default()
    };
    let refused = world
        .staffing
        .hand_over_shift(by(world.handler(second), shift))
        .await
        .expect_err("on leave");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    world
        .plan
        .delete_leave(by(
            world.manager(),
            wire::DeleteLeaveRequest { name: leave },
        ))
        .await
        .expect("deleted");

    // Leave made ahead takes what waits away once it begins, and the giver keeps the case.
    on_leave(&world, &first, 1, 48).await;
    offer(&world, world.handler(second), &case, &first)
        .await
        .expect("still there");
    assert_eq!(
        settle_leaves::settle_begun(&world.database.db, &clock)
            .await
            .expect("looked"),
        0,
        "not before it begins"
    );
    world.clock.advance(SignedDuration::from_hours(1));
    for looked in [1, 0] {
        let sites = settle_leaves::settle_begun(&world.database.db, &clock).await;
        assert_eq!(sites.expect("looked"), looked);
    }
    let work = world.get(&case).await;
    assert_eq!(
        (last(&work.responsible), work.offered_to.as_str()),
        (second, "")
    );
}

/// Section 7: the case of somebody on leave is somebody else's, and both they and the lead know.
#[tokio::test]
async fn whoever_is_on_leave_is_responsible_for_nothing_and_who_stands_in_is_told() {
    let world = World::staffed().await;
    let clock: SharedClock = world.clock.clone();
    let (case, owner) = in_hand(&world).await;
    let received = world.new_case();
    world.tell(&[world.received(world.facts(&received))]).await;
    assert_eq!(last(&world.get(&received).await.responsible), "desk");
    // Made ahead, it takes nothing before it begins.
    on_leave(&world, &owner, 1, 48).await;
    on_leave(&world, "desk", 1, 48).await;
    assert_eq!(last(&world.get(&case).await.responsible), owner);
    world.clock.advance(SignedDuration::from_hours(1));
    let looked = settle_leaves::settle_begun(&world.database.db, &clock).await;
    assert_eq!(looked.expect("looked"), 1);
    let work = world.get(&case).await;
    assert_eq!(last(&work.responsible), other(&owner));
    assert_eq!(
        work.status,
        to_wire(CaseStatus::Accepted),
        "goes on where it was"
    );
    assert_eq!(last(&world.get(&received).await.responsible), "lead-site");
    let told = world.said::<WorkNoticed>("redress.work.noticed.v1").await;
    let mut heard: Vec<_> = told
        .iter()
        .filter(|n| n.news() == WorkNews::PassedOn && n.case == case.to_string())
        .flat_map(|n| n.staff.iter().map(|s| last(s).to_owned()))
        .collect();
    heard.sort_unstable();
    assert_eq!(heard, [other(&owner), "lead-site"]);
    // Another look changes nothing, and coming back takes nothing away from who stood in.
    let looked = settle_leaves::settle_begun(&world.database.db, &clock).await;
    assert_eq!(looked.expect("looked"), 0);
    world.clock.advance(SignedDuration::from_hours(48));
    settle_leaves::settle_begun(&world.database.db, &clock)
        .await
        .expect("looked");
    assert_eq!(world.get(&case).await.etag, work.etag);
}

#[tokio::test]
async fn an_offer_stays_where_everybody_else_is_on_leave_too() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let people = world.count("SELECT count(*) FROM assignment.staff").await;
    for staff in [
        "eng-one",
        "eng-two",
        "seller",
        "desk",
        "lead-site",
        "lead-duty",
        "lead-top",
    ] {
        on_leave(&world, staff, 0, 48).await;
    }
    assert_eq!(people, 7, "everybody");
    let before = world.get(&case).await;
    assert!(!before.offered_to.is_empty());
    let clock: SharedClock = world.clock.clone();
    settle_leaves::settle_begun(&world.database.db, &clock)
        .await
        .expect("looked");
    assert_eq!(world.get(&case).await.etag, before.etag, "nothing changes");
}

/// Section 7: every case has exactly one responsible person, and intake's view says who.
#[tokio::test]
async fn a_case_that_ends_under_a_hand_over_waits_for_nobody_in_anybodys_eyes() {
    let world = World::staffed().await;
    let (case, owner) = in_hand(&world).await;
    offer(&world, world.handler(&owner), &case, other(&owner))
        .await
        .expect("offered");
    world
        .tell(&[world.moved(&case, CaseStatus::Withdrawn, 2)])
        .await;
    assert_eq!(world.get(&case).await.offered_to, "");
    let told = world.said::<OwnerChanged>("redress.owner.changed.v1").await;
    let news = told.last().expect("told");
    assert_eq!(
        (last(&news.responsible), news.offered_to.as_str()),
        (owner.as_str(), "")
    );
}

/// M09, M10: so many together call for a person once, whichever of their cases says so.
#[tokio::test]
async fn m10_one_crowd_summons_each_position_once_and_not_with_every_case() {
    let world = with_positions().await;
    let of = |case: &CaseName, cluster: &str, count: i32| event::CaseGraded {
        case: case.to_string(),
        grade: 2,
        category: to_wire(Category::SalesManagement),
        revision: 1,
        epoch: 1,
        mode: 1,
        complainants: 1,
        cluster: format!("sites/lakeside/clusters/{cluster}"),
        cluster_complainants: count,
        ..Default::default()
    };
    let (one, two) = (
        uuid::Uuid::now_v7().to_string(),
        uuid::Uuid::now_v7().to_string(),
    );
    let mut cases = Vec::new();
    for (cluster, count) in [
        (&one, 2),
        (&one, 3),
        (&one, 4),
        (&one, 10),
        (&one, 97),
        (&two, 3),
    ] {
        let case = world.new_case();
        let graded = of(&case, cluster, count);
        let event = world.event("triage", "redress.case.graded.v1", &graded.case, &graded);
        world
            .tell(&[world.received(world.facts(&case)), event])
            .await;
        cases.push(case);
    }
    let told = summoned(&world).await;
    let told: Vec<&str> = told.iter().map(|(who, _)| who.as_str()).collect();
    assert_eq!(
        told,
        ["manager", "vice", "head", "manager", "vice"],
        "at three and at ten, and again for another matter"
    );
    // The matter comes back after the case that called for them ended.
    world
        .tell(&[world.moved(&cases[1], CaseStatus::Withdrawn, 2)])
        .await;
    let case = world.new_case();
    let graded = of(&case, &one, 4);
    let event = world.event("triage", "redress.case.graded.v1", &graded.case, &graded);
    world
        .tell(&[world.received(world.facts(&case)), event])
        .await;
    assert_eq!(summoned(&world).await.len(), 7);
}

#[tokio::test]
async fn m09_m10_three_together_bring_manager_and_vice_president_and_ten_the_head() {
    let world = with_positions().await;
    let case = world.new_case();
    world
        .tell(&[
            world.received(world.facts(&case)),
            crowd(&world, &case, 1, 2, 2),
        ])
        .await;
    assert!(summoned(&world).await.is_empty());
    world.tell(&[crowd(&world, &case, 2, 2, 3)]).await;
    let both = [("manager".to_owned(), 1), ("vice".to_owned(), 1)];
    assert_eq!(summoned(&world).await, both);
    world.tell(&[crowd(&world, &case, 3, 9, 9)]).await;
    assert_eq!(
        summoned(&world).await,
        both,
        "nobody is summoned twice to a case"
    );
    world.tell(&[crowd(&world, &case, 4, 10, 10)]).await;
    assert_eq!(summoned(&world).await.last(), Some(&("head".to_owned(), 1)));
}

#[tokio::test]
async fn whoever_does_not_acknowledge_a_summons_is_told_again_and_then_the_next_position_up_is() {
    let world = with_positions().await;
    let clock: SharedClock = world.clock.clone();
    let case = world.new_case();
    world
        .tell(&[
            world.received(world.facts(&case)),
            crowd(&world, &case, 1, 3, 3),
        ])
        .await;
    let acknowledged = event::MessageChanged {
        case: case.to_string(),
        template: "work.summoned".to_owned(),
        state: "ACKNOWLEDGED".to_owned(),
        staff: name("vice"),
        change_time: Some(to_timestamp(world.clock.now_plus(SignedDuration::ZERO))),
        ..Default::default()
    };
    let heard = world.event(
        "notification",
        "redress.message.changed.v1",
        &case.to_string(),
        &acknowledged,
    );
    world.tell(&[heard]).await;
    let late = || async {
        let all = world.open_promises(world.manager(), "manager", 0).await;
        let of_summons = |p: &&wire::OpenPromise| p.kind() == wire::PromiseKind::Summons;
        all.iter().find(of_summons).expect("open").overdue
    };
    let mut looked = Vec::new();
    for round in 0..4 {
        // Whoever is summoned appears at once: late is who has not acknowledged it in its 15 minutes.
        assert_eq!(late().await, round > 0, "round {round}");
        world.clock.advance(SignedDuration::from_mins(15));
        looked.push(
            tell_summonses::tell_due(&world.database.db, &clock)
                .await
                .expect("looked"),
        );
    }
    let expected = [("manager", 1), ("vice", 1), ("manager", 2), ("manager", 3)];
    let told = summoned(&world).await;
    let told: Vec<(&str, i32)> = told.iter().map(|(s, n)| (s.as_str(), *n)).collect();
    assert_eq!(told, expected, "the vice-president knows already");
    assert_eq!(looked, [1, 1, 1, 0]);

    let list = wire::ListSummonsesRequest {
        parent: "sites/lakeside".to_owned(),
        open_only: true,
        ..Default::default()
    };
    let open = world
        .staffing
        .list_summonses(by(world.manager(), list))
        .await
        .expect("listed")
        .into_inner();
    assert_eq!(open.summonses.len(), 1);
    let ack = |caller| {
        let request = wire::AcknowledgeSummonsRequest {
            name: open.summonses[0].name.clone(),
        };
        world.staffing.acknowledge_summons(by(caller, request))
    };
    let refused = ack(world.handler("seller"))
        .await
        .expect_err("somebody else");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let known = ack(world.handler("manager"))
        .await
        .expect("known")
        .into_inner();
    assert!(known.summons.expect("a summons").acknowledge_time.is_some());
}

#[tokio::test]
async fn p14_nobody_is_named_for_work_while_they_are_on_leave() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    on_leave(&world, "seller", 0, 24).await;
    let owner = || world.handler("eng-one");
    let away = |refused: Status, what: &str| {
        let details = refused.get_error_details();
        let info = details.error_info().expect("with its reason");
        assert_eq!(info.reason, "ON_LEAVE", "{what}");
    };
    let ask = wire::RequestSupportRequest {
        name: World::name_of(&case),
        support: Some(wire::Support {
            department: "sites/lakeside/departments/sales".to_owned(),
            staff: name("seller"),
            task: "explain the contract".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let refused = world.staffing.request_support(by(owner(), ask)).await;
    away(refused.expect_err("away"), "help");
    let refused = world.ask_evidence(owner(), &case, "seller", "").await;
    away(refused.expect_err("away"), "evidence");
    let visit = |hours: i64| wire::PlanVisitRequest {
        name: World::name_of(&case),
        purpose: wire::VisitPurpose::Meeting.into(),
        plan_time: Some(to_timestamp(
            world.clock.now_plus(SignedDuration::from_hours(hours)),
        )),
        staff: name("seller"),
        ..Default::default()
    };
    let refused = world.handling.plan_visit(by(owner(), visit(23))).await;
    away(refused.expect_err("away"), "a visit");
    let planned = world.handling.plan_visit(by(owner(), visit(25))).await;
    planned.expect("back by then");
    let terms = |hours: i64| {
        let mut terms = world.terms(0);
        terms.steps[0].owner = name("seller");
        let due = world.clock.now_plus(SignedDuration::from_hours(hours));
        terms.steps[0].due_time = Some(to_timestamp(due));
        terms
    };
    let refused = world.propose_terms(&case, terms(23)).await;
    away(refused.expect_err("away"), "a step");
    let proposed = world.propose_terms(&case, terms(25)).await;
    let solution = proposed.expect("back by then");
    let revise = wire::ReviseSolutionRequest {
        name: solution.name,
        terms: Some(terms(23)),
        etag: solution.etag,
        ..Default::default()
    };
    let refused = world.solutions.revise_solution(by(owner(), revise)).await;
    away(refused.expect_err("away"), "a step revised");
}

#[tokio::test]
async fn p14_the_lead_hears_once_of_the_help_and_the_evidence_that_somebody_on_leave_owes() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let ask = wire::RequestSupportRequest {
        name: World::name_of(&case),
        support: Some(wire::Support {
            department: "sites/lakeside/departments/sales".to_owned(),
            staff: name("seller"),
            task: "explain the contract".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let owner = || world.handler("eng-one");
    let asked = world.staffing.request_support(by(owner(), ask)).await;
    asked.expect("asked");
    for staff in ["seller", "eng-two"] {
        let asked = world.ask_evidence(owner(), &case, staff, "").await;
        asked.expect("asked");
    }
    // Whoever is complained about in the case hears nothing; whoever owes nothing is no news.
    let accusing = event::CaseFacts {
        staff_complained_about: vec![name("lead-site")],
        revision: 2,
        ..world.facts(&case)
    };
    world.tell(&[world.updated(accusing)]).await;
    for staff in ["seller", "eng-two", "desk"] {
        on_leave(&world, staff, 1, 48).await;
    }
    let clock: SharedClock = world.clock.clone();
    let told = async || {
        for _ in 0..2 {
            let looked = settle_leaves::tell_begun(&world.database.db, &clock).await;
            looked.expect("looked");
        }
        let mut told = world.notices(WorkNews::HelperOnLeave).await;
        told.sort_by(|a, b| a.resource.cmp(&b.resource));
        let said = |n: WorkNoticed| (n.resource, n.case, n.staff);
        told.into_iter().map(said).collect::<Vec<_>>()
    };
    assert!(told().await.is_empty(), "not begun");
    world.clock.advance(SignedDuration::from_hours(1));
    let news = |staff: &str| (name(staff), String::new(), vec![name("lead-duty")]);
    assert_eq!(told().await, [news("eng-two"), news("seller")]);
}

#[tokio::test]
async fn m03_departments_help_with_a_named_person_and_the_lead_stays_responsible() {
    let world = World::staffed().await;
    let (case, owner) = in_hand(&world).await;
    let ask = |department: &str, staff: &str| wire::RequestSupportRequest {
        name: World::name_of(&case),
        support: Some(wire::Support {
            department: format!("sites/lakeside/departments/{department}"),
            staff: if staff.is_empty() {
                String::new()
            } else {
                name(staff)
            },
            task: "explain the contract".to_owned(),
            ..Default::default()
        }),
        limit: None,
        request_id: String::new(),
    };
    for (department, staff) in [("engineering", ""), ("nowhere", ""), ("sales", "nobody")] {
        let refused = world
            .staffing
            .request_support(by(world.handler(&owner), ask(department, staff)))
            .await;
        assert_eq!(
            refused.expect_err("wrong").code(),
            Code::InvalidArgument,
            "{department}"
        );
    }
    let mut made = Vec::new();
    for department in ["sales", "customer-service"] {
        let answer = world
            .staffing
            .request_support(by(world.handler(&owner), ask(department, "")))
            .await;
        made.push(answer.expect("asked").into_inner().support.expect("help"));
    }
    assert_eq!(last(&made[0].staff), "seller");
    assert_eq!(last(&world.get(&case).await.responsible), owner);
    let told = world
        .said::<DemandChanged>("redress.demand.changed.v1")
        .await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].due_time, made[0].due_time);

    let end = |done| wire::EndSupportRequest {
        name: made[0].name.clone(),
        done,
    };
    for _ in 0..2 {
        let answer = world
            .staffing
            .end_support(by(world.handler("seller"), end(true)))
            .await;
        let support = answer
            .expect("a repeat succeeds")
            .into_inner()
            .support
            .expect("help");
        assert_eq!(support.state(), wire::SupportState::Done);
    }
    let refused = world
        .staffing
        .end_support(by(world.handler("seller"), end(false)))
        .await;
    assert_eq!(refused.expect_err("ended").code(), Code::FailedPrecondition);
    let told = world
        .said::<DemandChanged>("redress.demand.changed.v1")
        .await;
    let states: Vec<DemandState> = told.iter().map(DemandChanged::state).collect();
    assert_eq!(
        states,
        [DemandState::Open, DemandState::Open, DemandState::Met]
    );
    assert!(told.iter().all(|d| d.kind == to_wire(ClockKind::Support)));
    assert_eq!(told[2].demand, last(&made[0].name), "a clock of its own");
}

#[tokio::test]
async fn staff_complained_about_find_neither_help_nor_summons_of_the_case() {
    let world = with_positions().await;
    let case = world.new_case();
    let mut facts = world.facts(&case);
    facts.staff_complained_about = vec![name("manager")];
    world
        .tell(&[world.received(facts), crowd(&world, &case, 1, 3, 3)])
        .await;
    let told = summoned(&world).await;
    assert_eq!(
        told,
        [("vice".to_owned(), 1)],
        "a manager complained about does not come; the next one up does"
    );
    let list = wire::ListSummonsesRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let mut accused = world.manager();
    accused.staff = world.handler("manager").staff;
    let found = world
        .staffing
        .list_summonses(by(accused.clone(), list))
        .await
        .expect("listed")
        .into_inner();
    assert!(found.summonses.is_empty());
    let of = wire::ListSupportsRequest {
        name: World::name_of(&case),
    };
    let hidden = world
        .staffing
        .list_supports(by(accused, of))
        .await
        .expect_err("hidden");
    assert_eq!(hidden.code(), Code::NotFound);
}

/// Section 7: whenever the accusation comes, they can neither see nor handle the case.
#[tokio::test]
async fn what_was_asked_of_somebody_goes_to_the_next_once_the_case_complains_about_them() {
    let world = World::staffed().await;
    world.staff("seller-two", "sales").await.expect("added");
    let (case, owner) = in_hand(&world).await;
    let ask = wire::RequestSupportRequest {
        name: World::name_of(&case),
        support: Some(wire::Support {
            department: "sites/lakeside/departments/sales".to_owned(),
            task: "explain the contract".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let asked = world
        .staffing
        .request_support(by(world.handler(&owner), ask))
        .await;
    let help = asked.expect("asked").into_inner().support.expect("help");
    assert_eq!(last(&help.staff), "seller");
    let plan = wire::PlanVisitRequest {
        name: World::name_of(&case),
        purpose: wire::VisitPurpose::Meeting.into(),
        plan_time: Some(to_timestamp(
            world.clock.now_plus(SignedDuration::from_hours(2)),
        )),
        staff: name("seller"),
        ..Default::default()
    };
    let planned = world.handling.plan_visit(by(world.handler(&owner), plan));
    planned.await.expect("planned");
    offer(&world, world.handler(&owner), &case, "seller")
        .await
        .expect("offered");
    let before = world.said::<PartChanged>("redress.part.changed.v1").await;
    let demands = world
        .said::<DemandChanged>("redress.demand.changed.v1")
        .await;

    let accuse = |revision| event::CaseFacts {
        staff_complained_about: vec![name("seller")],
        revision,
        ..world.facts(&case)
    };
    world.tell(&[world.updated(accuse(2))]).await;
    let work = world.get(&case).await;
    assert_eq!(
        (last(&work.responsible), work.offered_to.as_str()),
        (owner.as_str(), ""),
        "a hand-over stays with its giver"
    );
    let of = wire::ListSupportsRequest {
        name: World::name_of(&case),
    };
    let helps = world.staffing.list_supports(by(world.manager(), of)).await;
    let helps = helps.expect("listed").into_inner().supports;
    let staff: Vec<&str> = helps.iter().map(|s| last(&s.staff)).collect();
    assert_eq!(staff, ["seller-two"]);
    let parts = world.said::<PartChanged>("redress.part.changed.v1").await;
    let mut told: Vec<(&str, bool)> = parts[before.len()..]
        .iter()
        .map(|p| (last(&p.staff), p.open))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [(owner.as_str(), true), ("seller-two", true)]);
    // The promise of the department goes on as it was.
    let now = world
        .said::<DemandChanged>("redress.demand.changed.v1")
        .await;
    assert_eq!(now.last(), demands.last());
    // Told again, nothing changes.
    world.tell(&[world.updated(accuse(3))]).await;
    let again = world.said::<PartChanged>("redress.part.changed.v1").await;
    assert_eq!(again.len(), parts.len());
}

#[tokio::test]
async fn p14_who_was_summoned_to_a_case_that_complains_about_them_since_is_replaced_from_above() {
    let world = with_positions().await;
    let clock: SharedClock = world.clock.clone();
    let case = world.new_case();
    let received = world.received(world.facts(&case));
    world.tell(&[received, crowd(&world, &case, 1, 3, 3)]).await;
    let facts = event::CaseFacts {
        staff_complained_about: vec![name("vice")],
        revision: 2,
        ..world.facts(&case)
    };
    world.tell(&[world.updated(facts)]).await;
    world.clock.advance(SignedDuration::from_mins(15));
    tell_summonses::tell_due(&world.database.db, &clock)
        .await
        .expect("looked");
    let told = summoned(&world).await;
    let mut told: Vec<(&str, i32)> = told.iter().map(|(s, n)| (s.as_str(), *n)).collect();
    told.sort_unstable();
    let expected = [
        ("head", 1),
        ("head", 2),
        ("manager", 1),
        ("manager", 2),
        ("vice", 1),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn i8_another_site_staffs_nothing_here() {
    let world = with_positions().await;
    let (case, owner) = in_hand(&world).await;
    let stranger = || world.caller("riverside", "manager", None);
    let code = |status: Status| status.code();
    let work = World::name_of(&case);
    assert_eq!(
        code(
            offer(&world, stranger(), &case, other(&owner))
                .await
                .expect_err("hidden")
        ),
        Code::NotFound
    );
    assert_eq!(
        code(take(&world, stranger(), &case).await.expect_err("hidden")),
        Code::NotFound
    );
    let ask = wire::RequestSupportRequest {
        name: work.clone(),
        support: Some(wire::Support {
            department: "sites/lakeside/departments/sales".to_owned(),
            task: "x".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(
        code(
            world
                .staffing
                .request_support(by(stranger(), ask))
                .await
                .expect_err("hidden")
        ),
        Code::NotFound
    );
    let rules = wire::SetRoutingRulesRequest {
        parent: "sites/lakeside".to_owned(),
        rules: Some(wire::RoutingRules::default()),
        etag: String::new(),
    };
    assert_eq!(
        code(
            world
                .staffing
                .set_routing_rules(by(stranger(), rules))
                .await
                .expect_err("hidden")
        ),
        Code::NotFound
    );
    let list = wire::ListSummonsesRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let found = world.staffing.list_summonses(by(stranger(), list)).await;
    assert_eq!(code(found.expect_err("hidden")), Code::NotFound);
    let get = wire::GetRoutingRulesRequest {
        name: "sites/lakeside/routingRules".to_owned(),
    };
    let found = world.staffing.get_routing_rules(by(stranger(), get)).await;
    assert_eq!(code(found.expect_err("hidden")), Code::NotFound);
    let list = wire::ListLoansRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let found = world.staffing.list_loans(by(stranger(), list)).await;
    assert_eq!(code(found.expect_err("hidden")), Code::NotFound);
    assert_eq!(
        world
            .count("SELECT count(*) FROM assignment.handover")
            .await,
        0
    );
}
