//! What others are told of the roster: every stretch that touches the next 14 days. Re-told daily, so that the horizon
//! moves with time.

use jiff::{SignedDuration, Timestamp};
use redress_model::words::DutyRole;

use super::bench::Stretch;

/// How far ahead the roster is told, in days.
pub const HORIZON_DAYS: i64 = 14;

/// How long until it is told again though nothing changed, in hours.
pub const RETELL_HOURS: i64 = 24;

/// The stretches that touch the horizon. Handlers are left out: who is at work in a department is our own matter.
pub fn within_horizon(stretches: &[Stretch], now: Timestamp) -> Vec<Stretch> {
    let end = now
        .saturating_add(SignedDuration::from_hours(24 * HORIZON_DAYS))
        .unwrap_or(Timestamp::MAX);
    stretches
        .iter()
        .filter(|s| s.role != DutyRole::Handler)
        .filter(|s| s.from.is_none_or(|from| from < end) && s.until.is_none_or(|until| until > now))
        .cloned()
        .collect()
}

/// When the roster is to be told again.
pub fn next_telling(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(RETELL_HOURS))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_touches_the_next_fourteen_days_is_told() {
        let now = Timestamp::from_second(1_000_000).expect("in range");
        let hours = |h: i64| Some(now + SignedDuration::from_hours(h));
        let stretch = |role, from, until| Stretch {
            role,
            staff: "li-na".parse().expect("a slug"),
            rank: 0,
            from,
            until,
        };
        let lead = DutyRole::TopLead;
        let told = [
            stretch(lead, None, None),
            stretch(lead, hours(-5), hours(1)),
            stretch(lead, hours(14 * 24 - 1), hours(999)),
        ];
        let untold = [
            stretch(lead, hours(-5), hours(0)),
            stretch(lead, hours(14 * 24), None),
            stretch(DutyRole::Handler, None, None),
        ];
        let all: Vec<_> = told.iter().chain(&untold).cloned().collect();
        assert_eq!(within_horizon(&all, now), told);
    }
}
