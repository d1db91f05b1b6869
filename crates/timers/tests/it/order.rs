//! The order in which a backlog drains, and periods that neither skip nor double.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redress_testkit::{ManualClock, eventually, redis};
use redress_timers::{Entry, Settings};
use uuid::Uuid;

use crate::rows::{Behaviour, Effect, Handler, Replica, Rows, client, known_to, quick};

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

#[tokio::test]
async fn p16_periods_are_neither_skipped_nor_doubled_by_one_replica_that_lives_for_less_than_a_period()
 {
    const COUNT: usize = 500;
    const PERIODS: usize = 4;
    const PERIOD: Duration = Duration::from_secs(2);
    const LIFE: Duration = Duration::from_millis(900);
    let (rows, server) = (Rows::new().await, redis().await);
    let behaviour = Behaviour {
        // Small enough to commit within a life on a busy machine.
        batch_max: 25,
        ..Behaviour::default()
    };
    let handler = Handler::new(&rows, behaviour);
    // What a killed replica had claimed is free again within the life of the next.
    let settings = Settings {
        lease: Duration::from_millis(300),
        ..quick()
    };
    let mut periodic = HashMap::new();
    for number in 0..COUNT {
        let millis = i64::try_from(number * 4).expect("small");
        let entry = rows.arm_periodic(millis, PERIOD).await;
        periodic.insert(entry.id, entry.due);
    }
    // Nobody tells the timers of any: whoever starts first finds them. No other replica ever runs.
    eventually(LATE * 2, async || {
        let replica = Replica::start(client(&server), &handler, settings);
        tokio::time::sleep(LIFE).await;
        replica.kill().await;
        every_one_fired(&rows, &periodic, PERIODS).await
    })
    .await;

    let mut fired: HashMap<Uuid, Vec<Effect>> = HashMap::new();
    for effect in rows.effects().await {
        fired.entry(effect.id).or_default().push(effect);
    }
    let period = SignedDuration::try_from(PERIOD).expect("small");
    for (id, first) in periodic {
        for (number, effect) in fired[&id].iter().enumerate() {
            assert_eq!(
                effect.generation,
                number as i64 + 1,
                "each period once, none left out"
            );
            assert_eq!(effect.due(), first + period * number as i32);
            assert!(effect.lag() >= SignedDuration::ZERO, "early: {effect:?}");
        }
    }
}

/// Whether each of these took effect so many times or more.
async fn every_one_fired(rows: &Rows, periodic: &HashMap<Uuid, Timestamp>, times: usize) -> bool {
    let mut counts: HashMap<Uuid, usize> = HashMap::new();
    for effect in rows.effects().await {
        *counts.entry(effect.id).or_default() += 1;
    }
    periodic
        .keys()
        .all(|id| counts.get(id).is_some_and(|count| *count >= times))
}
