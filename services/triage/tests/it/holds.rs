//! Holds: the reason lies with somebody else, and promises that it may stop stand still.

use jiff::{SignedDuration, Timestamp};
use redress_model::name::CaseName;
use redress_model::words::{
    CaseStatus, ClockKind, ClockState, HoldReason, SignalBasis, SignalKind,
};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService;
use redress_proto::words::Signal;
use redress_rpc::Caller;
use tonic::{Code, Status};

use crate::world::{World, at, by, time};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn hold_as(
    world: &World,
    caller: Caller,
    case: &CaseName,
    reason: HoldReason,
    until: Timestamp,
) -> Result<wire::HoldCaseResponse, Status> {
    let request = wire::HoldCaseRequest {
        parent: case.to_string(),
        reason: to_wire(reason),
        until_time: Some(to_timestamp(until)),
        note: "keys of the flat".to_owned(),
        request_id: String::new(),
    };
    Ok(world.rpc.hold_case(by(caller, request)).await?.into_inner())
}

async fn hold(world: &World, case: &CaseName, reason: HoldReason, for_hours: i64) {
    let until = world.now() + HOUR * i32::try_from(for_hours).expect("hours");
    let held = hold_as(world, world.manager(), case, reason, until).await;
    held.expect("held");
}

async fn resume(world: &World, case: &CaseName, reason: HoldReason) -> Result<(), Status> {
    let request = wire::ResumeCaseRequest {
        parent: case.to_string(),
        reason: to_wire(reason),
        request_id: String::new(),
    };
    world
        .rpc
        .resume_case(by(world.manager(), request))
        .await
        .map(drop)
}

/// The clock of this kind that the case has; those that promise nothing are listed by their kind alone.
async fn of_kind(world: &World, case: &CaseName, kind: ClockKind) -> wire::CaseClock {
    let request = wire::ListClocksRequest {
        parent: format!("sites/{}", case.site),
        case: case.to_string(),
        kinds: vec![to_wire(kind)],
        ..Default::default()
    };
    let answer = world.rpc.list_clocks(by(world.manager(), request)).await;
    let mut clocks = answer.expect("listed").into_inner().clocks;
    assert_eq!(clocks.len(), 1, "{kind}");
    clocks.remove(0)
}

async fn held_kinds(world: &World, case: &CaseName) -> Vec<ClockKind> {
    let clocks = world.clocks(case).await;
    clocks
        .into_iter()
        .filter(|(_, c)| c.held)
        .map(|(kind, _)| kind)
        .collect()
}

async fn grade_one(world: &World, case: &CaseName) {
    let signal = Signal {
        kind: to_wire(SignalKind::Injury),
        basis: to_wire(SignalBasis::Reported),
        ..Default::default()
    };
    let recorded = world.record(world.manager(), case, signal, "").await;
    recorded.expect("recorded");
}

#[tokio::test]
async fn p05_every_clock_that_the_reason_may_stop_does_stop_and_no_other() {
    let world = World::new().await;
    let case = world.case().await;
    hold(&world, &case, HoldReason::Customer, 48).await;
    use ClockKind::{Answer, Resolve, StartInvestigation};
    assert_eq!(
        held_kinds(&world, &case).await,
        [Answer, Resolve, StartInvestigation]
    );
    // What starts meanwhile stands still from its start, where the reason may stop it.
    world.advance(HOUR).await;
    hold(&world, &case, HoldReason::Court, 24).await;
    resume(&world, &case, HoldReason::Customer)
        .await
        .expect("resumed");
    assert_eq!(
        held_kinds(&world, &case).await,
        [Resolve],
        "the court still stops it"
    );
    world.advance(HOUR * 24 * 60).await;
    assert!(held_kinds(&world, &case).await.is_empty());
}

#[tokio::test]
async fn p05_each_reason_stops_what_the_policy_names_of_all_that_runs_and_nothing_else() {
    use ClockKind::{
        Answer, Defence, InterimUpdate, OnSite, OutsideDeadline, Resolve, StartInvestigation,
    };
    let world = World::new().await;
    for (reason, stopped) in [
        (
            HoldReason::Customer,
            vec![Answer, Resolve, StartInvestigation],
        ),
        (HoldReason::OutsideParty, vec![Resolve]),
        (HoldReason::Court, vec![Resolve]),
    ] {
        let case = world.case().await;
        grade_one(&world, &case).await;
        let lawsuit = Signal {
            kind: to_wire(SignalKind::Litigation),
            basis: to_wire(SignalBasis::Reported),
            ..Default::default()
        };
        let recorded = world.record(world.manager(), &case, lawsuit, "").await;
        recorded.expect("recorded");
        let demand = wire::StartClockRequest {
            parent: case.to_string(),
            kind: to_wire(OutsideDeadline),
            term: Some(wire::start_clock_request::Term::DueTime(to_timestamp(
                world.now() + HOUR * 48,
            ))),
            party: "12345".to_owned(),
            ..Default::default()
        };
        let started = world.rpc.start_clock(by(world.manager(), demand)).await;
        started.expect("started");
        world
            .tell(&[world.contact(&case, false, true, false)])
            .await;
        let running = async || -> Vec<ClockKind> {
            let clocks = world.clocks(&case).await.into_iter();
            clocks
                .filter(|(_, c)| c.state == to_wire(ClockState::Running) && !c.held)
                .map(|(kind, _)| kind)
                .collect()
        };
        let all = [
            Answer,
            Resolve,
            StartInvestigation,
            OnSite,
            InterimUpdate,
            OutsideDeadline,
            Defence,
        ];
        assert_eq!(running().await, all, "{reason}");
        hold(&world, &case, reason, 24).await;
        assert_eq!(held_kinds(&world, &case).await, stopped, "{reason}");
        let others: Vec<ClockKind> = all.into_iter().filter(|k| !stopped.contains(k)).collect();
        assert_eq!(running().await, others, "{reason}");
    }
}

