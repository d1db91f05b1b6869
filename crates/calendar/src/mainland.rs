//! The days of mainland China, read once from the data file that ships with the product.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::Date;

use crate::days::{DayKind, Days};

const DATA: &str = include_str!("../data/mainland_china.txt");

pub(crate) static DAYS: LazyLock<Days> = LazyLock::new(|| {
    Days::published(read(DATA).expect("the shipped data file reads, as a test shows"))
});

/// Lines of `YEAR off|on MM-DD …`; `#` starts a comment line.
fn read(text: &str) -> Option<BTreeMap<Date, DayKind>> {
    let mut kinds = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_ascii_whitespace();
        let year = words.next()?;
        let kind = match words.next()? {
            "off" => DayKind::Off,
            "on" => DayKind::On,
            _ => return None,
        };
        for day in words {
            kinds.insert(format!("{year}-{day}").parse().ok()?, kind);
        }
    }
    Some(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{Weekday, date};

    #[test]
    fn the_shipped_days_are_complete_up_to_2026() {
        let kinds = read(DATA).expect("the file reads");
        for year in 2004..=2026 {
            assert!(DAYS.is_published(year), "{year}");
            assert_eq!(kinds.get(&date(year, 10, 1)), Some(&DayKind::Off));
        }
        assert!(!DAYS.is_published(2027));
    }

    #[test]
    fn make_up_days_fall_on_weekends() {
        for (date, kind) in read(DATA).expect("the file reads") {
            if kind == DayKind::On {
                assert!(
                    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday),
                    "{date}"
                );
            }
        }
    }
}
