//! Words of the domain as a reader of a message knows them, in each language.

use redress_model::words::{Category, ClockKind, DutyRole};

use super::words::{Language, VisitPlace};

/// What a clock promises.
pub fn promise(kind: ClockKind, language: Language) -> &'static str {
    let (chinese, english) = match kind {
        ClockKind::Acknowledge => ("首次联系客户", "first contact with the customer"),
        ClockKind::Answer => ("实质答复客户", "answer to the customer"),
        ClockKind::Resolve => ("解决问题", "solving the matter"),
        ClockKind::AgeCheck => ("按时间重新定级", "grading again by age"),
        ClockKind::LeaderContact => ("领导直接联系当事人", "a leader's word with the complainant"),
        ClockKind::HoldingStatement => ("准备好首份声明", "a holding statement ready"),
        ClockKind::InsideReport => ("内部情况通报", "the inside report"),
        ClockKind::OutwardUpdate => ("对外进展通报", "the outward update"),
        ClockKind::WeeklyBriefing => ("每周通报会", "the weekly briefing"),
        ClockKind::StartInvestigation => ("开始调查", "the start of the investigation"),
        ClockKind::OnSite => ("到达现场", "being on site"),
        ClockKind::InterimUpdate => ("向客户通报进展", "the next word to the customer"),
        ClockKind::ConfirmClosing => ("请客户确认方案", "the customer's reply to the proposal"),
        ClockKind::FollowUpVisit => ("回访客户", "the follow-up visit"),
        ClockKind::OutsideDeadline => (
            "外部单位或法律规定的期限",
            "a deadline of an outside body or of the law",
        ),
        ClockKind::Support => ("约定事项的期限", "what was promised by a time"),
        ClockKind::Defence => ("提交答辩", "the defence before the court"),
        ClockKind::AppealJudgment => ("对判决上诉", "the appeal against the judgment"),
        ClockKind::AppealRuling => ("对裁定上诉", "the appeal against the ruling"),
        ClockKind::Rescue => ("救援到场", "rescuers on site"),
        ClockKind::StoreReport => ("门店书面报告", "the store's written report"),
        ClockKind::MediaClarification => ("媒体澄清", "the clarification in the media"),
        ClockKind::HoldEnd => ("恢复计时", "the end of a hold"),
        ClockKind::MediaAnswer => ("答复媒体", "the answer to the press"),
        ClockKind::StatementReview => ("审核对外声明", "the review of a statement"),
        ClockKind::RoleOffer => ("对职务移交的答复", "the answer to the offer of a role"),
        ClockKind::ConfirmSignal => (
            "确认疑似重大情况",
            "saying whether a suspected signal is so",
        ),
        ClockKind::Commitment => ("通报会上的承诺", "what was promised at a briefing"),
        ClockKind::ReviewAction => ("复盘整改措施", "an action of the review"),
        ClockKind::PlaybookTask => ("危机预案中的任务", "a task of the crisis playbook"),
    };
    pick(language, chinese, english)
}

/// Where somebody of ours meets a complainant.
pub fn place(place: VisitPlace, language: Language) -> &'static str {
    let (chinese, english) = match place {
        VisitPlace::Home => ("您反映问题的地点", "at the place that it is about"),
        VisitPlace::Office => ("我们的现场办公室", "at our office on the site"),
    };
    pick(language, chinese, english)
}

