//! What an operator watches of crisis: open incidents, and whether the cadence is kept.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use redress_model::Fault;
use redress_model::time::SharedClock;
use redress_runtime::{Counted, every};
use redress_store::Database;
use tokio_util::sync::CancellationToken;

use crate::store::standing;

/// How often they are counted.
const PERIOD: Duration = Duration::from_secs(15);

/// Promises that ended are counted for so long.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Counts until shutdown.
pub async fn run(db: Database, clock: SharedClock, meter: Meter, shutdown: CancellationToken) {
    let incidents = Counted::gauge(
        &meter,
        "redress.crisis.incidents.open",
        "{incident}",
        "Open incidents by mode and stage.",
    );
    let promises = Counted::gauge(
        &meter,
        "redress.crisis.promises",
        "{clock}",
        "Promises of incidents by kind: running, breached, and of the last day kept in time or late.",
    );
    let failed = "open incidents cannot be counted";
    every(PERIOD, &shutdown, failed, || {
        count(&db, &clock, &incidents, &promises)
    })
    .await;
}

async fn count(
    db: &Database,
    clock: &SharedClock,
    incidents: &Counted,
    promises: &Counted,
) -> Result<(), Fault> {
    let open = standing::open_incidents(db).await?;
    incidents.set(open.into_iter().map(|of| {
        let labels = vec![
            KeyValue::new("redress.incident.mode", of.mode),
            KeyValue::new("redress.incident.stage", of.stage),
        ];
        (of.count, labels)
    }));
    let standing = standing::promises(db, clock.now() - DAY).await?;
    promises.set(standing.into_iter().map(|of| {
        let labels = vec![
            KeyValue::new("redress.clock.kind", of.kind),
            KeyValue::new("redress.outcome", of.outcome),
        ];
        (of.count, labels)
    }));
    Ok(())
}
