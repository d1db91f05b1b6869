//! Numbers for people: `LX-20261121-0042`, counted per site and day in the site's time zone.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The day that a number belongs to.
pub fn day(now: Timestamp, zone: &TimeZone) -> Date {
    now.to_zoned(zone.clone()).date()
}

/// The number for people. Four digits, more where a day needs them.
pub fn format(prefix: &str, day: Date, counter: i64) -> String {
    format!(
        "{prefix}-{:04}{:02}{:02}-{counter:04}",
        day.year(),
        day.month(),
        day.day()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_carries_the_sites_own_day() {
        let zone = TimeZone::get("Asia/Shanghai").expect("known");
        let late: Timestamp = "2026-11-20T16:30:00Z".parse().expect("valid");
        assert_eq!(format("LX", day(late, &zone), 42), "LX-20261121-0042");
        assert_eq!(format("LX", day(late, &zone), 12345), "LX-20261121-12345");
    }
}
