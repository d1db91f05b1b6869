//! Holidays and make-up days out of an iCalendar file (RFC 5545).
//!
//! Whole-day events count. What an event says is read, in this order, from
//!
//! 1. `X-APPLE-SPECIAL-DAY`: `WORK-HOLIDAY` or `ALTERNATE-WORKDAY`;
//! 2. `CATEGORIES`: `HOLIDAY`, `PUBLIC HOLIDAY`, `休`, `放假`, `节假日` or `WORKDAY`, `WORKING DAY`, `MAKE-UP DAY`, `班`,
//!    `上班`, `补班`;
//! 3. `SUMMARY`: the mark `(休)` or `(班)` in any kind of brackets or at the end after a space, or the words `放假`,
//!    `补休` and `上班`, `补班`, `working day`, `make-up day`.
//!
//! In a file that marks any event, those without a mark are only observances and close nothing. In a file
//! that marks none, every whole-day event is a holiday, as published holiday calendars have it.
//! Cancelled events are left out. The reader is our own: no library says on which line a file is wrong,
//! and those that are kept well bring a second library of dates (decision 0012).

mod lines;
mod rule;
mod shift;
mod timed;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use crate::days::{Day, DayKind};
use lines::{ContentLine, unfold};
use rule::Rule;

pub use timed::{Moment, Timed, timed};

/// Days of one event at most.
const EVENT_DAYS_MAX: usize = 366;
/// Days of a file at most.
const DAYS_MAX: usize = 10_000;
/// Characters of a name that are kept.
const NAME_CHARS_MAX: usize = 80;
/// Errors that are told at most.
const ERRORS_MAX: usize = 20;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {field}: {message}")]
pub struct IcsError {
    /// The line on which the property begins, from 1.
    pub line: usize,
    /// The property.
    pub field: String,
    /// What it should be.
    pub message: String,
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Holidays and make-up days, in order.
    pub days: BTreeMap<Date, Day>,
    /// The years in which it has any.
    pub years: BTreeSet<i16>,
    /// Events that close nothing: observances without a mark, and cancelled ones.
    pub ignored: usize,
}

/// Reads a file; what recurs is followed up to the end of `last_year`.
pub fn read(text: &str, last_year: i16) -> Result<Imported, Vec<IcsError>> {
    let (lines, mut broken) = unfold(text);
    if !broken.is_empty() {
        broken.truncate(ERRORS_MAX);
        return Err(broken);
    }
    let (events, mut errors) = events(&lines);
    let marked = events.iter().any(|event| event.kind.is_some());
    let mut imported = Imported {
        days: BTreeMap::new(),
        years: BTreeSet::new(),
        ignored: 0,
    };
    for event in &events {
        let kind = match event.kind {
            Some(kind) => kind,
            None if marked => {
                imported.ignored += 1;
                continue;
            }
            None => DayKind::Off,
        };
        if event.cancelled {
            imported.ignored += 1;
        } else if let Err(error) = imported.add(event, kind, last_year) {
            errors.push(error);
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
        return Ok(imported);
    }
    errors.sort_by_key(|error| error.line);
    errors.truncate(ERRORS_MAX);
    Err(errors)
}

impl Imported {
    fn add(&mut self, event: &Event<'_>, kind: DayKind, last_year: i16) -> Result<(), IcsError> {
        let day = Day {
            kind,
            name: Cow::Owned(event.name.clone()),
        };
        for first in event.starts(last_year)? {
            for date in first.series(1.day()).take(event.length()?) {
                let before = self.days.insert(date, day.clone());
                if before.is_some_and(|before| before.kind != kind) {
                    return Err(event.line.wrong(format!(
                        "{date} is a holiday and a make-up day in the same file"
                    )));
                }
                self.years.insert(date.year());
                if self.days.len() > DAYS_MAX {
                    return Err(event
                        .line
                        .wrong(format!("a file has {DAYS_MAX} days at most")));
                }
            }
        }
        Ok(())
    }
}

/// One VEVENT.
struct Event<'a> {
    /// Where it begins.
    line: &'a ContentLine,
    start: Option<&'a ContentLine>,
    end: Option<&'a ContentLine>,
    rule: Option<&'a ContentLine>,
    more: Vec<&'a ContentLine>,
    except: Vec<&'a ContentLine>,
    kind: Option<DayKind>,
    name: String,
    cancelled: bool,
}

