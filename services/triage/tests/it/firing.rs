//! Clocks that come due together fire together: as safe as one by one, in the same order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use redress_model::words::{ClockKind, ClockTransition};
use redress_proto::convert::to_wire;
use redress_proto::event::v1 as event;
use redress_testkit::eventually;
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
    truth(world)
        .due(None, world.now(), 1_000)
        .await
        .expect("read")
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
    assert_eq!(rows.due(None, world.now(), 2).await.expect("read").len(), 2);
    let all = rows.overdue(None, world.now()).await.expect("counted");
    assert!(due.len() >= 10, "{due:?}");
    assert_eq!(all.counts.iter().sum::<u64>(), due.len() as u64);
    let oldest = due.iter().map(|e| e.due).min().expect("some are due");
    let before = oldest - SignedDuration::from_millis(1);
    let none = rows.overdue(None, before).await.expect("counted");
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
        let seen = rows.overdue(None, now).await.expect("counted");
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

/// A replica fires everything, a batch at a time.
async fn fire_all(truth: &ClockTruth, due: &[Entry], now: Timestamp) {
    for batch in due.chunks(truth.batch_max()) {
        truth.fire_many(batch, &[], now).await.expect("fired");
    }
}

/// A case with 5,000 clocks of one kind that are due together.
async fn storm(world: &World) {
    world.case().await;
    for copies in [
        "INSERT INTO triage.clock
         SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'slot', n::text))).*
         FROM triage.clock c, generate_series(1, 4999) n WHERE c.kind = 'ACKNOWLEDGE'",
        "INSERT INTO triage.clock_event
         SELECT (jsonb_populate_record(e, jsonb_build_object('clock_id', c.id))).*
         FROM triage.clock c JOIN triage.clock o ON o.case_id = c.case_id AND o.kind = c.kind AND o.slot = ''
         JOIN triage.clock_event e ON e.clock_id = o.id WHERE c.kind = 'ACKNOWLEDGE' AND c.slot <> ''",
    ] {
        let done = sqlx::query(copies).execute(&world.database.admin).await;
        assert!(done.expect("copied").rows_affected() >= 4_999);
    }
}

#[tokio::test]
async fn i4_five_thousand_promises_broken_at_once_are_told_once_each_to_the_lead_on_duty_alone() {
    const STORM: usize = 5_000;
    let world = World::new().await;
    storm(&world).await;
    // Four working hours over lunch are over, and the next page is not due yet.
    world.clock.advance(HOUR * 5 + SignedDuration::from_mins(1));
    let (one, two) = (truth(&world), truth(&world));
    let due = one.due(None, world.now(), 10_000).await.expect("read");
    assert!(due.len() >= STORM, "{}", due.len());
    // Two replicas, from both ends.
    let reversed: Vec<Entry> = due.iter().rev().copied().collect();
    tokio::join!(
        fire_all(&one, &due, world.now()),
        fire_all(&two, &reversed, world.now())
    );
    // And one of them once more.
    fire_all(&one, &due, world.now()).await;

    let pages = world.pages_about(ClockKind::Acknowledge).await;
    let clocks: BTreeSet<&str> = pages.iter().map(|p| p.clock.as_str()).collect();
    assert_eq!((pages.len(), clocks.len()), (STORM, STORM));
    let breached = to_wire(ClockTransition::Breached);
    let lead = "sites/lakeside/staff/lead-site";
    let right = |p: &&event::ClockChanged| p.transition == breached && p.notify == [lead];
    assert_eq!(pages.iter().filter(right).count(), STORM);
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
    let left = truth.due(None, world.now(), 1_000).await.expect("read");
    assert_eq!(left, [poisoned], "everything else took effect");
}

/// Counts every version of a clock's row that is written from now on.
async fn count_rows_written(world: &World) {
    const COUNT: &str = "
        CREATE TABLE public.clock_written (id uuid NOT NULL);
        CREATE FUNCTION public.clock_is_written() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO public.clock_written VALUES (new.id);
          RETURN NULL;
        END $$;
        CREATE TRIGGER written AFTER INSERT OR UPDATE ON triage.clock
          FOR EACH ROW EXECUTE FUNCTION public.clock_is_written();";
    let made = sqlx::raw_sql(COUNT).execute(&world.database.admin).await;
    made.expect("counted from now on");
}

