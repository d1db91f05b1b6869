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
fn p09_working_time_steps_over_lunch_breaks_and_several_intervals_a_day() {
    let due = china().add_working(
        at("2026-03-02T10:00:00+08:00"),
        SignedDuration::from_hours(4),
    );
    assert_eq!(due, at("2026-03-02T15:00:00+08:00"));
    // Four intervals, one of them until midnight and one from it: no time is lost or won between them.
    let interval = |text: &str| text.parse::<Interval>().expect("an interval");
    let day = ["00:00-01:00", "08:00-11:30", "12:00-14:00", "20:00-24:00"].map(interval);
    let week = std::array::from_fn(|_| day.to_vec());
    let hours = Hours::new(week, vec![]).expect("hours");
    let calendar = Calendar::new(zone("Asia/Shanghai"), hours);
    let start = at("2026-03-02T11:00:00+08:00");
    for (minutes, due) in [
        (30, "2026-03-02T11:30:00+08:00"),
        (31, "2026-03-02T12:01:00+08:00"),
        (150, "2026-03-02T14:00:00+08:00"),
        (151, "2026-03-02T20:01:00+08:00"),
        (390, "2026-03-03T00:00:00+08:00"),
        (450, "2026-03-03T01:00:00+08:00"),
        (451, "2026-03-03T08:01:00+08:00"),
        (30 + 7 * 630, "2026-03-09T11:30:00+08:00"),
    ] {
        let amount = SignedDuration::from_mins(minutes);
        assert_eq!(calendar.add_working(start, amount), at(due), "{minutes}");
        assert_eq!(
            calendar.working_between(start, at(due)),
            amount,
            "{minutes}"
        );
    }
    // In a break nothing passes, and the deadline there is the end of the break.
    let noon = at("2026-03-02T11:45:00+08:00");
    assert!(!calendar.is_open(noon));
    assert_eq!(calendar.deadline(noon), at("2026-03-02T12:00:00+08:00"));
}

#[test]
fn a_calendar_that_changes_keeps_the_days_before_the_change() {
    let friday: jiff::civil::Date = "2026-03-06".parse().expect("a date");
    let mut week: [Vec<Interval>; 7] = Default::default();
    week[..5].fill(vec!["10:00-12:00".parse().expect("an interval")]);
    let changed = china().changed_from(
        friday,
        Hours::new(week, vec![]).expect("hours"),
        Days::none(),
    );
    let monday = at("2026-03-02T09:00:00+08:00");
    let amount = |hours| changed.add_working(monday, SignedDuration::from_hours(hours));
    assert_eq!(amount(32), at("2026-03-05T18:00:00+08:00"));
    assert_eq!(amount(33), at("2026-03-06T11:00:00+08:00"));
    // A change to the change takes its place.
    let again = changed.changed_from(friday, Hours::office(), Days::mainland_china().clone());
    assert_eq!(
        again.add_working(monday, SignedDuration::from_hours(33)),
        at("2026-03-06T10:00:00+08:00")
    );
    assert_eq!(again.published_through(friday), Some(2026));
    assert_eq!(changed.published_through(friday), None);
}

#[test]
fn the_last_hour_of_a_year_ends_at_its_last_closing() {
    // Years are counted in UTC: in Shanghai the last closing of 2026 lies hours before the year's end.
    let hour = SignedDuration::from_hours(1);
    let last = at("2026-12-31T17:00:00+08:00");
    assert_eq!(
        china().add_working(last, hour),
        at("2026-12-31T18:00:00+08:00")
    );
    assert_eq!(
        china().deadline(last + hour),
        at("2026-12-31T18:00:00+08:00")
    );
    assert_eq!(
        china().next_opening(last + hour),
        at("2027-01-01T09:00:00+08:00")
    );
    // Open over the turn of the year of UTC: what is split there is one stretch of working time.
    let always = Calendar::always(zone("Asia/Shanghai"));
    let before = at("2026-12-31T23:30:00Z");
    assert_eq!(always.add_working(before, hour), before + hour);
    assert_eq!(always.working_between(before, before + hour), hour);
    let turn = at("2027-01-01T00:00:00Z");
    assert_eq!(always.deadline(turn), turn);
}

