//! The gateways for text messages and the robots of groups against endpoints that refuse, throttle, stall and hang
//! up; breakers; and what people do where machines do not reach.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use redress_model::name::{CaseName, ClockName, StaffName};
use redress_model::time::Clock as _;
use redress_model::words::{ClockKind, ClockTransition, DutyRole};
use redress_notification::domain::words::{MessageChannel, MessageState, Template};
use redress_notification::jobs::metrics::Metrics;
use redress_notification::provider::Gateways;
use redress_notification::provider::sms::{self, SmsGateway, SmsKey, SmsSettings, SmsTemplate};
use redress_notification::provider::wecom::Wecom;
use redress_notification::rpc::Apps;
use redress_notification::rpc::tasks::Tasks;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::app_service_server::AppService as _;
use redress_proto::notification::v1::message_service_server::MessageService as _;
use redress_proto::notification::v1::task_service_server::TaskService as _;
use redress_rpc::{Caller, Fingerprints};
use tokio_stream::StreamExt as _;
use tonic::Code;
use uuid::Uuid;

use crate::rpc::{by, caller, service};
use crate::support::http::{Endpoint, Manner};
use crate::support::{World, meter, news, site};

const TIMEOUT: Duration = Duration::from_secs(2);
const SECRET: &[u8] = b"0123456789abcdef";

fn text_messages(endpoint: &Endpoint) -> SmsGateway {
    let key = |id: &str, secret: &[u8]| SmsKey {
        id: id.to_owned(),
        secret: secret.to_vec(),
    };
    let template = SmsTemplate {
        code: "SMS_1001".to_owned(),
        params: vec!["number".to_owned(), "site".to_owned()],
    };
    let settings = SmsSettings {
        url: endpoint.url(),
        keys: vec![key("new", b"fedcba9876543210"), key("old", SECRET)],
        signature: "湖畔花园".to_owned(),
        sites: vec![site("lake")],
        templates: BTreeMap::from([("case.received".to_owned(), template)]),
    };
    SmsGateway::new(settings, TIMEOUT).expect("right settings")
}

fn by_sms(endpoint: &Endpoint) -> Gateways {
    Gateways {
        sms: vec![text_messages(endpoint)],
        ..Gateways::default()
    }
}

fn by_robot(endpoint: &Endpoint) -> Gateways {
    Gateways {
        wecom: vec![Wecom::new(&endpoint.url(), Vec::new(), TIMEOUT).expect("right settings")],
        ..Gateways::default()
    }
}

/// A receipt to a complainant, due now.
async fn receipt(world: &World, number: &str) -> CaseName {
    let case = world.case(number).await;
    world.clock.advance(SignedDuration::from_mins(2));
    case
}

async fn breach(world: &World, case: &CaseName, staff: &StaffName, grade: i32) {
    let clock = ClockName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::clock(
            &clock,
            case,
            ClockKind::Answer,
            (ClockTransition::Breached, 3),
            &[staff],
            grade,
        ))
        .await;
}

#[tokio::test]
async fn a_text_gateway_gets_code_and_parameters_signed_by_both_keys_under_one_delivery_id() {
    let world = World::new().await;
    receipt(&world, "LAKE-1").await;
    let endpoint = Endpoint::start().await;
    endpoint.next(Manner::HalfAnswer);
    let sender = world.sender(by_sms(&endpoint));
    world.send_due(&sender).await;
    world.clock.advance(SignedDuration::from_secs(5));
    // The gateway knows the delivery: it had taken it, and only its answer got lost.
    endpoint.next(Manner::Answer("409 Conflict"));
    world.send_due(&sender).await;
    assert_eq!(world.message().await.fate.state, MessageState::Sent);

    let received = endpoint.received();
    assert_eq!(received.len(), 2);
    let id = &received[0].headers["idempotency-key"];
    assert_eq!(id, &received[1].headers["idempotency-key"]);
    let payload: serde_json::Value = serde_json::from_slice(&received[0].body).expect("JSON");
    assert_eq!(payload["to"], "+8613800138000");
    assert_eq!(payload["template"], "SMS_1001");
    assert_eq!(payload["delivery_id"], id.as_str());
    let params = serde_json::json!({"number": "LAKE-1", "site": "Lake Garden"});
    assert_eq!(payload["params"], params, "and nothing else is handed over");
    assert!(payload.get("text").is_none());

    let headers = &received[1].headers;
    for (key, secret) in [("new", &b"fedcba9876543210"[..]), ("old", SECRET)] {
        let date = &headers["x-redress-date"];
        let expected = sms::sign(secret, "/redress", "", date, id, &received[1].body);
        let line = format!("KeyId={key}, Signature={expected}");
        assert!(
            received[1]
                .all("authorization")
                .iter()
                .any(|value| value.ends_with(&line))
        );
    }
}

