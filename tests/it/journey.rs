//! A grade-1 complaint through all five services: the same end state whatever is killed, flushed or
//! delivered twice on the way (I1, I3, I4), and one trace that shows it.

use std::collections::{BTreeMap, BTreeSet};

use redress_model::words::{CaseStatus, Channel, ClockKind, ClockState, DutyRole, Word as _};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1::{GetIncidentRequest, Incident, IncidentMode};
use redress_proto::intake::v1::{Case, Complainant, CreateCaseRequest, GetCaseRequest};
use redress_proto::notification::v1::{ListMessagesRequest, MessageState};
use redress_proto::triage::v1::ListClocksRequest;
use redress_testkit::eventually;
use redress_tests::{Platform, SERVICES, SITE};
use uuid::Uuid;

use crate::PATIENCE;

/// Complaints about different matters, so that none joins another's cluster.
pub(crate) const MATTERS: [&str; 8] = [
    "三期规划图纸改了,中心绿地变成了停车场",
    "电梯每天停运,老人上下楼非常困难",
    "售楼时承诺的学校没有了,要求退房退款",
    "地下室墙体开裂漏水,已经泡坏了家具",
    "楼道堆满垃圾,保洁三个星期没有来过",
    "门口夜市噪音太大,深夜无法入睡",
    "收房时发现窗户玻璃全部有划痕",
    "物业费突然上涨,没有任何公示和说明",
];

/// What a complaint has come to, without what may rightly differ (times, ids, which of two equals).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndState {
    grade: i32,
    criteria: Vec<String>,
    status: i32,
    has_owner: bool,
    clocks: BTreeMap<i32, i32>,
    mode: i32,
    roles: BTreeSet<i32>,
    incident_clocks: BTreeSet<i32>,
    cases_of_incident: i32,
    /// Template → how many messages were sent.
    sent: BTreeMap<String, usize>,
}

