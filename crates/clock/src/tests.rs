mod terms;

use super::*;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use redress_calendar::Calendar;
use redress_model::words::{Channel, ClockState, HoldReason};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn china() -> Calendar {
    Calendar::mainland_china(TimeZone::get("Asia/Shanghai").expect("a known zone"))
}

fn length(text: &str) -> Length {
    text.parse().expect("a length")
}

fn deadlines(start: Timestamp, term: impl Into<Term>, calendar: &Calendar) -> Deadlines {
    super::deadlines(start, term, Shares::default(), calendar)
}

fn started(text: &str, start: &str) -> Event {
    Event::Started {
        at: at(start),
        terms: Terms::new(length(text)),
    }
}

fn held(at_text: &str) -> Event {
    Event::Held {
        at: at(at_text),
        reason: HoldReason::Customer,
    }
}

#[test]
fn lengths_read_back_as_written() {
    for text in [
        "15 minutes",
        "1 minute",
        "2 hours",
        "4 working hours",
        "90 working minutes",
        "1 working day",
        "15 days",
        "1 month",
    ] {
        assert_eq!(length(text).to_string(), text);
        let json = serde_json::to_string(&length(text)).expect("json");
        assert_eq!(
            serde_json::from_str::<Length>(&json).expect("reads back"),
            length(text)
        );
    }
    for wrong in [
        "",
        "1",
        "0 days",
        "-1 days",
        "1 working month",
        "1  day",
        "99999999 days",
        "1 week",
    ] {
        assert!(wrong.parse::<Length>().is_err(), "{wrong:?}");
    }
}

#[test]
fn the_four_instants_are_75_100_150_and_200_percent_of_its_own_kind_of_time() {
    let round_the_clock = deadlines(at("2026-03-06T22:00:00+08:00"), length("4 hours"), &china());
    assert_eq!(round_the_clock.warn, at("2026-03-07T01:00:00+08:00"));
    assert_eq!(round_the_clock.due, at("2026-03-07T02:00:00+08:00"));
    assert_eq!(round_the_clock.climb_duty, at("2026-03-07T04:00:00+08:00"));
    assert_eq!(round_the_clock.climb_top, at("2026-03-07T06:00:00+08:00"));
    // Friday 16:00: two hours today, two on Monday.
    let working = deadlines(
        at("2026-03-06T16:00:00+08:00"),
        length("4 working hours"),
        &china(),
    );
    assert_eq!(working.warn, at("2026-03-09T10:00:00+08:00"));
    assert_eq!(working.due, at("2026-03-09T11:00:00+08:00"));
    assert_eq!(working.climb_duty, at("2026-03-09T14:00:00+08:00"));
    assert_eq!(working.climb_top, at("2026-03-09T16:00:00+08:00"));
}

#[test]
fn calendar_months_clamp_and_calendar_deadlines_move_to_the_next_opening() {
    // 28 February 2026 is a make-up Saturday; 29 February 2028 is a Tuesday.
    let due = |start: &str, text: &str| deadlines(at(start), length(text), &china()).due;
    assert_eq!(
        due("2026-01-31T10:00:00+08:00", "1 month"),
        at("2026-02-28T10:00:00+08:00")
    );
    assert_eq!(
        due("2028-01-31T10:00:00+08:00", "1 month"),
        at("2028-02-29T10:00:00+08:00")
    );
    // Seven days after Saturday is Saturday: Monday's opening.
    assert_eq!(
        due("2026-03-07T10:00:00+08:00", "7 days"),
        at("2026-03-16T09:00:00+08:00")
    );
    // Round the clock never moves.
    assert_eq!(
        due("2026-03-07T10:00:00+08:00", "24 hours"),
        at("2026-03-08T10:00:00+08:00")
    );
}

#[test]
fn calendar_days_keep_the_local_time_when_clocks_change() {
    let berlin = Calendar::always(TimeZone::get("Europe/Berlin").expect("a known zone"));
    let due = deadlines(at("2026-03-28T12:00:00+01:00"), length("1 day"), &berlin).due;
    assert_eq!(due, at("2026-03-29T12:00:00+02:00"));
}

#[test]
fn a_met_clock_takes_no_further_step_p02() {
    let events = [
        started("2 hours", "2026-03-06T09:00:00+08:00"),
        Event::Met {
            at: at("2026-03-06T10:59:59+08:00"),
        },
    ];
    let clock = fold(&events, &china()).expect("started");
    let later = at("2026-04-01T00:00:00+08:00");
    assert_eq!(clock.state(later), ClockState::Met);
    assert!(!clock.is_breached(later));
    assert_eq!(clock.next_step(None, later), None);
}

