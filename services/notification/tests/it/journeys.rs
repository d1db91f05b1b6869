//! What people are told from the first word to the last, practice by practice (M03, M07, M08, M15, M16, M18).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use redress_model::name::{CaseName, ClockName, StaffName};
use redress_model::words::{CaseStatus, ClockKind, ClockTransition, DutyRole};
use redress_notification::domain::words::{MessageState, MessageTopic, Template};
use redress_notification::jobs::metrics::Metrics;
use redress_notification::provider::Gateways;
use redress_notification::rpc::delivery::Delivery;
use redress_notification::store::kept::KeptText;
use redress_notification::store::messages::Message;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::delivery_service_server::DeliveryService as _;
use redress_proto::notification::v1::message_service_server::MessageService as _;
use redress_proto::notification::v1::task_service_server::TaskService as _;
use redress_rpc::{Caller, Fingerprints};
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::channels::{clerk, tasks};
use crate::rpc::{by, caller, service};
use crate::support::{CALLOUT_ANSWER, World, meter, news, site, tokens};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Sends what is due and says what left the house for this case, in order: template and text.
async fn heard(world: &World) -> Vec<(Template, KeptText)> {
    world.send_due(&world.outbox_sender()).await;
    let mut messages = world.messages().await;
    messages.retain(|m| m.fate.state == MessageState::Sent);
    let texts = world.texts().await;
    assert_eq!(messages.len(), texts.len(), "each was kept once");
    let mut heard: Vec<(Message, KeptText)> = messages.into_iter().zip(texts).collect();
    heard.retain(|(m, _)| m.template.is_outward());
    heard.sort_by_key(|(m, _)| m.fate.send_time);
    heard
        .into_iter()
        .map(|(m, text)| (m.template, text))
        .collect()
}

fn keys(heard: &[(Template, KeptText)]) -> Vec<&'static str> {
    heard.iter().map(|(template, _)| template.key()).collect()
}

/// A case in li's hands, whose first promise is known.
async fn in_hand(world: &World, li: &StaffName) -> CaseName {
    let case = world.case("LAKE-1").await;
    world.tell(news::offered(&case, li, None, 1)).await;
    promise(
        world,
        &case,
        ClockKind::Acknowledge,
        (ClockTransition::Started, 1),
        &[],
    )
    .await;
    case
}

async fn promise(
    world: &World,
    case: &CaseName,
    kind: ClockKind,
    change: (ClockTransition, i64),
    notify: &[&StaffName],
) {
    let clock = ClockName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::clock(&clock, case, kind, change, notify, 3))
        .await;
}

async fn say(world: &World, case: &CaseName, text: &str) {
    let writer = caller("lake", &["messages.send", "assignments.override"], None);
    let asked = proto::SendMessageRequest {
        parent: case.to_string(),
        text: text.to_owned(),
        ..Default::default()
    };
    let sent = service(world).send_message(by(&writer, asked)).await;
    sent.expect("nothing in it that must not be said");
    world.clock.advance(SignedDuration::from_millis(1));
}

#[tokio::test]
async fn m03_m07_m16_a_complainant_hears_of_every_step_by_number_and_of_the_end() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = in_hand(&world, &li).await;
    for status in [
        CaseStatus::Accepted,
        CaseStatus::Investigating,
        CaseStatus::Proposed,
        CaseStatus::Resolving,
        CaseStatus::Resolved,
        CaseStatus::Closed,
    ] {
        // News come twice.
        for _ in 0..2 {
            world.tell(news::moved(&case, status, 1)).await;
        }
        heard(&world).await;
    }
    let heard = heard(&world).await;
    assert_eq!(
        keys(&heard),
        [
            "case.received",
            "case.progress",
            "case.proposed",
            "case.progress",
            "survey.asked",
            "case.closed"
        ]
    );
    // Her contact points were read for each of them, by its own name.
    let mut read_for = world.people.read_for();
    read_for.dedup();
    let sent: Vec<Template> = heard.iter().map(|(template, _)| *template).collect();
    assert_eq!(read_for, sent);
    assert!(
        heard
            .iter()
            .all(|(_, text)| text.subject.contains("LAKE-1"))
    );
    // M16: the first message names handler, department and phone, and when somebody will be in touch.
    let first = &heard[0].1.body;
    for part in ["li", "Engineering", "+8613800000001", "14:00"] {
        assert!(first.contains(part), "{part} in {first}");
    }
    assert!(heard[3].1.body.contains("being carried out"));
}

