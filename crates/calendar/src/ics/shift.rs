//! Repetitions of shifts: daily and weekly rules (RFC 5545, section 3.3.10) that end, without what is excepted. Whatever
//! else a rule may say is refused by the name of its part, so that nobody is put on duty by half of a rule.
//!
//! A shift repeats on the wall clock by which it is written, its end like its start (own): 22:00 to 06:00 stays that over
//! a change of clocks, and touches the shift that begins at 06:00.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;

use super::lines::ContentLine;
use super::rule::weekday;
use super::timed::{Moment, moment, moment_of};
use super::{IcsError, date};

/// Times that the events of one file have together at most.
pub(super) const TIMES_MAX: usize = 5_000;
/// Days or weeks from one time to the next at most.
const INTERVAL_MAX: i64 = 366;

/// `FREQ=DAILY` or `FREQ=WEEKLY` with what may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    weekly: bool,
    interval: i64,
    count: Option<usize>,
    /// The last moment at which it may begin; a local one is by the clock of the first start.
    until: Option<Moment>,
    /// On these alone; empty: on the one of the first start, or on any where it is daily.
    weekdays: Vec<Weekday>,
    week_start: Weekday,
}

/// How many days after the first start the event begins, each time that it happens, in order: 0 for one that happens once.
///
/// # Errors
/// Every line of them that is wrong, that of the start as it is given among them.
pub(super) fn days(
    start: Result<&ContentLine, IcsError>,
    rule: Option<&ContentLine>,
    except: &[&ContentLine],
) -> Result<Vec<i64>, Vec<IcsError>> {
    let (start, first) = match start.and_then(|line| Ok((line, moment(line)?))) {
        Ok(read) => read,
        Err(error) => {
            // Without a start, the rule is judged by what it says itself.
            let of_rule = rule.and_then(|line| Rule::parse(line).err());
            return Err([error].into_iter().chain(of_rule).collect());
        }
    };
    let begun = first.wall_clock();
    let mut errors = Vec::new();
    let mut left_out = BTreeSet::new();
    for line in except {
        match excepted(line, &first) {
            Ok(moments) => left_out.extend(moments),
            Err(error) => errors.push(error),
        }
    }
    let days = match rule {
        Some(line) => Rule::parse(line).and_then(|rule| rule.days(line, start, &first)),
        None => Ok(vec![0]),
    };
    let happens = |days: &i64| after(begun, *days).is_some_and(|at| !left_out.contains(&at));
    match days {
        Ok(days) if errors.is_empty() => Ok(days.into_iter().filter(happens).collect()),
        days => {
            errors.extend(days.err());
            Err(errors)
        }
    }
}

/// The moments that a line leaves out.
fn excepted(line: &ContentLine, first: &Moment) -> Result<Vec<DateTime>, IcsError> {
    let moments = line.value.split(',').map(|text| {
        let moment = moment_of(line, text)?;
        if !moment.has_the_clock_of(first) {
            return Err(line.wrong("must be written by the same clock as DTSTART"));
        }
        Ok(moment.wall_clock())
    });
    moments.collect()
}

/// The same time of day so many days later.
fn after(at: DateTime, days: i64) -> Option<DateTime> {
    at.checked_add(SignedDuration::from_hours(days * 24)).ok()
}

