//! The days of mainland China, read once from the data file that ships with the product.
//!
//! The file only grows. Every line carries the version in which it came in, so that what an older
//! release knew can still be told: a running clock counted with it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::Date;

use crate::days::{Day, DayKind, Days};

const DATA: &str = include_str!("../data/mainland_china.txt");

/// What each version knew; version 1 first.
static VERSIONS: LazyLock<Vec<Days>> = LazyLock::new(|| {
    let lines = read(DATA).expect("the shipped data file reads, as a test shows");
    let newest = lines.iter().map(|line| line.version).max().unwrap_or(0);
    (1..=newest).map(|version| as_of(&lines, version)).collect()
});

/// The newest version.
pub(crate) fn newest() -> u32 {
    u32::try_from(VERSIONS.len()).unwrap_or(u32::MAX)
}

/// What a version knew; the newest where it is not known here.
pub(crate) fn version(version: u32) -> &'static Days {
    let index = (version.clamp(1, newest()) - 1) as usize;
    &VERSIONS[index]
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line<'a> {
    version: u32,
    year: i16,
    kind: DayKind,
    name: &'a str,
    dates: Vec<Date>,
}

/// Lines of `VERSION YEAR off|on NAME MM-DD …`; `#` starts a comment line.
fn read(text: &str) -> Option<Vec<Line<'_>>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(line).collect()
}

fn line(text: &str) -> Option<Line<'_>> {
    let mut words = text.split_ascii_whitespace();
    let version = words.next()?.parse().ok()?;
    let year = words.next()?;
    let kind = match words.next()? {
        "off" => DayKind::Off,
        "on" => DayKind::On,
        _ => return None,
    };
    let name = words.next()?;
    let dates = words
        .map(|day| format!("{year}-{day}").parse().ok())
        .collect::<Option<_>>()?;
    Some(Line {
        version,
        year: year.parse().ok()?,
        kind,
        name,
        dates,
    })
}

fn as_of(lines: &[Line<'static>], version: u32) -> Days {
    let known = || lines.iter().filter(|line| line.version <= version);
    let newest: BTreeMap<i16, u32> = known().fold(BTreeMap::new(), |mut newest, line| {
        let of_year = newest.entry(line.year).or_default();
        *of_year = line.version.max(*of_year);
        newest
    });
    let days = known()
        .filter(|line| newest.get(&line.year) == Some(&line.version))
        .flat_map(|line| {
            let day = Day {
                kind: line.kind,
                name: Cow::Borrowed(line.name),
            };
            line.dates.iter().map(move |&date| (date, day.clone()))
        });
    Days::of(days, newest.keys().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{Weekday, date};

    #[test]
    fn the_shipped_days_are_complete_from_2004_to_2026() {
        let days = version(newest());
        for year in 2004..=2026 {
            assert!(days.is_published(year), "{year}");
            let national_day = days.get(date(year, 10, 1)).expect("a holiday");
            assert_eq!(
                (national_day.kind, &*national_day.name),
                (DayKind::Off, "国庆节")
            );
        }
        assert!(!days.is_published(2003) && !days.is_published(2027));
    }

    #[test]
    fn make_up_days_fall_on_weekends() {
        for line in read(DATA).expect("the file reads") {
            for date in line.dates.iter().filter(|_| line.kind == DayKind::On) {
                assert!(
                    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday),
                    "{date}"
                );
            }
        }
    }

    #[test]
    fn an_older_version_does_not_know_what_came_later() {
        let lines = read(
            "1 2026 off 元旦 01-01\n1 2026 on 元旦 01-04\n2 2027 off 元旦 01-01\n3 2026 off 元旦 01-01 01-02",
        )
        .expect("lines");
        let knows = |version, day: Date| as_of(&lines, version).get(day).map(|day| day.kind);
        assert_eq!(knows(1, date(2026, 1, 4)), Some(DayKind::On));
        assert!(!as_of(&lines, 1).is_published(2027));
        assert!(as_of(&lines, 2).is_published(2027));
        // An amended year counts as its newest lines say, and only they.
        assert_eq!(knows(2, date(2026, 1, 2)), None);
        assert_eq!(knows(3, date(2026, 1, 2)), Some(DayKind::Off));
        assert_eq!(knows(3, date(2026, 1, 4)), None);
    }

    #[test]
    fn a_line_that_is_wrong_is_not_read() {
        for wrong in [
            "",
            "1 2026 off",
            "1 2026 maybe 元旦 01-01",
            "x 2026 on 元旦 01-01",
            "1 2026 on 元旦 02-30",
        ] {
            assert_eq!(line(wrong), None, "{wrong}");
        }
    }
}