#[tokio::test]
async fn whoever_refuses_progress_hears_of_receipt_proposal_and_end_alone() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = in_hand(&world, &li).await;
    heard(&world).await;
    let delivery = Delivery {
        db: world.base.db.clone(),
        clock: world.clock.clone(),
        tokens: tokens(),
        fingerprints: Fingerprints::new(b"a key of tests"),
        callout_answer: CALLOUT_ANSWER,
        metrics: Metrics::new(&meter()),
    };
    let gateway = caller("lake", &["preferences.unsubscribe"], None);
    let refusal = proto::UnsubscribeRequest {
        token: tokens().refusal(&site("lake"), "token-LAKE-1", MessageTopic::Progress),
    };
    let taken = delivery.unsubscribe(by(&gateway, refusal)).await;
    taken.expect("taken");
    for status in [
        CaseStatus::Investigating,
        CaseStatus::Proposed,
        CaseStatus::Resolving,
        CaseStatus::Closed,
    ] {
        world.tell(news::moved(&case, status, 1)).await;
        heard(&world).await;
    }
    assert_eq!(
        keys(&heard(&world).await),
        ["case.received", "case.proposed", "case.closed"]
    );
    let refused = |m: &&Message| m.template == Template::CaseProgress;
    let messages = world.messages().await;
    let reasons: Vec<&str> = messages
        .iter()
        .filter(refused)
        .map(|m| m.fate.reason.as_str())
        .collect();
    assert_eq!(reasons, ["UNSUBSCRIBED"; 2]);
}

#[tokio::test]
async fn a_second_proposal_is_asked_about_again_and_of_grade_1_progress_is_told_too() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = in_hand(&world, &li).await;
    for minute in [1, 2, 2] {
        let time = Timestamp::from_second(minute * 60).expect("an instant");
        world
            .tell(news::moved_at(&case, CaseStatus::Proposed, 1, time))
            .await;
    }
    let proposals = |heard: &[(Template, KeptText)]| {
        heard
            .iter()
            .filter(|(t, _)| *t == Template::CaseProposed)
            .count()
    };
    assert_eq!(proposals(&heard(&world).await), 2);

    world.tell(news::graded(&case, 1)).await;
    world
        .tell(news::moved(&case, CaseStatus::Investigating, 1))
        .await;
    let heard = heard(&world).await;
    assert!(keys(&heard).contains(&"case.progress"));
}

#[tokio::test]
async fn m08_a_delay_is_explained_in_words_of_a_person_with_number_and_handler() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = in_hand(&world, &li).await;
    say(&world, &case, "配件周五到货，周六上午九点到您家安装。").await;
    let heard = heard(&world).await;
    assert_eq!(keys(&heard), ["case.received", "case.message"]);
    let body = &heard[1].1.body;
    for part in ["周六上午九点", "LAKE-1", "li", "+8613800000001"] {
        assert!(body.contains(part), "{part} in {body}");
    }
}