#[test]
fn a_further_message_restarts_a_met_clock_and_buys_no_time_on_an_open_one_p03() {
    let first = started("2 hours", "2026-03-06T09:00:00+08:00");
    let again = Event::Restarted {
        at: at("2026-03-06T10:30:00+08:00"),
        terms: Terms::new(length("2 hours")),
    };
    let open = fold(&[first, again], &china()).expect("started");
    assert_eq!(open.deadlines.due, at("2026-03-06T11:00:00+08:00"));
    let met = Event::Met {
        at: at("2026-03-06T10:00:00+08:00"),
    };
    let anew = fold(&[first, met, again], &china()).expect("started");
    assert_eq!(anew.state(again.at()), ClockState::Running);
    assert_eq!(
        (anew.deadlines.due, anew.round),
        (at("2026-03-06T12:30:00+08:00"), 2)
    );
}

#[test]
fn an_answer_entered_late_leaves_a_later_question_open_p03() {
    let events = [
        started("2 hours", "2026-03-06T09:00:00+08:00"),
        Event::Restarted {
            at: at("2026-03-06T10:50:00+08:00"),
            terms: Terms::new(length("2 hours")),
        },
        Event::Met {
            at: at("2026-03-06T10:30:00+08:00"),
        },
    ];
    let open = fold(&events, &china()).expect("started");
    assert_eq!(open.state(events[1].at()), ClockState::Running);
    assert_eq!(open.deadlines.due, at("2026-03-06T12:50:00+08:00"));
    assert_eq!(open.round, 2);
}

#[test]
fn what_is_asked_again_is_promised_by_its_channel_or_else_as_the_first_was_p03() {
    let asked = at("2026-03-06T10:00:00+08:00");
    let asked_by = |channel| {
        let terms = Terms {
            channel,
            ..Terms::new(length("4 hours"))
        };
        let events = [
            started("2 hours", "2026-03-06T09:00:00+08:00"),
            Event::Restarted { at: asked, terms },
        ];
        fold(&events, &china()).expect("started").asked()
    };
    let first = Terms::new(length("2 hours"));
    assert_eq!(asked_by(None), Some((asked, first)));
    let channel = Some(Channel::Letter);
    let own = Terms {
        channel,
        ..Terms::new(length("4 hours"))
    };
    assert_eq!(asked_by(channel), Some((asked, own)));
}

#[test]
fn a_question_entered_late_does_not_reopen_what_was_answered_after_it_p02() {
    let events = [
        started("2 hours", "2026-03-06T09:00:00+08:00"),
        Event::Met {
            at: at("2026-03-06T10:30:00+08:00"),
        },
        Event::Restarted {
            at: at("2026-03-06T10:00:00+08:00"),
            terms: Terms::new(length("2 hours")),
        },
    ];
    let met = fold(&events, &china()).expect("started");
    assert_eq!(met.state(at("2026-03-07T00:00:00Z")), ClockState::Met);
    assert_eq!(met.round, 1);
}

#[test]
fn a_question_between_two_answers_ends_answered_in_whatever_order_they_are_entered_p02_i3() {
    let met = |text: &str| Event::Met { at: at(text) };
    let events = [
        met("2026-03-06T10:30:00+08:00"),
        Event::Restarted {
            at: at("2026-03-06T11:00:00+08:00"),
            terms: Terms::new(length("2 hours")),
        },
        met("2026-03-06T11:30:00+08:00"),
        met("2026-03-06T15:00:00+08:00"),
    ];
    let orders = (0..256).map(|n| [n / 64, n / 16 % 4, n / 4 % 4, n % 4]);
    for order in orders.filter(|order| (0..4).all(|n| order.contains(&n))) {
        let begun = started("2 hours", "2026-03-06T09:00:00+08:00");
        let entered = order.map(|n| events[n]);
        let all: Vec<Event> = std::iter::once(begun).chain(entered).collect();
        let clock = fold(&all, &china()).expect("started");
        let later = at("2026-03-09T00:00:00Z");
        assert_eq!(clock.state(later), ClockState::Met, "{order:?}");
        assert_eq!((clock.round, clock.start), (2, events[1].at()), "{order:?}");
        assert_eq!(clock.stopped, Some(events[2].at()), "{order:?}");
        assert!(!clock.is_breached(later), "{order:?}: answered in time");
        assert_eq!(clock.basis, Basis::FromStart, "{order:?}");
    }
}

