//! Three crises as they happen (M01, M09, M17), through all five services: from the first call at the hotline through the
//! four stages to the review. What crisis does on the way is tested where it is done; here, that what people do in one
//! service becomes what people do in the next, and that nothing of it is forgotten.
//!
//! Nobody waits for what nobody has to wait for: a briefing may be held before its day, a promise be made for seconds. Where
//! days have to go by, they go by at once ([`Platform::pass`]).

use jiff::SignedDuration;
use redress_model::words::{
    CaseStatus, Channel, ClockKind, ClockState, QualityImpact, SignalBasis, SignalKind, Word as _,
};
use redress_proto::assignment::v1::AcceptAssignmentRequest;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::{
    Audience, ExposureTruth, IncidentMode, IncidentStage, IncidentState, OutletRank, ReviewStep,
    StatementKind, Verdict,
};
use redress_proto::event::v1::ContactDirection;
use redress_proto::intake::v1 as intake;
use redress_proto::notification::v1 as told;
use redress_proto::triage::v1::RecordSignalRequest;
use redress_proto::words::Signal;
use redress_testkit::eventually;
use redress_tests::{Callers, Platform, SITE};
use tonic::Status;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::PATIENCE;
use crate::telling::no_quiet_hours;

/// Commander, duty lead, on-site lead, spokesperson, counsel, liaison, negotiator.
const COMMAND: usize = 7;

/// A story in the telling.
struct Story {
    platform: Platform,
    incident: String,
    /// Its cases, the first call first.
    cases: Vec<String>,
}

fn staff(post: &str) -> String {
    format!("sites/{SITE}/staff/{post}")
}

/// What whoever holds a post may do on the platform.
fn role(post: &str) -> &'static str {
    match post {
        "spokesperson" => "spokesperson",
        "legal-counsel" | "customer-liaison" => "counsel",
        "negotiator" => "handler",
        _ => "manager",
    }
}

fn by<'p>(platform: &'p Platform, post: &str) -> Callers<'p> {
    let callers = platform.callers().at(&[SITE], role(post));
    callers.staff(&staff(post))
}

/// A complaint comes in, as whoever takes it writes it down.
async fn file(platform: &Platform, case: intake::Case) -> String {
    let create = intake::CreateCaseRequest {
        parent: format!("sites/{SITE}"),
        request_id: Uuid::new_v4().to_string(),
        case: Some(intake::Case {
            complainants: vec![intake::Complainant {
                display_name: "业主".to_owned(),
                email: format!("{}@example.com", Uuid::new_v4().simple()),
                ..Default::default()
            }],
            ..case
        }),
        ..Default::default()
    };
    let clerk = platform.callers().at(&[SITE], "clerk");
    let taken = clerk.cases().create_case(create).await;
    let case = taken.expect("taken in").into_inner().case;
    case.expect("filled").name
}

async fn shown(platform: &Platform, name: &str) -> Result<intake::Case, String> {
    let get = intake::GetCaseRequest {
        name: name.to_owned(),
    };
    let got = by(platform, "duty-lead").cases().get_case(get).await;
    let got = got.map_err(|s| s.to_string())?.into_inner();
    got.case.ok_or_else(|| "no case".to_owned())
}

/// Call-outs of an incident that have gone out.
async fn call_outs(platform: &Platform, incident: &str) -> Result<Vec<told::Message>, String> {
    let list = told::ListMessagesRequest {
        parent: format!("sites/{SITE}"),
        incident: incident.to_owned(),
        template: "incident.callout".to_owned(),
        page_size: 100,
        ..Default::default()
    };
    let mut messages = by(platform, "duty-lead").messages();
    let listed = messages.list_messages(list).await;
    let mut sent = listed.map_err(|s| s.to_string())?.into_inner().messages;
    sent.retain(|m| m.send_time.is_some());
    Ok(sent)
}

/// Whether the newest promise of a kind was kept.
fn is_met(incident: &wire::Incident, kind: ClockKind) -> Result<(), String> {
    let newest = incident.clocks.iter().find(|c| c.kind == kind.number());
    let state = newest.map(|c| c.state);
    (state == Some(ClockState::Met.number()))
        .then_some(())
        .ok_or_else(|| format!("{kind} is {state:?}"))
}

