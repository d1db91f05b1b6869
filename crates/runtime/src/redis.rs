//! Redis as configured: one server, or a cluster. Nothing connects here; whoever uses it does, and must
//! get along without it.

use redis::Client;
use redis::cluster::ClusterClient;

/// Where Redis is.
#[derive(Clone)]
pub struct Redis {
    /// Any node.
    node: Client,
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
        let Some(first) = urls.first() else {
            return Ok(None);
        };
        let cluster = if urls.len() > 1 {
            Some(ClusterClient::new(urls.to_vec())?)
        } else {
            None
        };
        Ok(Some(Self {
            node: Client::open(first.as_str())?,
            cluster,
        }))
    }

    /// Any node: what is published there reaches the whole cluster.
    pub fn node(&self) -> Client {
        self.node.clone()
    }

    /// The client of the server or of the cluster, as whatever takes both (the timers' index).
    pub fn client<T: From<Client> + From<ClusterClient>>(&self) -> T {
        match &self.cluster {
            Some(cluster) => cluster.clone().into(),
            None => self.node.clone().into(),
        }
    }
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
