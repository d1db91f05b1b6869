//! Weekly hours: which wall-clock intervals are worked on which weekday.

use jiff::civil::Weekday;

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// A stretch of wall-clock time within one day, `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    start_minute: u16,
    end_minute: u16,
}

/// Hours that make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Not of the form `09:00-12:00`.
    #[error("{0:?} must look like 09:00-12:00, from 00:00 to 24:00, the end after the start")]
    Interval(String),
    /// Two intervals of one day overlap or stand in the wrong order.
    #[error("the intervals of a day must follow each other without overlap")]
    Order,
    /// No day is worked at all.
    #[error("at least one interval in the week must be open")]
    Empty,
}

impl Interval {
    /// From `start_minute` until before `end_minute` of a day, counted from midnight.
    pub fn new(start_minute: u16, end_minute: u16) -> Result<Self, HoursError> {
        if start_minute < end_minute && end_minute <= DAY_MINUTES {
            Ok(Self {
                start_minute,
                end_minute,
            })
        } else {
            Err(HoursError::Interval(format!("{start_minute}-{end_minute}")))
        }
    }

    /// The minute of the day at which it starts.
    pub fn start_minute(self) -> u16 {
        self.start_minute
    }

    /// The minute of the day before which it ends; 1440 is midnight.
    pub fn end_minute(self) -> u16 {
        self.end_minute
    }

    pub(crate) fn start_second(self) -> i64 {
        i64::from(self.start_minute) * 60
    }

    pub(crate) fn end_second(self) -> i64 {
        i64::from(self.end_minute) * 60
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (start, end) = (self.start_minute, self.end_minute);
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            start / 60,
            start % 60,
            end / 60,
            end % 60
        )
    }
}

impl std::str::FromStr for Interval {
    type Err = HoursError;

    /// Reads `09:00-12:00`; `24:00` is the end of the day.
    fn from_str(text: &str) -> Result<Self, HoursError> {
        let minute = |part: &str| -> Option<u16> {
            let (hours, minutes) = part.split_once(':')?;
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            (part.len() == 5 && hours <= 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        text.split_once('-')
            .and_then(|(start, end)| Self::new(minute(start)?, minute(end)?).ok())
            .ok_or_else(|| HoursError::Interval(text.to_owned()))
    }
}

fn text(intervals: &[Interval]) -> String {
    let texts: Vec<String> = intervals.iter().map(Interval::to_string).collect();
    texts.join(",")
}

/// Working hours of a week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    week: [Vec<Interval>; 7],
    make_up: Vec<Interval>,
}

impl Hours {
    /// Hours from Monday to Sunday, and those of a make-up working day.
    pub fn new(week: [Vec<Interval>; 7], make_up: Vec<Interval>) -> Result<Self, HoursError> {
        let in_order = |day: &[Interval]| {
            day.windows(2)
                .all(|pair| pair[0].end_minute <= pair[1].start_minute)
        };
        if !week.iter().all(|day| in_order(day)) || !in_order(&make_up) {
            return Err(HoursError::Order);
        }
        if week.iter().all(Vec::is_empty) {
            return Err(HoursError::Empty);
        }
        Ok(Self { week, make_up })
    }

    /// Hours as [`Hours::week_texts`] and [`Hours::make_up_text`] write them: the intervals of a day
    /// behind commas, nothing for a closed day.
    pub fn parse(week: &[impl AsRef<str>; 7], make_up: &str) -> Result<Self, HoursError> {
        let day = |text: &str| -> Result<Vec<Interval>, HoursError> {
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::parse)
                .collect()
        };
        let mut read: [Vec<Interval>; 7] = Default::default();
        for (intervals, text) in read.iter_mut().zip(week) {
            *intervals = day(text.as_ref())?;
        }
        Self::new(read, day(make_up)?)
    }

    /// The intervals of Monday to Sunday, for example `09:00-12:00,13:00-18:00`.
    pub fn week_texts(&self) -> [String; 7] {
        std::array::from_fn(|day| text(&self.week[day]))
    }

    /// The intervals of a make-up day, written in the same way.
    pub fn make_up_text(&self) -> String {
        text(&self.make_up)
    }

    /// Monday to Friday, 09:00-12:00 and 13:00-18:00; the same on make-up days.
    pub fn office() -> Self {
        let day = vec![
            Interval {
                start_minute: 9 * 60,
                end_minute: 12 * 60,
            },
            Interval {
                start_minute: 13 * 60,
                end_minute: 18 * 60,
            },
        ];
        let mut week: [Vec<Interval>; 7] = Default::default();
        week[..5].fill(day.clone());
        Self { week, make_up: day }
    }

    /// Round the clock.
    pub fn always() -> Self {
        let day = vec![Interval {
            start_minute: 0,
            end_minute: DAY_MINUTES,
        }];
        Self {
            week: std::array::from_fn(|_| day.clone()),
            make_up: day,
        }
    }

    /// The intervals of an ordinary day.
    pub fn on(&self, weekday: Weekday) -> &[Interval] {
        let index = usize::try_from(weekday.to_monday_zero_offset()).expect("0 to 6");
        &self.week[index]
    }

    /// The intervals of a make-up working day.
    pub fn make_up(&self) -> &[Interval] {
        &self.make_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_read_as_people_write_them() {
        assert_eq!("09:00-12:30".parse(), Interval::new(540, 750));
        assert_eq!("00:00-24:00".parse(), Interval::new(0, 1440));
        for wrong in [
            "9:00-12:00",
            "12:00-09:00",
            "09:00-09:00",
            "09:60-10:00",
            "09:00-24:30",
            "09:00",
            "",
        ] {
            assert!(wrong.parse::<Interval>().is_err(), "{wrong}");
        }
        for text in ["09:00-12:30", "00:00-24:00"] {
            assert_eq!(
                text.parse::<Interval>().map(|i| i.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn hours_that_overlap_or_never_open_are_refused() {
        let interval = |text: &str| text.parse::<Interval>().expect("an interval");
        let mut week: [Vec<Interval>; 7] = Default::default();
        assert_eq!(Hours::new(week.clone(), vec![]), Err(HoursError::Empty));
        week[0] = vec![interval("09:00-12:00"), interval("11:00-13:00")];
        assert_eq!(Hours::new(week.clone(), vec![]), Err(HoursError::Order));
        week[0] = vec![interval("09:00-12:00"), interval("12:00-13:00")];
        assert!(Hours::new(week, vec![]).is_ok());
    }

    #[test]
    fn hours_read_as_they_are_written() {
        for hours in [Hours::office(), Hours::always()] {
            let read = Hours::parse(&hours.week_texts(), &hours.make_up_text());
            assert_eq!(read, Ok(hours));
        }
        let week = ["09:00-12:00, 13:00-18:00", "", "", "", "", "", ""];
        assert!(Hours::parse(&week, "").is_ok());
        assert!(Hours::parse(&week, "noon").is_err());
    }
}
