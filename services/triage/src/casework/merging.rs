//! What is owed by name on a case that is merged: a body's deadline, a court's, what a partner or a department owes us, a word
//! promised to the customer. A merged case has no clocks of its own, but nobody else releases us from these: its
//! head carries them until the merge is undone (domain.md sections 6 and 10).

use std::collections::HashMap;

use jiff::Timestamp;
use redress_clock::{Event, Term, fold};
use redress_model::Fault;
use redress_model::words::{ClockKind, ClockState};
use uuid::Uuid;

use super::contact::PROMISED;
use super::promises::{self, Start};
use super::status::{ENDED, is_stopped_by_end};
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
            by: String::new(),
        };
        let known = all
            .iter_mut()
            .find(|c| c.is_for(clock.kind, &slot, clock.demand));
        // It is no newer than what it carries on.
        let entered = std::mem::replace(&mut work.entered, clock.made);
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
            Some(_) => {
                work.entered = entered;
                continue;
            }
        };
        work.entered = entered;
        if at < clock.start {
            missed_before(work, &head, &mut carried, clock).await?;
        }
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

/// When the head was done with what it had carried for clocks of this case, by their ids: on the case they go on until then.
pub(super) async fn done_by_head(
    work: &mut Work<'_>,
    case: &Case,
    head: Uuid,
) -> Result<HashMap<Uuid, Timestamp>, Fault> {
    let Some(head) = head_of(work, Some(head)).await? else {
        return Ok(HashMap::new());
    };
    let site = &work.site.id;
    let carried = clocks::lock_of_case(work.tx, site, head.id).await?;
    let own = clocks::lock_of_case(work.tx, site, case.id).await?;
    let done = own
        .iter()
        .filter(|clock| is_by_name(clock))
        .filter_map(|clock| {
            let other = carried_for(clock, &carried)?;
            Some((clock.id, done(clock, other, &carried)?))
        });
    Ok(done.collect())
}

/// What the head carried for this clock.
fn carried_for<'a>(clock: &Clock, carried: &'a [Clock]) -> Option<&'a Clock> {
    let slot = slot_of(clock);
    carried
        .iter()
        .find(|c| c.is_for(clock.kind, &slot, clock.demand))
}

/// When the head was done with what it carried for this clock; none while it carries it still, and where its own end alone
/// stopped it. By its own deadline of the law of that name it told of all that was known of the case, too.
fn done(clock: &Clock, other: &Clock, all: &[Clock]) -> Option<Timestamp> {
    let done = other
        .stopped
        .filter(|_| !is_stopped_by_end(other) && other.stop_cause != UNMERGED)?;
    let of_law = clock.law().filter(|name| clock.slot == name.word());
    let told = |c: &&Clock| {
        let is_it = of_law.is_some_and(|name| c.is_for(clock.kind, name.word(), None));
        is_it && c.state == ClockState::Met
    };
    let told = all.iter().filter(told).filter_map(|c| c.stopped);
    told.chain([done]).max()
}

/// The merge is undone: what the head carried for this case runs on the case again, but for what was done meanwhile. Returns
/// whether the head was done with a deadline of the law: what became known of the case after that was the head's, and asks the
/// case anew.
pub(super) async fn give_back(work: &mut Work<'_>, case: &Case, head: Uuid) -> Result<bool, Fault> {
    let mut asks_anew = false;
    let Some(head) = head_of(work, Some(head)).await? else {
        return Ok(asks_anew);
    };
    let site = &work.site.id;
    let carried = clocks::lock_of_case(work.tx, site, head.id).await?;
    let own = clocks::lock_of_case(work.tx, site, case.id).await?;
    for mut clock in own.into_iter().filter(is_by_name) {
        let Some(mut other) = carried_for(&clock, &carried).cloned() else {
            continue;
        };
        // The end of the head alone releases from nothing. Should it be reopened, this goes on on the case alone.
        let ended = is_stopped_by_end(&other);
        if ended || other.stopped.is_none() {
            let now = work.now;
            hand_back(work, &head, &mut other, now).await?;
            if clock.stopped.is_none() && clock.deadlines.due == other.deadlines.due {
                told_already(work, &mut clock, &other).await?;
            }
        } else if let Some(done) =
            done(&clock, &other, &carried).filter(|_| clock.stopped.is_none())
        {
            let at = done.max(clock.start);
            let event = if other.state == ClockState::Met {
                Event::Met { at }
            } else {
                Event::Cancelled { at }
            };
            let is_dismissed = other.stop_cause == law::DISMISSED;
            let cause = if is_dismissed { law::DISMISSED } else { MERGED };
            promises::apply(work, case, &mut clock, event, cause).await?;
            asks_anew |= clock.law().is_some();
        }
    }
    Ok(asks_anew)
}

