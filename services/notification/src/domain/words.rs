//! The closed sets of words about messages. Spelled as on the wire, in Postgres and in tables for
//! people, like the words of `redress-model`, which this service alone adds to.

use redress_model::words;

words! {
    /// Where a message stands.
    MessageState, "MESSAGE_STATE_" {
        /// Waits to be sent.
        Queued = 1 => "QUEUED",
        /// A worker holds a lease on it.
        Sending = 2 => "SENDING",
        /// A provider has taken it.
        Sent = 3 => "SENT",
        /// A person has to look.
        Failed = 4 => "FAILED",
        /// The person called out has answered.
        Acknowledged = 5 => "ACKNOWLEDGED",
        /// No longer needed before it was sent.
        Cancelled = 6 => "CANCELLED",
        /// A digest tells it.
        Bundled = 7 => "BUNDLED",
        /// Waits for the spokesperson.
        Held = 8 => "HELD",
        /// A person is asked to call or to write, and has not done it yet.
        Asked = 9 => "ASKED",
    }
}

words! {
    /// What somebody's own words to a complainant are for.
    SaidPurpose, "MESSAGE_PURPOSE_" {
        /// Anything that may wait.
        Ordinary = 1 => "ORDINARY",
        /// Who comes when: as an appointment, else in free words, which wait.
        Appointment = 2 => "APPOINTMENT",
        /// A warning of a danger.
        SafetyWarning = 3 => "SAFETY_WARNING",
        /// A reply that has to be given by law.
        LegalReply = 4 => "LEGAL_REPLY",
    }
}

words! {
    /// Where somebody of ours meets a complainant.
    VisitPlace, "VISIT_PLACE_" {
        /// At the place that the complaint is about.
        Home = 1 => "HOME",
        /// At the office of the site.
        Office = 2 => "OFFICE",
    }
}

words! {
    /// What the spokesperson made of a message that was held.
    HoldDecision, "HOLD_DECISION_" {
        /// It went.
        Released = 1 => "RELEASED",
        /// It never went.
        Dropped = 2 => "DROPPED",
    }
}

words! {
    /// The way by which a message reaches a person.
    MessageChannel, "MESSAGE_CHANNEL_" {
        /// A text message to a phone.
        Sms = 1 => "SMS",
        /// WeChat.
        Wechat = 2 => "WECHAT",
        /// E-mail.
        Email = 3 => "EMAIL",
        /// Somebody is asked to call.
        Phone = 4 => "PHONE",
        /// Somebody is asked to write a letter.
        Letter = 5 => "LETTER",
        /// An address that the operator's own gateway understands.
        Gateway = 6 => "GATEWAY",
        /// The reader's own app or portal, which subscribes.
        App = 7 => "APP",
        /// A WeCom group of staff.
        Wecom = 8 => "WECOM",
    }
}

impl MessageChannel {
    /// Whether a person carries it.
    pub fn is_by_hand(self) -> bool {
        matches!(self, Self::Phone | Self::Letter)
    }
}

words! {
    /// Who carries a message.
    Provider, "MESSAGE_PROVIDER_" {
        /// A mail server.
        Smtp = 1 => "SMTP",
        /// A signed HTTP endpoint.
        Webhook = 2 => "WEBHOOK",
        /// Kept sealed in Postgres.
        Outbox = 3 => "OUTBOX",
        /// A gateway for text messages.
        SmsGateway = 4 => "SMS_GATEWAY",
        /// The robot of a WeCom group.
        Wecom = 5 => "WECOM",
        /// A person, who calls or writes.
        Task = 6 => "TASK",
        /// The stream to which apps and portals subscribe.
        App = 7 => "APP",
    }
}

words! {
    /// What kind of person receives a message.
    RecipientKind, "RECIPIENT_KIND_" {
        /// A complainant, known by a person token.
        Complainant = 1 => "COMPLAINANT",
        /// Staff or a lead.
        Staff = 2 => "STAFF",
    }
}

words! {
    /// What became of one attempt.
    AttemptOutcome, "ATTEMPT_OUTCOME_" {
        /// Under way.
        Pending = 1 => "PENDING",
        /// The provider took it.
        Accepted = 2 => "ACCEPTED",
        /// Not now.
        Transient = 3 => "TRANSIENT",
        /// Not this way, ever.
        Permanent = 4 => "PERMANENT",
        /// The worker died before it knew.
        Unknown = 5 => "UNKNOWN",
        /// Taken, and come back later.
        Bounced = 6 => "BOUNCED",
    }
}

