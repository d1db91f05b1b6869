//! Staff complained about can neither see nor handle the case or its incident (section 7).

use redress_model::words::{DutyRole, Word as _};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::SplitGoal;
use redress_proto::crisis::v1::aftermath_service_server::AftermathService as _;
use redress_proto::crisis::v1::command_service_server::CommandService as _;
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

impl World {
    /// Whether a person of the lake finds an incident: by its name, in the list and as a document.
    async fn finds(&self, person: &str, incident: &str) -> bool {
        let name = incident.to_owned();
        let get = wire::GetIncidentRequest { name: name.clone() };
        let got = self.api.get_incident(as_staff(get, "lake", person)).await;
        let list = wire::ListIncidentsRequest {
            parent: "sites/-".into(),
            ..Default::default()
        };
        let listed = self.api.list_incidents(as_staff(list, "lake", person));
        let listed = listed.await.expect("listed").into_inner().incidents;
        let export = wire::ExportIncidentRequest {
            name,
            ..Default::default()
        };
        let exported = self
            .aftermath
            .export_incident(as_staff(export, "lake", person))
            .await;
        let found = [
            got.is_ok(),
            listed.iter().any(|i| i.name == incident),
            exported.is_ok(),
        ];
        assert!(found.iter().all(|f| *f == found[0]), "{person}: {found:?}");
        found[0]
    }
}

#[tokio::test]
async fn whoever_a_case_that_left_complains_about_finds_no_incident_that_had_it() {
    let (world, incident) = joined().await;
    let parted = world
        .split(&incident.name, 2, SplitGoal::None, "")
        .await
        .expect("a member");
    // Which the log tells for ever.
    let left = parted.incident.expect("left");
    let of_it = |e: &&wire::LogEntry| e.text.starts_with("case C-2 ");
    assert_eq!(left.log_entries.iter().filter(of_it).count(), 2);
    assert_eq!(left.case_count, 1);
    assert!(!world.finds("voice", &incident.name).await);
    assert!(world.finds("top", &incident.name).await);
    let offer = wire::OfferRoleRequest {
        name: incident.name.clone(),
        role: DutyRole::Spokesperson.number(),
        staff: staff("lake", "voice"),
        reason: "back again".into(),
        ..Default::default()
    };
    let offered = world.commanding.offer_role(as_caller(offer, &["lake"]));
    let refused = offered.await.expect_err("they would not find it");
    assert_eq!(reason(&refused), "NOT_ON_ROSTER");
}

#[tokio::test]
async fn whoever_is_named_after_the_case_left_leaves_the_command_and_finds_it_no_more() {
    let world = World::new().await;
    let matter = cluster("lake", 1);
    world
        .take([
            site_changed("lake"),
            duty_changed("lake", FULL, 1),
            graded(&case("lake", 1), &matter, 1, &["G1.5"]).event(),
            graded(&case("lake", 2), &matter, 1, &["G1.5"]).event(),
        ])
        .await;
    let name = world.the_open("lake").await.name;
    // As a release of before takes it out, too.
    world
        .administer(
            "UPDATE crisis.case_file SET incident = NULL, join_time = NULL, join_number = NULL, parted = true WHERE number = 'C-2'",
        )
        .await;
    assert_eq!(world.incident(&name).await.case_count, 1);
    assert!(world.finds("voice", &name).await);
    let named = complains_about(&case("lake", 2), "voice", 1);
    world.take([named]).await;
    assert!(!world.finds("voice", &name).await);
    let held = role(&world.incident(&name).await, DutyRole::Spokesperson);
    assert_eq!(held.staff, staff("lake", "second-voice"));
}

#[tokio::test]
async fn what_was_merged_hides_with_what_it_had_and_the_one_that_stays_with_its_own() {
    let world = World::new().await;
    let [x, y] = [1, 2].map(|n| cluster("lake", n));
    let older = graded(&case("lake", 1), &x, 1, &["G1.5"]);
    world
        .take([duty_changed("lake", FULL, 1), older.event()])
        .await;
    let older = world.the_open("lake").await.name;
    world.advance(5);
    let accuses = |n, who| complains_about(&case("lake", n), who, 1);
    let younger = |n| graded(&case("lake", n), &y, 1, &["G1.5"]).at(world.now());
    world
        .take([
            accuses(2, "voice"),
            accuses(3, "counsel"),
            younger(2).event(),
            younger(3).event(),
        ])
        .await;
    let mut open = world.open("lake").await.into_iter();
    let younger = open.find(|i| i.name != older).expect("two").name;
    let parted = world.split(&younger, 2, SplitGoal::None, "").await;
    parted.expect("a member");
    world.advance(5);
    world.take([cluster_merged(&case("lake", 3), &y, &x)]).await;
    assert_eq!(world.the_open("lake").await.case_count, 2);
    for (person, finds) in [
        ("voice", [true, false]),
        ("counsel", [false, false]),
        ("top", [true, true]),
    ] {
        let found = [
            world.finds(person, &older).await,
            world.finds(person, &younger).await,
        ];
        assert_eq!(found, finds, "{person}");
    }
}

#[tokio::test]
async fn by_hand_no_case_is_taken_from_an_incident_that_the_caller_does_not_find() {
    let (world, incident) = joined().await;
    let parts = graded(&case("lake", 1), &cluster("lake", 3), 1, &["G1.5"]);
    world.take([parts.revision(2, 1).event()]).await;
    let open = async || {
        let request = wire::OpenIncidentRequest {
            parent: "sites/lake".into(),
            case: case("lake", 1).to_string(),
            reason: "mine".into(),
            ..Default::default()
        };
        let answer = world.api.open_incident(as_staff(request, "lake", "voice"));
        answer.await.map(|a| a.into_inner().incident)
    };
    let before = world.incident(&incident.name).await;
    let refused = open().await.expect_err("not told of");
    assert_eq!(refused.code(), Code::NotFound);
    assert!(!refused.message().contains(&incident.name), "{refused}");
    assert_eq!(world.incident(&incident.name).await, before);

    // One that has ended keeps it, and holds nobody up.
    world
        .administer(
            "UPDATE crisis.incident SET state = 'STOOD_DOWN'; UPDATE crisis.incident_stage SET leave_time = now()",
        )
        .await;
    let opened = open().await.expect("free").expect("filled");
    assert_eq!((opened.case_count, opened.cases.len()), (1, 1));
    let ended = world.incident(&incident.name).await;
    assert_eq!((ended.case_count, ended.cases.len()), (2, 2));
}
