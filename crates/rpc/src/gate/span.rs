//! The server span and the duration metric of a call, after OpenTelemetry's conventions for RPC.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter, UpDownCounter};
use opentelemetry_semantic_conventions::attribute::{
    RPC_METHOD, RPC_RESPONSE_STATUS_CODE, RPC_SYSTEM_NAME,
};
use opentelemetry_semantic_conventions::metric::RPC_SERVER_CALL_DURATION;
use tonic::Code;
use tracing::Span;

use crate::permission::Method;
use crate::trace_context;

/// Bucket bounds in seconds, as the conventions advise.
pub(crate) const DURATION_BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The span of a call that came in, as a child of the caller's.
pub(super) fn server(method: &Method, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "rpc",
        otel.name = &*method.full_name,
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        rpc.system.name = "grpc",
        rpc.method = &*method.full_name,
        rpc.response.status_code = tracing::field::Empty,
    );
    trace_context::follow_headers(&span, headers);
    span
}

/// Instruments of the server.
pub(super) struct Calls {
    duration: Histogram<f64>,
    active: UpDownCounter<i64>,
}

impl Calls {
    pub(super) fn new(meter: &Meter) -> Self {
        Self {
            duration: meter
                .f64_histogram(RPC_SERVER_CALL_DURATION)
                .with_unit("s")
                .with_description("How long calls took, from the first byte to the last.")
                .with_boundaries(DURATION_BOUNDS.to_vec())
                .build(),
            active: meter
                .i64_up_down_counter("redress.rpc.server.active_responses")
                .with_unit("{response}")
                .with_description("Answers that are being sent, streams among them.")
                .build(),
        }
    }

    pub(super) fn started(&self, method: &Method, started: Instant, span: Span) -> Finish {
        let method = KeyValue::new(RPC_METHOD, Arc::clone(&method.full_name));
        self.active.add(1, std::slice::from_ref(&method));
        Finish {
            duration: self.duration.clone(),
            active: self.active.clone(),
            method,
            started,
            span,
            code: Code::Cancelled,
        }
    }
}

/// Records the end of a call when dropped; a call whose answer was dropped half-way was cancelled.
pub(super) struct Finish {
    duration: Histogram<f64>,
    active: UpDownCounter<i64>,
    method: KeyValue,
    started: Instant,
    span: Span,
    code: Code,
}

impl Finish {
    /// The call ended with this code.
    pub(super) fn ended(mut self, code: Code) {
        self.code = code;
    }

    /// The call will end with this code.
    pub(super) fn will_end(&mut self, code: Code) {
        self.code = code;
    }

    /// What happens inside of the call's span.
    pub(super) fn span(&self) -> &Span {
        &self.span
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        let name = code_name(self.code);
        self.span.record("rpc.response.status_code", name);
        if is_our_failure(self.code) {
            self.span.record("otel.status_code", "ERROR");
        }
        self.active.add(-1, std::slice::from_ref(&self.method));
        self.duration.record(
            self.started.elapsed().as_secs_f64(),
            &[
                KeyValue::new(RPC_SYSTEM_NAME, "grpc"),
                self.method.clone(),
                KeyValue::new(RPC_RESPONSE_STATUS_CODE, name),
            ],
        );
    }
}

/// Whether the server's span counts as failed, after the conventions.
fn is_our_failure(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// The name of a code as the conventions write it.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
