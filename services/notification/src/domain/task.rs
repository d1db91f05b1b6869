//! What a person is asked to do about a message: call, write, or find a way where none was left.

use std::iter;

use jiff::{SignedDuration, Timestamp};
use redress_model::words;
use redress_model::words::DutyRole;

use super::message::Priority;
use super::words::{AttemptOutcome, MessageChannel, RecipientKind, Template};

words! {
    /// What is to be done.
    TaskKind, "TASK_KIND_" {
        /// Call the reader and say it.
        Call = 1 => "CALL",
        /// Print the letter and post it.
        Letter = 2 => "LETTER",
        /// Nobody could be reached: find another way.
        Unreached = 3 => "UNREACHED",
        /// Call a customer and ask how it was.
        Survey = 4 => "SURVEY",
    }
}

words! {
    /// Where a task stands.
    TaskState, "TASK_STATE_" {
        /// Waits for somebody.
        Open = 1 => "OPEN",
        /// Somebody is at it.
        Claimed = 2 => "CLAIMED",
        /// Done, well or not.
        Done = 3 => "DONE",
    }
}

words! {
    /// How a task ended.
    TaskOutcome, "TASK_OUTCOME_" {
        /// The reader knows: spoken to, or the letter is in the post.
        Delivered = 1 => "DELIVERED",
        /// Nobody answered, however often.
        Unreachable = 2 => "UNREACHABLE",
        /// The number or the address is somebody else's.
        WrongContact = 3 => "WRONG_CONTACT",
        /// Nobody needs it any more.
        NotNeeded = 4 => "NOT_NEEDED",
    }
}

impl TaskKind {
    /// What a channel asks of a person; none where machines carry it.
    pub fn of_channel(channel: MessageChannel) -> Option<Self> {
        match channel {
            MessageChannel::Phone => Some(Self::Call),
            MessageChannel::Letter => Some(Self::Letter),
            MessageChannel::Sms
            | MessageChannel::Wechat
            | MessageChannel::Email
            | MessageChannel::Gateway
            | MessageChannel::App
            | MessageChannel::Wecom => None,
        }
    }

    /// By when it is to be done. M16 gives spoken answers a day and letters three.
    pub fn due(self, now: Timestamp) -> Timestamp {
        let span = match self {
            Self::Call | Self::Survey => SignedDuration::from_hours(24),
            Self::Letter => SignedDuration::from_hours(72),
            Self::Unreached => SignedDuration::from_hours(4),
        };
        now.saturating_add(span).unwrap_or(now)
    }
}

/// How long whoever was asked has, once a task is late, before it is put to the next one up (own).
pub const STEP: SignedDuration = SignedDuration::from_hours(4);
/// How long a task that went up all the way stays with whoever has the duty before it goes up anew (own).
pub const ANEW: SignedDuration = SignedDuration::from_hours(24);
/// How soon it is looked again who is on duty for a task with which nobody is, or that nobody may do now (own).
pub const AGAIN: SignedDuration = SignedDuration::from_mins(15);

/// When a task that was just put to somebody, or to nobody, is looked at next; none: once it is due.
pub fn look_at(held: bool, due: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let after = |span| now.saturating_add(span).unwrap_or(now);
    match held {
        false => Some(after(AGAIN)),
        true if due > now => None,
        true => Some(after(STEP)),
    }
}

/// Whose task it is: the front office speaks with complainants, the duty lead looks for staff.
pub fn role(recipient: RecipientKind) -> DutyRole {
    match recipient {
        RecipientKind::Complainant => DutyRole::FrontOffice,
        RecipientKind::Staff => DutyRole::DutyLead,
    }
}

/// Who is asked, in this order: whoever has the duty, else the leads above it, so that nobody waits for nobody (P14), and at
/// last whom the region names. Nobody who may not know of it: that is the caller's to say.
pub fn asked(role: DutyRole) -> Vec<DutyRole> {
    // Words are ordered by rung.
    let above = LEADS.into_iter().filter(|lead| *lead > role);
    iter::once(role).chain(above).collect()
}

/// Whether somebody is to look for the reader of a message that failed. Not where the owner of a clock or an
/// incident climbs anyway, nor for news of tasks, which would breed tasks, nor for notices without danger, whose
/// progress counts whom nothing reached, nor for thanks.
pub fn asks_for_a_person(template: Template, reason: &str) -> bool {
    !matches!(
        reason,
        "NOT_ACKNOWLEDGED" | "TEMPLATE_BROKEN" | "WORDING_BLOCKED" | "CASE_UNKNOWN"
    ) && !matches!(
        template,
        Template::TaskWaiting | Template::NoticeOwners | Template::PraiseThanked
    )
}

/// What the end of a task makes of the attempt that it was; none where the attempt stands.
pub fn verdict(outcome: TaskOutcome) -> Option<(AttemptOutcome, &'static str)> {
    match outcome {
        TaskOutcome::Delivered | TaskOutcome::NotNeeded => None,
        TaskOutcome::Unreachable => Some((AttemptOutcome::Permanent, "TASK_UNREACHABLE")),
        TaskOutcome::WrongContact => Some((AttemptOutcome::Permanent, "TASK_WRONG_CONTACT")),
    }
}

/// The lead ladder from its lowest rung, and whoever stands above it.
const LEADS: [DutyRole; 4] = [
    DutyRole::OnSiteLead,
    DutyRole::DutyLead,
    DutyRole::TopLead,
    DutyRole::RegionContact,
];

/// Priority of the news that tasks wait.
pub const NEWS_PRIORITY: Priority = Priority::Staff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m16_a_call_is_due_within_a_day_and_a_letter_within_three() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(TaskKind::Call.due(now).as_second(), 86_400);
        assert_eq!(TaskKind::Letter.due(now).as_second(), 3 * 86_400);
    }

    #[test]
    fn a_failed_message_asks_for_a_person_but_news_of_tasks_breed_no_tasks() {
        assert!(asks_for_a_person(Template::CaseReceived, "WAYS_USED_UP"));
        assert!(asks_for_a_person(Template::ClockBreached, "SMTP_550"));
        assert!(!asks_for_a_person(Template::TaskWaiting, "WAYS_USED_UP"));
        assert!(!asks_for_a_person(Template::NoticeOwners, "WAYS_USED_UP"));
        assert!(!asks_for_a_person(Template::PraiseThanked, "WAYS_USED_UP"));
        assert!(asks_for_a_person(Template::SafetyNotice, "WAYS_USED_UP"));
        assert!(!asks_for_a_person(
            Template::IncidentCallout,
            "NOT_ACKNOWLEDGED"
        ));
    }

    #[test]
    fn p14_a_task_is_put_to_its_duty_and_then_upward() {
        use DutyRole::{DutyLead, FrontOffice, OnSiteLead, RegionContact, TopLead};
        assert_eq!(
            asked(role(RecipientKind::Complainant)),
            [FrontOffice, OnSiteLead, DutyLead, TopLead, RegionContact]
        );
        assert_eq!(
            asked(role(RecipientKind::Staff)),
            [DutyLead, TopLead, RegionContact]
        );
    }

    #[test]
    fn only_a_task_in_vain_sends_the_message_on() {
        assert_eq!(verdict(TaskOutcome::Delivered), None);
        assert_eq!(verdict(TaskOutcome::NotNeeded), None);
        for outcome in [TaskOutcome::Unreachable, TaskOutcome::WrongContact] {
            let after = verdict(outcome).map(|(attempt, _)| attempt);
            assert_eq!(after, Some(AttemptOutcome::Permanent));
        }
    }
}
