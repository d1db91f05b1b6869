//! Terms beyond lengths, shares, calendars that change, and what a person does.

use super::*;
use jiff::civil::Date;
use redress_calendar::{Day, DayKind, Days, Hours};

fn closed(dates: &[Date]) -> Days {
    let off = |date: &Date| {
        let day = Day {
            kind: DayKind::Off,
            name: "stocktaking".into(),
        };
        (*date, day)
    };
    Days::none().overlaid(dates.iter().map(off))
}

fn until(instant: &str) -> Terms {
    Terms::new(Term::Until(at(instant)))
}

fn told(text: &str, start: &str) -> Event {
    Event::Started {
        at: at(start),
        terms: Terms {
            told: true,
            ..Terms::new(length(text))
        },
    }
}

/// Office hours; revision 1 closes Monday 9 March 2026.
fn two_revisions() -> Revisions {
    let plain = china();
    let monday = jiff::civil::date(2026, 3, 9);
    let later = plain.changed_from(monday, Hours::office(), closed(&[monday]));
    let mut all = Revisions::new(0, plain);
    all.add(1, later);
    all
}

#[test]
fn a_term_reads_back_as_written() {
    for text in ["until 2026-03-02T01:00:00Z", "4 working hours"] {
        let term: Term = text.parse().expect("a term");
        assert_eq!(term.to_string(), text);
    }
    assert!("until tomorrow".parse::<Term>().is_err());
    assert!(
        "until 2026-03-02T01:00:00Z".parse::<Length>().is_err(),
        "policies name lengths only"
    );
}

#[test]
fn what_the_law_gives_in_days_ends_where_it_says_whatever_hours_the_site_has() {
    const MORNING: &str = "09:00-12:00";
    let week = [MORNING, MORNING, MORNING, MORNING, MORNING, "", ""];
    let mornings = Hours::parse(&week, "").expect("hours");
    let shorter = china().changed_from(jiff::civil::date(2026, 3, 3), mornings, Days::none());
    let mut all = Revisions::new(0, china());
    all.add(1, shorter);
    let recalendared = Event::Recalendared {
        at: at("2026-03-02T10:30:00+08:00"),
        calendar: 1,
    };
    let due = |by_law, start: &str, text: &str, then: &[Event]| {
        let terms = Terms {
            by_law,
            ..Terms::new(length(text))
        };
        let start = at(start);
        let events = [&[Event::Started { at: start, terms }], then].concat();
        fold(&events, &all).expect("started").deadlines.due
    };
    // Ten days end on a Thursday at half past two, where only the mornings are worked from the third day on.
    let monday = "2026-03-02T14:30:00+08:00";
    let ten = at("2026-03-12T14:30:00+08:00");
    assert_eq!(due(true, monday, "10 days", &[]), ten);
    let later = [Event::Recalendared {
        at: at("2026-03-02T15:00:00+08:00"),
        calendar: 1,
    }];
    assert_eq!(due(true, monday, "10 days", &later), ten);
    assert_eq!(
        due(false, monday, "10 days", &later),
        at("2026-03-13T09:00:00+08:00"),
        "what the house promises moves to the opening"
    );
    // Nor does a closed day give more; and working time, which no law counts in, is the site's as ever.
    let saturday = "2026-03-07T10:00:00+08:00";
    assert_eq!(
        due(true, saturday, "7 days", &[]),
        at("2026-03-14T10:00:00+08:00")
    );
    let early = "2026-03-02T10:00:00+08:00";
    let working = |by_law| due(by_law, early, "2 working days", &[recalendared]);
    assert_eq!(working(true), working(false));
}

#[test]
fn an_instant_moves_to_no_opening_and_warns_at_half_where_it_is_asked_to() {
    let mut terms = until("2026-03-08T09:00:00Z");
    terms.shares.warn_early = Some(50);
    let start = at("2026-03-04T09:00:00Z");
    let clock = fold(&[Event::Started { at: start, terms }], &china()).expect("started");
    assert_eq!(clock.deadlines.due, at("2026-03-08T09:00:00Z"), "a Sunday");
    assert_eq!(clock.deadlines.warn_early, Some(at("2026-03-06T09:00:00Z")));
    assert_eq!(clock.deadlines.warn, at("2026-03-07T09:00:00Z"));
    let steps: Vec<Step> = std::iter::successors(clock.next_step(None, start), |(step, _)| {
        clock.next_step(Some(*step), start)
    })
    .map(|(step, _)| step)
    .collect();
    assert_eq!(steps, Step::ALL);
    // Both warnings are due: one is told (P08).
    let late = clock.next_step(None, at("2026-03-07T10:00:00Z"));
    assert_eq!(late.map(|(step, _)| step), Some(Step::Warn));
}

