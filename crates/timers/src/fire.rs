//! Firing what was claimed or scanned: the service's transaction, under leases that are renewed meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use redress_model::Fault;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::entry::{Entry, Fired};
use crate::index::{Aside, Claimed, Index};
use crate::receipt::Receipt;
use crate::receipts::say;
use crate::timers::{Shared, between};

/// How soon a row that says "not yet" is asked again.
const EARLY_PAUSE: Duration = Duration::from_secs(1);
/// How many entries of a batch that failed are fired by themselves at once.
const ALONE_MAX: usize = 8;

/// Where entries were found.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// In the index, claimed with this token.
    Index(Arc<str>),
    /// In Postgres, while the index could not be relied on.
    Scan,
}

/// What came of one.
enum Outcome {
    Fired(Fired),
    Failed(&'static str),
    TookTooLong,
}

/// Fires entries in their order, together where there are several. Never fails: what did not work is tried again.
pub(crate) async fn fire(shared: Arc<Shared>, batch: Vec<Claimed>, source: Source) {
    let in_hand = shared.take(batch.iter().map(|claimed| claimed.entry.id));
    // What this replica is at already is left out; the lease of this claim ends by itself.
    let batch: Vec<Claimed> = batch
        .into_iter()
        .filter(|claimed| in_hand.holds(claimed.entry.id))
        .collect();
    let Some(first) = batch.first() else { return };
    let now = shared.now();
    let span = span(&shared, &first.entry, batch.len(), now, &source);
    async {
        // The clock may have gone back since the claim.
        let (early, due): (Vec<Claimed>, Vec<Claimed>) =
            batch.iter().partition(|claimed| claimed.entry.due > now);
        let ids: Vec<Uuid> = batch.iter().map(|claimed| claimed.entry.id).collect();
        let entries: Vec<Entry> = due.iter().map(|claimed| claimed.entry).collect();
        let late: Vec<Receipt> = due
            .iter()
            .filter(|claimed| between(claimed.entry.due, now) >= shared.settings.late_after)
            .map(|claimed| shared.receipt(claimed, now))
            .collect();
        let outcomes = tokio::select! {
            outcomes = attempt(&shared, &entries, &late, now) => outcomes,
            never = renew(&shared, &ids, &source) => match never {},
        };
        let mut ended: Vec<(Claimed, Outcome)> = due.into_iter().zip(outcomes).collect();
        let is_early = |claimed| (claimed, Outcome::Fired(Fired::Early));
        ended.extend(early.into_iter().map(is_early));
        tell(&shared, &ended, &late, now, &source);
        settle(&shared, ended, &source).await;
    }
    .instrument(span)
    .await;
}

fn span(shared: &Shared, entry: &Entry, count: usize, now: Timestamp, source: &Source) -> Span {
    tracing::info_span!(
        "timer.fire",
        otel.kind = "consumer",
        redress.timers.name = shared.name,
        redress.timers.id = %entry.id,
        redress.timers.generation = entry.generation,
        redress.timers.entries = count,
        redress.timers.lag = between(entry.due, now).as_secs_f64(),
        redress.timers.source = source.word(),
        redress.timers.outcome = tracing::field::Empty,
        error.type = tracing::field::Empty,
    )
}

/// Fires all at once, and each by itself where that did not work. One outcome each, in order.
async fn attempt(
    shared: &Shared,
    entries: &[Entry],
    late: &[Receipt],
    now: Timestamp,
) -> Vec<Outcome> {
    if let [entry] = entries {
        return vec![attempt_one(shared, entry, late, now).await];
    }
    let limit = shared.settings.fire_limit;
    let mut outcomes: Vec<Option<Outcome>> = entries.iter().map(|_| None).collect();
    match tokio::time::timeout(limit, shared.truth.fire_many(entries, late, now)).await {
        Ok(Ok(fired)) if fired.len() == entries.len() => {
            let fired = fired.into_iter().map(|fired| fired.map(Outcome::Fired));
            outcomes = fired.collect();
        }
        Ok(Ok(_)) => {
            tracing::error!("a batch of timers was answered oddly and is fired one by one");
        }
        // Each by itself would only wait for the same.
        Ok(Err(fault)) if is_passing(&fault) => {
            tracing::warn!(reason = fault.reason(), fault = %fault.chain(), entries = entries.len(), "timers failed and are tried again");
            let failed = || Outcome::Failed(fault.reason());
            return entries.iter().map(|_| failed()).collect();
        }
        Ok(Err(fault)) => {
            tracing::warn!(reason = fault.reason(), fault = %fault.chain(), entries = entries.len(), "a batch of timers failed and is fired one by one");
        }
        Err(_) => {
            tracing::warn!(
                entries = entries.len(),
                "a batch of timers took too long and is fired one by one"
            );
        }
    }
    let mut left: Vec<(&Entry, &mut Option<Outcome>)> = entries
        .iter()
        .zip(&mut outcomes)
        .filter(|(_, outcome)| outcome.is_none())
        .collect();
    for some in left.chunks_mut(ALONE_MAX) {
        let alone = some.iter_mut().map(|(entry, outcome)| async move {
            **outcome = Some(attempt_one(shared, entry, late, now).await);
        });
        join_all(alone).await;
    }
    let none_is_left = |outcome: Option<Outcome>| outcome.unwrap_or(Outcome::TookTooLong);
    outcomes.into_iter().map(none_is_left).collect()
}

async fn attempt_one(shared: &Shared, entry: &Entry, late: &[Receipt], now: Timestamp) -> Outcome {
    let limit = shared.settings.fire_limit;
    match tokio::time::timeout(limit, shared.truth.fire(entry, late, now)).await {
        Ok(Ok(fired)) => Outcome::Fired(fired),
        Ok(Err(fault)) => {
            tracing::warn!(redress.timers.id = %entry.id, reason = fault.reason(), fault = %fault.chain(), "timer failed and is tried again");
            Outcome::Failed(fault.reason())
        }
        Err(_) => {
            tracing::warn!(redress.timers.id = %entry.id, "timer took too long and is tried again");
            Outcome::TookTooLong
        }
    }
}

/// Whether it says nothing about the entries: Postgres is away, or has no connection to spare.
fn is_passing(fault: &Fault) -> bool {
    matches!(fault, Fault::Unavailable { .. } | Fault::Exhausted { .. })
}

/// Renews leases for as long as this is polled.
async fn renew(shared: &Shared, ids: &[Uuid], source: &Source) -> std::convert::Infallible {
    let (Source::Index(token), Some(index)) = (source, &shared.index) else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(shared.settings.lease / 3).await;
        match index.renew(ids, token, shared.settings.lease).await {
            Ok(ours) if ours == ids.len() => {}
            // A newer generation took its place, or the index was emptied. The row's fence decides who takes effect.
            Ok(ours) => {
                tracing::debug!(lost = ids.len() - ours, "leases are no longer ours");
            }
            Err(error) => {
                shared.suspect();
                tracing::debug!(%error, "leases were not renewed");
            }
        }
    }
}

