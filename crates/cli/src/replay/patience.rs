//! How long a replay asks again. A platform that is killed and started again is away for longer than a call may be
//! tried by itself, and the same `request_id` makes a repeat harmless (I2).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use tonic::Status;

use crate::connect::is_transient;
use crate::failure::in_short;

/// The first pause and the longest one between two tries.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What passes within this is not worth a word.
const QUIET: Duration = Duration::from_secs(1);

/// Asks again, for so long, and says so once.
pub(crate) struct Patience<'a> {
    limit: Duration,
    progress: &'a ProgressBar,
    told: AtomicBool,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(limit: Duration, progress: &'a ProgressBar) -> Self {
        Self {
            limit,
            progress,
            told: AtomicBool::new(false),
        }
    }

    /// How long.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Calls until the answer is not "in a moment" or patience ends. For calls that may be repeated.
    pub(crate) async fn call<T, F, Fut>(&self, mut call: F) -> Result<T, Status>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Status>>,
    {
        let mut away = Away::default();
        loop {
            match call().await {
                Err(status) if is_transient(&status) => {
                    if !away.wait(self, &in_short(&status)).await {
                        return Err(status);
                    }
                }
                answer => {
                    self.answered();
                    return answer;
                }
            }
        }
    }

    /// Says that the platform does not answer, unless that was said since it last did.
    pub(crate) fn tell(&self, why: &str) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let seconds = self.limit.as_secs();
            let text = format!(
                "the platform does not answer ({why}); asking again for up to {seconds} s, Ctrl-C ends it"
            );
            self.progress.suspend(|| anstream::eprintln!("{text}"));
        }
    }

    /// It answers: if it does not again, that is to be said again.
    pub(crate) fn answered(&self) {
        self.told.store(false, Ordering::Relaxed);
    }
}

/// Since when one thing is waited for.
pub(crate) struct Away {
    since: Instant,
    pause: Duration,
}

impl Default for Away {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            pause: PAUSE,
        }
    }
}

impl Away {
    /// Waits for the next try; false where patience has ended.
    pub(crate) async fn wait(&mut self, patience: &Patience<'_>, why: &str) -> bool {
        let waited = self.since.elapsed();
        if waited >= patience.limit {
            return false;
        }
        if waited >= QUIET {
            patience.tell(why);
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn i2_the_same_call_is_made_again_after_a_broken_connection_and_not_after_a_refusal() {
        let progress = ProgressBar::hidden();
        let patience = Patience::new(Duration::from_secs(60), &progress);
        let mut answers = vec![
            Ok("taken in"),
            Err(Status::unavailable("starts")),
            Err(Status::from_error("connection reset".into())),
        ];
        let answer = patience
            .call(|| std::future::ready(answers.pop().expect("no more tries than answers")))
            .await;
        assert_eq!(answer.ok(), Some("taken in"));

        let mut tries = 0;
        let refused: Result<(), _> = patience
            .call(|| {
                tries += 1;
                std::future::ready(Err(Status::invalid_argument("text")))
            })
            .await;
        assert!(refused.is_err());
        assert_eq!(tries, 1);
    }

    #[tokio::test]
    async fn patience_ends() {
        let progress = ProgressBar::hidden();
        let patience = Patience::new(Duration::ZERO, &progress);
        let mut tries = 0;
        let gone: Result<(), _> = patience
            .call(|| {
                tries += 1;
                std::future::ready(Err(Status::from_error("connection reset".into())))
            })
            .await;
        assert!(gone.is_err());
        assert_eq!(tries, 1);
    }
}