impl Story {
    /// Somebody calls the hotline. It is graded as what it is, offered to somebody who takes it; and the duty lead, who hears
    /// more in it, opens an incident before anything breaks out, whose command is called and answers.
    async fn begins_with_a_call(case: intake::Case, hunch: &str) -> Self {
        let platform = Platform::start().await;
        no_quiet_hours(&platform).await;
        let first = file(
            &platform,
            intake::Case {
                channel: to_wire(Channel::Hotline),
                ..case
            },
        )
        .await;
        let offered = eventually(PATIENCE, async || {
            let case = shown(&platform, &first).await?;
            let is = case.status == CaseStatus::Assigned.number() && case.grade != 0;
            is.then_some(case)
                .ok_or_else(|| "not offered yet".to_owned())
        })
        .await;
        assert!(offered.grade > 1 && offered.incident.is_empty(), "a call");
        let takes = AcceptAssignmentRequest {
            name: first.replacen("/cases/", "/work/", 1),
            ..Default::default()
        };
        let handler = platform.callers().at(&[SITE], "handler");
        let taken = handler
            .staff(&offered.offered_to)
            .work()
            .accept_assignment(takes)
            .await;
        taken.expect("offered");

        let open = wire::OpenIncidentRequest {
            parent: format!("sites/{SITE}"),
            case: first.clone(),
            reason: hunch.to_owned(),
            stage: IncidentStage::Latent.into(),
            request_id: Uuid::new_v4().to_string(),
            ..Default::default()
        };
        // Crisis hears of the grade by an event.
        let incident = eventually(PATIENCE, async || {
            let mut incidents = by(&platform, "duty-lead").incidents();
            let opened = incidents.open_incident(open.clone()).await;
            let opened = opened.map_err(|s| s.to_string())?.into_inner();
            opened.incident.ok_or_else(|| "none".to_owned())
        })
        .await;
        let story = Self {
            platform,
            incident: incident.name,
            cases: vec![first],
        };
        story.the_command_answers().await;
        story
    }

    /// Everybody who is called out says so.
    async fn the_command_answers(&self) {
        let pages = eventually(PATIENCE, async || {
            let sent = call_outs(&self.platform, &self.incident).await?;
            (sent.len() == COMMAND)
                .then_some(sent.clone())
                .ok_or_else(|| format!("{} were called", sent.len()))
        })
        .await;
        for page in pages {
            let post = page.recipient.rsplit('/').next().unwrap_or_default();
            let acknowledge = told::AcknowledgeMessageRequest {
                name: page.name,
                ..Default::default()
            };
            let answered = by(&self.platform, post)
                .messages()
                .acknowledge_message(acknowledge)
                .await;
            answered.expect("paged");
        }
        self.until(|incident| {
            let answered = wire::CallOutState::Acknowledged;
            let roles = incident.roles.iter();
            let answered = roles.filter(|r| r.call_out_state() == answered).count();
            (answered == COMMAND)
                .then_some(())
                .ok_or_else(|| format!("{answered} answered"))
        })
        .await;
    }

    async fn now(&self) -> Result<wire::Incident, String> {
        let get = wire::GetIncidentRequest {
            name: self.incident.clone(),
        };
        let mut incidents = by(&self.platform, "duty-lead").incidents();
        let got = incidents.get_incident(get).await;
        let got = got.map_err(|s| s.to_string())?.into_inner();
        got.incident.ok_or_else(|| "no incident".to_owned())
    }

    /// Waits until the incident is so.
    async fn until(&self, is: impl Fn(&wire::Incident) -> Result<(), String>) -> wire::Incident {
        eventually(PATIENCE, async || {
            let incident = self.now().await?;
            is(&incident).map(|()| incident)
        })
        .await
    }

