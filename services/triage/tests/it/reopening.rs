//! What a reopening promises anew, and what it does not (domain.md section 6, P27).

use jiff::{SignedDuration, Timestamp};
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, ClockKind, ClockState};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService as _;

use crate::world::{World, at, by, ids, time};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn extend(world: &World, clock: &wire::CaseClock, due: Timestamp) {
    let request = wire::ExtendClockRequest {
        name: clock.name.clone(),
        due_time: Some(to_timestamp(due)),
        reason: "more is to be done".to_owned(),
        etag: clock.etag.clone(),
        request_id: String::new(),
    };
    let extended = world.rpc.extend_clock(by(world.manager(), request)).await;
    extended.expect("extended");
}

async fn outside(world: &World, case: &CaseName, due: Timestamp) {
    let request = wire::StartClockRequest {
        parent: case.to_string(),
        kind: to_wire(ClockKind::OutsideDeadline),
        term: Some(wire::start_clock_request::Term::DueTime(to_timestamp(due))),
        party: "12345".to_owned(),
        ..Default::default()
    };
    let started = world.rpc.start_clock(by(world.manager(), request)).await;
    started.expect("started");
}

/// Whoever was paged last about an outside deadline acknowledges it.
async fn acknowledge(world: &World) {
    let told = world.pages_about(ClockKind::OutsideDeadline).await;
    let last = told.last().expect("a page");
    world.tell(&[world.acknowledged(last)]).await;
}

#[tokio::test]
async fn p27_what_was_extended_and_resolved_is_promised_anew_by_the_policy_when_it_is_reopened() {
    // Before the instant that a person gave, and after it.
    for (away, anew) in [
        (10, "2026-03-19T09:00:00+08:00"),
        (28, "2026-04-07T09:00:00+08:00"),
    ] {
        let world = World::new().await;
        let case = world.case().await;
        let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
        extend(&world, &resolve, at("2026-03-20T09:00:00+08:00")).await;
        let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
        world.tell(&[resolved]).await;
        world.advance(HOUR * 24 * away).await;
        let reopened = world.moved("intake", &case, CaseStatus::Reopened, 2);
        world.tell(&[reopened]).await;
        let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
        assert_eq!(resolve.state, to_wire(ClockState::Running), "{away}");
        assert_eq!(time(&resolve.due_time), at(anew), "{away}");
    }
}

#[tokio::test]
async fn an_outside_deadline_that_passed_while_the_case_was_closed_breaches_visibly_and_once() {
    let world = World::new().await;
    let case = world.case().await;
    let due = world.now() + HOUR * 24 * 2;
    outside(&world, &case, due).await;
    let mut epoch = 1;
    for away in [5, 1] {
        epoch += 2;
        let merged = world.moved("intake", &case, CaseStatus::Merged, epoch);
        world.tell(&[merged]).await;
        world.advance(HOUR * 24 * away).await;
        assert_eq!(
            world.paged("OUTSIDE_DEADLINE", "BREACHED").await,
            usize::from(away == 1)
        );
        let unmerged = world.moved("intake", &case, CaseStatus::Triaged, epoch + 1);
        world.tell(&[unmerged]).await;
        world.advance(HOUR).await;
        assert_eq!(world.paged("OUTSIDE_DEADLINE", "BREACHED").await, 1);
        let pages = world.pages().await;
        let climbed = |p: &(String, String, i32, Vec<String>)| {
            p.0 == "OUTSIDE_DEADLINE" && p.2 > 1 && p.1 == "CLIMBED"
        };
        assert!(!pages.iter().any(climbed), "P11: not all leads at once");
        let clock = world.clocks(&case).await[&ClockKind::OutsideDeadline].clone();
        assert_eq!(clock.state, to_wire(ClockState::Breached), "{away}");
        acknowledge(&world).await;
    }
    // Half of the two days after it was last reopened, as it would have been after the deadline.
    let climbs = async || world.paged("OUTSIDE_DEADLINE", "CLIMBED").await;
    world.advance(HOUR * 22).await;
    assert_eq!(climbs().await, 0);
    world.advance(HOUR * 2).await;
    assert_eq!(climbs().await, 1);
    // What lies ahead still stands as it was given.
    let later = world.now() + HOUR * 24 * 9;
    let other = world.case().await;
    outside(&world, &other, later).await;
    world
        .tell(&[world.moved("intake", &other, CaseStatus::Merged, 2)])
        .await;
    world.advance(HOUR * 24).await;
    world
        .tell(&[world.moved("intake", &other, CaseStatus::Triaged, 3)])
        .await;
    let clock = world.clocks(&other).await[&ClockKind::OutsideDeadline].clone();
    assert_eq!(
        (clock.state, time(&clock.due_time)),
        (to_wire(ClockState::Running), later)
    );
    // Half of the time that was given, not of what the reopening left.
    assert_eq!(time(&clock.warn_early_time), later - HOUR * 12 * 9);
}