#[tokio::test]
async fn m18_the_reasons_of_a_rejection_reach_the_complainant_though_the_case_has_ended() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = in_hand(&world, &li).await;
    // 21:30: it waits for the morning, and the case is rejected at once.
    world
        .clock
        .advance(HOUR * 11 + SignedDuration::from_mins(30));
    heard(&world).await;
    say(&world, &case, "现场检查后，没有发现合同约定之外的问题。").await;
    world
        .tell(news::moved(&case, CaseStatus::Rejected, 1))
        .await;
    assert_eq!(keys(&heard(&world).await), ["case.received"]);
    world.clock.advance(HOUR * 11);
    let told = heard(&world).await;
    let mut all = keys(&told);
    all.sort_unstable();
    assert_eq!(all, ["case.message", "case.received", "case.rejected"]);
    let rejected = told.iter().find(|(t, _)| *t == Template::CaseRejected);
    let body = &rejected.expect("told").1.body;
    assert!(body.contains("appeal once"), "{body}");
    // What was withdrawn needs no answer any more (P06).
    let other = world.case("LAKE-2").await;
    say(&world, &other, "我们明天到现场。").await;
    world
        .tell(news::moved(&other, CaseStatus::Withdrawn, 2))
        .await;
    let heard = heard(&world).await;
    assert_eq!(heard.len(), 3, "{:?}", keys(&heard));
}

#[tokio::test]
async fn m18_a_dismissed_appeal_is_told_once_and_a_granted_one_by_the_case_opening_again() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = in_hand(&world, &li).await;
    heard(&world).await;
    world.clock.advance(HOUR);
    world
        .tell(news::moved(&case, CaseStatus::Rejected, 1))
        .await;
    heard(&world).await;
    world.clock.advance(HOUR);
    for _ in 0..2 {
        world.tell(news::appeal_decided(&case, false)).await;
    }
    let told = heard(&world).await;
    assert_eq!(
        keys(&told),
        ["case.received", "case.rejected", "appeal.dismissed"]
    );
    let body = &told[2].1.body;
    assert!(body.contains("LAKE-1") && body.contains("court"), "{body}");

    let other = world.case("LAKE-2").await;
    world
        .tell(news::moved(&other, CaseStatus::Rejected, 1))
        .await;
    world.tell(news::appeal_decided(&other, true)).await;
    let told = heard(&world).await;
    let dismissals = keys(&told)
        .into_iter()
        .filter(|key| *key == "appeal.dismissed");
    assert_eq!(dismissals.count(), 1, "of the first case alone");
}

#[tokio::test]
async fn whoever_refuses_to_be_asked_hears_that_it_is_resolved_all_the_same() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = in_hand(&world, &li).await;
    heard(&world).await;
    let delivery = Delivery {
        db: world.base.db.clone(),
        clock: world.clock.clone(),
        tokens: tokens(),
        fingerprints: Fingerprints::new(b"a key of tests"),
        callout_answer: CALLOUT_ANSWER,
        metrics: Metrics::new(&meter()),
    };
    let gateway = caller("lake", &["preferences.unsubscribe"], None);
    let refusal = proto::UnsubscribeRequest {
        token: tokens().refusal(&site("lake"), "token-LAKE-1", MessageTopic::Survey),
    };
    let taken = delivery.unsubscribe(by(&gateway, refusal)).await;
    taken.expect("taken");
    for _ in 0..2 {
        world
            .tell(news::moved(&case, CaseStatus::Resolved, 1))
            .await;
    }
    let told = heard(&world).await;
    assert_eq!(keys(&told), ["case.received", "case.resolved"]);
    assert!(told[1].1.body.contains("LAKE-1"));
}

