//! Lists and searches: conditions, pages, Chinese words, and the index behind them.

use jiff::SignedDuration;
use redress_model::words::{CaseStatus, Channel as Way};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as events;
use redress_proto::intake::v1 as pb;
use sqlx::Row as _;
use tonic::Code;

use crate::world::{World, at_site, caller, create_with, get, leak, list, person, reason, start};

fn at_lake() -> pb::ListCasesRequest {
    pb::ListCasesRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    }
}

fn said(text: &str) -> pb::Case {
    pb::Case {
        text: text.to_owned(),
        ..leak()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_filter_by_every_condition() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let app = world
        .create(pb::Case {
            channel: to_wire(Way::App),
            complainants: vec![person("13911112222")],
            ..leak()
        })
        .await;
    world.clock.advance(SignedDuration::from_hours(1));
    let phone = world
        .create(pb::Case {
            first_contact_owner: "sites/lake/staff/wang".to_owned(),
            ..leak()
        })
        .await;
    let graded = events::CaseGraded {
        case: phone.name.clone(),
        cluster: format!("sites/lake/clusters/{}", uuid::Uuid::now_v7()),
        grade: 2,
        criteria: vec![events::MatchedCriterion {
            criterion_id: "G2.1".into(),
            evidence: String::new(),
        }],
        nature: 4,
        urgency: 2,
        category: 1,
        revision: 1,
        epoch: 1,
        decide_time: Some(to_timestamp(start())),
        ..Default::default()
    };
    world
        .deliver("triage", "redress.case.graded.v1", &phone.name, &graded)
        .await;

    let only_app = vec![app.name.clone()];
    let only_phone = vec![phone.name.clone()];
    let both = vec![phone.name.clone(), app.name.clone()];
    let later = to_timestamp(start() + SignedDuration::from_mins(30));
    for (what, request, expected) in [
        ("all", at_lake(), &both),
        (
            "status",
            pb::ListCasesRequest {
                statuses: vec![to_wire(CaseStatus::Triaged)],
                ..at_lake()
            },
            &only_phone,
        ),
        (
            "grade",
            pb::ListCasesRequest {
                grades: vec![1, 2],
                ..at_lake()
            },
            &only_phone,
        ),
        (
            "category",
            pb::ListCasesRequest {
                categories: vec![1],
                ..at_lake()
            },
            &only_phone,
        ),
        (
            "channel",
            pb::ListCasesRequest {
                channels: vec![to_wire(Way::App)],
                ..at_lake()
            },
            &only_app,
        ),
        (
            "owner",
            pb::ListCasesRequest {
                owner: "sites/lake/staff/wang".into(),
                ..at_lake()
            },
            &only_phone,
        ),
        (
            "from",
            pb::ListCasesRequest {
                received_from_time: Some(later),
                ..at_lake()
            },
            &only_phone,
        ),
        (
            "until",
            pb::ListCasesRequest {
                received_until_time: Some(later),
                ..at_lake()
            },
            &only_app,
        ),
        (
            "phone",
            pb::ListCasesRequest {
                phone: "+86 139-1111-2222".into(),
                ..at_lake()
            },
            &only_app,
        ),
        (
            "mode",
            pb::ListCasesRequest {
                mode: 1,
                ..at_lake()
            },
            &both,
        ),
        (
            "history",
            pb::ListCasesRequest {
                mode: 2,
                ..at_lake()
            },
            &Vec::new(),
        ),
        (
            "everywhere",
            pb::ListCasesRequest {
                parent: "sites/-".into(),
                ..at_lake()
            },
            &both,
        ),
    ] {
        let found = list(&mut clerk, request).await.expect("a list");
        let names: Vec<String> = found.iter().map(|c| c.name.clone()).collect();
        assert_eq!(&names, expected, "{what}");
        assert!(
            found
                .iter()
                .all(|c| c.complainants.is_empty() && c.text.is_empty() && !c.excerpt.is_empty())
        );
    }
    // By the number that a caller reads out, without its site.
    let one = &get(&mut clerk, &both[0]).await.expect("a case");
    let by_number = pb::ListCasesRequest {
        parent: "sites/-".into(),
        numbers: vec![one.number.clone(), "LX-20000101-0001".into()],
        ..Default::default()
    };
    let found = list(&mut clerk, by_number).await.expect("a list");
    let names: Vec<&String> = found.iter().map(|c| &c.name).collect();
    assert_eq!(names, [&one.name]);
    // By the names that other services give, for their numbers.
    let by_name = pb::ListCasesRequest {
        parent: "sites/-".into(),
        cases: vec![one.name.clone()],
        ..Default::default()
    };
    let found = list(&mut clerk, by_name).await.expect("a list");
    let numbers: Vec<&String> = found.iter().map(|c| &c.number).collect();
    assert_eq!(numbers, [&one.number]);
    let nameless = pb::ListCasesRequest {
        cases: vec!["5dc02022".into()],
        ..at_lake()
    };
    assert_eq!(
        reason(list(&mut clerk, nameless).await, Code::InvalidArgument),
        "INVALID_FIELD"
    );
    let wrong = pb::ListCasesRequest {
        phone: "not a phone".into(),
        ..at_lake()
    };
    assert_eq!(
        reason(list(&mut clerk, wrong).await, Code::InvalidArgument),
        "INVALID_FIELD"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_every_case_once_though_new_ones_come_in_between() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let mut expected = Vec::new();
    for _ in 0..7 {
        // Three at the same instant each: the id breaks the tie.
        if expected.len() % 3 == 0 {
            world.clock.advance(SignedDuration::from_secs(1));
        }
        expected.push(world.create(leak()).await.name);
    }
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let page = clerk
            .list_cases(pb::ListCasesRequest {
                page_size: 2,
                page_token: token,
                ..at_lake()
            })
            .await
            .expect("a page")
            .into_inner();
        seen.extend(page.cases.into_iter().map(|c| c.name));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        world.clock.advance(SignedDuration::from_secs(1));
        world.create(leak()).await;
    }
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn chinese_words_find_their_cases() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let leaking = world
        .create(said("主卧飘窗渗水，墙面发霉，要求赔偿装修损失"))
        .await;
    let lift = world.create(said("3号电梯困人半小时，WIFI 也没有")).await;
    let mut river = world.cases(at_site("r", "river"));
    create_with(&mut river, "sites/river", said("墙面发霉"), "")
        .await
        .expect("a case");
    for (query, expected) in [
        ("渗水", vec![&leaking.name]),
        ("墙面 赔偿", vec![&leaking.name]),
        ("发霉", vec![&leaking.name]),
        ("困人", vec![&lift.name]),
        ("wifi", vec![&lift.name]),
        ("1202", vec![&lift.name, &leaking.name]),
        ("渗水 电梯", vec![]),
        ("site=river", vec![]),
    ] {
        let found = clerk
            .search_cases(pb::SearchCasesRequest {
                parent: "sites/-".into(),
                query: query.to_owned(),
                ..Default::default()
            })
            .await
            .expect("an answer")
            .into_inner()
            .cases;
        let mut names: Vec<&String> = found.iter().map(|c| &c.name).collect();
        let mut expected = expected;
        names.sort();
        expected.sort();
        assert_eq!(names, expected, "{query}");
    }
    let empty = clerk
        .search_cases(pb::SearchCasesRequest {
            parent: "sites/lake".into(),
            query: "！？".into(),
            ..Default::default()
        })
        .await;
    assert_eq!(reason(empty, Code::InvalidArgument), "INVALID_FIELD");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_uses_its_index_though_row_security_is_forced() {
    let world = World::new().await;
    world.create(leak()).await;
    let mut tx = world.data.admin.begin().await.expect("a transaction");
    // Many rows of another site, so that a scan of the whole table would cost more.
    sqlx::query(
        "INSERT INTO intake.complaint (site, id, number, mode, channel, received_time, create_time, update_time, creator, headcount,
           listed_count, person_tokens, text, building, unit, place_detail, repeat, needs_advisers, signals, language,
           first_contact_owner, staff_complained_about, earlier_cases, status, status_time, epoch, revision, owner)
         SELECT 'river', gen_random_uuid(), 'N' || n, 'LIVE', 'WEB', now(), now(), now(), 'x', 0, 0, '{}', 'x', '', '', '', false, false, '[]', '',
           '', '{}', '{}', 'RECEIVED', now(), 1, 1, '' FROM generate_series(1, 5000) n",
    )
    .execute(&mut *tx)
    .await
    .expect("rows");
    sqlx::query(
        "INSERT INTO intake.case_search (site, case_id, received_time, hidden_from, lexemes)
         SELECT site, id, received_time, '{}', array_to_tsvector(ARRAY['site=river', '漏水', id::text]) FROM intake.complaint WHERE site = 'river'",
    )
    .execute(&mut *tx)
    .await
    .expect("rows");
    let body: String =
        sqlx::query_scalar("SELECT prosrc FROM pg_proc WHERE proname = 'case_search_find'")
            .fetch_one(&mut *tx)
            .await
            .expect("the function");
    for statement in [
        "ANALYZE intake.case_search",
        "SET LOCAL ROLE redress_intake_owner",
        "SET LOCAL search_path = intake, pg_temp",
        "SELECT set_config('redress.sites', '{lake}', true), set_config('redress.viewer', '{}', true)",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *tx)
            .await
            .expect("a setting");
    }
    let prepare = format!("PREPARE found (text[], text, timestamptz, uuid, bigint) AS {body}");
    sqlx::query(sqlx::AssertSqlSafe(prepare))
        .execute(&mut *tx)
        .await
        .expect("prepared");
    let plan: Vec<String> =
        sqlx::raw_sql("EXPLAIN (COSTS OFF) EXECUTE found ('{漏水}', NULL, NULL, NULL, 50)")
            .fetch_all(&mut *tx)
            .await
            .expect("a plan")
            .iter()
            .map(|row| row.get(0))
            .collect();
    let plan = plan.join("\n");
    assert!(plan.contains("case_search_lexemes"), "{plan}");
}
