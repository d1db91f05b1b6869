//! The transactions of sending: claim, begin, put off, finish. Between any two of them the worker may
//! die; the lease runs out, the next worker claims, and what it finds tells it what to do.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::name::{CaseName, MessageName};
use redress_model::words::ClockState;
use redress_store::{Keyring, Operation, Tx};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::announce;
use super::carry;
use super::compose;
use super::erase::CASE_ERASED;
use super::voice;
use crate::domain::case::CaseView;
use crate::domain::digest::Digest;
use crate::domain::message::Recipient;
use crate::domain::paging::{self, Due, Move};
use crate::domain::preference::Preference;
use crate::domain::retry;
use crate::domain::route::{Past, Way};
use crate::domain::texts::Holding;
use crate::domain::timing::{self, Asked, Hours, OFF_DUTY, When};
use crate::domain::verdict::Next;
use crate::domain::words::{AttemptOutcome, Language, MessageState, SurveyState, Template};
use crate::store::attempts::{self, Copies};
use crate::store::digests;
use crate::store::matters::{self, SiteView};
use crate::store::messages::{self, Message};
use crate::store::owner_notices::{self, Notice, Reached};
use crate::store::preferences;
use crate::store::staff::{self, StaffContact};
use crate::store::surveys::{self, Contact, Survey};
use crate::store::timing as hours;
use crate::store::{tasks, texts};

/// Why a message waits for a provider.
const RESTS: &str = "PROVIDER_RESTS";
/// Why a notice is not told: one voice speaks.
const INCIDENT_SPEAKS: &str = "INCIDENT_SPEAKS";
/// Why a reader is not told: they do not want to be.
const UNSUBSCRIBED: &str = "UNSUBSCRIBED";

/// A message that this worker holds, with everything its text needs that lies here.
pub(super) struct Claimed {
    pub message: Message,
    pub lease: Uuid,
    pub site: SiteView,
    pub case: Option<CaseView>,
    /// The reader's own case, where it was merged into that one.
    pub own: Option<CaseView>,
    /// The reader, where it is staff whom we know.
    pub staff: Option<StaffContact>,
    /// How the reader wants to be reached; nothing of staff.
    pub preference: Preference,
    /// How to reach a customer without a case.
    pub contact: Option<Contact>,
    /// A case of a customer whom the message tells of no case: intake knows how to reach its complainants.
    pub known_by: Option<CaseName>,
    /// The notice that it tells, or that waits.
    pub notice: Option<Notice>,
    /// Who looks after the case, where that person is known.
    pub owner: Option<StaffContact>,
    /// Who comes, where an appointment is told.
    pub visitor: Option<StaffContact>,
    /// Texts of the site's own, and of the levels above.
    pub holding: Vec<Holding>,
    /// What somebody wrote, where somebody did.
    pub said: Option<Zeroizing<String>>,
    /// Wording rules that somebody with authority has let this message break.
    pub overridden: Vec<String>,
    /// What it tells, where it is a digest.
    pub digest: Digest,
    pub history: Vec<Past>,
    /// W3C trace context of the first that was told of its case; empty where none was recorded.
    pub origin: String,
}

/// What a claim led to.
pub(super) enum Claim {
    /// Send it.
    Held(Box<Claimed>),
    /// It has ended without being sent.
    Ended(Box<Message>),
    /// Somebody else has it, or its time has not come.
    Gone,
}

/// Takes a message whose time has come.
pub(super) struct ClaimMessage<'a> {
    pub name: &'a MessageName,
    pub keys: &'a Keyring,
    pub lease: Uuid,
    pub lease_time: SignedDuration,
    pub now: Timestamp,
    pub chance: f64,
}

impl Operation for ClaimMessage<'_> {
    const NAME: &'static str = "notification.claim_message";
    /// What it led to, and the ways of attempts whose end nobody knows, found just now: they are counted whatever becomes
    /// of the message.
    type Output = (Claim, Vec<Way>);

    async fn run(&self, tx: &mut Tx) -> Result<(Claim, Vec<Way>), Fault> {
        let Some(message) = messages::lock(tx, self.name).await? else {
            return Ok((Claim::Gone, Vec::new()));
        };
        if message.fate.due_time.is_none_or(|due| due > self.now) {
            return Ok((Claim::Gone, Vec::new()));
        }
        let lost = attempts::end_lost(tx, self.name, self.now).await?;
        let claim = self.take(tx, message).await?;
        Ok((claim, lost))
    }
}

