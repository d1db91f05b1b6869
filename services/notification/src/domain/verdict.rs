//! What follows from an attempt: done, again, the next way, or a person has to look.

use jiff::{SignedDuration, Timestamp};

use super::retry;
use super::route::{Past, Way, next_way};
use super::words::{AttemptOutcome, Provider};

/// An attempt that has ended, and what stands around it.
#[derive(Debug, Clone)]
pub struct Ended<'a> {
    /// What became of it.
    pub outcome: AttemptOutcome,
    /// How long the provider wants to be left alone.
    pub wish: Option<SignedDuration>,
    /// The ways to the reader, best first.
    pub ways: &'a [Way],
    /// All attempts at this page in this round, this one included.
    pub history: &'a [Past],
    /// Attempts per way.
    pub attempts_per_way_max: u32,
    /// Grade 1 does not wait long.
    pub grave: bool,
    /// How long the reader has to acknowledge; none where nothing is to be acknowledged.
    pub answer_within: Option<SignedDuration>,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A provider took it; look again at `due`, where the reader has to acknowledge.
    Sent {
        /// When to page again.
        due: Option<Timestamp>,
    },
    /// A person was asked; what they say ends it.
    Asked,
    /// Try at `due`: the same way again, or the next one at once.
    Again {
        /// When.
        due: Timestamp,
    },
    /// No way is left.
    Fail,
}

/// Decides. `chance` lies in 0..1.
pub fn after(ended: &Ended<'_>, now: Timestamp, chance: f64) -> Next {
    let at = |wait: SignedDuration| now.saturating_add(wait).unwrap_or(now);
    if ended.outcome == AttemptOutcome::Accepted {
        let last = ended.history.last();
        if last.is_some_and(|past| past.way.provider == Provider::Task) {
            return Next::Asked;
        }
        return Next::Sent {
            due: ended.answer_within.map(at),
        };
    }
    match next_way(ended.ways, ended.history, ended.attempts_per_way_max) {
        None => Next::Fail,
        Some((_, 0)) => Next::Again { due: now },
        Some((_, failures)) => Next::Again {
            due: at(retry::wait(failures, ended.grave, ended.wish, chance)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::words::MessageChannel;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const SMS: Way = Way {
        channel: MessageChannel::Sms,
        provider: Provider::Webhook,
    };
    const MAIL: Way = Way {
        channel: MessageChannel::Email,
        provider: Provider::Smtp,
    };

    fn run(outcomes: &[(Way, AttemptOutcome)], answer_within: Option<SignedDuration>) -> Next {
        let history: Vec<Past> = outcomes
            .iter()
            .map(|(way, outcome)| Past {
                way: *way,
                outcome: *outcome,
            })
            .collect();
        let ended = Ended {
            outcome: outcomes.last().unwrap().1,
            wish: None,
            ways: &[SMS, MAIL],
            history: &history,
            attempts_per_way_max: 2,
            grave: false,
            answer_within,
        };
        after(&ended, NOW, 0.0)
    }

    #[test]
    fn a_failing_provider_is_retried_then_another_channel_is_tried_then_a_person_is_told() {
        use AttemptOutcome::{Permanent, Transient};
        let seconds = |next| match next {
            Next::Again { due } => Some(due.as_second()),
            _ => None,
        };
        assert_eq!(seconds(run(&[(SMS, Transient)], None)), Some(2));
        assert_eq!(
            seconds(run(&[(SMS, Transient), (SMS, Transient)], None)),
            Some(0)
        );
        assert_eq!(seconds(run(&[(SMS, Permanent)], None)), Some(0));
        let all = [(SMS, Permanent), (MAIL, Transient), (MAIL, Transient)];
        assert_eq!(run(&all, None), Next::Fail);
    }

    #[test]
    fn m05_a_person_who_is_asked_has_told_nobody_yet() {
        let call = Way {
            channel: MessageChannel::Phone,
            provider: Provider::Task,
        };
        assert_eq!(run(&[(call, AttemptOutcome::Accepted)], None), Next::Asked);
    }

    #[test]
    fn only_what_has_to_be_acknowledged_is_looked_at_again() {
        let accepted = [(SMS, AttemptOutcome::Accepted)];
        assert_eq!(run(&accepted, None), Next::Sent { due: None });
        let five = SignedDuration::from_mins(5);
        assert_eq!(
            run(&accepted, Some(five)),
            Next::Sent {
                due: Some(NOW + five)
            }
        );
    }
}
