//! What a reopening promises anew, and what it does not (domain.md section 6, P27).

use jiff::{SignedDuration, Timestamp};
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, ClockKind, ClockState};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService as _;

use crate::holds::waits;
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

/// A talk with a person of ours as whoever enters it tells of it, at whatever time it was: an answer, or what the customer asks.
fn talked(
    world: &World,
    case: &CaseName,
    at: Timestamp,
    inbound: bool,
    promised: Option<Timestamp>,
) -> redress_events::Event {
    let direction = if inbound {
        event::ContactDirection::Inbound
    } else {
        event::ContactDirection::Outbound
    };
    let payload = event::ContactRecorded {
        case: case.to_string(),
        contact_id: uuid::Uuid::now_v7().to_string(),
        direction: direction.into(),
        channel: to_wire(redress_model::words::Channel::Hotline),
        by_person: true,
        substantive: !inbound,
        contact_time: Some(to_timestamp(at)),
        promised_next_time: promised.map(to_timestamp),
        staff: "sites/lakeside/staff/handler".to_owned(),
        ..Default::default()
    };
    let kind = "redress.contact.recorded.v1";
    world.event("intake", kind, &case.to_string(), &payload)
}

/// Where a promise of this kind stands, from when and until when.
async fn stands(
    world: &World,
    case: &CaseName,
    kind: &'static str,
) -> Option<(String, Timestamp, Timestamp)> {
    let row: Option<(String, jiff_sqlx::Timestamp, jiff_sqlx::Timestamp)> = sqlx::query_as(
        "SELECT state, start_time, due_time FROM triage.clock WHERE case_id = $1 AND kind = $2",
    )
    .bind(case.id)
    .bind(kind)
    .fetch_optional(&world.database.admin)
    .await
    .expect("read");
    row.map(|(state, start, due)| (state, start.to_jiff(), due.to_jiff()))
}

#[tokio::test]
async fn p02_an_answer_from_before_the_end_that_is_heard_after_it_answers_i3() {
    let minute = SignedDuration::from_mins(1);
    let mut ends = Vec::new();
    for in_order in [true, false] {
        let world = World::new().await;
        let case = world.case().await;
        let first = talked(&world, &case, world.now(), false, None);
        world.tell(&[first]).await;
        world.advance(HOUR).await;
        let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
        world.tell(&[resolved]).await;
        world.advance(HOUR).await;
        world
            .tell(&[talked(&world, &case, world.now(), true, None)])
            .await;
        world.advance(HOUR).await;
        let answer = talked(&world, &case, world.now(), false, None);
        let answered = world.now();
        world.advance(minute).await;
        let mut heard = vec![
            answer,
            world.moved("assignment", &case, CaseStatus::Closed, 1),
        ];
        if !in_order {
            heard.reverse();
        }
        world.tell(&heard).await;
        let words =
            "SELECT count(*) FROM triage.case_file WHERE last_outward = last_word AND last_word = (
                       SELECT stop_time FROM triage.clock WHERE kind = 'ANSWER')";
        assert_eq!(world.count(words).await, 1, "{in_order}");
        world.advance(HOUR).await;
        let reopened = world.moved("intake", &case, CaseStatus::Reopened, 2);
        world.tell(&[reopened]).await;
        world.advance(HOUR * 24 * 3).await;
        assert_eq!(world.paged("ANSWER", "BREACHED").await, 0, "{in_order}");
        let stands = stands(&world, &case, "ANSWER").await.expect("promised");
        assert_eq!(stands.0, "MET", "{in_order}");
        ends.push((stands, answered));
    }
    assert_eq!(ends[0], ends[1]);
}

#[tokio::test]
async fn what_was_asked_before_the_end_and_not_answered_is_asked_still_when_the_case_is_reopened_i3()
 {
    // An answer and a question after it, both from before the end, in whichever order they and the end are heard.
    for order in [
        [0, 1, 2],
        [2, 0, 1],
        [2, 1, 0],
        [1, 2, 0],
        [0, 2, 1],
        [1, 0, 2],
    ] {
        let world = World::new().await;
        let case = world.case().await;
        world.advance(HOUR).await;
        let answer = talked(&world, &case, world.now(), false, None);
        world.advance(HOUR).await;
        let question = talked(&world, &case, world.now(), true, None);
        world.advance(HOUR).await;
        let told = [
            answer,
            question,
            world.moved("intake", &case, CaseStatus::Withdrawn, 2),
        ];
        for i in order {
            world.tell(&[told[i].clone()]).await;
        }
        let stands = async || stands(&world, &case, "ANSWER").await.expect("promised");
        assert_eq!(stands().await.0, "CANCELLED", "{order:?}");
        world.advance(HOUR).await;
        let reopened = world.moved("intake", &case, CaseStatus::Reopened, 3);
        world.tell(&[reopened]).await;
        let (state, start, _) = stands().await;
        assert_eq!(
            (state.as_str(), start),
            ("RUNNING", world.now()),
            "{order:?}"
        );
    }
}

