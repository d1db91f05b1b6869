//! One connection to Redis or to a Redis Cluster that mends itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, RedisResult, ServerErrorKind};
use tokio::sync::Mutex;

/// How long connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// How long one command may take. A Redis that is slower than this counts as away.
const COMMAND_LIMIT: Duration = Duration::from_secs(1);

/// Where the index lies.
#[derive(Clone)]
pub struct Redis(Client);

#[derive(Clone)]
enum Client {
    Single(redis::Client),
    Cluster(Arc<ClusterClient>),
}

impl From<redis::Client> for Redis {
    fn from(client: redis::Client) -> Self {
        Self(Client::Single(client))
    }
}

impl From<ClusterClient> for Redis {
    fn from(client: ClusterClient) -> Self {
        Self(Client::Cluster(Arc::new(client)))
    }
}

impl std::fmt::Debug for Redis {
    /// Says nothing of addresses, which hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Client::Single(_) => "Redis(single)",
            Client::Cluster(_) => "Redis(cluster)",
        })
    }
}

#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// A connection that is made when it is first needed and anew after a failure, so that a service starts without Redis.
#[derive(Debug)]
pub(crate) struct Link {
    client: Redis,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// Counts connections, so that the one who saw one fail does not close the next.
    number: u64,
    connection: Option<Connection>,
    /// When connecting last failed: those who waited meanwhile need not try again one after the other.
    failed: Option<Instant>,
}

/// A script with its hash.
#[derive(Debug)]
pub(crate) struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    pub(crate) fn new(text: &'static str) -> Self {
        Self {
            text,
            hash: redis::Script::new(text).get_hash().to_owned(),
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

impl Link {
    pub(crate) fn new(client: Redis) -> Self {
        Self {
            client,
            open: Mutex::default(),
        }
    }

    /// Runs a script with what `arguments` writes. All `keys` must be under one hash tag.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &(impl Fn(&mut Cmd) + Sync),
    ) -> RedisResult<T> {
        let call = |name: &str, body: &str| {
            let mut command = redis::cmd(name);
            command.arg(body).arg(keys.len()).arg(keys);
            arguments(&mut command);
            command
        };
        match self.ask(&call("EVALSHA", &script.hash)).await {
            // A restarted server or another node does not know the script yet; sending its text makes it known. This
            // needs only the node that owns the keys, unlike SCRIPT LOAD, which goes to all.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.ask(&call("EVAL", script.text)).await
            }
            answer => answer,
        }
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let (number, connection) = self.connection().await?;
        let answer = limited(COMMAND_LIMIT, async {
            match connection {
                Connection::Single(mut single) => command.query_async(&mut single).await,
                Connection::Cluster(mut cluster) => command.query_async(&mut cluster).await,
            }
        })
        .await;
        if let Err(error) = &answer
            && error.kind() != ErrorKind::Server(ServerErrorKind::NoScript)
        {
            let mut open = self.open.lock().await;
            if open.number == number {
                open.connection = None;
            }
        }
        answer
    }

    async fn connection(&self) -> RedisResult<(u64, Connection)> {
        let asked = Instant::now();
        let mut open = self.open.lock().await;
        if let Some(connection) = &open.connection {
            return Ok((open.number, connection.clone()));
        }
        if open.failed.is_some_and(|failed| failed > asked) {
            return Err(std::io::Error::from(std::io::ErrorKind::NotConnected).into());
        }
        match limited(CONNECT_LIMIT, self.client.connect()).await {
            Ok(connection) => {
                open.number += 1;
                open.connection = Some(connection.clone());
                Ok((open.number, connection))
            }
            Err(error) => {
                open.failed = Some(Instant::now());
                Err(error)
            }
        }
    }
}

impl Redis {
    async fn connect(&self) -> RedisResult<Connection> {
        Ok(match &self.0 {
            Client::Single(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECT_LIMIT))
                    .set_response_timeout(Some(COMMAND_LIMIT));
                Connection::Single(
                    client
                        .get_multiplexed_async_connection_with_config(&config)
                        .await?,
                )
            }
            Client::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
        })
    }
}

async fn limited<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}