impl ClaimMessage<'_> {
    /// Decides about a locked message whose time has come.
    async fn take(&self, tx: &mut Tx, mut message: Message) -> Result<Claim, Fault> {
        if message.fate.state == MessageState::Bundled {
            follow_digest(tx, &mut message, self.now).await?;
            return Ok(Claim::Ended(Box::new(message)));
        }
        if message.fate.state == MessageState::Held
            && !voice::let_pass(tx, &mut message, self.now).await?
        {
            voice::remind(tx, &mut message, self.now).await?;
            return Ok(Claim::Gone);
        }
        if message.erased {
            silence(tx, &mut message, CASE_ERASED, self.now).await?;
            return Ok(Claim::Ended(Box::new(message)));
        }
        if message.template == Template::ClockDigest {
            // What was taken came back: what became grade 1 since goes by itself (P22).
            digests::release_grave(tx, &mut message, self.now).await?;
        }
        let matter = Matter::of(tx, &message).await?;
        let page = match paging::decide(&matter.due(&message)) {
            Move::Send { page } => page,
            Move::Silence { reason } => {
                silence(tx, &mut message, reason, self.now).await?;
                return Ok(Claim::Ended(Box::new(message)));
            }
            Move::GiveUp => {
                fail(tx, self.keys, &mut message, "NOT_ACKNOWLEDGED", self.now).await?;
                return Ok(Claim::Ended(Box::new(message)));
            }
        };
        let Matter {
            case,
            own,
            survey,
            notice,
            digest,
            ..
        } = matter;
        let Some(site) = matters::site(tx, &self.name.site).await? else {
            // The zone and the language of the site are on their way.
            put_off(tx, &mut message, "SITE_UNKNOWN", self.now, self.chance).await?;
            return Ok(Claim::Gone);
        };
        let (staff, preference) = match &message.recipient {
            Recipient::Staff(name) => {
                let staff = staff::get(tx, self.keys, name).await?;
                (staff, Preference::default())
            }
            Recipient::Complainant(token) => {
                let preference = preferences::get(tx, &self.name.site, token).await?;
                (None, preference)
            }
        };
        if preference.refuses(message.template.topic()) {
            silence(tx, &mut message, UNSUBSCRIBED, self.now).await?;
            return Ok(Claim::Ended(Box::new(message)));
        }
        // Accused since: they do not go, and a person makes another appointment.
        if let (Some(appointment), Some(case)) = (&message.facts.appointment, &case)
            && case.complained_about.contains(&appointment.visitor)
        {
            fail(tx, self.keys, &mut message, "VISITOR_MAY_NOT", self.now).await?;
            return Ok(Claim::Ended(Box::new(message)));
        }
        if voice::hold(tx, &mut message, self.now).await? {
            return Ok(Claim::Ended(Box::new(message)));
        }
        let history = attempts::history(tx, self.name, message.fate.round, page).await?;
        let told_before = !history.is_empty();
        if !self
            .may_go(
                tx,
                &mut message,
                (&site, case.as_ref()),
                &preference,
                &digest,
                told_before,
            )
            .await?
        {
            return Ok(Claim::Gone);
        }
        let (contact, known_by) = match (&message.recipient, &survey, &notice) {
            (Recipient::Complainant(_), Some(survey), _) if message.case.is_none() => {
                let contact = surveys::contact(tx, self.keys, &survey.site, survey.id).await?;
                (contact, None)
            }
            (Recipient::Complainant(person), _, Some(notice)) => {
                match owner_notices::reached(tx, self.keys, notice, person).await? {
                    Some(Reached::Listed(contact)) => (Some(contact), None),
                    Some(Reached::Known(case)) => (None, Some(case)),
                    None => (None, None),
                }
            }
            _ => (None, None),
        };
        let owner = compose::owner(tx, self.keys, case.as_ref(), &message.facts.writer).await?;
        let visitor = compose::visitor(tx, self.keys, &message).await?;
        let holding = texts::holding(tx, &self.name.site, self.now).await?;
        let said = match message.template {
            Template::CaseMessage => texts::said(tx, self.keys, self.name).await?,
            _ => None,
        };
        let overridden = if message.template.is_outward() {
            texts::overridden(tx, self.name).await?
        } else {
            Vec::new()
        };
        let origin = match &message.case {
            Some(case) => messages::origin(tx, case).await?,
            None => String::new(),
        };
        if page != message.fate.page {
            message.fate.page = page;
            message.fate.defer_count = 0;
        }
        message.fate.state = MessageState::Sending;
        message.fate.lease_token = Some(self.lease);
        message.fate.due_time = Some(later(self.now, self.lease_time));
        messages::settle(tx, &mut message).await?;
        Ok(Claim::Held(Box::new(Claimed {
            message,
            lease: self.lease,
            site,
            case,
            own,
            staff,
            preference,
            contact,
            known_by,
            notice,
            owner,
            visitor,
            holding,
            said,
            overridden,
            digest,
            history,
            origin,
        })))
    }

    /// Asks whether the message may go now, and takes it out of its reader's bucket. One that may not waits for
    /// its hour.
    async fn may_go(
        &self,
        tx: &mut Tx,
        message: &mut Message,
        (site, case): (&SiteView, Option<&CaseView>),
        preference: &Preference,
        digest: &Digest,
        told_before: bool,
    ) -> Result<bool, Fault> {
        let here = &self.name.site;
        let policy = hours::policy(tx, here).await?;
        let reader = message.recipient.to_string();
        let zone = [&preference.time_zone, &site.time_zone]
            .into_iter()
            .find_map(|name| TimeZone::get(name).ok())
            .unwrap_or(TimeZone::UTC);
        let (quiet, rate, at_work) = match &message.recipient {
            Recipient::Complainant(_) => {
                let quiet = preference.quiet.unwrap_or(policy.quiet);
                (Some((quiet, &zone)), policy.customer, Hours::default())
            }
            Recipient::Staff(name) => (None, policy.staff, hours::hours(tx, name).await?),
        };
        let counted = told_before
            || message.fate.state != MessageState::Queued
            || message.fate.defer_count > 0
            || message.fate.reason == RESTS;
        let bucket = if counted {
            None
        } else {
            hours::lock_bucket(tx, here, &reader).await?
        };
        let visit = message.facts.appointment.as_ref().map(|a| a.time);
        let needed_by = match visit.filter(|time| *time > self.now) {
            Some(time) => Some(time),
            None => voice::legally_due(tx, message).await?,
        };
        let asked = Asked {
            template: message.template,
            category: voice::category(message),
            is_of_grade_1: case.is_some_and(|case| case.grade == 1),
            needed_by,
            priority: message.priority,
            reminder: message.template == Template::ClockWarned
                || (message.template == Template::ClockDigest && digest.total() == digest.warned),
            quiet,
            hours: &at_work,
            rate,
            bucket,
            counted,
        };
        match timing::when(&asked, self.now) {
            When::Now(kept) => {
                if let Some(kept) = kept {
                    hours::keep_bucket(tx, here, &reader, kept, bucket.is_some()).await?;
                }
                Ok(true)
            }
            When::Later { due, reason } => {
                let fate = &mut message.fate;
                fate.state = MessageState::Queued;
                fate.lease_token = None;
                fate.due_time = Some(due);
                // Machines that rest when its hour comes begin to rest then, as far as it is concerned.
                fate.rest_time = None;
                reason.clone_into(&mut fate.reason);
                messages::settle(tx, message).await?;
                Ok(false)
            }
        }
    }
}

