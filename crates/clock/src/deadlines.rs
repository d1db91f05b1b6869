//! The instants of a promise, and the arithmetic of its kind of time.

use jiff::{SignedDuration, Span, Timestamp};
use redress_calendar::Calendar;
use serde::{Deserialize, Serialize};

use crate::{Length, Shares, Step, Term, Terms};

/// When something happens to a promise that nobody meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// The first of two warnings; none where there is one only.
    pub warn_early: Option<Timestamp>,
    /// 75 % of the time is used.
    pub warn: Timestamp,
    /// 100 %: breached, the on-site lead is told.
    pub due: Timestamp,
    /// +50 %: climbs to the duty lead.
    pub climb_duty: Timestamp,
    /// +100 %: climbs to the top lead.
    pub climb_top: Timestamp,
}

impl Deadlines {
    /// One instant for everything: something that is only waited for.
    pub fn at(due: Timestamp) -> Self {
        Self {
            warn_early: None,
            warn: due,
            due,
            climb_duty: due,
            climb_top: due,
        }
    }

    /// How long after the deadline it climbs, first to the duty lead, then to the top lead.
    pub(crate) fn climbs(&self) -> [SignedDuration; 2] {
        [self.climb_duty, self.climb_top].map(|climb| self.due.duration_until(climb))
    }

    /// The instant of a step; none where the promise does not have it.
    pub fn instant(&self, step: Step) -> Option<Timestamp> {
        match step {
            Step::WarnEarly => self.warn_early,
            Step::Warn => Some(self.warn),
            Step::Breach => Some(self.due),
            Step::ClimbDuty => Some(self.climb_duty),
            Step::ClimbTop => Some(self.climb_top),
        }
    }
}

/// The instants of a promise that is never held. All are measured in the promise's own kind of time:
/// working time for working lengths, else elapsed time. A due instant of working or calendar days in
/// closed time moves to the next opening.
pub fn deadlines(
    start: Timestamp,
    term: impl Into<Term>,
    shares: Shares,
    calendar: &Calendar,
) -> Deadlines {
    let terms = Terms {
        shares,
        ..Terms::new(term)
    };
    deadlines_of(start, &terms, calendar)
}

/// The same on these terms: what the law gives ends where it says, whether the site is open then or not.
pub fn deadlines_of(start: Timestamp, terms: &Terms, calendar: &Calendar) -> Deadlines {
    let (term, shares) = (terms.term, terms.shares);
    let due = settle(due(start, term, calendar), terms, calendar);
    let whole = used(term, calendar, start, due).max(SignedDuration::ZERO);
    let before = |share| after(term, calendar, start, part(whole, share)).min(due);
    let beyond = |share| after(term, calendar, due, part(whole, share));
    Deadlines {
        warn_early: shares.warn_early.map(before),
        warn: before(shares.warn),
        due,
        climb_duty: beyond(shares.climb_duty),
        climb_top: beyond(shares.climb_top),
    }
}

/// So many percent of it.
fn part(whole: SignedDuration, percent: u16) -> SignedDuration {
    whole
        .checked_mul(i32::from(percent))
        .map_or(SignedDuration::MAX, |times| times / 100)
}

fn due(start: Timestamp, term: Term, calendar: &Calendar) -> Timestamp {
    // What no span holds ends after all times.
    let local = |days: Result<Span, jiff::Error>| {
        let zoned = start.to_zoned(calendar.zone().clone());
        days.map_or(Timestamp::MAX, |days| {
            zoned.saturating_add(days).timestamp()
        })
    };
    match term {
        Term::Until(instant) => instant,
        Term::Length(Length::Minutes(minutes)) => {
            elapsed(start, SignedDuration::from_mins(i64::from(minutes)))
        }
        Term::Length(Length::WorkingMinutes(minutes)) => {
            calendar.add_working(start, SignedDuration::from_mins(i64::from(minutes)))
        }
        Term::Length(Length::WorkingDays(days)) => calendar.add_working_days(start, days),
        Term::Length(Length::Days(days)) => local(Span::new().try_days(days)),
        Term::Length(Length::Months(months)) => local(Span::new().try_months(months)),
    }
}

/// A deadline where the calendar allows one.
pub(crate) fn settle(due: Timestamp, terms: &Terms, calendar: &Calendar) -> Timestamp {
    if terms.moves_to_opening() {
        calendar.deadline(due)
    } else {
        due
    }
}

/// How much of this term's kind of time passes from `a` to `b`.
pub(crate) fn used(term: Term, calendar: &Calendar, a: Timestamp, b: Timestamp) -> SignedDuration {
    if term.is_working() {
        calendar.working_between(a, b)
    } else {
        a.duration_until(b)
    }
}

/// The instant by which so much of this term's kind of time has passed.
pub(crate) fn after(
    term: Term,
    calendar: &Calendar,
    from: Timestamp,
    amount: SignedDuration,
) -> Timestamp {
    if term.is_working() {
        calendar.add_working(from, amount)
    } else {
        elapsed(from, amount)
    }
}

fn elapsed(from: Timestamp, amount: SignedDuration) -> Timestamp {
    from.saturating_add(amount).unwrap_or(Timestamp::MAX)
}
