//! What a template may use, documented: a text that names anything else is refused at save.

use super::words::Template;

/// A variable of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it holds, in Chinese and English.
    pub said: (&'static str, &'static str),
}

macro_rules! variables {
    ($($constant:ident = $($name:literal $chinese:literal $english:literal),+;)+) => {
        $(const $constant: &[Variable] = &[$(Variable { name: $name, said: ($chinese, $english) }),+];)+
    };
}

variables! {
    COMMON =
        "reader" "收件人姓名；不知道时为空" "name of the reader; empty where unknown",
        "site" "项目名称" "name of the site",
        "message" "消息的资源名" "resource name of the message";
    CASE =
        "number" "投诉编号" "number of the complaint",
        "case" "投诉的资源名；没有时为空" "resource name of the case; empty where none",
        "owner" "负责人姓名；未定时为空" "name of the person who looks after it; empty until known",
        "owner_department" "负责人所在部门；不知道时为空" "that person's department; empty where unknown",
        "owner_phone" "负责人电话；不知道时为空" "that person's phone; empty where unknown",
        "next_time" "最迟联系时间，按项目时区；未定时为空" "by when somebody will be in touch, in the site's zone; empty until known";
    SAID =
        "text" "发信人写的正文" "what the sender wrote";
    VISIT =
        "visit_time" "见面时间，按项目时区" "when you meet, in the site's zone",
        "place" "见面地点" "where",
        "visitor" "前来或接待的人员姓名" "name of the person who comes or receives";
    VOICE =
        "due_time" "最迟决定时间，按项目时区" "by when it is to be decided, in the site's zone";
    GRADE =
        "grade" "级别，1 至 4；0 为未定" "grade, 1 to 4; 0 where unknown",
        "resource" "投诉或事件的资源名" "resource name of the case, else of the incident";
    CLOCK =
        "promise" "哪一项承诺" "which promise",
        "due_time" "承诺的期限，按项目时区" "its deadline, in the site's zone",
        "rung" "到了哪一级领导" "the rung of the lead ladder",
        "matter" "“投诉 编号”或“一级事件”" "the complaint by its number, else the incident",
        "incident" "事件的资源名；没有时为空" "resource name of the incident; empty where none";
    CALLOUT =
        "role" "在事件中的职责" "the duty in the incident",
        "public_mode" "是否公开模式" "whether the incident runs in public mode",
        "provisional" "是否尚未确认" "whether it hangs on a suspicion that nobody confirmed",
        "incident" "事件的资源名；没有时为空" "resource name of the incident; empty where none",
        "page" "第几次呼叫" "which page this is",
        "page_max" "最多呼叫几次" "the last page";
    SURVEY =
        "link" "作答链接；改为电话询问时为空" "where to answer; empty where somebody calls instead";
    SUMMONS =
        "complainants" "共同投诉的人数" "how many complain together",
        "position" "因何职务到场：DEPARTMENT_MANAGER、VICE_PRESIDENT、COMPANY_HEAD" "because of which position: DEPARTMENT_MANAGER, VICE_PRESIDENT or COMPANY_HEAD";
    PROGRESS =
        "step" "进展：INVESTIGATING 正在查明，RESOLVING 正在处理" "what is under way: INVESTIGATING or RESOLVING";
    NOTICE =
        "title" "通知标题" "title of the notice",
        "text" "通知正文" "text of the notice";
    WAITING =
        "title" "通知标题" "title of the notice",
        "notice" "通知的资源名" "resource name of the notice",
        "for_approval" "是否等待批准；否则等待撰写" "whether it waits for approval; else it waits to be written";
    NEWS =
        "news" "发生了什么：HANDOVER_EXPIRED、HANDOVER_DECLINED、LOAN_BEGAN、LOAN_ENDED、TAKEN_OVER、SOLUTION_AWAITS、SOLUTION_APPROVED、SOLUTION_REFUSED、PASSED_ON、EVIDENCE_ASKED、HANDLING_ORDERED、ORDER_OVERDUE、ORDER_LIFTED、APPEAL_AWAITS、ACTION_DUE、ACTION_OVERDUE、LEDGER_BOOKED、LEDGER_APPEAL_AWAITS、LEDGER_DECIDED、REVIEW_AWAITS、LEDGER_PROPOSAL_AWAITS、LEDGER_OVERDUE、HELPER_ON_LEAVE、ROLE_OFFERED、ROLE_TAKEN、INCIDENT_LINKED" "what happened: HANDOVER_EXPIRED, HANDOVER_DECLINED, LOAN_BEGAN, LOAN_ENDED, TAKEN_OVER, SOLUTION_AWAITS, SOLUTION_APPROVED, SOLUTION_REFUSED, PASSED_ON, EVIDENCE_ASKED, HANDLING_ORDERED, ORDER_OVERDUE, ORDER_LIFTED, APPEAL_AWAITS, ACTION_DUE, ACTION_OVERDUE, LEDGER_BOOKED, LEDGER_APPEAL_AWAITS, LEDGER_DECIDED, REVIEW_AWAITS, LEDGER_PROPOSAL_AWAITS, LEDGER_OVERDUE, HELPER_ON_LEAVE, ROLE_OFFERED, ROLE_TAKEN or INCIDENT_LINKED",
        "headline" "发生了什么，一句话" "the same in a few words",
        "about" "方案、借调、督办、声明等资源名；只与投诉有关时为空" "resource name of the solution, the loan, the order or the statement; empty where it is the case";
    DIGEST =
        "digest" "汇总：total、warned、breached、climbed、paged_again、noticed、offered、more、lines" "the digest: total, warned, breached, climbed, paged_again, noticed, offered, more, lines";
}

