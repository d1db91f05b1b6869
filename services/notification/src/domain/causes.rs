//! Which event causes which message to whom (domain.md section 8).
//!
//! The cause is spelled out as text from the event's own identity, never from its delivery: an event
//! that arrives twice, or news that two events tell, ends in one message per reader (I3, P21).

use jiff::{SignedDuration, Timestamp};
use redress_model::name::{CaseName, ClockName, IncidentName, StaffName, StatementName};
use redress_model::words::{CaseStatus, ClockKind, ClockTransition, DutyRole};
use uuid::Uuid;

use super::case::{CaseView, Reader};
use super::message::{Appointment, Draft, Facts, Priority, Recipient};
use super::words::{SaidPurpose, Template};

/// Receipts for the complainants of a case, one a person for ever. A receipt waits at most `patience`
/// for the owner and the first deadline, so that it can name both; then it goes without.
pub fn receipts(
    case: &CaseName,
    view: &CaseView,
    person_tokens: &[String],
    now: Timestamp,
    patience: SignedDuration,
) -> Vec<Draft> {
    if !view.may_page() && !view.is_joined() {
        return Vec::new();
    }
    let due = if view.receipt_is_complete() {
        now
    } else {
        now.saturating_add(patience).unwrap_or(now)
    };
    let mut tokens: Vec<&String> = person_tokens.iter().filter(|t| !t.is_empty()).collect();
    tokens.sort_unstable();
    tokens.dedup();
    tokens
        .into_iter()
        .map(|token| Draft {
            cause: format!("case:{}", case.id),
            template: Template::CaseReceived,
            recipient: Recipient::Complainant(token.clone()),
            case: Some(case.clone()),
            incident: None,
            clock: None,
            clock_generation: 0,
            callout_id: None,
            known_by: None,
            priority: Priority::Complainant,
            due,
            facts: Facts {
                number: view.number.clone(),
                ..Facts::default()
            },
        })
        .collect()
}

/// What the complainants of a case hear of its move (M07, M03): once an epoch, but of every proposal, whatever its grade: what
/// an incident speaks for waits at the hand-over (decision 42). `moved` is when it moved, as the event says.
pub fn progress(
    case: &CaseName,
    view: &CaseView,
    status: CaseStatus,
    moved: Timestamp,
    readers: &[Reader],
    now: Timestamp,
) -> Vec<Draft> {
    let template = match status {
        CaseStatus::Investigating | CaseStatus::Resolving => Template::CaseProgress,
        CaseStatus::Proposed => Template::CaseProposed,
        CaseStatus::Closed => Template::CaseClosed,
        // Whoever explained it said why; that it was said, and that there is an appeal, is told in any case (M18).
        CaseStatus::Rejected => Template::CaseRejected,
        // Received is told by the receipt, resolved by the survey.
        _ => return Vec::new(),
    };
    let mut cause = format!("case:{}:{}:{status}", case.id, view.epoch);
    if status == CaseStatus::Proposed {
        cause = format!("{cause}:{}", moved.as_millisecond());
    }
    to_everybody(case, &cause, template, Some(status), readers, now)
}

/// What a complainant hears of the resolution who does not want to be asked how it was.
pub fn resolved(case: &CaseName, view: &CaseView, reader: &Reader, now: Timestamp) -> Draft {
    let status = CaseStatus::Resolved;
    let cause = format!("case:{}:{}:{status}", case.id, view.epoch);
    let (template, status) = (Template::CaseResolved, Some(status));
    to_complainant(case, &cause, template, reader, status, now)
}

/// What the complainants of a case hear of an appeal that was dismissed: once, since there is one appeal.
pub fn appeal_dismissed(case: &CaseName, readers: &[Reader], now: Timestamp) -> Vec<Draft> {
    let cause = format!("case:{}:appeal", case.id);
    to_everybody(case, &cause, Template::AppealDismissed, None, readers, now)
}

/// One for each named complainant, of the case or of one that was merged into it.
fn to_everybody(
    case: &CaseName,
    cause: &str,
    template: Template,
    status: Option<CaseStatus>,
    readers: &[Reader],
    now: Timestamp,
) -> Vec<Draft> {
    readers
        .iter()
        .map(|reader| to_complainant(case, cause, template, reader, status, now))
        .collect()
}