impl Rule {
    fn parse(line: &ContentLine) -> Result<Self, IcsError> {
        let mut rule = Self {
            weekly: false,
            interval: 1,
            count: None,
            until: None,
            weekdays: Vec::new(),
            week_start: Weekday::Monday,
        };
        let mut frequent = false;
        for part in line.value.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| line.wrong(format!("{part:?} must look like NAME=VALUE")))?;
            let wrong = || line.wrong(format!("{name} cannot be {value:?}"));
            match name.to_ascii_uppercase().as_str() {
                "FREQ" => {
                    rule.weekly = match value.to_ascii_uppercase().as_str() {
                        "DAILY" => false,
                        "WEEKLY" => true,
                        _ => return Err(line.wrong("FREQ must be DAILY or WEEKLY")),
                    };
                    frequent = true;
                }
                "INTERVAL" => {
                    let interval = value.parse::<i64>().ok();
                    rule.interval = interval
                        .filter(|n| (1..=INTERVAL_MAX).contains(n))
                        .ok_or_else(wrong)?;
                }
                "COUNT" => {
                    let count = value.parse::<usize>().ok().filter(|n| *n > 0);
                    rule.count = Some(count.ok_or_else(wrong)?);
                }
                "UNTIL" => rule.until = Some(until(line, value).ok_or_else(wrong)?),
                "BYDAY" => {
                    let weekdays: Option<_> = value.split(',').map(weekday).collect();
                    rule.weekdays = weekdays.ok_or_else(wrong)?;
                }
                "WKST" => rule.week_start = weekday(value).ok_or_else(wrong)?,
                other => {
                    return Err(line.wrong(format!(
                        "{other} is not understood; use FREQ=DAILY or FREQ=WEEKLY with INTERVAL, BYDAY, COUNT or UNTIL"
                    )));
                }
            }
        }
        if !frequent {
            return Err(line.wrong("FREQ is missing"));
        }
        if rule.count.is_some() == rule.until.is_some() {
            return Err(line.wrong(
                "must end, by COUNT or by UNTIL and not by both: a duty without an end is a rotation",
            ));
        }
        Ok(rule)
    }

    fn days(
        &self,
        line: &ContentLine,
        start: &ContentLine,
        first: &Moment,
    ) -> Result<Vec<i64>, IcsError> {
        let begun = first.wall_clock();
        if !self.weekdays.is_empty() && !self.weekdays.contains(&begun.date().weekday()) {
            return Err(line.wrong("BYDAY must name the weekday of DTSTART among others"));
        }
        let last = self.last(line, start, first)?;
        let goes_on = |days: &i64| {
            let at = after(begun, *days);
            at.is_some_and(|at| last.is_none_or(|last| at <= last))
        };
        let days: Vec<i64> = self
            .endless(begun.date().weekday())
            .take_while(goes_on)
            .take(self.count.unwrap_or(usize::MAX).min(TIMES_MAX + 1))
            .collect();
        if days.len() > TIMES_MAX {
            return Err(line.wrong(format!("must happen {TIMES_MAX} times at most")));
        }
        Ok(days)
    }

    /// The days by the rule alone, as if it never ended.
    fn endless(&self, first: Weekday) -> impl Iterator<Item = i64> {
        let place = |weekday: Weekday| i64::from(weekday.since(self.week_start));
        let (within, period): (Vec<i64>, i64) = if self.weekly {
            let named: BTreeSet<i64> = match self.weekdays.as_slice() {
                [] => BTreeSet::from([place(first)]),
                weekdays => weekdays.iter().copied().map(place).collect(),
            };
            let within = named.into_iter().map(|at| at - place(first)).collect();
            (within, 7)
        } else {
            (vec![0], 1)
        };
        let of_period = move |n: i64| -> Vec<i64> {
            let begins = n * period * self.interval;
            within.iter().map(|days| begins + days).collect()
        };
        let named = move |days: &i64| {
            let weekday = first.wrapping_add(days % 7);
            self.weekdays.is_empty() || self.weekdays.contains(&weekday)
        };
        (0..)
            .flat_map(of_period)
            .filter(|days| *days >= 0)
            .filter(named)
    }

    /// When it begins for the last time at the latest, by the clock of its first start.
    fn last(
        &self,
        line: &ContentLine,
        start: &ContentLine,
        first: &Moment,
    ) -> Result<Option<DateTime>, IcsError> {
        Ok(match (&self.until, first) {
            (None, _) => None,
            (Some(Moment::Local(last) | Moment::Zoned(last, _)), _) => Some(*last),
            (Some(Moment::Instant(last)), Moment::Instant(_)) => {
                Some(last.to_zoned(TimeZone::UTC).datetime())
            }
            (Some(Moment::Instant(last)), Moment::Zoned(_, zone)) => {
                let zone = TimeZone::get(zone)
                    .map_err(|_| start.wrong("must have a TZID of the IANA time zones"))?;
                Some(last.to_zoned(zone).datetime())
            }
            (Some(Moment::Instant(_)), Moment::Local(_)) => {
                return Err(line.wrong("UNTIL must have no Z where DTSTART has neither Z nor TZID"));
            }
        })
    }
}

