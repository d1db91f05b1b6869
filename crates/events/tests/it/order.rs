//! Order per subject, and nothing skipped, whenever transactions begin and commit.

use std::sync::atomic::Ordering;

use futures::future::join_all;
use redress_model::Fault;
use redress_store::{Operation, Scope, StoreResultExt as _, Tx};
use redress_testkit::eventually;
use sqlx::{Postgres, Transaction};

use crate::world::{SOON, World, pace};

/// A transaction of a second connection, in the hands of the test.
async fn begin(w: &World) -> Transaction<'static, Postgres> {
    let mut tx = w.t.admin.begin().await.unwrap();
    sqlx::raw_sql("SET LOCAL search_path = intake, extensions")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx
}

/// Gives the transaction its id, as any write does.
async fn take_id(tx: &mut Transaction<'_, Postgres>) -> i64 {
    sqlx::query_scalar("SELECT pg_current_xact_id()::text::bigint")
        .fetch_one(&mut **tx)
        .await
        .unwrap()
}

async fn publish(tx: &mut Transaction<'_, Postgres>, subject: &str, number: i64) {
    // What `publish` sends, by hand, since the test holds the transaction open.
    let event = crate::world::event("intake", subject, number);
    sqlx::query("SELECT redress_publish($1, $2, $3, $4, $5, false, '', $6)")
        .bind(event.id)
        .bind(&event.event_type)
        .bind(event.site.as_str())
        .bind(subject)
        .bind(redress_events::partition(subject))
        .bind(event.data.as_ref())
        .execute(&mut **tx)
        .await
        .unwrap();
}

#[tokio::test]
async fn i3_a_transaction_that_commits_late_is_not_skipped() {
    let w = World::new().await;
    let relay = w.relay(pace());
    let mut late = begin(&w).await;
    publish(&mut late, "a", 1).await;
    for number in 1..=3 {
        w.say("b", number).await;
    }
    // The relay has looked since, and seen that it must wait.
    let before = w.wire.requests.load(Ordering::SeqCst);
    tokio::time::timeout(pace().poll * 4, w.hears("b", &[1, 2, 3]))
        .await
        .unwrap_err();
    assert_eq!(w.wire.requests.load(Ordering::SeqCst), before);
    late.commit().await.unwrap();
    w.hears("a", &[1]).await;
    w.hears("b", &[1, 2, 3]).await;
    relay.stop().await;
}

#[tokio::test]
async fn i3_a_transaction_that_rolls_back_late_holds_nothing_up_for_good() {
    let w = World::new().await;
    let relay = w.relay(pace());
    let mut late = begin(&w).await;
    publish(&mut late, "a", 1).await;
    w.say("b", 1).await;
    late.rollback().await.unwrap();
    w.hears("b", &[1]).await;
    assert!(w.heard("a").await.is_empty());
    relay.stop().await;
}

/// The order of transaction ids is not that of events: the second writer of a case may have got its
/// id first, and a third transaction between the two may part them into two windows.
#[tokio::test]
async fn i3_an_older_transaction_that_publishes_after_a_younger_one_stays_behind_it() {
    let w = World::new().await;
    let mut older = begin(&w).await;
    let older_id = take_id(&mut older).await;
    let mut between = begin(&w).await;
    let between_id = take_id(&mut between).await;
    let mut younger = begin(&w).await;
    publish(&mut younger, "case", 1).await;
    assert!(older_id < between_id && between_id < take_id(&mut younger).await);
    younger.commit().await.unwrap();
    publish(&mut older, "case", 2).await;
    // A witness that the window in question was read: stamped below `between`.
    publish(&mut older, "witness-of-another-partition", 1).await;
    older.commit().await.unwrap();
    let relay = w.relay(pace());
    w.hears("witness-of-another-partition", &[1]).await;
    between.commit().await.unwrap();
    w.hears("case", &[1, 2]).await;
    relay.stop().await;
}

#[tokio::test]
async fn i3_two_who_publish_about_one_case_wait_for_each_other() {
    let w = World::new().await;
    let mut first = begin(&w).await;
    publish(&mut first, "case", 1).await;
    let second = {
        let (sender, subject) = (w.sender.clone(), "case");
        tokio::spawn(async move { crate::world::say(&sender, subject, 2).await })
    };
    eventually(SOON, async || {
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        w.count(waiting).await == 1
    })
    .await;
    first.commit().await.unwrap();
    second.await.unwrap().unwrap();
    let relay = w.relay(pace());
    w.hears("case", &[1, 2]).await;
    relay.stop().await;
}

#[tokio::test]
async fn events_need_a_snapshot_of_each_statement() {
    let w = World::new().await;
    let mut tx =
        w.t.admin
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ")
            .await
            .unwrap();
    sqlx::raw_sql("SET LOCAL search_path = intake, extensions")
        .execute(&mut *tx)
        .await
        .unwrap();
    let refused = sqlx::query(
        "SELECT redress_publish(gen_random_uuid(), 't', 's', 'x', 0::smallint, false, '', '')",
    )
    .execute(&mut *tx)
    .await;
    assert!(refused.unwrap_err().to_string().contains("READ COMMITTED"));
}

/// Moves a counter of a case under its row lock and says the new value, with other work before and after.
struct Move<'a> {
    subject: &'a str,
    linger: bool,
}

impl Operation for Move<'_> {
    const NAME: &'static str = "test.move";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        // The id comes long before the lock.
        sqlx::query("SELECT pg_current_xact_id()")
            .execute(&mut **tx)
            .await
            .or_fault()?;
        if self.linger {
            tokio::task::yield_now().await;
        }
        let number: i64 =
            sqlx::query_scalar("UPDATE counter SET n = n + 1 WHERE subject = $1 RETURNING n")
                .bind(self.subject)
                .fetch_one(&mut **tx)
                .await
                .or_fault()?;
        crate::world::publish(tx, self.subject, number).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i3_concurrent_writers_and_two_relays_keep_every_case_in_order_and_whole() {
    const SUBJECTS: usize = 5;
    const MOVES: i64 = 60;
    let w = World::new().await;
    sqlx::raw_sql(
        "CREATE TABLE intake.counter (subject text PRIMARY KEY, n bigint NOT NULL DEFAULT 0);
         GRANT SELECT, UPDATE ON intake.counter TO redress_intake_app",
    )
    .execute(&w.t.admin)
    .await
    .unwrap();
    let subjects: Vec<String> = (0..SUBJECTS)
        .map(|i| format!("sites/lake/cases/{i}"))
        .collect();
    for subject in &subjects {
        sqlx::query("INSERT INTO intake.counter VALUES ($1)")
            .bind(subject)
            .execute(&w.t.admin)
            .await
            .unwrap();
    }
    let (one, two) = (w.relay(pace()), w.relay(pace()));
    let writers = (0..8).map(|writer| {
        let (db, subjects) = (w.sender.clone(), subjects.clone());
        tokio::spawn(async move {
            let scope = Scope::site("lake".parse().unwrap());
            for i in (writer..SUBJECTS * usize::try_from(MOVES).unwrap()).step_by(8) {
                let operation = Move {
                    subject: &subjects[i % SUBJECTS],
                    linger: i % 3 == 0,
                };
                db.run(&scope, &operation).await.unwrap();
            }
        })
    });
    join_all(writers).await.into_iter().for_each(|r| r.unwrap());
    let all: Vec<i64> = (1..=MOVES).collect();
    for subject in &subjects {
        w.hears(subject, &all).await;
    }
    one.stop().await;
    two.stop().await;
}
