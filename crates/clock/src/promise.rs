//! The fold: a clock's events, in the order in which they happened, give where it stands.

use jiff::{SignedDuration, Timestamp};
use redress_calendar::Calendar;
use redress_model::words::{Channel, ClockState, HoldReason};

use crate::deadlines::{after, settle, used};
use crate::{Calendars, Deadlines, Event, Shares, Step, Term, Terms, deadlines_of};

/// Why a deadline is where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The time promised, from the start, less what was held.
    FromStart,
    /// The time promised, from the regrade: from the start it would have been past.
    FromRegrade,
    /// The deadline of the lower grade: a rise never moves one later.
    KeptByRise,
    /// As told to the customer: only a person moves it later.
    KeptAsTold,
    /// The instant that was named.
    Named,
    /// A person gave more time.
    Extended,
    /// Missed before: a breach stays a breach.
    Breached,
}

/// Where a clock stands after its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// When the promise was made, or last made anew.
    pub start: Timestamp,
    /// How much time it gives now.
    pub term: Term,
    /// When it warns and climbs.
    pub shares: Shares,
    /// Revision of the calendar by which it counts.
    pub calendar: u32,
    /// The customer was told the deadline.
    pub told: bool,
    /// The law gives the time: its deadline moves to no opening.
    pub by_law: bool,
    /// By which channel the customer asked for it; none where the channel of its case says it.
    pub channel: Option<Channel>,
    /// Its instants. While it is held they are those it would have without the hold.
    pub deadlines: Deadlines,
    /// Why the deadline is where it is.
    pub basis: Basis,
    /// Since when it is held, and why.
    pub held: Option<(Timestamp, HoldReason)>,
    /// When it stopped.
    pub stopped: Option<Timestamp>,
    /// The latest instant at which it was asked for again while it was open (P03).
    pub asked_again: Option<Timestamp>,
    /// What that would have been promised on, had it been known that the one before was answered by then; none once a grade gave
    /// another length since, which is what it is promised on then.
    asked_on: Option<Terms>,
    /// How often the promise was made: 1, and one more with every effective restart.
    pub round: u32,
    /// The holds of this round that are over.
    pub pauses: Vec<Pause>,
    /// When it was met again after it had been met: a question that is heard of late may lie in between (P02).
    met_later: Vec<Timestamp>,
    end: Option<ClockState>,
    breached: bool,
    /// Why the deadline would be where it is, had it not been missed.
    unbroken: Basis,
    /// From where the term counts: the start, or the regrade.
    counts_from: Timestamp,
    /// Pauses before this are in the deadline already.
    pauses_from: Timestamp,
    /// How long after its deadline it climbs, where it does not climb from there: it was missed before it was made anew.
    climbs: Option<[SignedDuration; 2]>,
    /// The hold under which it was met, and its instants without it: an earlier word may have met it.
    met_under: Option<((Timestamp, HoldReason), Deadlines)>,
}

/// A hold that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// From here no time was used.
    pub from: Timestamp,
    /// Until before here.
    pub to: Timestamp,
    /// Why.
    pub reason: HoldReason,
}

/// Where a clock stands after these events; none before its start.
pub fn fold(events: &[Event], calendars: &impl Calendars) -> Option<Promise> {
    let mut promise: Option<Promise> = None;
    for event in events {
        match (&mut promise, event) {
            (Some(promise), event) => promise.apply(event, calendars),
            (none, &Event::Started { at, terms }) => {
                *none = Some(Promise::made(at, terms, 1, calendars));
            }
            (None, _) => {}
        }
    }
    promise
}

impl Promise {
    fn made(at: Timestamp, terms: Terms, round: u32, calendars: &impl Calendars) -> Self {
        let calendar = calendars.revision(terms.calendar);
        let basis = match terms.term {
            Term::Length(_) => Basis::FromStart,
            Term::Until(_) => Basis::Named,
        };
        Self {
            start: at,
            term: terms.term,
            shares: terms.shares,
            calendar: terms.calendar,
            told: terms.told,
            by_law: terms.by_law,
            channel: terms.channel,
            deadlines: deadlines_of(at, &terms, calendar),
            basis,
            held: None,
            stopped: None,
            asked_again: None,
            asked_on: None,
            round,
            met_later: Vec::new(),
            end: None,
            breached: false,
            unbroken: basis,
            pauses: Vec::new(),
            counts_from: at,
            pauses_from: at,
            climbs: None,
            met_under: None,
        }
    }

