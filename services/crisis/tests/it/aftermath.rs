//! The end of an incident: stand-down, review, and the document that is kept (M01, section 9).

use redress_model::words::{CaseStatus, ClockKind};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::aftermath_service_server::AftermathService as _;
use redress_proto::crisis::v1::briefing_service_server::BriefingService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::statement_service_server::StatementService as _;
use redress_proto::crisis::v1::{
    ExportFormat, IncidentStage, IncidentState, ReviewActionState, ReviewState, SplitGoal,
};
use redress_proto::event::v1 as events;
use redress_proto::words::ClockState;
use tonic::{Code, Status};

use crate::api::ask;
use crate::statements::{VOICE, words};
use crate::world::*;

impl World {
    /// Moves the stage, of which nobody outside is told.
    async fn move_on(&self, incident: &str, stage: IncidentStage) {
        self.report(incident, wire::UpdateAudience::Inside).await;
        self.play_through(incident).await;
        let request = wire::MoveStageRequest {
            name: incident.into(),
            stage: stage.into(),
            reason: "as decided".into(),
            waivers: vec![wire::GateWaiver {
                gap: "audience/AFFECTED".into(),
                reason: "they hear it at the briefing".into(),
            }],
            ..Default::default()
        };
        let moved = self.api.move_stage(as_person(request, "lake", "top")).await;
        moved.expect("moved");
    }

    async fn hold_and_release(&self, incident: &str) {
        let list = wire::ListBriefingsRequest {
            parent: incident.into(),
            state: wire::BriefingState::Planned.into(),
            ..Default::default()
        };
        let planned = self
            .briefings
            .list_briefings(as_caller(list, &["lake"]))
            .await;
        let planned = planned.expect("listed").into_inner().briefings.remove(0);
        let hold = wire::HoldBriefingRequest {
            name: planned.name.clone(),
            attendance: 12,
            ..Default::default()
        };
        self.briefings
            .hold_briefing(as_caller(hold, &["lake"]))
            .await
            .expect("held");
        let release = wire::ReleaseBriefingRequest {
            name: planned.name,
            ..Default::default()
        };
        self.briefings
            .release_briefing(as_caller(release, &["lake"]))
            .await
            .expect("released");
    }

    async fn check(&self, incident: &str) -> Vec<String> {
        let request = wire::CheckStandDownRequest {
            name: incident.into(),
        };
        let checked = self
            .aftermath
            .check_stand_down(as_caller(request, &["lake"]))
            .await;
        let conditions = checked.expect("checked").into_inner().conditions;
        let failing = conditions.into_iter().filter(|c| !c.holds);
        failing.map(|c| c.name).collect()
    }

    pub(crate) async fn stand_down(
        &self,
        incident: &str,
        by: &str,
    ) -> Result<wire::Incident, Status> {
        let request = wire::StandDownRequest {
            name: incident.into(),
            reason: "everybody accepted".into(),
            ..Default::default()
        };
        let answer = self
            .aftermath
            .stand_down(as_person(request, "lake", by))
            .await?;
        Ok(answer.into_inner().incident.expect("filled"))
    }

    pub(crate) async fn review(&self, incident: &str) -> wire::Review {
        let request = wire::GetReviewRequest {
            name: incident.into(),
        };
        let got = self
            .aftermath
            .get_review(as_caller(request, &["lake"]))
            .await;
        got.expect("there is one")
            .into_inner()
            .review
            .expect("filled")
    }

    pub(crate) async fn write(&self, incident: &str, etag: &str) -> Result<wire::Review, Status> {
        let request = wire::WriteReviewRequest {
            name: incident.into(),
            causes: vec!["the plan was changed without a notice".into()],
            worked: vec!["one voice from the first hour on".into()],
            lacking: vec!["nobody had the plan at hand".into()],
            etag: etag.into(),
            ..Default::default()
        };
        let answer = self
            .aftermath
            .write_review(as_caller(request, &["lake"]))
            .await?;
        Ok(answer.into_inner().review.expect("filled"))
    }