#[tokio::test]
async fn a_hold_freezes_the_remainder_and_resuming_adds_it() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(HOUR).await;
    hold(&world, &case, HoldReason::Customer, 24 * 30).await;
    let due = |clocks: &std::collections::BTreeMap<ClockKind, wire::CaseClock>| {
        time(&clocks[&ClockKind::Answer].due_time)
    };
    assert_eq!(
        due(&world.clocks(&case).await),
        at("2026-03-03T09:00:00+08:00")
    );
    // Tuesday 10:00: seven working hours were left of the working day.
    world.advance(HOUR * 24).await;
    resume(&world, &case, HoldReason::Customer)
        .await
        .expect("resumed");
    assert_eq!(
        due(&world.clocks(&case).await),
        at("2026-03-03T18:00:00+08:00")
    );
    assert_eq!(
        resume(&world, &case, HoldReason::Customer)
            .await
            .expect_err("not held")
            .code(),
        Code::FailedPrecondition
    );
}

#[tokio::test]
async fn p04_grade_policy_owner_and_cluster_change_under_a_hold_and_the_time_used_stays() {
    use redress_proto::triage::v1::cluster_service_server::ClusterService as _;
    use redress_proto::triage::v1::policy_service_server::PolicyService as _;
    let world = World::new().await;
    let complain = async |person: &str, text: &str| {
        let case = world.new_case();
        world.say(&case, text);
        let facts = world.by_person(&case, person);
        world.tell(&[world.received(facts)]).await;
        case
    };
    let case = complain("a", "三号楼电梯停运。").await;
    let other = complain("b", "地下车库积水,车子被泡了。").await;
    world.advance(HOUR).await;
    hold(&world, &case, HoldReason::Customer, 24 * 30).await;
    let before = held_kinds(&world, &case).await;
    let keeps = async |what: &str| {
        let during = held_kinds(&world, &case).await;
        let all = before.iter().all(|kind| during.contains(kind));
        assert!(all, "{what}: {during:?}");
    };
    world.advance(HOUR * 2).await;
    world.tell(&[world.owned(&case, "another", 7)]).await;
    keeps("owner").await;
    let policy = wire::ApplyPolicyRequest {
        parent: "sites/lakeside".to_owned(),
        document: "clocks: { ANSWER: [ { length: 1 hour } ], RESOLVE: [ { length: 2 hours } ] }"
            .to_owned(),
        reason: "agreed".to_owned(),
        ..Default::default()
    };
    let applied = world.rpc.apply_policy(by(world.manager(), policy)).await;
    applied.expect("applied");
    keeps("policy").await;
    grade_one(&world, &case).await;
    keeps("grade").await;
    let (one, two) = (
        world.decision(&case).await.cluster,
        world.decision(&other).await.cluster,
    );
    assert_ne!(one, two, "two matters");
    let merge = wire::MergeClustersRequest {
        name: two.clone(),
        source: one,
        ..Default::default()
    };
    let merged = world.rpc.merge_clusters(by(world.manager(), merge)).await;
    merged.expect("merged");
    assert_eq!(world.decision(&case).await.cluster, two);
    keeps("cluster").await;
    world.advance(HOUR * 24).await;
    resume(&world, &case, HoldReason::Customer)
        .await
        .expect("resumed");
    let answer = world.clocks(&case).await[&ClockKind::Answer].clone();
    // One day of grade 1 by the policy of its start, of which an hour was used before the hold.
    assert_eq!(time(&answer.due_time), world.now() + HOUR * 23);
    assert_eq!(answer.state, to_wire(ClockState::Running));
}

#[tokio::test]
async fn p13_a_long_hold_resumes_on_time_though_the_worker_was_away() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(HOUR).await;
    hold(&world, &case, HoldReason::Court, 24 * 80).await;
    let until = world.now() + HOUR * 24 * 80;
    // Nobody fires anything for half a year.
    world.clock.advance(HOUR * 24 * 180);
    world.advance(SignedDuration::ZERO).await;
    let explained = {
        let name = world.clocks(&case).await[&ClockKind::Resolve].name.clone();
        let request = wire::ExplainClockRequest { name };
        world.rpc.explain_clock(by(world.manager(), request)).await
    };
    let explained = explained.expect("explained").into_inner();
    let held = explained
        .stretches
        .iter()
        .find(|s| s.kind() == wire::ClockStretchKind::Held);
    assert_eq!(
        time(&held.expect("a hold").end_time),
        until,
        "not when somebody came to see"
    );
    let resolve = explained.clock.expect("a clock");
    assert!(!resolve.held && resolve.state == to_wire(ClockState::Breached));
}

#[tokio::test]
async fn a_hold_stops_the_age_of_the_case_g1_7_g2_4() {
    let world = World::new().await;
    let held = world.case().await;
    let free = world.case().await;
    hold(&world, &held, HoldReason::OutsideParty, 24 * 20).await;
    world.advance(HOUR * 24 * 19).await;
    assert_eq!(world.decision(&held).await.grade, 4);
    assert_eq!(world.decision(&free).await.grade, 2, "G2.4 at 15 days");
    // It ends by itself after 20 days; 15 more make it old.
    world.advance(HOUR * 24 * 15).await;
    assert_eq!(world.decision(&held).await.grade, 4);
    world.advance(HOUR * 24 * 2).await;
    assert_eq!(world.decision(&held).await.grade, 2);
}

