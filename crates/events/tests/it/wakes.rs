//! New events are carried at once, by whichever replica has their partition.

use std::time::Duration;

use redress_events::{Pace, share_wakes};
use redress_testkit::eventually;
use tokio_util::sync::CancellationToken;

use crate::world::{SOON, World, pace, say};

/// A pace that finds nothing by itself for the time of a test.
fn sleepy() -> Pace {
    Pace {
        poll: Duration::from_secs(3600),
        ..pace()
    }
}

const HOLDERS: &str = "SELECT count(*) FROM intake.outbox_cursor WHERE lease_token IS NOT NULL";

#[tokio::test]
async fn a_commit_wakes_the_relay_of_its_process() {
    let w = World::new().await;
    let db = w.t.connect("intake");
    let relay = w.relay_of(
        db.clone(),
        w.wire.clone(),
        Pace {
            beat: Duration::from_secs(3600),
            ..sleepy()
        },
    );
    eventually(SOON, async || w.count(HOLDERS).await == 8).await;
    say(&db, "a", 1).await.unwrap();
    w.hears("a", &[1]).await;
    relay.stop().await;
}

#[tokio::test]
async fn ordinary_events_go_together() {
    let w = World::new().await;
    let db = w.t.connect("intake");
    let rested = Pace {
        rest: Duration::from_secs(1),
        beat: Duration::from_secs(3600),
        ..sleepy()
    };
    let relay = w.relay_of(db.clone(), w.wire.clone(), rested);
    eventually(SOON, async || w.count(HOLDERS).await == 8).await;
    for number in 1..=20 {
        say(&db, "a", number).await.unwrap();
    }
    w.hears("a", &(1..=20).collect::<Vec<i64>>()).await;
    let requests = w.wire.requests.load(std::sync::atomic::Ordering::SeqCst);
    assert!(requests < 10, "{requests} requests");
    relay.stop().await;
}

#[tokio::test]
async fn rows_behind_an_older_transaction_are_looked_at_again_without_a_poll() {
    let w = World::new().await;
    let db = w.t.connect("intake");
    let relay = w.relay_of(
        db.clone(),
        w.wire.clone(),
        Pace {
            poll: Duration::from_secs(1),
            ..sleepy()
        },
    );
    let mut older = w.t.admin.begin().await.unwrap();
    sqlx::query("SELECT pg_current_xact_id()")
        .execute(&mut *older)
        .await
        .unwrap();
    say(&db, "a", 1).await.unwrap();
    older.commit().await.unwrap();
    w.hears("a", &[1]).await;
    relay.stop().await;
}

#[tokio::test]
async fn p18_a_commit_wakes_other_replicas_by_redis_and_a_restart_of_redis_stops_nothing() {
    let w = World::new().await;
    let redis = redress_testkit::redis().await;
    let client = redis::Client::open(redis.url()).unwrap();
    let stop = CancellationToken::new();
    let (carrier, writer) = (w.t.connect("intake"), w.t.connect("intake"));
    let sharing = [&carrier, &writer]
        .map(|db| tokio::spawn(share_wakes(db.clone(), client.clone(), stop.clone())));
    let relay = w.relay_of(
        carrier.clone(),
        w.wire.clone(),
        Pace {
            beat: Duration::from_secs(3600),
            ..sleepy()
        },
    );
    eventually(SOON, async || w.count(HOLDERS).await == 8).await;

    // Until both have subscribed, a wake may go unheard; each further one is heard.
    let wakes = carrier.wakes();
    eventually(SOON, async || {
        writer.wake();
        tokio::time::timeout(Duration::from_millis(50), wakes.clone().changed())
            .await
            .is_ok()
    })
    .await;
    say(&writer, "a", 1).await.unwrap();
    w.hears("a", &[1]).await;

    // Own wakes are not echoed back for ever.
    let before = *writer.wakes().borrow();
    carrier.wake();
    eventually(SOON, async || *writer.wakes().borrow() > before).await;
    tokio::time::timeout(Duration::from_millis(200), async {
        let mut wakes = writer.wakes();
        wakes.changed().await.unwrap();
        panic!("a foreign wake was passed on");
    })
    .await
    .unwrap_err();

    redis.renew().await;
    let wakes = carrier.wakes();
    eventually(SOON, async || {
        writer.wake();
        tokio::time::timeout(Duration::from_millis(50), wakes.clone().changed())
            .await
            .is_ok()
    })
    .await;
    stop.cancel();
    for task in sharing {
        task.await.unwrap();
    }
    relay.stop().await;
}
