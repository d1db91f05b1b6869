//! Traces, metrics and logs of one service, with nothing global: several services live in one process
//! (`redress up`), and each has its own providers and its own subscriber, which its threads install.
//!
//! Exporters run on a small runtime of their own. So they outlive the service's runtime and can flush its
//! last spans, and what they do themselves is traced by nobody.

use std::cell::RefCell;

use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use opentelemetry_semantic_conventions::attribute::{SERVICE_INSTANCE_ID, SERVICE_VERSION};
use tracing::Dispatch;
use tracing::dispatcher::DefaultGuard;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::settings::{Logs, TelemetrySettings};
use crate::status::Readings;

/// Name of the instrumentation scope.
const SCOPE: &str = "redress";

/// Telemetry that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is none.
    #[error("telemetry.filter is not a level or a list of directives: {0}; correct it")]
    Filter(#[from] ParseError),
    /// An exporter cannot be made.
    #[error(
        "OTLP cannot be sent to {endpoint}: {reason}; correct telemetry.otlp_endpoint or the OTEL_EXPORTER_OTLP_ variables"
    )]
    Exporter {
        /// Where.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// No thread for the exporters.
    #[error("the telemetry thread cannot start: {0}")]
    Thread(#[from] std::io::Error),
}

/// The telemetry of one service.
pub struct Telemetry {
    dispatch: Dispatch,
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    logs: Option<SdkLoggerProvider>,
    readings: Readings,
    /// Where exporters run; kept until everything is flushed.
    _exporting: Option<tokio::runtime::Runtime>,
}

impl Telemetry {
    /// Starts the telemetry of `service`.
    ///
    /// # Errors
    /// A wrong filter or endpoint.
    pub fn start(
        service: &str,
        instance: &str,
        settings: &TelemetrySettings,
    ) -> Result<Self, TelemetryError> {
        let resource = Resource::builder()
            .with_service_name(format!("redress-{service}"))
            .with_attributes([
                opentelemetry::KeyValue::new(SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
                opentelemetry::KeyValue::new(SERVICE_INSTANCE_ID, instance.to_owned()),
            ])
            .build();
        match endpoint(settings) {
            Some(endpoint) => Self::exporting(settings, resource, &endpoint),
            None => Self::local(settings, resource),
        }
    }

    /// Nothing leaves the process; trace ids still travel, for logs and for peers that do export.
    fn local(settings: &TelemetrySettings, resource: Resource) -> Result<Self, TelemetryError> {
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
            .build();
        let readings = Readings::new();
        let metrics = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(readings.clone())
            .build();
        let stderr = match settings.logs {
            Logs::Auto => Logs::Text,
            chosen => chosen,
        };
        Ok(Self {
            dispatch: dispatch(settings, stderr, &traces, None)?,
            traces,
            metrics,
            logs: None,
            readings,
            _exporting: None,
        })
    }

    fn exporting(
        settings: &TelemetrySettings,
        resource: Resource,
        endpoint: &Endpoint,
    ) -> Result<Self, TelemetryError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("redress-otlp")
            .enable_all()
            .build()?;
        // tonic's exporters attach to the runtime that they are made in.
        let inside = runtime.enter();
        let failed = |e: opentelemetry_otlp::ExporterBuildError| TelemetryError::Exporter {
            endpoint: endpoint.to_string(),
            reason: e.to_string(),
        };
        let mut spans = SpanExporter::builder().with_tonic();
        let mut points = MetricExporter::builder().with_tonic();
        let mut records = LogExporter::builder().with_tonic();
        if let Endpoint::Given(url) = endpoint {
            spans = spans.with_endpoint(url);
            points = points.with_endpoint(url);
            records = records.with_endpoint(url);
        }
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_batch_exporter(spans.build().map_err(failed)?)
            .build();
        let readings = Readings::new();
        let metrics = SdkMeterProvider::builder()
            .with_resource(resource.clone())
            .with_reader(readings.clone())
            .with_periodic_exporter(points.build().map_err(failed)?)
            .build();
        let logs = SdkLoggerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(records.build().map_err(failed)?)
            .build();
        drop(inside);
        let stderr = match settings.logs {
            Logs::Auto => Logs::Off,
            chosen => chosen,
        };
        Ok(Self {
            dispatch: dispatch(settings, stderr, &traces, Some(&logs))?,
            traces,
            metrics,
            logs: Some(logs),
            readings,
            _exporting: Some(runtime),
        })
    }

    /// The subscriber of the service.
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// The metrics at any moment.
    pub(crate) fn readings(&self) -> Readings {
        self.readings.clone()
    }

    /// The meter of the service.
    pub fn meter(&self) -> Meter {
        self.metrics.meter(SCOPE)
    }

    /// Sends what is still here and ends. Blocks; not for a thread of a runtime.
    pub fn shutdown(self) {
        let results = [
            self.traces.shutdown(),
            self.metrics.shutdown(),
            self.logs
                .as_ref()
                .map_or(Ok(()), SdkLoggerProvider::shutdown),
        ];
        for error in results.into_iter().filter_map(Result::err) {
            tracing::dispatcher::with_default(&self.dispatch, || {
                tracing::debug!(%error, "the last telemetry was not sent");
            });
        }
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

/// What is wrong with the settings, as far as it can be told without the network.
///
/// # Errors
/// A wrong filter or endpoint.
pub(crate) fn check(settings: &TelemetrySettings) -> Result<(), TelemetryError> {
    EnvFilter::try_new(&settings.filter)?;
    match endpoint(settings) {
        Some(Endpoint::Given(url)) if !is_url(&url) => Err(TelemetryError::Exporter {
            endpoint: url,
            reason: "it is not an http:// or https:// URL".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn is_url(text: &str) -> bool {
    text.parse::<http::Uri>()
        .is_ok_and(|uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https")))
}

/// Makes the calling thread report to this subscriber until it ends.
pub(crate) fn install(dispatch: &Dispatch) {
    thread_local! {
        static GUARD: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
    }
    let guard = tracing::dispatcher::set_default(dispatch);
    GUARD.with(|slot| *slot.borrow_mut() = Some(guard));
}

enum Endpoint {
    Given(String),
    /// The exporters read the standard variables themselves.
    Variables,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given(url) => f.write_str(url),
            Self::Variables => f.write_str("OTEL_EXPORTER_OTLP_ENDPOINT"),
        }
    }
}

fn endpoint(settings: &TelemetrySettings) -> Option<Endpoint> {
    let set = |name: &str| std::env::var(name).is_ok_and(|v| !v.is_empty());
    if settings.otlp_endpoint == "off" {
        None
    } else if !settings.otlp_endpoint.is_empty() {
        Some(Endpoint::Given(settings.otlp_endpoint.clone()))
    } else if std::env::var("OTEL_SDK_DISABLED").is_ok_and(|v| v == "true") {
        None
    } else {
        [
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        ]
        .into_iter()
        .any(set)
        .then_some(Endpoint::Variables)
    }
}

fn dispatch(
    settings: &TelemetrySettings,
    stderr: Logs,
    traces: &SdkTracerProvider,
    logs: Option<&SdkLoggerProvider>,
) -> Result<Dispatch, TelemetryError> {
    let filter = || EnvFilter::try_new(&settings.filter);
    let text = (stderr == Logs::Text)
        .then(|| -> Result<_, ParseError> {
            Ok(tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
                .with_filter(filter()?))
        })
        .transpose()?;
    let json = (stderr == Logs::Json)
        .then(|| -> Result<_, ParseError> {
            Ok(tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_writer(std::io::stderr)
                .with_filter(filter()?))
        })
        .transpose()?;
    let records = logs
        .map(|logs| -> Result<_, ParseError> {
            Ok(OpenTelemetryTracingBridge::new(logs).with_filter(filter()?))
        })
        .transpose()?;
    // Whoever wants quiet logs still wants whole traces: a filter of logs must not cut the context that
    // travels with calls, events and timers.
    let tracer = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer(SCOPE))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(LevelFilter::INFO);
    let subscriber = Registry::default()
        .with(tracer)
        .with(records)
        .with(text)
        .with(json);
    Ok(Dispatch::new(subscriber))
}
