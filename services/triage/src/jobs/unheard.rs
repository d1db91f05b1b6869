//! What an operator watches of the ladder: broken promises that nobody heard of.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use redress_store::Database;
use tokio_util::sync::CancellationToken;

use crate::store::pages;

/// How often they are counted.
const PERIOD: Duration = Duration::from_secs(15);

/// Counts until shutdown: `WAITING` for somebody to come on duty, `UNANSWERED` by everybody on duty.
pub async fn watch(db: Database, meter: Meter, shutdown: CancellationToken) {
    let gauge = meter
        .i64_gauge("redress.triage.clocks.unheard")
        .with_unit("{clock}")
        .with_description(
            "Broken promises that nobody heard of: WAITING for somebody on duty, UNANSWERED by everybody on duty.",
        )
        .build();
    loop {
        match pages::unheard(&db).await {
            Ok(counts) => {
                for (state, count) in counts {
                    gauge.record(count, &[KeyValue::new("redress.page.state", state)]);
                }
            }
            Err(fault) => {
                tracing::warn!(reason = fault.reason(), fault = %fault.chain(), "broken promises that nobody heard of cannot be counted");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}
