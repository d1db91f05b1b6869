//! Stories as they happen (M01, M09, M17), from the first call through the four stages to the review: what the
//! command of a real crisis does in a day and in a month, and that nothing of it is forgotten.

use redress_crisis::domain::export::verify;
use redress_model::words::{ClockKind, ClockTransition};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::aftermath_service_server::AftermathService as _;
use redress_proto::crisis::v1::briefing_service_server::BriefingService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::statement_service_server::StatementService as _;
use redress_proto::crisis::v1::{
    Audience, ExposureTruth, IncidentMode, IncidentStage, IncidentState, OutletRank, ReviewStep,
    StatementKind, Verdict,
};
use redress_proto::words::ClockState;

use crate::world::*;

/// A story in the telling.
struct Story {
    world: World,
    incident: String,
}

impl Story {
    /// Somebody calls, and whoever hears of it opens an incident before anything breaks out.
    async fn before_it_breaks_out(reason: &str) -> Self {
        let world = World::new().await;
        world
            .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
            .await;
        let first = case("lake", 1);
        let call = graded(&first, &cluster("lake", 1), 3, &["G3.1"]);
        world.take([received(&first), call.event()]).await;
        let open = wire::OpenIncidentRequest {
            parent: "sites/lake".into(),
            case: first.to_string(),
            reason: reason.into(),
            stage: IncidentStage::Latent.into(),
            ..Default::default()
        };
        let opened = world
            .api
            .open_incident(as_person(open, "lake", "duty"))
            .await;
        let opened = opened.expect("graded").into_inner().incident;
        let incident = opened.expect("filled").name;
        for call in world.call_outs("lake").await {
            world.take([message_changed(&call, "ACKNOWLEDGED")]).await;
        }
        Self { world, incident }
    }

    async fn now(&self) -> wire::Incident {
        self.world.incident(&self.incident).await
    }

    /// Says something outward, checked, reviewed and approved as it stands. Gives its name.
    async fn say(
        &self,
        kind: StatementKind,
        audience: Audience,
        text: &str,
        facts: &[(&str, &str)],
    ) -> String {
        let facts = facts.iter().map(|(key, value)| wire::StatementFact {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            source: "engineering's record".into(),
        });
        let draft = wire::CreateStatementRequest {
            parent: self.incident.clone(),
            statement: Some(wire::Statement {
                kind: kind.into(),
                audience: audience.into(),
                language: "zh-CN".into(),
                text: text.into(),
                facts: facts.collect(),
                ..Default::default()
            }),
            request_id: String::new(),
        };
        let api = &self.world.statements;
        let draft = api
            .create_statement(as_person(draft, "lake", "clerk"))
            .await;
        let draft = draft
            .expect("drafted")
            .into_inner()
            .statement
            .expect("filled");
        for (step, by) in [
            (ReviewStep::FactCheck, "onsite"),
            (ReviewStep::LegalReview, "counsel"),
            (ReviewStep::Approval, "voice"),
        ] {
            let review = wire::ReviewStatementRequest {
                name: draft.name.clone(),
                step: step.into(),
                verdict: Verdict::Approve.into(),
                digest: draft.digest.clone(),
                ..Default::default()
            };
            let said = api.review_statement(as_person(review, "lake", by)).await;
            said.expect("in its turn");
        }
        let publish = wire::PublishStatementRequest {
            name: draft.name.clone(),
            digest: draft.digest,
            ..Default::default()
        };
        let left = api
            .publish_statement(as_person(publish, "lake", "voice"))
            .await;
        left.expect("published");
        draft.name
    }

    async fn report(&self) {
        let update = wire::RecordUpdateRequest {
            name: self.incident.clone(),
            audience: wire::UpdateAudience::Inside.into(),
            reference: "report".into(),
            ..Default::default()
        };
        let told = self
            .world
            .api
            .record_update(as_person(update, "lake", "duty"))
            .await;
        told.expect("told");
    }

