//! Assignment against a real Postgres: its handlers, its RPCs, and what it tells others.
#![allow(missing_docs, unreachable_pub)]

mod agency;
mod bypass;
mod contacts;
mod convergence;
mod duties;
mod handling;
mod history;
mod isolation;
mod kills;
mod ledger;
mod library;
mod lifecycle;
mod notices;
mod plan;
mod practice;
mod process;
mod promises;
mod reports;
mod routing;
mod staffing;
mod stood;
mod wording;
mod world;