#[tokio::test]
async fn m16_a_deadline_of_a_hotline_is_reminded_twice_and_then_climbs_with_its_time() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let wu = world.hire("wu", "+8613800000002", "wu@example.com").await;
    let case = in_hand(&world, &li).await;
    let clock = ClockName::new(site("lake"), Uuid::now_v7());
    // Warned at half and at three quarters of its time, then broken, then one rung up.
    for (transition, generation, who) in [
        (ClockTransition::Warned, 2, &li),
        (ClockTransition::Warned, 3, &li),
        (ClockTransition::Breached, 4, &wu),
        (ClockTransition::Climbed, 5, &wu),
    ] {
        let kind = ClockKind::OutsideDeadline;
        let news = news::clock(&clock, &case, kind, (transition, generation), &[who], 3);
        world.tell(news).await;
    }
    world.send_due(&world.outbox_sender()).await;
    let mut told: Vec<(&str, String)> = Vec::new();
    for message in world.messages().await {
        if message.clock.is_some() {
            told.push((message.template.key(), message.recipient.to_string()));
        }
    }
    let (li, wu) = (li.to_string(), wu.to_string());
    assert_eq!(
        told,
        [
            ("clock.warned", li.clone()),
            ("clock.warned", li),
            ("clock.breached", wu.clone()),
            ("clock.climbed", wu)
        ]
    );
    let of_the_body = |text: &&KeptText| text.subject.contains("outside body");
    let texts = world.texts().await;
    assert_eq!(texts.iter().filter(of_the_body).count(), 4);
    assert!(
        texts
            .iter()
            .filter(of_the_body)
            .all(|text| text.body.contains("14:00 on 21 November"))
    );
}

#[tokio::test]
async fn m15_on_an_opening_day_every_customer_is_answered_at_once_and_the_lead_reads_one_digest() {
    let world = World::new().await;
    let lead = world
        .hire("lead", "+8613800000001", "lead@example.com")
        .await;
    let mut all = Vec::new();
    for number in 1..=30 {
        let case = world.case(&format!("LAKE-{number}")).await;
        world.tell(news::offered(&case, &lead, None, 1)).await;
        promise(
            &world,
            &case,
            ClockKind::Acknowledge,
            (ClockTransition::Started, 1),
            &[],
        )
        .await;
        all.push(case);
    }
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    let sent = |messages: &[Message], template: Template| {
        messages
            .iter()
            .filter(|m| m.template == template && m.fate.state == MessageState::Sent)
            .count()
    };
    assert_eq!(sent(&world.messages().await, Template::CaseReceived), 30);
    for case in &all {
        let change = (ClockTransition::Breached, 2);
        promise(&world, case, ClockKind::Resolve, change, &[&lead]).await;
    }
    world.clock.advance(SignedDuration::from_mins(1));
    world.send_due(&sender).await;
    let messages = world.messages().await;
    assert_eq!(sent(&messages, Template::ClockBreached), 5);
    assert_eq!(sent(&messages, Template::ClockDigest), 1);
    let digest = messages
        .iter()
        .find(|m| m.template == Template::ClockDigest);
    assert_eq!(digest.map(|m| m.bundled_count), Some(25));
}

#[tokio::test]
async fn m16_p28_a_spoken_answer_is_a_call_within_a_day_that_one_person_makes() {
    let world = World::new().await;
    let zhao = world
        .hire("zhao", "+8613800000009", "zhao@example.com")
        .await;
    world
        .tell(news::on_duty(&[(DutyRole::FrontOffice, &zhao)]))
        .await;
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
    let list = proto::ListTasksRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let task = tasks(&world).list_tasks(by(&clerk(), list)).await;
    let task = task.expect("listed").into_inner().tasks.remove(0);
    let due = task.due_time.expect("given").seconds - task.create_time.expect("given").seconds;
    assert_eq!(due, 86_400);

    // Two clerks see it open and take it at once: one calls, the other is told.
    let two = Arc::new(Caller {
        subject: "second@example".to_owned(),
        ..(*clerk()).clone()
    });
    let take = proto::ClaimTaskRequest {
        name: task.name.clone(),
        etag: task.etag.clone(),
        ..Default::default()
    };
    let (one, two) = (
        tasks(&world).claim_task(by(&clerk(), take.clone())).await,
        tasks(&world).claim_task(by(&two, take)).await,
    );
    assert!(one.expect("taken").get_ref().text.is_some());
    let late = two.expect_err("seen before");
    assert_eq!(late.code(), Code::Aborted);
    let current = late.get_details_error_info();
    assert!(current.is_some(), "{late:?}");
}