#[test]
fn shares_are_parameters() {
    let shares = Shares {
        warn_early: None,
        warn: 90,
        climb_duty: 10,
        climb_top: 20,
    };
    let start = at("2026-03-02T00:00:00Z");
    let d = super::super::deadlines(start, length("10 hours"), shares, &china());
    assert_eq!(d.warn, at("2026-03-02T09:00:00Z"));
    assert_eq!(d.climb_duty, at("2026-03-02T11:00:00Z"));
    assert_eq!(d.climb_top, at("2026-03-02T12:00:00Z"));
}

#[test]
fn a_deadline_told_to_the_customer_moves_later_only_by_a_person() {
    let start = told("2 hours", "2026-03-06T00:00:00Z");
    let fall = Event::Regraded {
        at: at("2026-03-06T01:00:00Z"),
        term: length("4 hours").into(),
        rise: false,
    };
    let clock = fold(&[start, fall], &china()).expect("started");
    assert_eq!(clock.deadlines.due, at("2026-03-06T02:00:00Z"));
    assert_eq!(clock.basis, Basis::KeptAsTold);
    let rise = Event::Regraded {
        at: at("2026-03-06T00:10:00Z"),
        term: length("1 hour").into(),
        rise: true,
    };
    let clock = fold(&[start, rise], &china()).expect("started");
    assert_eq!(
        clock.deadlines.due,
        at("2026-03-06T01:00:00Z"),
        "earlier it may"
    );
    let person = Event::Extended {
        at: at("2026-03-06T01:00:00Z"),
        due: at("2026-03-06T05:00:00Z"),
    };
    let clock = fold(&[start, fall, person], &china()).expect("started");
    assert_eq!(
        (clock.deadlines.due, clock.basis),
        (at("2026-03-06T05:00:00Z"), Basis::Extended)
    );
}

#[test]
fn a_new_calendar_moves_a_running_clock_and_keeps_the_time_used() {
    // Friday 16:00: two working hours on Friday, two on Monday, which the new calendar closes.
    let start = Event::Started {
        at: at("2026-03-06T16:00:00+08:00"),
        terms: Terms::new(length("4 working hours")),
    };
    let news = Event::Recalendared {
        at: at("2026-03-07T12:00:00+08:00"),
        calendar: 1,
    };
    let clock = fold(&[start, news], &two_revisions()).expect("started");
    assert_eq!(clock.deadlines.due, at("2026-03-10T11:00:00+08:00"));
    assert_eq!(clock.calendar, 1);
    let named = fold(
        &[told("4 working hours", "2026-03-06T16:00:00+08:00"), news],
        &two_revisions(),
    );
    let named = named.expect("started");
    assert_eq!(
        named.deadlines.due,
        at("2026-03-09T11:00:00+08:00"),
        "told to the customer"
    );
}

#[test]
fn a_new_calendar_moves_nothing_into_the_past_and_heals_no_breach() {
    let mut all = two_revisions();
    // Revision 2 opens Monday again; by then it is Monday noon and the old deadline is Tuesday.
    all.add(2, china());
    let start = Event::Started {
        at: at("2026-03-06T16:00:00+08:00"),
        terms: Terms {
            calendar: 1,
            ..Terms::new(length("4 working hours"))
        },
    };
    let news = |at_text: &str, calendar| Event::Recalendared {
        at: at(at_text),
        calendar,
    };
    let clock = fold(&[start, news("2026-03-09T12:00:00+08:00", 2)], &all).expect("started");
    assert_eq!(
        clock.deadlines.due,
        at("2026-03-10T11:00:00+08:00"),
        "Monday 11:00 is past"
    );
    let early = fold(&[start, news("2026-03-09T10:00:00+08:00", 2)], &all).expect("started");
    assert_eq!(early.deadlines.due, at("2026-03-09T11:00:00+08:00"));
    // Monday is closed after the fact: what was missed on Monday stays missed.
    let open = started("4 working hours", "2026-03-06T16:00:00+08:00");
    let missed = fold(&[open, news("2026-03-09T12:00:00+08:00", 1)], &all).expect("started");
    assert_eq!(missed.deadlines.due, at("2026-03-09T11:00:00+08:00"));
    let broken = fold(&[start, news("2026-03-11T10:00:00+08:00", 2)], &all).expect("started");
    assert_eq!(
        (broken.deadlines.due, broken.basis),
        (at("2026-03-10T11:00:00+08:00"), Basis::Breached)
    );
}

