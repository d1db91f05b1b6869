//! I9: what complainants are called, where they live, how they are reached and what they say shows
//! up in no log, span, metric, event or error.

use redress_model::words::Channel;
use redress_proto::convert::to_wire;
use redress_proto::intake::v1::{
    Case, Complainant, CreateCaseRequest, GetCaseRequest, Place, SearchCasesRequest,
};
use redress_testkit::eventually;
use redress_tests::{Platform, SERVICES, SITE};
use uuid::Uuid;

use crate::{PATIENCE, telemetry};

const NAME: &str = "金丝雀姓名";
const PHONE: &str = "13912345678";
const EMAIL: &str = "canary-address@example.com";
const ACCOUNT: &str = "canary-account-77";
const WORDS: &str = "金丝雀的原话不可外传";
const UNIT: &str = "金丝雀单元0707";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i9_nothing_personal_leaves_a_trace() {
    let platform = Platform::start().await;
    let callers = platform.callers();
    let canaries = [NAME, PHONE, EMAIL, ACCOUNT, WORDS, UNIT];
    let case = Case {
        channel: to_wire(Channel::Visit),
        headcount: 12,
        complainants: vec![Complainant {
            display_name: NAME.to_owned(),
            phone: PHONE.to_owned(),
            email: EMAIL.to_owned(),
            account: ACCOUNT.to_owned(),
            ..Default::default()
        }],
        text: format!("{WORDS},外墙渗水"),
        place: Some(Place {
            building: "3".to_owned(),
            unit: UNIT.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let created = callers
        .cases()
        .create_case(CreateCaseRequest {
            parent: format!("sites/{SITE}"),
            request_id: Uuid::new_v4().to_string(),
            case: Some(case.clone()),
            ..Default::default()
        })
        .await
        .expect("the complaint is taken in")
        .into_inner()
        .case
        .expect("with the case");

    // Errors too: a wrong request with every canary in it, and one that finds nothing.
    let wrong = Case {
        headcount: -1,
        channel: 0,
        complainants: vec![Complainant {
            phone: format!("{PHONE}-{EMAIL}"),
            display_name: NAME.to_owned(),
            ..Default::default()
        }],
        ..case
    };
    let error = callers
        .cases()
        .create_case(CreateCaseRequest {
            parent: format!("sites/{SITE}"),
            case: Some(wrong),
            ..Default::default()
        })
        .await
        .expect_err("it is wrong");
    let shown = format!("{error:?} {}", String::from_utf8_lossy(error.details()));
    for canary in canaries {
        assert!(!shown.contains(canary), "{canary} in an error: {shown}");
    }
    let _ = callers
        .cases()
        .search_cases(SearchCasesRequest {
            parent: format!("sites/{SITE}"),
            query: WORDS.to_owned(),
            ..Default::default()
        })
        .await;

    eventually(PATIENCE, async || {
        let answer = callers
            .cases()
            .get_case(GetCaseRequest {
                name: created.name.clone(),
            })
            .await
            .map_err(|s| s.to_string())?;
        let case = answer.into_inner().case.unwrap_or_default();
        Ok::<_, String>(!case.incident.is_empty())
    })
    .await;
    // Ending flushes what telemetry still holds.
    for service in SERVICES {
        assert_eq!(platform.terminate(service), Some(0), "{service}");
    }
    assert!(
        !platform.collector.spans().is_empty(),
        "telemetry was collected at all"
    );
    telemetry::assert_documented(&platform.collector);
    for canary in canaries {
        let places = platform.collector.places_of(canary);
        assert!(places.is_empty(), "{canary} in {places:?}");
        for service in SERVICES {
            assert!(
                !platform.log(service).contains(canary),
                "{canary} in the log of {service}"
            );
            let in_events: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                "SELECT count(*) FROM {service}.outbox WHERE position($1::bytea IN payload) > 0"
            )))
            .bind(canary.as_bytes())
            .fetch_one(&platform.database.admin)
            .await
            .expect("the outbox can be read");
            assert_eq!(in_events, 0, "{canary} in an event of {service}");
        }
    }
}
