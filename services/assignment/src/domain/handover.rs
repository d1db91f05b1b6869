//! Handing a case over. The giver stays responsible until the receiver accepts: an open hand-over is nothing but an offer
//! beside a case in hand, and whatever ends it (acceptance, refusal, its limit, a new owner) ends the offer.

use jiff::Timestamp;
use redress_model::name::StaffId;
use redress_model::words::CaseStatus;

use super::routing::Reason;
use super::transition::Outcome;
use super::work::{Step, StepKind, Work, is_in_hand};

/// How long a hand-over stands where the giver does not say, in hours.
pub const LIMIT_HOURS: i64 = 2;

/// What cannot be done about a hand-over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody has the case in hand.
    #[error("only a case in hand is handed over, and this one is {0}; it has to be accepted first")]
    NotInHand(CaseStatus),
    /// There is no open hand-over.
    #[error(
        "the case is not being handed over; legal now: OfferHandover by whoever is responsible"
    )]
    NotOffered,
}

/// How a hand-over ends without effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The receiver does not want it, or the giver took it back.
    Declined,
    /// Nobody said anything in time.
    Expired,
}

/// Whether the work is being handed over.
pub fn is_open(work: &Work) -> bool {
    is_in_hand(work.status) && work.offered_to.is_some()
}

/// Offers a case in hand to another person. That the person may handle it is for the caller to know.
///
/// # Errors
/// When nobody has it in hand.
pub fn offer(work: &Work, to: StaffId, text: String, at: Timestamp) -> Result<Outcome, Refusal> {
    if !is_in_hand(work.status) || work.responsible.is_none() {
        return Err(Refusal::NotInHand(work.status));
    }
    let mut work = work.clone();
    work.offered_to = Some(to);
    Ok(told(
        work,
        StepKind::HandoverOffered,
        Reason::HandoverOffered,
        text,
        at,
    ))
}

/// The receiver takes it.
///
/// # Errors
/// When nothing is handed over.
pub fn accept(work: &Work, at: Timestamp) -> Result<Outcome, Refusal> {
    let mut work = open(work)?;
    let giver = work.responsible.take();
    work.responsible = work.offered_to.take();
    // Why the giver had it says nothing of who has it now. What the giver said to it stands in the history alone.
    work.explanation = giver
        .map(|giver| format!("{giver} handed it over"))
        .into_iter()
        .collect();
    Ok(told(
        work,
        StepKind::HandedOver,
        Reason::HandedOver,
        "accepted".to_owned(),
        at,
    ))
}

/// Nobody takes it: the giver keeps what the giver has had all the time.
///
/// # Errors
/// When nothing is handed over.
pub fn end(work: &Work, how: Ending, text: String, at: Timestamp) -> Result<Outcome, Refusal> {
    let mut work = open(work)?;
    work.offered_to = None;
    let kind = match how {
        Ending::Declined => StepKind::HandoverDeclined,
        Ending::Expired => StepKind::HandoverExpired,
    };
    Ok(told(work, kind, Reason::HandoverEnded, text, at))
}

fn open(work: &Work) -> Result<Work, Refusal> {
    if is_open(work) {
        Ok(work.clone())
    } else {
        Err(Refusal::NotOffered)
    }
}

fn told(mut work: Work, kind: StepKind, reason: Reason, text: String, at: Timestamp) -> Outcome {
    work.revision += 1;
    work.updated_at = at;
    let step = Step {
        kind,
        status: work.status,
        responsible: work.responsible.clone(),
        offered_to: work.offered_to.clone(),
        text,
    };
    Outcome {
        work,
        steps: vec![step],
        owner: Some(reason),
        moves: Vec::new(),
    }
}
