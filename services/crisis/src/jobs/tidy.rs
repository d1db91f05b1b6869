//! What is kept for a time only: receipts and the change table. The relay sees
//! to events itself.

use std::time::Duration;

use redress_model::time::SharedClock;
use redress_store::{Database, receipt};
use tokio_util::sync::CancellationToken;

use crate::store::changes;

/// How often old rows are looked for.
const PERIOD: Duration = Duration::from_secs(600);

/// Purges until shut down. Replicas may do so at once; each row goes once.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    loop {
        let now = clock.now();
        if let Err(fault) = receipt::purge(&db, now).await {
            tracing::warn!(reason = fault.reason(), fault = %fault.chain(), "old receipts stay for now");
        }
        if let Err(fault) = changes::purge(&db, now).await {
            tracing::warn!(reason = fault.reason(), fault = %fault.chain(), "old changes stay for now");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}
