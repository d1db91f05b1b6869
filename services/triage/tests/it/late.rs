//! Clocks that fire late leave a receipt, which an operator can read for 30 days.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::clock_service_server::ClockService as _;
use redress_store::{Operation, Scope, StoreResultExt as _, Tx};
use redress_testkit::eventually;
use redress_timers::{Cause, Entry, Fired, Receipt, Truth as _};
use redress_triage::jobs::ClockTruth;
use redress_triage::store::late;
use tokio_util::sync::CancellationToken;

use crate::world::{World, by, site, time};

/// Causes of the late firings that the scope may read.
struct Causes;

impl Operation for Causes {
    const NAME: &'static str = "test.causes";
    type Output = Vec<String>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<String>, redress_model::Fault> {
        sqlx::query_scalar("SELECT cause FROM late_firing")
            .fetch_all(&mut **tx)
            .await
            .or_fault()
    }
}

#[tokio::test]
async fn i4_i8_a_clock_that_fired_late_leaves_a_receipt_with_its_cause_to_its_site_alone() {
    let w = World::new().await;
    let case = w.case().await;
    // Nothing ran for two days, in which acknowledgement and answer were due.
    w.clock.advance(SignedDuration::from_hours(48));
    let shutdown = CancellationToken::new();
    let (timers, token) = (w.timers.clone(), shutdown.clone());
    // It ran since before they were due, without an index.
    let running = tokio::spawn(async move { timers.run(token).await });
    let db = &w.database.db;
    let own = Scope::site(w.site.clone());
    let causes = eventually(Duration::from_secs(30), async || {
        let causes = db.read(&own, &Causes).await.expect("read");
        (!causes.is_empty()).then_some(causes)
    })
    .await;
    assert!(
        causes.iter().all(|cause| cause == "REDIS_AWAY"),
        "{causes:?}"
    );
    // A person reads it with the clock that it is about, and narrows it.
    let list = async |parent: &str, min: i64, size| {
        let request = wire::ListLateFiringsRequest {
            parent: parent.to_owned(),
            page_size: size,
            min_lag: Some(prost_types::Duration {
                seconds: min,
                nanos: 0,
            }),
            causes: vec![wire::LateCause::RedisAway.into()],
            ..Default::default()
        };
        let asked = w.rpc.list_late_firings(by(w.manager(), request));
        asked.await.expect("listed").into_inner()
    };
    let all = list("sites/lakeside", 0, 0).await.late_firings;
    let one = &all[0];
    assert_eq!(one.case, case.to_string());
    assert_eq!(one.cause, i32::from(wire::LateCause::RedisAway));
    let lag = time(&one.fire_time).duration_since(time(&one.due_time));
    assert_eq!(one.lag.as_ref().expect("a lag").seconds, lag.as_secs());
    assert!(lag >= SignedDuration::from_hours(1));
    assert!(w.clocks(&case).await.values().any(|c| c.name == one.clock));
    let first = list("sites/-", 0, 1).await;
    assert_eq!(first.late_firings.len(), 1);
    assert!(all.len() > 1 && !first.next_page_token.is_empty());
    let month = 30 * 24 * 3600;
    assert!(
        list("sites/lakeside", month, 0)
            .await
            .late_firings
            .is_empty()
    );
    let other = Scope::site(site("hillside"));
    assert!(db.read(&other, &Causes).await.expect("read").is_empty());
    shutdown.cancel();
    running.await.expect("ends in order");

    let month = late::RETENTION;
    assert_eq!(late::purge(db, w.now() + month).await.expect("kept"), 0);
    let later = w.now() + month + SignedDuration::from_secs(1);
    assert!(late::purge(db, later).await.expect("purged") > 0);
    assert!(db.read(&own, &Causes).await.expect("read").is_empty());
}

/// What breaks one step of a firing, and what mends it: its event, its receipt, its commit.
const STEPS: [(&str, &str); 3] = [
    (
        "REVOKE INSERT ON triage.outbox FROM redress_triage_app",
        "GRANT INSERT ON triage.outbox TO redress_triage_app",
    ),
    (
        "REVOKE INSERT ON triage.late_firing FROM redress_triage_app",
        "GRANT INSERT ON triage.late_firing TO redress_triage_app",
    ),
    (
        "CREATE FUNCTION triage.broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
         CREATE CONSTRAINT TRIGGER broken AFTER UPDATE ON triage.clock DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION triage.broken()",
        "DROP TRIGGER broken ON triage.clock",
    ),
];

#[tokio::test]
async fn i2_i4_a_late_firing_and_its_receipt_are_committed_together_once_or_not_at_all() {
    let w = World::new().await;
    w.case().await;
    w.clock.advance(SignedDuration::from_hours(48));
    let now = w.now();
    let truth = ClockTruth::new(w.database.db.clone(), Arc::default());
    // The oldest: what warns of the first promises.
    let due = truth.due(None, now, 2).await.expect("read");
    assert_eq!(due.len(), 2);
    let receipts = |cause| -> Vec<Receipt> {
        let of = |entry: &Entry| Receipt {
            entry: *entry,
            fired: now,
            cause,
        };
        due.iter().map(of).collect()
    };
    let late = receipts(Cause::WorkerLost);
    let (db, admin) = (&w.database.db, &w.database.admin);
    let own = Scope::site(w.site.clone());
    for (breaks, mends) in STEPS {
        sqlx::raw_sql(breaks).execute(admin).await.expect("broken");
        let alone = truth.fire(&due[0], &late, now).await;
        assert!(alone.is_err(), "{breaks}: {alone:?}");
        let together = truth.fire_many(&due, &late, now).await;
        let together = together.unwrap_or_default();
        assert!(together.iter().all(Option::is_none), "{breaks}");
        sqlx::raw_sql(mends).execute(admin).await.expect("mended");
        let causes = db.read(&own, &Causes).await.expect("read");
        assert!(causes.is_empty(), "{breaks}: {causes:?}");
        assert_eq!(truth.due(None, now, 2).await.expect("read"), due);
    }
    // Whoever fires them, together or alone, is killed right after: the receipts are there.
    let together = truth.fire_many(&due[..1], &late, now).await;
    let together = together.expect("fired").remove(0).expect("answered");
    let alone = truth.fire(&due[1], &late, now).await.expect("fired");
    assert!(together.took_effect() && alone.took_effect());
    let lost = vec!["WORKER_LOST".to_owned(); 2];
    assert_eq!(db.read(&own, &Causes).await.expect("read"), lost);
    // Fired again they take no effect, and nothing is kept of that.
    let failed = receipts(Cause::Failed);
    let again = truth.fire_many(&due, &failed, now).await.expect("fired");
    assert_eq!(again, vec![Some(Fired::Stale); 2]);
    assert_eq!(db.read(&own, &Causes).await.expect("read"), lost);
}
