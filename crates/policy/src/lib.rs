//! Policies are data: what grading, promises, the ladder and clusters may do differently from place to
//! place (domain.md sections 3 to 6).
//!
//! A [`Policy`] is whole and checked: whoever holds one may rely on every value of it. The product
//! ships four of them, one a kind of site; where two sources disagree, both stay available as profiles
//! and are never merged. Pure: no I/O, no "now".

mod built_in;
mod check;
mod document;

pub use check::PolicyError;
pub use document::{
    Clusters, Grading, HoldRule, Holds, Holidays, Ladder, LengthKey, LengthRule, Policy, Shares,
    Signals, WorkingTime,
};

#[cfg(test)]
mod tests;
