//! What others are told of the roster: every stretch that touches the next 14 days, and who is on it, so that somebody
//! whose next turn is farther away counts as off duty (P07). Re-told daily, so that the horizon moves with time.

use jiff::{SignedDuration, Timestamp};

/// How far ahead the roster is told, in days.
pub const HORIZON_DAYS: i64 = 14;

/// How long until it is told again though nothing changed, in hours.
pub const RETELL_HOURS: i64 = 24;

/// Until when the roster is told.
pub fn horizon(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(24 * HORIZON_DAYS))
        .unwrap_or(Timestamp::MAX)
}

/// When the roster is to be told again.
pub fn next_telling(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(RETELL_HOURS))
        .unwrap_or(Timestamp::MAX)
}
