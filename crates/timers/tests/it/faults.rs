//! What holds while Redis, workers and their news get lost.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use redress_testkit::proxy::{FaultProxy, Mode};
use redress_testkit::{ManualClock, eventually, redis};
use redress_timers::{Cause, Entry, Settings, Truth as _};
use tokio::process::Command;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::rows::{
    Behaviour, Handler, Replica, Rows, client, generations_known_to, known_to, quick,
};

const SOON: Duration = Duration::from_secs(30);
const START: &str = "2026-01-01T00:00:00Z";
/// Set for the process that a test starts in order to kill it: where the test's rows and its Redis are.
const ROWS_OF_VICTIM: &str = "REDRESS_TIMERS_TEST_ROWS";
const REDIS_OF_VICTIM: &str = "REDRESS_TIMERS_TEST_REDIS";

/// Waits on the clock, so that something goes on for that long.
async fn for_millis(millis: u64) {
    let until = Instant::now() + Duration::from_millis(millis);
    eventually(SOON, async || Instant::now() >= until).await;
}

#[tokio::test]
async fn i4_p18_redis_flushed_under_load_loses_nothing() {
    let (rows, server) = (Rows::new().await, redis().await);
    let handlers = [(); 2].map(|()| Handler::new(&rows, Behaviour::default()));
    let replicas = handlers
        .each_ref()
        .map(|handler| Replica::start(client(&server), handler, quick()));
    for replica in &replicas {
        eventually(SOON, async || replica.timers.is_index_ready()).await;
    }
    let mut entries = Vec::new();
    for number in 0..600 {
        let entry = rows.arm_in(200 + (number * 37) % 3000).await;
        replicas[number as usize % 2].timers.schedule(entry);
        entries.push(entry);
        if number % 100 == 99 {
            server.flush().expect("is flushed");
        }
    }
    for _ in 0..4 {
        for_millis(300).await;
        server.flush().expect("is flushed");
    }
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
    eventually(SOON, async || {
        replicas
            .iter()
            .all(|replica| replica.timers.is_index_ready())
    })
    .await;
}

#[tokio::test]
async fn i4_p18_redis_ended_and_restarted_empty_loses_nothing_and_recovers_by_itself() {
    let (rows, server) = (Rows::new().await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let mut entries = Vec::new();
    let schedule = async |entries: &mut Vec<Entry>| {
        for number in 0..100 {
            let entry = rows.arm_in(number * 40).await;
            replica.timers.schedule(entry);
            entries.push(entry);
        }
    };
    schedule(&mut entries).await;
    server.end().await;
    schedule(&mut entries).await;
    // All of them fire from Postgres while Redis stays away.
    eventually(SOON, async || rows.count().await == entries.len()).await;
    assert!(!replica.timers.is_index_ready());

    // Far enough ahead to be carried by the index that is to come.
    let later = rows.arm_in(2500).await;
    replica.timers.schedule(later);
    entries.push(later);
    server.renew().await;
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    schedule(&mut entries).await;
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
}

#[tokio::test]
async fn i4_a_frozen_redis_counts_as_away_and_what_it_missed_is_put_right() {
    let (rows, server) = (Rows::new().await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    server.pause();
    let during = rows.arm_in(300).await;
    let after = rows.arm_in(6000).await;
    replica.timers.schedule(during);
    replica.timers.schedule(after);
    eventually(SOON, async || rows.count().await >= 1).await;
    server.resume();
    eventually(SOON, async || rows.count().await == 2).await;
    rows.assert_each_once_and_none_early(&[during, after]).await;
    eventually(SOON, async || replica.timers.is_index_ready()).await;
}

#[tokio::test]
async fn i4_connections_to_redis_that_are_cut_and_swallowed_lose_nothing() {
    let (rows, server) = (Rows::new().await, redis().await);
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], server.port()));
    let proxy = FaultProxy::start(address).await;
    let url = format!("redis://:{}@{}/", server.password(), proxy.address());
    let handler = Handler::new(&rows, Behaviour::default());
    let connection = redis::Client::open(url).expect("a url").into();
    let replica = Replica::start(Some(connection), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let mut entries = Vec::new();
    for round in 0..6 {
        for number in 0..40 {
            let entry = rows.arm_in(50 + number * 10).await;
            replica.timers.schedule(entry);
            entries.push(entry);
        }
        match round % 3 {
            0 => proxy.cut(),
            // Claims succeed there, and nobody learns of them.
            1 => proxy.set(Mode::LoseAnswers),
            _ => proxy.half_close(),
        }
        for_millis(250).await;
        proxy.set(Mode::Forward);
    }
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
}

