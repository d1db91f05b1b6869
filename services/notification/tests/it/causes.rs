//! Which news become which messages, whatever the order, however often.

use jiff::SignedDuration;
use redress_events::Applied;
use redress_model::name::{CaseName, ClockName, IncidentName};
use redress_model::words::{CaseStatus, ClockKind, ClockTransition};
use redress_notification::domain::words::{MessageState, Template};
use uuid::Uuid;

use crate::support::{World, news, site};

#[tokio::test]
async fn i3_an_event_told_twice_queues_one_message() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = world.case("LAKE-1").await;
    let clock = ClockName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    let callout = Uuid::now_v7();
    for _ in 0..2 {
        world
            .tell(news::received(&case, "LAKE-1", &["token-LAKE-1"]))
            .await;
        world.tell(news::offered(&case, &li, Some(&li), 1)).await;
        let breached = (ClockTransition::Breached, 3);
        world
            .tell(news::clock(
                &clock,
                &case,
                ClockKind::Answer,
                breached,
                &[&li],
                2,
            ))
            .await;
        world
            .tell(news::callout(callout, &incident, &case, &li))
            .await;
    }
    let mut templates: Vec<Template> = world.messages().await.iter().map(|m| m.template).collect();
    templates.sort_unstable();
    assert_eq!(
        templates,
        [
            Template::CaseReceived,
            Template::CaseAssigned,
            Template::ClockBreached,
            Template::IncidentCallout
        ]
    );
}

#[tokio::test]
async fn p21_two_replicas_that_apply_one_event_at_once_queue_one_message() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = world.case("LAKE-1").await;
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    let callout = Uuid::now_v7();
    let tell = || world.try_tell(news::callout(callout, &incident, &case, &li));
    let (a, b, c) = tokio::join!(tell(), tell(), tell());
    for applied in [a, b, c] {
        assert_eq!(applied.expect("applied"), Applied::Done);
    }
    assert_eq!(world.messages().await.len(), 2, "a receipt and a call-out");
}

#[tokio::test]
async fn i3_news_of_a_case_that_is_not_known_yet_waits_and_leaves_nothing_behind() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let clock = ClockName::new(site("lake"), Uuid::now_v7());
    let warned = (ClockTransition::Warned, 2);
    for early in [
        news::moved(&case, CaseStatus::Withdrawn, 2),
        news::graded(&case, 1),
        news::offered(&case, &li, Some(&li), 1),
        news::clock(&clock, &case, ClockKind::Answer, warned, &[&li], 1),
    ] {
        assert_eq!(world.try_tell(early).await.expect("kept"), Applied::Wait);
    }
    assert!(world.messages().await.is_empty());
}

#[tokio::test]
async fn historical_cases_cause_no_message_ever() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let clock = ClockName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    let breached = (ClockTransition::Breached, 3);
    for old in [
        news::received(&case, "LAKE-0", &["token"]),
        news::updated(&case, "LAKE-0", &["token", "another"], 2),
        news::graded(&case, 1),
        news::offered(&case, &li, Some(&li), 1),
        news::clock(&clock, &case, ClockKind::Answer, breached, &[&li], 1),
        news::callout(Uuid::now_v7(), &incident, &case, &li),
    ] {
        world.tell(news::historical(old)).await;
    }
    // Not even when a producer forgets to say so: the case is known as history.
    world.tell(news::offered(&case, &li, Some(&li), 2)).await;
    world
        .tell(news::clock(
            &clock,
            &case,
            ClockKind::Answer,
            (ClockTransition::Climbed, 4),
            &[&li],
            1,
        ))
        .await;
    assert!(world.messages().await.is_empty());
}

#[tokio::test]
async fn a_receipt_waits_for_owner_and_first_deadline_and_then_names_both() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = world.case("LAKE-1").await;
    let sender = world.outbox_sender();
    assert!(world.send_due(&sender).await.is_empty(), "it waits");

    world.tell(news::offered(&case, &li, None, 1)).await;
    assert!(world.send_due(&sender).await.is_empty(), "it waits still");
    let clock = ClockName::new(site("lake"), Uuid::now_v7());
    let started = (ClockTransition::Started, 1);
    world
        .tell(news::clock(
            &clock,
            &case,
            ClockKind::Acknowledge,
            started,
            &[],
            3,
        ))
        .await;
    assert_eq!(world.send_due(&sender).await.len(), 1);

    let text = world.text().await;
    for part in [
        "LAKE-1",
        "Wang Fang",
        "li (Engineering) is looking after it",
        "+8613800000001",
        "14:00 on 21 November",
    ] {
        assert!(text.body.contains(part), "{part} in {}", text.body);
    }
    assert_eq!(text.address, "+8613800138000");
}