    /// Another complaint about the same matter, which is grave: it joins (I6).
    async fn joins(&mut self, case: intake::Case, mode: IncidentMode) {
        let name = file(&self.platform, case).await;
        self.cases.push(name.clone());
        let graded = eventually(PATIENCE, async || {
            let case = shown(&self.platform, &name).await?;
            (case.grade == 1 && !case.incident.is_empty())
                .then_some(case)
                .ok_or_else(|| "not graded yet".to_owned())
        })
        .await;
        assert_eq!(graded.incident, self.incident, "one incident of a matter");
        let members = i32::try_from(self.cases.len()).expect("a handful");
        self.until(|incident| {
            let is = (incident.case_count, incident.mode());
            (is == (members, mode))
                .then_some(())
                .ok_or_else(|| format!("{is:?}"))
        })
        .await;
    }

    /// A lead speaks with whoever called first, which intake writes down and crisis waits for.
    async fn a_lead_calls_back(&self) {
        let record = intake::RecordContactRequest {
            parent: self.cases[0].clone(),
            contact: Some(intake::Contact {
                direction: ContactDirection::Outbound.into(),
                channel: to_wire(Channel::Hotline),
                by_person: true,
                substantive: true,
                staff: staff("duty-lead"),
                note: "说明了情况和下一次答复的时间".to_owned(),
                ..Default::default()
            }),
            request_id: Uuid::new_v4().to_string(),
        };
        let mut cases = by(&self.platform, "duty-lead").cases();
        cases.record_contact(record).await.expect("recorded");
        self.until(|incident| is_met(incident, ClockKind::LeaderContact))
            .await;
    }

    /// Says something, checked, reviewed and approved as it stands by four people (I7). Gives its name.
    async fn say(&self, kind: StatementKind, audience: Audience, text: &str) -> String {
        let draft = wire::CreateStatementRequest {
            parent: self.incident.clone(),
            statement: Some(wire::Statement {
                kind: kind.into(),
                audience: audience.into(),
                language: "zh-CN".to_owned(),
                text: text.to_owned(),
                ..Default::default()
            }),
            request_id: Uuid::new_v4().to_string(),
        };
        let mut author = by(&self.platform, "customer-liaison").statements();
        let draft = author.create_statement(draft).await;
        let draft = draft.expect("drafted").into_inner().statement;
        let draft = draft.expect("filled");
        for (step, post) in [
            (ReviewStep::FactCheck, "on-site-lead"),
            (ReviewStep::LegalReview, "legal-counsel"),
            (ReviewStep::Approval, "spokesperson"),
        ] {
            let review = wire::ReviewStatementRequest {
                name: draft.name.clone(),
                step: step.into(),
                verdict: Verdict::Approve.into(),
                digest: draft.digest.clone(),
                ..Default::default()
            };
            let mut reviewer = by(&self.platform, post).statements();
            let said = reviewer.review_statement(review).await;
            said.expect("in its turn");
        }
        let publish = wire::PublishStatementRequest {
            name: draft.name.clone(),
            digest: draft.digest,
            ..Default::default()
        };
        let mut voice = by(&self.platform, "spokesperson").statements();
        let left = voice.publish_statement(publish).await;
        left.expect("published");
        draft.name
    }

    /// The same to several audiences.
    async fn say_to(&self, kind: StatementKind, audiences: &[Audience], text: &str) {
        for audience in audiences {
            self.say(kind, *audience, text).await;
        }
    }

    async fn update(&self, audience: wire::UpdateAudience, reference: &str) {
        let update = wire::RecordUpdateRequest {
            name: self.incident.clone(),
            audience: audience.into(),
            reference: reference.to_owned(),
            ..Default::default()
        };
        let mut lead = by(&self.platform, "duty-lead").incidents();
        lead.record_update(update).await.expect("told");
    }

    async fn report(&self) {
        self.update(wire::UpdateAudience::Inside, "report of the duty lead")
            .await;
    }

    async fn plan(&self) -> wire::IncidentPlan {
        let get = wire::GetIncidentPlanRequest {
            name: self.incident.clone(),
        };
        let got = by(&self.platform, "duty-lead")
            .playbooks()
            .get_incident_plan(get)
            .await;
        got.expect("shown").into_inner().plan.expect("filled")
    }

