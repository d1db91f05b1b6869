//! A stage is left when what it was for is done, or when a person says by name what may be missing.

use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::IncidentStage;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::playbook_service_server::PlaybookService as _;
use tonic::Code;

use crate::statements::words;
use crate::world::*;

async fn opened(criterion: &str) -> (World, String) {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &[criterion]).event()])
        .await;
    let name = world.the_open("lake").await.name;
    (world, name)
}

/// Everything but promises.
fn playbook(gap: &str) -> bool {
    !gap.starts_with("promise/")
}

#[tokio::test]
async fn the_outbreak_is_left_once_the_first_word_is_ready_m01() {
    let (world, name) = opened("G1.1").await;
    let refused = world
        .to_stage(&name, IncidentStage::Handling, playbook)
        .await
        .expect_err("nothing is ready");
    assert_eq!(reason(&refused), "STAGE_NOT_READY");
    assert!(
        refused.message().contains("promise/HOLDING_STATEMENT"),
        "{}",
        refused.message()
    );
    let holding = words(wire::StatementKind::Holding, "我们正在核实。");
    let draft = world.draft(&name, holding, "author").await;
    world.approve_all(&draft).await;
    world
        .to_stage(&name, IncidentStage::Handling, playbook)
        .await
        .expect("ready");
}

#[tokio::test]
async fn what_is_waived_stands_in_the_log_and_nothing_else_passes() {
    let (world, name) = opened("G1.6").await;
    world
        .take([graded(&case("lake", 2), &cluster("lake", 1), 1, &["G1.6"]).event()])
        .await;
    let gap = |n| format!("promise/LEADER_CONTACT/{}", case("lake", n).id);
    let refused = world
        .to_stage(&name, IncidentStage::Handling, |g| {
            playbook(g) || g == gap(1)
        })
        .await
        .expect_err("the other complainant waits");
    assert!(!refused.message().contains(&gap(1)) && refused.message().contains(&gap(2)));
    let gaps = world.plan(&name).await.gaps;
    let moved = world
        .to_stage(&name, IncidentStage::Handling, |_| true)
        .await
        .expect("waived");
    for wire::Gap { name, .. } in gaps {
        let text = format!("{name} is waived: nobody asks");
        assert!(
            moved
                .log_entries
                .iter()
                .any(|e| e.text == text && e.actor == "li"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_fall_back_to_the_outbreak_waits_for_nothing() {
    let (world, name) = opened("G1.1").await;
    world
        .to_stage(&name, IncidentStage::Handling, |_| true)
        .await
        .expect("waived");
    assert!(!world.plan(&name).await.gaps.is_empty());
    world
        .to_stage(&name, IncidentStage::Outbreak, |_| false)
        .await
        .expect("a new exposure does not wait");
}

#[tokio::test]
async fn a_stage_is_moved_by_whoever_may_command_and_the_terms_by_the_commander_alone_m01() {
    let (world, name) = opened("G1.6").await;
    let change = wire::ChangeTermsRequest {
        name: name.clone(),
        playbook: "group-protest".into(),
        reason: "more come".into(),
        ..Default::default()
    };
    let refused = world
        .playbooks
        .change_terms(as_person(change, "lake", "clerk"))
        .await
        .expect_err("commands nothing");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let waivers = world.plan(&name).await.gaps.into_iter();
    let move_on = wire::MoveStageRequest {
        name: name.clone(),
        stage: IncidentStage::Handling.into(),
        reason: "they are calm".into(),
        waivers: waivers
            .map(|gap| wire::GateWaiver {
                gap: gap.name,
                reason: "seen on site".into(),
            })
            .collect(),
        ..Default::default()
    };
    let moved = world
        .api
        .move_stage(as_person(move_on, "lake", "clerk"))
        .await
        .expect("decision 44");
    let moved = moved.into_inner().incident.expect("filled");
    assert_eq!(moved.stage(), IncidentStage::Handling);
    let text = "OUTBREAK → HANDLING: they are calm";
    let told = |e: &&wire::LogEntry| e.text == text && e.actor == "account-clerk";
    assert_eq!(moved.log_entries.iter().filter(told).count(), 1);
}