    /// The terms on which it stands now.
    pub fn terms(&self) -> Terms {
        Terms {
            term: self.term,
            shares: self.shares,
            calendar: self.calendar,
            told: self.told,
            by_law: self.by_law,
            channel: self.channel,
        }
    }

    /// When it was last asked for again while it was open, and on what terms that is promised once it is met before.
    pub fn asked(&self) -> Option<(Timestamp, Terms)> {
        let asked = self.asked_again?;
        Some((asked, self.terms_asked()))
    }

    /// Takes in one more event: the same as folding all of them.
    pub fn apply(&mut self, event: &Event, calendars: &impl Calendars) {
        if let Some(end) = self.end {
            self.after(end, event, calendars);
            return;
        }
        if event.at() < self.start {
            return;
        }
        self.breach(match *event {
            // What was in time is no breach, however late it is entered.
            Event::Met { at } | Event::Extended { at, .. } => self.breaks(at),
            _ => self.is_breached(event.at()),
        });
        match *event {
            Event::Started { .. } => {}
            Event::Restarted { at, terms } => self.ask_again(Some(at), terms),
            Event::Met { at } => self.meet(at, calendars),
            Event::Cancelled { at } => self.stop(ClockState::Cancelled, at),
            Event::Regraded { at, term, rise } => {
                self.regrade(at, term, rise, calendars.revision(self.calendar));
            }
            Event::Held { at, reason } => {
                self.held.get_or_insert((at, reason));
            }
            Event::Resumed { at } => self.resume(at, calendars.revision(self.calendar)),
            Event::Extended { at, due } => {
                self.extend(at, due, calendars.revision(self.calendar));
            }
            Event::Recalendared { at, calendar } => {
                self.calendar = calendar;
                self.recalendar(at, calendars.revision(calendar));
            }
        }
    }

    /// Takes in what happens after its end.
    fn after(&mut self, end: ClockState, event: &Event, calendars: &impl Calendars) {
        let met = self.stopped.filter(|_| end == ClockState::Met);
        match *event {
            Event::Met { at } if met.is_some_and(|met| at > met) => self.met_later.push(at),
            Event::Met { at } if at >= self.start && met.is_some_and(|met| at < met) => {
                self.met_before(at, calendars);
            }
            // Asked before it was answered, as far as is known.
            Event::Restarted { at, terms } if met.is_some_and(|met| at < met) => {
                self.ask_again((at > self.start).then_some(at), terms);
            }
            Event::Restarted { at, terms } => {
                let mut later = std::mem::take(&mut self.met_later);
                later.retain(|met| *met > at);
                let climbs = self.climbs.unwrap_or_else(|| self.deadlines.climbs());
                *self = Self::made(at, terms, self.round + 1, calendars);
                if self.deadlines.due <= at {
                    self.climb_from(at, climbs);
                }
                // The question was answered since, though nobody here knew of it then.
                if let Some(first) = later.iter().copied().min() {
                    later.retain(|met| *met > first);
                    self.met_later = later;
                    self.stop(ClockState::Met, first);
                }
            }
            _ => {}
        }
    }

    /// Whether nothing of it differs that anybody sees: why its deadline is where it is, too.
    pub fn is_like(&self, other: &Self) -> bool {
        let seen = |p: &Self| {
            (
                (p.deadlines, p.basis, p.term, p.stopped, p.round),
                (p.held, p.asked_again, p.calendar, p.met_later.len()),
            )
        };
        seen(self) == seen(other)
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
        let held_since = self.held.map(|(since, _)| since);
        let until = self.stopped.or(held_since).unwrap_or(now);
        self.breached || self.deadlines.due <= until
    }