#[tokio::test]
async fn a_text_gateway_that_throttles_is_left_alone_and_one_that_refuses_is_passed_over() {
    let world = World::new().await;
    receipt(&world, "LAKE-1").await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(Gateways {
        outbox: true,
        ..by_sms(&endpoint)
    });
    endpoint.next(Manner::Answer("422 Unprocessable Content"));
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Sent);
    let ways: Vec<&str> = world
        .attempts(&message.name)
        .await
        .iter()
        .map(|a| a.way.provider.word())
        .collect();
    assert_eq!(ways, ["SMS_GATEWAY", "OUTBOX"]);

    let world = World::new().await;
    world.case("LAKE-2").await;
    world.case("LAKE-3").await;
    world.clock.advance(SignedDuration::from_mins(2));
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_sms(&endpoint));
    endpoint.next(Manner::Answer("429 Too Many Requests\r\nRetry-After: 25"));
    world.send_due(&sender).await;
    world.clock.advance(SignedDuration::from_secs(24));
    world.send_due(&sender).await;
    assert_eq!(endpoint.received().len(), 1, "nobody knocks while it rests");
    world.clock.advance(SignedDuration::from_secs(1));
    world.send_due(&sender).await;
    let states: Vec<MessageState> = world
        .messages()
        .await
        .iter()
        .map(|m| m.fate.state)
        .collect();
    assert_eq!(states, [MessageState::Sent, MessageState::Sent]);
}

#[tokio::test]
async fn whatever_the_text_gateway_does_its_message_is_sent_again_under_the_same_key_until_it_takes_it()
 {
    let world = World::new().await;
    receipt(&world, "LAKE-1").await;
    let endpoint = Endpoint::start().await;
    let mut sender = world.sender(by_sms(&endpoint));
    Arc::get_mut(&mut sender)
        .expect("not shared yet")
        .sending
        .attempts_per_way_max = 20;
    // Of the last three nobody knows whether it took the message: the key tells it that it has.
    for (manner, reason) in [
        (Manner::Answer("500 Internal Server Error"), "HTTP_500"),
        (Manner::Answer("502 Bad Gateway"), "HTTP_502"),
        (Manner::Stall, "TIMEOUT"),
        (Manner::HangUp, "HTTP_BROKEN"),
        (Manner::HalfAnswer, "HTTP_BROKEN"),
    ] {
        endpoint.next(manner);
        world.send_due(&sender).await;
        let fate = world.message().await.fate;
        assert_eq!(
            (fate.state, fate.reason.as_str()),
            (MessageState::Queued, reason)
        );
        world.clock.advance(SignedDuration::from_mins(2));
    }
    // An outage that says how long it lasts is left to last.
    let outage = "503 Service Unavailable\r\nRetry-After: 600";
    endpoint.next(Manner::Answer(outage));
    world.send_due(&sender).await;
    world.clock.advance(SignedDuration::from_secs(599));
    world.send_due(&sender).await;
    assert_eq!(endpoint.received().len(), 6, "nobody knocks meanwhile");
    world.clock.advance(SignedDuration::from_secs(1));
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Sent);
    let received = endpoint.received();
    assert_eq!(received.len(), 7);
    let key = format!("{}.1", message.name.id.simple());
    for request in &received {
        assert_eq!(request.headers["idempotency-key"], key);
    }
    let attempts = world.attempts(&message.name).await;
    let outcomes: Vec<&str> = attempts.iter().map(|a| a.outcome.word()).collect();
    let mut expected = vec!["TRANSIENT"; 6];
    expected.push("ACCEPTED");
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone_then_probed_by_one_message() {
    let world = World::new().await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_sms(&endpoint));
    for n in 0..8 {
        world.case(&format!("LAKE-{n}")).await;
    }
    world.clock.advance(SignedDuration::from_mins(2));
    for _ in 0..5 {
        endpoint.next(Manner::HangUp);
    }
    world.send_due(&sender).await;
    assert_eq!(endpoint.received().len(), 5, "the breaker opened");
    let resting = world
        .messages()
        .await
        .into_iter()
        .filter(|m| m.fate.reason == "PROVIDER_RESTS")
        .collect::<Vec<_>>();
    assert_eq!(resting.len(), 3);
    assert!(
        resting.iter().all(|m| m.fate.attempt_count == 0),
        "resting costs no attempt"
    );

    world.clock.advance(SignedDuration::from_secs(31));
    endpoint.next(Manner::Stall);
    world.send_due(&sender).await;
    assert_eq!(
        endpoint.received().len(),
        6,
        "one probe, and its failure keeps the others back"
    );

    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&sender).await;
    let all = world.messages().await;
    assert!(
        all.iter().all(|m| m.fate.state == MessageState::Sent),
        "{all:#?}"
    );
}

