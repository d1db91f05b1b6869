//! Order, call-outs and their pages, people who are away, workers that run by themselves.

use std::time::Duration;

use jiff::SignedDuration;
use redress_model::name::{CaseName, ClockName, IncidentName, StaffName};
use redress_model::words::{CaseStatus, ClockKind, ClockTransition};
use redress_notification::domain::words::{MessageState, Template};
use redress_notification::provider::Gateways;
use redress_notification::store::messages::Lane;
use redress_testkit::eventually;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{World, news, site};

async fn called_out(world: &World) -> (StaffName, CaseName, IncidentName) {
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    world.tell(news::received(&case, "LAKE-1", &[])).await;
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
    (li, case, incident)
}

#[tokio::test]
async fn p23_callouts_go_first_then_grade_one_then_staff_then_complainants_each_in_due_order() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = world.case("LAKE-1").await;
    let second = world.case("LAKE-2").await;
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    let breach = |case: &CaseName, grade| {
        let clock = ClockName::new(site("lake"), Uuid::now_v7());
        news::clock(
            &clock,
            case,
            ClockKind::Answer,
            (ClockTransition::Breached, 3),
            &[&li],
            grade,
        )
    };
    world.tell(breach(&case, 3)).await;
    world.clock.advance(SignedDuration::from_secs(1));
    world.tell(breach(&second, 2)).await;
    world.clock.advance(SignedDuration::from_secs(1));
    world.tell(breach(&case, 1)).await;
    world.clock.advance(SignedDuration::from_secs(1));
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
    world.clock.advance(SignedDuration::from_mins(10));

    let order: Vec<i16> = {
        let names = world
            .due(Lane::Grave)
            .await
            .into_iter()
            .chain(world.due(Lane::Routine).await);
        let all = world.messages().await;
        names
            .map(|due| {
                all.iter()
                    .find(|m| m.name == due.name)
                    .expect("listed")
                    .priority
            })
            .collect()
    };
    assert_eq!(order, [0, 1, 2, 2, 3, 3]);
    let sent = world.send_due(&world.outbox_sender()).await;
    assert_eq!(sent.len(), 6);
    let first = world
        .messages()
        .await
        .into_iter()
        .find(|m| m.name == sent[0]);
    assert_eq!(first.expect("listed").template, Template::IncidentCallout);
}

#[tokio::test]
async fn a_callout_that_nobody_answers_pages_four_times_five_minutes_apart_and_then_fails() {
    let world = World::new().await;
    called_out(&world).await;
    let sender = world.outbox_sender();
    for page in 1..=4 {
        assert_eq!(world.send_due(&sender).await.len(), 1, "page {page}");
        let message = world.message().await;
        assert_eq!(
            (message.fate.page, message.fate.state),
            (page, MessageState::Sent)
        );
        world.clock.advance(SignedDuration::from_secs(299));
        assert!(world.send_due(&sender).await.is_empty(), "never early");
        world.clock.advance(SignedDuration::from_secs(1));
    }
    assert_eq!(world.send_due(&sender).await.len(), 1);
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Failed);
    assert_eq!(message.fate.reason, "NOT_ACKNOWLEDGED");
    assert_eq!(world.attempts(&message.name).await.len(), 4);
    assert_eq!(world.announced().await, ["SENT", "FAILED"]);
    assert_eq!(world.texts().await.len(), 4, "one text a page");
}

#[tokio::test]
async fn p06_paging_stops_when_the_incident_is_merged() {
    let world = World::new().await;
    let (_, case, incident) = called_out(&world).await;
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    let other = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::incident(&incident, &[&case], Some(&other), 2))
        .await;
    world.clock.advance(SignedDuration::from_mins(5));
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Sent, "it was sent once");
    assert_eq!(message.fate.due_time, None);
    assert_eq!(message.fate.attempt_count, 1);
    assert_eq!(world.announced().await, ["SENT"]);
}

