//! Holding messages for the spokesperson, within the transactions of sending.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::words::DutyRole;
use redress_store::Tx;

use super::announce;
use crate::domain::causes;
use crate::domain::message::Recipient;
use crate::domain::voice::{Category, LEADS, LEGAL, TOUCHED, decide_by, remind_at, remind_next};
use crate::domain::words::{MessageState, SaidPurpose};
use crate::store::held::{self, Held};
use crate::store::messages::{self, Message};
use crate::store::{duty, matters};

/// Why a message waits: for the spokesperson.
const SINGLE_VOICE: &str = "SINGLE_VOICE";
/// Whom it is told by when it is to be decided: nobody, the spokesperson, the top lead too.
const TOLD_SPOKESPERSON: i16 = 1;
const TOLD_LEAD: i16 = 2;

/// Holds a locked message that is about to go, where it has to wait for the spokesperson. Says whether it does.
pub(super) async fn hold(
    tx: &mut Tx,
    message: &mut Message,
    now: Timestamp,
) -> Result<bool, Fault> {
    let Recipient::Complainant(token) = &message.recipient else {
        return Ok(false);
    };
    // What has left has left; a copy of it says nothing new.
    if message.fate.send_time.is_some() {
        return Ok(false);
    }
    let purpose = message.facts.purpose.unwrap_or(SaidPurpose::Ordinary);
    let category = Category::of(message.template, purpose);
    if !category.waits(true) && category != Category::LegalReply {
        return Ok(false);
    }
    let case = message.case.clone();
    let incident = held::open_incident(
        tx,
        &message.name.site,
        token,
        case.as_ref().map(|case| case.id),
    )
    .await?;
    let Some(incident) = incident else {
        return Ok(false);
    };
    let legal = match &case {
        Some(case) => held::promise_due(tx, case, &LEGAL).await?.1,
        None => false,
    };
    if !category.waits(legal) || held::get(tx, &message.name).await?.is_some() {
        // Decided once, it is decided.
        return Ok(false);
    }
    let promise = match &case {
        Some(case) => held::promise_due(tx, case, &TOUCHED).await?.0,
        None => None,
    };
    let decide_by = decide_by(now, promise);
    let new = Held {
        message: message.name.clone(),
        incident,
        case: case.as_ref().map(|case| case.id),
        since: now,
        decide_by,
        told: 0,
        decision: None,
        decided_by: String::new(),
        reason: String::new(),
        decided: None,
    };
    if let Some(case) = &case {
        // Before the count of what waits of it.
        matters::lock_case(tx, case).await?;
    }
    held::insert(tx, &new).await?;
    let fate = &mut message.fate;
    fate.state = MessageState::Held;
    fate.lease_token = None;
    fate.due_time = Some(remind_at(now, decide_by));
    SINGLE_VOICE.clone_into(&mut fate.reason);
    messages::settle(tx, message).await?;
    tell(tx, case.as_ref(), &new, now).await?;
    Ok(true)
}

/// Tells whoever keeps the case's promises that a message of it is held, or is no more.
///
/// # Errors
/// When Postgres is away.
pub async fn tell(
    tx: &mut Tx,
    case: Option<&CaseName>,
    held: &Held,
    now: Timestamp,
) -> Result<(), Fault> {
    let Some(case) = case else { return Ok(()) };
    let waiting = held::waiting_of(tx, case).await?;
    announce::held(tx, case, held, waiting, now).await
}

/// The time of a held message has come: whoever decides is paged, the top lead too once it is over; where nobody is there, it is
/// tried again. Nobody is paged whom a case of the incident complains about.
pub(super) async fn remind(
    tx: &mut Tx,
    message: &mut Message,
    now: Timestamp,
) -> Result<(), Fault> {
    let found = held::get(tx, &message.name).await?;
    let mut held = found.ok_or_else(|| Fault::internal("a held message without its hold"))?;
    let site = message.name.site.clone();
    let accused = matters::accused(tx, &site, held.case, Some(held.incident)).await?;
    let spokesperson = duty::holder(tx, &site, &[DutyRole::Spokesperson], &accused, now).await?;
    let late = now >= held.decide_by;
    let lead = if late || spokesperson.is_none() {
        duty::holder(tx, &site, &LEADS, &accused, now).await?
    } else {
        None
    };
    let mut readers: Vec<_> = spokesperson.into_iter().chain(lead).collect();
    readers.dedup();
    if !readers.is_empty() {
        held.told = if late { TOLD_LEAD } else { TOLD_SPOKESPERSON };
    }
    let number = &message.facts.number;
    let drafts: Vec<_> = readers
        .iter()
        .map(|staff| {
            causes::voice_waiting(staff, held.incident, held.told, number, held.decide_by, now)
        })
        .collect();
    messages::queue(tx, &site, &drafts, now).await?;
    held::update(tx, &held).await?;
    message.fate.due_time = remind_next(now, held.decide_by, !readers.is_empty());
    messages::settle(tx, message).await
}
