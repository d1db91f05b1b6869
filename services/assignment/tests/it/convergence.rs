//! I3: handlers converge under redelivery and any interleaving of producers.

use redress_events::Event;
use redress_model::words::{CaseStatus, Category};
use redress_proto::event::v1::DeliverOutcome;

use crate::world::World;

/// Every way to merge two sequences that keeps the order of each.
fn interleavings(a: &[usize], b: &[usize]) -> Vec<Vec<usize>> {
    match (a.split_first(), b.split_first()) {
        (None, _) => vec![b.to_vec()],
        (_, None) => vec![a.to_vec()],
        (Some((x, rest_a)), Some((y, rest_b))) => {
            let first = |head: usize, tails: Vec<Vec<usize>>| {
                tails.into_iter().map(move |tail| {
                    let mut all = vec![head];
                    all.extend(tail);
                    all
                })
            };
            first(*x, interleavings(rest_a, b))
                .chain(first(*y, interleavings(a, rest_b)))
                .collect()
        }
    }
}

#[tokio::test]
async fn i3_any_interleaving_of_producers_with_everything_twice_ends_in_the_same_state() {
    let world = World::staffed().await;
    let mut ends = Vec::new();
    for order in interleavings(&[0, 1, 2, 3], &[4, 5, 6]) {
        let case = world.new_case();
        let mut changed = world.facts(&case);
        changed.revision = 2;
        changed.staff_complained_about = vec!["sites/lakeside/staff/desk".to_owned()];
        let events: Vec<Event> = vec![
            // Intake.
            world.received(world.facts(&case)),
            world.updated(changed),
            world.moved(&case, CaseStatus::Withdrawn, 2),
            world.moved(&case, CaseStatus::Reopened, 3),
            // Triage.
            world.graded(&case, 1, 1, Some(Category::EngineeringQuality)),
            world.graded(&case, 2, 1, Some(Category::SalesManagement)),
            world.graded(&case, 3, 3, Some(Category::SalesManagement)),
        ];
        for i in &order {
            for _ in 0..2 {
                let outcome = world.deliver(&events[*i]).await;
                let is_kept = matches!(outcome, DeliverOutcome::Applied | DeliverOutcome::Waiting);
                assert!(is_kept, "{order:?} at {i}: {outcome:?}");
            }
        }
        let work = world.get(&case).await;
        ends.push((
            work.status,
            work.responsible,
            work.offered_to,
            work.department,
            work.category,
            work.epoch,
        ));
        // Out of the way of the next one's routing.
        world
            .tell(&[world.moved(&case, CaseStatus::Withdrawn, 9)])
            .await;
    }
    assert_eq!(ends.len(), 35);
    ends.sort();
    ends.dedup();
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert!(ends[0].2.ends_with("/seller"));
    // What was told twice took effect once: loads are back to nothing.
    let holds = "SELECT coalesce(sum(open_cases), 0)::bigint FROM assignment.staff_load";
    assert_eq!(world.count(holds).await, 0);
}

#[tokio::test]
async fn i3_a_redelivered_event_tells_nobody_again() {
    let world = World::staffed().await;
    let case = world.new_case();
    let events = [
        world.received(world.facts(&case)),
        world.graded(&case, 1, 1, Some(Category::EngineeringQuality)),
    ];
    world.tell(&events).await;
    let said = "SELECT count(*) FROM assignment.outbox";
    let before = (world.count(said).await, world.get(&case).await.etag);
    world.tell(&events).await;
    assert_eq!(
        (world.count(said).await, world.get(&case).await.etag),
        before
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_cases_at_once_are_counted_and_shared_out_exactly() {
    let world = World::staffed().await;
    let cases: Vec<_> = (0..16).map(|_| world.new_case()).collect();
    for case in &cases {
        world.tell(&[world.received(world.facts(case))]).await;
    }
    let grade = async |case| {
        let graded = world.graded(case, 1, 1, Some(Category::EngineeringQuality));
        world.tell(&[graded]).await;
    };
    futures::future::join_all(cases.iter().map(grade)).await;
    assert_eq!(world.get_staff("eng-one").await.open_cases, 8);
    assert_eq!(world.get_staff("eng-two").await.open_cases, 8);
    assert_eq!(world.get_staff("desk").await.open_cases, 16);
}