#[tokio::test]
async fn an_incident_pages_after_its_last_case_has_ended_and_for_its_review_when_it_was_stood_down_m01()
 {
    let world = World::new().await;
    let (li, case, incident) = called_out(&world).await;
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    world
        .tell(news::moved(&case, CaseStatus::Withdrawn, 2))
        .await;
    world.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(world.send_due(&sender).await.len(), 1, "called out again");
    assert_eq!(world.message().await.fate.page, 2);
    let breached = |kind| {
        let clock = ClockName::new(site("lake"), Uuid::now_v7());
        news::clock_of_incident(
            &clock,
            &incident,
            kind,
            (ClockTransition::Breached, 2),
            &[&li],
        )
    };
    world.tell(breached(ClockKind::InsideReport)).await;
    world.send_due(&sender).await;
    world.tell(news::stood_down(&incident, &[&case], 2)).await;
    world.tell(breached(ClockKind::ReviewAction)).await;
    world.send_due(&sender).await;
    let mut breaches = world.messages().await;
    breaches.retain(|m| m.template == Template::ClockBreached);
    let states: Vec<_> = breaches.iter().map(|m| m.fate.state).collect();
    assert_eq!(states, [MessageState::Sent, MessageState::Sent]);
}

#[tokio::test]
async fn a_receipt_waits_for_intake_as_long_as_it_is_away_and_makes_no_attempt_meanwhile() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    let sender = world.outbox_sender();
    world.people.set_away(true);
    for _ in 0..20 {
        world.clock.advance(SignedDuration::from_mins(10));
        world.send_due(&sender).await;
    }
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Queued);
    assert_eq!(message.fate.reason, "INTAKE_UNAVAILABLE");
    assert_eq!(message.fate.attempt_count, 0);

    world.people.set_away(false);
    world.clock.advance(SignedDuration::from_mins(10));
    world.send_due(&sender).await;
    assert_eq!(world.message().await.fate.state, MessageState::Sent);
}

#[tokio::test]
async fn callouts_depend_on_no_other_service() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let asked = world.people.asked();
    world.people.set_away(true);
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(world.message().await.fate.state, MessageState::Sent);
    assert_eq!(world.people.asked(), asked, "nobody was asked");
    assert_eq!(world.text().await.address, "+8613800000001");
}

#[tokio::test]
async fn a_retired_person_and_an_unknown_complainant_fail_and_a_person_is_told() {
    let world = World::new().await;
    let (li, ..) = called_out(&world).await;
    world.tell(news::staff_changed(&li, 2, true)).await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::received(&case, "LAKE-2", &["nobody-knows-this-one"]))
        .await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&world.outbox_sender()).await;
    let fates: Vec<(MessageState, String)> = world
        .messages()
        .await
        .into_iter()
        .map(|m| (m.fate.state, m.fate.reason))
        .collect();
    assert_eq!(
        fates,
        [
            (MessageState::Failed, "STAFF_RETIRED".to_owned()),
            (MessageState::Failed, "RECIPIENT_UNKNOWN".to_owned())
        ]
    );
    assert_eq!(world.announced().await, ["FAILED", "FAILED"]);
}

#[tokio::test]
async fn without_any_way_to_the_reader_a_message_fails_and_says_so() {
    let world = World::new().await;
    called_out(&world).await;
    world.send_due(&world.sender(Gateways::default())).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Failed);
    assert_eq!(message.fate.reason, "NO_WAY");
}

#[tokio::test(flavor = "multi_thread")]
async fn p21_three_running_replicas_send_every_message_once() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let shutdown = CancellationToken::new();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let sender = world.outbox_sender();
        running.spawn(sender.clone().run(Lane::Grave, shutdown.clone()));
        running.spawn(sender.run(Lane::Routine, shutdown.clone()));
    }
    let case = world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_secs(60));
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    for _ in 0..40 {
        world
            .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
            .await;
    }
    eventually(Duration::from_secs(20), async || {
        let all = world.messages().await;
        all.len() == 41 && all.iter().all(|m| m.fate.state == MessageState::Sent)
    })
    .await;
    shutdown.cancel();
    while running.join_next().await.is_some() {}
    for message in world.messages().await {
        assert_eq!(message.fate.attempt_count, 1, "{}", message.name);
    }
    assert_eq!(world.texts().await.len(), 41);
}
