//! ImportCases: one result for each row, wrong rows stop nothing, history stays history.

use jiff::SignedDuration;
use redress_model::words::{CaseMode, CaseStatus, SignalBasis, SignalKind};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as events;
use redress_proto::intake::v1 as pb;
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::world::{World, at_site, caller, leak, may, person, reason, start};

fn row(id: &str, mode: CaseMode, days_back: i64) -> pb::ImportCasesRequest {
    pb::ImportCasesRequest {
        parent: "sites/lake".to_owned(),
        row_id: id.to_owned(),
        mode: to_wire(mode),
        case: Some(pb::Case {
            received_time: Some(to_timestamp(
                start() - SignedDuration::from_hours(24 * days_back),
            )),
            ..leak()
        }),
    }
}

async fn import(world: &World, rows: Vec<pb::ImportCasesRequest>) -> Vec<pb::ImportCasesResponse> {
    let mut clerk = world.cases(caller("clerk"));
    let results = clerk
        .import_cases(tokio_stream::iter(rows))
        .await
        .expect("a stream")
        .into_inner();
    results.map(|r| r.expect("a result")).collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_gets_its_result_and_wrong_ones_stop_nothing() {
    let world = World::new().await;
    let rows = vec![
        row("1", CaseMode::Historical, 700),
        pb::ImportCasesRequest {
            case: Some(pb::Case {
                text: "长".repeat(10_001),
                channel: 0,
                ..leak()
            }),
            ..row("2", CaseMode::Historical, 1)
        },
        pb::ImportCasesRequest {
            parent: "sites/river".into(),
            ..row("3", CaseMode::Historical, 1)
        },
        row("4", CaseMode::Live, 8),
        pb::ImportCasesRequest {
            mode: 0,
            parent: "lake".into(),
            case: None,
            ..row("5", CaseMode::Live, 0)
        },
        row("6", CaseMode::Live, 1),
        row("", CaseMode::Live, 1),
    ];
    let results = import(&world, rows).await;
    let ids: Vec<&str> = results.iter().map(|r| r.row_id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5", "6", ""]);
    let reasons: Vec<&str> = results.iter().map(|r| r.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "",
            "INVALID_FIELD",
            "NOT_FOUND",
            "INVALID_FIELD",
            "INVALID_FIELD",
            "",
            "INVALID_FIELD"
        ]
    );
    let fields = |i: usize| {
        results[i]
            .violations
            .iter()
            .map(|v| v.field.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        fields(1),
        ["case.channel", "case.received_time", "case.text"]
    );
    assert_eq!(fields(3), ["case.received_time"]);
    assert_eq!(fields(4), ["parent", "mode", "case"]);
    assert!(results[0].number.starts_with("LX-20261121-"));
    assert!(!results[1].transient);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_over_long_row_gets_its_result_and_stops_nothing() {
    let world = World::new().await;
    let rows = vec![
        row("1", CaseMode::Live, 1),
        row(&"行".repeat(129), CaseMode::Live, 1),
        pb::ImportCasesRequest {
            parent: format!("sites/{}", "x".repeat(195)),
            ..row("3", CaseMode::Live, 1)
        },
        row(&"行".repeat(128), CaseMode::Live, 1),
    ];
    let results = import(&world, rows).await;
    let told: Vec<(usize, &str, Vec<&str>)> = results
        .iter()
        .map(|r| {
            let fields = r.violations.iter().map(|v| v.field.as_str()).collect();
            (r.row_id.chars().count(), r.reason.as_str(), fields)
        })
        .collect();
    assert_eq!(
        told,
        [
            (1, "", vec![]),
            (128, "INVALID_FIELD", vec!["row_id"]),
            (1, "INVALID_FIELD", vec!["parent"]),
            (128, "", vec![]),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_an_imported_live_case_is_told_like_any_other_and_history_says_so_everywhere() {
    let world = World::new().await;
    let results = import(
        &world,
        vec![
            row("live", CaseMode::Live, 1),
            row("old", CaseMode::Historical, 400),
        ],
    )
    .await;
    let said: Vec<events::CaseReceived> = world.said("redress.case.received.v1").await;
    let modes: Vec<i32> = said
        .iter()
        .map(|s| s.facts.as_ref().expect("facts").mode)
        .collect();
    assert_eq!(
        modes,
        [to_wire(CaseMode::Live), to_wire(CaseMode::Historical)]
    );
    let flags: Vec<(bool,)> = sqlx::query_as(
        "SELECT historical FROM intake.outbox WHERE type = 'redress.case.received.v1' ORDER BY id",
    )
    .fetch_all(&world.data.admin)
    .await
    .expect("an outbox");
    assert_eq!(flags, [(false,), (true,)]);

    let old = world.get(&results[1].case).await;
    assert_eq!(
        (old.mode, old.status),
        (to_wire(CaseMode::Historical), to_wire(CaseStatus::Archived))
    );
    let graded = events::CaseGraded {
        case: old.name.clone(),
        grade: 3,
        revision: 1,
        epoch: 1,
        decide_time: Some(to_timestamp(start())),
        ..Default::default()
    };
    world
        .deliver("triage", "redress.case.graded.v1", &old.name, &graded)
        .await;
    let old = world.get(&old.name).await;
    assert_eq!((old.grade, old.status), (3, to_wire(CaseStatus::Archived)));
    let mut clerk = world.cases(caller("clerk"));
    let contact = clerk
        .record_contact(pb::RecordContactRequest {
            parent: old.name.clone(),
            contact: Some(pb::Contact {
                direction: 1,
                channel: 1,
                ..Default::default()
            }),
            request_id: String::new(),
        })
        .await;
    assert_eq!(reason(contact, Code::FailedPrecondition), "ILLEGAL_CONTACT");
    let reopened = clerk
        .reopen_case(pb::ReopenCaseRequest {
            name: old.name,
            reason: "x".into(),
            ..Default::default()
        })
        .await;
    assert_eq!(reason(reopened, Code::FailedPrecondition), "ILLEGAL_MOVE");
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_a_file_again_makes_nothing_twice_and_a_changed_row_is_told() {
    let world = World::new().await;
    let rows = vec![
        row("1", CaseMode::Historical, 30),
        row("2", CaseMode::Historical, 20),
    ];
    let first = import(&world, rows.clone()).await;
    let mut changed = row("2", CaseMode::Historical, 20);
    changed.case.as_mut().expect("a case").headcount = 5;
    let again = import(&world, vec![rows[0].clone(), rows[1].clone(), changed]).await;
    assert_eq!(first[0].case, again[0].case);
    assert_eq!(first[1].case, again[1].case);
    assert_eq!(again[2].reason, "REQUEST_ID_REUSED");
    let fields: Vec<&str> = again[2]
        .violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    assert_eq!(fields, ["row_id"], "a row has no request_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_found_by_later_live_cases_of_the_same_person_and_says_nothing_of_their_matter()
{
    let world = World::new().await;
    let results = import(
        &world,
        vec![
            row("1", CaseMode::Historical, 300),
            row("2", CaseMode::Historical, 200),
        ],
    )
    .await;
    assert!(
        !world.get(&results[1].case).await.repeat,
        "history is not judged again"
    );
    let live = world.create(leak()).await;
    assert!(!live.repeat, "triage says whether the matter is the same");
    assert_eq!(live.earlier_cases.len(), 2);
    let stranger = world
        .create(pb::Case {
            complainants: vec![person("13900000000")],
            ..leak()
        })
        .await;
    assert!(!stranger.repeat);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_of_another_site_imports_nothing() {
    let world = World::new().await;
    let mut stranger = world.cases(at_site("s", "river"));
    let results = stranger
        .import_cases(tokio_stream::iter([row("1", CaseMode::Live, 0)]))
        .await
        .expect("a stream")
        .into_inner();
    let results: Vec<_> = results.map(|r| r.expect("a result")).collect().await;
    assert_eq!(results[0].reason, "NOT_FOUND");
}

/// Real messages with odd punctuation: none may be refused for what it says. Their licence is unknown, so
/// the file stays where it is.
#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stderr)]
async fn real_messages_import_as_history_without_a_refusal_and_are_found_again() {
    let Ok(path) = std::env::var("REDRESS_MESSAGES") else {
        eprintln!("skipped: REDRESS_MESSAGES names no file");
        return;
    };
    let world = World::new().await;
    let text = std::fs::read_to_string(path).expect("a file");
    let rows: Vec<pb::ImportCasesRequest> = text
        .lines()
        .map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).expect("an object");
            let field = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
            let received: jiff::Timestamp = field("received_at").parse().expect("RFC 3339");
            pb::ImportCasesRequest {
                parent: "sites/lake".to_owned(),
                row_id: message["id"].to_string(),
                mode: to_wire(CaseMode::Historical),
                case: Some(pb::Case {
                    channel: 6,
                    text: format!("{}\n{}", field("title"), field("text")),
                    complainants: vec![pb::Complainant {
                        account: field("complainant"),
                        ..Default::default()
                    }],
                    received_time: Some(to_timestamp(received)),
                    ..Default::default()
                }),
            }
        })
        .collect();
    let started = std::time::Instant::now();
    let results = import(&world, rows).await;
    eprintln!("{} rows in {:?}", results.len(), started.elapsed());
    let refused: Vec<_> = results.iter().filter(|r| !r.reason.is_empty()).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let found = world
        .cases(caller("clerk"))
        .search_cases(pb::SearchCasesRequest {
            parent: "sites/lake".into(),
            query: "噪音 扰民".into(),
            page_size: 1_000,
            page_token: String::new(),
        })
        .await
        .expect("an answer")
        .into_inner()
        .cases;
    let expected = text
        .lines()
        .filter(|l| l.contains("噪音") && l.contains("扰民"))
        .count();
    assert_eq!(found.len(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_keeps_what_was_confirmed_and_a_live_row_says_it_by_staff_alone() {
    let world = World::new().await;
    let confirmed = |id: &str, mode| {
        let mut row = row(id, mode, 1);
        let case = row.case.get_or_insert_default();
        case.first_contact_owner = "sites/lake/staff/left-long-ago".to_owned();
        case.signals.push(redress_proto::words::Signal {
            kind: to_wire(SignalKind::Injury),
            basis: to_wire(SignalBasis::Confirmed),
            ..Default::default()
        });
        row
    };
    let rows = vec![
        confirmed("1", CaseMode::Historical),
        confirmed("2", CaseMode::Live),
    ];
    let results = world
        .cases(may(&["cases.import"]))
        .import_cases(tokio_stream::iter(rows))
        .await
        .expect("a stream")
        .into_inner();
    let results: Vec<pb::ImportCasesResponse> =
        results.map(|r| r.expect("a result")).collect().await;
    let reasons: Vec<&str> = results.iter().map(|r| r.reason.as_str()).collect();
    assert_eq!(reasons, ["", "PERMISSION_DENIED"]);
}
