//! A subscriber that is away: its events wait in order, and nothing is held, parked or lost.

use std::sync::atomic::Ordering;

use redress_testkit::eventually;

use crate::world::{SOON, World, pace};

#[tokio::test]
async fn a_receiver_that_is_down_and_comes_back_gets_everything_in_order() {
    let w = World::new().await;
    w.wire.cut.store(true, Ordering::SeqCst);
    let relay = w.relay(pace());
    for number in 1..=3 {
        w.say("a", number).await;
        w.say("b", number).await;
    }
    eventually(SOON, async || w.wire.requests.load(Ordering::SeqCst) > 10).await;
    assert_eq!(w.count("SELECT count(*) FROM intake.outbox_held").await, 0);
    w.wire.cut.store(false, Ordering::SeqCst);
    w.hears("a", &[1, 2, 3]).await;
    w.hears("b", &[1, 2, 3]).await;
    relay.stop().await;
}

#[tokio::test]
async fn an_event_whose_dependency_is_away_is_retried_for_as_long_as_it_takes() {
    let w = World::new().await;
    w.mood.later.lock().unwrap().insert("a".to_owned());
    let relay = w.relay(pace());
    w.say("a", 1).await;
    w.say("a", 2).await;
    w.say("b", 1).await;
    w.hears("b", &[1]).await;
    // Far more often than refusals are allowed.
    eventually(SOON, async || w.mood.attempts.load(Ordering::SeqCst) > 20).await;
    assert_eq!(
        w.count("SELECT count(*) FROM intake.outbox_held WHERE park_time IS NOT NULL")
            .await,
        0
    );
    assert!(w.heard("a").await.is_empty());
    w.mood.later.lock().unwrap().clear();
    w.hears("a", &[1, 2]).await;
    w.say("a", 3).await;
    w.hears("a", &[1, 2, 3]).await;
    eventually(SOON, async || {
        w.count("SELECT count(*) FROM intake.outbox_held").await == 0
    })
    .await;
    relay.stop().await;
}

#[tokio::test]
async fn a_receiver_whose_postgres_is_away_makes_the_sender_wait_and_hold_nothing() {
    let w = World::new().await;
    w.receiver.close().await;
    let relay = w.relay(pace());
    w.say("a", 1).await;
    eventually(SOON, async || w.wire.requests.load(Ordering::SeqCst) > 3).await;
    assert_eq!(w.count("SELECT count(*) FROM intake.outbox_held").await, 0);
    relay.stop().await;
}
