//! The order in which a backlog drains, and periods that neither skip nor double.

use std::time::Duration;

use jiff::SignedDuration;
use redress_testkit::{ManualClock, eventually, redis};
use redress_timers::{Entry, Settings};
use uuid::Uuid;

use crate::rows::{Behaviour, Handler, Replica, Rows, client, known_to, quick};

const SOON: Duration = Duration::from_secs(20);
const LATE: Duration = Duration::from_secs(60);

/// Two hundred entries, a second apart, in an order of their own; every fifth is grade 1.
async fn arm_backlog(rows: &Rows) -> Vec<Entry> {
    let mut entries = Vec::new();
    for number in 0..200_i64 {
        let shuffled = (number * 77) % 200;
        let entry = Entry::new(Uuid::now_v7(), 1, rows.in_millis(1000 + shuffled * 1000))
            .first(shuffled % 5 == 0);
        entries.push(rows.arm(entry).await);
    }
    entries
}

async fn assert_drained_in_turn(rows: &Rows, mut entries: Vec<Entry>) {
    rows.assert_each_once_and_none_early(&entries).await;
    entries.sort_by_key(|entry| (!entry.first, entry.due));
    let fired: Vec<Uuid> = rows
        .effects()
        .await
        .iter()
        .map(|effect| effect.id)
        .collect();
    assert_eq!(
        fired,
        entries.iter().map(|entry| entry.id).collect::<Vec<_>>()
    );
}

/// One at a time, so that the order of the effects is the order of the starts.
fn one_at_a_time() -> Settings {
    Settings {
        concurrency: 1,
        ..quick()
    }
}

#[tokio::test]
async fn p23_a_backlog_in_postgres_drains_grade_1_first_then_in_due_order() {
    let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().expect("an instant"));
    let rows = Rows::at(clock.clone()).await;
    let entries = arm_backlog(&rows).await;
    clock.advance(SignedDuration::from_hours(1));
    let handler = Handler::new(&rows, Behaviour::default());
    let _replica = Replica::start(None, &handler, one_at_a_time());
    eventually(LATE, async || rows.count().await == entries.len()).await;
    assert_drained_in_turn(&rows, entries).await;
}

#[tokio::test]
async fn p23_a_backlog_in_the_index_drains_grade_1_first_then_in_due_order() {
    let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, one_at_a_time());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let entries = arm_backlog(&rows).await;
    entries
        .iter()
        .for_each(|entry| replica.timers.schedule(*entry));
    eventually(SOON, async || known_to(&server) == 200).await;
    // As after downtime: all of it is due at once.
    clock.advance(SignedDuration::from_hours(1));
    eventually(LATE, async || rows.count().await == entries.len()).await;
    assert_drained_in_turn(&rows, entries).await;
}

#[tokio::test]
async fn p16_p17_a_period_is_neither_skipped_nor_doubled_while_replicas_are_killed_and_replaced() {
    const PERIOD: Duration = Duration::from_millis(300);
    let (rows, server) = (Rows::new().await, redis().await);
    let handler = Handler::new(
        &rows,
        Behaviour {
            before_commit: Duration::from_millis(20),
            ..Behaviour::default()
        },
    );
    let settings = Settings {
        lease: Duration::from_millis(400),
        ..quick()
    };
    let start = || Replica::start(client(&server), &handler, settings);
    let mut replicas = std::collections::VecDeque::from([start(), start()]);
    let periodic = rows.arm_periodic(200, PERIOD).await;
    replicas[0].timers.schedule(periodic);
    for effects in 1..=12 {
        eventually(SOON, async || rows.count().await >= effects).await;
        // Processes live for less than two periods.
        replicas.pop_front().expect("two are running").kill().await;
        replicas.push_back(start());
    }
    rows.disarm(periodic.id).await;
    let effects = rows.effects().await;
    for (number, effect) in effects.iter().enumerate() {
        assert_eq!(
            effect.generation,
            number as i64 + 1,
            "each period once, none left out"
        );
        assert_eq!(
            effect.due(),
            periodic.due + SignedDuration::try_from(PERIOD).expect("small") * number as i32
        );
        assert!(effect.lag() >= SignedDuration::ZERO);
    }
}