#[test]
fn an_extension_under_a_hold_does_not_count_the_hold_before_it_twice() {
    let events = [
        Event::Started {
            at: at("2026-03-02T00:00:00Z"),
            terms: until("2026-03-10T00:00:00Z"),
        },
        held("2026-03-03T00:00:00Z"),
        Event::Extended {
            at: at("2026-03-05T00:00:00Z"),
            due: at("2026-03-20T00:00:00Z"),
        },
        Event::Resumed {
            at: at("2026-03-06T00:00:00Z"),
        },
    ];
    let clock = fold(&events, &china()).expect("started");
    assert_eq!(clock.deadlines.due, at("2026-03-21T00:00:00Z"));
}

#[test]
fn a_rise_that_keeps_the_deadline_is_told_from_nothing_at_all() {
    let kept = Event::Regraded {
        at: at("2026-03-06T01:00:00Z"),
        term: length("48 hours").into(),
        rise: true,
    };
    let before = fold(&[started("24 hours", "2026-03-06T00:00:00Z")], &china()).expect("started");
    let mut after = before.clone();
    after.apply(&kept, &china());
    assert_eq!(after.deadlines, before.deadlines);
    assert_eq!(after.basis, Basis::KeptByRise);
    assert!(!after.is_like(&before), "the reason is another one");
    let mut again = after.clone();
    again.apply(&kept, &china());
    assert!(again.is_like(&after));
}

#[test]
fn p03_a_message_after_the_answer_asks_again_and_one_before_it_does_not() {
    let at_hour = |hour: i64| at("2026-03-06T00:00:00Z") + SignedDuration::from_hours(hour);
    let first = started("24 hours", "2026-03-06T00:00:00Z");
    let met = Event::Met { at: at_hour(4) };
    for (asked, open) in [(2, false), (6, true)] {
        let again = Event::Restarted {
            at: at_hour(asked),
            terms: Terms::new(length("24 hours")),
        };
        let clock = fold(&[first, met, again], &china()).expect("started");
        assert_eq!(clock.stopped.is_none(), open, "asked at {asked}");
    }
}

#[test]
fn p08_a_warning_that_is_late_comes_at_once_unless_the_breach_is_due_too_and_never_twice() {
    let clock = fold(&[started("4 hours", "2026-03-06T00:00:00Z")], &china()).expect("started");
    let step = |told, now: &str| clock.next_step(told, at(now)).map(|(step, _)| step);
    assert_eq!(step(None, "2026-03-06T03:30:00Z"), Some(Step::Warn));
    assert_eq!(
        step(Some(Step::Warn), "2026-03-06T03:30:00Z"),
        Some(Step::Breach)
    );
    assert_eq!(step(None, "2026-03-06T04:00:00Z"), Some(Step::Breach));
}

#[test]
fn p11_the_first_escalation_is_not_immediate() {
    for text in [
        "1 minute",
        "1 working minute",
        "1 working day",
        "1 day",
        "1 month",
    ] {
        // At night, on a Sunday.
        let start = at("2026-03-08T02:00:00+08:00");
        let event = Event::Started {
            at: start,
            terms: Terms::new(length(text)),
        };
        let clock = fold(&[event], &china()).expect("started");
        let (_, first) = clock.next_step(None, start).expect("a step");
        assert!(first > start && !clock.is_breached(start), "{text}");
    }
}

#[test]
fn an_explanation_tells_open_closed_and_held_time_apart() {
    let events = [
        started("6 working hours", "2026-03-06T16:00:00+08:00"),
        held("2026-03-09T10:00:00+08:00"),
        Event::Resumed {
            at: at("2026-03-09T15:00:00+08:00"),
        },
    ];
    let told = explain(&events, &china(), at("2026-03-09T15:00:00+08:00")).expect("started");
    let drawn: Vec<(StretchKind, i64, i64)> = told
        .stretches
        .iter()
        .map(|s| {
            (
                s.kind,
                s.from.duration_until(s.to).as_hours(),
                s.used.as_hours(),
            )
        })
        .collect();
    use StretchKind::{Closed, Held, Working};
    assert_eq!(
        drawn,
        [
            (Working, 2, 2),
            (Closed, 63, 2),
            (Working, 1, 3),
            (Held, 5, 3),
            (Working, 3, 6)
        ]
    );
    assert_eq!(told.promise.deadlines.due, at("2026-03-09T18:00:00+08:00"));
    assert_eq!(told.changes.len(), 3);
    assert_eq!(told.changes[2].due, told.promise.deadlines.due);
}

