//! Days that deviate from the weekly hours, and the years for which they are known.

use std::borrow::Cow;
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

/// A day that deviates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// How.
    pub kind: DayKind,
    /// What people call it, for example `国庆节`; may be empty.
    pub name: Cow<'static, str>,
}

/// Deviating days, and the years whose list is published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Days {
    days: BTreeMap<Date, Day>,
    /// None where no list is awaited: then nothing is provisional.
    published: Option<BTreeSet<i16>>,
}

impl Days {
    /// No day deviates, and none ever will.
    pub fn none() -> Self {
        Self::default()
    }

    /// These days deviate, and the lists of these years are published.
    pub fn of(
        days: impl IntoIterator<Item = (Date, Day)>,
        years: impl IntoIterator<Item = i16>,
    ) -> Self {
        Self {
            days: days.into_iter().collect(),
            published: Some(years.into_iter().collect()),
        }
    }

    /// Public holidays and make-up working days of mainland China, as this release knows them: from 2004 to
    /// [`published_through`](Self::published_through).
    pub fn mainland_china() -> &'static Self {
        crate::mainland::version(crate::mainland::newest())
    }

    /// The same as the release knew them that shipped this version of the data.
    pub fn mainland_china_as_of(version: u32) -> &'static Self {
        crate::mainland::version(version)
    }

    /// The version of the data that this release ships.
    pub fn mainland_china_version() -> u32 {
        crate::mainland::newest()
    }

    /// These days with others in the place of their own; the published years stay.
    pub fn overlaid(&self, own: impl IntoIterator<Item = (Date, Day)>) -> Self {
        let mut days = self.clone();
        days.days.extend(own);
        days
    }

    /// How a day deviates; none for an ordinary one.
    pub fn get(&self, date: Date) -> Option<&Day> {
        self.days.get(&date)
    }

    /// The days that deviate, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Date, &Day)> {
        self.days.iter().map(|(date, day)| (*date, day))
    }

    /// Whether the list of this year is published, or none is awaited.
    pub fn is_published(&self, year: i16) -> bool {
        self.published
            .as_ref()
            .is_none_or(|years| years.contains(&year))
    }

    /// The newest year whose list is published; none where no list is awaited.
    pub fn published_through(&self) -> Option<i16> {
        self.published.as_ref()?.last().copied()
    }
}
