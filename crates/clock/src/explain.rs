//! What a clock's time was spent on, and why its deadline is where it is: what a person is shown who
//! asks. Computed from the same events as the clock itself (I5).

use jiff::{SignedDuration, Timestamp};
use redress_calendar::Calendar;

use crate::deadlines::used;
use crate::{Basis, Calendars, Event, Promise, fold};

/// Stretches that an explanation shows at most; the last one then lasts until the end.
const STRETCHES_MAX: usize = 500;

/// What a stretch of time was to a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StretchKind {
    /// It counts round the clock.
    Elapsed,
    /// Working time of the site: it counts.
    Working,
    /// The site is closed: it does not count.
    Closed,
    /// Held: it does not count.
    Held,
}

/// A stretch of a clock's present round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// From here.
    pub from: Timestamp,
    /// Until before here.
    pub to: Timestamp,
    /// What it was.
    pub kind: StretchKind,
    /// How much time of the promise is used at its end.
    pub used: SignedDuration,
}

/// One event and what it did to the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The event.
    pub event: Event,
    /// The deadline after it.
    pub due: Timestamp,
    /// Why it is there.
    pub basis: Basis,
}

/// A clock, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Where it stands.
    pub promise: Promise,
    /// Every event, oldest first.
    pub changes: Vec<Change>,
    /// Its present round from the start to the end, or to the deadline still ahead; to `now` while it is
    /// held or broken. They follow each other without a gap.
    pub stretches: Vec<Stretch>,
}

/// Explains a clock; none before its start.
pub fn explain(
    events: &[Event],
    calendars: &impl Calendars,
    now: Timestamp,
) -> Option<Explanation> {
    let mut promise: Option<Promise> = None;
    let mut changes = Vec::with_capacity(events.len());
    for event in events {
        match &mut promise {
            Some(promise) => promise.apply(event, calendars),
            none => *none = fold(std::slice::from_ref(event), calendars),
        }
        changes.extend(promise.as_ref().map(|promise| Change {
            event: *event,
            due: promise.deadlines.due,
            basis: promise.basis,
        }));
    }
    let promise = promise?;
    let stretches = stretches(&promise, calendars.revision(promise.calendar), now);
    Some(Explanation {
        promise,
        changes,
        stretches,
    })
}

fn stretches(promise: &Promise, calendar: &Calendar, now: Timestamp) -> Vec<Stretch> {
    let mut drawn = Drawn {
        promise,
        calendar,
        at: promise.start,
        used: SignedDuration::ZERO,
        all: Vec::new(),
    };
    for pause in &promise.pauses {
        drawn.run(pause.from);
        drawn.add(pause.to, StretchKind::Held);
    }
    match (promise.held, promise.stopped) {
        (_, Some(stopped)) => drawn.run(stopped),
        (Some((since, _)), None) => {
            drawn.run(since);
            drawn.add(now, StretchKind::Held);
        }
        (None, None) => drawn.run(promise.deadlines.due.max(now)),
    }
    drawn.all
}

struct Drawn<'a> {
    promise: &'a Promise,
    calendar: &'a Calendar,
    at: Timestamp,
    used: SignedDuration,
    all: Vec<Stretch>,
}

impl Drawn<'_> {
    /// Adds what lies until there, open and closed apart where only working time counts.
    fn run(&mut self, to: Timestamp) {
        if !self.promise.term.is_working() {
            self.add(to, StretchKind::Elapsed);
            return;
        }
        let calendar = self.calendar;
        let open = calendar.open_between(self.at, to.max(self.at));
        for (opens, closes) in open.take(STRETCHES_MAX) {
            self.add(opens, StretchKind::Closed);
            self.add(closes, StretchKind::Working);
        }
        self.add(to, StretchKind::Closed);
    }

    fn add(&mut self, to: Timestamp, kind: StretchKind) {
        if to <= self.at {
            return;
        }
        if matches!(kind, StretchKind::Working | StretchKind::Elapsed) {
            self.used += used(self.promise.term, self.calendar, self.at, to);
        }
        let stretch = Stretch {
            from: self.at,
            to,
            kind,
            used: self.used,
        };
        let full = self.all.len() >= STRETCHES_MAX;
        match self.all.last_mut() {
            Some(last) if last.kind == kind || full => {
                last.to = to;
                last.used = self.used;
            }
            _ => self.all.push(stretch),
        }
        self.at = to;
    }
}