/// A VEVENT: the line on which it begins, and its properties.
type Block<'a> = (&'a ContentLine, Vec<&'a ContentLine>);

fn events(lines: &[ContentLine]) -> (Vec<Event<'_>>, Vec<IcsError>) {
    let (mut events, mut errors) = (Vec::new(), Vec::new());
    let (blocks, unfinished) = blocks(lines);
    for (begin, properties) in blocks {
        match Event::of(begin, &properties) {
            Ok(event) => events.push(event),
            Err(error) => errors.push(error),
        }
    }
    errors.extend(unfinished);
    (events, errors)
}

/// The VEVENTs of a file, and what is wrong with the one that does not end.
fn blocks(lines: &[ContentLine]) -> (Vec<Block<'_>>, Option<IcsError>) {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    // Depth of components inside an event, such as alarms.
    let mut inside = 0;
    for line in lines {
        let of_event = line.value.eq_ignore_ascii_case("VEVENT");
        match (line.name.as_str(), &mut open) {
            ("BEGIN", None) if of_event => open = Some((line, Vec::new())),
            ("BEGIN", Some(_)) => inside += 1,
            ("END", Some(_)) if inside > 0 => inside -= 1,
            ("END", Some(_)) => blocks.extend(open.take()),
            (_, Some((_, properties))) if inside == 0 => properties.push(line),
            _ => {}
        }
    }
    let unfinished = open.map(|(begin, _)| begin.wrong("the event has no END:VEVENT"));
    (blocks, unfinished)
}

impl<'a> Event<'a> {
    fn of(line: &'a ContentLine, properties: &[&'a ContentLine]) -> Result<Self, IcsError> {
        let all = |name: &str| -> Vec<&'a ContentLine> {
            let named = properties.iter().filter(|p| p.name == name);
            named.copied().collect()
        };
        let one = |name: &str| all(name).first().copied();
        if let Some(moved) = one("RECURRENCE-ID") {
            return Err(moved.wrong(
                "moved repetitions are not understood; use EXDATE and an event of its own",
            ));
        }
        let summary = one("SUMMARY").map(ContentLine::text).unwrap_or_default();
        let categories: Vec<String> = all("CATEGORIES")
            .iter()
            .flat_map(|line| {
                line.text()
                    .split(',')
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect();
        let apple = one("X-APPLE-SPECIAL-DAY").map(|line| line.value.trim());
        Ok(Self {
            line,
            start: one("DTSTART"),
            end: one("DTEND").or(one("DURATION")),
            rule: one("RRULE"),
            more: all("RDATE"),
            except: all("EXDATE"),
            kind: kind(apple, &categories, &summary),
            name: summary.chars().take(NAME_CHARS_MAX).collect(),
            cancelled: one("STATUS").is_some_and(|s| s.value.eq_ignore_ascii_case("CANCELLED")),
        })
    }

    fn start(&self) -> Result<(&'a ContentLine, Date), IcsError> {
        let line = self
            .start
            .ok_or_else(|| self.line.wrong("the event has no DTSTART"))?;
        Ok((line, whole_day(line)?))
    }

    /// The first day of each time that it happens.
    fn starts(&self, last_year: i16) -> Result<BTreeSet<Date>, IcsError> {
        let (_, first) = self.start()?;
        let mut starts = BTreeSet::from([first]);
        if let Some(line) = self.rule {
            starts.extend(Rule::parse(line)?.dates(first, last_year));
        }
        for line in &self.more {
            starts.extend(dates(line)?);
        }
        for line in &self.except {
            for date in dates(line)? {
                starts.remove(&date);
            }
        }
        Ok(starts)
    }

    /// How many days it lasts: until before DTEND, or as long as DURATION says; one day without either.
    fn length(&self) -> Result<usize, IcsError> {
        let (_, first) = self.start()?;
        let Some(line) = self.end else { return Ok(1) };
        let days = if line.name == "DURATION" {
            duration(&line.value)
        } else {
            usize::try_from(first.duration_until(whole_day(line)?).as_hours() / 24).ok()
        };
        match days {
            // Some write the day itself as its end.
            Some(0) if line.name == "DTEND" => Ok(1),
            Some(days @ 1..=EVENT_DAYS_MAX) => Ok(days),
            _ => Err(line.wrong(format!(
                "must make 1 to {EVENT_DAYS_MAX} whole days, DTEND being the day after the last"
            ))),
        }
    }
}

