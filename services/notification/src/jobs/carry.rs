//! What this service carries itself, in its own database: the local outbox, tasks for people, and the stream of
//! apps. Each is a transaction of its own, like a gateway's answer: what follows an attempt is decided
//! afterwards, by the same code for all.

use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::name::{CaseName, MessageName, SiteId, StaffName};
use redress_model::words::DutyRole;
use redress_store::{Keyring, Operation, Tx};

use super::{announce, voice};
use crate::domain::causes;
use crate::domain::task::{self, TaskKind, TaskOutcome, TaskState};
use crate::domain::words::MessageState;
use crate::provider::{Answer, Outgoing};
use crate::store::kept::{KeptPage, KeptText};
use crate::store::messages::{self, Message};
use crate::store::notices::{self, NoticeText};
use crate::store::tasks::{self, NewTask, Task, TaskText};
use crate::store::{attempts, duty, kept, matters, surveys, word};

/// News that tasks wait reach a person once in so long.
const NEWS_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// Puts a page into the local outbox.
pub(super) struct KeepPage<'a> {
    pub keys: &'a Keyring,
    pub outgoing: &'a Outgoing,
    pub now: Timestamp,
}

impl Operation for KeepPage<'_> {
    const NAME: &'static str = "notification.keep_page";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let page = KeptPage {
            page: self.outgoing.page,
            channel: self.outgoing.channel,
            text: KeptText {
                address: self.outgoing.address.clone(),
                subject: self.outgoing.subject.clone(),
                body: self.outgoing.body.clone(),
            },
        };
        kept::keep(tx, self.keys, &self.outgoing.name, &page, self.now).await
    }
}

/// Tells a page to apps and portals.
pub(super) struct KeepNotice<'a> {
    pub keys: &'a Keyring,
    pub message: &'a Message,
    pub outgoing: &'a Outgoing,
    pub now: Timestamp,
}

impl Operation for KeepNotice<'_> {
    const NAME: &'static str = "notification.keep_notice";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let text = NoticeText {
            subject: self.outgoing.subject.clone(),
            body: self.outgoing.body.clone(),
        };
        notices::keep(
            tx,
            self.keys,
            self.message,
            self.outgoing.page,
            &text,
            self.now,
        )
        .await
    }
}

/// Asks a person to call or to write.
pub(super) struct MakeTask<'a> {
    pub keys: &'a Keyring,
    pub message: &'a Message,
    pub attempt: i32,
    pub outgoing: &'a Outgoing,
    pub now: Timestamp,
}

impl Operation for MakeTask<'_> {
    const NAME: &'static str = "notification.make_task";
    /// None where the channel asks nothing of a person.
    type Output = Option<()>;

    async fn run(&self, tx: &mut Tx) -> Result<Option<()>, Fault> {
        let Some(kind) = TaskKind::of_channel(self.outgoing.channel) else {
            return Ok(None);
        };
        let text = TaskText {
            reader: self.outgoing.reader.clone(),
            address: self.outgoing.address.clone(),
            subject: self.outgoing.subject.clone(),
            body: self.outgoing.body.clone(),
        };
        make(
            tx,
            self.keys,
            self.message,
            kind,
            self.attempt,
            "",
            Some(&text),
            self.now,
        )
        .await?;
        Ok(Some(()))
    }
}

/// What became of handing a task over.
pub(super) fn answer(made: Result<Option<()>, Fault>) -> Answer {
    match made {
        Ok(Some(())) => Answer::accepted(),
        Ok(None) => Answer::permanent("NO_TASK_OF_CHANNEL"),
        Err(fault) => Answer::transient(fault.reason()),
    }
}

/// What the person did who was asked is what became of the message: told, needed by nobody, or in vain and on its way by
/// what is left. One that was retried, paged again or acknowledged meanwhile is past this attempt.
pub(crate) async fn came_of(
    tx: &mut Tx,
    name: &MessageName,
    attempt: i32,
    outcome: TaskOutcome,
    now: Timestamp,
) -> Result<(), Fault> {
    let vain = task::verdict(outcome);
    let stood = match vain {
        Some((ended, reason)) => attempts::take_back(tx, name, attempt, ended, reason).await?,
        None => true,
    };
    let Some(mut message) = messages::lock(tx, name).await? else {
        return Ok(());
    };
    let fate = &mut message.fate;
    // SENT: as an older release left it.
    let waits = matches!(fate.state, MessageState::Asked | MessageState::Sent);
    if !stood || !waits || fate.attempt_count != attempt {
        return Ok(());
    }
    if let Some((_, reason)) = vain {
        fate.state = MessageState::Queued;
        fate.due_time = Some(now);
        reason.clone_into(&mut fate.reason);
        return messages::settle(tx, &mut message).await;
    }
    if fate.state == MessageState::Sent {
        return Ok(());
    }
    if outcome == TaskOutcome::NotNeeded {
        fate.state = MessageState::Cancelled;
        "TASK_NOT_NEEDED".clone_into(&mut fate.reason);
        messages::settle(tx, &mut message).await?;
        return voice::overtaken(tx, &message, now).await;
    }
    fate.state = MessageState::Sent;
    fate.reason.clear();
    fate.send_time = fate.send_time.or(Some(now));
    messages::settle(tx, &mut message).await?;
    voice::overtaken(tx, &message, now).await?;
    tasks::end_search(tx, name, now).await?;
    announce::changed(tx, &message, now).await
}

