//! Redis as configured: one server, or a cluster. Nothing connects here; whoever uses it does, and must
//! get along without it.

/// Where Redis is.
#[derive(Debug, Clone)]
pub enum Redis {
    /// One server.
    Single(redis::Client),
    /// A cluster.
    Cluster(redis::cluster::ClusterClient),
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
        Ok(match urls {
            [] => None,
            [url] => Some(Self::Single(redis::Client::open(url.as_str())?)),
            urls => Some(Self::Cluster(redis::cluster::ClusterClient::new(
                urls.to_vec(),
            )?)),
        })
    }
}