words! {
    /// What a customer may refuse to be told.
    MessageTopic, "MESSAGE_TOPIC_" {
        /// Whether it really is solved.
        Survey = 1 => "SURVEY",
        /// How far the matter is.
        Progress = 2 => "PROGRESS",
        /// What other owners found in their homes.
        Notice = 3 => "NOTICE",
    }
}

words! {
    /// What a gateway learned of a message that it had taken.
    DeliveryReport, "DELIVERY_REPORT_" {
        /// It reached the reader.
        Delivered = 1 => "DELIVERED",
        /// It came back.
        Bounced = 2 => "BOUNCED",
        /// The reader opened it.
        Read = 3 => "READ",
    }
}

words! {
    /// After what a survey is asked.
    SurveyKind, "SURVEY_KIND_" {
        /// After a sale.
        Sales = 1 => "SALES",
        /// After the home was handed over.
        Handover = 2 => "HANDOVER",
        /// After a repair.
        Repair = 3 => "REPAIR",
        /// Now and then while living there.
        DailyLiving = 4 => "DAILY_LIVING",
        /// After a complaint was resolved.
        Complaint = 5 => "COMPLAINT",
    }
}

words! {
    /// Where a survey stands.
    SurveyState, "SURVEY_STATE_" {
        /// Waits for an answer.
        Open = 1 => "OPEN",
        /// The customer answered.
        Answered = 2 => "ANSWERED",
        /// No longer asked.
        Cancelled = 3 => "CANCELLED",
    }
}

words! {
    /// What came of a call.
    SurveyCallOutcome, "SURVEY_CALL_OUTCOME_" {
        /// The customer answered the questions.
        Answered = 1 => "ANSWERED",
        /// Nobody picked up.
        NotReached = 2 => "NOT_REACHED",
        /// The customer does not want to be asked.
        Refused = 3 => "REFUSED",
    }
}

/// What is said. The key names the template's files and travels as text, since templates become data
/// of a site sooner than words of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Template {
    /// To a complainant: we have it, under this number.
    CaseReceived,
    /// To staff: this case is offered to you.
    CaseAssigned,
    /// To staff: three quarters of a promise's time are used.
    ClockWarned,
    /// To a lead: a promise was broken.
    ClockBreached,
    /// To the next lead up: it still is.
    ClockClimbed,
    /// To a lead once more: nobody acknowledged, or somebody else is on duty now.
    ClockPagedAgain,
    /// To staff: what many offers, warnings, breaches, take-overs, bookings and late orders at once come to.
    ClockDigest,
    /// To somebody with a duty in an incident: come, and say that you do.
    IncidentCallout,
    /// To a lead: say whether what is suspected of a case is so.
    SignalSuspected,
    /// To whoever is on duty: calls and letters wait.
    TaskWaiting,
    /// To a complainant: what somebody of ours wrote.
    CaseMessage,
    /// To a customer: how was it, and is it solved?
    SurveyAsked,
    /// To a manager or head: so many complain together that you are to appear.
    WorkSummoned,
    /// To a complainant: somebody looks into it, or the agreed solution is under way.
    CaseProgress,
    /// To a complainant: we told you what we propose; do you agree?
    CaseProposed,
    /// To a complainant: it is closed, and can be taken up again.
    CaseClosed,
    /// To an owner: what other owners found may be in your home too.
    NoticeOwners,
    /// To an owner: a danger.
    SafetyNotice,
    /// To a lead: a notice to owners waits to be written or approved.
    NoticeWaiting,
    /// To staff: something happened to the work that you have to know.
    WorkNoticed,
    /// To whom a statement speaks: what the company says on an incident.
    StatementPublished,
    /// To the spokesperson: messages wait for a release.
    VoiceWaiting,
    /// To a complainant who does not want to be asked how it was: what was agreed is done.
    CaseResolved,
    /// To a complainant: we looked into it, will not take it further, and you may appeal once.
    CaseRejected,
    /// To a complainant: the appeal was heard, and the answer stands.
    AppealDismissed,
    /// To a complainant: who comes when and where, in no words of anybody's own.
    CaseAppointment,
    /// To a customer who praised somebody by name: thank you.
    PraiseThanked,
}

