//! The triage service: grades complaints, finds those about the same issue, and watches the promises
//! on them.
//!
//! `rpc` and `jobs` bring requests and events in; `domain` decides; `casework` lets what follows
//! follow, in one transaction; `store` keeps. See README.md for what it owns, emits and consumes.

mod app;
pub mod casework;
pub mod desk;
pub mod domain;
pub mod jobs;
pub mod rpc;
pub mod store;

use redress_runtime::{App, BoxError, Context, NoSettings, Service};
use sqlx::migrate::Migrator;

pub use app::{inbox, timers};

/// The service, for its own process and for `redress up`.
#[derive(Debug, Clone, Copy)]
pub struct TriageService;

impl Service for TriageService {
    const NAME: &'static str = "triage";
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
        app::build(context).await
    }
}