/// What happened to the work, from its word.
pub fn news(word: &str, language: Language) -> &'static str {
    let (chinese, english) = match word {
        "HANDOVER_EXPIRED" => ("移交逾期无人接收", "nobody took the hand-over in time"),
        "HANDOVER_DECLINED" => ("移交未被接收", "the hand-over was declined"),
        "LOAN_BEGAN" => ("人员借调开始", "somebody is lent to another department"),
        "LOAN_ENDED" => ("人员借调结束", "a loan of staff ended"),
        "TAKEN_OVER" => ("公司中心接管", "the company centre takes the case over"),
        "SOLUTION_AWAITS" => ("方案等待您审批", "a solution waits for your approval"),
        "SOLUTION_APPROVED" => ("方案已批准", "the solution is approved"),
        "SOLUTION_REFUSED" => ("方案未获批准", "the solution is refused"),
        "PASSED_ON" => ("投诉转由他人负责", "the case passed to somebody else"),
        "EVIDENCE_ASKED" => ("请您提供证据", "you are asked for evidence"),
        "HANDLING_ORDERED" => ("上级督办，限期办结", "handling is ordered with a deadline"),
        "ORDER_OVERDUE" => ("督办逾期未办结", "what was ordered is not done in time"),
        "ORDER_LIFTED" => ("督办已解除", "the order is lifted"),
        "APPEAL_AWAITS" => ("复核等待决定", "an appeal waits for a decision"),
        "ACTION_DUE" => ("整改措施即将到期", "a corrective action is due soon"),
        "ACTION_OVERDUE" => ("整改措施逾期", "a corrective action is late"),
        "LEDGER_BOOKED" => ("奖惩台账新增记录", "something was booked in the ledger"),
        "LEDGER_APPEAL_AWAITS" => ("台账申诉等待决定", "an appeal against an entry waits"),
        "LEDGER_PROPOSAL_AWAITS" => ("处罚建议等待决定", "a proposed penalty waits"),
        "LEDGER_OVERDUE" => ("台账事项逾期", "an entry of the ledger is late"),
        "HELPER_ON_LEAVE" => ("协办或举证人员休假", "somebody who owes help is on leave"),
        "LEDGER_DECIDED" => ("台账记录已有结论", "an entry of the ledger was decided"),
        "REVIEW_AWAITS" => ("声明等待您审核", "a statement waits for your review"),
        "ROLE_OFFERED" => (
            "您的事件角色被提议交给他人",
            "your role in an incident is offered",
        ),
        "INCIDENT_LINKED" => (
            "您指挥的事件归属有变",
            "an incident of yours has another lead",
        ),
        "ROLE_TAKEN" => (
            "您的事件角色已由他人接任",
            "your role in an incident went over",
        ),
        // Of a newer release.
        _ => ("工作动态", "news of the work"),
    };
    pick(language, chinese, english)
}

/// A duty.
pub fn duty(role: DutyRole, language: Language) -> &'static str {
    let (chinese, english) = match role {
        DutyRole::FrontOffice => ("前台值守", "front office"),
        DutyRole::OnSiteLead => ("现场负责人", "on-site lead"),
        DutyRole::DutyLead => ("值班负责人", "duty lead"),
        DutyRole::TopLead => ("总负责人", "top lead"),
        DutyRole::Spokesperson => ("发言人", "spokesperson"),
        DutyRole::LegalCounsel => ("法律顾问", "legal counsel"),
        DutyRole::CustomerLiaison => ("客户联络人", "customer liaison"),
        DutyRole::Negotiator => ("谈判代表", "negotiator"),
        DutyRole::Handler => ("经办人", "handler"),
        DutyRole::RegionContact => ("区域联系人", "region's contact"),
    };
    pick(language, chinese, english)
}

/// What complaints are about.
pub fn category(category: Category, language: Language) -> &'static str {
    let (chinese, english) = match category {
        Category::EngineeringQuality => ("房屋质量", "the building or its fittings"),
        Category::PlanningDesign => ("规划设计", "planning or design"),
        Category::SalesManagement => ("销售与合同", "the sale or its contract"),
        Category::PropertyManagement => ("物业服务", "the services of the property manager"),
        Category::ServiceConduct => ("服务态度", "how people were served"),
        Category::RepairService => ("维修服务", "repairs"),
        Category::CommercialLeasing => ("商业租赁", "the leasing of shops"),
        Category::ExternalEnvironment => ("周边环境", "the surroundings"),
    };
    pick(language, chinese, english)
}

/// A rung of the lead ladder, from 1.
pub fn rung(level: i32, language: Language) -> &'static str {
    match level {
        i32::MIN..=1 => duty(DutyRole::OnSiteLead, language),
        2 => duty(DutyRole::DutyLead, language),
        3.. => duty(DutyRole::TopLead, language),
    }
}

fn pick(language: Language, chinese: &'static str, english: &'static str) -> &'static str {
    match language {
        Language::Chinese => chinese,
        Language::English => english,
    }
}