#[tokio::test]
async fn i4_a_worker_killed_between_claim_and_commit_leaves_its_entries_to_others() {
    let (rows, server) = (Rows::new().await, redis().await);
    let stuck = Behaviour {
        before_commit: Duration::from_secs(3600),
        ..Behaviour::default()
    };
    let stuck = Handler::new(&rows, stuck);
    let victim = Replica::start(client(&server), &stuck, quick());
    eventually(SOON, async || victim.timers.is_index_ready()).await;
    let mut entries = Vec::new();
    for _ in 0..10 {
        let entry = rows.arm_in(0).await;
        victim.timers.schedule(entry);
        entries.push(entry);
    }
    eventually(SOON, async || stuck.calls.load(Ordering::SeqCst) == 10).await;
    victim.kill().await;
    let handler = Handler::new(&rows, Behaviour::default());
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
async fn i4_a_process_killed_between_claim_and_commit_leaves_its_entries_to_others() {
    let (rows, server) = (Rows::new().await, redis().await);
    let mut victim = Command::new(std::env::current_exe().expect("a test binary"))
        .args([
            "--ignored",
            "--exact",
            "faults::victim_that_claims_and_does_not_commit",
        ])
        .env(ROWS_OF_VICTIM, rows.url())
        .env(REDIS_OF_VICTIM, server.url())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("runs");
    // The last statement of each transaction is done, and nothing is committed.
    let written = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND state = 'idle in transaction' AND query LIKE 'UPDATE row %'";
    eventually(SOON, async || {
        let count: i64 = sqlx::query_scalar(written)
            .fetch_one(&rows.database().admin)
            .await
            .expect("answers");
        count == 10
    })
    .await;
    victim.start_kill().expect("is killed");
    let status = victim.wait().await.expect("ends");
    assert_eq!(status.signal(), Some(9), "by SIGKILL: {status}");
    assert_eq!(rows.count().await, 0, "it committed nothing");

    let handler = Handler::new(&rows, Behaviour::default());
    let entries = handler.armed(None, 100).await.expect("are read");
    assert_eq!(entries.len(), 10);
    // The scan must not help: the leases have to end.
    let settings = Settings {
        scan_every: Duration::from_secs(3600),
        ..quick()
    };
    let _other = Replica::start(client(&server), &handler, settings);
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
    // The victim had claimed every one.
    eventually(SOON, async || {
        let causes = handler.causes();
        entries
            .iter()
            .all(|entry| causes.get(&entry.id) == Some(&Cause::WorkerLost))
    })
    .await;
}

#[tokio::test]
#[ignore = "is started by i4_a_process_killed_between_claim_and_commit_leaves_its_entries_to_others"]
async fn victim_that_claims_and_does_not_commit() {
    let rows = std::env::var(ROWS_OF_VICTIM).expect("its rows");
    let rows = Rows::of_another_process(&rows);
    let server = std::env::var(REDIS_OF_VICTIM).expect("its redis");
    let connection = redis::Client::open(server).expect("a url").into();
    let stuck = Behaviour {
        uncommitted: Duration::from_secs(3600),
        ..Behaviour::default()
    };
    let stuck = Handler::new(&rows, stuck);
    let replica = Replica::start(Some(connection), &stuck, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    for _ in 0..10 {
        let entry = rows.arm_in(0).await;
        replica.timers.schedule(entry);
    }
    // Longer than the test waits for anything, and not for ever should the test be killed itself.
    tokio::time::sleep(SOON * 2).await;
}

#[tokio::test]
async fn i4_a_worker_killed_between_commit_and_completion_makes_nothing_happen_twice() {
    let (rows, server) = (Rows::new().await, redis().await);
    let committed = Behaviour {
        after_commit: Duration::from_secs(3600),
        ..Behaviour::default()
    };
    let committed = Handler::new(&rows, committed);
    let victim = Replica::start(client(&server), &committed, quick());
    eventually(SOON, async || victim.timers.is_index_ready()).await;
    let entry = rows.arm_in(0).await;
    victim.timers.schedule(entry);
    eventually(SOON, async || rows.count().await == 1).await;
    victim.kill().await;
    let handler = Handler::new(&rows, Behaviour::default());
    let _other = Replica::start(client(&server), &handler, quick());
    // The lease ends, the entry is claimed once more, and the row says that it is done.
    eventually(SOON, async || handler.calls.load(Ordering::SeqCst) >= 1).await;
    eventually(SOON, async || known_to(&server) == 0).await;
    rows.assert_each_once_and_none_early(&[entry]).await;
}

#[tokio::test]
async fn p15_a_row_that_never_reached_redis_is_found_and_fired() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    // Both the one that is overdue when the auditor comes, and the one that it finds ahead of time.
    let overdue = rows.arm_in(0).await;
    let ahead = rows.arm_in(10_000).await;
    eventually(SOON, async || rows.count().await == 1).await;
    // While the clock stands still: the index knows of it before it is due.
    eventually(SOON, async || known_to(&server) == 1).await;
    clock.advance(SignedDuration::from_secs(10));
    eventually(SOON, async || rows.count().await == 2).await;
    rows.assert_each_once_and_none_early(&[overdue, ahead])
        .await;
    assert!(
        replica.timers.is_index_ready(),
        "the auditor repaired the index; nobody had to rebuild it"
    );
}

#[tokio::test]
async fn i4_p15_a_row_fires_though_the_index_was_told_of_a_change_that_never_committed() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let row = |millis| Entry::new(Uuid::now_v7(), 1, rows.in_millis(millis));
    let entries = [row(0), row(10_000)];
    for entry in entries {
        replica.timers.schedule(Entry {
            generation: 2,
            due: rows.in_millis(3_600_000),
            ..entry
        });
    }
    eventually(SOON, async || known_to(&server) == 2).await;
    for entry in entries {
        rows.arm(entry).await;
    }
    eventually(SOON, async || rows.count().await == 1).await;
    // While the clock stands still: the other one is put right before it is due.
    eventually(SOON, async || generations_known_to(&server) == "1").await;
    clock.advance(SignedDuration::from_secs(10));
    eventually(SOON, async || rows.count().await == 2).await;
    rows.assert_each_once_and_none_early(&entries).await;
}