/// Writes down that an attempt begins, and renews the lease for it: fetching an address took time, and
/// the provider may take its own, so that neither lets the lease run out under a living worker (P19).
pub(super) struct BeginAttempt<'a> {
    pub name: &'a MessageName,
    pub lease: Uuid,
    pub lease_time: SignedDuration,
    pub way: Way,
    pub language: Language,
    pub now: Timestamp,
}

impl Operation for BeginAttempt<'_> {
    const NAME: &'static str = "notification.begin_attempt";
    /// Number of the attempt, and what its provider had of the page before; none when the lease is lost.
    type Output = Option<(i32, Copies)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let Some(mut message) = held(tx, self.name, self.lease).await? else {
            return Ok(None);
        };
        // An incident may have opened since the claim.
        if voice::hold(tx, &mut message, self.now).await? {
            return Ok(None);
        }
        let fate = &mut message.fate;
        fate.attempt_count += 1;
        fate.defer_count = 0;
        fate.channel = Some(self.way.channel);
        fate.provider = Some(self.way.provider);
        self.language.tag().clone_into(&mut fate.language);
        fate.due_time = Some(later(self.now, self.lease_time));
        let (number, round_and_page) = (fate.attempt_count, (fate.round, fate.page));
        messages::settle(tx, &mut message).await?;
        let copies = attempts::copies(tx, self.name, message.fate.page, self.way).await?;
        attempts::begin(tx, self.name, number, round_and_page, self.way, self.now).await?;
        Ok(Some((number, copies)))
    }
}

