//! Deletes receipts that nobody can still retry against.

use std::time::Duration;

use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, receipt};
use tokio_util::sync::CancellationToken;

/// How often old ones are looked for.
const PERIOD: Duration = Duration::from_secs(600);

/// Runs until shutdown. Replicas may do so at once; each row goes once.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "old receipts stay for now";
    every(PERIOD, &shutdown, failed, || {
        receipt::purge(&db, clock.now())
    })
    .await;
}
