//! Keeps the index true to Postgres: rebuilds it when it was emptied, audits it otherwise.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::try_join_all;
use redress_model::Fault;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::entry::Entry;
use crate::index::{Amiss, Begun, Change, Index, SHARDS, shard_of};
use crate::receipt::Mark;
use crate::timers::{Shared, State};

/// How many rows that are due an audit compares with the index at most; how many there are is counted in Postgres.
const DUE_MAX: i64 = 10_000;
/// Between two looks at a difference, which may only be a change on its way.
const SECOND_LOOK: Duration = Duration::from_millis(200);
/// Between two attempts to rebuild.
const REBUILD_PAUSE: Duration = Duration::from_millis(500);

/// Either side may fail.
#[derive(Debug)]
enum Trouble {
    Postgres(Fault),
    Redis(redis::RedisError),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Postgres(fault)
    }
}

impl From<redis::RedisError> for Trouble {
    fn from(error: redis::RedisError) -> Self {
        Self::Redis(error)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Postgres(fault) => fault.fmt(f),
            Self::Redis(error) => error.fmt(f),
        }
    }
}

pub(crate) async fn run(shared: &Shared, shutdown: &CancellationToken) {
    let mut cursor = None;
    let mut state = shared.state.subscribe();
    while !shutdown.is_cancelled() {
        let now_is = *state.borrow_and_update();
        let work = async {
            match (&shared.index, now_is) {
                (Some(index), State::Incomplete) => {
                    if let Err(trouble) = rebuild(shared, index).await {
                        shared.suspect();
                        tracing::warn!(redress.timers.name = shared.name, %trouble, "timer index was not rebuilt yet");
                    }
                    shared.news.notify_one();
                    REBUILD_PAUSE
                }
                (index, now_is) => {
                    let index = index.as_ref().filter(|_| now_is == State::Ready);
                    if let Err(trouble) = audit(shared, index, &mut cursor).await {
                        tracing::debug!(redress.timers.name = shared.name, %trouble, "timers were not audited");
                    }
                    shared.settings.audit_every
                }
            }
        };
        let pause = tokio::select! {
            () = shutdown.cancelled() => return,
            pause = work => pause,
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
            _ = state.changed() => {}
        }
    }
}

/// Puts everything that is armed into the index. Shards that lack their marker get it, unless they are emptied once more
/// meanwhile. When replicas rebuild at once, each shard's marker is set by one of them.
async fn rebuild(shared: &Shared, index: &Index) -> Result<(), Trouble> {
    let was_suspect = shared.is_suspect.swap(false, Ordering::SeqCst);
    let token = format!("{}-{}", shared.worker, Uuid::new_v4().simple());
    let mut ours = HashSet::new();
    for shard in 0..SHARDS {
        if index.begin(shard, &token).await? == Begun::Ours {
            ours.insert(shard);
        }
    }
    if ours.is_empty() && !was_suspect {
        return Ok(());
    }
    let mut after = None;
    let mut count = 0;
    let mut page = shared
        .truth
        .armed(after, shared.settings.rebuild_page)
        .await?;
    while let Some(last) = page.last() {
        after = Some(last.id);
        let is_last = (page.len() as i64) < shared.settings.rebuild_page;
        let now = shared.clock.now();
        // What is suspect may lie in any shard.
        let wanted: Vec<Change> = page
            .iter()
            .filter(|entry| was_suspect || ours.contains(&shard_of(entry.id)))
            .map(|entry| Change::Put(*entry, (entry.due < now).then_some(Mark::Rebuilt)))
            .collect();
        count += wanted.len();
        let write = async {
            index.change(&wanted).await?;
            try_join_all(ours.iter().map(|shard| index.begin(*shard, &token))).await?;
            Ok::<_, Trouble>(())
        };
        // The next page is read meanwhile.
        let read = async {
            if is_last {
                return Ok(Vec::new());
            }
            Ok(shared
                .truth
                .armed(after, shared.settings.rebuild_page)
                .await?)
        };
        ((), page) = tokio::try_join!(write, read)?;
    }
    for shard in ours {
        if !index.complete(shard, &token).await? {
            shared.suspect();
        }
    }
    shared.metrics.rebuilt();
    tracing::info!(
        redress.timers.name = shared.name,
        entries = count,
        "timer index was rebuilt"
    );
    Ok(())
}

/// Counts what is overdue, and compares what is due and one page of what is armed with the index.
async fn audit(
    shared: &Shared,
    index: Option<&Index>,
    cursor: &mut Option<Uuid>,
) -> Result<(), Trouble> {
    let now = shared.clock.now();
    let since = shared.since_or_all(now);
    match shared.truth.overdue(since, now).await {
        Ok(overdue) => {
            if since.is_none() {
                shared.all_was_read(overdue.oldest, now);
            }
            shared.metrics.overdue(overdue, now);
        }
        // What cannot be counted in time holds no repair up.
        Err(fault) => {
            shared.metrics.overdue_failed();
            tracing::debug!(redress.timers.name = shared.name, %fault, "overdue timers were not counted");
        }
    }
    let Some(index) = index else { return Ok(()) };

    let after = *cursor;
    let page = shared.truth.armed(after, shared.settings.page).await?;
    *cursor = if (page.len() as i64) < shared.settings.page {
        None
    } else {
        page.last().map(|entry| entry.id)
    };
    let since = shared.since(now);
    let due = shared.truth.due(since, now, DUE_MAX).await?;
    let mut amiss = index.amiss(&due).await?;
    amiss.extend(index.amiss(&page).await?);
    if amiss.is_empty() {
        return Ok(());
    }
    // A difference may be a change on its way to Redis, or an entry that was fired since its row was read.
    tokio::time::sleep(SECOND_LOOK).await;
    let mut again = shared.truth.due(since, now, DUE_MAX).await?;
    again.extend(shared.truth.armed(after, shared.settings.page).await?);
    let before: HashSet<Amiss> = amiss.into_iter().collect();
    let rows: HashSet<Entry> = before.iter().map(|amiss| amiss.entry).collect();
    again.retain(|entry| rows.contains(entry));
    let mut seen = HashSet::new();
    again.retain(|entry| seen.insert(entry.id));
    let mut lost = index.amiss(&again).await?;
    // The index is told after the commit. A newer generation that it knew before the row was read again, without it, was
    // told of by a transaction that has not committed; one that it learned of since may be right.
    lost.retain(|found| found.ahead.is_none() || before.contains(found));
    if lost.is_empty() {
        return Ok(());
    }
    tracing::info!(
        redress.timers.name = shared.name,
        entries = lost.len(),
        "armed timers were amiss in the index"
    );
    let lost: Vec<Change> = lost.into_iter().map(Change::Repair).collect();
    index.change(&lost).await?;
    shared.metrics.repaired(lost.len());
    shared.news.notify_one();
    Ok(())
}
