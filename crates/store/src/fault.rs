//! Errors of Postgres as a [`Fault`], by who can act on them.
//!
//! What Postgres says may repeat values of the statement (a phone number in the detail of a unique
//! violation), so nothing of it goes further than the code, the constraint and the table.

use std::fmt;

use redress_model::Fault;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgDatabaseError, PgQueryResult};

/// What [`Fault::Unavailable`] names when the transaction lost a race and was rolled back.
pub(crate) const LOST_RACE: &str = "postgres (lost a race)";
/// What [`Fault::Unavailable`] names when the connection broke or the server went away.
pub(crate) const LOST_CONNECTION: &str = "postgres";
/// What [`Fault::Unavailable`] names when no connection can be made: nothing answers, or the role or the database is
/// refused. That takes longer to mend than a call should wait.
pub(crate) const AWAY: &str = "postgres (no connection)";
/// What [`Fault::Unavailable`] names when it is not known whether the commit happened.
pub(crate) const UNKNOWN_OUTCOME: &str = "postgres (outcome unknown)";
/// What [`Fault::Exhausted`] names when no connection came free in time.
pub(crate) const CONNECTIONS: &str = "postgres connections";

/// An error of Postgres without any value of the statement.
#[derive(Debug)]
pub struct PostgresError {
    /// SQLSTATE, or the kind of driver error.
    pub code: String,
    /// The constraint that was broken.
    pub constraint: Option<String>,
    /// The table it is about.
    pub table: Option<String>,
    /// The server's or driver's words, kept only where they cannot repeat a value.
    pub message: Option<String>,
}

impl fmt::Display for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres error {}", self.code)?;
        if let Some(constraint) = &self.constraint {
            write!(f, ", constraint {constraint}")?;
        }
        if let Some(table) = &self.table {
            write!(f, ", table {table}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PostgresError {}

impl PostgresError {
    fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(e) => {
                let code = e.code().unwrap_or_default().into_owned();
                // Data exceptions (22) and broken constraints (23) repeat values.
                let silent = code.starts_with("22") || code.starts_with("23");
                Self {
                    message: (!silent).then(|| e.message().to_owned()),
                    constraint: e.constraint().map(str::to_owned),
                    table: e.table().map(str::to_owned),
                    code,
                }
            }
            sqlx::Error::ColumnDecode { index, .. } => Self::driver("decode", Some(index.clone())),
            sqlx::Error::Decode(_) => Self::driver("decode", None),
            sqlx::Error::Encode(_) => Self::driver("encode", None),
            other => Self::driver("driver", Some(other.to_string())),
        }
    }

    fn driver(code: &str, message: Option<String>) -> Self {
        Self {
            code: code.to_owned(),
            constraint: None,
            table: None,
            message,
        }
    }
}

/// The name of the constraint that a statement broke, for an exact match.
pub fn constraint(error: &sqlx::Error) -> Option<&str> {
    error
        .as_database_error()
        .and_then(DatabaseError::constraint)
}

/// An error of Postgres by who can act on it. Anything that our code should have prevented is
/// INTERNAL; match [`constraint`] first where a broken constraint has a meaning.
pub fn fault(error: sqlx::Error) -> Fault {
    match &error {
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed | sqlx::Error::Tls(_) => {
            Fault::unavailable(LOST_CONNECTION)
        }
        sqlx::Error::PoolTimedOut => Fault::exhausted(CONNECTIONS),
        sqlx::Error::PoolClosed => Fault::unavailable(LOST_CONNECTION),
        // A connection that broke in the middle of a message.
        sqlx::Error::Protocol(_) => Fault::unavailable(LOST_CONNECTION),
        sqlx::Error::Database(e) => {
            let code = e.code().unwrap_or_default();
            match code.as_ref() {
                // Serialization failure, deadlock.
                "40001" | "40P01" => Fault::unavailable(LOST_RACE),
                // Lock timeout.
                "55P03" => Fault::unavailable(LOST_RACE),
                // The server shuts down, crashed, or is starting.
                "57P01" | "57P02" | "57P03" => Fault::unavailable(LOST_CONNECTION),
                // Ended for idling, or for waiting too long in a transaction.
                "25P03" | "57P05" => Fault::unavailable(LOST_CONNECTION),
                // There is no such database, or no more.
                "3D000" | "57P04" => Fault::unavailable(AWAY),
                // The role or its password is refused.
                code if code.starts_with("28") => Fault::unavailable(AWAY),
                "53300" => Fault::exhausted(CONNECTIONS),
                // statement_timeout.
                "57014" => Fault::Deadline,
                code if code.starts_with("08") => Fault::unavailable(LOST_CONNECTION),
                "42501" if outside_scope(e.as_ref()) => {
                    Fault::only("somebody whose token covers the site")
                }
                // A zero character, which no text of Postgres holds: as text, and within JSON.
                "22021" | "22P05" => {
                    Fault::invalid("request", "must hold no zero characters in its texts")
                }
                _ => Fault::internal(PostgresError::of(&error)),
            }
        }
        _ => Fault::internal(PostgresError::of(&error)),
    }
}

