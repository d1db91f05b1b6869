//! Triage against a real Postgres: its handlers, clocks and RPCs, and what it tells others.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod api;
mod clocks;
mod clusters;
mod converging;
mod deciding;
mod isolation;
mod process;
mod world;
