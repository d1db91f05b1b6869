//! The clocks of a case (domain.md section 6): started at receipt, met by contacts and moves, moved by
//! regrades, told when they warn, breach and climb.
//!
//! A clock's events are the truth; the row is what their fold gives, kept so that what is due can be
//! found. What has been told stands in the row alone and never goes back within a round, so nothing
//! fires twice.

use jiff::Timestamp;
use redress_clock::{Event, Length, fold};
use redress_events::{NewEvent, publish};
use redress_model::name::ClockName;
use redress_model::words::{ClockKind, ClockState, ClockTransition, Urgency};
use redress_model::{Fault, Grade, ids};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::ClockChanged;
use redress_timers::{Entry, Fired};

use super::{Work, age, decide, ladder};
use crate::domain::policy::LengthKey;
use crate::domain::{Cause, Facts};
use crate::store::cases::{self, Case};
use crate::store::clocks::{self, Clock, History};

/// What is promised to every complainant.
const PROMISES: [ClockKind; 3] = [
    ClockKind::Acknowledge,
    ClockKind::Answer,
    ClockKind::Resolve,
];

/// What this clock gives the case as it is graded now; none where the policy does not promise it.
pub(super) fn length(
    site: &crate::store::sites::Site,
    case: &Case,
    kind: ClockKind,
) -> Option<Length> {
    key(case, Urgency::WithinADay).and_then(|key| site.profile().length(kind, key))
}

fn key(case: &Case, urgency: Urgency) -> Option<LengthKey> {
    Some(LengthKey {
        grade: case.grade?,
        urgency,
        channel: case.facts.channel,
    })
}

/// Lets the promises follow a decision: starts those that are missing, gives the others the length of
/// the new grade, and arms the next age check. Never for a historical case.
pub(super) async fn follow(
    work: &mut Work<'_>,
    case: &mut Case,
    facts: &Facts,
    urgency: Urgency,
    first: bool,
) -> Result<(), Fault> {
    let Some(key) = key(case, urgency) else {
        return Ok(());
    };
    if !case.is_open() {
        return Ok(());
    }
    let site = work.site;
    let mut all = clocks::lock_of_case(work.tx, &site.id, case.id).await?;
    for kind in PROMISES {
        // What a monitor found has nobody to speak to.
        if facts.complainants == 0 && kind != ClockKind::Resolve {
            continue;
        }
        let Some(length) = site.profile().length(kind, key) else {
            continue;
        };
        match all.iter_mut().find(|clock| clock.kind == kind) {
            None => {
                let at = if first { case.facts.received } else { work.now };
                start(work, case, kind, Event::Started { at, length }, key.grade).await?;
            }
            Some(clock) if clock.stopped.is_none() && clock.grade != key.grade => {
                let rise = key.grade.is_graver_than(clock.grade);
                clock.grade = key.grade;
                let event = Event::Regraded {
                    at: work.now,
                    length,
                    rise,
                };
                if !apply(work, case, clock, event, "regraded").await? {
                    // The deadline stays, the turn in a backlog does not.
                    clocks::update(work.tx, &site.id, clock).await?;
                    work.entries.extend(clock.entry());
                }
            }
            Some(_) => {}
        }
    }
    let next = facts.age.next_check(&site.profile().grading, work.now);
    age::arm(work, case, &mut all, next, key.grade).await
}

async fn start(
    work: &mut Work<'_>,
    case: &Case,
    kind: ClockKind,
    event: Event,
    grade: Grade,
) -> Result<(), Fault> {
    let calendar = work.site.calendar();
    let profile = work.site.profile();
    let promise = fold(&[event], &calendar)
        .ok_or_else(|| Fault::internal("a clock has to begin with its start"))?;
    let clock = Clock {
        id: ids::new_id(work.now),
        case: case.id,
        kind,
        state: ClockState::Running,
        length: promise.length,
        start: promise.start,
        deadlines: promise.deadlines,
        next: promise.next_step(None, work.now).map(|(_, at)| at),
        told: None,
        level: 0,
        stopped: None,
        held: false,
        round: promise.round,
        grade,
        policy_profile: profile.name.clone(),
        policy_revision: i32::try_from(profile.revision).unwrap_or(i32::MAX),
        provisional: is_provisional(work, promise.length, promise.start, promise.deadlines.due),
        created: work.now,
        generation: 1,
    };
    clocks::insert(work.tx, &work.site.id, &clock).await?;
    let entry = History {
        transition: ClockTransition::Started,
        at: clock.start,
        due: clock.deadlines.due,
        cause: "received".to_owned(),
    };
    clocks::note(work.tx, &work.site.id, &clock, Some(&event), &entry).await?;
    tell(work, case, &clock, &entry, &[]).await?;
    work.entries.extend(clock.entry());
    Ok(())
}

fn is_provisional(work: &Work<'_>, length: Length, from: Timestamp, to: Timestamp) -> bool {
    !matches!(length, Length::Minutes(_)) && work.site.calendar().is_provisional(from, to)
}

