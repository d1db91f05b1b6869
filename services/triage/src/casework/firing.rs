//! What happens when a clock comes due.

use jiff::Timestamp;
use redress_clock::Event;
use redress_model::Fault;
use redress_model::words::ClockKind;
use redress_timers::{Entry, Fired};

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
    let Some(next) = clock.next else {
        return Ok(Fired::Stale);
    };
    if clock.generation != entry.generation {
        return Ok(Fired::Stale);
    }
    if next > work.now {
        return Ok(clock.entry().map_or(Fired::Early, Fired::Again));
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
    promises::again(work, case, clock.urgency, visit, new).await
}
