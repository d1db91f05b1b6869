//! Age thresholds: the same local time so many days or months after receipt, clamped to the month's
//! last day, and later by what was held. They never move to an opening: an age is not a promise.

use jiff::Timestamp;
use redress_calendar::Calendar;
use redress_clock::{Length, deadlines};

use super::facts::Age;
use super::policy::Grading;

impl Age {
    /// The instant at which the matter is this old.
    pub fn reaches(&self, age: Length) -> Timestamp {
        let always = Calendar::always(self.zone.clone());
        deadlines(self.received, age, &always)
            .due
            .saturating_add(self.held)
            .unwrap_or(Timestamp::MAX)
    }

    /// Whether it is unresolved and this old at `now`.
    pub fn is_past(&self, age: Length, now: Timestamp) -> bool {
        !self.resolved && self.reaches(age) <= now
    }

    /// The next age at which a decision may change; none when it is past all of them.
    pub fn next_check(&self, grading: &Grading, after: Timestamp) -> Option<Timestamp> {
        if self.resolved {
            return None;
        }
        [grading.age_hotspot, grading.age_grave, grading.age_major]
            .into_iter()
            .map(|age| self.reaches(age))
            .filter(|&instant| instant > after)
            .min()
    }
}
