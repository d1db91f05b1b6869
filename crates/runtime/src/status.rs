//! What `redress status` asks of every service: the gauges that telemetry exports, read at this moment. One
//! source for dashboards and for whoever has none.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, Temporality};
use redress_proto::operations::v1::status_service_server::StatusService;
use redress_proto::operations::v1::{GetStatusRequest, GetStatusResponse, Reading};
use tonic::{Request, Response, Status};

/// Reads metrics whenever it is asked to; a second reader beside the exporter's.
#[derive(Debug, Clone)]
pub(crate) struct Readings(Arc<ManualReader>);

impl Readings {
    pub(crate) fn new() -> Self {
        Self(Arc::new(ManualReader::default()))
    }

    /// All gauges, and what else goes up and down.
    fn read(&self) -> Result<Vec<Reading>, Status> {
        let mut metrics = ResourceMetrics::default();
        self.0.collect(&mut metrics).map_err(|error| {
            tracing::warn!(%error, "the metrics cannot be read");
            Status::unavailable("the metrics cannot be read now; ask again")
        })?;
        let all = metrics.scope_metrics().flat_map(|scope| scope.metrics());
        Ok(all.flat_map(readings).collect())
    }
}

impl MetricReader for Readings {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

fn readings(metric: &Metric) -> Vec<Reading> {
    // Counts of cases, bytes and seconds: an f64 is exact for all that ever occur.
    #[allow(clippy::cast_precision_loss)]
    match metric.data() {
        AggregatedMetrics::F64(data) => points(metric.name(), data, |v| v),
        AggregatedMetrics::U64(data) => points(metric.name(), data, |v| v as f64),
        AggregatedMetrics::I64(data) => points(metric.name(), data, |v| v as f64),
    }
}

fn points<T: Copy>(name: &str, data: &MetricData<T>, value: impl Fn(T) -> f64) -> Vec<Reading> {
    let reading = |labels: &mut dyn Iterator<Item = &KeyValue>, of: T| Reading {
        metric: name.to_owned(),
        labels: labels
            .map(|label| (label.key.to_string(), label.value.to_string()))
            .collect(),
        value: value(of),
    };
    match data {
        MetricData::Gauge(gauge) => gauge
            .data_points()
            .map(|point| reading(&mut point.attributes(), point.value()))
            .collect(),
        MetricData::Sum(sum) if !sum.is_monotonic() => sum
            .data_points()
            .map(|point| reading(&mut point.attributes(), point.value()))
            .collect(),
        MetricData::Sum(_) | MetricData::Histogram(_) | MetricData::ExponentialHistogram(_) => {
            Vec::new()
        }
    }
}

/// The RPC, of one replica.
#[derive(Debug)]
pub(crate) struct StatusRpc {
    pub(crate) service: &'static str,
    pub(crate) instance: String,
    pub(crate) start: SystemTime,
    pub(crate) readings: Readings,
}

#[tonic::async_trait]
impl StatusService for StatusRpc {
    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        Ok(Response::new(GetStatusResponse {
            service: self.service.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: self.instance.clone(),
            start_time: Some(self.start.into()),
            readings: self.readings.read()?,
        }))
    }
}
