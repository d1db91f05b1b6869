//! The fold: a clock's events, in the order in which they happened, give where it stands.

use jiff::Timestamp;
use redress_calendar::Calendar;
use redress_model::words::ClockState;
use serde::{Deserialize, Serialize};

use crate::deadlines::{after, settle, used};
use crate::{Deadlines, Length, deadlines};

/// Something that happened to a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The promise was made. The first event of every clock.
    Started {
        /// When.
        at: Timestamp,
        /// How much time it gives.
        length: Length,
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
        /// The new grade's length.
        length: Length,
        /// The new grade is graver; then no deadline moves later.
        rise: bool,
    },
    /// The promise is made anew (P03, P27). While one is still open, that one stands: asking again
    /// never buys time. What is entered late counts by its own instant: an answer that is older than
    /// the last question leaves that one open, and a question older than the answer was answered (P02).
    Restarted {
        /// When.
        at: Timestamp,
        /// How much time it gives.
        length: Length,
    },
    /// The reason lies with somebody else: no time is used from here.
    Held {
        /// When.
        at: Timestamp,
    },
    /// It is ours again.
    Resumed {
        /// When.
        at: Timestamp,
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
            | Self::Held { at }
            | Self::Resumed { at } => at,
        }
    }
}

/// What happens next to a clock that nobody meets. `Ord` is the order in which it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// 75 % used.
    Warn,
    /// 100 % used: the on-site lead.
    Breach,
    /// +50 %: the duty lead.
    ClimbDuty,
    /// +100 %: the top lead.
    ClimbTop,
}

impl Step {
    /// Every step, in the order in which they happen.
    pub const ALL: [Self; 4] = [Self::Warn, Self::Breach, Self::ClimbDuty, Self::ClimbTop];

    /// Rung of the lead ladder that it reaches: 0 none, 1 on-site, 2 duty, 3 top lead.
    pub fn level(self) -> u8 {
        match self {
            Self::Warn => 0,
            Self::Breach => 1,
            Self::ClimbDuty => 2,
            Self::ClimbTop => 3,
        }
    }
}

/// Where a clock stands after its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// When the promise was made, or last made anew.
    pub start: Timestamp,
    /// How much time it gives now.
    pub length: Length,
    /// Its instants. While it is held they are those it would have without the hold.
    pub deadlines: Deadlines,
    /// Since when it is held.
    pub held_since: Option<Timestamp>,
    /// When it stopped.
    pub stopped: Option<Timestamp>,
    /// The latest instant at which it was asked for again while it was open (P03).
    pub asked_again: Option<Timestamp>,
    /// How often the promise was made: 1, and one more with every effective restart.
    pub round: u32,
    end: Option<ClockState>,
    breached: bool,
    pauses: Vec<(Timestamp, Timestamp)>,
}

/// Where a clock stands after these events; none before its start.
pub fn fold(events: &[Event], calendar: &Calendar) -> Option<Promise> {
    let mut promise: Option<Promise> = None;
    for event in events {
        match (&mut promise, event) {
            (Some(promise), event) => promise.apply(event, calendar),
            (none, &Event::Started { at, length }) => {
                *none = Some(Promise::made(at, length, 1, calendar));
            }
            (None, _) => {}
        }
    }
    promise
}

impl Promise {
    fn made(at: Timestamp, length: Length, round: u32, calendar: &Calendar) -> Self {
        Self {
            start: at,
            length,
            deadlines: deadlines(at, length, calendar),
            held_since: None,
            stopped: None,
            asked_again: None,
            round,
            end: None,
            breached: false,
            pauses: Vec::new(),
        }
    }

