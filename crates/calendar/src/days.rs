//! Days that deviate from the weekly hours, and the years for which they are known.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

/// How a day deviates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// Closed whatever the weekday.
    Off,
    /// Worked whatever the weekday.
    On,
}

/// Deviating days, and the years whose list is published.
#[derive(Debug, Clone, Default)]
pub struct Days {
    kinds: BTreeMap<Date, DayKind>,
    /// None where no list is awaited: then nothing is provisional.
    published: Option<BTreeSet<i16>>,
}

impl Days {
    /// No day deviates, and none ever will.
    pub fn none() -> Self {
        Self::default()
    }

    /// These days deviate. Years without any entry count as not published yet.
    pub fn published(kinds: BTreeMap<Date, DayKind>) -> Self {
        let published = kinds.keys().map(|date| date.year()).collect();
        Self {
            kinds,
            published: Some(published),
        }
    }

    /// Public holidays and make-up working days of mainland China.
    pub fn mainland_china() -> &'static Self {
        &crate::mainland::DAYS
    }

    pub(crate) fn kind(&self, date: Date) -> Option<DayKind> {
        self.kinds.get(&date).copied()
    }

    pub(crate) fn is_published(&self, year: i16) -> bool {
        self.published
            .as_ref()
            .is_none_or(|years| years.contains(&year))
    }
}