fn any_event() -> impl Strategy<Value = (i64, u8, Length, bool, u32)> {
    (0i64..4_000, 0u8..11, any_length(), any::<bool>(), 0u32..3)
}

/// Histories over three revisions of a calendar in a zone whose clocks change meanwhile.
fn any_story() -> impl Strategy<Value = Vec<Event>> {
    (
        0i64..200_000,
        any_length(),
        any::<bool>(),
        prop::collection::vec(any_event(), 0..16),
    )
        .prop_map(|(start, length, told, next)| {
            let mut now = at("2026-02-01T00:00:00Z") + SignedDuration::from_mins(start);
            let mut calendar = 0;
            let terms = |length, calendar| Terms {
                told,
                calendar,
                ..Terms::new(length)
            };
            let mut events = vec![Event::Started {
                at: now,
                terms: terms(length, 0),
            }];
            for (minutes, what, length, rise, newer) in next {
                now += SignedDuration::from_mins(minutes);
                calendar = newer.max(calendar);
                events.push(match what {
                    0 => Event::Met { at: now },
                    1 => Event::Cancelled { at: now },
                    2 | 3 => Event::Regraded {
                        at: now,
                        term: length.into(),
                        rise,
                    },
                    4 => Event::Restarted {
                        at: now,
                        terms: terms(length, calendar),
                    },
                    5 | 6 => Event::Held {
                        at: now,
                        reason: HoldReason::Court,
                    },
                    7 => Event::Resumed { at: now },
                    8 => Event::Extended {
                        at: now,
                        due: now + SignedDuration::from_mins(minutes * 9),
                    },
                    _ => Event::Recalendared { at: now, calendar },
                });
            }
            events
        })
}

fn berlin() -> Revisions {
    let zone = TimeZone::get("Europe/Berlin").expect("a known zone");
    let first = Calendar::new(zone, Hours::office());
    let day = |month, day| jiff::civil::date(2026, month, day);
    let second = first.changed_from(day(3, 1), Hours::office(), closed(&[day(3, 30), day(4, 1)]));
    let third = second.changed_from(day(4, 1), Hours::office(), closed(&[day(4, 3), day(5, 1)]));
    let mut all = Revisions::new(0, first);
    all.add(1, second);
    all.add(2, third);
    all
}

proptest! {
    #[test]
    fn computed_from_scratch_it_equals_the_one_kept_over_calendars_and_clock_changes_i5(story in any_story()) {
        let all = berlin();
        let mut kept = fold(&story[..1], &all).expect("started");
        for (i, event) in story.iter().enumerate().skip(1) {
            let before = kept.clone();
            kept.apply(event, &all);
            prop_assert_eq!(Some(kept.clone()), fold(&story[..=i], &all));
            prop_assert!(in_order(&kept.deadlines), "{:?}", kept.deadlines);
            if kept.round > before.round { continue; }
            if before.is_breached(event.at()) {
                prop_assert!(kept.is_breached(event.at()), "a breach stays a breach");
            }
            match event {
                Event::Recalendared { at, .. } => {
                    let moved = kept.deadlines.due != before.deadlines.due;
                    let now = before.held.map_or(*at, |h| h.0);
                    prop_assert!(!moved || kept.deadlines.due > now, "never into the past");
                    prop_assert!(!kept.told || kept.deadlines.due <= before.deadlines.due);
                }
                Event::Regraded { .. } if kept.told => {
                    prop_assert!(kept.deadlines.due <= before.deadlines.due);
                }
                Event::Extended { .. } => prop_assert!(kept.deadlines.due >= before.deadlines.due),
                _ => {}
            }
        }
    }

    #[test]
    fn an_explanation_has_no_gap_and_uses_no_more_than_was_promised(story in any_story()) {
        let all = berlin();
        let now = story.last().expect("started").at();
        let told = explain(&story, &all, now).expect("started");
        prop_assert!(told.stretches.windows(2).all(|w| w[0].to == w[1].from && w[0].used <= w[1].used));
        if let Some(first) = told.stretches.first() {
            prop_assert_eq!(first.from, told.promise.start);
        }
        prop_assert_eq!(Some(told.promise), fold(&story, &all));
    }
}