#[tokio::test]
async fn a_merge_that_is_undone_buys_no_time() {
    let world = World::new().await;
    let case = world.case().await;
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    // Whatever gave its deadline.
    extend(&world, &resolve, at("2026-03-20T09:00:00+08:00")).await;
    let stand = async || {
        let clocks = world.clocks(&case).await;
        let stand = clocks.into_iter().map(|(kind, c)| {
            let times = (time(&c.start_time), time(&c.due_time));
            (kind, c.state, times)
        });
        stand.collect::<Vec<_>>()
    };
    let before = stand().await;
    for epoch in [2, 4] {
        let merged = world.moved("intake", &case, CaseStatus::Merged, epoch);
        world.tell(&[merged]).await;
        world.advance(SignedDuration::from_mins(20)).await;
        let undone = world.moved("intake", &case, CaseStatus::Triaged, epoch + 1);
        world.tell(&[undone]).await;
        assert_eq!(stand().await, before, "{epoch}");
    }
}

#[tokio::test]
async fn what_was_warned_of_before_a_merge_is_not_warned_of_again_when_it_is_undone_p08() {
    let world = World::new().await;
    let case = world.case().await;
    let warned = async || world.paged("ACKNOWLEDGE", "WARNED").await;
    // 13:20, of 09:00 to 14:00.
    world.advance(SignedDuration::from_mins(260)).await;
    assert_eq!(warned().await, 1);
    let merged = world.moved("intake", &case, CaseStatus::Merged, 2);
    world.tell(&[merged]).await;
    world.advance(SignedDuration::from_mins(5)).await;
    let undone = world.moved("intake", &case, CaseStatus::Triaged, 3);
    world.tell(&[undone]).await;
    world.advance(SignedDuration::from_mins(5)).await;
    assert_eq!(warned().await, 1);
    world.advance(HOUR).await;
    assert_eq!(world.paged("ACKNOWLEDGE", "BREACHED").await, 1);
}

#[tokio::test]
async fn what_passed_during_a_merge_is_told_once_when_it_is_undone_and_climbs_from_then_on_p11() {
    let world = World::new().await;
    let case = world.case().await;
    let breached = async || world.paged("ACKNOWLEDGE", "BREACHED").await;
    for epoch in [2, 4] {
        let merged = world.moved("intake", &case, CaseStatus::Merged, epoch);
        world.tell(&[merged]).await;
        world.advance(HOUR * 24).await;
        assert_eq!(breached().await, usize::from(epoch == 4), "P06");
        let undone = world.moved("intake", &case, CaseStatus::Triaged, epoch + 1);
        world.tell(&[undone]).await;
        world.advance(SignedDuration::from_mins(10)).await;
        assert_eq!(breached().await, 1, "{epoch}");
        assert_eq!(world.paged("ACKNOWLEDGE", "CLIMBED").await, 0, "{epoch}");
        let clock = world.clocks(&case).await[&ClockKind::Acknowledge].clone();
        assert_eq!(clock.state, to_wire(ClockState::Breached), "{epoch}");
    }
    world.advance(HOUR * 24).await;
    assert!(world.paged("ACKNOWLEDGE", "CLIMBED").await > 0);
}

#[tokio::test]
async fn a_case_ages_while_it_is_merged_g2_4() {
    let world = World::new().await;
    let case = world.case().await;
    let merged = world.moved("intake", &case, CaseStatus::Merged, 2);
    world.tell(&[merged]).await;
    world.advance(HOUR * 24 * 16).await;
    let undone = world.moved("intake", &case, CaseStatus::Triaged, 3);
    world.tell(&[undone]).await;
    assert!(ids(&world.decision(&case).await).contains(&"G2.4"));
}