#[tokio::test]
async fn what_is_asked_without_a_channel_has_a_time_of_its_own_whichever_word_is_heard_first_i3() {
    let quarter = SignedDuration::from_mins(15);
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let world = World::new().await;
        let case = world.case().await;
        // Its deadline is an hour later than its length gives.
        world.tell(&[waits(&world, &case, 1)]).await;
        world.advance(HOUR).await;
        world.tell(&[waits(&world, &case, 0)]).await;
        world.advance(quarter).await;
        let answer = talked(&world, &case, world.now(), false, None);
        world.advance(quarter).await;
        let asked = world.now();
        let payload = event::ContactRecorded {
            case: case.to_string(),
            contact_id: uuid::Uuid::now_v7().to_string(),
            direction: event::ContactDirection::Inbound.into(),
            contact_time: Some(to_timestamp(asked)),
            ..Default::default()
        };
        let kind = "redress.contact.recorded.v1";
        let question = world.event("intake", kind, &case.to_string(), &payload);
        world.advance(HOUR).await;
        let told = [
            answer,
            question,
            world.moved("intake", &case, CaseStatus::Withdrawn, 2),
        ];
        for i in order {
            world.tell(&[told[i].clone()]).await;
        }
        let due = at("2026-03-03T10:30:00+08:00");
        let stands = stands(&world, &case, "ANSWER").await;
        assert_eq!(
            stands,
            Some(("CANCELLED".to_owned(), asked, due)),
            "{order:?}"
        );
    }
}

#[tokio::test]
async fn m16_what_a_word_from_before_the_end_promised_is_owed_once_the_case_is_reopened_i3() {
    let mut ends = Vec::new();
    for in_order in [true, false] {
        let world = World::new().await;
        let case = world.case().await;
        world.advance(HOUR).await;
        let due = world.now() + HOUR * 24 * 5;
        let word = talked(&world, &case, world.now(), false, Some(due));
        world.advance(HOUR).await;
        let mut heard = vec![
            word,
            world.moved("assignment", &case, CaseStatus::Rejected, 1),
        ];
        if !in_order {
            heard.reverse();
        }
        world.tell(&heard).await;
        let ended = stands(&world, &case, "INTERIM_UPDATE")
            .await
            .expect("promised");
        assert_eq!(ended.0, "CANCELLED", "P06");
        world.advance(HOUR).await;
        let reopened = world.moved("intake", &case, CaseStatus::Reopened, 2);
        world.tell(&[reopened]).await;
        ends.push(
            stands(&world, &case, "INTERIM_UPDATE")
                .await
                .expect("promised"),
        );
        assert_eq!(ends[0].0, "RUNNING");
    }
    assert_eq!(ends[0], ends[1]);
}

#[tokio::test]
async fn what_is_said_after_the_end_meets_nothing_and_one_from_before_it_ends_no_other_promise_p06()
{
    let world = World::new().await;
    let case = world.case().await;
    world.advance(HOUR).await;
    let before = world.now();
    world.advance(HOUR).await;
    let rejected = world.moved("assignment", &case, CaseStatus::Rejected, 1);
    world.tell(&[rejected]).await;
    world.advance(HOUR).await;
    let payload = event::DemandChanged {
        case: case.to_string(),
        demand: uuid::Uuid::now_v7().to_string(),
        kind: to_wire(ClockKind::Support),
        state: event::DemandState::Open.into(),
        start_time: Some(to_timestamp(world.now())),
        due_time: Some(to_timestamp(world.now() + HOUR * 72)),
        ..Default::default()
    };
    let appeal = world.event(
        "assignment",
        "redress.demand.changed.v1",
        &case.to_string(),
        &payload,
    );
    world.tell(&[appeal]).await;
    let state = async |kind| stands(&world, &case, kind).await.expect("promised").0;
    world
        .tell(&[talked(&world, &case, world.now(), false, None)])
        .await;
    assert_eq!(state("ANSWER").await, "CANCELLED");
    world
        .tell(&[talked(&world, &case, before, false, None)])
        .await;
    assert_eq!(state("ANSWER").await, "MET");
    assert_eq!(state("RESOLVE").await, "CANCELLED");
    assert_eq!(state("SUPPORT").await, "RUNNING");
}