#[tokio::test]
async fn a_receipt_goes_without_what_does_not_become_known_in_time() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    let sender = world.outbox_sender();
    world.clock.advance(SignedDuration::from_secs(59));
    assert!(world.send_due(&sender).await.is_empty());
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.send_due(&sender).await.len(), 1);
    let text = world.text().await;
    assert!(text.body.contains("LAKE-1") && !text.body.contains("looking after"));
}

#[tokio::test]
async fn a_complainant_who_joins_later_gets_a_receipt_and_the_first_one_no_second() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    world
        .tell(news::updated(
            &case,
            "LAKE-1",
            &["token-LAKE-1", "token-b"],
            2,
        ))
        .await;
    let readers: Vec<String> = world
        .messages()
        .await
        .iter()
        .map(|m| m.recipient.to_string())
        .collect();
    assert_eq!(readers, ["token-LAKE-1", "token-b"]);
}

#[tokio::test]
async fn p06_what_was_queued_before_a_case_ended_is_cancelled_and_not_sent() {
    for status in [
        CaseStatus::Withdrawn,
        CaseStatus::Merged,
        CaseStatus::Closed,
    ] {
        let world = World::new().await;
        let li = world.hire("li", "+8613800000001", "li@example.com").await;
        let case = world.case("LAKE-1").await;
        world.tell(news::offered(&case, &li, Some(&li), 1)).await;
        world.tell(news::moved(&case, status, 2)).await;
        world.clock.advance(SignedDuration::from_mins(5));
        world.send_due(&world.outbox_sender()).await;
        let mut queued = world.messages().await;
        // That it is closed is told because it is.
        queued.retain(|m| m.template != Template::CaseClosed);
        assert_eq!(queued.len(), 2);
        for message in queued {
            assert_eq!(message.fate.state, MessageState::Cancelled, "{status}");
            assert_eq!(message.fate.reason, "CASE_ENDED");
            assert_eq!(message.fate.attempt_count, 0);
        }
    }
}

#[tokio::test]
async fn p02_a_promise_that_was_met_meanwhile_pages_nobody() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = world.case("LAKE-1").await;
    let clock = ClockName::new(site("lake"), Uuid::now_v7());
    for step in [(ClockTransition::Breached, 3), (ClockTransition::Met, 4)] {
        world
            .tell(news::clock(
                &clock,
                &case,
                ClockKind::Answer,
                step,
                &[&li],
                2,
            ))
            .await;
    }
    world.send_due(&world.outbox_sender()).await;
    let breached = &world.messages().await[1];
    assert_eq!(breached.template, Template::ClockBreached);
    assert_eq!(breached.fate.reason, "PROMISE_MET");
}

#[tokio::test]
async fn an_offer_that_was_taken_back_is_not_announced_and_the_new_one_is() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let zhao = world
        .hire("zhao", "+8613800000002", "zhao@example.com")
        .await;
    let case = world.case("LAKE-1").await;
    world.tell(news::offered(&case, &li, Some(&li), 1)).await;
    world.tell(news::offered(&case, &li, Some(&zhao), 2)).await;
    // News that arrive late change nothing.
    world.tell(news::offered(&case, &li, Some(&li), 1)).await;
    world.send_due(&world.outbox_sender()).await;
    let fates: Vec<(String, MessageState)> = world
        .messages()
        .await
        .iter()
        .filter(|m| m.template == Template::CaseAssigned)
        .map(|m| (m.recipient.to_string(), m.fate.state))
        .collect();
    assert_eq!(
        fates,
        [
            (li.to_string(), MessageState::Cancelled),
            (zhao.to_string(), MessageState::Sent)
        ]
    );
}
