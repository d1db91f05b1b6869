//! A circuit breaker: a provider that fails again and again is left alone, then tried by one message before
//! the others follow. One for each provider and replica; nothing about it is kept, since a replica that
//! starts anew finds out within a few attempts.

use jiff::{SignedDuration, Timestamp};

use super::words::AttemptOutcome;

/// Failures in a row after which a provider is left alone.
const FAILURES_MAX: u32 = 5;
/// For how long at first; doubled each time the probe fails.
const REST_FIRST: SignedDuration = SignedDuration::from_secs(30);
/// For how long at most.
const REST_MAX: SignedDuration = SignedDuration::from_mins(5);
/// Longest rest that a provider's own wish gets.
const WISH_MAX: SignedDuration = SignedDuration::from_mins(15);
/// After how long a probe of which nothing was heard makes room for another: longer than a lease.
const PROBE_MAX: SignedDuration = SignedDuration::from_mins(2);

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Everything goes through.
    Closed,
    /// One message is trying.
    HalfOpen,
    /// Nothing goes through.
    Open,
}

impl Standing {
    /// As a gauge shows it: 0 closed, 1 half-open, 2 open.
    pub fn number(self) -> i64 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen => 1,
            Self::Open => 2,
        }
    }
}

/// A breaker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    /// How often in a row it opened.
    opened: u32,
    /// Until when nothing goes through.
    rests_until: Option<Timestamp>,
    /// When the probe under way set out.
    probing_since: Option<Timestamp>,
}

impl Breaker {
    /// Until when nothing goes through; none where a message may go now.
    pub fn shut_until(&self, now: Timestamp) -> Option<Timestamp> {
        let probed = self
            .probing_since
            .and_then(|since| since.saturating_add(PROBE_MAX).ok());
        self.rests_until
            .into_iter()
            .chain(probed)
            .max()
            .filter(|until| *until > now)
    }

    /// Lets a message go, as the probe where the provider has been resting. Says whether it may.
    pub fn admit(&mut self, now: Timestamp) -> bool {
        if self.shut_until(now).is_some() {
            return false;
        }
        if self.opened > 0 {
            self.probing_since = Some(now);
        }
        true
    }

    /// Takes in what became of an attempt. A refusal for good shows that the provider works. `wish` is for how
    /// long it wants to be left alone; `chance` lies in 0..1 and keeps replicas from probing in step.
    pub fn heard(
        &mut self,
        outcome: AttemptOutcome,
        wish: Option<SignedDuration>,
        now: Timestamp,
        chance: f64,
    ) {
        self.probing_since = None;
        if matches!(
            outcome,
            AttemptOutcome::Accepted | AttemptOutcome::Permanent
        ) {
            *self = Self::default();
            return;
        }
        if let Some(wish) = wish {
            // It answers, and says when: that is no failure.
            self.rest(wish.min(WISH_MAX), now);
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.opened > 0 || self.failures >= FAILURES_MAX {
            let doublings = i32::try_from(self.opened.min(8)).unwrap_or(8);
            let full = REST_FIRST.as_secs_f64() * 2f64.powi(doublings);
            let limited = full.min(REST_MAX.as_secs_f64());
            let jittered = limited * (1.0 - 0.25 * chance.clamp(0.0, 1.0));
            self.opened = self.opened.saturating_add(1);
            self.rest(
                SignedDuration::try_from_secs_f64(jittered).unwrap_or(REST_FIRST),
                now,
            );
        }
    }

    fn rest(&mut self, span: SignedDuration, now: Timestamp) {
        let until = now.saturating_add(span).unwrap_or(now);
        self.rests_until = self.rests_until.max(Some(until));
    }

    /// How it stands.
    pub fn standing(&self, now: Timestamp) -> Standing {
        if self.probing_since.is_some() {
            Standing::HalfOpen
        } else if self.rests_until.is_some_and(|until| until > now) {
            Standing::Open
        } else if self.opened > 0 {
            Standing::HalfOpen
        } else {
            Standing::Closed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AttemptOutcome::{Accepted, Permanent, Transient};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn failed(times: u32) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..times {
            assert!(breaker.admit(at(0)));
            breaker.heard(Transient, None, at(0), 0.0);
        }
        breaker
    }

    #[test]
    fn a_provider_is_left_alone_after_five_failures_in_a_row_and_not_before() {
        assert_eq!(failed(4).shut_until(at(0)), None);
        let mut breaker = failed(5);
        assert_eq!(breaker.shut_until(at(0)), Some(at(30)));
        assert!(!breaker.admit(at(29)));
        let mut mended = failed(4);
        mended.heard(Permanent, None, at(0), 0.0);
        mended.heard(Transient, None, at(0), 0.0);
        assert_eq!(mended.shut_until(at(0)), None, "the row was broken");
    }

    #[test]
    fn one_message_tries_first_and_its_failure_doubles_the_rest() {
        let mut breaker = failed(5);
        assert!(breaker.admit(at(30)));
        assert_eq!(breaker.standing(at(30)), Standing::HalfOpen);
        assert!(!breaker.admit(at(31)), "one at a time");
        breaker.heard(Transient, None, at(31), 0.0);
        assert_eq!(breaker.shut_until(at(31)), Some(at(91)));
        assert!(breaker.admit(at(91)));
        breaker.heard(Accepted, None, at(92), 0.0);
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn rests_grow_to_five_minutes_and_chance_shortens_them_by_a_quarter_at_most() {
        let mut breaker = failed(5);
        let mut now = 30;
        for _ in 0..9 {
            assert!(breaker.admit(at(now)));
            breaker.heard(Transient, None, at(now), 1.0);
            now = breaker.shut_until(at(now)).unwrap().as_second();
        }
        assert!(breaker.admit(at(now)));
        breaker.heard(Transient, None, at(now), 1.0);
        assert_eq!(breaker.shut_until(at(now)), Some(at(now + 225)));
    }

    #[test]
    fn a_probe_that_nobody_hears_of_makes_room_for_another() {
        let mut breaker = failed(5);
        assert!(breaker.admit(at(30)));
        assert!(!breaker.admit(at(149)));
        assert!(breaker.admit(at(150)));
    }

    #[test]
    fn a_provider_that_asks_for_patience_rests_without_having_failed() {
        let mut breaker = Breaker::default();
        breaker.heard(Transient, Some(SignedDuration::from_secs(25)), at(0), 0.0);
        assert_eq!(breaker.shut_until(at(24)), Some(at(25)));
        assert!(breaker.admit(at(25)));
        assert_eq!(breaker.standing(at(25)), Standing::Closed);
    }
}