/// Why a connection is not to be had, for the log.
pub(crate) fn why_away(error: &sqlx::Error) -> &'static str {
    match error.as_database_error().and_then(|e| e.code()).as_deref() {
        Some("28P01" | "28000") => "the role or its password is refused",
        Some("3D000") => "the database does not exist",
        Some("57P03") => "it is starting",
        Some("53300") => "it has no connection to spare",
        Some(_) => "it refuses connections",
        // A pool tries again by itself where Postgres is starting or full.
        None if matches!(error, sqlx::Error::PoolTimedOut) => {
            "nothing answers there, or it is starting or has no connection to spare"
        }
        None => "nothing answers there",
    }
}

/// A written row that row security refuses, as opposed to a missing grant, which is our mistake.
/// Both are 42501; only the routine in the server tells them apart in every language of messages.
fn outside_scope(error: &dyn DatabaseError) -> bool {
    error
        .try_downcast_ref::<PgDatabaseError>()
        .and_then(PgDatabaseError::routine)
        == Some("ExecWithCheckOptions")
}

/// The error of a commit: when the connection broke, nobody knows what happened, so it is never
/// tried again here; the caller's request_id makes its own retry safe.
pub(crate) fn commit_fault(error: sqlx::Error) -> Fault {
    match fault(error) {
        Fault::Unavailable { what } if what == LOST_CONNECTION => {
            Fault::unavailable(UNKNOWN_OUTCOME)
        }
        other => other,
    }
}

/// Whether the whole transaction may simply be run again.
pub(crate) fn is_retryable(fault: &Fault) -> bool {
    matches!(fault, Fault::Unavailable { what } if *what == LOST_RACE || *what == LOST_CONNECTION)
}

/// `?` for results of sqlx.
pub trait StoreResultExt<T> {
    /// The result with its error as a [`Fault`].
    ///
    /// # Errors
    /// What [`fault`] makes of the error.
    fn or_fault(self) -> Result<T, Fault>;

    /// As [`or_fault`](Self::or_fault), but a broken constraint of this exact name is `meaning`.
    ///
    /// # Errors
    /// `meaning`, or what [`fault`] makes of the error.
    fn or_constraint(self, name: &str, meaning: impl FnOnce() -> Fault) -> Result<T, Fault>;
}

impl<T> StoreResultExt<T> for Result<T, sqlx::Error> {
    fn or_fault(self) -> Result<T, Fault> {
        self.map_err(fault)
    }

    fn or_constraint(self, name: &str, meaning: impl FnOnce() -> Fault) -> Result<T, Fault> {
        self.map_err(|error| {
            if constraint(&error) == Some(name) {
                meaning()
            } else {
                fault(error)
            }
        })
    }
}

/// `?` for statements that change one row, as a lock that was taken before promises.
pub trait OneRowExt {
    /// Nothing more to say, once it was one row.
    ///
    /// # Errors
    /// INTERNAL in these words when it was not; what [`fault`] makes of an error.
    fn one_row(self, otherwise: &'static str) -> Result<(), Fault>;
}

impl OneRowExt for Result<PgQueryResult, sqlx::Error> {
    fn one_row(self, otherwise: &'static str) -> Result<(), Fault> {
        match self.map_err(fault)?.rows_affected() {
            1 => Ok(()),
            _ => Err(Fault::internal(otherwise)),
        }
    }
}

/// Whether the fault says that Postgres cannot be reached or has no connection to spare: then it is
/// not about this one piece of work, and the next one would fare no better.
pub fn is_away(fault: &Fault) -> bool {
    match fault {
        Fault::Unavailable { what } => [LOST_CONNECTION, UNKNOWN_OUTCOME, AWAY].contains(what),
        Fault::Exhausted { what } => *what == CONNECTIONS,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_pipe() -> sqlx::Error {
        sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
    }

    #[test]
    fn i1_i2_a_commit_of_unknown_outcome_is_transient_but_never_run_again() {
        assert!(is_retryable(&fault(broken_pipe())));
        let unknown = commit_fault(broken_pipe());
        assert!(unknown.is_transient() && !is_retryable(&unknown));
    }

    #[test]
    fn a_pool_without_connections_sheds_load() {
        let fault = fault(sqlx::Error::PoolTimedOut);
        assert!(fault.is_transient() && is_away(&fault) && !is_retryable(&fault));
    }
}