/// Asks a person to look for the reader of a message that has just failed, unless somebody else does.
pub(crate) async fn ask_for_a_person(
    tx: &mut Tx,
    keys: &Keyring,
    message: &Message,
    now: Timestamp,
) -> Result<(), Fault> {
    let reason = message.fate.reason.as_str();
    if !task::asks_for_a_person(message.template, reason) {
        return Ok(());
    }
    make(tx, keys, message, TaskKind::Unreached, 0, reason, None, now).await
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is a different fact of one row"
)]
async fn make(
    tx: &mut Tx,
    keys: &Keyring,
    message: &Message,
    kind: TaskKind,
    attempt: i32,
    reason: &str,
    text: Option<&TaskText>,
    now: Timestamp,
) -> Result<(), Fault> {
    let MessageName { site, .. } = &message.name;
    let role = task::role(message.recipient.kind());
    let (case, incident) = message.matter();
    let accused = matters::accused(tx, site, case, incident).await?;
    let (holder, step) = rung_of(holder(tx, site, (&task::asked(role), 0), &accused, now).await?);
    let new = NewTask {
        kind,
        message: &message.name,
        case: message.case.as_ref(),
        survey: None,
        round: message.fate.round,
        page: message.fate.page,
        attempt,
        role,
        offered_to: holder.as_ref().map(ToString::to_string).unwrap_or_default(),
        step,
        reason,
        text,
    };
    if tasks::make(tx, keys, &new, now).await? {
        tell_holder(tx, site, holder, &message.facts.number, now).await?;
    }
    Ok(())
}

/// Staff whom a case accuses have nothing of it to do any more: what was asked of them, or what they took, is asked of whoever
/// holds the duty after them, else of the next lead up (section 7, P14).
pub(crate) async fn pass_on(
    tx: &mut Tx,
    case: &CaseName,
    accused: &[String],
    number: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    for name in tasks::with(tx, case, accused).await? {
        let Some(mut task) = tasks::lock(tx, &name).await? else {
            continue;
        };
        let Some(message) = messages::get(tx, &task.message).await? else {
            continue;
        };
        let barred = barred(tx, &task, &message).await?;
        let role: DutyRole = word(&task.role)?;
        let found = holder(tx, &name.site, (&task::asked(role), 0), &barred, now).await?;
        let holder = put_to(&mut task, found);
        task.look_time = task::look_at(holder.is_some(), task.due_time, now);
        tasks::settle(tx, &mut task).await?;
        tell_holder(tx, &name.site, holder, number, now).await?;
    }
    Ok(())
}

/// Who is not asked to do a task, by full names: whoever is complained about, and of a survey whoever had a part in the matter.
pub(super) async fn barred(
    tx: &mut Tx,
    task: &Task,
    message: &Message,
) -> Result<Vec<String>, Fault> {
    let site = &task.name.site;
    let (case, incident) = message.matter();
    let mut barred = matters::accused(tx, site, case, incident).await?;
    if let Some(id) = task.survey
        && let Some(survey) = surveys::get(tx, site, id).await?
    {
        barred.extend(surveys::handlers(tx, &survey).await?);
    }
    Ok(barred)
}

/// Who is asked: whoever holds the first of these duties, from this place among them on, that somebody holds now; and the place of
/// that duty. Nobody of `barred`, by full names.
pub(super) async fn holder(
    tx: &mut Tx,
    site: &SiteId,
    (roles, from): (&[DutyRole], usize),
    barred: &[String],
    now: Timestamp,
) -> Result<Option<Asked>, Fault> {
    for (place, role) in (0..).zip(roles).skip(from) {
        if let Some(staff) = duty::holder(tx, site, &[*role], barred, now).await? {
            return Ok(Some((staff, place)));
        }
    }
    Ok(None)
}

/// Somebody who is asked, and the place of their duty among those that are.
pub(super) type Asked = (StaffName, i32);

/// The person, and the place that is kept with the task.
pub(super) fn rung_of(asked: Option<Asked>) -> (Option<StaffName>, i32) {
    match asked {
        Some((staff, place)) => (Some(staff), place),
        None => (None, 0),
    }
}

/// A locked task is asked of this person, or of nobody, whoever had it. Gives the person back.
pub(super) fn put_to(task: &mut Task, asked: Option<Asked>) -> Option<StaffName> {
    let (holder, step) = rung_of(asked);
    task.offered_to = holder.as_ref().map(ToString::to_string).unwrap_or_default();
    task.step = step;
    task.state = TaskState::Open;
    task.taken_by.clear();
    task.taker.clear();
    task.take_time = None;
    holder
}

/// Tells whoever is asked that tasks wait, once in a while however many there are.
pub(crate) async fn tell_holder(
    tx: &mut Tx,
    site: &SiteId,
    holder: Option<StaffName>,
    number: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    if let Some(staff) = holder {
        let span = now.as_second().div_euclid(NEWS_PAUSE.as_secs());
        let draft = causes::task_waiting(&staff, number, span, now);
        messages::queue(tx, site, &[draft], now).await?;
    }
    Ok(())
}