#[tokio::test]
async fn i4_a_change_that_commits_during_an_audit_is_not_put_back() {
    // An audit that finds a difference reads the rows twice, each time before it looks at the index.
    for read in 1..=2 {
        let (rows, server) = (Rows::new().await, redis().await);
        let gated = Behaviour {
            gate: Some(Semaphore::new(0)),
            ..Behaviour::default()
        };
        let handler = Handler::new(&rows, gated);
        let gate = handler.behaviour.gate.as_ref().expect("was set");
        let replica = Replica::start(client(&server), &handler, quick());
        eventually(SOON, async || replica.timers.is_index_ready()).await;
        let old = rows.arm_in(3_600_000).await;
        gate.add_permits(read - 1);
        eventually(SOON, async || handler.pages.load(Ordering::SeqCst) == read).await;
        let new = rows
            .arm(Entry {
                generation: 2,
                due: rows.in_millis(7_200_000),
                ..old
            })
            .await;
        replica.timers.schedule(new);
        eventually(SOON, async || generations_known_to(&server) == "2").await;
        gate.add_permits(3 - read);
        // The next audit has begun, so that this one is over.
        eventually(SOON, async || handler.pages.load(Ordering::SeqCst) == 3).await;
        assert_eq!(generations_known_to(&server), "2", "read {read}");
    }
}

#[tokio::test]
async fn i4_what_a_worker_has_in_hand_is_left_to_it_though_its_change_never_committed() {
    let (rows, server) = (Rows::new().await, redis().await);
    let stuck = Behaviour {
        before_commit: Duration::from_secs(3600),
        ..Behaviour::default()
    };
    let handler = Handler::new(&rows, stuck);
    let settings = Settings {
        lease: Duration::from_secs(60),
        ..quick()
    };
    let replica = Replica::start(client(&server), &handler, settings);
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let row = Entry::new(Uuid::now_v7(), 1, rows.in_millis(3_600_000));
    replica.timers.schedule(Entry {
        generation: 2,
        due: rows.now(),
        ..row
    });
    eventually(SOON, async || handler.calls.load(Ordering::SeqCst) == 1).await;
    rows.arm(row).await;
    // Of four reads two are of one audit, and the next one has begun.
    eventually(SOON, async || handler.pages.load(Ordering::SeqCst) >= 4).await;
    assert_eq!(generations_known_to(&server), "2");
}

#[tokio::test]
async fn p13_a_long_hold_whose_end_was_lost_with_its_worker_resumes_on_time() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    // Held for months: the index knows a due time far ahead.
    let held = rows
        .arm(Entry::new(
            Uuid::now_v7(),
            1,
            rows.now() + SignedDuration::from_hours(24 * 120),
        ))
        .await;
    replica.timers.schedule(held);
    eventually(SOON, async || known_to(&server) == 1).await;
    // The hold ends and is committed; the process dies before it can tell the index.
    let resumed = rows
        .arm(Entry {
            generation: 2,
            due: rows.in_millis(2500),
            ..held
        })
        .await;
    replica.kill().await;
    let _next = Replica::start(client(&server), &handler, quick());
    // On time, not months later: the clock goes no further than to where the hold's end made it due.
    clock.set(resumed.due);
    eventually(SOON, async || rows.count().await == 1).await;
    rows.assert_each_once_and_none_early(&[resumed]).await;
}

#[tokio::test]
async fn timers_start_before_redis_and_join_it_when_it_comes() {
    let (rows, server) = (Rows::new().await, redis().await);
    server.end().await;
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    let without = rows.arm_in(0).await;
    eventually(SOON, async || rows.count().await == 1).await;
    server.renew().await;
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let with = rows.arm_in(100).await;
    replica.timers.schedule(with);
    eventually(SOON, async || rows.count().await == 2).await;
    rows.assert_each_once_and_none_early(&[without, with]).await;
}

#[tokio::test]
async fn postgres_away_for_a_while_delays_and_loses_nothing() {
    let (rows, server) = (Rows::new().await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let mut entries = Vec::new();
    for number in 0..50 {
        let entry = rows.arm_in(200 + number * 20).await;
        replica.timers.schedule(entry);
        entries.push(entry);
    }
    let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..8 {
        sqlx::query(terminate)
            .execute(&rows.database().admin)
            .await
            .expect("connections are cut");
        for_millis(120).await;
    }
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
}
