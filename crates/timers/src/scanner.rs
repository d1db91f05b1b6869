//! The net under the index: while it is away or incomplete, what is due is found in Postgres.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::fire::{Source, fire};
use crate::index::Claimed;
use crate::timers::{Shared, State};
use crate::worker::{drain, report};

pub(crate) async fn run(shared: Arc<Shared>, shutdown: &CancellationToken) {
    let mut state = shared.state.subscribe();
    let mut fires = JoinSet::new();
    if shared.index.is_some() {
        // Until the worker has looked, the index is not known to be away, and what others have in hand is theirs.
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = state.changed() => {}
        }
    }
    while !shutdown.is_cancelled() {
        if *state.borrow_and_update() == State::Ready {
            tokio::select! {
                () = shutdown.cancelled() => break,
                _ = state.changed() => continue,
            }
        }
        let is_more = tokio::select! {
            () = shutdown.cancelled() => break,
            is_more = scan(&shared, &mut fires) => is_more,
        };
        if !is_more {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(shared.settings.scan_every) => {}
            }
        }
    }
    drain(&shared, fires).await;
}

/// Fires one page of what is due. True when there may be more.
async fn scan(shared: &Arc<Shared>, fires: &mut JoinSet<()>) -> bool {
    // Those that are left alone still come first in the page; the others must not hide behind them.
    let resting = shared.resting();
    let limit = shared
        .settings
        .page
        .saturating_add(i64::try_from(resting).unwrap_or(i64::MAX));
    let now = shared.now();
    let entries = match shared.truth.due(shared.since(now), now, limit).await {
        Ok(entries) => entries,
        Err(fault) => {
            tracing::warn!(redress.timers.name = shared.name, reason = fault.reason(), fault = %fault.chain(), "due timers cannot be read");
            return false;
        }
    };
    let is_full = entries.len() as i64 >= limit;
    let ready: Vec<Claimed> = entries
        .into_iter()
        .filter(|entry| !shared.rests(entry.id))
        .map(|entry| Claimed { entry, mark: None })
        .collect();
    for batch in ready.chunks(shared.truth.batch_max().max(1)) {
        if fires.len() >= shared.settings.concurrency
            && let Some(ended) = fires.join_next().await
        {
            report(ended);
        }
        fires.spawn(fire(shared.clone(), batch.to_vec(), Source::Scan));
    }
    // The next page must not hold what this one is still about.
    while let Some(ended) = fires.join_next().await {
        report(ended);
    }
    is_full
}
