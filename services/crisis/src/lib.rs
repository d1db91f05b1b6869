//! The crisis service: opens an incident when a case is graded 1, fills its command, calls people out
//! and watches its promises (domain.md section 9).

mod app;
pub mod domain;
pub mod flow;
pub mod jobs;
pub mod rpc;
mod settings;
pub mod store;

pub use app::CrisisService;
pub use settings::{Settings, SettingsError};
pub use store::MIGRATOR;
