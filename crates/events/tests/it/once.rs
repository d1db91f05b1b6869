//! Each event takes effect once, however often it arrives.

use std::sync::atomic::Ordering;
use std::time::Duration;

use opentelemetry::global::meter;
use redress_events::{Applied, Event, Handler, Inbox, Pace};
use redress_model::Fault;
use redress_proto::event::v1::{DeliverOutcome, DeliverResult};
use redress_store::Tx;
use redress_testkit::eventually;
use tokio::sync::watch;

use crate::world::{MOVED, SOON, World, event, pace};

/// Asks another service about every event that is not about `quick`, and waits until it answers.
struct Asks {
    answered: watch::Receiver<bool>,
}

impl Handler for Asks {
    type Prepared = ();

    async fn prepare(&self, event: &Event) -> Result<(), Fault> {
        if event.subject != "quick" {
            let mut answered = self.answered.clone();
            answered.wait_for(|yes| *yes).await.unwrap();
        }
        Ok(())
    }

    async fn apply(&self, _: &mut Tx, _: &Event, (): &()) -> Result<Applied, Fault> {
        Ok(Applied::Done)
    }
}

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
async fn i3_events_of_one_subject_take_effect_in_one_transaction() {
    let w = World::new().await;
    let events: Vec<Event> = (1..=5).map(|n| event("intake", "a", n)).collect();
    let results = w.inbox.receive(events.clone()).await.unwrap();
    let applied = |r: &DeliverResult| r.outcome() == DeliverOutcome::Applied;
    assert!(results.iter().all(applied));
    assert_eq!(w.heard("a").await, [1, 2, 3, 4, 5]);
    const TRANSACTIONS: &str = "SELECT count(DISTINCT xmin::text) FROM triage.log";
    assert_eq!(w.count(TRANSACTIONS).await, 1);

    // Two of them once more, and a new one between.
    let [first, .., last] = events.as_slice() else {
        panic!("five");
    };
    let again = vec![first.clone(), event("intake", "a", 6), last.clone()];
    let results = w.inbox.receive(again).await.unwrap();
    assert!(results.iter().all(applied));
    assert_eq!(w.heard("a").await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn handlers_that_wait_for_another_service_hold_nobody_up() {
    let w = World::new().await;
    let (answer, answered) = watch::channel(false);
    let inbox = Inbox::new(w.receiver.clone(), &meter("test")).on(MOVED, Asks { answered });
    let slow = ["a", "b", "c", "d"].map(|subject| event("intake", subject, 1));
    let slow = inbox.receive(slow.to_vec());
    let quick = async {
        let received = inbox.receive(vec![event("intake", "quick", 1)]);
        let received = tokio::time::timeout(SOON, received).await;
        answer.send_replace(true);
        received.expect("it waits for nobody's answer").unwrap()
    };
    // The slow ones ask first: they are polled first.
    let (slow, quick) = tokio::join!(slow, quick);
    for result in slow.unwrap().iter().chain(&quick) {
        assert_eq!(result.outcome(), DeliverOutcome::Applied);
    }
}

#[tokio::test]
async fn i3_one_that_is_refused_undoes_none_before_it_and_lets_none_pass() {
    let w = World::new().await;
    let mut events: Vec<Event> = (1..=4).map(|n| event("intake", "a", n)).collect();
    events[2].data = vec![0xff].into();
    let results = w.inbox.receive(events).await.unwrap();
    let outcomes: Vec<DeliverOutcome> = results.iter().map(DeliverResult::outcome).collect();
    assert_eq!(
        outcomes,
        [
            DeliverOutcome::Applied,
            DeliverOutcome::Applied,
            DeliverOutcome::Rejected,
            DeliverOutcome::Retry
        ]
    );
    assert_eq!(w.heard("a").await, [1, 2]);
}

#[tokio::test]
async fn no_service_waits_for_what_another_does_about_the_same_case() {
    async fn act(connection: &mut sqlx::PgConnection, service: &str) -> sqlx::Result<()> {
        let site =
            "SELECT set_config('search_path', $1, true), set_config('lock_timeout', '100ms', true)";
        sqlx::query(site)
            .bind(service)
            .execute(&mut *connection)
            .await?;
        let receive = "SELECT place FROM redress_receive_many(ARRAY['crisis'], ARRAY[gen_random_uuid()], 'lake', ARRAY['a'])";
        sqlx::query(receive).execute(&mut *connection).await?;
        let publish = "SELECT redress_publish(gen_random_uuid(), 't', 'lake', 'a', 1::smallint, false, '', '')";
        sqlx::query(publish).execute(connection).await?;
        Ok(())
    }
    let w = World::new().await;
    let mut triage = w.t.admin.begin().await.unwrap();
    act(&mut triage, "triage").await.unwrap();
    let mut intake = w.t.admin.begin().await.unwrap();
    act(&mut intake, "intake").await.unwrap();
    // Within one service, one waits for the other.
    let mut replica = w.t.admin.begin().await.unwrap();
    let error = act(&mut replica, "triage").await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "55P03");
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
