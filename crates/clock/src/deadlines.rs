//! The four instants of a promise, and the arithmetic of its kind of time.

use jiff::{SignedDuration, Timestamp, ToSpan};
use redress_calendar::Calendar;
use serde::{Deserialize, Serialize};

use crate::Length;

/// When something happens to a promise that nobody meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// 75 % of the time is used.
    pub warn: Timestamp,
    /// 100 %: breached, the on-site lead is told.
    pub due: Timestamp,
    /// +50 %: climbs to the duty lead.
    pub climb_duty: Timestamp,
    /// +100 %: climbs to the top lead.
    pub climb_top: Timestamp,
}

/// The instants of a promise of this length that is never held. All are measured in the promise's
/// own kind of time: working time for working lengths, else elapsed time. A due instant of working or
/// calendar days in closed time moves to the next opening.
pub fn deadlines(start: Timestamp, length: Length, calendar: &Calendar) -> Deadlines {
    let due = due(start, length, calendar);
    let whole = used(length, calendar, start, due);
    Deadlines {
        warn: after(length, calendar, start, whole * 3 / 4),
        due,
        climb_duty: after(length, calendar, due, whole / 2),
        climb_top: after(length, calendar, due, whole),
    }
}

fn due(start: Timestamp, length: Length, calendar: &Calendar) -> Timestamp {
    let local = |days: jiff::Span| {
        let zoned = start.to_zoned(calendar.zone().clone());
        zoned.saturating_add(days).timestamp()
    };
    let due = match length {
        Length::Minutes(minutes) => elapsed(start, SignedDuration::from_mins(i64::from(minutes))),
        Length::WorkingMinutes(minutes) => {
            calendar.add_working(start, SignedDuration::from_mins(i64::from(minutes)))
        }
        Length::WorkingDays(days) => calendar.add_working_days(start, days),
        Length::Days(days) => local(i64::from(days).days()),
        Length::Months(months) => local(i64::from(months).months()),
    };
    settle(due, length, calendar)
}

/// A deadline where the calendar allows one.
pub(crate) fn settle(due: Timestamp, length: Length, calendar: &Calendar) -> Timestamp {
    if length.moves_to_opening() {
        calendar.deadline(due)
    } else {
        due
    }
}

/// How much of this length's kind of time passes from `a` to `b`.
pub(crate) fn used(
    length: Length,
    calendar: &Calendar,
    a: Timestamp,
    b: Timestamp,
) -> SignedDuration {
    if length.is_working() {
        calendar.working_between(a, b)
    } else {
        a.duration_until(b)
    }
}

/// The instant by which so much of this length's kind of time has passed.
pub(crate) fn after(
    length: Length,
    calendar: &Calendar,
    from: Timestamp,
    amount: SignedDuration,
) -> Timestamp {
    if length.is_working() {
        calendar.add_working(from, amount)
    } else {
        elapsed(from, amount)
    }
}

fn elapsed(from: Timestamp, amount: SignedDuration) -> Timestamp {
    from.saturating_add(amount).unwrap_or(Timestamp::MAX)
}
