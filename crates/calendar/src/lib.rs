//! Working time: which instants count when a promise runs in the site's own hours.
//!
//! A [`Calendar`] is a zone, weekly hours with any number of intervals a day (lunch breaks, P09), and
//! days that deviate: public holidays are closed, make-up days are worked. Everything is computed
//! from wall-clock edges turned into instants, so that days on which clocks change are as long as
//! they really are. Pure: no I/O, no "now".
//!
//! Cost: every operation walks whole days from its start, so it is linear in the days it spans.

mod days;
mod hours;
mod mainland;

pub use days::{DayKind, Days};
pub use hours::{Hours, HoursError, Interval};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Farthest that any operation looks ahead. A promise is weeks; a century means "never".
const LOOKAHEAD_DAYS_MAX: u32 = 36_525;

/// The working time of a site.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    hours: Hours,
    days: Days,
}

impl Calendar {
    /// A calendar of these hours, with no day that deviates.
    pub fn new(zone: TimeZone, hours: Hours) -> Self {
        Self::with_days(zone, hours, Days::none())
    }

    /// A calendar of these hours and deviating days.
    pub fn with_days(zone: TimeZone, hours: Hours, days: Days) -> Self {
        Self { zone, hours, days }
    }

    /// Open round the clock: every instant counts.
    pub fn always(zone: TimeZone) -> Self {
        Self::new(zone, Hours::always())
    }

    /// Office hours with the public holidays and make-up days of mainland China.
    pub fn mainland_china(zone: TimeZone) -> Self {
        Self::with_days(zone, Hours::office(), Days::mainland_china().clone())
    }

    /// The zone in which hours and days are read.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether this day has any working time.
    pub fn is_working_day(&self, date: Date) -> bool {
        !self.wall(date).is_empty()
    }

    /// Whether working time passes at this instant. The instant of closing does not count.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.intervals(self.date(at))
            .any(|(opens, closes)| opens <= at && at < closes)
    }

    /// This instant where it is open, else the next opening.
    pub fn next_opening(&self, at: Timestamp) -> Timestamp {
        self.intervals_from(at)
            .find(|&(_, closes)| closes > at)
            .map_or(Timestamp::MAX, |(opens, _)| opens.max(at))
    }

    /// A deadline that falls where working time is closed moves to the next opening. The instant of
    /// closing is still a fair deadline.
    pub fn deadline(&self, at: Timestamp) -> Timestamp {
        let closing = self
            .intervals(self.date(at))
            .chain(self.intervals(yesterday(self.date(at))))
            .any(|(_, closes)| closes == at);
        if closing { at } else { self.next_opening(at) }
    }

    /// The earliest instant by which so much working time has passed since `from`. Nothing passes for
    /// an amount that is not positive.
    pub fn add_working(&self, from: Timestamp, amount: SignedDuration) -> Timestamp {
        let mut left = amount;
        if left <= SignedDuration::ZERO {
            return from;
        }
        for (opens, closes) in self.intervals_from(from) {
            let opens = opens.max(from);
            if closes <= opens {
                continue;
            }
            let length = opens.duration_until(closes);
            if left <= length {
                return opens.saturating_add(left).unwrap_or(Timestamp::MAX);
            }
            left -= length;
        }
        Timestamp::MAX
    }

    /// How much working time passes from `a` to `b`; negative when `b` is before `a`.
    pub fn working_between(&self, a: Timestamp, b: Timestamp) -> SignedDuration {
        if b < a {
            return -self.working_between(b, a);
        }
        self.intervals_from(a)
            .take_while(|&(opens, _)| opens < b)
            .map(|(opens, closes)| (opens.max(a), closes.min(b)))
            .filter(|(opens, closes)| opens < closes)
            .fold(SignedDuration::ZERO, |sum, (opens, closes)| {
                sum.saturating_add(opens.duration_until(closes))
            })
    }

    /// The same local time `count` working days later. From outside working hours it counts from the
    /// next opening; where that local time is closed on the last day, the next opening.
    pub fn add_working_days(&self, from: Timestamp, count: u32) -> Timestamp {
        let start = self.next_opening(from);
        if count == 0 || start == Timestamp::MAX {
            return start;
        }
        let local = self.zone.to_datetime(start);
        let last = self
            .dates_from(local.date())
            .skip(1)
            .filter(|&date| self.is_working_day(date))
            .nth(count as usize - 1);
        match last {
            Some(date) => self.deadline(self.instant(date, local.time())),
            None => Timestamp::MAX,
        }
    }

    /// Whether the stretch reaches into a year whose holidays are not published yet.
    pub fn is_provisional(&self, from: Timestamp, to: Timestamp) -> bool {
        let years = self.date(from).year()..=self.date(to).year();
        years.into_iter().any(|year| !self.days.is_published(year))
    }

    fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    fn instant(&self, date: Date, time: jiff::civil::Time) -> Timestamp {
        self.zone
            .to_timestamp(date.to_datetime(time))
            .unwrap_or(Timestamp::MAX)
    }

    fn wall(&self, date: Date) -> &[Interval] {
        match self.days.kind(date) {
            Some(DayKind::Off) => &[],
            Some(DayKind::On) => self.hours.make_up(),
            None => self.hours.on(date.weekday()),
        }
    }

    /// The open stretches of a day, as instants.
    fn intervals(&self, date: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        self.wall(date).iter().map(move |interval| {
            let closes = match interval.end() {
                Some(end) => self.instant(date, end),
                None => self.instant(tomorrow(date), jiff::civil::Time::midnight()),
            };
            (self.instant(date, interval.start()), closes)
        })
    }

    fn dates_from(&self, date: Date) -> impl Iterator<Item = Date> + '_ {
        std::iter::successors(Some(date), |&date| {
            let next = tomorrow(date);
            (next != date).then_some(next)
        })
        .take(LOOKAHEAD_DAYS_MAX as usize)
    }

    /// The open stretches of this instant's day and the days after it.
    fn intervals_from(&self, at: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        self.dates_from(self.date(at))
            .flat_map(|date| self.intervals(date))
    }
}

fn tomorrow(date: Date) -> Date {
    date.saturating_add(1.day())
}

fn yesterday(date: Date) -> Date {
    date.saturating_sub(1.day())
}

#[cfg(test)]
mod tests;
