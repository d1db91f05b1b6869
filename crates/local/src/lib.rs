//! A private PostgreSQL and a private Redis from the programs that are already installed.
//!
//! `redress up` and the tests need both servers, but must neither touch a server that somebody else runs nor leave one
//! behind. So each is started on a free port of 127.0.0.1 with a random password, from a folder of our own, and dies
//! with the process that started it: the server's parent is a small shell that holds the read end of a pipe and stops
//! the server when the write end closes, however that comes about (even by SIGKILL).
//!
//! PostgreSQL refuses to run as root; then both servers run as an unprivileged user (`postgres`, else `nobody`).
//! Everything here blocks; call it from `tokio::task::spawn_blocking` inside async code.

mod doctor;
mod error;
mod identity;
mod place;
mod postgres;
mod programs;
mod redis;
mod watchdog;

pub use doctor::{Finding, doctor};
pub use error::{Error, Result};
pub use place::free_listener;
pub use postgres::{Durability, Postgres, PostgresOptions};
pub use redis::{Redis, RedisOptions};
