//! The open stretches of one year, computed once: what turns every question about working time into a
//! search in a sorted list.
//!
//! An instant is open when the wall clock of the zone then shows a time inside an interval of that
//! day. So an hour that the zone skips does not exist, one that it repeats counts twice, and a day is as
//! long as it really is. Built per stretch of constant offset, where the wall clock is plain addition.
//!
//! Years are those of UTC, so that finding the year of an instant needs no zone. Instants within a year
//! are nanoseconds since its start: they fit in 64 bits, and so does a whole year of working time.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use crate::hours::Interval;

pub(crate) const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 24 * 60 * 60;

/// An open stretch, `[opens, closes)`, and how much of the year was open before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) opens: i64,
    pub(crate) closes: i64,
    before: i64,
}

/// One year of UTC.
#[derive(Debug)]
pub(crate) struct Year {
    start: i64,
    length: i64,
    stretches: Vec<Stretch>,
    open: i64,
    /// One bit for each date of the civil year that has working time.
    working: [u64; 6],
}

/// The UTC year of an instant, and its nanoseconds within it.
pub(crate) fn place(at: Timestamp) -> (i16, i64) {
    let (mut second, mut nanos) = (at.as_second(), i64::from(at.subsec_nanosecond()));
    if nanos < 0 {
        second -= 1;
        nanos += NANOS;
    }
    // The mean Gregorian year finds the year or a neighbour.
    let mut year = 1970 + second.div_euclid(31_556_952);
    while second < start_of(year) {
        year -= 1;
    }
    while second >= start_of(year + 1) {
        year += 1;
    }
    let within = (second - start_of(year)) * NANOS + nanos;
    (i16::try_from(year).unwrap_or(i16::MAX), within)
}

/// Seconds from 1970 to the first instant of a year in UTC.
fn start_of(year: i64) -> i64 {
    let y = year - 1;
    let days = 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) - 719_162;
    days * DAY
}

impl Year {
    /// A year as this zone and these days have it.
    pub(crate) fn build<'a>(
        year: i16,
        zone: &TimeZone,
        wall: impl Fn(Date) -> &'a [Interval],
    ) -> Self {
        let start = start_of(i64::from(year));
        let end = start_of(i64::from(year) + 1);
        let mut built = Self {
            start,
            length: (end - start) * NANOS,
            stretches: Vec::with_capacity(800),
            open: 0,
            working: working_dates(year, &wall),
        };
        let mut from = start;
        let mut offset = offset_at(zone, from);
        for change in zone.following(instant(from)) {
            let at = change.timestamp().as_second();
            if at >= end {
                break;
            }
            built.add(from, at, offset, &wall);
            (from, offset) = (at, i64::from(change.offset().seconds()));
        }
        built.add(from, end, offset, &wall);
        built
    }

    /// Adds what is open from `from` until before `to`, where local time is UTC plus `offset`.
    fn add<'a>(&mut self, from: i64, to: i64, offset: i64, wall: &impl Fn(Date) -> &'a [Interval]) {
        let last = (to - 1 + offset).div_euclid(DAY);
        let mut day = (from + offset).div_euclid(DAY);
        while day <= last {
            let midnight = day * DAY - offset;
            for interval in date_of(day).map(wall).unwrap_or_default() {
                let opens = (midnight + interval.start_second()).max(from);
                let closes = (midnight + interval.end_second()).min(to);
                if opens < closes {
                    self.push((opens - self.start) * NANOS, (closes - self.start) * NANOS);
                }
            }
            day += 1;
        }
    }

    fn push(&mut self, opens: i64, closes: i64) {
        match self.stretches.last_mut() {
            Some(last) if last.closes == opens => last.closes = closes,
            _ => self.stretches.push(Stretch {
                opens,
                closes,
                before: self.open,
            }),
        }
        self.open += closes - opens;
    }

    /// All of its stretches that are not over at `at`.
    pub(crate) fn from(&self, at: i64) -> &[Stretch] {
        &self.stretches[self.stretches.partition_point(|s| s.closes <= at)..]
    }

    /// How much of it is open before `at`.
    pub(crate) fn open_before(&self, at: i64) -> i64 {
        match self.from(at).first() {
            Some(next) => next.before + (at - next.opens).max(0),
            None => self.open,
        }
    }

    /// How much of it is open.
    pub(crate) fn open(&self) -> i64 {
        self.open
    }

    /// The first instant by which so much of it was open; `amount` is above zero and at most all of it.
    pub(crate) fn reached(&self, amount: i64) -> i64 {
        let after = self.stretches.partition_point(|s| s.before < amount);
        match after.checked_sub(1).and_then(|i| self.stretches.get(i)) {
            Some(stretch) => stretch.opens + (amount - stretch.before),
            None => 0,
        }
    }

    /// Whether a stretch closes at this instant; at 0, whether one reached the end of the year before.
    pub(crate) fn closes_at(&self, at: i64) -> bool {
        let after = self.stretches.partition_point(|s| s.closes < at);
        self.stretches.get(after).is_some_and(|s| s.closes == at)
    }

    /// Whether its last instant is open.
    pub(crate) fn ends_open(&self) -> bool {
        self.closes_at(self.length)
    }

    /// An instant of it.
    pub(crate) fn instant(&self, at: i64) -> Timestamp {
        let nanos = i32::try_from(at % NANOS).unwrap_or(0);
        Timestamp::new(self.start + at / NANOS, nanos).unwrap_or(Timestamp::MAX)
    }

    /// The `count`-th of its working dates after the day of the year `day` (0 for 1 January; -1 to count
    /// from the start), or how many of them are missing.
    pub(crate) fn working_day(&self, day: i32, count: u32) -> Result<i32, u32> {
        let mut left = count;
        let first = day + 1;
        for (word, &bits) in (0i32..).zip(&self.working) {
            let mut bits = match first - word * 64 {
                skip if skip <= 0 => bits,
                skip if skip < 64 => bits & (u64::MAX << skip),
                _ => continue,
            };
            if bits.count_ones() < left {
                left -= bits.count_ones();
                continue;
            }
            for _ in 1..left {
                bits &= bits - 1;
            }
            let bit = i32::try_from(bits.trailing_zeros()).unwrap_or(0);
            return Ok(word * 64 + bit);
        }
        Err(left)
    }
}

