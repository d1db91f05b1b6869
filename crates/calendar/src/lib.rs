//! Working time: which instants count when a promise runs in the site's own hours.
//!
//! A [`Calendar`] is a zone, weekly hours with any number of intervals a day (lunch breaks, P09), and
//! days that deviate: public holidays are closed, make-up days are worked. An instant is open when the
//! wall clock of the zone shows an open time, so that days on which clocks change are as long as they
//! really are. What a site's calendar says may change from a day on ([`Calendar::changed_from`]); the
//! days before it keep what was said then. Pure: no I/O, no "now".
//!
//! Cost: the open stretches of a year are computed when it is first asked about (about 20 µs) and kept
//! with the calendar and its clones; then an addition is two binary searches whatever it spans within a
//! year, and one step for each year beyond (`cargo bench -p redress-calendar`).

mod days;
mod hours;
pub mod ics;

mod mainland;
mod timeline;

pub use days::{Day, DayKind, Days};
pub use hours::{Hours, HoursError, Interval};

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use timeline::{Year, place};

/// Years that any operation looks ahead. A promise is weeks; a century means "never".
const LOOKAHEAD_YEARS_MAX: i16 = 100;

/// Years that are kept once they are computed; others are computed whenever asked about.
const KEPT: std::ops::Range<i16> = 1990..2110;

/// The working time of a site. Clones share what was computed.
#[derive(Debug, Clone)]
pub struct Calendar(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    zone: TimeZone,
    /// What holds from which day on, in order; the first from the beginning of time.
    pieces: Vec<Arc<Piece>>,
    years: Vec<OnceLock<Year>>,
}

#[derive(Debug)]
struct Piece {
    from: Date,
    hours: Hours,
    days: Days,
}

/// A year that is kept, or one computed for the moment.
enum Found<'a> {
    Kept(&'a Year),
    Made(Box<Year>),
}

impl Deref for Found<'_> {
    type Target = Year;

    fn deref(&self) -> &Year {
        match self {
            Found::Kept(year) => year,
            Found::Made(year) => year,
        }
    }
}

/// What a calendar says of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayView<'a> {
    /// How it deviates; none for an ordinary day.
    pub special: Option<&'a Day>,
    /// When it is worked, by the wall clock.
    pub intervals: &'a [Interval],
    /// Whether it lies in a year whose holidays are not published yet.
    pub provisional: bool,
}

impl Calendar {
    /// A calendar of these hours, with no day that deviates.
    pub fn new(zone: TimeZone, hours: Hours) -> Self {
        Self::with_days(zone, hours, Days::none())
    }

    /// A calendar of these hours and deviating days.
    pub fn with_days(zone: TimeZone, hours: Hours, days: Days) -> Self {
        let from = Date::MIN;
        Self::of(zone, vec![Arc::new(Piece { from, hours, days })])
    }

    /// Open round the clock: every instant counts.
    pub fn always(zone: TimeZone) -> Self {
        Self::new(zone, Hours::always())
    }

    /// Office hours with the public holidays and make-up days of mainland China.
    pub fn mainland_china(zone: TimeZone) -> Self {
        Self::with_days(zone, Hours::office(), Days::mainland_china().clone())
    }

    /// The same calendar until before `from`, and these hours and days from then on.
    #[must_use]
    pub fn changed_from(&self, from: Date, hours: Hours, days: Days) -> Self {
        let before = self.0.pieces.iter().filter(|piece| piece.from < from);
        let mut pieces: Vec<Arc<Piece>> = before.cloned().collect();
        pieces.push(Arc::new(Piece { from, hours, days }));
        Self::of(self.0.zone.clone(), pieces)
    }

    /// The same hours and days, read in another zone.
    #[must_use]
    pub fn in_zone(&self, zone: TimeZone) -> Self {
        Self::of(zone, self.0.pieces.clone())
    }

    fn of(zone: TimeZone, pieces: Vec<Arc<Piece>>) -> Self {
        let years = KEPT.map(|_| OnceLock::new()).collect();
        Self(Arc::new(Inner {
            zone,
            pieces,
            years,
        }))
    }

    /// The zone in which hours and days are read.
    pub fn zone(&self) -> &TimeZone {
        &self.0.zone
    }

    /// The hours that hold on a day.
    pub fn hours(&self, date: Date) -> &Hours {
        &self.piece(date).hours
    }

    /// The deviating days of the calendar that holds on a day.
    pub fn days(&self, date: Date) -> &Days {
        &self.piece(date).days
    }

    /// The local date of an instant.
    pub fn date(&self, at: Timestamp) -> Date {
        self.0.zone.to_datetime(at).date()
    }

