//! How long a replay asks again. A platform that is killed and started again is away for longer than a call may be
//! tried by itself, and the same `request_id` makes a repeat harmless (I2).

use std::sync::{Mutex, MutexGuard, PoisonError};
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

/// Asks again, for so long, and says so once. One patience for the whole replay: what counts is since when nothing has
/// answered, whichever row asks. After that each row is tried once more, since one row alone may have been what did not
/// answer; when such a try fails too, the platform is given up, and the rows that are left fail without one.
pub(crate) struct Patience<'a> {
    limit: Duration,
    progress: &'a ProgressBar,
    silence: Mutex<Silence>,
}

/// How the platform is away; empty while it answers.
#[derive(Default)]
struct Silence {
    /// Since when.
    since: Option<Instant>,
    /// Whether that was said.
    told: bool,
    /// What the try failed with after which the platform was given up.
    given_up: Option<Status>,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(limit: Duration, progress: &'a ProgressBar) -> Self {
        Self {
            limit,
            progress,
            silence: Mutex::default(),
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
        let is_last = self.is_over();
        let mut away = Away::default();
        loop {
            match self.attempt(is_last, &mut call).await {
                Err(status) if is_transient(&status) => {
                    if !away.wait(self).await {
                        return Err(status);
                    }
                }
                answer => return answer,
            }
        }
    }

    /// Calls once: for what is asked again anyway.
    pub(crate) async fn once<T, F, Fut>(&self, call: F) -> Result<T, Status>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, Status>>,
    {
        self.attempt(self.is_over(), call).await
    }

    async fn attempt<T, F, Fut>(&self, is_last: bool, call: F) -> Result<T, Status>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, Status>>,
    {
        let given_up = self.silence().given_up.clone();
        if let Some(status) = given_up {
            return Err(status);
        }
        match call().await {
            Err(status) if is_transient(&status) => {
                self.silent(&in_short(&status));
                // Another row may have been answered since this one was asked.
                if is_last && self.is_over() {
                    self.silence().given_up = Some(status.clone());
                }
                Err(status)
            }
            answer => {
                self.answered();
                answer
            }
        }
    }

    /// It does not answer. Says so, unless that was said since it last did.
    pub(crate) fn silent(&self, why: &str) {
        let tell = {
            let mut silence = self.silence();
            let since = *silence.since.get_or_insert_with(Instant::now);
            let tell = !silence.told && since.elapsed() >= QUIET;
            silence.told |= tell;
            tell
        };
        if tell {
            let seconds = self.limit.as_secs();
            let text = format!(
                "the platform does not answer ({why}); asking again for up to {seconds} s, Ctrl-C ends it"
            );
            self.progress.suspend(|| anstream::eprintln!("{text}"));
        }
    }

    /// It answers: if it does not again, that is to be said again and patience begins anew.
    pub(crate) fn answered(&self) {
        *self.silence() = Silence::default();
    }

    /// Whether nothing has answered for longer than patience lasts.
    pub(crate) fn is_over(&self) -> bool {
        let since = self.silence().since;
        since.is_some_and(|since| since.elapsed() >= self.limit)
    }

    fn silence(&self) -> MutexGuard<'_, Silence> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Since when one thing is waited for, which may be slow while others answer.
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
    /// Waits for the next try; false where patience has ended, with this one thing or with the platform.
    pub(crate) async fn wait(&mut self, patience: &Patience<'_>) -> bool {
        if patience.is_over() || self.since.elapsed() >= patience.limit {
            return false;
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

    #[tokio::test]
    async fn one_patience_is_for_all_rows_and_a_platform_that_stays_away_is_given_up() {
        let progress = ProgressBar::hidden();
        let patience = Patience::new(Duration::ZERO, &progress);
        let mut tries = 0;
        for _row in 0..50 {
            let gone: Result<(), _> = patience
                .call(|| {
                    tries += 1;
                    std::future::ready(Err(Status::from_error("connection reset".into())))
                })
                .await;
            assert!(gone.is_err());
        }
        // That with which patience ended, and one more.
        assert_eq!(tries, 2);
        let again = patience.once(|| std::future::ready(Ok(()))).await;
        assert!(again.is_err(), "nothing is asked any more");
    }

    #[tokio::test]
    async fn i2_a_platform_that_answers_again_is_waited_for_anew() {
        let progress = ProgressBar::hidden();
        let patience = Patience::new(Duration::ZERO, &progress);
        let away = || std::future::ready(Err::<(), _>(Status::unavailable("starts")));
        assert!(patience.call(away).await.is_err());
        assert!(patience.is_over());
        // The row after the one that nobody answered is still tried, and finds it back.
        let back = patience.call(|| std::future::ready(Ok("taken in"))).await;
        assert_eq!(back.ok(), Some("taken in"));
        assert!(!patience.is_over());
        // Away once more: the first failure gives nothing up.
        assert!(patience.call(away).await.is_err());
        let back = patience.once(|| std::future::ready(Ok("read"))).await;
        assert_eq!(back.ok(), Some("read"));
    }

    #[tokio::test]
    async fn i2_a_last_try_that_fails_after_another_row_was_answered_gives_nothing_up() {
        let progress = ProgressBar::hidden();
        let limit = Duration::from_millis(300);
        let patience = Patience::new(limit, &progress);
        patience.silent("starts");
        tokio::time::sleep(limit).await;
        assert!(patience.is_over());
        let slow = || async {
            patience.answered();
            Err::<(), _>(Status::deadline_exceeded("slow"))
        };
        assert!(patience.once(slow).await.is_err());
        let next = patience.once(|| std::future::ready(Ok("read"))).await;
        assert_eq!(next.ok(), Some("read"));
    }

    #[tokio::test]
    async fn a_refusal_is_an_answer() {
        let progress = ProgressBar::hidden();
        let patience = Patience::new(Duration::ZERO, &progress);
        patience.silent("starts");
        let refused: Result<(), _> = patience
            .once(|| std::future::ready(Err(Status::invalid_argument("text"))))
            .await;
        assert!(refused.is_err());
        assert!(!patience.is_over());
    }
}
