//! What is kept for a time only: receipts, those of late clocks too, and the change table. The relay sees
//! to events itself.

use std::time::Duration;

use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, receipt};
use tokio_util::sync::CancellationToken;

use crate::store::{changes, late};

/// How often old rows are looked for.
const PERIOD: Duration = Duration::from_secs(600);

/// Purges until shut down. Replicas may do so at once; each row goes once.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "old receipts and changes stay for now";
    every(PERIOD, &shutdown, failed, || async {
        let now = clock.now();
        // One that fails does not stop the others.
        let (receipts, changes, late) = (
            receipt::purge(&db, now).await,
            changes::purge(&db, now).await,
            late::purge(&db, now).await,
        );
        receipts.and(changes).and(late)
    })
    .await;
}
