//! Triage against a real Postgres: its handlers, clocks and RPCs, and what it tells others.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod api;
mod bcubed;
mod calendars;
mod clocks;
mod clusters;
mod converging;
mod deciding;
mod demands;
mod firing;
mod grading;
mod holds;
mod isolation;
mod joining;
mod ladder;
mod late;
mod law;
mod policies;
mod process;
mod promises;
mod refold;
mod reopening;
mod rescue;
mod standing;
mod surveys;
mod suspicions;
mod teaching;
mod world;