/// Writes down how an attempt ended and what follows.
pub(super) struct FinishAttempt<'a> {
    pub name: &'a MessageName,
    pub keys: &'a Keyring,
    pub lease: Uuid,
    pub number: i32,
    pub outcome: AttemptOutcome,
    pub reason: &'a str,
    pub next: Next,
    pub now: Timestamp,
}

impl Operation for FinishAttempt<'_> {
    const NAME: &'static str = "notification.finish_attempt";
    /// The message; none when the lease was lost: the reader has acknowledged meanwhile, or another worker
    /// has it and decides, and the copy that it sends carries the same id.
    type Output = Option<Message>;

    async fn run(&self, tx: &mut Tx) -> Result<Option<Message>, Fault> {
        let held = held(tx, self.name, self.lease).await?;
        attempts::end(
            tx,
            self.name,
            self.number,
            self.outcome,
            self.reason,
            self.now,
        )
        .await?;
        let Some(mut message) = held else {
            return Ok(None);
        };
        match self.next {
            Next::Sent { due } => sent(tx, &mut message, due, self.now).await?,
            Next::Asked => {
                let fate = &mut message.fate;
                fate.state = MessageState::Asked;
                fate.lease_token = None;
                fate.due_time = None;
                fate.rest_time = None;
                messages::settle(tx, &mut message).await?;
                // Whoever was asked may have been quicker than the news of it.
                let (name, number, now) = (self.name, self.number, self.now);
                if let Some(outcome) = tasks::outcome(tx, name, number).await? {
                    carry::came_of(tx, name, number, outcome, now).await?;
                }
            }
            Next::Again { due } => {
                let fate = &mut message.fate;
                fate.state = MessageState::Queued;
                fate.lease_token = None;
                fate.due_time = Some(due);
                self.reason.clone_into(&mut fate.reason);
                messages::settle(tx, &mut message).await?;
            }
            Next::Fail => fail(tx, self.keys, &mut message, self.reason, self.now).await?,
        }
        if message.template == Template::ClockDigest {
            // It was not told: what became grade 1 while it was under way does not wait for the next try (P22).
            digests::release_grave(tx, &mut message, self.now).await?;
        }
        Ok(Some(message))
    }
}

/// Gives a held message back without an attempt: nobody could say how to reach the reader now.
pub(super) struct PutOff<'a> {
    pub name: &'a MessageName,
    pub keys: &'a Keyring,
    pub lease: Uuid,
    pub reason: &'static str,
    /// Give up after so many; none: never.
    pub limit: Option<i32>,
    pub now: Timestamp,
    pub chance: f64,
}

impl Operation for PutOff<'_> {
    const NAME: &'static str = "notification.put_off";
    type Output = Option<Message>;

    async fn run(&self, tx: &mut Tx) -> Result<Option<Message>, Fault> {
        let Some(mut message) = held(tx, self.name, self.lease).await? else {
            return Ok(None);
        };
        if self.limit.is_some_and(|n| message.fate.defer_count >= n) {
            fail(tx, self.keys, &mut message, self.reason, self.now).await?;
        } else {
            put_off(tx, &mut message, self.reason, self.now, self.chance).await?;
        }
        Ok(Some(message))
    }
}

