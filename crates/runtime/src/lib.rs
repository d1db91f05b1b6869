//! How a Redress process lives, so that a service only says what it is.
//!
//! A service implements [`Service`]; its `main` is one call of [`main`], which gives it the subcommands
//! `serve`, `migrate`, `check-config` and `healthcheck`. [`host`] runs the same service inside of another
//! process, next to others, as `redress up` does: nothing here is global.

mod cli;
pub mod config;
mod counted;
mod every;
pub mod host;
mod redis;
mod server;
mod service;
pub mod settings;
mod status;
pub mod telemetry;
mod tls;

pub use cli::main;
pub use counted::{Count, Counted};
pub use every::every;
pub use redis::{Redis, RedisUrlError};
pub use server::ListenError;
pub use service::{App, BoxError, Context, Ended, Service};
pub use settings::{Common, NoSettings};

use redress_rpc::Caller;
use redress_store::{Scope, Sight};

/// The sites that a caller's transactions see.
pub fn scope(caller: &Caller) -> Scope {
    Scope {
        organizations: caller.organizations.clone(),
        regions: caller.regions.clone(),
        sites: caller.sites.clone(),
    }
}

/// What a caller sees where staff complained about see nothing of it.
pub fn sight(caller: &Caller) -> Sight {
    Sight::new(scope(caller), caller.staff.clone())
}
