//! What a contact with a complainant does to the promises of a case.

use jiff::Timestamp;
use redress_clock::{Event, Term};
use redress_model::Fault;
use redress_model::words::{CaseStatus, ClockKind, ClockState, Urgency};

use super::promises::{self, Start};
use super::{Work, holds};
use crate::store::cases::{self, Case};
use crate::store::clocks::{self, Clock};

/// Which of the updates is the one that was promised.
pub(super) const PROMISED: &str = "promised";

/// A contact with a complainant.
#[derive(Debug, Clone, Copy)]
pub struct Contact {
    /// We went to the customer.
    pub outbound: bool,
    /// By a person; automatic receipts meet nothing.
    pub by_person: bool,
    /// Answers the matter itself.
    pub substantive: bool,
    /// Somebody was on site.
    pub visit: bool,
    /// It asked after the resolution whether it really is solved.
    pub follow_up: bool,
    /// When.
    pub at: Timestamp,
    /// When the next word was promised.
    pub promised: Option<Timestamp>,
}

/// Lets the promises follow a contact: a person's word acknowledges and is an update, a substantive one
/// answers (P02), a visit is one, and a further message of the customer asks for an answer again (P03).
pub async fn contact(work: &mut Work<'_>, case: &mut Case, contact: Contact) -> Result<(), Fault> {
    if case.is_ended() {
        return Ok(());
    }
    let at = contact.at;
    let urgency = promises::urgency(work, case).await?;
    if !contact.outbound {
        // What the customer was waited for is here.
        holds::answered(work, case, at).await?;
    }
    let mut all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    for clock in &mut all {
        if let Some(event) = event(work, case, clock, contact) {
            promises::apply(work, case, clock, event, "contact").await?;
        }
    }
    if !(contact.outbound && contact.by_person) {
        return Ok(());
    }
    case.last_outward = case.last_outward.max(Some(at));
    if contact.substantive {
        case.last_word = case.last_word.max(Some(at));
    }
    cases::set_words(work.tx, &work.site.id, case).await?;
    updates(work, case, urgency, &mut all, contact).await?;
    if contact.substantive {
        confirm(work, case, urgency, &mut all).await?;
    }
    Ok(())
}

/// What the contact means to a clock.
fn event(work: &Work<'_>, case: &Case, clock: &Clock, contact: Contact) -> Option<Event> {
    let at = contact.at;
    let ours = contact.outbound && contact.by_person;
    match clock.kind {
        ClockKind::Acknowledge | ClockKind::InterimUpdate => ours.then_some(Event::Met { at }),
        ClockKind::Answer if ours && contact.substantive => Some(Event::Met { at }),
        ClockKind::Answer if !contact.outbound => {
            let length = promises::length(work.site, case, clock.urgency, clock.kind);
            let term = length.map_or(clock.term, Term::Length);
            let terms = promises::terms(work.site, clock.kind, term);
            Some(Event::Restarted { at, terms })
        }
        ClockKind::OnSite | ClockKind::Rescue => contact.visit.then_some(Event::Met { at }),
        ClockKind::FollowUpVisit => {
            (contact.visit || contact.follow_up).then_some(Event::Met { at })
        }
        ClockKind::ConfirmClosing => (!contact.outbound).then_some(Event::Met { at }),
        _ => None,
    }
}

/// The next word is owed from this one on: by the grade, and when it was promised.
async fn updates(
    work: &mut Work<'_>,
    case: &Case,
    urgency: Urgency,
    all: &mut [Clock],
    contact: Contact,
) -> Result<(), Fault> {
    let kind = ClockKind::InterimUpdate;
    let at = contact.at;
    // An older word, entered late, changes nothing.
    let newest = |clock: &Clock| clock.stopped.is_some_and(|stopped| stopped <= at);
    if case.is_open()
        && let Some(length) = promises::length(work.site, case, urgency, kind)
    {
        let clock = all.iter_mut().find(|c| c.kind == kind && c.slot.is_empty());
        if clock.as_deref().is_none_or(newest) {
            let new = Start::of(kind, at, length, "contact");
            promises::again(work, case, urgency, clock, new).await?;
        }
    }
    let Some(due) = contact.promised.filter(|due| *due > at) else {
        return Ok(());
    };
    let clock = all
        .iter_mut()
        .find(|c| c.kind == kind && c.slot == PROMISED);
    if clock.as_deref().is_none_or(newest) {
        let new = Start {
            kind,
            slot: PROMISED.to_owned(),
            demand: None,
            at,
            term: Term::Until(due),
            told: true,
            party: String::new(),
            outside_number: String::new(),
            cause: "promised",
        };
        promises::again(work, case, urgency, clock, new).await?;
        // A word that is entered late promised what a later one has kept already.
        if let Some(kept) = case.last_outward.filter(|last| *last > at) {
            let mut all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
            let clock = all
                .iter_mut()
                .find(|c| c.kind == kind && c.slot == PROMISED);
            if let Some(clock) = clock {
                promises::apply(work, case, clock, Event::Met { at: kept }, "contact").await?;
            }
        }
    }
    Ok(())
}

/// Once a proposal was told, the customer has a while to say whether it will do (M03). Whichever is known
/// first, the proposal or that it was told, the end is the same.
pub(super) async fn confirm(
    work: &mut Work<'_>,
    case: &Case,
    urgency: Urgency,
    all: &mut [Clock],
) -> Result<(), Fault> {
    let kind = ClockKind::ConfirmClosing;
    let proposed = matches!(
        case.status,
        CaseStatus::Proposed | CaseStatus::Resolving | CaseStatus::Resolved
    );
    let told = case.proposed_since.zip(case.last_word);
    let Some((_, at)) = told.filter(|(since, told)| proposed && told >= since) else {
        return Ok(());
    };
    let Some(length) = promises::length(work.site, case, urgency, kind) else {
        return Ok(());
    };
    let clock = all.iter_mut().find(|c| c.kind == kind && c.slot.is_empty());
    // Answered, or nobody answered: asked again only about another proposal.
    let another = |clock: &Clock| {
        clock.state == ClockState::Cancelled && clock.stop_cause == "moved"
            || case.proposed_since > Some(clock.start)
    };
    if clock.as_deref().is_none_or(another) {
        let new = Start::of(kind, at, length, "proposal told");
        promises::again(work, case, urgency, clock, new).await?;
    }
    Ok(())
}
