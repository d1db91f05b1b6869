//! Staff complained about can neither see nor handle the case or its incident (section 7).

use redress_model::words::DutyRole;
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::incident_service_server::IncidentService;
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::world::*;

/// An open incident, and a second case that joins it and complains about the voice.
async fn joined() -> (World, wire::Incident) {
    let world = World::new().await;
    let (first, second, matter) = (case("lake", 1), case("lake", 2), cluster("lake", 1));
    world
        .take([
            site_changed("lake"),
            duty_changed("lake", FULL, 1),
            graded(&first, &matter, 1, &["G1.5"]).event(),
        ])
        .await;
    let before = world.the_open("lake").await;
    assert_eq!(
        role(&before, DutyRole::Spokesperson).staff,
        staff("lake", "voice")
    );
    world
        .take([
            complains_about(&second, "voice", 1),
            graded(&second, &matter, 1, &["G1.5"]).event(),
        ])
        .await;
    let incident = world.the_open("lake").await;
    (world, incident)
}

#[tokio::test]
async fn whoever_is_complained_about_finds_no_incident() {
    let (world, incident) = joined().await;
    let get = wire::GetIncidentRequest {
        name: incident.name.clone(),
    };
    let list = wire::ListIncidentsRequest {
        parent: "sites/-".into(),
        ..Default::default()
    };
    for (person, sees) in [("voice", false), ("top", true)] {
        let got = world
            .api
            .get_incident(as_staff(get.clone(), "lake", person))
            .await;
        assert_eq!(got.is_ok(), sees, "{person}");
        let listed = world
            .api
            .list_incidents(as_staff(list.clone(), "lake", person))
            .await;
        assert_eq!(
            listed.expect("listed").into_inner().incidents.len(),
            usize::from(sees)
        );
    }
    let watch = wire::WatchIncidentRequest {
        name: incident.name.clone(),
        ..Default::default()
    };
    let watched = world
        .api
        .watch_incident(as_staff(watch, "lake", "voice"))
        .await;
    assert_eq!(watched.err().map(|s| s.code()), Some(Code::NotFound));
}

#[tokio::test]
async fn whoever_is_complained_about_changes_no_incident() {
    let (world, incident) = joined().await;
    let name = incident.name.clone();
    let api = &world.api;
    let mut codes = Vec::new();
    let request = wire::SwitchModeRequest {
        name: name.clone(),
        mode: wire::IncidentMode::Public.into(),
        reason: "cameras".into(),
        ..Default::default()
    };
    codes.push(
        api.switch_mode(as_staff(request, "lake", "voice"))
            .await
            .err(),
    );
    let request = wire::RecordLeaderContactRequest {
        name: name.clone(),
        case: case("lake", 1).to_string(),
        ..Default::default()
    };
    let answer = api
        .record_leader_contact(as_staff(request, "lake", "voice"))
        .await;
    codes.push(answer.err());
    let request = wire::RecordUpdateRequest {
        name: name.clone(),
        audience: wire::UpdateAudience::Inside.into(),
        ..Default::default()
    };
    codes.push(
        api.record_update(as_staff(request, "lake", "voice"))
            .await
            .err(),
    );
    let request = wire::RecordBriefingRequest {
        name,
        ..Default::default()
    };
    codes.push(
        api.record_briefing(as_staff(request, "lake", "voice"))
            .await
            .err(),
    );
    // By the case that complains, and by another of the matter: neither tells that there is an incident.
    for n in [1, 2] {
        let request = wire::OpenIncidentRequest {
            parent: "sites/lake".into(),
            case: case("lake", n).to_string(),
            reason: "mine".into(),
            ..Default::default()
        };
        codes.push(
            api.open_incident(as_staff(request, "lake", "voice"))
                .await
                .err(),
        );
    }
    for (n, status) in codes.into_iter().enumerate() {
        assert_eq!(status.map(|s| s.code()), Some(Code::NotFound), "{n}");
    }
    assert_eq!(world.the_open("lake").await, incident);
}

#[tokio::test]
async fn a_watch_ends_when_a_case_complains_about_who_watches() {
    let world = World::new().await;
    let (first, matter) = (case("lake", 1), cluster("lake", 1));
    world
        .take([
            site_changed("lake"),
            duty_changed("lake", FULL, 1),
            graded(&first, &matter, 1, &["G1.5"]).event(),
        ])
        .await;
    let watch = wire::WatchIncidentRequest {
        name: world.the_open("lake").await.name,
        ..Default::default()
    };
    let watched = world
        .api
        .watch_incident(as_staff(watch, "lake", "voice"))
        .await;
    let mut watched = watched.expect("seen").into_inner();
    watched.next().await.expect("at once").expect("seen");
    world.take([complains_about(&first, "voice", 1)]).await;
    let end = watched.next().await.expect("an end");
    assert_eq!(end.err().map(|s| s.code()), Some(Code::NotFound));
}

#[tokio::test]
async fn whoever_a_joining_case_complains_about_leaves_the_command() {
    let (_, incident) = joined().await;
    let voice = role(&incident, DutyRole::Spokesperson);
    assert_eq!(voice.staff, staff("lake", "second-voice"));
    for text in [
        "voice can be SPOKESPERSON no longer",
        "SPOKESPERSON is second-voice",
    ] {
        assert!(
            incident.log_entries.iter().any(|e| e.text == text),
            "{text}: {:#?}",
            incident.log_entries
        );
    }
}

#[tokio::test]
async fn whoever_is_complained_about_is_not_appointed_and_leaves_when_named_later() {
    let world = World::new().await;
    let (first, matter) = (case("lake", 1), cluster("lake", 1));
    world
        .take([
            site_changed("lake"),
            duty_changed("lake", FULL, 1),
            complains_about(&first, "voice", 1),
            graded(&first, &matter, 1, &["G1.5"]).event(),
        ])
        .await;
    let incident = world.the_open("lake").await;
    let held = role(&incident, DutyRole::Spokesperson);
    assert_eq!(held.staff, staff("lake", "second-voice"));

    world.take([complains_about(&first, "top", 2)]).await;
    let incident = world.the_open("lake").await;
    let top = role(&incident, DutyRole::TopLead);
    assert_ne!(top.staff, staff("lake", "top"));
    assert_ne!(top.stand_in, staff("lake", "top"));
}
