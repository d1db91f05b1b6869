//! Holds: while the reason lies with the customer, an outside party or a court, the promises that this
//! reason may stop stand still (P05), and so does the age of the case (G1.7, G2.4).
//!
//! A hold belongs to the case, not to a clock: which clocks it stops is the policy's word, and a promise
//! that is made or made anew meanwhile stands still from its start. A hold ends by itself at the instant
//! that was named, however late the worker is that sees to it (P13).

use jiff::{SignedDuration, Timestamp};
use redress_clock::{Deadlines, Event};
use redress_model::name::SiteId;
use redress_model::words::{ClockKind, ClockState, HoldReason};
use redress_model::{Fault, ids};
use redress_store::Tx;
use uuid::Uuid;

use super::{Work, firing, promises};
use crate::store::cases::{self, Case};
use crate::store::clocks::{self, Clock};
use crate::store::holds::{self, Hold};
use crate::store::sites::Site;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct NewHold {
    /// With whom the reason lies.
    pub reason: HoldReason,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Who allows it.
    pub approver: String,
    /// What for.
    pub note: String,
}

/// How long the holds of a reason may last together, and how long they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// At most; none where the platform sets and ends the holds of the reason itself.
    pub allowed: Option<SignedDuration>,
    /// With what was held, and one that lasts as it was granted.
    pub used: SignedDuration,
    /// Until now.
    pub held: SignedDuration,
}

impl Budget {
    /// Whether so much more fits.
    pub fn fits(&self, more: SignedDuration) -> bool {
        let all = self.used.saturating_add(more);
        self.allowed.is_none_or(|allowed| all <= allowed)
    }
}

/// The budget of a reason on a case; none where the policy takes no such hold.
pub fn budget(site: &Site, reason: HoldReason, all: &[Hold], now: Timestamp) -> Option<Budget> {
    let policy = &site.profile().holds;
    policy.reasons.get(&reason)?;
    let sum = |length: &dyn Fn(&Hold) -> SignedDuration| {
        let of_reason = all.iter().filter(|hold| hold.reason == reason);
        of_reason.fold(SignedDuration::ZERO, |sum, hold| {
            sum.saturating_add(length(hold))
        })
    };
    let budgeted = reason != HoldReason::SingleVoice;
    Some(Budget {
        allowed: budgeted.then(|| SignedDuration::from_hours(24 * i64::from(policy.budget_days))),
        used: sum(&Hold::length),
        held: sum(&|hold| hold.length_by(now)),
    })
}

/// Holds a case. It must be locked, open or resolved, and not held for this reason.
pub async fn hold(
    work: &mut Work<'_>,
    case: &mut Case,
    new: NewHold,
    beyond: bool,
) -> Result<Hold, Fault> {
    expire(work, case).await?;
    let hold = Hold {
        id: ids::new_id(work.now),
        case: case.id,
        reason: new.reason,
        start: work.now,
        until: new.until,
        end: None,
        end_cause: String::new(),
        approver: new.approver,
        note: new.note,
        beyond,
    };
    holds::insert(work.tx, &work.site.id, &hold).await?;
    case.held_since.get_or_insert(work.now);
    cases::set_status(work.tx, &work.site.id, case).await?;
    for mut clock in clocks::lock_of_case(work.tx, &work.site.id, case.id).await? {
        if stops(work.site, hold.reason, &clock) {
            stop(work, case, &mut clock, &hold).await?;
        }
    }
    arm(work, case).await?;
    Ok(hold)
}

/// Who sets and ends the hold of a case about which a message waits for the spokesperson.
const SENDER: &str = "notification";

/// Why it ended: the last message that waited was decided.
pub const DECIDED: &str = "decided";

/// A wait for the spokesperson ends by a decision; a hold has to end some time.
const FARTHEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Holds an open case about which a message waits for the spokesperson of an incident, once. A resolution ends that hold, and a
/// reopening sets it again while nobody has decided. Says whether it did.
pub async fn wait_for_voice(work: &mut Work<'_>, case: &mut Case) -> Result<bool, Fault> {
    let reason = HoldReason::SingleVoice;
    let allowed = work.site.profile().holds.reasons.contains_key(&reason);
    if !(case.voice_waits && case.is_open() && allowed) {
        return Ok(false);
    }
    let lasting = holds::lasting(work.tx, &work.site.id, case.id).await?;
    if lasting.iter().any(|hold| hold.reason == reason) {
        return Ok(false);
    }
    let new = NewHold {
        reason,
        until: work.now.saturating_add(FARTHEST).unwrap_or(work.now),
        approver: SENDER.to_owned(),
        note: "a message waits for the spokesperson".to_owned(),
    };
    hold(work, case, new, false).await?;
    Ok(true)
}

