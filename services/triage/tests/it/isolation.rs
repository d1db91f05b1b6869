//! I8: nobody reads or changes what belongs to another site, and whoever is complained about finds
//! nothing of the case.

use redress_proto::event::v1 as event;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService;
use redress_proto::triage::v1::cluster_service_server::ClusterService;
use redress_proto::triage::v1::triage_service_server::TriageService;
use redress_proto::words::Signal;
use redress_rpc::Caller;
use tonic::Code;

use crate::world::{World, by, site};

#[tokio::test]
async fn i8_another_site_sees_and_changes_nothing() {
    let world = World::new().await;
    world.learn(&site("riverside")).await;
    let case = world.case().await;
    let decision = world.decision(&case).await;
    let clock = world
        .clocks(&case)
        .await
        .into_values()
        .next()
        .expect("a clock")
        .name;
    let signal = Signal {
        kind: 1,
        basis: 2,
        ..Default::default()
    };
    let recorded = world
        .record(world.manager(), &case, signal.clone(), "")
        .await
        .expect("recorded");
    let signal_name = recorded.signal.expect("a signal").name;
    let neighbour = world.caller("riverside", "manager", None);
    let mut south = neighbour.clone();
    south.sites.clear();
    south.regions = vec![
        "organizations/demo/regions/south"
            .parse()
            .expect("a region"),
    ];
    let mut nowhere = neighbour.clone();
    nowhere.sites.clear();
    for caller in [neighbour, south, nowhere] {
        hidden(
            &world,
            &caller,
            &case.to_string(),
            &decision,
            &clock,
            &signal_name,
            &signal,
        )
        .await;
    }
    assert_eq!(world.count("SELECT count(*) FROM triage.signal").await, 1);
}

async fn hidden(
    world: &World,
    caller: &Caller,
    case: &str,
    decision: &wire::Decision,
    clock: &str,
    signal_name: &str,
    signal: &Signal,
) {
    let rpc = &world.rpc;
    let soon =
        redress_proto::convert::to_timestamp(world.now() + jiff::SignedDuration::from_hours(1));
    macro_rules! not_found {
        ($method:ident($request:expr)) => {
            let answer = rpc.$method(by(caller.clone(), $request)).await;
            assert_eq!(
                answer.err().map(|s| s.code()),
                Some(Code::NotFound),
                stringify!($method)
            );
        };
    }
    not_found!(get_decision(wire::GetDecisionRequest {
        name: decision.name.clone()
    }));
    not_found!(list_decisions(wire::ListDecisionsRequest {
        parent: case.to_owned(),
        ..Default::default()
    }));
    not_found!(list_signals(wire::ListSignalsRequest {
        parent: case.to_owned(),
        ..Default::default()
    }));
    not_found!(record_signal(wire::RecordSignalRequest {
        parent: case.to_owned(),
        signal: Some(signal.clone()),
        request_id: "r".to_owned(),
    }));
    not_found!(confirm_signal(wire::ConfirmSignalRequest {
        name: signal_name.to_owned(),
        ..Default::default()
    }));
    not_found!(get_cluster(wire::GetClusterRequest {
        name: decision.cluster.clone()
    }));
    not_found!(merge_clusters(wire::MergeClustersRequest {
        name: decision.cluster.clone(),
        source: decision.cluster.replace("-7", "-8"),
        ..Default::default()
    }));
    not_found!(split_cluster(wire::SplitClusterRequest {
        name: decision.cluster.clone(),
        cases: vec![case.to_owned()],
        reason: "another".to_owned(),
        ..Default::default()
    }));
    not_found!(confirm_cluster(wire::ConfirmClusterRequest {
        name: decision.cluster.clone(),
        ..Default::default()
    }));
    not_found!(review_general_defect(wire::ReviewGeneralDefectRequest {
        name: decision.cluster.clone(),
        reason: "none".to_owned(),
        ..Default::default()
    }));
    not_found!(get_clock(wire::GetClockRequest {
        name: clock.to_owned()
    }));
    not_found!(explain_clock(wire::ExplainClockRequest {
        name: clock.to_owned()
    }));
    not_found!(list_holds(wire::ListHoldsRequest {
        parent: case.to_owned()
    }));
    not_found!(hold_case(wire::HoldCaseRequest {
        parent: case.to_owned(),
        reason: 1,
        until_time: Some(soon),
        note: "keys".to_owned(),
        request_id: "h".to_owned(),
    }));
    not_found!(resume_case(wire::ResumeCaseRequest {
        parent: case.to_owned(),
        reason: 1,
        request_id: "e".to_owned(),
    }));
    not_found!(start_clock(wire::StartClockRequest {
        parent: case.to_owned(),
        kind: 20,
        ..Default::default()
    }));
    not_found!(extend_clock(wire::ExtendClockRequest {
        name: clock.to_owned(),
        due_time: Some(soon),
        reason: "more time".to_owned(),
        etag: "r1".to_owned(),
        request_id: "x".to_owned(),
    }));
    not_found!(meet_clock(wire::MeetClockRequest {
        name: clock.to_owned(),
        etag: "r1".to_owned(),
        ..Default::default()
    }));
    not_found!(cancel_clock(wire::CancelClockRequest {
        name: clock.to_owned(),
        reason: "gone".to_owned(),
        etag: "r1".to_owned(),
        ..Default::default()
    }));
    assert_eq!(
        listed(world, caller, "sites/lakeside").await,
        [Err(Code::NotFound); 4]
    );
    assert_eq!(listed(world, caller, "sites/-").await, [Ok(0); 4]);
}

