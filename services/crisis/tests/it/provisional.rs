//! A grade 1 that hangs on a suspicion which nobody answered (domain.md section 4): people inside are
//! called, and nothing leaves until it is confirmed.

use redress_model::words::ClockKind;
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::aftermath_service_server::AftermathService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService;
use redress_proto::event::v1::CallOutRequested;
use tonic::Code;

use crate::world::*;

fn outward(name: &str) -> wire::RecordUpdateRequest {
    wire::RecordUpdateRequest {
        name: name.to_owned(),
        audience: wire::UpdateAudience::Outward.into(),
        reference: "a post".to_owned(),
        ..Default::default()
    }
}

/// The incident that a suspicion about a site with its whole command opened.
async fn suspected() -> (World, wire::Incident) {
    let world = World::new().await;
    let (case, cluster) = (case("lake", 1), cluster("lake", 1));
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    let suspected = graded(&case, &cluster, 1, &["G1.8"]).provisional();
    world.take([suspected.event()]).await;
    let incident = world.the_open("lake").await;
    (world, incident)
}

#[tokio::test]
async fn a_suspicion_calls_people_inside_and_nothing_leaves_until_it_is_confirmed_g1_8() {
    let (world, incident) = suspected().await;
    assert!(incident.provisional);
    assert_eq!(running(&incident), ["INSIDE_REPORT"]);
    let called: Vec<CallOutRequested> = world.call_outs("lake").await;
    assert_eq!(called.len(), 7);
    assert!(called.iter().all(|c| c.provisional));
    let refused = world
        .api
        .record_update(as_caller(outward(&incident.name), &["lake"]))
        .await
        .expect_err("nothing leaves");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "NOTHING_LEAVES_WHILE_PROVISIONAL");

    let confirmed = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.8"]).revision(2, 1);
    world.take([confirmed.event()]).await;
    let incident = world.the_open("lake").await;
    assert!(!incident.provisional);
    let promises = running(&incident);
    assert_eq!(
        promises,
        [
            "HOLDING_STATEMENT",
            "INSIDE_REPORT",
            "OUTWARD_UPDATE",
            "WEEKLY_BRIEFING"
        ]
    );
    let due = clock(&incident, ClockKind::HoldingStatement).due_time;
    assert!(due.is_some_and(|t| t.seconds > world.now().as_second()));
    assert_eq!(world.call_outs("lake").await.len(), 7, "nobody twice");
}

#[tokio::test]
async fn on_a_suspicion_no_briefing_is_held_and_none_keeps_it_from_being_stood_down_g1_8() {
    let (world, incident) = suspected().await;
    let name = incident.name;
    let briefing = wire::RecordBriefingRequest {
        name: name.clone(),
        attendance: 12,
        reference: "hall".into(),
        ..Default::default()
    };
    let refused = world
        .api
        .record_briefing(as_caller(briefing, &["lake"]))
        .await;
    let refused = refused.expect_err("nothing leaves");
    assert_eq!(reason(&refused), "NOTHING_LEAVES_WHILE_PROVISIONAL");
    for stage in [
        wire::IncidentStage::Handling,
        wire::IncidentStage::Aftermath,
    ] {
        let moved = world.to_stage(&name, stage, |_| true).await;
        moved.expect("waived");
    }
    let gaps = world.plan(&name).await.gaps;
    let request = wire::StandDownRequest {
        name,
        reason: "it was none".into(),
        waivers: gaps
            .into_iter()
            .map(|gap| wire::GateWaiver {
                gap: gap.name,
                reason: "nobody asks".into(),
            })
            .collect(),
        ..Default::default()
    };
    let ended = world
        .aftermath
        .stand_down(as_person(request, "lake", "top"))
        .await;
    let ended = ended.expect("stood down").into_inner().incident;
    assert_eq!(
        ended.expect("filled").state(),
        wire::IncidentState::StoodDown
    );
}

#[tokio::test]
async fn a_dismissed_suspicion_leaves_the_incident_open_and_silent() {
    let (world, _) = suspected().await;
    let cluster = cluster("lake", 1);
    let dismissed = graded(&case("lake", 1), &cluster, 4, &["G4"]).revision(2, 1);
    world.take([dismissed.event()]).await;
    let incident = world.the_open("lake").await;
    assert!(incident.provisional);
    assert_eq!(running(&incident), ["INSIDE_REPORT"]);
    // Another case of the matter is beyond suspicion.
    let other = graded(&case("lake", 2), &cluster, 1, &["G1.4"]);
    world.take([other.event()]).await;
    let incident = world.the_open("lake").await;
    assert!(!incident.provisional);
    assert!(running(&incident).contains(&"HOLDING_STATEMENT"));
}
