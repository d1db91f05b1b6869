use super::*;
use jiff::tz::TimeZone;
use proptest::prelude::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a known zone")
}

fn china() -> Calendar {
    Calendar::mainland_china(zone("Asia/Shanghai"))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

#[test]
fn four_working_hours_step_over_the_lunch_break_p09() {
    let due = china().add_working(
        at("2026-03-02T10:00:00+08:00"),
        SignedDuration::from_hours(4),
    );
    assert_eq!(due, at("2026-03-02T15:00:00+08:00"));
}

#[test]
fn working_time_steps_over_a_weekend_and_stops_at_closing() {
    let friday = at("2026-03-06T17:00:00+08:00");
    let hour = SignedDuration::from_hours(1);
    assert_eq!(
        china().add_working(friday, hour),
        at("2026-03-06T18:00:00+08:00")
    );
    assert_eq!(
        china().add_working(friday, hour * 2),
        at("2026-03-09T10:00:00+08:00")
    );
}

#[test]
fn a_make_up_saturday_is_worked_and_spring_festival_is_not() {
    // 2026: off from 15 to 23 February, worked on Saturdays 14 and 28 February.
    let friday = at("2026-02-13T10:00:00+08:00");
    assert_eq!(
        china().add_working_days(friday, 1),
        at("2026-02-14T10:00:00+08:00")
    );
    assert_eq!(
        china().add_working_days(friday, 2),
        at("2026-02-24T10:00:00+08:00")
    );
    assert_eq!(
        china().next_opening(at("2026-02-14T18:00:00+08:00")),
        at("2026-02-24T09:00:00+08:00")
    );
}

#[test]
fn one_working_day_is_the_same_local_time_on_the_next_working_day() {
    assert_eq!(
        china().add_working_days(at("2026-03-05T15:20:00+08:00"), 1),
        at("2026-03-06T15:20:00+08:00")
    );
    // Friday evening: counts from Monday's opening.
    assert_eq!(
        china().add_working_days(at("2026-03-06T20:00:00+08:00"), 1),
        at("2026-03-10T09:00:00+08:00")
    );
    // In the lunch break: from its end.
    assert_eq!(
        china().add_working_days(at("2026-03-05T12:30:00+08:00"), 1),
        at("2026-03-06T13:00:00+08:00")
    );
}

#[test]
fn a_local_time_that_is_closed_on_the_last_day_moves_to_the_next_opening() {
    let interval = |text: &str| text.parse::<Interval>().expect("an interval");
    let mut week: [Vec<Interval>; 7] = std::array::from_fn(|_| vec![]);
    week[4] = vec![interval("09:00-18:00")];
    week[5] = vec![interval("09:00-12:00")];
    week[0] = vec![interval("10:00-18:00")];
    let calendar = Calendar::new(
        zone("Asia/Shanghai"),
        Hours::new(week, vec![]).expect("hours"),
    );
    let friday = at("2026-03-06T15:00:00+08:00");
    assert_eq!(
        calendar.add_working_days(friday, 1),
        at("2026-03-09T10:00:00+08:00")
    );
    // Exactly at closing is in time.
    assert_eq!(
        calendar.add_working_days(at("2026-03-06T12:00:00+08:00"), 1),
        at("2026-03-07T12:00:00+08:00")
    );
}

#[test]
fn a_deadline_in_closed_time_moves_to_the_next_opening() {
    assert_eq!(
        china().deadline(at("2026-03-07T10:00:00+08:00")),
        at("2026-03-09T09:00:00+08:00")
    );
    assert_eq!(
        china().deadline(at("2026-03-06T18:00:00+08:00")),
        at("2026-03-06T18:00:00+08:00")
    );
    assert_eq!(
        china().deadline(at("2026-03-06T18:00:01+08:00")),
        at("2026-03-09T09:00:00+08:00")
    );
    // Round the clock nothing is closed.
    let always = Calendar::always(zone("Asia/Shanghai"));
    assert_eq!(
        always.deadline(at("2026-03-07T03:00:00+08:00")),
        at("2026-03-07T03:00:00+08:00")
    );
}

#[test]
fn years_that_are_not_published_are_provisional() {
    let start = at("2026-12-30T10:00:00+08:00");
    assert!(!china().is_provisional(start, at("2026-12-31T10:00:00+08:00")));
    assert!(china().is_provisional(start, at("2027-01-04T10:00:00+08:00")));
    assert!(
        !Calendar::always(zone("Asia/Shanghai"))
            .is_provisional(start, at("2027-01-04T10:00:00+08:00"))
    );
}

#[test]
fn the_day_on_which_clocks_change_is_as_long_as_it_is() {
    // New York springs forward on 8 March 2026 and falls back on 1 November 2026.
    let always = Calendar::always(zone("America/New_York"));
    let midnight = |text: &str| -> Timestamp {
        text.parse::<jiff::civil::Date>()
            .expect("a date")
            .to_zoned(zone("America/New_York"))
            .expect("a midnight")
            .timestamp()
    };
    assert_eq!(
        always.working_between(midnight("2026-03-08"), midnight("2026-03-09")),
        SignedDuration::from_hours(23)
    );
    assert_eq!(
        always.working_between(midnight("2026-11-01"), midnight("2026-11-02")),
        SignedDuration::from_hours(25)
    );
}

/// Hours whose edges lie outside the small hours in which zones change their clocks, so that the
/// naive reading of the wall clock is unambiguous.
fn any_day() -> impl Strategy<Value = Vec<Interval>> {
    prop::collection::btree_set(prop_oneof![Just(0u16), (4 * 12u16..=24 * 12)], 0..7).prop_map(
        |edges| {
            let edges: Vec<u16> = edges.into_iter().map(|e| e * 5).collect();
            edges
                .chunks_exact(2)
                .map(|pair| Interval::new(pair[0], pair[1]).expect("ascending"))
                .collect()
        },
    )
}

fn any_calendar() -> impl Strategy<Value = (Calendar, [Vec<Interval>; 7])> {
    let zones = prop_oneof![
        Just("Asia/Shanghai"),
        Just("America/New_York"),
        Just("Europe/Berlin"),
        Just("Australia/Lord_Howe"),
    ];
    (zones, prop::array::uniform7(any_day())).prop_filter_map("never open", |(name, week)| {
        let hours = Hours::new(week.clone(), week[0].clone()).ok()?;
        Some((
            Calendar::with_days(zone(name), hours, Days::mainland_china().clone()),
            week,
        ))
    })
}

/// Whether the minute that starts here is worked, by looking at the wall clock.
fn open_by_the_wall(calendar: &Calendar, week: &[Vec<Interval>; 7], at: Timestamp) -> bool {
    let local = calendar.zone().to_datetime(at);
    let day = match Days::mainland_china().kind(local.date()) {
        Some(DayKind::Off) => return false,
        Some(DayKind::On) => &week[0],
        None => &week[usize::try_from(local.weekday().to_monday_zero_offset()).expect("0 to 6")],
    };
    day.iter().any(|interval| {
        interval.start() <= local.time() && interval.end().is_none_or(|end| local.time() < end)
    })
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn adding_working_time_agrees_with_stepping_minute_by_minute(
        (calendar, week) in any_calendar(),
        start_minute in 0i64..2 * 366 * 24 * 60,
        minutes in 0i64..3_000,
    ) {
        let start = at("2025-06-01T00:00:00Z") + SignedDuration::from_mins(start_minute);
        let (mut now, mut left) = (start, minutes);
        let limit = start + SignedDuration::from_hours(24 * 60);
        while left > 0 && now < limit {
            if open_by_the_wall(&calendar, &week, now) {
                left -= 1;
            }
            now += MINUTE;
        }
        prop_assume!(left == 0);
        prop_assert_eq!(calendar.add_working(start, MINUTE * minutes as i32), now);
        prop_assert_eq!(calendar.working_between(start, now), MINUTE * minutes as i32);
        prop_assert_eq!(calendar.working_between(now, start), MINUTE * -(minutes as i32));
    }

    #[test]
    fn the_next_opening_is_the_first_open_minute(
        (calendar, week) in any_calendar(),
        start_minute in 0i64..2 * 366 * 24 * 60,
    ) {
        let start = at("2025-06-01T00:00:00Z") + SignedDuration::from_mins(start_minute);
        let mut now = start;
        while !open_by_the_wall(&calendar, &week, now) {
            now += MINUTE;
        }
        prop_assert_eq!(calendar.next_opening(start), now);
        prop_assert!(calendar.is_open(now));
        prop_assert_eq!(calendar.is_open(start), now == start);
    }

    #[test]
    fn more_time_never_ends_earlier(
        (calendar, _) in any_calendar(),
        start_minute in 0i64..2 * 366 * 24 * 60,
        later in 0i64..5_000,
        amount in 0i64..5_000,
        more in 0i64..5_000,
        days in 0u32..20,
    ) {
        let start = at("2025-06-01T00:00:00Z") + SignedDuration::from_mins(start_minute);
        let after = start + SignedDuration::from_mins(later);
        let add = |from, minutes| calendar.add_working(from, SignedDuration::from_mins(minutes));
        prop_assert!(add(start, amount) <= add(start, amount + more));
        prop_assert!(add(start, amount) <= add(after, amount));
        prop_assert!(calendar.add_working_days(start, days) <= calendar.add_working_days(start, days + 1));
        prop_assert_eq!(add(add(start, amount), more), add(start, amount + more));
    }
}
