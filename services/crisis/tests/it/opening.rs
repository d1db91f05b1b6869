//! Opening and joining: once, in the right mode, never for history.

use jiff::SignedDuration;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use redress_crisis::jobs::inbox;
use redress_model::words::{CaseStatus, ClockKind, DutyRole};
use redress_proto::convert::to_timestamp;
use redress_proto::crisis::v1::{CallOutState, IncidentMode, IncidentStage, IncidentState};
use redress_proto::event::v1::{DeliverOutcome, IncidentChanged, IncidentTransition};

use crate::world::*;

#[tokio::test]
async fn grade_1_opens_an_incident_with_command_promises_and_call_outs() {
    let world = World::new().await;
    let (case, cluster) = (case("lake", 1), cluster("lake", 1));
    world
        .take([
            site_changed("lake"),
            duty_changed("lake", FULL, 1),
            received(&case),
        ])
        .await;
    world
        .take([graded(&case, &cluster, 1, &["G1.4", "G2.6"]).event()])
        .await;

    let incident = world.the_open("lake").await;
    assert_eq!(incident.number, "I20260302-01");
    assert_eq!(incident.mode(), IncidentMode::Public);
    assert_eq!(incident.mode_reason, "G1.4");
    assert_eq!(incident.stage(), IncidentStage::Outbreak);
    assert_eq!(incident.cluster, cluster.to_string());
    assert_eq!(incident.cases[0].case, case.to_string());
    assert_eq!(incident.open_time, Some(to_timestamp(world.now())));
    assert_eq!(
        running(&incident),
        [
            "HOLDING_STATEMENT",
            "INSIDE_REPORT",
            "OUTWARD_UPDATE",
            "WEEKLY_BRIEFING"
        ]
    );
    for (duty, person) in [
        (DutyRole::TopLead, "top"),
        (DutyRole::Spokesperson, "voice"),
        (DutyRole::LegalCounsel, "counsel"),
    ] {
        let role = role(&incident, duty);
        assert_eq!(role.staff, staff("lake", person));
        assert_eq!(role.call_out_state(), CallOutState::Requested);
    }
    assert_eq!(incident.roles.len(), 7);
    assert_eq!(
        role(&incident, DutyRole::Spokesperson).deputies,
        [staff("lake", "second-voice")]
    );
    assert_eq!(world.call_outs("lake").await.len(), 7);
    let changed: Vec<IncidentChanged> =
        world.published("redress.incident.changed.v1", "lake").await;
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].transition(), IncidentTransition::Opened);
    assert!(changed[0].public_mode);
    assert_eq!(changed[0].cases, [case.to_string()]);
}

#[tokio::test]
async fn conflict_exposure_crowd_and_danger_are_public_and_the_rest_private() {
    let world = World::new().await;
    let all = [
        ("G1.1", true),
        ("G1.2", true),
        ("G1.3", false),
        ("G1.4", true),
        ("G1.5", false),
        ("G1.6", false),
        ("G1.7", false),
        ("G1.8", true),
    ];
    for (n, (criterion, public)) in (1..).zip(all) {
        let site = format!("s{n}");
        world
            .take([graded(&case(&site, n), &cluster(&site, n), 1, &[criterion]).event()])
            .await;
        let incident = world.the_open(&site).await;
        assert_eq!(
            incident.mode() == IncidentMode::Public,
            public,
            "{criterion}"
        );
        let promises = running(&incident);
        if public {
            assert!(
                promises.contains(&"HOLDING_STATEMENT") && promises.contains(&"OUTWARD_UPDATE")
            );
        } else {
            assert_eq!(
                promises,
                ["INSIDE_REPORT", "LEADER_CONTACT", "WEEKLY_BRIEFING"]
            );
            let due = clock(&incident, ClockKind::LeaderContact).due_time;
            let two_hours = world
                .now()
                .checked_add(SignedDuration::from_hours(2))
                .expect("in range");
            assert_eq!(due, Some(to_timestamp(two_hours)));
        }
    }
}

#[tokio::test]
async fn lower_grades_open_nothing() {
    let world = World::new().await;
    for grade in [2, 3, 4] {
        let case = case("lake", u128::try_from(grade).expect("small"));
        world
            .take([graded(&case, &cluster("lake", 1), grade, &["G2.2"]).event()])
            .await;
    }
    assert!(world.incidents("lake").await.is_empty());
}