impl Template {
    /// Every template.
    pub const ALL: &'static [Self] = &[
        Self::CaseReceived,
        Self::CaseAssigned,
        Self::ClockWarned,
        Self::ClockBreached,
        Self::ClockClimbed,
        Self::ClockPagedAgain,
        Self::ClockDigest,
        Self::IncidentCallout,
        Self::SignalSuspected,
        Self::TaskWaiting,
        Self::CaseMessage,
        Self::SurveyAsked,
        Self::WorkSummoned,
        Self::CaseProgress,
        Self::CaseProposed,
        Self::CaseClosed,
        Self::NoticeOwners,
        Self::SafetyNotice,
        Self::NoticeWaiting,
        Self::WorkNoticed,
        Self::StatementPublished,
        Self::VoiceWaiting,
        Self::CaseResolved,
        Self::CaseRejected,
        Self::AppealDismissed,
        Self::CaseAppointment,
        Self::PraiseThanked,
    ];

    /// The key, for example `case.received`.
    pub fn key(self) -> &'static str {
        match self {
            Self::CaseReceived => "case.received",
            Self::CaseAssigned => "case.assigned",
            Self::ClockWarned => "clock.warned",
            Self::ClockBreached => "clock.breached",
            Self::ClockClimbed => "clock.climbed",
            Self::ClockPagedAgain => "clock.paged_again",
            Self::ClockDigest => "clock.digest",
            Self::IncidentCallout => "incident.callout",
            Self::SignalSuspected => "signal.suspected",
            Self::TaskWaiting => "task.waiting",
            Self::CaseMessage => "case.message",
            Self::SurveyAsked => "survey.asked",
            Self::WorkSummoned => "work.summoned",
            Self::CaseProgress => "case.progress",
            Self::CaseProposed => "case.proposed",
            Self::CaseClosed => "case.closed",
            Self::NoticeOwners => "notice.owners",
            Self::SafetyNotice => "safety.notice",
            Self::NoticeWaiting => "notice.waiting",
            Self::WorkNoticed => "work.noticed",
            Self::StatementPublished => "statement.published",
            Self::VoiceWaiting => "voice.waiting",
            Self::CaseResolved => "case.resolved",
            Self::CaseRejected => "case.rejected",
            Self::AppealDismissed => "appeal.dismissed",
            Self::CaseAppointment => "case.appointment",
            Self::PraiseThanked => "praise.thanked",
        }
    }

    /// The template of this key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|t| t.key() == key)
    }

    /// What a reader refuses who does not want it; none where it is told in any case: receipts, decisions,
    /// warnings of a danger.
    pub fn topic(self) -> Option<MessageTopic> {
        match self {
            Self::SurveyAsked | Self::PraiseThanked => Some(MessageTopic::Survey),
            Self::CaseProgress => Some(MessageTopic::Progress),
            Self::NoticeOwners => Some(MessageTopic::Notice),
            _ => None,
        }
    }

    /// Whether it calls somebody out: paged from here until it is acknowledged.
    pub fn is_callout(self) -> bool {
        self == Self::IncidentCallout
    }

    /// Whether the reader is to acknowledge it. Who owns the clock pages again; here that is only told.
    pub fn is_acknowledged(self) -> bool {
        match self {
            Self::IncidentCallout
            | Self::ClockBreached
            | Self::ClockClimbed
            | Self::ClockPagedAgain
            | Self::ClockDigest
            | Self::WorkSummoned => true,
            // Answered by confirming or dismissing the signal.
            Self::SignalSuspected
            | Self::CaseReceived
            | Self::CaseAssigned
            | Self::ClockWarned
            | Self::TaskWaiting
            | Self::CaseMessage
            | Self::SurveyAsked
            | Self::CaseProgress
            | Self::CaseProposed
            | Self::CaseClosed
            | Self::NoticeOwners
            | Self::SafetyNotice
            | Self::NoticeWaiting
            | Self::WorkNoticed
            | Self::StatementPublished
            | Self::VoiceWaiting
            | Self::CaseResolved
            | Self::CaseRejected
            | Self::AppealDismissed
            | Self::CaseAppointment
            | Self::PraiseThanked => false,
        }
    }

    /// Whether many of it at once are told as one digest, whatever it says. Of `work.noticed` some news are:
    /// [`super::message::BUNDLED_NEWS`].
    pub fn is_bundled(self) -> bool {
        match self {
            Self::CaseAssigned
            | Self::ClockWarned
            | Self::ClockBreached
            | Self::ClockClimbed
            | Self::ClockPagedAgain => true,
            Self::CaseReceived
            | Self::ClockDigest
            | Self::IncidentCallout
            | Self::SignalSuspected
            | Self::TaskWaiting
            | Self::CaseMessage
            | Self::SurveyAsked
            | Self::WorkSummoned
            | Self::CaseProgress
            | Self::CaseProposed
            | Self::CaseClosed
            | Self::NoticeOwners
            | Self::SafetyNotice
            | Self::NoticeWaiting
            | Self::WorkNoticed
            | Self::StatementPublished
            | Self::VoiceWaiting
            | Self::CaseResolved
            | Self::CaseRejected
            | Self::AppealDismissed
            | Self::CaseAppointment
            | Self::PraiseThanked => false,
        }
    }

    /// Whether it leaves the house: wording rules hold for it.
    pub fn is_outward(self) -> bool {
        match self {
            Self::CaseReceived
            | Self::CaseMessage
            | Self::SurveyAsked
            | Self::CaseProgress
            | Self::CaseProposed
            | Self::CaseClosed
            | Self::NoticeOwners
            | Self::SafetyNotice
            | Self::StatementPublished
            | Self::CaseResolved
            | Self::CaseRejected
            | Self::AppealDismissed
            | Self::CaseAppointment
            | Self::PraiseThanked => true,
            Self::CaseAssigned
            | Self::ClockWarned
            | Self::ClockBreached
            | Self::ClockClimbed
            | Self::ClockPagedAgain
            | Self::ClockDigest
            | Self::IncidentCallout
            | Self::SignalSuspected
            | Self::TaskWaiting
            | Self::WorkSummoned
            | Self::NoticeWaiting
            | Self::WorkNoticed
            | Self::VoiceWaiting => false,
        }
    }

    /// Whether owners are told by it before they complain.
    pub fn is_notice(self) -> bool {
        matches!(self, Self::NoticeOwners | Self::SafetyNotice)
    }
}