/// While a case is open, the hold says whether a message waits. Where a decision ended it and the mark stayed, a release heard of that
/// which keeps no mark: nothing waits, and no reopening holds the case for it.
pub(super) async fn unmark_decided(work: &mut Work<'_>, case: &mut Case) -> Result<(), Fault> {
    if !case.voice_waits {
        return Ok(());
    }
    let mut all = holds::of_case(work.tx, &work.site.id, case.id).await?;
    all.retain(|hold| hold.reason == HoldReason::SingleVoice);
    let lasts = all.iter().any(|hold| hold.end.is_none());
    let decided = all.last().is_some_and(|hold| hold.end_cause == DECIDED);
    if decided && !lasts {
        case.voice_waits = false;
        cases::set_voice_waits(work.tx, &work.site.id, case).await?;
    }
    Ok(())
}

/// Stops a promise from the start of a hold on, or from its own. What was due before is told first: while it
/// stands still it comes due no more.
async fn stop(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    hold: &Hold,
) -> Result<(), Fault> {
    let at = hold.start.max(clock.start);
    Box::pin(firing::catch_up(work, case, clock, at)).await?;
    if clock.stopped.is_some() {
        return Ok(());
    }
    let event = Event::Held {
        at,
        reason: hold.reason,
    };
    promises::apply(work, case, clock, event, "held")
        .await
        .map(drop)
}

fn stops(site: &Site, reason: HoldReason, clock: &Clock) -> bool {
    clock.stopped.is_none() && clock.held.is_none() && site.profile().may_hold(reason, clock.kind)
}

/// Stops a promise that was made while a hold lasts that stops its kind.
pub(super) async fn stop_new(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
) -> Result<(), Fault> {
    if case.held_since.is_none() {
        return Ok(());
    }
    let lasting = holds::lasting(work.tx, &work.site.id, case.id).await?;
    // One whose time has passed before the promise was made stops it not, though nobody ended it yet.
    let is_its = |h: &&Hold| h.until > clock.start && stops(work.site, h.reason, clock);
    match lasting.iter().find(is_its) {
        Some(hold) => stop(work, case, clock, hold).await,
        None => Ok(()),
    }
}

/// Ends the hold of this reason, if it lasts. Says whether it did.
pub async fn release(
    work: &mut Work<'_>,
    case: &mut Case,
    reason: HoldReason,
    cause: &str,
) -> Result<bool, Fault> {
    let now = work.now;
    end(work, case, cause, |hold| {
        (hold.reason == reason).then_some(now)
    })
    .await
}

/// The customer spoke: a hold that waits for that ends then. A word from before the hold is not the one that it
/// waits for, however late it is entered.
pub(super) async fn answered(
    work: &mut Work<'_>,
    case: &mut Case,
    at: Timestamp,
) -> Result<(), Fault> {
    let at = at.min(work.now);
    end(work, case, "contact", |hold| {
        (hold.reason == HoldReason::Customer && at >= hold.start).then_some(at)
    })
    .await
    .map(drop)
}

/// Ends every hold: nobody is waited for any more.
pub(super) async fn release_all(
    work: &mut Work<'_>,
    case: &mut Case,
    at: Timestamp,
) -> Result<(), Fault> {
    end(work, case, "moved", |_| Some(at)).await.map(drop)
}

/// Ends the holds whose time has come, each at its own instant.
pub(super) async fn expire(work: &mut Work<'_>, case: &mut Case) -> Result<(), Fault> {
    end(work, case, TIME, |_| None).await.map(drop)
}

/// Why a hold ended: by itself.
const TIME: &str = "time";

/// Ends the holds that `when` says, and those whose time has passed though nobody saw to it yet: each by the
/// instant that was named at the latest (P13), and none before it began. Says whether `when` said any.
async fn end(
    work: &mut Work<'_>,
    case: &mut Case,
    cause: &str,
    when: impl Fn(&Hold) -> Option<Timestamp>,
) -> Result<bool, Fault> {
    if case.held_since.is_none() {
        return Ok(false);
    }
    let (site, now) = (work.site, work.now);
    let mut lasting = holds::lasting(work.tx, &site.id, case.id).await?;
    let mut ending: Vec<(Timestamp, Hold)> = Vec::new();
    let mut asked = false;
    lasting.retain(|hold| {
        let wanted = when(hold);
        asked |= wanted.is_some();
        let by_itself = (hold.until <= now).then_some(hold.until);
        if let Some(at) = wanted.or(by_itself) {
            let at = at.min(hold.until).max(hold.start);
            ending.push((at, hold.clone()));
            return false;
        }
        true
    });
    let Some(last) = ending.iter().map(|(at, _)| *at).max() else {
        return Ok(false);
    };
    for (at, hold) in &ending {
        let why = if *at < hold.until { cause } else { TIME };
        holds::end(work.tx, &site.id, hold.id, *at, why).await?;
    }
    if lasting.is_empty() {
        let all = holds::of_case(work.tx, &site.id, case.id).await?;
        run_again(case, last, &all);
        cases::set_status(work.tx, &site.id, case).await?;
    }
    for mut clock in clocks::lock_of_case(work.tx, &site.id, case.id).await? {
        let may = |hold: &Hold| site.profile().may_hold(hold.reason, clock.kind);
        if clock.held.is_none() || lasting.iter().any(may) {
            continue;
        }
        // From the end of the last hold that stopped it; by a newer policy none of them may.
        let mine = ending.iter().filter(|(_, h)| may(h)).map(|(at, _)| *at);
        let at = mine.max().unwrap_or(last).max(clock.start);
        promises::apply(work, case, &mut clock, Event::Resumed { at }, cause).await?;
    }
    arm(work, case).await?;
    Ok(asked)
}