#[tokio::test]
async fn what_intake_opens_again_is_told_again_in_its_new_epoch_i3_p06() {
    let world = World::new().await;
    for status in [CaseStatus::Withdrawn, CaseStatus::Merged] {
        let case = world.case().await;
        world.tell(&[world.moved("intake", &case, status, 2)]).await;
        let told = async || {
            let graded = "redress.case.graded.v1";
            let mut told: Vec<event::CaseGraded> = world.said(graded).await;
            told.retain(|graded| graded.case == case.to_string());
            told
        };
        let before = told().await;
        let reopened = world.moved("intake", &case, CaseStatus::Reopened, 3);
        world.tell(&[reopened]).await;
        let after = told().await;
        assert_eq!(after.len(), before.len() + 1, "{status:?}");
        let [first, again] = [&after[0], &after[after.len() - 1]];
        assert_eq!((first.epoch, again.epoch), (1, 3));
        assert_eq!(
            (again.grade, again.previous_grade),
            (first.grade, first.grade)
        );
        assert!(again.revision > first.revision, "{status:?}");
    }
}

#[tokio::test]
async fn a_deadline_that_a_mistyped_year_sets_is_refused() {
    let world = World::new().await;
    let case = world.case().await;
    let far = world.now() + HOUR * 24 * 366 * 6;
    let start = wire::StartClockRequest {
        parent: case.to_string(),
        kind: to_wire(ClockKind::OutsideDeadline),
        term: Some(wire::start_clock_request::Term::DueTime(to_timestamp(far))),
        party: "12345".to_owned(),
        ..Default::default()
    };
    let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
    let extend = wire::ExtendClockRequest {
        name: resolve.name,
        due_time: Some(to_timestamp(far)),
        reason: "more is to be done".to_owned(),
        etag: resolve.etag,
        request_id: String::new(),
    };
    let refused = [
        world
            .rpc
            .start_clock(by(world.manager(), start))
            .await
            .err(),
        world
            .rpc
            .extend_clock(by(world.manager(), extend))
            .await
            .err(),
    ];
    for status in refused {
        let status = status.expect("refused");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert!(status.message().contains("due_time"), "{status:?}");
    }
}

#[tokio::test]
async fn p14_a_broken_outside_deadline_that_nobody_heard_of_is_told_when_its_case_is_reopened() {
    let world = World::new().await;
    let case = world.case().await;
    outside(&world, &case, world.now() + HOUR * 24 * 2).await;
    world
        .advance(HOUR * 48 + SignedDuration::from_mins(5))
        .await;
    let breached = async || world.paged("OUTSIDE_DEADLINE", "BREACHED").await;
    assert_eq!(breached().await, 1);
    let again = async |epoch| {
        let withdrawn = world.moved("intake", &case, CaseStatus::Withdrawn, epoch);
        world.tell(&[withdrawn]).await;
        world.advance(HOUR).await;
        let reopened = world.moved("intake", &case, CaseStatus::Reopened, epoch + 1);
        let before = to_pages(&world).await;
        world.tell(&[reopened]).await;
        world.advance(SignedDuration::from_mins(1)).await;
        to_pages(&world).await - before
    };
    // Nobody acknowledged.
    assert_eq!(again(2).await, 1);
    assert_eq!(breached().await, 1, "P11: the breach is told once");
    // Somebody did.
    acknowledge(&world).await;
    assert_eq!(again(4).await, 0);
}

/// How often somebody was paged about an outside deadline.
async fn to_pages(world: &World) -> usize {
    world.pages_about(ClockKind::OutsideDeadline).await.len()
}

#[tokio::test]
async fn what_is_reopened_before_its_resolution_is_heard_is_resolved_anew_i3() {
    let mut ends = Vec::new();
    for in_order in [true, false] {
        let world = World::new().await;
        let case = world.case().await;
        world.advance(HOUR * 24).await;
        let mut heard = vec![
            world.moved("assignment", &case, CaseStatus::Resolved, 1),
            world.moved("intake", &case, CaseStatus::Reopened, 2),
        ];
        if !in_order {
            heard.reverse();
        }
        world.tell(&heard).await;
        let resolve = world.clocks(&case).await[&ClockKind::Resolve].clone();
        assert_eq!(resolve.state, to_wire(ClockState::Running), "{in_order}");
        assert_eq!(time(&resolve.start_time), world.now(), "{in_order}");
        ends.push(time(&resolve.due_time));
    }
    assert_eq!(ends[0], ends[1]);
}
