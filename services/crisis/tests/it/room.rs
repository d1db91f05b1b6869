//! The crisis room: everything that stands beside an incident comes with it, and nothing is missed.

use std::time::Duration;

use redress_model::words::DutyRole;
use redress_proto::convert::to_wire;
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::briefing_service_server::BriefingService as _;
use redress_proto::crisis::v1::command_service_server::CommandService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::playbook_service_server::PlaybookService as _;
use redress_proto::crisis::v1::statement_service_server::StatementService as _;
use redress_proto::crisis::v1::{Audience, ExposureTruth, ReviewStep, StatementKind};
use tokio_stream::StreamExt as _;

use crate::briefings::promised;
use crate::world::*;

impl World {
    /// The next message of a watch that goes on after a token.
    pub(crate) async fn watched(
        &self,
        name: &str,
        resume_token: &str,
    ) -> wire::WatchIncidentResponse {
        let request = wire::WatchIncidentRequest {
            name: name.into(),
            resume_token: resume_token.into(),
        };
        let watch = self.api.watch_incident(as_caller(request, &["lake"])).await;
        let mut stream = watch.expect("watches").into_inner();
        let message = tokio::time::timeout(Duration::from_secs(10), stream.next()).await;
        message.expect("soon").expect("a message").expect("ok")
    }
}

#[tokio::test]
async fn the_room_comes_with_the_incident_and_a_resumed_watch_misses_nothing() {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    let graded = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.4"]);
    world.take([graded.event()]).await;
    let incident = world.the_open("lake").await;
    let shown = world.watched(&incident.name, "").await;
    assert_eq!(shown.incident.as_ref(), Some(&incident));
    let room = shown.room.clone().expect("filled");
    assert!(room.statements.is_empty() && room.commitments.is_empty());
    assert_eq!(room.briefings.len(), 1);
    let plan = world.plan(&incident.name).await;
    assert!(
        !plan.tasks.is_empty() && room.tasks == plan.tasks,
        "{:#?}",
        room.tasks
    );
    assert_eq!(
        room.conditions, plan.conditions,
        "nobody says yet that they hold"
    );
    assert!(room.cells.iter().all(|c| c.tell_time.is_none()));

    let draft = wire::CreateStatementRequest {
        parent: incident.name.clone(),
        statement: Some(wire::Statement {
            kind: StatementKind::Holding.into(),
            audience: Audience::Public.into(),
            language: "zh-CN".into(),
            text: "我们已到现场。".into(),
            ..Default::default()
        }),
        request_id: String::new(),
    };
    let draft = world
        .statements
        .create_statement(as_person(draft, "lake", "clerk"))
        .await;
    draft.expect("drafted");
    let commitment = promised(&world, &incident.name).await;

    let done = wire::CompleteTaskRequest {
        name: incident.name.clone(),
        task: plan.tasks[0].key.clone(),
        ..Default::default()
    };
    let done = world.playbooks.complete_task(as_caller(done, &["lake"]));
    done.await.expect("open");

    // Away while it changed: the token of the first message leads to all of it.
    let changed = world.watched(&incident.name, &shown.resume_token).await;
    let room = changed.room.expect("filled");
    assert_eq!(room.statements[0].due_step(), ReviewStep::FactCheck);
    assert_eq!(room.commitments[0].name, commitment.name);
    assert_eq!(
        room.tasks,
        plan.tasks[1..],
        "what is done is no longer shown"
    );
    let numbers: Vec<_> = room
        .briefings
        .iter()
        .map(|b| (b.number, b.hold_time.is_some()))
        .collect();
    assert_eq!(numbers, [(2, false), (1, true)]);

    let keep = wire::KeepCommitmentRequest {
        name: commitment.name,
        outcome: "done".into(),
        ..Default::default()
    };
    let kept = world
        .briefings
        .keep_commitment(as_caller(keep, &["lake"]))
        .await;
    kept.expect("kept");
    let last = world.watched(&incident.name, &changed.resume_token).await;
    assert!(last.room.expect("filled").commitments.is_empty());
}

#[tokio::test]
async fn the_room_shows_the_press_the_offers_of_roles_and_who_is_led_until_nothing_waits() {
    let world = World::new().await;
    let mut names = Vec::new();
    for site in ["lake", "river"] {
        world
            .take([site_changed(site), duty_changed(site, FULL, 1)])
            .await;
        let graded = graded(&case(site, 1), &cluster(site, 1), 1, &["G1.4"]);
        world.take([graded.event()]).await;
        names.push(world.the_open(site).await.name);
    }
    let (lake, river) = (&names[0], &names[1]);
    let before = world.watched(lake, "").await;
    let room = before.room.expect("filled");
    assert!(room.inquiries.is_empty() && room.exposures.is_empty());
    assert!(room.handovers.is_empty() && room.links.is_empty());

    let asked = world.ask(lake, 4, None).await;
    let reported = world
        .reported_by(lake, "晚报", ExposureTruth::Unspecified)
        .await;
    let offer = wire::OfferRoleRequest {
        name: lake.clone(),
        role: to_wire(DutyRole::Spokesperson),
        staff: staff("lake", "second-voice"),
        reason: "end of shift".into(),
        ..Default::default()
    };
    let offered = world.commanding.offer_role(as_caller(offer, &["lake"]));
    offered.await.expect("offered");
    let link = wire::LinkIncidentRequest {
        name: lake.clone(),
        led: river.clone(),
        reason: "the same contractor".into(),
        ..Default::default()
    };
    let linked = world
        .commanding
        .link_incident(as_caller(link, &["lake", "river"]));
    linked.await.expect("linked");

    let shown = world.watched(lake, &before.resume_token).await;
    let room = shown.room.expect("filled");
    assert_eq!(room.inquiries[0].name, asked.name);
    assert!(room.inquiries[0].journalist.is_empty(), "sealed (I9)");
    assert_eq!(room.exposures[0].name, reported.name);
    assert_eq!(room.handovers[0].to, staff("lake", "second-voice"));
    let links: Vec<_> = room.links.iter().map(|l| (&l.incident, l.leads)).collect();
    assert_eq!(links, [(river, true)]);

    let answer = wire::AnswerRoleRequest {
        name: lake.clone(),
        role: to_wire(DutyRole::Spokesperson),
        accept: true,
        ..Default::default()
    };
    let answered = world
        .commanding
        .answer_role(as_staff(answer, "lake", "second-voice"));
    answered.await.expect("accepted");
    let assessed = world.assess(&reported.name, ExposureTruth::True).await;
    assessed.expect("it is so");
    let last = world.watched(lake, &shown.resume_token).await;
    let room = last.room.expect("filled");
    assert!(room.handovers.is_empty() && room.exposures.is_empty());
    assert_eq!(room.inquiries.len(), 1, "the press still waits");
}