    /// Moves on with nothing waived, or says what keeps it.
    async fn move_to(&self, stage: IncidentStage) {
        self.world.play_through(&self.incident).await;
        let request = wire::MoveStageRequest {
            name: self.incident.clone(),
            stage: stage.into(),
            reason: "as decided".into(),
            ..Default::default()
        };
        let moved = self
            .world
            .api
            .move_stage(as_person(request, "lake", "top"))
            .await;
        moved.expect("nothing keeps it");
    }

    /// Holds the planned briefing, with a promise, and releases its notes.
    async fn brief(
        &self,
        attendance: i32,
        cases: &[u128],
        promise: Option<&str>,
    ) -> wire::Briefing {
        let list = wire::ListBriefingsRequest {
            parent: self.incident.clone(),
            state: wire::BriefingState::Planned.into(),
            ..Default::default()
        };
        let api = &self.world.briefings;
        let planned = api.list_briefings(as_person(list, "lake", "liaison")).await;
        let planned = planned.expect("listed").into_inner().briefings.remove(0);
        let due = self.world.now() + jiff::SignedDuration::from_hours(72);
        let hold = wire::HoldBriefingRequest {
            name: planned.name.clone(),
            attendance,
            staff: vec![staff("lake", "liaison"), staff("lake", "onsite")],
            cases: cases.iter().map(|n| case("lake", *n).to_string()).collect(),
            commitments: promise
                .map(|text| wire::NewCommitment {
                    text: text.into(),
                    owner: staff("lake", "negotiator"),
                    due_time: Some(to_timestamp(due)),
                })
                .into_iter()
                .collect(),
            ..Default::default()
        };
        let held = api.hold_briefing(as_person(hold, "lake", "liaison")).await;
        held.expect("held");
        let release = wire::ReleaseBriefingRequest {
            name: planned.name,
            ..Default::default()
        };
        let released = api
            .release_briefing(as_person(release, "lake", "liaison"))
            .await;
        released
            .expect("released")
            .into_inner()
            .briefing
            .expect("filled")
    }

    async fn keep(&self, commitment: &wire::Commitment) {
        let keep = wire::KeepCommitmentRequest {
            name: commitment.name.clone(),
            outcome: "as promised".into(),
            ..Default::default()
        };
        let kept = self
            .world
            .briefings
            .keep_commitment(as_person(keep, "lake", "negotiator"))
            .await;
        kept.expect("kept");
    }

    /// Stands down, reviews and exports; gives the document.
    async fn end(&self, cause: &str) -> String {
        self.world.play_through(&self.incident).await;
        let api = &self.world.aftermath;
        let stand_down = wire::StandDownRequest {
            name: self.incident.clone(),
            reason: "it is over".into(),
            ..Default::default()
        };
        let ended = api.stand_down(as_person(stand_down, "lake", "top")).await;
        let ended = ended.expect("stood down").into_inner().incident;
        assert_eq!(ended.expect("filled").state(), IncidentState::StoodDown);
        let write = wire::WriteReviewRequest {
            name: self.incident.clone(),
            causes: vec![cause.into()],
            worked: vec!["one voice".into()],
            lacking: vec!["an early word".into()],
            ..Default::default()
        };
        let written = api.write_review(as_person(write, "lake", "duty")).await;
        written.expect("written");
        let close = wire::CloseReviewRequest {
            name: self.incident.clone(),
            ..Default::default()
        };
        let closed = api.close_review(as_person(close, "lake", "top")).await;
        closed.expect("closed");
        let export = wire::ExportIncidentRequest {
            name: self.incident.clone(),
            ..Default::default()
        };
        let document = api.export_incident(as_person(export, "lake", "top")).await;
        let document = document.expect("exported").into_inner().document;
        verify(&document).expect("holds");
        document
    }
}

