//! Takes complaints in, keeps them, and shows how they stand. A complaint that was answered OK is kept,
//! whatever happens to the services behind; no request waits for another service.

pub mod app;
pub mod domain;
pub mod intake;
pub mod jobs;
pub mod rpc;
pub mod store;

use redress_runtime::{App, BoxError, Context, Service};
use serde::Deserialize;
use sqlx::migrate::Migrator;

/// The intake service.
#[derive(Debug)]
pub struct IntakeService;

/// Section `[service]` of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How often receipts and changes that are too old are purged.
    pub purge_interval_seconds: u64,
}

impl Service for IntakeService {
    const NAME: &'static str = "intake";
    const DEFAULT_CONFIG: &'static str = include_str!("../config.toml");
    type Settings = Settings;

    fn migrators() -> Vec<&'static Migrator> {
        vec![
            &redress_store::MIGRATOR,
            &redress_events::MIGRATOR,
            &store::MIGRATOR,
        ]
    }

    async fn build(context: Context<Settings>) -> Result<App, BoxError> {
        app::build(context).await
    }
}
