//! Keeping promises: starting and cancelling clocks, meeting them, and what happens when nobody does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use redress_clock::Deadlines;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{ClockName, SiteId, StaffId, StaffName};
use redress_model::time::whole_micros;
use redress_model::words::{ClockKind, ClockState, ClockTransition, DutyRole};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as events;
use redress_store::Tx;
use redress_timers::{Entry, Fired};
use uuid::Uuid;

use super::Turn;
use crate::domain::cadence::{Period, briefing_kept, instants, spread, watched};
use crate::domain::command::responsible_for;
use crate::domain::ladder::{Notice, People, Strike, Told, following, strike, unheard};
use crate::domain::matrix::Reach;
use crate::domain::promises::{Promise, Situation, difference, wanted};
use crate::domain::words::{Audience, LogKind, State, TellMeans};
use crate::store::clocks::Clock;
use crate::store::{cases, clocks, commitments, reviews, roles};

/// The person who promised it; none where a role answers for it.
pub(super) async fn person_of(
    tx: &mut Tx,
    site: &SiteId,
    clock: &Clock,
) -> Result<Option<StaffId>, Fault> {
    match (clock.kind, clock.subject) {
        (ClockKind::Commitment, Some(id)) => commitments::owner(tx, site, id).await,
        (ClockKind::ReviewAction, Some(id)) => reviews::owner(tx, site, id).await,
        _ => Ok(None),
    }
}

/// Promises that are not made anew, as they stand or stood.
pub type Carried = BTreeMap<Promise, Clock>;

/// What goes by the pace of a stage.
fn is_paced(kind: ClockKind) -> bool {
    matches!(kind, ClockKind::InsideReport | ClockKind::OutwardUpdate)
}

