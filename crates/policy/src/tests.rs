//! The shipped profiles against domain.md, and policies that make no sense.

use jiff::Timestamp;
use redress_model::Grade;
use redress_model::words::{Category, Channel, ClockKind, LegalDeadline, SiteKind, Urgency};

use proptest::prelude::*;

use crate::{
    Accountability, Clash, Effective, Handling, Layer, LengthKey, Level, Origin, Overlay, PROFILES,
    Policy, Practice, Released, Routing, TakeOver, merge, overlay_schema, profile_schema,
};

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
        ["1 day", "1 day", "1 working day", "1 working day"]
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
            let answers = lengths(profile, ClockKind::Answer, Channel::Letter);
            assert_eq!(answers[..2], ["1 day"; 2], "{}", profile.name);
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
fn m17_an_agency_store_pays_and_earns_as_agreed_and_the_centre_takes_over() {
    let store = &Policy::for_site(SiteKind::AgencyStore, false).accountability;
    let fen = [store.upheld_complaint, store.exposure, store.take_over].map(Accountability::fen);
    assert_eq!(fen, [50_000; 3]);
    let prizes: Vec<i64> = store
        .prizes
        .iter()
        .copied()
        .map(Accountability::fen)
        .collect();
    assert_eq!(prizes, [300_000, 200_000, 100_000]);
    assert_eq!(store.due_days, 3);
    assert!(!store.faultless_pays);
    assert_eq!(
        store.take_over_on,
        [TakeOver::ResolveBreached, TakeOver::Dissatisfied]
    );
    for kind in [
        SiteKind::Residential,
        SiteKind::SalesCenter,
        SiteKind::PropertyOffice,
    ] {
        assert!(
            Policy::for_site(kind, false)
                .accountability
                .take_over_on
                .is_empty()
        );
    }
}

/// What is promised as the law gives it.
const BY_LAW: [(ClockKind, &str); 4] = [
    (ClockKind::Rescue, "30 minutes"),
    (ClockKind::Defence, "15 days"),
    (ClockKind::AppealJudgment, "15 days"),
    (ClockKind::AppealRuling, "10 days"),
];

#[test]
fn every_profile_gives_what_section_10_gives_by_law_and_says_where_it_is_written() {
    for profile in PROFILES {
        let policy = Policy::built_in(profile).expect("shipped");
        let law = &policy.law;
        let named: Vec<String> = LegalDeadline::ALL
            .iter()
            .map(|name| &law[name])
            .inspect(|rule| assert!(!rule.source.is_empty() && !rule.party.is_empty()))
            .map(|rule| rule.length.to_string())
            .collect();
        assert_eq!(
            named,
            ["4 hours", "4 hours", "1 hour", "10 days", "15 days"],
            "{profile}"
        );
        for (clock, length) in BY_LAW {
            let all = lengths(policy, clock, Channel::App);
            assert_eq!(all, [length; 4], "{profile} {clock}");
        }
    }
}

#[test]
fn a_site_may_give_less_time_than_the_law_and_never_more() {
    let document = |length: &str| format!("law: {{ PLAN_CHANGE_NOTICE: {{ length: {length} }} }}");
    let given = |length: &str| merged("residential", &[&document(length)]);
    let policy = given("9 days").expect("sound").policy;
    let rule = &policy.law[&LegalDeadline::PlanChangeNotice];
    assert_eq!(rule.length.to_string(), "9 days");
    assert!(rule.source.contains("第二十四条"), "the source stays");
    for (length, says) in [
        (
            "11 days",
            "must not be longer than the law gives, which is 10 days",
        ),
        ("5 working days", "must not count working time"),
    ] {
        let clashes = given(length).expect_err(length);
        assert_eq!(clashes[0].problem.field, "law.PLAN_CHANGE_NOTICE.length");
        let text = clashes[0].to_string();
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn people_in_a_lift_wait_30_minutes_at_most_and_no_court_longer_than_section_10_says() {
    let of = |clock: ClockKind, length: &str| {
        Overlay::check(&format!(
            "clocks:\n  {clock}:\n    - {{ length: {length} }}\n"
        ))
    };
    for (clock, length) in BY_LAW {
        assert!(of(clock, length).is_ok(), "{clock} {length}");
    }
    let longer = "must not be longer than the law gives, which is";
    for (clock, length, says) in [
        (
            ClockKind::Rescue,
            "31 minutes",
            format!("{longer} 30 minutes"),
        ),
        (ClockKind::Defence, "16 days", format!("{longer} 15 days")),
        (
            ClockKind::AppealJudgment,
            "1 month",
            format!("{longer} 15 days"),
        ),
        (
            ClockKind::AppealRuling,
            "11 days",
            format!("{longer} 10 days"),
        ),
        (
            ClockKind::Rescue,
            "30 working minutes",
            "must not count working time".to_owned(),
        ),
    ] {
        let problems = of(clock, length).expect_err(length).0;
        let told = problems[0].to_string();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].field, format!("clocks.{clock}[0].length"));
        assert!(told.starts_with("line 3, column 17: "), "{told}");
        assert!(told.contains(&says), "{told}");
    }
}

