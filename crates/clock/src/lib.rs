//! Promises with a deadline (domain.md section 6).
//!
//! A clock is a pure function of its events and its calendar (I5): [`fold`] computes it from
//! scratch, and whoever stores a clock stores the events and may keep the result as a cache. What
//! has been *told* about a clock (that it warned, that it breached) is not part of it: the owner of
//! the row keeps that and asks [`Promise::next_step`] what comes next, so that nothing fires twice.
//! Pure: no I/O, no "now" but the one given.

mod deadlines;
mod length;
mod promise;

pub use deadlines::{Deadlines, deadlines};
pub use length::{Length, LengthError};
pub use promise::{Event, Promise, Step, fold};

#[cfg(test)]
mod tests;
