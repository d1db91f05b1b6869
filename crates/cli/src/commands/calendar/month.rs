//! A month as `cal` draws it, with the hours of every day and the names of the special ones below.

use jiff::civil::{Date, Time};
use redress_proto::triage::v1::{CalendarDay, SpecialDayKind};

use crate::paint::Paint as _;

/// Width of a day.
const CELL: usize = 6;

/// Draws the month of these days, which are all of its days in order.
pub(crate) fn draw(days: &[CalendarDay]) -> String {
    let Some(first) = days.first().and_then(|day| day.date.parse::<Date>().ok()) else {
        return String::new();
    };
    let mut lines = vec![
        format!(
            "{:^width$}",
            first.strftime("%B %Y").to_string(),
            width = 7 * CELL
        )
        .bold()
        .to_string(),
        ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]
            .map(|d| format!("{d:>width$}", width = CELL - 2) + "  ")
            .concat(),
    ];
    let skipped = usize::try_from(first.weekday().to_monday_zero_offset()).unwrap_or(0);
    let cells: Vec<Option<&CalendarDay>> = std::iter::repeat_n(None, skipped)
        .chain(days.iter().map(Some))
        .collect();
    for week in cells.chunks(7) {
        let line = |cell: fn(&CalendarDay) -> String| -> String {
            let blank = || " ".repeat(CELL);
            week.iter()
                .map(|day| day.map_or_else(blank, cell))
                .collect()
        };
        lines.push(line(number).trim_end().to_owned());
        lines.push(line(hours).trim_end().to_owned());
    }
    lines.extend(names(days));
    lines.join("\n")
}

/// The number of a day with its marks.
fn number(day: &CalendarDay) -> String {
    let number = day
        .date
        .get(8..)
        .unwrap_or_default()
        .trim_start_matches('0');
    let mark = match day.kind() {
        SpecialDayKind::Holiday => "*",
        SpecialDayKind::MakeUp => "+",
        SpecialDayKind::Unspecified => "",
    };
    let unsure = if day.provisional { "?" } else { "" };
    let text = format!(
        "{number:>width$}{:<2}",
        format!("{mark}{unsure}"),
        width = CELL - 2
    );
    painted(day, text)
}

/// How long a day is worked.
fn hours(day: &CalendarDay) -> String {
    let minutes: i64 = day.intervals.iter().filter_map(|text| length(text)).sum();
    let text = match (minutes / 60, minutes % 60) {
        (0, 0) => "·".to_owned(),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes:02}"),
    };
    format!("{text:>width$}  ", width = CELL - 2)
        .dimmed()
        .to_string()
}

fn painted(day: &CalendarDay, text: String) -> String {
    match day.kind() {
        SpecialDayKind::Holiday => text.red().to_string(),
        SpecialDayKind::MakeUp => text.green().to_string(),
        SpecialDayKind::Unspecified if day.provisional => text.yellow().to_string(),
        SpecialDayKind::Unspecified if day.intervals.is_empty() => text.dimmed().to_string(),
        SpecialDayKind::Unspecified => text,
    }
}

/// Minutes of `09:00-12:00`.
fn length(interval: &str) -> Option<i64> {
    let minute = |text: &str| match text {
        "24:00" => Some(24 * 60),
        text => {
            let time: Time = text.parse().ok()?;
            Some(i64::from(time.hour()) * 60 + i64::from(time.minute()))
        }
    };
    let (start, end) = interval.split_once('-')?;
    Some(minute(end)? - minute(start)?)
}

/// The special days by name, runs of days in one line.
fn names(days: &[CalendarDay]) -> Vec<String> {
    let special: Vec<&CalendarDay> = days.iter().filter(|day| day.kind != 0).collect();
    let mut lines: Vec<String> = special
        .chunk_by(|a, b| (a.kind, &a.name, a.own) == (b.kind, &b.name, b.own) && follows(a, b))
        .filter_map(|run| {
            let (first, last) = (run.first()?, run.last()?);
            let dates = match run.len() {
                1 => short(&first.date),
                _ => format!("{} to {}", short(&first.date), short(&last.date)),
            };
            let (mark, what) = match first.kind() {
                SpecialDayKind::MakeUp => ("+", "worked"),
                _ => ("*", "closed"),
            };
            let own = if first.own { ", the site's own" } else { "" };
            Some(painted(
                first,
                format!("{mark} {dates:<14} {} ({what}{own})", first.name),
            ))
        })
        .collect();
    if days.iter().any(|day| day.provisional) {
        let text = "? holidays of this year are not published yet: provisional";
        lines.push(text.yellow().to_string());
    }
    lines
}

fn follows(a: &CalendarDay, b: &CalendarDay) -> bool {
    let date = |day: &CalendarDay| day.date.parse::<Date>().ok();
    date(a).and_then(|date| date.tomorrow().ok()) == date(b)
}

fn short(date: &str) -> String {
    date.get(5..).unwrap_or(date).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(date: &str, kind: SpecialDayKind, name: &str, intervals: &[&str]) -> CalendarDay {
        CalendarDay {
            date: date.to_owned(),
            kind: kind.into(),
            name: name.to_owned(),
            intervals: intervals.iter().map(|&i| i.to_owned()).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn a_month_is_drawn_week_by_week_with_hours_and_names() {
        use SpecialDayKind::{Holiday, MakeUp, Unspecified};
        let office = ["09:00-12:00", "13:00-18:00"];
        let days: Vec<CalendarDay> = (1..=11)
            .map(|n| {
                let date = format!("2026-10-{n:02}");
                match n {
                    1..=7 => day(&date, Holiday, "国庆节", &[]),
                    10 => day(&date, MakeUp, "国庆节", &["09:00-12:30"]),
                    11 => CalendarDay {
                        provisional: true,
                        ..day(&date, Unspecified, "", &[])
                    },
                    _ => day(&date, Unspecified, "", &office),
                }
            })
            .collect();
        let drawn = crate::paint::bare(&draw(&days));
        let expected = "
               October 2026
  Mo    Tu    We    Th    Fr    Sa    Su
                     1*    2*    3*    4*
                     ·     ·     ·     ·
   5*    6*    7*    8     9    10+   11?
   ·     ·     ·    8h    8h  3h30     ·
* 10-01 to 10-07 国庆节 (closed)
+ 10-10          国庆节 (worked)
? holidays of this year are not published yet: provisional";
        let trimmed: Vec<&str> = drawn.lines().map(str::trim_end).collect();
        assert_eq!(trimmed.join("\n"), expected.trim_start_matches('\n'));
    }

    #[test]
    fn nothing_is_drawn_of_no_days() {
        assert_eq!(draw(&[]), "");
    }
}