#[test]
fn no_condition_no_hold_and_no_silence_gives_more_time_than_the_law() {
    for (document, field, says) in [
        (
            "clocks: { RESCUE: [ { grades: [4], length: 1 hour }, { length: 30 minutes } ] }",
            "clocks.RESCUE[0].length",
            "must not be longer than the law gives, which is 30 minutes",
        ),
        (
            "clocks: { RESCUE: [] }",
            "clocks.RESCUE",
            "must not be empty",
        ),
        (
            "holds: { reasons: { COURT: { stops: [RESOLVE, DEFENCE] } } }",
            "holds.reasons.COURT.stops[1]",
            "must not be DEFENCE",
        ),
    ] {
        let problems = Overlay::check(document).expect_err(document).0;
        assert_eq!(problems[0].field, field);
        assert_eq!(problems[0].place.map(|place| place.line), Some(1));
        let told = problems[0].to_string();
        assert!(told.contains(says), "{told}");
    }
}

#[test]
fn what_others_act_on_travels_as_json_and_reads_back() {
    for profile in PROFILES {
        let handling = Policy::built_in(profile).expect("shipped").handling();
        let json = serde_json::to_string(&handling).expect("written");
        assert_eq!(
            serde_json::from_str::<Handling>(&json).expect("read"),
            handling
        );
    }
}

/// Which department takes each category, and a case of none.
fn takers(routing: &Routing) -> Vec<(&'static str, &str)> {
    let known = Category::ALL
        .iter()
        .map(|c| (c.word(), routing.department_of(Some(*c))));
    known
        .chain([("UNKNOWN", routing.department_of(None))])
        .collect()
}

#[test]
fn the_profiles_route_as_section_3_says_and_the_opening_day_in_three_groups_m15() {
    let handbook = [
        ("ENGINEERING_QUALITY", "engineering"),
        ("PLANNING_DESIGN", "design"),
        ("SALES_MANAGEMENT", "sales"),
        ("PROPERTY_MANAGEMENT", "property-management"),
        ("SERVICE_CONDUCT", "customer-service"),
        ("REPAIR_SERVICE", "repair"),
        ("COMMERCIAL_LEASING", "leasing"),
        ("EXTERNAL_ENVIRONMENT", "public-affairs"),
        ("UNKNOWN", "customer-service"),
    ];
    let opening_day = [
        ("ENGINEERING_QUALITY", "engineering"),
        ("PLANNING_DESIGN", "engineering"),
        ("SALES_MANAGEMENT", "sales"),
        ("PROPERTY_MANAGEMENT", "customer-service"),
        ("SERVICE_CONDUCT", "customer-service"),
        ("REPAIR_SERVICE", "engineering"),
        ("COMMERCIAL_LEASING", "sales"),
        ("EXTERNAL_ENVIRONMENT", "customer-service"),
        ("UNKNOWN", "customer-service"),
    ];
    for profile in PROFILES {
        let routing = &Policy::built_in(profile).expect("shipped").routing;
        let says = match profile {
            "opening-day" => opening_day,
            _ => handbook,
        };
        assert_eq!(takers(routing), says, "{profile}");
    }
    assert_eq!(takers(Routing::handbook()), handbook);
}

#[test]
fn each_level_sends_the_categories_it_names_elsewhere_and_is_their_origin() {
    let documents = [
        "routing: { SALES_MANAGEMENT: legal, REPAIR_SERVICE: legal }",
        "routing: { REPAIR_SERVICE: workshop }",
        "profiles: { opening-day: { routing: { UNKNOWN: reception } } }",
    ];
    for (profile, unknown, of) in [
        ("residential", "customer-service", Level::Profile),
        ("opening-day", "reception", Level::Site),
    ] {
        let effective = merged(profile, &documents).expect("sound");
        for (category, department, level) in [
            ("SALES_MANAGEMENT", "legal", Level::Organization),
            ("REPAIR_SERVICE", "workshop", Level::Region),
            ("ENGINEERING_QUALITY", "engineering", Level::Profile),
            ("UNKNOWN", unknown, of),
        ] {
            assert_eq!(
                from(&effective, &format!("routing.{category}")),
                (format!("\"{department}\""), level),
                "{profile} {category}"
            );
        }
        let told = effective.policy.handling().routing.expect("told");
        assert_eq!(
            told.department_of(Some(Category::RepairService)),
            "workshop"
        );
    }
}

