//! Where a case stands, and what follows from it. Effects come from the change of standing, not from
//! single words, so that whoever tells first, the end is the same.

use jiff::Timestamp;
use redress_clock::Event;
use redress_model::Fault;
use redress_model::words::{CaseStatus, ClockKind, ClockState};

use uuid::Uuid;

use super::decide::head_of_merged;
use super::{Work, age, decide, promises, spread};
use crate::domain::Cause;
use crate::store::cases::{self, Case};
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

impl Case {
    /// Whether nothing more follows from it: it pages nobody (P06).
    pub fn is_ended(&self) -> bool {
        standing(self.status) == Standing::Ended
    }

    /// Whether its matter is still to be resolved.
    pub fn is_open(&self) -> bool {
        standing(self.status) == Standing::Open
    }
}

/// Whether the people of a case in this status still complain.
pub(super) fn complains(status: CaseStatus) -> bool {
    !matches!(status, CaseStatus::Withdrawn | CaseStatus::Rejected)
}

/// Moves a case. A move that takes no effect changes nothing.
pub async fn stand(work: &mut Work<'_>, case: &mut Case, to: &Move) -> Result<(), Fault> {
    if !to.takes_effect(case.epoch) {
        return Ok(());
    }
    let (was, is) = (standing(case.status), standing(to.status));
    let counted = complains(case.status) != complains(to.status);
    case.status = to.status;
    case.epoch = to.epoch;
    let head = case.merged_into;
    case.merged_into = to.merged_into.filter(|_| to.status == CaseStatus::Merged);
    // The age stands still while nobody waits for us, so that a reopened case does not climb at once
    // for the time it was closed (P27).
    if is == Standing::Open {
        if let Some(since) = case.resolved_since.take() {
            case.held += since.duration_until(to.at.max(since));
        }
    } else {
        case.resolved_since.get_or_insert(to.at);
    }
    cases::set_status(work.tx, &work.site.id, case).await?;
    if was != is && !case.facts.historical {
        effects(work, case, was, is, to.at).await?;
    }
    if was != is || head != case.merged_into {
        decide(work, case, Cause::Moved).await?;
    }
    // The head that it left is decided again without it.
    if let Some(head) = head.filter(|head| case.merged_into != Some(*head)) {
        head_of_merged(work, head, Cause::Moved).await?;
    }
    if counted {
        sites::lock_clusters(work.tx, &work.site.id).await?;
        spread(work, case, Cause::Cluster).await?;
    }
    Ok(())
}

async fn effects(
    work: &mut Work<'_>,
    case: &Case,
    was: Standing,
    is: Standing,
    at: Timestamp,
) -> Result<(), Fault> {
    let mut all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    for clock in &mut all {
        if clock.kind == ClockKind::AgeCheck {
            continue;
        }
        let event = match is {
            Standing::Resolved if clock.kind == ClockKind::Resolve => Event::Met { at },
            Standing::Resolved => continue,
            Standing::Ended => Event::Cancelled { at },
            Standing::Open => {
                let again = clock.kind == ClockKind::Resolve
                    || (was == Standing::Ended && clock.state == ClockState::Cancelled);
                if !again {
                    continue;
                }
                let length = promises::length(work.site, case, clock.kind).unwrap_or(clock.length);
                Event::Restarted { at, length }
            }
        };
        promises::apply(work, case, clock, event, "moved").await?;
    }
    if is != Standing::Open {
        age::disarm_of(work, &mut all).await?;
    }
    Ok(())
}
