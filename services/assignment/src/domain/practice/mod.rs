//! Law and practice (domain.md sections 7 and 10): what a transfer, an order, a dispute, a settlement or a register
//! entry is, and what may happen to it.
//!
//! Each is a matter: one value that only its `record` moves, together with what follows for others. Pure; what was
//! recorded, by whom and when, is kept beside it by the store.

pub mod checklist;
pub mod contractor;
pub mod dispute;
pub mod law;
pub mod library;
pub mod power;
pub mod register;
pub mod settlement;
pub mod transfer;
pub mod warranty;

use jiff::Timestamp;
use redress_model::words::ClockKind;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Something of law and practice that has a history of its own.
pub trait Matter: Clone + Serialize + DeserializeOwned + Send + Sync {
    /// The word under which it is kept.
    const KIND: &'static str;
    /// The last but one segment of its resource name.
    const COLLECTION: &'static str;
    /// What its resource is called in an error.
    const TYPE: &'static str;
    /// Whether only whoever has a part in its case records it and lets steps happen to it (section 7).
    const TAKES_PART: bool = false;
    /// What may happen to it.
    type Step: Clone + Send + Sync;

    /// Lets something happen at an instant: what follows for others.
    ///
    /// # Errors
    /// What is legal, where this is not.
    fn record(
        &mut self,
        id: Uuid,
        step: &Self::Step,
        at: Timestamp,
    ) -> Result<Vec<Effect>, Refused>;

    /// The step in a word, for its history.
    fn word(step: &Self::Step) -> &'static str;

    /// Whether it has ended.
    fn is_ended(&self) -> bool;

    /// Name of the cluster that it is about; none where it is about none.
    fn cluster(&self) -> Option<&str> {
        None
    }

    /// Words by which lists find it.
    fn tags(&self) -> Vec<String> {
        Vec::new()
    }

    /// Text by which lists find it.
    fn searched(&self) -> String {
        String::new()
    }
}

/// Why something may not happen, and what may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The state does not allow it.
    #[error("{legal}")]
    State {
        /// The reason as callers match it.
        reason: &'static str,
        /// What would be legal.
        legal: String,
    },
    /// A value is wrong.
    #[error("{field} {rule}")]
    Value {
        /// The field.
        field: &'static str,
        /// What would be right.
        rule: String,
    },
}

impl Refused {
    /// A wrong value.
    pub(crate) fn value(field: &'static str, rule: impl Into<String>) -> Self {
        Self::Value {
            field,
            rule: rule.into(),
        }
    }
}

/// Where a demand stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemandState {
    /// It runs.
    Open,
    /// It was done then.
    Met(Timestamp),
    /// Nobody needs it any more.
    Cancelled,
}

/// A time that an outside body, a partner or a court gives: a clock runs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Each has a clock of its own.
    pub id: Uuid,
    /// Which promise.
    pub kind: ClockKind,
    /// Where it stands.
    pub state: DemandState,
    /// From when on.
    pub start: Timestamp,
    /// The deadline; none where the site's policy says how long.
    pub due: Option<Timestamp>,
    /// When the party gave that deadline; none where it is the first one.
    pub granted: Option<Timestamp>,
    /// Who demands or owes it.
    pub party: String,
    /// That party's own number.
    pub outside_number: String,
}

/// What follows from a step for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A clock starts, moves or stops.
    Demand(Demand),
    /// The case came before a court or an arbitration body: signal LITIGATION (G1.5).
    Litigation {
        /// The stage: a fact of its own.
        stage: Uuid,
        /// When it began.
        begun: Timestamp,
    },
}

/// The n-th id that hangs on something: the same at every retry, and no other's.
pub(crate) fn derived(id: Uuid, class: u128, n: usize) -> Uuid {
    Uuid::from_u128(id.as_u128() ^ (class << 16) ^ (n as u128 + 1))
}

#[cfg(test)]
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}
