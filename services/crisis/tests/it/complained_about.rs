//! Staff complained about can neither see nor handle the case or its incident (section 7).

use std::time::Duration;

use jiff_sqlx::Timestamp;
use redress_model::words::{DutyRole, Word as _};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::aftermath_service_server::AftermathService as _;
use redress_proto::crisis::v1::command_service_server::CommandService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService;
use redress_proto::crisis::v1::matrix_service_server::MatrixService as _;
use redress_proto::crisis::v1::{ReviewStep, SplitGoal, StatementKind, Verdict};
use redress_proto::event::v1 as events;
use redress_proto::event::v1::DeliverOutcome;
use redress_testkit::eventually;
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::statements::{VOICE, words};
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

/// Two public incidents, the older with case 1, the younger with cases 2 and 3.
async fn two() -> (World, String, String) {
    let world = World::new().await;
    let older = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.4"]);
    world
        .take([
            site_changed("lake"),
            duty_changed("lake", FULL, 1),
            older.event(),
        ])
        .await;
    let older = world.the_open("lake").await.name;
    world.advance(5);
    let younger = |n| {
        let graded = graded(&case("lake", n), &cluster("lake", 2), 1, &["G1.4"]);
        graded.at(world.now()).event()
    };
    world.take([younger(2), younger(3)]).await;
    let mut open = world.open("lake").await.into_iter();
    let younger = open.find(|i| i.name != older).expect("two").name;
    (world, older, younger)
}

impl World {
    /// The younger of two goes into the older.
    async fn merged_by(&self, n: u128) {
        let (from, into) = (cluster("lake", 2), cluster("lake", 1));
        let merged = cluster_merged(&case("lake", n), &from, &into);
        self.take([merged]).await;
    }

    /// When a case joined and left an incident, as it is kept.
    async fn membership(&self, incident: &str, n: u128) -> Option<(Timestamp, Option<Timestamp>)> {
        sqlx::query_as(
            "SELECT m.join_time, m.leave_time FROM crisis.incident_case m
             WHERE 'sites/' || m.site || '/incidents/' || m.incident = $1 AND m.case_id = $2",
        )
        .bind(incident)
        .bind(case("lake", n).id)
        .fetch_optional(&self.database.admin)
        .await
        .expect("postgres answers")
    }
}

#[tokio::test]
async fn a_case_that_came_with_a_merger_and_left_before_memberships_were_kept_hides_what_had_it() {
    let (world, older, younger) = two().await;
    world
        .take([complains_about(&case("lake", 2), "voice", 1)])
        .await;
    world.advance(5);
    world.merged_by(3).await;
    world.advance(5);
    let parted = world.split(&older, 2, SplitGoal::None, "").await;
    parted.expect("came along");
    let kept = world.membership(&older, 2).await;
    assert!(kept.is_some_and(|(_, left)| left.is_some()));
    // Of which the log names it once: as it leaves.
    world
        .administer(
            "DELETE FROM crisis.incident_case m USING crisis.case_file c, crisis.incident i
             WHERE c.site = m.site AND c.id = m.case_id AND c.number = 'C-2' AND i.id = m.incident AND i.state = 'OPEN'",
        )
        .await;
    assert!(world.finds("voice", &older).await);

    // As the owner runs it, who sees no row that row security hides.
    for _ in 0..2 {
        let again = include_str!("../../migrations/0104_members_by_merger.sql");
        let run = sqlx::raw_sql(again).execute(&world.database.owner).await;
        run.expect("migrates");
        assert_eq!(world.membership(&older, 2).await, kept);
    }
    assert!(!world.finds("voice", &older).await);
    assert!(!world.finds("voice", &younger).await);
    assert!(world.finds("top", &older).await);
    let stays = world.incident(&older).await;
    assert_eq!((stays.case_count, stays.cases.len()), (2, 2));
}