/// The variables of a template, in the order in which they are documented.
pub fn of(template: Template) -> Vec<Variable> {
    let groups: &[&[Variable]] = match template {
        Template::CaseReceived
        | Template::CaseProposed
        | Template::CaseClosed
        | Template::CaseResolved
        | Template::CaseRejected
        | Template::AppealDismissed
        | Template::PraiseThanked => &[COMMON, CASE],
        Template::CaseProgress => &[COMMON, CASE, PROGRESS],
        Template::CaseMessage => &[COMMON, CASE, SAID],
        Template::CaseAppointment => &[COMMON, CASE, VISIT],
        Template::CaseAssigned => &[COMMON, CASE, GRADE],
        Template::ClockWarned
        | Template::ClockBreached
        | Template::ClockClimbed
        | Template::ClockPagedAgain
        | Template::SignalSuspected => &[COMMON, CASE, GRADE, CLOCK],
        Template::ClockDigest => &[COMMON, DIGEST],
        Template::IncidentCallout => &[COMMON, CASE, GRADE, CALLOUT],
        Template::TaskWaiting => &[COMMON, CASE],
        Template::WorkSummoned => &[COMMON, CASE, SUMMONS],
        Template::WorkNoticed => &[COMMON, CASE, GRADE, NEWS],
        Template::SurveyAsked => &[COMMON, CASE, SURVEY],
        Template::NoticeOwners | Template::SafetyNotice => &[COMMON, NOTICE],
        Template::NoticeWaiting => &[COMMON, WAITING],
        Template::StatementPublished => &[COMMON, CASE, SAID],
        Template::VoiceWaiting => &[COMMON, CASE, VOICE],
    };
    groups
        .iter()
        .flat_map(|group| group.iter().copied())
        .collect()
}

/// What a text has to say, whoever writes it: the first message names number, handler, department, phone and the next
/// time (M16), the others the number at least, and what somebody wrote is passed on.
pub fn required(template: Template) -> &'static [&'static str] {
    match template {
        Template::CaseReceived => &[
            "number",
            "owner",
            "owner_department",
            "owner_phone",
            "next_time",
        ],
        Template::CaseMessage | Template::StatementPublished => &["number", "text"],
        Template::CaseProgress
        | Template::CaseProposed
        | Template::CaseClosed
        | Template::CaseResolved
        | Template::CaseRejected
        | Template::AppealDismissed => &["number"],
        Template::CaseAppointment => &["number", "visit_time", "place", "visitor"],
        Template::SurveyAsked => &["link"],
        Template::NoticeOwners | Template::SafetyNotice => &["title", "text"],
        Template::CaseAssigned
        | Template::ClockWarned
        | Template::ClockBreached
        | Template::ClockClimbed
        | Template::ClockPagedAgain
        | Template::ClockDigest
        | Template::IncidentCallout
        | Template::SignalSuspected
        | Template::TaskWaiting
        | Template::WorkSummoned
        | Template::NoticeWaiting
        | Template::WorkNoticed
        | Template::VoiceWaiting
        // A sale that went well has no number.
        | Template::PraiseThanked => &[],
    }
}
