//! Work that is looked for now and then.

use std::time::Duration;

use redress_model::Fault;
use tokio_util::sync::CancellationToken;

/// Does its work, pauses, and does it again, until shutdown; what is under way is finished. Work that fails is only
/// told of, in the words of `failed`: it is tried again after the pause.
pub async fn every<T, F>(
    pause: Duration,
    shutdown: &CancellationToken,
    failed: &'static str,
    mut work: impl FnMut() -> F,
) where
    F: Future<Output = Result<T, Fault>>,
{
    loop {
        if let Err(fault) = work().await {
            tracing::warn!(reason = fault.reason(), fault = %fault.chain(), "{failed}");
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn what_fails_is_tried_again_until_shutdown() {
        let (turns, shutdown) = (Cell::new(0), CancellationToken::new());
        every(Duration::ZERO, &shutdown, "no luck", || async {
            turns.set(turns.get() + 1);
            match turns.get() {
                3 => shutdown.cancel(),
                4.. => unreachable!("goes on after shutdown"),
                _ => return Err(Fault::Deadline),
            }
            Ok(())
        })
        .await;
        assert_eq!(turns.get(), 3);
    }
}
