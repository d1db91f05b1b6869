//! The tables of this service. Each function is one step inside a transaction that its caller opened
//! and confined to a site; row security holds besides every `site = $1` below.

pub mod attempts;
pub mod digests;
pub mod duty;
pub mod erasure;
pub mod held;
pub mod kept;
pub mod matters;
pub mod messages;
pub mod notices;
pub mod owner_notices;
pub mod parts;
pub mod preferences;
pub mod promises;
pub mod staff;
pub mod surveys;
pub mod tasks;
pub mod texts;
pub mod timing;

use redress_model::Fault;
use redress_model::words::Word;

/// A word as it stands in a column. Another one means that a newer release wrote the row.
pub(crate) fn word<W: Word>(text: &str) -> Result<W, Fault> {
    W::parse(text).map_err(Fault::internal)
}