#[tokio::test]
async fn a_robot_mentions_the_reader_and_its_errcode_decides() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "").await;
    let case = receipt(&world, "LAKE-1").await;
    breach(&world, &case, &li, 1).await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_robot(&endpoint));
    endpoint.next(Manner::Json(
        r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#,
    ));
    endpoint.next(Manner::Json(r#"{"errcode":0,"errmsg":"ok"}"#));
    let grave = || async {
        let all = world.messages().await;
        all.into_iter()
            .find(|m| m.template == Template::ClockBreached)
            .expect("a page")
    };
    world.send_due(&sender).await;
    assert_eq!(grave().await.fate.reason, "WECOM_45009");
    world.clock.advance(SignedDuration::from_secs(59));
    world.send_due(&sender).await;
    assert_eq!(endpoint.received().len(), 1);
    world.clock.advance(SignedDuration::from_secs(1));
    world.send_due(&sender).await;
    assert_eq!(grave().await.fate.state, MessageState::Sent);

    let received = endpoint.received();
    let payload: serde_json::Value = serde_json::from_slice(&received[1].body).expect("JSON");
    assert_eq!(payload["msgtype"], "text");
    assert_eq!(payload["text"]["mentioned_mobile_list"][0], "13800000001");
    assert!(
        payload["text"]["content"]
            .as_str()
            .is_some_and(|text| text.contains("LAKE-1"))
    );
}

#[tokio::test]
async fn whatever_the_robot_does_its_message_is_tried_again_until_it_says_that_it_took_it() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "").await;
    let case = receipt(&world, "LAKE-1").await;
    breach(&world, &case, &li, 1).await;
    let endpoint = Endpoint::start().await;
    let mut sender = world.sender(by_robot(&endpoint));
    Arc::get_mut(&mut sender)
        .expect("not shared yet")
        .sending
        .attempts_per_way_max = 20;
    let page = async || {
        let all = world.messages().await;
        all.into_iter()
            .find(|m| m.template == Template::ClockBreached)
            .expect("a page")
            .fate
    };
    for (manner, reason) in [
        (Manner::Answer("500 Internal Server Error"), "HTTP_500"),
        (Manner::Stall, "TIMEOUT"),
        (Manner::HangUp, "HTTP_BROKEN"),
        (Manner::HalfAnswer, "HTTP_BROKEN"),
        (Manner::Json("{}"), "WECOM_GARBLED"),
    ] {
        endpoint.next(manner);
        world.send_due(&sender).await;
        let fate = page().await;
        assert_eq!(
            (fate.state, fate.reason.as_str()),
            (MessageState::Queued, reason)
        );
        world.clock.advance(SignedDuration::from_mins(1));
    }
    endpoint.next(Manner::Json(r#"{"errcode":0,"errmsg":"ok"}"#));
    world.send_due(&sender).await;
    assert_eq!(page().await.state, MessageState::Sent);
    assert_eq!(endpoint.received().len(), 6);
}

#[tokio::test]
async fn a_robot_gets_twenty_messages_a_minute_and_the_rest_wait_without_losing_an_attempt() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "").await;
    let case = receipt(&world, "LAKE-1").await;
    for _ in 0..22 {
        breach(&world, &case, &li, 1).await;
    }
    let endpoint = Endpoint::start().await;
    for _ in 0..22 {
        endpoint.next(Manner::Json(r#"{"errcode":0,"errmsg":"ok"}"#));
    }
    let sender = world.sender(by_robot(&endpoint));
    world.send_due(&sender).await;
    assert_eq!(endpoint.received().len(), 20);
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&sender).await;
    assert_eq!(endpoint.received().len(), 22);
    let attempts = world
        .messages()
        .await
        .iter()
        .filter(|m| m.template == Template::ClockBreached)
        .map(|m| m.fate.attempt_count)
        .max();
    assert_eq!(attempts, Some(1));
}

pub(crate) fn tasks(world: &World) -> Tasks {
    Tasks {
        db: world.base.db.clone(),
        keys: Arc::clone(&world.keys),
        clock: world.clock.clone(),
        fingerprints: Fingerprints::new(b"a key of tests"),
        metrics: Metrics::new(&meter()),
    }
}

pub(crate) fn clerk() -> Arc<Caller> {
    caller("lake", &["tasks.*"], None)
}

