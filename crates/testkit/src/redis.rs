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

/// A Redis Cluster of three primaries that share the slots.
#[derive(Debug)]
pub struct TestRedisCluster {
    /// Its nodes.
    pub nodes: Vec<TestRedis>,
}

impl TestRedisCluster {
    /// How clients reach its nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.url()).collect()
    }
}

/// A Redis Cluster of this test alone, empty and ready.
///
/// # Panics
/// When it cannot be started or does not come together.
pub async fn redis_cluster() -> TestRedisCluster {
    let nodes: Vec<TestRedis> = crate::blocking(|| {
        let password = uuid::Uuid::new_v4().simple().to_string();
        let options = RedisOptions {
            cluster: true,
            password: Some(password),
            ..RedisOptions::for_tests()
        };
        (0..3).map(|_| start(&options)).collect()
    })
    .await;
    let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
    for (node, (first, last)) in nodes.iter().zip(slots) {
        ask(node, &["CLUSTER", "ADDSLOTSRANGE", first, last]);
    }
    for (node, epoch) in nodes.iter().zip(["1", "2", "3"]) {
        ask(node, &["CLUSTER", "SET-CONFIG-EPOCH", epoch]);
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
    crate::eventually(Duration::from_secs(20), async || {
        nodes.iter().all(|node| {
            let info = ask(node, &["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
        })
    })
    .await;
    TestRedisCluster { nodes }
}

fn ask(node: &TestRedis, command: &[&str]) -> String {
    node.ask(command)
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}