#[tokio::test]
async fn a_changed_plan_brings_forty_people_to_the_gate_and_ends_with_a_review_m01_m09() {
    // People begin to ask: a leader speaks with the first who calls, and nothing is published.
    let story = Story::before_it_breaks_out("规划变更公示，开始有业主来问").await;
    let latent = story.now().await;
    assert_eq!(
        (latent.mode(), latent.stage()),
        (IncidentMode::Private, IncidentStage::Latent)
    );
    story.report().await;
    story.world.advance(90);
    let spoke = contact(&case("lake", 1), "duty", story.world.now());
    story.world.take([spoke]).await;
    let contact = clock(&story.now().await, ClockKind::LeaderContact);
    assert_eq!(contact.state(), ClockState::Met);

    // Then forty stand at the gate.
    story.world.advance(60);
    let gate = case("lake", 2);
    let mut forty = graded(&gate, &cluster("lake", 1), 1, &["G1.1", "G1.4"]).at(story.world.now());
    forty.payload.complainants = 40;
    forty.payload.cluster_complainants = 40;
    story.world.take([received(&gate), forty.event()]).await;
    let breaks_out = story
        .world
        .to_stage(&story.incident, IncidentStage::Outbreak, |_| false);
    breaks_out.await.expect("waits for nothing");
    let incident = story.now().await;
    assert_eq!(
        (incident.mode(), incident.stage()),
        (IncidentMode::Public, IncidentStage::Outbreak)
    );
    assert!(incident.roles.iter().all(|r| !r.staff.is_empty()));

    // Within the hour there is a first word, and the people at the gate hear of it.
    story.world.advance(40);
    story
        .say(
            StatementKind::Holding,
            Audience::Public,
            "我们已到现场,正在核实规划变更的情况。",
            &[],
        )
        .await;
    let ready = clock(&story.now().await, ClockKind::HoldingStatement);
    assert_eq!(ready.state(), ClockState::Met);
    story
        .say(
            StatementKind::Update,
            Audience::Affected,
            "今晚请推选代表到接待室面谈。",
            &[],
        )
        .await;
    story
        .say(
            StatementKind::Update,
            Audience::Media,
            "情况核实后统一发布。",
            &[],
        )
        .await;
    story.world.advance(3 * 60);
    story.report().await;
    story.move_to(IncidentStage::Handling).await;

    // The week's meeting: a plan to look at is promised, and kept before it is asked for.
    story.world.advance(4 * 24 * 60);
    story.report().await;
    story
        .say(
            StatementKind::Update,
            Audience::Affected,
            "变更前后的总平面图周一公布。",
            &[],
        )
        .await;
    story
        .say(
            StatementKind::Update,
            Audience::Public,
            "总平面图将在售楼处公布。",
            &[],
        )
        .await;
    let met = story
        .brief(36, &[1], Some("变更前后的总平面图公布在售楼处"))
        .await;
    assert_eq!(met.form(), wire::BriefingForm::Meeting);
    assert!(met.notes.contains("OUTBREAK → HANDLING"), "{}", met.notes);
    story.keep(&met.commitments[0]).await;
    story.move_to(IncidentStage::Aftermath).await;

    story
        .say(
            StatementKind::Closing,
            Audience::Public,
            "方案已与业主达成一致。",
            &[],
        )
        .await;
    story
        .say(
            StatementKind::Closing,
            Audience::Affected,
            "感谢各位业主的理解。",
            &[],
        )
        .await;
    story.report().await;
    story.world.advance(7 * 24 * 60);
    let last = story.brief(21, &[1], None).await;
    assert!(
        last.difference.contains("+- ") && last.notes.contains("kept: 变更前后的总平面图"),
        "{}",
        last.notes
    );
    let document = story.end("规划变更没有书面通知业主").await;
    for told in [
        "规划变更没有书面通知业主",
        "LATENT → OUTBREAK",
        "我们已到现场",
        "attendance: 36",
        "HOLDING_STATEMENT MET",
    ] {
        assert!(document.contains(told), "{told}");
    }
}

