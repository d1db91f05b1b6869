//! Rows of triage. Each file is one table or two that belong together; none decides anything.

pub mod calendars;
pub mod cases;
pub mod clocks;
pub mod cluster_acts;
pub mod clusters;
pub mod decisions;
pub mod duties;
pub mod holds;
pub mod late;
pub mod lessons;
pub mod openings;
pub mod pages;
pub mod policies;
pub mod regrades;
pub mod signals;
pub mod sites;
pub mod standing;
pub mod tallies;
pub mod terms;

use redress_model::Fault;
use redress_model::words::Word;

/// Our migrations; `store` and `events` bring theirs.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// A word that we wrote ourselves.
fn word<W: Word>(text: &str) -> Result<W, Fault> {
    W::parse(text).map_err(Fault::internal)
}

/// A count as Postgres keeps it.
fn count_to_row(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A count as we wrote it.
fn count_of_row(count: i32) -> u32 {
    u32::try_from(count).unwrap_or(0)
}
