//! The crisis room: everything that stands beside an incident comes with it, and nothing is missed.

use std::time::Duration;

use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::briefing_service_server::BriefingService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::playbook_service_server::PlaybookService as _;
use redress_proto::crisis::v1::statement_service_server::StatementService as _;
use redress_proto::crisis::v1::{Audience, ReviewStep, StatementKind};
use tokio_stream::StreamExt as _;

use crate::briefings::promised;
use crate::world::*;

impl World {
    /// The next message of a watch that goes on after a token.
    async fn watched(&self, name: &str, resume_token: &str) -> wire::WatchIncidentResponse {
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
