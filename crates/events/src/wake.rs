//! Wakes travel between replicas by Redis publish, so that a partition carried by another replica
//! does not wait for its poll. That something urgent was said travels between all services, so that what can wait gives
//! way everywhere. Only hints: with Redis away, or a message lost, the poll finds the events, and nothing gives way.

use std::time::Duration;

use futures::StreamExt as _;
use redis::AsyncTypedCommands as _;
use redis::aio::ConnectionManagerConfig;
use redress_store::Database;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::relay::wait;

/// On which all services hear that something urgent was said.
const URGENT: &str = "redress:{events}:urgent";

/// Pause before connecting again.
const RECONNECT: Duration = Duration::from_secs(2);

/// Passes this process's wakes of `db` on to the other replicas and theirs to it, and what is urgent to all services, until
/// `shutdown`.
/// `client` is any node; Redis Cluster spreads what is published to all.
pub async fn share_wakes(db: Database, client: redis::Client, shutdown: CancellationToken) {
    let mut mentioned = false;
    loop {
        let Err(error) = share(&db, &client, &shutdown).await else {
            return;
        };
        if !std::mem::replace(&mut mentioned, true) {
            tracing::warn!(%error, "redis is away: other replicas find new events by polling, and what can wait no longer gives way to what is urgent in other services, so that incidents may open later under load");
        }
        if wait(&shutdown, RECONNECT).await {
            return;
        }
    }
}

async fn share(
    db: &Database,
    client: &redis::Client,
    shutdown: &CancellationToken,
) -> redis::RedisResult<()> {
    let channel = format!("redress:{{events:{}}}:wake", db.service());
    let me = Uuid::new_v4().to_string();
    let mut pubsub = client.get_async_pubsub().await?;
    pubsub.subscribe(&[channel.as_str(), URGENT]).await?;
    let mut messages = pubsub.into_on_message();
    let config = ConnectionManagerConfig::new().set_number_of_retries(1);
    let mut publisher = client.get_connection_manager_with_config(config).await?;
    let mut wakes = db.wakes();
    let mut urgent = db.urgent_events();
    // Of all wakes counted, those that came from elsewhere: they are not passed on again.
    let mut foreign = 0_u64;
    let mut passed_on = *wakes.borrow_and_update();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            message = messages.next() => {
                let Some(message) = message else {
                    return Err(redis::RedisError::from((redis::ErrorKind::Io, "the subscription ended")));
                };
                let from: String = message.get_payload().unwrap_or_default();
                if from.is_empty() || from == me {
                    continue;
                }
                if message.get_channel_name() == URGENT {
                    db.hurry();
                } else {
                    foreign += 1;
                    db.wake();
                }
            }
            event = urgent.recv() => {
                if matches!(event, Err(RecvError::Closed)) {
                    return Ok(());
                }
                // One word for all that was said since.
                while !matches!(urgent.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
                publisher.publish(URGENT, &me).await?;
            }
            changed = wakes.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let own = wakes.borrow_and_update().wrapping_sub(foreign);
                if own != passed_on {
                    passed_on = own;
                    publisher.publish(&channel, &me).await?;
                }
            }
        }
    }
}
