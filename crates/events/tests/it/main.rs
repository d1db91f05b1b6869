//! Outbox, relay and inbox against a real Postgres, every failure named (I3, P25).
#![allow(clippy::unwrap_used)]

mod admin;
mod away;
mod backlog;
mod express;
mod keeping;
mod leases;
mod long_reader;
mod once;
mod order;
mod poison;
mod purge;
mod tracing_across;
mod waiting;
mod wakes;
mod world;
