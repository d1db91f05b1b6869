//! What intake does in the background: it keeps the case view from what the other services say, purges
//! what is too old, and wakes the watches.

pub mod case_view;
pub mod handling;
pub mod housekeeping;
pub mod incident;
pub mod roster;
