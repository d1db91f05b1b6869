//! Minutes without Redis and clocks that jump, on virtual time (the minutes on the machine's too); and readers that
//! never end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redress_testkit::{ManualClock, eventually, redis};
use redress_timers::{Cause, Entry};
use uuid::Uuid;

use crate::rows::{Behaviour, Handler, Replica, Rows, client, known_to, quick};

const SOON: Duration = Duration::from_secs(30);
const START: &str = "2026-01-01T00:00:00Z";

/// An entry comes due each second while Redis is away for two minutes, and each second of a minute after it came back
/// empty. `pass` ends when the clock of the rows shows the instant. Gives the handler, and the entries in their order.
async fn redis_gone_for_two_minutes(
    rows: &Arc<Rows>,
    pass: impl AsyncFn(Timestamp),
) -> (Arc<Handler>, Vec<Entry>) {
    const STEP: SignedDuration = SignedDuration::from_secs(5);
    let server = redis().await;
    let handler = Handler::new(rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let armed = rows.now();
    let entry = |second: i64| {
        let due = armed + SignedDuration::from_millis(second * 1000 - 1);
        Entry::new(Uuid::now_v7(), 1, due)
    };
    let entries: Vec<Entry> = (1..=120).chain(181..=240).map(entry).collect();
    rows.arm_all(&entries).await;
    replica.timers.schedule_many(&entries).await;
    server.end().await;
    eventually(SOON, async || !replica.timers.is_index_ready()).await;
    let gone = rows.now();
    for step in 1..=24 {
        pass(gone + STEP * step).await;
        // What came due in these five seconds fires from Postgres, before a clock that stands still moves on.
        let now = rows.now();
        let due = entries.iter().filter(|entry| entry.due <= now).count();
        eventually(SOON, async || rows.count().await >= due).await;
    }
    let (meanwhile, later) = entries.split_at(120);
    rows.assert_each_once_and_none_early(meanwhile).await;
    let worst = rows.effects().await.iter().map(|effect| effect.lag()).max();
    assert!(worst.is_some_and(|worst| worst <= STEP), "{worst:?}");

    server.renew().await;
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    // The emptied index knows what is left, and nothing of what fired.
    eventually(SOON, async || known_to(&server) == later.len()).await;
    pass(armed + SignedDuration::from_mins(4)).await;
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
    (handler, entries)
}

#[tokio::test]
async fn i4_p18_redis_gone_for_two_minutes_delays_by_a_scan_and_loses_nothing() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let rows = Rows::at(clock.clone()).await;
    let pass = async |until: Timestamp| clock.set(until);
    let (handler, entries) = redis_gone_for_two_minutes(&rows, pass).await;
    eventually(SOON, async || {
        let causes = handler.causes();
        entries[..117]
            .iter()
            .filter(|entry| entry.due.as_second() % 5 < 3)
            .all(|entry| causes.get(&entry.id) == Some(&Cause::RedisAway))
    })
    .await;
}

#[tokio::test]
#[ignore = "takes four minutes"]
async fn i4_p18_redis_gone_for_two_minutes_of_the_machines_clock_loses_nothing() {
    let rows = Rows::new().await;
    let pass = async |until: Timestamp| {
        let left = until.duration_since(rows.now()).unsigned_abs();
        eventually(SOON + left, async || rows.now() >= until).await;
    };
    redis_gone_for_two_minutes(&rows, pass).await;
}

#[tokio::test]
async fn i4_a_wall_clock_set_forward_fires_what_it_passed_once() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let mut entries = Vec::new();
    for minute in 1..=50 {
        entries.push(rows.arm_in(minute * 60_000).await);
    }
    replica.timers.schedule_many(&entries).await;
    // Half an hour at once, as a machine's clock that is put right.
    clock.advance(SignedDuration::from_mins(30));
    eventually(SOON, async || rows.count().await == 30).await;
    rows.assert_each_once_and_none_early(&entries[..30]).await;
    eventually(SOON, async || handler.causes().len() == 29).await;
    // On a busy machine the index may have been away or late too, which is nearer.
    let causes = handler.causes();
    let stepped = causes.values().filter(|c| **c == Cause::ClockStepped);
    assert!(stepped.count() > 0, "{causes:?}");
    // And back: what fired stays fired, what lies ahead again waits again.
    clock.advance(SignedDuration::from_mins(-20));
    let again = rows.arm_in(5 * 60_000).await;
    replica.timers.schedule(again);
    eventually(SOON, async || known_to(&server) == 21).await;
    clock.advance(SignedDuration::from_mins(6));
    eventually(SOON, async || rows.count().await == 31).await;
    clock.advance(SignedDuration::from_mins(34));
    eventually(SOON, async || rows.count().await == 51).await;
    entries.push(again);
    rows.assert_each_once_and_none_early(&entries).await;
}

#[tokio::test]
async fn i4_a_wall_clock_set_back_between_claim_and_commit_fires_nothing_early() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let behaviour = Behaviour {
        failures: usize::MAX.into(),
        ..Behaviour::default()
    };
    let handler = Handler::new(&rows, behaviour);
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let entry = rows.arm_in(60_000).await;
    replica.timers.schedule(entry);
    clock.advance(SignedDuration::from_mins(1));
    // Claimed, failed and put aside; meanwhile the clock goes back, so that the next claim finds it early. It fails until then,
    // however late that is.
    eventually(SOON, async || handler.calls.load(Ordering::SeqCst) >= 1).await;
    clock.advance(SignedDuration::from_secs(-1));
    handler.behaviour.failures.store(0, Ordering::SeqCst);
    let until = std::time::Instant::now() + Duration::from_millis(1500);
    eventually(SOON, async || std::time::Instant::now() > until).await;
    assert_eq!(rows.count().await, 0, "not due any more");
    clock.advance(SignedDuration::from_secs(1));
    eventually(SOON, async || rows.count().await == 1).await;
    rows.assert_each_once_and_none_early(&[entry]).await;
}