fn to_complainant(
    case: &CaseName,
    cause: &str,
    template: Template,
    reader: &Reader,
    status: Option<CaseStatus>,
    now: Timestamp,
) -> Draft {
    Draft {
        cause: cause.to_owned(),
        template,
        recipient: Recipient::Complainant(reader.token.clone()),
        case: Some(case.clone()),
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: reader.known_by.clone(),
        priority: Priority::Complainant,
        due: now,
        facts: Facts {
            number: reader.number.clone(),
            status,
            ..Facts::default()
        },
    }
}

/// News for the person to whom a case is offered.
pub fn offer(
    case: &CaseName,
    view: &CaseView,
    offered_to: &StaffName,
    owner_revision: i64,
    grade: i32,
    now: Timestamp,
) -> Option<Draft> {
    view.may_page().then(|| Draft {
        cause: format!("owner:{}:{owner_revision}", case.id),
        template: Template::CaseAssigned,
        recipient: Recipient::Staff(offered_to.clone()),
        case: Some(case.clone()),
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: None,
        priority: Priority::of_grade(grade, false),
        due: now,
        facts: Facts {
            number: view.number.clone(),
            grade,
            ..Facts::default()
        },
    })
}

/// The question to a customer how it was; `known_by`: the customer's own case, where it was merged into that one.
pub fn survey(
    survey: Uuid,
    person: &str,
    (case, known_by): (Option<&CaseName>, Option<&CaseName>),
    number: &str,
    open: Timestamp,
) -> Draft {
    Draft {
        cause: survey_cause(survey),
        template: Template::SurveyAsked,
        recipient: Recipient::Complainant(person.to_owned()),
        case: case.cloned(),
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: known_by.cloned(),
        priority: Priority::Complainant,
        due: open,
        facts: Facts {
            number: number.to_owned(),
            survey: Some(survey),
            ..Facts::default()
        },
    }
}

/// Thanks to a customer who praised somebody by name in a survey (M02): once a survey.
pub fn praise(
    survey: Uuid,
    person: &str,
    cases: (Option<&CaseName>, Option<&CaseName>),
    number: &str,
    now: Timestamp,
) -> Draft {
    Draft {
        cause: format!("{}:praise", survey_cause(survey)),
        template: Template::PraiseThanked,
        ..self::survey(survey, person, cases, number, now)
    }
}

/// The cause of the message that asks a survey.
pub fn survey_cause(survey: Uuid) -> String {
    format!("survey:{survey}")
}

/// What an owner is told before complaining (M19): one message a notice and person.
pub fn notice(notice: Uuid, template: Template, person: &str, now: Timestamp) -> Draft {
    Draft {
        cause: notice_cause(notice),
        template,
        recipient: Recipient::Complainant(person.to_owned()),
        case: None,
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: None,
        priority: Priority::Complainant,
        due: now,
        facts: Facts {
            notice: Some(notice),
            ..Facts::default()
        },
    }
}

/// The cause that all messages of a notice share.
pub fn notice_cause(notice: Uuid) -> String {
    format!("notice:{notice}")
}

/// News for a lead that a notice waits: to be written, or for approval.
pub fn notice_waits(
    notice: Uuid,
    revision: i64,
    for_approval: bool,
    staff: &StaffName,
    now: Timestamp,
) -> Draft {
    Draft {
        cause: format!("notice-waits:{notice}:{revision}"),
        template: Template::NoticeWaiting,
        recipient: Recipient::Staff(staff.clone()),
        case: None,
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: None,
        priority: Priority::Staff,
        due: now,
        facts: Facts {
            notice: Some(notice),
            for_approval,
            ..Facts::default()
        },
    }
}

/// What happened to a clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockNews {
    /// The clock.
    pub clock: ClockName,
    /// Its case, if it is a case's.
    pub case: Option<CaseName>,
    /// Its incident, if it is an incident's.
    pub incident: Option<IncidentName>,
    /// Which promise.
    pub kind: ClockKind,
    /// What happened.
    pub transition: ClockTransition,
    /// The deadline.
    pub due_time: Option<Timestamp>,
    /// Which change of the clock this is.
    pub generation: i64,
    /// Rung of the lead ladder reached.
    pub level: i32,
    /// The case's grade; 0 for an incident.
    pub grade: i32,
    /// Number of the case for people.
    pub number: String,
    /// Who is to be told.
    pub notify: Vec<StaffName>,
    /// When what the promise was made of was entered; none where triage did not say.
    pub made: Option<Timestamp>,
    /// On whose word it starts, a token subject; said with its start alone.
    pub made_by: String,
}