/// `20261001`.
fn date(text: &str) -> Option<Date> {
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    digits
        .then(|| format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]))?
        .parse()
        .ok()
}

/// A date, or a midnight that stands for one.
fn whole_day(line: &ContentLine) -> Result<Date, IcsError> {
    whole_day_of(line, line.value.trim())
}

fn whole_day_of(line: &ContentLine, text: &str) -> Result<Date, IcsError> {
    let day = match text.split_once('T') {
        Some((day, "000000")) if line.param("VALUE") != Some("DATE") => day,
        Some(_) => return Err(line.wrong("must be a whole day, for example ;VALUE=DATE:20261001")),
        None => text,
    };
    date(day).ok_or_else(|| line.wrong(format!("{text:?} must be a date like 20261001")))
}

fn dates(line: &ContentLine) -> Result<Vec<Date>, IcsError> {
    line.value
        .split(',')
        .map(|text| whole_day_of(line, text.trim()))
        .collect()
}

/// `P3D` or `P1W`.
fn duration(text: &str) -> Option<usize> {
    let amount = text.trim().strip_prefix('P')?;
    match (amount.strip_suffix('D'), amount.strip_suffix('W')) {
        (Some(days), _) => days.parse().ok(),
        (_, Some(weeks)) => weeks.parse::<usize>().ok()?.checked_mul(7),
        _ => None,
    }
}

fn kind(apple: Option<&str>, categories: &[String], summary: &str) -> Option<DayKind> {
    match apple {
        Some("WORK-HOLIDAY") => return Some(DayKind::Off),
        Some("ALTERNATE-WORKDAY") => return Some(DayKind::On),
        _ => {}
    }
    let category =
        categories
            .iter()
            .find_map(|category| match category.trim().to_lowercase().as_str() {
                "holiday" | "holidays" | "public holiday" | "休" | "休假" | "放假" | "节假日" => {
                    Some(DayKind::Off)
                }
                "workday" | "working day" | "make-up day" | "班" | "上班" | "补班" => {
                    Some(DayKind::On)
                }
                _ => None,
            });
    category.or_else(|| mark(&summary.to_lowercase()))
}

/// The mark in a summary. `上班` and `补班` say more than `休` beside them: 调休上班 is worked.
fn mark(summary: &str) -> Option<DayKind> {
    let has = |words: &[&str]| words.iter().any(|word| summary.contains(word));
    let signed = |sign: &str| {
        let brackets = [
            ("(", ")"),
            ("（", "）"),
            ("[", "]"),
            ("【", "】"),
            ("「", "」"),
        ];
        brackets
            .iter()
            .any(|(open, close)| summary.contains(&format!("{open}{sign}{close}")))
            || summary.ends_with(&format!(" {sign}"))
            || summary == sign
    };
    if signed("班") || has(&["上班", "补班", "working day", "workday", "make-up day"]) {
        Some(DayKind::On)
    } else if signed("休") || has(&["放假", "补休"]) {
        Some(DayKind::Off)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
