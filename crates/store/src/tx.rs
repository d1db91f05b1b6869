//! One transaction, confined to its scope.

use std::ops::{Deref, DerefMut};

use redress_model::Fault;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Postgres};
use tokio::runtime::Handle;

use crate::fault::{commit_fault, fault};
use crate::pool::{Held, Pool};
use crate::scope::Scope;

/// Nobody holds a transaction that has ended: ending takes it.
const OPEN: &str = "a transaction has its connection";

/// How a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// READ COMMITTED: rows are locked where a decision hangs on them.
    Write,
    /// REPEATABLE READ, READ ONLY: all statements of one read see the same instant.
    Read,
}

impl Mode {
    fn begin(self) -> &'static str {
        match self {
            // What writes goes by keys, so one plan serves all its parameters: half of Postgres' work for a short
            // statement is planning it. Such a plan lives long, so it must not be one that reads a whole table because
            // that was small when it was made. What reads has filters that may be there or not.
            Self::Write => {
                "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE; SET LOCAL plan_cache_mode = force_generic_plan; \
                 SET LOCAL enable_seqscan = off;"
            }
            Self::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;",
        }
    }
}

/// A transaction. Dereferences to the connection: `query.execute(&mut **tx)`. Dropping it rolls back.
///
/// The driver's own transaction takes a round trip to begin, one for each thing that is set, and one to commit; this takes
/// two in all. So the driver knows of none: a savepoint is set by its statement, never by `begin` of the connection.
#[derive(Debug)]
pub struct Tx {
    /// None once it has ended.
    connection: Option<(PoolConnection<Postgres>, Held)>,
    leaves: Leaves,
    urgent: Vec<UrgentEvent>,
}

/// An event that is to be carried as soon as its transaction has committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrgentEvent {
    /// Its place in the outbox.
    pub outbox_id: i64,
    /// Its type, for example `redress.case.received.v1`.
    pub event_type: &'static str,
    /// What it is about.
    pub subject: String,
}

/// What a transaction leaves to background work. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leaves {
    Nothing,
    Work,
    Events,
}

impl Tx {
    pub(crate) async fn begin(
        pool: &Pool,
        mode: Mode,
        scope: Option<&Scope>,
        savepoint: Option<&str>,
    ) -> Result<Self, Fault> {
        // All in one round trip.
        let mut begin = mode.begin().to_owned();
        if let Some(scope) = scope {
            begin.push_str(&scope.settings());
        }
        if let Some(savepoint) = savepoint {
            begin.push_str(&format!("; SAVEPOINT {savepoint}"));
        }
        let filled = pool.filled();
        let why_none = |error| pool.why_none(error, filled);
        let connection = pool.connections.acquire().await.map_err(why_none)?;
        let mut tx = Self {
            connection: Some((connection, pool.hold())),
            leaves: Leaves::Nothing,
            urgent: Vec::new(),
        };
        let begin = sqlx::raw_sql(AssertSqlSafe(begin));
        begin.execute(&mut *tx).await.map_err(why_none)?;
        if let Some(scope) = scope {
            scope.expand(&mut tx).await?;
        }
        Ok(tx)
    }

    /// Says that this transaction leaves something for background work: after the commit, everyone
    /// who listens to [`Database::wakes`](crate::Database::wakes) looks at once instead of at the next poll.
    pub fn wake(&mut self) {
        self.leaves = self.leaves.max(Leaves::Work);
    }

    /// Says that this transaction leaves events for the relay, which looks soon after the commit; everyone
    /// else who listens does as after [`wake`](Self::wake).
    pub fn wake_relay(&mut self) {
        self.leaves = self.leaves.max(Leaves::Events);
    }

    /// As [`wake_relay`](Self::wake_relay); after the commit, everyone who listens to
    /// [`Database::urgent_events`](crate::Database::urgent_events) hears of this one.
    pub fn hurry_relay(&mut self, event: UrgentEvent) {
        self.wake_relay();
        self.urgent.push(event);
    }

    /// The last transaction id below everything that may still commit: where one who reads rows in the order of their
    /// transactions begins, and misses none.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn horizon(&mut self) -> Result<u64, Fault> {
        let xmin = sqlx::query_scalar!(
            r#"-- store::tx::horizon
            SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS "xmin!""#
        )
        .fetch_one(&mut **self)
        .await
        .map_err(fault)?;
        Ok(xmin.unsigned_abs().saturating_sub(1))
    }

    /// What it leaves to background work once it has committed.
    pub(crate) fn leaves(&mut self) -> (Leaves, Vec<UrgentEvent>) {
        (self.leaves, std::mem::take(&mut self.urgent))
    }

    /// Commits. First brings deferred constraints forward, which also finds a transaction that failed
    /// unnoticed: a bare COMMIT would answer such a one with a silent rollback.
    pub(crate) async fn commit(mut self) -> Result<(), Fault> {
        sqlx::raw_sql("SET CONSTRAINTS ALL IMMEDIATE; COMMIT")
            .execute(&mut *self)
            .await
            .map_err(commit_fault)?;
        self.connection = None;
        Ok(())
    }

    /// Rolls back; a connection that cannot even do that is thrown away.
    pub(crate) async fn rollback(mut self) {
        // In its place until it has answered: whoever goes away before that leaves it to `drop`.
        if let Err(error) = sqlx::raw_sql("ROLLBACK").execute(&mut *self).await {
            tracing::debug!(%error, "rollback failed");
            if let Some((connection, _)) = &mut self.connection {
                connection.close_on_drop();
            }
        }
        self.connection = None;
    }
}

async fn roll_back(mut connection: PoolConnection<Postgres>, _held: Held) {
    if let Err(error) = connection.execute("ROLLBACK").await {
        tracing::debug!(%error, "rollback failed");
        connection.close_on_drop();
    }
}

/// Whoever goes away in the middle of it, at whatever step, leaves nothing open.
impl Drop for Tx {
    fn drop(&mut self) {
        let Some((mut connection, held)) = self.connection.take() else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(roll_back(connection, held));
            }
            Err(_) => connection.close_on_drop(),
        }
    }
}

impl Deref for Tx {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.connection.as_ref().expect(OPEN).0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection.as_mut().expect(OPEN).0
    }
}
