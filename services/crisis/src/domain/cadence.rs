//! When the promises of an incident fall due (section 9).
//!
//! Three kinds of time: plain hours round the clock; outward updates, which wait for the morning when
//! they would fall into the night; and the weekly briefing at the site's fixed time. All give the same
//! four instants, so that everything after this file treats them alike.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use redress_calendar::{Calendar, Hours};
use redress_clock::{Deadlines, Length, Shares, deadlines};
use redress_model::time::whole_micros;
use redress_model::words::ClockKind;

use super::terms::Terms;
use super::words::Stage;

/// From one briefing to the next.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A briefing that is held further ahead of the fixed time of its week is one more, and that week's own stays owed (own): a holiday
/// is at the end of a week, and the day after the opening is not.
pub const BRIEFING_AHEAD_MAX: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Whether a briefing that is held now is the one of the week for whose fixed time it was planned, and not one more.
pub fn is_of_its_week(planned: Timestamp, held: Timestamp) -> bool {
    held.duration_until(planned) <= BRIEFING_AHEAD_MAX
}

/// A briefing is recorded once people have gone home: so long after its fixed time nobody takes it as missed (own).
pub const BRIEFING_RECORDED_WITHIN: SignedDuration = SignedDuration::from_hours(2);

/// The instants at which somebody looks at a promise and tells of it: its own, but for the time to record a briefing.
pub fn watched(kind: ClockKind, own: &Deadlines) -> Deadlines {
    if kind != ClockKind::WeeklyBriefing {
        return *own;
    }
    let due = later(own.due, BRIEFING_RECORDED_WITHIN);
    Deadlines {
        due,
        climb_duty: own.climb_duty.max(due),
        climb_top: own.climb_top.max(due),
        ..*own
    }
}

/// When a briefing kept its promise: when it was held, where that was in time and is recorded in time; else when it is recorded.
pub fn briefing_kept(held: Timestamp, due: Timestamp, now: Timestamp) -> Timestamp {
    if held <= due && now < later(due, BRIEFING_RECORDED_WITHIN) {
        held
    } else {
        now
    }
}

/// Lengths and times of an incident's promises.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Private mode: a leader's direct contact with the complainant.
    pub leader_contact: Length,
    /// Public mode: holding statement approved and ready. The ladder ends at +100 %, so that the top
    /// lead knows well before the latest moment of four hours.
    pub holding_statement: Length,
    /// Inside reports.
    pub inside_report: ByStage,
    /// Public mode: outward updates.
    pub outward_update: ByStage,
    /// Hours of the day in which outward updates of the outbreak fall due.
    pub day: Hours,
    /// Weekday of the briefing.
    pub briefing_weekday: Weekday,
    /// Its time in the site's zone.
    pub briefing_time: Time,
    /// A briefing nearer than this is left to the week after: people have to be invited.
    pub briefing_notice: SignedDuration,
    /// How many of the spokesperson's chain have to approve a statement.
    pub statement_quorum: usize,
    /// A step of the review of a statement, and a word on an objection to it.
    pub statement_review: Length,
    /// The same of a holding statement.
    pub holding_review: Length,
    /// So many percent of the affected have to be reached in a stage.
    pub reach_percent: u8,
}

/// A cadence that slows down from stage to stage.
#[derive(Debug, Clone, Copy)]
pub struct ByStage {
    /// While it spreads.
    pub outbreak: Length,
    /// While it is solved; also while it is only latent.
    pub handling: Length,
    /// Afterwards.
    pub aftermath: Length,
}

impl ByStage {
    /// In a stage.
    pub fn at(self, stage: Stage) -> Length {
        match stage {
            Stage::Outbreak => self.outbreak,
            Stage::Latent | Stage::Handling => self.handling,
            Stage::Aftermath => self.aftermath,
        }
    }
}

/// Where in a cadence a promise stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Period {
    /// How many of its kind were kept since the stage was entered.
    pub kept: u32,
    /// Until when those that were held leave nothing to tell ([`briefed_until`]): the next briefing is that of the week after.
    pub briefed: Option<Timestamp>,
    /// It follows one that was just kept: whoever comes every week is told once, so that the notice is for the first alone.
    pub is_next: bool,
}

