//! A site's calendar as revisions: what each says, and the working time that follows from all of them.
//!
//! A revision holds from its effective date on and never reaches into the past: the days before it keep
//! what was said then. So the calendar of revision 3 agrees with that of revision 2 up to the day on
//! which 3 took effect, and a clock that goes over to it moves only where days still ahead changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use redress_calendar::{Calendar, Day, DayKind, Days, Hours};
use redress_clock::Calendars;
use redress_model::words;
use uuid::Uuid;

use super::policy::{Holidays, Policy};

words! {
    /// Whose public holidays a calendar has.
    HolidaySource, "HOLIDAY_SOURCE_" {
        /// Nobody's.
        None = 1 => "NONE",
        /// Those of mainland China.
        MainlandChina = 2 => "MAINLAND_CHINA",
    }
}

words! {
    /// Why a revision was made.
    CalendarCause, "CALENDAR_CAUSE_" {
        /// The site became known.
        First = 1 => "FIRST",
        /// A person changed it.
        Imported = 2 => "IMPORTED",
        /// The product shipped newer holidays.
        Published = 3 => "PUBLISHED",
        /// The policy's working time changed.
        Policy = 4 => "POLICY",
        /// The site moved to another zone.
        Zone = 5 => "ZONE",
    }
}

/// What a revision says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// IANA name of the zone.
    pub zone: String,
    /// Whose public holidays.
    pub holidays: HolidaySource,
    /// By which version of the shipped data; 0 where none ship.
    pub data_version: u32,
    /// Whether the site stated its hours.
    pub own_hours: bool,
    /// Weekly hours.
    pub hours: Hours,
    /// The site's own days.
    pub own_days: BTreeMap<Date, Day>,
    /// Years whose own days are complete.
    pub own_years: BTreeSet<i16>,
}

/// A revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Rises from 1.
    pub number: u32,
    /// Names it in every process.
    pub id: Uuid,
    /// Why.
    pub cause: CalendarCause,
    /// From which day on; none for the first.
    pub effective: Option<Date>,
    /// What it says.
    pub content: Content,
    /// Who made it; empty for the platform.
    pub author: String,
    /// What the author said.
    pub note: String,
    /// When.
    pub created: Timestamp,
}

impl Revision {
    /// Whether running clocks follow it (P26).
    pub fn moves(&self) -> bool {
        self.cause != CalendarCause::Policy
    }
}

impl Content {
    /// What a site has before anybody said anything: its policy's working time.
    pub fn of_policy(policy: &Policy, zone: &str) -> Self {
        let holidays = match policy.working_time.holidays {
            Holidays::None => HolidaySource::None,
            Holidays::MainlandChina => HolidaySource::MainlandChina,
        };
        Self {
            zone: zone.to_owned(),
            holidays,
            data_version: shipped(holidays),
            own_hours: false,
            hours: hours_of(policy),
            own_days: BTreeMap::new(),
            own_years: BTreeSet::new(),
        }
    }

    /// The same as this release, this policy and this zone have it now, and why it differs; none where
    /// it does not.
    pub fn followed(&self, policy: &Policy, zone: &str) -> Option<(Self, CalendarCause)> {
        let mut next = self.clone();
        next.zone = zone.to_owned();
        next.data_version = shipped(self.holidays).max(self.data_version);
        if !self.own_hours {
            next.hours = hours_of(policy);
        }
        let cause = if next.zone != self.zone {
            CalendarCause::Zone
        } else if next.data_version != self.data_version {
            CalendarCause::Published
        } else if next.hours != self.hours {
            CalendarCause::Policy
        } else {
            return None;
        };
        Some((next, cause))
    }

    /// Puts these days in the place of the site's own of these years.
    pub fn replace_own(&mut self, days: BTreeMap<Date, Day>, years: &BTreeSet<i16>) {
        self.own_days
            .retain(|date, _| !years.contains(&date.year()));
        self.own_years.retain(|year| !years.contains(year));
        self.own_years.extend(days.keys().map(|date| date.year()));
        self.own_days.extend(days);
    }

