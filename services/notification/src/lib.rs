//! notification
pub mod domain;