    /// What this calendar says of a day.
    pub fn day(&self, date: Date) -> DayView<'_> {
        let piece = self.piece(date);
        DayView {
            special: piece.days.get(date),
            intervals: self.wall(date),
            provisional: !piece.days.is_published(date.year()),
        }
    }

    /// Whether this day has any working time.
    pub fn is_working_day(&self, date: Date) -> bool {
        !self.wall(date).is_empty()
    }

    /// Whether working time passes at this instant. The instant of closing does not count.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let (year, at) = place(at);
        self.year(year)
            .from(at)
            .first()
            .is_some_and(|s| s.opens <= at)
    }

    /// This instant where it is open, else the next opening.
    pub fn next_opening(&self, at: Timestamp) -> Timestamp {
        let (first, mut at) = place(at);
        for number in years_from(first) {
            let year = self.year(number);
            if let Some(next) = year.from(at).first() {
                return year.instant(next.opens.max(at));
            }
            at = 0;
        }
        Timestamp::MAX
    }

    /// A deadline that falls where working time is closed moves to the next opening. The instant of
    /// closing is still a fair deadline.
    pub fn deadline(&self, at: Timestamp) -> Timestamp {
        let (number, within) = place(at);
        let closing = self.year(number).closes_at(within)
            || (within == 0 && self.year(number.saturating_sub(1)).ends_open());
        if closing { at } else { self.next_opening(at) }
    }

    /// The earliest instant by which so much working time has passed since `from`. Nothing passes for
    /// an amount that is not positive.
    pub fn add_working(&self, from: Timestamp, amount: SignedDuration) -> Timestamp {
        if amount <= SignedDuration::ZERO {
            return from;
        }
        // What does not fit is centuries.
        let Ok(amount) = i64::try_from(amount.as_nanos()) else {
            return Timestamp::MAX;
        };
        let (first, at) = place(from);
        let Some(mut left) = self.year(first).open_before(at).checked_add(amount) else {
            return Timestamp::MAX;
        };
        for number in years_from(first) {
            let year = self.year(number);
            if left <= year.open() {
                return year.instant(year.reached(left));
            }
            left -= year.open();
        }
        Timestamp::MAX
    }

    /// How much working time passes from `a` to `b`; negative when `b` is before `a`.
    pub fn working_between(&self, a: Timestamp, b: Timestamp) -> SignedDuration {
        if b < a {
            return -self.working_between(b, a);
        }
        let ((first, from), (last, to)) = (place(a), place(b));
        let mut open = -self.year(first).open_before(from);
        for number in first..last.min(first.saturating_add(LOOKAHEAD_YEARS_MAX)) {
            open += self.year(number).open();
        }
        SignedDuration::from_nanos(open + self.year(last).open_before(to))
    }

    /// The open stretches between two instants, in order; at most the next hundred years.
    pub fn open_between(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let ((first, start), (last, end)) = (place(from), place(to));
        years_from(first)
            .take_while(move |&number| number <= last)
            .flat_map(move |number| {
                let year = self.year(number);
                let from = if number == first { start } else { 0 };
                let to = if number == last { end } else { i64::MAX };
                year.from(from)
                    .iter()
                    .take_while(|s| s.opens < to)
                    .map(|s| {
                        (
                            year.instant(s.opens.max(from)),
                            year.instant(s.closes.min(to)),
                        )
                    })
                    .collect::<Vec<_>>()
            })
    }

    /// The same local time `count` working days later. From outside working hours it counts from the
    /// next opening; where that local time is closed on the last day, the next opening.
    pub fn add_working_days(&self, from: Timestamp, count: u32) -> Timestamp {
        let start = self.next_opening(from);
        if count == 0 || start == Timestamp::MAX {
            return start;
        }
        let local = self.0.zone.to_datetime(start);
        let mut day = i32::from(local.day_of_year()) - 1;
        let mut left = count;
        for number in years_from(local.year()) {
            match self.year(number).working_day(day, left) {
                Ok(found) => {
                    let date = Date::new(number, 1, 1)
                        .ok()
                        .and_then(|first| first.checked_add(jiff::Span::new().days(found)).ok());
                    return date.map_or(Timestamp::MAX, |date| {
                        self.deadline(self.instant(date, local.time()))
                    });
                }
                Err(missing) => (day, left) = (-1, missing),
            }
        }
        Timestamp::MAX
    }

    /// Whether the stretch reaches into a year whose holidays are not published yet.
    pub fn is_provisional(&self, from: Timestamp, to: Timestamp) -> bool {
        let last = self.date(to);
        (self.date(from).year()..=last.year()).any(|year| {
            let day = Date::new(year, 12, 31).map_or(last, |end| end.min(last));
            !self.days(day).is_published(year)
        })
    }

    /// The newest year that is published, as known from this day on; none where no list is awaited.
    pub fn published_through(&self, date: Date) -> Option<i16> {
        self.days(date).published_through()
    }

    fn instant(&self, date: Date, time: jiff::civil::Time) -> Timestamp {
        self.0
            .zone
            .to_timestamp(date.to_datetime(time))
            .unwrap_or(Timestamp::MAX)
    }

    fn piece(&self, date: Date) -> &Piece {
        let pieces = &self.0.pieces;
        let after = pieces.partition_point(|piece| piece.from <= date);
        &pieces[after.saturating_sub(1)]
    }

    fn wall(&self, date: Date) -> &[Interval] {
        let piece = self.piece(date);
        match piece.days.get(date).map(|day| day.kind) {
            Some(DayKind::Off) => &[],
            Some(DayKind::On) => piece.hours.make_up(),
            None => piece.hours.on(date.weekday()),
        }
    }

    fn year(&self, number: i16) -> Found<'_> {
        let build = || Year::build(number, &self.0.zone, |date| self.wall(date));
        let index = usize::try_from(number - KEPT.start).ok();
        match index.and_then(|index| self.0.years.get(index)) {
            Some(kept) => Found::Kept(kept.get_or_init(build)),
            None => Found::Made(Box::new(build())),
        }
    }
}

fn years_from(first: i16) -> impl Iterator<Item = i16> {
    (first..=first.saturating_add(LOOKAHEAD_YEARS_MAX)).take_while(|&year| year <= 9999)
}

#[cfg(test)]
mod tests;
