//! What is told of an entry that took effect late: when it was due, when it fired, and why so late.
//!
//! Causes are found where they arise. What one replica does and another has to know (a lease that ended, a repair) is
//! marked in the index beside the entry; the rest is what the firing replica lived through itself.

use std::time::Duration;

use jiff::Timestamp;

use crate::entry::{Entry, Fired};
use crate::timers::between;

redress_model::words! {
    /// Why an entry took effect late.
    Cause, "LATE_CAUSE_" {
        /// More was due than hands were free.
        Backlog = 1 => "BACKLOG",
        /// Redis did not answer, or none is configured: it was found by the scan of Postgres.
        RedisAway = 2 => "REDIS_AWAY",
        /// The index had been emptied, as by a flush, and was being rebuilt.
        IndexLost = 3 => "INDEX_LOST",
        /// The index answered and lacked the entry, until the auditor put it in.
        IndexRepaired = 4 => "INDEX_REPAIRED",
        /// A worker had claimed it and was not heard of again; its lease had to end first.
        WorkerLost = 5 => "WORKER_LOST",
        /// It came due before this process ran.
        Restart = 6 => "RESTART",
        /// Firing it failed before.
        Failed = 7 => "FAILED",
        /// The wall clock was set forward past its due instant.
        ClockStepped = 8 => "CLOCK_STEPPED",
        /// It was past due already when it was armed.
        ArmedLate = 9 => "ARMED_LATE",
    }
}

/// One entry that took effect late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What was due, and when.
    pub entry: Entry,
    /// When it was fired, by the service's clock.
    pub fired: Timestamp,
    /// Why it was late, as far as the replica that fired it knows.
    pub cause: Cause,
}

impl Receipt {
    /// How late it was.
    pub fn lag(&self) -> Duration {
        between(self.entry.due, self.fired)
    }

    /// Those of these receipts that are about entries which took effect: what a service keeps.
    pub fn of_effects<'a>(
        late: &[Self],
        fired: impl IntoIterator<Item = (&'a Entry, &'a Fired)>,
    ) -> Vec<Self> {
        let fired = fired.into_iter();
        fired
            .filter(|(_, fired)| fired.took_effect())
            .filter_map(|(entry, _)| late.iter().find(|receipt| receipt.entry == *entry))
            .copied()
            .collect()
    }
}

/// What the index remembers of an entry that waits in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Lost,
    Failed,
    Repaired,
    ArmedLate,
    Rebuilt,
}

impl Mark {
    /// As scripts write it.
    pub(crate) fn letter(self) -> &'static str {
        match self {
            Self::Lost => "L",
            Self::Failed => "F",
            Self::Repaired => "R",
            Self::ArmedLate => "A",
            Self::Rebuilt => "B",
        }
    }

    pub(crate) fn of(letter: &[u8]) -> Option<Self> {
        [
            Self::Lost,
            Self::Failed,
            Self::Repaired,
            Self::ArmedLate,
            Self::Rebuilt,
        ]
        .into_iter()
        .find(|mark| mark.letter().as_bytes() == letter)
    }
}

/// What a replica lived through, by the service's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    /// Since when it runs.
    started: Timestamp,
    /// The last time without an index: from when until when, or still.
    away: Option<(Timestamp, Option<Timestamp>)>,
    /// The same for an incomplete one.
    incomplete: Option<(Timestamp, Option<Timestamp>)>,
    /// The last jump of the clock: from where to where.
    stepped: Option<(Timestamp, Timestamp)>,
    /// Where the clock was last seen, and when by one that never jumps.
    seen: (Timestamp, std::time::Instant),
}

/// A clock that gains more than this on one that never jumps was set forward.
const STEP_MIN: Duration = Duration::from_millis(500);

