//! What to do with a message whose time has come: send it, page again, give up, or keep silent.
//!
//! Asked in one place, at the moment of sending, instead of hunting down queued rows whenever a case
//! ends or a promise is met: whatever happened since, the answer is right when it matters (P02, P06).

use jiff::Timestamp;
use redress_model::words::{CaseStatus, ClockState};

use super::case::{CaseView, is_silent};
use super::words::{MessageState, Template};

/// Pages of a call-out: the first one and three more (own).
pub const CALLOUT_PAGES_MAX: i32 = 4;

/// A message whose time has come, with what is known about its matter now.
#[derive(Debug, Clone)]
pub struct Due<'a> {
    /// What is said.
    pub template: Template,
    /// Where it stands.
    pub state: MessageState,
    /// The current page.
    pub page: i32,
    /// The last page allowed.
    pub page_max: i32,
    /// The reader, as `sites/{site}/staff/{staff}` or a token.
    pub recipient: &'a str,
    /// The case, or one of the incident, complains about the reader.
    pub reader_accused: bool,
    /// When it was caused.
    pub created: Timestamp,
    /// The reader's own case was taken out of the one that it is about.
    pub reader_left: bool,
    /// The case; none where it has none or the case is not known here.
    pub case: Option<&'a CaseView>,
    /// It is about an appeal that somebody is to decide.
    pub of_appeal: bool,
    /// The incident was merged into another.
    pub incident_ended: bool,
    /// The clock's state now.
    pub clock: Option<ClockState>,
    /// A reminder that waited for its reader to be at work.
    pub waited_for_duty: bool,
    /// A survey that waits for no answer any more.
    pub survey_ended: bool,
    /// Why the owners are not told any more, where it is a notice.
    pub notice_ended: Option<&'static str>,
    /// A digest of which nobody needs anything any more.
    pub nothing_left: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Send this page.
    Send {
        /// The page.
        page: i32,
    },
    /// Nobody needs it any more.
    Silence {
        /// UPPER_SNAKE reason.
        reason: &'static str,
    },
    /// All pages went out and nobody answered.
    GiveUp,
}

/// Decides.
pub fn decide(due: &Due<'_>) -> Move {
    if let Some(reason) = unwanted(due) {
        return Move::Silence { reason };
    }
    match due.state {
        MessageState::Sent if due.page >= due.page_max => Move::GiveUp,
        MessageState::Sent => Move::Send { page: due.page + 1 },
        _ => Move::Send { page: due.page },
    }
}

/// Why nobody needs a message any more; none where somebody does.
pub fn unwanted(due: &Due<'_>) -> Option<&'static str> {
    if due.reader_accused {
        // Named since it was queued: they hear no more of it (section 7).
        return Some("READER_ACCUSED");
    }
    if due.reader_left {
        // Their own case goes its own way again, and they hear of that.
        return Some("UNMERGED");
    }
    if due.template == Template::StatementPublished {
        // It has left as the company's word, and crisis has it that they were told: whoever waits for the morning hears it
        // too, though the incident went into another or their case has ended since.
        return None;
    }
    if due.template.is_callout() {
        // A call-out belongs to its incident, which may outlive its cases.
        return due.incident_ended.then_some("INCIDENT_ENDED");
    }
    if due.incident_ended {
        return Some("INCIDENT_ENDED");
    }
    if due.template == Template::SurveyAsked {
        // Asked although the case is closed by now; not once it was opened again or withdrawn.
        return due.survey_ended.then_some("SURVEY_ENDED");
    }
    if due.template == Template::PraiseThanked {
        // The praise stands, whatever has become of the case since.
        return None;
    }
    if due.notice_ended.is_some() {
        return due.notice_ended;
    }
    let case_ended = |case: &CaseView| matter_ended(due.template, case, due.of_appeal);
    if matches!(due.template, Template::CaseClosed | Template::CaseRejected) {
        return due.case.is_none_or(case_ended).then_some("CASE_LIVES");
    }
    let case_ended = due.case.is_some_and(case_ended);
    if let Some(reason) = promise_unwanted(case_ended, due.clock) {
        return Some(reason);
    }
    if due.nothing_left {
        return Some("NOTHING_LEFT");
    }
    // It was answered before the question went, on the telephone perhaps.
    let goes_on = |case: &CaseView| case.work_time.is_some_and(|time| time > due.created);
    if due.template == Template::CaseProposed && due.case.is_some_and(goes_on) {
        return Some("PROPOSAL_ENDED");
    }
    // Whoever was on duty has been told that the promise was broken.
    if due.waited_for_duty
        && due.template == Template::ClockWarned
        && due.clock == Some(ClockState::Breached)
    {
        return Some("PROMISE_BROKEN");
    }
    let offered = |case: &CaseView| case.offered_to == due.recipient;
    offer_unwanted(due.template, due.case.is_some_and(offered))
}

/// Whether what is said has no matter left in its case, as that stands now. Some of it is said because the case has ended.
pub fn matter_ended(template: Template, case: &CaseView, of_appeal: bool) -> bool {
    let at = |end: CaseStatus| case.status == end || case.status == CaseStatus::Archived;
    match template {
        // The praise stands, whatever has become of the case since; whether a survey still waits for an answer it says itself.
        Template::SurveyAsked | Template::PraiseThanked => false,
        // Told though it has ended, but not once it was opened again.
        Template::CaseClosed => !at(CaseStatus::Closed),
        Template::CaseRejected => !at(CaseStatus::Rejected),
        // What a person wrote answers the complainant, also where that was the end of it (M18); so does the last word on an
        // appeal, which may be here before the news that the case was rejected.
        Template::CaseMessage | Template::AppealDismissed => {
            case.historical || matches!(case.status, CaseStatus::Withdrawn | CaseStatus::Merged)
        }
        _ => is_silent(case.status, case.historical, of_appeal),
    }
}

/// Why nobody needs news of an offer any more, alone or as part of a digest. `offered`: the case still is, to this reader.
pub fn offer_unwanted(template: Template, offered: bool) -> Option<&'static str> {
    (template == Template::CaseAssigned && !offered).then_some("OFFER_ENDED")
}