    pub(crate) async fn ask_for(
        &self,
        incident: &str,
        request_id: &str,
    ) -> Result<wire::ReviewAction, Status> {
        let due = self.now() + jiff::SignedDuration::from_hours(48);
        let request = wire::AddReviewActionRequest {
            parent: incident.into(),
            text: "a notice of every plan change within 10 days".into(),
            owner: staff("lake", "duty"),
            due_time: Some(to_timestamp(due)),
            request_id: request_id.into(),
        };
        let answer = self
            .aftermath
            .add_review_action(as_caller(request, &["lake"]))
            .await?;
        Ok(answer.into_inner().action.expect("filled"))
    }

    pub(crate) async fn settle(&self, name: &str) -> Result<wire::ReviewAction, Status> {
        let request = wire::SettleReviewActionRequest {
            name: name.into(),
            state: ReviewActionState::Done.into(),
            outcome: "written into the procedure".into(),
            ..Default::default()
        };
        let answer = self
            .aftermath
            .settle_review_action(as_caller(request, &["lake"]))
            .await?;
        Ok(answer.into_inner().action.expect("filled"))
    }

    pub(crate) async fn close(&self, incident: &str) -> Result<wire::Review, Status> {
        let request = wire::CloseReviewRequest {
            name: incident.into(),
            ..Default::default()
        };
        let answer = self
            .aftermath
            .close_review(as_caller(request, &["lake"]))
            .await?;
        Ok(answer.into_inner().review.expect("filled"))
    }

    pub(crate) async fn export(
        &self,
        incident: &str,
        format: ExportFormat,
        site: &str,
    ) -> Result<wire::ExportIncidentResponse, Status> {
        let request = wire::ExportIncidentRequest {
            name: incident.into(),
            format: format.into(),
        };
        let answer = self
            .aftermath
            .export_incident(as_caller(request, &[site]))
            .await?;
        Ok(answer.into_inner())
    }
}

async fn opened() -> (World, String) {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    let mut graded = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]);
    graded.payload.cluster_complainants = 12;
    world.take([graded.event()]).await;
    world
        .take([contact(&case("lake", 1), "duty", world.now())])
        .await;
    let incident = world.the_open("lake").await.name;
    (world, incident)
}

/// An incident that nothing keeps open any more.
pub(crate) async fn calm() -> (World, String) {
    let (world, incident) = opened().await;
    for stage in [IncidentStage::Handling, IncidentStage::Aftermath] {
        world.move_on(&incident, stage).await;
    }
    world.advance(60);
    world.report(&incident, wire::UpdateAudience::Inside).await;
    world.play_through(&incident).await;
    world.hold_and_release(&incident).await;
    (world, incident)
}

#[tokio::test]
async fn a_stand_down_names_each_condition_that_fails_and_leaves_everything_as_it_is() {
    let (world, incident) = opened().await;
    assert_eq!(world.check(&incident).await[0], "stage");
    let refused = world
        .stand_down(&incident, "top")
        .await
        .expect_err("too early");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "NOT_READY_TO_STAND_DOWN");
    for named in ["stage (", "it is in OUTBREAK", "briefing ("] {
        assert!(refused.message().contains(named), "{}", refused.message());
    }
    assert!(
        !refused.message().contains("commitments ("),
        "{}",
        refused.message()
    );
    assert_eq!(world.incident(&incident).await.state(), IncidentState::Open);

    let (world, incident) = calm().await;
    assert_eq!(world.check(&incident).await, Vec::<String>::new());
    let list = wire::ListBriefingsRequest {
        parent: incident.clone(),
        state: wire::BriefingState::Planned.into(),
        ..Default::default()
    };
    let planned = world
        .briefings
        .list_briefings(as_caller(list, &["lake"]))
        .await;
    let planned = planned.expect("listed").into_inner().briefings.remove(0);
    // The next is held in the week after.
    world.advance(5 * 24 * 60);
    let hold = wire::HoldBriefingRequest {
        name: planned.name.clone(),
        attendance: 12,
        commitments: vec![wire::NewCommitment {
            text: "the roof is tight".into(),
            owner: staff("lake", "onsite"),
            due_time: Some(to_timestamp(
                world.now() + jiff::SignedDuration::from_hours(4),
            )),
        }],
        ..Default::default()
    };
    let held = world
        .briefings
        .hold_briefing(as_caller(hold, &["lake"]))
        .await;
    let commitment = held
        .expect("held")
        .into_inner()
        .briefing
        .expect("filled")
        .commitments
        .remove(0);
    assert_eq!(world.check(&incident).await, ["commitments", "briefing"]);
    let refused = world.stand_down(&incident, "top").await.expect_err("open");
    assert!(
        refused.message().contains("the roof is tight (onsite)"),
        "{}",
        refused.message()
    );
    assert!(
        refused
            .message()
            .contains("the notes of briefing 2 are not released"),
        "{}",
        refused.message()
    );
    let keep = wire::KeepCommitmentRequest {
        name: commitment.name,
        outcome: "tested".into(),
        ..Default::default()
    };
    world
        .briefings
        .keep_commitment(as_person(keep, "lake", "onsite"))
        .await
        .expect("kept");
    let release = wire::ReleaseBriefingRequest {
        name: planned.name,
        ..Default::default()
    };
    world
        .briefings
        .release_briefing(as_caller(release, &["lake"]))
        .await
        .expect("released");
    // A month later nobody has held the next one.
    world.advance(30 * 24 * 60);
    assert_eq!(world.check(&incident).await, ["briefing"]);
}

