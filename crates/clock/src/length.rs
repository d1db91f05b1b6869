//! How much time a promise gives, and of which kind.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Largest amount that is read, in any unit.
const AMOUNT_MAX: u32 = 5_256_000;

/// How much time a promise gives. Written `15 minutes`, `4 working hours`, `1 working day`,
/// `15 days`, `1 month`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Length {
    /// Minutes round the clock.
    Minutes(u32),
    /// Minutes of the site's working time.
    WorkingMinutes(u32),
    /// The same local time so many working days later.
    WorkingDays(u32),
    /// The same local time so many calendar days later.
    Days(u32),
    /// The same local time so many calendar months later, clamped to the month's last day.
    Months(u32),
}

/// A text that is no length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} must look like 15 minutes, 2 hours, 4 working hours, 3 working days, 15 days or 1 month"
)]
pub struct LengthError(String);

impl LengthError {
    pub(crate) fn of(text: &str) -> Self {
        Self(text.chars().take(64).collect())
    }
}

impl Length {
    /// So many hours round the clock.
    pub const fn hours(hours: u32) -> Self {
        Self::Minutes(hours * 60)
    }

    /// So many hours of working time.
    pub const fn working_hours(hours: u32) -> Self {
        Self::WorkingMinutes(hours * 60)
    }

    /// Whether it counts the site's working time, so that only open time is used up.
    pub fn is_working(self) -> bool {
        match self {
            Self::WorkingMinutes(_) | Self::WorkingDays(_) => true,
            Self::Minutes(_) | Self::Days(_) | Self::Months(_) => false,
        }
    }

    /// Whether anybody would promise it: ten years at most, whatever the unit. What was stored before may be longer,
    /// and is read all the same.
    pub fn is_promise(self) -> bool {
        match self {
            Self::Minutes(n) | Self::WorkingMinutes(n) => n <= 10 * 366 * 24 * 60,
            Self::Days(n) | Self::WorkingDays(n) => n <= 10 * 366,
            Self::Months(n) => n <= 10 * 12,
        }
    }

    /// Whether its deadline moves to the next opening when it falls in closed time.
    pub(crate) fn moves_to_opening(self) -> bool {
        !matches!(self, Self::Minutes(_))
    }
}

impl FromStr for Length {
    type Err = LengthError;

    fn from_str(text: &str) -> Result<Self, LengthError> {
        let words: Vec<&str> = text.split(' ').collect();
        let read = || {
            let (amount, unit) = words.split_first()?;
            let amount: u32 = amount
                .parse()
                .ok()
                .filter(|a| (1..=AMOUNT_MAX).contains(a))?;
            let hours = amount.checked_mul(60).filter(|m| *m <= AMOUNT_MAX);
            Some(match unit {
                ["minute" | "minutes"] => Self::Minutes(amount),
                ["hour" | "hours"] => Self::Minutes(hours?),
                ["working", "minute" | "minutes"] => Self::WorkingMinutes(amount),
                ["working", "hour" | "hours"] => Self::WorkingMinutes(hours?),
                ["working", "day" | "days"] => Self::WorkingDays(amount),
                ["day" | "days"] => Self::Days(amount),
                ["month" | "months"] => Self::Months(amount),
                _ => return None,
            })
        };
        read().ok_or_else(|| LengthError::of(text))
    }
}

impl TryFrom<String> for Length {
    type Error = LengthError;
    fn try_from(text: String) -> Result<Self, LengthError> {
        text.parse()
    }
}

impl From<Length> for String {
    fn from(length: Length) -> String {
        length.to_string()
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (amount, unit) = match *self {
            Self::Minutes(m) if m % 60 == 0 => (m / 60, "hour"),
            Self::Minutes(m) => (m, "minute"),
            Self::WorkingMinutes(m) if m % 60 == 0 => (m / 60, "working hour"),
            Self::WorkingMinutes(m) => (m, "working minute"),
            Self::WorkingDays(d) => (d, "working day"),
            Self::Days(d) => (d, "day"),
            Self::Months(m) => (m, "month"),
        };
        write!(f, "{amount} {unit}{}", if amount == 1 { "" } else { "s" })
    }
}
