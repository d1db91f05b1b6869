//! What holds while nothing is broken.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use redress_testkit::{ManualClock, eventually, redis};
use redress_timers::{Entry, Settings};
use uuid::Uuid;

use crate::rows::{Behaviour, Handler, Replica, Rows, client, known_to, quick};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn i4_entries_fire_never_early_once_in_effect_and_soon() {
    let (rows, server) = (Rows::new().await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    // How soon is a figure of docs/benchmarks.md: this machine may be building meanwhile. Here it is soon since nothing but
    // the index finds them.
    let settings = Settings {
        scan_every: Duration::from_secs(3600),
        audit_every: Duration::from_secs(3600),
        ..Settings::default()
    };
    let replica = Replica::start(client(&server), &handler, settings);
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let mut entries = Vec::new();
    for number in 0..150 {
        let entry = rows.arm_in(500 + number * 20).await;
        replica.timers.schedule(entry);
        entries.push(entry);
    }
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
}

#[tokio::test]
async fn what_was_not_seen_in_one_shard_does_not_wait_for_the_next_look() {
    let (rows, server) = (Rows::new().await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let settings = Settings {
        concurrency: 64,
        idle: Duration::from_secs(3600),
        ..Settings::default()
    };
    let replica = Replica::start(client(&server), &handler, settings);
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    // One look shows 24 of a shard's, where 64 hands are free.
    let due = rows.in_millis(500);
    for _ in 0..100 {
        let mut id = Uuid::now_v7().into_bytes();
        id[15] = 7;
        let entry = rows.arm(Entry::new(Uuid::from_bytes(id), 1, due)).await;
        replica.timers.schedule(entry);
    }
    // Sooner than the next look that anything else would cause: the end of a lease.
    let soon = Settings::default().lease * 2 / 3;
    eventually(soon, async || rows.count().await == 100).await;
}

#[tokio::test]
async fn a_virtual_clock_decides_what_is_due() {
    let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().expect("an instant"));
    let rows = Rows::at(clock.clone()).await;
    let server = redis().await;
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    let entry = rows.arm_in(30 * 24 * 3600 * 1000).await;
    replica.timers.schedule(entry);
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    clock.advance(SignedDuration::from_hours(30 * 24) - SignedDuration::from_micros(1));
    // Long enough for several looks.
    let until = std::time::Instant::now() + Duration::from_secs(1);
    eventually(SOON, async || std::time::Instant::now() > until).await;
    assert_eq!(
        handler.calls.load(Ordering::SeqCst),
        0,
        "not even asked before it is due"
    );
    clock.advance(SignedDuration::from_micros(1));
    eventually(SOON, async || rows.count().await == 1).await;
    rows.assert_each_once_and_none_early(&[entry]).await;
}

#[tokio::test]
async fn an_older_generation_never_replaces_a_newer_one_and_what_is_cancelled_stays_away() {
    // While the clock stands still nothing is due before the index was told everything, however slow the machine is.
    let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    // Without the auditor, the index alone has to be right.
    let settings = Settings {
        audit_every: Duration::from_secs(3600),
        ..quick()
    };
    let replica = Replica::start(client(&server), &handler, settings);
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    // All of one shard, which takes its changes in their order.
    let entry = |generation, millis| {
        let mut id = Uuid::now_v7().into_bytes();
        id[15] = 7;
        Entry::new(Uuid::from_bytes(id), generation, rows.in_millis(millis))
    };
    let old = entry(1, 300);
    let new = rows
        .arm(Entry {
            generation: 2,
            due: rows.in_millis(900),
            ..old
        })
        .await;
    replica.timers.schedule(new);
    replica.timers.schedule(old);
    let kept = rows.arm(entry(7, 400)).await;
    replica.timers.schedule(kept);
    replica.timers.cancel(kept.id, 6);
    let cancelled = rows.arm(entry(1, 400)).await;
    replica.timers.schedule(cancelled);
    rows.disarm(cancelled.id).await;
    replica.timers.cancel(cancelled.id, cancelled.generation);
    // It knew three before the cancelled one went: four once it was told the last of all this.
    for _ in 0..2 {
        let last = rows.arm(entry(1, 3_600_000)).await;
        replica.timers.schedule(last);
    }
    eventually(SOON, async || known_to(&server) == 4).await;
    clock.advance(SignedDuration::from_secs(1));
    eventually(SOON, async || rows.count().await == 2).await;
    rows.assert_each_once_and_none_early(&[new, kept]).await;
    assert_eq!(
        handler.asked(),
        BTreeSet::from([(new.id, 2), (kept.id, 7)]),
        "neither the old generation nor the cancelled one was asked"
    );
}

#[tokio::test]
async fn a_fault_or_a_panic_is_tried_again_and_holds_nobody_else_up() {
    let (rows, server) = (Rows::new().await, redis().await);
    let poisoned = rows.arm_in(-60_000).await;
    let mut entries = Vec::new();
    for number in 0..20 {
        entries.push(rows.arm_in(-50_000 + number).await);
    }
    let behaviour = Behaviour {
        failures: AtomicUsize::new(5),
        panics: AtomicBool::new(true),
        poisoned: Some(poisoned.id),
        ..Behaviour::default()
    };
    let handler = Handler::new(&rows, behaviour);
    let _replica = Replica::start(
        client(&server),
        &handler,
        Settings {
            concurrency: 2,
            ..quick()
        },
    );
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
}

#[tokio::test]
async fn p19_a_slow_handler_is_not_run_by_two_workers_at_once() {
    let (rows, server) = (Rows::new().await, redis().await);
    // Renewed each second: a busy machine may be two seconds late with it.
    let settings = Settings {
        lease: Duration::from_secs(3),
        ..quick()
    };
    let slow = || Behaviour {
        before_commit: Duration::from_millis(4500),
        ..Behaviour::default()
    };
    let one = Handler::new(&rows, slow());
    let two = Handler::beside(&rows, slow(), Some(&one));
    let replicas = [&one, &two].map(|handler| Replica::start(client(&server), handler, settings));
    for replica in &replicas {
        eventually(SOON, async || replica.timers.is_index_ready()).await;
    }
    let entry = rows.arm_in(100).await;
    replicas[0].timers.schedule(entry);
    eventually(SOON, async || rows.count().await == 1).await;
    rows.assert_each_once_and_none_early(&[entry]).await;
    let calls = one.calls.load(Ordering::SeqCst) + two.calls.load(Ordering::SeqCst);
    assert_eq!(calls, 1, "the lease of 3 s was renewed for 4.5 s");
}

#[tokio::test]
async fn two_replicas_share_what_is_due_and_nothing_takes_effect_twice() {
    let (rows, server) = (Rows::new().await, redis().await);
    let handlers = [(); 2].map(|()| {
        Handler::new(
            &rows,
            Behaviour {
                before_commit: Duration::from_millis(5),
                ..Behaviour::default()
            },
        )
    });
    let settings = Settings {
        concurrency: 4,
        ..quick()
    };
    let replicas = handlers
        .each_ref()
        .map(|handler| Replica::start(client(&server), handler, settings));
    for replica in &replicas {
        eventually(SOON, async || replica.timers.is_index_ready()).await;
    }
    let due = rows.in_millis(1500);
    let mut entries = Vec::new();
    for number in 0..400 {
        let entry = rows.arm(Entry::new(Uuid::now_v7(), 1, due)).await;
        replicas[number % 2].timers.schedule(entry);
        entries.push(entry);
    }
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
    for handler in &handlers {
        let calls = handler.calls.load(Ordering::SeqCst);
        assert!(
            calls >= entries.len() / 10,
            "one replica did nearly everything: {calls}"
        );
    }
}

#[tokio::test]
async fn shutdown_lets_what_is_being_fired_end_and_takes_it_out_of_the_index() {
    let (rows, server) = (Rows::new().await, redis().await);
    let behaviour = Behaviour {
        before_commit: Duration::from_millis(800),
        ..Behaviour::default()
    };
    let handler = Handler::new(&rows, behaviour);
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let entry = rows.arm_in(0).await;
    replica.timers.schedule(entry);
    eventually(SOON, async || handler.calls.load(Ordering::SeqCst) == 1).await;
    replica.stop().await;
    rows.assert_each_once_and_none_early(&[entry]).await;
    assert_eq!(known_to(&server), 0, "nothing is left behind");
}

#[tokio::test]
async fn operators_see_what_is_overdue_and_by_how_much() {
    let clock = ManualClock::new(Timestamp::from_second(1_800_000_000).expect("an instant"));
    let rows = Rows::at(clock).await;
    let server = redis().await;
    for seconds in [0, 5, 5, 30, 300, 7200] {
        let entry = rows.arm_in(-seconds * 1000).await;
        assert_eq!(entry.generation, 1);
    }
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone())
        .with_interval(Duration::from_millis(100))
        .build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let behaviour = Behaviour {
        failures: AtomicUsize::new(usize::MAX),
        ..Behaviour::default()
    };
    let handler = Handler::new(&rows, behaviour);
    let _replica = Replica::measured(client(&server), &handler, quick(), &provider.meter("test"));
    let expected = [
        ("over_10m", 1),
        ("under_10m", 1),
        ("under_10s", 2),
        ("under_1m", 1),
        ("under_1s", 1),
    ];
    eventually(SOON, async || {
        let _ = provider.force_flush();
        let seen = overdue(&exporter);
        if seen == expected.map(|(class, count)| (class.to_owned(), count)) {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_overdue_is_counted_whole_however_much_goes_first() {
    const FIRST: usize = 10_020;
    let clock = ManualClock::new(Timestamp::from_second(1_800_000_000).expect("an instant"));
    let rows = Rows::at(clock).await;
    // More than an audit compares goes first; what is oldest waits behind it.
    let new = |seconds: i64| Entry::new(Uuid::now_v7(), 1, rows.in_millis(-seconds * 1000));
    let mut entries: Vec<Entry> = (0..FIRST).map(|_| new(5).first(true)).collect();
    entries.extend((0..30).map(|_| new(7200)));
    rows.arm_all(&entries).await;
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone())
        .with_interval(Duration::from_millis(100))
        .build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    // Nothing takes effect meanwhile.
    let behaviour = Behaviour {
        before_commit: Duration::from_secs(3600),
        ..Behaviour::default()
    };
    let handler = Handler::new(&rows, behaviour);
    let _replica = Replica::measured(None, &handler, quick(), &provider.meter("test"));
    let expected = [
        ("over_10m", 30),
        ("under_10m", 0),
        ("under_10s", FIRST as u64),
        ("under_1m", 0),
        ("under_1s", 0),
    ];
    eventually(SOON, async || {
        let _ = provider.force_flush();
        let seen = (overdue(&exporter), oldest(&exporter));
        let counts = expected.map(|(class, count)| (class.to_owned(), count));
        if seen == (counts.to_vec(), Some(7200.0)) {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await;
}

#[tokio::test]
async fn a_count_that_fails_is_counted_and_what_was_overdue_before_is_not_shown_as_if_it_were_now()
{
    let clock = ManualClock::new(Timestamp::from_second(1_800_000_000).expect("an instant"));
    let rows = Rows::at(clock).await;
    rows.arm_in(-7_200_000).await;
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone())
        .with_interval(Duration::from_millis(100))
        .build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    // Nothing takes effect meanwhile.
    let behaviour = Behaviour {
        before_commit: Duration::from_secs(3600),
        ..Behaviour::default()
    };
    let handler = Handler::new(&rows, behaviour);
    let _replica = Replica::measured(None, &handler, quick(), &provider.meter("test"));
    let gauges = ["redress.timers.overdue", "redress.timers.overdue.age"];
    let failures = "redress.timers.overdue.failures";
    let eventually_shown = async |expected: [bool; 3]| {
        eventually(SOON, async || {
            let _ = provider.force_flush();
            let seen = [gauges[0], gauges[1], failures].map(|name| is_shown(&exporter, name));
            if seen == expected {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
    };
    eventually_shown([true, true, false]).await;
    handler.behaviour.uncounted.store(true, Ordering::SeqCst);
    eventually_shown([false, false, true]).await;
    handler.behaviour.uncounted.store(false, Ordering::SeqCst);
    eventually_shown([true, true, true]).await;
}

/// Whether the latest export has a value of this metric.
fn is_shown(exporter: &InMemoryMetricExporter, name: &str) -> bool {
    let exports = exporter.get_finished_metrics().unwrap_or_default();
    let last = exports.last().into_iter();
    let mut metrics = last
        .flat_map(|export| export.scope_metrics())
        .flat_map(|scope| scope.metrics())
        .filter(|metric| metric.name() == name);
    metrics.any(|metric| match metric.data() {
        AggregatedMetrics::U64(MetricData::Gauge(gauge)) => gauge.data_points().count() > 0,
        AggregatedMetrics::F64(MetricData::Gauge(gauge)) => gauge.data_points().count() > 0,
        AggregatedMetrics::U64(MetricData::Sum(sum)) => sum.data_points().count() > 0,
        _ => false,
    })
}

/// The latest age of the oldest overdue entry, in seconds.
fn oldest(exporter: &InMemoryMetricExporter) -> Option<f64> {
    let mut seen = None;
    for export in exporter.get_finished_metrics().unwrap_or_default() {
        for metric in export.scope_metrics().flat_map(|scope| scope.metrics()) {
            if metric.name() == "redress.timers.overdue.age"
                && let AggregatedMetrics::F64(MetricData::Gauge(gauge)) = metric.data()
            {
                seen = gauge.data_points().last().map(|point| point.value());
            }
        }
    }
    seen
}

/// The latest counts of overdue entries, by class.
fn overdue(exporter: &InMemoryMetricExporter) -> Vec<(String, u64)> {
    let mut seen = std::collections::BTreeMap::new();
    for export in exporter.get_finished_metrics().unwrap_or_default() {
        for metric in export.scope_metrics().flat_map(|scope| scope.metrics()) {
            if metric.name() != "redress.timers.overdue" {
                continue;
            }
            if let AggregatedMetrics::U64(MetricData::Gauge(gauge)) = metric.data() {
                for point in gauge.data_points() {
                    let class = point
                        .attributes()
                        .find(|attribute| attribute.key.as_str() == "redress.timers.late");
                    seen.insert(
                        class.expect("every point has its class").value.to_string(),
                        point.value(),
                    );
                }
            }
        }
    }
    seen.into_iter().collect()
}

#[tokio::test]
async fn the_service_runs_without_redis_at_all() {
    let rows = Rows::new().await;
    let handler = Handler::new(&rows, Behaviour::default());
    let replicas = [(); 2].map(|()| Replica::start(None, &handler, quick()));
    let mut entries = Vec::new();
    for number in 0..100 {
        let entry = rows.arm_in(number * 10).await;
        replicas[0].timers.schedule(entry);
        entries.push(entry);
    }
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
    assert!(!replicas[0].timers.is_index_ready());
}

#[tokio::test]
async fn everything_that_a_firing_arms_reaches_the_index() {
    let (rows, server) = (Rows::new().await, redis().await);
    let other = rows.arm_in(1500).await;
    let handler = Handler::new(
        &rows,
        Behaviour {
            arms_also: Some(other),
            ..Behaviour::default()
        },
    );
    let settings = Settings {
        audit_every: Duration::from_secs(3600),
        ..quick()
    };
    let replica = Replica::start(client(&server), &handler, settings);
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    // As if nothing but the firing knew of the other one.
    replica.timers.cancel(other.id, other.generation);
    let periodic = rows.arm_periodic(300, Duration::from_secs(1)).await;
    replica.timers.schedule(periodic);
    let expected = [(periodic.id, 1), (periodic.id, 2), (other.id, 1)];
    eventually(SOON, async || {
        let fired: Vec<_> = rows
            .effects()
            .await
            .iter()
            .map(|effect| (effect.id, effect.generation))
            .collect();
        expected.iter().all(|wanted| fired.contains(wanted))
    })
    .await;
}