    /// Takes these public holidays from now on, as this release knows them.
    pub fn choose(&mut self, holidays: HolidaySource) {
        if self.holidays != holidays {
            self.holidays = holidays;
            self.data_version = shipped(holidays);
        }
    }

    /// The days that deviate.
    pub fn days(&self) -> Days {
        let own = self.own_days.clone();
        match self.holidays {
            HolidaySource::MainlandChina => {
                Days::mainland_china_as_of(self.data_version).overlaid(own)
            }
            // No list is awaited where nobody ever gave one.
            HolidaySource::None if self.own_years.is_empty() => Days::none(),
            HolidaySource::None => Days::of(own, self.own_years.iter().copied()),
        }
    }
}

fn shipped(holidays: HolidaySource) -> u32 {
    match holidays {
        HolidaySource::None => 0,
        HolidaySource::MainlandChina => Days::mainland_china_version(),
    }
}

fn hours_of(policy: &Policy) -> Hours {
    policy.calendar(TimeZone::UTC).hours(Date::MIN).clone()
}

/// The calendars of a site: what each of its revisions makes of all days.
#[derive(Debug, Clone)]
pub struct SiteCalendars {
    /// In order; none where the site has none yet.
    revisions: Vec<Revision>,
    /// One for each revision, or the policy's alone.
    calendars: Vec<Calendar>,
}

impl SiteCalendars {
    /// Of a site that has no revision yet: its policy's working time.
    pub fn of_policy(policy: &Policy, zone: &TimeZone) -> Self {
        Self {
            revisions: Vec::new(),
            calendars: vec![policy.calendar(zone.clone())],
        }
    }

    /// Of these revisions, in order; at least one.
    pub fn of(first: Revision, others: Vec<Revision>) -> Self {
        let calendar = Calendar::with_days(
            zone(&first.content.zone),
            first.content.hours.clone(),
            first.content.days(),
        );
        let mut all = Self {
            revisions: vec![first],
            calendars: vec![calendar],
        };
        for revision in others {
            all = all.with(revision);
        }
        all
    }

    /// The same with one more revision.
    #[must_use]
    pub fn with(mut self, revision: Revision) -> Self {
        if self.revisions.is_empty() && revision.effective.is_none() {
            return Self::of(revision, Vec::new());
        }
        let content = &revision.content;
        let before = self.current();
        let before = if self
            .newest()
            .is_some_and(|n| n.content.zone == content.zone)
        {
            before.clone()
        } else {
            before.in_zone(zone(&content.zone))
        };
        let from = revision.effective.unwrap_or(Date::MIN);
        let calendar = before.changed_from(from, content.hours.clone(), content.days());
        self.calendars.push(calendar);
        self.revisions.push(revision);
        self
    }

    /// All revisions, in order.
    pub fn all(&self) -> &[Revision] {
        &self.revisions
    }

    /// The newest revision.
    pub fn newest(&self) -> Option<&Revision> {
        self.revisions.last()
    }

    /// Its number; 0 where there is none.
    pub fn newest_number(&self) -> u32 {
        self.newest().map_or(0, |revision| revision.number)
    }

    /// The calendar of the newest revision.
    pub fn current(&self) -> &Calendar {
        self.calendars
            .last()
            .expect("every constructor puts one in, and none is taken out")
    }

    /// The newest revision that running clocks follow: a policy's hours are for new promises alone (P26). 0 where
    /// there is none.
    pub fn newest_moving(&self) -> u32 {
        let moving = self.revisions.iter().rev().find(|r| r.moves());
        moving.map_or(0, |revision| revision.number)
    }

