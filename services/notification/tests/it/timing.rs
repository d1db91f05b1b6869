//! When messages go: quiet hours, duty, rates; and what passes all of them.

use jiff::{SignedDuration, Timestamp};
use redress_model::name::{CaseName, ClockName, IncidentName, StaffName};
use redress_model::words::{CaseStatus, ClockKind, ClockTransition, DutyRole};
use redress_notification::domain::message::{Draft, Facts, Priority, Recipient};
use redress_notification::domain::words::{MessageState, Template};
use redress_notification::store::messages::Message;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::delivery_service_server::DeliveryService as _;
use redress_proto::notification::v1::message_service_server::MessageService as _;
use uuid::Uuid;

use crate::delivery::{policy, service, set_policy};
use crate::rpc::{by, caller, service as messages};
use crate::support::{World, news, site};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// Something for a customer that nobody has to hear at once.
pub(crate) fn news_for(case: &CaseName, token: &str, cause: &str, now: Timestamp) -> Draft {
    Draft {
        cause: cause.to_owned(),
        template: Template::ClockWarned,
        recipient: Recipient::Complainant(token.to_owned()),
        case: Some(case.clone()),
        incident: None,
        clock: None,
        clock_generation: 0,
        callout_id: None,
        known_by: None,
        priority: Priority::Complainant,
        due: now,
        facts: Facts::default(),
    }
}

async fn find(world: &World, cause_of: Template) -> Vec<Message> {
    let mut all = world.messages().await;
    all.retain(|m| m.template == cause_of);
    all
}

fn warning(case: &CaseName, staff: &StaffName, grade: i32) -> redress_events::Event {
    let clock = ClockName::new(site("lake"), Uuid::now_v7());
    let what = (ClockTransition::Warned, 2);
    news::clock(&clock, case, ClockKind::Answer, what, &[staff], grade)
}

#[tokio::test]
async fn p07_what_a_customer_need_not_hear_at_night_waits_for_the_morning_on_the_customers_clock() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    let sender = world.outbox_sender();
    // 22:00 in Shanghai: the receipt, which the customer has just caused, goes; the rest waits.
    world.clock.set(at("2026-11-21T14:00:00Z"));
    world
        .queue(&news_for(&case, "token-LAKE-1", "a", world.now()))
        .await;
    world.send_due(&sender).await;
    let receipts = find(&world, Template::CaseReceived).await;
    assert_eq!(receipts[0].fate.state, MessageState::Sent);
    let held = find(&world, Template::ClockWarned).await;
    assert_eq!(held[0].fate.state, MessageState::Queued);
    assert_eq!(held[0].fate.reason, "QUIET_HOURS");
    assert_eq!(held[0].fate.due_time, Some(at("2026-11-22T00:00:00Z")));
    assert_eq!(held[0].fate.attempt_count, 0);

    // The customer says that she lives in Berlin, where it is afternoon, and that her evening is her own.
    let staff = caller("lake", &["preferences.*"], None);
    let preference = proto::Preference {
        name: "sites/lake/preferences/token-LAKE-1".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        quiet_start: "18:00".to_owned(),
        quiet_end: "09:30".to_owned(),
        ..Default::default()
    };
    let asked = proto::UpdatePreferenceRequest {
        preference: Some(preference),
        ..Default::default()
    };
    let answer = service(&world).update_preference(by(&staff, asked)).await;
    answer.expect("kept");
    world
        .queue(&news_for(&case, "token-LAKE-1", "b", world.now()))
        .await;
    world.send_due(&sender).await;
    let all = find(&world, Template::ClockWarned).await;
    assert_eq!(all[1].fate.state, MessageState::Sent, "15:00 in Berlin");

    world.clock.set(at("2026-11-22T00:00:00Z"));
    world.send_due(&sender).await;
    let all = find(&world, Template::ClockWarned).await;
    assert_eq!(
        all[0].fate.reason, "QUIET_HOURS",
        "one in the morning in Berlin"
    );
    assert_eq!(all[0].fate.due_time, Some(at("2026-11-22T08:30:00Z")));
    world.clock.set(at("2026-11-22T08:30:00Z"));
    world.send_due(&sender).await;
    let all = find(&world, Template::ClockWarned).await;
    assert_eq!(all[0].fate.state, MessageState::Sent);
    assert_eq!(all[0].fate.attempt_count, 1);
}

