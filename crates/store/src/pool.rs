//! A pool, and what tells one that is full from one that cannot connect: the driver says of both that the time ran out.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redress_model::Fault;
use sqlx::PgPool;

use crate::fault::{AWAY, CONNECTIONS, fault, why_away};

/// How often it is told in the log that there are no connections: every call that waits in vain would say the same.
const REMINDER: Duration = Duration::from_secs(30);

/// Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub(crate) connections: PgPool,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many transactions are under way; statements straight on the worker's pool are not among them.
    held: AtomicU32,
    /// How many ever began.
    begun: AtomicU64,
    /// When it was last told that there are no connections.
    told: Mutex<Option<Instant>>,
}

/// A transaction that is under way.
pub(crate) struct Held<'a>(&'a AtomicU32);

impl Pool {
    pub(crate) fn new(connections: PgPool) -> Self {
        Self {
            connections,
            state: Arc::default(),
        }
    }

    /// How many transactions ever began.
    pub(crate) fn begun(&self) -> u64 {
        self.state.begun.load(Ordering::Relaxed)
    }

    /// Counts a transaction that began, until the answer is dropped.
    pub(crate) fn hold(&self) -> Held<'_> {
        self.state.begun.fetch_add(1, Ordering::Relaxed);
        self.state.held.fetch_add(1, Ordering::Relaxed);
        Held(&self.state.held)
    }

    /// The fault of a transaction that could not begin, since `begun` others had. Where others got a connection
    /// meanwhile, or hold all that there may be, the pool is full. Else nobody gets any.
    pub(crate) fn why_none(&self, error: sqlx::Error, begun: u64) -> Fault {
        let reason = why_away(&error);
        let max = self.connections.options().get_max_connections();
        let is_full = self.begun() != begun || self.state.held.load(Ordering::Relaxed) >= max;
        match fault(error) {
            Fault::Exhausted { what } if what == CONNECTIONS && !is_full => self.away(reason),
            Fault::Unavailable { what } if what == AWAY => self.away(reason),
            other => other,
        }
    }

    /// What no caller can mend is told in the log.
    fn away(&self, reason: &'static str) -> Fault {
        let mut told = self
            .state
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() >= REMINDER) {
            *told = Some(Instant::now());
            tracing::warn!(reason, "postgres gives no connection");
        }
        Fault::unavailable(AWAY)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
