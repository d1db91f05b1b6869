//! A worker dies between any two steps: nothing is lost, and every copy carries the same id.

use std::time::Duration;

use jiff::SignedDuration;
use redress_model::name::{CaseName, IncidentName};
use redress_notification::domain::words::{AttemptOutcome, MessageChannel, MessageState};
use redress_notification::provider::Gateways;
use redress_notification::provider::webhook::Webhook;
use redress_testkit::eventually;
use uuid::Uuid;

use crate::support::http::{Endpoint, Manner};
use crate::support::{World, news, site};

const LIMIT: Duration = Duration::from_secs(10);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn by_webhook(endpoint: &Endpoint) -> Gateways {
    let channels = vec![MessageChannel::Sms];
    let timeout = Duration::from_secs(15);
    Gateways {
        webhook: Some(
            Webhook::new(&endpoint.url(), &[SECRET], channels, timeout).expect("right settings"),
        ),
        ..Gateways::default()
    }
}

async fn callout(world: &World) {
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
}

#[tokio::test]
async fn between_claim_and_attempt_the_message_comes_back_when_the_lease_ends() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.people.set_hangs(true);
    let sender = world.outbox_sender();
    let due = world
        .due(redress_notification::store::messages::Lane::Routine)
        .await;
    let worker = tokio::spawn({
        let (sender, due) = (sender.clone(), due[0].clone());
        async move { sender.deliver(&due).await }
    });
    eventually(LIMIT, async || {
        world.message().await.fate.state == MessageState::Sending && world.people.asked() > 0
    })
    .await;
    worker.abort();
    let _ = worker.await;

    world.people.set_hangs(false);
    world.clock.advance(SignedDuration::from_secs(59));
    assert!(world.send_due(&sender).await.is_empty(), "the lease holds");
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.send_due(&sender).await.len(), 1);
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Sent);
    assert_eq!(message.fate.attempt_count, 1);
    assert_eq!(world.announced().await, ["SENT"]);
}

#[tokio::test]
async fn between_handing_over_and_completing_the_copy_carries_the_same_id() {
    let world = World::new().await;
    callout(&world).await;
    let endpoint = Endpoint::start().await;
    endpoint.next(Manner::Stall);
    let sender = world.sender(by_webhook(&endpoint));
    let due = world
        .due(redress_notification::store::messages::Lane::Grave)
        .await;
    let worker = tokio::spawn({
        let (sender, due) = (sender.clone(), due[0].clone());
        async move { sender.deliver(&due).await }
    });
    eventually(LIMIT, async || endpoint.received().len() == 1).await;
    worker.abort();
    let _ = worker.await;

    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(world.send_due(&sender).await.len(), 1);
    let received = endpoint.received();
    assert_eq!(received.len(), 2);
    assert_eq!(
        received[0].headers["webhook-id"],
        received[1].headers["webhook-id"]
    );
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Sent);
    let outcomes: Vec<AttemptOutcome> = world
        .attempts(&message.name)
        .await
        .iter()
        .map(|a| a.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [AttemptOutcome::Unknown, AttemptOutcome::Accepted]
    );
    assert_eq!(world.announced().await, ["SENT"]);
}

#[tokio::test]
async fn p19_a_worker_that_was_taken_for_dead_changes_nothing_when_it_comes_back() {
    let world = World::new().await;
    callout(&world).await;
    let endpoint = Endpoint::start().await;
    endpoint.next(Manner::Stall);
    let sender = world.sender(by_webhook(&endpoint));
    let due = world
        .due(redress_notification::store::messages::Lane::Grave)
        .await;
    let slow = tokio::spawn({
        let (sender, due) = (sender.clone(), due[0].clone());
        async move { sender.deliver(&due).await }
    });
    eventually(LIMIT, async || endpoint.received().len() == 1).await;
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(world.send_due(&sender).await.len(), 1);
    let settled = world.message().await;

    endpoint.release();
    slow.await.expect("the slow worker ends by itself");
    let after = world.message().await;
    assert_eq!(after.fate, settled.fate);
    assert_eq!(world.announced().await, ["SENT"]);
}

#[tokio::test]
async fn a_message_that_kills_every_worker_ends_in_failed() {
    let world = World::new().await;
    callout(&world).await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_webhook(&endpoint));
    for attempt in 1..=3 {
        endpoint.next(Manner::Stall);
        let due = world
            .due(redress_notification::store::messages::Lane::Grave)
            .await;
        let worker = tokio::spawn({
            let (sender, due) = (sender.clone(), due[0].clone());
            async move { sender.deliver(&due).await }
        });
        eventually(LIMIT, async || endpoint.received().len() == attempt).await;
        worker.abort();
        let _ = worker.await;
        world.clock.advance(SignedDuration::from_secs(60));
    }
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Failed);
    assert_eq!(message.fate.reason, "WAYS_USED_UP");
    assert_eq!(endpoint.received().len(), 3);
}