#[tokio::test]
async fn p07_section_8_a_warning_of_a_danger_goes_at_night_and_past_every_limit() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    world.tell(news::graded(&case, 4)).await;
    let sender = world.outbox_sender();
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&sender).await;
    // 22:00 in Shanghai, and the reader has had more than anybody gets at once.
    world.clock.set(at("2026-11-21T14:00:00Z"));
    let clerk = caller("lake", &["messages.send", "assignments.override"], None);
    let write = async |purpose: proto::MessagePurpose| {
        let request = proto::SendMessageRequest {
            parent: case.to_string(),
            text: "Please leave the house now.".to_owned(),
            purpose: purpose.into(),
            ..Default::default()
        };
        let sent = messages(&world).send_message(by(&clerk, request)).await;
        sent.expect("taken").into_inner().messages.remove(0).name
    };
    let mut warnings = Vec::new();
    for _ in 0..12 {
        warnings.push(write(proto::MessagePurpose::SafetyWarning).await);
    }
    let ordinary = write(proto::MessagePurpose::Ordinary).await;
    let reply = write(proto::MessagePurpose::LegalReply).await;
    let now_stands = async || {
        world.send_due(&sender).await;
        let all = world.messages().await;
        move |name: &String| {
            let message = all.iter().find(|m| m.name.to_string() == *name);
            let fate = &message.expect("kept").fate;
            (fate.state, fate.reason.clone())
        }
    };
    let stands = now_stands().await;
    for name in &warnings {
        assert_eq!(stands(name), (MessageState::Sent, String::new()));
    }
    let quiet = (MessageState::Queued, "QUIET_HOURS".to_owned());
    assert_eq!(stands(&ordinary), quiet);
    assert_eq!(stands(&reply), quiet);
    // A reply that the law asks for an hour before the morning does not wait for it.
    let clock = ClockName::new(site("lake"), Uuid::now_v7());
    let made = at("2026-11-18T23:00:00Z");
    world
        .tell(news::deadline(&clock, &case, made, "desk@example"))
        .await;
    let late = write(proto::MessagePurpose::LegalReply).await;
    let stands = now_stands().await;
    assert_eq!(stands(&late), (MessageState::Sent, String::new()));
    assert_eq!(stands(&ordinary), quiet);
}

#[tokio::test]
async fn p07_section_8_the_complainants_of_grade_1_hear_at_night_what_they_may_not_refuse() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    world.tell(news::graded(&case, 1)).await;
    world.clock.set(at("2026-11-21T14:00:00Z"));
    for status in [CaseStatus::Investigating, CaseStatus::Proposed] {
        world.tell(news::moved(&case, status, 1)).await;
    }
    world.send_due(&sender).await;
    let progress = find(&world, Template::CaseProgress).await;
    assert_eq!(progress[0].fate.reason, "QUIET_HOURS");
    let proposed = find(&world, Template::CaseProposed).await;
    assert_eq!(proposed[0].fate.state, MessageState::Sent);
}

#[tokio::test]
async fn what_exceeds_a_readers_rate_waits_and_is_never_lost_and_grade_1_passes() {
    let world = World::new().await;
    set_policy(
        &world,
        proto::DeliveryPolicy {
            customer_burst: 2,
            customer_per_hour: 60,
            staff_burst: 1,
            staff_per_hour: 1,
            ..policy(&world).await
        },
    )
    .await;
    let case = world.case("LAKE-1").await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    for n in 0..4 {
        let draft = news_for(&case, "token-LAKE-1", &n.to_string(), world.now());
        world.queue(&draft).await;
    }
    let sender = world.outbox_sender();
    let sent = async || {
        let all = world.messages().await;
        let customer =
            |m: &&Message| m.recipient == Recipient::Complainant("token-LAKE-1".to_owned());
        all.iter()
            .filter(customer)
            .filter(|m| m.fate.state == MessageState::Sent)
            .count()
    };
    world.send_due(&sender).await;
    assert_eq!(sent().await, 2);
    let waiting = world.messages().await;
    assert!(waiting.iter().any(|m| m.fate.reason == "RATE_LIMITED"));
    // The receipt joins them after its minute: five in all, one a minute.
    for minute in 1..=3 {
        world.clock.advance(SignedDuration::from_secs(61));
        world.send_due(&sender).await;
        assert_eq!(sent().await, 2 + minute);
    }

    world.tell(warning(&case, &li, 3)).await;
    world.tell(warning(&case, &li, 3)).await;
    world.tell(warning(&case, &li, 1)).await;
    world.send_due(&sender).await;
    let to_li: Vec<(i16, MessageState)> = world
        .messages()
        .await
        .iter()
        .filter(|m| m.recipient == Recipient::Staff(li.clone()))
        .map(|m| (m.priority, m.fate.state))
        .collect();
    let expected = [
        (2, MessageState::Sent),
        (2, MessageState::Queued),
        (1, MessageState::Sent),
    ];
    assert_eq!(to_li, expected);
}

#[tokio::test]
async fn a_retry_takes_no_second_place_in_the_readers_rate() {
    let world = World::new().await;
    set_policy(
        &world,
        proto::DeliveryPolicy {
            customer_burst: 1,
            customer_per_hour: 1,
            ..policy(&world).await
        },
    )
    .await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.people.set_away(true);
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    assert_eq!(world.message().await.fate.reason, "INTAKE_UNAVAILABLE");
    world.people.set_away(false);
    world.clock.advance(SignedDuration::from_secs(10));
    world.send_due(&sender).await;
    assert_eq!(world.message().await.fate.state, MessageState::Sent);
}

