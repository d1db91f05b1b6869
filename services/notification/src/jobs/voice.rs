//! Holding messages for the spokesperson, within the transactions of sending; and the calls and letters that people were
//! asked for before the incident opened, once somebody is about to make them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{
    CaseName, ClockName, IncidentName, MessageName, SiteId, StaffName, TaskName,
};
use redress_model::words::{ClockKind, ClockState, DutyRole};
use redress_store::{Database, Operation, Scope, Tx};
use uuid::Uuid;

use super::announce;
use crate::domain::causes;
use crate::domain::message::Recipient;
use crate::domain::voice::{Category, LEADS, LEGAL, TOUCHED, decide_by, remind_at, remind_next};
use crate::domain::words::{HoldDecision, MessageState, SaidPurpose};
use crate::store::held::{self, Held};
use crate::store::matters::Promise;
use crate::store::messages::{self, Message};
use crate::store::surveys::{self, Survey};
use crate::store::{attempts, duty, matters, tasks};

/// Why a message waits, and why nobody says it meanwhile: for the spokesperson.
const SINGLE_VOICE: &str = "SINGLE_VOICE";
/// Why a message that was held goes though nobody decided about it.
const LAW_RUNS: &str = "a legal deadline of the case runs";
/// Whom it is told by when it is to be decided: nobody, the spokesperson, the top lead too.
const TOLD_SPOKESPERSON: i16 = 1;
const TOLD_LEAD: i16 = 2;

/// Holds a locked message that is about to go, where it has to wait for the spokesperson. Says whether it does.
pub(super) async fn hold(
    tx: &mut Tx,
    message: &mut Message,
    now: Timestamp,
) -> Result<bool, Fault> {
    // What has left has left; a copy of it says nothing new. What came back has reached nobody.
    if message.fate.send_time.is_some() && attempts::may_have_told(tx, &message.name).await? {
        return Ok(false);
    }
    if let (Category::LegalReply, Some(case)) = (category(message), &message.case) {
        // News of its deadlines either come first, or find it held.
        matters::lock_case(tx, case).await?;
    }
    let Some(incident) = silencing(tx, message).await? else {
        return Ok(false);
    };
    let held = match held::get(tx, &message.name).await? {
        // Decided once, it is decided.
        Some(held) if held.decision.is_some() => return Ok(false),
        // Somebody was about to make a call of it.
        Some(held) => held,
        None => begin(tx, message, incident, now).await?,
    };
    let fate = &mut message.fate;
    fate.state = MessageState::Held;
    fate.lease_token = None;
    fate.due_time = Some(remind_at(now, held.decide_by));
    SINGLE_VOICE.clone_into(&mut fate.reason);
    messages::settle(tx, message).await?;
    announce::changed(tx, message, now).await?;
    Ok(true)
}

/// Whether a queued message would be held if it went now: whoever sent it hears so at once. The sender asks again, since an
/// incident opens and ends in between.
///
/// # Errors
/// When Postgres is away.
pub async fn would_wait(tx: &mut Tx, message: &Message) -> Result<bool, Fault> {
    if message.fate.state != MessageState::Queued || silencing(tx, message).await?.is_none() {
        return Ok(false);
    }
    let held = held::get(tx, &message.name).await?;
    Ok(held.is_none_or(|held| held.decision.is_none()))
}

/// The open incident for which a message has to wait; none where it may go.
async fn silencing(tx: &mut Tx, message: &Message) -> Result<Option<Uuid>, Fault> {
    let Recipient::Complainant(token) = &message.recipient else {
        return Ok(None);
    };
    let category = category(message);
    if !category.waits(true) && category != Category::LegalReply {
        return Ok(None);
    }
    let case = message.case.as_ref();
    let site = &message.name.site;
    let incident = held::open_incident(tx, site, token, case.map(|case| case.id)).await?;
    let Some(incident) = incident else {
        return Ok(None);
    };
    let legal = law_lets_pass(tx, message, incident).await?;
    Ok(category.waits(legal).then_some(incident))
}

/// What a message is, as far as its waiting is concerned.
pub(super) fn category(message: &Message) -> Category {
    let purpose = message.facts.purpose.unwrap_or(SaidPurpose::Ordinary);
    Category::of(message.template, purpose)
}

/// Whether a deadline that the law, a court or an authority sets runs for a message's case, and its writer did not make it to get
/// past the spokesperson of this incident.
async fn law_lets_pass(tx: &mut Tx, message: &Message, incident: Uuid) -> Result<bool, Fault> {
    match &message.case {
        Some(case) => held::passes_by(tx, message, case, incident, &LEGAL).await,
        None => Ok(false),
    }
}

