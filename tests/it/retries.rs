//! I2: the same request_id gives the same result once, however often and wherever it is retried.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use redress_model::words::Channel;
use redress_proto::convert::to_wire;
use redress_proto::intake::v1::{Case, CreateCaseRequest, ListCasesRequest};
use redress_tests::{Platform, SITE};
use tonic::Code;
use uuid::Uuid;

fn request(id: &str, text: &str) -> CreateCaseRequest {
    CreateCaseRequest {
        parent: format!("sites/{SITE}"),
        request_id: id.to_owned(),
        case: Some(Case {
            channel: to_wire(Channel::App),
            headcount: 1,
            text: text.to_owned(),
            complainants: vec![redress_proto::intake::v1::Complainant {
                account: "retrier".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_fifty_retries_at_once_and_over_a_kill_make_one_case() {
    let platform = Platform::start().await;
    let id = Uuid::new_v4().to_string();
    let retries = |platform: &Platform| {
        let callers = platform.callers();
        let id = id.clone();
        join_all((0..50).map(|_| {
            let mut client = callers.cases();
            let request = request(&id, "楼道灯不亮");
            async move {
                // A busy machine sheds load; whoever is told so tries again.
                let mut answer = client.create_case(request.clone()).await;
                for _ in 0..100 {
                    match &answer {
                        Err(status) if status.code() == Code::ResourceExhausted => {
                            tokio::time::sleep(Duration::from_millis(200)).await;
                            answer = client.create_case(request.clone()).await;
                        }
                        _ => break,
                    }
                }
                answer
            }
        }))
    };
    let mut names = BTreeSet::new();
    for answer in retries(&platform).await {
        let case = answer.expect("a retry is answered like the first");
        names.insert(case.into_inner().case.expect("with the case").name);
    }
    assert_eq!(names.len(), 1, "{names:?}");

    platform.kill("intake");
    platform.restart("intake").await;
    for answer in retries(&platform).await {
        let case = answer.expect("a retry is answered after a restart too");
        names.insert(case.into_inner().case.expect("with the case").name);
    }
    assert_eq!(names.len(), 1, "{names:?}");

    let listed = platform
        .callers()
        .cases()
        .list_cases(ListCasesRequest {
            parent: format!("sites/{SITE}"),
            ..Default::default()
        })
        .await
        .expect("the cases are listed")
        .into_inner();
    assert_eq!(listed.cases.len(), 1);

    let other = platform
        .callers()
        .cases()
        .create_case(request(&id, "另一件事"))
        .await
        .expect_err("the same id for another request is refused");
    assert_eq!(other.code(), Code::InvalidArgument);
    assert!(
        other.message().contains("request_id"),
        "{}",
        other.message()
    );
}