pub(crate) async fn open_tasks(world: &World) -> Vec<proto::Task> {
    let list = proto::ListTasksRequest {
        parent: "sites/lake".to_owned(),
        states: vec![proto::TaskState::Open.into()],
        ..Default::default()
    };
    let answer = tasks(world).list_tasks(by(&clerk(), list)).await;
    answer.expect("a list").into_inner().tasks
}

pub(crate) fn claim(name: &str) -> proto::ClaimTaskRequest {
    proto::ClaimTaskRequest {
        name: name.to_owned(),
        ..Default::default()
    }
}

pub(crate) fn complete(name: &str, outcome: proto::TaskOutcome) -> proto::CompleteTaskRequest {
    proto::CompleteTaskRequest {
        name: name.to_owned(),
        outcome: outcome.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn m05_who_prefers_a_call_gets_one_and_a_call_in_vain_sends_the_message_on_and_then_to_a_person()
 {
    let world = World::new().await;
    let zhao = world
        .hire("zhao", "+8613800000009", "zhao@example.com")
        .await;
    world
        .tell(news::on_duty(&[(DutyRole::FrontOffice, &zhao)]))
        .await;
    let (_, sender) = world.call_waits().await;

    let waiting = open_tasks(&world).await;
    assert_eq!(waiting.len(), 1);
    let task = waiting[0].clone();
    assert_eq!(task.kind(), proto::TaskKind::Call);
    assert_eq!(task.offered_to, zhao.to_string());
    assert_eq!(task.role, "FRONT_OFFICE");
    let told = world.messages().await;
    assert!(told.iter().any(
        |m| m.template == Template::TaskWaiting && m.recipient.to_string() == zhao.to_string()
    ));

    let service = tasks(&world);
    let (me, other) = (clerk(), {
        let mut other = (*caller("lake", &["tasks.*"], None)).clone();
        other.subject = "somebody-else@example".to_owned();
        Arc::new(other)
    });
    let get = proto::GetTaskRequest {
        name: task.name.clone(),
    };
    let seen = service
        .get_task(by(&me, get.clone()))
        .await
        .expect("a task")
        .into_inner();
    assert!(
        seen.text.is_none(),
        "nobody reads a number before taking the task"
    );
    let early = complete(&task.name, proto::TaskOutcome::Delivered);
    let refused = service
        .complete_task(by(&me, early))
        .await
        .expect_err("not taken");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let taken = service
        .claim_task(by(&me, claim(&task.name)))
        .await
        .expect("taken")
        .into_inner();
    let text = taken.text.expect("what to say");
    assert_eq!(
        (text.reader.as_str(), text.address.as_str()),
        ("Wang Fang", "+8613800138000")
    );
    assert!(text.body.contains("LAKE-1"));
    // I11: two at once, one wins and the other is told.
    let refused = service
        .claim_task(by(&other, claim(&task.name)))
        .await
        .expect_err("taken");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let peek = service
        .get_task(by(&other, get))
        .await
        .expect("a task")
        .into_inner();
    assert!(peek.text.is_none());
    let mut stale = complete(&task.name, proto::TaskOutcome::Unreachable);
    stale.etag = task.etag.clone();
    let refused = service
        .complete_task(by(&me, stale))
        .await
        .expect_err("stale");
    assert_eq!(refused.code(), Code::Aborted);

    let vain = complete(&task.name, proto::TaskOutcome::Unreachable);
    service
        .complete_task(by(&me, vain.clone()))
        .await
        .expect("done");
    service
        .complete_task(by(&me, vain))
        .await
        .expect("a repeat succeeds");
    world.send_due(&sender).await;
    let all = world.messages().await;
    let receipt = all
        .iter()
        .find(|m| m.template == Template::CaseReceived)
        .expect("listed");
    assert_eq!(receipt.fate.state, MessageState::Failed);
    let waiting = open_tasks(&world).await;
    let of_receipt = waiting
        .iter()
        .find(|t| t.message == receipt.name.to_string())
        .expect("a person looks");
    assert_eq!(of_receipt.kind(), proto::TaskKind::Unreached);
    assert_eq!(of_receipt.reason, "WAYS_USED_UP");
}

#[tokio::test]
async fn nobody_whom_a_case_complains_about_is_asked_to_call_or_told_of_it_and_the_next_one_up_is_p14()
 {
    let world = World::new().await;
    // Of what waits people are told once an hour: all of it happens within one.
    let now = world.clock.now();
    let hour = SignedDuration::from_secs(3600 - now.as_second().rem_euclid(3600));
    world.clock.advance(hour);
    let roles = [
        (DutyRole::FrontOffice, "an"),
        (DutyRole::FrontOffice, "bo"),
        (DutyRole::OnSiteLead, "on-site"),
        (DutyRole::DutyLead, "duty"),
        (DutyRole::TopLead, "top"),
        (DutyRole::RegionContact, "region"),
    ];
    let people = world.staff(&roles).await;
    let sender = world.sender(Gateways {
        tasks: true,
        ..Gateways::default()
    });
    // Accused are the first so many of them.
    for (accused, asked) in [
        (0, Some(0)),
        (1, Some(1)),
        (2, Some(2)),
        (5, Some(5)),
        (6, None),
    ] {
        let before: Vec<_> = world.messages().await.into_iter().map(|m| m.name).collect();
        let case = CaseName::new(site("lake"), Uuid::now_v7());
        let (name, phone) = ("Wang Fang", "+8613800138000");
        world.people.add_caller(&case, "t1", name, phone);
        world.tell(news::received(&case, "LAKE-1", &["t1"])).await;
        let named: Vec<&StaffName> = people.iter().take(accused).collect();
        world.tell(news::accuses(&case, &named, 2)).await;
        world.clock.advance(SignedDuration::from_mins(2));
        world.send_due(&sender).await;

        let waiting = open_tasks(&world).await;
        let of_case = waiting.iter().find(|t| t.case == case.to_string());
        let task = of_case.expect("a call waits");
        let asked = asked.map(|n: usize| people[n].to_string());
        assert_eq!(task.role, "FRONT_OFFICE");
        assert_eq!(task.offered_to, asked.clone().unwrap_or_default());
        let mut told = world.messages().await;
        told.retain(|m| m.template == Template::TaskWaiting && !before.contains(&m.name));
        let told: Vec<String> = told.iter().map(|m| m.recipient.to_string()).collect();
        assert_eq!(told, Vec::from_iter(asked), "{accused} are accused");
    }
}

#[tokio::test]
async fn who_is_complained_about_since_loses_the_call_they_were_asked_for_or_took_and_the_next_one_has_it_p14()
 {
    let world = World::new().await;
    // Of what waits people are told once an hour: all of it happens within one.
    let now = world.clock.now();
    let hour = SignedDuration::from_secs(3600 - now.as_second().rem_euclid(3600));
    world.clock.advance(hour);
    let roles = [
        (DutyRole::FrontOffice, "an"),
        (DutyRole::FrontOffice, "bo"),
        (DutyRole::OnSiteLead, "on-site"),
    ];
    let people = world.staff(&roles).await;
    let (case, _) = world.call_waits().await;

    let told = async || {
        let mut told = world.messages().await;
        told.retain(|m| m.template == Template::TaskWaiting);
        let mut told: Vec<String> = told.iter().map(|m| m.recipient.to_string()).collect();
        told.sort();
        told
    };
    let asked = |count: usize| -> Vec<String> {
        people.iter().take(count).map(ToString::to_string).collect()
    };
    let take = async |who: &StaffName, name: &str| {
        let caller = caller("lake", &["tasks.*"], Some(who));
        let taken = tasks(&world).claim_task(by(&caller, claim(name))).await;
        taken.expect("taken");
    };
    let task = open_tasks(&world).await.remove(0);
    assert_eq!(task.offered_to, people[0].to_string());
    assert_eq!(told().await, asked(1));

    world.tell(news::accuses(&case, &[&people[0]], 2)).await;
    assert_eq!(
        open_tasks(&world).await[0].offered_to,
        people[1].to_string()
    );
    assert_eq!(told().await, asked(2));

    take(&people[1], &task.name).await;
    let both = [&people[0], &people[1]];
    world.tell(news::accuses(&case, &both, 3)).await;
    let again = open_tasks(&world).await.remove(0);
    assert_eq!((&again.name, again.taken_by.as_str()), (&task.name, ""));
    assert_eq!(again.offered_to, people[2].to_string());
    assert_eq!(told().await, asked(3));

    // Somebody else named as well leaves it with who has it.
    take(&people[2], &task.name).await;
    let other: StaffName = "sites/lake/staff/gao".parse().expect("a name");
    world
        .tell(news::accuses(&case, &[both[0], both[1], &other], 4))
        .await;
    assert!(open_tasks(&world).await.is_empty());
    assert_eq!(told().await, asked(3));
}

#[tokio::test]
async fn m05_a_call_in_vain_goes_on_by_text_message_and_nothing_is_told_while_a_call_waits() {
    for outcome in [
        proto::TaskOutcome::Unreachable,
        proto::TaskOutcome::WrongContact,
    ] {
        let world = World::new().await;
        let case = CaseName::new(site("lake"), Uuid::now_v7());
        let (name, phone) = ("Wang Fang", "+8613800138000");
        world.people.add_phone(&case, "t1", name, phone);
        world.tell(news::received(&case, "LAKE-1", &["t1"])).await;
        world.clock.advance(SignedDuration::from_mins(2));
        // As `redress up` has it: people call, and the outbox stands for every machine.
        let sender = world.sender(Gateways {
            tasks: true,
            outbox: true,
            ..Gateways::default()
        });
        world.send_due(&sender).await;
        let waiting = world.message().await;
        assert_eq!(waiting.fate.state, MessageState::Asked);
        assert_eq!(waiting.fate.send_time, None, "nobody was told yet");
        let task = open_tasks(&world).await.remove(0);
        let service = tasks(&world);
        let taken = service.claim_task(by(&clerk(), claim(&task.name))).await;
        taken.expect("taken");
        let vain = complete(&task.name, outcome);
        let done = service.complete_task(by(&clerk(), vain)).await;
        done.expect("done");
        world.send_due(&sender).await;

        let message = world.message().await;
        assert_eq!(message.fate.state, MessageState::Sent);
        let ways: Vec<(&str, &str)> = world
            .attempts(&message.name)
            .await
            .iter()
            .map(|a| (a.way.channel.word(), a.way.provider.word()))
            .collect();
        assert_eq!(ways, [("PHONE", "TASK"), ("SMS", "OUTBOX")]);
        assert!(open_tasks(&world).await.is_empty());
    }
}

#[tokio::test]
async fn m16_whoever_gave_no_way_at_all_is_looked_for_by_a_person() {
    let world = World::new().await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    world.people.add_phone(&case, "t1", "Li Si", "");
    world.tell(news::received(&case, "LAKE-1", &["t1"])).await;
    world.clock.advance(SignedDuration::from_mins(2));
    let sender = world.sender(Gateways {
        tasks: true,
        outbox: true,
        ..Gateways::default()
    });
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Failed);
    let task = open_tasks(&world).await.remove(0);
    assert_eq!(task.kind(), proto::TaskKind::Unreached);
}

#[tokio::test]
async fn a_call_that_nobody_needs_any_more_cancels_the_message() {
    let world = World::new().await;
    world.call_waits().await;
    let task = open_tasks(&world).await.remove(0);
    let service = tasks(&world);
    let taken = service.claim_task(by(&clerk(), claim(&task.name))).await;
    taken.expect("taken");
    let needless = complete(&task.name, proto::TaskOutcome::NotNeeded);
    let done = service.complete_task(by(&clerk(), needless)).await;
    done.expect("done");
    let fate = world.message().await.fate;
    assert_eq!(
        (fate.state, fate.reason.as_str(), fate.send_time),
        (MessageState::Cancelled, "TASK_NOT_NEEDED", None)
    );
}

#[tokio::test]
async fn a_delivered_call_leaves_the_message_sent() {
    let world = World::new().await;
    let (_, sender) = world.call_waits().await;
    assert_eq!(world.message().await.fate.state, MessageState::Asked);
    assert!(world.announced().await.is_empty(), "nobody was told yet");
    let task = open_tasks(&world).await.remove(0);
    let service = tasks(&world);
    let foreign = caller("river", &["*"], None);
    let hidden = service
        .claim_task(by(&foreign, claim(&task.name)))
        .await
        .expect_err("I8");
    assert_eq!(hidden.code(), Code::NotFound);
    service
        .claim_task(by(&clerk(), claim(&task.name)))
        .await
        .expect("taken");
    let done = complete(&task.name, proto::TaskOutcome::Delivered);
    let done = service
        .complete_task(by(&clerk(), done))
        .await
        .expect("done")
        .into_inner();
    assert_eq!(
        done.task.expect("a task").outcome(),
        proto::TaskOutcome::Delivered
    );
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Sent);
    assert_eq!(message.fate.channel, Some(MessageChannel::Phone));
    assert_eq!(message.fate.send_time, Some(world.now()));
    assert_eq!(world.announced().await, ["SENT"], "now it was");
    assert!(open_tasks(&world).await.is_empty());
}

