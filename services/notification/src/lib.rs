//! notification
pub mod domain;
pub mod provider;
pub mod settings;
pub mod store;

/// The migrations of this service's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