/// Fails a held message that the wording check keeps back, and remembers the rules.
pub(super) struct Block<'a> {
    pub name: &'a MessageName,
    pub keys: &'a Keyring,
    pub lease: Uuid,
    pub rules: &'a [String],
    pub now: Timestamp,
}

impl Operation for Block<'_> {
    const NAME: &'static str = "notification.block";
    type Output = Option<Message>;

    async fn run(&self, tx: &mut Tx) -> Result<Option<Message>, Fault> {
        let Some(mut message) = held(tx, self.name, self.lease).await? else {
            return Ok(None);
        };
        texts::block(tx, self.name, self.rules).await?;
        fail(tx, self.keys, &mut message, "WORDING_BLOCKED", self.now).await?;
        Ok(Some(message))
    }
}

/// Drops a message of which nobody needs anything any more.
pub(super) struct Drop<'a> {
    pub name: &'a MessageName,
    pub lease: Uuid,
    pub reason: &'static str,
    pub now: Timestamp,
}

impl Operation for Drop<'_> {
    const NAME: &'static str = "notification.drop";
    type Output = Option<Message>;

    async fn run(&self, tx: &mut Tx) -> Result<Option<Message>, Fault> {
        let Some(mut message) = held(tx, self.name, self.lease).await? else {
            return Ok(None);
        };
        silence(tx, &mut message, self.reason, self.now).await?;
        Ok(Some(message))
    }
}

/// Gives a held message back until a way that rests is open again. Nobody's fault, so nothing is counted.
pub(super) struct Rest<'a> {
    pub name: &'a MessageName,
    pub lease: Uuid,
    pub until: Timestamp,
    pub now: Timestamp,
}

impl Operation for Rest<'_> {
    const NAME: &'static str = "notification.rest";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let Some(mut message) = held(tx, self.name, self.lease).await? else {
            return Ok(());
        };
        let fate = &mut message.fate;
        fate.state = MessageState::Queued;
        fate.lease_token = None;
        fate.due_time = Some(self.until);
        fate.rest_time = fate.rest_time.or(Some(self.now));
        RESTS.clone_into(&mut fate.reason);
        messages::settle(tx, &mut message).await
    }
}

/// Why the owners are not told any more; none for everything that is no notice.
async fn notice_ended(
    tx: &mut Tx,
    template: Template,
    notice: Option<&Notice>,
) -> Result<Option<&'static str>, Fault> {
    let Some(notice) = notice.filter(|_| template.is_notice()) else {
        return Ok(None);
    };
    if !notice.stands() {
        return Ok(Some("NOTICE_ENDED"));
    }
    // The incident opened after the approval.
    let silenced = !notice.content.danger && owner_notices::incident_speaks(tx, notice).await?;
    Ok(silenced.then_some(INCIDENT_SPEAKS))
}

/// What is known now of what a message is about.
struct Matter {
    recipient: String,
    reader_accused: bool,
    reader_left: bool,
    case: Option<CaseView>,
    own: Option<CaseView>,
    incident_ended: bool,
    clock: Option<ClockState>,
    survey: Option<Survey>,
    notice: Option<Notice>,
    notice_ended: Option<&'static str>,
    digest: Digest,
}

impl Matter {
    async fn of(tx: &mut Tx, message: &Message) -> Result<Self, Fault> {
        let site = &message.name.site;
        let case = match &message.case {
            Some(name) => matters::case_told(tx, name, message.template).await?,
            None => None,
        };
        let own = match &message.known_by {
            Some(name) => matters::case(tx, name).await?,
            None => None,
        };
        let reader_left = match (&message.known_by, &message.case) {
            (Some(_), Some(case)) => own
                .as_ref()
                .is_none_or(|own| !own.is_joined() || own.merged_into != Some(case.id)),
            _ => false,
        };
        let incident_ended = match &message.incident {
            Some(name) => matters::incident_ended(tx, name).await?,
            None => false,
        };
        let clock = match &message.clock {
            Some(name) => matters::clock_state(tx, name).await?,
            None => None,
        };
        let survey = match message.facts.survey {
            Some(id) => surveys::get(tx, site, id).await?,
            None => None,
        };
        let notice = match message.facts.notice {
            Some(id) => owner_notices::get(tx, site, id).await?,
            None => None,
        };
        let digest = match message.template {
            Template::ClockDigest => Digest::of(digests::items(tx, &message.name).await?),
            _ => Digest::default(),
        };
        let recipient = message.recipient.to_string();
        let reader_accused = match &message.recipient {
            Recipient::Staff(_) => {
                let (case, incident) = message.matter();
                let accused = matters::accused(tx, site, case, incident).await?;
                accused.contains(&recipient)
            }
            Recipient::Complainant(_) => false,
        };
        let notice_ended = notice_ended(tx, message.template, notice.as_ref()).await?;
        Ok(Self {
            recipient,
            reader_accused,
            reader_left,
            case,
            own,
            incident_ended,
            clock,
            survey,
            notice,
            notice_ended,
            digest,
        })
    }