/// Tells operators what came of it, and what took effect late.
fn tell(
    shared: &Shared,
    ended: &[(Claimed, Outcome)],
    late: &[Receipt],
    now: Timestamp,
    source: &Source,
) {
    if let [(_, outcome)] = ended {
        let span = Span::current();
        span.record("redress.timers.outcome", outcome.word());
        if let Some(error) = outcome.error() {
            span.record("error.type", error);
        }
    }
    let lag = |claimed: &Claimed| between(claimed.entry.due, now);
    let fired: Vec<_> = ended
        .iter()
        .map(|(claimed, outcome)| (outcome.word(), lag(claimed)))
        .collect();
    shared.metrics.fired(source.word(), &fired);
    let fired = ended.iter().filter_map(|(claimed, outcome)| match outcome {
        Outcome::Fired(fired) => Some((&claimed.entry, fired)),
        Outcome::Failed(_) | Outcome::TookTooLong => None,
    });
    let late = Receipt::of_effects(late, fired);
    for receipt in &late {
        shared.metrics.late(receipt.cause);
    }
    say(shared, &late);
}

/// Brings the index up to date with what came of it.
async fn settle(shared: &Shared, ended: Vec<(Claimed, Outcome)>, source: &Source) {
    let mut finished = Vec::with_capacity(ended.len());
    let mut aside: HashMap<(Duration, Aside), Vec<Uuid>> = HashMap::new();
    for (Claimed { entry, .. }, outcome) in ended {
        let next = match outcome {
            Outcome::Fired(Fired::Early) => {
                shared.rest(entry.id, EARLY_PAUSE);
                let early = (EARLY_PAUSE, Aside::Early);
                aside.entry(early).or_default().push(entry.id);
                continue;
            }
            Outcome::Failed(_) | Outcome::TookTooLong => {
                let failed = (shared.failed(entry.id), Aside::Failed);
                aside.entry(failed).or_default().push(entry.id);
                continue;
            }
            Outcome::Fired(Fired::Again(next)) => vec![next],
            Outcome::Fired(Fired::Armed(entries)) => entries,
            Outcome::Fired(Fired::Done | Fired::Stale) => Vec::new(),
        };
        finished.push((entry.id, next));
    }
    shared.succeeded(finished.iter().map(|(id, _)| *id));
    shared.armed(finished.iter().flat_map(|(_, armed)| armed));
    let (Source::Index(token), Some(index)) = (source, &shared.index) else {
        let armed = finished.into_iter().flat_map(|(_, armed)| armed);
        armed.for_each(|entry| shared.put_soon(entry));
        return;
    };
    let mut own = Vec::with_capacity(finished.len());
    for (id, mut armed) in finished {
        let next = armed.iter().position(|entry| entry.id == id);
        own.push((id, next.map(|next| armed.swap_remove(next))));
        armed.into_iter().for_each(|entry| shared.put_soon(entry));
    }
    if let Err(error) = write(shared, index, token, &own, aside).await {
        shared.suspect();
        tracing::debug!(%error, "timer index was not told what came of timers");
    }
}