    /// A revision as a promise sees it that was made under another one: with what changed between them, but for
    /// the hours of a policy, which are for promises made from then on (P26).
    pub fn revision_since(&self, made_under: u32, revision: u32) -> Calendar {
        // Before there was any, the first held.
        let known = self.revisions.partition_point(|r| r.number <= made_under);
        let first = known.max(1);
        let after = self.revisions.partition_point(|r| r.number <= revision);
        let between = self.revisions.get(first..after).unwrap_or_default();
        if between.iter().all(Revision::moves) {
            return self.revision(revision).clone();
        }
        let before = &self.revisions[first - 1].content;
        let mut calendar = self.revision(made_under).clone();
        let (mut hours, mut own_hours, mut name) = (&before.hours, before.own_hours, &before.zone);
        for next in between.iter().filter(|r| r.moves()) {
            let content = &next.content;
            if own_hours || content.own_hours {
                // A person's word on the hours, or its end.
                (hours, own_hours) = (&content.hours, content.own_hours);
            }
            if *name != content.zone {
                name = &content.zone;
                calendar = calendar.in_zone(zone(name));
            }
            let from = next.effective.unwrap_or(Date::MIN);
            calendar = calendar.changed_from(from, hours.clone(), content.days());
        }
        calendar
    }

    /// The revision that holds on a day: the newest that has taken effect by then.
    pub fn on(&self, date: Date) -> Option<&Revision> {
        let in_effect = |r: &&Revision| r.effective.is_none_or(|from| from <= date);
        self.revisions.iter().rev().find(in_effect)
    }
}

impl Calendars for SiteCalendars {
    fn revision(&self, revision: u32) -> &Calendar {
        let after = self.revisions.partition_point(|r| r.number <= revision);
        &self.calendars[after.saturating_sub(1)]
    }
}