/// Lets something happen to a clock. Returns whether it changed anything.
pub(super) async fn apply(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    event: Event,
    cause: &str,
) -> Result<bool, Fault> {
    let calendar = work.site.calendar();
    let events = clocks::events(work.tx, &work.site.id, clock.id).await?;
    let before = fold(&events, &calendar)
        .ok_or_else(|| Fault::internal("a stored clock has to begin with its start"))?;
    let mut after = before.clone();
    after.apply(&event, &calendar);
    let same = (
        before.deadlines,
        before.stopped,
        before.held_since,
        before.asked_again,
        before.round,
    ) == (
        after.deadlines,
        after.stopped,
        after.held_since,
        after.asked_again,
        after.round,
    );
    if same {
        return Ok(false);
    }
    if after.round > before.round {
        clock.told = None;
        clock.level = 0;
    }
    clock.state = after.state(work.now);
    clock.length = after.length;
    clock.start = after.start;
    clock.deadlines = after.deadlines;
    clock.stopped = after.stopped;
    clock.held = after.held_since.is_some();
    clock.round = after.round;
    clock.next = after.next_step(clock.told, work.now).map(|(_, at)| at);
    clock.provisional = is_provisional(work, after.length, after.start, after.deadlines.due);
    clock.generation += 1;
    clocks::update(work.tx, &work.site.id, clock).await?;
    let entry = History {
        transition: match clock.state {
            ClockState::Met => ClockTransition::Met,
            ClockState::Cancelled => ClockTransition::Cancelled,
            ClockState::Running | ClockState::Breached if after.round > before.round => {
                ClockTransition::Started
            }
            ClockState::Running | ClockState::Breached => ClockTransition::Moved,
        },
        at: event.at(),
        due: clock.deadlines.due,
        cause: cause.to_owned(),
    };
    clocks::note(work.tx, &work.site.id, clock, Some(&event), &entry).await?;
    tell(work, case, clock, &entry, &[]).await?;
    work.entries.extend(clock.entry());
    Ok(true)
}

/// A contact with a complainant.
#[derive(Debug, Clone, Copy)]
pub struct Contact {
    /// We went to the customer.
    pub outbound: bool,
    /// By a person; automatic receipts meet nothing.
    pub by_person: bool,
    /// Answers the matter itself.
    pub substantive: bool,
    /// When.
    pub at: Timestamp,
}

/// Lets the promises follow a contact: a person's word acknowledges, a substantive one answers (P02),
/// and a further message of the customer asks for an answer again (P03).
pub async fn contact(work: &mut Work<'_>, case: &Case, contact: Contact) -> Result<(), Fault> {
    if case.is_ended() {
        return Ok(());
    }
    let at = contact.at;
    let mut all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    for clock in &mut all {
        let event = match clock.kind {
            ClockKind::Acknowledge if contact.outbound && contact.by_person => Event::Met { at },
            ClockKind::Answer if contact.outbound && contact.by_person && contact.substantive => {
                Event::Met { at }
            }
            ClockKind::Answer if !contact.outbound => {
                let length = length(work.site, case, clock.kind).unwrap_or(clock.length);
                Event::Restarted { at, length }
            }
            _ => continue,
        };
        if matches!(event, Event::Restarted { .. }) {
            clock.grade = case.grade.unwrap_or(clock.grade);
        }
        apply(work, case, clock, event, "contact").await?;
    }
    Ok(())
}

/// Commits what a timer entry is about (`redress_timers::Truth::fire`).
pub async fn fire(work: &mut Work<'_>, entry: &Entry) -> Result<Fired, Fault> {
    let site = &work.site.id;
    let Some(seen) = clocks::get(work.tx, site, entry.id).await? else {
        return Ok(Fired::Stale);
    };
    // The case first, then its clocks: the order of everyone.
    let Some(mut case) = cases::lock(work.tx, site, seen.case).await? else {
        return Ok(Fired::Stale);
    };
    let all = clocks::lock_of_case(work.tx, site, case.id).await?;
    let Some(mut clock) = all.into_iter().find(|clock| clock.id == entry.id) else {
        return Ok(Fired::Stale);
    };
    let Some(next) = clock.next else {
        return Ok(Fired::Stale);
    };
    if clock.generation != entry.generation {
        return Ok(Fired::Stale);
    }
    if next > work.now {
        return Ok(clock.entry().map_or(Fired::Early, Fired::Again));
    }
    if clock.kind == ClockKind::AgeCheck {
        // Arms the next one itself.
        decide(work, &mut case, Cause::Age).await?;
    } else {
        ladder::climb(work, &case, &mut clock).await?;
    }
    let mut after = clocks::get(work.tx, site, entry.id).await?;
    if let Some(same) = after
        .as_mut()
        .filter(|after| after.generation == entry.generation)
    {
        // Nothing armed it anew: nobody waits for it any more.
        age::disarm(work, same).await?;
    }
    Ok(after
        .and_then(|clock| clock.entry())
        .map_or(Fired::Done, Fired::Again))
}

pub(super) async fn tell(
    work: &mut Work<'_>,
    case: &Case,
    clock: &Clock,
    entry: &History,
    notify: &[String],
) -> Result<(), Fault> {
    let site = &work.site.id;
    let name = case.name(site).to_string();
    let payload = ClockChanged {
        clock: ClockName::new(site.clone(), clock.id).to_string(),
        case: name.clone(),
        incident: String::new(),
        kind: to_wire(clock.kind),
        state: to_wire(clock.state),
        transition: to_wire(entry.transition),
        start_time: Some(to_timestamp(clock.start)),
        due_time: Some(to_timestamp(clock.deadlines.due)),
        transition_time: Some(to_timestamp(entry.at)),
        level: i32::from(clock.level),
        notify: notify.to_vec(),
        grade: case.grade.map_or(0, |grade| i32::from(grade.value())),
        generation: clock.generation,
        number: case.facts.number.clone(),
    };
    let event = NewEvent {
        event_type: "redress.clock.changed.v1",
        site,
        subject: &name,
        historical: false,
        payload: &payload,
    };
    publish(work.tx, &event).await?;
    Ok(())
}