#[tokio::test]
async fn a_building_with_defects_becomes_a_group_and_a_lawsuit_in_one_incident_m01_m04() {
    // One household first: whoever hears of it looks how far the defect reaches, a leader speaks with it, and nothing is
    // published.
    let story = Story::before_it_breaks_out("第一户来电报修渗水，同批次房屋待查").await;
    let world = &story.world;
    let latent = story.now().await;
    assert_eq!(
        (latent.mode(), latent.stage()),
        (IncidentMode::Private, IncidentStage::Latent)
    );
    story.report().await;
    world.advance(30);
    world
        .take([contact(&case("lake", 1), "duty", world.now())])
        .await;
    assert_eq!(
        clock(&story.now().await, ClockKind::LeaderContact).state(),
        ClockState::Met
    );

    // It was not removed in time. The neighbours join, which makes it public; one of them goes to court, which keeps it
    // one incident (I6).
    for (n, criteria, people) in [
        (2, &["G1.3", "G1.4"][..], 12),
        (3, &["G1.4", "G1.5"][..], 13),
    ] {
        let mut joins = graded(&case("lake", n), &cluster("lake", 1), 1, criteria).at(world.now());
        joins.payload.cluster_complainants = people;
        world.take([joins.event()]).await;
    }
    let breaks_out = world.to_stage(&story.incident, IncidentStage::Outbreak, |_| false);
    breaks_out.await.expect("waits for nothing");
    let incident = world.the_open("lake").await;
    assert_eq!(incident.name, story.incident);
    assert_eq!(
        (incident.mode(), incident.case_count),
        (IncidentMode::Public, 3)
    );
    story
        .say(
            StatementKind::Holding,
            Audience::Public,
            "我们正在逐户检查。",
            &[],
        )
        .await;
    story
        .say(
            StatementKind::Update,
            Audience::Affected,
            "检查从3号楼开始。",
            &[("building", "3号楼")],
        )
        .await;
    story
        .say(
            StatementKind::Update,
            Audience::Media,
            "检查结果统一发布。",
            &[],
        )
        .await;
    story.report().await;
    story.move_to(IncidentStage::Handling).await;

    // A promise is forgotten: its owner is paged, then the ladder, and the next meeting hears of it.
    world.advance(4 * 24 * 60);
    story.report().await;
    story
        .say(
            StatementKind::Update,
            Audience::Affected,
            "第三方检测报告下周公布。",
            &[],
        )
        .await;
    let first = story.brief(12, &[1, 2, 3], Some("第三方检测报告")).await;
    for _ in 0..7 {
        world.advance(24 * 60);
        world.fire_due().await;
        story.report().await;
    }
    let told = world.clock_events("lake", ClockKind::Commitment).await;
    let climbed: Vec<_> = told
        .iter()
        .filter(|e| e.transition == to_wire(ClockTransition::Climbed))
        .map(|e| e.level)
        .collect();
    assert_eq!(climbed, [2, 3]);
    let second = story.brief(13, &[1, 2, 3], None).await;
    assert!(
        second
            .notes
            .contains("overdue: 第三方检测报告 (negotiator)"),
        "{}",
        second.notes
    );
    assert!(first.reproducible && second.reproducible);
    // It gets hot again, then calm for good.
    story.move_to(IncidentStage::Outbreak).await;
    story
        .say(
            StatementKind::Update,
            Audience::Public,
            "检测报告今日公布。",
            &[],
        )
        .await;
    story
        .say(
            StatementKind::Update,
            Audience::Affected,
            "报告已送达每户。",
            &[],
        )
        .await;
    story
        .say(
            StatementKind::Answer,
            Audience::Media,
            "检测报告今日公布。",
            &[],
        )
        .await;
    story.report().await;
    story.keep(&first.commitments[0]).await;
    story.move_to(IncidentStage::Handling).await;
    story
        .say(
            StatementKind::Update,
            Audience::Affected,
            "维修方案已逐户确认。",
            &[],
        )
        .await;
    story
        .say(
            StatementKind::Update,
            Audience::Public,
            "维修方案已确认。",
            &[],
        )
        .await;
    story.report().await;
    story.move_to(IncidentStage::Aftermath).await;
    world.advance(7 * 24 * 60);
    story
        .say(
            StatementKind::Closing,
            Audience::Affected,
            "维修全部完成。",
            &[],
        )
        .await;
    story
        .say(
            StatementKind::Closing,
            Audience::Public,
            "维修全部完成。",
            &[],
        )
        .await;
    story.report().await;
    story.brief(9, &[1, 2, 3], None).await;
    let document = story.end("防水没有按图施工").await;
    for told in ["LATENT → OUTBREAK", "HANDLING → OUTBREAK", "COMMITMENT MET"] {
        assert!(document.contains(told), "{told} in\n{document}");
    }
}