/// Why nobody needs news of a promise any more, alone or as part of a digest.
pub fn promise_unwanted(case_ended: bool, clock: Option<ClockState>) -> Option<&'static str> {
    if case_ended {
        return Some("CASE_ENDED");
    }
    match clock {
        Some(ClockState::Met) => Some("PROMISE_MET"),
        Some(ClockState::Cancelled) => Some("CLOCK_CANCELLED"),
        Some(ClockState::Running | ClockState::Breached) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(status: CaseStatus) -> CaseView {
        CaseView {
            number: String::new(),
            historical: false,
            status,
            epoch: 1,
            revision: 1,
            language: String::new(),
            grade: 1,
            grade_revision: 1,
            responsible: String::new(),
            offered_to: "sites/lake/staff/li".to_owned(),
            owner_revision: 1,
            next_time: None,
            complained_about: Vec::new(),
            person_tokens: Vec::new(),
            erased: false,
            merged_into: None,
            work_time: None,
        }
    }

    fn due<'a>(template: Template, case: Option<&'a CaseView>) -> Due<'a> {
        Due {
            template,
            state: MessageState::Queued,
            page: 1,
            page_max: CALLOUT_PAGES_MAX,
            recipient: "sites/lake/staff/li",
            reader_accused: false,
            created: Timestamp::UNIX_EPOCH,
            reader_left: false,
            case,
            of_appeal: false,
            incident_ended: false,
            clock: None,
            waited_for_duty: false,
            survey_ended: false,
            notice_ended: None,
            nothing_left: false,
        }
    }

    #[test]
    fn p07_a_reminder_that_waited_for_duty_is_not_given_once_the_promise_is_broken() {
        let live = case(CaseStatus::Accepted);
        let mut warned = due(Template::ClockWarned, Some(&live));
        warned.clock = Some(ClockState::Breached);
        assert_eq!(decide(&warned), Move::Send { page: 1 });
        warned.waited_for_duty = true;
        let silence = Move::Silence {
            reason: "PROMISE_BROKEN",
        };
        assert_eq!(decide(&warned), silence);
    }

    #[test]
    fn p06_an_ended_case_silences_its_messages_even_when_they_were_queued_before() {
        for template in [
            Template::CaseReceived,
            Template::CaseAssigned,
            Template::ClockBreached,
        ] {
            for status in ["MERGED", "WITHDRAWN", "CLOSED"] {
                let ended = case(status.parse().unwrap());
                assert_eq!(
                    decide(&due(template, Some(&ended))),
                    Move::Silence {
                        reason: "CASE_ENDED"
                    }
                );
            }
        }
    }

    #[test]
    fn m18_whoever_is_to_decide_an_appeal_hears_of_it_and_of_its_lateness_though_the_case_was_rejected()
     {
        for template in [
            Template::WorkNoticed,
            Template::ClockWarned,
            Template::ClockBreached,
        ] {
            let rejected = case(CaseStatus::Rejected);
            let silence = Move::Silence {
                reason: "CASE_ENDED",
            };
            let mut told = due(template, Some(&rejected));
            assert_eq!(decide(&told), silence);
            told.of_appeal = true;
            assert_eq!(decide(&told), Move::Send { page: 1 });
            let withdrawn = case(CaseStatus::Withdrawn);
            told.case = Some(&withdrawn);
            assert_eq!(decide(&told), silence);
        }
    }

    #[test]
    fn m02_whoever_praised_somebody_is_thanked_though_the_case_has_ended() {
        for status in [
            CaseStatus::Closed,
            CaseStatus::Reopened,
            CaseStatus::Archived,
        ] {
            let case = case(status);
            let told = due(Template::PraiseThanked, Some(&case));
            assert_eq!(decide(&told), Move::Send { page: 1 }, "{status}");
        }
    }

    #[test]
    fn m07_that_a_case_is_closed_is_told_though_it_has_ended_but_not_once_it_was_opened_again() {
        let closed = case(CaseStatus::Closed);
        let told = due(Template::CaseClosed, Some(&closed));
        assert_eq!(decide(&told), Move::Send { page: 1 });
        let opened = case(CaseStatus::Reopened);
        let silence = Move::Silence {
            reason: "CASE_LIVES",
        };
        assert_eq!(decide(&due(Template::CaseClosed, Some(&opened))), silence);
        // M18: unfounded complaints are answered too.
        let rejected = case(CaseStatus::Rejected);
        let told = due(Template::CaseRejected, Some(&rejected));
        assert_eq!(decide(&told), Move::Send { page: 1 });
        assert_eq!(decide(&due(Template::CaseRejected, Some(&opened))), silence);
        for case in [&rejected, &opened] {
            let told = due(Template::AppealDismissed, Some(case));
            assert_eq!(decide(&told), Move::Send { page: 1 });
        }
    }

    #[test]
    fn p02_a_promise_that_was_met_pages_nobody() {
        let live = case(CaseStatus::Accepted);
        let mut met = due(Template::ClockClimbed, Some(&live));
        met.clock = Some(ClockState::Met);
        assert_eq!(
            decide(&met),
            Move::Silence {
                reason: "PROMISE_MET"
            }
        );
        met.clock = Some(ClockState::Breached);
        assert_eq!(decide(&met), Move::Send { page: 1 });
    }

    #[test]
    fn an_offer_that_went_to_somebody_else_is_not_announced() {
        let mut live = case(CaseStatus::Assigned);
        assert_eq!(
            decide(&due(Template::CaseAssigned, Some(&live))),
            Move::Send { page: 1 }
        );
        live.offered_to = "sites/lake/staff/wang".to_owned();
        assert_eq!(
            decide(&due(Template::CaseAssigned, Some(&live))),
            Move::Silence {
                reason: "OFFER_ENDED"
            }
        );
    }

    #[test]
    fn who_is_complained_about_since_hears_no_more_of_it_not_even_a_callout() {
        let live = case(CaseStatus::Assigned);
        for template in [
            Template::CaseAssigned,
            Template::ClockBreached,
            Template::IncidentCallout,
        ] {
            let mut page = due(template, Some(&live));
            assert_eq!(decide(&page), Move::Send { page: 1 });
            page.reader_accused = true;
            assert_eq!(
                decide(&page),
                Move::Silence {
                    reason: "READER_ACCUSED"
                }
            );
        }
    }

    #[test]
    fn an_unanswered_callout_pages_four_times_and_then_gives_up() {
        let ended = case(CaseStatus::Withdrawn);
        let mut page = due(Template::IncidentCallout, Some(&ended));
        assert_eq!(decide(&page), Move::Send { page: 1 });
        page.state = MessageState::Sent;
        for sent in 1..CALLOUT_PAGES_MAX {
            page.page = sent;
            assert_eq!(decide(&page), Move::Send { page: sent + 1 });
        }
        page.page = CALLOUT_PAGES_MAX;
        assert_eq!(decide(&page), Move::GiveUp);
        page.incident_ended = true;
        assert_eq!(
            decide(&page),
            Move::Silence {
                reason: "INCIDENT_ENDED"
            }
        );
    }

    #[test]
    fn what_was_published_is_told_though_incident_and_case_have_ended_since_i7() {
        let ended = case(CaseStatus::Closed);
        let mut told = due(Template::StatementPublished, Some(&ended));
        told.incident_ended = true;
        assert_eq!(decide(&told), Move::Send { page: 1 });
        told.reader_accused = true;
        let silence = Move::Silence {
            reason: "READER_ACCUSED",
        };
        assert_eq!(decide(&told), silence);
    }

    #[test]
    fn a_page_whose_sender_died_is_sent_again_as_the_same_page() {
        let mut lost = due(Template::IncidentCallout, None);
        lost.state = MessageState::Sending;
        lost.page = 2;
        assert_eq!(decide(&lost), Move::Send { page: 2 });
    }
}
