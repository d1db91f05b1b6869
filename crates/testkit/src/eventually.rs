//! Waiting for something that another task or process will do.

use std::fmt::Display;
use std::panic::Location;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// What a predicate of [`eventually`] may answer.
pub trait Outcome {
    /// What is handed to the test once it is there.
    type Value;
    /// The value, or what is still missing.
    fn outcome(self) -> Result<Self::Value, String>;
}

impl Outcome for bool {
    type Value = ();
    fn outcome(self) -> Result<(), String> {
        if self {
            Ok(())
        } else {
            Err("still false".to_owned())
        }
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;
    fn outcome(self) -> Result<T, String> {
        self.ok_or_else(|| "still nothing".to_owned())
    }
}

impl<T, E: Display> Outcome for Result<T, E> {
    type Value = T;
    fn outcome(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// Asks again and again until the predicate answers `true`, `Some` or `Ok`, and hands that on.
///
/// # Panics
/// When the limit passes first; the message names the caller's line and the last answer.
#[track_caller]
pub fn eventually<O: Outcome>(
    limit: Duration,
    mut predicate: impl AsyncFnMut() -> O,
) -> impl Future<Output = O::Value> {
    let caller = Location::caller();
    async move {
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match predicate().await.outcome() {
                Ok(value) => return value,
                Err(missing) if started.elapsed() >= limit => {
                    panic!("not within {limit:?} at {caller}: {missing}")
                }
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_value_comes_as_soon_as_it_is_there() {
        let mut asked = 0;
        let value = eventually(Duration::from_secs(5), async || {
            asked += 1;
            (asked == 3).then_some(asked)
        })
        .await;
        assert_eq!(value, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "still waiting for the owner")]
    async fn what_never_comes_is_named() {
        eventually(Duration::from_millis(20), async || {
            Err::<(), _>("still waiting for the owner")
        })
        .await;
    }
}