/// By when a legal reply has to be there: the next such deadline of its case. None for every other message.
pub(super) async fn legally_due(
    tx: &mut Tx,
    message: &Message,
) -> Result<Option<Timestamp>, Fault> {
    match &message.case {
        Some(case) if category(message) == Category::LegalReply => {
            held::promise_due(tx, case, &LEGAL).await
        }
        _ => Ok(None),
    }
}

/// Lets a locked message that is HELD go where the law's time runs for it by a deadline that was there before it and that was only
/// heard of late: such a reply waits for nobody. Says whether it goes.
pub(super) async fn let_pass(
    tx: &mut Tx,
    message: &mut Message,
    now: Timestamp,
) -> Result<bool, Fault> {
    if category(message) != Category::LegalReply {
        return Ok(false);
    }
    let found = held::get(tx, &message.name).await?;
    let Some(held) = found.filter(|held| held.decision.is_none()) else {
        return Ok(false);
    };
    if !law_lets_pass(tx, message, held.incident).await? {
        return Ok(false);
    }
    let fate = &mut message.fate;
    fate.state = MessageState::Queued;
    fate.due_time = Some(now);
    fate.reason.clear();
    messages::settle(tx, message).await?;
    decided_by_nobody(tx, message, HoldDecision::Released, LAW_RUNS, now).await?;
    Ok(true)
}

/// Whether news of a promise may change what becomes of messages that wait.
pub(super) fn touches(kind: ClockKind, state: ClockState) -> bool {
    TOUCHED.contains(&kind) && matches!(state, ClockState::Running | ClockState::Breached)
}

/// Locks the messages that wait of these cases. Whoever sends one or decides about it has its lock before its case's: so do
/// news of the promises of a case, or each would wait for the other. For [`promises_changed`].
pub(super) async fn lock_waiting(
    tx: &mut Tx,
    site: &SiteId,
    cases: &BTreeSet<Uuid>,
) -> Result<(), Fault> {
    if cases.is_empty() {
        return Ok(());
    }
    let cases: Vec<Uuid> = cases.iter().copied().collect();
    for name in held::waiting_in(tx, site, &cases).await? {
        messages::lock(tx, &name).await?;
    }
    Ok(())
}

/// Promises were kept in memory: of their cases, legal replies that are held go once the law's time runs, and whatever else waits
/// is to be decided before a deadline that is nearer than those that were known. Their messages are locked: see [`lock_waiting`].
pub(super) async fn promises_changed(
    tx: &mut Tx,
    site: &SiteId,
    clocks: &BTreeMap<ClockName, Promise>,
    now: Timestamp,
) -> Result<(), Fault> {
    let touching = clocks
        .values()
        .filter(|promise| touches(promise.kind, promise.state));
    let cases: BTreeSet<Uuid> = touching.filter_map(|promise| promise.case).collect();
    if cases.is_empty() {
        return Ok(());
    }
    let cases: Vec<Uuid> = cases.into_iter().collect();
    for name in held::waiting_in(tx, site, &cases).await? {
        let Some(mut message) = messages::lock(tx, &name).await? else {
            continue;
        };
        let found = held::get(tx, &name).await?;
        // Decided meanwhile, it waits no more.
        let Some(mut held) = found.filter(|held| held.decision.is_none()) else {
            continue;
        };
        let is_held = message.fate.state == MessageState::Held;
        if is_held && let_pass(tx, &mut message, now).await? {
            continue;
        }
        let by = decide_by(now, promise_due(tx, &message).await?);
        if by >= held.decide_by {
            continue;
        }
        held.decide_by = by;
        held.told = 0;
        held::update(tx, &held).await?;
        if is_held {
            let look = remind_at(now, by);
            let due = message.fate.due_time;
            message.fate.due_time = Some(due.map_or(look, |due| due.min(look)));
            messages::settle(tx, &mut message).await?;
            tx.wake();
        }
        tell(tx, &message, &held, now).await?;
    }
    Ok(())
}

/// When the next of the promises that a message may have been meant to keep is due.
async fn promise_due(tx: &mut Tx, message: &Message) -> Result<Option<Timestamp>, Fault> {
    match &message.case {
        Some(case) => held::promise_due(tx, case, &TOUCHED).await,
        None => Ok(None),
    }
}

/// Begins to hold a message, and tells whoever keeps its case's promises.
async fn begin(
    tx: &mut Tx,
    message: &Message,
    incident: Uuid,
    now: Timestamp,
) -> Result<Held, Fault> {
    let case = message.case.as_ref();
    if let Some(case) = case {
        // Before the count of what waits of it; and news of its promises either come first, or find it waiting.
        matters::lock_case(tx, case).await?;
    }
    let promise = promise_due(tx, message).await?;
    let new = Held {
        message: message.name.clone(),
        incident,
        case: case.map(|case| case.id),
        since: now,
        decide_by: decide_by(now, promise),
        told: 0,
        decision: None,
        decided_by: String::new(),
        reason: String::new(),
        decided: None,
    };
    held::insert(tx, &new).await?;
    tell(tx, message, &new, now).await?;
    Ok(new)
}