#[tokio::test]
async fn p05_an_age_check_is_held_with_the_age_of_its_case_and_counts_on_after_it_g2_4() {
    let world = World::new().await;
    let case = world.case().await;
    let stands = async || {
        let clock = of_kind(&world, &case, ClockKind::AgeCheck).await;
        let request = wire::GetClockRequest {
            name: clock.name.clone(),
        };
        let got = world.rpc.get_clock(by(world.manager(), request)).await;
        let got = got.expect("got").into_inner().clock.expect("a clock");
        assert_eq!(got.hold_reason, clock.hold_reason, "shown alike");
        assert_eq!(clock.held, clock.hold_reason != 0);
        let at = time(&clock.due_time);
        (clock.state(), clock.hold_reason(), at, clock.next_time)
    };
    use redress_proto::words::{ClockState as State, HoldReason as Reason};
    let due = at("2026-03-09T09:00:00+08:00");
    let runs = |due| {
        let next = Some(to_timestamp(due));
        (State::Running, Reason::Unspecified, due, next)
    };
    assert_eq!(stands().await, runs(due));
    // Our own spokesperson is a reason on our side: the age counts on (decision 42).
    world.tell(&[waits(&world, &case, 1)]).await;
    assert_eq!(stands().await, runs(due));
    world.tell(&[waits(&world, &case, 0)]).await;
    hold(&world, &case, HoldReason::OutsideParty, 24 * 2).await;
    let held = (State::Running, Reason::OutsideParty, due, None);
    assert_eq!(stands().await, held);
    // It ends by itself; what it lasted comes on top.
    world.advance(HOUR * 24 * 3).await;
    assert_eq!(stands().await, runs(due + HOUR * 48));
    let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
    world.tell(&[resolved]).await;
    assert_eq!(stands().await.0, State::Met, "no age matters any more");
}

#[tokio::test]
async fn p13_an_age_counts_on_where_something_else_sees_first_that_the_hold_is_over() {
    let world = World::new().await;
    let case = world.case().await;
    hold(&world, &case, HoldReason::Customer, 1).await;
    // The worker is away when it ends.
    world.clock.advance(HOUR * 2);
    world.tell(&[waits(&world, &case, 1)]).await;
    let clock = of_kind(&world, &case, ClockKind::AgeCheck).await;
    assert!(!clock.held);
    assert_eq!(time(&clock.next_time), at("2026-03-09T10:00:00+08:00"));
    // So it does where a reopening is all that is heard of a resolution (I3, P27).
    let other = world.case().await;
    hold(&world, &other, HoldReason::Customer, 24 * 20).await;
    let reopened = world.moved("intake", &other, CaseStatus::Reopened, 2);
    world.tell(&[reopened]).await;
    let clock = of_kind(&world, &other, ClockKind::AgeCheck).await;
    assert!(!clock.held && clock.next_time.is_some());
}

#[tokio::test]
async fn an_age_check_is_explained_by_the_age_of_its_case_and_the_end_of_a_hold_by_the_hold_g2_4_p05()
 {
    use wire::ClockStretchKind::{Elapsed, Held};
    const DAY: i64 = 86_400;
    let world = World::new().await;
    let case = world.case().await;
    let explained = async |kind| {
        let name = of_kind(&world, &case, kind).await.name;
        let request = wire::ExplainClockRequest { name };
        let told = world.rpc.explain_clock(by(world.manager(), request)).await;
        told.expect("explained").into_inner()
    };
    let drawn = |told: &wire::ExplainClockResponse| -> Vec<_> {
        let stretches = told.stretches.iter();
        let days = |s: &wire::ClockStretch| {
            time(&s.start_time)
                .duration_until(time(&s.end_time))
                .as_secs()
                / DAY
        };
        stretches
            .map(|s| (s.kind(), days(s), s.used.map(|used| used.seconds / DAY)))
            .collect()
    };
    world.advance(HOUR * 24).await;
    hold(&world, &case, HoldReason::OutsideParty, 24 * 3).await;
    let from = world.now();
    world.advance(HOUR * 24).await;
    let end = explained(ClockKind::HoldEnd).await;
    assert_eq!(end.basis(), wire::ClockBasis::HoldEnd);
    assert_eq!(
        end.hold_reason(),
        redress_proto::words::HoldReason::OutsideParty
    );
    let budget = end.hold_budget.as_ref().expect("a budget");
    let days = |d: &Option<prost_types::Duration>| d.map(|d| d.seconds / DAY);
    assert_eq!(
        (days(&budget.used), days(&budget.allowed)),
        (Some(3), Some(90))
    );
    assert_eq!(drawn(&end), [(Elapsed, 3, Some(3))]);
    assert_eq!(end.used.map(|used| used.seconds), Some(DAY), "so far");
    let clock = end.clock.as_ref().expect("a clock");
    assert_eq!(
        (time(&clock.start_time), time(&clock.due_time)),
        (from, from + HOUR * 72)
    );
    // While it is held the age stands still.
    let age = explained(ClockKind::AgeCheck).await;
    assert_eq!(drawn(&age), [(Elapsed, 1, Some(1)), (Held, 1, Some(1))]);
    world.advance(HOUR * 24 * 4).await;
    let age = explained(ClockKind::AgeCheck).await;
    assert_eq!(age.basis(), wire::ClockBasis::Age);
    let (length, week) = (
        age.age.as_ref().expect("an age"),
        (7, wire::ClockUnit::Days),
    );
    assert_eq!((length.amount, length.unit()), week);
    let whole = [
        (Elapsed, 1, Some(1)),
        (Held, 3, Some(1)),
        (Elapsed, 6, Some(7)),
    ];
    assert_eq!(drawn(&age), whole);
    assert_eq!(age.used.map(|used| used.seconds), Some(3 * DAY), "so far");
    // Nobody keeps when it was resolved: less is used than the time lasts.
    let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
    world.tell(&[resolved]).await;
    world.advance(HOUR * 24 * 2).await;
    let reopened = world.moved("intake", &case, CaseStatus::Reopened, 2);
    world.tell(&[reopened]).await;
    let age = explained(ClockKind::AgeCheck).await;
    assert_eq!(drawn(&age), [(Elapsed, 12, Some(7))]);
    assert_eq!(age.used.map(|used| used.seconds), Some(3 * DAY));
}