#[test]
fn what_never_comes_is_the_end_of_time() {
    let calendar = china();
    let far = SignedDuration::from_hours(24 * 366 * 200);
    assert_eq!(
        calendar.add_working(at("2026-03-02T10:00:00+08:00"), far),
        Timestamp::MAX
    );
    assert_eq!(calendar.add_working(Timestamp::MAX, far), Timestamp::MAX);
    assert_eq!(calendar.add_working_days(Timestamp::MAX, 3), Timestamp::MAX);
    assert_eq!(
        calendar.add_working(Timestamp::MIN, SignedDuration::ZERO),
        Timestamp::MIN
    );
    // Far from the years that are kept, the arithmetic is the same.
    assert_eq!(
        calendar.add_working(at("1904-03-01T09:00:00Z"), SignedDuration::from_mins(90)),
        at("1904-03-02T01:30:00Z")
    );
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

/// Any hours, in the small hours too, in which zones change their clocks.
fn any_day() -> impl Strategy<Value = Vec<Interval>> {
    prop::collection::btree_set(0..=24 * 12u16, 0..7).prop_map(|edges| {
        let edges: Vec<u16> = edges.into_iter().map(|e| e * 5).collect();
        edges
            .chunks_exact(2)
            .map(|pair| Interval::new(pair[0], pair[1]).expect("ascending"))
            .collect()
    })
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
    let minute = u16::try_from(local.hour()).expect("0 to 23") * 60
        + u16::try_from(local.minute()).expect("0 to 59");
    day_by_the_wall(week, local.date())
        .iter()
        .any(|interval| interval.start_minute() <= minute && minute < interval.end_minute())
}

fn day_by_the_wall(week: &[Vec<Interval>; 7], date: jiff::civil::Date) -> &[Interval] {
    match Days::mainland_china().get(date).map(|day| day.kind) {
        Some(DayKind::Off) => &[],
        Some(DayKind::On) => &week[0],
        None => &week[usize::try_from(date.weekday().to_monday_zero_offset()).expect("0 to 6")],
    }
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
    fn adding_working_days_agrees_with_counting_dates(
        (calendar, week) in any_calendar(),
        start_minute in 0i64..2 * 366 * 24 * 60,
        count in 0u32..400,
    ) {
        let start = at("2025-06-01T00:00:00Z") + SignedDuration::from_mins(start_minute);
        let opening = calendar.next_opening(start);
        let local = calendar.zone().to_datetime(opening);
        let (mut date, mut left) = (local.date(), count);
        while left > 0 {
            date = date.tomorrow().expect("not the end of time");
            if !day_by_the_wall(&week, date).is_empty() {
                left -= 1;
            }
        }
        let same_time = calendar.zone().to_timestamp(date.to_datetime(local.time())).expect("a time");
        let expected = if count == 0 { opening } else { calendar.deadline(same_time) };
        prop_assert_eq!(calendar.add_working_days(start, count), expected);
    }

    #[test]
    fn the_open_stretches_between_two_instants_add_up(
        (calendar, _) in any_calendar(),
        start_minute in 0i64..2 * 366 * 24 * 60,
        minutes in 0i64..600 * 24 * 60,
    ) {
        let from = at("2025-06-01T00:00:00Z") + SignedDuration::from_mins(start_minute);
        let to = from + SignedDuration::from_mins(minutes);
        let stretches: Vec<_> = calendar.open_between(from, to).collect();
        let sum = stretches.iter().fold(SignedDuration::ZERO, |sum, (a, b)| sum + a.duration_until(*b));
        prop_assert_eq!(sum, calendar.working_between(from, to));
        prop_assert!(stretches.iter().all(|(a, b)| from <= *a && a < b && *b <= to));
        prop_assert!(stretches.is_sorted());
    }

    #[test]
    fn a_change_from_a_day_on_leaves_what_lies_before_it(
        (calendar, _) in any_calendar(),
        (other, _) in any_calendar(),
        start_minute in 0i64..400 * 24 * 60,
        minutes in 0i64..40 * 24 * 60,
        ahead in 0i64..60,
    ) {
        let start = at("2025-06-01T00:00:00Z") + SignedDuration::from_mins(start_minute);
        let from = calendar.date(start).checked_add(jiff::Span::new().days(ahead)).expect("a date");
        let hours = other.hours(from).clone();
        let changed = calendar.changed_from(from, hours.clone(), Days::none());
        let edge = calendar.zone().to_timestamp(from.to_datetime(jiff::civil::Time::midnight())).expect("a time");
        let later = Calendar::new(calendar.zone().clone(), hours);
        let end = start + SignedDuration::from_mins(minutes);
        let expected = calendar.working_between(start.min(edge), end.min(edge))
            + later.working_between(start.max(edge), end.max(edge));
        prop_assert_eq!(changed.working_between(start, end), expected);
        // What was due before the change still is, and nothing moves to before it.
        let amount = SignedDuration::from_mins(minutes / 4);
        let (before, after) = (calendar.add_working(start, amount), changed.add_working(start, amount));
        prop_assert!(before == after || (before > edge && after > edge));
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