/// Refuses what a person is about to say or to write while one voice speaks, though it was asked for before the incident
/// opened: until it is released, or the incident has ended. `name` is what the caller asked about.
///
/// # Errors
/// FAILED_PRECONDITION `SINGLE_VOICE`; when Postgres is away.
pub async fn may_speak(
    tx: &mut Tx,
    message: &MessageName,
    name: impl Display,
) -> Result<(), Fault> {
    let Some(found) = messages::get(tx, message).await? else {
        return Ok(());
    };
    let decision = held::get(tx, message).await?.and_then(|held| held.decision);
    let why = match decision {
        Some(HoldDecision::Released) => return Ok(()),
        Some(HoldDecision::Dropped) => "the spokesperson has decided that it is not said",
        None => {
            if found.fate.state != MessageState::Held && silencing(tx, &found).await?.is_none() {
                return Ok(());
            }
            "an open incident affects the reader, and one voice speaks: it is put before the spokesperson, and may be said once it is released (ReleaseMessage) or the incident has ended"
        }
    };
    Err(Fault::illegal(SINGLE_VOICE, why, name))
}

/// Whether nobody may say or write a message by hand now, since one voice speaks.
pub(super) async fn is_silenced(tx: &mut Tx, message: &MessageName) -> Result<bool, Fault> {
    match may_speak(tx, message, message).await {
        Ok(()) => Ok(false),
        Err(fault) if fault.reason() == SINGLE_VOICE => Ok(true),
        Err(fault) => Err(fault),
    }
}

/// What somebody was about to say or to write.
#[derive(Debug, Clone, Copy)]
pub enum ByHand<'a> {
    /// What a task asks for.
    Task(&'a TaskName),
    /// A call about a survey.
    Survey(&'a SiteId, Uuid),
}

/// Where a call or a letter was refused by [`may_speak`], puts it before the spokesperson, so that nobody has to remember
/// it. Gives the fault back.
pub async fn put_before(db: &Database, refused: Fault, what: ByHand<'_>, now: Timestamp) -> Fault {
    if refused.reason() != SINGLE_VOICE {
        return refused;
    }
    let site = match what {
        ByHand::Task(name) => &name.site,
        ByHand::Survey(site, _) => site,
    };
    let scope = Scope::site(site.clone());
    match db.run(&scope, &PutBefore { what, now }).await {
        Ok(()) => refused,
        Err(fault) => fault,
    }
}

struct PutBefore<'a> {
    what: ByHand<'a>,
    now: Timestamp,
}

impl Operation for PutBefore<'_> {
    const NAME: &'static str = "notification.put_before_spokesperson";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let Some(name) = self.message(tx).await? else {
            return Ok(());
        };
        let Some(message) = messages::lock(tx, &name).await? else {
            return Ok(());
        };
        let mut held = match held::get(tx, &name).await? {
            Some(held) if held.decision.is_some() => return Ok(()),
            Some(held) => held,
            None => match silencing(tx, &message).await? {
                Some(incident) => begin(tx, &message, incident, self.now).await?,
                // It has ended just now.
                None => return Ok(()),
            },
        };
        // Somebody stands ready, and nothing reminds later of what is not HELD: the top lead is asked now, too.
        let late = message.fate.state != MessageState::Held || self.now >= held.decide_by;
        page(tx, &message, &mut held, self.now, late).await?;
        Ok(())
    }
}

impl PutBefore<'_> {
    /// The message that is said or written; of a survey the question.
    async fn message(&self, tx: &mut Tx) -> Result<Option<MessageName>, Fault> {
        match self.what {
            ByHand::Task(name) => Ok(tasks::get(tx, name).await?.map(|task| task.message)),
            ByHand::Survey(site, id) => {
                let Some(survey) = surveys::get(tx, site, id).await? else {
                    return Ok(None);
                };
                let question = surveys::question(tx, &survey).await?;
                Ok(question.map(|id| MessageName::new(site.clone(), id)))
            }
        }
    }
}

/// An incident has ended: what it holds of messages is put up for decision, and what people were asked for may be done
/// where nothing else silences it.
pub(super) async fn ended(
    tx: &mut Tx,
    incident: &IncidentName,
    now: Timestamp,
) -> Result<(), Fault> {
    held::put_up(tx, incident, now).await?;
    for held in held::free(tx, &incident.site, now).await? {
        let case = held.case.map(|id| CaseName::new(incident.site.clone(), id));
        if let Some(case) = &case {
            // Before the count of what waits of it.
            matters::lock_case(tx, case).await?;
        }
        if let Some(message) = messages::get(tx, &held.message).await? {
            tell(tx, &message, &held, now).await?;
        }
    }
    Ok(())
}