#[tokio::test]
async fn of_its_last_stage_a_gap_may_be_waived_by_name_and_of_the_rest_nothing() {
    let (world, incident) = opened().await;
    for stage in [IncidentStage::Handling, IncidentStage::Aftermath] {
        world.move_on(&incident, stage).await;
    }
    world.play_through(&incident).await;
    world.advance(60);
    assert_eq!(world.check(&incident).await, ["gates", "briefing"]);
    let waive = |gaps: &[&str]| wire::StandDownRequest {
        name: incident.clone(),
        reason: "everybody accepted".into(),
        waivers: gaps
            .iter()
            .map(|gap| wire::GateWaiver {
                gap: (*gap).to_owned(),
                reason: "they were all there".into(),
            })
            .collect(),
        ..Default::default()
    };
    let try_it = async |request| {
        let asked = as_person(request, "lake", "top");
        world.aftermath.stand_down(asked).await.map(|_| ())
    };
    let refused = try_it(waive(&["audience/STAFF", "audience/AFFECTED", "briefing"])).await;
    let refused = refused.expect_err("no briefing");
    assert!(
        refused.message().starts_with("briefing ("),
        "{}",
        refused.message()
    );
    world.hold_and_release(&incident).await;
    let refused = try_it(waive(&[])).await.expect_err("staff hear nothing");
    assert!(refused.message().contains("audience/STAFF"), "{refused}");
    try_it(waive(&["audience/STAFF"])).await.expect("waived");
    let log = world.incident(&incident).await.log_entries;
    let noted = |e: &wire::LogEntry| e.text == "audience/STAFF is waived: they were all there";
    assert!(log.iter().any(noted), "{log:#?}");
}

#[tokio::test]
async fn while_an_outlet_waits_for_an_answer_nothing_is_stood_down() {
    use wire::media_service_server::MediaService as _;
    let (world, incident) = calm().await;
    let inquiry = wire::RecordInquiryRequest {
        parent: incident.clone(),
        inquiry: Some(wire::Inquiry {
            outlet: "City Daily".into(),
            rank: wire::OutletRank::City.into(),
            question: "Is it over?".into(),
            due_time: Some(to_timestamp(
                world.now() + jiff::SignedDuration::from_hours(4),
            )),
            ..Default::default()
        }),
        request_id: String::new(),
    };
    let asked = world
        .media
        .record_inquiry(as_person(inquiry, "lake", "clerk"));
    let inquiry = asked.await.expect("recorded").into_inner().inquiry;
    assert_eq!(world.check(&incident).await, ["inquiries"]);
    let refused = world.stand_down(&incident, "top").await.expect_err("asked");
    assert!(
        refused.message().contains("City Daily waits until"),
        "{}",
        refused.message()
    );
    let decline = wire::DeclineInquiryRequest {
        name: inquiry.expect("filled").name,
        reason: "taken back".into(),
        ..Default::default()
    };
    let declined = world
        .media
        .decline_inquiry(as_person(decline, "lake", "voice"));
    declined.await.expect("declined");
    world
        .stand_down(&incident, "top")
        .await
        .expect("stood down");
}

