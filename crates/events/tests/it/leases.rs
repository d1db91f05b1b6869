//! Replicas share the partitions, and a lost lease does no harm.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redress_events::{Pace, Peer};
use redress_proto::event::v1::{DeliverRequest, DeliverResponse};
use redress_testkit::eventually;
use tonic::Status;

use crate::world::{SOON, Wire, World, pace};

/// Counts what one replica delivers.
struct Counted(Arc<Wire>, AtomicU64);

#[async_trait::async_trait]
impl Peer for Counted {
    async fn deliver(&self, request: DeliverRequest) -> Result<DeliverResponse, Status> {
        self.1
            .fetch_add(request.events.len() as u64, Ordering::SeqCst);
        self.0.deliver(request).await
    }
}

const HOLDERS: &str = "SELECT count(DISTINCT lease_token) FROM intake.outbox_cursor WHERE lease_until > clock_timestamp()";
const LARGEST_SHARE: &str =
    "SELECT max(n)::bigint FROM (SELECT count(*) AS n FROM intake.outbox_cursor
    WHERE lease_token IS NOT NULL GROUP BY lease_token) AS shares";

#[tokio::test]
async fn two_relays_share_the_work_and_nothing_takes_effect_twice() {
    let w = World::new().await;
    let counted = || Arc::new(Counted(w.wire.clone(), AtomicU64::new(0)));
    let (a, b) = (counted(), counted());
    // No lease ends in here: whoever lost one would rightly deliver again.
    let patient = || Pace {
        lease: SOON,
        ..pace()
    };
    let one = w.relay_through(a.clone(), patient());
    let two = w.relay_through(b.clone(), patient());
    eventually(SOON, async || {
        w.count(HOLDERS).await == 2 && w.count(LARGEST_SHARE).await == 4
    })
    .await;
    for i in 0..200 {
        w.say(&format!("sites/lake/cases/{}", i % 40), i).await;
    }
    eventually(SOON, async || {
        w.count("SELECT count(*) FROM triage.log").await == 200
    })
    .await;
    one.stop().await;
    two.stop().await;
    let shares = (a.1.load(Ordering::SeqCst), b.1.load(Ordering::SeqCst));
    assert!(
        shares.0 > 20 && shares.1 > 20 && shares.0 + shares.1 == 200,
        "{shares:?}"
    );
    assert_eq!(w.count("SELECT count(*) FROM triage.log").await, 200);
}

#[tokio::test]
async fn a_replica_that_dies_is_replaced_when_its_lease_ends() {
    let w = World::new().await;
    let one = w.relay(pace());
    eventually(SOON, async || w.count(HOLDERS).await == 1).await;
    one.kill().await;
    w.say("a", 1).await;
    let two = w.relay(pace());
    w.hears("a", &[1]).await;
    two.stop().await;
}

#[tokio::test]
async fn a_replica_that_stops_hands_its_partitions_over_at_once() {
    let w = World::new().await;
    let one = w.relay(pace());
    eventually(SOON, async || w.count(HOLDERS).await == 1).await;
    one.stop().await;
    assert_eq!(
        w.count("SELECT count(*) FROM intake.outbox_cursor WHERE lease_token IS NOT NULL")
            .await,
        0
    );
    assert_eq!(w.count("SELECT count(*) FROM intake.outbox_relay").await, 0);
}

#[tokio::test]
async fn a_replica_whose_lease_was_taken_writes_no_position_any_more() {
    let w = World::new().await;
    w.say("a", 1).await;
    w.wire.gate.send_replace(true);
    let relay = w.relay(pace());
    w.hears("a", &[1]).await;
    // While it waits for the answer, another replica has taken over and stands elsewhere.
    sqlx::raw_sql(
        "UPDATE intake.outbox_cursor SET lease_token = gen_random_uuid(), lease_until = clock_timestamp() + interval '1 hour',
           low_stamp = '7', high_stamp = '9', last_id = 42",
    )
    .execute(&w.t.admin)
    .await
    .unwrap();
    w.wire.gate.send_replace(false);
    relay.stop().await;
    let untouched = "SELECT count(*) FROM intake.outbox_cursor WHERE low_stamp = '7' AND high_stamp = '9' AND last_id = 42
        AND lease_token IS NOT NULL";
    assert_eq!(w.count(untouched).await, 8);
}

#[tokio::test]
async fn p19_a_lease_is_renewed_while_a_slow_receiver_works() {
    let w = World::new().await;
    w.say("a", 1).await;
    w.wire.gate.send_replace(true);
    let lease = Duration::from_secs(6);
    let patient = || Pace { lease, ..pace() };
    let one = w.relay(patient());
    w.hears("a", &[1]).await;
    let requests = w.wire.requests.load(Ordering::SeqCst);
    // A second replica stands ready for longer than a lease, and gets its share but not this partition.
    let two = w.relay(patient());
    let expired = "SELECT count(*) FROM intake.outbox_cursor WHERE lease_until < clock_timestamp()";
    let started = std::time::Instant::now();
    eventually(SOON, async || {
        assert_eq!(w.count(expired).await, 0);
        started.elapsed() > lease * 3 / 2
    })
    .await;
    assert_eq!(
        w.wire.requests.load(Ordering::SeqCst),
        requests,
        "nobody else delivered it"
    );
    w.wire.gate.send_replace(false);
    one.stop().await;
    two.stop().await;
    assert_eq!(w.heard("a").await, [1]);
}
