//! notification
pub mod domain;
pub mod provider;
pub mod settings;
