//! Intake against a real Postgres, over gRPC. Each test has a database of its own.

mod create;
mod import;
mod isolation;
mod moves;
mod needs;
mod privacy;
mod process;
mod robustness;
mod search;
mod timeline;
mod view;
mod watch;
mod world;
