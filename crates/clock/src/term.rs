//! What a promise is measured by: a length, or an instant that somebody named.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Length, LengthError};

/// How an instant is told from a length: `until 2026-03-02T09:00:00Z`.
const UNTIL: &str = "until ";

/// What gives a promise its deadline. Policies name lengths only; instants come from outside bodies and
/// from what was said to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Term {
    /// So much time from the start.
    Length(Length),
    /// This very instant. It moves to no opening: whoever named it meant it.
    Until(Timestamp),
}

impl Term {
    /// Whether it counts the site's working time, so that only open time is used up.
    pub fn is_working(self) -> bool {
        match self {
            Self::Length(length) => length.is_working(),
            Self::Until(_) => false,
        }
    }

    /// Whether its deadline moves to the next opening when it falls in closed time.
    pub(crate) fn moves_to_opening(self) -> bool {
        match self {
            Self::Length(length) => length.moves_to_opening(),
            Self::Until(_) => false,
        }
    }

    /// Whether the site's working time has a say in its instants.
    pub fn asks_the_calendar(self) -> bool {
        self.is_working() || self.moves_to_opening()
    }
}

impl From<Length> for Term {
    fn from(length: Length) -> Self {
        Self::Length(length)
    }
}

impl FromStr for Term {
    type Err = LengthError;

    fn from_str(text: &str) -> Result<Self, LengthError> {
        match text.strip_prefix(UNTIL) {
            Some(instant) => instant
                .parse()
                .map(Self::Until)
                .map_err(|_| LengthError::of(text)),
            None => text.parse().map(Self::Length),
        }
    }
}

impl TryFrom<String> for Term {
    type Error = LengthError;
    fn try_from(text: String) -> Result<Self, LengthError> {
        text.parse()
    }
}

impl From<Term> for String {
    fn from(term: Term) -> String {
        term.to_string()
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => length.fmt(f),
            Self::Until(instant) => write!(f, "{UNTIL}{instant}"),
        }
    }
}