/// News of a clock for those who are to be told.
pub fn clock(news: &ClockNews, now: Timestamp) -> Vec<Draft> {
    // Whether a suspicion is so: it would be grade 1, so the question waits behind nothing.
    let asks = news.kind == ClockKind::ConfirmSignal;
    let template = match news.transition {
        ClockTransition::Warned => Template::ClockWarned,
        ClockTransition::Breached => Template::ClockBreached,
        ClockTransition::Climbed if asks => Template::SignalSuspected,
        ClockTransition::Climbed => Template::ClockClimbed,
        ClockTransition::PagedAgain => Template::ClockPagedAgain,
        ClockTransition::Started
        | ClockTransition::Met
        | ClockTransition::Cancelled
        | ClockTransition::Moved
        | ClockTransition::Held
        | ClockTransition::Resumed => return Vec::new(),
    };
    let mut readers = news.notify.clone();
    readers.sort_unstable();
    readers.dedup();
    readers
        .into_iter()
        .map(|staff| Draft {
            cause: format!(
                "clock:{}:{}:{}",
                news.clock.id, news.generation, news.transition
            ),
            template,
            recipient: Recipient::Staff(staff),
            case: news.case.clone(),
            incident: news.incident.clone(),
            clock: Some(news.clock.clone()),
            clock_generation: news.generation,
            callout_id: None,
            known_by: None,
            priority: if asks {
                Priority::Grave
            } else {
                Priority::of_grade(news.grade, news.incident.is_some())
            },
            due: now,
            facts: Facts {
                number: news.number.clone(),
                grade: news.grade,
                clock_kind: Some(news.kind),
                due_time: news.due_time,
                level: news.level,
                ..Facts::default()
            },
        })
        .collect()
}

/// What a call-out asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalloutNews {
    /// Id of the call-out.
    pub callout_id: Uuid,
    /// The incident.
    pub incident: IncidentName,
    /// The case that opened it, if one did.
    pub case: Option<CaseName>,
    /// The duty.
    pub role: DutyRole,
    /// The person.
    pub staff: StaffName,
    /// Number of the case for people.
    pub number: String,
    /// The incident runs in public mode.
    pub public_mode: bool,
    /// It hangs on a suspicion that nobody confirmed.
    pub provisional: bool,
}

/// The page for somebody who is called out.
pub fn callout(news: &CalloutNews, now: Timestamp) -> Draft {
    Draft {
        cause: format!("callout:{}", news.callout_id),
        template: Template::IncidentCallout,
        recipient: Recipient::Staff(news.staff.clone()),
        case: news.case.clone(),
        incident: Some(news.incident.clone()),
        clock: None,
        clock_generation: 0,
        callout_id: Some(news.callout_id),
        known_by: None,
        priority: Priority::Callout,
        due: now,
        facts: Facts {
            number: news.number.clone(),
            grade: 1,
            role: Some(news.role),
            public_mode: news.public_mode,
            provisional: news.provisional,
            ..Facts::default()
        },
    }
}

/// What somebody wrote to a complainant.
pub fn said(
    cause: &str,
    case: &CaseName,
    reader: &Reader,
    (purpose, writer): (SaidPurpose, Option<&StaffName>),
    now: Timestamp,
) -> Draft {
    Draft {
        cause: cause.to_owned(),
        template: Template::CaseMessage,
        recipient: Recipient::Complainant(reader.token.clone()),
        case: Some(case.clone()),
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: reader.known_by.clone(),
        // Behind no crowd of receipts.
        priority: match purpose {
            SaidPurpose::SafetyWarning => Priority::Grave,
            _ => Priority::Complainant,
        },
        due: now,
        facts: Facts {
            number: reader.number.clone(),
            purpose: Some(purpose),
            writer: writer.map(ToString::to_string).unwrap_or_default(),
            ..Facts::default()
        },
    }
}

/// Who comes when and where.
pub fn appointment(
    cause: &str,
    case: &CaseName,
    reader: &Reader,
    (appointment, writer): (&Appointment, Option<&StaffName>),
    now: Timestamp,
) -> Draft {
    let purpose = (SaidPurpose::Appointment, writer);
    let mut draft = said(cause, case, reader, purpose, now);
    draft.template = Template::CaseAppointment;
    draft.facts.appointment = Some(appointment.clone());
    draft
}