#[test]
fn m01_the_lowest_level_that_names_the_briefings_day_or_time_sets_it_and_is_its_origin() {
    let documents = [
        "briefing: { weekday: MONDAY, time: \"09:30\" }",
        "briefing: { weekday: TUESDAY, time: \"10:30\" }",
        "briefing: { time: \"17:00\" }",
    ];
    for (levels, weekday, time) in [
        (
            1,
            ("MONDAY", Level::Organization),
            ("09:30", Level::Organization),
        ),
        (2, ("TUESDAY", Level::Region), ("10:30", Level::Region)),
        (3, ("TUESDAY", Level::Region), ("17:00", Level::Site)),
    ] {
        for profile in PROFILES {
            let effective = merged(profile, &documents[..levels]).expect("sound");
            for (field, (value, level)) in [("briefing.weekday", weekday), ("briefing.time", time)]
            {
                assert_eq!(
                    from(&effective, field),
                    (format!("\"{value}\""), level),
                    "{profile}"
                );
            }
            let told = effective.policy.handling().briefing;
            assert_eq!(told.weekday.as_deref(), Some(weekday.0));
            assert_eq!(told.time, Some(time.0.parse().expect("a time")));
        }
    }
}

#[test]
fn m01_where_no_level_says_when_the_briefing_is_none_is_told() {
    for document in ["{}", "briefing: {}"] {
        for profile in PROFILES {
            let effective = merged(profile, &[document]).expect("sound");
            let named = |v: &crate::EffectiveValue| v.field.starts_with("briefing");
            assert!(!effective.values.iter().any(named), "{profile}");
            let handling = effective.policy.handling();
            assert!(handling.briefing.is_silent());
            let told = serde_json::to_value(&handling).expect("written");
            assert_eq!(told.get("briefing"), None, "as an older release told it");
        }
    }
}

#[test]
fn m14_hints_are_off_in_every_profile_and_the_lowest_level_that_names_them_decides() {
    let documents = [
        "hints: { enabled: true }",
        "hints: { enabled: false }",
        "profiles: { residential: { hints: { enabled: true } } }",
    ];
    for profile in PROFILES {
        for (levels, residential, others) in [
            (0, (false, Level::Profile), (false, Level::Profile)),
            (1, (true, Level::Organization), (true, Level::Organization)),
            (2, (false, Level::Region), (false, Level::Region)),
            (3, (true, Level::Site), (false, Level::Region)),
        ] {
            let effective = merged(profile, &documents[..levels]).expect("sound");
            let (enabled, level) = if profile == "residential" {
                residential
            } else {
                others
            };
            let set = from(&effective, "hints.enabled");
            assert_eq!(set, (enabled.to_string(), level), "{profile} {levels}");
            let handling = effective.policy.handling();
            assert_eq!(handling.hints.enabled, enabled);
            // What is off is told as a release told it that knew no hints, and read so from one.
            let told = serde_json::to_value(&handling).expect("written");
            assert_eq!(told.get("hints").is_some(), enabled);
            let read: Handling = serde_json::from_value(told).expect("read");
            assert_eq!(read, handling);
        }
    }
    let problems = Overlay::parse("hints: { enabled: yes-please }").expect_err("no switch");
    assert_eq!(problems.0[0].field, "hints.enabled");
}

#[test]
fn section_10_seasons_and_limits_are_policy_and_every_profile_ships_them() {
    let documents = [
        "practice: { heating: { from: \"10-20\", to: \"04-20\" }, police_report_hours: 12 }",
        "practice: { retention_percent_max: 2, transfer_days: { HOTLINE_12345: 3 } }",
        "practice: { heating: { to: \"04-10\" }, liability_months_max: 12 }",
    ];
    for profile in PROFILES {
        let shipped = &Policy::built_in(profile).expect("shipped").practice;
        assert_eq!(*shipped, Practice::default(), "{profile}");
        assert_eq!(
            (
                shipped.police_report_hours,
                shipped.retention_percent_max,
                shipped.liability_months_max
            ),
            (24, 3, 24)
        );
        let effective = merged(profile, &documents).expect("sound");
        for (field, value, level) in [
            ("heating.from", "\"10-20\"", Level::Organization),
            ("heating.to", "\"04-10\"", Level::Site),
            ("cooling.from", "\"06-01\"", Level::Profile),
            ("police_report_hours", "12", Level::Organization),
            ("retention_percent_max", "2", Level::Region),
            ("liability_months_max", "12", Level::Site),
            ("transfer_days.HOTLINE_12345", "3", Level::Region),
            ("transfer_days.OTHER", "10", Level::Profile),
        ] {
            let set = from(&effective, &format!("practice.{field}"));
            assert_eq!(set, (value.to_owned(), level), "{profile} {field}");
        }
        let handling = effective.policy.handling();
        assert_eq!(handling.practice.as_ref(), Some(&effective.policy.practice));
        let told = serde_json::to_value(&handling).expect("written");
        let read: Handling = serde_json::from_value(told).expect("read");
        assert_eq!(read, handling);
    }
}