#[test]
fn what_was_done_in_time_is_no_breach_however_late_it_is_entered_i3() {
    let met = |text: &str| Event::Met { at: at(text) };
    let begun = started("2 hours", "2026-03-06T09:00:00+08:00");
    let (in_time, late) = (
        met("2026-03-06T10:30:00+08:00"),
        met("2026-03-06T12:00:00+08:00"),
    );
    let held = held("2026-03-06T11:30:00+08:00");
    for events in [
        vec![begun, in_time],
        vec![begun, in_time, late],
        vec![begun, late, in_time],
        vec![begun, held, in_time],
    ] {
        let clock = fold(&events, &china()).expect("started");
        assert_eq!(clock.stopped, Some(in_time.at()), "{events:?}");
        assert!(!clock.is_breached(late.at()), "{events:?}");
        assert_eq!(clock.basis, Basis::FromStart, "{events:?}");
    }
    let clock = fold(&[begun, late, late], &china()).expect("started");
    assert!(clock.is_breached(late.at()) && clock.stopped == Some(late.at()));
}

#[test]
fn what_is_met_under_a_hold_is_met_before_the_deadline_that_the_hold_moves_p05_i3() {
    let met = |text: &str| Event::Met { at: at(text) };
    let begun = started("2 hours", "2026-03-06T09:00:00+08:00");
    let frozen = held("2026-03-06T10:00:00+08:00");
    let (first, later) = (
        met("2026-03-06T12:00:00+08:00"),
        met("2026-03-06T15:00:00+08:00"),
    );
    // An hour was left when it was held.
    for events in [
        vec![begun, frozen, first],
        vec![begun, frozen, first, later],
        vec![begun, frozen, later, first],
    ] {
        let clock = fold(&events, &china()).expect("started");
        assert_eq!(clock.stopped, Some(first.at()), "{events:?}");
        let due = at("2026-03-06T13:00:00+08:00");
        assert_eq!(clock.deadlines.due, due, "{events:?}");
        assert_eq!(clock.pauses.len(), 1, "{events:?}");
        assert_eq!(clock.pauses[0].to, first.at(), "{events:?}");
        assert!(!clock.is_breached(later.at()), "{events:?}");
    }
    // What was missed before it was held stays missed.
    let frozen = held("2026-03-06T11:30:00+08:00");
    let missed = fold(&[begun, frozen, first], &china()).expect("started");
    assert_eq!(missed.deadlines.due, at("2026-03-06T11:00:00+08:00"));
    assert!(missed.is_breached(later.at()));
}

#[test]
fn a_length_beyond_all_calendars_ends_after_all_times_and_is_no_promise() {
    for text in ["5256000 months", "5256000 working days", "5256000 days"] {
        let clock = fold(&[started(text, "2026-03-06T09:00:00+08:00")], &china()).expect("started");
        assert_eq!(clock.state(at("2999-01-01T00:00:00Z")), ClockState::Running);
        assert!(!length(text).is_promise(), "{text}");
    }
    for text in ["120 months", "3660 days", "87600 hours", "1 working day"] {
        assert!(length(text).is_promise(), "{text}");
    }
}

#[test]
fn a_regrade_under_a_hold_keeps_the_hold_and_the_time_used_p04() {
    let events = [
        started("10 hours", "2026-03-06T00:00:00Z"),
        held("2026-03-06T04:00:00Z"),
        Event::Regraded {
            at: at("2026-03-06T20:00:00Z"),
            term: length("6 hours").into(),
            rise: true,
        },
    ];
    let held = fold(&events, &china()).expect("started");
    assert!(held.held.is_some());
    assert_eq!(held.next_step(None, at("2026-03-08T00:00:00Z")), None);
    assert_eq!(held.state(at("2026-03-08T00:00:00Z")), ClockState::Running);
    let mut events = events.to_vec();
    events.push(Event::Resumed {
        at: at("2026-03-07T00:00:00Z"),
    });
    // Six hours, four used before the hold: two are left.
    let resumed = fold(&events, &china()).expect("started");
    assert_eq!(resumed.deadlines.due, at("2026-03-07T02:00:00Z"));
}

#[test]
fn a_rise_whose_deadline_would_be_past_counts_from_the_regrade() {
    let regrade = Event::Regraded {
        at: at("2026-03-06T08:00:00Z"),
        term: length("2 hours").into(),
        rise: true,
    };
    let clock = fold(
        &[started("24 hours", "2026-03-06T00:00:00Z"), regrade],
        &china(),
    )
    .expect("started");
    assert_eq!(clock.deadlines.due, at("2026-03-06T10:00:00Z"));
    // Never later than it was.
    let tight = Event::Regraded {
        at: at("2026-03-06T23:00:00Z"),
        term: length("2 hours").into(),
        rise: true,
    };
    let clock = fold(
        &[started("24 hours", "2026-03-06T00:00:00Z"), tight],
        &china(),
    )
    .expect("started");
    assert_eq!(clock.deadlines.due, at("2026-03-07T00:00:00Z"));
}

