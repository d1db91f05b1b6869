//! Clocks that come due together fire together: as safe as one by one, in the same order.

use std::sync::Arc;

use jiff::SignedDuration;
use redress_model::words::ClockTransition;
use redress_proto::convert::to_wire;
use redress_proto::event::v1 as event;
use redress_timers::{Entry, Fired, Overdue, Truth as _};
use redress_triage::jobs::ClockTruth;

use crate::world::{World, last, site};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn truth(world: &World) -> ClockTruth {
    ClockTruth::new(world.database.db.clone(), Arc::default())
}

/// Everything that was due within two days in which nothing ran.
async fn backlog(world: &World, cases: usize) -> Vec<Entry> {
    for _ in 0..cases {
        world.case().await;
        world.clock.advance(SignedDuration::from_mins(7));
    }
    world.clock.advance(HOUR * 48);
    truth(world).due(world.now(), 1_000).await.expect("read")
}

async fn breaches(world: &World) -> Vec<String> {
    let all: Vec<event::ClockChanged> = world.said("redress.clock.changed.v1").await;
    all.into_iter()
        .filter(|c| c.transition == to_wire(ClockTransition::Breached))
        .map(|c| last(&c.clock).to_owned())
        .collect()
}

#[tokio::test]
async fn i4_what_is_overdue_is_counted_whole_by_how_late_it_is_whatever_one_scan_takes() {
    let world = World::new().await;
    let due = backlog(&world, 5).await;
    let rows = truth(&world);
    assert_eq!(rows.due(world.now(), 2).await.expect("read").len(), 2);
    let all = rows.overdue(world.now()).await.expect("counted");
    assert!(due.len() >= 10, "{due:?}");
    assert_eq!(all.counts.iter().sum::<u64>(), due.len() as u64);
    let oldest = due.iter().map(|e| e.due).min().expect("some are due");
    let before = oldest - SignedDuration::from_millis(1);
    let none = rows.overdue(before).await.expect("counted");
    assert_eq!(none, Overdue::default());
    // At every bound, and just before it.
    for (millis, class) in [
        (0, 0),
        (999, 0),
        (1_000, 1),
        (9_999, 1),
        (10_000, 2),
        (59_999, 2),
        (60_000, 3),
        (599_999, 3),
        (600_000, 4),
    ] {
        let now = oldest + SignedDuration::from_millis(millis);
        let mut counts = [0; 5];
        for entry in due.iter().filter(|e| e.due <= now) {
            let late = now.duration_since(entry.due).unsigned_abs();
            counts[Overdue::BOUNDS.iter().filter(|b| late >= **b).count()] += 1;
        }
        assert!(counts[class] > 0, "the oldest is {millis} ms late");
        let expected = Overdue {
            counts,
            oldest: Some(oldest),
        };
        let seen = rows.overdue(now).await.expect("counted");
        assert_eq!(seen, expected, "{millis} ms");
    }
}

#[tokio::test]
async fn p23_what_is_due_together_is_told_once_in_due_order_and_what_moved_on_is_not() {
    let world = World::new().await;
    let due = backlog(&world, 5).await;
    assert!(
        due.len() >= 10 && due.is_sorted_by_key(|e| (!e.first, e.due)),
        "{due:?}"
    );
    let fired = truth(&world)
        .fire_many(&due, &[], world.now())
        .await
        .expect("fired");
    assert!(
        fired
            .iter()
            .all(|f| matches!(f, Some(Fired::Done | Fired::Again(_)))),
        "{fired:?}"
    );
    let order: Vec<String> = due.iter().map(|e| e.id.to_string()).collect();
    let told = breaches(&world).await;
    let expected: Vec<&String> = order.iter().filter(|id| told.contains(id)).collect();
    assert_eq!(told.iter().collect::<Vec<_>>(), expected);
    // Each entry names a change of its clock that has passed: nothing of it happens again, whoever asks.
    let again = truth(&world)
        .fire_many(&due, &[], world.now())
        .await
        .expect("fired");
    assert!(again.iter().all(|f| *f == Some(Fired::Stale)), "{again:?}");
    assert_eq!(breaches(&world).await, told);
    // None fires before its time, though its entry says so.
    let next: Vec<Entry> = fired
        .into_iter()
        .filter_map(|f| match f {
            Some(Fired::Again(next)) => Some(Entry {
                due: world.now(),
                ..next
            }),
            _ => None,
        })
        .collect();
    assert!(!next.is_empty());
    let early = truth(&world)
        .fire_many(&next, &[], world.now())
        .await
        .expect("fired");
    for (entry, early) in next.iter().zip(&early) {
        // It is as it was, only told when it comes.
        let same = |f: &Entry| f.generation == entry.generation && f.due > world.now();
        assert!(
            matches!(early, Some(Fired::Again(next)) if same(next)),
            "{early:?}"
        );
    }
    assert_eq!(breaches(&world).await, told);
}

#[tokio::test]
async fn i4_two_replicas_that_fire_the_same_batch_tell_each_clock_once() {
    let world = World::new().await;
    let due = backlog(&world, 4).await;
    let (one, two) = (truth(&world), truth(&world));
    // The other has them the other way round.
    let reversed: Vec<Entry> = due.iter().rev().copied().collect();
    let (a, b) = tokio::join!(
        one.fire_many(&due, &[], world.now()),
        two.fire_many(&reversed, &[], world.now())
    );
    let all = [a.expect("fired"), b.expect("fired")].concat();
    let effects = all
        .iter()
        .filter(|f| matches!(f, Some(Fired::Done | Fired::Again(_))));
    assert_eq!(effects.count(), due.len(), "{all:?}");
    let mut told = breaches(&world).await;
    let count = told.len();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), count);
}

#[tokio::test]
async fn p23_one_poisoned_clock_and_another_site_hold_up_nobody() {
    let world = World::new().await;
    let elsewhere = site("hillside");
    world.learn(&elsewhere).await;
    let due = backlog(&world, 4).await;
    // A clock without a beginning cannot be folded.
    let poisoned = due[due.len() / 2];
    sqlx::query("DELETE FROM triage.clock_event WHERE clock_id = $1")
        .bind(poisoned.id)
        .execute(&world.database.admin)
        .await
        .expect("broken");
    let truth = truth(&world);
    let fired = truth
        .fire_many(&due, &[], world.now())
        .await
        .expect("answered");
    let left: Vec<Entry> = due
        .iter()
        .zip(&fired)
        .filter_map(|(entry, fired)| fired.is_none().then_some(*entry))
        .collect();
    assert!(left.contains(&poisoned), "{fired:?}");
    // By themselves, as the timers do it then.
    let mut failed = 0;
    for entry in left {
        match truth.fire(&entry, &[], world.now()).await {
            Ok(fired) => assert!(matches!(fired, Fired::Done | Fired::Again(_)), "{fired:?}"),
            Err(_) => {
                assert_eq!(entry, poisoned);
                failed += 1;
            }
        }
    }
    assert_eq!(failed, 1);
    let left = truth.due(world.now(), 1_000).await.expect("read");
    assert_eq!(left, [poisoned], "everything else took effect");
}
