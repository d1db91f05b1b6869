//! A poisoned event is parked after bounded tries, holds back its own subject only, and can be redriven.

use std::sync::atomic::Ordering;

use redress_testkit::eventually;

use crate::world::{SOON, World, pace};

const PARKED: &str = "SELECT count(*) FROM intake.outbox_held WHERE park_time IS NOT NULL";

#[tokio::test]
async fn i3_a_poisoned_event_parks_its_own_subject_only() {
    let w = World::new().await;
    w.mood.refuses.lock().unwrap().insert("bad".to_owned());
    let relay = w.relay(pace());
    for number in 1..=3 {
        w.say("bad", number).await;
        w.say("good", number).await;
    }
    w.hears("good", &[1, 2, 3]).await;
    eventually(SOON, async || w.count(PARKED).await == 1).await;
    let (attempts, reason): (i32, String) = sqlx::query_as(
        "SELECT attempts, reason FROM intake.outbox_held WHERE park_time IS NOT NULL",
    )
    .fetch_one(&w.t.admin)
    .await
    .unwrap();
    assert_eq!((attempts, reason.as_str()), (8, "INVALID_FIELD"));
    // What comes later waits behind, and the rest goes on.
    w.say("bad", 4).await;
    w.say("good", 4).await;
    w.hears("good", &[1, 2, 3, 4]).await;
    eventually(SOON, async || {
        w.count("SELECT count(*) FROM intake.outbox_held").await == 4
    })
    .await;
    assert!(w.heard("bad").await.is_empty());
    // Four of the good one, and eight of the bad, each maybe together with the rest of its subject first.
    let attempts = w.mood.attempts.load(Ordering::SeqCst);
    assert!(
        (12..=20).contains(&attempts),
        "a parked event is left alone: {attempts}"
    );
    relay.stop().await;
}

#[tokio::test]
async fn i3_a_handler_that_panics_harms_its_own_event_only() {
    let w = World::new().await;
    w.mood.panics.lock().unwrap().insert("bad".to_owned());
    let relay = w.relay(pace());
    w.say("bad", 1).await;
    w.say("good", 1).await;
    w.hears("good", &[1]).await;
    eventually(SOON, async || w.count(PARKED).await == 1).await;
    relay.stop().await;
}

#[tokio::test]
async fn i3_an_event_that_breaks_the_whole_request_is_singled_out() {
    let w = World::new().await;
    *w.wire.chokes_on.lock().unwrap() = Some("bad".to_owned());
    for number in 1..=3 {
        w.say("good", number).await;
        w.say("bad", number).await;
        w.say("fine", number).await;
    }
    let relay = w.relay(pace());
    w.hears("good", &[1, 2, 3]).await;
    w.hears("fine", &[1, 2, 3]).await;
    eventually(SOON, async || w.count(PARKED).await == 1).await;
    relay.stop().await;
}

#[tokio::test]
async fn i3_what_is_held_survives_a_change_of_replica() {
    let w = World::new().await;
    w.mood.later.lock().unwrap().insert("a".to_owned());
    let relay = w.relay(pace());
    w.say("a", 1).await;
    eventually(SOON, async || {
        w.count("SELECT count(*) FROM intake.outbox_held").await == 1
    })
    .await;
    relay.kill().await;
    w.say("a", 2).await;
    let relay = w.relay(pace());
    w.mood.later.lock().unwrap().clear();
    w.hears("a", &[1, 2]).await;
    relay.stop().await;
}