impl Past {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            started: now,
            away: None,
            incomplete: None,
            stepped: None,
            seen: (now, std::time::Instant::now()),
        }
    }

    /// Notices when the clock was set forward.
    pub(crate) fn see(&mut self, now: Timestamp, rate: u32) {
        let (before, at) = std::mem::replace(&mut self.seen, (now, std::time::Instant::now()));
        let passed = at.elapsed().saturating_mul(rate);
        let expected = before.checked_add(passed).unwrap_or(Timestamp::MAX);
        if between(expected, now) > STEP_MIN.saturating_mul(rate) {
            self.stepped = Some((before, now));
        }
    }

    pub(crate) fn is_away(&mut self, now: Timestamp, is: bool) {
        phase(&mut self.away, now, is);
    }

    pub(crate) fn is_incomplete(&mut self, now: Timestamp, is: bool) {
        phase(&mut self.incomplete, now, is);
    }

    /// Why an entry with this mark, found by a scan or not, fires late now.
    pub(crate) fn cause(&self, due: Timestamp, mark: Option<Mark>, has_failed: bool) -> Cause {
        let within = |phase: Option<(Timestamp, Option<Timestamp>)>| {
            phase.is_some_and(|(_, until)| until.is_none_or(|until| due <= until))
        };
        match mark {
            _ if has_failed => Cause::Failed,
            Some(Mark::Failed) => Cause::Failed,
            Some(Mark::Lost) => Cause::WorkerLost,
            Some(Mark::ArmedLate) => Cause::ArmedLate,
            Some(Mark::Repaired) => Cause::IndexRepaired,
            _ if due < self.started => Cause::Restart,
            _ if within(self.away) => Cause::RedisAway,
            Some(Mark::Rebuilt) => Cause::IndexLost,
            None if within(self.incomplete) => Cause::IndexLost,
            None if self
                .stepped
                .is_some_and(|(from, to)| from < due && due <= to) =>
            {
                Cause::ClockStepped
            }
            None => Cause::Backlog,
        }
    }
}

fn phase(phase: &mut Option<(Timestamp, Option<Timestamp>)>, now: Timestamp, is: bool) {
    match phase {
        Some((_, None)) if is => {}
        _ if is => *phase = Some((now, None)),
        Some((_, until @ None)) => *until = Some(now),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("an instant")
    }

    #[test]
    fn the_nearest_cause_is_told() {
        let mut past = Past::new(at(0));
        assert_eq!(past.cause(at(-1), None, false), Cause::Restart);
        assert_eq!(past.cause(at(5), None, false), Cause::Backlog);
        past.is_away(at(10), true);
        past.is_away(at(11), true);
        assert_eq!(past.cause(at(12), None, false), Cause::RedisAway);
        past.is_away(at(20), false);
        assert_eq!(past.cause(at(15), None, false), Cause::RedisAway);
        assert_eq!(past.cause(at(21), None, false), Cause::Backlog);
        past.is_incomplete(at(20), true);
        past.is_incomplete(at(30), false);
        assert_eq!(past.cause(at(25), None, false), Cause::IndexLost);
        assert_eq!(
            past.cause(at(40), Some(Mark::Lost), false),
            Cause::WorkerLost
        );
        assert_eq!(
            past.cause(at(40), Some(Mark::Rebuilt), false),
            Cause::IndexLost
        );
        assert_eq!(past.cause(at(40), Some(Mark::Lost), true), Cause::Failed);
    }

    #[test]
    fn a_clock_that_is_set_forward_is_noticed_and_one_that_goes_back_is_no_cause() {
        let mut past = Past::new(at(0));
        past.see(at(0) + SignedDuration::from_millis(1), 1);
        assert_eq!(past.stepped, None);
        past.see(at(3600), 1);
        assert_eq!(past.cause(at(1800), None, false), Cause::ClockStepped);
        assert_eq!(past.cause(at(3601), None, false), Cause::Backlog);
        past.see(at(0), 1);
        assert_eq!(past.cause(at(1800), None, false), Cause::ClockStepped);
    }

    #[test]
    fn a_clock_that_runs_fast_is_not_set_forward_all_the_time() {
        let mut past = Past::new(at(0));
        past.see(at(20), 60);
        assert_eq!(past.stepped, None);
        past.see(at(120), 60);
        assert!(past.stepped.is_some());
    }

    #[test]
    fn what_took_no_effect_has_no_receipt() {
        let entry = |n: i64| Entry::new(uuid::Uuid::from_u128(7), n, at(n));
        let receipt = |n| Receipt {
            entry: entry(n),
            fired: at(60),
            cause: Cause::Backlog,
        };
        let late = [receipt(1), receipt(2), receipt(3), receipt(4), receipt(5)];
        let entries = [1, 2, 3, 4, 5, 6].map(entry);
        let fired = [
            Fired::Done,
            Fired::Stale,
            Fired::Again(entry(9)),
            Fired::Early,
            Fired::Armed(Vec::new()),
            Fired::Done,
        ];
        let kept = Receipt::of_effects(&late, entries.iter().zip(&fired));
        assert_eq!(kept, [receipt(1), receipt(3), receipt(5)]);
    }

    #[test]
    fn marks_are_read_as_they_are_written() {
        for mark in [
            Mark::Lost,
            Mark::Failed,
            Mark::Repaired,
            Mark::ArmedLate,
            Mark::Rebuilt,
        ] {
            assert_eq!(Mark::of(mark.letter().as_bytes()), Some(mark));
        }
        assert_eq!(Mark::of(b""), None);
    }
}
