//! When a message is tried again.

use jiff::SignedDuration;

/// First wait, in seconds.
const FIRST_WAIT_SECONDS: f64 = 2.0;
/// Longest wait of ordinary messages, in seconds.
const WAIT_MAX_SECONDS: f64 = 300.0;
/// Longest wait of messages about grade 1, in seconds: a call-out is worth knocking for.
const GRAVE_WAIT_MAX_SECONDS: f64 = 15.0;
/// Longest wait that a provider's own wish is granted, in seconds.
const WISH_MAX_SECONDS: f64 = 900.0;
/// The same for messages about grade 1, in seconds.
const GRAVE_WISH_MAX_SECONDS: f64 = 30.0;

/// How long to wait after `failures` failures in a row (1 or more): doubled each time up to a limit,
/// of which chance takes up to half away so that a crowd does not knock in step. A provider's wish
/// (`Retry-After`) is kept to, within reason. `chance` lies in 0..1.
pub fn wait(
    failures: u32,
    grave: bool,
    wish: Option<SignedDuration>,
    chance: f64,
) -> SignedDuration {
    let limit = if grave {
        GRAVE_WAIT_MAX_SECONDS
    } else {
        WAIT_MAX_SECONDS
    };
    let doublings = i32::try_from(failures.saturating_sub(1).min(16)).unwrap_or(16);
    let full = (FIRST_WAIT_SECONDS * 2f64.powi(doublings)).min(limit);
    let jittered = full * (1.0 - 0.5 * chance.clamp(0.0, 1.0));
    let wish_limit = if grave {
        GRAVE_WISH_MAX_SECONDS
    } else {
        WISH_MAX_SECONDS
    };
    let wished = wish.map_or(0.0, |w| w.as_secs_f64()).clamp(0.0, wish_limit);
    SignedDuration::try_from_secs_f64(jittered.max(wished)).unwrap_or(SignedDuration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_half_its_step_nor_longer_than_its_limit(failures in 1u32..100, grave: bool, chance in 0.0f64..1.0) {
            let waited = wait(failures, grave, None, chance).as_secs_f64();
            let limit = if grave { 15.0 } else { 300.0 };
            prop_assert!(waited >= 1.0 - 1e-6 && waited <= limit);
        }
    }

    #[test]
    fn waits_double_until_their_limit() {
        let at = |n| wait(n, false, None, 0.0).as_secs();
        assert_eq!([at(1), at(2), at(3), at(8), at(9)], [2, 4, 8, 256, 300]);
        assert_eq!(wait(9, true, None, 0.0).as_secs(), 15);
    }

    #[test]
    fn chance_takes_up_to_half_of_a_wait_away_so_that_a_crowd_does_not_knock_in_step() {
        let by = |chance| wait(4, false, None, chance).as_secs();
        assert_eq!([by(0.0), by(0.5), by(1.0)], [16, 12, 8]);
    }

    #[test]
    fn a_providers_wish_is_kept_to_but_a_callout_does_not_wait_an_hour() {
        let hour = Some(SignedDuration::from_hours(1));
        let minute = Some(SignedDuration::from_secs(60));
        assert_eq!(wait(1, false, minute, 0.0).as_secs(), 60);
        assert_eq!(wait(1, false, hour, 0.0).as_secs(), 900);
        assert_eq!(wait(1, true, hour, 0.0).as_secs(), 30);
    }
}