#[tokio::test]
async fn clocks_are_listed_by_whether_and_why_they_are_held_page_by_page_i10() {
    use ClockKind::{Acknowledge, AgeCheck, Answer, Resolve, StartInvestigation};
    let world = World::new().await;
    let case = world.case().await;
    hold(&world, &case, HoldReason::Customer, 48).await;
    // Each page of two belongs to the same question.
    let listed = async |request: wire::ListClocksRequest| {
        let mut kinds: Vec<ClockKind> = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = wire::ListClocksRequest {
                parent: "sites/lakeside".to_owned(),
                page_size: 2,
                page_token: page_token.clone(),
                ..request.clone()
            };
            let answer = world.rpc.list_clocks(by(world.manager(), request)).await;
            let answer = answer.expect("listed").into_inner();
            let found = answer.clocks.iter().map(|c| c.kind);
            kinds.extend(found.filter_map(redress_proto::convert::from_wire::<ClockKind>));
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        kinds.sort_unstable();
        kinds
    };
    let held = |held: bool| wire::ListClocksRequest {
        held: Some(held),
        ..Default::default()
    };
    let stopped = [Answer, Resolve, StartInvestigation];
    assert_eq!(listed(held(true)).await, stopped);
    assert_eq!(listed(held(false)).await, [Acknowledge]);
    let reason = |reason| wire::ListClocksRequest {
        hold_reasons: vec![to_wire(reason)],
        ..Default::default()
    };
    assert_eq!(listed(reason(HoldReason::Customer)).await, stopped);
    assert!(listed(reason(HoldReason::Court)).await.is_empty());
    let ages = |request| wire::ListClocksRequest {
        kinds: vec![to_wire(AgeCheck)],
        ..request
    };
    assert_eq!(listed(ages(held(true))).await, [AgeCheck]);
    assert_eq!(listed(ages(reason(HoldReason::Customer))).await, [AgeCheck]);
    assert!(listed(ages(held(false))).await.is_empty());
    // A page of one question is none of another.
    let first = wire::ListClocksRequest {
        parent: "sites/lakeside".to_owned(),
        page_size: 2,
        ..held(true)
    };
    let answer = world
        .rpc
        .list_clocks(by(world.manager(), first.clone()))
        .await;
    let other = wire::ListClocksRequest {
        held: Some(false),
        page_token: answer.expect("listed").into_inner().next_page_token,
        ..first
    };
    let refused = world.rpc.list_clocks(by(world.manager(), other)).await;
    let status = refused.expect_err("another question");
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_the_customer_was_waited_for_ends_the_hold() {
    let world = World::new().await;
    let case = world.case().await;
    hold(&world, &case, HoldReason::Customer, 240).await;
    world.advance(HOUR).await;
    world.tell(&[world.contact(&case, true, true, false)]).await;
    assert!(held_kinds(&world, &case).await.is_empty());
    let request = wire::ListHoldsRequest {
        parent: case.to_string(),
    };
    let listed = world.rpc.list_holds(by(world.manager(), request)).await;
    let listed = listed.expect("listed").into_inner();
    assert_eq!(listed.holds[0].end_cause, "contact");
    let mine = |b: &&wire::HoldBudget| b.reason() == redress_proto::words::HoldReason::Customer;
    let budget = listed.budgets.iter().find(mine).expect("a budget");
    assert_eq!(budget.used.map(|d| d.seconds), Some(3600));
}

#[tokio::test]
async fn what_is_answered_under_a_hold_is_told_with_a_deadline_that_was_kept_p05() {
    let world = World::new().await;
    let case = world.case().await;
    hold(&world, &case, HoldReason::Customer, 240).await;
    // The working day to answer in would be long over.
    world.advance(HOUR * 24 * 3).await;
    world.tell(&[world.contact(&case, false, true, true)]).await;
    let said: Vec<redress_proto::event::v1::ClockChanged> =
        world.said("redress.clock.changed.v1").await;
    let kind = to_wire(ClockKind::Answer);
    let last = said.iter().rfind(|changed| changed.kind == kind);
    let last = last.expect("told");
    assert_eq!(last.state, to_wire(ClockState::Met));
    // What reports take for late was done after its deadline.
    assert_eq!(time(&last.transition_time), world.now());
    assert!(time(&last.due_time) > world.now());
    let clock = &world.clocks(&case).await[&ClockKind::Answer];
    assert_eq!(clock.due_time, last.due_time);
}

/// A person of this name who may do this alone.
fn limited(world: &World, name: &str, permissions: &[&str]) -> Caller {
    let all: std::collections::BTreeSet<String> =
        permissions.iter().map(|p| (*p).to_owned()).collect();
    let roles = redress_rpc::roles::Roles::new(std::collections::BTreeMap::from([(
        "limited".to_owned(),
        all.into_iter().collect(),
    )]));
    Caller {
        permissions: roles.permissions(["limited"]),
        ..world.caller("lakeside", "manager", Some(name))
    }
}

#[tokio::test]
async fn a_hold_needs_its_approver_and_its_budget() {
    let world = World::new().await;
    let case = world.case().await;
    let limited = |permissions: &[&str]| limited(&world, "somebody", permissions);
    let soon = world.now() + HOUR * 24;
    let handler = limited(&["clocks.hold"]);
    let refused = hold_as(&world, handler.clone(), &case, HoldReason::Court, soon).await;
    assert_eq!(
        refused.expect_err("approval").code(),
        Code::PermissionDenied
    );
    let far = world.now() + HOUR * 24 * 300;
    let refused = hold_as(&world, handler.clone(), &case, HoldReason::Customer, far).await;
    assert_eq!(refused.expect_err("budget").code(), Code::PermissionDenied);
    let taken = hold_as(&world, handler, &case, HoldReason::Customer, soon).await;
    assert!(!taken.expect("held").hold.expect("a hold").beyond_budget);
    let twice = hold_as(&world, world.manager(), &case, HoldReason::Customer, soon).await;
    assert_eq!(
        twice.expect_err("held already").code(),
        Code::FailedPrecondition
    );
    let approver = limited(&["clocks.hold", "clocks.approve_hold", "clocks.hold_beyond"]);
    let beyond = hold_as(&world, approver, &case, HoldReason::Court, far).await;
    assert!(beyond.expect("allowed").hold.expect("a hold").beyond_budget);
    let past = world.now() - HOUR;
    let past = hold_as(
        &world,
        world.manager(),
        &case,
        HoldReason::OutsideParty,
        past,
    )
    .await;
    assert_eq!(past.expect_err("past").code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_holds_of_one_reason_add_up_to_its_budget_though_the_first_has_ended() {
    let world = World::new().await;
    let case = world.case().await;
    let day = HOUR * 24;
    let handler = limited(&world, "handler", &["clocks.hold"]);
    let hold_for = async |caller: &Caller, days: i32| {
        let until = world.now() + day * days;
        let held = hold_as(&world, caller.clone(), &case, HoldReason::Customer, until).await;
        held.map(|held| held.hold.expect("a hold"))
    };
    let first = hold_for(&handler, 60).await.expect("held");
    assert!(!first.beyond_budget);
    world.advance(day * 61).await;
    let refused = hold_for(&handler, 40).await.expect_err("100 days of 90");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let last = hold_for(&handler, 30).await.expect("90 days of 90");
    assert!(!last.beyond_budget);
    let request = wire::ListHoldsRequest {
        parent: case.to_string(),
    };
    let listed = world.rpc.list_holds(by(world.manager(), request)).await;
    let listed = listed.expect("listed").into_inner();
    let used = |reason: HoldReason| {
        let mine = |b: &&wire::HoldBudget| b.reason == to_wire(reason);
        let budget = listed.budgets.iter().find(mine).expect("a budget");
        budget.used.map(|used| used.seconds)
    };
    assert_eq!(used(HoldReason::Customer), Some(90 * 24 * 3600));
    assert_eq!(used(HoldReason::Court), Some(0), "each reason has its own");
    let of = |reason: HoldReason| {
        let mine = |b: &&wire::HoldBudget| b.reason == to_wire(reason);
        let budget = listed.budgets.iter().find(mine).expect("a budget");
        (budget.held.map(|d| d.seconds), budget.allowed.is_some())
    };
    // What is granted counts against the budget and is not held yet; what the platform holds has no budget (decision 42).
    assert_eq!(of(HoldReason::Customer), (Some(60 * 24 * 3600), true));
    assert_eq!(of(HoldReason::SingleVoice), (Some(0), false));
    resume(&world, &case, HoldReason::Customer)
        .await
        .expect("resumed");
    let approver = limited(&world, "approver", &["clocks.hold", "clocks.hold_beyond"]);
    let beyond = hold_for(&approver, 40).await.expect("allowed");
    assert!(beyond.beyond_budget);
}

#[tokio::test]
async fn a_hold_names_whoever_allowed_it() {
    let world = World::new().await;
    let case = world.case().await;
    let may = ["clocks.hold", "clocks.approve_hold"];
    let lead = limited(&world, "lead-duty", &may);
    let until = world.now() + HOUR * 24;
    let taken = hold_as(&world, lead, &case, HoldReason::Court, until).await;
    let taken = taken.expect("held").hold.expect("a hold");
    assert_eq!(taken.approver, "lead-duty");
    world.advance(HOUR).await;
    hold(&world, &case, HoldReason::Customer, 24).await;
    let listed = held(&world, &case).await;
    let approvers: Vec<&str> = listed.iter().map(|hold| hold.approver.as_str()).collect();
    assert_eq!(approvers, ["lead-duty", "manager"]);
}

#[tokio::test]
async fn p05_an_explanation_names_whose_each_hold_was_and_who_allowed_it_once_they_are_over() {
    let world = World::new().await;
    let case = world.case().await;
    let may = ["clocks.hold", "clocks.approve_hold"];
    for (reason, approver) in [
        (HoldReason::Customer, "first"),
        (HoldReason::Customer, "second"),
        (HoldReason::Court, "third"),
    ] {
        let caller = limited(&world, approver, &may);
        let until = world.now() + HOUR * 24;
        let held = hold_as(&world, caller, &case, reason, until).await;
        held.expect("held");
        world.advance(HOUR).await;
        resume(&world, &case, reason).await.expect("resumed");
    }
    let name = world.clocks(&case).await[&ClockKind::Resolve].name.clone();
    let request = wire::ExplainClockRequest { name };
    let told = world.rpc.explain_clock(by(world.manager(), request)).await;
    let told = told.expect("explained").into_inner();
    let changes: Vec<(&str, i32, &str)> = told
        .changes
        .iter()
        .map(|c| (c.event.as_str(), c.hold_reason, c.hold_approver.as_str()))
        .collect();
    let (customer, court) = (to_wire(HoldReason::Customer), to_wire(HoldReason::Court));
    let resumed = ("resumed", 0, "");
    assert_eq!(
        changes,
        [
            ("started", 0, ""),
            ("held", customer, "first"),
            resumed,
            ("held", customer, "second"),
            resumed,
            ("held", court, "third"),
            resumed,
        ]
    );
}

#[tokio::test]
async fn p06_a_resolved_or_ended_case_is_held_no_more_and_pages_nobody() {
    let world = World::new().await;
    for (mover, status, epoch) in [
        ("assignment", CaseStatus::Resolved, 1),
        ("intake", CaseStatus::Merged, 2),
    ] {
        let case = world.case().await;
        world.tell(&[world.contact(&case, false, true, true)]).await;
        hold(&world, &case, HoldReason::Court, 24).await;
        world
            .tell(&[world.moved(mover, &case, status, epoch)])
            .await;
        assert!(held_kinds(&world, &case).await.is_empty());
        let soon = world.now() + HOUR;
        let refused = hold_as(&world, world.manager(), &case, HoldReason::Court, soon).await;
        assert_eq!(
            refused.expect_err("not open").code(),
            Code::FailedPrecondition
        );
    }
    let open = "SELECT count(*) FROM triage.case_hold WHERE end_time IS NULL";
    assert_eq!(world.count(open).await, 0);
}

#[tokio::test]
async fn p05_a_customer_who_is_away_stops_the_follow_up_visit_and_a_reopening_ends_that_p27() {
    let world = World::new().await;
    let case = world.case().await;
    world.tell(&[world.contact(&case, false, true, true)]).await;
    let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
    world.tell(std::slice::from_ref(&resolved)).await;
    world.advance(HOUR).await;
    hold(&world, &case, HoldReason::Customer, 48).await;
    let follow_up = ClockKind::FollowUpVisit;
    assert_eq!(held_kinds(&world, &case).await, [follow_up]);
    // Told once more, it is still resolved.
    let told_again = world.moved("assignment", &case, CaseStatus::Resolved, 1);
    world.tell(&[told_again]).await;
    assert_eq!(held_kinds(&world, &case).await, [follow_up]);
    world.advance(HOUR * 24).await;
    resume(&world, &case, HoldReason::Customer)
        .await
        .expect("resumed");
    // Tuesday 10:00: 23 working hours were left of three working days.
    let visit = world.clocks(&case).await[&follow_up].clone();
    assert_eq!(time(&visit.due_time), at("2026-03-05T18:00:00+08:00"));
    hold(&world, &case, HoldReason::Customer, 240).await;
    world.advance(HOUR).await;
    let reopened = world.moved("intake", &case, CaseStatus::Reopened, 2);
    world.tell(&[reopened]).await;
    assert!(held_kinds(&world, &case).await.is_empty());
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    assert_eq!(resolve.state, to_wire(ClockState::Running));
    assert_eq!(time(&resolve.due_time), at("2026-03-10T11:00:00+08:00"));
    let open = "SELECT count(*) FROM triage.case_hold WHERE end_time IS NULL";
    assert_eq!(world.count(open).await, 0);
    // The age stood still from the resolution on, and no hour of it twice.
    let row = "SELECT held_micros / 1000000 FROM triage.case_file WHERE held_since IS NULL";
    assert_eq!(world.count(row).await, 26 * 3600);
}

#[tokio::test]
async fn p27_a_reopening_ends_a_hold_though_its_resolution_is_heard_after_it() {
    let world = World::new().await;
    let case = world.case().await;
    hold(&world, &case, HoldReason::Customer, 48).await;
    assert!(!held_kinds(&world, &case).await.is_empty());
    let reopened = world.moved("intake", &case, CaseStatus::Reopened, 2);
    let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
    world.tell(&[reopened, resolved]).await;
    assert!(held_kinds(&world, &case).await.is_empty());
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    assert_eq!(resolve.state, to_wire(ClockState::Running));
}

#[tokio::test]
async fn p06_a_case_that_has_ended_waits_for_no_customer() {
    let world = World::new().await;
    let case = world.case().await;
    let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
    world.tell(&[resolved]).await;
    hold(&world, &case, HoldReason::Customer, 24).await;
    let closed = world.moved("assignment", &case, CaseStatus::Closed, 1);
    world.tell(&[closed]).await;
    assert!(held_kinds(&world, &case).await.is_empty());
    let soon = world.now() + HOUR;
    let refused = hold_as(&world, world.manager(), &case, HoldReason::Customer, soon).await;
    assert_eq!(refused.expect_err("ended").code(), Code::FailedPrecondition);
}

/// A word of the customer that is entered now.
fn word_of(world: &World, case: &CaseName, at: Timestamp) -> redress_events::Event {
    let payload = redress_proto::event::v1::ContactRecorded {
        case: case.to_string(),
        contact_id: uuid::Uuid::now_v7().to_string(),
        direction: redress_proto::event::v1::ContactDirection::Inbound.into(),
        channel: 1,
        by_person: true,
        contact_time: Some(to_timestamp(at)),
        ..Default::default()
    };
    let kind = "redress.contact.recorded.v1";
    world.event("intake", kind, &case.to_string(), &payload)
}

async fn held(world: &World, case: &CaseName) -> Vec<wire::Hold> {
    let request = wire::ListHoldsRequest {
        parent: case.to_string(),
    };
    let listed = world.rpc.list_holds(by(world.manager(), request)).await;
    listed.expect("listed").into_inner().holds
}

async fn told(world: &World, kind: &str) -> Vec<String> {
    let pages = world.pages().await.into_iter();
    pages.filter(|p| p.0 == kind).map(|p| p.1).collect()
}

#[tokio::test]
async fn what_was_due_before_a_hold_is_told_though_no_timer_had_fired_and_told_once() {
    let world = World::new().await;
    let case = world.case().await;
    // Due at 11:00; the worker is away until 11:30, when the case is held.
    world.clock.advance(SignedDuration::from_mins(150));
    hold(&world, &case, HoldReason::Customer, 24).await;
    assert_eq!(told(&world, "START_INVESTIGATION").await, ["BREACHED"]);
    world.advance(HOUR * 24 * 3).await;
    let breaches = told(&world, "START_INVESTIGATION").await;
    let breaches = breaches.iter().filter(|what| *what == "BREACHED").count();
    assert_eq!(breaches, 1);
}

#[tokio::test]
async fn what_is_due_at_the_instant_of_a_hold_is_told() {
    let world = World::new().await;
    let case = world.case().await;
    world.clock.advance(HOUR * 2);
    hold(&world, &case, HoldReason::Customer, 24).await;
    assert_eq!(told(&world, "START_INVESTIGATION").await, ["BREACHED"]);
}

#[tokio::test]
async fn p13_whoever_ends_a_hold_late_gives_no_more_time_than_was_approved() {
    let world = World::new().await;
    let case = world.case().await;
    for by_person in [true, false] {
        let until = world.now() + HOUR;
        hold(&world, &case, HoldReason::Customer, 1).await;
        // The worker is away.
        world.clock.advance(HOUR * 3);
        if by_person {
            let resumed = resume(&world, &case, HoldReason::Customer).await;
            resumed.expect("resumed");
        } else {
            world.tell(&[word_of(&world, &case, world.now())]).await;
        }
        let ended = held(&world, &case).await;
        let last = ended.iter().max_by_key(|hold| time(&hold.start_time));
        let last = last.expect("a hold");
        assert_eq!(time(&last.end_time), until, "{by_person}");
        assert_eq!(last.end_cause, "time");
    }
}

#[tokio::test]
async fn p13_two_holds_that_overlap_stop_the_time_until_the_later_end_though_the_worker_was_away() {
    let world = World::new().await;
    let case = world.case().await;
    hold(&world, &case, HoldReason::OutsideParty, 1).await;
    hold(&world, &case, HoldReason::Court, 24).await;
    world.clock.advance(HOUR * 3);
    let resumed = resume(&world, &case, HoldReason::Court).await;
    resumed.expect("resumed");
    assert!(held_kinds(&world, &case).await.is_empty());
    let row = "SELECT held_micros / 1000000 FROM triage.case_file";
    assert_eq!(world.count(row).await, 3 * 3600);
    // Five working days of eight hours, from noon on.
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    assert_eq!(time(&resolve.due_time), at("2026-03-09T12:00:00+08:00"));
}

#[tokio::test]
async fn a_hold_ends_where_it_began_when_clocks_of_replicas_differ() {
    let world = World::new().await;
    let case = world.case().await;
    world.advance(HOUR).await;
    hold(&world, &case, HoldReason::Customer, 24).await;
    let start = world.now();
    world.clock.set(start - SignedDuration::from_secs(2));
    let resumed = resume(&world, &case, HoldReason::Customer).await;
    resumed.expect("resumed");
    let ended = held(&world, &case).await;
    assert_eq!(time(&ended[0].end_time), start);
    assert!(held_kinds(&world, &case).await.is_empty());
}

#[tokio::test]
async fn what_starts_after_a_hold_whose_end_nobody_saw_to_yet_runs() {
    use redress_timers::Truth as _;
    let world = World::new().await;
    let case = world.case().await;
    let proposed = world.moved("assignment", &case, CaseStatus::Proposed, 1);
    let told = world.contact(&case, false, true, true);
    world.tell(&[proposed, told]).await;
    hold(&world, &case, HoldReason::Customer, 1).await;
    // Days later the customer's silence is seen first, then that the hold is over.
    world.clock.advance(HOUR * 24 * 4);
    let truth =
        redress_triage::jobs::ClockTruth::new(world.database.db.clone(), std::sync::Arc::default());
    let silence: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM triage.clock WHERE kind = 'CONFIRM_CLOSING'")
            .fetch_one(&world.database.admin)
            .await
            .expect("asked");
    let due = truth.due(None, world.now(), 100).await.expect("read");
    let entry = due.iter().find(|entry| entry.id == silence).expect("due");
    truth.fire(entry, &[], world.now()).await.expect("fired");
    assert!(
        world
            .clocks(&case)
            .await
            .contains_key(&ClockKind::FollowUpVisit)
    );
    world.advance(HOUR).await;
    assert!(held_kinds(&world, &case).await.is_empty());
}

#[tokio::test]
async fn a_word_from_before_a_hold_does_not_end_it_and_a_later_one_ends_it_at_its_own_instant() {
    let world = World::new().await;
    let case = world.case().await;
    let before = world.now() + SignedDuration::from_mins(30);
    world.advance(HOUR).await;
    hold(&world, &case, HoldReason::Customer, 240).await;
    let after = world.now() + SignedDuration::from_mins(15);
    world.advance(HOUR).await;
    world.tell(&[word_of(&world, &case, before)]).await;
    assert!(!held_kinds(&world, &case).await.is_empty(), "entered late");
    world.tell(&[word_of(&world, &case, after)]).await;
    assert!(held_kinds(&world, &case).await.is_empty());
    let ended = held(&world, &case).await;
    assert_eq!(time(&ended[0].end_time), after);
}

/// News that messages of a case wait for the spokesperson.
pub(crate) fn waits(world: &World, case: &CaseName, waiting: i32) -> redress_events::Event {
    let payload = redress_proto::event::v1::MessageHeld {
        case: case.to_string(),
        waiting_count: waiting,
        ..Default::default()
    };
    world.event(
        "notification",
        "redress.message.held.v1",
        &case.to_string(),
        &payload,
    )
}

#[tokio::test]
async fn what_waits_for_the_spokesperson_stands_still_until_the_last_is_decided_and_the_age_counts_on()
 {
    let world = World::new().await;
    let case = world.case().await;
    world
        .tell(&[waits(&world, &case, 1), waits(&world, &case, 2)])
        .await;
    assert_eq!(held_kinds(&world, &case).await, [ClockKind::Answer]);
    let list = wire::ListHoldsRequest {
        parent: case.to_string(),
    };
    let list = world.rpc.list_holds(by(world.manager(), list)).await;
    let holds = list.expect("listed").into_inner().holds;
    assert_eq!(holds.len(), 1);
    assert_eq!(holds[0].reason, to_wire(HoldReason::SingleVoice));
    world.advance(HOUR * 24 * 8).await;
    world.tell(&[waits(&world, &case, 1)]).await;
    assert_eq!(held_kinds(&world, &case).await, [ClockKind::Answer]);
    world.tell(&[waits(&world, &case, 0)]).await;
    assert!(held_kinds(&world, &case).await.is_empty());
    // It was our own spokesperson who let it wait: eight days have passed (G2.4 at fifteen).
    world.advance(HOUR * 24 * 7 + HOUR).await;
    let decision = world.decision(&case).await;
    assert!(
        crate::world::ids(&decision).contains(&"G2.4"),
        "{decision:?}"
    );
}

#[tokio::test]
async fn a_case_ages_while_a_message_waits_for_the_spokesperson_g2_4() {
    let world = World::new().await;
    let case = world.case().await;
    world.tell(&[waits(&world, &case, 1)]).await;
    world.advance(HOUR * (24 * 15 + 1)).await;
    assert!(!held_kinds(&world, &case).await.is_empty());
    let decision = world.decision(&case).await;
    assert!(crate::world::ids(&decision).contains(&"G2.4"));
}

#[tokio::test]
async fn only_the_platform_lets_a_case_wait_for_the_spokesperson_p05() {
    let world = World::new().await;
    let case = world.case().await;
    let until = world.now() + HOUR * 24;
    let reason = HoldReason::SingleVoice;
    let refused = hold_as(&world, world.manager(), &case, reason, until).await;
    let status = refused.expect_err("refused");
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    assert!(held_kinds(&world, &case).await.is_empty());
    // Nor does anybody else end it.
    world.tell(&[waits(&world, &case, 1)]).await;
    let refused = resume(&world, &case, reason).await.expect_err("refused");
    assert_eq!(crate::grading::reason(&refused), "HOLD_NOT_ALLOWED");
    assert_eq!(held_kinds(&world, &case).await, [ClockKind::Answer]);
}

#[tokio::test]
async fn what_still_waits_for_the_spokesperson_when_a_case_is_reopened_stands_still_again_p27() {
    for decided in [false, true] {
        let world = World::new().await;
        let case = world.case().await;
        world.tell(&[waits(&world, &case, 1)]).await;
        let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
        world.tell(&[resolved]).await;
        assert!(held_kinds(&world, &case).await.is_empty());
        world.advance(HOUR).await;
        if decided {
            world.tell(&[waits(&world, &case, 0)]).await;
        }
        let reopened = world.moved("intake", &case, CaseStatus::Reopened, 2);
        world.tell(&[reopened]).await;
        let expected = if decided {
            vec![]
        } else {
            vec![ClockKind::Answer]
        };
        assert_eq!(held_kinds(&world, &case).await, expected, "{decided}");
        world.tell(&[waits(&world, &case, 0)]).await;
        assert!(held_kinds(&world, &case).await.is_empty());
    }
}

#[tokio::test]
async fn what_a_release_decided_that_marks_nothing_holds_no_case_that_moves_on_p27() {
    for reopened in [false, true] {
        let world = World::new().await;
        let case = world.case().await;
        world.tell(&[waits(&world, &case, 1)]).await;
        world.advance(HOUR).await;
        // It ends the hold, and leaves the mark that it does not know.
        world.tell(&[waits(&world, &case, 0)]).await;
        sqlx::query("UPDATE triage.case_file SET voice_waits = true WHERE id = $1")
            .bind(case.id)
            .execute(&world.database.admin)
            .await
            .expect("left");
        if reopened {
            let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
            world.tell(&[resolved]).await;
            world.advance(HOUR).await;
            let again = world.moved("intake", &case, CaseStatus::Reopened, 2);
            world.tell(&[again]).await;
        } else {
            let begun = world.moved("assignment", &case, CaseStatus::Investigating, 1);
            world.tell(&[begun]).await;
        }
        assert!(held_kinds(&world, &case).await.is_empty(), "{reopened}");
        // Another message waits all the same.
        world.advance(HOUR).await;
        world.tell(&[waits(&world, &case, 1)]).await;
        let held = held_kinds(&world, &case).await;
        assert_eq!(held, [ClockKind::Answer], "{reopened}");
    }
}

#[tokio::test]
async fn what_waits_since_the_resolution_stands_still_when_a_case_is_reopened_though_another_was_decided()
 {
    let world = World::new().await;
    let case = world.case().await;
    world
        .tell(&[waits(&world, &case, 1), waits(&world, &case, 0)])
        .await;
    let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
    world.tell(&[resolved, waits(&world, &case, 1)]).await;
    assert!(held_kinds(&world, &case).await.is_empty());
    world.advance(HOUR).await;
    let reopened = world.moved("intake", &case, CaseStatus::Reopened, 2);
    world.tell(&[reopened]).await;
    assert_eq!(held_kinds(&world, &case).await, [ClockKind::Answer]);
}

#[tokio::test]
async fn i3_of_an_erased_case_no_hold_keeps_its_note_and_none_that_comes_later_does() {
    let world = World::new().await;
    let case = world.case().await;
    hold(&world, &case, HoldReason::Customer, 48).await;
    let facts = redress_proto::event::v1::CaseFacts {
        revision: 9,
        erased: true,
        ..world.facts(&case)
    };
    world.tell(&[world.updated(facts.clone())]).await;
    hold(&world, &case, HoldReason::Court, 24).await;
    world.tell(&[world.updated(facts)]).await;
    let request = wire::ListHoldsRequest {
        parent: case.to_string(),
    };
    let listed = world.rpc.list_holds(by(world.manager(), request)).await;
    let holds = listed.expect("listed").into_inner().holds;
    let notes: Vec<&str> = holds.iter().map(|hold| hold.note.as_str()).collect();
    assert_eq!(notes, ["erased with the case"; 2]);
}
