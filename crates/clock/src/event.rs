//! What happens to a clock: the events of its fold.

use jiff::Timestamp;
use redress_model::words::{Channel, HoldReason};
use serde::{Deserialize, Serialize};

use crate::{Shares, Term};

/// Terms on which a promise is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How much time it gives. Events of the first release call it `length`.
    #[serde(alias = "length")]
    pub term: Term,
    /// When it warns and climbs.
    #[serde(default)]
    pub shares: Shares,
    /// Revision of the site's calendar by which it counts.
    #[serde(default)]
    pub calendar: u32,
    /// The customer was told the deadline: it moves later only by a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
    /// The law gives the time: its deadline moves to no opening, since the hours of a site give nobody more time than the
    /// law does. Events from before it was kept have it not, and their deadlines stay where they were.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_law: bool,
    /// By which channel the customer asked for it, where that gave its length; a further message may come by another one than the
    /// first. Without it the promise goes by the channel of its case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
}

impl Terms {
    /// Terms with the ordinary shares, by the first calendar, told to nobody.
    pub fn new(term: impl Into<Term>) -> Self {
        Self {
            term: term.into(),
            shares: Shares::default(),
            calendar: 0,
            told: false,
            by_law: false,
            channel: None,
        }
    }

    /// Whether its deadline moves to the next opening when it falls in closed time.
    pub(crate) fn moves_to_opening(&self) -> bool {
        !self.by_law && self.term.moves_to_opening()
    }

    /// Whether the site's working time has a say in its instants.
    pub fn asks_the_calendar(&self) -> bool {
        self.term.is_working() || self.moves_to_opening()
    }
}

/// Something that happened to a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The promise was made. The first event of every clock.
    Started {
        /// When.
        at: Timestamp,
        /// On which terms.
        #[serde(flatten)]
        terms: Terms,
    },
    /// What was promised was done. Before the start it means another promise and changes nothing.
    Met {
        /// When.
        at: Timestamp,
    },
    /// Nobody needs it any more.
    Cancelled {
        /// When.
        at: Timestamp,
    },
    /// The grade changed: the start stays, the new grade's length applies.
    Regraded {
        /// When.
        at: Timestamp,
        /// The new grade's length. Events of the first release call it `length`.
        #[serde(alias = "length")]
        term: Term,
        /// The new grade is graver; then no deadline moves later.
        rise: bool,
    },
    /// The promise is made anew (P03, P27). While one is still open, that one stands: asking again
    /// never buys time. What is entered late counts by its own instant: an answer that is older than
    /// the last question leaves that one open, and a question older than the answer was answered (P02).
    Restarted {
        /// When.
        at: Timestamp,
        /// On which terms.
        #[serde(flatten)]
        terms: Terms,
    },
    /// The reason lies with somebody else: no time is used from here.
    Held {
        /// When.
        at: Timestamp,
        /// With whom.
        reason: HoldReason,
    },
    /// It is ours again.
    Resumed {
        /// When.
        at: Timestamp,
    },
    /// A person gave more time, or passed on what an outside body gave. What was given before the deadline passed leaves no breach,
    /// however late it is entered.
    Extended {
        /// When.
        at: Timestamp,
        /// The deadline from now on. One that is not later changes nothing.
        due: Timestamp,
    },
    /// The site's calendar changed: days still ahead may be closed or open now.
    Recalendared {
        /// When.
        at: Timestamp,
        /// Revision of the calendar by which it counts from now on.
        calendar: u32,
    },
}

impl Event {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match *self {
            Self::Started { at, .. }
            | Self::Met { at }
            | Self::Cancelled { at }
            | Self::Regraded { at, .. }
            | Self::Restarted { at, .. }
            | Self::Held { at, .. }
            | Self::Resumed { at }
            | Self::Extended { at, .. }
            | Self::Recalendared { at, .. } => at,
        }
    }

    /// The revision of the calendar that it asks for.
    pub fn calendar(&self) -> Option<u32> {
        match *self {
            Self::Started { terms, .. } | Self::Restarted { terms, .. } => Some(terms.calendar),
            Self::Recalendared { calendar, .. } => Some(calendar),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Length;

    #[test]
    fn events_of_the_first_release_read_as_ever() {
        let at = "2026-03-01T00:00:00Z".parse().expect("an instant");
        let day = Length::hours(24);
        let read = |json: &str| serde_json::from_str::<Event>(json).expect(json);
        let started = r#"{"type":"started","at":"2026-03-01T00:00:00Z","length":"24 hours"}"#;
        let terms = Terms::new(day);
        assert_eq!(read(started), Event::Started { at, terms });
        let restarted = started.replace("started", "restarted");
        assert_eq!(read(&restarted), Event::Restarted { at, terms });
        let regraded =
            r#"{"type":"regraded","at":"2026-03-01T00:00:00Z","length":"24 hours","rise":true}"#;
        let term = day.into();
        let rise = true;
        assert_eq!(read(regraded), Event::Regraded { at, term, rise });
    }
}