/// The case is merged into that one.
fn merged(world: &World, case: &CaseName, head: &CaseName) -> redress_events::Event {
    let payload = event::CaseMoved {
        case: case.to_string(),
        status: to_wire(CaseStatus::Merged),
        epoch: 2,
        move_time: Some(to_timestamp(world.now())),
        merged_into: head.to_string(),
        ..Default::default()
    };
    let kind = "redress.case.moved.v1";
    world.event("intake", kind, &case.to_string(), &payload)
}

#[tokio::test]
async fn m16_a_word_from_before_a_merge_that_promises_another_is_owed_by_the_head_in_any_order_i3()
{
    // A word that promises the next one for later or for earlier, an earlier one to whoever calls, which the first gives way to,
    // and a later one of which is heard when the head has ended too.
    for (inbound, hours, head_ends) in [
        (false, 27, false),
        (false, 4, false),
        (true, 4, false),
        (false, 27, true),
    ] {
        let mut ends = Vec::new();
        for in_order in [true, false] {
            let world = World::new().await;
            let (case, head) = (world.case().await, world.case().await);
            let begun = world.now();
            let first = talked(&world, &case, begun, false, Some(begun + HOUR * 9));
            world.tell(&[first]).await;
            world.advance(HOUR).await;
            let due = begun + HOUR * hours;
            let word = talked(&world, &case, world.now(), inbound, Some(due));
            world.advance(HOUR).await;
            let mut heard = vec![word, merged(&world, &case, &head)];
            if head_ends {
                heard.push(world.moved("assignment", &head, CaseStatus::Rejected, 1));
            }
            if !in_order {
                heard.rotate_left(1);
            }
            world.tell(&heard).await;
            if head_ends {
                world.advance(HOUR).await;
                let reopened = world.moved("intake", &head, CaseStatus::Reopened, 2);
                world.tell(&[reopened]).await;
            }
            let carried = stands(&world, &head, "INTERIM_UPDATE").await;
            let carried = carried.expect("carried");
            let what = format!("{inbound} {hours} {head_ends} {in_order}");
            assert_eq!((carried.0.as_str(), carried.2), ("RUNNING", due), "{what}");
            world.advance(HOUR * 12).await;
            let breaches = world.paged("INTERIM_UPDATE", "BREACHED").await;
            assert_eq!(breaches, usize::from(hours == 4), "{what}");
            ends.push(carried);
        }
        assert_eq!(ends[0], ends[1]);
    }
}

#[tokio::test]
async fn m16_a_word_from_before_a_merge_owes_the_next_by_grade_once_the_merge_is_undone_i3() {
    let mut ends = Vec::new();
    for in_order in [true, false] {
        let world = World::new().await;
        let (case, head) = (world.new_case(), world.case().await);
        let grave = event::CaseFacts {
            headcount: 3,
            ..world.facts(&case)
        };
        world.tell(&[world.received(grave)]).await;
        world.advance(HOUR).await;
        let said = world.now();
        let word = talked(&world, &case, said, false, None);
        world.advance(HOUR).await;
        let mut heard = vec![word, merged(&world, &case, &head)];
        if !in_order {
            heard.reverse();
        }
        world.tell(&heard).await;
        world.advance(HOUR).await;
        let apart = world.moved("intake", &case, CaseStatus::Received, 3);
        world.tell(&[apart]).await;
        let owed = stands(&world, &case, "INTERIM_UPDATE").await;
        let owed = owed.expect("promised");
        assert_eq!((owed.0.as_str(), owed.1), ("RUNNING", said), "{in_order}");
        ends.push(owed);
    }
    assert_eq!(ends[0], ends[1]);
}

#[tokio::test]
async fn m16_a_word_from_before_a_merge_that_is_heard_after_it_keeps_what_the_head_carries_i3() {
    let world = World::new().await;
    let (case, head) = (world.case().await, world.case().await);
    let due = world.now() + HOUR * 24 * 2;
    let promise = talked(&world, &case, world.now(), false, Some(due));
    world.tell(&[promise]).await;
    world.advance(HOUR).await;
    let kept = talked(&world, &case, world.now(), false, None);
    world.advance(HOUR).await;
    world.tell(&[merged(&world, &case, &head)]).await;
    let carried = async || {
        stands(&world, &head, "INTERIM_UPDATE")
            .await
            .expect("carried")
            .0
    };
    assert_eq!(carried().await, "RUNNING");
    world.tell(&[kept]).await;
    assert_eq!(carried().await, "MET");
    world.advance(HOUR * 24 * 3).await;
    assert_eq!(world.paged("INTERIM_UPDATE", "BREACHED").await, 0);
}
