//! One trace goes through outbox, relay and inbox: from who says an event to what it leads to.

use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use redress_testkit::eventually;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::world::{SOON, World, pace};

#[tokio::test]
async fn the_handler_continues_the_trace_of_who_said_the_event() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    // With a single subscriber, tracing asks the thread that first meets a span whether anybody listens, and
    // that may be another test's. With two it asks both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let w = World::new().await;
    let relay = w.relay(pace());
    let span = tracing::info_span!("create case");
    let trace_id = span.context().span().span_context().trace_id();
    w.say("a", 1).instrument(span).await;
    w.hears("a", &[1]).await;
    let applied = eventually(SOON, async || {
        exporter
            .get_finished_spans()
            .unwrap()
            .into_iter()
            .find(|s| s.name == "apply redress.case.moved.v1")
    })
    .await;
    relay.stop().await;
    assert_eq!(applied.span_context.trace_id(), trace_id);
    let spans = exporter.get_finished_spans().unwrap();
    let parent = spans
        .iter()
        .find(|s| s.span_context.span_id() == applied.parent_span_id)
        .unwrap();
    assert_eq!(
        parent.name, "test.say",
        "the transaction that wrote the event"
    );
    // And goes on: whatever the handler does is below it.
    assert!(spans.iter().any(|s| s.parent_span_id == applied.span_context.span_id() && s.name == "events.apply"));
}