#[test]
fn section_10_no_level_loosens_what_the_law_limits_nor_makes_a_season_of_one_day() {
    for (document, field) in [
        ("police_report_hours: 25", "police_report_hours"),
        ("retention_percent_max: 4", "retention_percent_max"),
        ("liability_months_max: 25", "liability_months_max"),
        ("heating: { to: \"11-15\" }", "heating.to"),
    ] {
        let document = format!("practice: {{ {document} }}");
        let clashes = merged("residential", &["{}", &document]).expect_err("looser");
        assert_eq!(clashes.len(), 1, "{document}");
        assert_eq!(clashes[0].problem.field, format!("practice.{field}"));
        assert_eq!(clashes[0].origin, origin(Level::Region, 1));
        // What an organization tightened, a site may take back as far as the law goes.
        let tight = "practice: { police_report_hours: 2 }";
        let back = "practice: { police_report_hours: 24 }";
        assert!(merged("residential", &[tight, "{}", back]).is_ok());
    }
    for day in ["02-29", "04-31", "13-01", "1-5"] {
        let document = format!("practice: {{ cooling: {{ from: \"{day}\" }} }}");
        let problems = Overlay::parse(&document).expect_err("no day of every year");
        assert_eq!(problems.0[0].field, "practice.cooling.from", "{day}");
        assert!(problems.to_string().contains("must look like 11-15"));
    }
    // Every day that the form allows is one.
    for day in ["02-28", "04-30", "12-31", "01-01"] {
        let document = format!("practice: {{ cooling: {{ from: \"{day}\" }} }}");
        assert!(merged("residential", &[&document]).is_ok(), "{day}");
    }
}

#[test]
fn a_day_or_time_of_the_briefing_that_is_none_is_refused_by_its_field() {
    for (document, field, says) in [
        (
            "briefing: { weekday: Friday }",
            "briefing.weekday",
            "must be one of MONDAY",
        ),
        (
            "briefing: { time: \"24:00\" }",
            "briefing.time",
            "must look like 16:00",
        ),
        (
            "briefing: { hour: 16 }",
            "briefing.hour",
            "is not a field of a policy",
        ),
        (
            "profiles: { agency-store: { briefing: { time: 16 } } }",
            "profiles.agency-store.briefing.time",
            "must be a text (quote it)",
        ),
    ] {
        let problems = Overlay::parse(document).expect_err(document);
        let told = problems.to_string();
        assert_eq!(problems.0[0].field, field);
        assert!(told.contains(says), "{told}");
    }
}

#[test]
fn what_another_release_tells_reads_with_less_and_with_more() {
    let handling = Policy::for_site(SiteKind::Residential, false).handling();
    let mut told = serde_json::to_value(&handling).expect("written");
    told["later"] = serde_json::json!({ "than": "this" });
    told["routing"]["LATER"] = serde_json::json!("later");
    let read: Handling = serde_json::from_value(told.clone()).expect("more");
    assert_eq!(read, handling);
    for section in ["routing", "practice"] {
        told.as_object_mut().expect("sections").remove(section);
    }
    let read: Handling = serde_json::from_value(told).expect("less");
    assert_eq!((read.routing, read.practice), (None, None));
    assert_eq!(read.positions, handling.positions);
}

const RESIDENTIAL: &str = include_str!("../profiles/1/residential.yaml");

/// What is wrong with a profile in which one text was replaced.
fn wrong(from: &str, to: &str) -> Vec<String> {
    assert!(RESIDENTIAL.contains(from), "{from}");
    let text = RESIDENTIAL.replacen(from, to, 1);
    let problems = Policy::parse(&text).expect_err(to);
    problems.0.iter().map(ToString::to_string).collect()
}

