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
    /// How many transactions have a connection, until they have rolled back and not while the driver takes it back. Statements
    /// straight on the worker's pool are not among them: where these fill it, too, it is told as one that cannot connect.
    held: AtomicU32,
    /// How often they came to hold all connections.
    filled: AtomicU64,
    /// When it was last told that there are no connections.
    told: Mutex<Option<Instant>>,
}

/// A connection that a transaction has.
#[derive(Debug)]
pub(crate) struct Held(Arc<State>);

impl Pool {
    pub(crate) fn new(connections: PgPool) -> Self {
        Self {
            connections,
            state: Arc::default(),
        }
    }

    /// How often transactions came to hold all connections.
    pub(crate) fn filled(&self) -> u64 {
        self.state.filled.load(Ordering::Relaxed)
    }

    /// Counts a transaction that got its connection, until the answer is dropped.
    pub(crate) fn hold(&self) -> Held {
        if self.state.held.fetch_add(1, Ordering::Relaxed) + 1 >= self.max() {
            self.state.filled.fetch_add(1, Ordering::Relaxed);
        }
        Held(Arc::clone(&self.state))
    }

    fn max(&self) -> u32 {
        self.connections.options().get_max_connections()
    }

    /// The fault of a transaction that could not begin, where the pool had been `filled` so often before. Where others hold
    /// all connections that there may be, or did meanwhile, the pool is full. Else there are fewer than it asks for: while
    /// Postgres goes and comes, some callers wait for a connection that cannot be made beside others that have one.
    pub(crate) fn why_none(&self, error: sqlx::Error, filled: u64) -> Fault {
        let reason = why_away(&error);
        let is_full =
            self.filled() != filled || self.state.held.load(Ordering::Relaxed) >= self.max();
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

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgPoolOptions;

    use super::*;

    #[tokio::test]
    async fn a_pool_is_at_its_limit_where_all_connections_are_held_or_were_meanwhile() {
        let connections = PgPoolOptions::new().max_connections(2);
        let pool = Pool::new(connections.connect_lazy("postgres://nowhere").unwrap());
        let why_none = |since| pool.why_none(sqlx::Error::PoolTimedOut, since).reason();
        let before = pool.filled();
        let first = pool.hold();
        assert_eq!(why_none(before), "DEPENDENCY_UNAVAILABLE", "one of two");
        let second = pool.hold();
        assert_eq!(why_none(pool.filled()), "LIMIT_REACHED", "both");
        drop((first, second));
        // Between two callers who take turns nobody holds it.
        assert_eq!(why_none(before), "LIMIT_REACHED", "both, meanwhile");
        let _third = pool.hold();
        let since = pool.filled();
        assert_eq!(why_none(since), "DEPENDENCY_UNAVAILABLE", "both, before");
    }
}