/// News for whoever is on duty that calls and letters wait: once for each span of time, however many there are.
pub fn task_waiting(staff: &StaffName, number: &str, span: i64, now: Timestamp) -> Draft {
    Draft {
        cause: format!("tasks:{span}"),
        template: Template::TaskWaiting,
        recipient: Recipient::Staff(staff.clone()),
        case: None,
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: None,
        priority: super::task::NEWS_PRIORITY,
        due: now,
        facts: Facts {
            number: number.to_owned(),
            ..Facts::default()
        },
    }
}

/// Who has to appear, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummonsNews {
    /// Id of the summons.
    pub summons: Uuid,
    /// How often the person was told, with this.
    pub told: i32,
    /// The case.
    pub case: CaseName,
    /// The person.
    pub staff: StaffName,
    /// Because of which position.
    pub position: String,
    /// How many complain together.
    pub complainants: i32,
    /// Number of the case for people.
    pub number: String,
    /// The case's grade; 0 where not known.
    pub grade: i32,
}

/// The call for somebody whom a group complaint brings; each telling is a message of its own.
pub fn summons(news: &SummonsNews, now: Timestamp) -> Draft {
    Draft {
        cause: format!("summons:{}:{}", news.summons, news.told),
        template: Template::WorkSummoned,
        recipient: Recipient::Staff(news.staff.clone()),
        case: Some(news.case.clone()),
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: None,
        priority: Priority::Grave,
        due: now,
        facts: Facts {
            number: news.number.clone(),
            grade: news.grade,
            complainants: news.complainants,
            position: news.position.clone(),
            ..Facts::default()
        },
    }
}

/// What people have to know about the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkNotice {
    /// Its id.
    pub id: Uuid,
    /// What happened, in a word.
    pub news: String,
    /// Who is told.
    pub staff: Vec<StaffName>,
    /// The case; none where it is about none.
    pub case: Option<CaseName>,
    /// What it is about, where that is not the case.
    pub about: String,
    /// Number of the case for people.
    pub number: String,
    /// The case's grade; 0 where not known.
    pub grade: i32,
}

/// One message for each of them.
pub fn work_notice(notice: &WorkNotice, now: Timestamp) -> Vec<Draft> {
    let draft = |staff: &StaffName| Draft {
        cause: format!("work:{}", notice.id),
        template: Template::WorkNoticed,
        recipient: Recipient::Staff(staff.clone()),
        case: notice.case.clone(),
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: None,
        priority: Priority::of_grade(notice.grade, false),
        due: now,
        facts: Facts {
            number: notice.number.clone(),
            grade: notice.grade,
            news: notice.news.clone(),
            about: notice.about.clone(),
            ..Facts::default()
        },
    };
    // In one order everywhere, since each is locked where it may join a digest.
    let mut readers: Vec<&StaffName> = notice.staff.iter().collect();
    readers.sort_unstable();
    readers.dedup();
    readers.into_iter().map(draft).collect()
}

/// What was published, for one reader. A person with several cases is told once, about the first of them; staff
/// without waiting, since from now on they are asked.
pub fn statement(
    statement: &StatementName,
    incident: &IncidentName,
    recipient: Recipient,
    (case, known_by, number): (&CaseName, Option<&CaseName>, &str),
    allowed_rules: &[String],
    now: Timestamp,
) -> Draft {
    Draft {
        cause: statement_cause(statement.id),
        template: Template::StatementPublished,
        priority: match recipient {
            Recipient::Staff(_) => Priority::Grave,
            Recipient::Complainant(_) => Priority::Complainant,
        },
        recipient,
        case: Some(case.clone()),
        incident: Some(incident.clone()),
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: known_by.cloned(),
        due: now,
        facts: Facts {
            number: number.to_owned(),
            statement: Some(statement.id),
            allowed_rules: allowed_rules.to_vec(),
            ..Facts::default()
        },
    }
}

/// A stretch of time within which whatever waits is told as one, in seconds.
const SPAN_SECONDS: i64 = 15 * 60;

