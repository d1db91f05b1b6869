//! How often is told, inside and outward: by the stage, slower with time, never below the floor; "nothing new" is a
//! word, silence is not.

use redress_model::words::{ClockKind, ClockTransition, DutyRole, Word as _};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::incident_service_server::IncidentService;
use redress_proto::crisis::v1::playbook_service_server::PlaybookService;
use redress_proto::crisis::v1::{IncidentStage, TaskState, UpdateAudience};

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

impl World {
    async fn tell(&self, name: &str, audience: UpdateAudience, nothing_new: bool) {
        let request = wire::RecordUpdateRequest {
            name: name.into(),
            audience: audience.into(),
            reference: "mail/1".into(),
            nothing_new,
            ..Default::default()
        };
        self.api
            .record_update(as_caller(request, &["lake"]))
            .await
            .expect("taken");
    }

    /// Minutes of the period that runs.
    pub(crate) async fn period(&self, name: &str, kind: ClockKind) -> i64 {
        let clocks = self.incident(name).await.clocks;
        let open = |c: &&wire::IncidentClock| c.kind == kind.number() && c.stop_time.is_none();
        let clock = clocks.iter().find(open).expect("it runs");
        (clock.due_time.expect("set").seconds - clock.start_time.expect("set").seconds) / 60
    }

    /// Keys of the checks that are open.
    async fn checks(&self, name: &str) -> Vec<(String, i32)> {
        let tasks = self.plan(name).await.tasks.into_iter();
        tasks
            .filter(|t| t.key.starts_with("check-") && t.state() == TaskState::Open)
            .map(|t| (t.key, t.owner))
            .collect()
    }
}

#[tokio::test]
async fn a_cadence_slows_down_to_its_floor_and_begins_anew_where_it_is_hot_again() {
    let (world, name) = opened("G1.8").await;
    let mut periods = Vec::new();
    for _ in 0..6 {
        periods.push(world.period(&name, ClockKind::InsideReport).await);
        world.advance(10);
        world.tell(&name, UpdateAudience::Inside, false).await;
    }
    assert_eq!(periods, [60, 90, 135, 203, 240, 240]);
    assert_eq!(
        world.period(&name, ClockKind::OutwardUpdate).await,
        240,
        "outward is apart: nothing was told outside"
    );
    world
        .to_stage(&name, IncidentStage::Handling, |_| true)
        .await
        .expect("waived");
    assert_eq!(world.period(&name, ClockKind::InsideReport).await, 24 * 60);
    world
        .to_stage(&name, IncidentStage::Outbreak, |_| false)
        .await
        .expect("falls back");
    assert_eq!(world.period(&name, ClockKind::InsideReport).await, 60);
}

#[tokio::test]
async fn what_was_told_too_late_slows_nothing_down() {
    let (world, name) = opened("G1.8").await;
    for late in [61, 61] {
        world.advance(late);
        world.fire_due().await;
        world.tell(&name, UpdateAudience::Inside, false).await;
        assert_eq!(world.period(&name, ClockKind::InsideReport).await, 60);
    }
    world.advance(60);
    world.tell(&name, UpdateAudience::Inside, false).await;
    assert_eq!(
        world.period(&name, ClockKind::InsideReport).await,
        90,
        "at the last moment is in time"
    );
}

#[tokio::test]
async fn nothing_new_is_told_and_the_second_in_a_row_asks_somebody_else_for_a_check() {
    let (world, name) = opened("G1.1").await;
    world.tell(&name, UpdateAudience::Inside, true).await;
    world.tell(&name, UpdateAudience::Outward, true).await;
    assert!(world.checks(&name).await.is_empty(), "audiences are apart");
    world.tell(&name, UpdateAudience::Inside, true).await;
    let checks = world.checks(&name).await;
    assert_eq!(checks.len(), 1);
    assert_eq!(checks[0].1, DutyRole::TopLead.number(), "not who tells");
    // Its clock pages like every other.
    world.advance(121);
    world.fire_due().await;
    let told = world.clock_events("lake", ClockKind::PlaybookTask).await;
    let breached = ClockTransition::Breached.number();
    assert!(
        told.iter()
            .any(|e| e.transition == breached && e.notify.contains(&staff("lake", "top")))
    );
    // While it is asked, it is not asked again.
    world.tell(&name, UpdateAudience::Inside, true).await;
    world.tell(&name, UpdateAudience::Inside, true).await;
    assert_eq!(world.checks(&name).await, checks);
    let done = wire::CompleteTaskRequest {
        name: name.clone(),
        task: checks[0].0.clone(),
        reference: "note/1".into(),
        ..Default::default()
    };
    let own = as_caller(done.clone(), &["lake"]);
    let own = world.playbooks.complete_task(own).await;
    let own = own.expect_err("whoever said so");
    assert_eq!(reason(&own), "CHECKS_OWN_REPORT");
    // Another playbook does not end it.
    world.change(&name, "false-report", &[]).await.expect("top");
    assert_eq!(world.checks(&name).await, checks);
    let done = world
        .playbooks
        .complete_task(as_person(done, "lake", "top"));
    done.await.expect("open");
    world.tell(&name, UpdateAudience::Inside, false).await;
    world.tell(&name, UpdateAudience::Inside, true).await;
    assert!(world.checks(&name).await.is_empty(), "there was news");
    world.tell(&name, UpdateAudience::Inside, true).await;
    assert_eq!(world.checks(&name).await.len(), 1);
}

#[tokio::test]
async fn silence_reminds_breaches_and_climbs_in_a_replica_that_starts_late_p18() {
    let (world, _) = opened("G1.1").await;
    world.advance(4 * 60 * 2);
    // Nothing was running, and there is no Redis: Postgres alone knows what is due.
    let replica = world.replica();
    replica.fire_due().await;
    let told = replica.clock_events("lake", ClockKind::InsideReport).await;
    let levels: Vec<i32> = told.iter().map(|e| e.level).collect();
    assert_eq!(levels, [0, 1, 2, 3], "{told:#?}");
}
