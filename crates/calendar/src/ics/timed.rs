//! Events with times of day: what a roster is exported as. The caller says what an event means; here it is
//! only read, each part with its line.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::lines::{ContentLine, unfold};
use super::shift::{self, TIMES_MAX};
use super::{ERRORS_MAX, IcsError, blocks};

/// A time as the file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// By the wall clock of wherever it is read.
    Local(DateTime),
    /// By the wall clock of a named zone.
    Zoned(DateTime, String),
    /// An instant.
    Instant(Timestamp),
}

impl Moment {
    /// What the clock shows by which it is written.
    pub(super) fn wall_clock(&self) -> DateTime {
        match self {
            Self::Local(local) | Self::Zoned(local, _) => *local,
            Self::Instant(instant) => instant.to_zoned(TimeZone::UTC).datetime(),
        }
    }

    /// Whether both are written by one clock.
    pub(super) fn has_the_clock_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local(_), Self::Local(_)) | (Self::Instant(_), Self::Instant(_)) => true,
            (Self::Zoned(_, zone), Self::Zoned(_, of)) => zone == of,
            _ => false,
        }
    }

    /// The same time of day so many days later; none beyond the calendar.
    fn later(&self, days: i64) -> Option<Self> {
        let days = SignedDuration::from_hours(days * 24);
        Some(match self {
            Self::Local(local) => Self::Local(local.checked_add(days).ok()?),
            Self::Zoned(local, zone) => Self::Zoned(local.checked_add(days).ok()?, zone.clone()),
            Self::Instant(instant) => Self::Instant(instant.checked_add(days).ok()?),
        })
    }
}

/// One event, as often as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    /// Line on which it begins, from 1.
    pub line: usize,
    /// When it begins, with the line; none where that cannot be read, which is among the errors.
    pub start: Option<(usize, Moment)>,
    /// When it ends, with the line; none where that cannot be read, which is among the errors.
    pub end: Option<(usize, Moment)>,
    /// Its other properties: name → line and text, the first of each. Shared by all times of one that recurs.
    pub properties: Arc<BTreeMap<String, (usize, String)>>,
}

/// The events of a file in its order, without cancelled ones, at most 5,000, and every line, of the first 20, that is wrong or
/// says what is not understood: repetitions are daily or weekly ones that end.
///
/// One that recurs stands once for each time, one with a wrong line once, so that whoever knows what it means can name what
/// else is wrong with it. Where any line is wrong, the events are not the file's.
pub fn timed(text: &str) -> (Vec<Timed>, Vec<IcsError>) {
    let (lines, mut errors) = unfold(text);
    let (blocks, unfinished) = blocks(&lines);
    errors.extend(unfinished);
    let mut events = Vec::new();
    for (begin, properties) in blocks {
        events.extend(times(begin, &properties, &mut errors));
        if events.len() > TIMES_MAX {
            errors.push(begin.wrong(format!("a file has {TIMES_MAX} stretches at most")));
            break;
        }
        // More are not told, and a rule that never ends is counted out before it is refused.
        if errors.len() >= ERRORS_MAX {
            break;
        }
    }
    if events.is_empty() && errors.is_empty() {
        errors.push(IcsError {
            line: 1,
            field: "VEVENT".to_owned(),
            message: "the file has no event".to_owned(),
        });
    }
    errors.sort_by_key(|error| error.line);
    errors.truncate(ERRORS_MAX);
    (events, errors)
}

