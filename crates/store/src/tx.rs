//! One transaction, confined to its scope.

use std::ops::{Deref, DerefMut};

use redress_model::Fault;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::fault::{commit_fault, fault};
use crate::pool::Pool;
use crate::scope::Scope;

/// How a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// READ COMMITTED: rows are locked where a decision hangs on them.
    Write,
    /// REPEATABLE READ, READ ONLY: all statements of one read see the same instant.
    Read,
}

/// A transaction. Dereferences to the connection: `query.execute(&mut **tx)`. Dropping it rolls back.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    wakes: bool,
}

impl Tx {
    pub(crate) async fn begin(
        pool: &Pool,
        mode: Mode,
        scope: Option<&Scope>,
    ) -> Result<Self, Fault> {
        // A caller who goes away while BEGIN is under way leaves the pool a connection with that
        // transaction still open (the driver counts it only once it is answered). So each BEGIN says
        // all that it wants: in an open transaction Postgres warns and sets it anew.
        let begin = match mode {
            Mode::Write => "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE",
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        };
        let begun = pool.begun();
        let inner = pool.connections.begin_with(begin).await;
        let inner = inner.map_err(|error| pool.why_none(error, begun))?;
        let mut tx = Self {
            inner,
            wakes: false,
        };
        if let Some(scope) = scope {
            scope.set(&mut tx).await?;
        }
        Ok(tx)
    }

    /// Says that this transaction leaves something for background work: after the commit, everyone
    /// who listens to [`Database::wakes`](crate::Database::wakes) looks at once instead of at the next poll.
    pub fn wake(&mut self) {
        self.wakes = true;
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
        .fetch_one(&mut *self.inner)
        .await
        .map_err(fault)?;
        Ok(xmin.unsigned_abs().saturating_sub(1))
    }

    pub(crate) fn wakes(&self) -> bool {
        self.wakes
    }

    /// Commits. First brings deferred constraints forward, which also finds a transaction that failed
    /// unnoticed: a bare COMMIT would answer such a one with a silent rollback.
    pub(crate) async fn commit(mut self) -> Result<(), Fault> {
        sqlx::query("SET CONSTRAINTS ALL IMMEDIATE")
            .execute(&mut *self.inner)
            .await
            .map_err(fault)?;
        self.inner.commit().await.map_err(commit_fault)
    }

    /// Rolls back; a connection that cannot even do that is thrown away by the pool.
    pub(crate) async fn rollback(self) {
        if let Err(error) = self.inner.rollback().await {
            tracing::debug!(error = %error, "rollback failed");
        }
    }
}

impl Deref for Tx {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
