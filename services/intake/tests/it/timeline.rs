//! I12: the timeline is append-only and chained; whoever changes a row is found.

use redress_proto::intake::v1 as pb;

use crate::world::{World, caller, leak, update};

async fn verify(world: &World, name: &str) -> pb::VerifyTimelineResponse {
    world
        .cases(caller("auditor"))
        .verify_timeline(pb::VerifyTimelineRequest {
            name: name.to_owned(),
        })
        .await
        .expect("a verdict")
        .into_inner()
}

async fn story(world: &World) -> pb::Case {
    let mut clerk = world.cases(caller("clerk"));
    let case = world.create(leak()).await;
    for headcount in [2, 3, 4] {
        let change = pb::Case {
            name: case.name.clone(),
            headcount,
            ..Default::default()
        };
        update(&mut clerk, change, &["headcount"])
            .await
            .expect("updated");
    }
    world.get(&case.name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn i12_any_change_of_a_row_is_found() {
    let world = World::new().await;
    for (change, at) in [
        (
            "UPDATE intake.timeline SET actor = 'somebody else' WHERE sequence = 2",
            2,
        ),
        (
            "UPDATE intake.timeline SET facts = facts || '{\"headcount\": \"9\"}' WHERE sequence = 3",
            3,
        ),
        (
            "UPDATE intake.timeline SET event_time = event_time - interval '1 hour' WHERE sequence = 1",
            1,
        ),
        (
            "UPDATE intake.timeline SET note = 'other words' WHERE sequence = 1",
            1,
        ),
        ("DELETE FROM intake.timeline WHERE sequence = 2", 2),
        ("DELETE FROM intake.timeline WHERE sequence = 4", 4),
        (
            "UPDATE intake.timeline SET sequence = 5 WHERE sequence = 4",
            4,
        ),
    ] {
        let case = story(&world).await;
        assert!(verify(&world, &case.name).await.valid);
        let id: uuid::Uuid = case
            .name
            .rsplit('/')
            .next()
            .expect("an id")
            .parse()
            .expect("a UUID");
        let sql = format!("{change} AND case_id = '{id}'");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&world.data.admin)
            .await
            .expect("tampered");
        let verdict = verify(&world, &case.name).await;
        assert!(!verdict.valid, "{change}");
        assert_eq!(
            verdict.first_bad_sequence, at,
            "{change}: {}",
            verdict.finding
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i12_the_app_role_cannot_change_or_delete_entries() {
    let world = World::new().await;
    story(&world).await;
    for statement in [
        "UPDATE intake.timeline SET facts = '{}'",
        "UPDATE intake.timeline SET hash = ''",
        "DELETE FROM intake.timeline",
    ] {
        let mut tx = world.data.admin.begin().await.expect("a transaction");
        sqlx::query("SET LOCAL ROLE redress_intake_app")
            .execute(&mut *tx)
            .await
            .expect("the role");
        let refused = sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *tx)
            .await;
        assert!(refused.is_err(), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_is_listed_newest_first_in_pages() {
    let world = World::new().await;
    let case = story(&world).await;
    let mut clerk = world.cases(caller("clerk"));
    let mut token = String::new();
    let mut sequences = Vec::new();
    loop {
        let page = clerk
            .list_timeline(pb::ListTimelineRequest {
                parent: case.name.clone(),
                page_size: 3,
                page_token: token,
            })
            .await
            .expect("a page")
            .into_inner();
        sequences.extend(page.entries.iter().map(|e| e.sequence));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(sequences, [4, 3, 2, 1]);
}
