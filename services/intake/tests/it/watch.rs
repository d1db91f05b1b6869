//! WatchCases: changes as they come, resumed without a gap.

use std::time::Duration;

use futures::StreamExt as _;
use redress_proto::intake::v1 as pb;
use tonic::Code;

use crate::world::{Cases, World, caller, leak, update};

async fn watch(cases: &mut Cases, resume_token: &str) -> tonic::Streaming<pb::WatchCasesResponse> {
    cases
        .watch_cases(pb::WatchCasesRequest {
            parent: "sites/lake".to_owned(),
            resume_token: resume_token.to_owned(),
            case: String::new(),
        })
        .await
        .expect("a stream")
        .into_inner()
}

async fn next(stream: &mut tonic::Streaming<pb::WatchCasesResponse>) -> pb::WatchCasesResponse {
    tokio::time::timeout(Duration::from_secs(20), stream.next())
        .await
        .expect("in time")
        .expect("an item")
        .expect("ok")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_tells_changes_and_resumes_without_a_gap() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let before = world.create(leak()).await;
    let mut stream = watch(&mut clerk, "").await;
    let change = pb::Case {
        name: before.name.clone(),
        headcount: 3,
        ..Default::default()
    };
    update(&mut world.cases(caller("clerk")), change, &["headcount"])
        .await
        .expect("updated");
    let first = next(&mut stream).await;
    assert_eq!(first.case.as_ref().expect("a case").name, before.name);
    assert!(first.case.as_ref().expect("a case").complainants.is_empty());
    drop(stream);

    let (one, two) = (world.create(leak()).await, world.create(leak()).await);
    let mut resumed = watch(&mut clerk, &first.resume_token).await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let name = next(&mut resumed).await.case.expect("a case").name;
        if name != before.name && !seen.contains(&name) {
            seen.push(name);
        }
    }
    assert_eq!(seen, [one.name, two.name]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_purged_changes_says_list_again() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let mut stream = watch(&mut clerk, "").await;
    world.create(leak()).await;
    let first = next(&mut stream).await;
    world.create(leak()).await;
    world
        .clock
        .advance(jiff::SignedDuration::from_hours(8 * 24));
    let purged = redress_intake::jobs::housekeeping::purge_once(&world.intake)
        .await
        .expect("purged");
    assert!(purged >= 2);
    let mut resumed = watch(&mut clerk, &first.resume_token).await;
    let end = resumed.next().await.expect("an end").expect_err("expired");
    assert_eq!(end.code(), Code::OutOfRange);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_what_is_not_there_says_so() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    for (parent, case) in [
        ("sites/nowhere", ""),
        (
            "sites/lake",
            "sites/lake/cases/0190a6c2-0000-7000-8000-000000000001",
        ),
    ] {
        let refused = clerk
            .watch_cases(pb::WatchCasesRequest {
                parent: parent.to_owned(),
                resume_token: String::new(),
                case: case.to_owned(),
            })
            .await;
        assert_eq!(refused.expect_err("silent").code(), Code::NotFound);
    }
}
