//! What tests of every crate need: a private Postgres with a database per test, a private Redis, a network that breaks
//! on demand, a collector that remembers what was emitted, waiting without sleeping, and the verdicts of benchmarks.
//!
//! Nothing here is mocked: the servers are the installed ones, and each test has its own part of them, so that tests
//! run in parallel and leave nothing behind.

mod database;
mod eventually;
pub mod otlp;
mod postgres;
pub mod proxy;
mod redis;
pub mod verdict;

pub use database::{Schema, TestDatabase, database, database_of};
pub use eventually::{Outcome, eventually};
pub use postgres::{Postgres, postgres, postgres_with};
pub use redis::{TestRedis, TestRedisCluster, redis, redis_cluster, redis_cluster_with_replicas};
pub use redress_local::PostgresOptions;
pub use redress_model::time::ManualClock;

/// A folder that every user can pass through. Removed by the server that lives in it.
fn home() -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new()
        .prefix("redress-test-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir()
        .expect("the folder for temporary files can be written");
    folder.keep()
}

/// Runs what blocks without holding up the test's other tasks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
