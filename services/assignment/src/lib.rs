//! The assignment service: who works at a site, who is responsible for a case, and how far the work is.
//!
//! `rpc` and `jobs` bring requests and events in; `domain` decides; `store` keeps and tells others. See README.md for
//! what it owns, emits and consumes.

mod app;
pub mod domain;
pub mod jobs;
pub mod rpc;
pub mod store;

use redress_runtime::{App, BoxError, Context, NoSettings, Service};
use sqlx::migrate::Migrator;

pub use app::inbox;

/// The service, for its own process and for `redress up`.
#[derive(Debug, Clone, Copy)]
pub struct AssignmentService;

impl Service for AssignmentService {
    const NAME: &'static str = "assignment";
    const DEFAULT_CONFIG: &'static str = include_str!("../config.toml");
    type Settings = NoSettings;

    fn migrators() -> Vec<&'static Migrator> {
        vec![
            &redress_store::MIGRATOR,
            &redress_events::MIGRATOR,
            &store::MIGRATOR,
        ]
    }

    async fn build(context: Context<NoSettings>) -> Result<App, BoxError> {
        app::build(context)
    }
}
