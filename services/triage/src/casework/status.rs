//! Where a case stands, and what follows from it. Effects come from the change of standing, not from
//! single words, so that whoever tells first, the end is the same.

use std::collections::HashMap;

use jiff::Timestamp;
use redress_clock::{Event, Term};
use redress_model::Fault;
use redress_model::words::{CaseStatus, ClockKind, ClockState, Urgency};
use uuid::Uuid;

use super::decide::{decide_reopened, head_of_merged};
use super::known::known;
use super::promises::Start;
use super::{Work, age, came_back, contact, decide, holds, merging, promises, recount, spread};
use crate::domain::Cause;
use crate::store::cases::{self, Case};
use crate::store::clocks::Clock;
use crate::store::{clocks, sites};

/// Who moves a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mover {
    /// Intake: each of its moves bumps the epoch.
    Intake,
    /// Assignment: stamps the epoch it saw.
    Assignment,
}

/// A move of the status.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    /// Who.
    pub mover: Mover,
    /// Where to.
    pub status: CaseStatus,
    /// In which of intake's epochs.
    pub epoch: i64,
    /// When.
    pub at: Timestamp,
    /// The case it is merged into, where it is.
    pub merged_into: Option<Uuid>,
}

impl Move {
    /// Whether it takes effect on a case of this epoch; a move of an older epoch never does, and one
    /// of intake's own takes effect once.
    pub fn takes_effect(&self, epoch: i64) -> bool {
        match self.mover {
            Mover::Intake => self.epoch > epoch,
            Mover::Assignment => self.epoch == epoch,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    Resolved,
    Ended,
}

fn standing(status: CaseStatus) -> Standing {
    match status {
        CaseStatus::Received
        | CaseStatus::Triaged
        | CaseStatus::Assigned
        | CaseStatus::Accepted
        | CaseStatus::Investigating
        | CaseStatus::Proposed
        | CaseStatus::Resolving
        | CaseStatus::Reopened => Standing::Open,
        CaseStatus::Resolved => Standing::Resolved,
        CaseStatus::Closed
        | CaseStatus::Archived
        | CaseStatus::Withdrawn
        | CaseStatus::Rejected
        | CaseStatus::Merged => Standing::Ended,
    }
}

/// The statuses in which the matter is still to be resolved.
pub(super) fn open_statuses() -> Vec<CaseStatus> {
    let open = |status: &CaseStatus| standing(*status) == Standing::Open;
    CaseStatus::ALL.iter().copied().filter(open).collect()
}

impl Case {
    /// Whether nothing more follows from it: it pages nobody (P06).
    pub fn is_ended(&self) -> bool {
        standing(self.status) == Standing::Ended
    }

    /// Whether it had ended before then. Of a case that ended before the instant was kept, its resolution is sure to be no later.
    pub fn had_ended_by(&self, at: Timestamp) -> bool {
        let ended = self.ended_since.or(self.resolved_since);
        self.is_ended() && ended.is_none_or(|ended| ended < at)
    }

    /// Whether its matter is still to be resolved.
    pub fn is_open(&self) -> bool {
        standing(self.status) == Standing::Open
    }

    /// Whether its matter was still to be resolved then, where it is open or has ended since.
    pub fn was_open_at(&self, at: Timestamp) -> bool {
        let resolved = self.resolved_since.filter(|_| self.is_ended());
        self.is_open() || resolved.is_some_and(|resolved| at <= resolved)
    }
}

/// The statuses of cases that have ended.
pub fn ended_statuses() -> impl Iterator<Item = CaseStatus> {
    CaseStatus::ALL
        .iter()
        .copied()
        .filter(|status| standing(*status) == Standing::Ended)
}

/// Whether the people of a case in this status still complain.
pub(crate) fn complains(status: CaseStatus) -> bool {
    !matches!(status, CaseStatus::Withdrawn | CaseStatus::Rejected)
}

/// Whether intake, and not the work on it, ended a case in this status.
fn ended_by_intake(status: CaseStatus) -> bool {
    matches!(
        status,
        CaseStatus::Withdrawn | CaseStatus::Merged | CaseStatus::Archived
    )
}

/// What is reopened was resolved, whether we heard of that or not.
fn unheard(was: Standing, status: CaseStatus) -> bool {
    was == Standing::Open && status == CaseStatus::Reopened
}

/// Moves a case. A move that takes no effect changes nothing.
pub async fn stand(work: &mut Work<'_>, case: &mut Case, to: &Move) -> Result<(), Fault> {
    if !to.takes_effect(case.epoch) {
        return Ok(());
    }
    let (was, is) = (standing(case.status), standing(to.status));
    if was == Standing::Ended && is != Standing::Ended && !case.facts.historical {
        // A former release gave an ended head nothing: it takes it while it is ended still, so that it is reopened like the rest.
        merging::take(work, case).await?;
    }
    if was == Standing::Open {
        holds::unmark_decided(work, case).await?;
    }
    // Work leaves a told proposal by the customer's reply alone.
    let replied = to.mover == Mover::Assignment
        && case.status == CaseStatus::Proposed
        && matches!(to.status, CaseStatus::Resolving | CaseStatus::Investigating);
    let failed = to.mover == Mover::Assignment
        && case.status == CaseStatus::Resolving
        && to.status == CaseStatus::Investigating;
    let counted = complains(case.status) != complains(to.status);
    let back = ended_by_intake(case.status) && is != Standing::Ended;
    let unmerged = case.status == CaseStatus::Merged && is != Standing::Ended;
    case.status = to.status;
    case.epoch = to.epoch;
    let head = case.merged_into;
    case.merged_into = to.merged_into.filter(|_| to.status == CaseStatus::Merged);
    if to.status == CaseStatus::Proposed && !unmerged {
        case.proposed_since = Some(to.at);
    }
    let unheard = unheard(was, to.status);
    if was != is || unheard {
        // What was waited for until here is waited for no more: neither for a solution, nor to ask about one that failed (P27).
        holds::release_all(work, case, to.at).await?;
    }
    // The age stands still while nobody waits for us, so that a reopened case does not climb at once
    // for the time it was closed (P27). While it was merged people waited all the same.
    if is == Standing::Open {
        if let Some(since) = case.resolved_since.take().filter(|_| !unmerged) {
            case.held += since.duration_until(to.at.max(since));
        }
    } else {
        case.resolved_since.get_or_insert(to.at);
    }
    case.ended_since = match (was, is) {
        (Standing::Ended, Standing::Ended) => case.ended_since,
        (_, Standing::Ended) => Some(to.at),
        _ => None,
    };
    cases::set_status(work.tx, &work.site.id, case).await?;
    if counted {
        sites::lock_clusters(work.tx, &work.site.id).await?;
        recount(work, case.cluster).await?;
    }
    merging::lock_head(work, case).await?;
    if !case.facts.historical {
        let change = Change {
            was,
            is,
            replied,
            failed,
            unmerged,
        };
        let done = match head.filter(|_| unmerged) {
            Some(head) => merging::done_by_head(work, case, head).await?,
            None => HashMap::new(),
        };
        effects(work, case, change, &done, to.at).await?;
        if is == Standing::Open && (was != is || unheard) {
            holds::wait_for_voice(work, case).await?;
        }
    }
    if back {
        decide_reopened(work, case).await?;
    } else if was != is || unheard || head != case.merged_into {
        decide(work, case, Cause::Moved).await?;
    }
    // The head that it left is decided again without it.
    if let Some(head) = head.filter(|head| case.merged_into != Some(*head)) {
        if merging::give_back(work, case, head).await? {
            decide(work, case, Cause::Moved).await?;
        }
        head_of_merged(work, head, Cause::Moved).await?;
    }
    if case.merged_into.is_some() && head != case.merged_into {
        merging::carry(work, case).await?;
    }
    if counted {
        spread(work, case, Cause::Cluster).await?;
    }
    if to.status == CaseStatus::Resolved && !case.facts.historical {
        came_back::heard_late(work, case).await?;
    }
    Ok(())
}

/// The people of a case came back after it was handled, and it was opened again for it (G3.3). A grade that was lowered in
/// knowledge of the time before was not in knowledge of this one.
pub async fn complained_again(work: &mut Work<'_>, case: &mut Case) -> Result<(), Fault> {
    case.again_since = Some(work.now);
    cases::set_again(work.tx, &work.site.id, case).await?;
    decide(work, case, Cause::Moved).await
}

/// Why a clock stopped: the case ended.
pub(super) const ENDED: &str = "ended";

/// Whether nothing but the end of its case stopped it.
pub(super) fn is_stopped_by_end(clock: &Clock) -> bool {
    clock.state == ClockState::Cancelled && clock.stop_cause == ENDED
}

/// Why a clock stopped: the case moved on.
const MOVED: &str = "moved";

/// What a move changes for the clocks.
#[derive(Debug, Clone, Copy)]
struct Change {
    was: Standing,
    is: Standing,
    /// The customer replied to a proposal.
    replied: bool,
    /// What was agreed to is not carried out: nobody is asked about it any more, and all else goes on.
    failed: bool,
    /// A merge was undone.
    unmerged: bool,
}

async fn effects(
    work: &mut Work<'_>,
    case: &Case,
    change: Change,
    done: &HashMap<Uuid, Timestamp>,
    at: Timestamp,
) -> Result<(), Fault> {
    let Change {
        was,
        is,
        replied,
        failed,
        unmerged,
    } = change;
    let urgency = promises::urgency(work, case).await?;
    // What is reopened was resolved, whether we heard of it or not: the word of it comes too late to have an effect.
    let unheard = unheard(was, case.status);
    let mut all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    for clock in all.iter_mut().filter(|clock| !clock.is_silent()) {
        if unheard && clock.kind == ClockKind::Resolve {
            promises::apply(work, case, clock, Event::Met { at }, MOVED).await?;
        }
        let event = match is {
            _ if replied && clock.kind == ClockKind::ConfirmClosing => {
                Some((Event::Met { at }, MOVED))
            }
            _ if failed && asks_about_it(clock.kind) => Some((Event::Cancelled { at }, MOVED)),
            _ if unmerged && goes_on(clock, is, at) => {
                // What its head was done with goes on until then, so that it was missed only if it was by then.
                let until = done.get(&clock.id).copied().unwrap_or(at);
                as_it_stood(work, clock, until)
            }
            Standing::Open if unheard && follows_resolution(clock.kind) => {
                reopened(work, case, clock, Standing::Resolved, at)
            }
            Standing::Open if was == Standing::Open => investigated(case, clock, at),
            Standing::Open => reopened(work, case, clock, was, at),
            Standing::Resolved if was == Standing::Resolved => None,
            Standing::Resolved => resolved(clock, at),
            Standing::Ended => Some((Event::Cancelled { at }, ENDED)),
        };
        if let Some((event, cause)) = event {
            promises::apply(work, case, clock, event, cause).await?;
        }
    }
    // The visit that the merge had stopped goes on.
    let visits = |c: &Clock| c.kind == ClockKind::FollowUpVisit && c.stopped.is_none();
    if is == Standing::Resolved && was != is && !(unmerged && all.iter().any(visits)) {
        follow_up(work, case, urgency, &mut all, at).await?;
    }
    if is != Standing::Ended {
        contact::confirm(work, case, urgency, &mut all).await?;
    }
    if is != Standing::Open {
        age::disarm_of(work, &mut all).await?;
    }
    Ok(())
}

/// Work has begun, or is further still: what is reopened was resolved, whether we heard of it or not.
fn investigated(case: &Case, clock: &Clock, at: Timestamp) -> Option<(Event, &'static str)> {
    let begun = matches!(
        case.status,
        CaseStatus::Investigating
            | CaseStatus::Proposed
            | CaseStatus::Resolving
            | CaseStatus::Reopened
    );
    (begun && clock.kind == ClockKind::StartInvestigation).then_some((Event::Met { at }, MOVED))
}

/// Whether it asks the customer about a solution.
fn asks_about_it(kind: ClockKind) -> bool {
    matches!(kind, ClockKind::FollowUpVisit | ClockKind::ConfirmClosing)
}

/// Whether a resolution keeps it or asks it, so that a reopening begins it anew or ends it.
fn follows_resolution(kind: ClockKind) -> bool {
    kind == ClockKind::Resolve || asks_about_it(kind)
}

/// What a resolution does: it is kept, makes others needless, or touches them not. What is owed to the
/// customer and to outside bodies is owed still, and so is the help that a department or a partner promised, until
/// somebody says that it was given or is not needed.
fn resolved(clock: &Clock, at: Timestamp) -> Option<(Event, &'static str)> {
    let event = match clock.kind {
        ClockKind::Resolve | ClockKind::StartInvestigation => Event::Met { at },
        ClockKind::OnSite | ClockKind::Rescue | ClockKind::ConfirmSignal => Event::Cancelled { at },
        ClockKind::InterimUpdate if clock.slot.is_empty() => Event::Cancelled { at },
        _ => return None,
    };
    Some((event, MOVED))
}

/// What a reopening does. The matter is to be resolved anew, what the end of the case had stopped goes on,
/// and nothing counts for the time between (P27).
fn reopened(
    work: &Work<'_>,
    case: &Case,
    clock: &Clock,
    was: Standing,
    at: Timestamp,
) -> Option<(Event, &'static str)> {
    let stopped_by = |cause| clock.state == ClockState::Cancelled && clock.stop_cause == cause;
    let again = match clock.kind {
        ClockKind::Resolve => true,
        // The solution failed: nobody is asked about it.
        kind if asks_about_it(kind) => return Some((Event::Cancelled { at }, MOVED)),
        // It is asked anew where there is still something to ask.
        ClockKind::ConfirmSignal => false,
        ClockKind::InterimUpdate if stopped_by(MOVED) => true,
        _ => was == Standing::Ended && stopped_by(ENDED),
    };
    if !again {
        return None;
    }
    let mut terms = promises::terms(work.site, clock.kind, term_anew(work, case, clock, at)?);
    terms.told |= clock.told_customer;
    terms.channel = clock.channel;
    // What an outside body gave stands as it was given, and so do its warning and its climbs (P11).
    let stands = is_set_outside(clock.kind) && clock.deadlines.due > at;
    let at = if stands { clock.start } else { at };
    Some((Event::Restarted { at, terms }, MOVED))
}

/// Whether a promise that the end of the case stopped goes on once the merge is undone. The question to the leads is asked
/// anew, where there is still something to ask.
fn goes_on(clock: &Clock, is: Standing, at: Timestamp) -> bool {
    let stopped = clock.state == ClockState::Cancelled && clock.stop_cause == ENDED;
    let needless = is == Standing::Resolved && resolved(clock, at).is_some();
    stopped && !needless && clock.kind != ClockKind::ConfirmSignal
}

/// What undoing a merge does: a merge and its undoing buy no time, so the promise goes on from its start to its deadline.
/// Where that passed meanwhile it is a breach, told once, that climbs from now.
fn as_it_stood(work: &Work<'_>, clock: &Clock, at: Timestamp) -> Option<(Event, &'static str)> {
    let due = clock.deadlines.due;
    let start = if due > at { clock.start } else { at };
    let term = promises::term_to_due(work.site, clock, start);
    let mut terms = promises::terms(work.site, clock.kind, term);
    terms.told |= clock.told_customer;
    terms.channel = clock.channel;
    Some((Event::Restarted { at: start, terms }, MOVED))
}

/// How much time a promise gives that goes on; none where nothing is left of it.
fn term_anew(work: &Work<'_>, case: &Case, clock: &Clock, at: Timestamp) -> Option<Term> {
    let ahead = |due: &Timestamp| *due > at;
    if is_set_outside(clock.kind) {
        // It did not wait for us. Where it passed meanwhile that is a breach, told once.
        return Some(Term::Until(clock.deadlines.due));
    }
    let length = promises::length_asked(work.site, case, clock, clock.asked_by(case));
    match (clock.term, length) {
        // What the policy promises is promised anew, whatever a person gave the round before.
        (_, Some(length)) if clock.slot.is_empty() => Some(Term::Length(length)),
        (Term::Length(_), _) => Some(clock.term),
        // An instant that was promised and passed meanwhile is not promised anew.
        (Term::Until(due), _) => Some(due).filter(ahead).map(Term::Until),
    }
}

/// Whether its deadline is an outside body's, which no standing of the case stops.
pub(super) fn is_set_outside(kind: ClockKind) -> bool {
    matches!(
        kind,
        ClockKind::OutsideDeadline
            | ClockKind::Defence
            | ClockKind::AppealJudgment
            | ClockKind::AppealRuling
    )
}

/// Somebody asks whether it really is solved (M10, M16).
async fn follow_up(
    work: &mut Work<'_>,
    case: &Case,
    urgency: Urgency,
    all: &mut [Clock],
    at: Timestamp,
) -> Result<(), Fault> {
    let kind = ClockKind::FollowUpVisit;
    let Some(length) = promises::length(work.site, case, urgency, kind) else {
        return Ok(());
    };
    // What a monitor found has nobody to ask.
    if known(work, case).await?.facts.complainants == 0 {
        return Ok(());
    }
    let clock = all.iter_mut().find(|c| c.kind == kind && c.slot.is_empty());
    let new = Start::of(kind, at, length, "resolved");
    promises::again(work, case, urgency, clock, new).await
}