#[tokio::test]
async fn m16_a_letter_is_answered_by_letters_each_names_the_next_and_none_promises_what_nobody_approved()
 {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let home = "3栋 1单元1201";
    world.people.add_writer(&case, "t1", "Wang Fang", home);
    world.tell(news::received(&case, "LAKE-1", &["t1"])).await;
    world.tell(news::offered(&case, &li, None, 1)).await;
    let started = (ClockTransition::Started, 1);
    promise(&world, &case, ClockKind::Acknowledge, started, &[]).await;
    let sender = world.sender(Gateways {
        tasks: true,
        outbox: true,
        ..Gateways::default()
    });
    // A person posts the one letter that waits; until then nobody was told.
    let posted = async || {
        world.send_due(&sender).await;
        let asked = world.messages().await;
        let asked = asked.iter().filter(|m| m.fate.state == MessageState::Asked);
        assert_eq!(asked.count(), 1);
        let list = proto::ListTasksRequest {
            parent: "sites/lake".to_owned(),
            states: vec![proto::TaskState::Open.into()],
            ..Default::default()
        };
        let open = tasks(&world).list_tasks(by(&clerk(), list)).await;
        let task = open.expect("listed").into_inner().tasks.remove(0);
        assert_eq!(task.kind(), proto::TaskKind::Letter);
        let seconds = |time: Option<prost_types::Timestamp>| time.expect("given").seconds;
        let within = seconds(task.due_time) - seconds(task.create_time);
        assert_eq!(within, 3 * 86_400, "letters by letter in three days");
        let take = proto::ClaimTaskRequest {
            name: task.name.clone(),
            ..Default::default()
        };
        let taken = tasks(&world).claim_task(by(&clerk(), take)).await;
        let letter = taken.expect("taken").into_inner().text.expect("a letter");
        assert_eq!(letter.address, home);
        let done = proto::CompleteTaskRequest {
            name: task.name,
            outcome: proto::TaskOutcome::Delivered.into(),
            ..Default::default()
        };
        tasks(&world)
            .complete_task(by(&clerk(), done))
            .await
            .expect("posted");
        world.clock.advance(HOUR);
        letter.body
    };
    let write = async |text: &str| {
        let handler = caller("lake", &["messages.send"], Some(&li));
        let asked = proto::SendMessageRequest {
            parent: case.to_string(),
            text: text.to_owned(),
            ..Default::default()
        };
        service(&world).send_message(by(&handler, asked)).await
    };

    let receipt = posted().await;
    for part in ["LAKE-1", "li", "Engineering", "+8613800000001", "14:00"] {
        assert!(receipt.contains(part), "{part} in {receipt}");
    }
    let interim = "防水材料要等厂家检测，检测结果周五写信告诉您。";
    write(interim)
        .await
        .expect("says when the next letter comes");
    let body = posted().await;
    assert!(body.contains(interim) && body.contains("LAKE-1"), "{body}");

    // What cannot be solved is explained, with an apology and a substitute; money only as it was approved.
    let plain = "很抱歉，这批瓷砖已经停产，无法配到同款；我们可以为您整面更换为现有的三款之一。";
    write(plain).await.expect("a no is said plainly");
    assert!(posted().await.contains(plain));
    let costly = "另外我们补偿您800元。";
    let refused = write(costly)
        .await
        .expect_err("above the handler's authority");
    let reason = refused.get_details_error_info().expect("a reason").reason;
    assert_eq!(reason, "PROMISE_NOT_APPROVED");
    let approved = news::promised(&case, Uuid::now_v7(), (true, 800), 1);
    world.tell(approved).await;
    write(costly).await.expect("as it was approved");
    assert!(posted().await.contains("800"));
    let sent = world.messages().await;
    let sent = sent.iter().filter(|m| m.fate.state == MessageState::Sent);
    assert_eq!(sent.count(), 4);
    assert!(
        world.texts().await.is_empty(),
        "no machine took one of them"
    );
}