/// The instants of a promise made at `start`. None for the clocks of cases, and for those of a length of their own
/// ([`within`]).
pub fn instants(
    terms: &Terms,
    zone: &TimeZone,
    kind: ClockKind,
    stage: Stage,
    start: Timestamp,
    period: Period,
) -> Option<Deadlines> {
    let policy = &terms.policy;
    let plain = |length| round_the_clock(zone, start, length);
    let cadence = terms.period(kind, stage, period.kept);
    let found = match kind {
        ClockKind::LeaderContact => Some(plain(policy.leader_contact)),
        ClockKind::HoldingStatement => Some(plain(policy.holding_statement)),
        ClockKind::InsideReport => cadence.map(plain),
        ClockKind::OutwardUpdate => cadence.map(|length| {
            let night_moves = plain(length);
            if stage == Stage::Outbreak {
                by_day(
                    night_moves,
                    start,
                    &Calendar::new(zone.clone(), policy.day.clone()),
                )
            } else {
                night_moves
            }
        }),
        ClockKind::WeeklyBriefing => {
            let notice = match period.is_next {
                true => SignedDuration::ZERO,
                false => policy.briefing_notice,
            };
            let soonest = later(start, notice);
            let after = period.briefed.map_or(soonest, |told| told.max(soonest));
            let due = weekly_after(policy, zone, after);
            // It warns and climbs as the promise of a week, however late the one before it was recorded.
            let since = match period.is_next {
                true => start.min(later(due, -WEEK)),
                false => start,
            };
            Some(spread(since, due))
        }
        // Those of cases are triage's.
        _ => None,
    };
    found.map(stored)
}

/// The instants of a promise of a length of its own, round the clock.
pub fn within(zone: &TimeZone, start: Timestamp, length: Length) -> Deadlines {
    stored(round_the_clock(zone, start, length))
}

fn round_the_clock(zone: &TimeZone, start: Timestamp, length: Length) -> Deadlines {
    let always = Calendar::always(zone.clone());
    deadlines(start, length, Shares::default(), &always)
}

/// What Postgres can store, so that a row reads back equal.
fn stored(d: Deadlines) -> Deadlines {
    Deadlines {
        warn_early: None,
        warn: whole_micros(d.warn),
        due: whole_micros(d.due),
        climb_duty: whole_micros(d.climb_duty),
        climb_top: whole_micros(d.climb_top),
    }
}

/// A deadline at night moves to the morning, and so does each climb after it.
fn by_day(plain: Deadlines, start: Timestamp, day: &Calendar) -> Deadlines {
    let length = start.duration_until(plain.due);
    let due = day.deadline(plain.due);
    Deadlines {
        warn_early: None,
        warn: later(start, start.duration_until(due) * 3 / 4),
        due,
        climb_duty: day.deadline(later(due, length / 2)),
        climb_top: day.deadline(later(due, length)),
    }
}

/// 75 %, +50 % and +100 % of the time from start to due, in what Postgres can store.
pub fn spread(start: Timestamp, due: Timestamp) -> Deadlines {
    let whole = start.duration_until(due);
    Deadlines {
        warn_early: None,
        warn: whole_micros(later(start, whole * 3 / 4)),
        due: whole_micros(due),
        climb_duty: whole_micros(later(due, whole / 2)),
        climb_top: whole_micros(later(due, whole)),
    }
}

/// Until when the briefings that were held told what there is: the fixed time of the last week that one of them was for; none
/// before one was held. Each is given by the fixed time for which it was planned and by when it was held, in their order.
///
/// A week has one. It is the first that had none yet and whose fixed time was not passed by more than the notice, but none after
/// the one that was planned: what is recorded late is planned for the week of its recording, and may be of one before that.
pub fn told_until(
    policy: &Policy,
    zone: &TimeZone,
    held: &[(Timestamp, Timestamp)],
) -> Option<Timestamp> {
    // One that was held beside those of the weeks, for its own moment and no fixed time, tells of none.
    let is_fixed = |at: Timestamp| {
        let before = later(at, -SignedDuration::from_secs(1));
        weekly_after(policy, zone, before) == at
    };
    let weekly = held
        .iter()
        .filter(|(planned, at)| planned != at || is_fixed(*at));
    weekly.fold(None, |before, &(planned, at)| {
        let after = before.map_or(at, |before| before.max(later(at, -policy.briefing_notice)));
        before.max(Some(weekly_after(policy, zone, after).min(planned)))
    })
}