/// A locked message has gone or was cancelled without a decision of the spokesperson's: nobody has to decide about it any
/// more, and of one that was cancelled the case's timeline says why.
///
/// # Errors
/// When Postgres is away.
pub async fn overtaken(tx: &mut Tx, message: &Message, now: Timestamp) -> Result<(), Fault> {
    let cancelled = message.fate.state == MessageState::Cancelled;
    // What goes to staff waits for nobody.
    if matches!(message.recipient, Recipient::Complainant(_)) {
        let (decision, why) = if cancelled {
            (HoldDecision::Dropped, "the message was cancelled")
        } else {
            (HoldDecision::Released, "nothing keeps it back any more")
        };
        decided_by_nobody(tx, message, decision, why, now).await?;
    }
    if cancelled {
        announce::changed(tx, message, now).await?;
    }
    Ok(())
}

/// A survey is asked no more: nobody has to decide any more whether somebody may call about it. A question that is HELD
/// itself is decided by a person alone.
///
/// # Errors
/// When Postgres is away.
pub async fn survey_ended(tx: &mut Tx, survey: &Survey, now: Timestamp) -> Result<(), Fault> {
    let Some(id) = surveys::question(tx, survey).await? else {
        return Ok(());
    };
    let name = MessageName::new(survey.site.clone(), id);
    let Some(question) = messages::lock(tx, &name).await? else {
        return Ok(());
    };
    if question.fate.state == MessageState::Held {
        return Ok(());
    }
    let (decision, why) = (HoldDecision::Dropped, "nobody is to call any more");
    decided_by_nobody(tx, &question, decision, why, now).await
}

/// Somebody refuses to be asked: nobody calls them any more, nor has to decide whether somebody may.
///
/// # Errors
/// When Postgres is away.
pub async fn surveys_refused(
    tx: &mut Tx,
    site: &SiteId,
    person: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    for id in tasks::end_needless_surveys(tx, site, None, Some(person), now).await? {
        if let Some(survey) = surveys::get(tx, site, id).await? {
            survey_ended(tx, &survey, now).await?;
        }
    }
    Ok(())
}

/// Ends the wait of a locked message, where it waits.
async fn decided_by_nobody(
    tx: &mut Tx,
    message: &Message,
    decision: HoldDecision,
    why: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let found = held::get(tx, &message.name).await?;
    let Some(mut held) = found.filter(|held| held.decision.is_none()) else {
        return Ok(());
    };
    if let Some(id) = held.case {
        let case = CaseName::new(message.name.site.clone(), id);
        // Before the count of what waits of it.
        matters::lock_case(tx, &case).await?;
    }
    held.decision = Some(decision);
    why.clone_into(&mut held.reason);
    held.decided = Some(now);
    held::update(tx, &held).await?;
    tell(tx, message, &held, now).await
}

/// Tells whoever keeps the case's promises, and whoever is in the crisis room, that a message is held, or is no more.
///
/// # Errors
/// When Postgres is away.
pub async fn tell(
    tx: &mut Tx,
    message: &Message,
    held: &Held,
    now: Timestamp,
) -> Result<(), Fault> {
    let waiting = match &message.case {
        Some(case) => held::waiting_of(tx, case).await?,
        None => 0,
    };
    announce::held(tx, message.template, held, waiting, now).await
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
    let late = now >= held.decide_by;
    let anybody = page(tx, message, &mut held, now, late).await?;
    message.fate.due_time = remind_next(now, held.decide_by, anybody);
    messages::settle(tx, message).await
}

/// Pages whoever decides, and writes down whom. Says whether there is anybody. Whoever speaks for the incident comes first;
/// the roster's spokesperson where nobody does, and where they have not decided in time.
async fn page(
    tx: &mut Tx,
    message: &Message,
    held: &mut Held,
    now: Timestamp,
    late: bool,
) -> Result<bool, Fault> {
    let site = message.name.site.clone();
    let accused = matters::accused(tx, &site, held.case, Some(held.incident)).await?;
    let voices = matters::voices(tx, &site, held.incident, &accused, now).await?;
    let on_duty = if late || voices.is_empty() {
        duty::holder(tx, &site, &[DutyRole::Spokesperson], &accused, now).await?
    } else {
        None
    };
    let lead = if late || (voices.is_empty() && on_duty.is_none()) {
        duty::holder(tx, &site, &LEADS, &accused, now).await?
    } else {
        None
    };
    let mut readers: Vec<StaffName> = Vec::new();
    for staff in voices.into_iter().chain(on_duty).chain(lead) {
        if !readers.contains(&staff) {
            readers.push(staff);
        }
    }
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
    held::update(tx, held).await?;
    Ok(!readers.is_empty())
}