/// Language of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Simplified Chinese.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// Every language.
    pub const ALL: &'static [Self] = &[Self::Chinese, Self::English];

    /// Its BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// Of a name and the same in English, what its reader is told: the name where there is no other.
    pub fn pick<'a>(self, name: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::English if !english.is_empty() => english,
            Self::English | Self::Chinese => name,
        }
    }

    /// The language that a BCP 47 tag asks for; none where we do not write it.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::Chinese)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::English)
        } else {
            None
        }
    }

    /// The reader's language where we write it, else the site's, else Chinese: the platform's home.
    pub fn choose(reader: &str, site: &str) -> Self {
        Self::of_tag(reader)
            .or_else(|| Self::of_tag(site))
            .unwrap_or(Self::Chinese)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_the_own_language_else_the_sites_else_chinese() {
        assert_eq!(Language::choose("en-GB", "zh-CN"), Language::English);
        assert_eq!(Language::choose("", "en"), Language::English);
        assert_eq!(Language::choose("fr", "zh-CN"), Language::Chinese);
        assert_eq!(Language::choose("", ""), Language::Chinese);
        assert_eq!(Language::choose("zh_Hans_CN", "en"), Language::Chinese);
    }

    #[test]
    fn template_keys_read_back() {
        for template in Template::ALL {
            assert_eq!(Template::of_key(template.key()), Some(*template));
        }
        assert_eq!(Template::of_key("case.unknown"), None);
        // None is left out of the list.
        for (place, template) in Template::ALL.iter().enumerate() {
            assert_eq!(*template as usize, place, "{}", template.key());
        }
        assert_eq!(Template::PraiseThanked as usize + 1, Template::ALL.len());
    }

    #[test]
    fn whatever_a_customer_may_refuse_is_said_by_some_message_that_leaves_the_house() {
        for topic in MessageTopic::ALL {
            let said = |t: &&Template| t.topic() == Some(*topic) && t.is_outward();
            assert!(Template::ALL.iter().any(|t| said(&t)), "{topic}");
        }
    }
}
