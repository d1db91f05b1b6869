//! Clocks of incidents that fire late leave a receipt, which an operator can read for 30 days.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use redress_crisis::store::late;
use redress_model::words::ClockKind;
use redress_proto::convert::{from_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::incident_service_server::IncidentService;
use redress_proto::triage::v1::LateCause;
use redress_testkit::eventually;
use redress_timers::{Cause, Entry, Fired, Overdue, Receipt, Truth};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use crate::world::*;

const MONTH: i64 = 30 * 24 * 3600;

/// An open incident of the site "lake", of which nobody looked at the clocks for ten hours.
async fn neglected() -> (World, wire::Incident) {
    let world = World::new().await;
    world
        .take([
            site_changed("lake"),
            site_changed("river"),
            duty_changed("lake", FULL, 1),
        ])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.1"]).event()])
        .await;
    let incident = world.the_open("lake").await;
    world.advance(600);
    (world, incident)
}

fn any() -> wire::ListLateFiringsRequest {
    wire::ListLateFiringsRequest {
        parent: "sites/-".into(),
        ..Default::default()
    }
}

async fn list(
    world: &World,
    request: wire::ListLateFiringsRequest,
    site: &str,
) -> Result<wire::ListLateFiringsResponse, Status> {
    let asked = world.api.list_late_firings(as_caller(request, &[site]));
    Ok(asked.await?.into_inner())
}

async fn listed(world: &World, request: wire::ListLateFiringsRequest) -> Vec<wire::LateFiring> {
    list(world, request, "lake")
        .await
        .expect("listed")
        .late_firings
}

/// Lets the timers run until the first change of a clock has its receipt.
async fn run_until_told(world: &World, clock: &wire::IncidentClock) -> wire::LateFiring {
    let shutdown = CancellationToken::new();
    let (timers, token) = (world.api.timers.clone(), shutdown.clone());
    let running = tokio::spawn(async move { timers.run(token).await });
    let found = eventually(Duration::from_secs(30), async || {
        let all = listed(world, any()).await;
        all.into_iter()
            .find(|l| l.clock == clock.name && l.due_time == clock.next_time)
    })
    .await;
    shutdown.cancel();
    running.await.expect("ends in order");
    found
}

#[tokio::test]
async fn i4_i8_a_clock_of_an_incident_that_fired_late_leaves_a_receipt_to_its_site_alone() {
    let (world, incident) = neglected().await;
    let statement = clock(&incident, ClockKind::HoldingStatement);
    let one = run_until_told(&world, &statement).await;
    assert_eq!(one.incident, incident.name);
    assert_eq!(one.incident_number, incident.number);
    assert_eq!(one.kind, to_wire(ClockKind::HoldingStatement));
    // Its warning was due 45 minutes after the opening; there is no Redis.
    let at = |t: &Option<prost_types::Timestamp>| {
        from_timestamp("time", t.as_ref().expect("set")).expect("an instant")
    };
    assert_eq!(at(&one.fire_time), world.now());
    let lag = world.now().duration_since(at(&one.due_time));
    assert_eq!(lag, SignedDuration::from_mins(600 - 45));
    assert_eq!(one.lag.as_ref().expect("set").seconds, lag.as_secs());
    assert_eq!(one.cause(), LateCause::RedisAway);

    // Narrowed, and page by page.
    let all = listed(&world, any()).await;
    let parent = wire::ListLateFiringsRequest {
        parent: "sites/lake".into(),
        causes: vec![LateCause::RedisAway.into()],
        ..any()
    };
    assert_eq!(listed(&world, parent).await, all);
    let backlog = wire::ListLateFiringsRequest {
        causes: vec![LateCause::Backlog.into()],
        ..any()
    };
    assert!(listed(&world, backlog).await.is_empty());
    let later = wire::ListLateFiringsRequest {
        min_lag: Some(prost_types::Duration {
            seconds: MONTH,
            nanos: 0,
        }),
        ..any()
    };
    assert!(listed(&world, later).await.is_empty());
    let mut paged = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = wire::ListLateFiringsRequest {
            page_size: 1,
            page_token,
            ..any()
        };
        let page = list(&world, request, "lake").await.expect("listed");
        paged.extend(page.late_firings);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert!(paged.len() > 1);
    assert_eq!(paged, all);

    // Nobody else's, by name or among all.
    let foreign = list(&world, any(), "river").await.expect("listed");
    assert!(foreign.late_firings.is_empty(), "{foreign:?}");
    for caller in ["river", "organization"] {
        let request = wire::ListLateFiringsRequest {
            parent: "sites/lake".into(),
            ..any()
        };
        let asked = crate::api::ask(caller, request);
        let refused = world.api.list_late_firings(asked).await;
        let code = refused.map(|_| ()).expect_err("refused").code();
        assert_eq!(code, Code::NotFound, "{caller}");
    }

    // 30 days.
    let month = late::RETENTION;
    let kept = late::purge(&world.db, world.now() + month).await;
    assert_eq!(kept.expect("postgres"), 0);
    let second = SignedDuration::from_secs(1);
    let purged = late::purge(&world.db, world.now() + month + second).await;
    assert_eq!(purged.expect("postgres"), all.len() as u64);
    assert!(listed(&world, any()).await.is_empty());
}

/// What breaks one step of a firing, and what mends it: its event, its receipt, its commit.
const STEPS: [(&str, &str); 3] = [
    (
        "REVOKE INSERT ON crisis.outbox FROM redress_crisis_app",
        "GRANT INSERT ON crisis.outbox TO redress_crisis_app",
    ),
    (
        "REVOKE INSERT ON crisis.late_firing FROM redress_crisis_app",
        "GRANT INSERT ON crisis.late_firing TO redress_crisis_app",
    ),
    (
        "CREATE FUNCTION crisis.broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
         CREATE CONSTRAINT TRIGGER broken AFTER UPDATE ON crisis.incident_clock DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION crisis.broken()",
        "DROP TRIGGER broken ON crisis.incident_clock",
    ),
];

#[tokio::test]
async fn i2_i4_a_late_firing_and_its_receipt_are_committed_together_once_or_not_at_all() {
    let (world, _) = neglected().await;
    let truth = world.truth();
    let now = world.now();
    let due = truth.due(None, now, 100).await.expect("postgres");
    assert!(due.len() > 2, "several are due: {due:?}");
    let receipts = |cause| -> Vec<Receipt> {
        let of = |entry: &Entry| Receipt {
            entry: *entry,
            fired: now,
            cause,
        };
        due.iter().map(of).collect()
    };
    let late = receipts(Cause::WorkerLost);
    let admin = &world.database.admin;
    for (breaks, mends) in STEPS {
        sqlx::raw_sql(breaks).execute(admin).await.expect("broken");
        let alone = truth.fire(&due[0], &late, now).await;
        assert!(alone.is_err(), "{breaks}: {alone:?}");
        let together = truth.fire_many(&due, &late, now).await;
        let together = together.unwrap_or_default();
        assert!(together.iter().all(Option::is_none), "{breaks}");
        sqlx::raw_sql(mends).execute(admin).await.expect("mended");
        assert!(listed(&world, any()).await.is_empty(), "{breaks}");
        assert_eq!(truth.due(None, now, 100).await.expect("postgres"), due);
    }
    // Whoever fires them is killed right after: the receipts are there.
    let fired = truth.fire_many(&due, &late, now).await.expect("postgres");
    let kept = Receipt::of_effects(&late, due.iter().zip(fired.iter().flatten()));
    let all = listed(&world, any()).await;
    assert!(kept.len() > 2 && all.len() == kept.len(), "{all:?}");
    assert!(all.iter().all(|l| l.cause() == LateCause::WorkerLost));
    // Fired again they take no effect, and nothing is kept of that.
    let failed = receipts(Cause::Failed);
    let again = truth.fire_many(&due, &failed, now).await.expect("postgres");
    assert_eq!(again, vec![Some(Fired::Stale); due.len()]);
    assert_eq!(listed(&world, any()).await, all);
}

#[tokio::test]
async fn whoever_is_complained_about_is_shown_no_late_clock_of_the_incident() {
    let (world, incident) = neglected().await;
    run_until_told(&world, &clock(&incident, ClockKind::HoldingStatement)).await;
    world
        .take([complains_about(&case("lake", 1), "voice", 1)])
        .await;
    for (person, sees) in [("voice", false), ("top", true)] {
        let asked = as_staff(any(), "lake", person);
        let answer = world.api.list_late_firings(asked).await.expect("listed");
        let late = answer.into_inner().late_firings;
        assert_eq!(!late.is_empty(), sees, "{person}");
    }
}

#[tokio::test]
async fn i4_what_is_overdue_is_counted_whole_by_how_late_it_is_whatever_one_scan_takes() {
    let (world, _) = neglected().await;
    let truth = world.truth();
    let due = truth.due(None, world.now(), 100).await.expect("postgres");
    assert!(due.len() > 2, "several are due: {due:?}");
    let scanned = truth.due(None, world.now(), 2).await.expect("postgres");
    assert_eq!(scanned.len(), 2);
    let all = truth.overdue(None, world.now()).await.expect("postgres");
    assert_eq!(all.counts.iter().sum::<u64>(), due.len() as u64);
    let oldest = due.iter().map(|e| e.due).min().expect("some are due");
    assert_eq!(all.oldest, Some(oldest));
    let before = oldest - SignedDuration::from_millis(1);
    let none = truth.overdue(None, before).await;
    assert_eq!(none.expect("postgres"), Overdue::default());
    // At every bound, and just before it.
    let mut classes = BTreeSet::new();
    for millis in [
        0, 999, 1_000, 9_999, 10_000, 59_999, 60_000, 599_999, 600_000,
    ] {
        let now = oldest + SignedDuration::from_millis(millis);
        let mut counts = [0; 5];
        for entry in due.iter().filter(|e| e.due <= now) {
            let late = now.duration_since(entry.due).unsigned_abs();
            let class = Overdue::BOUNDS.iter().filter(|b| late >= **b).count();
            counts[class] += 1;
            classes.insert(class);
        }
        let expected = Overdue {
            counts,
            oldest: Some(oldest),
        };
        let seen = truth.overdue(None, now).await.expect("postgres");
        assert_eq!(seen, expected, "{millis} ms");
    }
    assert_eq!(classes.len(), 5, "each class was filled");
}
