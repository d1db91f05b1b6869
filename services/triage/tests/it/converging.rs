//! Any order between producers leads to the same end (I3).

use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, ClockKind, ClockState};
use redress_proto::convert::to_wire;
use redress_proto::event::v1::DeliverOutcome;

use crate::world::World;

/// Every interleaving of two sequences.
fn interleavings(a: &[Event], b: &[Event]) -> Vec<Vec<Event>> {
    match (a.split_first(), b.split_first()) {
        (None, _) => vec![b.to_vec()],
        (_, None) => vec![a.to_vec()],
        (Some((x, rest_a)), Some((y, rest_b))) => {
            let mut all = vec![];
            for (first, rest) in [(x, interleavings(rest_a, b)), (y, interleavings(a, rest_b))] {
                all.extend(rest.into_iter().map(|mut tail| {
                    tail.insert(0, first.clone());
                    tail
                }));
            }
            all
        }
    }
}

async fn end(world: &World, case: &CaseName) -> String {
    let row: (String, i64, Option<String>, Option<i16>) = sqlx::query_as(
        "SELECT status, epoch, responsible, grade FROM triage.case_file WHERE id = $1",
    )
    .bind(case.id)
    .fetch_one(&world.database.admin)
    .await
    .expect("known");
    let clocks = world.clocks(case).await;
    // What was started and cancelled on the way leaves nothing to do.
    let states: Vec<(ClockKind, i32)> = clocks
        .into_iter()
        .map(|(k, c)| (k, c.state))
        .filter(|(_, state)| *state != to_wire(ClockState::Cancelled))
        .collect();
    format!("{row:?} {states:?}")
}

#[tokio::test]
async fn intake_and_assignment_interleave_in_any_way_i3() {
    let world = World::new().await;
    let mut ends = std::collections::BTreeSet::new();
    let template = |case: &CaseName| {
        let intake = vec![
            world.received(world.facts(case)),
            world.contact(case, false, true, true),
            world.moved("intake", case, CaseStatus::Reopened, 2),
        ];
        let assignment = vec![
            world.owned(case, "one", 1),
            world.moved("assignment", case, CaseStatus::Resolved, 1),
            world.moved("assignment", case, CaseStatus::Assigned, 2),
            world.owned(case, "two", 2),
        ];
        (intake, assignment)
    };
    let count = {
        let case = world.new_case();
        let (a, b) = template(&case);
        interleavings(&a, &b).len()
    };
    for i in 0..count {
        let case = world.new_case();
        let (a, b) = template(&case);
        for event in &interleavings(&a, &b)[i] {
            let outcome = world.deliver(event).await;
            assert!(matches!(
                outcome,
                DeliverOutcome::Applied | DeliverOutcome::Waiting
            ));
        }
        ends.insert(end(&world, &case).await);
    }
    assert_eq!(ends.len(), 1, "{ends:#?}");
    let only = ends.first().expect("one");
    assert!(
        only.contains("ASSIGNED") && only.contains("staff/two"),
        "{only}"
    );
}

/// What is left of the promise to answer, which is what a reopening would begin anew.
async fn answered(world: &World, case: &CaseName) -> String {
    let row: (String, Option<String>, String) = sqlx::query_as(
        "SELECT state, stop_time::text, due_time::text FROM triage.clock WHERE case_id = $1 AND kind = 'ANSWER'",
    )
    .bind(case.id)
    .fetch_one(&world.database.admin)
    .await
    .expect("promised");
    format!("{row:?}")
}

#[tokio::test]
async fn what_was_said_before_a_case_ended_counts_whichever_is_heard_first_i3() {
    let minute = jiff::SignedDuration::from_mins(1);
    for (before, ended) in [
        (CaseStatus::Resolved, CaseStatus::Closed),
        (CaseStatus::Investigating, CaseStatus::Rejected),
    ] {
        let world = World::new().await;
        // Each a minute after the one before it, whoever hears of it when.
        let told = |case: &CaseName| {
            let then = |event: Event| {
                world.clock.advance(minute);
                event
            };
            let received = then(world.received(world.facts(case)));
            let moved = then(world.moved("assignment", case, before, 1));
            let asked = then(world.contact(case, true, false, false));
            let answer = then(world.contact(case, false, true, true));
            let ends = then(world.moved("assignment", case, ended, 1));
            let reopened = then(world.moved("intake", case, CaseStatus::Reopened, 2));
            let assigned = then(world.moved("assignment", case, CaseStatus::Assigned, 2));
            let orders = interleavings(
                &[received, asked, answer, reopened],
                &[moved, ends, assigned],
            );
            (orders, world.now() - minute * 4)
        };
        let count = told(&world.new_case()).0.len();
        let mut ends = std::collections::BTreeSet::new();
        for i in 0..count {
            let case = world.new_case();
            let (orders, at) = told(&case);
            for event in &orders[i] {
                world.deliver(event).await;
            }
            let answered = answered(&world, &case).await;
            assert!(answered.starts_with("(\"MET\""), "{ended} {i}: {answered}");
            let stopped: bool = sqlx::query_scalar(
                "SELECT stop_time = $2::timestamptz FROM triage.clock WHERE case_id = $1 AND kind = 'ANSWER'",
            )
            .bind(case.id)
            .bind(at.to_string())
            .fetch_one(&world.database.admin)
            .await
            .expect("promised");
            assert!(stopped, "{ended} {i}: {answered}");
            ends.insert(end(&world, &case).await);
        }
        assert_eq!(ends.len(), 1, "{ended}: {ends:#?}");
    }
}

#[tokio::test]
async fn a_case_of_a_site_that_is_not_known_yet_waits_for_it() {
    let world = World::new().await;
    let site = crate::world::site("riverside");
    let case = CaseName::new(site.clone(), world.new_case().id);
    let received = world.received(world.facts(&case));
    let received = Event {
        site: site.clone(),
        ..received
    };
    assert_eq!(world.deliver(&received).await, DeliverOutcome::Waiting);
    world.learn(&site).await;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let sweeping = {
        let (sweeper, shutdown) = (world.sweeper.clone(), shutdown.clone());
        tokio::spawn(async move { sweeper.run(shutdown).await })
    };
    redress_testkit::eventually(std::time::Duration::from_secs(20), async || {
        world.count("SELECT count(*) FROM triage.decision").await == 1
    })
    .await;
    shutdown.cancel();
    sweeping.await.expect("ended");
}

#[tokio::test]
async fn an_older_roster_does_not_replace_a_newer_one() {
    let world = World::new().await;
    let older = world.event(
        "assignment",
        "redress.duty.changed.v1",
        "sites/lakeside",
        &redress_proto::event::v1::DutyChanged {
            site: "sites/lakeside".to_owned(),
            slots: vec![],
            revision: 0,
            ..Default::default()
        },
    );
    world.tell(&[older]).await;
    assert_eq!(
        world.count("SELECT count(*) FROM triage.duty_slot").await,
        3
    );
}
