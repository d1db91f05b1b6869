//! An OpenTelemetry collector inside the test: remembers every span, metric and log record for assertions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{
    LogsService, LogsServiceServer,
};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// Attributes as text.
pub type Attributes = BTreeMap<String, String>;

/// A span that was exported.
#[derive(Clone, Debug)]
pub struct Span {
    /// `service.name` of the process.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its trace, in hexadecimal.
    pub trace_id: String,
    /// Its id, in hexadecimal.
    pub span_id: String,
    /// Its parent's id; empty for a root.
    pub parent_span_id: String,
    /// Its kind as OTLP numbers it: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// Its attributes.
    pub attributes: Attributes,
    /// Trace and span ids of the spans that it links to.
    pub links: Vec<(String, String)>,
    /// Whether it ended in error.
    pub is_error: bool,
}

/// A metric's data point that was exported.
#[derive(Clone, Debug)]
pub struct Point {
    /// `service.name` of the process.
    pub service: String,
    /// `service.instance.id` of the process, another one after each start.
    pub instance: String,
    /// The metric's name.
    pub name: String,
    /// The metric's unit.
    pub unit: String,
    /// The point's attributes.
    pub attributes: Attributes,
    /// The value of a sum or gauge; the count of a histogram.
    pub value: f64,
    /// Of a histogram: how many lay above each bound.
    pub above: Vec<(f64, u64)>,
}

/// A log record that was exported.
#[derive(Clone, Debug)]
pub struct Log {
    /// `service.name` of the process.
    pub service: String,
    /// Its text.
    pub body: String,
    /// Its severity, as in `WARN`.
    pub severity: String,
    /// The trace in which it was written; empty outside of any.
    pub trace_id: String,
    /// Its attributes.
    pub attributes: Attributes,
}

#[derive(Debug, Default)]
struct Collected {
    spans: Vec<Span>,
    points: Vec<Point>,
    logs: Vec<Log>,
    /// Everything as it came over the wire, for searches that must not miss a field.
    raw: Vec<(&'static str, Vec<u8>)>,
}

/// The collector. Ends when it is dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    receiver: Receiver,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Clone, Debug, Default)]
struct Receiver(Arc<Mutex<Collected>>);

impl Collector {
    /// Starts to collect on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("127.0.0.1 has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let receiver = Receiver::default();
        let server = tonic::transport::Server::builder()
            .add_service(
                TraceServiceServer::new(receiver.clone()).max_decoding_message_size(usize::MAX),
            )
            .add_service(
                MetricsServiceServer::new(receiver.clone()).max_decoding_message_size(usize::MAX),
            )
            .add_service(
                LogsServiceServer::new(receiver.clone()).max_decoding_message_size(usize::MAX),
            )
            .serve_with_incoming(TcpListenerStream::new(listener));
        let serving = tokio::spawn(async move {
            server
                .await
                .expect("the collector serves until it is dropped")
        });
        Self {
            address,
            receiver,
            serving,
        }
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans so far, in order of arrival.
    pub fn spans(&self) -> Vec<Span> {
        self.receiver.lock().spans.clone()
    }

    /// The spans of one trace.
    pub fn trace(&self, trace_id: &str) -> Vec<Span> {
        self.receiver
            .lock()
            .spans
            .iter()
            .filter(|span| span.trace_id == trace_id)
            .cloned()
            .collect()
    }

    /// All data points so far, in order of arrival.
    pub fn points(&self) -> Vec<Point> {
        self.receiver.lock().points.clone()
    }

    /// All log records so far, in order of arrival.
    pub fn logs(&self) -> Vec<Log> {
        self.receiver.lock().logs.clone()
    }

    /// Which service called on which within one trace: pairs of (parent's service, child's service), parents by link too.
    pub fn edges(&self, trace_id: &str) -> BTreeSet<(String, String)> {
        let spans = self.trace(trace_id);
        let service_of: HashMap<&str, &str> = spans
            .iter()
            .map(|span| (span.span_id.as_str(), span.service.as_str()))
            .collect();
        let mut edges = BTreeSet::new();
        for span in &spans {
            let links = span.links.iter().map(|(_, span_id)| span_id);
            for parent in std::iter::once(&span.parent_span_id).chain(links) {
                if let Some(service) = service_of
                    .get(parent.as_str())
                    .filter(|service| **service != span.service)
                {
                    edges.insert(((*service).to_owned(), span.service.clone()));
                }
            }
        }
        edges
    }