/// Each time that an event happens. What is wrong with it is added to the errors.
fn times<'a>(
    begin: &'a ContentLine,
    properties: &[&'a ContentLine],
    errors: &mut Vec<IcsError>,
) -> Vec<Timed> {
    let all = |name: &str| -> Vec<&'a ContentLine> {
        let named = properties.iter().filter(|p| p.name == name);
        named.copied().collect()
    };
    let one = |name: &str| all(name).first().copied();
    if one("STATUS").is_some_and(|s| s.value.eq_ignore_ascii_case("CANCELLED")) {
        return Vec::new();
    }
    if let Some(line) = one("RDATE").or(one("RECURRENCE-ID")) {
        errors.push(line.wrong("is not understood; use EXDATE and an event of its own"));
    }
    let rules = all("RRULE");
    if let [_, second, ..] = rules.as_slice() {
        errors.push(second.wrong("must stand once in an event"));
    }
    let given =
        |name: &str| one(name).ok_or_else(|| begin.wrong(format!("the event has no {name}")));
    let days = shift::days(given("DTSTART"), rules.first().copied(), &all("EXDATE"));
    let days = days.unwrap_or_else(|wrong| {
        errors.extend(wrong);
        vec![0]
    });
    let read = |line: &ContentLine| -> Result<(usize, Moment), IcsError> {
        Ok((line.number, moment(line)?))
    };
    let start = one("DTSTART").and_then(|line| read(line).ok());
    let end = given("DTEND").and_then(read);
    let end = end.map_err(|error| errors.push(error)).ok();
    let mut texts = BTreeMap::new();
    for line in properties {
        texts
            .entry(line.name.clone())
            .or_insert_with(|| (line.number, line.text()));
    }
    let texts = Arc::new(texts);
    let mut times = Vec::new();
    for days in days {
        let later = |at: &(usize, Moment)| Some((at.0, at.1.later(days)?));
        let (from, until) = (start.as_ref().and_then(later), end.as_ref().and_then(later));
        if from.is_none() && start.is_some() || until.is_none() && end.is_some() {
            let line = one("DTEND").unwrap_or(begin);
            errors.push(line.wrong("lies beyond the calendar"));
            break;
        }
        times.push(Timed {
            line: begin.number,
            start: from,
            end: until,
            properties: Arc::clone(&texts),
        });
    }
    times
}

/// `20261001T080000`, with `Z` or a TZID.
pub(super) fn moment(line: &ContentLine) -> Result<Moment, IcsError> {
    moment_of(line, &line.value)
}

