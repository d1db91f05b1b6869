//! What is owed by name on a case that is merged: a body's deadline, a court's, what a partner or a department owes us, a word
//! promised to the customer. A merged case has no clocks of its own, but nobody else releases us from these: its
//! head carries them until the merge is undone (domain.md sections 6 and 10).

use jiff::Timestamp;
use redress_clock::{Event, Term, fold};
use redress_model::Fault;
use redress_model::words::{ClockKind, ClockState};
use uuid::Uuid;

use super::contact::PROMISED;
use super::promises::{self, Start};
use super::status::ENDED;
use super::{Work, ladder, law};
use crate::domain::paging::{PageState, Paging};
use crate::store::cases::{self, Case};
use crate::store::clocks::{self, Clock};
use crate::store::pages;

/// Why a clock of a head started, and why one stopped.
const MERGED: &str = "merged";
pub(super) const UNMERGED: &str = "unmerged";

/// Gives the head what is owed by name on this case, whose own clocks its merge has stopped. A head that has not come in
/// yet takes it when it does. For one that has ended it is stopped with everything else, so that a reopening finds the same
/// whether its end or the merge was heard first (I3, P27).
pub(super) async fn carry(work: &mut Work<'_>, case: &Case) -> Result<(), Fault> {
    let Some(head) = head_of(work, case.merged_into).await? else {
        return Ok(());
    };
    let site = &work.site.id;
    let own = clocks::lock_of_case(work.tx, site, case.id).await?;
    let urgency = promises::urgency(work, &head).await?;
    let mut all = clocks::lock_of_case(work.tx, site, head.id).await?;
    for clock in own.iter().filter(|clock| is_owed(clock)) {
        let slot = slot_of(clock);
        let (at, term) = ahead_of_due(work, clock).await?;
        let new = Start {
            kind: clock.kind,
            slot: slot.clone(),
            demand: clock.demand,
            at,
            term,
            told: clock.told_customer,
            party: clock.party.clone(),
            outside_number: clock.outside_number.clone(),
            cause: MERGED,
        };
        let known = all
            .iter_mut()
            .find(|c| c.is_for(clock.kind, &slot, clock.demand));
        let mut carried = match known {
            None => promises::start(work, &head, urgency, new).await?,
            // Handed back, or over before this one was made anew.
            Some(known)
                if known.stop_cause == UNMERGED
                    || known.stopped.is_some_and(|at| clock.start > at) =>
            {
                promises::again(work, &head, urgency, Some(&mut *known), new).await?;
                known.clone()
            }
            Some(_) => continue,
        };
        if at < clock.start {
            missed_before(work, &head, &mut carried, clock).await?;
        }
        // It is no newer than what it carries on.
        carried.made = clock.made;
        clocks::update(work.tx, site, &carried).await?;
        told_already(work, &mut carried, clock).await?;
        if head.is_ended() {
            let event = Event::Cancelled { at: work.now };
            promises::apply(work, &head, &mut carried, event, ENDED).await?;
        }
    }
    Ok(())
}

/// From when on the head keeps it, and on which term: as the clock was last made while its deadline lay ahead, since that is
/// what its climbs are measured by.
async fn ahead_of_due(work: &mut Work<'_>, clock: &Clock) -> Result<(Timestamp, Term), Fault> {
    let mut made = clock.clone();
    if clock.deadlines.due <= clock.start {
        let events = clocks::events(work.tx, &work.site.id, clock.id).await?;
        let calendars = promises::calendars(work, &events).await?;
        let mut before = (1..=events.len()).rev();
        let ahead = before.find_map(|n| {
            let promise = fold(&events[..n], &calendars)?;
            (promise.start < promise.deadlines.due).then_some(promise)
        });
        if let Some(ahead) = ahead {
            (made.start, made.term) = (ahead.start, ahead.term);
        }
    }
    let term = promises::term_to_due(work.site, &made, made.start);
    Ok((made.start, term))
}

/// Its deadline had passed when the clock was made anew, so the head misses it from then and climbs from then too (P11).
async fn missed_before(
    work: &mut Work<'_>,
    head: &Case,
    carried: &mut Clock,
    clock: &Clock,
) -> Result<(), Fault> {
    let at = clock.start;
    let mut terms = promises::terms(work.site, clock.kind, Term::Until(clock.deadlines.due));
    terms.told = clock.told_customer;
    for event in [Event::Cancelled { at }, Event::Restarted { at, terms }] {
        promises::apply(work, head, carried, event, MERGED).await?;
    }
    Ok(())
}