    /// The first step after the one already told, and its instant; none for a clock that is stopped
    /// or held, or has climbed to the top. A warning is left out where a later step is due too (P08).
    pub fn next_step(&self, told: Option<Step>, now: Timestamp) -> Option<(Step, Timestamp)> {
        if self.end.is_some() || self.held.is_some() {
            return None;
        }
        let superseded = |step: Step| match step {
            Step::WarnEarly => self.deadlines.warn <= now || self.is_breached(now),
            Step::Warn => self.is_breached(now),
            Step::Breach | Step::ClimbDuty | Step::ClimbTop => false,
        };
        Step::ALL
            .into_iter()
            .filter(|&step| told.is_none_or(|told| step > told) && !superseded(step))
            .find_map(|step| Some((step, self.deadlines.instant(step)?)))
    }

    /// It was asked for again while it was open, or before it was met.
    fn ask_again(&mut self, since: Option<Timestamp>, terms: Terms) {
        if self.asked_again < since {
            self.asked_again = since;
            self.asked_on = Some(terms);
        }
    }

    /// On what the one that was asked for again is promised. Events from before the channel was kept have the terms of the first.
    fn terms_asked(&self) -> Terms {
        match self.asked_on {
            Some(asked) if asked.channel.is_some() => Terms {
                term: asked.term,
                channel: asked.channel,
                ..self.terms()
            },
            _ => self.terms(),
        }
    }

    fn meet(&mut self, at: Timestamp, calendars: &impl Calendars) {
        match self.asked_again {
            Some(asked) if asked > at => {
                let held = self.held.map(|(since, reason)| (since.max(asked), reason));
                *self = Self::made(asked, self.terms_asked(), self.round + 1, calendars);
                self.held = held;
            }
            _ => self.keep(at, calendars),
        }
    }

    /// It was met: what a hold had frozen of its time is added as when it is resumed, so that nobody takes for late what was
    /// done while no time was used.
    fn keep(&mut self, at: Timestamp, calendars: &impl Calendars) {
        self.met_under = self.held.map(|held| (held, self.deadlines));
        self.resume(at, calendars.revision(self.calendar));
        self.stop(ClockState::Met, at);
    }

    /// It was met before it was: in the order in which things happened this one meets it, and the one that is known is a
    /// later one, or the answer to what was asked in between.
    fn met_before(&mut self, at: Timestamp, calendars: &impl Calendars) {
        let Some(known) = self.stopped else {
            return;
        };
        // It was not the known one that ended the hold.
        if let Some((held, deadlines)) = self.met_under.take() {
            self.pauses.pop();
            self.held = Some(held);
            self.deadlines = deadlines;
        }
        let mut later = std::mem::take(&mut self.met_later);
        if self.asked_again.is_some_and(|asked| asked > at) {
            self.meet(at, calendars);
            self.keep(known, calendars);
        } else {
            later.push(known);
            self.breach(self.breaks(at));
            self.keep(at, calendars);
        }
        self.met_later = later;
    }

    /// Whether it was late to meet it or to give it more time at `at`, whatever came after.
    fn breaks(&self, at: Timestamp) -> bool {
        let until = self.held.map_or(at, |(since, _)| since.min(at));
        self.deadlines.due <= until
    }

    fn breach(&mut self, breached: bool) {
        self.breached = breached;
        match (breached, self.basis) {
            (true, Basis::Breached) => {}
            (true, basis) => {
                self.unbroken = basis;
                self.basis = Basis::Breached;
            }
            (false, Basis::Breached) => self.basis = self.unbroken,
            (false, _) => {}
        }
    }

    /// What passed while nobody was to keep it is missed now, and climbs from now as it would have from its deadline (P11,
    /// P27).
    fn climb_from(&mut self, at: Timestamp, climbs: [SignedDuration; 2]) {
        let [duty, top] = climbs.map(|by| at.saturating_add(by).unwrap_or(Timestamp::MAX));
        self.deadlines.climb_duty = duty;
        self.deadlines.climb_top = top;
        self.climbs = Some(climbs);
    }

