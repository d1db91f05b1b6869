//! Tells operators which entries took effect late; the service has kept their receipts with what they led to.

use crate::receipt::{Cause, Receipt};
use crate::timers::Shared;

/// One line for what came together: the worst of each cause.
pub(crate) fn say(shared: &Shared, batch: &[Receipt]) {
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