fn zone(name: &str) -> TimeZone {
    // Checked when it came in; a zone that a newer tzdata dropped reads as UTC.
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// What a day is, in the words of a request.
pub fn special(kind: DayKind, name: &str) -> Day {
    Day {
        kind,
        name: name.to_owned().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use jiff::civil::date;
    use redress_model::words::SiteKind;

    const SHANGHAI: &str = "Asia/Shanghai";

    fn policy() -> Policy {
        Policy::for_site(SiteKind::Residential, false).clone()
    }

    fn revision(number: u32, effective: Option<Date>, content: Content) -> Revision {
        Revision {
            number,
            id: Uuid::from_u128(u128::from(number)),
            cause: CalendarCause::Imported,
            effective,
            content,
            author: String::new(),
            note: String::new(),
            created: Timestamp::UNIX_EPOCH,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_later_revision_leaves_the_days_before_it_and_older_clocks_alone() {
        let first = Content::of_policy(&policy(), SHANGHAI);
        let mut second = first.clone();
        // Thursday 5 March 2026 closed, but told only then for the days from the 6th on.
        let days = BTreeMap::from([
            (date(2026, 3, 5), special(DayKind::Off, "stocktaking")),
            (date(2026, 3, 6), special(DayKind::Off, "stocktaking")),
        ]);
        second.replace_own(days, &BTreeSet::from([2026]));
        let calendars = SiteCalendars::of(
            revision(1, None, first),
            vec![revision(2, Some(date(2026, 3, 6)), second)],
        );
        let start = at("2026-03-04T10:00:00+08:00");
        let due = |revision| {
            let calendar = calendars.revision(revision);
            calendar.add_working(start, SignedDuration::from_hours(16))
        };
        assert_eq!(due(1), at("2026-03-06T10:00:00+08:00"));
        assert_eq!(due(2), at("2026-03-09T10:00:00+08:00"));
        // Before there was any, the first; beyond the newest, the newest.
        assert_eq!((due(0), due(9)), (due(1), due(2)));
        assert!(calendars.current().is_working_day(date(2026, 3, 5)));
        assert_eq!(calendars.on(date(2026, 3, 5)).map(|r| r.number), Some(1));
        assert_eq!(calendars.on(date(2026, 3, 6)).map(|r| r.number), Some(2));
    }

    #[test]
    fn a_promise_follows_later_days_and_its_own_hours_p26() {
        let first = Content::of_policy(&policy(), SHANGHAI);
        let mut short = policy();
        short.working_time.weekdays = vec!["09:00-11:00".to_owned()];
        let (second, cause) = first.followed(&short, SHANGHAI).expect("other hours");
        let mut third = second.clone();
        let closed = BTreeMap::from([(date(2026, 3, 6), special(DayKind::Off, "stocktaking"))]);
        third.replace_own(closed, &BTreeSet::from([2026]));
        let day = Some(date(2026, 3, 5));
        let hours = Revision {
            cause,
            ..revision(2, day, second)
        };
        let all = SiteCalendars::of(revision(1, None, first), vec![hours]);
        assert_eq!((all.newest_number(), all.newest_moving()), (2, 1));
        let all = all.with(revision(3, day, third));
        assert_eq!(all.newest_moving(), 3);
        let start = at("2026-03-05T09:00:00+08:00");
        let due = |made_under| {
            let calendar = all.revision_since(made_under, 3);
            calendar.add_working(start, SignedDuration::from_hours(16))
        };
        // Eight hours on Thursday, none on Friday, eight on Monday.
        let kept = at("2026-03-09T18:00:00+08:00");
        assert_eq!((due(0), due(1)), (kept, kept));
        assert!(due(2) > kept, "made under the shorter hours");
    }

    #[test]
    fn an_import_replaces_the_own_days_of_its_years_and_no_others() {
        let mut content = Content::of_policy(&policy(), SHANGHAI);
        let day = |y, m, d| (date(y, m, d), special(DayKind::Off, "x"));
        content.replace_own(
            BTreeMap::from([day(2026, 12, 24), day(2027, 12, 24)]),
            &BTreeSet::from([2026, 2027]),
        );
        content.replace_own(BTreeMap::from([day(2027, 5, 4)]), &BTreeSet::from([2027]));
        let dates: Vec<_> = content.own_days.keys().copied().collect();
        assert_eq!(dates, [date(2026, 12, 24), date(2027, 5, 4)]);
        content.replace_own(BTreeMap::new(), &BTreeSet::from([2026]));
        assert_eq!(content.own_years, BTreeSet::from([2027]));
    }

    #[test]
    fn years_are_provisional_until_a_list_covers_them_where_one_is_awaited() {
        let mut content = Content::of_policy(&policy(), SHANGHAI);
        assert_eq!(content.days().published_through(), Some(2026));
        content.holidays = HolidaySource::None;
        assert_eq!(content.days().published_through(), None);
        let thanksgiving = BTreeMap::from([(date(2027, 11, 25), special(DayKind::Off, "x"))]);
        content.replace_own(thanksgiving, &BTreeSet::from([2027]));
        assert_eq!(content.days().published_through(), Some(2027));
        assert!(!content.days().is_published(2028));
    }

    #[test]
    fn what_the_platform_changes_by_itself_names_its_cause() {
        let content = Content::of_policy(&policy(), SHANGHAI);
        assert_eq!(content.followed(&policy(), SHANGHAI), None);
        let cause = |content: &Content, policy: &Policy, zone| {
            content.followed(policy, zone).map(|(_, cause)| cause)
        };
        assert_eq!(
            cause(&content, &policy(), "Asia/Urumqi"),
            Some(CalendarCause::Zone)
        );
        let mut longer = policy();
        longer.working_time.weekdays = vec!["08:00-20:00".to_owned()];
        assert_eq!(
            cause(&content, &longer, SHANGHAI),
            Some(CalendarCause::Policy)
        );
        // Hours that the site stated win over any policy.
        let own = Content {
            own_hours: true,
            ..content.clone()
        };
        assert_eq!(cause(&own, &longer, SHANGHAI), None);
        let older = Content {
            data_version: 0,
            ..content
        };
        assert_eq!(
            cause(&older, &policy(), SHANGHAI),
            Some(CalendarCause::Published)
        );
    }
}
