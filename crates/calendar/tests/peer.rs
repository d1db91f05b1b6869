//! The days of mainland China, day by day, against another implementation: the package chinesecalendar
//! of PyPI. A committed table of its answers is always compared; the package itself is asked where
//! python3 has it, so that a newer one shows what is new.

use std::process::Command;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use redress_calendar::{Calendar, Days};

const TABLE: &str = include_str!("chinesecalendar.txt");

/// Prints a month a line, for every year that the package knows.
const ASK: &str = "
import chinese_calendar as c, datetime as d
from chinese_calendar import constants as k
for y in range(min(k.holidays).year, max(k.holidays).year + 1):
    for m in range(1, 13):
        days = [d.date(y, m, 1) + d.timedelta(n) for n in range(31)]
        print('%d-%02d' % (y, m), ''.join('w' if c.is_workday(x) else '.' for x in days if x.month == m))
";

/// Compares every day of the years that we publish. Gives the last month of the table.
fn compare(table: &str) -> Date {
    let calendar = Calendar::mainland_china(TimeZone::get("Asia/Shanghai").expect("a zone"));
    let mut month = date(1, 1, 1);
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let (name, days) = line.split_once(' ').expect("a month and its days");
        month = format!("{name}-01").parse().expect("a month");
        if Some(month.year()) > Days::mainland_china().published_through() {
            continue;
        }
        assert_eq!(
            days.len(),
            usize::try_from(month.days_in_month()).expect("28 to 31")
        );
        for (day, expected) in month.series(1.day()).zip(days.chars()) {
            assert_eq!(calendar.is_working_day(day), expected == 'w', "{day}");
            assert!(Days::mainland_china().is_published(day.year()), "{day}");
        }
    }
    month
}

#[test]
fn every_day_since_2004_is_of_the_type_that_chinesecalendar_says() {
    assert_eq!(
        TABLE.lines().filter(|line| !line.starts_with('#')).count(),
        23 * 12
    );
    assert_eq!(compare(TABLE), date(2026, 12, 1));
}

#[test]
fn the_installed_chinesecalendar_says_the_same() {
    let answer = Command::new("python3").args(["-c", ASK]).output();
    match answer {
        Ok(answer) if answer.status.success() => {
            let table = String::from_utf8(answer.stdout).expect("text");
            let last = compare(&table).year();
            if Some(last) > Days::mainland_china().published_through() {
                eprintln!("chinesecalendar knows {last}: add it to data/mainland_china.txt");
            }
        }
        _ => eprintln!("skipped: python3 has no chinesecalendar (pip install chinesecalendar)"),
    }
}
