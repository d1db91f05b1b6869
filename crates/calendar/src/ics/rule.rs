//! Recurrence rules of holidays: yearly ones (RFC 5545, section 3.3.10), on a date or on the n-th weekday of
//! a month. Any other rule is refused by name, so that no holiday is missed in silence.

use jiff::civil::{Date, Weekday};

use super::lines::ContentLine;
use super::{IcsError, date};

/// `FREQ=YEARLY` with what may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    interval: i16,
    count: Option<usize>,
    until: Option<Date>,
    months: Vec<i8>,
    month_days: Vec<i8>,
    /// The n-th such weekday; from the end where negative.
    weekdays: Vec<(i8, Weekday)>,
}

impl Rule {
    /// Reads the value of an RRULE line.
    pub(super) fn parse(line: &ContentLine) -> Result<Self, IcsError> {
        let mut rule = Self {
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            month_days: Vec::new(),
            weekdays: Vec::new(),
        };
        let mut yearly = false;
        for part in line.value.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| line.wrong(format!("{part:?} must look like NAME=VALUE")))?;
            let wrong = || line.wrong(format!("{name} cannot be {value:?}"));
            match name.to_ascii_uppercase().as_str() {
                "FREQ" if value.eq_ignore_ascii_case("YEARLY") => yearly = true,
                "FREQ" => return Err(line.wrong("FREQ must be YEARLY: holidays come once a year")),
                "INTERVAL" => {
                    rule.interval = value.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?;
                }
                "COUNT" => rule.count = Some(value.parse().map_err(|_| wrong())?),
                "UNTIL" => {
                    rule.until = Some(date(value.get(..8).unwrap_or(value)).ok_or_else(wrong)?)
                }
                "BYMONTH" => {
                    rule.months = numbers(value, |n| (1..=12).contains(&n)).ok_or_else(wrong)?;
                }
                "BYMONTHDAY" => {
                    rule.month_days =
                        numbers(value, |n| n != 0 && (-31..=31).contains(&n)).ok_or_else(wrong)?;
                }
                "BYDAY" => {
                    rule.weekdays = value
                        .split(',')
                        .map(nth_weekday)
                        .collect::<Option<_>>()
                        .ok_or_else(wrong)?;
                }
                "WKST" => {}
                other => {
                    return Err(line.wrong(format!(
                        "{other} is not understood; use FREQ=YEARLY with INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY or BYDAY"
                    )));
                }
            }
        }
        if !yearly {
            return Err(line.wrong("FREQ=YEARLY is missing"));
        }
        if !rule.weekdays.is_empty() && rule.months.is_empty() {
            return Err(line.wrong("BYDAY needs BYMONTH"));
        }
        if !rule.weekdays.is_empty() && !rule.month_days.is_empty() {
            return Err(line.wrong("BYDAY and BYMONTHDAY exclude each other"));
        }
        Ok(rule)
    }

    /// The dates on which it falls, from `first` on, up to the end of `last_year`.
    pub(super) fn dates(&self, first: Date, last_year: i16) -> Vec<Date> {
        let step = usize::try_from(self.interval).unwrap_or(1);
        (first.year()..=last_year)
            .step_by(step)
            .flat_map(|year| self.of_year(first, year))
            .filter(|date| *date >= first && self.until.is_none_or(|until| *date <= until))
            .take(self.count.unwrap_or(usize::MAX))
            .collect()
    }

    fn of_year(&self, first: Date, year: i16) -> Vec<Date> {
        let months = match self.months.as_slice() {
            [] => &[first.month()],
            months => months,
        };
        let mut dates: Vec<Date> = months
            .iter()
            .filter_map(|&month| Date::new(year, month, 1).ok())
            .flat_map(|month| self.of_month(first, month))
            .collect();
        dates.sort_unstable();
        dates.dedup();
        dates
    }

    fn of_month(&self, first: Date, month: Date) -> Vec<Date> {
        if !self.weekdays.is_empty() {
            let nth = |&(n, weekday): &(i8, Weekday)| month.nth_weekday_of_month(n, weekday).ok();
            return self.weekdays.iter().filter_map(nth).collect();
        }
        let days = match self.month_days.as_slice() {
            [] => &[first.day()],
            days => days,
        };
        let day = |&day: &i8| {
            let day = if day < 0 {
                month.days_in_month() + 1 + day
            } else {
                day
            };
            Date::new(month.year(), month.month(), day).ok()
        };
        days.iter().filter_map(day).collect()
    }
}