    fn due<'a>(&'a self, message: &Message) -> Due<'a> {
        let survey = self.survey.as_ref();
        Due {
            template: message.template,
            state: message.fate.state,
            page: message.fate.page,
            page_max: message.fate.page_max,
            recipient: &self.recipient,
            reader_accused: self.reader_accused,
            created: message.create_time,
            reader_left: self.reader_left,
            case: self.case.as_ref(),
            of_appeal: message.facts.is_of_appeal(),
            incident_ended: self.incident_ended,
            clock: self.clock,
            waited_for_duty: message.fate.reason == OFF_DUTY,
            survey_ended: survey.is_none_or(|survey| survey.state != SurveyState::Open),
            notice_ended: self.notice_ended,
            nothing_left: message.template == Template::ClockDigest && self.digest.total() == 0,
        }
    }
}

/// Why nobody needs it any more that a person says or writes a message, as its sender asks once its time has come; none where
/// somebody does.
///
/// # Errors
/// When Postgres is away.
pub(crate) async fn needless(
    tx: &mut Tx,
    message: &Message,
) -> Result<Option<&'static str>, Fault> {
    if message.erased {
        return Ok(Some(CASE_ERASED));
    }
    let fate = &message.fate;
    let is_over = matches!(
        fate.state,
        MessageState::Cancelled | MessageState::Acknowledged
    );
    // Whether a call about a survey is still to be made the survey says.
    if is_over && message.template != Template::SurveyAsked {
        return Ok(Some("MATTER_ENDED"));
    }
    let matter = Matter::of(tx, message).await?;
    match paging::unwanted(&matter.due(message)) {
        // The spokesperson may let it go; until then nobody says it.
        Some(INCIDENT_SPEAKS) | None => {}
        reason => return Ok(reason),
    }
    let Recipient::Complainant(token) = &message.recipient else {
        return Ok(None);
    };
    let preference = preferences::get(tx, &message.name.site, token).await?;
    let refused = preference.refuses(message.template.topic());
    Ok(refused.then_some(UNSUBSCRIBED))
}

/// Ends what people were asked to do about a message that nobody needs any more, and the message with it. Says whether that is so.
/// For whoever has the lock of one of its tasks: that comes before the message's.
///
/// # Errors
/// When Postgres is away.
pub(crate) async fn end_needless(
    tx: &mut Tx,
    name: &MessageName,
    now: Timestamp,
) -> Result<bool, Fault> {
    let Some(mut message) = messages::lock(tx, name).await? else {
        return Ok(false);
    };
    let Some(reason) = needless(tx, &message).await? else {
        return Ok(false);
    };
    tasks::end_dropped(tx, name, now).await?;
    match message.fate.state {
        MessageState::Asked | MessageState::Failed => {
            silence(tx, &mut message, reason, now).await?;
        }
        // Its sender asks the same, or the spokesperson decides; what has left has left.
        MessageState::Queued
        | MessageState::Sending
        | MessageState::Held
        | MessageState::Sent
        | MessageState::Acknowledged
        | MessageState::Cancelled
        | MessageState::Bundled => {}
    }
    Ok(true)
}