    fn stop(&mut self, end: ClockState, at: Timestamp) {
        if let Some((from, reason)) = self.held.take() {
            let to = at.max(from);
            self.pauses.push(Pause { from, to, reason });
        }
        self.end = Some(end);
        self.stopped = Some(at);
    }

    /// The instant up to which time was used: a held clock stands still, so what counts as past is what
    /// was past when it was held (P04).
    fn now_of(&self, at: Timestamp) -> Timestamp {
        self.held.map_or(at, |(since, _)| since)
    }

    fn regrade(&mut self, at: Timestamp, term: Term, rise: bool, calendar: &Calendar) {
        // What a person gave is not taken away by a lower grade's length, and an instant is no length.
        let named = matches!(self.term, Term::Until(_));
        self.asked_on = None;
        if self.breached || (named && !rise) {
            return;
        }
        let now = self.now_of(at);
        let mut next = self.clone();
        next.term = term;
        next.counts_from = self.start;
        next.pauses_from = self.start;
        next.basis = Basis::FromStart;
        next.deadlines = next.computed(calendar);
        if next.deadlines.due <= now {
            next.counts_from = now;
            next.pauses_from = now;
            next.basis = Basis::FromRegrade;
            next.deadlines = next.computed(calendar);
        }
        let later = self.deadlines.due < next.deadlines.due;
        if later && (rise || self.told) {
            self.basis = if rise {
                Basis::KeptByRise
            } else {
                Basis::KeptAsTold
            };
        } else {
            *self = next;
        }
    }

    fn resume(&mut self, at: Timestamp, calendar: &Calendar) {
        if let Some((from, reason)) = self.held.take() {
            let to = at.max(from);
            self.deadlines = self.paused(self.deadlines, from, to, calendar);
            self.pauses.push(Pause { from, to, reason });
        }
    }

    fn extend(&mut self, at: Timestamp, due: Timestamp, calendar: &Calendar) {
        if self.breached || due <= self.deadlines.due {
            return;
        }
        self.term = Term::Until(due);
        self.counts_from = self.start;
        self.pauses_from = at;
        // What was held until now is in the new deadline.
        if let Some((from, reason)) = self.held {
            let to = at.max(from);
            self.pauses.push(Pause { from, to, reason });
            self.held = Some((to, reason));
        }
        self.deadlines = deadlines_of(self.start, &self.terms(), calendar);
        self.basis = Basis::Extended;
    }

    fn recalendar(&mut self, at: Timestamp, calendar: &Calendar) {
        if self.breached {
            return;
        }
        let next = self.computed(calendar);
        let later = self.deadlines.due < next.due;
        if next.due <= self.now_of(at) {
            return;
        }
        if later && self.told {
            self.basis = Basis::KeptAsTold;
        } else {
            self.deadlines = next;
        }
    }

    /// The instants of the term from where it counts, with the pauses since.
    fn computed(&self, calendar: &Calendar) -> Deadlines {
        let plain = deadlines_of(self.counts_from, &self.terms(), calendar);
        self.pauses
            .iter()
            .filter(|pause| pause.from >= self.pauses_from)
            .fold(plain, |d, pause| {
                self.paused(d, pause.from, pause.to, calendar)
            })
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
        let term = self.term;
        let shift = |instant: Timestamp| {
            if instant <= from {
                return instant;
            }
            let ahead = used(term, calendar, from, instant);
            after(term, calendar, to, ahead).max(instant)
        };
        if d.due <= from {
            return Deadlines {
                climb_duty: shift(d.climb_duty),
                climb_top: shift(d.climb_top),
                ..d
            };
        }
        let due = settle(shift(d.due), &self.terms(), calendar);
        let beyond = |instant| after(term, calendar, due, used(term, calendar, d.due, instant));
        Deadlines {
            warn_early: d.warn_early.map(shift),
            warn: shift(d.warn),
            due,
            climb_duty: beyond(d.climb_duty),
            climb_top: beyond(d.climb_top),
        }
    }
}