async fn write(
    shared: &Shared,
    index: &Index,
    token: &str,
    own: &[(Uuid, Option<Entry>)],
    aside: HashMap<(Duration, Aside), Vec<Uuid>>,
) -> redis::RedisResult<()> {
    let lost = index.finish(own, token).await?;
    // Those whose claim was no longer ours still have to be told of what is next.
    let unheard = lost.into_iter().filter_map(|(_, next)| next);
    unheard.for_each(|next| shared.put_soon(next));
    if own.iter().any(|(_, next)| next.is_some()) {
        shared.news.notify_one();
    }
    for ((pause, aside), ids) in aside {
        index.set_aside(&ids, token, pause, aside).await?;
    }
    Ok(())
}

impl Source {
    fn word(&self) -> &'static str {
        match self {
            Self::Index(_) => "index",
            Self::Scan => "scan",
        }
    }
}

impl Outcome {
    fn word(&self) -> &'static str {
        match self {
            Self::Fired(Fired::Done) => "done",
            Self::Fired(Fired::Again(_) | Fired::Armed(_)) => "again",
            Self::Fired(Fired::Stale) => "stale",
            Self::Fired(Fired::Early) => "early",
            Self::Failed(_) => "failed",
            Self::TookTooLong => "timeout",
        }
    }

    fn error(&self) -> Option<&'static str> {
        match self {
            Self::Fired(_) => None,
            Self::Failed(reason) => Some(reason),
            Self::TookTooLong => Some("timeout"),
        }
    }
}