/// The merge is undone: what the head carried for this case runs on the case again, but for what was done meanwhile. Returns
/// whether the head had ended a deadline of the law since no signal spoke for it: what became known of the case after that was
/// the head's, and asks the case anew.
pub(super) async fn give_back(work: &mut Work<'_>, case: &Case, head: Uuid) -> Result<bool, Fault> {
    let mut asks_anew = false;
    let Some(head) = head_of(work, Some(head)).await? else {
        return Ok(asks_anew);
    };
    let site = &work.site.id;
    let carried = clocks::lock_of_case(work.tx, site, head.id).await?;
    let own = clocks::lock_of_case(work.tx, site, case.id).await?;
    for mut clock in own.into_iter().filter(is_by_name) {
        let slot = slot_of(&clock);
        let same = |c: &&Clock| c.is_for(clock.kind, &slot, clock.demand);
        let Some(mut other) = carried.iter().find(same).cloned() else {
            continue;
        };
        let at = work.now;
        // The end of the head alone releases from nothing. Should it be reopened, this goes on on the case alone.
        let ended = other.state == ClockState::Cancelled && other.stop_cause == ENDED;
        if ended || other.stopped.is_none() {
            if ended {
                UNMERGED.clone_into(&mut other.stop_cause);
                other.generation += 1;
                clocks::update(work.tx, site, &other).await?;
            } else {
                let event = Event::Cancelled { at };
                promises::apply(work, &head, &mut other, event, UNMERGED).await?;
            }
            if clock.stopped.is_none() && clock.deadlines.due == other.deadlines.due {
                told_already(work, &mut clock, &other).await?;
            }
        } else if other.stop_cause != UNMERGED && clock.stopped.is_none() {
            let event = if other.state == ClockState::Met {
                let at = at.max(clock.start);
                Event::Met { at }
            } else {
                Event::Cancelled { at }
            };
            let is_dismissed = other.stop_cause == law::DISMISSED;
            let cause = if is_dismissed { law::DISMISSED } else { MERGED };
            promises::apply(work, case, &mut clock, event, cause).await?;
            asks_anew |= is_dismissed;
        }
    }
    Ok(asks_anew)
}

/// What was told of the one until now was told of the other, which keeps the deadline from here on: nobody is told again, who
/// has acknowledged has done so, who is still to is waited for as long as before, and it climbs on from there.
async fn told_already(work: &mut Work<'_>, clock: &mut Clock, other: &Clock) -> Result<(), Fault> {
    if other.told.is_none() || clock.told > other.told {
        return Ok(());
    }
    (clock.told, clock.level) = (other.told, other.level);
    let site = &work.site.id;
    let (from, to) = ((other.id, other.round), (clock.id, clock.round));
    clock.generation += pages::hand_on(work.tx, site, from, to, clock.generation).await?;
    clock.paging = Paging {
        state: other.paging.state,
        until: match other.paging.state {
            PageState::None | PageState::Acknowledged => None,
            PageState::Open => {
                let last = pages::last(work.tx, site, other.id, other.round).await?;
                last.map(|page| page.answer)
            }
            // Whoever is on duty by now is told.
            PageState::Waiting | PageState::Unanswered => Some(work.now),
        },
    };
    let (promise, _) = promises::computed(work, clock).await?;
    clock.arm(promise.next_step(clock.told, work.now).map(|(_, at)| at));
    ladder::hurry(work.site, clock, clock.grade, work.now);
    clock.generation += 1;
    clocks::update(work.tx, &work.site.id, clock).await?;
    work.entries.extend(clock.entry());
    Ok(())
}

/// The cases that were merged into this one before it came in bring what they owe, and those that a former release let wait while
/// it was ended.
pub(super) async fn take(work: &mut Work<'_>, head: &Case) -> Result<(), Fault> {
    for merged in cases::merged_into(work.tx, &work.site.id, head.id).await? {
        carry(work, &merged).await?;
    }
    Ok(())
}

async fn head_of(work: &mut Work<'_>, head: Option<Uuid>) -> Result<Option<Case>, Fault> {
    match head {
        Some(head) => cases::lock(work.tx, &work.site.id, head).await,
        None => Ok(None),
    }
}

/// Whether it is owed by name: what the policy promises, and what a signal alone starts, the head promises itself.
fn is_by_name(clock: &Clock) -> bool {
    !clock.is_silent() && (!clock.slot.is_empty() || clock.demand.is_some())
}

/// Whether it is owed by name, and still was when the case was merged.
fn is_owed(clock: &Clock) -> bool {
    is_by_name(clock) && clock.state == ClockState::Cancelled && clock.stop_cause == ENDED
}

/// Which of its kind it is on the head: two cases may each have promised a word, or owe the same by law.
fn slot_of(clock: &Clock) -> String {
    match clock.law() {
        Some(name) if clock.slot == name.word() => law::by_name(name, clock.id),
        _ if clock.kind == ClockKind::InterimUpdate && clock.slot == PROMISED => {
            clock.id.to_string()
        }
        _ => clock.slot.clone(),
    }
}
