//! Notification tells people: complainants that they were heard, staff what waits for them, leads what was
//! broken, and in an incident those who have to come.
//!
//! Events cause messages ([`domain::causes`]), a unique key keeps them one for one cause, and a worker
//! carries each by the best way there is ([`jobs::sender`]). Nothing here decides when somebody is to be
//! told; whoever owns the clock does.

mod app;
pub mod domain;
pub mod jobs;
pub mod provider;
pub mod rpc;
pub mod settings;
pub mod store;
pub mod token;

pub use app::NotificationService;

/// The migrations of this service's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
