//! Tests of the whole platform over real processes, Postgres and Redis.

mod alerts;
mod docs;
mod first_site;
mod handling;
mod hints;
mod hostile;
mod importing;
mod journey;
mod migrations;
mod privacy;
mod releases;
mod restore;
mod retries;
mod rolling;
mod room;
mod status;
mod stories;
mod telemetry;
mod telling;
mod tenancy;
mod traces;

/// A test's whole life may take this long before `eventually` gives up on it.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(90);
