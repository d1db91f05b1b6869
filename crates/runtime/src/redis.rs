//! Redis as configured: one server, or a cluster. Nothing connects here; whoever uses it does, and must
//! get along without it.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use redis::cluster::ClusterClient;
use redis::{Client, InfoDict, RedisError};
use tokio_util::sync::CancellationToken;

/// How often an operator's figures of Redis are read.
const PERIOD: Duration = Duration::from_secs(15);
/// A node that does not answer for so long is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where Redis is.
#[derive(Clone)]
pub struct Redis {
    /// As configured; one at least.
    nodes: Vec<Client>,
    cluster: Option<ClusterClient>,
}

/// A Redis URL that is none.
#[derive(Debug, thiserror::Error)]
#[error("redis.url is not redis://host:port, or several separated by commas; correct it")]
pub struct RedisUrlError(#[from] redis::RedisError);

impl Redis {
    /// The client for these URLs: none, one server, or several nodes of a cluster.
    ///
    /// # Errors
    /// When a URL is wrong.
    pub fn open(urls: &[String]) -> Result<Option<Self>, RedisUrlError> {
        if urls.is_empty() {
            return Ok(None);
        }
        let cluster = if urls.len() > 1 {
            Some(ClusterClient::new(urls.to_vec())?)
        } else {
            None
        };
        let nodes = urls.iter().map(|url| Client::open(url.as_str()));
        Ok(Some(Self {
            nodes: nodes.collect::<Result<_, RedisError>>()?,
            cluster,
        }))
    }

    /// Any node: what is published there reaches the whole cluster.
    pub fn node(&self) -> Client {
        self.nodes[0].clone()
    }

    /// The client of the server or of the cluster, as whatever takes both (the timers' index).
    pub fn client<T: From<Client> + From<ClusterClient>>(&self) -> T {
        match &self.cluster {
            Some(cluster) => cluster.clone().into(),
            None => self.node().into(),
        }
    }

    /// Shows how full each configured node is and whether it answers, until shutdown. A node goes by its place
    /// in the configuration: addresses would be labels without bound.
    pub(crate) async fn watch(self, meter: Meter, shutdown: CancellationToken) {
        let up = meter
            .i64_gauge("redress.redis.up")
            .with_unit("1")
            .with_description("1 while a node of Redis answers, else 0.")
            .build();
        let used = meter
            .u64_gauge("redress.redis.memory.used")
            .with_unit("By")
            .with_description("Memory that a node of Redis holds.")
            .build();
        let limit = meter
            .u64_gauge("redress.redis.memory.limit")
            .with_unit("By")
            .with_description(
                "Memory that a node of Redis may hold (maxmemory); 0 where it sets no limit.",
            )
            .build();
        let clients = meter
            .u64_gauge("redress.redis.clients")
            .with_unit("{connection}")
            .with_description("Connections to a node of Redis.")
            .build();
        loop {
            for (place, node) in self.nodes.iter().enumerate() {
                let labels = [KeyValue::new("redress.redis.node", place.to_string())];
                let info = tokio::time::timeout(PATIENCE, info(node)).await;
                let info = info.ok().and_then(Result::ok);
                up.record(i64::from(info.is_some()), &labels);
                let Some(info) = info else { continue };
                for (gauge, field) in [
                    (&used, "used_memory"),
                    (&limit, "maxmemory"),
                    (&clients, "connected_clients"),
                ] {
                    if let Some(value) = info.get(field) {
                        gauge.record(value, &labels);
                    }
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }
}

async fn info(node: &Client) -> Result<InfoDict, RedisError> {
    let mut connection = node.get_multiplexed_async_connection().await?;
    redis::cmd("INFO").query_async(&mut connection).await
}

impl std::fmt::Debug for Redis {
    /// Says nothing of addresses, which hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("cluster", &self.cluster.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_url_is_no_redis_and_a_wrong_one_is_told() {
        assert!(Redis::open(&[]).expect("fine").is_none());
        let wrong = Redis::open(&["localhost:6379".to_owned()]).expect_err("no scheme");
        assert!(wrong.to_string().starts_with("redis.url is not"));
    }
}