/// For how long the age of a case stood still, and since when it does now: what waits for our own spokesperson alone is a
/// reason on our side, and it counts on (G1.7, G2.4, decision 42).
pub(super) async fn still(
    work: &mut Work<'_>,
    case: &Case,
) -> Result<(SignedDuration, Option<Timestamp>), Fault> {
    let Some(since) = case.held_since else {
        return Ok((case.held, None));
    };
    let all = holds::of_case(work.tx, &work.site.id, case.id).await?;
    let outside = || all.iter().filter(|hold| stops_the_age(hold.reason));
    // One whose time has passed is over, though nobody ended it yet (P13).
    let by_itself = |hold: &Hold| (hold.until <= work.now).then_some(hold.until);
    let end = |hold: &Hold| hold.end.or_else(|| by_itself(hold));
    let lasting = outside().filter(|hold| end(hold).is_none());
    let now = lasting.map(|hold| hold.start).min();
    let over = outside().filter_map(|hold| {
        let end = end(hold)?.min(now.unwrap_or(Timestamp::MAX));
        Some((hold.start.max(since), end))
    });
    Ok((case.held + together(over), now))
}

/// The reason for which the age of a case stands still now; none where no hold stops it.
pub async fn stills(
    tx: &mut Tx,
    site: &SiteId,
    case: Uuid,
    now: Timestamp,
) -> Result<Option<HoldReason>, Fault> {
    let lasting = holds::lasting(tx, site, case).await?;
    // The oldest comes first; one whose time has passed is over, though nobody ended it yet (P13).
    let stills = |hold: &&Hold| stops_the_age(hold.reason) && hold.until > now;
    Ok(lasting.iter().find(stills).map(|hold| hold.reason))
}

pub(super) fn stops_the_age(reason: HoldReason) -> bool {
    reason != HoldReason::SingleVoice
}

/// The age of a case counts again, unless it is resolved too: then it still stands. What waited for our own spokesperson
/// alone was a reason on our side (G1.7, G2.4).
fn run_again(case: &mut Case, at: Timestamp, all: &[Hold]) {
    let Some(since) = case.held_since.take() else {
        return;
    };
    let outside = all
        .iter()
        .filter(|hold| stops_the_age(hold.reason))
        .map(|hold| {
            (
                hold.start.max(since),
                hold.end.unwrap_or(hold.until).min(at),
            )
        });
    match &mut case.resolved_since {
        Some(resolved) => *resolved = since.min(*resolved),
        None => case.held += together(outside),
    }
}

/// How long stretches of time last together, whatever they share.
pub(super) fn together(stretches: impl Iterator<Item = (Timestamp, Timestamp)>) -> SignedDuration {
    let mut stretches: Vec<_> = stretches.filter(|(from, to)| from < to).collect();
    stretches.sort_unstable();
    let (mut sum, mut until) = (SignedDuration::ZERO, Timestamp::MIN);
    for (from, to) in stretches {
        let from = from.max(until);
        if from < to {
            sum += from.duration_until(to);
            until = to;
        }
    }
    sum
}

/// Waits for the next hold that ends by itself.
async fn arm(work: &mut Work<'_>, case: &Case) -> Result<(), Fault> {
    let site = &work.site.id;
    let lasting = holds::lasting(work.tx, site, case.id).await?;
    let ends = lasting.iter().min_by_key(|hold| hold.until);
    let next = ends.map(|hold| hold.until);
    let all = clocks::lock_of_case(work.tx, site, case.id).await?;
    let found = all.into_iter().find(|c| c.kind == ClockKind::HoldEnd);
    let (mut clock, is_new) = match (found, next) {
        (None, None) => return Ok(()),
        (Some(clock), _) if clock.next == next => return Ok(()),
        (Some(clock), _) => (clock, false),
        (None, Some(_)) => {
            let kind = ClockKind::HoldEnd;
            let (now, calendar) = (work.now, work.site.calendar_revision());
            let clock = Clock::silent(ids::new_id(now), case, kind, now, now, calendar);
            (clock, true)
        }
    };
    clock.next = next;
    if let Some(hold) = ends {
        clock.state = ClockState::Running;
        clock.stopped = None;
        clock.stop_cause = String::new();
        clock.start = hold.start;
        clock.deadlines = Deadlines::at(hold.until);
        clock.term = redress_clock::Term::Until(hold.until);
    } else {
        clock.state = ClockState::Met;
        clock.stopped = Some(work.now);
    }
    if is_new {
        clocks::insert(work.tx, site, &[&clock]).await?;
    } else {
        clock.generation += 1;
        clocks::update(work.tx, site, &clock).await?;
    }
    work.entries.extend(clock.entry());
    Ok(())
}
