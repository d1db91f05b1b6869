//! Events with times of day: what a roster is exported as. The caller says what an event means; here it is
//! only read, each part with its line.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::lines::{ContentLine, unfold};
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

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    /// Line on which it begins, from 1.
    pub line: usize,
    /// When it begins, with the line.
    pub start: (usize, Moment),
    /// When it ends, with the line.
    pub end: (usize, Moment),
    /// Its other properties: name → line and text, the first of each.
    pub properties: BTreeMap<String, (usize, String)>,
}

/// The events of a file in its order, without cancelled ones. What recurs is refused: a roster says each stretch.
pub fn timed(text: &str) -> Result<Vec<Timed>, Vec<IcsError>> {
    let lines = unfold(text).map_err(|error| vec![error])?;
    let (blocks, unfinished) = blocks(&lines);
    let (mut events, mut errors) = (Vec::new(), Vec::from_iter(unfinished));
    for (begin, properties) in blocks {
        match event(begin, &properties) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    if events.is_empty() && errors.is_empty() {
        errors.push(IcsError {
            line: 1,
            field: "VEVENT".to_owned(),
            message: "the file has no event".to_owned(),
        });
    }
    if errors.is_empty() {
        return Ok(events);
    }
    errors.sort_by_key(|error| error.line);
    errors.truncate(ERRORS_MAX);
    Err(errors)
}

fn event(begin: &ContentLine, properties: &[&ContentLine]) -> Result<Option<Timed>, IcsError> {
    let one = |name: &str| properties.iter().find(|p| p.name == name).copied();
    if one("STATUS").is_some_and(|s| s.value.eq_ignore_ascii_case("CANCELLED")) {
        return Ok(None);
    }
    if let Some(line) = properties
        .iter()
        .find(|p| matches!(p.name.as_str(), "RRULE" | "RDATE" | "RECURRENCE-ID"))
    {
        return Err(
            line.wrong("repetitions are not understood; write each stretch as an event of its own")
        );
    }
    let instant = |name: &str| {
        let line = one(name).ok_or_else(|| begin.wrong(format!("the event has no {name}")))?;
        Ok((line.number, moment(line)?))
    };
    let mut all = BTreeMap::new();
    for line in properties {
        all.entry(line.name.clone())
            .or_insert_with(|| (line.number, line.text()));
    }
    Ok(Some(Timed {
        line: begin.number,
        start: instant("DTSTART")?,
        end: instant("DTEND")?,
        properties: all,
    }))
}

/// `20261001T080000`, with `Z` or a TZID.
fn moment(line: &ContentLine) -> Result<Moment, IcsError> {
    let wrong = || line.wrong("must be a date with a time, for example 20261001T080000");
    let value = line.value.trim();
    let (local, utc) = match value.strip_suffix('Z') {
        Some(local) => (local, true),
        None => (value, false),
    };
    if !local.contains('T') {
        return Err(wrong());
    }
    let local: DateTime = local.parse().map_err(|_| wrong())?;
    if utc {
        let zoned = local
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_err(|_| wrong())?;
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
        let events = timed(&format!("{HEAD}{body}{FOOT}")).expect("an event");
        let local: DateTime = "2026-10-01T08:00".parse().expect("a time");
        assert_eq!(events[0].start, (4, Moment::Local(local)));
        assert!(matches!(&events[0].end, (5, Moment::Zoned(_, zone)) if zone == "Europe/Berlin"));
        assert_eq!(events[0].properties["SUMMARY"], (3, "li-na".to_owned()));
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
        ] {
            let errors = timed(&format!("{HEAD}{body}{FOOT}")).expect_err(body);
            assert_eq!(
                (errors[0].line, errors[0].field.as_str()),
                (line, field),
                "{body}"
            );
        }
        assert!(timed("BEGIN:VCALENDAR\nEND:VCALENDAR").is_err());
    }
}
