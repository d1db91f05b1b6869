//! Promises with a deadline (domain.md section 6).
//!
//! A clock is a pure function of its events and of the calendars that they name (I5): [`fold`] computes
//! it from scratch, and whoever stores a clock stores the events and may keep the result as a cache.
//! [`explain`] shows from the same events what its time was spent on. What has been *told* about a clock
//! (that it warned, that it breached) is not part of it: the owner of the row keeps that and asks
//! [`Promise::next_step`] what comes next, so that nothing fires twice. Pure: no I/O, no "now" but the
//! one given.

mod calendars;
mod deadlines;
mod event;
mod explain;
mod length;
mod promise;
mod shares;
mod step;
mod term;

pub use calendars::{Calendars, Revisions};
pub use deadlines::{Deadlines, deadlines, deadlines_of};
pub use event::{Event, Terms};
pub use explain::{Change, Explanation, Stretch, StretchKind, explain};
pub use length::{Length, LengthError};
pub use promise::{Basis, Pause, Promise, fold};
pub use shares::Shares;
pub use step::Step;
pub use term::Term;

#[cfg(test)]
mod tests;