/// One of the moments of a line.
pub(super) fn moment_of(line: &ContentLine, text: &str) -> Result<Moment, IcsError> {
    let wrong = || line.wrong("must be a date with a time, for example 20261001T080000");
    let value = text.trim();
    let (local, utc) = match value.strip_suffix('Z') {
        Some(local) => (local, true),
        None => (value, false),
    };
    if !local.contains('T') {
        return Err(wrong());
    }
    let local: DateTime = local.parse().map_err(|_| wrong())?;
    if utc {
        let zoned = local.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
        return Ok(Moment::Instant(zoned.timestamp()));
    }
    Ok(match line.param("TZID") {
        Some(zone) => Moment::Zoned(local, zone.to_owned()),
        None => Moment::Local(local),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "BEGIN:VCALENDAR\nBEGIN:VEVENT\n";
    const FOOT: &str = "END:VEVENT\nEND:VCALENDAR\n";

    #[test]
    fn an_event_is_read_with_the_lines_of_its_parts() {
        let body = "SUMMARY:li-na\nDTSTART:20261001T080000\nDTEND;TZID=Europe/Berlin:20261001T160000\nBEGIN:VALARM\nSUMMARY:no\nEND:VALARM\n";
        let (events, errors) = timed(&format!("{HEAD}{body}{FOOT}"));
        assert!(errors.is_empty(), "{errors:?}");
        let local: DateTime = "2026-10-01T08:00".parse().expect("a time");
        assert_eq!(events[0].start, Some((4, Moment::Local(local))));
        assert!(
            matches!(&events[0].end, Some((5, Moment::Zoned(_, zone))) if zone == "Europe/Berlin")
        );
        assert_eq!(events[0].properties["SUMMARY"], (3, "li-na".to_owned()));
    }

    #[test]
    fn what_recurs_stands_once_for_each_time_with_its_end() {
        let body = "SUMMARY:li-na\nDTSTART:20261001T200000\nDTEND:20261002T080000\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20261002T200000\n";
        let (events, errors) = timed(&format!("{HEAD}{body}{FOOT}"));
        assert!(errors.is_empty(), "{errors:?}");
        let at =
            |line: usize, text: &str| Some((line, Moment::Local(text.parse().expect("a time"))));
        let times: Vec<_> = events.into_iter().map(|e| (e.start, e.end)).collect();
        assert_eq!(
            times,
            [
                (at(4, "2026-10-01T20:00"), at(5, "2026-10-02T08:00")),
                (at(4, "2026-10-03T20:00"), at(5, "2026-10-04T08:00")),
            ]
        );
    }

    #[test]
    fn a_file_makes_no_more_stretches_than_a_site_has() {
        let event = "BEGIN:VEVENT\nDTSTART:20261001T200000\nDTEND:20261002T080000\nRRULE:FREQ=DAILY;COUNT=3000\nEND:VEVENT\n";
        assert_eq!(timed(event).0.len(), 3_000);
        let (_, errors) = timed(&event.repeat(2));
        assert_eq!((errors[0].line, errors[0].field.as_str()), (6, "BEGIN"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line_and_field() {
        for (body, line, field) in [
            (
                "DTSTART;VALUE=DATE:20261001\nDTEND:20261001T160000Z\n",
                3,
                "DTSTART",
            ),
            ("DTSTART:20261001T080000Z\n", 2, "BEGIN"),
            ("DTSTART:20261001T080000Z\nDTEND:2026T\n", 4, "DTEND"),
            (
                "DTSTART:20261001T080000Z\nRRULE:FREQ=DAILY\nDTEND:20261001T160000Z\n",
                4,
                "RRULE",
            ),
            (
                "DTSTART:20261001T080000Z\nDTEND:20261001T160000Z\nRRULE:FREQ=DAILY;COUNT=2\nRRULE:FREQ=WEEKLY;COUNT=2\n",
                6,
                "RRULE",
            ),
            (
                "DTSTART:20261001T080000Z\nDTEND:20261001T160000Z\nRDATE:20261003T080000Z\n",
                5,
                "RDATE",
            ),
        ] {
            let (_, errors) = timed(&format!("{HEAD}{body}{FOOT}"));
            let told: Vec<_> = errors.iter().map(|e| (e.line, e.field.as_str())).collect();
            assert_eq!(told, [(line, field)], "{body}");
        }
        assert!(!timed("BEGIN:VCALENDAR\nEND:VCALENDAR").1.is_empty());
    }

    #[test]
    fn every_wrong_line_of_a_file_is_named_and_each_event_stands_all_the_same() {
        let text = "nonsense\n\
            BEGIN:VEVENT\nSUMMARY:li\nDTSTART:20261001T080000\nDTEND:2026T\nRRULE:FREQ=MONTHLY\nEXDATE:soon\nEND:VEVENT\n\
            BEGIN:VEVENT\nSUMMARY:wang\nDTSTART:soon\nDTEND:20261001T160000\nRRULE:FREQ=DAILY\nEND:VEVENT\n";
        let (events, errors) = timed(text);
        let told: Vec<_> = errors.iter().map(|e| (e.line, e.field.as_str())).collect();
        assert_eq!(
            told,
            [
                (1, "nonsense"),
                (5, "DTEND"),
                (6, "RRULE"),
                (7, "EXDATE"),
                (11, "DTSTART"),
                (13, "RRULE"),
            ]
        );
        let read: Vec<_> = events
            .iter()
            .map(|e| {
                (
                    &*e.properties["SUMMARY"].1,
                    e.start.is_some(),
                    e.end.is_some(),
                )
            })
            .collect();
        assert_eq!(read, [("li", true, false), ("wang", false, true)]);
    }
}