    /// Does what the playbook asks of the stage; the commander says that its exit conditions hold.
    async fn play_through(&self) {
        let plan = self.plan().await;
        let open = wire::TaskState::Open;
        for task in plan.tasks.iter().filter(|t| t.state() == open) {
            let done = wire::CompleteTaskRequest {
                name: self.incident.clone(),
                task: task.key.clone(),
                ..Default::default()
            };
            let mut lead = by(&self.platform, "duty-lead").playbooks();
            lead.complete_task(done).await.expect("open");
        }
        for condition in plan.conditions {
            let holds = wire::AnswerConditionRequest {
                name: self.incident.clone(),
                condition: condition.key,
                holds: true,
                reason: "seen on site".to_owned(),
                ..Default::default()
            };
            let mut top = by(&self.platform, "top-lead").playbooks();
            top.answer_condition(holds).await.expect("of the stage");
        }
    }

    /// It gets worse, which waits for nothing.
    async fn breaks_out(&self) {
        self.stage(IncidentStage::Outbreak)
            .await
            .expect("waits for nothing");
    }

    /// Moves on with nothing waived, or says what keeps it.
    async fn move_to(&self, stage: IncidentStage) {
        self.play_through().await;
        self.stage(stage).await.expect("nothing keeps it");
    }

    async fn stage(&self, stage: IncidentStage) -> Result<(), Status> {
        let request = wire::MoveStageRequest {
            name: self.incident.clone(),
            stage: stage.into(),
            reason: "as decided".to_owned(),
            ..Default::default()
        };
        let mut top = by(&self.platform, "top-lead").incidents();
        let moved = top.move_stage(request).await?.into_inner().incident;
        assert_eq!(moved.map(|i| i.stage()), Some(stage));
        Ok(())
    }

    /// Holds the planned briefing, with a promise by the negotiator, and releases its notes.
    async fn brief(
        &self,
        attendance: i32,
        promise: Option<(&str, SignedDuration)>,
    ) -> wire::Briefing {
        let list = wire::ListBriefingsRequest {
            parent: self.incident.clone(),
            state: wire::BriefingState::Planned.into(),
            ..Default::default()
        };
        let mut lead = by(&self.platform, "duty-lead").briefings();
        let planned = lead.list_briefings(list).await.expect("listed");
        let planned = planned.into_inner().briefings.remove(0);
        let commitment = promise.map(|(text, within)| wire::NewCommitment {
            text: text.to_owned(),
            owner: staff("negotiator"),
            due_time: Some(to_timestamp(self.platform.now() + within)),
        });
        let hold = wire::HoldBriefingRequest {
            name: planned.name.clone(),
            attendance,
            staff: vec![staff("customer-liaison"), staff("on-site-lead")],
            cases: self.cases.clone(),
            commitments: commitment.into_iter().collect(),
            ..Default::default()
        };
        lead.hold_briefing(hold).await.expect("held");
        let release = wire::ReleaseBriefingRequest {
            name: planned.name,
            ..Default::default()
        };
        let released = lead.release_briefing(release).await.expect("released");
        released.into_inner().briefing.expect("filled")
    }

    /// The fixed time goes by for which a briefing was held ahead: a day of notice and a week at most.
    async fn a_week_goes_by(&self) {
        self.platform
            .pass(SignedDuration::from_hours(8 * 24 + 1))
            .await;
    }

    async fn keep(&self, commitment: &wire::Commitment) {
        let keep = wire::KeepCommitmentRequest {
            name: commitment.name.clone(),
            outcome: "as promised".to_owned(),
            ..Default::default()
        };
        let mut negotiator = by(&self.platform, "negotiator").briefings();
        negotiator.keep_commitment(keep).await.expect("kept");
    }

    /// The press writes; nobody knows yet whether it is so.
    async fn is_in_the_paper(&self, outlet: &str) -> String {
        let report = wire::RecordExposureRequest {
            parent: self.incident.clone(),
            exposure: Some(wire::Exposure {
                outlet: outlet.to_owned(),
                rank: OutletRank::City.into(),
                medium: wire::ExposureMedium::Press.into(),
                reach: 40_000,
                ..Default::default()
            }),
            request_id: Uuid::new_v4().to_string(),
        };
        let mut desk = by(&self.platform, "duty-lead").media();
        let recorded = desk.record_exposure(report).await.expect("recorded");
        recorded.into_inner().exposure.expect("filled").name
    }

