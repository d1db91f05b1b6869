//! The five services as real processes over a private Postgres and Redis, for tests of the whole.
//!
//! Each test has a platform of its own: its own database, Redis, ports, keys and collector, so that
//! tests run side by side and a killed service disturbs nobody else.

mod callers;
mod platform;
mod seed;

pub use callers::{Authenticated, Callers};
pub use platform::{Platform, Replica, SERVICES};
pub use seed::{OTHER_SITE, SITE};
