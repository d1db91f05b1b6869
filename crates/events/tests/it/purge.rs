//! Delivered events are deleted after their time, and no others.

use std::sync::atomic::Ordering;
use std::time::Duration;

use redress_events::purge;
use redress_testkit::eventually;

use crate::world::{SOON, World, pace, subscriptions};

const OUTBOX: &str = "SELECT count(*) FROM intake.outbox";

#[tokio::test]
async fn only_what_everybody_has_and_nobody_holds_is_deleted() {
    let w = World::new().await;
    w.mood.refuses.lock().unwrap().insert("bad".to_owned());
    let relay = w.relay(pace());
    w.say("good", 1).await;
    w.say("bad", 1).await;
    w.hears("good", &[1]).await;
    eventually(SOON, async || {
        w.count("SELECT count(*) FROM intake.outbox_held").await == 1
    })
    .await;
    relay.stop().await;
    w.say("good", 2).await;

    assert_eq!(
        purge(&w.sender, &subscriptions(), Duration::from_secs(3600))
            .await
            .unwrap(),
        0,
        "too young"
    );
    assert_eq!(
        purge(&w.sender, &subscriptions(), Duration::ZERO)
            .await
            .unwrap(),
        1
    );
    // The held one and the one that nobody has yet are still there, and get through.
    assert_eq!(w.count(OUTBOX).await, 2);
    w.mood.refuses.lock().unwrap().clear();
    let relay = w.relay(pace());
    w.hears("bad", &[1]).await;
    w.hears("good", &[1, 2]).await;
    relay.stop().await;
    assert_eq!(
        purge(&w.sender, &subscriptions(), Duration::ZERO)
            .await
            .unwrap(),
        2
    );
    assert_eq!(w.count(OUTBOX).await, 0);
}

#[tokio::test]
async fn a_subject_goes_on_in_order_after_its_history_was_deleted() {
    let w = World::new().await;
    let relay = w.relay(pace());
    w.say("a", 1).await;
    w.hears("a", &[1]).await;
    relay.stop().await;
    purge(&w.sender, &subscriptions(), Duration::ZERO)
        .await
        .unwrap();
    w.wire.cut.store(false, Ordering::SeqCst);
    let relay = w.relay(pace());
    w.say("a", 2).await;
    w.hears("a", &[1, 2]).await;
    relay.stop().await;
}