fn numbers(text: &str, fits: impl Fn(i8) -> bool) -> Option<Vec<i8>> {
    let number = |part: &str| part.parse().ok().filter(|n| fits(*n));
    text.split(',').map(number).collect()
}

/// `4TH` is the fourth Thursday, `-1MO` the last Monday.
fn nth_weekday(text: &str) -> Option<(i8, Weekday)> {
    let (n, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let day = weekday(day)?;
    let n: i8 = n.parse().ok()?;
    (n != 0 && (-5..=5).contains(&n)).then_some((n, day))
}

/// `TH` is Thursday.
pub(super) fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(value: &str) -> Result<Rule, IcsError> {
        Rule::parse(&ContentLine {
            number: 7,
            name: "RRULE".to_owned(),
            params: Vec::new(),
            value: value.to_owned(),
        })
    }

    fn dates(value: &str, first: &str) -> Vec<String> {
        let first = first.parse().expect("a date");
        let rule = rule(value).expect(value);
        rule.dates(first, 2028)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn yearly_rules_fall_on_a_date_or_on_the_nth_weekday_of_a_month() {
        assert_eq!(
            dates("FREQ=YEARLY", "2026-12-25"),
            ["2026-12-25", "2027-12-25", "2028-12-25"]
        );
        // Thanksgiving, Memorial Day, the last day of February.
        assert_eq!(
            dates("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "2026-11-26"),
            ["2026-11-26", "2027-11-25", "2028-11-23"]
        );
        assert_eq!(
            dates("FREQ=YEARLY;BYDAY=-1MO;BYMONTH=5;COUNT=2", "2026-05-25"),
            ["2026-05-25", "2027-05-31"]
        );
        assert_eq!(
            dates(
                "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1;UNTIL=20271231T000000Z",
                "2026-01-01"
            ),
            ["2026-02-28", "2027-02-28"]
        );
        assert_eq!(
            dates("FREQ=YEARLY;INTERVAL=2", "2026-07-01"),
            ["2026-07-01", "2028-07-01"]
        );
        // A date that a year does not have is left out.
        assert_eq!(
            dates("FREQ=YEARLY", "2024-02-29"),
            ["2024-02-29", "2028-02-29"]
        );
    }

    #[test]
    fn rules_that_are_not_understood_are_refused_by_name() {
        for (value, word) in [
            ("FREQ=MONTHLY", "FREQ"),
            ("BYMONTH=2", "FREQ"),
            ("FREQ=YEARLY;BYSETPOS=1", "BYSETPOS"),
            ("FREQ=YEARLY;BYMONTH=13", "BYMONTH"),
            ("FREQ=YEARLY;BYMONTH=5;BYDAY=MO", "BYDAY"),
            ("FREQ=YEARLY;BYDAY=1MO", "BYMONTH"),
            ("FREQ=YEARLY;UNTIL=soon", "UNTIL"),
            ("FREQ=YEARLY;INTERVAL=0", "INTERVAL"),
            ("FREQ=YEARLY;nonsense", "nonsense"),
        ] {
            let error = rule(value).expect_err(value);
            assert_eq!((error.line, error.field.as_str()), (7, "RRULE"));
            assert!(error.message.contains(word), "{value}: {}", error.message);
        }
    }
}