/// The same with the notice after the last that was held: people are not asked to come twice in it.
pub fn briefed_until(
    policy: &Policy,
    zone: &TimeZone,
    held: &[(Timestamp, Timestamp)],
) -> Option<Timestamp> {
    let last = held
        .last()
        .map(|&(_, at)| later(at, policy.briefing_notice));
    told_until(policy, zone, held).max(last)
}

/// The first briefing time strictly after an instant.
fn weekly_after(policy: &Policy, zone: &TimeZone, after: Timestamp) -> Timestamp {
    let mut date = after.to_zoned(zone.clone()).date();
    // Two weeks hold the weekday twice; a clock change cannot hide both.
    for _ in 0..15 {
        if date.weekday() == policy.briefing_weekday
            && let Ok(at) = date
                .to_datetime(policy.briefing_time)
                .to_zoned(zone.clone())
            && at.timestamp() > after
        {
            return at.timestamp();
        }
        date = date.saturating_add(1.day());
    }
    Timestamp::MAX
}

fn later(t: Timestamp, by: SignedDuration) -> Timestamp {
    t.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::command::tests::staff;
    use super::super::ladder::{People, Told, strike};
    use super::*;
    use proptest::prelude::*;
    use redress_model::words::ClockTransition;

    pub(crate) fn policy() -> Policy {
        Policy {
            leader_contact: Length::hours(2),
            holding_statement: Length::hours(1),
            inside_report: ByStage {
                outbreak: Length::hours(4),
                handling: Length::hours(24),
                aftermath: Length::hours(168),
            },
            outward_update: ByStage {
                outbreak: Length::hours(8),
                handling: Length::hours(24),
                aftermath: Length::hours(168),
            },
            day: {
                let day = vec!["08:00-22:00".parse().expect("an interval")];
                Hours::new(std::array::from_fn(|_| day.clone()), Vec::new()).expect("in order")
            },
            briefing_weekday: Weekday::Friday,
            briefing_time: Time::constant(16, 0, 0, 0),
            briefing_notice: SignedDuration::from_hours(24),
            statement_quorum: 1,
            statement_review: Length::hours(4),
            holding_review: Length::Minutes(30),
            reach_percent: 80,
        }
    }

    pub(crate) fn terms() -> Terms {
        Terms {
            policy: policy(),
            playbook: None,
        }
    }

    fn shanghai() -> TimeZone {
        TimeZone::get("Asia/Shanghai").expect("in the database of zones")
    }

    fn at(text: &str) -> Timestamp {
        format!("{text}+08:00").parse().expect("an instant")
    }

    fn due(kind: ClockKind, stage: Stage, start: &str) -> Timestamp {
        instants(
            &terms(),
            &shanghai(),
            kind,
            stage,
            at(start),
            Period::default(),
        )
        .expect("ours")
        .due
    }

    #[test]
    fn hours_run_round_the_clock() {
        let night = "2026-03-02T23:30:00";
        assert_eq!(
            due(ClockKind::LeaderContact, Stage::Outbreak, night),
            at("2026-03-03T01:30:00")
        );
        assert_eq!(
            due(ClockKind::HoldingStatement, Stage::Outbreak, night),
            at("2026-03-03T00:30:00")
        );
        assert_eq!(
            due(ClockKind::InsideReport, Stage::Outbreak, night),
            at("2026-03-03T03:30:00")
        );
        assert_eq!(
            due(ClockKind::InsideReport, Stage::Handling, night),
            at("2026-03-03T23:30:00")
        );
        assert_eq!(
            due(ClockKind::InsideReport, Stage::Aftermath, night),
            at("2026-03-09T23:30:00")
        );
    }

    #[test]
    fn an_outward_update_of_the_outbreak_waits_for_the_morning() {
        let update = |start| due(ClockKind::OutwardUpdate, Stage::Outbreak, start);
        assert_eq!(update("2026-03-02T09:00:00"), at("2026-03-02T17:00:00"));
        assert_eq!(update("2026-03-02T14:00:00"), at("2026-03-02T22:00:00"));
        assert_eq!(update("2026-03-02T14:00:01"), at("2026-03-03T08:00:00"));
        assert_eq!(update("2026-03-02T23:00:00"), at("2026-03-03T08:00:00"));
        assert_eq!(
            due(
                ClockKind::OutwardUpdate,
                Stage::Handling,
                "2026-03-02T23:00:00"
            ),
            at("2026-03-03T23:00:00")
        );
    }

    #[test]
    fn the_briefing_is_on_friday_at_four_with_a_day_of_notice() {
        let briefing = |start| due(ClockKind::WeeklyBriefing, Stage::Outbreak, start);
        // 2026-03-06 is a Friday.
        assert_eq!(briefing("2026-03-02T10:00:00"), at("2026-03-06T16:00:00"));
        assert_eq!(briefing("2026-03-05T15:59:59"), at("2026-03-06T16:00:00"));
        assert_eq!(briefing("2026-03-05T16:00:00"), at("2026-03-13T16:00:00"));
        assert_eq!(briefing("2026-03-06T17:00:00"), at("2026-03-13T16:00:00"));
    }

    #[test]
    fn a_briefing_held_or_recorded_early_or_late_neither_skips_nor_doubles_a_week_p17() {
        let next = |held: &[(&str, &str)], recorded: &str| {
            let held = held.iter().map(|&(planned, held)| {
                let planned = at(&format!("2026-03-{planned}T16:00:00"));
                (planned, at(&format!("2026-03-{held}:00")))
            });
            let held: Vec<_> = held.collect();
            let briefed = briefed_until(&policy(), &shanghai(), &held);
            let period = Period {
                kept: 0,
                briefed,
                is_next: true,
            };
            let start = at(&format!("2026-03-{recorded}:00"));
            let (kind, stage) = (ClockKind::WeeklyBriefing, Stage::Handling);
            let found = instants(&terms(), &shanghai(), kind, stage, start, period);
            let found = found.expect("ours");
            // A week's promise climbs as one, and not within the minutes that were left of it.
            assert!(found.due.duration_until(found.climb_duty) >= WEEK / 2);
            assert!(found.due.duration_until(found.climb_top) >= WEEK);
            found.due
        };
        let friday = |day: u8| at(&format!("2026-03-{day:02}T16:00:00"));
        for (case, held, expected) in [
            ("early", "03T10:00", 13),
            ("in time", "06T16:30", 13),
            ("late", "09T10:00", 13),
            ("a week late", "13T15:00", 20),
        ] {
            assert_eq!(next(&[("06", held)], held), friday(expected), "{case}");
        }
        // Held in time, and recorded days after it: the week after has its own all the same, unless it is over.
        for (recorded, expected) in [
            ("09T09:00", 13),
            ("12T20:00", 13),
            ("13T15:59", 13),
            ("13T16:00", 20),
        ] {
            let next = next(&[("06", "06T16:30")], recorded);
            assert_eq!(next, friday(expected), "{recorded}");
        }
        // That of the week between, planned for the week of the recording, takes nothing from this one.
        let both = [("06", "06T16:30"), ("20", "13T16:00")];
        assert_eq!(next(&both, "16T10:30"), friday(20));
    }

    #[test]
    fn a_briefing_that_is_promised_anew_gives_notice_though_some_were_held_p17() {
        let again = |start: &str| {
            let period = Period {
                kept: 0,
                briefed: Some(at("2026-03-06T16:00:00")),
                is_next: false,
            };
            let (kind, stage) = (ClockKind::WeeklyBriefing, Stage::Handling);
            let found = instants(&terms(), &shanghai(), kind, stage, at(start), period);
            found.expect("ours").due
        };
        assert_eq!(again("2026-03-12T15:59:59"), at("2026-03-13T16:00:00"));
        assert_eq!(again("2026-03-13T15:59:00"), at("2026-03-20T16:00:00"));
        // Held ahead of its time: that week has had its own.
        assert_eq!(again("2026-03-04T10:00:00"), at("2026-03-13T16:00:00"));
    }

    #[test]
    fn a_week_has_the_briefing_that_was_held_in_it_whatever_it_was_planned_for_p17() {
        let until = |held: &[(&str, &str)]| {
            let held = held.iter().map(|&(planned, held)| {
                let planned = at(&format!("{planned}T16:00:00"));
                (planned, at(&format!("2026-03-{held}:00")))
            });
            let held: Vec<_> = held.collect();
            told_until(&policy(), &shanghai(), &held)
        };
        let friday = |day: u8| Some(at(&format!("2026-03-{day:02}T16:00:00")));
        assert_eq!(until(&[]), None);
        // Ahead of its time, in time, and late.
        for held in ["02T10:00", "06T16:00", "06T17:00", "11T10:00"] {
            assert_eq!(until(&[("2026-03-06", held)]), friday(6), "{held}");
        }
        // The first was recorded in the third week, for which the second was planned then.
        let second = |held| until(&[("2026-03-06", "06T16:00"), ("2026-03-20", held)]);
        for held in ["11T10:00", "13T15:30", "13T16:00", "13T17:30"] {
            assert_eq!(second(held), friday(13), "{held}");
        }
        assert_eq!(second("16T10:00"), friday(20));
        // Right after another it is that of the next week.
        let next = [("2026-03-06", "06T16:00"), ("2026-03-13", "06T18:00")];
        assert_eq!(until(&next), friday(13));
        // Of an incident that opened too near to the first Friday.
        assert_eq!(until(&[("2026-03-13", "07T10:00")]), friday(13));
    }

    #[test]
    fn where_clocks_change_the_briefing_keeps_its_local_time() {
        let zone = TimeZone::get("Europe/Berlin").expect("in the database of zones");
        let start: Timestamp = "2026-03-27T17:00:00+01:00".parse().expect("an instant");
        let d = instants(
            &terms(),
            &zone,
            ClockKind::WeeklyBriefing,
            Stage::Handling,
            start,
            Period::default(),
        )
        .expect("ours");
        assert_eq!(
            d.due,
            "2026-04-03T16:00:00+02:00".parse().expect("an instant")
        );
    }

    #[test]
    fn m01_a_briefing_in_the_hour_that_clocks_skip_or_repeat_is_held_once() {
        let zone = TimeZone::get("Europe/Berlin").expect("in the database of zones");
        let mut terms = terms();
        terms.policy.briefing_weekday = Weekday::Sunday;
        terms.policy.briefing_time = Time::constant(2, 30, 0, 0);
        let next = |previous: &str| {
            let previous: Timestamp = previous.parse().expect("an instant");
            let period = Period {
                kept: 0,
                briefed: Some(previous),
                is_next: true,
            };
            let (kind, stage) = (ClockKind::WeeklyBriefing, Stage::Handling);
            let d = instants(&terms, &zone, kind, stage, previous, period).expect("ours");
            d.due
                .to_zoned(zone.clone())
                .strftime("%F %H:%M %z")
                .to_string()
        };
        // On 29 March there is no 2:30; on 25 October there are two.
        assert_eq!(next("2026-03-22T02:30:00+01:00"), "2026-03-29 03:30 +0200");
        assert_eq!(next("2026-03-29T03:30:00+02:00"), "2026-04-05 02:30 +0200");
        assert_eq!(next("2026-10-18T02:30:00+02:00"), "2026-10-25 02:30 +0200");
        assert_eq!(next("2026-10-25T02:30:00+02:00"), "2026-11-01 02:30 +0100");
    }

    #[test]
    fn clocks_of_cases_are_not_ours() {
        let none = instants(
            &terms(),
            &shanghai(),
            ClockKind::Acknowledge,
            Stage::Outbreak,
            at("2026-03-02T10:00:00"),
            Period::default(),
        );
        assert_eq!(none, None);
    }

    /// The instants of a kind in the handling of an incident; none for those that are kept on cases alone. Whoever adds a
    /// kind says here which it is.
    fn of_incident(kind: ClockKind, start: Timestamp) -> Option<Deadlines> {
        let zone = shanghai();
        match kind {
            ClockKind::LeaderContact
            | ClockKind::HoldingStatement
            | ClockKind::InsideReport
            | ClockKind::OutwardUpdate
            | ClockKind::WeeklyBriefing => {
                let stage = Stage::Handling;
                let found = instants(&terms(), &zone, kind, stage, start, Period::default());
                Some(found.expect("ours"))
            }
            ClockKind::PlaybookTask
            | ClockKind::Commitment
            | ClockKind::ReviewAction
            | ClockKind::MediaAnswer
            | ClockKind::MediaClarification
            | ClockKind::StatementReview
            | ClockKind::RoleOffer => Some(within(&zone, start, Length::hours(4))),
            ClockKind::Acknowledge
            | ClockKind::Answer
            | ClockKind::Resolve
            | ClockKind::AgeCheck
            | ClockKind::StartInvestigation
            | ClockKind::OnSite
            | ClockKind::InterimUpdate
            | ClockKind::ConfirmClosing
            | ClockKind::FollowUpVisit
            | ClockKind::OutsideDeadline
            | ClockKind::Support
            | ClockKind::Defence
            | ClockKind::AppealJudgment
            | ClockKind::AppealRuling
            | ClockKind::Rescue
            | ClockKind::StoreReport
            | ClockKind::HoldEnd
            | ClockKind::ConfirmSignal => {
                let stage = Stage::Handling;
                let found = instants(&terms(), &zone, kind, stage, start, Period::default());
                assert_eq!(found, None, "{kind}");
                None
            }
        }
    }

    #[test]
    fn every_kind_of_clock_of_an_incident_warns_breaches_and_climbs_once_and_in_time_section_9() {
        let start = at("2026-03-02T10:00:00");
        let lead = || Some(staff("lead"));
        let people = People {
            responsible: lead().into_iter().collect(),
            leads: [lead(), lead(), lead()],
        };
        for &kind in ClockKind::ALL {
            let Some(d) = of_incident(kind, start) else {
                continue;
            };
            let whole = start.duration_until(d.due);
            let used = |at: Timestamp| start.duration_until(at).as_secs() * 100 / whole.as_secs();
            let shares = [d.warn, d.due, d.climb_duty, d.climb_top].map(used);
            assert_eq!(shares, [75, 100, 150, 200], "{kind}");
            let mut told = Told::default();
            for (at, transition, level) in [
                (d.warn, ClockTransition::Warned, 0_u8),
                (d.due, ClockTransition::Breached, 1),
                (d.climb_duty, ClockTransition::Climbed, 2),
                (d.climb_top, ClockTransition::Climbed, 3),
            ] {
                let early = strike(&d, told, at - SignedDuration::from_secs(1), &people);
                assert!(early.notices.is_empty(), "{kind} {level}");
                let struck = strike(&d, told, at, &people);
                let said: Vec<_> = struck
                    .notices
                    .iter()
                    .map(|n| (n.transition, n.level, n.notify.is_empty()))
                    .collect();
                assert_eq!(said, [(transition, level, false)], "{kind}");
                told = struck.told;
            }
            assert_eq!(strike(&d, told, d.climb_top, &people).next, None, "{kind}");
        }
    }

    proptest! {
        #[test]
        fn instants_come_in_order_and_never_before_the_start(
            second in 1_700_000_000_i64..1_900_000_000,
            kind in prop::sample::select(vec![ClockKind::LeaderContact, ClockKind::HoldingStatement, ClockKind::InsideReport, ClockKind::OutwardUpdate, ClockKind::WeeklyBriefing]),
            stage in prop::sample::select(vec![Stage::Latent, Stage::Outbreak, Stage::Handling, Stage::Aftermath]),
            zone in prop::sample::select(vec!["Asia/Shanghai", "Europe/Berlin", "America/New_York"]),
        ) {
            let start = Timestamp::from_second(second).expect("in range");
            let zone = TimeZone::get(zone).expect("in the database of zones");
            let d = instants(&terms(), &zone, kind, stage, start, Period::default()).expect("ours");
            prop_assert!(start < d.warn && d.warn < d.due && d.due < d.climb_duty && d.climb_duty <= d.climb_top);
        }
    }
}