#[tokio::test]
async fn p07_staff_off_duty_are_not_reminded_but_told_what_broke_and_what_is_grade_1() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let wu = world.hire("wu", "+8613800000002", "wu@example.com").await;
    // It is 10:00 on Saturday; li is at work from Monday, and wu's stand-by as a lead says nothing of his desk.
    let roster = [
        (
            &li,
            DutyRole::Handler,
            "2026-11-23T01:00:00Z",
            Some("2026-11-23T10:00:00Z"),
        ),
        (&wu, DutyRole::DutyLead, "2026-11-28T01:00:00Z", None),
    ];
    world.tell(news::duties(&roster, 3)).await;
    // An older roster that comes late changes nothing.
    world.tell(news::duties(&[], 2)).await;
    for staff in [&li, &wu] {
        world.tell(warning(&case, staff, 3)).await;
    }
    world.tell(warning(&case, &li, 1)).await;
    let clock = ClockName::new(site("lake"), Uuid::now_v7());
    let breach = (ClockTransition::Breached, 2);
    world
        .tell(news::clock(
            &clock,
            &case,
            ClockKind::Answer,
            breach,
            &[&li],
            3,
        ))
        .await;
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    let fate = |m: &Message| (m.template, m.priority, m.fate.state, m.fate.reason.clone());
    let to = async |staff: &StaffName| -> Vec<_> {
        let all = world.messages().await;
        all.iter()
            .filter(|m| m.recipient == Recipient::Staff(staff.clone()))
            .map(fate)
            .collect()
    };
    let sent = |template, priority| (template, priority, MessageState::Sent, String::new());
    let held = (
        Template::ClockWarned,
        2,
        MessageState::Queued,
        "OFF_DUTY".to_owned(),
    );
    assert_eq!(
        to(&li).await,
        [
            held,
            sent(Template::ClockWarned, 1),
            sent(Template::ClockBreached, 2)
        ]
    );
    assert_eq!(to(&wu).await, [sent(Template::ClockWarned, 2)]);

    world.clock.set(at("2026-11-23T01:00:00Z"));
    world.send_due(&sender).await;
    assert_eq!(to(&li).await[0], sent(Template::ClockWarned, 2));
}

#[tokio::test]
async fn p07_staff_whose_next_turn_is_beyond_what_is_told_are_reminded_once_it_comes() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let wu = world.hire("wu", "+8613800000002", "wu@example.com").await;
    // Neither has a stretch in the days that are told; wu's stand-by as a lead says nothing of his desk.
    let members = [(&li, DutyRole::Handler), (&wu, DutyRole::DutyLead)];
    world.tell(news::rostered(&[], &members, 1)).await;
    for staff in [&li, &wu] {
        world.tell(warning(&case, staff, 3)).await;
    }
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    let fates = async || -> Vec<_> {
        let all = find(&world, Template::ClockWarned).await;
        all.iter()
            .map(|m| (m.recipient.clone(), m.fate.state, m.fate.reason.clone()))
            .collect()
    };
    let to_li = |state, reason: &str| (Recipient::Staff(li.clone()), state, reason.to_owned());
    let to_wu = (
        Recipient::Staff(wu.clone()),
        MessageState::Sent,
        String::new(),
    );
    let held = to_li(MessageState::Queued, "OFF_DUTY");
    assert_eq!(fates().await, [held.clone(), to_wu.clone()]);
    // Asked again as often as the roster is told; the turn has come into sight by then.
    world.clock.advance(SignedDuration::from_hours(24));
    world.send_due(&sender).await;
    assert_eq!(fates().await, [held.clone(), to_wu.clone()]);
    let turn = "2026-12-01T01:00:00Z";
    let slots = [(&li, DutyRole::Handler, turn, None)];
    world.tell(news::rostered(&slots, &members, 2)).await;
    world.clock.advance(SignedDuration::from_hours(24));
    world.send_due(&sender).await;
    assert_eq!(fates().await, [held, to_wu.clone()]);
    world.clock.set(at(turn));
    world.send_due(&sender).await;
    assert_eq!(fates().await, [to_li(MessageState::Sent, ""), to_wu]);
}

#[tokio::test]
async fn p14_a_callout_passes_night_and_limits_and_is_paged_until_it_is_heard() {
    let world = World::new().await;
    set_policy(
        &world,
        proto::DeliveryPolicy {
            staff_burst: 1,
            staff_per_hour: 1,
            ..policy(&world).await
        },
    )
    .await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let off = [(&li, DutyRole::Handler, "2026-11-29T01:00:00Z", None)];
    world.tell(news::duties(&off, 1)).await;
    world.clock.set(at("2026-11-21T19:00:00Z"));
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    for _ in 0..3 {
        let callout = news::callout(Uuid::now_v7(), &incident, &case, &li);
        world.tell(callout).await;
    }
    let sender = world.outbox_sender();
    for page in 1..=2 {
        world.send_due(&sender).await;
        for message in world.messages().await {
            assert_eq!(
                (message.fate.state, message.fate.page),
                (MessageState::Sent, page)
            );
        }
        world.clock.advance(SignedDuration::from_mins(5));
    }
}
