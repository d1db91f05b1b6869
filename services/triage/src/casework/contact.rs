//! What a contact with a complainant does to the promises of a case.

use jiff::Timestamp;
use redress_clock::{Event, Term};
use redress_model::Fault;
use redress_model::words::{CaseStatus, Channel, ClockKind, ClockState, Urgency};
use uuid::Uuid;

use super::promises::{self, Start};
use super::status::{self, ENDED};
use super::{Work, holds, merging};
use crate::store::cases::{self, Case, PromisedWord};
use crate::store::clocks::{self, Clock};

/// Which of the updates is the one that was promised.
pub(super) const PROMISED: &str = "promised";

/// Why what the customer met by coming to us stopped. No word of ours is in it, so it owes no next one.
pub(super) const INBOUND: &str = "inbound contact";

/// A contact with a complainant.
#[derive(Debug, Clone, Copy)]
pub struct Contact {
    /// We went to the customer.
    pub outbound: bool,
    /// By which way; none where nobody said.
    pub channel: Option<Channel>,
    /// A person of ours talked; automatic receipts meet nothing.
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

/// Lets the promises follow a contact: a person's word acknowledges and, where we went to the customer, is an update, a
/// substantive one answers (P02), a visit is one, a promised next word is owed (M16), and a further message of the customer asks
/// for an answer again (P03). One from before the end of the case leaves what it would have left, had it been heard before it
/// (I3); what is said after the end does nothing.
pub async fn contact(work: &mut Work<'_>, case: &mut Case, contact: Contact) -> Result<(), Fault> {
    if case.had_ended_by(contact.at) {
        return Ok(());
    }
    if !case.is_ended() {
        return follow(work, case, contact).await;
    }
    // What goes on ends where it stood, so that what is asked needs a length of its own.
    let contact = Contact {
        channel: contact.channel.or(Some(case.facts.channel)),
        ..contact
    };
    merging::lock_head(work, case).await?;
    let site = &work.site.id;
    let all = clocks::lock_of_case(work.tx, site, case.id).await?;
    let by_end = all.iter().filter(|clock| status::is_stopped_by_end(clock));
    let by_end = by_end.filter_map(|clock| clock.stopped).max();
    let ended = case.ended_since.or(by_end).unwrap_or(contact.at);
    // An appeal against a rejection is owed though the case has ended.
    let outlive: Vec<Uuid> = all
        .iter()
        .filter(|clock| clock.stopped.is_none())
        .map(|clock| clock.id)
        .collect();
    let updates = all.iter().filter(|c| c.kind == ClockKind::InterimUpdate);
    let before: Vec<Clock> = updates.cloned().collect();
    go_on(work, case, contact, all).await?;
    follow(work, case, contact).await?;
    let mut all = clocks::lock_of_case(work.tx, site, case.id).await?;
    all.retain(|clock| clock.stopped.is_none() && !outlive.contains(&clock.id));
    for clock in &mut all {
        let at = ended.max(clock.start);
        promises::apply(work, case, clock, Event::Cancelled { at }, ENDED).await?;
    }
    merging::told_before(work, case, &before).await
}

/// Lets what the end of the case had stopped since, and the contact may touch, go on as it stood, until the end stops it again.
async fn go_on(
    work: &mut Work<'_>,
    case: &Case,
    contact: Contact,
    mut all: Vec<Clock>,
) -> Result<(), Fault> {
    const CAUSE: &str = "entered late";
    let at = contact.at;
    let touched = |clock: &Clock| {
        let promised = clock.kind == ClockKind::InterimUpdate && clock.slot == PROMISED;
        event(work, case, clock, contact).is_some() || (promised && contact.promised.is_some())
    };
    let ran = |clock: &Clock| {
        let stopped = clock.stopped.filter(|_| status::is_stopped_by_end(clock));
        clock.start <= at && stopped.is_some_and(|stopped| at <= stopped)
    };
    all.retain(|clock| ran(clock) && touched(clock));
    for clock in &mut all {
        let (promise, _) = promises::computed(work, clock).await?;
        let at = clock.start;
        let term = promises::term_to_due(work.site, clock, at);
        let mut terms = promises::terms(work.site, clock.kind, term);
        terms.told |= clock.told_customer;
        terms.channel = promise.channel;
        let event = Event::Restarted { at, terms };
        promises::apply(work, case, clock, event, CAUSE).await?;
        // Whatever was asked meanwhile is asked still, and has the length that it had.
        if let Some((at, mut terms)) = promise.asked() {
            terms.channel = terms.channel.or(Some(case.facts.channel));
            let event = Event::Restarted { at, terms };
            promises::apply(work, case, clock, event, CAUSE).await?;
        }
    }
    Ok(())
}

async fn follow(work: &mut Work<'_>, case: &mut Case, contact: Contact) -> Result<(), Fault> {
    let at = contact.at;
    let urgency = promises::urgency(work, case).await?;
    if !contact.outbound {
        // What the customer was waited for is here.
        holds::answered(work, case, at).await?;
    }
    let mut all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
    let cause = if contact.outbound { "contact" } else { INBOUND };
    let was_owed = promised_clock(&mut all).is_some_and(|clock| clock.stopped.is_none());
    for clock in &mut all {
        if let Some(event) = event(work, case, clock, contact) {
            promises::apply(work, case, clock, event, cause).await?;
        }
    }
    if !contact.by_person {
        return Ok(());
    }
    if contact.outbound {
        case.last_outward = case.last_outward.max(Some(at));
        if contact.substantive {
            case.last_word = case.last_word.max(Some(at));
        }
        update(work, case, urgency, &mut all, at).await?;
        let clock = promised_clock(&mut all).filter(|_| was_owed);
        next_promised(work, case, urgency, clock).await?;
    }
    if let Some(due) = contact.promised.filter(|due| *due > at) {
        promised(work, case, urgency, &mut all, PromisedWord { at, due }).await?;
    }
    cases::set_words(work.tx, &work.site.id, case).await?;
    if contact.outbound && contact.substantive {
        confirm(work, case, urgency, &mut all).await?;
    }
    Ok(())
}

/// What the contact means to a clock.
fn event(work: &Work<'_>, case: &Case, clock: &Clock, contact: Contact) -> Option<Event> {
    let at = contact.at;
    let ours = contact.outbound && contact.by_person;
    match clock.kind {
        ClockKind::Acknowledge => contact.by_person.then_some(Event::Met { at }),
        ClockKind::InterimUpdate => ours.then_some(Event::Met { at }),
        ClockKind::Answer if ours && contact.substantive => Some(Event::Met { at }),
        ClockKind::Answer if !contact.outbound => {
            // By the way in which it is asked now, whichever the complaint came by (M16).
            let channel = contact.channel.unwrap_or(case.facts.channel);
            let length = promises::length_asked(work.site, case, clock, channel);
            let term = length.map_or(clock.term, Term::Length);
            let mut terms = promises::terms(work.site, clock.kind, term);
            terms.channel = contact.channel;
            Some(Event::Restarted { at, terms })
        }
        // Whoever came to us has not been visited.
        ClockKind::OnSite | ClockKind::Rescue => {
            (ours && contact.visit).then_some(Event::Met { at })
        }
        ClockKind::FollowUpVisit => {
            (ours && (contact.visit || contact.follow_up)).then_some(Event::Met { at })
        }
        ClockKind::ConfirmClosing => (!contact.outbound).then_some(Event::Met { at }),
        _ => None,
    }
}

/// Whether it stopped by then: an older word, entered late, changes nothing.
fn stopped_by(clock: &Clock, at: Timestamp) -> bool {
    clock.stopped.is_some_and(|stopped| stopped <= at)
}

/// The next word is owed from this one on by the grade, on a case that was open then.
async fn update(
    work: &mut Work<'_>,
    case: &Case,
    urgency: Urgency,
    all: &mut [Clock],
    at: Timestamp,
) -> Result<(), Fault> {
    let kind = ClockKind::InterimUpdate;
    if case.was_open_at(at)
        && let Some(length) = promises::length(work.site, case, urgency, kind)
    {
        let clock = all.iter_mut().find(|c| c.kind == kind && c.slot.is_empty());
        if clock.as_deref().is_none_or(|clock| stopped_by(clock, at)) {
            let new = Start::of(kind, at, length, "contact");
            promises::again(work, case, urgency, clock, new).await?;
        }
    }
    Ok(())
}

/// The clock of the word that was promised to the customer.
fn promised_clock(all: &mut [Clock]) -> Option<&mut Clock> {
    all.iter_mut()
        .find(|c| c.kind == ClockKind::InterimUpdate && c.slot == PROMISED)
}

/// The promise of this word, which the customer was told.
fn start_of(word: PromisedWord) -> Start {
    Start {
        kind: ClockKind::InterimUpdate,
        slot: PROMISED.to_owned(),
        demand: None,
        at: word.at,
        term: Term::Until(word.due),
        told: true,
        party: String::new(),
        outside_number: String::new(),
        cause: "promised",
        by: String::new(),
    }
}

/// The next word is owed when it was promised, whoever reached out to whom. Of two promises that no word has kept the earlier
/// stands, in whichever order they are entered (I3); the other waits behind it, unless every word that keeps the one keeps both.
async fn promised(
    work: &mut Work<'_>,
    case: &mut Case,
    urgency: Urgency,
    all: &mut [Clock],
    word: PromisedWord,
) -> Result<(), Fault> {
    let PromisedWord { at, due } = word;
    let is_kept = case.last_outward.is_some_and(|last| last > at);
    let mut clock = promised_clock(all);
    let running = clock
        .as_deref_mut()
        .filter(|clock| clock.stopped.is_none() && !is_kept);
    let is_free = match running {
        Some(running) => {
            let owed = PromisedWord {
                at: running.start,
                due: running.deadlines.due,
            };
            let gives_way = due < owed.due;
            let (stands, waits) = if gives_way {
                (word, owed)
            } else {
                (owed, word)
            };
            if waits.at > stands.at {
                case.promised_later.push(waits);
            }
            if gives_way {
                let at = at.max(running.start);
                let event = Event::Cancelled { at };
                promises::apply(work, case, running, event, "promised anew").await?;
            }
            gives_way
        }
        None => clock.as_deref().is_none_or(|clock| stopped_by(clock, at)),
    };
    if is_free {
        promises::again(work, case, urgency, clock, start_of(word)).await?;
        // A word that is entered late promised what a later one has kept already.
        if let Some(kept) = case.last_outward.filter(|last| *last > at) {
            let mut all = clocks::lock_of_case(work.tx, &work.site.id, case.id).await?;
            if let Some(clock) = promised_clock(&mut all) {
                promises::apply(work, case, clock, Event::Met { at: kept }, "contact").await?;
            }
        }
    }
    Ok(())
}

/// A word of ours keeps what was promised before it, and nothing that was promised after it: once it has met the clock that ran,
/// the earliest that waited behind that one is owed, as if it had been promised alone (I3).
async fn next_promised(
    work: &mut Work<'_>,
    case: &mut Case,
    urgency: Urgency,
    clock: Option<&mut Clock>,
) -> Result<(), Fault> {
    let last = case.last_outward;
    case.promised_later.retain(|word| Some(word.at) > last);
    let Some(clock) = clock.filter(|clock| clock.stopped.is_some()) else {
        return Ok(());
    };
    let waiting = case.promised_later.iter().copied();
    let Some(next) = waiting.min_by_key(|word| (word.due, word.at)) else {
        return Ok(());
    };
    case.promised_later.retain(|word| word.at > next.at);
    promises::again(work, case, urgency, Some(clock), start_of(next)).await
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