#[tokio::test]
async fn the_commander_stands_it_down_and_nobody_is_paged_about_it_any_more() {
    let (world, incident) = calm().await;
    let refused = world
        .stand_down(&incident, "voice")
        .await
        .expect_err("not the commander");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let ended = world
        .stand_down(&incident, "top")
        .await
        .expect("stood down");
    assert_eq!(ended.state(), IncidentState::StoodDown);
    assert_eq!(running(&ended), Vec::<&str>::new());
    assert!(
        ended
            .log_entries
            .iter()
            .any(|e| e.text == "stood down: everybody accepted" && e.actor == "account-top")
    );
    let told: Vec<events::IncidentChanged> =
        world.published("redress.incident.changed.v1", "lake").await;
    assert_eq!(
        told.last().expect("told").transition(),
        events::IncidentTransition::Changed
    );
    let before = world.call_outs("lake").await.len();
    world.advance(30 * 24 * 60);
    assert_eq!(world.fire_due().await, 0);
    world.take([duty_changed("lake", &FULL[1..], 2)]).await;
    world.look_at_shifts().await;
    assert_eq!(world.call_outs("lake").await.len(), before);
    let again = world.stand_down(&incident, "top").await.expect_err("ended");
    assert_eq!(reason(&again), "INCIDENT_NOT_OPEN");
    // A new rise of the same matter is another incident.
    let risen = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.1"]).revision(3, 2);
    world.take([risen.at(world.now()).event()]).await;
    assert_ne!(world.the_open("lake").await.name, incident);
}

#[tokio::test]
async fn a_review_is_written_acted_on_and_closed_only_when_it_is_whole() {
    let (world, incident) = calm().await;
    let early = world.write(&incident, "").await.expect_err("open");
    assert_eq!(reason(&early), "NOT_STOOD_DOWN");
    assert_eq!(
        reason(&world.ask_for(&incident, "").await.expect_err("open")),
        "NOT_STOOD_DOWN"
    );
    world
        .stand_down(&incident, "top")
        .await
        .expect("stood down");
    let empty = world.review(&incident).await;
    assert!(
        empty
            .timeline
            .first()
            .expect("told")
            .text
            .starts_with("opened")
    );
    assert!(
        empty
            .scores
            .iter()
            .any(|s| s.kind == to_wire(ClockKind::InsideReport)
                && s.count == 3
                && s.broken_count == 0),
        "{:#?}",
        empty.scores
    );
    let refused = world.close(&incident).await.expect_err("empty");
    assert_eq!(reason(&refused), "REVIEW_INCOMPLETE");

    let written = world.write(&incident, &empty.etag).await.expect("written");
    assert_eq!(written.causes, ["the plan was changed without a notice"]);
    let stale = world
        .write(&incident, &empty.etag)
        .await
        .expect_err("stale");
    assert_eq!(stale.code(), Code::Aborted);
    let action = world.ask_for(&incident, "once").await.expect("asked");
    assert_eq!(
        world
            .ask_for(&incident, "once")
            .await
            .expect("a repeat")
            .name,
        action.name
    );
    assert_eq!(world.review(&incident).await.actions.len(), 1);
    let open = world.close(&incident).await.expect_err("open action");
    assert!(
        open.message().contains("1 actions are open"),
        "{}",
        open.message()
    );

    // The owner is paged, and who commands when nothing comes of it, though the incident has ended.
    for hours in [36, 12, 24, 24] {
        world.advance(hours * 60);
        world.fire_due().await;
    }
    let told = world.clock_events("lake", ClockKind::ReviewAction).await;
    let levels: Vec<_> = told.iter().map(|e| (e.level, e.notify.clone())).collect();
    assert_eq!(levels[1], (0, vec![staff("lake", "duty")]));
    assert_eq!(
        levels.last().expect("climbed"),
        &(3, vec![staff("lake", "top")])
    );
    let settled = world.settle(&action.name).await.expect("done");
    assert_eq!(settled.clock_state(), ClockState::Met);
    assert_eq!(
        reason(&world.settle(&action.name).await.expect_err("twice")),
        "REVIEW_ACTION_SETTLED"
    );
    let closed = world.close(&incident).await.expect("whole");
    assert_eq!(closed.state(), ReviewState::Closed);
    assert_eq!(
        world.close(&incident).await.expect("a repeat").etag,
        closed.etag
    );
    assert_eq!(
        reason(&world.ask_for(&incident, "").await.expect_err("closed")),
        "REVIEW_CLOSED"
    );
}

