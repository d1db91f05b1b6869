//! What an operator sees of a backlog: how old the oldest event is that a subscriber has not got yet.

use std::sync::atomic::Ordering;
use std::time::Duration;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use redress_events::Pace;
use redress_testkit::eventually;

use crate::world::{SOON, World, pace};

/// The latest age of triage's backlog, and the count of parked events.
fn seen(exporter: &InMemoryMetricExporter) -> (Option<f64>, Option<i64>) {
    let (mut age, mut parked) = (None, None);
    for export in exporter.get_finished_metrics().unwrap_or_default() {
        for metric in export.scope_metrics().flat_map(|scope| scope.metrics()) {
            match (metric.name(), metric.data()) {
                ("redress.events.outbox.age", AggregatedMetrics::F64(MetricData::Gauge(gauge))) => {
                    age = gauge.data_points().last().map(|point| point.value())
                }
                ("redress.events.parked", AggregatedMetrics::I64(MetricData::Gauge(gauge))) => {
                    parked = gauge.data_points().last().map(|point| point.value());
                }
                _ => {}
            }
        }
    }
    (age, parked)
}

#[tokio::test]
async fn an_event_that_cannot_be_delivered_ages_until_it_is_there_or_parked() {
    let w = World::new().await;
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone())
        .with_interval(Duration::from_secs(3600))
        .build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let pace = Pace {
        measure: Duration::from_millis(20),
        ..pace()
    };
    let age = |wanted: fn(f64) -> bool| {
        let (exporter, provider) = (exporter.clone(), provider.clone());
        async move || {
            let _ = provider.force_flush();
            let (age, parked) = seen(&exporter);
            if age.is_some_and(wanted) {
                Ok(())
            } else {
                Err(format!("age {age:?}, parked {parked:?}"))
            }
        }
    };

    // Nobody carries it yet.
    w.say("good", 1).await;
    sqlx::query("UPDATE intake.outbox SET time = time - interval '1 hour'")
        .execute(&w.t.admin)
        .await
        .unwrap();
    w.wire.cut.store(true, Ordering::SeqCst);
    let relay = w.relay_measured(
        w.t.connect("intake"),
        w.wire.clone(),
        pace,
        &provider.meter("test"),
    );
    eventually(SOON, age(|age| age > 3600.0)).await;
    w.wire.cut.store(false, Ordering::SeqCst);
    w.hears("good", &[1]).await;
    eventually(SOON, age(|age| age == 0.0)).await;

    // A parked one is shown as parked, and is no backlog.
    w.mood.refuses.lock().unwrap().insert("bad".to_owned());
    w.say("bad", 1).await;
    eventually(SOON, async || {
        let _ = provider.force_flush();
        match seen(&exporter) {
            (Some(0.0), Some(1)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    relay.stop().await;
}