/// The head keeps it no more from then on; one that its end has stopped goes on no more with its reopening.
async fn hand_back(
    work: &mut Work<'_>,
    head: &Case,
    other: &mut Clock,
    at: Timestamp,
) -> Result<(), Fault> {
    if is_stopped_by_end(other) {
        UNMERGED.clone_into(&mut other.stop_cause);
        other.generation += 1;
        return clocks::update(work.tx, &work.site.id, other).await;
    }
    let event = Event::Cancelled { at };
    promises::apply(work, head, other, event, UNMERGED)
        .await
        .map(drop)
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

/// A word from before the merge that is heard after it: the head carries what it promised, and no more what it kept, whichever is
/// heard first (I3). `before` are the words that the case owed until it was heard.
pub(super) async fn told_before(
    work: &mut Work<'_>,
    case: &Case,
    before: &[Clock],
) -> Result<(), Fault> {
    let Some(head) = head_of(work, case.merged_into).await? else {
        return Ok(());
    };
    let site = &work.site.id;
    let carried = clocks::lock_of_case(work.tx, site, head.id).await?;
    let own = clocks::lock_of_case(work.tx, site, case.id).await?;
    let is_another = |clock: &&Clock| {
        let stood = |c: &Clock| (c.start, c.deadlines.due);
        let was = before.iter().find(|was| was.id == clock.id);
        was.is_some_and(|was| stood(was) != stood(clock))
    };
    // What the head carries was kept, or gave way to an earlier one: it takes what is promised in its place.
    for clock in own.iter().filter(|c| is_owed(c)).filter(is_another) {
        let lasts = |c: &&Clock| c.stopped.is_none() || is_stopped_by_end(c);
        if let Some(mut other) = carried_for(clock, &carried).filter(lasts).cloned() {
            let at = clock.start.max(other.start);
            hand_back(work, &head, &mut other, at).await?;
        }
    }
    carry(work, case).await?;
    let carried = clocks::lock_of_case(work.tx, site, head.id).await?;
    let own = clocks::lock_of_case(work.tx, site, case.id).await?;
    let kept = |c: &&Clock| is_by_name(c) && c.kind == ClockKind::InterimUpdate;
    for clock in own
        .iter()
        .filter(kept)
        .filter(|c| c.state == ClockState::Met)
    {
        let other = carried_for(clock, &carried).filter(|other| other.stopped.is_none());
        if let Some((mut other, at)) = other.cloned().zip(clock.stopped) {
            promises::apply(work, &head, &mut other, Event::Met { at }, MERGED).await?;
        }
    }
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

/// Locks the head of a merged case, before any clock of either: whoever comes from the head has it before those of the case.
pub(super) async fn lock_head(work: &mut Work<'_>, case: &Case) -> Result<(), Fault> {
    head_of(work, case.merged_into).await.map(drop)
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
    is_by_name(clock) && is_stopped_by_end(clock)
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

#[cfg(test)]
mod tests {
    use redress_clock::Deadlines;
    use redress_model::Grade;
    use redress_model::words::{LegalDeadline, Urgency};

    use super::*;

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_second(n * 60).expect("in range")
    }

    /// A deadline of a leak in this slot, where it stands, and when and why it stopped.
    fn clock(id: u128, slot: &str, state: ClockState, stopped: Option<i64>, cause: &str) -> Clock {
        Clock {
            id: Uuid::from_u128(id),
            case: Uuid::from_u128(1),
            kind: ClockKind::OutsideDeadline,
            slot: slot.to_owned(),
            demand: None,
            state,
            term: Term::Until(minute(240)),
            start: minute(0),
            deadlines: Deadlines::at(minute(240)),
            next: None,
            told: None,
            level: 0,
            stopped: stopped.map(minute),
            stop_cause: cause.to_owned(),
            held: None,
            told_customer: false,
            round: 1,
            grade: Grade::TWO,
            urgency: Urgency::WithinADay,
            paging: Paging::default(),
            policy_profile: String::new(),
            policy_revision: 0,
            calendar_revision: 0,
            provisional: false,
            channel: None,
            party: String::new(),
            outside_number: String::new(),
            created: minute(0),
            made: minute(0),
            generation: 1,
        }
    }

    #[test]
    fn g2_7_what_a_head_was_done_with_covers_what_was_known_by_then_and_nothing_later() {
        use ClockState::{Cancelled, Met, Running};
        let name = LegalDeadline::DataLeakTold;
        let own = clock(7, name.word(), Running, None, "");
        let slot = law::by_name(name, own.id);
        let done_by = |head: &[Clock]| done(&own, carried_for(&own, head)?, head);
        for (state, stopped, cause, expected) in [
            (Met, Some(30), "met by hand", Some(30)),
            (Cancelled, Some(40), law::DISMISSED, Some(40)),
            (Running, None, "", None),
            (Cancelled, Some(50), ENDED, None),
            (Cancelled, Some(50), UNMERGED, None),
        ] {
            let carried = clock(8, &slot, state, stopped, cause);
            assert_eq!(done_by(&[carried]), expected.map(minute), "{state} {cause}");
        }
        // Another leak was told by the head's own, or is still to be.
        let carried = clock(8, &slot, Met, Some(30), "met by hand");
        for (state, stopped, expected) in [(Met, Some(90), 90), (Running, None, 30)] {
            let heads = clock(9, name.word(), state, stopped, "");
            assert_eq!(done_by(&[carried.clone(), heads]), Some(minute(expected)));
        }
        assert_eq!(done_by(&[]), None);
    }
}