pub(crate) async fn complain(platform: &Platform, matter: &str) -> Case {
    let request = CreateCaseRequest {
        parent: format!("sites/{SITE}"),
        request_id: Uuid::new_v4().to_string(),
        case: Some(Case {
            channel: to_wire(Channel::Visit),
            headcount: 12,
            complainants: vec![Complainant {
                display_name: "业主代表".to_owned(),
                email: format!("{}@example.com", Uuid::new_v4().simple()),
                ..Default::default()
            }],
            text: matter.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    platform
        .callers()
        .cases()
        .create_case(request)
        .await
        .expect("the complaint is taken in")
        .into_inner()
        .case
        .expect("the answer carries the case")
}

/// The end state of a case, once it has one.
pub(crate) async fn end_state(platform: &Platform, name: &str) -> EndState {
    let case = eventually(PATIENCE, async || {
        let answer = platform
            .callers()
            .cases()
            .get_case(GetCaseRequest {
                name: name.to_owned(),
            })
            .await
            .map_err(|s| s.to_string())?;
        let case = answer.into_inner().case.unwrap_or_default();
        let done = case.grade != 0
            && !case.incident.is_empty()
            && case.status == CaseStatus::Assigned.number()
            && case.clocks.len() >= 3;
        done.then_some(case)
            .ok_or_else(|| "the case is not settled".to_owned())
    })
    .await;
    let incident = eventually(PATIENCE, async || {
        let incident = incident(platform, &case.incident).await?;
        let called = incident
            .roles
            .iter()
            .filter(|r| !r.staff.is_empty())
            .count();
        (called == 7)
            .then_some(incident)
            .ok_or_else(|| format!("{called} of 7 roles are filled"))
    })
    .await;
    let clocks = platform
        .callers()
        .clocks()
        .list_clocks(ListClocksRequest {
            parent: format!("sites/{SITE}"),
            case: name.to_owned(),
            ..Default::default()
        })
        .await
        .expect("the clocks are listed")
        .into_inner()
        .clocks;
    let sent = eventually(PATIENCE, async || {
        let sent = sent(platform, name, &case.incident).await?;
        let callouts = sent.get("incident.callout").copied().unwrap_or(0);
        let told = ["case.received", "case.assigned"];
        // Twelve people: manager, vice-president and head appear too (M10).
        let summoned = sent.get("work.summoned").copied().unwrap_or(0);
        (callouts >= 7 && summoned >= 3 && told.iter().all(|t| sent.contains_key(*t)))
            .then_some(sent.clone())
            .ok_or_else(|| format!("sent so far: {sent:?}"))
    })
    .await;
    EndState {
        grade: case.grade,
        criteria: case.criterion_ids,
        status: case.status,
        has_owner: !case.owner.is_empty(),
        clocks: clocks.iter().map(|c| (c.kind, c.state)).collect(),
        mode: incident.mode,
        roles: incident.roles.iter().map(|r| r.role).collect(),
        incident_clocks: incident.clocks.iter().map(|c| c.kind).collect(),
        cases_of_incident: incident.case_count,
        sent,
    }
}

async fn incident(platform: &Platform, name: &str) -> Result<Incident, String> {
    let answer = platform
        .callers()
        .incidents()
        .get_incident(GetIncidentRequest {
            name: name.to_owned(),
        })
        .await
        .map_err(|s| s.to_string())?;
    Ok(answer.into_inner().incident.unwrap_or_default())
}

async fn sent(
    platform: &Platform,
    case: &str,
    incident: &str,
) -> Result<BTreeMap<String, usize>, String> {
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (case, incident) in [(case, ""), ("", incident)] {
        let answer = platform
            .callers()
            .messages()
            .list_messages(ListMessagesRequest {
                parent: format!("sites/{SITE}"),
                case: case.to_owned(),
                incident: incident.to_owned(),
                page_size: 200,
                ..Default::default()
            })
            .await
            .map_err(|s| s.to_string())?;
        for message in answer.into_inner().messages {
            let done = message.state == i32::from(MessageState::Sent);
            if done && seen.insert(message.name) {
                *sent.entry(message.template).or_default() += 1;
            }
        }
    }
    Ok(sent)
}

pub(crate) fn assert_main_job(state: &EndState) {
    assert_eq!(state.grade, 1);
    assert!(state.criteria.contains(&"G1.4".to_owned()), "{state:?}");
    assert!(state.has_owner);
    for kind in [
        ClockKind::Acknowledge,
        ClockKind::Answer,
        ClockKind::Resolve,
    ] {
        assert_eq!(
            state.clocks.get(&kind.number()),
            Some(&ClockState::Running.number()),
            "{kind}: {state:?}"
        );
    }
    assert_eq!(state.mode, i32::from(IncidentMode::Public));
    assert!(state.roles.contains(&DutyRole::Spokesperson.number()));
    for kind in [
        ClockKind::HoldingStatement,
        ClockKind::OutwardUpdate,
        ClockKind::InsideReport,
        ClockKind::WeeklyBriefing,
    ] {
        assert!(state.incident_clocks.contains(&kind.number()), "{kind}");
    }
    assert_eq!(state.cases_of_incident, 1);
    assert_eq!(state.sent.get("case.received"), Some(&1), "{state:?}");
    assert_eq!(state.sent.get("case.assigned"), Some(&1), "{state:?}");
    assert_eq!(state.sent.get("incident.callout"), Some(&7), "{state:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complaint_comes_to_the_same_end_whatever_is_killed_flushed_or_delivered_twice() {
    let platform = Platform::start().await;
    let mut cases = Vec::new();

    let quiet = complain(&platform, MATTERS[0]).await;
    let expected = end_state(&platform, &quiet.name).await;
    assert_main_job(&expected);
    cases.push(quiet.name);

    // I1: each service is killed in the middle of a complaint and comes back.
    for (service, matter) in SERVICES.iter().zip(&MATTERS[1..]) {
        let case = complain(&platform, matter).await;
        platform.kill(service);
        platform.restart(service).await;
        let state = end_state(&platform, &case.name).await;
        assert_eq!(state, expected, "after {service} was killed");
        cases.push(case.name);
    }

    // I4, P18: Redis is flushed while a complaint is on its way.
    let case = complain(&platform, MATTERS[6]).await;
    platform.redis.flush().expect("Redis answers");
    let state = end_state(&platform, &case.name).await;
    assert_eq!(state, expected, "after Redis was flushed");
    cases.push(case.name);

    // I3: every event there ever was is delivered once more.
    platform.deliver_everything_again().await;
    // A complaint that came after has passed every queue behind the repeated events.
    let last = complain(&platform, MATTERS[7]).await;
    assert_eq!(end_state(&platform, &last.name).await, expected);
    for case in &cases {
        assert_eq!(
            end_state(&platform, case).await,
            expected,
            "after every event was delivered twice"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_shows_a_complaint_from_its_creation_to_the_call_out() {
    let platform = Platform::start().await;
    let case = complain(&platform, MATTERS[0]).await;
    end_state(&platform, &case.name).await;

    let wanted: BTreeSet<(String, String)> = [
        ("intake", "triage"),
        ("triage", "assignment"),
        ("triage", "crisis"),
        ("crisis", "notification"),
    ]
    .iter()
    .map(|(a, b)| (format!("redress-{a}"), format!("redress-{b}")))
    .collect();
    eventually(PATIENCE, async || {
        let spans = platform.collector.spans();
        let created = spans
            .iter()
            .find(|s| s.service == "redress-intake" && s.name.ends_with("CaseService/CreateCase"))
            .ok_or_else(|| "no span of CreateCase yet".to_owned())?;
        let edges = platform.collector.edges(&created.trace_id);
        let missing: Vec<_> = wanted.difference(&edges).collect();
        if missing.is_empty() {
            Ok(true)
        } else {
            Err(format!("missing {missing:?}, there are {edges:?}"))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_that_fires_belongs_to_the_trace_of_its_complaint() {
    let platform = Platform::start().await;
    // Entered two hours late, so that the promise of a first contact is broken at once.
    let received = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(2);
    let case = Case {
        channel: to_wire(Channel::Visit),
        headcount: 12,
        text: MATTERS[0].to_owned(),
        received_time: Some(to_timestamp(received)),
        ..Default::default()
    };
    platform
        .callers()
        .cases()
        .create_case(CreateCaseRequest {
            parent: format!("sites/{SITE}"),
            request_id: Uuid::new_v4().to_string(),
            case: Some(case),
            ..Default::default()
        })
        .await
        .expect("the complaint is taken in");
    eventually(PATIENCE, async || {
        let spans = platform.collector.spans();
        let created = spans
            .iter()
            .find(|s| s.service == "redress-intake" && s.name.ends_with("CaseService/CreateCase"))
            .ok_or("no span of CreateCase yet")?;
        spans
            .iter()
            .any(|s| s.trace_id == created.trace_id && s.name == "clock.fire")
            .then_some(true)
            .ok_or("no clock has fired in its trace")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complaint_is_taken_in_while_everything_behind_intake_is_down_and_catches_up() {
    let platform = Platform::start().await;
    for service in &SERVICES[1..] {
        platform.kill(service);
    }
    let case = complain(&platform, MATTERS[0]).await;
    assert_eq!(case.status, CaseStatus::Received.number());
    for service in &SERVICES[1..] {
        platform.launch(service);
    }
    for service in &SERVICES[1..] {
        platform.ready(service).await;
    }
    assert_main_job(&end_state(&platform, &case.name).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_service_ends_cleanly_when_it_is_asked_to() {
    let platform = Platform::start_empty().await;
    for service in SERVICES {
        assert_eq!(platform.terminate(service), Some(0), "{service}");
    }
}
