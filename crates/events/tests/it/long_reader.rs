//! P25: a transaction that stays open does not make the relay's scans grow.

use redress_testkit::eventually;

use crate::world::{SOON, World, pace};

const EVENTS: i64 = 5_000;

/// Rows and index entries of the outbox that were read so far, by anybody.
const READ: &str = "SELECT (seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i
      WHERE i.relid = t.relid))::bigint FROM pg_stat_user_tables t WHERE t.schemaname = 'intake' AND t.relname = 'outbox'";

/// What was read once nobody who read is connected any more: statistics are then complete.
async fn rows_read(w: &World) -> i64 {
    eventually(SOON, async || {
        w.count(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND usename = 'redress_intake_worker'",
        )
        .await
            == 0
    })
    .await;
    w.count(READ).await
}

/// Says events of 100 cases in few statements.
async fn say_many(w: &World, from: i64, to: i64) {
    sqlx::query(
        "SELECT intake.redress_publish(gen_random_uuid(), 'redress.case.moved.v1', 'lake', 'sites/lake/cases/' || i % 100,
           (i % 8)::smallint, false, '', '') FROM generate_series($1, $2) AS i",
    )
    .bind(from)
    .bind(to)
    .execute(&{
        let options = w.t.admin_options().options([("search_path", "intake,extensions")]);
        sqlx::PgPool::connect_with(options).await.unwrap()
    })
    .await
    .unwrap();
}

async fn all_heard(w: &World, count: i64) {
    eventually(SOON * 3, async || {
        w.count("SELECT count(*) FROM triage.log").await == count
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p25_i3_a_long_reader_leaves_the_scan_as_small_as_its_window() {
    let w = World::new().await;
    // The reader holds a snapshot from before the first event until after the last.
    let mut reader =
        w.t.admin
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ")
            .await
            .unwrap();
    sqlx::query("SELECT count(*) FROM intake.outbox")
        .execute(&mut *reader)
        .await
        .unwrap();

    let relay = w.relay(pace());
    for from in (1..=EVENTS).step_by(500) {
        say_many(&w, from, from + 499).await;
    }
    all_heard(&w, EVENTS).await;
    relay.stop().await;
    let before = rows_read(&w).await;

    // Ten more: whoever reads only their window reads a few rows for each, whatever lies in the table.
    let relay = w.relay(pace());
    say_many(&w, 1, 10).await;
    all_heard(&w, EVENTS + 10).await;
    relay.stop().await;
    let read = rows_read(&w).await - before;
    assert!(read > 0, "the statistics must have come in");
    assert!(read < EVENTS / 10, "{read} rows were read for 10 events");

    reader.rollback().await.unwrap();
    let dead = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE schemaname = 'intake' AND relname = 'outbox'";
    assert_eq!(w.count(dead).await, 0, "delivery leaves no dead rows");
}