/// News for whoever decides that messages wait: once for each quarter of an hour, however many there are. It belongs to
/// no matter, so that it goes out whatever has ended meanwhile.
pub fn voice_waiting(
    staff: &StaffName,
    incident: Uuid,
    told: i16,
    number: &str,
    decide_by: Timestamp,
    now: Timestamp,
) -> Draft {
    let span = now.as_second().div_euclid(SPAN_SECONDS);
    Draft {
        cause: format!("voice:{incident}:{told}:{span}"),
        template: Template::VoiceWaiting,
        recipient: Recipient::Staff(staff.clone()),
        case: None,
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: None,
        priority: Priority::Grave,
        due: now,
        facts: Facts {
            number: number.to_owned(),
            due_time: Some(decide_by),
            ..Facts::default()
        },
    }
}

/// The cause of everything that a statement leads to.
pub fn statement_cause(statement: Uuid) -> String {
    format!("statement:{statement}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::case::readers;

    fn case_name() -> CaseName {
        CaseName::new("lake".parse().unwrap(), Uuid::from_u128(7))
    }

    fn staff(id: &str) -> StaffName {
        StaffName::new("lake".parse().unwrap(), id.parse().unwrap())
    }

    fn view() -> CaseView {
        CaseView {
            number: "LAKE-1".to_owned(),
            historical: false,
            status: CaseStatus::Received,
            epoch: 1,
            revision: 1,
            language: String::new(),
            grade: 0,
            grade_revision: 0,
            responsible: String::new(),
            offered_to: String::new(),
            owner_revision: 0,
            next_time: None,
            complained_about: Vec::new(),
            person_tokens: Vec::new(),
            erased: false,
            merged_into: None,
            work_time: None,
        }
    }

    fn news(transition: ClockTransition) -> ClockNews {
        ClockNews {
            clock: ClockName::new("lake".parse().unwrap(), Uuid::from_u128(9)),
            case: Some(case_name()),
            incident: None,
            kind: ClockKind::Answer,
            transition,
            due_time: None,
            generation: 3,
            level: 1,
            grade: 2,
            number: "LAKE-1".to_owned(),
            notify: vec![staff("li"), staff("wang"), staff("li")],
            made: None,
            made_by: String::new(),
        }
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_question_about_a_suspicion_waits_behind_nothing_and_is_never_bundled() {
        let asked = ClockNews {
            kind: ClockKind::ConfirmSignal,
            grade: 4,
            ..news(ClockTransition::Climbed)
        };
        let drafts = clock(&asked, NOW);
        assert_eq!(drafts.len(), 2);
        assert!(drafts.iter().all(|d| {
            d.template == Template::SignalSuspected
                && d.priority == Priority::Grave
                && !d.is_bundled()
        }));
    }

    #[test]
    fn p22_m17_take_overs_and_late_orders_are_bundled_but_not_of_grade_1_nor_what_a_person_did() {
        let told = |news: &str, grade| {
            let notice = WorkNotice {
                id: Uuid::from_u128(5),
                news: news.to_owned(),
                staff: vec![staff("wang"), staff("li"), staff("wang")],
                case: Some(case_name()),
                about: String::new(),
                number: "LAKE-1".to_owned(),
                grade,
            };
            let drafts = work_notice(&notice, NOW);
            assert_eq!(drafts.len(), 2, "each reader once");
            drafts.iter().all(Draft::is_bundled)
        };
        for news in [
            "TAKEN_OVER",
            "ORDER_OVERDUE",
            "LEDGER_BOOKED",
            "LEDGER_OVERDUE",
        ] {
            assert!(told(news, 2) && told(news, 4), "{news}");
            assert!(!told(news, 1), "{news}");
        }
        assert!(!told("SOLUTION_AWAITS", 3));
    }

    #[test]
    fn p22_an_offer_is_bundled_but_not_of_grade_1() {
        let bundled = |grade| {
            let draft = offer(&case_name(), &view(), &staff("li"), 1, grade, NOW);
            draft.is_some_and(|draft| draft.is_bundled())
        };
        assert!(bundled(2) && bundled(4));
        assert!(!bundled(1));
    }

    #[test]
    fn every_named_complainant_gets_one_receipt_and_nobody_without_a_token() {
        let tokens = ["b", "a", "b", ""].map(str::to_owned);
        let drafts = receipts(
            &case_name(),
            &view(),
            &tokens,
            NOW,
            SignedDuration::from_secs(60),
        );
        let readers: Vec<String> = drafts.iter().map(|d| d.recipient.to_string()).collect();
        assert_eq!(readers, ["a", "b"]);
        assert!(drafts.iter().all(|d| d.due.as_second() == 60));
    }

    #[test]
    fn a_receipt_that_can_say_everything_does_not_wait() {
        let mut known = view();
        known.responsible = "sites/lake/staff/li".to_owned();
        known.next_time = Some(NOW);
        let drafts = receipts(
            &case_name(),
            &known,
            &["a".to_owned()],
            NOW,
            SignedDuration::from_secs(60),
        );
        assert_eq!(drafts[0].due, NOW);
    }

    #[test]
    fn historical_and_ended_cases_cause_nothing() {
        let mut old = view();
        old.historical = true;
        let mut merged = view();
        merged.moved(CaseStatus::Merged, 2);
        for silent in [old, merged] {
            let tokens = ["a".to_owned()];
            assert!(receipts(&case_name(), &silent, &tokens, NOW, SignedDuration::ZERO).is_empty());
            assert_eq!(offer(&case_name(), &silent, &staff("li"), 1, 1, NOW), None);
        }
    }

    #[test]
    fn m03_m07_complainants_hear_of_progress_of_what_is_proposed_and_of_the_end() {
        let told = |grade, status: CaseStatus| {
            let mut known = view();
            known.grade = grade;
            known.person_tokens = ["b", "a", ""].map(str::to_owned).to_vec();
            let people = readers(&known, &[]);
            let drafts = progress(&case_name(), &known, status, NOW, &people, NOW);
            let keys: Vec<&str> = drafts.iter().map(|d| d.template.key()).collect();
            keys.join(" ")
        };
        for status in CaseStatus::ALL {
            let expected = match status {
                CaseStatus::Investigating | CaseStatus::Resolving => "case.progress case.progress",
                CaseStatus::Proposed => "case.proposed case.proposed",
                CaseStatus::Closed => "case.closed case.closed",
                CaseStatus::Rejected => "case.rejected case.rejected",
                _ => "",
            };
            for grade in 1..=4 {
                assert_eq!(told(grade, *status), expected, "{status} of grade {grade}");
            }
        }
    }

    #[test]
    fn a_clock_tells_each_reader_once_when_it_warns_breaches_or_climbs() {
        for transition in ClockTransition::ALL {
            let drafts = clock(&news(*transition), NOW);
            let expected = match transition.word() {
                "WARNED" | "BREACHED" | "CLIMBED" | "PAGED_AGAIN" => 2,
                _ => 0,
            };
            assert_eq!(drafts.len(), expected, "{transition}");
        }
    }

    #[test]
    fn p21_one_cause_spells_one_key_and_another_generation_spells_another() {
        let first = clock(&news(ClockTransition::Climbed), NOW);
        let again = clock(
            &news(ClockTransition::Climbed),
            NOW + SignedDuration::from_secs(9),
        );
        assert_eq!(first[0].cause, again[0].cause);
        let mut later = news(ClockTransition::Climbed);
        later.generation += 1;
        assert_ne!(first[0].cause, clock(&later, NOW)[0].cause);
    }

    #[test]
    fn a_callout_goes_before_everything_else() {
        let draft = callout(
            &CalloutNews {
                callout_id: Uuid::from_u128(1),
                incident: IncidentName::new("lake".parse().unwrap(), Uuid::from_u128(2)),
                case: Some(case_name()),
                role: DutyRole::Spokesperson,
                staff: staff("li"),
                number: "LAKE-1".to_owned(),
                public_mode: true,
                provisional: false,
            },
            NOW,
        );
        assert_eq!(draft.priority, Priority::Callout);
        assert!(Priority::Callout < Priority::of_grade(1, false));
        assert!(Priority::of_grade(1, false) < Priority::of_grade(2, false));
        assert_eq!(Priority::of_grade(0, true), Priority::Grave);
    }

    #[test]
    fn each_telling_of_a_summons_is_a_message_of_its_own_and_no_second_one() {
        let news = |told| SummonsNews {
            summons: Uuid::from_u128(3),
            told,
            case: case_name(),
            staff: staff("li"),
            position: "VICE_PRESIDENT".to_owned(),
            complainants: 3,
            number: "LAKE-1".to_owned(),
            grade: 2,
        };
        let first = summons(&news(1), NOW);
        assert_eq!(
            first.cause,
            summons(&news(1), NOW + SignedDuration::from_secs(9)).cause
        );
        assert_ne!(first.cause, summons(&news(2), NOW).cause);
        assert!(first.template.is_acknowledged() && !first.is_bundled());
    }
}
