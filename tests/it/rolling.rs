//! A rollout under load: two replicas of every service, each replaced in turn, and nothing that was acknowledged is lost,
//! done twice or left out of a stream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redress_model::words::Channel;
use redress_proto::convert::to_wire;
use redress_proto::intake::v1::case_service_client::CaseServiceClient;
use redress_proto::intake::v1::{
    Case, Complainant, CreateCaseRequest, GetCaseRequest, ListCasesRequest, WatchCasesRequest,
};
use redress_testkit::eventually;
use redress_tests::{Authenticated, Platform, SERVICES, SITE};
use tokio::sync::Notify;
use tokio::task::block_in_place;
use tonic::Code;
use uuid::Uuid;

use crate::PATIENCE;
use crate::journey::MATTERS;

/// Between two complaints.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a portal tries again, a little later each time; a replica takes a few seconds to come back.
const TRIES: usize = 100;

/// A portal that knows the replicas of intake and asks the next one when one does not answer.
struct Portal {
    /// A client of each, exchanged as they are.
    replicas: Mutex<[CaseServiceClient<Authenticated>; 2]>,
}

impl Portal {
    fn client(&self, turn: usize) -> CaseServiceClient<Authenticated> {
        self.replicas.lock().expect("no test panics in here")[turn % 2].clone()
    }

    /// Complains once, under one request_id however often it is asked.
    async fn complain(&self, turn: usize) -> String {
        let request = CreateCaseRequest {
            parent: format!("sites/{SITE}"),
            request_id: Uuid::new_v4().to_string(),
            case: Some(Case {
                channel: to_wire(Channel::App),
                headcount: 1,
                complainants: vec![Complainant {
                    account: format!("owner-{turn}"),
                    ..Default::default()
                }],
                text: format!("{}({turn}栋)", MATTERS[turn % MATTERS.len()]),
                ..Default::default()
            }),
            ..Default::default()
        };
        for again in 0..TRIES {
            match self.client(turn + again).create_case(request.clone()).await {
                Ok(answer) => return answer.into_inner().case.expect("with the case").name,
                // Who cannot take it says so; nobody fails at it.
                Err(status) => assert!(
                    matches!(status.code(), Code::Unavailable | Code::ResourceExhausted),
                    "{status:?}"
                ),
            }
            tokio::time::sleep(PAUSE / 10).await;
        }
        panic!("no replica takes a complaint");
    }

    /// Follows the cases of the site, from one replica to the next, until it is told to end.
    async fn watch(&self, seen: &Mutex<BTreeSet<String>>, begun: &Notify, end: &AtomicBool) {
        let (mut resume_token, mut turn) = (String::new(), 0);
        while !end.load(Ordering::Relaxed) {
            let request = WatchCasesRequest {
                parent: format!("sites/{SITE}"),
                resume_token: resume_token.clone(),
                ..Default::default()
            };
            if let Ok(answer) = self.client(turn).watch_cases(request).await {
                begun.notify_one();
                let mut stream = answer.into_inner();
                // However a stream ends, its last token is good at the other replica.
                while let Ok(Some(change)) = stream.message().await {
                    resume_token = change.resume_token;
                    let name = change.case.map(|case| case.name);
                    seen.lock().expect("no test panics in here").extend(name);
                }
            }
            turn += 1;
            tokio::time::sleep(PAUSE / 10).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn i1_i2_replicas_are_replaced_one_by_one_under_load_and_nothing_is_lost() {
    let platform = Platform::start().await;
    for service in SERVICES {
        // What a cluster's endpoints take to forget a replica; here nobody has to.
        platform.configure(service, "SERVER__DRAIN_WAIT_SECONDS", "1");
    }
    let mut second = BTreeMap::new();
    for service in SERVICES {
        second.insert(service, platform.replicate(service).await);
    }
    let client = |url: String| CaseServiceClient::new(platform.callers().channel_to(url));
    let first = client(platform.url("intake"));
    let portal = Arc::new(Portal {
        replicas: Mutex::new([first, client(second["intake"].url.clone())]),
    });
    let (end, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let begun = Arc::new(Notify::new());
    let watching = tokio::spawn({
        let (portal, seen, begun) = (portal.clone(), seen.clone(), begun.clone());
        let done = done.clone();
        async move { portal.watch(&seen, &begun, &done).await }
    });
    begun.notified().await;
    let load = tokio::spawn({
        let (portal, end) = (portal.clone(), end.clone());
        async move {
            let mut created = Vec::new();
            while !end.load(Ordering::Relaxed) {
                created.push(portal.complain(created.len()).await);
                tokio::time::sleep(PAUSE).await;
            }
            created
        }
    });

    for service in SERVICES {
        assert_eq!(
            block_in_place(|| platform.terminate(service)),
            Some(0),
            "{service}"
        );
        platform.restart(service).await;
        let old = second.remove(service).expect("there were two");
        assert_eq!(block_in_place(|| old.terminate()), Some(0), "{service}");
        let new = platform.replicate(service).await;
        if service == "intake" {
            portal.replicas.lock().expect("no test panics in here")[1] = client(new.url.clone());
        }
        second.insert(service, new);
    }

    end.store(true, Ordering::Relaxed);
    let created = load.await.expect("every complaint was taken");
    let names: BTreeSet<String> = created.iter().cloned().collect();
    assert_eq!(names.len(), created.len(), "each is a case of its own");
    assert!(
        names.len() > 2 * SERVICES.len(),
        "there was load all the time"
    );
    let mut cases = platform.callers().cases();
    let (mut listed, mut page_token) = (BTreeSet::new(), String::new());
    loop {
        let request = ListCasesRequest {
            parent: format!("sites/{SITE}"),
            page_token,
            ..Default::default()
        };
        let page = cases
            .list_cases(request)
            .await
            .expect("listed")
            .into_inner();
        listed.extend(page.cases.into_iter().map(|case| case.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, names, "none is lost, none is there twice (I1, I2)");
    for name in &names {
        eventually(PATIENCE, async || {
            let request = GetCaseRequest { name: name.clone() };
            let answer = cases.clone().get_case(request).await;
            let case = answer.map_err(|s| s.to_string())?.into_inner().case;
            let case = case.unwrap_or_default();
            let settled = case.grade > 0 && !case.clocks.is_empty() && !case.owner.is_empty();
            settled
                .then_some(())
                .ok_or(format!("{} is not settled", case.number))
        })
        .await;
    }
    eventually(PATIENCE, async || {
        let seen = seen.lock().expect("no test panics in here");
        names
            .is_subset(&seen)
            .then_some(())
            .ok_or("a case was never shown")
    })
    .await;
    done.store(true, Ordering::Relaxed);
    watching.abort();
}