#[test]
fn a_breach_stays_a_breach_when_the_grade_falls() {
    let fall = Event::Regraded {
        at: at("2026-03-06T03:00:00Z"),
        term: length("24 hours").into(),
        rise: false,
    };
    let clock = fold(
        &[started("2 hours", "2026-03-06T00:00:00Z"), fall],
        &china(),
    )
    .expect("started");
    assert_eq!(
        clock.state(at("2026-03-06T03:00:00Z")),
        ClockState::Breached
    );
    assert_eq!(clock.deadlines.due, at("2026-03-06T02:00:00Z"));
}

#[test]
fn steps_come_once_and_a_late_warning_is_left_out_p08() {
    let clock = fold(&[started("4 hours", "2026-03-06T00:00:00Z")], &china()).expect("started");
    let early = at("2026-03-06T00:00:00Z");
    let mut told = None;
    let mut steps = vec![];
    while let Some((step, _)) = clock.next_step(told, early) {
        steps.push(step);
        told = Some(step);
    }
    assert_eq!(steps, &Step::ALL[1..]);
    let after_due = at("2026-03-06T04:00:00Z");
    assert_eq!(
        clock.next_step(None, after_due).map(|(s, _)| s),
        Some(Step::Breach)
    );
}

#[test]
fn a_reopened_promise_does_not_climb_for_the_time_it_was_closed_p27() {
    let events = [
        started("2 hours", "2026-03-06T00:00:00Z"),
        Event::Met {
            at: at("2026-03-06T01:00:00Z"),
        },
        Event::Restarted {
            at: at("2026-03-20T00:00:00Z"),
            terms: Terms::new(length("2 hours")),
        },
    ];
    let clock = fold(&events, &china()).expect("started");
    assert_eq!(clock.state(at("2026-03-20T00:00:00Z")), ClockState::Running);
    assert_eq!(clock.deadlines.due, at("2026-03-20T02:00:00Z"));
}

#[test]
fn time_that_was_given_before_the_deadline_leaves_no_breach_though_it_is_entered_after_it() {
    let given = |at_: &str| {
        let events = [
            started("2 hours", "2026-03-06T00:00:00Z"),
            // By now it is broken, and a graver grade changes nothing.
            Event::Regraded {
                at: at("2026-03-06T03:00:00Z"),
                term: length("1 hours").into(),
                rise: true,
            },
            Event::Extended {
                at: at(at_),
                due: at("2026-03-06T06:00:00Z"),
            },
        ];
        fold(&events, &china()).expect("started")
    };
    let in_time = given("2026-03-06T01:59:59Z");
    let now = at("2026-03-06T03:00:00Z");
    assert_eq!(in_time.state(now), ClockState::Running);
    assert_eq!(in_time.basis, crate::Basis::Extended);
    assert_eq!(in_time.deadlines.due, at("2026-03-06T06:00:00Z"));
    let late = given("2026-03-06T02:00:00Z");
    assert_eq!(late.state(now), ClockState::Breached);
    assert_eq!(late.deadlines.due, at("2026-03-06T02:00:00Z"));
}

#[test]
fn a_missed_deadline_that_is_opened_again_and_again_climbs_as_late_each_time_p11() {
    let (due, back) = ("2026-03-06T04:00:00Z", "2026-03-07T00:00:00Z");
    let terms = Terms::new(crate::Term::Until(at(due)));
    let start = at("2026-03-06T00:00:00Z");
    let mut events = vec![Event::Started { at: start, terms }];
    for day in 0..3 {
        let at = at(back) + SignedDuration::from_hours(24 * day);
        events.push(Event::Cancelled { at });
        events.push(Event::Restarted { at, terms });
        let clock = fold(&events, &china()).expect("started");
        assert_eq!(clock.state(at), ClockState::Breached);
        let hours = |n| at + SignedDuration::from_hours(n);
        let climbs = (clock.deadlines.climb_duty, clock.deadlines.climb_top);
        assert_eq!(climbs, (hours(2), hours(4)), "{day}");
    }
}

#[test]
fn what_was_done_before_the_promise_does_not_meet_it() {
    let events = [
        started("2 hours", "2026-03-06T00:00:00Z"),
        Event::Met {
            at: at("2026-03-05T23:00:00Z"),
        },
    ];
    assert_eq!(fold(&events, &china()).expect("started").stopped, None);
}

