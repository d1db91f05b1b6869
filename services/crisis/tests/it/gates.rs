//! A stage is left when what it was for is done, or when a person says by name what may be missing.

use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::IncidentStage;
use redress_proto::crisis::v1::incident_service_server::IncidentService;
use tonic::Status;

use crate::statements::words;
use crate::world::*;

/// Whom an outbreak in public mode has to be told to, waived.
const NOBODY_TOLD: [&str; 4] = [
    "audience/AFFECTED",
    "audience/PUBLIC",
    "audience/MEDIA",
    "audience/STAFF",
];

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

async fn to_stage(
    world: &World,
    name: &str,
    stage: IncidentStage,
    waived: &[&str],
) -> Result<wire::Incident, Status> {
    let request = wire::MoveStageRequest {
        name: name.to_owned(),
        stage: stage.into(),
        reason: "as decided".into(),
        waivers: waived
            .iter()
            .map(|gap| wire::GateWaiver {
                gap: (*gap).to_owned(),
                reason: "nobody asks".into(),
            })
            .collect(),
        ..Default::default()
    };
    let answer = world.api.move_stage(as_caller(request, &["lake"])).await?;
    Ok(answer.into_inner().incident.expect("filled"))
}

#[tokio::test]
async fn the_outbreak_is_left_once_the_first_word_is_ready_m01() {
    let (world, name) = opened("G1.1").await;
    let refused = to_stage(&world, &name, IncidentStage::Handling, &[])
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
    to_stage(&world, &name, IncidentStage::Handling, &NOBODY_TOLD)
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
    let refused = to_stage(&world, &name, IncidentStage::Handling, &[&gap(1)])
        .await
        .expect_err("the other complainant waits");
    assert!(!refused.message().contains(&gap(1)) && refused.message().contains(&gap(2)));
    let moved = to_stage(
        &world,
        &name,
        IncidentStage::Handling,
        &[
            &gap(1),
            &gap(2),
            "promise/OUTWARD_UPDATE",
            "audience/AFFECTED",
            "audience/STAFF",
        ],
    )
    .await
    .expect("waived");
    let waived = moved
        .log_entries
        .iter()
        .filter(|e| e.text.contains("is waived: nobody asks") && e.actor == "li");
    assert_eq!(waived.count(), 4, "{:#?}", moved.log_entries);
}

#[tokio::test]
async fn a_fall_back_to_the_outbreak_waits_for_nothing() {
    let (world, name) = opened("G1.1").await;
    let waived = [&["promise/HOLDING_STATEMENT"], &NOBODY_TOLD[..]].concat();
    to_stage(&world, &name, IncidentStage::Handling, &waived)
        .await
        .expect("waived");
    to_stage(&world, &name, IncidentStage::Outbreak, &[])
        .await
        .expect("a new exposure does not wait");
}
