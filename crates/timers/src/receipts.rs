//! Hands receipts of late entries to the service, beside the firing, so that neither waits for the other.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::receipt::{Cause, Receipt};
use crate::timers::Shared;

/// How many receipts the service is given at once.
const BATCH_MAX: usize = 500;
/// How often it is asked to keep one batch.
const ATTEMPTS_MAX: u32 = 5;
/// Between two attempts, the first time; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Until shutdown and what was received before it.
pub(crate) async fn run(shared: &Shared, shutdown: &CancellationToken) {
    let mut kept = shared.kept.lock().await;
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            _ = kept.recv_many(&mut batch, BATCH_MAX) => {}
            () = shutdown.cancelled() => return,
        }
        say(shared, &batch);
        tokio::select! {
            () = keep(shared, &batch) => {}
            // One more attempt, and no pauses any more.
            () = shutdown.cancelled() => {
                if shared.truth.late(&batch).await.is_err() {
                    shared.metrics.receipts_lost(batch.len());
                }
            }
        }
        batch.clear();
    }
}

async fn keep(shared: &Shared, batch: &[Receipt]) {
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        let Err(fault) = shared.truth.late(batch).await else {
            return;
        };
        if attempt == ATTEMPTS_MAX {
            tracing::warn!(redress.timers.name = shared.name, reason = fault.reason(), fault = %fault.chain(), "receipts of late timers were not kept");
            shared.metrics.receipts_lost(batch.len());
            return;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// One line for what came together: the worst of each cause.
fn say(shared: &Shared, batch: &[Receipt]) {
    let mut worst: Vec<(&Receipt, usize)> = Vec::new();
    for receipt in batch {
        match worst
            .iter_mut()
            .find(|(other, _)| other.cause == receipt.cause)
        {
            Some((other, count)) => {
                *count += 1;
                if receipt.lag() > other.lag() {
                    *other = receipt;
                }
            }
            None => worst.push((receipt, 1)),
        }
    }
    for (receipt, count) in worst {
        // Armed after its time, a letter entered late for example: nobody kept it waiting.
        if receipt.cause == Cause::ArmedLate {
            tracing::debug!(
                redress.timers.name = shared.name,
                entries = count,
                "timers were armed after their time"
            );
            continue;
        }
        tracing::warn!(
            redress.timers.name = shared.name,
            redress.timers.cause = receipt.cause.word(),
            redress.timers.id = %receipt.entry.id,
            redress.timers.lag = receipt.lag().as_secs_f64(),
            due = %receipt.entry.due,
            fired = %receipt.fired,
            entries = count,
            "timers fired late"
        );
    }
}