    /// The files show that it is not so.
    async fn is_false(&self, exposure: &str) -> wire::Exposure {
        let assess = wire::AssessExposureRequest {
            name: exposure.to_owned(),
            truth: ExposureTruth::False.into(),
            reason: "the files say otherwise".to_owned(),
            ..Default::default()
        };
        let mut desk = by(&self.platform, "duty-lead").media();
        let assessed = desk.assess_exposure(assess).await.expect("assessed");
        assessed.into_inner().exposure.expect("filled")
    }

    async fn set_right(
        &self,
        exposure: &str,
        statement: &str,
        (outlet, rank): (&str, OutletRank),
    ) -> Result<wire::Exposure, Status> {
        let clarify = wire::ClarifyExposureRequest {
            name: exposure.to_owned(),
            statement: statement.to_owned(),
            outlet: outlet.to_owned(),
            rank: rank.into(),
            ..Default::default()
        };
        let mut voice = by(&self.platform, "spokesperson").media();
        let clarified = voice.clarify_exposure(clarify).await?.into_inner();
        Ok(clarified.exposure.expect("filled"))
    }

    async fn stand_down(&self) -> Result<wire::Incident, Status> {
        let stand_down = wire::StandDownRequest {
            name: self.incident.clone(),
            reason: "it is over".to_owned(),
            ..Default::default()
        };
        let mut top = by(&self.platform, "top-lead").aftermath();
        let ended = top.stand_down(stand_down).await?.into_inner();
        Ok(ended.incident.expect("filled"))
    }