/// A moment, or the end of a day.
fn until(line: &ContentLine, text: &str) -> Option<Moment> {
    match date(text) {
        Some(day) => Some(Moment::Local(day.at(23, 59, 59, 0))),
        None => moment_of(line, text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize, text: &str) -> ContentLine {
        let (head, value) = text.split_once(':').expect("NAME:VALUE");
        let mut parts = head.split(';');
        ContentLine {
            number,
            name: parts.next().expect("a name").to_owned(),
            params: parts
                .filter_map(|part| part.split_once('='))
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            value: value.to_owned(),
        }
    }

    fn happens(start: &str, rule: &str, except: &[&str]) -> Result<Vec<i64>, IcsError> {
        let except: Vec<ContentLine> = except.iter().map(|text| line(9, text)).collect();
        let told = days(
            Ok(&line(3, start)),
            Some(&line(4, &format!("RRULE:{rule}"))),
            &except.iter().collect::<Vec<_>>(),
        );
        told.map_err(|mut errors| errors.remove(0))
    }

    // 2026-10-01 is a Thursday.
    const THURSDAY: &str = "DTSTART:20261001T200000";

    #[test]
    fn daily_and_weekly_rules_end_by_count_or_until() {
        for (rule, expected) in [
            ("FREQ=DAILY;COUNT=3", vec![0, 1, 2]),
            ("FREQ=DAILY;INTERVAL=2;UNTIL=20261005", vec![0, 2, 4]),
            ("FREQ=DAILY;UNTIL=20261003T195959", vec![0, 1]),
            ("FREQ=DAILY;UNTIL=20261003T200000", vec![0, 1, 2]),
            ("FREQ=DAILY;BYDAY=TH,FR;COUNT=4", vec![0, 1, 7, 8]),
            ("FREQ=WEEKLY;COUNT=3", vec![0, 7, 14]),
            // What the week has before the first start does not happen.
            (
                "freq=weekly;byday=MO,TH,SU;until=20261012",
                vec![0, 3, 4, 7, 10, 11],
            ),
            (
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,SU;COUNT=4",
                vec![0, 3, 14, 17],
            ),
            // Where the week begins on Sunday, the next one is of the week after.
            (
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,SU;WKST=SU;COUNT=4",
                vec![0, 10, 14, 24],
            ),
        ] {
            assert_eq!(
                happens(THURSDAY, rule, &[]).expect(rule),
                expected,
                "{rule}"
            );
        }
    }

    #[test]
    fn an_end_as_an_instant_is_compared_on_the_clock_of_the_start() {
        // 20:00 in Shanghai is 12:00 in UTC.
        let shanghai = "DTSTART;TZID=Asia/Shanghai:20261001T200000";
        let days = |until: &str| happens(shanghai, &format!("FREQ=DAILY;UNTIL={until}"), &[]);
        assert_eq!(days("20261002T120000Z").expect("an instant"), [0, 1]);
        assert_eq!(days("20261002T115959Z").expect("an instant"), [0]);
        let utc = happens(
            "DTSTART:20261001T120000Z",
            "FREQ=DAILY;UNTIL=20261002T120000Z",
            &[],
        );
        assert_eq!(utc.expect("an instant"), [0, 1]);
    }

    #[test]
    fn what_is_excepted_does_not_happen_but_counts() {
        let rule = "FREQ=DAILY;COUNT=4";
        let except = [
            "EXDATE:20261002T200000,20261004T200000",
            "EXDATE:20261101T200000",
        ];
        assert_eq!(happens(THURSDAY, rule, &except).expect("dates"), [0, 2]);
        for wrong in [
            "EXDATE:20261002T200000Z",
            "EXDATE;TZID=Asia/Shanghai:20261002T200000",
            "EXDATE;VALUE=DATE:20261002",
        ] {
            let error = happens(THURSDAY, rule, &[wrong]).expect_err(wrong);
            assert_eq!((error.line, error.field.as_str()), (9, "EXDATE"), "{wrong}");
        }
        let once = line(9, "EXDATE:20261001T200000");
        let days = days(Ok(&line(3, THURSDAY)), None, &[&once]);
        assert_eq!(days.expect("a date"), [0_i64; 0]);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line_and_part() {
        for (rule, word) in [
            ("FREQ=MONTHLY;COUNT=2", "FREQ"),
            ("COUNT=2", "FREQ"),
            ("FREQ=DAILY", "UNTIL"),
            ("FREQ=DAILY;COUNT=2;UNTIL=20261005", "both"),
            ("FREQ=DAILY;COUNT=0", "COUNT"),
            ("FREQ=DAILY;COUNT=5001", "5000 times"),
            ("FREQ=DAILY;UNTIL=99991231", "5000 times"),
            ("FREQ=DAILY;UNTIL=soon", "UNTIL"),
            ("FREQ=DAILY;UNTIL=20261005T120000Z", "no Z"),
            ("FREQ=WEEKLY;COUNT=2;INTERVAL=0", "INTERVAL"),
            ("FREQ=WEEKLY;COUNT=2;BYDAY=1MO", "BYDAY"),
            ("FREQ=WEEKLY;COUNT=2;BYDAY=MO", "weekday of DTSTART"),
            ("FREQ=DAILY;COUNT=2;BYHOUR=8", "BYHOUR"),
            ("FREQ=WEEKLY;COUNT=2;BYSETPOS=1", "BYSETPOS"),
            ("FREQ=WEEKLY;nonsense", "nonsense"),
        ] {
            let error = happens(THURSDAY, rule, &[]).expect_err(rule);
            assert_eq!((error.line, error.field.as_str()), (4, "RRULE"), "{rule}");
            assert!(error.message.contains(word), "{rule}: {}", error.message);
        }
        let nowhere = "DTSTART;TZID=Nowhere:20261001T200000";
        let error = happens(nowhere, "FREQ=DAILY;UNTIL=20261005T120000Z", &[]).expect_err("a zone");
        assert_eq!((error.line, error.field.as_str()), (3, "DTSTART"));
    }
}