/// How much each list of a site has: clocks, clusters, late firings, proposals.
async fn listed(world: &World, caller: &Caller, parent: &str) -> [Result<usize, Code>; 4] {
    let rpc = &world.rpc;
    macro_rules! list {
        ($method:ident, $request:ident, $rows:ident) => {{
            let request = wire::$request {
                parent: parent.to_owned(),
                ..Default::default()
            };
            let answer = rpc.$method(by(caller.clone(), request)).await;
            let count = answer.map(|a| a.into_inner().$rows.len());
            count.map_err(|status| status.code())
        }};
    }
    [
        list!(list_clocks, ListClocksRequest, clocks),
        list!(list_clusters, ListClustersRequest, clusters),
        list!(list_late_firings, ListLateFiringsRequest, late_firings),
        list!(list_grade_proposals, ListGradeProposalsRequest, decisions),
    ]
}

#[tokio::test]
async fn i10_a_list_of_a_site_that_does_not_exist_is_not_found_and_one_of_a_quiet_site_is_empty() {
    let world = World::new().await;
    world.learn(&site("riverside")).await;
    world.case().await;
    let mut head_office = world.manager();
    head_office.sites.clear();
    head_office.organizations = vec!["demo".parse().expect("a slug")];
    let list = async |parent: &str| listed(&world, &head_office, parent).await;
    assert_eq!(list("sites/nope").await, [Err(Code::NotFound); 4]);
    assert_eq!(list("sites/riverside").await, [Ok(0); 4]);
    assert_eq!(list("sites/lakeside").await, [Ok(4), Ok(1), Ok(0), Ok(0)]);
}

#[tokio::test]
async fn a_whole_organization_sees_its_sites() {
    let world = World::new().await;
    let case = world.case().await;
    let mut head_office = world.manager();
    head_office.sites.clear();
    head_office.organizations = vec!["demo".parse().expect("a slug")];
    let request = wire::GetDecisionRequest {
        name: format!("{case}/decisions/1"),
    };
    assert!(
        world
            .rpc
            .get_decision(by(head_office.clone(), request))
            .await
            .is_ok()
    );
    let request = wire::ListClocksRequest {
        parent: "sites/-".to_owned(),
        ..Default::default()
    };
    let answer = world
        .rpc
        .list_clocks(by(head_office, request))
        .await
        .expect("listed");
    assert_eq!(answer.into_inner().clocks.len(), 4);
}

#[tokio::test]
async fn whoever_is_complained_about_finds_nothing_of_the_case() {
    let world = World::new().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        staff_complained_about: vec!["sites/lakeside/staff/rude".to_owned()],
        ..world.facts(&case)
    };
    world.tell(&[world.received(facts)]).await;
    let decision = world.decision(&case).await;
    let rude = world.caller("lakeside", "manager", Some("rude"));
    let request = wire::GetDecisionRequest {
        name: decision.name.clone(),
    };
    let answer = world.rpc.get_decision(by(rude.clone(), request)).await;
    assert_eq!(answer.expect_err("hidden").code(), Code::NotFound);
    let request = wire::ListClocksRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let answer = world
        .rpc
        .list_clocks(by(rude.clone(), request))
        .await
        .expect("listed");
    assert!(answer.into_inner().clocks.is_empty());
    let request = wire::GetClusterRequest {
        name: decision.cluster,
    };
    let answer = world.rpc.get_cluster(by(rude, request)).await;
    assert_eq!(answer.expect_err("hidden").code(), Code::NotFound);
}