#[tokio::test]
async fn a_call_whose_worker_died_is_one_task_and_in_vain_still_sends_the_message_on() {
    let world = World::new().await;
    let (_, sender) = world.call_waits().await;
    // As a worker leaves it that dies after the task was made and before its attempt was ended.
    for statement in [
        "UPDATE notification.attempt SET outcome = 'PENDING', end_time = NULL",
        "UPDATE notification.message SET state = 'SENDING', lease_token = gen_random_uuid(), send_time = NULL,
                due_time = create_time",
    ] {
        sqlx::query(statement)
            .execute(&world.base.admin)
            .await
            .expect("the rows are there");
    }
    world.send_due(&sender).await;
    let task = open_tasks(&world).await;
    assert_eq!(task.len(), 1);
    let service = tasks(&world);
    let name = task[0].name.clone();
    service
        .claim_task(by(&clerk(), claim(&name)))
        .await
        .expect("taken");
    let vain = complete(&name, proto::TaskOutcome::WrongContact);
    service
        .complete_task(by(&clerk(), vain))
        .await
        .expect("done");
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Failed);
    assert_eq!(message.fate.reason, "WAYS_USED_UP");
}

#[tokio::test]
async fn a_call_that_was_made_before_its_worker_could_say_so_is_told_and_one_in_vain_goes_on() {
    for (outcome, state) in [
        (proto::TaskOutcome::Delivered, MessageState::Sent),
        (proto::TaskOutcome::NotNeeded, MessageState::Cancelled),
        (proto::TaskOutcome::Unreachable, MessageState::Failed),
    ] {
        let world = World::new().await;
        let case = CaseName::new(site("lake"), Uuid::now_v7());
        world
            .people
            .add_caller(&case, "t1", "Wang Fang", "+8613800138000");
        world.tell(news::received(&case, "LAKE-1", &["t1"])).await;
        world.clock.advance(SignedDuration::from_mins(2));
        let sender = world.sender(Gateways {
            tasks: true,
            ..Gateways::default()
        });
        world.send_due(&sender).await;
        for statement in [
            "UPDATE notification.attempt SET outcome = 'PENDING', end_time = NULL",
            "UPDATE notification.message SET state = 'SENDING', lease_token = gen_random_uuid(), due_time = create_time",
        ] {
            sqlx::query(statement)
                .execute(&world.base.admin)
                .await
                .expect("the rows are there");
        }
        let task = open_tasks(&world).await.remove(0);
        let service = tasks(&world);
        let taken = service.claim_task(by(&clerk(), claim(&task.name))).await;
        taken.expect("taken");
        let made = service.complete_task(by(&clerk(), complete(&task.name, outcome)));
        made.await.expect("done");
        // The next worker finds that it was asked for, and made.
        world.send_due(&sender).await;
        world.send_due(&sender).await;
        assert_eq!(world.message().await.fate.state, state, "{outcome:?}");
    }
}