/// The line on which a text stands in the residential profile.
fn line_of(text: &str) -> usize {
    let at = RESIDENTIAL.find(text).expect("it stands there");
    RESIDENTIAL[..at].matches('\n').count() + 1
}

#[test]
fn a_policy_that_is_wrong_is_refused_with_its_line_and_field() {
    for (from, to, field, says) in [
        (
            "group: 3",
            "group: 10",
            "grading.group",
            "must be below grading.group_major, which is 10",
        ),
        (
            "group: 3",
            "group: three",
            "grading.group",
            "must be a whole number",
        ),
        ("group: 3", "group: 0", "grading.group", "must be 3 or more"),
        (
            "group: 3",
            "group: 3.0",
            "grading.group",
            "must be a whole number",
        ),
        (
            "due_days: 3",
            "due_days: 0",
            "accountability.due_days",
            "must be 1 or more",
        ),
        (
            "take_over_on: []",
            "take_over_on: [SOON]",
            "accountability.take_over_on[0]",
            "must be one of RESOLVE_BREACHED, DISSATISFIED",
        ),
        (
            "exposure: \"0.00\"",
            "exposure: 900",
            "accountability.exposure",
            "must be a text (quote it)",
        ),
        (
            "ENGINEERING_QUALITY: engineering",
            "ENGINEERING_QUALITY: Engineering",
            "routing.ENGINEERING_QUALITY",
            "must look like company-centre",
        ),
        (
            "REPAIR_SERVICE: repair",
            "REPAIRS: repair",
            "routing.REPAIRS",
            "is not a field of a policy",
        ),
        (
            "age_grave: 15 days",
            "age_grave: soon",
            "grading.age_grave",
            "must look like 15 minutes",
        ),
        (
            "age_grave: 15 days",
            "age_grave: 40 days",
            "grading.age_grave",
            "must not be longer than grading.age_major",
        ),
        (
            "age_grave: 15 days",
            "age_grave: 15 working days",
            "grading.age_grave",
            "must not count working time",
        ),
        (
            "amount_major: \"10000.00\"",
            "amount_major: 10000.00",
            "grading.amount_major",
            "must be a text (quote it)",
        ),
        (
            "amount_major: \"10000.00\"",
            "amount_major: \"-1\"",
            "grading.amount_major",
            "must look like \"10000.00\"",
        ),
        (
            "amount_major: \"10000.00\"",
            "amount_major: \"0.00\"",
            "grading.amount_major",
            "must be above 0",
        ),
        (
            "ACKNOWLEDGE:",
            "KNOWLEDGE:",
            "clocks.KNOWLEDGE",
            "is not a field of a policy",
        ),
        (
            "{ grades: [2], length: 2 hours }",
            "{ grades: [5], length: 2 hours }",
            "clocks.ACKNOWLEDGE[1].grades[0]",
            "must be 4 or less",
        ),
        (
            "{ grades: [2], length: 2 hours }",
            "{ grades: [2] }",
            "clocks.ACKNOWLEDGE[1]",
            "needs length",
        ),
        (
            "{ grades: [2], length: 2 hours }",
            "{ length: 2 hours }",
            "clocks.ACKNOWLEDGE[2]",
            "is never reached",
        ),
        ("warn: 75", "warn: 100", "shares.warn", "must be 99 or less"),
        (
            "climb_duty: 50",
            "climb_duty: 100",
            "shares.climb_duty",
            "must be below shares.climb_top",
        ),
        (
            "COURT: {",
            "KING: {",
            "holds.reasons.KING",
            "is not a field of a policy",
        ),
        (
            "rungs: [ON_SITE_LEAD,",
            "rungs: [DUTY_LEAD,",
            "ladder.rungs",
            "must not name anything twice",
        ),
        (
            "acknowledge_within: 1 hour",
            "acknowledge_within: 1 working day",
            "ladder.acknowledge_within",
            "round the clock",
        ),
        (
            "acknowledge_within: 1 hour",
            "acknowledge_within: 5256000 minutes",
            "ladder.acknowledge_within",
            "must be 24 hours at most",
        ),
        (
            "acknowledge_within_grade_1: 15 minutes",
            "acknowledge_within_grade_1: 25 hours",
            "ladder.acknowledge_within_grade_1",
            "must be 24 hours at most",
        ),
        (
            "confirm_within: 15 minutes",
            "confirm_within: 1441 minutes",
            "signals.confirm_within",
            "must be 24 hours at most",
        ),
        (
            "join_across: 0.30",
            "join_across: 0.20",
            "clusters.join_across",
            "must not be below clusters.join",
        ),
        (
            "\"09:00-12:00\"",
            "\"12:00-09:00\"",
            "working_time.weekdays[0]",
            "makes no sense",
        ),
        (
            "weekends: []",
            "weekends:",
            "working_time.weekends",
            "must be a list",
        ),
        (
            "age_major: 1 month",
            "age_major: 5256000 months",
            "grading.age_major",
            "must be ten years at most",
        ),
        (
            "- { length: 30 minutes }",
            "- { length: 121 months }",
            "clocks.RESCUE[0].length",
            "must be ten years at most",
        ),
        (
            "pages: 2",
            "pages: 2\n  pages: 3",
            "ladder.pages",
            "stands here twice",
        ),
    ] {
        let found = wrong(from, to);
        let extra = usize::from(field == "ladder.pages" || field == "clocks.ACKNOWLEDGE[2]");
        let line = format!("line {}, ", line_of(from) + extra);
        let hit = found.iter().any(|p| {
            p.starts_with(&line) && p.contains(&format!(": {field} ")) && p.contains(says)
        });
        assert!(hit, "{to}: {found:?}");
    }
}

