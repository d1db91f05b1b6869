//! Single voice: while an incident is open, what goes to those whom it affects waits for the spokesperson, but for what
//! never waits (domain.md section 9). Asked once, at the moment of sending, and again before the hand-over: an incident
//! may open in between.

use jiff::{SignedDuration, Timestamp};
use redress_model::words::{ClockKind, DutyRole};

use super::words::{SaidPurpose, Template};

/// What a message is, as far as its waiting is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// It was received, under this number.
    Receipt,
    /// Who comes when and where, in no words of anybody's own.
    Appointment,
    /// A warning of a danger.
    Safety,
    /// To staff: call-outs, pages, news.
    Inside,
    /// The one voice itself.
    Statement,
    /// A reply that has to be given by law; counts only while such a deadline runs that its writer did not make for it.
    LegalReply,
    /// Everything else.
    Ordinary,
}

impl Category {
    /// Of a message.
    pub fn of(template: Template, purpose: SaidPurpose) -> Self {
        match template {
            Template::CaseReceived => Self::Receipt,
            Template::StatementPublished => Self::Statement,
            Template::CaseAppointment => Self::Appointment,
            Template::CaseMessage => match purpose {
                // In free words anything can be called an appointment.
                SaidPurpose::Ordinary | SaidPurpose::Appointment => Self::Ordinary,
                SaidPurpose::SafetyWarning => Self::Safety,
                SaidPurpose::LegalReply => Self::LegalReply,
            },
            _ if template.key().starts_with("safety.") => Self::Safety,
            _ if template.is_outward() => Self::Ordinary,
            _ => Self::Inside,
        }
    }

    /// Whether it waits while an incident is open. `legal_deadline`: one of the case's legal deadlines runs that its writer did not
    /// make for it.
    pub fn waits(self, legal_deadline: bool) -> bool {
        match self {
            Self::Receipt | Self::Appointment | Self::Safety | Self::Inside | Self::Statement => {
                false
            }
            Self::LegalReply => !legal_deadline,
            Self::Ordinary => true,
        }
    }
}

/// Who is paged where the spokesperson does not decide in time: the highest lead there is, else whom the region names (P14).
pub const LEADS: [DutyRole; 4] = [
    DutyRole::TopLead,
    DutyRole::DutyLead,
    DutyRole::OnSiteLead,
    DutyRole::RegionContact,
];

/// Promises with a deadline that the law, a court or an authority sets.
pub const LEGAL: [ClockKind; 4] = [
    ClockKind::OutsideDeadline,
    ClockKind::Defence,
    ClockKind::AppealJudgment,
    ClockKind::AppealRuling,
];

/// Promises that a held message may have been meant to keep.
pub const TOUCHED: [ClockKind; 7] = [
    ClockKind::Acknowledge,
    ClockKind::Answer,
    ClockKind::InterimUpdate,
    ClockKind::OutsideDeadline,
    ClockKind::Defence,
    ClockKind::AppealJudgment,
    ClockKind::AppealRuling,
];

/// A message is decided within this at the latest (own).
const DECIDE_WITHIN: SignedDuration = SignedDuration::from_hours(4);

/// By when a message held now is to be decided: before the next promise of its case falls due, and soon in any case. One
/// that is broken already asks for a decision at once.
pub fn decide_by(now: Timestamp, promise_due: Option<Timestamp>) -> Timestamp {
    let latest = now.saturating_add(DECIDE_WITHIN).unwrap_or(Timestamp::MAX);
    promise_due.map_or(latest, |due| due.max(now).min(latest))
}

/// When the spokesperson is paged about it: when three quarters of the time are used.
pub fn remind_at(held: Timestamp, decide_by: Timestamp) -> Timestamp {
    let whole = held.duration_until(decide_by);
    held.saturating_add(whole * 3 / 4).unwrap_or(decide_by)
}

/// Where nobody was on duty to be paged, it is tried again after this (own).
const TRY_AGAIN: SignedDuration = SignedDuration::from_mins(15);

/// When to page next: once it is over, too; after that only while nobody is there who could decide. Silence drops nothing and
/// sends nothing.
pub fn remind_next(now: Timestamp, decide_by: Timestamp, anybody: bool) -> Option<Timestamp> {
    if now < decide_by {
        Some(decide_by)
    } else if anybody {
        None
    } else {
        Some(now.saturating_add(TRY_AGAIN).unwrap_or(Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn receipts_appointments_warnings_callouts_statements_and_legal_replies_pass_and_the_rest_waits()
     {
        let said = |purpose| Category::of(Template::CaseMessage, purpose);
        assert!(said(SaidPurpose::Appointment).waits(true), "free words");
        assert!(!said(SaidPurpose::SafetyWarning).waits(false));
        assert!(!said(SaidPurpose::LegalReply).waits(true));
        assert!(
            said(SaidPurpose::LegalReply).waits(false),
            "no such deadline runs"
        );
        assert!(said(SaidPurpose::Ordinary).waits(true));
        for template in Template::ALL {
            let waits = Category::of(*template, SaidPurpose::Ordinary).waits(true);
            let passes = matches!(
                template.key(),
                "case.received" | "case.appointment" | "statement.published"
            ) || template.key().starts_with("safety.");
            assert_eq!(
                waits,
                template.is_outward() && !passes,
                "{}",
                template.key()
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_is_due_the_spokesperson_is_paged_before_it_is_and_never_before_it_was_held(
            held in 0_i64..1_000_000, due in prop::option::of(0_i64..2_000_000),
        ) {
            let at = |second| Timestamp::from_second(second).unwrap();
            let held = at(held);
            let by = decide_by(held, due.map(at));
            let page = remind_at(held, by);
            prop_assert!(held <= page && page <= by);
            prop_assert!(by <= held + DECIDE_WITHIN);
            if let Some(due) = due.map(at) {
                prop_assert!(by <= due.max(held));
            }
        }
    }
}