#[tokio::test]
async fn m16_who_writes_the_letter_sees_where_to_and_nobody_else_does() {
    let world = World::new().await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    world
        .people
        .add_writer(&case, "t1", "Wang Fang", "3栋 1单元1201");
    world.tell(news::received(&case, "LAKE-1", &["t1"])).await;
    world.clock.advance(SignedDuration::from_mins(2));
    let sender = world.sender(Gateways {
        tasks: true,
        ..Gateways::default()
    });
    world.send_due(&sender).await;
    let waiting = open_tasks(&world).await;
    assert_eq!(waiting[0].kind(), proto::TaskKind::Letter);
    let name = &waiting[0].name;
    let service = tasks(&world);
    let get = proto::GetTaskRequest { name: name.clone() };
    let before = service.get_task(by(&clerk(), get.clone())).await;
    assert_eq!(before.expect("shown").get_ref().text, None);
    let taken = service.claim_task(by(&clerk(), claim(name))).await;
    let text = taken.expect("taken").into_inner().text.expect("a letter");
    assert_eq!(
        (text.reader.as_str(), text.address.as_str()),
        ("Wang Fang", "3栋 1单元1201")
    );
    assert!(text.body.contains("LAKE-1"));
    let other = Arc::new(Caller {
        subject: "somebody@else".to_owned(),
        ..(*clerk()).clone()
    });
    let looked = service.get_task(by(&other, get)).await;
    assert_eq!(looked.expect("shown").get_ref().text, None);
    let rows: Vec<String> = sqlx::query_scalar("SELECT t::text FROM notification.task t")
        .fetch_all(&world.base.admin)
        .await
        .expect("read");
    let address = "3栋 1单元1201";
    let hex: String = address.bytes().map(|byte| format!("{byte:02x}")).collect();
    let shows = |row: &String| row.contains(address) || row.contains(&hex);
    assert!(!rows.iter().any(shows), "sealed");
}

