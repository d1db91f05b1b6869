//! Several entries in one transaction: as safe as one by one.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;
use redress_testkit::{ManualClock, eventually, redis};
use redress_timers::{Entry, Settings};
use uuid::Uuid;

use crate::rows::{Behaviour, Handler, Replica, Rows, client, known_to, quick};

const SOON: Duration = Duration::from_secs(30);
const START: &str = "2026-01-01T00:00:00Z";

/// Entries of one instant.
async fn arm_at_once(rows: &Rows, count: usize, millis: i64) -> Vec<Entry> {
    let due = rows.in_millis(millis);
    let entries = (0..count)
        .map(|_| Entry::new(Uuid::now_v7(), 1, due))
        .collect::<Vec<_>>();
    rows.arm_all(&entries).await;
    entries
}

fn in_batches() -> Behaviour {
    Behaviour {
        batch_max: 50,
        ..Behaviour::default()
    }
}

#[tokio::test]
async fn i4_two_replicas_compete_for_batches_and_nothing_takes_effect_twice() {
    // What is due is due once the index knows all of it, however long that takes.
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let handlers = [(); 2].map(|()| Handler::new(&rows, in_batches()));
    let replicas = handlers
        .each_ref()
        .map(|handler| Replica::start(client(&server), handler, quick()));
    for replica in &replicas {
        eventually(SOON, async || replica.timers.is_index_ready()).await;
    }
    let entries = arm_at_once(&rows, 1000, 1500).await;
    replicas[0].timers.schedule_many(&entries).await;
    assert_eq!(known_to(&server), entries.len());
    clock.advance(SignedDuration::from_secs(2));
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
    let batches: usize = handlers
        .iter()
        .map(|handler| handler.batches.load(Ordering::SeqCst))
        .sum();
    assert!((20..200).contains(&batches), "{batches} batches");
    eventually(SOON, async || known_to(&server) == 0).await;
}

#[tokio::test]
async fn one_that_cannot_be_fired_holds_up_no_other_of_its_batch() {
    let (rows, server) = (Rows::new().await, redis().await);
    let entries = arm_at_once(&rows, 40, -1000).await;
    let poisoned = entries[20];
    let behaviour = Behaviour {
        poisoned: Some(poisoned.id),
        ..in_batches()
    };
    let handler = Handler::new(&rows, behaviour);
    let _replica = Replica::start(client(&server), &handler, quick());
    let others: Vec<Entry> = entries.into_iter().filter(|e| *e != poisoned).collect();
    eventually(SOON, async || rows.count().await == others.len()).await;
    rows.assert_each_once_and_none_early(&others).await;
    eventually(SOON, async || known_to(&server) == 1).await;
}

#[tokio::test]
async fn one_that_is_left_out_of_a_batch_is_fired_by_itself_and_the_rest_only_once() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let entries = arm_at_once(&rows, 40, 3000).await;
    let behaviour = Behaviour {
        alone: Some(entries[20].id),
        ..in_batches()
    };
    let handler = Handler::new(&rows, behaviour);
    // No lease ends because the machine is slow.
    let settings = Settings {
        lease: Settings::default().lease,
        ..quick()
    };
    let replica = Replica::start(client(&server), &handler, settings);
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    clock.advance(SignedDuration::from_secs(3));
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
    eventually(SOON, async || known_to(&server) == 0).await;
    let calls = handler.calls.load(Ordering::SeqCst);
    assert_eq!(calls, entries.len() + 1, "that one was asked for twice");
}

#[tokio::test]
async fn i4_a_worker_killed_between_claim_and_commit_of_a_batch_leaves_it_to_others() {
    let (rows, server) = (Rows::new().await, redis().await);
    let stuck = Behaviour {
        before_commit: Duration::from_secs(3600),
        ..in_batches()
    };
    let stuck = Handler::new(&rows, stuck);
    let victim = Replica::start(client(&server), &stuck, quick());
    eventually(SOON, async || victim.timers.is_index_ready()).await;
    let entries = arm_at_once(&rows, 120, 300).await;
    victim.timers.schedule_many(&entries).await;
    eventually(SOON, async || stuck.calls.load(Ordering::SeqCst) == 120).await;
    victim.kill().await;
    let handler = Handler::new(&rows, in_batches());
    // The scan must not help: the leases have to end.
    let settings = Settings {
        scan_every: Duration::from_secs(3600),
        ..quick()
    };
    let _other = Replica::start(client(&server), &handler, settings);
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
}

#[tokio::test]
async fn i4_workers_killed_again_and_again_under_load_lose_and_double_nothing() {
    let (rows, server) = (Rows::new().await, redis().await);
    let behaviour = Behaviour {
        before_commit: Duration::from_millis(15),
        after_commit: Duration::from_millis(15),
        ..in_batches()
    };
    let handler = Handler::new(&rows, behaviour);
    let settings = Settings {
        lease: Duration::from_millis(500),
        concurrency: 2,
        ..quick()
    };
    let start = || Replica::start(client(&server), &handler, settings);
    let mut replicas = std::collections::VecDeque::from([start(), start()]);
    let mut entries = Vec::new();
    for number in 0..800 {
        entries.push(rows.arm_in(200 + number * 5).await);
    }
    replicas[0].timers.schedule_many(&entries).await;
    for share in 1..=12 {
        let enough = entries.len() * share / 14;
        eventually(SOON, async || rows.count().await >= enough).await;
        replicas.pop_front().expect("two are running").kill().await;
        replicas.push_back(start());
    }
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
    assert!(handler.batches.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn p19_a_batch_that_takes_longer_than_its_lease_is_not_run_by_two_workers() {
    let (rows, server) = (Rows::new().await, redis().await);
    let slow = || Behaviour {
        before_commit: Duration::from_millis(4500),
        ..in_batches()
    };
    let one = Handler::new(&rows, slow());
    let two = Handler::beside(&rows, slow(), Some(&one));
    // Renewed each second: a busy machine may be two seconds late with it.
    let settings = Settings {
        lease: Duration::from_secs(3),
        ..quick()
    };
    let replicas = [&one, &two].map(|handler| Replica::start(client(&server), handler, settings));
    for replica in &replicas {
        eventually(SOON, async || replica.timers.is_index_ready()).await;
    }
    let entries = arm_at_once(&rows, 40, 500).await;
    replicas[0].timers.schedule_many(&entries).await;
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
    let calls = one.calls.load(Ordering::SeqCst) + two.calls.load(Ordering::SeqCst);
    assert_eq!(calls, 40, "the leases of 3 s were renewed for 4.5 s");
}