    /// Where this text was emitted, in whatever field: once for each export that holds it, as "traces", "metrics", "logs".
    pub fn places_of(&self, text: &str) -> Vec<&'static str> {
        let needle = text.as_bytes();
        let collected = self.receiver.lock();
        collected
            .raw
            .iter()
            .filter(|(_, bytes)| {
                bytes
                    .windows(needle.len().max(1))
                    .any(|window| window == needle)
            })
            .map(|(signal, _)| *signal)
            .collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let request = request.into_inner();
        let mut collected = self.lock();
        collected.raw.push(("traces", request.encode_to_vec()));
        for resource in request.resource_spans {
            let service = of_resource(resource.resource.as_ref(), "service.name");
            for span in resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                collected.spans.push(Span {
                    service: service.clone(),
                    name: span.name,
                    trace_id: hex::encode(span.trace_id),
                    span_id: hex::encode(span.span_id),
                    parent_span_id: hex::encode(span.parent_span_id),
                    kind: span.kind,
                    attributes: attributes(&span.attributes),
                    links: span
                        .links
                        .into_iter()
                        .map(|link| (hex::encode(link.trace_id), hex::encode(link.span_id)))
                        .collect(),
                    is_error: span.status.is_some_and(|status| status.code == 2),
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let request = request.into_inner();
        let mut collected = self.lock();
        collected.raw.push(("metrics", request.encode_to_vec()));
        for resource in request.resource_metrics {
            let service = of_resource(resource.resource.as_ref(), "service.name");
            let instance = of_resource(resource.resource.as_ref(), "service.instance.id");
            for metric in resource
                .scope_metrics
                .into_iter()
                .flat_map(|scope| scope.metrics)
            {
                for (attributes, value, above) in metric.data.iter().flat_map(data_points) {
                    let (name, unit) = (metric.name.clone(), metric.unit.clone());
                    collected.points.push(Point {
                        service: service.clone(),
                        instance: instance.clone(),
                        name,
                        unit,
                        attributes,
                        value,
                        above,
                    });
                }
            }
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let request = request.into_inner();
        let mut collected = self.lock();
        collected.raw.push(("logs", request.encode_to_vec()));
        for resource in request.resource_logs {
            let service = of_resource(resource.resource.as_ref(), "service.name");
            for record in resource
                .scope_logs
                .into_iter()
                .flat_map(|scope| scope.log_records)
            {
                collected.logs.push(Log {
                    service: service.clone(),
                    body: text(record.body.as_ref()),
                    severity: record.severity_text,
                    trace_id: hex::encode(record.trace_id),
                    attributes: attributes(&record.attributes),
                });
            }
        }
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

/// Of one point: its attributes, its value, and how many lie above each bound of a histogram.
type DataPoint = (Attributes, f64, Vec<(f64, u64)>);

fn data_points(data: &Data) -> Vec<DataPoint> {
    let number = |value: &Option<number_data_point::Value>| match value {
        Some(number_data_point::Value::AsDouble(value)) => *value,
        Some(number_data_point::Value::AsInt(value)) => *value as f64,
        None => 0.0,
    };
    let plain = |of: &[KeyValue], value| (attributes(of), value, Vec::new());
    match data {
        Data::Gauge(gauge) => gauge
            .data_points
            .iter()
            .map(|point| plain(&point.attributes, number(&point.value)))
            .collect(),
        Data::Sum(sum) => sum
            .data_points
            .iter()
            .map(|point| plain(&point.attributes, number(&point.value)))
            .collect(),
        Data::Histogram(histogram) => histogram
            .data_points
            .iter()
            .map(|point| {
                let mut above = Vec::new();
                let mut below = 0;
                for (bound, count) in point.explicit_bounds.iter().zip(&point.bucket_counts) {
                    below += count;
                    above.push((*bound, point.count - below));
                }
                (attributes(&point.attributes), point.count as f64, above)
            })
            .collect(),
        Data::ExponentialHistogram(histogram) => histogram
            .data_points
            .iter()
            .map(|point| plain(&point.attributes, point.count as f64))
            .collect(),
        Data::Summary(summary) => summary
            .data_points
            .iter()
            .map(|point| plain(&point.attributes, point.count as f64))
            .collect(),
    }
}

fn of_resource(resource: Option<&Resource>, key: &str) -> String {
    resource
        .map(|resource| attributes(&resource.attributes))
        .unwrap_or_default()
        .remove(key)
        .unwrap_or_default()
}

fn attributes(pairs: &[KeyValue]) -> Attributes {
    pairs
        .iter()
        .map(|pair| (pair.key.clone(), text(pair.value.as_ref())))
        .collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(other) => format!("{other:?}"),
    }
}