#[tokio::test]
async fn p17_a_period_neither_skips_nor_doubles_while_the_wall_clock_jumps() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let replicas = [(); 2].map(|()| Replica::start(client(&server), &handler, quick()));
    eventually(SOON, async || replicas[0].timers.is_index_ready()).await;
    let periodic = rows.arm_periodic(60_000, Duration::from_secs(60)).await;
    replicas[0].timers.schedule(periodic);
    let mut minute = 0;
    for jump in [5, -3, 4, -6, 8, 1] {
        minute += jump;
        clock.advance(SignedDuration::from_mins(jump));
        let passed = [5, 2, 6, 0, 8, 9]
            .into_iter()
            .filter(|m| *m <= minute)
            .max();
        let fired = usize::try_from(passed.unwrap_or(0)).expect("a count");
        eventually(SOON, async || rows.count().await >= fired).await;
    }
    eventually(SOON, async || rows.count().await == 9).await;
    for (effect, generation) in rows.effects().await.iter().zip(1..) {
        assert_eq!(effect.generation, generation, "each period once");
        assert!(effect.lag() >= SignedDuration::ZERO, "none early");
    }
}

#[tokio::test]
async fn p25_a_long_reader_collapses_neither_firing_nor_the_scan() {
    const COUNT: usize = 2000;
    let (rows, server) = (Rows::new().await, redis().await);
    // The reader holds a snapshot from before the first firing until after the last.
    let mut reader = rows
        .database()
        .admin
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .await
        .expect("begins");
    sqlx::query("SELECT count(*) FROM triage.row")
        .execute(&mut *reader)
        .await
        .expect("takes its snapshot");
    let behaviour = || Behaviour {
        batch_max: 100,
        ..Behaviour::default()
    };
    let arm = async || {
        let due = rows.in_millis(1000);
        let mut entries = Vec::new();
        for _ in 0..COUNT {
            entries.push(rows.arm(Entry::new(Uuid::now_v7(), 1, due)).await);
        }
        entries
    };

    // By the index: however much fires, Postgres is scanned by the auditor's clock alone.
    let handler = Handler::new(&rows, behaviour());
    let settings = redress_timers::Settings {
        audit_every: Duration::from_secs(3600),
        ..quick()
    };
    let replica = Replica::start(client(&server), &handler, settings);
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let mut entries = arm().await;
    let before = handler.scans.load(Ordering::SeqCst);
    replica.timers.schedule_many(&entries).await;
    eventually(SOON * 2, async || rows.count().await == COUNT).await;
    let scans = handler.scans.load(Ordering::SeqCst) - before;
    // The audit at the start reads twice, and a Redis that is slow once is scanned for by the clock too.
    assert!(scans < COUNT / 50, "{scans} scans for {COUNT} firings");
    replica.stop().await;

    // Without it: one scan a page, not one a firing, though every dead row is still there.
    let handler = Handler::new(&rows, behaviour());
    entries.extend(arm().await);
    let _replica = Replica::start(None, &handler, quick());
    eventually(SOON * 2, async || rows.count().await == 2 * COUNT).await;
    let scans = handler.scans.load(Ordering::SeqCst);
    assert!(scans < COUNT / 10, "{scans} scans for {COUNT} firings");
    rows.assert_each_once_and_none_early(&entries).await;
    reader.rollback().await.expect("ends");
}

#[tokio::test]
async fn p25_i4_a_scan_reads_since_what_can_be_due_and_misses_nothing_that_is_armed_before_that() {
    let rows = Rows::new().await;
    let long_past = async |hours: i64| {
        let due = rows.in_millis(-hours * 3_600_000);
        rows.arm(Entry::new(Uuid::now_v7(), 1, due)).await
    };
    let start = |floor_every: Duration| {
        let handler = Handler::new(&rows, Behaviour::default());
        let settings = redress_timers::Settings {
            floor_every,
            ..quick()
        };
        (Replica::start(None, &handler, settings), handler)
    };
    let knows = async |handler: &Handler| {
        eventually(SOON, async || {
            handler.scans_since.load(Ordering::SeqCst) > 0
        })
        .await;
    };

    // Whoever arms it is told, and looks there at once: all is not read again for two hours.
    let (replica, handler) = start(Duration::from_secs(3600));
    knows(&handler).await;
    let told = long_past(1).await;
    replica.timers.schedule(told);
    eventually(SOON, async || rows.count().await == 1).await;
    replica.stop().await;

    // What another replica armed, and was killed before it told its own, is found by reading all.
    let (replica, handler) = start(Duration::from_millis(400));
    knows(&handler).await;
    let untold = long_past(2).await;
    eventually(SOON, async || rows.count().await == 2).await;
    replica.stop().await;

    // And so it is as soon as the index is lost, which knew of what others armed.
    let server = redis().await;
    let handler = Handler::new(&rows, Behaviour::default());
    let settings = redress_timers::Settings {
        floor_every: Duration::from_secs(3600),
        audit_every: Duration::from_secs(3600),
        ..quick()
    };
    let replica = Replica::start(client(&server), &handler, settings);
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    knows(&handler).await;
    let lost = long_past(3).await;
    server.end().await;
    eventually(SOON, async || rows.count().await == 3).await;
    rows.assert_each_once_and_none_early(&[told, untold, lost])
        .await;
}