#[test]
fn a_clock_without_a_last_rule_is_refused() {
    let found = wrong(
        "- { length: 4 working hours }",
        "- { grades: [3], length: 4 working hours }",
    );
    assert!(
        found[0].contains("clocks.ACKNOWLEDGE needs a last rule"),
        "{found:?}"
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_lines() {
    let text = RESIDENTIAL
        .replace("group: 3", "group: no")
        .replace("warn: 75", "warn: 0")
        .replace("profile: residential", "profile: residential\nsurprise: 2");
    let problems = Policy::parse(&text).expect_err("wrong");
    let fields: Vec<&str> = problems.0.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(fields, ["surprise", "grading.group", "shares.warn"]);
}

#[test]
fn only_plain_yaml_of_a_bounded_size_is_read() {
    let deep = format!("grading: {}", "[".repeat(200));
    let long = format!("# {}\n{{}}", "x".repeat(crate::DOCUMENT_BYTES_MAX));
    for (text, says) in [
        ("", "is empty"),
        ("grading: [", "line"),
        ("grading: &a {}\nshares: *a", "anchors"),
        ("grading: !!str {}", "tags"),
        ("{}\n---\n{}", "single YAML document"),
        ("? [a]\n: 1", "texts as keys"),
        ("grading: { group: .inf }", "number"),
        ("grading: null", "must be a mapping"),
        ("[]", "must be a mapping"),
        ("# \0\n{}", "U+0000"),
        (deep.as_str(), "line 1"),
        (long.as_str(), "longer than"),
    ] {
        let problems = Overlay::parse(text).expect_err(text).to_string();
        assert!(problems.contains(says), "{text:.40}: {problems}");
    }
    assert!(Overlay::parse("{}").is_ok());
}

#[test]
fn the_place_of_a_problem_covers_the_wrong_value() {
    let text =
        "# head\ngrading:\n  group: 三\nclocks:\n  RESOLVE:\n    - { grades: [1], length: 一 }\n";
    let problems = Overlay::parse(text).expect_err("wrong").0;
    let marked = |i: usize| {
        let place = problems[i].place.expect("a place");
        (
            place.line,
            place.column,
            &text[place.offset..place.offset + place.bytes],
        )
    };
    assert_eq!(marked(0), (3, 10, "三"));
    assert_eq!(marked(1), (6, 30, "一"));
}

#[test]
fn the_published_schemas_are_those_of_the_types() {
    for (published, schema) in [
        (
            include_str!("../schema/policy.schema.json"),
            overlay_schema(),
        ),
        (
            include_str!("../schema/profile.schema.json"),
            profile_schema(),
        ),
    ] {
        let published: serde_json::Value = serde_json::from_str(published).expect("JSON");
        assert!(
            published == schema,
            "run `redress policy schema` again: crates/policy/schema is behind the types"
        );
    }
}

#[test]
fn p26_the_text_of_every_release_of_a_profile_is_kept_under_its_number() {
    let readable = "the folder of the crate is readable";
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let mut texts = 0;
    for release in std::fs::read_dir(folder).expect(readable) {
        for file in std::fs::read_dir(release.expect(readable).path()).expect(readable) {
            let file = file.expect(readable).path();
            let text = std::fs::read_to_string(&file).expect(readable);
            let read = Released::parse(&text).expect("sound");
            let profile = read.policy();
            let place = format!("{}/{}.yaml", profile.revision, profile.name);
            assert!(file.ends_with(&place), "{} says {place}", file.display());
            assert!(Released::all().contains(&read), "{place} is not shipped");
            texts += 1;
        }
    }
    assert_eq!(texts, Released::all().len());
}

#[test]
fn the_newest_release_of_a_profile_holds() {
    let second = RESIDENTIAL
        .replacen("revision: 1", "revision: 2", 1)
        .replacen("group_major: 10", "group_major: 8", 1);
    let kept = [second.as_str(), RESIDENTIAL].map(|text| Released::parse(text).expect("sound"));
    let newest = Released::newest(&kept, "residential").expect("kept");
    let effective = newest.merge(&[], 7).expect("sound");
    assert_eq!(
        (
            effective.policy.grading.group_major,
            effective.policy.revision
        ),
        (8, 7)
    );
    assert!(effective.values.iter().all(|v| v.origin.revision == 2));
    assert_eq!(Released::newest(&kept, "opening-day"), None);
}

fn origin(level: Level, revision: u32) -> Origin {
    let name = format!("{level:?}").to_lowercase();
    Origin {
        level,
        name,
        revision,
    }
}

/// What holds where these documents lie above each other, from the organization down.
fn merged(profile: &str, documents: &[&str]) -> Result<Effective, Vec<Clash>> {
    let levels = [Level::Organization, Level::Region, Level::Site];
    let overlays: Vec<(Origin, Overlay)> = documents
        .iter()
        .zip(levels)
        .map(|(text, level)| (origin(level, 1), Overlay::parse(text).expect(text)))
        .collect();
    let layers: Vec<Layer<'_>> = overlays
        .iter()
        .map(|(origin, overlay)| Layer { origin, overlay })
        .collect();
    merge(profile, &layers, 1)
}

fn from(effective: &Effective, field: &str) -> (String, Level) {
    let value = effective
        .values
        .iter()
        .find(|v| v.field == field)
        .expect(field);
    (value.value.to_string(), value.origin.level)
}

#[test]
fn each_level_changes_what_it_names_and_every_value_knows_its_origin() {
    let effective = merged(
        "residential",
        &[
            "grading: { group_major: 8, group: 4 }",
            "grading: { group: 5 }\nclocks: { RESOLVE: [ { length: 3 days } ] }",
            "holds: { reasons: { COURT: { approval: false } } }\nshares: { warn_early: { RESOLVE: 40 } }\naccountability: { exposure: \"900.00\", take_over_on: [DISSATISFIED] }",
        ],
    )
    .expect("sound");
    assert_eq!(
        from(&effective, "grading.group_major"),
        ("8".to_owned(), Level::Organization)
    );
    assert_eq!(
        from(&effective, "grading.group"),
        ("5".to_owned(), Level::Region)
    );
    assert_eq!(
        from(&effective, "grading.similar_cases"),
        ("3".to_owned(), Level::Profile)
    );
    assert_eq!(from(&effective, "clocks.RESOLVE").1, Level::Region);
    assert_eq!(from(&effective, "clocks.ANSWER").1, Level::Profile);
    assert_eq!(
        from(&effective, "holds.reasons.COURT.approval"),
        ("false".to_owned(), Level::Site)
    );
    assert_eq!(
        from(&effective, "holds.reasons.COURT.stops").1,
        Level::Profile
    );
    assert_eq!(
        from(&effective, "shares.warn_early.RESOLVE"),
        ("40".to_owned(), Level::Site)
    );
    assert_eq!(
        from(&effective, "accountability.exposure"),
        ("\"900.00\"".to_owned(), Level::Site)
    );
    assert_eq!(
        from(&effective, "accountability.take_over_on").1,
        Level::Site
    );
    assert_eq!(
        from(&effective, "accountability.due_days").1,
        Level::Profile
    );
    assert_eq!(effective.policy.grading.group, 5);
    assert_eq!(
        lengths(&effective.policy, ClockKind::Resolve, Channel::App),
        ["3 days"; 4]
    );
}

#[test]
fn what_is_said_of_one_profile_holds_for_it_alone_and_comes_last() {
    let document = "grading: { group: 4 }\nprofiles:\n  agency-store:\n    grading: { group: 6 }\n";
    for (profile, group) in [("residential", 4), ("opening-day", 4), ("agency-store", 6)] {
        assert_eq!(
            merged(profile, &[document])
                .expect("sound")
                .policy
                .grading
                .group,
            group
        );
    }
}

#[test]
fn an_empty_list_of_rules_promises_nothing() {
    let effective = merged("residential", &["clocks: { ANSWER: [] }"]).expect("sound");
    let key = key(1, Channel::App, Urgency::Immediate);
    assert_eq!(effective.policy.length(ClockKind::Answer, key), None);
    assert!(effective.policy.length(ClockKind::Resolve, key).is_some());
}

#[test]
fn levels_that_contradict_each_other_are_refused_with_field_and_level() {
    let clashes = merged(
        "residential",
        &["grading: { group_major: 5 }", "{}", "grading: { group: 7 }"],
    )
    .expect_err("7 above 5");
    assert_eq!(clashes[0].problem.field, "grading.group");
    assert_eq!(clashes[0].origin, origin(Level::Site, 1));
    // The organization lowers what a site relies on: the site's value is named.
    let text = clashes[0].to_string();
    assert!(
        text.contains("profile residential") && text.contains("set by site revision 1"),
        "{text}"
    );
}

#[test]
fn a_document_is_checked_offline_against_every_profile() {
    let text = "profiles:\n  opening-day:\n    grading:\n      group: 12\n";
    let problems = Overlay::check(text).expect_err("12 above 10");
    assert_eq!(problems.0.len(), 1, "{problems}");
    assert_eq!(problems.0[0].field, "profiles.opening-day.grading.group");
    assert_eq!(problems.0[0].place.map(|p| p.line), Some(4));
    let text = "grading:\n  group: 12\n";
    let problems = Overlay::check(text).expect_err("12 above 10");
    assert_eq!(
        (problems.0.len(), problems.0[0].place.map(|p| p.line)),
        (1, Some(2)),
        "{problems}"
    );
    assert!(Overlay::check("grading: { group: 4 }").is_ok());
}

/// A document that changes some of a few fields, none of which contradicts another.
fn document() -> impl Strategy<Value = String> {
    let field = |name: &'static str, values: std::ops::Range<u32>| {
        prop::option::of(values).prop_map(move |n| n.map(|n| format!("{name}: {n}")))
    };
    let list = prop::option::of(1u32..60)
        .prop_map(|n| n.map(|n| format!("RESOLVE: [ {{ length: {n} days }} ]")));
    let grading = (
        field("group_major", 9..30),
        field("group", 3..9),
        field("similar_cases", 2..9),
    );
    let shares = (field("warn", 60..99), field("climb_top", 60..200));
    (grading, shares, list).prop_map(|(g, s, clock)| {
        let mapping = |entries: Vec<Option<String>>| {
            let entries: Vec<String> = entries.into_iter().flatten().collect();
            format!("{{ {} }}", entries.join(", "))
        };
        format!(
            "grading: {}\nshares: {}\nclocks: {}\n",
            mapping(vec![g.0, g.1, g.2]),
            mapping(vec![s.0, s.1]),
            mapping(vec![clock]),
        )
    })
}

proptest! {
    #[test]
    fn the_lowest_level_that_names_a_field_sets_it(documents in prop::collection::vec(document(), 0..=3)) {
        let texts: Vec<&str> = documents.iter().map(String::as_str).collect();
        let effective = merged("residential", &texts).expect("sound");
        let levels = [Level::Organization, Level::Region, Level::Site];
        let overlays: Vec<Overlay> = texts.iter().map(|t| Overlay::parse(t).expect("sound")).collect();
        for value in &effective.values {
            let lowest = overlays.iter().zip(levels).rev().find(|(o, _)| o.touches("residential", &value.field));
            prop_assert_eq!(value.origin.level, lowest.map_or(Level::Profile, |(_, level)| level));
        }
    }

    #[test]
    fn a_document_above_itself_changes_nothing_and_none_gives_the_profile(document in document()) {
        let once = merged("residential", &[&document]).expect("sound").policy;
        let twice = merged("residential", &[&document, &document]).expect("sound").policy;
        prop_assert_eq!(once, twice);
        let bare = merged("residential", &["{}", "{}", "{}"]).expect("sound").policy;
        prop_assert_eq!(&bare, Policy::for_site(SiteKind::Residential, false));
    }

    #[test]
    fn whatever_the_text_reading_it_ends_with_a_policy_or_a_problem(text in "\\PC{0,200}", at in 0usize..3000) {
        let _ = Overlay::parse(&text);
        let at = (0..=at.min(RESIDENTIAL.len())).rev().find(|&i| RESIDENTIAL.is_char_boundary(i)).unwrap_or(0);
        let broken = format!("{}{}{}", &RESIDENTIAL[..at], text, &RESIDENTIAL[at..]);
        if let Err(problems) = Policy::parse(&broken) {
            prop_assert!(!problems.0.is_empty());
            for place in problems.0.iter().filter_map(|p| p.place) {
                prop_assert!(broken.get(place.offset..place.offset + place.bytes).is_some());
            }
        }
    }
}