#[tokio::test]
async fn p25_a_clock_writes_its_row_once_for_what_it_fires_and_never_while_it_runs() {
    const WRITTEN: &str = "SELECT count(*) FROM public.clock_written";
    let world = World::new().await;
    let due = backlog(&world, 5).await;
    count_rows_written(&world).await;
    // While a long reader's snapshot is open no version of a row goes away, and every scan steps over it.
    let rows = truth(&world);
    for _ in 0..3 {
        rows.due(None, world.now(), 1_000).await.expect("read");
        rows.overdue(None, world.now()).await.expect("counted");
        rows.armed(None, 1_000).await.expect("read");
    }
    assert_eq!(world.count(WRITTEN).await, 0, "it only runs");
    let fired = rows.fire_many(&due, &[], world.now()).await.expect("fired");
    let effects = |f: &&Option<Fired>| matches!(f, Some(Fired::Done | Fired::Again(_)));
    assert_eq!(fired.iter().filter(effects).count(), due.len());
    let written = world.count(WRITTEN).await;
    assert_eq!(written, i64::try_from(due.len()).expect("few"));
    // Whoever is late finds that it is done, and writes nothing.
    rows.fire_many(&due, &[], world.now()).await.expect("read");
    assert_eq!(world.count(WRITTEN).await, written);
}

/// Rows and index entries of clocks that were read so far, by anybody.
const READ: &str = "SELECT (seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i
      WHERE i.relid = t.relid))::bigint FROM pg_stat_user_tables t WHERE t.schemaname = 'triage' AND t.relname = 'clock'";

/// What was read once nobody who read is connected any more: statistics are then complete.
async fn rows_read(world: &World) -> i64 {
    const CONNECTED: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND usename IN ('redress_triage_app', 'redress_triage_worker')";
    eventually(Duration::from_secs(30), async || {
        world.count(CONNECTED).await == 0
    })
    .await;
    world.count(READ).await
}

/// What one look for what is due and one count of it read, where one clock is due.
async fn rows_read_by_one_look(world: &World, since: Option<Timestamp>) -> i64 {
    let before = rows_read(world).await;
    let replica = world.database.connect("triage");
    let rows = ClockTruth::new(replica.clone(), Arc::default());
    let due = rows.due(since, world.now(), 1_000).await.expect("read");
    assert_eq!(due.len(), 1, "{due:?}");
    let overdue = rows.overdue(since, world.now()).await.expect("counted");
    assert_eq!(overdue.counts.iter().sum::<u64>(), 1);
    replica.close().await;
    rows_read(world).await - before
}

#[tokio::test]
async fn p25_i4_a_long_reader_leaves_what_a_look_for_what_is_due_reads_as_small_as_its_window() {
    const FIRED: i64 = 5_000;
    let world = World::new().await;
    storm(&world).await;
    // The reader holds a snapshot from before the first firing until after the last.
    let mut reader = world
        .database
        .admin
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .await
        .expect("begins");
    sqlx::query("SELECT count(*) FROM triage.clock")
        .execute(&mut *reader)
        .await
        .expect("takes its snapshot");
    world.clock.advance(HOUR * 5 + SignedDuration::from_mins(1));
    let rows = truth(&world);
    let mut fired = 0;
    loop {
        let due = rows.due(None, world.now(), 10_000).await.expect("read");
        if due.is_empty() {
            break;
        }
        fired += due.len() as i64;
        assert!(fired < FIRED * 10, "it comes to an end");
        fire_all(&rows, &due, world.now()).await;
    }
    assert!(fired >= FIRED, "{fired}");
    // One is due now; what the planner knows is as of now too.
    let one = "UPDATE triage.clock SET next_time = $1 WHERE id = (SELECT id FROM triage.clock
        WHERE next_time IS NOT NULL ORDER BY id LIMIT 1)";
    sqlx::query(one)
        .bind(world.now().to_sqlx())
        .execute(&world.database.admin)
        .await
        .expect("armed");
    sqlx::query("ANALYZE triage.clock")
        .execute(&world.database.admin)
        .await
        .expect("analyzed");
    world.database.db.close().await;

    // Nothing that fired lies in the window of who knows the oldest that can be due.
    let since = world.now() - SignedDuration::from_secs(10);
    let read = rows_read_by_one_look(&world, Some(since)).await;
    assert!(read > 0, "the statistics must have come in");
    assert!(read < FIRED / 100, "{read} were read for one that is due");
    // Whoever reads all steps over all that ever fired: why it is done from time to time only.
    let read = rows_read_by_one_look(&world, None).await;
    assert!(read >= FIRED, "the snapshot kept no dead entries: {read}");
    reader.rollback().await.expect("ends");
}