#[tokio::test]
async fn a_newspaper_reports_what_is_not_so_and_another_is_not_set_right_in_time_m17() {
    use OutletRank::{City, Local};
    // A reporter asks before anything is printed: facts and answers are prepared by the playbook for it, inside.
    let story = Story::before_it_breaks_out("记者来问门店收费，尚未见报").await;
    let (world, incident) = (&story.world, story.incident.as_str());
    let plan = world.change(incident, "false-report", &[]).await;
    let plan = plan.expect("shipped");
    assert!(plan.tasks.iter().any(|task| task.key == "answers-ready"));
    let inquiry = world.ask(incident, 6, None).await;
    story.report().await;
    let latent = story.now().await;
    assert_eq!(
        (latent.mode(), latent.stage()),
        (IncidentMode::Private, IncidentStage::Latent)
    );

    // Then it is in the paper.
    world.advance(60);
    let printed = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.2"]);
    let printed = printed.revision(2, 3).at(world.now());
    world.take([printed.event()]).await;
    let breaks_out = world.to_stage(incident, IncidentStage::Outbreak, |_| false);
    breaks_out.await.expect("waits for nothing");
    let outbreak = story.now().await;
    assert_eq!(
        (outbreak.mode(), outbreak.stage()),
        (IncidentMode::Public, IncidentStage::Outbreak)
    );
    let unknown = ExposureTruth::Unspecified;
    let report = world.reported_by(incident, "城市晚报", unknown).await;

    // The first word says no more than is known; then the files show that it is not so, and five days run from the
    // report.
    world.advance(40);
    let text = "我们已关注到相关报道,正在核实。";
    story
        .say(StatementKind::Holding, Audience::Public, text, &[])
        .await;
    world.advance(60);
    let report = world.assess(&report.name, ExposureTruth::False).await;
    let report = report.expect("assessed");
    let five_days = report.clarify_due_time.expect("given").seconds
        - report.create_time.expect("given").seconds;
    assert_eq!(five_days, 5 * 24 * 3600);
    let text = "经核实,门店没有收取报道所称的费用。";
    let answer = story
        .say(StatementKind::Answer, Audience::Media, text, &[])
        .await;
    let answered = world.reply(&inquiry.name, &answer, "voice").await;
    answered.expect("answered");
    let text = "报道所称的费用不存在,合同以书面约定为准。";
    story
        .say(StatementKind::Update, Audience::Affected, text, &[])
        .await;
    story.report().await;
    story.move_to(IncidentStage::Handling).await;

    // Another paper copies it, and it is hot again. Where the first one reported it is set right; a blog is not enough.
    world.advance(22 * 60);
    let copied = world.reported_by(incident, "都市早报", ExposureTruth::False);
    let copied = copied.await;
    story.move_to(IncidentStage::Outbreak).await;
    let text = "报道内容与事实不符,特此澄清。";
    let kind = StatementKind::Clarification;
    let clarification = story.say(kind, Audience::Public, text, &[]).await;
    let blog = world.set_right(&report.name, &clarification, ("业主论坛", Local));
    let refused = blog.await.expect_err("reaches less");
    assert_eq!(reason(&refused), "CLARIFICATION_NOT_EQUAL");
    let set_right = world.set_right(&report.name, &clarification, ("城市晚报", City));
    let set_right = set_right.await.expect("set right");
    assert!(set_right.clarification.expect("how").in_time);
    let text = "请以本公司发布的信息为准。";
    for audience in [Audience::Media, Audience::Affected] {
        story.say(StatementKind::Update, audience, text, &[]).await;
    }
    story.report().await;
    story.move_to(IncidentStage::Handling).await;

    // The days go by; the other paper waits for a clarification, and nobody sees to it.
    for _ in 0..3 {
        world.advance(24 * 60 - 20);
        story.report().await;
        story
            .say(StatementKind::Update, Audience::Public, text, &[])
            .await;
        world.fire_due().await;
    }
    let told = story.brief(1, &[1], None).await;
    assert_eq!(told.form(), wire::BriefingForm::Notice);
    story.move_to(IncidentStage::Aftermath).await;
    let text = "感谢各界的监督。";
    for audience in [Audience::Affected, Audience::Public] {
        story.say(StatementKind::Closing, audience, text, &[]).await;
    }
    story.report().await;
    // Past Friday 16:00, for which the first one was.
    world.advance(7 * 60);
    story.brief(1, &[1], None).await;
    world.play_through(incident).await;
    let stand_down = wire::StandDownRequest {
        name: incident.into(),
        reason: "it is over".into(),
        ..Default::default()
    };
    let stand_down = as_person(stand_down, "lake", "top");
    let refused = world.aftermath.stand_down(stand_down).await;
    let refused = refused.expect_err("one clarification runs");
    assert!(
        refused.message().starts_with("clarifications ("),
        "{}",
        refused.message()
    );

    world.advance(2 * 24 * 60);
    world.fire_due().await;
    let copied = world.exposure(&copied.name).await;
    assert_eq!(copied.truth(), ExposureTruth::TakenAsTrue);
    let broken = world
        .clock_events("lake", ClockKind::MediaClarification)
        .await;
    let broken: Vec<_> = broken
        .iter()
        .filter(|e| e.transition == to_wire(ClockTransition::Breached))
        .map(|e| e.notify.clone())
        .collect();
    assert_eq!(
        broken,
        [vec![staff("lake", "onsite"), staff("lake", "voice")]],
        "once, and the ledger hears of it by this"
    );
    let check = wire::CheckStandDownRequest {
        name: incident.into(),
    };
    let checked = world
        .aftermath
        .check_stand_down(as_caller(check, &["lake"]));
    let conditions = checked.await.expect("checked").into_inner().conditions;
    assert!(conditions.iter().all(|c| c.holds), "{conditions:#?}");
    // A late word stands, and undoes nothing.
    let late = world.set_right(&copied.name, &clarification, ("都市早报", City));
    let late = late.await.expect("stands");
    assert_eq!(late.truth(), ExposureTruth::TakenAsTrue);
    let document = story.end("门店没有保存收费凭证").await;
    for told in [
        "LATENT → OUTBREAK",
        "HANDLING → OUTBREAK",
        "MEDIA_ANSWER MET",
        "MEDIA_CLARIFICATION MET",
        "City Daily (CITY) ANSWERED",
        "城市晚报 set right in 城市晚报 (CITY)",
        "都市早报 TAKEN_AS_TRUE, ",
        "too late, with",
        "MEDIA in OUTBREAK by STATEMENT",
        "门店没有保存收费凭证",
    ] {
        assert!(document.contains(told), "{told} in\n{document}");
    }
    assert!(!document.contains("Zhao Min"), "sealed (I9)");
}
