//! Which calendar a clock counts by. A site's calendar has revisions; a clock names those that it used,
//! so that it can be computed from scratch whenever (I5).

use std::collections::BTreeMap;

use redress_calendar::Calendar;

/// The calendars of a site, by revision.
pub trait Calendars {
    /// The calendar of this revision.
    fn revision(&self, revision: u32) -> &Calendar;
}

/// A place whose calendar never changes.
impl Calendars for Calendar {
    fn revision(&self, _: u32) -> &Calendar {
        self
    }
}

/// Several revisions. One that is missing reads as the newest before it, else as the oldest.
#[derive(Debug, Clone)]
pub struct Revisions {
    oldest: Calendar,
    all: BTreeMap<u32, Calendar>,
}

impl Revisions {
    /// One revision.
    pub fn new(revision: u32, calendar: Calendar) -> Self {
        Self {
            all: BTreeMap::from([(revision, calendar.clone())]),
            oldest: calendar,
        }
    }

    /// Adds a revision.
    pub fn add(&mut self, revision: u32, calendar: Calendar) {
        if self
            .all
            .first_key_value()
            .is_none_or(|(first, _)| revision < *first)
        {
            self.oldest = calendar.clone();
        }
        self.all.insert(revision, calendar);
    }

    /// Whether this very revision is here.
    pub fn has(&self, revision: u32) -> bool {
        self.all.contains_key(&revision)
    }
}

impl Calendars for Revisions {
    fn revision(&self, revision: u32) -> &Calendar {
        self.all
            .range(..=revision)
            .next_back()
            .map_or(&self.oldest, |(_, calendar)| calendar)
    }
}