fn working_dates<'a>(year: i16, wall: &impl Fn(Date) -> &'a [Interval]) -> [u64; 6] {
    let mut working = [0; 6];
    let Ok(first) = Date::new(year, 1, 1) else {
        return working;
    };
    let days = std::iter::successors(Some(first), |day| {
        day.tomorrow().ok().filter(|next| next.year() == year)
    });
    for (number, day) in days.enumerate() {
        if !wall(day).is_empty() {
            working[number / 64] |= 1 << (number % 64);
        }
    }
    working
}

fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

fn offset_at(zone: &TimeZone, second: i64) -> i64 {
    i64::from(zone.to_offset(instant(second)).seconds())
}

/// The date so many days after 1970.
fn date_of(day: i64) -> Option<Date> {
    let days = i32::try_from(day).ok()?;
    date(1970, 1, 1)
        .checked_add(jiff::Span::new().try_days(days).ok()?)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_placed_in_its_year_of_utc() {
        for (text, year, within) in [
            ("1970-01-01T00:00:00Z", 1970, 0),
            (
                "1969-12-31T23:59:59.5Z",
                1969,
                365 * DAY * NANOS - NANOS / 2,
            ),
            ("2024-12-31T23:59:59Z", 2024, (366 * DAY - 1) * NANOS),
            ("2025-01-01T00:00:00.000000001Z", 2025, 1),
            ("2000-02-29T00:00:00Z", 2000, 59 * DAY * NANOS),
        ] {
            assert_eq!(
                place(text.parse().expect("an instant")),
                (year, within),
                "{text}"
            );
        }
    }

    #[test]
    fn an_hour_that_is_skipped_does_not_exist_and_one_that_is_repeated_counts_twice() {
        let zone = TimeZone::get("America/New_York").expect("a zone");
        let night = ["01:30-02:30".parse::<Interval>().expect("an interval")];
        let year = Year::build(2026, &zone, |_| &night);
        let open = |day: &str| {
            let at = |time: &str| place(format!("{day}T{time}Z").parse().expect("an instant")).1;
            (year.open_before(at("12:00:00")) - year.open_before(at("03:00:00"))) / NANOS / 60
        };
        assert_eq!(open("2026-03-07"), 60);
        assert_eq!(open("2026-03-08"), 30);
        assert_eq!(open("2026-11-01"), 90);
    }
}
