//! What analysis counts: the facts of each case, the counts that follow them, and what is read of the counts.
//!
//! Whoever changes a fact takes the row of its case and nothing more; [`fold`] alone changes counts.

pub mod facts;
pub mod fold;
pub mod read;
