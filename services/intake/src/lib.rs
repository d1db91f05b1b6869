//! Takes complaints in, keeps them, and shows how they stand.

pub mod domain;
pub mod store;
