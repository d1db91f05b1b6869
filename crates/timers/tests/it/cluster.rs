//! The same over a Redis Cluster of three primaries: every script touches the keys of one slot alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redress_testkit::{eventually, redis_cluster};
use redress_timers::{Entry, Redis, Settings};
use uuid::Uuid;

use crate::rows::{Behaviour, Handler, Replica, Rows, quick};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_redis_cluster_carries_claims_failures_periods_repairs_and_rebuilds() {
    let rows = Rows::new().await;
    let servers = redis_cluster().await;
    let connect = || -> Option<Redis> {
        Some(
            redis::cluster::ClusterClient::new(servers.urls())
                .expect("urls")
                .into(),
        )
    };
    let behaviour = Behaviour {
        before_commit: Duration::from_millis(30),
        failures: AtomicUsize::new(10),
        ..Behaviour::default()
    };
    let handler = Handler::new(&rows, behaviour);
    // A lease so short that it has to be renewed for each entry.
    let settings = Settings {
        lease: Duration::from_millis(60),
        ..quick()
    };
    let replicas = [(); 2].map(|()| Replica::start(connect(), &handler, settings));
    for replica in &replicas {
        eventually(SOON, async || replica.timers.is_index_ready()).await;
    }
    let mut entries = Vec::new();
    for number in 0..200 {
        let entry =
            Entry::new(Uuid::now_v7(), 1, rows.in_millis(300 + number * 10)).first(number % 7 == 0);
        entries.push(rows.arm(entry).await);
        // Every tenth is left to the auditor.
        if number % 10 != 0 {
            replicas[number as usize % 2].timers.schedule(entry);
        }
    }
    let cancelled = rows.arm_in(1000).await;
    rows.disarm(cancelled.id).await;
    replicas[0].timers.schedule(cancelled);
    replicas[0]
        .timers
        .cancel(cancelled.id, cancelled.generation);
    let periodic = rows.arm_periodic(300, Duration::from_secs(3600)).await;
    replicas[1].timers.schedule(periodic);
    entries.push(periodic);
    for node in &servers.nodes {
        node.flush().expect("is flushed");
    }
    eventually(SOON, async || rows.count().await == entries.len()).await;
    rows.assert_each_once_and_none_early(&entries).await;
    eventually(SOON, async || {
        replicas
            .iter()
            .all(|replica| replica.timers.is_index_ready())
    })
    .await;
    assert!(
        handler.calls.load(Ordering::SeqCst) >= entries.len() + 10,
        "failures were tried again"
    );
}