impl Turn<'_> {
    /// Starts and cancels clocks until exactly the promises run that the incident has now. `start` is
    /// when those that begin were made; a promise in `carried` goes on.
    ///
    /// # Errors
    /// When Postgres is away.
    pub(super) async fn reconcile(
        &mut self,
        start: Timestamp,
        carried: &Carried,
    ) -> Result<(), Fault> {
        self.settle_contacts().await?;
        let site = self.site();
        let id = self.incident.name.id;
        let open = self.incident.state == State::Open;
        if !open {
            self.end_stage().await?;
        }
        let statement_ready = open && self.first_word_stands().await?;
        if statement_ready {
            self.meet(ClockKind::HoldingStatement, None).await?;
        }
        let running = clocks::open(self.tx, &site, id).await?;
        let wanted = if open {
            wanted(&Situation {
                provisional: self.incident.provisional,
                mode: self.incident.mode,
                stage: self.incident.stage,
                uncontacted: cases::uncontacted(self.tx, &site, id).await?,
                statement_ready,
            })
        } else {
            Vec::new()
        };
        // What somebody looks after ends with that, or with the incident.
        let (own, about): (Vec<_>, Vec<_>) = running.into_iter().partition(|c| c.subject.is_none());
        if !open {
            for clock in about {
                self.stop(clock, ClockState::Cancelled).await?;
            }
        }
        let promises: Vec<Promise> = own.iter().map(|c| (c.kind, c.case)).collect();
        let difference = difference(&wanted, &promises);
        for clock in own {
            if difference.cancel.contains(&(clock.kind, clock.case)) {
                self.stop(clock, ClockState::Cancelled).await?;
            }
        }
        for promise in difference.start {
            match carried.get(&promise) {
                Some(before) => self.resume(before).await?,
                None => self.start(promise, start, false).await?,
            }
        }
        self.keep_reviews().await
    }

    /// The stage has moved: reports and updates that are not broken start anew by its cadence, counted from now. A
    /// broken one stays until it is met.
    pub(super) async fn restart_cadence(&mut self) -> Result<(), Fault> {
        for clock in self.cadences().await? {
            if clock.state == ClockState::Running {
                self.stop(clock, ClockState::Cancelled).await?;
            }
        }
        self.reconcile(self.now, &Carried::new()).await
    }

    /// Reports and updates that are promised, broken ones too.
    pub(super) async fn cadences(&mut self) -> Result<Vec<Clock>, Fault> {
        let mut running = self.own().await?;
        running.retain(|c| is_paced(c.kind));
        Ok(running)
    }

    /// What the incident itself promises now, broken ones too.
    pub(super) async fn own(&mut self) -> Result<Vec<Clock>, Fault> {
        let site = self.site();
        let mut running = clocks::open(self.tx, &site, self.incident.name.id).await?;
        running.retain(|c| c.subject.is_none());
        Ok(running)
    }

    /// Two incidents have become one: of two deadlines of a promise the earlier stays. Briefings have a fixed time: one that is
    /// ahead is that of this incident, one that was missed stays missed.
    pub(super) async fn keep_earlier(&mut self, others: &[Clock]) -> Result<(), Fault> {
        for clock in self.own().await? {
            let (kind, case, due) = (clock.kind, clock.case, clock.deadlines.due);
            let others = others.iter().filter(|o| (o.kind, o.case) == (kind, case));
            let Some(first) = others.min_by_key(|o| o.deadlines.due) else {
                continue;
            };
            if kind == ClockKind::WeeklyBriefing && first.deadlines.due > self.now {
                continue;
            }
            // A broken one stays until it is met.
            if first.deadlines.due < due && clock.state == ClockState::Running {
                self.stop(clock, ClockState::Cancelled).await?;
                let kept = self.again(first);
                self.run(kept).await?;
            }
        }
        Ok(())
    }

    /// What it promises, and what it promised last and did not keep: to go on where that is promised again.
    pub(super) async fn promises(&mut self) -> Result<Carried, Fault> {
        let site = self.site();
        let id = self.incident.name.id;
        let last = clocks::last(self.tx, &site, id).await?.into_iter();
        let unkept = last.filter(|c| c.state != ClockState::Met);
        Ok(unkept.map(|c| ((c.kind, c.case), c)).collect())
    }

    /// Makes a promise. `is_next`: it follows one of its kind that was just kept.
    async fn start(
        &mut self,
        promise: Promise,
        start: Timestamp,
        is_next: bool,
    ) -> Result<(), Fault> {
        let clock = self.made(promise, start, is_next).await?;
        self.run(clock).await
    }

    /// Goes on with a promise. A report or an update that is not broken has used no time while it was not promised, and goes
    /// by the stage, from its entry where that is later; everything else stays as it was promised.
    async fn resume(&mut self, before: &Clock) -> Result<(), Fault> {
        let clock = match self.visit {
            Some(visit) if is_paced(before.kind) && before.level == 0 => {
                let used = before
                    .start
                    .duration_until(before.stopped.unwrap_or(self.now));
                let resumed = self.now.saturating_sub(used).unwrap_or(before.start);
                let start = whole_micros(resumed).max(visit.entered);
                let made = self.made((before.kind, before.case), start, false).await?;
                // What was warned of in another stage was another promise.
                if visit.entered <= before.start {
                    let told = before.told;
                    Clock { told, ..made }
                } else {
                    made
                }
            }
            _ => self.again(before),
        };
        self.run(clock).await
    }

    /// The same promise, here: whoever heard that it is broken does not hear it again, and it stays so.
    fn again(&self, before: &Clock) -> Clock {
        let clock = self.clock(before.kind, before.start, before.deadlines);
        Clock {
            case: before.case,
            state: if before.level > 0 {
                ClockState::Breached
            } else {
                ClockState::Running
            },
            told: before.told,
            level: before.level,
            next: following(
                &watched(before.kind, &before.deadlines),
                before.told,
                self.now,
            ),
            ..clock
        }
    }

    /// A promise as the incident makes it.
    async fn made(
        &mut self,
        promise: Promise,
        start: Timestamp,
        is_next: bool,
    ) -> Result<Clock, Fault> {
        let (kind, case) = promise;
        let kept = self.kept(kind).await?;
        let briefed = match kind {
            ClockKind::WeeklyBriefing => self.briefed().await?,
            _ => None,
        };
        let deadlines = instants(
            &self.terms,
            &self.zone,
            kind,
            self.incident.stage,
            start,
            Period {
                kept,
                briefed,
                is_next,
            },
        )
        .ok_or_else(|| Fault::internal("a clock of cases was started on an incident"))?;
        let clock = self.clock(kind, start, deadlines);
        Ok(Clock { case, ..clock })
    }

    /// How many of a cadence were kept since the stage was entered: it slows down by that.
    async fn kept(&mut self, kind: ClockKind) -> Result<u32, Fault> {
        let Some(visit) = self.visit.filter(|_| is_paced(kind)) else {
            return Ok(0);
        };
        let site = self.site();
        clocks::kept_since(self.tx, &site, self.incident.name.id, kind, visit.entered).await
    }

    /// Starts what a person promises about one thing, by a deadline that a person set. Whoever it is answers for it.
    pub(super) async fn start_until(
        &mut self,
        kind: ClockKind,
        subject: Uuid,
        due: Timestamp,
    ) -> Result<(), Fault> {
        let clock = self.clock(kind, self.now, spread(self.now, due));
        self.run(Clock {
            subject: Some(subject),
            ..clock
        })
        .await
    }

    /// As [`Self::start_until`], of something that began before now.
    pub(super) async fn start_from(
        &mut self,
        kind: ClockKind,
        subject: Uuid,
        start: Timestamp,
        due: Timestamp,
    ) -> Result<(), Fault> {
        let clock = self.clock(kind, start, spread(start, due));
        self.run(Clock {
            subject: Some(subject),
            ..clock
        })
        .await
    }

    /// Promises one thing that somebody looks after: a task. It warns, breaches and climbs as every promise does.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn promise(
        &mut self,
        kind: ClockKind,
        subject: Uuid,
        owner: DutyRole,
        start: Timestamp,
        deadlines: Deadlines,
    ) -> Result<(), Fault> {
        let clock = self.clock(kind, start, deadlines);
        self.run(Clock {
            subject: Some(subject),
            owner: Some(owner),
            ..clock
        })
        .await
    }

    /// Ends the promise about one thing, met or cancelled. Says whether it ran.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn settle(&mut self, subject: Uuid, state: ClockState) -> Result<bool, Fault> {
        let site = self.site();
        let running = clocks::open(self.tx, &site, self.incident.name.id).await?;
        match running.into_iter().find(|c| c.subject == Some(subject)) {
            Some(clock) => {
                self.stop(clock, state).await?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn clock(&self, kind: ClockKind, start: Timestamp, deadlines: Deadlines) -> Clock {
        Clock {
            id: new_id(self.now),
            incident: self.incident.name.id,
            kind,
            case: None,
            subject: None,
            owner: None,
            state: ClockState::Running,
            start,
            deadlines,
            told: Told::default(),
            level: 0,
            generation: 1,
            // A promise carried over late may have its warning behind it; the timer decides what is due.
            next: Some(deadlines.warn),
            stopped: None,
        }
    }

    async fn run(&mut self, clock: Clock) -> Result<(), Fault> {
        let site = self.site();
        clocks::insert(self.tx, &site, &clock).await?;
        self.arm(clock.entry());
        self.tell(&clock, ClockTransition::Started, 0, &[]).await?;
        if clock.kind == ClockKind::WeeklyBriefing {
            self.plan_briefing(clock.deadlines.due).await?;
        }
        Ok(())
    }

    pub(super) async fn stop(&mut self, clock: Clock, state: ClockState) -> Result<(), Fault> {
        let now = self.now;
        self.stop_at(clock, state, now).await
    }

    /// As [`Self::stop`], of what ended before it is recorded.
    async fn stop_at(
        &mut self,
        mut clock: Clock,
        state: ClockState,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let transition = match state {
            ClockState::Met => ClockTransition::Met,
            ClockState::Running | ClockState::Breached | ClockState::Cancelled => {
                ClockTransition::Cancelled
            }
        };
        clock.state = state;
        clock.stopped = Some(at);
        clock.next = None;
        clock.generation += 1;
        let site = self.site();
        clocks::update(self.tx, &site, &clock).await?;
        if clock.kind == ClockKind::WeeklyBriefing && state == ClockState::Cancelled {
            self.unplan_briefing().await?;
        }
        let level = clock.level;
        self.tell(&clock, transition, level, &[]).await
    }

    /// Meets a promise. Says whether it ran.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn meet(&mut self, kind: ClockKind, case: Option<Uuid>) -> Result<bool, Fault> {
        self.meet_as(kind, case, None).await
    }

    /// Meets the promise of a briefing that was held then.
    pub(super) async fn meet_briefing(&mut self, held: Timestamp) -> Result<bool, Fault> {
        self.meet_as(ClockKind::WeeklyBriefing, None, Some(held))
            .await
    }

    async fn meet_as(
        &mut self,
        kind: ClockKind,
        case: Option<Uuid>,
        held: Option<Timestamp>,
    ) -> Result<bool, Fault> {
        if let (ClockKind::LeaderContact, Some(case)) = (kind, case) {
            let (means, reach) = (TellMeans::Contact, Reach::OneOf(case));
            self.told(Audience::Affected, means, "", reach).await?;
        }
        let site = self.site();
        let running = clocks::open(self.tx, &site, self.incident.name.id).await?;
        let found = running
            .into_iter()
            .find(|c| c.kind == kind && c.case == case && c.subject.is_none());
        let Some(clock) = found else {
            return Ok(false);
        };
        let at = match held {
            Some(held) => briefing_kept(held, clock.deadlines.due, self.now).max(clock.start),
            None => self.now,
        };
        self.stop_at(clock, ClockState::Met, at).await?;
        match kind {
            ClockKind::InsideReport | ClockKind::OutwardUpdate | ClockKind::WeeklyBriefing => {
                let now = self.now;
                self.start((kind, case), now, true).await?;
            }
            // The others are kept once; those of cases are triage's.
            _ => {}
        }
        Ok(true)
    }

    /// A promise that the timers say is due, unless it moved on or there is time left; then what they are answered.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn due(&mut self, entry: &Entry) -> Result<Result<Clock, Fired>, Fault> {
        let site = self.site();
        let clock = clocks::get(self.tx, &site, entry.id).await?;
        let Some(clock) = clock.filter(|c| c.is_open() && c.generation == entry.generation) else {
            return Ok(Err(Fired::Stale));
        };
        Ok(match clock.next {
            Some(next) if next > self.now => Err(clock.entry().map_or(Fired::Early, Fired::Again)),
            Some(_) => Ok(clock),
            None => Err(Fired::Stale),
        })
    }

    /// Looks at a running promise whose time may have come, and tells whoever is to be told. Says
    /// whether anything was due.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn fire(&mut self, mut clock: Clock) -> Result<bool, Fault> {
        let people = self.people(&clock).await?;
        let Strike {
            notices,
            told,
            next,
        } = strike(
            &watched(clock.kind, &clock.deadlines),
            clock.told,
            self.now,
            &people,
        );
        if notices.is_empty() && clock.next == next {
            return Ok(false);
        }
        clock.told = told;
        clock.next = next;
        clock.generation += 1;
        for Notice { level, .. } in &notices {
            clock.level = clock.level.max(*level);
            if *level > 0 {
                clock.state = ClockState::Breached;
            }
        }
        let site = self.site();
        clocks::update(self.tx, &site, &clock).await?;
        self.arm(clock.entry());
        self.missed(clock.kind, clock.state, clock.subject).await?;
        for notice in &notices {
            self.tell(&clock, notice.transition, notice.level, &notice.notify)
                .await?;
        }
        self.offer_lapsed(&clock).await?;
        Ok(true)
    }

    /// Breaches of which nobody heard are told again, now that people are known. Says whether there
    /// were any.
    ///
    /// # Errors
    /// When Postgres is away.
    pub(super) async fn tell_unheard(&mut self) -> Result<bool, Fault> {
        let site = self.site();
        let mut any = false;
        for mut clock in clocks::open(self.tx, &site, self.incident.name.id).await? {
            if let Some(told) = unheard(clock.told) {
                clock.told = told;
                any |= self.fire(clock).await?;
            }
        }
        Ok(any)
    }

    /// Whoever answers for a promise, and the ladder as it is on duty now.
    async fn people(&mut self, clock: &Clock) -> Result<People, Fault> {
        let site = self.site();
        let leads = self.roster.ladder(self.now);
        if let (ClockKind::StatementReview, Some(id), Some(role)) =
            (clock.kind, clock.subject, clock.owner)
        {
            let responsible = self.reviewers(id, role).await?;
            return Ok(People { responsible, leads });
        }
        if let (ClockKind::RoleOffer, Some(role)) = (clock.kind, clock.owner) {
            return self.people_of_offer(role).await;
        }
        let person = person_of(self.tx, &site, clock).await?;
        let roles = roles::of_incident(self.tx, &site, self.incident.name.id).await?;
        let holder = |role: DutyRole| {
            let role = roles.iter().find(|r| r.role == role)?;
            role.held.person().cloned()
        };
        // Whoever left, or is complained about since, hears no more of it: the role does.
        let may = |person: &StaffId| !self.roster.barred.contains(person);
        let role = clock.owner.unwrap_or(responsible_for(clock.kind));
        let responsible = person.filter(may).or_else(|| holder(role).filter(may));
        Ok(People {
            responsible: responsible.into_iter().collect(),
            leads,
        })
    }

    /// Says what happened to a clock: to the other services, and in the log.
    async fn tell(
        &mut self,
        clock: &Clock,
        transition: ClockTransition,
        level: u8,
        notify: &[StaffId],
    ) -> Result<(), Fault> {
        let site = self.site();
        let text = match transition {
            ClockTransition::Started => format!("{} is due at {}", clock.kind, clock.deadlines.due),
            ClockTransition::Climbed => format!("{} climbs to rung {level}", clock.kind),
            other => format!("{} {}", clock.kind, other.word().to_lowercase()),
        };
        // A list of tasks is told once, by who makes it.
        if clock.subject.is_none() || transition != ClockTransition::Started {
            self.note(LogKind::Clock, "", &text, "").await?;
        }
        let (cases, published) = self.report_of(clock).await?;
        let payload = events::ClockChanged {
            clock: ClockName::new(site.clone(), clock.id).to_string(),
            case: String::new(),
            incident: self.incident.name.to_string(),
            kind: to_wire(clock.kind),
            state: to_wire(clock.state),
            transition: to_wire(transition),
            start_time: Some(to_timestamp(clock.start)),
            due_time: Some(to_timestamp(clock.deadlines.due)),
            transition_time: Some(to_timestamp(clock.stopped.unwrap_or(self.now))),
            level: i32::from(level),
            notify: notify
                .iter()
                .map(|s| StaffName::new(site.clone(), s.clone()).to_string())
                .collect(),
            grade: 0,
            generation: clock.generation,
            number: self.case_number().await?,
            cases,
            publish_time: published.map(to_timestamp),
            held: false,
            started_by: String::new(),
            create_time: None,
        };
        self.publish("redress.clock.changed.v1", &payload).await
    }
}
