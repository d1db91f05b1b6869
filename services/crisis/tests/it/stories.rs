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
    Audience, IncidentMode, IncidentStage, IncidentState, ReviewStep, StatementKind, Verdict,
};
use redress_proto::words::ClockState;

use crate::world::*;

/// A story in the telling.
struct Story {
    world: World,
    incident: String,
}

impl Story {
    async fn begin(criteria: &[&str], people: i32) -> Self {
        let world = World::new().await;
        world
            .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
            .await;
        let first = case("lake", 1);
        let mut graded = graded(&first, &cluster("lake", 1), 1, criteria);
        graded.payload.complainants = people;
        graded.payload.cluster_complainants = people;
        world.take([received(&first), graded.event()]).await;
        let incident = world.the_open("lake").await.name;
        for call in world.call_outs("lake").await {
            world.take([message_changed(&call, "ACKNOWLEDGED")]).await;
        }
        Self { world, incident }
    }

    async fn now(&self) -> wire::Incident {
        self.world.incident(&self.incident).await
    }

    /// Says something outward, checked, reviewed and approved as it stands.
    async fn say(
        &self,
        kind: StatementKind,
        audience: Audience,
        text: &str,
        facts: &[(&str, &str)],
    ) {
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
            name: draft.name,
            digest: draft.digest,
            ..Default::default()
        };
        let left = api
            .publish_statement(as_person(publish, "lake", "voice"))
            .await;
        left.expect("published");
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
    let story = Story::begin(&["G1.1", "G1.4"], 40).await;
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
        "我们已到现场",
        "attendance: 36",
        "HOLDING_STATEMENT MET",
    ] {
        assert!(document.contains(told), "{told}");
    }
}

#[tokio::test]
async fn a_building_with_defects_becomes_a_group_and_a_lawsuit_in_one_incident_m01_m04() {
    // One household first: a leader speaks with it, and nothing is published.
    let story = Story::begin(&["G1.3"], 1).await;
    let world = &story.world;
    assert_eq!(story.now().await.mode(), IncidentMode::Private);
    world.advance(30);
    world
        .take([contact(&case("lake", 1), "duty", world.now())])
        .await;
    assert_eq!(
        clock(&story.now().await, ClockKind::LeaderContact).state(),
        ClockState::Met
    );

    // The neighbours join, which makes it public; one of them goes to court, which keeps it one incident (I6).
    for (n, criteria, people) in [
        (2, &["G1.3", "G1.4"][..], 12),
        (3, &["G1.4", "G1.5"][..], 13),
    ] {
        let mut joins = graded(&case("lake", n), &cluster("lake", 1), 1, criteria).at(world.now());
        joins.payload.cluster_complainants = people;
        world.take([joins.event()]).await;
    }
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
    world.advance(60);
    story.brief(9, &[1, 2, 3], None).await;
    let document = story.end("防水没有按图施工").await;
    assert!(document.contains("HANDLING → OUTBREAK"), "{document}");
}
