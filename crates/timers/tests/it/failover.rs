//! A primary of a real Redis Cluster is lost and its replica takes over, with less than the primary knew.

use std::time::Duration;

use redress_testkit::{eventually, redis_cluster_with_replicas};
use redress_timers::{Entry, Redis};
use uuid::Uuid;

use crate::rows::{Behaviour, Handler, Replica, Rows, quick};

const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn i4_p17_a_failover_in_a_cluster_of_three_primaries_and_three_replicas_loses_and_doubles_nothing()
 {
    let rows = Rows::new().await;
    let servers = redis_cluster_with_replicas().await;
    let connect = || -> Option<Redis> {
        let client = redis::cluster::ClusterClient::new(servers.urls()).expect("urls");
        Some(client.into())
    };
    let behaviour = Behaviour {
        before_commit: Duration::from_millis(10),
        batch_max: 20,
        ..Behaviour::default()
    };
    let handler = Handler::new(&rows, behaviour);
    let replicas = [(); 2].map(|()| Replica::start(connect(), &handler, quick()));
    for replica in &replicas {
        eventually(SOON, async || replica.timers.is_index_ready()).await;
    }
    let mut entries = Vec::new();
    // Some come due before, most while nobody answers for a third of the shards, the rest after.
    for number in 0..600 {
        let due = rows.in_millis(500 + number * 25);
        let entry = Entry::new(Uuid::now_v7(), 1, due).first(number % 9 == 0);
        entries.push(rows.arm(entry).await);
    }
    replicas[0].timers.schedule_many(&entries).await;
    let periodic = rows.arm_periodic(400, Duration::from_millis(700)).await;
    replicas[1].timers.schedule(periodic);
    eventually(SOON, async || rows.count().await > 30).await;
    servers.fail_over(1).await;
    // Armed right after it, and left to the auditor.
    for _ in 0..20 {
        entries.push(rows.arm_in(100).await);
    }
    eventually(SOON, async || {
        replicas
            .iter()
            .all(|replica| replica.timers.is_index_ready())
    })
    .await;
    eventually(SOON, async || {
        let effects = rows.effects().await;
        let once = effects.iter().filter(|effect| effect.id != periodic.id);
        once.count() == entries.len()
    })
    .await;
    rows.disarm(periodic.id).await;
    for replica in replicas {
        replica.stop().await;
    }
    // Each period in turn: none left out, none doubled.
    let effects = rows.effects().await;
    let periods: Vec<Entry> = effects
        .iter()
        .filter(|effect| effect.id == periodic.id)
        .zip(1..)
        .map(|(effect, generation)| {
            assert_eq!(effect.generation, generation);
            Entry::new(effect.id, generation, effect.due())
        })
        .collect();
    assert!(periods.len() > 3, "{} periods", periods.len());
    entries.extend(periods);
    rows.assert_each_once_and_none_early(&entries).await;
}
