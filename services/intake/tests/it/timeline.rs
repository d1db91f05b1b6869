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
async fn i12_a_walk_over_the_site_names_the_first_wrong_entry_of_each_case() {
    let world = World::new().await;
    let mut cases = Vec::new();
    for _ in 0..3 {
        cases.push(story(&world).await.name);
    }
    // Ids of one millisecond have no order of their own.
    cases.sort();
    let walk = async |size: i32| {
        let mut auditor = world.cases(caller("auditor"));
        let (mut token, mut broken, mut count, mut entries) = (String::new(), Vec::new(), 0, 0);
        loop {
            let page = auditor
                .verify_timelines(pb::VerifyTimelinesRequest {
                    parent: "sites/lake".to_owned(),
                    page_size: size,
                    page_token: token,
                })
                .await
                .expect("a page")
                .into_inner();
            count += page.case_count;
            entries += page.entry_count;
            broken.extend(page.broken);
            token = page.next_page_token;
            if token.is_empty() {
                return (count, entries, broken);
            }
        }
    };
    assert_eq!(walk(0).await, (3, 12, Vec::new()));
    for (case, sequence) in [(&cases[1], 3), (&cases[2], 2)] {
        let id: uuid::Uuid = case
            .rsplit('/')
            .next()
            .expect("an id")
            .parse()
            .expect("a UUID");
        sqlx::query("UPDATE intake.timeline SET actor = 'x' WHERE case_id = $1 AND sequence = $2")
            .bind(id)
            .bind(sequence)
            .execute(&world.data.admin)
            .await
            .expect("tampered");
    }
    for size in [1, 2, 50] {
        let (count, _, broken) = walk(size).await;
        let found: Vec<(&str, i64)> = broken
            .iter()
            .map(|b| (b.case.as_str(), b.first_bad_sequence))
            .collect();
        assert_eq!(count, 3);
        assert_eq!(found, [(cases[1].as_str(), 3), (cases[2].as_str(), 2)]);
        assert!(broken.iter().all(|b| !b.finding.is_empty()));
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
