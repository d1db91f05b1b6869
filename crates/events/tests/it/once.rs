//! Each event takes effect once, however often it arrives.

use std::sync::atomic::Ordering;
use std::time::Duration;

use redress_events::Pace;
use redress_testkit::eventually;

use crate::world::{SOON, World, event, pace};

#[tokio::test]
async fn i3_an_event_delivered_twice_takes_effect_once() {
    let w = World::new().await;
    w.wire.twice.store(true, Ordering::SeqCst);
    let relay = w.relay(pace());
    for number in 1..=5 {
        w.say("a", number).await;
    }
    w.hears("a", &[1, 2, 3, 4, 5]).await;
    relay.stop().await;
    assert_eq!(w.heard("a").await, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn i3_twenty_copies_at_once_take_effect_once() {
    let w = World::new().await;
    let copy = event("intake", "a", 1);
    let all = futures::future::join_all((0..20).map(|_| w.inbox.receive(vec![copy.clone()]))).await;
    for results in all {
        assert_eq!(
            results.unwrap()[0].outcome(),
            redress_proto::event::v1::DeliverOutcome::Applied
        );
    }
    assert_eq!(w.heard("a").await, [1]);
}

#[tokio::test]
async fn i3_a_relay_killed_between_delivery_and_saving_delivers_again_and_it_takes_effect_once() {
    let w = World::new().await;
    // It never writes down how far it got.
    let forgetful = Pace {
        save: Duration::from_secs(3600),
        beat: Duration::from_secs(3600),
        ..pace()
    };
    let relay = w.relay(forgetful);
    for number in 1..=5 {
        w.say("a", number).await;
    }
    w.hears("a", &[1, 2, 3, 4, 5]).await;
    relay.kill().await;
    let before = w.wire.events.load(Ordering::SeqCst);
    // The next one takes over when the lease has run out.
    let relay = w.relay(pace());
    eventually(SOON, async || {
        w.wire.events.load(Ordering::SeqCst) >= before + 5
    })
    .await;
    w.say("a", 6).await;
    w.hears("a", &[1, 2, 3, 4, 5, 6]).await;
    relay.stop().await;
}

#[tokio::test]
async fn i3_a_lost_answer_leads_to_a_repeat_without_effect() {
    let w = World::new().await;
    w.wire.answers_lost.store(3, Ordering::SeqCst);
    let relay = w.relay(pace());
    w.say("a", 1).await;
    w.say("a", 2).await;
    w.hears("a", &[1, 2]).await;
    eventually(SOON, async || {
        w.wire.answers_lost.load(Ordering::SeqCst) == 0
    })
    .await;
    relay.stop().await;
    assert_eq!(w.heard("a").await, [1, 2]);
    assert!(w.wire.events.load(Ordering::SeqCst) > 2);
}

#[tokio::test]
async fn i3_an_orderly_stop_repeats_nothing() {
    let w = World::new().await;
    let relay = w.relay(pace());
    w.say("a", 1).await;
    w.hears("a", &[1]).await;
    relay.stop().await;
    let before = w.wire.events.load(Ordering::SeqCst);
    w.say("a", 2).await;
    let relay = w.relay(pace());
    w.hears("a", &[1, 2]).await;
    relay.stop().await;
    assert_eq!(w.wire.events.load(Ordering::SeqCst), before + 1);
}

#[tokio::test]
async fn i3_after_a_restore_into_a_cluster_of_lower_transaction_ids_events_flow_again() {
    let w = World::new().await;
    let relay = w.relay(pace());
    w.say("a", 1).await;
    w.hears("a", &[1]).await;
    relay.stop().await;
    sqlx::raw_sql(
        "UPDATE intake.outbox SET stamp = '900000000000';
         UPDATE intake.outbox_cursor SET low_stamp = '900000000001', high_stamp = '900000000001'",
    )
    .execute(&w.t.admin)
    .await
    .unwrap();
    // Publishing before the relay has noticed: the event before has a stamp of the old cluster.
    w.say("a", 2).await;
    let relay = w.relay(pace());
    w.hears("a", &[1, 2]).await;
    w.say("a", 3).await;
    w.hears("a", &[1, 2, 3]).await;
    relay.stop().await;
}
