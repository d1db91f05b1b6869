//! Transactions: tried again when Postgres asks for it, rolled back whole, cancelled without a trace.

use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use redress_model::Fault;
use redress_store::{
    Database, OneRowExt as _, Operation, Role, StoreResultExt as _, Tx, UrgentEvent,
};
use redress_testkit::proxy::{FaultProxy, Mode};
use redress_testkit::{eventually, postgres};
use secrecy::ExposeSecret as _;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use crate::{database, site, sql};

/// Locks two things in the order given; the first attempts meet at the barrier and deadlock.
struct LockBoth<'a> {
    first: i32,
    second: i32,
    barrier: &'a Barrier,
    attempts: AtomicU32,
}

impl Operation for LockBoth<'_> {
    const NAME: &'static str = "test.lock_both";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let attempt = self.attempts.fetch_add(1, Ordering::SeqCst);
        for (i, id) in [self.first, self.second].into_iter().enumerate() {
            sqlx::query("UPDATE thing SET amount = amount + 1 WHERE id = $1")
                .bind(id)
                .execute(&mut **tx)
                .await
                .or_fault()?;
            if attempt == 0 && i == 0 {
                self.barrier.wait().await;
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_deadlock_is_tried_again_and_both_succeed_once() {
    let t = database().await;
    sql(
        &t.db,
        &site("lake"),
        &["INSERT INTO thing VALUES ('lake', 1), ('lake', 2) RETURNING 'x'"],
    )
    .await
    .unwrap();
    let barrier = Barrier::new(2);
    let operation = |first, second| LockBoth {
        first,
        second,
        barrier: &barrier,
        attempts: AtomicU32::new(0),
    };
    let (one, two) = (operation(1, 2), operation(2, 1));
    let scope = site("lake");
    let (a, b) = tokio::join!(t.db.run(&scope, &one), t.db.run(&scope, &two));
    a.unwrap();
    b.unwrap();
    let attempts = one.attempts.load(Ordering::SeqCst) + two.attempts.load(Ordering::SeqCst);
    assert!(attempts >= 3, "no deadlock came up: {attempts}");
    let amounts = sql(
        &t.db,
        &scope,
        &["SELECT amount::text FROM thing ORDER BY id"],
    )
    .await
    .unwrap();
    assert_eq!(amounts, ["2", "2"]);
}

/// Kills its own connection at the first attempts.
struct KillSelf {
    admin: sqlx::PgPool,
    kills: u32,
    attempts: AtomicU32,
    /// Nothing is asked of it between the kill and the commit.
    at_the_commit: bool,
}

impl Operation for KillSelf {
    const NAME: &'static str = "test.kill_self";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let attempt = self.attempts.fetch_add(1, Ordering::SeqCst);
        sqlx::query("INSERT INTO thing VALUES ('lake', 1)")
            .execute(&mut **tx)
            .await
            .or_fault()?;
        if attempt < self.kills {
            let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
                .fetch_one(&mut **tx)
                .await
                .or_fault()?;
            sqlx::query("SELECT pg_terminate_backend($1, 5000)")
                .bind(pid)
                .execute(&self.admin)
                .await
                .or_fault()?;
            if !self.at_the_commit {
                let next = sqlx::query("SELECT 1").execute(&mut **tx);
                next.await.or_fault()?;
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn i1_of_a_connection_lost_at_the_commit_nobody_says_what_became_of_it() {
    let t = database().await;
    let operation = KillSelf {
        admin: t.admin.clone(),
        kills: 1,
        attempts: AtomicU32::new(0),
        at_the_commit: true,
    };
    let fault = t.db.run(&site("lake"), &operation).await.unwrap_err();
    assert!(fault.is_transient(), "{fault:?}");
    // It may have been done, so it is not done again.
    assert_eq!(operation.attempts.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_lost_before_the_commit_is_tried_again() {
    let t = database().await;
    let operation = KillSelf {
        admin: t.admin.clone(),
        kills: 2,
        attempts: AtomicU32::new(0),
        at_the_commit: false,
    };
    t.db.run(&site("lake"), &operation).await.unwrap();
    assert_eq!(operation.attempts.load(Ordering::SeqCst), 3);
    assert_eq!(
        sql(&t.db, &site("lake"), &["SELECT count(*)::text FROM thing"])
            .await
            .unwrap(),
        ["1"]
    );
}

#[tokio::test]
async fn attempts_are_bounded() {
    let t = database().await;
    let operation = KillSelf {
        admin: t.admin.clone(),
        kills: u32::MAX,
        attempts: AtomicU32::new(0),
        at_the_commit: false,
    };
    let fault = t.db.run(&site("lake"), &operation).await.unwrap_err();
    assert!(fault.is_transient(), "{fault:?}");
    assert_eq!(operation.attempts.load(Ordering::SeqCst), 6);
    assert_eq!(
        sql(&t.db, &site("lake"), &["SELECT count(*)::text FROM thing"])
            .await
            .unwrap(),
        ["0"]
    );
}

/// Fails a statement, says nothing of it and claims success.
struct SwallowError;

impl Operation for SwallowError {
    const NAME: &'static str = "test.swallow_error";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        sqlx::query("INSERT INTO thing VALUES ('lake', 1)")
            .execute(&mut **tx)
            .await
            .or_fault()?;
        let _ = sqlx::query("SELECT 1 / 0").execute(&mut **tx).await;
        Ok(())
    }
}

#[tokio::test]
async fn i1_a_transaction_that_failed_unnoticed_is_never_answered_ok() {
    let t = database().await;
    t.db.run(&site("lake"), &SwallowError).await.unwrap_err();
    assert_eq!(
        sql(&t.db, &site("lake"), &["SELECT count(*)::text FROM thing"])
            .await
            .unwrap(),
        ["0"]
    );
}

/// Writes, says that it did, and never ends.
struct Hang(tokio::sync::Notify);

impl Operation for Hang {
    const NAME: &'static str = "test.hang";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        sqlx::query("INSERT INTO thing VALUES ('lake', 1)")
            .execute(&mut **tx)
            .await
            .or_fault()?;
        self.0.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_behind() {
    let t = database().await;
    let hang = Hang(tokio::sync::Notify::new());
    let scope = site("lake");
    tokio::select! {
        _ = t.db.run(&scope, &hang) => panic!("it never ends"),
        () = hang.0.notified() => {}
    }
    eventually(Duration::from_secs(20), async || {
        // The lock of the abandoned insert is gone once this gets through.
        sql(
            &t.db,
            &scope,
            &[
                "SET LOCAL lock_timeout = '50ms'",
                "INSERT INTO thing VALUES ('lake', 1) RETURNING 'x'",
            ],
        )
        .await
    })
    .await;
}

/// Polls at most so often, then lets go. Says whether it came to its end before.
async fn let_go_after<T>(polls: u32, future: impl Future<Output = Result<T, Fault>>) -> bool {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(result) => {
                result.map(|_| ()).unwrap();
                Poll::Ready(true)
            }
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn i10_a_read_abandoned_at_any_step_spoils_no_later_write() {
    struct Read;
    impl Operation for Read {
        const NAME: &'static str = "test.read";
        type Output = ();
        async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
            sqlx::query("SELECT 1")
                .execute(&mut **tx)
                .await
                .or_fault()?;
            Ok(())
        }
    }
    let t = database().await;
    // Slow enough for each step to be waited for, and one connection, which all use in turn.
    let server = postgres().await.admin();
    let server = format!("{}:{}", server.get_host(), server.get_port());
    let proxy = FaultProxy::start(server.parse().unwrap()).await;
    proxy.delay(Duration::from_millis(3));
    let url = t.url("intake", Role::App);
    let options: PgConnectOptions = url.expose_secret().parse().unwrap();
    let options = options.host("127.0.0.1").port(proxy.address().port());
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options);
    let meter = opentelemetry::global::meter("test");
    let db = Database::from_pools(pool.clone(), pool, "intake", &meter);
    let scope = site("lake");
    let mut polls = 1;
    while !let_go_after(polls, db.read(&scope, &Read)).await {
        let insert = format!("INSERT INTO thing VALUES ('lake', {polls}) RETURNING 'x'");
        sql(&db, &scope, &[&insert])
            .await
            .unwrap_or_else(|fault| panic!("after {polls} polls: {fault:?}"));
        polls += 1;
    }
    assert!(polls > 4, "the read ended after {polls} polls");
}

/// A database whose pools lead to the same place, with so many connections at most and little patience.
fn narrow(options: PgConnectOptions, max: u32) -> (PgPool, Database) {
    let pool = PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(Duration::from_secs(2))
        .connect_lazy_with(options);
    let meter = opentelemetry::global::meter("test");
    let db = Database::from_pools(pool.clone(), pool.clone(), "intake", &meter);
    (pool, db)
}

#[tokio::test]
async fn where_no_connection_can_be_made_postgres_is_away_and_not_at_its_limit() {
    let t = database().await;
    let url = t.url("intake", Role::App);
    let right: PgConnectOptions = url.expose_secret().parse().unwrap();
    let nothing_listens = right.clone().host("127.0.0.1").port(1);
    for (why, options) in [
        ("nothing listens", nothing_listens),
        ("no such database", right.clone().database("nowhere")),
        ("no such role", right.clone().username("nobody_at_all")),
    ] {
        let (_, db) = narrow(options, 1);
        let fault = sql(&db, &site("lake"), &["SELECT 'x'"]).await.unwrap_err();
        assert_eq!(fault.reason(), "DEPENDENCY_UNAVAILABLE", "{why}: {fault:?}");
        assert!(redress_store::is_away(&fault), "{why}");
    }
}

/// As while Postgres goes and comes: one connection lives, another is wanted and cannot be made.
#[tokio::test]
async fn where_others_hold_fewer_connections_than_there_may_be_the_pool_is_not_at_its_limit() {
    let t = database().await;
    let url = t.url("intake", Role::App);
    let right: PgConnectOptions = url.expose_secret().parse().unwrap();
    let server = format!("{}:{}", right.get_host(), right.get_port());
    let proxy = FaultProxy::start(server.parse().unwrap()).await;
    let through = right.host("127.0.0.1").port(proxy.address().port());
    let (pool, db) = narrow(through, 2);
    while !db.is_reachable().await {}
    proxy.set(Mode::Refuse);
    // Nobody listens any more, and the one that lives is back from the question whether it works.
    eventually(Duration::from_secs(20), async || {
        TcpStream::connect(proxy.address()).await.is_err() && pool.num_idle() == 1
    })
    .await;
    let scope = site("lake");
    let waits = sql(&db, &scope, &["SELECT 'x'"]);
    tokio::pin!(waits);
    let fault = loop {
        // Others come and go on the one that lives, always one at a time.
        let other = async {
            sql(&db, &scope, &["SELECT pg_sleep(0.02)::text"])
                .await
                .unwrap();
        };
        tokio::select! {
            biased;
            () = other => {}
            refused = &mut waits => break refused.unwrap_err(),
        }
    };
    assert_eq!(fault.reason(), "DEPENDENCY_UNAVAILABLE", "{fault:?}");
}

#[tokio::test]
async fn where_others_hold_all_connections_the_pool_is_at_its_limit() {
    struct Wait<'a>(&'a Barrier, &'a Barrier);
    impl Operation for Wait<'_> {
        const NAME: &'static str = "test.wait";
        type Output = ();
        async fn run(&self, _: &mut Tx) -> Result<(), Fault> {
            self.0.wait().await;
            self.1.wait().await;
            Ok(())
        }
    }
    let t = database().await;
    let url = t.url("intake", Role::App);
    let (_, db) = narrow(url.expose_secret().parse().unwrap(), 1);
    // A connection may take its time on a busy machine.
    while !db.is_reachable().await {}
    let (has, may_end) = (Barrier::new(2), Barrier::new(2));
    let scope = site("lake");
    let holds = Wait(&has, &may_end);
    let refused = async {
        has.wait().await;
        let refused = sql(&db, &scope, &["SELECT 'x'"]).await;
        may_end.wait().await;
        refused
    };
    let refused = async { Ok(refused.await) };
    let ((), refused) = tokio::try_join!(db.run(&scope, &holds), refused).unwrap();
    assert_eq!(refused.unwrap_err().reason(), "LIMIT_REACHED");
}

#[tokio::test]
async fn a_connection_that_an_abandoned_call_has_not_given_back_is_held() {
    struct Sleep;
    impl Operation for Sleep {
        const NAME: &'static str = "test.sleep";
        type Output = ();
        async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
            let sleep = sqlx::query("SELECT pg_sleep(20)");
            sleep.execute(&mut **tx).await.unwrap();
            Ok(())
        }
    }
    let t = database().await;
    let url = t.url("intake", Role::App);
    let (_, db) = narrow(url.expose_secret().parse().unwrap(), 1);
    while !db.is_reachable().await {}
    let scope = site("lake");
    // Once Postgres has the statement, it answers the rollback after that.
    let begun = eventually(Duration::from_secs(20), async || {
        let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
        let sleeps: i64 = sqlx::query_scalar(sleeps)
            .fetch_one(&t.admin)
            .await
            .unwrap();
        sleeps == 1
    });
    tokio::select! {
        _ = db.run(&scope, &Sleep) => panic!("it sleeps"),
        () = begun => {}
    }
    let refused = sql(&db, &scope, &["SELECT 'x'"]).await.unwrap_err();
    assert_eq!(refused.reason(), "LIMIT_REACHED", "{refused:?}");
}

#[tokio::test]
async fn a_read_cannot_write() {
    struct Write;
    impl Operation for Write {
        const NAME: &'static str = "test.write";
        type Output = ();
        async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
            sqlx::query("INSERT INTO thing VALUES ('lake', 1)")
                .execute(&mut **tx)
                .await
                .or_fault()?;
            Ok(())
        }
    }
    let t = database().await;
    assert_eq!(
        t.db.read(&site("lake"), &Write).await.unwrap_err().reason(),
        "INTERNAL"
    );
}

#[tokio::test]
async fn constraints_are_matched_by_exact_name_and_values_never_leave() {
    struct Insert(i32);
    impl Operation for Insert {
        const NAME: &'static str = "test.insert";
        type Output = ();
        async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
            sqlx::query("INSERT INTO thing VALUES ('lake', 4711, $1)")
                .bind(self.0)
                .execute(&mut **tx)
                .await
                .or_constraint("thing_key", || Fault::exists("things/4711"))?;
            Ok(())
        }
    }
    let t = database().await;
    t.db.run(&site("lake"), &Insert(1)).await.unwrap();
    assert_eq!(
        t.db.run(&site("lake"), &Insert(1))
            .await
            .unwrap_err()
            .reason(),
        "ALREADY_EXISTS"
    );
    let fault = t.db.run(&site("lake"), &Insert(-5)).await.unwrap_err();
    let shown = format!("{fault:?} {fault}");
    assert_eq!(fault.reason(), "INTERNAL");
    assert!(
        shown.contains("thing_amount") && !shown.contains("4711") && !shown.contains("-5"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_change_that_finds_no_row_is_not_taken_for_done() {
    struct Raise;
    impl Operation for Raise {
        const NAME: &'static str = "test.raise";
        type Output = ();
        async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
            sqlx::query("UPDATE thing SET amount = amount + 1 WHERE id = 1")
                .execute(&mut **tx)
                .await
                .one_row("a thing was raised without its lock")
        }
    }
    let t = database().await;
    let fault = t.db.run(&site("lake"), &Raise).await.unwrap_err();
    assert_eq!(fault.reason(), "INTERNAL");
    let insert = "INSERT INTO thing VALUES ('lake', 1) RETURNING 'x'";
    sql(&t.db, &site("lake"), &[insert]).await.unwrap();
    t.db.run(&site("lake"), &Raise).await.unwrap();
}

#[tokio::test]
async fn a_worker_goes_on_until_a_batch_is_not_full() {
    struct Take(AtomicU32);
    impl Operation for Take {
        const NAME: &'static str = "test.take";
        type Output = u64;
        async fn run(&self, _: &mut Tx) -> Result<u64, Fault> {
            let left = self.0.load(Ordering::SeqCst);
            self.0.store(left.saturating_sub(2), Ordering::SeqCst);
            Ok(u64::from(left.min(2)))
        }
    }
    let t = database().await;
    for all in [0, 1, 4, 5] {
        let take = Take(AtomicU32::new(all));
        assert_eq!(t.db.work_off(&take, 2).await.unwrap(), u64::from(all));
    }
}

fn urgent_event() -> UrgentEvent {
    UrgentEvent {
        outbox_id: 7,
        event_type: "redress.case.received.v1",
        subject: "sites/lake/cases/1".to_owned(),
    }
}

#[tokio::test]
async fn only_a_commit_wakes_only_events_wake_the_relay_and_only_urgent_ones_hurry_it() {
    #[derive(Clone, Copy, PartialEq, PartialOrd)]
    enum Leaves {
        Work,
        Events,
        UrgentEvent,
    }
    struct Wake {
        commits: bool,
        leaves: Leaves,
    }
    impl Operation for Wake {
        const NAME: &'static str = "test.wake";
        type Output = ();
        async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
            match self.leaves {
                Leaves::Work => {}
                Leaves::Events => tx.wake_relay(),
                Leaves::UrgentEvent => tx.hurry_relay(urgent_event()),
            }
            // What is less takes nothing away.
            tx.wake();
            self.commits.then_some(()).ok_or(Fault::Deadline)
        }
    }
    let t = database().await;
    for leaves in [Leaves::Work, Leaves::Events, Leaves::UrgentEvent] {
        for commits in [false, true] {
            let heard = [t.db.wakes(), t.db.publications()];
            let mut urgent = t.db.urgent_events();
            let wake = Wake { commits, leaves };
            assert_eq!(t.db.run(&site("lake"), &wake).await.is_ok(), commits);
            let heard = heard.map(|h| h.has_changed().unwrap());
            assert_eq!(heard, [commits, commits && leaves >= Leaves::Events]);
            let is_urgent = commits && leaves >= Leaves::UrgentEvent;
            assert_eq!(urgent.try_recv().ok(), is_urgent.then(urgent_event));
        }
    }
}
