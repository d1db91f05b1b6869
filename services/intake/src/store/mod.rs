//! Intake's rows. Every function works inside a transaction that is confined to a scope of sites and
//! knows who is looking; what it returns are domain values.
//!
//! A case is changed in one way: `case::lock` it, change the record, `timeline::append` what happened,
//! `case::save`, and last `announce` it, so that the subject's outbox lock is short.

pub mod announce;
pub mod case;
pub mod change_feed;
pub mod clocks;
pub mod contact;
pub mod custody;
pub mod directory;
pub mod evidence;
pub mod list;
pub mod needs;
pub mod numbers;
pub mod people;
pub mod roster;
pub mod search;
pub mod timeline;
pub mod viewer;

use redress_model::Fault;
use redress_model::words::Word;
use sqlx::migrate::Migrator;

/// The migrations of intake's own tables.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// A stored word. Only our own code writes these, so another one is our mistake.
pub(crate) fn word<W: Word>(text: &str) -> Result<W, Fault> {
    W::parse(text).map_err(Fault::internal)
}

/// A stored word, where there is one.
pub(crate) fn word_opt<W: Word>(text: Option<&str>) -> Result<Option<W>, Fault> {
    text.map(word).transpose()
}

/// A stored id or name.
pub(crate) fn stored<T>(text: &str) -> Result<T, Fault>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(Fault::internal)
}