#[tokio::test]
async fn the_whole_incident_is_one_document_that_holds_and_shows_every_change() {
    use redress_crisis::domain::export::{Broken, verify};
    let (world, incident) = calm().await;
    world
        .stand_down(&incident, "top")
        .await
        .expect("stood down");
    world.write(&incident, "").await.expect("written");
    world.ask_for(&incident, "").await.expect("asked");
    let markdown = world
        .export(&incident, ExportFormat::Markdown, "lake")
        .await
        .expect("exported");
    let html = world
        .export(&incident, ExportFormat::Html, "lake")
        .await
        .expect("exported");
    assert_eq!(markdown.hash, html.hash);
    for export in [&markdown, &html] {
        let verified = verify(&export.document).expect("holds");
        assert_eq!(verified.hash, export.hash);
        assert_eq!(
            verified.entries,
            usize::try_from(export.entry_count).expect("small")
        );
        assert_eq!(verified.signature, format!("{incident}/{}", export.hash));
        for told in [
            "state: STOOD_DOWN",
            "TOP_LEAD: top",
            "grade 1 by G1.5",
            "WEEKLY_BRIEFING CANCELLED",
            "briefing: 1",
            "cause: the plan was changed without a notice",
            "action duty OPEN: a notice of every plan change within 10 days",
            "stood down: everybody accepted (account-top)",
        ] {
            assert!(
                export.document.contains(told),
                "{told} in\n{}",
                export.document
            );
        }
    }
    let forged = markdown
        .document
        .replacen("everybody accepted", "nobody accepted", 1);
    assert!(matches!(verify(&forged), Err(Broken::Entry(_))));
    let foreign = world
        .export(&incident, ExportFormat::Markdown, "river")
        .await
        .expect_err("foreign");
    assert!(matches!(
        foreign.code(),
        Code::NotFound | Code::PermissionDenied
    ));
    // Whoever the case complains about reads nothing of it.
    world
        .take([complains_about(&case("lake", 1), "negotiator", 2)])
        .await;
    let request = wire::ExportIncidentRequest {
        name: incident,
        ..Default::default()
    };
    let hidden = world
        .aftermath
        .export_incident(as_staff(request, "lake", "negotiator"))
        .await;
    assert_eq!(hidden.expect_err("hidden").code(), Code::NotFound);
}

