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
async fn p04_grade_owner_and_cluster_change_under_a_hold_and_the_time_used_stays() {
    let world = World::new().await;
    let case = world.case().await;
    let other = world.case().await;
    world.advance(HOUR).await;
    hold(&world, &case, HoldReason::Customer, 24 * 30).await;
    let before = held_kinds(&world, &case).await;
    world.advance(HOUR * 2).await;
    world.tell(&[world.owned(&case, "another", 7)]).await;
    grade_one(&world, &case).await;
    let (one, two) = (
        world.decision(&case).await.cluster,
        world.decision(&other).await.cluster,
    );
    if one != two {
        let merge = wire::MergeClustersRequest {
            name: two,
            source: one,
            ..Default::default()
        };
        use redress_proto::triage::v1::cluster_service_server::ClusterService as _;
        let merged = world.rpc.merge_clusters(by(world.manager(), merge)).await;
        merged.expect("merged");
    }
    let during: Vec<ClockKind> = held_kinds(&world, &case).await;
    assert!(
        before.iter().all(|kind| during.contains(kind)),
        "{during:?}"
    );
    world.advance(HOUR * 24).await;
    resume(&world, &case, HoldReason::Customer)
        .await
        .expect("resumed");
    let answer = world.clocks(&case).await[&ClockKind::Answer].clone();
    // 24 hours of grade 1, of which one was used before the hold.
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
async fn a_hold_needs_its_approver_and_its_budget() {
    let world = World::new().await;
    let case = world.case().await;
    let limited = |permissions: &[&str]| {
        let mut caller = world.manager();
        let all: std::collections::BTreeSet<String> =
            permissions.iter().map(|p| (*p).to_owned()).collect();
        let roles = redress_rpc::roles::Roles::new(std::collections::BTreeMap::from([(
            "limited".to_owned(),
            all.into_iter().collect(),
        )]));
        caller.permissions = roles.permissions(["limited"]);
        caller
    };
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
