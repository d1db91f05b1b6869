//! W3C trace context between spans and everything that carries a `traceparent`: gRPC metadata,
//! events, timers. Nothing global: the format has no state, so each use brings its own propagator.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Name of the header and event attribute.
pub const TRACEPARENT: &str = "traceparent";

/// The `traceparent` of the current span; none when nothing records traces.
pub fn traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes the span a child of the one that `traceparent` names. Does nothing when it names none.
pub fn follow(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    adopt(span, TraceContextPropagator::new().extract(&carrier));
}

/// Links the span with the one that `traceparent` names, where that belongs to another trace.
pub fn link(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let other = TraceContextPropagator::new().extract(&carrier);
    let other = other.span().span_context().clone();
    if span.context().span().span_context().trace_id() != other.trace_id() {
        span.add_link(other);
    }
}

/// As [`follow`], for one of many that are done together: it belongs to the trace that caused it, and links with the
/// span of the batch under way, both ways.
pub fn follow_in_batch(span: &Span, traceparent: &str) {
    let batch = Span::current();
    follow(span, traceparent);
    span.add_link(batch.context().span().span_context().clone());
    batch.add_link(span.context().span().span_context().clone());
}

/// The id of the current trace, for error details and logs; none when nothing records traces.
pub fn trace_id() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}

/// Makes the span a child of what the headers carry.
pub(crate) fn follow_headers(span: &Span, headers: &HeaderMap) {
    adopt(
        span,
        TraceContextPropagator::new().extract(&Headers(headers)),
    );
}

/// Writes the span's context into headers.
pub(crate) fn inject(span: &Span, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(&span.context(), &mut HeadersMut(headers));
}

fn adopt(span: &Span, parent: Context) {
    if parent.span().span_context().is_valid() {
        // Fails only where no trace is recorded, and then there is nothing to connect.
        let _ = span.set_parent(parent);
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(key.as_bytes()),
            HeaderValue::from_str(&value),
        ) {
            self.0.insert(name, value);
        }
    }
}
