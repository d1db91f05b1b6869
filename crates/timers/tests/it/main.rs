//! Timers over real rows in Postgres and a real Redis, with everything broken that can break.

mod batches;
mod cluster;
mod failover;
mod faults;
mod order;
mod outages;
mod receipts;
mod rows;
mod rules;