fn any_length() -> impl Strategy<Value = Length> {
    prop_oneof![
        (1u32..3_000).prop_map(Length::Minutes),
        (1u32..3_000).prop_map(Length::WorkingMinutes),
        (1u32..12).prop_map(Length::WorkingDays),
        (1u32..40).prop_map(Length::Days),
        (1u32..3).prop_map(Length::Months),
    ]
}

/// Histories in which time passes between events.
fn any_history() -> impl Strategy<Value = Vec<Event>> {
    let next = (0i64..4_000, 0u8..9, any_length(), any::<bool>());
    (
        0i64..500_000,
        any_length(),
        prop::collection::vec(next, 0..14),
    )
        .prop_map(|(start, length, next)| {
            let mut now = at("2026-01-01T00:00:00Z") + SignedDuration::from_mins(start);
            let mut events = vec![Event::Started {
                at: now,
                terms: Terms::new(length),
            }];
            for (minutes, what, length, rise) in next {
                now += SignedDuration::from_mins(minutes);
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
                        terms: Terms::new(length),
                    },
                    5 | 6 => Event::Held {
                        at: now,
                        reason: HoldReason::Customer,
                    },
                    _ => Event::Resumed { at: now },
                });
            }
            events
        })
}

fn in_order(d: &Deadlines) -> bool {
    d.warn <= d.due && d.due <= d.climb_duty && d.climb_duty <= d.climb_top
}

proptest! {
    #[test]
    fn a_clock_computed_from_scratch_equals_the_one_kept_up_to_date_i5(history in any_history()) {
        let calendar = china();
        let mut kept = fold(&history[..1], &calendar).expect("started");
        for (i, event) in history.iter().enumerate().skip(1) {
            kept.apply(event, &calendar);
            prop_assert_eq!(Some(kept.clone()), fold(&history[..=i], &calendar));
        }
    }

    #[test]
    fn deadlines_keep_their_order_and_rises_and_breaches_hold(history in any_history()) {
        let calendar = china();
        let mut clock = fold(&history[..1], &calendar).expect("started");
        prop_assert!(in_order(&clock.deadlines));
        for event in &history[1..] {
            let before = clock.clone();
            clock.apply(event, &calendar);
            prop_assert!(in_order(&clock.deadlines), "{:?} after {:?}", clock.deadlines, event);
            if clock.round > before.round {
                prop_assert!(before.stopped.is_some());
                continue;
            }
            if before.is_breached(event.at()) {
                prop_assert!(clock.is_breached(event.at()));
            }
            match *event {
                Event::Regraded { rise: true, .. } => prop_assert!(clock.deadlines.due <= before.deadlines.due),
                Event::Resumed { .. } => prop_assert!(clock.deadlines.due >= before.deadlines.due),
                // The hold under which it was met is over.
                Event::Met { .. } if before.held.is_some() => prop_assert!(clock.deadlines.due >= before.deadlines.due),
                Event::Regraded { rise: false, .. } => {}
                _ => prop_assert_eq!(clock.deadlines, before.deadlines),
            }
            // A regrade alone never breaches.
            if matches!(event, Event::Regraded { .. }) && !before.is_breached(event.at()) {
                prop_assert!(!clock.is_breached(event.at()));
            }
        }
    }

    #[test]
    fn a_hold_adds_exactly_its_length_to_a_round_the_clock_promise(
        minutes in 10u32..3_000, held_at in 0i64..3_000, held_for in 0i64..100_000,
    ) {
        let start = at("2026-03-01T00:00:00Z");
        let from = start + SignedDuration::from_mins(held_at);
        let to = from + SignedDuration::from_mins(held_for);
        let plain = fold(&[Event::Started { at: start, terms: Terms::new(Length::Minutes(minutes)) }], &china()).expect("started");
        let held = fold(&[
            Event::Started { at: start, terms: Terms::new(Length::Minutes(minutes)) },
            Event::Held { at: from, reason: HoldReason::Customer },
            Event::Resumed { at: to },
        ], &china()).expect("started");
        let moved = plain.deadlines.due.duration_until(held.deadlines.due);
        let expected = if held_at < i64::from(minutes) { held_for } else { 0 };
        prop_assert_eq!(moved, SignedDuration::from_mins(expected));
    }

    #[test]
    fn no_step_lies_before_the_start(start in 0i64..1_000_000, length in any_length()) {
        let start = at("2026-01-01T00:00:00Z") + SignedDuration::from_mins(start);
        let d = deadlines(start, length, &china());
        prop_assert!(start <= d.warn && in_order(&d) && start < d.due);
    }
}
