//! Firing one entry: the service's transaction, under a lease that is renewed meanwhile.

use std::sync::Arc;
use std::time::Duration;

use redress_model::Fault;
use tracing::Instrument;

use crate::entry::{Entry, Fired};
use crate::timers::{Shared, between};

/// How soon a row that says "not yet" is asked again.
const EARLY_PAUSE: Duration = Duration::from_secs(1);

/// Where an entry was found.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// In the index, claimed with this token.
    Index(String),
    /// In Postgres, while the index could not be relied on.
    Scan,
}

/// What came of it.
enum Outcome {
    Fired(Fired),
    Failed(Fault),
    TookTooLong,
}

/// Fires one entry. Never fails: what did not work is tried again.
pub(crate) async fn fire(shared: Arc<Shared>, entry: Entry, source: Source) {
    let Some(_in_hand) = shared.take(entry.id) else {
        // This replica is at it already; the lease of this claim ends by itself.
        return;
    };
    let now = shared.clock.now();
    let lag = between(entry.due, now);
    let span = tracing::info_span!(
        "timer.fire",
        otel.kind = "consumer",
        redress.timers.name = shared.name,
        redress.timers.id = %entry.id,
        redress.timers.generation = entry.generation,
        redress.timers.lag = lag.as_secs_f64(),
        redress.timers.source = source.word(),
        redress.timers.outcome = tracing::field::Empty,
        error.type = tracing::field::Empty,
    );
    async {
        let outcome = if entry.due > now {
            // The clock went back since the claim.
            Outcome::Fired(Fired::Early)
        } else {
            tokio::select! {
                outcome = attempt(&shared, &entry, now) => outcome,
                never = renew(&shared, &entry, &source) => match never {},
            }
        };
        let span = tracing::Span::current();
        span.record("redress.timers.outcome", outcome.word());
        if let Outcome::Failed(fault) = &outcome {
            span.record("error.type", fault.reason());
            tracing::warn!(redress.timers.id = %entry.id, reason = fault.reason(), %fault, "timer failed and is tried again");
        } else if let Outcome::TookTooLong = &outcome {
            span.record("error.type", "timeout");
            tracing::warn!(redress.timers.id = %entry.id, "timer took too long and is tried again");
        }
        shared.metrics.fired(outcome.word(), source.word(), lag);
        settle(&shared, &entry, &source, outcome).await;
    }
    .instrument(span)
    .await;
}

async fn attempt(shared: &Shared, entry: &Entry, now: jiff::Timestamp) -> Outcome {
    match tokio::time::timeout(shared.settings.fire_limit, shared.truth.fire(entry, now)).await {
        Ok(Ok(fired)) => Outcome::Fired(fired),
        Ok(Err(fault)) => Outcome::Failed(fault),
        Err(_) => Outcome::TookTooLong,
    }
}

/// Renews the lease for as long as this is polled.
async fn renew(shared: &Shared, entry: &Entry, source: &Source) -> std::convert::Infallible {
    let (Source::Index(token), Some(index)) = (source, &shared.index) else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(shared.settings.lease / 3).await;
        match index.renew(entry.id, token, shared.settings.lease).await {
            Ok(true) => {}
            // A newer generation took its place, or the index was emptied. The row's fence decides who takes effect.
            Ok(false) => {
                tracing::debug!(redress.timers.id = %entry.id, "the lease of a timer is no longer ours")
            }
            Err(error) => {
                shared.suspect();
                tracing::debug!(redress.timers.id = %entry.id, %error, "the lease of a timer was not renewed");
            }
        }
    }
}

/// Brings the index up to date with what came of it.
async fn settle(shared: &Shared, entry: &Entry, source: &Source, outcome: Outcome) {
    let pause = match &outcome {
        Outcome::Fired(Fired::Early) => {
            shared.rest(entry.id, EARLY_PAUSE);
            Some(EARLY_PAUSE)
        }
        Outcome::Failed(_) | Outcome::TookTooLong => Some(shared.failed(entry.id)),
        Outcome::Fired(_) => {
            shared.succeeded(entry.id);
            None
        }
    };
    let mut others = match outcome {
        Outcome::Fired(Fired::Again(next)) => vec![next],
        Outcome::Fired(Fired::Armed(entries)) => entries,
        _ => Vec::new(),
    };
    let (Source::Index(token), Some(index)) = (source, &shared.index) else {
        others.into_iter().for_each(|other| shared.put_soon(other));
        return;
    };
    let next = others
        .iter()
        .position(|other| other.id == entry.id)
        .map(|own| others.swap_remove(own));
    others.into_iter().for_each(|other| shared.put_soon(other));
    let settled = match pause {
        Some(pause) => index.set_aside(entry.id, token, pause).await,
        None => index.finish(entry.id, token, next.as_ref()).await,
    };
    match settled {
        Ok(true) if next.is_some() => shared.news.notify_one(),
        Ok(true) => {}
        // The claim was no longer ours, so what is next still has to be told.
        Ok(false) => next.into_iter().for_each(|next| shared.put_soon(next)),
        Err(error) => {
            shared.suspect();
            tracing::debug!(redress.timers.id = %entry.id, %error, "timer index was not told what came of a timer");
        }
    }
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
}
