//! Weekly hours as they are typed: `mon-fri=09:00-12:00,13:00-18:00`, `sat=09:00-12:00`, `make-up=…`.

use redress_proto::triage::v1::{DayHours, WeeklyHours};

use crate::failure::Failure;

const DAYS: [&str; 8] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "make-up"];

/// Reads all of them; none where none is given. Days that no one names are closed, make-up days then
/// have the hours of Monday.
pub(crate) fn parse(arguments: &[String]) -> Result<Option<WeeklyHours>, Failure> {
    if arguments.is_empty() {
        return Ok(None);
    }
    let mut week: [Option<DayHours>; 8] = Default::default();
    for argument in arguments {
        let wrong = |reason: &str| Failure::Argument {
            argument: "hours",
            reason: format!("{argument:?}: {reason}"),
        };
        let (days, intervals) = argument
            .split_once('=')
            .ok_or_else(|| wrong("must look like mon-fri=09:00-12:00,13:00-18:00"))?;
        let range =
            range(days).ok_or_else(|| wrong("days are mon to sun, ranges of them, or make-up"))?;
        for day in range {
            week[day] = Some(DayHours {
                intervals: intervals
                    .split(',')
                    .filter(|i| !i.is_empty())
                    .map(|i| i.trim().to_owned())
                    .collect(),
            });
        }
    }
    let [
        monday,
        tuesday,
        wednesday,
        thursday,
        friday,
        saturday,
        sunday,
        make_up,
    ] = week;
    let make_up = make_up.or_else(|| monday.clone());
    Ok(Some(WeeklyHours {
        monday,
        tuesday,
        wednesday,
        thursday,
        friday,
        saturday,
        sunday,
        make_up,
    }))
}

fn range(text: &str) -> Option<std::ops::RangeInclusive<usize>> {
    let text = text.trim().to_lowercase();
    let day = |name: &str| DAYS.iter().position(|day| *day == name);
    if let Some(day) = day(&text) {
        return Some(day..=day);
    }
    let (first, last) = text.split_once('-')?;
    let (first, last) = (day(first)?, day(last)?);
    (first <= last && last < 7).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(arguments: &[&str]) -> Result<Option<WeeklyHours>, Failure> {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        parse(&arguments)
    }

    #[test]
    fn ranges_of_days_are_read_and_the_rest_is_closed() {
        let week = hours(&["mon-fri=09:00-12:00, 13:00-18:00", "sat=09:00-12:00"])
            .expect("read")
            .expect("given");
        let intervals = |day: &Option<DayHours>| day.clone().map(|d| d.intervals);
        assert_eq!(
            intervals(&week.friday),
            Some(vec!["09:00-12:00".to_owned(), "13:00-18:00".to_owned()])
        );
        assert_eq!(
            intervals(&week.saturday),
            Some(vec!["09:00-12:00".to_owned()])
        );
        assert_eq!(week.sunday, None);
        assert_eq!(week.make_up, week.monday);
        assert!(hours(&[]).expect("nothing to read").is_none());
        for wrong in [
            "fri-mon=09:00-12:00",
            "mon",
            "someday=09:00-12:00",
            "mon-make-up=09:00-12:00",
        ] {
            assert!(hours(&[wrong]).is_err(), "{wrong}");
        }
    }
}