#[tokio::test]
async fn how_long_an_opening_took_is_counted_once_for_each_case_that_opens_or_joins() {
    let world = World::new().await;
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(exporter.clone()).build())
        .build();
    let inbox = inbox(world.db.clone(), &provider.meter("test"), &world.shop);
    let matter = cluster("lake", 1);
    let of = |n, grade, criterion| graded(&case("lake", n), &matter, grade, &[criterion]);
    let opens = of(1, 1, "G1.6").event();

    // Each was said at the start.
    for (seconds, event) in [
        (7, opens.clone()),
        // Another replica of triage carries it again.
        (1, opens),
        (1, of(1, 1, "G1.7").revision(2, 1).event()),
        (1, of(2, 3, "G2.6").event()),
        (1, of(3, 1, "G1.6").historical().event()),
        (9, of(4, 1, "G1.6").event()),
    ] {
        world.clock.advance(SignedDuration::from_secs(seconds));
        let results = inbox.receive(vec![event]).await.expect("postgres answers");
        assert_eq!(results[0].outcome(), DeliverOutcome::Applied);
    }
    assert_eq!(world.the_open("lake").await.case_count, 2);

    provider.force_flush().expect("read");
    let exports = exporter.get_finished_metrics().expect("read");
    let last = exports.last().expect("an export");
    let mut delays = Vec::new();
    for metric in last.scope_metrics().flat_map(|scope| scope.metrics()) {
        if metric.name() != "redress.crisis.opening.delay" {
            continue;
        }
        let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
            panic!("{} is no histogram", metric.name());
        };
        for point in histogram.data_points() {
            delays.push((point.count(), point.min(), point.max()));
        }
    }
    // After 7 s one opened, after 20 s one joined.
    assert_eq!(delays, [(2, Some(7.0), Some(20.0))]);
}

#[tokio::test]
async fn fifty_parallel_grade_1_cases_of_one_cluster_make_one_incident_i6() {
    let world = World::new().await;
    let replica = world.replica();
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..50 {
        let inbox = if n % 2 == 0 {
            world.inbox.clone()
        } else {
            replica.inbox.clone()
        };
        let event = graded(&case("lake", n), &cluster("lake", 1), 1, &["G1.6"]).event();
        tasks.spawn(async move {
            loop {
                let results = inbox.receive(vec![event.clone()]).await;
                if results.is_ok_and(|r| r[0].outcome() == DeliverOutcome::Applied) {
                    return;
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no task panics");
    }
    let all = world.incidents("lake").await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].case_count, 50);
    assert_eq!(
        running(&all[0])
            .iter()
            .filter(|k| **k == "LEADER_CONTACT")
            .count(),
        50
    );
    assert_eq!(
        world.call_outs("lake").await.len(),
        7,
        "one call-out of each person, whatever the number of cases"
    );
}

#[tokio::test]
async fn the_index_refuses_a_second_open_incident_of_a_matter_i6() {
    let world = World::new().await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.6"]).event()])
        .await;
    let error = sqlx::query(
        "INSERT INTO crisis.incident SELECT site, gen_random_uuid(), 'other', cluster, state, mode, mode_reason, weighed, stage,
           open_reason, opened_by, opened_case, open_time, update_time, merged_into, revision FROM crisis.incident",
    )
    .execute(&world.database.admin)
    .await
    .expect_err("refused");
    assert_eq!(redress_store::constraint(&error), Some("incident_open"));
}

#[tokio::test]
async fn a_later_grade_1_case_joins_and_a_public_one_switches_the_mode_visibly() {
    let world = World::new().await;
    let (first, second, matter) = (case("lake", 1), case("lake", 2), cluster("lake", 1));
    world
        .take([graded(&first, &matter, 1, &["G1.5"]).event()])
        .await;
    world
        .take([graded(&second, &matter, 1, &["G1.2"]).event()])
        .await;
    let incident = world.the_open("lake").await;
    assert_eq!(incident.case_count, 2);
    assert_eq!(incident.mode(), IncidentMode::Public);
    assert_eq!(incident.mode_reason, "G1.2");
    assert_eq!(
        running(&incident),
        [
            "HOLDING_STATEMENT",
            "INSIDE_REPORT",
            "OUTWARD_UPDATE",
            "WEEKLY_BRIEFING"
        ]
    );
    assert!(
        incident
            .log_entries
            .iter()
            .any(|e| e.text == "mode is now public (G1.2)")
    );
}

#[tokio::test]
async fn a_new_public_criterion_of_a_member_switches_the_mode() {
    let world = World::new().await;
    let (case, matter) = (case("lake", 1), cluster("lake", 1));
    world
        .take([graded(&case, &matter, 1, &["G1.5"]).event()])
        .await;
    world
        .take([graded(&case, &matter, 1, &["G1.1", "G1.5"])
            .revision(2, 1)
            .event()])
        .await;
    assert_eq!(world.the_open("lake").await.mode(), IncidentMode::Public);
}

#[tokio::test]
async fn two_matters_have_two_incidents() {
    let world = World::new().await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]).event()])
        .await;
    world.advance(1);
    world
        .take([graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.5"])
            .at(world.now())
            .event()])
        .await;
    let open = world.open("lake").await;
    assert_eq!(
        open.iter().map(|i| i.number.as_str()).collect::<Vec<_>>(),
        ["I20260302-02", "I20260302-01"]
    );
}

