//! The life of a process, with a small service on a real database.

mod life;
mod process;
mod roles;
mod status;
mod support;
mod telemetry;
mod tls;
mod web;
