//! Claims what is due in the index and fires it, in due order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::entry::Entry;
use crate::fire::{Source, fire};
use crate::index::{Index, Look, micros};
use crate::timers::{Shared, State, between};

/// What one round did.
struct Round {
    /// How many entries it claimed.
    claimed: usize,
    /// How long nothing else is due.
    quiet: Duration,
}

pub(crate) async fn run(shared: Arc<Shared>, shutdown: &CancellationToken) {
    let Some(index) = &shared.index else { return };
    // Dropped with this future, which ends them all: as when the process is killed.
    let mut fires = JoinSet::new();
    let mut claims: u64 = 0;
    while !shutdown.is_cancelled() {
        let free = shared.settings.concurrency.saturating_sub(fires.len());
        let mut quiet = None;
        if free > 0 {
            let round = round(&shared, index, free, &mut claims, &mut fires).await;
            quiet = (round.claimed < free).then_some(round.quiet);
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = shared.news.notified() => {}
            // Without a free hand, or with all hands just filled, only the end of one leads on.
            () = tokio::time::sleep(quiet.unwrap_or(shared.settings.idle)) => {}
            Some(ended) = fires.join_next(), if !fires.is_empty() => report(ended),
        }
        while let Some(ended) = fires.try_join_next() {
            report(ended);
        }
    }
    drain(&shared, fires).await;
}

/// Lets what is being fired end.
pub(crate) async fn drain(shared: &Shared, mut fires: JoinSet<()>) {
    let ended = async {
        while let Some(ended) = fires.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(shared.settings.drain_limit, ended)
        .await
        .is_err()
    {
        tracing::warn!(
            redress.timers.name = shared.name,
            "timers were cut off at shutdown and fire elsewhere"
        );
    }
}

/// Says that a handler panicked. Its lease ends by itself, then it is tried again.
pub(crate) fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a timer panicked and is tried again");
    }
}

/// Looks at all shards, claims the `free` entries whose turn it is, and starts them.
async fn round(
    shared: &Arc<Shared>,
    index: &Index,
    free: usize,
    claims: &mut u64,
    fires: &mut JoinSet<()>,
) -> Round {
    let now = shared.clock.now();
    let was_suspect = shared.is_suspect.load(Ordering::SeqCst);
    let looks: Vec<Option<Look>> = index
        .look(now, free)
        .await
        .into_iter()
        .map(|look| {
            look.inspect_err(|error| tracing::debug!(%error, "a shard of the timer index is away"))
                .ok()
        })
        .collect();
    if looks.iter().any(Option::is_none) {
        shared.suspect();
        shared.enter(State::Away);
    } else if was_suspect || looks.iter().flatten().any(|look| !look.is_complete) {
        shared.enter(State::Incomplete);
    } else {
        shared.enter(State::Ready);
    }
    *claims += 1;
    let token = format!("{}-{claims}", shared.worker);
    let entries = claim(shared, index, &looks, free, &token).await;
    let claimed = entries.len();
    for entry in entries {
        fires.spawn(fire(shared.clone(), entry, Source::Index(token.clone())));
    }
    let seen: usize = looks
        .iter()
        .flatten()
        .flat_map(|look| &look.due)
        .map(Vec::len)
        .sum();
    let quiet = if seen > claimed {
        // Another replica was faster; there may be more behind what it took.
        Duration::from_millis(rand::random_range(1..20))
    } else {
        quiet(&looks, now, shared.settings.idle)
    };
    let until = now.checked_add(quiet).unwrap_or(Timestamp::MAX);
    shared.sleeps_until.store(micros(until), Ordering::SeqCst);
    Round { claimed, quiet }
}

/// Claims those whose turn it is over all shards together: a shard alone does not know the order.
async fn claim(
    shared: &Shared,
    index: &Index,
    looks: &[Option<Look>],
    free: usize,
    token: &str,
) -> Vec<Entry> {
    let mut left = free;
    let mut calls = Vec::new();
    for (set, first) in [(0, true), (1, false)] {
        let due_in = |look: &Option<Look>| {
            look.as_ref()
                .map(|look| look.due[set].clone())
                .unwrap_or_default()
        };
        let mut due: Vec<i64> = looks.iter().flat_map(due_in).collect();
        due.sort_unstable();
        due.truncate(left);
        let Some(last) = due.last().copied() else {
            continue;
        };
        left -= due.len();
        for (shard, look) in looks.iter().enumerate() {
            let here = due_in(look)
                .iter()
                .filter(|instant| **instant <= last)
                .count();
            if here > 0 {
                calls.push(index.claim(shard, first, last, here, shared.settings.lease, token));
            }
        }
    }
    let mut entries = Vec::new();
    for claimed in join_all(calls).await {
        match claimed {
            Ok(claimed) => entries.extend(claimed),
            Err(error) => {
                shared.suspect();
                tracing::debug!(redress.timers.name = shared.name, %error, "timers could not be claimed");
            }
        }
    }
    entries.sort_by_key(Entry::turn);
    entries
}

/// How long nothing is due and no lease ends, at most `idle`.
fn quiet(looks: &[Option<Look>], now: Timestamp, idle: Duration) -> Duration {
    let of = |look: &Look| {
        let next = look.next.map(|next| between(now, next));
        next.into_iter().chain(look.lease_ends).min()
    };
    looks
        .iter()
        .flatten()
        .filter_map(of)
        .chain([idle])
        .min()
        .unwrap_or(idle)
}
