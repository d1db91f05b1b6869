//! Wakes travel between replicas by Redis publish, so that a partition carried by another replica
//! does not wait for its poll. Only a hint: with Redis away, or a message lost, the poll finds the events.

use std::time::Duration;

use futures::StreamExt as _;
use redis::AsyncTypedCommands as _;
use redis::aio::ConnectionManagerConfig;
use redress_store::Database;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::relay::wait;

/// What follows the sender's name where the wake is urgent.
const URGENT: char = '!';

/// Pause before connecting again.
const RECONNECT: Duration = Duration::from_secs(2);

/// Passes this process's wakes of `db` on to the other replicas and theirs to it, until `shutdown`.
/// `client` is any node; Redis Cluster spreads what is published to all.
pub async fn share_wakes(db: Database, client: redis::Client, shutdown: CancellationToken) {
    let mut mentioned = false;
    loop {
        let Err(error) = share(&db, &client, &shutdown).await else {
            return;
        };
        if !std::mem::replace(&mut mentioned, true) {
            tracing::warn!(%error, "redis is away, other replicas find new events by polling");
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
    // What is published: who wakes, and whether it is urgent.
    let urgently = format!("{me}{URGENT}");
    let mut pubsub = client.get_async_pubsub().await?;
    pubsub.subscribe(&channel).await?;
    let mut messages = pubsub.into_on_message();
    let config = ConnectionManagerConfig::new().set_number_of_retries(1);
    let mut publisher = client.get_connection_manager_with_config(config).await?;
    let mut wakes = db.wakes();
    let urgencies = db.urgencies();
    // Of all wakes counted, those that came from elsewhere: they are not passed on again.
    let (mut foreign, mut foreign_urgent) = (0_u64, 0_u64);
    // In the order in which they rise.
    let mut passed_on_urgently = *urgencies.borrow();
    let mut passed_on = *wakes.borrow_and_update();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            message = messages.next() => {
                let Some(message) = message else {
                    return Err(redis::RedisError::from((redis::ErrorKind::Io, "the subscription ended")));
                };
                let payload: String = message.get_payload().unwrap_or_default();
                let (from, urgent) = match payload.strip_suffix(URGENT) {
                    Some(from) => (from, true),
                    None => (payload.as_str(), false),
                };
                if !from.is_empty() && from != me {
                    foreign += 1;
                    foreign_urgent += u64::from(urgent);
                    db.wake(urgent);
                }
            }
            changed = wakes.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let own = wakes.borrow_and_update().wrapping_sub(foreign);
                if own != passed_on {
                    passed_on = own;
                    let own_urgent = urgencies.borrow().wrapping_sub(foreign_urgent);
                    let is_urgent = own_urgent != passed_on_urgently;
                    passed_on_urgently = own_urgent;
                    publisher.publish(&channel, if is_urgent { &urgently } else { &me }).await?;
                }
            }
        }
    }
}
