//! Timers over real rows in Postgres and a real Redis, with everything broken that can break.

mod cluster;
mod faults;
mod order;
mod rows;
mod rules;
