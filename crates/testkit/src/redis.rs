//! A Redis, or a Redis Cluster, of one test.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use redress_local::{Redis, RedisOptions};

/// A private Redis: flush, freeze, end and restart it at will. Ends with its last clone.
#[derive(Clone, Debug)]
pub struct TestRedis(Arc<Redis>);

impl Deref for TestRedis {
    type Target = Redis;
    fn deref(&self) -> &Redis {
        &self.0
    }
}

impl TestRedis {
    /// Ends and restarts it, empty, without blocking other tasks.
    ///
    /// # Panics
    /// When it does not start again.
    pub async fn renew(&self) {
        let server = self.clone();
        crate::blocking(move || server.restart())
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Ends it, so that connections are refused, without blocking other tasks.
    pub async fn end(&self) {
        let server = self.clone();
        crate::blocking(move || server.halt()).await;
    }
}

/// A Redis of this test alone, empty.
///
/// # Panics
/// When it cannot be started; the message says what to install.
pub async fn redis() -> TestRedis {
    crate::blocking(|| start(&RedisOptions::for_tests())).await
}

fn start(options: &RedisOptions) -> TestRedis {
    let server = Redis::start(&crate::home(), options).unwrap_or_else(|error| panic!("{error}"));
    TestRedis(Arc::new(server))
}

/// A Redis Cluster of three primaries that share the slots, with a replica each or none.
#[derive(Debug)]
pub struct TestRedisCluster {
    /// Its nodes, primaries first.
    pub nodes: Vec<TestRedis>,
}

/// How long a node of a cluster may be silent before its replica takes over: short, so that tests need not wait.
const NODE_TIMEOUT_MILLIS: &str = "1000";
const TOGETHER_LIMIT: Duration = Duration::from_secs(40);

impl TestRedisCluster {
    /// How clients reach its nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.url()).collect()
    }

    /// Ends a primary and waits until its replica has taken over.
    ///
    /// # Panics
    /// When none takes over.
    pub async fn fail_over(&self, primary: usize) {
        let replica = &self.nodes[primary + PRIMARIES];
        self.nodes[primary].end().await;
        crate::eventually(TOGETHER_LIMIT, async || {
            ask(replica, &["INFO", "replication"]).contains("role:master") && is_together(replica)
        })
        .await;
    }
}

const PRIMARIES: usize = 3;

/// A Redis Cluster of this test alone, of three primaries, empty and ready.
///
/// # Panics
/// When it cannot be started or does not come together.
pub async fn redis_cluster() -> TestRedisCluster {
    cluster_of(PRIMARIES).await
}

/// The same with a replica of each primary: node 3 of node 0, and so on.
///
/// # Panics
/// When it cannot be started or does not come together.
pub async fn redis_cluster_with_replicas() -> TestRedisCluster {
    let cluster = cluster_of(2 * PRIMARIES).await;
    let (primaries, replicas) = cluster.nodes.split_at(PRIMARIES);
    for (primary, replica) in primaries.iter().zip(replicas) {
        let id = ask(primary, &["CLUSTER", "MYID"]);
        // A node learns of others by and by.
        crate::eventually(TOGETHER_LIMIT, async || {
            replica.ask(&["CLUSTER", "REPLICATE", &id]).is_ok()
        })
        .await;
    }
    crate::eventually(TOGETHER_LIMIT, async || {
        primaries.iter().all(|primary| {
            let info = ask(primary, &["INFO", "replication"]);
            info.contains("connected_slaves:1") && info.contains("state=online")
        })
    })
    .await;
    // Every node has to know who replicates whom before one may fail.
    crate::eventually(TOGETHER_LIMIT, async || {
        cluster.nodes.iter().all(|node| {
            let nodes = ask(node, &["CLUSTER", "NODES"]);
            nodes.matches(" slave ").count() + nodes.matches("myself,slave ").count() == PRIMARIES
        })
    })
    .await;
    cluster
}

async fn cluster_of(count: usize) -> TestRedisCluster {
    let nodes: Vec<TestRedis> = crate::blocking(move || {
        let password = uuid::Uuid::new_v4().simple().to_string();
        let options = RedisOptions {
            cluster: true,
            password: Some(password),
            ..RedisOptions::for_tests()
        };
        (0..count).map(|_| start(&options)).collect()
    })
    .await;
    let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
    for (node, (first, last)) in nodes.iter().zip(slots) {
        ask(node, &["CLUSTER", "ADDSLOTSRANGE", first, last]);
    }
    for (node, epoch) in nodes.iter().zip(1..) {
        ask(node, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch.to_string()]);
        if count > PRIMARIES {
            ask(
                node,
                &["CONFIG", "SET", "cluster-node-timeout", NODE_TIMEOUT_MILLIS],
            );
        }
    }
    for node in &nodes[1..] {
        let bus_port = node.bus_port().expect("a cluster's node has one");
        ask(
            &nodes[0],
            &[
                "CLUSTER",
                "MEET",
                "127.0.0.1",
                &node.port().to_string(),
                &bus_port.to_string(),
            ],
        );
    }
    crate::eventually(TOGETHER_LIMIT, async || nodes.iter().all(is_together)).await;
    TestRedisCluster { nodes }
}

fn is_together(node: &TestRedis) -> bool {
    let info = ask(node, &["CLUSTER", "INFO"]);
    info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
}

fn ask(node: &TestRedis, command: &[&str]) -> String {
    node.ask(command)
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}
