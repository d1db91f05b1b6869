//! Age thresholds: the same local time so many days or months after receipt, clamped to the month's
//! last day, and later by what was held. They never move to an opening: an age is not a promise.

use jiff::{SignedDuration, Span, Timestamp};
use redress_clock::Length;

use super::facts::Age;
use super::policy::Grading;

/// No zone shifts its clocks by more than a day; twice that, so that nobody has to wonder.
const ZONE_SLACK: SignedDuration = SignedDuration::from_hours(48);

impl Age {
    /// The instant at which the matter is this old.
    pub fn reaches(&self, age: Length) -> Timestamp {
        let local = |span: Result<Span, jiff::Error>| {
            let received = self.received.to_zoned(self.zone.clone());
            span.map_or(Timestamp::MAX, |span| {
                received.saturating_add(span).timestamp()
            })
        };
        let reached = match age {
            Length::Minutes(n) | Length::WorkingMinutes(n) => self
                .received
                .saturating_add(SignedDuration::from_mins(i64::from(n)))
                .unwrap_or(Timestamp::MAX),
            Length::Days(n) | Length::WorkingDays(n) => local(Span::new().try_days(n)),
            Length::Months(n) => local(Span::new().try_months(n)),
        };
        reached.saturating_add(self.held).unwrap_or(Timestamp::MAX)
    }

    /// Whether it is unresolved and this old at `now`.
    pub fn is_past(&self, age: Length, now: Timestamp) -> bool {
        if self.resolved {
            return false;
        }
        let now = self.held_since.map_or(now, |since| since.min(now));
        // Far from the threshold no calendar is needed, which is most of the time.
        let (least, most) = bounds(age);
        let old = self.received.duration_until(now).saturating_sub(self.held);
        old >= most || (old >= least && self.reaches(age) <= now)
    }

    /// The next age at which a decision may change; none when it is past all of them or resolved. While it is held, as if
    /// it were not: what is still held then is added when that ends.
    pub fn next_check(&self, grading: &Grading, after: Timestamp) -> Option<Timestamp> {
        if self.resolved {
            return None;
        }
        let after = self.held_since.map_or(after, |since| since.min(after));
        asked_for(grading)
            .into_iter()
            .map(|age| self.reaches(age))
            .filter(|&instant| instant > after)
            .min()
    }

    /// The age that is asked for and reached at this very instant; none where none is.
    pub fn reached_at(&self, grading: &Grading, instant: Timestamp) -> Option<Length> {
        let is_it = |age: &Length| self.reaches(*age) == instant;
        asked_for(grading).into_iter().find(is_it)
    }
}

/// The ages at which a decision may change.
fn asked_for(grading: &Grading) -> [Length; 3] {
    [grading.age_hotspot, grading.age_grave, grading.age_major]
}

/// Between these, only the calendar of the zone says whether an age is reached.
fn bounds(age: Length) -> (SignedDuration, SignedDuration) {
    let days = |n: u32| SignedDuration::from_hours(i64::from(n) * 24);
    match age {
        Length::Minutes(n) | Length::WorkingMinutes(n) => {
            let exact = SignedDuration::from_mins(i64::from(n));
            (exact, exact)
        }
        Length::Days(n) | Length::WorkingDays(n) => (days(n) - ZONE_SLACK, days(n) + ZONE_SLACK),
        Length::Months(n) => (
            days(n.saturating_mul(28)) - ZONE_SLACK,
            days(n.saturating_mul(31)) + ZONE_SLACK,
        ),
    }
}
