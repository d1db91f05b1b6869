//! Surveys: who is asked, who may call, when, and what an answer is (M12, M02).

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::timing::Quiet;

/// Calls at most (own).
pub const CALLS_MAX: usize = 3;
/// Between two calls, and between asking in writing and the first call (own).
const CALL_PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// No calls from 20:00 to 09:00 at the site (own).
const NO_CALLS: Quiet = Quiet {
    start: Time::constant(20, 0, 0, 0),
    end: Time::constant(9, 0, 0, 0),
};

/// When the customer may be called for the first time, or once more after `since`.
pub fn next_call(since: Timestamp, calls: usize, zone: &TimeZone) -> Option<Timestamp> {
    let pause = since.saturating_add(CALL_PAUSE).ok()?;
    (calls < CALLS_MAX).then(|| NO_CALLS.opening(zone, pause))
}

/// Whether it is the time for the next call.
pub fn may_call(next: Option<Timestamp>, now: Timestamp, zone: &TimeZone) -> bool {
    next.is_some_and(|next| next <= now) && NO_CALLS.opening(zone, now) == now
}

/// What a customer answered. The comment is personal: hence no `Debug`.
#[derive(Clone)]
pub struct Answer {
    /// 1 (bad) to 5 (good).
    pub score: i32,
    /// Whether it is solved; none where it was not asked.
    pub solved: Option<bool>,
    /// What the customer said beyond that; empty for nothing.
    pub comment: String,
    /// Staff whom the customer praised, by their full names.
    pub praised: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn m12_a_customer_is_called_by_day_a_day_apart_and_three_times_at_most() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        // Asked at 22:00; a day later is night again, so the morning after.
        let first = next_call(at("2026-11-21T14:00:00Z"), 0, &zone).unwrap();
        assert_eq!(first, at("2026-11-23T01:00:00Z"));
        assert!(!may_call(Some(first), at("2026-11-23T00:59:59Z"), &zone));
        assert!(may_call(Some(first), first, &zone));
        assert!(may_call(Some(first), at("2026-11-23T11:59:59Z"), &zone));
        assert!(!may_call(Some(first), at("2026-11-23T12:00:00Z"), &zone));
        assert_eq!(next_call(first, 2, &zone), Some(at("2026-11-24T01:00:00Z")));
        assert_eq!(next_call(first, 3, &zone), None);
        assert!(!may_call(None, first, &zone));
    }
}