#[tokio::test]
async fn what_a_hidden_incident_said_binds_whoever_checks_in_the_one_that_stays_i7() {
    let (world, older, younger) = two().await;
    let injured = |kind, text: &str, value: &str| wire::Statement {
        facts: vec![wire::StatementFact {
            key: "injured".into(),
            value: value.into(),
            source: "hospital".into(),
        }],
        ..words(kind, text)
    };
    let first = injured(StatementKind::Holding, "2人受伤。", "2");
    let first = world.draft(&younger, first, "author").await;
    world.approve_all(&first).await;
    world.release(&first, VOICE).await.expect("released");
    // Whoever checked it is accused since, by a case that had left before the merger.
    world
        .take([complains_about(&case("lake", 2), "clerk", 1)])
        .await;
    let parted = world.split(&younger, 2, SplitGoal::None, "").await;
    parted.expect("a member");
    world.merged_by(3).await;
    assert!(world.finds("clerk", &older).await);
    assert!(!world.finds("clerk", &younger).await);

    let check = async |of: &wire::Statement| {
        world
            .say(of, ReviewStep::FactCheck, Verdict::Approve, "clerk")
            .await
    };
    let other = injured(StatementKind::Update, "3人受伤。", "3");
    let other = world.draft(&older, other, "author").await;
    let refused = check(&other).await.expect_err("contradicts");
    assert_eq!(reason(&refused), "CONTRADICTS_PUBLISHED");
    let seen = world.read(&other.name).await.contradiction;
    assert!(seen.contains("injured"), "{seen}");

    let second = words(StatementKind::Holding, "我们正在核实。");
    let second = world.draft(&older, second, "author").await;
    check(&second).await.expect("in its turn");
    let promised = running(&world.incident(&older).await).contains(&"HOLDING_STATEMENT");
    assert!(!promised, "the first word left");

    let matrix = async |person: &str| {
        let request = wire::GetMatrixRequest {
            name: older.clone(),
        };
        let request = as_staff(request, "lake", person);
        let got = world.matrices.get_matrix(request).await.expect("found");
        got.into_inner().matrix.expect("filled")
    };
    let cells = matrix("clerk").await.cells;
    assert!(
        cells.iter().any(|c| c.reference == first.name),
        "{cells:#?}"
    );
    assert_eq!(cells, matrix("top").await.cells);
}

#[tokio::test]
async fn a_merged_incident_is_told_of_in_the_sites_in_scope_alone_i8() {
    let (world, older, younger) = two().await;
    world.merged_by(3).await;
    let id = |name: &str| -> uuid::Uuid {
        let id = name.rsplit('/').next().expect("an id");
        id.parse().expect("a UUID")
    };
    for (scope, found) in [("{lake}", vec![id(&younger)]), ("{hill}", Vec::new())] {
        let mut admin = world.database.admin.begin().await.expect("begun");
        for (set, to) in [("redress.sites", scope), ("role", "redress_crisis_app")] {
            sqlx::query("SELECT set_config($1, $2, true)")
                .bind(set)
                .bind(to)
                .execute(&mut *admin)
                .await
                .expect("set");
        }
        let merged: Vec<uuid::Uuid> =
            sqlx::query_scalar("SELECT crisis.merged_of('lake', $1) ORDER BY 1")
                .bind(id(&older))
                .fetch_all(&mut *admin)
                .await
                .expect("may ask");
        assert_eq!(merged, found, "{scope}");
    }
    let asked = sqlx::query("SELECT merged_of('lake', $1)").bind(id(&older));
    let worker = world.database.url("crisis", redress_store::Role::Worker);
    let worker = sqlx::PgPool::connect(secrecy::ExposeSecret::expose_secret(&worker));
    let worker = worker.await.expect("connects");
    let refused = asked.fetch_all(&worker).await.expect_err("may not");
    assert!(
        refused.to_string().contains("permission denied"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_name_that_is_taken_back_waits_for_the_site_before_it_locks_anything() {
    let (world, incident) = joined().await;
    let mut other = world.database.admin.begin().await.expect("begun");
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('crisis/lake', 0))")
        .execute(&mut *other)
        .await
        .expect("locked");
    let facts = events::CaseFacts {
        case: case("lake", 2).to_string(),
        number: "C-2".into(),
        epoch: 1,
        revision: 2,
        ..Default::default()
    };
    let cleared = event(
        "intake",
        "redress.case.updated.v1",
        "lake",
        facts.case.clone(),
        &events::CaseUpdated {
            facts: Some(facts),
            ..Default::default()
        },
    );
    let meanwhile = async {
        eventually(Duration::from_secs(60), async || {
            let waits =
                "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            let waits = sqlx::query_scalar::<_, bool>(waits);
            let waits = waits.fetch_one(&world.database.admin).await;
            waits.expect("postgres answers")
        })
        .await;
        let free = "SELECT FROM crisis.case_file WHERE number = 'C-2' FOR UPDATE NOWAIT";
        let free = sqlx::query(free).execute(&mut *other).await;
        other.rollback().await.expect("ended");
        free
    };
    let (outcome, free) = tokio::join!(world.deliver(cleared), meanwhile);
    free.expect("the case is not locked while the site is waited for");
    assert_eq!(outcome, DeliverOutcome::Applied);
    assert!(world.finds("voice", &incident.name).await);
}
