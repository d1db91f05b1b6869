//! The shipped profiles against domain.md, and policies that make no sense.

use jiff::Timestamp;
use redress_model::Grade;
use redress_model::words::{Channel, ClockKind, SiteKind, Urgency};

use crate::{LengthKey, Policy};

fn key(grade: u8, channel: Channel, urgency: Urgency) -> LengthKey {
    let grade = Grade::new(grade).expect("a grade");
    LengthKey {
        grade,
        urgency,
        channel,
    }
}

fn lengths(profile: &Policy, clock: ClockKind, channel: Channel) -> Vec<String> {
    (1..=4)
        .map(|grade| key(grade, channel, Urgency::WithinADay))
        .map(|key| profile.length(clock, key).expect("promised").to_string())
        .collect()
}

#[test]
fn the_built_in_profiles_hold_since_1970_and_promise_what_section_6_says() {
    let residential = Policy::for_site(SiteKind::Residential, true);
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
            let profile = Policy::for_site(*kind, opening_day);
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
        Policy::for_site(SiteKind::SalesCenter, false).name,
        "residential"
    );
}

#[test]
fn a_property_office_answers_by_phone_in_one_and_in_writing_in_three_working_days_m16() {
    let office = Policy::for_site(SiteKind::PropertyOffice, false);
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
    let opening = Policy::for_site(SiteKind::SalesCenter, true);
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
    let store = Policy::for_site(SiteKind::AgencyStore, false);
    assert_eq!(
        lengths(store, ClockKind::Resolve, Channel::Visit),
        ["5 working days"; 4]
    );
}

#[test]
fn a_profile_that_makes_no_sense_is_refused() {
    let good = include_str!("../profiles/residential.yaml");
    assert!(Policy::parse(good).is_ok());
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
        assert!(Policy::parse(&good.replace(from, to)).is_err(), "{to}");
    }
}
