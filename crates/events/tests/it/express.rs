//! Urgent events go ahead of whatever waits, in the order of their subject, and cost nothing of what the main flow promises.

use std::sync::atomic::Ordering;
use std::time::Duration;

use redress_events::Pace;
use redress_testkit::eventually;

use crate::world::{SOON, World, pace, say, say_urgently};

const HOLDERS: &str = "SELECT count(*) FROM intake.outbox_cursor WHERE lease_token IS NOT NULL";
const HELD: &str = "SELECT count(*) FROM intake.outbox_held";

/// While it is open, no window reaches what is said after it began.
async fn older(w: &World) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut older = w.t.admin.begin().await.unwrap();
    sqlx::query("SELECT pg_current_xact_id()")
        .execute(&mut *older)
        .await
        .unwrap();
    older
}

#[tokio::test]
async fn an_urgent_event_takes_along_what_was_said_before_and_overtakes_all_else() {
    let w = World::new().await;
    let db = w.t.connect("intake");
    let relay = w.relay_of(db.clone(), w.wire.clone(), pace());
    eventually(SOON, async || w.count(HOLDERS).await == 8).await;
    let older = older(&w).await;
    say(&db, "b", 1).await.unwrap();
    say(&db, "a", 1).await.unwrap();
    say(&db, "a", 2).await.unwrap();
    say_urgently(&db, "a", 3, true).await.unwrap();
    say(&db, "a", 4).await.unwrap();
    w.hears("a", &[1, 2, 3]).await;
    // Said by the same transaction's kind a second time, and only what is new goes.
    say_urgently(&db, "a", 5, true).await.unwrap();
    w.hears("a", &[1, 2, 3, 4, 5]).await;
    assert_eq!(w.heard("b").await, Vec::<i64>::new());
    older.commit().await.unwrap();
    w.hears("b", &[1]).await;
    relay.stop().await;
    // Neither lane carried again what the other had.
    assert_eq!(w.wire.events.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn many_urgent_events_at_once_arrive_each_once_and_in_order() {
    let w = World::new().await;
    let db = w.t.connect("intake");
    let relay = w.relay_of(db.clone(), w.wire.clone(), pace());
    let numbers: Vec<i64> = (1..=30).collect();
    let subjects: Vec<String> = (0..20).map(|n| format!("case{n}")).collect();
    let say_all = subjects.iter().map(async |subject| {
        for number in &numbers {
            say_urgently(&db, subject, *number, number % 3 == 0)
                .await
                .unwrap();
        }
    });
    futures::future::join_all(say_all).await;
    for subject in &subjects {
        w.hears(subject, &numbers).await;
    }
    relay.stop().await;
}

#[tokio::test]
async fn an_urgent_event_waits_behind_one_that_is_held() {
    let w = World::new().await;
    let db = w.t.connect("intake");
    let relay = w.relay_of(db.clone(), w.wire.clone(), pace());
    w.mood.later.lock().unwrap().insert("a".to_owned());
    say(&db, "a", 1).await.unwrap();
    eventually(SOON, async || w.count(HELD).await == 1).await;
    say_urgently(&db, "a", 2, true).await.unwrap();
    eventually(SOON, async || w.count(HELD).await == 2).await;
    w.mood.later.lock().unwrap().clear();
    w.hears("a", &[1, 2]).await;
    assert_eq!(w.wire.urgent_requests.load(Ordering::SeqCst), 0);
    relay.stop().await;
}

#[tokio::test]
async fn what_a_trip_does_not_get_across_goes_with_the_others() {
    let w = World::new().await;
    let db = w.t.connect("intake");
    let relay = w.relay_of(db.clone(), w.wire.clone(), pace());
    eventually(SOON, async || w.count(HOLDERS).await == 8).await;
    // The trip's answer is lost, or the trip itself; the event took effect or did not.
    w.wire.answers_lost.store(1, Ordering::SeqCst);
    say_urgently(&db, "a", 1, true).await.unwrap();
    w.hears("a", &[1]).await;
    w.wire.cut.store(true, Ordering::SeqCst);
    say_urgently(&db, "a", 2, true).await.unwrap();
    say_urgently(&db, "b", 1, true).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    w.wire.cut.store(false, Ordering::SeqCst);
    w.hears("a", &[1, 2]).await;
    w.hears("b", &[1]).await;
    relay.stop().await;
}

#[tokio::test]
async fn who_says_an_urgent_event_carries_it_whoever_has_its_partition() {
    let w = World::new().await;
    let (carrier, writer) = (w.t.connect("intake"), w.t.connect("intake"));
    let carrying = w.relay_of(carrier, w.wire.clone(), pace());
    eventually(SOON, async || w.count(HOLDERS).await == 8).await;
    // It never takes a share.
    let aside = Pace {
        beat: Duration::from_secs(3600),
        ..pace()
    };
    let writing = w.relay_of(writer.clone(), w.wire.clone(), aside);
    let older = older(&w).await;
    // Until its couriers listen.
    let mut number = 0;
    eventually(SOON, async || {
        number += 1;
        say_urgently(&writer, "a", number, true).await.unwrap();
        !w.heard("a").await.is_empty()
    })
    .await;
    older.commit().await.unwrap();
    w.hears("a", &(1..=number).collect::<Vec<_>>()).await;
    writing.stop().await;
    carrying.stop().await;
}
