//! Policy profiles: thresholds, promised lengths and working time as data. Where two sources
//! disagree, both stay available as profiles and are never merged.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_calendar::{Calendar, Days, Hours, HoursError, Interval};
use redress_clock::Length;
use redress_model::Grade;
use redress_model::words::{Channel, ClockKind, SiteKind, Urgency};
use rust_decimal::Decimal;
use serde::Deserialize;

/// A profile: everything about a kind of site that may differ.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name, for example `residential`.
    #[serde(rename = "profile")]
    pub name: String,
    /// Rises with every change; clocks pin it.
    pub revision: u32,
    /// From when on it holds; older cases are not touched (P10).
    pub effective_from: Timestamp,
    /// Thresholds of grading.
    pub grading: Grading,
    clocks: BTreeMap<ClockKind, Vec<LengthRule>>,
    working_time: WorkingTime,
}

/// Thresholds of grading (section 4). Every one is reached at its value.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grading {
    /// G1.4 from this many complainants on.
    pub group_major: u32,
    /// G2.2 from this many complainants on.
    pub group: u32,
    /// G2.3 from this many cases on.
    pub similar_cases: u32,
    /// G1.2 from this reach on.
    pub reach_major: u64,
    /// G1.6 from this amount in CNY on.
    pub amount_major: Decimal,
    /// G1.7.
    pub age_major: Length,
    /// G2.4.
    pub age_grave: Length,
    /// Nature hotspot.
    pub age_hotspot: Length,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LengthRule {
    grades: Option<Vec<Grade>>,
    urgencies: Option<Vec<Urgency>>,
    spoken: Option<bool>,
    length: Length,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkingTime {
    holidays: Holidays,
    weekdays: Vec<String>,
    weekends: Vec<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Holidays {
    None,
    MainlandChina,
}

/// What is wrong with a profile.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not of the form of a profile.
    #[error("the profile does not read: {0}")]
    Form(#[from] serde_norway::Error),
    /// Working hours that make no sense.
    #[error("working_time: {0}")]
    Hours(#[from] HoursError),
    /// A case could come without a length.
    #[error("clocks.{0} needs a last rule without conditions")]
    Open(ClockKind),
    /// Thresholds in the wrong order.
    #[error("grading: {0}")]
    Thresholds(&'static str),
}

/// What a clock's length depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LengthKey {
    /// The case's grade.
    pub grade: Grade,
    /// The case's urgency.
    pub urgency: Urgency,
    /// How it came in.
    pub channel: Channel,
}

impl Profile {
    /// Reads and checks a profile.
    pub fn parse(yaml: &str) -> Result<Self, PolicyError> {
        let profile: Self = serde_norway::from_str(yaml)?;
        profile.hours()?;
        for (&kind, rules) in &profile.clocks {
            if !rules.last().is_some_and(LengthRule::is_unconditional) {
                return Err(PolicyError::Open(kind));
            }
        }
        let g = &profile.grading;
        if !(2 < g.group && g.group < g.group_major) {
            return Err(PolicyError::Thresholds("2 < group < group_major must hold"));
        }
        if g.similar_cases < 2 || g.reach_major == 0 || g.amount_major <= Decimal::ZERO {
            return Err(PolicyError::Thresholds(
                "similar_cases must be 2 or more, reach_major and amount_major above 0",
            ));
        }
        Ok(profile)
    }

    /// The built-in profile of a kind of site.
    pub fn for_site(kind: SiteKind, opening_day: bool) -> &'static Self {
        let name = match kind {
            SiteKind::SalesCenter if opening_day => "opening-day",
            SiteKind::Residential | SiteKind::SalesCenter => "residential",
            SiteKind::PropertyOffice => "property-office",
            SiteKind::AgencyStore => "agency-store",
        };
        BUILT_IN
            .iter()
            .find(|profile| profile.name == name)
            .expect("every name above is a built-in profile, as a test shows")
    }

    /// How long this clock gives; none where the profile does not promise it.
    pub fn length(&self, clock: ClockKind, key: LengthKey) -> Option<Length> {
        let rules = self.clocks.get(&clock)?;
        rules.iter().find(|r| r.fits(key)).map(|r| r.length)
    }

    /// The working time of a site in this zone.
    pub fn calendar(&self, zone: TimeZone) -> Calendar {
        let hours = self.hours().expect("checked when the profile was read");
        match self.working_time.holidays {
            Holidays::None => Calendar::new(zone, hours),
            Holidays::MainlandChina => {
                Calendar::with_days(zone, hours, Days::mainland_china().clone())
            }
        }
    }

    fn hours(&self) -> Result<Hours, HoursError> {
        let read = |texts: &[String]| -> Result<Vec<Interval>, HoursError> {
            texts.iter().map(|text| text.parse()).collect()
        };
        let weekday = read(&self.working_time.weekdays)?;
        let weekend = read(&self.working_time.weekends)?;
        let week = std::array::from_fn(|day| if day < 5 { &weekday } else { &weekend }.clone());
        Hours::new(week, weekday)
    }
}

impl LengthRule {
    fn fits(&self, key: LengthKey) -> bool {
        let grade = self.grades.as_ref().is_none_or(|g| g.contains(&key.grade));
        let urgency = self
            .urgencies
            .as_ref()
            .is_none_or(|u| u.contains(&key.urgency));
        grade && urgency && self.spoken.is_none_or(|s| s == key.channel.is_spoken())
    }

    fn is_unconditional(&self) -> bool {
        self.grades.is_none() && self.urgencies.is_none() && self.spoken.is_none()
    }
}

static BUILT_IN: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    [
        include_str!("../../profiles/residential.yaml"),
        include_str!("../../profiles/opening-day.yaml"),
        include_str!("../../profiles/property-office.yaml"),
        include_str!("../../profiles/agency-store.yaml"),
    ]
    .into_iter()
    .map(|yaml| Profile::parse(yaml).expect("a built-in profile reads, as a test shows"))
    .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    fn key(grade: u8, channel: Channel, urgency: Urgency) -> LengthKey {
        let grade = Grade::new(grade).expect("a grade");
        LengthKey {
            grade,
            urgency,
            channel,
        }
    }

    fn lengths(profile: &Profile, clock: ClockKind, channel: Channel) -> Vec<String> {
        (1..=4)
            .map(|grade| key(grade, channel, Urgency::WithinADay))
            .map(|key| profile.length(clock, key).expect("promised").to_string())
            .collect()
    }

    #[test]
    fn the_built_in_profiles_hold_since_1970_and_promise_what_section_6_says() {
        let residential = Profile::for_site(SiteKind::Residential, true);
        assert_eq!(
            lengths(residential, ClockKind::Acknowledge, Channel::App),
            [
                "15 minutes",
                "2 hours",
                "4 working hours",
                "4 working hours"
            ]
        );
        assert_eq!(
            lengths(residential, ClockKind::Answer, Channel::App),
            ["24 hours", "24 hours", "1 working day", "1 working day"]
        );
        assert_eq!(
            lengths(residential, ClockKind::Resolve, Channel::App),
            ["1 month", "15 days", "7 days", "5 working days"]
        );
        for kind in SiteKind::ALL {
            for opening_day in [false, true] {
                let profile = Profile::for_site(*kind, opening_day);
                assert!(profile.effective_from <= Timestamp::UNIX_EPOCH);
                for clock in [
                    ClockKind::Acknowledge,
                    ClockKind::Answer,
                    ClockKind::Resolve,
                ] {
                    assert_eq!(lengths(profile, clock, Channel::Letter).len(), 4);
                }
            }
        }
        assert_eq!(
            Profile::for_site(SiteKind::SalesCenter, false).name,
            "residential"
        );
    }

    #[test]
    fn a_property_office_answers_by_phone_in_one_and_in_writing_in_three_working_days_m16() {
        let office = Profile::for_site(SiteKind::PropertyOffice, false);
        assert_eq!(
            lengths(office, ClockKind::Answer, Channel::Hotline)[3],
            "1 working day"
        );
        assert_eq!(
            lengths(office, ClockKind::Answer, Channel::Letter)[3],
            "3 working days"
        );
    }

    #[test]
    fn an_opening_day_resolves_by_urgency_and_an_agency_store_in_five_working_days() {
        let opening = Profile::for_site(SiteKind::SalesCenter, true);
        let resolve = |urgency| {
            let key = key(4, Channel::DeskOnsite, urgency);
            opening
                .length(ClockKind::Resolve, key)
                .expect("promised")
                .to_string()
        };
        assert_eq!(resolve(Urgency::Immediate), "2 hours");
        assert_eq!(resolve(Urgency::WithinADay), "24 hours");
        assert_eq!(resolve(Urgency::WithinThreeDays), "72 hours");
        let store = Profile::for_site(SiteKind::AgencyStore, false);
        assert_eq!(
            lengths(store, ClockKind::Resolve, Channel::Visit),
            ["5 working days"; 4]
        );
    }

    #[test]
    fn a_profile_that_makes_no_sense_is_refused() {
        let good = include_str!("../../profiles/residential.yaml");
        assert!(Profile::parse(good).is_ok());
        for (from, to) in [
            ("group: 3", "group: 10"),
            (
                "- { length: 4 working hours }",
                "- { grades: [3], length: 4 working hours }",
            ),
            ("09:00-12:00", "12:00-09:00"),
            ("age_grave: 15 days", "age_grave: soon"),
            ("revision: 1", "revision: 1\nsurprise: 2"),
            ("ACKNOWLEDGE", "KNOWLEDGE"),
        ] {
            assert!(good.contains(from));
            assert!(Profile::parse(&good.replace(from, to)).is_err(), "{to}");
        }
    }
}
