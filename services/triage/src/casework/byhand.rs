//! What a person does to a clock: starts one that nobody else would (the deadline of an outside body or of the law, what
//! a partner owes us), gives more time, says that it is done or that nobody needs it.

use jiff::Timestamp;
use redress_clock::{Event, Term};
use redress_model::Fault;
use redress_model::words::{ClockKind, LegalDeadline};
use uuid::Uuid;

use super::promises::{self, Start};
use super::{Work, law};
use crate::store::cases::Case;
use crate::store::clocks::{self, Clock};

/// A promise that a person starts.
#[derive(Debug, Clone)]
pub struct ByHand {
    /// Which.
    pub kind: ClockKind,
    /// The deadline of the law that it keeps: its policy says how much time that gives, and to whom it is owed.
    pub law: Option<LegalDeadline>,
    /// From when on.
    pub at: Timestamp,
    /// How much time it gives; what the policy promises where it is none.
    pub term: Option<Term>,
    /// The customer is told the deadline.
    pub told: bool,
    /// Who demands it or owes it.
    pub party: String,
    /// That party's own number.
    pub outside_number: String,
    /// Who starts it: a token subject.
    pub by: String,
}

/// Whether a person may start a clock of this kind; the others follow from what happens.
pub fn may_start(kind: ClockKind) -> bool {
    matches!(
        kind,
        ClockKind::OutsideDeadline
            | ClockKind::Support
            | ClockKind::InterimUpdate
            | ClockKind::Defence
            | ClockKind::AppealJudgment
            | ClockKind::AppealRuling
            | ClockKind::Rescue
            | ClockKind::OnSite
            | ClockKind::StoreReport
            | ClockKind::MediaClarification
    )
}

/// Whether a person may say that nobody needs it any more: whoever started it by hand gave it a slot with an id of its own.
/// What the policy or the law promises, what the customer was told and what somebody asked for by name goes with that; but
/// what a signal alone started and no dismissal takes back, a person does.
pub async fn may_cancel(work: &mut Work<'_>, clock: &Clock) -> Result<bool, Fault> {
    if clock.demand.is_some() || !may_start(clock.kind) {
        return Ok(false);
    }
    let id = clock.slot.rsplit('/').next().map(str::parse::<Uuid>);
    match id {
        // The head of a merge keeps what the law or a promise asks of a merged case in the slot of that case's clock.
        Some(Ok(id)) => Ok(clocks::get(work.tx, &work.site.id, id).await?.is_none()),
        Some(Err(_)) | None => Ok(clock.slot.is_empty()
            && matches!(
                clock.kind,
                ClockKind::Defence | ClockKind::MediaClarification
            )),
    }
}

/// Whether a person says that it is done; the others are met by what happens.
pub fn may_meet(kind: ClockKind) -> bool {
    (may_start(kind) && kind != ClockKind::InterimUpdate) || kind == ClockKind::FollowUpVisit
}

/// Whether a person gives more time for it. A question is no promise: its silence counts (section 4), and a
/// customer who has not replied is visited.
pub fn may_extend(kind: ClockKind) -> bool {
    match kind {
        ClockKind::AgeCheck
        | ClockKind::HoldEnd
        | ClockKind::ConfirmSignal
        | ClockKind::ConfirmClosing
        | ClockKind::LeaderContact
        | ClockKind::HoldingStatement
        | ClockKind::InsideReport
        | ClockKind::OutwardUpdate
        | ClockKind::WeeklyBriefing
        | ClockKind::Commitment
        | ClockKind::ReviewAction
        | ClockKind::MediaAnswer
        | ClockKind::StatementReview
        | ClockKind::RoleOffer
        | ClockKind::PlaybookTask => false,
        ClockKind::Acknowledge
        | ClockKind::StartInvestigation
        | ClockKind::OnSite
        | ClockKind::Rescue
        | ClockKind::Answer
        | ClockKind::InterimUpdate
        | ClockKind::Resolve
        | ClockKind::OutsideDeadline
        | ClockKind::Support
        | ClockKind::Defence
        | ClockKind::AppealJudgment
        | ClockKind::AppealRuling
        | ClockKind::StoreReport
        | ClockKind::MediaClarification
        | ClockKind::FollowUpVisit => true,
    }
}

/// Starts a clock by hand. None where it gives no time and the policy does not either.
pub async fn start(
    work: &mut Work<'_>,
    case: &Case,
    new: ByHand,
    slot: Uuid,
) -> Result<Option<Clock>, Fault> {
    let urgency = promises::urgency(work, case).await?;
    let site = work.site;
    let rule = new.law.and_then(|name| site.profile().law.get(&name));
    let policy = || match rule {
        Some(rule) => Some(Term::Length(rule.length)),
        None => promises::length(site, case, urgency, new.kind).map(Term::Length),
    };
    let Some(term) = new.term.or_else(policy) else {
        return Ok(None);
    };
    let owed_to = rule.filter(|_| new.party.is_empty());
    let new = Start {
        kind: new.kind,
        slot: new
            .law
            .map_or_else(|| slot.to_string(), |name| law::by_name(name, slot)),
        demand: None,
        at: new.at,
        term,
        told: new.told,
        party: owed_to.map_or(new.party, |rule| rule.party.clone()),
        outside_number: new.outside_number,
        cause: "by hand",
        by: new.by,
    };
    promises::start(work, case, urgency, new).await.map(Some)
}

/// What a person does to a running clock.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// It is done.
    Meet(Timestamp),
    /// Nobody needs it.
    Cancel,
    /// More time is given.
    Extend(Timestamp),
}

/// Does it; `reason` goes to the clock's history. Returns whether it changed anything.
pub async fn act(
    work: &mut Work<'_>,
    case: &Case,
    clock: &mut Clock,
    act: Act,
    reason: &str,
) -> Result<bool, Fault> {
    let at = work.now;
    let event = match act {
        Act::Meet(at) => Event::Met { at },
        Act::Cancel => Event::Cancelled { at },
        Act::Extend(due) => Event::Extended { at, due },
    };
    promises::apply(work, case, clock, event, reason).await
}

/// The clock, its case locked before it.
pub async fn find(work: &mut Work<'_>, case: &Case, id: Uuid) -> Result<Option<Clock>, Fault> {
    let all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    Ok(all.into_iter().find(|clock| clock.id == id))
}
