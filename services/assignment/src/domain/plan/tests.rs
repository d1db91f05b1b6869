use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn person(n: usize) -> StaffId {
    ["ada", "bo", "cy", "di"][n % 4].parse().expect("a slug")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn clock(text: &str) -> Time {
    text.parse().expect("a time")
}

fn shift(id: &str, start: &str, end: &str) -> Shift {
    Shift {
        id: id.to_owned(),
        name: String::new(),
        start: clock(start),
        end: clock(end),
        weekdays: BTreeSet::new(),
    }
}

fn roster(zone: &str, shifts: Vec<Shift>, crews: Vec<Vec<StaffId>>, days_each: i32) -> Roster {
    let rotation = Rotation {
        id: "r".to_owned(),
        role: DutyRole::DutyLead,
        rank: 0,
        shifts: shifts.iter().map(|s| s.id.clone()).collect(),
        crews,
        days_each,
        from: "2026-01-01".parse().expect("a date"),
        until: None,
    };
    Roster {
        zone: TimeZone::get(zone).expect("a zone"),
        rules: Rules {
            shifts,
            rotations: vec![rotation],
        },
        fixed: Vec::new(),
        leaves: Vec::new(),
        swaps: Vec::new(),
    }
}

fn who(roster: &Roster, instant: &str) -> Vec<(i32, String)> {
    let mut who: Vec<_> = roster
        .at(at(instant))
        .into_iter()
        .map(|s| (s.rank, s.staff.to_string()))
        .collect();
    who.sort();
    who
}

#[test]
fn a_night_shift_of_the_week_of_a_crew_belongs_to_the_day_on_which_it_begins() {
    let crews = vec![vec![person(0)], vec![person(1)]];
    let roster = roster(
        "Asia/Shanghai",
        vec![shift("night", "22:00", "06:00")],
        crews,
        7,
    );
    // The first week ends on Wednesday 7 January; its last night on the morning after.
    assert_eq!(
        who(&roster, "2026-01-07T21:59:59Z"),
        [(0, "ada".to_owned())]
    );
    assert!(
        who(&roster, "2026-01-07T22:00:00Z").is_empty(),
        "06:00 there"
    );
    assert_eq!(who(&roster, "2026-01-08T14:00:00Z"), [(0, "bo".to_owned())]);
}

#[test]
fn p07_who_has_no_turn_in_the_days_that_are_told_is_on_the_roster_all_the_same() {
    let crews = vec![vec![person(0)], vec![person(1)], vec![person(2)]];
    let day = shift("day", "08:00", "20:00");
    let mut roster = roster("Asia/Shanghai", vec![day], crews, 30);
    let (from, until) = (at("2026-01-05T00:00:00Z"), at("2026-01-19T00:00:00Z"));
    let names = |roster: &Roster| -> Vec<String> {
        let members = roster.members(from, until);
        members.keys().map(ToString::to_string).collect()
    };
    let told: BTreeSet<StaffId> = roster
        .between(from, until)
        .into_iter()
        .map(|s| s.staff)
        .collect();
    assert_eq!(told, BTreeSet::from([person(0)]));
    assert_eq!(names(&roster), ["ada", "bo", "cy"]);
    // Away for all of it.
    roster.leaves.push(Leave {
        staff: person(0),
        from,
        until,
    });
    assert!(roster.between(from, until).is_empty());
    assert_eq!(names(&roster), ["ada", "bo", "cy"]);
    // Rules that have ended, or begin later, put nobody on it; a duty set flat does.
    roster.rules.rotations[0].until = Some("2026-01-04".parse().expect("a date"));
    assert!(names(&roster).is_empty());
    roster.rules.rotations[0].until = None;
    roster.rules.rotations[0].from = "2026-02-01".parse().expect("a date");
    assert!(names(&roster).is_empty());
    roster.fixed.push(Stretch {
        role: DutyRole::Handler,
        staff: person(3),
        rank: 0,
        from: Some(at("2026-03-01T00:00:00Z")),
        until: None,
    });
    let members = roster.members(from, until);
    let only = BTreeSet::from([DutyRole::Handler]);
    assert_eq!(members, BTreeMap::from([(&person(3), only)]));
}

#[test]
fn shifts_that_touch_on_the_wall_touch_in_time_when_the_clocks_change() {
    let shifts = vec![
        shift("early", "02:30", "14:00"),
        shift("night", "14:00", "02:30"),
    ];
    let roster = roster("America/New_York", shifts, vec![vec![person(0)]], 1);
    let slots = roster.between(at("2026-03-07T12:00:00Z"), at("2026-03-09T12:00:00Z"));
    for pair in slots.windows(2) {
        assert_eq!(pair[0].until, pair[1].from);
    }
    // 02:30 on 8 March does not exist: the night ends when 02:00 becomes 03:00.
    assert!(
        slots
            .iter()
            .any(|s| s.from == Some(at("2026-03-08T07:00:00Z")))
    );
}

#[test]
fn p14_nobody_is_their_own_deputy_and_whoever_comes_next_moves_up() {
    let crew = vec![vec![person(0), person(1), person(2)]];
    let mut roster = roster(
        "Asia/Shanghai",
        vec![shift("day", "08:00", "20:00")],
        crew,
        1,
    );
    // An import says that the first deputy has the duty for some hours, beside what was planned.
    roster.fixed.push(Stretch {
        role: DutyRole::DutyLead,
        staff: person(1),
        rank: 0,
        from: Some(at("2026-01-05T02:00:00Z")),
        until: Some(at("2026-01-05T04:00:00Z")),
    });
    let planned = [(0, "ada"), (1, "bo"), (2, "cy")].map(|(n, s)| (n, s.to_owned()));
    let imported = [(0, "ada"), (0, "bo"), (2, "cy")].map(|(n, s)| (n, s.to_owned()));
    for (instant, expected) in [
        ("2026-01-05T01:59:59Z", &planned),
        ("2026-01-05T02:00:00Z", &imported),
        ("2026-01-05T03:59:59Z", &imported),
        ("2026-01-05T04:00:00Z", &planned),
    ] {
        assert_eq!(&who(&roster, instant), expected, "{instant}");
    }
}

#[test]
fn p14_a_swap_replaces_leave_removes_and_deputies_move_up() {
    let crew = vec![vec![person(0), person(1)]];
    let mut roster = roster(
        "Asia/Shanghai",
        vec![shift("day", "08:00", "20:00")],
        crew,
        1,
    );
    let (from, until) = (at("2026-02-02T02:00:00Z"), at("2026-02-02T06:00:00Z"));
    let away = |who| Leave {
        staff: person(who),
        from,
        until,
    };
    let swap = |staff, substitute| Swap {
        staff: person(staff),
        substitute: person(substitute),
        role: None,
        from,
        until,
    };
    roster.leaves.push(away(0));
    assert_eq!(who(&roster, "2026-02-02T03:00:00Z"), [(1, "bo".to_owned())]);
    roster.swaps.push(swap(0, 2));
    let with = [(0, "cy".to_owned()), (1, "bo".to_owned())];
    assert_eq!(who(&roster, "2026-02-02T03:00:00Z"), with);
    roster.leaves.push(away(2));
    assert_eq!(who(&roster, "2026-02-02T03:00:00Z"), [(1, "bo".to_owned())]);
    let back = [(0, "ada".to_owned()), (1, "bo".to_owned())];
    assert_eq!(who(&roster, "2026-02-02T06:00:00Z"), back);
    // Two who swap with each other do so at once.
    roster.leaves.clear();
    roster.swaps = vec![swap(0, 1), swap(1, 0)];
    let crossed = [(0, "bo".to_owned()), (1, "ada".to_owned())];
    assert_eq!(who(&roster, "2026-02-02T03:00:00Z"), crossed);
}

#[test]
fn whole_days_of_one_turn_are_one_stretch_whatever_the_window() {
    let crews = vec![vec![person(0)], vec![person(1)]];
    let roster = roster(
        "Europe/Berlin",
        vec![shift("all", "08:00", "08:00")],
        crews,
        7,
    );
    let whole = roster.at(at("2026-03-30T12:00:00Z"));
    assert_eq!(whole.len(), 1);
    let span = whole[0]
        .until
        .expect("ends")
        .duration_since(whole[0].from.expect("begins"));
    assert_eq!(span.as_hours(), 7 * 24 - 1, "a week with an hour less");
    assert_eq!(roster.at(at("2026-03-28T12:00:00Z")), whole);
}

#[test]
fn rules_that_do_not_fit_are_named_by_field() {
    let mut rules = roster(
        "Asia/Shanghai",
        vec![shift("day", "08:00", "20:00")],
        vec![vec![person(0)]],
        1,
    )
    .rules;
    rules.shifts.push(rules.shifts[0].clone());
    rules.rotations[0].shifts.push("night".to_owned());
    rules.rotations[0].until = Some("2025-12-31".parse().expect("a date"));
    let fields: Vec<String> = rules
        .problems(|_| false)
        .into_iter()
        .map(|(f, _)| f)
        .collect();
    let expected = [
        "shifts[1].id",
        "rotations[0].shifts[1]",
        "rotations[0].crews[0].staff[0]",
        "rotations[0].end_date",
    ];
    assert_eq!(fields, expected);
}

/// What a person would find who watches the wall clock minute by minute: a local time is reached once the clock has shown it
/// or more. Knows nothing of offsets.
fn watched(roster: &Roster, from: Timestamp, minutes: usize) -> Vec<BTreeSet<(i32, StaffId)>> {
    let minute = |n: usize| from + SignedDuration::from_mins(i64::try_from(n).expect("few"));
    let warm_up = 3 * 24 * 60;
    let mut shown = DateTime::MIN;
    let mut found = Vec::new();
    for n in 0..warm_up + minutes {
        let now = minute(n) - SignedDuration::from_mins(warm_up as i64);
        shown = shown.max(roster.zone.to_datetime(now));
        if n < warm_up {
            continue;
        }
        let mut on = BTreeSet::new();
        for rotation in &roster.rules.rotations {
            for back in 0..4 {
                let date = shown.date().saturating_sub(back.days());
                let day = days_between(rotation.from, date);
                if day < 0 || rotation.until.is_some_and(|u| date > u) {
                    continue;
                }
                let crew = &rotation.crews
                    [(day as usize / rotation.days_each as usize) % rotation.crews.len()];
                for shift in &roster.rules.shifts {
                    let weekday = date.weekday().to_monday_one_offset();
                    if !rotation.shifts.contains(&shift.id)
                        || !(shift.weekdays.is_empty() || shift.weekdays.contains(&weekday))
                    {
                        continue;
                    }
                    let start = date.to_datetime(shift.start);
                    let length = shift.end - shift.start;
                    let length = length.total(jiff::Unit::Minute).expect("of a day") as i64;
                    let length = if length > 0 { length } else { length + 24 * 60 };
                    if !(start <= shown && shown < start + length.minutes()) {
                        continue;
                    }
                    for (place, planned) in crew.iter().enumerate() {
                        let mut who = planned;
                        for swap in &roster.swaps {
                            if swap.staff == *planned && swap.from <= now && now < swap.until {
                                who = &swap.substitute;
                            }
                        }
                        let away = roster
                            .leaves
                            .iter()
                            .any(|l| l.staff == *who && l.from <= now && now < l.until);
                        if !away {
                            on.insert((place as i32, who.clone()));
                        }
                    }
                }
            }
        }
        // Nobody stands in for themselves.
        let has_better =
            |(rank, who): &(i32, StaffId)| on.iter().any(|(r, w)| w == who && r < rank);
        found.push(on.iter().filter(|one| !has_better(one)).cloned().collect());
    }
    found
}

fn any_shift(id: usize) -> impl Strategy<Value = Shift> {
    // Quarters of an hour, dense around the hours at which clocks change.
    let quarter = prop_oneof![0i64..16, 0i64..96];
    let days = proptest::collection::btree_set(1i8..=7, 0..4);
    (quarter.clone(), quarter, days).prop_map(move |(start, end, weekdays)| Shift {
        id: format!("s{id}"),
        name: String::new(),
        start: Time::midnight().saturating_add((start * 15).minutes()),
        end: Time::midnight().saturating_add((end * 15).minutes()),
        weekdays,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// P07: over days on which the clocks change, in zones that do and one that does not, the expansion says of
    /// every minute what a watcher of the wall clock says.
    #[test]
    fn expansion_is_what_a_watcher_of_the_wall_clock_finds(
        zone in prop::sample::select(vec![
            ("America/New_York", "2026-03-08T00:00:00Z"), ("America/New_York", "2026-11-01T00:00:00Z"),
            ("Europe/Berlin", "2026-03-29T00:00:00Z"), ("Europe/Berlin", "2026-10-25T00:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T12:00:00Z"), ("Asia/Shanghai", "2026-06-01T00:00:00Z"),
            ("America/Sao_Paulo", "2018-11-04T00:00:00Z"),
        ]),
        shifts in (any_shift(0), any_shift(1), any_shift(2)),
        crews in proptest::collection::vec(proptest::collection::vec(0usize..4, 0..3), 1..4),
        days_each in 1i32..9,
        leaves in proptest::collection::vec((0usize..4, 0i64..3000, 1i64..1500), 0..3),
        swaps in proptest::collection::vec((0usize..4, 0usize..4, 0i64..3000, 1i64..1500), 0..3),
        ends in proptest::option::of(0i32..4),
    ) {
        let (name, around) = zone;
        let from = at(around) - SignedDuration::from_hours(24);
        let crews = crews
            .into_iter()
            .map(|crew| {
                let crew: BTreeSet<usize> = crew.into_iter().collect();
                crew.into_iter().map(person).collect()
            })
            .collect();
        let mut roster = roster(name, vec![shifts.0, shifts.1, shifts.2], crews, days_each);
        let day = roster.zone.to_datetime(from).date();
        roster.rules.rotations[0].from = day.saturating_sub((days_each + 2).days());
        roster.rules.rotations[0].until = ends.map(|n| day.saturating_add(n.days()));
        let minute = |n: i64| from + SignedDuration::from_mins(n);
        roster.leaves = leaves
            .into_iter()
            .map(|(who, start, long)| Leave { staff: person(who), from: minute(start), until: minute(start + long) })
            .collect();
        roster.swaps = swaps
            .into_iter()
            .map(|(who, substitute, start, long)| Swap {
                staff: person(who),
                substitute: person(substitute),
                role: None,
                from: minute(start),
                until: minute(start + long),
            })
            .collect();

        let minutes = 3 * 24 * 60;
        let slots = roster.between(from, minute(minutes as i64));
        for (n, expected) in watched(&roster, from, minutes).into_iter().enumerate() {
            let now = minute(n as i64);
            let found: BTreeSet<(i32, StaffId)> = slots
                .iter()
                .filter(|s| s.covers(now))
                .map(|s| (s.rank, s.staff.clone()))
                .collect();
            prop_assert_eq!(&found, &expected, "{} at {}", name, now);
            if n % 97 == 0 {
                let alone: BTreeSet<_> = roster.at(now).into_iter().map(|s| (s.rank, s.staff)).collect();
                prop_assert_eq!(&alone, &found);
            }
        }
    }
}