#[tokio::test]
async fn history_never_opens_even_when_graded_again_later() {
    let world = World::new().await;
    let (case, matter) = (case("lake", 1), cluster("lake", 1));
    world
        .take([graded(&case, &matter, 1, &["G1.4"]).historical().event()])
        .await;
    // The decision after it forgot to say so, and so did intake: what was history stays history.
    world
        .take([
            received(&case),
            graded(&case, &matter, 1, &["G1.4"]).revision(2, 1).event(),
        ])
        .await;
    assert!(world.incidents("lake").await.is_empty());
    assert!(world.call_outs("lake").await.is_empty());
}

#[tokio::test]
async fn the_flag_of_the_event_alone_makes_history() {
    let world = World::new().await;
    let mut event = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.4"]).event();
    event.historical = true;
    world.take([event]).await;
    assert!(world.incidents("lake").await.is_empty());
}

#[tokio::test]
async fn a_fallen_grade_or_a_withdrawal_leaves_the_incident_to_a_person() {
    let world = World::new().await;
    let (case, matter) = (case("lake", 1), cluster("lake", 1));
    world
        .take([
            received(&case),
            graded(&case, &matter, 1, &["G1.6"]).event(),
        ])
        .await;
    world
        .take([graded(&case, &matter, 3, &["G3.1"]).revision(2, 1).event()])
        .await;
    let incident = world.the_open("lake").await;
    assert_eq!(incident.cases[0].grade, 3);
    assert!(running(&incident).contains(&"LEADER_CONTACT"));

    world.take([moved(&case, CaseStatus::Withdrawn, 2)]).await;
    let incident = world.the_open("lake").await;
    assert_eq!(incident.state(), IncidentState::Open);
    assert_eq!(
        running(&incident),
        ["INSIDE_REPORT", "WEEKLY_BRIEFING"],
        "nobody is paged for a case that ended (P06)"
    );
}

#[tokio::test]
async fn a_case_that_ended_while_triage_was_away_calls_nobody_and_opens_when_it_comes_back_p06_i3()
{
    for (status, epoch) in [
        (CaseStatus::Withdrawn, 1),
        (CaseStatus::Withdrawn, 2),
        (CaseStatus::Merged, 1),
    ] {
        let world = World::new().await;
        let (case, matter) = (case("lake", 1), cluster("lake", 1));
        world
            .take([
                duty_changed("lake", FULL, 1),
                received(&case),
                moved(&case, status, 2),
            ])
            .await;
        world.advance(60);
        // Triage had seen the complaint before its end, and says so only now; or it decides about the end.
        let graded = graded(&case, &matter, 1, &["G1.4"]).epoch(epoch);
        world.take([graded.event()]).await;
        assert!(world.incidents("lake").await.is_empty(), "{status:?}");
        assert!(world.call_outs("lake").await.is_empty(), "{status:?}");

        world.take([moved(&case, CaseStatus::Reopened, 3)]).await;
        assert!(world.incidents("lake").await.is_empty(), "{status:?}");
        let again = graded.revision(2, 1).epoch(3).at(world.now());
        world.take([again.event()]).await;
        world.the_open("lake").await;
        assert_eq!(world.call_outs("lake").await.len(), 7, "{status:?}");
    }
}

#[tokio::test]
async fn a_member_that_was_withdrawn_makes_its_incident_no_more_public_p06() {
    let world = World::new().await;
    let (case, matter) = (case("lake", 1), cluster("lake", 1));
    world
        .take([
            received(&case),
            graded(&case, &matter, 1, &["G1.6"]).event(),
            moved(&case, CaseStatus::Withdrawn, 2),
            // Decided before the withdrawal, heard of after it.
            graded(&case, &matter, 1, &["G1.1", "G1.6"])
                .revision(2, 1)
                .event(),
        ])
        .await;
    let incident = world.the_open("lake").await;
    assert_eq!(incident.mode(), IncidentMode::Private);
}

#[tokio::test]
async fn what_a_monitor_found_has_nobody_to_contact() {
    let world = World::new().await;
    let graded = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.3"]).nobody_complains();
    world.take([graded.event()]).await;
    assert_eq!(
        running(&world.the_open("lake").await),
        ["INSIDE_REPORT", "WEEKLY_BRIEFING"]
    );
}

#[tokio::test]
async fn an_incident_opens_before_any_roster_is_known_and_is_filled_when_it_comes() {
    let world = World::new().await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.1"]).event()])
        .await;
    let incident = world.the_open("lake").await;
    assert_eq!(incident.roles.len(), 7);
    assert!(
        incident
            .roles
            .iter()
            .all(|r| r.staff.is_empty() && r.stand_in.is_empty())
    );
    assert!(
        incident
            .log_entries
            .iter()
            .any(|e| e.text.contains("TOP_LEAD is unfilled"))
    );

    world.take([duty_changed("lake", FULL, 1)]).await;
    let incident = world.the_open("lake").await;
    assert!(incident.roles.iter().all(|r| !r.staff.is_empty()));
    assert_eq!(world.call_outs("lake").await.len(), 7);
}
