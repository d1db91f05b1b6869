//! What happens when a clock comes due.

use jiff::Timestamp;
use redress_clock::Event;
use redress_model::Fault;
use redress_model::words::ClockKind;
use redress_timers::{Entry, Fired};
use uuid::Uuid;

use super::promises::{self, Start};
use super::{Work, age, ask, decide, holds, ladder};
use crate::domain::Cause;
use crate::store::cases::{self, Case};
use crate::store::clocks::{self, Clock};

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
    if let Some(fired) = fence(&clock, entry, work.now) {
        return Ok(fired);
    }
    match clock.kind {
        // Arms the next one itself.
        ClockKind::AgeCheck => decide(work, &mut case, Cause::Age).await?,
        ClockKind::ConfirmSignal => ask::fire(work, &mut case, &mut clock).await?,
        ClockKind::HoldEnd => {
            holds::expire(work, &mut case).await?;
            decide(work, &mut case, Cause::Age).await?;
        }
        ClockKind::ConfirmClosing if clock.deadlines.due <= work.now => {
            no_reply(work, &case, &mut clock).await?;
        }
        _ => ladder::climb(work, &case, &mut clock).await?,
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

/// What an entry comes to that its clock has moved on from, or that is not due.
fn fence(clock: &Clock, entry: &Entry, now: Timestamp) -> Option<Fired> {
    match clock.next {
        Some(next) if clock.generation == entry.generation => {
            (next > now).then(|| clock.entry().map_or(Fired::Early, Fired::Again))
        }
        _ => Some(Fired::Stale),
    }
}

/// Whether nothing comes of a clock of this kind that is due but that somebody is told: no case is decided, no other
/// clock moves.
pub fn only_tells(kind: ClockKind) -> bool {
    !matches!(
        kind,
        ClockKind::AgeCheck
            | ClockKind::ConfirmSignal
            | ClockKind::HoldEnd
            | ClockKind::ConfirmClosing
    )
}

/// One of several entries of a site that are due, of a clock that only tells.
#[derive(Debug)]
pub struct Telling<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// The case of its clock.
    pub case: Uuid,
    /// The trace of that complaint.
    pub trace: &'a str,
}

/// Commits several entries in their order, as [`fire`] would one after the other.
pub async fn fire_many(work: &mut Work<'_>, entries: &[Telling<'_>]) -> Result<Vec<Fired>, Fault> {
    let site = &work.site.id;
    let ids: Vec<Uuid> = entries.iter().map(|of| of.entry.id).collect();
    let of_cases: Vec<Uuid> = entries.iter().map(|of| of.case).collect();
    // The cases first, then their clocks: the order of everyone.
    let cases = cases::lock_many(work.tx, site, &of_cases).await?;
    let mut clocks = clocks::lock_many(work.tx, site, &ids).await?;
    let mut due: Vec<(&Case, Clock, &str)> = Vec::with_capacity(entries.len());
    let mut fired: Vec<Option<Fired>> = Vec::with_capacity(entries.len());
    for Telling { entry, trace, .. } in entries {
        // Taken out, so that whatever the entries are, a clock is told once.
        let found = clocks.remove(&entry.id);
        let Some((clock, case)) = found.and_then(|c| cases.get(&c.case).map(|case| (c, case)))
        else {
            fired.push(Some(Fired::Stale));
            continue;
        };
        let fenced = fence(&clock, entry, work.now);
        if fenced.is_none() {
            due.push((case, clock, trace));
        }
        fired.push(fenced);
    }
    let all = due
        .iter_mut()
        .map(|(case, clock, trace)| (*case, clock, *trace))
        .collect();
    ladder::climb_all(work, all, work.now).await?;
    let mut told = due.iter().map(|(_, clock, _)| {
        let next = clock.entry();
        next.map_or(Fired::Done, Fired::Again)
    });
    Ok(fired
        .into_iter()
        .filter_map(|fenced| fenced.or_else(|| told.next()))
        .collect())
}

/// Lets what was due by an instant take effect though no timer has fired yet: a worker may have been away.
pub(super) async fn catch_up(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    until: Timestamp,
) -> Result<(), Fault> {
    let until = until.min(work.now);
    if clock.next.is_none_or(|next| next > until) {
        return Ok(());
    }
    match clock.kind {
        ClockKind::ConfirmClosing if clock.deadlines.due <= until => {
            no_reply(work, case, clock).await
        }
        ClockKind::ConfirmSignal => Ok(()),
        _ => ladder::climb_to(work, case, clock, until).await,
    }
}

/// The customer did not say whether the proposal will do: that breaks no promise of ours, but somebody
/// goes and asks (M03).
async fn no_reply(work: &mut Work<'_>, case: &Case, clock: &mut Clock) -> Result<(), Fault> {
    let at = clock.deadlines.due;
    promises::apply(work, case, clock, Event::Cancelled { at }, "no reply").await?;
    let kind = ClockKind::FollowUpVisit;
    let Some(length) = promises::length(work.site, case, clock.urgency, kind) else {
        return Ok(());
    };
    let mut all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    let visit = all.iter_mut().find(|c| c.kind == kind && c.slot.is_empty());
    let new = Start::of(kind, at, length, "no reply");
    // The timer may be late: the visit was owed when the time was over (P23), but not before the word that asked was entered.
    let entered = std::mem::replace(&mut work.entered, at.max(clock.made));
    let made = promises::again(work, case, clock.urgency, visit, new).await;
    work.entered = entered;
    made
}
