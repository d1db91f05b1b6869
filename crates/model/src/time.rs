//! Where "now" comes from. Business code takes a [`SharedClock`], so that tests and drills run on
//! virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};

/// Tells the time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now, in whole microseconds: what Postgres can store, so that a value reads back equal.
    fn now(&self) -> Timestamp;

    /// What this clock shows at an instant of the machine's. Postgres stamps events by the machine's clock; whatever
    /// they tell of happened at this instant of the business.
    fn at(&self, machine: Timestamp) -> Timestamp {
        machine
    }

    /// How many times as fast as the machine's it runs.
    fn rate(&self) -> u32 {
        1
    }

    /// How long the machine waits for a span of this clock's time.
    fn wait(&self, span: Duration) -> Duration {
        span / self.rate()
    }

    /// How much of this clock's time a span of the machine's is: for what depends on how long work takes, such as
    /// leases.
    fn meanwhile(&self, span: Duration) -> Duration {
        span.saturating_mul(self.rate())
    }
}

/// A clock that many tasks share.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        whole_micros(Timestamp::now())
    }
}

/// The fastest that a [`ScaledClock`] runs: an hour takes six seconds then, and a message between two services minutes.
pub const RATE_MAX: u32 = 600;

/// The clock of a rehearsal: it showed `origin` when the machine's showed `started`, and runs `rate` times as fast
/// since; before that as fast as the machine's, so that a platform that comes up meanwhile loses no time of the
/// rehearsal. Processes that are given the same three values agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaledClock {
    origin: Timestamp,
    started: Timestamp,
    rate: u32,
}

impl ScaledClock {
    /// A clock of 1 to [`RATE_MAX`] times the machine's speed; none for another rate.
    pub fn new(origin: Timestamp, started: Timestamp, rate: u32) -> Option<Self> {
        (1..=RATE_MAX).contains(&rate).then_some(Self {
            origin: whole_micros(origin),
            started: whole_micros(started),
            rate,
        })
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        self.at(SystemClock.now())
    }

    fn at(&self, machine: Timestamp) -> Timestamp {
        let passed = machine.duration_since(self.started);
        let rate = if passed.is_negative() { 1 } else { self.rate };
        let here = i32::try_from(rate)
            .ok()
            .and_then(|rate| passed.checked_mul(rate))
            .and_then(|passed| self.origin.checked_add(passed).ok());
        whole_micros(here.unwrap_or(Timestamp::MAX))
    }

    fn rate(&self) -> u32 {
        self.rate
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(whole_micros(start))))
    }

    /// Moves the hand; backwards too, as wall clocks do.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(|e| e.into_inner());
        *now = whole_micros(now.saturating_add(by).unwrap_or(Timestamp::MAX));
    }

    /// Sets the hand.
    pub fn set(&self, to: Timestamp) {
        *self.0.lock().unwrap_or_else(|e| e.into_inner()) = whole_micros(to);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// The instant in whole microseconds.
pub fn whole_micros(t: Timestamp) -> Timestamp {
    t.round(
        TimestampRound::new()
            .smallest(Unit::Microsecond)
            .mode(jiff::RoundMode::Trunc),
    )
    .unwrap_or(t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        clock.advance(SignedDuration::from_secs(5));
        assert_eq!(clock.now().as_second(), 5);
        clock.advance(SignedDuration::from_secs(-2));
        assert_eq!(clock.now().as_second(), 3);
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_scaled_clock_runs_so_many_times_as_fast_from_its_origin() {
        let (origin, started) = (at("2026-03-02T01:00:00Z"), at("2026-11-28T03:00:00Z"));
        let clock = ScaledClock::new(origin, started, 60).expect("a rate");
        assert_eq!(clock.at(started), origin);
        let second_later = started + SignedDuration::from_secs(1);
        assert_eq!(clock.at(second_later), at("2026-03-02T01:01:00Z"));
        let before = started - SignedDuration::from_secs(2);
        assert_eq!(clock.at(before), at("2026-03-02T00:59:58Z"));
        assert_eq!(
            clock.wait(Duration::from_secs(3600)),
            Duration::from_secs(60)
        );
        assert_eq!(
            clock.meanwhile(Duration::from_secs(60)),
            Duration::from_secs(3600)
        );
        let same = ScaledClock::new(origin, started, 60).expect("a rate");
        assert_eq!(clock.at(second_later), same.at(second_later));
    }

    #[test]
    fn a_scaled_clock_follows_the_machines_and_has_a_sensible_rate() {
        let started = SystemClock.now();
        let clock = ScaledClock::new(Timestamp::UNIX_EPOCH, started, 100).expect("a rate");
        let before = SystemClock.now().duration_since(started) * 100;
        let shown = clock.now().duration_since(Timestamp::UNIX_EPOCH);
        let after = SystemClock.now().duration_since(started) * 100;
        assert!(
            before <= shown && shown <= after,
            "{before} {shown} {after}"
        );
        for rate in [0, RATE_MAX + 1] {
            assert_eq!(ScaledClock::new(started, started, rate), None);
        }
        // Whoever has no scale waits as long as it takes.
        let hour = Duration::from_secs(3600);
        assert_eq!(
            (SystemClock.wait(hour), SystemClock.meanwhile(hour)),
            (hour, hour)
        );
        assert_eq!(SystemClock.at(started), started);
    }

    #[test]
    fn the_system_clock_shows_whole_microseconds() {
        assert_eq!(SystemClock.now().subsec_nanosecond() % 1000, 0);
    }
}