/// What a digest tells is acknowledged with it.
async fn follow_digest(tx: &mut Tx, message: &mut Message, now: Timestamp) -> Result<(), Fault> {
    let digest = match &message.digest {
        Some(name) => messages::get(tx, name).await?,
        None => None,
    };
    let fate = &mut message.fate;
    fate.due_time = None;
    let acknowledged = digest.filter(|d| d.fate.state == MessageState::Acknowledged);
    let Some(digest) = acknowledged else {
        return messages::settle(tx, message).await;
    };
    fate.state = MessageState::Acknowledged;
    fate.acknowledge_time = digest.fate.acknowledge_time;
    fate.acknowledged_by = digest.fate.acknowledged_by;
    messages::settle(tx, message).await?;
    announce::changed(tx, message, now).await
}

/// The message if this lease still holds it.
async fn held(tx: &mut Tx, name: &MessageName, lease: Uuid) -> Result<Option<Message>, Fault> {
    let message = messages::lock(tx, name).await?;
    Ok(message.filter(|m| m.fate.lease_token == Some(lease)))
}

async fn put_off(
    tx: &mut Tx,
    message: &mut Message,
    reason: &str,
    now: Timestamp,
    chance: f64,
) -> Result<(), Fault> {
    let grave = message.priority <= 1;
    let fate = &mut message.fate;
    fate.defer_count = fate.defer_count.saturating_add(1);
    let failures = u32::try_from(fate.defer_count).unwrap_or(1);
    // A call-out between two pages has been taken by a provider once and goes on as SENT would.
    fate.state = MessageState::Queued;
    fate.lease_token = None;
    fate.due_time = Some(later(now, retry::wait(failures, grave, None, chance)));
    reason.clone_into(&mut fate.reason);
    messages::settle(tx, message).await
}

/// A provider took a locked message, which nobody holds any more; `due`: when to page again, where the reader has to acknowledge.
///
/// # Errors
/// When Postgres is away.
pub(crate) async fn sent(
    tx: &mut Tx,
    message: &mut Message,
    due: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Fault> {
    // What came back was announced as that, however long and for whatever it has waited since.
    let first = message.fate.send_time.is_none()
        || attempts::has_come_back(tx, &message.name, message.fate.page).await?;
    let fate = &mut message.fate;
    fate.state = MessageState::Sent;
    fate.lease_token = None;
    fate.due_time = due;
    fate.rest_time = None;
    fate.reason.clear();
    fate.send_time = fate.send_time.or(Some(now));
    messages::settle(tx, message).await?;
    voice::overtaken(tx, message, now).await?;
    tasks::end_search(tx, &message.name, now).await?;
    if first {
        announce::changed(tx, message, now).await?;
    }
    Ok(())
}

/// What becomes of a message that nobody needs any more: what a provider has taken stays sent; what nobody took, or came back, is
/// cancelled.
///
/// # Errors
/// When Postgres is away.
pub(crate) async fn unneeded(tx: &mut Tx, message: &Message) -> Result<MessageState, Fault> {
    let fate = &message.fate;
    // A task is taken once it is made, and tells nobody before it is done.
    let open = match fate.state {
        MessageState::Asked => fate.attempt_count,
        _ => 0,
    };
    let is_told = fate.send_time.is_some() && attempts::have_told(tx, &message.name, open).await?;
    Ok(if is_told {
        MessageState::Sent
    } else {
        MessageState::Cancelled
    })
}

/// Nobody needs a locked message any more.
///
/// # Errors
/// When Postgres is away.
pub(super) async fn silence(
    tx: &mut Tx,
    message: &mut Message,
    reason: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let state = unneeded(tx, message).await?;
    let fate = &mut message.fate;
    fate.state = state;
    fate.lease_token = None;
    fate.due_time = None;
    reason.clone_into(&mut fate.reason);
    messages::settle(tx, message).await?;
    voice::overtaken(tx, message, now).await
}

async fn fail(
    tx: &mut Tx,
    keys: &Keyring,
    message: &mut Message,
    reason: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let fate = &mut message.fate;
    fate.state = MessageState::Failed;
    fate.lease_token = None;
    fate.due_time = None;
    reason.clone_into(&mut fate.reason);
    messages::settle(tx, message).await?;
    carry::ask_for_a_person(tx, keys, message, now).await?;
    announce::changed(tx, message, now).await
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