fn subscribe(token: &str) -> proto::SubscribeRequest {
    proto::SubscribeRequest {
        parent: "sites/lake".to_owned(),
        resume_token: token.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn apps_and_portals_are_told_what_is_theirs_and_nothing_twice_after_reconnecting() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let zhao = world
        .hire("zhao", "+8613800000002", "zhao@example.com")
        .await;
    let apps = Apps {
        db: world.base.db.clone(),
        keys: Arc::clone(&world.keys),
        bell: world.bell.clone(),
    };
    let mine = caller("lake", &["notices.subscribe"], Some(&li));
    let portal = caller("lake", &["notices.subscribe", "notices.relay"], None);
    let open = |who: Arc<Caller>, token: String| {
        let apps = apps.clone();
        async move {
            let stream = apps.subscribe(by(&who, subscribe(&token))).await;
            stream.expect("a stream").into_inner()
        }
    };
    let (mut app, mut relay) = (
        open(mine.clone(), String::new()).await,
        open(portal, String::new()).await,
    );

    let case = receipt(&world, "LAKE-1").await;
    breach(&world, &case, &zhao, 1).await;
    breach(&world, &case, &li, 1).await;
    let sender = world.sender(Gateways {
        app: true,
        outbox: true,
        ..Gateways::default()
    });
    world.send_due(&sender).await;

    let first = app.next().await.expect("an item").expect("ok");
    let notice = first.notice.expect("a notice");
    assert_eq!(notice.recipient, li.to_string());
    assert!(notice.subject.contains("LAKE-1") || notice.body.contains("LAKE-1"));
    let heard = relay.next().await.expect("an item").expect("ok");
    let told = heard.notice.expect("a notice");
    assert_eq!(told.recipient, "token-LAKE-1");
    assert_eq!(told.template, "case.received");

    breach(&world, &case, &li, 1).await;
    world.send_due(&sender).await;
    let mut again = open(mine, first.resume_token.clone()).await;
    let second = again
        .next()
        .await
        .expect("an item")
        .expect("ok")
        .notice
        .expect("a notice");
    assert_ne!(second.message, notice.message);

    // Neither staff of the site nor a portal: nothing is said.
    let nobody = caller("lake", &["notices.subscribe"], None);
    let refused = apps.subscribe(by(&nobody, subscribe(""))).await;
    assert_eq!(
        refused.err().map(|s| s.code()),
        Some(Code::PermissionDenied)
    );
    // A token belongs to who was given it.
    let stolen = caller("lake", &["notices.subscribe"], Some(&zhao));
    let mut stolen = (*stolen).clone();
    stolen.subject = "zhao@example".to_owned();
    let refused = apps
        .subscribe(by(&Arc::new(stolen), subscribe(&first.resume_token)))
        .await;
    assert_eq!(refused.err().map(|s| s.code()), Some(Code::InvalidArgument));
}

#[tokio::test]
async fn failed_messages_are_redriven_in_bulk_once_for_one_request_and_ended_ones_are_cancelled() {
    let world = World::new().await;
    let endpoint = Endpoint::start().await;
    let (first, second) = (world.case("LAKE-1").await, world.case("LAKE-2").await);
    world.clock.advance(SignedDuration::from_mins(2));
    for _ in 0..2 {
        endpoint.next(Manner::Answer("422 Unprocessable Content"));
    }
    let sender = world.sender(by_sms(&endpoint));
    world.send_due(&sender).await;
    let failed = |all: Vec<redress_notification::store::messages::Message>| {
        all.into_iter()
            .filter(|m| m.fate.state == MessageState::Failed)
            .count()
    };
    assert_eq!(failed(world.messages().await), 2);
    world
        .tell(news::moved(
            &second,
            redress_model::words::CaseStatus::Withdrawn,
            2,
        ))
        .await;

    let service = service(&world);
    let me = caller("lake", &["messages.retry"], None);
    let redrive = |reason: &str| proto::RedriveMessagesRequest {
        parent: "sites/lake".to_owned(),
        reason: reason.to_owned(),
        request_id: format!("redrive-{reason}"),
        ..Default::default()
    };
    let none = service
        .redrive_messages(by(&me, redrive("HTTP_503")))
        .await
        .expect("ok")
        .into_inner();
    assert_eq!((none.retried_count, none.ended_count), (0, 0));
    for _ in 0..2 {
        let done = service
            .redrive_messages(by(&me, redrive("HTTP_422")))
            .await
            .expect("ok")
            .into_inner();
        assert_eq!(
            (done.retried_count, done.ended_count, done.more),
            (1, 1, false)
        );
    }
    assert_eq!(
        open_tasks(&world).await.len(),
        1,
        "the ended one asks nobody any more"
    );
    world.send_due(&sender).await;
    assert!(
        open_tasks(&world).await.is_empty(),
        "it has arrived after all"
    );
    let all = world.messages().await;
    let of = |case: &CaseName| {
        all.iter()
            .find(|m| m.case.as_ref() == Some(case))
            .expect("listed")
            .fate
            .state
    };
    assert_eq!(
        (of(&first), of(&second)),
        (MessageState::Sent, MessageState::Cancelled)
    );
    let foreign = caller("river", &["*"], None);
    let refused = service
        .redrive_messages(by(&foreign, redrive("")))
        .await
        .expect_err("I8");
    assert_eq!(refused.code(), Code::NotFound);
}
