//! How every service talks to Postgres: pools of its two roles, named transactions that are confined
//! to a scope of sites and tried again when Postgres asks for it, receipts for `request_id`, the keys that seal
//! personal data, errors by who can act, and the bootstrap and migration of a schema.
//!
//! - A request or event handler is an [`Operation`]; [`Database::run`] gives it a [`Tx`] of the app
//!   role in which row security shows only the sites of its [`Scope`].
//! - A worker that looks for what is due in all sites uses [`Database::work`], whose role sees due,
//!   outbox and inbox columns and nothing else.
//! - Nothing here holds a connection over a network call to anything but Postgres.

mod bootstrap;
mod database;
mod fault;
mod keyring;
mod operation;
mod pool;
pub mod receipt;
mod schema;
mod scope;
mod sight;
mod tx;

pub use bootstrap::{BOOTSTRAP_SQL, Role, bootstrap, role_url};
pub use database::{ConnectError, Database, DatabaseSettings};
pub use fault::{OneRowExt, PostgresError, StoreResultExt, constraint, fault, is_away};
pub use keyring::Keyring;
pub use operation::Operation;
pub use schema::{MIGRATOR, SchemaError, check_schema, migrate};
pub use scope::{Scope, place_site};
pub use sight::Sight;
pub use tx::{Tx, UrgentEvent};

/// The services, each with a schema of the same name.
pub const SERVICES: [&str; 5] = ["intake", "triage", "assignment", "notification", "crisis"];