    /// Takes in one more event: the same as folding all of them.
    pub fn apply(&mut self, event: &Event, calendar: &Calendar) {
        if let (Some(end), &Event::Restarted { at, length }) = (self.end, event) {
            let answered = end == ClockState::Met && self.stopped.is_some_and(|met| at < met);
            if !answered {
                *self = Self::made(at, length, self.round + 1, calendar);
            }
            return;
        }
        if self.end.is_some() || event.at() < self.start {
            return;
        }
        self.breached = self.is_breached(event.at());
        match *event {
            Event::Started { .. } => {}
            Event::Restarted { at, .. } => self.asked_again = self.asked_again.max(Some(at)),
            Event::Met { at } => match self.asked_again {
                Some(asked) if asked > at => {
                    let held_since = self.held_since.map(|since| since.max(asked));
                    *self = Self::made(asked, self.length, self.round + 1, calendar);
                    self.held_since = held_since;
                }
                _ => self.stop(ClockState::Met, at),
            },
            Event::Cancelled { at } => self.stop(ClockState::Cancelled, at),
            Event::Regraded { at, length, rise } => self.regrade(at, length, rise, calendar),
            Event::Held { at } => {
                self.held_since.get_or_insert(at);
            }
            Event::Resumed { at } => {
                if let Some(since) = self.held_since.take() {
                    let at = at.max(since);
                    self.deadlines = self.paused(self.deadlines, since, at, calendar);
                    self.pauses.push((since, at));
                }
            }
        }
    }

    /// Where it stands at `now`.
    pub fn state(&self, now: Timestamp) -> ClockState {
        match self.end {
            Some(end) => end,
            None if self.is_breached(now) => ClockState::Breached,
            None => ClockState::Running,
        }
    }

    /// Whether its deadline passed before it stopped: a breach stays a breach.
    pub fn is_breached(&self, now: Timestamp) -> bool {
        let until = self.stopped.or(self.held_since).unwrap_or(now);
        self.breached || self.deadlines.due <= until
    }

    /// The instant of a step.
    pub fn instant(&self, step: Step) -> Timestamp {
        match step {
            Step::Warn => self.deadlines.warn,
            Step::Breach => self.deadlines.due,
            Step::ClimbDuty => self.deadlines.climb_duty,
            Step::ClimbTop => self.deadlines.climb_top,
        }
    }

    /// The first step after the one already told, and its instant; none for a clock that is stopped
    /// or held, or has climbed to the top. A warning whose breach is due too is left out (P08).
    pub fn next_step(&self, told: Option<Step>, now: Timestamp) -> Option<(Step, Timestamp)> {
        if self.end.is_some() || self.held_since.is_some() {
            return None;
        }
        let superseded = |step: Step| step == Step::Warn && self.is_breached(now);
        Step::ALL
            .into_iter()
            .find(|&step| told.is_none_or(|told| step > told) && !superseded(step))
            .map(|step| (step, self.instant(step)))
    }

    fn stop(&mut self, end: ClockState, at: Timestamp) {
        self.end = Some(end);
        self.stopped = Some(at);
        self.held_since = None;
    }

    fn regrade(&mut self, at: Timestamp, length: Length, rise: bool, calendar: &Calendar) {
        if self.breached {
            return;
        }
        // A held clock stands still: what counts as past is what was past when it was held (P04).
        let now = self.held_since.unwrap_or(at);
        let old = (self.length, self.deadlines);
        self.length = length;
        let mut next = deadlines(self.start, length, calendar);
        for &(from, to) in &self.pauses {
            next = self.paused(next, from, to, calendar);
        }
        if next.due <= now {
            next = deadlines(now, length, calendar);
        }
        if rise && old.1.due < next.due {
            (self.length, next) = old;
        }
        self.deadlines = next;
    }

    /// The instants after a pause: what was still ahead when it began keeps its distance. Nothing
    /// ever moves earlier.
    fn paused(
        &self,
        d: Deadlines,
        from: Timestamp,
        to: Timestamp,
        calendar: &Calendar,
    ) -> Deadlines {
        let length = self.length;
        let shift = |instant: Timestamp| {
            if instant <= from {
                return instant;
            }
            let ahead = used(length, calendar, from, instant);
            after(length, calendar, to, ahead).max(instant)
        };
        if d.due <= from {
            return Deadlines {
                climb_duty: shift(d.climb_duty),
                climb_top: shift(d.climb_top),
                ..d
            };
        }
        let due = settle(shift(d.due), length, calendar);
        let beyond = |instant| {
            after(
                length,
                calendar,
                due,
                used(length, calendar, d.due, instant),
            )
        };
        Deadlines {
            warn: shift(d.warn),
            due,
            climb_duty: beyond(d.climb_duty),
            climb_top: beyond(d.climb_top),
        }
    }
}