    /// Stands down, reviews and exports. The document says all of this.
    async fn ends(&self, cause: &str, says: &[&str]) {
        self.play_through().await;
        let ended = self.stand_down().await.expect("nothing is left open");
        assert_eq!(ended.state(), IncidentState::StoodDown);
        let write = wire::WriteReviewRequest {
            name: self.incident.clone(),
            causes: vec![cause.to_owned()],
            worked: vec!["one voice".to_owned()],
            lacking: vec!["an early word".to_owned()],
            ..Default::default()
        };
        let mut lead = by(&self.platform, "duty-lead").aftermath();
        lead.write_review(write).await.expect("written");
        let close = wire::CloseReviewRequest {
            name: self.incident.clone(),
            ..Default::default()
        };
        let mut top = by(&self.platform, "top-lead").aftermath();
        top.close_review(close).await.expect("closed");
        let export = wire::ExportIncidentRequest {
            name: self.incident.clone(),
            ..Default::default()
        };
        let exported = top.export_incident(export).await.expect("exported");
        let document = exported.into_inner().document;
        for told in says.iter().chain([&cause, &"LATENT → OUTBREAK"]) {
            assert!(document.contains(*told), "{told} in\n{document}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_plan_from_the_first_call_to_forty_people_at_the_gate_and_the_review_m01_m09() {
    const MATTER: &str = "三期规划图纸改了,中心绿地变成了停车场";
    // One buyer calls. A leader calls back, and nothing is published.
    let call = intake::Case {
        text: MATTER.to_owned(),
        ..Default::default()
    };
    let mut story = Story::begins_with_a_call(call, "规划变更公示，开始有业主来问").await;
    let latent = story.now().await.expect("shown");
    assert_eq!(
        (latent.mode(), latent.stage()),
        (IncidentMode::Private, IncidentStage::Latent)
    );
    story.report().await;
    story.a_lead_calls_back().await;

    // Then forty stand at the gate.
    let gate = intake::Case {
        channel: to_wire(Channel::DeskOnsite),
        text: MATTER.to_owned(),
        headcount: 40,
        signals: vec![Signal {
            kind: to_wire(SignalKind::Demonstration),
            basis: to_wire(SignalBasis::Confirmed),
            ..Default::default()
        }],
        ..Default::default()
    };
    story.joins(gate, IncidentMode::Public).await;
    story.breaks_out().await;

    // There is a first word, and the people at the gate hear of it.
    let (holding, update) = (StatementKind::Holding, StatementKind::Update);
    let first_word = "我们已到现场,正在核实规划变更的情况。";
    story.say(holding, Audience::Public, first_word).await;
    let outbreak = story.now().await.expect("shown");
    is_met(&outbreak, ClockKind::HoldingStatement).expect("within the hour");
    let text = "今晚请推选代表到接待室面谈。";
    story.say(update, Audience::Affected, text).await;
    let text = "情况核实后统一发布。";
    story.say(update, Audience::Media, text).await;
    story.report().await;
    story.move_to(IncidentStage::Handling).await;

    // The meeting: a plan to look at is promised, and kept before it is asked for.
    story.report().await;
    let both = [Audience::Affected, Audience::Public];
    let text = "变更前后的总平面图将在售楼处公布。";
    story.say_to(update, &both, text).await;
    let plan = "变更前后的总平面图公布在售楼处";
    let three_days = SignedDuration::from_hours(72);
    let met = story.brief(36, Some((plan, three_days))).await;
    assert_eq!(met.form(), wire::BriefingForm::Meeting);
    assert!(met.notes.contains("OUTBREAK → HANDLING"), "{}", met.notes);
    story.keep(&met.commitments[0]).await;
    story.move_to(IncidentStage::Aftermath).await;

    story.a_week_goes_by().await;
    let text = "方案已与业主达成一致。感谢各位业主的理解。";
    story.say_to(StatementKind::Closing, &both, text).await;
    story.report().await;
    let last = story.brief(21, None).await;
    assert!(
        last.notes.contains(&format!("kept: {plan}")),
        "{}",
        last.notes
    );
    story
        .ends(
            "规划变更没有书面通知业主",
            &[first_word, "attendance: 36", "HOLDING_STATEMENT MET"],
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buildings_defects_from_the_first_call_to_a_group_a_lawsuit_and_the_review_m01_m04() {
    const MATTER: &str = "厨房水管接头渗水,橱柜已经泡坏了,请来维修";
    let leak = |impact| intake::Case {
        channel: to_wire(Channel::DeskOnsite),
        text: MATTER.to_owned(),
        quality_impact: to_wire(impact),
        ..Default::default()
    };
    // One household calls: whoever hears of it looks how far the defect reaches, and a leader calls back.
    let call = leak(QualityImpact::AffectsUse);
    let mut story = Story::begins_with_a_call(call, "第一户来电报修渗水，同批次房屋待查").await;
    story.report().await;
    story.a_lead_calls_back().await;

    // It was not removed in time. The neighbours come, which makes it public; one of them goes to court, which keeps it
    // one incident (I6).
    let neighbours = intake::Case {
        headcount: 12,
        ..leak(QualityImpact::Grave)
    };
    story.joins(neighbours, IncidentMode::Public).await;
    let plaintiff = intake::Case {
        signals: vec![Signal {
            kind: to_wire(SignalKind::Litigation),
            basis: to_wire(SignalBasis::Confirmed),
            ..Default::default()
        }],
        ..leak(QualityImpact::Grave)
    };
    story.joins(plaintiff, IncidentMode::Public).await;
    story.breaks_out().await;
    let (holding, update) = (StatementKind::Holding, StatementKind::Update);
    story
        .say(holding, Audience::Public, "我们正在逐户检查。")
        .await;
    let those = [Audience::Affected, Audience::Media];
    story.say_to(update, &those, "检查结果统一发布。").await;
    story.report().await;
    story.move_to(IncidentStage::Handling).await;

    // A promise is forgotten: its owner is paged, then the ladder, and the next meeting hears of it.
    story.report().await;
    let text = "第三方检测报告将向各位公布。";
    story.say(update, Audience::Affected, text).await;
    let opinion = "第三方检测报告";
    let seconds = SignedDuration::from_secs(2);
    let first = story.brief(12, Some((opinion, seconds))).await;
    story
        .until(|incident| {
            let climbed = |e: &wire::LogEntry| e.text == "COMMITMENT climbs to rung 3";
            let climbed = incident.log_entries.iter().any(climbed);
            climbed
                .then_some(())
                .ok_or_else(|| "the top lead was not told".to_owned())
        })
        .await;
    story.a_week_goes_by().await;
    let second = story.brief(13, None).await;
    let overdue = format!("overdue: {opinion} (negotiator)");
    assert!(second.notes.contains(&overdue), "{}", second.notes);
    assert!(first.reproducible && second.reproducible);

    // It gets hot again, then calm for good.
    story.breaks_out().await;
    let all = [Audience::Public, Audience::Affected, Audience::Media];
    story.say_to(update, &all, "检测报告今日公布。").await;
    story.report().await;
    story.keep(&first.commitments[0]).await;
    story.move_to(IncidentStage::Handling).await;
    let both = [Audience::Affected, Audience::Public];
    story.say_to(update, &both, "维修方案已逐户确认。").await;
    story.report().await;
    story.move_to(IncidentStage::Aftermath).await;
    story.a_week_goes_by().await;
    let closing = StatementKind::Closing;
    story.say_to(closing, &both, "维修全部完成。").await;
    story.report().await;
    story.brief(9, None).await;
    story
        .ends(
            "防水没有按图施工",
            &["HANDLING → OUTBREAK", "COMMITMENT MET"],
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_false_report_from_the_first_call_to_one_paper_set_right_one_taken_as_true_and_the_review_m17()
 {
    use OutletRank::{City, Local};
    // A customer calls about a fee. Facts and answers are prepared by the playbook for what the papers may make of it.
    let call = intake::Case {
        text: "门店收了合同里没有写的费用,请说明".to_owned(),
        ..Default::default()
    };
    let story = Story::begins_with_a_call(call, "有人来问门店收费，尚未见报").await;
    let change = wire::ChangeTermsRequest {
        name: story.incident.clone(),
        playbook: "false-report".to_owned(),
        reason: "a paper asks too".to_owned(),
        ..Default::default()
    };
    let mut top = by(&story.platform, "top-lead").playbooks();
    top.change_terms(change).await.expect("shipped");
    let tasks = story.plan().await.tasks;
    assert!(tasks.iter().any(|task| task.key == "answers-ready"));
    let ask = wire::RecordInquiryRequest {
        parent: story.incident.clone(),
        inquiry: Some(wire::Inquiry {
            outlet: "城市晚报".to_owned(),
            rank: City.into(),
            journalist: "Zhao Min, 138 0013 8000".to_owned(),
            question: "门店是否另外收费?".to_owned(),
            due_time: Some(to_timestamp(
                story.platform.now() + SignedDuration::from_hours(6),
            )),
            ..Default::default()
        }),
        request_id: Uuid::new_v4().to_string(),
    };
    let mut desk = by(&story.platform, "duty-lead").media();
    let inquiry = desk.record_inquiry(ask).await.expect("recorded");
    let inquiry = inquiry.into_inner().inquiry.expect("filled").name;
    story.report().await;
    story.a_lead_calls_back().await;

    // Then it is in the paper, which triage grades and crisis weighs.
    let exposed = RecordSignalRequest {
        parent: story.cases[0].clone(),
        signal: Some(Signal {
            kind: to_wire(SignalKind::MediaExposure),
            basis: to_wire(SignalBasis::Confirmed),
            ..Default::default()
        }),
        request_id: Uuid::new_v4().to_string(),
    };
    let mut triage = by(&story.platform, "duty-lead").triage();
    triage.record_signal(exposed).await.expect("recorded");
    story
        .until(|incident| {
            let grade = incident.cases.first().map(|c| c.grade);
            let is = (grade, incident.mode());
            (is == (Some(1), IncidentMode::Public))
                .then_some(())
                .ok_or_else(|| format!("{is:?}"))
        })
        .await;
    story.breaks_out().await;
    let report = story.is_in_the_paper("城市晚报").await;

    // The first word says no more than is known; then the files show that it is not so, and five days run.
    let (update, answer) = (StatementKind::Update, StatementKind::Answer);
    let text = "我们已关注到相关报道,正在核实。";
    story
        .say(StatementKind::Holding, Audience::Public, text)
        .await;
    let assessed = story.is_false(&report).await;
    let from = assessed.create_time.expect("given").seconds;
    let until = assessed.clarify_due_time.expect("given").seconds;
    assert_eq!(until - from, 5 * 24 * 3600);
    let text = "经核实,门店没有收取报道所称的费用。";
    let said = story.say(answer, Audience::Media, text).await;
    let reply = wire::AnswerInquiryRequest {
        name: inquiry,
        statement: said,
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    let mut voice = by(&story.platform, "spokesperson").media();
    voice.answer_inquiry(reply).await.expect("answered");
    let text = "报道所称的费用不存在,合同以书面约定为准。";
    story.say(update, Audience::Affected, text).await;
    story.report().await;
    story.move_to(IncidentStage::Handling).await;

    // Another paper copies it, and it is hot again. Where the first one reported it is set right; a forum is not enough.
    let copied = story.is_in_the_paper("都市早报").await;
    story.is_false(&copied).await;
    story.breaks_out().await;
    let text = "报道内容与事实不符,特此澄清。";
    let clarification = StatementKind::Clarification;
    let clarification = story.say(clarification, Audience::Public, text).await;
    let forum = story.set_right(&report, &clarification, ("业主论坛", Local));
    let refused = forum.await.expect_err("reaches less");
    let details = refused
        .get_details_error_info()
        .expect("every refusal has one");
    assert_eq!(details.reason, "CLARIFICATION_NOT_EQUAL");
    let set_right = story.set_right(&report, &clarification, ("城市晚报", City));
    let set_right = set_right.await.expect("set right");
    assert!(set_right.clarification.expect("how").in_time);
    let text = "请以本公司发布的信息为准。";
    let those = [Audience::Media, Audience::Affected];
    story.say_to(update, &those, text).await;
    story.report().await;
    story.move_to(IncidentStage::Handling).await;
    story.report().await;
    let both = [Audience::Affected, Audience::Public];
    story.say_to(update, &both, text).await;
    let notice = story.brief(1, None).await;
    assert_eq!(notice.form(), wire::BriefingForm::Notice);
    story.move_to(IncidentStage::Aftermath).await;
    let thanks = "感谢各界的监督。";
    let closing = StatementKind::Closing;
    story.say(closing, Audience::Affected, thanks).await;
    let last_word = story.say(closing, Audience::Public, thanks).await;
    story.report().await;
    story.play_through().await;
    let refused = story.stand_down().await.expect_err("one report stands");
    assert!(
        refused.message().starts_with("clarifications ("),
        "{}",
        refused.message()
    );

    // The days go by; the other paper waits for a clarification, and nobody sees to it. What fell due while every service was
    // away is not forgotten (I4), and what nobody denied is taken as true.
    story.a_week_goes_by().await;
    let taken = eventually(PATIENCE, async || {
        let get = wire::GetExposureRequest {
            name: copied.clone(),
        };
        let got = by(&story.platform, "duty-lead")
            .media()
            .get_exposure(get)
            .await;
        let got = got.map_err(|s| s.to_string())?.into_inner();
        let truth = got.exposure.unwrap_or_default().truth();
        (truth == ExposureTruth::TakenAsTrue)
            .then_some(())
            .ok_or_else(|| format!("{truth:?}"))
    });
    taken.await;
    // A late word stands, and undoes nothing.
    let late = story.set_right(&copied, &clarification, ("都市早报", City));
    let late = late.await.expect("stands");
    assert_eq!(late.truth(), ExposureTruth::TakenAsTrue);
    story.report().await;
    story
        .update(wire::UpdateAudience::Outward, &last_word)
        .await;
    story.brief(1, None).await;
    story
        .ends(
            "门店没有保存收费凭证",
            &[
                "HANDLING → OUTBREAK",
                "MEDIA_ANSWER MET",
                "MEDIA_CLARIFICATION MET",
                "城市晚报 (CITY) ANSWERED",
                "城市晚报 set right in 城市晚报 (CITY)",
                "都市早报 TAKEN_AS_TRUE, ",
                "too late, with",
            ],
        )
        .await;
}
