//! Purges what is too old, and wakes the watches after every commit that changed a case.

use std::sync::Arc;
use std::time::Duration;

use redress_model::Fault;
use redress_runtime::every;
use redress_store::receipt;
use tokio_util::sync::CancellationToken;

use crate::intake::Intake;
use crate::store::change_feed;

/// Rings the bell of the watches after every commit in this process, until shutdown.
pub async fn ring(intake: Arc<Intake>, shutdown: CancellationToken) {
    let mut wakes = intake.db.wakes();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            changed = wakes.changed() => match changed {
                Ok(()) => intake.bell.ring(),
                Err(_) => return shutdown.cancelled().await,
            },
        }
    }
}

/// Purges old receipts and changes now and then, until shutdown. A failure is logged and tried again: it
/// costs space, nothing else.
pub async fn purge(intake: Arc<Intake>, pause: Duration, shutdown: CancellationToken) {
    every(pause, &shutdown, "purge failed", || async {
        let rows = purge_once(&intake).await?;
        if rows > 0 {
            tracing::info!(rows, "purged old receipts and changes");
        }
        Ok(())
    })
    .await;
}

/// Purges old receipts and changes. Returns how many rows.
///
/// # Errors
/// When Postgres is away.
pub async fn purge_once(intake: &Intake) -> Result<u64, Fault> {
    let now = intake.now();
    let receipts = receipt::purge(&intake.db, now).await?;
    Ok(receipts + change_feed::purge(&intake.db, now).await?)
}