#[tokio::test]
async fn an_incident_that_was_stood_down_keeps_the_cases_that_it_had_when_they_rise_again() {
    let (world, incident) = calm().await;
    // One joins by mistake, and leaves again.
    let third = graded(&case("lake", 3), &cluster("lake", 1), 1, &["G1.5"]).nobody_complains();
    world.take([third.at(world.now()).event()]).await;
    let parted = world.split(&incident, 3, SplitGoal::None, "").await;
    parted.expect("a member");
    let ended = world.stand_down(&incident, "top").await;
    let ended = ended.expect("stood down");
    let document = async || {
        let export = world.export(&incident, ExportFormat::Markdown, "lake");
        let document = export.await.expect("exported").document;
        redress_crisis::domain::export::verify(&document).expect("holds");
        document
    };
    let before = document().await;
    world.advance(24 * 60);
    let risen = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.1"]).revision(3, 2);
    world.take([risen.at(world.now()).event()]).await;
    let again = world.the_open("lake").await;
    assert_ne!(again.name, incident);
    assert_eq!((again.case_count, again.cases.len()), (1, 1));

    let kept = world.incident(&incident).await;
    assert_eq!(kept.case_count, 1);
    let shown = |i: &wire::Incident| {
        let cases = i.cases.iter().map(|c| (c.case.clone(), c.join_time));
        cases.collect::<Vec<_>>()
    };
    assert_eq!(shown(&kept), shown(&ended));
    let cell = world
        .cell(
            &incident,
            wire::Audience::Affected,
            IncidentStage::Aftermath,
        )
        .await;
    assert_eq!(cell.audience_size, 1);
    let after = document().await;
    for document in [&before, &after] {
        let line = |n: u128, what: &str| {
            let start = format!("- C-{n} ({}): {what}", case("lake", n).id);
            let lines = document.lines();
            lines.filter(|l| l.starts_with(&start)).count()
        };
        assert_eq!(line(1, "grade 1 by G1."), 1, "{document}");
        assert_eq!(line(3, "joined 2026-03-0"), 1, "{document}");
    }
    let joined = |document: &str| {
        let lines = document.lines().filter(|l| l.contains(": joined "));
        lines.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(joined(&before), joined(&after));
}

#[tokio::test]
async fn whom_an_incident_had_to_reach_when_it_was_stood_down_stands_when_its_cases_are_archived() {
    let (world, incident) = calm().await;
    world
        .stand_down(&incident, "top")
        .await
        .expect("stood down");
    let (affected, aftermath) = (wire::Audience::Affected, IncidentStage::Aftermath);
    let before = world.cell(&incident, affected, aftermath).await;
    assert_eq!((before.audience_size, before.reached_count), (1, 1));
    world
        .take([moved(&case("lake", 1), CaseStatus::Archived, 2)])
        .await;
    let after = world.cell(&incident, affected, aftermath).await;
    let told = |cell: wire::MatrixCell| (cell.audience_size, cell.reached_count, cell.fill);
    assert_eq!(told(after), told(before));
}

#[tokio::test]
async fn all_that_was_approved_of_each_version_and_whose_each_promise_is_stand_in_the_document_i7()
{
    let (world, incident) = opened().await;
    let injured = |text: &str, value: &str| wire::Statement {
        audience: wire::Audience::Affected.into(),
        facts: vec![wire::StatementFact {
            key: "injured".into(),
            value: value.into(),
            source: "hospital".into(),
        }],
        ..words(wire::StatementKind::Update, text)
    };
    let first = injured("两人受伤。", "2");
    let first = world.draft(&incident, first, "author").await;
    let counted_again = wire::UpdateStatementRequest {
        statement: Some(wire::Statement {
            name: first.name.clone(),
            ..injured("三人受伤。", "3")
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["text".into(), "facts".into()],
        }),
        ..Default::default()
    };
    let edited = world
        .statements
        .update_statement(as_person(counted_again, "lake", "author"));
    let edited = edited.await.expect("edited").into_inner().statement;
    let edited = edited.expect("filled");
    world.approve_all(&edited).await;
    world.release(&edited, VOICE).await.expect("released");
    let second = wire::CreateStatementRequest {
        parent: incident.clone(),
        statement: Some(wire::Statement {
            supersedes: first.name.clone(),
            correction_reason: "the ward counted again".into(),
            wording_override_reason: "the lawyer's own words".into(),
            ..injured("四人受伤。", "4")
        }),
        ..Default::default()
    };
    let second = as_person(second, "lake", "author");
    let second = with_permission(second, "wording.override");
    let drafted = world.statements.create_statement(second).await;
    drafted.expect("drafted");

    let export = world
        .export(&incident, ExportFormat::Markdown, "lake")
        .await
        .expect("exported");
    redress_crisis::domain::export::verify(&export.document).expect("holds");
    for told in [
        "fact injured = 2 from hospital, of version 1",
        "fact injured = 3 from hospital, of version 2",
        "fact injured = 4 from hospital, of version 1",
        "correction, of version 1: the ward counted again",
        "wording overridden, of version 1: the lawyer's own words",
        &format!("supersedes: {}", first.name),
        &format!(
            "LEADER_CONTACT MET of {}, ON_SITE_LEAD: from",
            case("lake", 1)
        ),
        "WEEKLY_BRIEFING RUNNING, CUSTOMER_LIAISON: from",
    ] {
        let found = export.document.matches(told).count();
        assert_eq!(found, 1, "{told} in\n{}", export.document);
    }
}

#[tokio::test]
async fn what_a_merged_incident_said_and_what_happened_in_it_stand_in_the_document() {
    let (world, incident) = opened().await;
    world.advance(5);
    let second = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.4"]);
    world.take([second.at(world.now()).event()]).await;
    let open = world.open("lake").await;
    let merged = open.into_iter().find(|i| i.name != incident).expect("two");
    let text = "我们正在逐户核实。";
    let holding = words(wire::StatementKind::Holding, text);
    let holding = world.draft(&merged.name, holding, "author").await;
    world.approve_all(&holding).await;
    world.release(&holding, VOICE).await.expect("released");
    let (from, into) = (cluster("lake", 2), cluster("lake", 1));
    world
        .take([cluster_merged(&case("lake", 2), &from, &into)])
        .await;
    let export = world
        .export(&incident, ExportFormat::Markdown, "lake")
        .await;
    let export = export.expect("exported");
    redress_crisis::domain::export::verify(&export.document).expect("holds");
    assert_eq!(export.broken, None);
    let title = format!("Incident {}", merged.number);
    for told in [
        text,
        "state: MERGED",
        title.as_str(),
        "a statement to PUBLIC was published",
    ] {
        assert!(export.document.contains(told), "{told}");
    }
    for (told, times) in [
        // Of each of the two.
        ("指挥 Command", 2),
        ("TOP_LEAD: top", 2),
        ("运行依据 Terms", 2),
        ("阶段 Stage 1 OUTBREAK", 2),
        // Whom one told, both have told.
        ("PUBLIC in OUTBREAK by STATEMENT", 1),
    ] {
        let found = export.document.matches(told).count();
        assert_eq!(found, times, "{told} in\n{}", export.document);
    }
    world
        .administer(
            "DELETE FROM crisis.incident_log WHERE text LIKE '%statement to PUBLIC was published'",
        )
        .await;
    let export = world
        .export(&incident, ExportFormat::Markdown, "lake")
        .await;
    let broken = export.expect("exported").broken.expect("found");
    assert_eq!(broken.name, merged.name);
}

/// The RPCs of the end, for whoever tries all of them.
pub(crate) const METHODS: [&str; 8] = [
    "CheckStandDown",
    "StandDown",
    "GetReview",
    "WriteReview",
    "AddReviewAction",
    "SettleReviewAction",
    "CloseReview",
    "ExportIncident",
];

/// Calls one of them as a stranger.
pub(crate) async fn intrude(
    world: &World,
    method: &str,
    caller: &str,
    incident: &str,
) -> Result<(), Status> {
    let api = &world.aftermath;
    let (name, etag) = (incident.to_owned(), String::new());
    let request_id = "r".to_owned();
    match method {
        "CheckStandDown" => {
            let request = wire::CheckStandDownRequest { name };
            api.check_stand_down(ask(caller, request)).await.map(|_| ())
        }
        "StandDown" => {
            let request = wire::StandDownRequest {
                name,
                reason: "x".into(),
                etag,
                request_id,
                waivers: Vec::new(),
            };
            api.stand_down(ask(caller, request)).await.map(|_| ())
        }
        "GetReview" => {
            let request = wire::GetReviewRequest { name };
            api.get_review(ask(caller, request)).await.map(|_| ())
        }
        "WriteReview" => {
            let request = wire::WriteReviewRequest {
                name,
                request_id,
                ..Default::default()
            };
            api.write_review(ask(caller, request)).await.map(|_| ())
        }
        "AddReviewAction" => {
            let request = wire::AddReviewActionRequest {
                parent: name,
                text: "x".into(),
                owner: staff("lake", "top"),
                due_time: Some(to_timestamp(world.now())),
                request_id,
            };
            api.add_review_action(ask(caller, request))
                .await
                .map(|_| ())
        }
        "SettleReviewAction" => {
            let request = wire::SettleReviewActionRequest {
                name: name.replace("incidents", "reviewActions"),
                state: ReviewActionState::Done.into(),
                outcome: "x".into(),
                etag,
                request_id,
            };
            api.settle_review_action(ask(caller, request))
                .await
                .map(|_| ())
        }
        "CloseReview" => {
            let request = wire::CloseReviewRequest {
                name,
                etag,
                request_id,
            };
            api.close_review(ask(caller, request)).await.map(|_| ())
        }
        "ExportIncident" => {
            let request = wire::ExportIncidentRequest {
                name,
                ..Default::default()
            };
            api.export_incident(ask(caller, request)).await.map(|_| ())
        }
        other => panic!("{other} is not tried here"),
    }
}
