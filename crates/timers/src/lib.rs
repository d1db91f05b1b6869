//! Promises that come due: fired never early, once in effect, soon after they are due, and never lost.
//!
//! A service's Postgres rows are the truth ([`Truth`]). Redis holds an index of what is due next, and nothing that
//! could not be rebuilt from those rows: sorted sets in 16 shards, each with all its keys under one hash tag so that
//! Redis Cluster works. `now` comes from the service's clock, so that virtual time works; Redis' own time serves leases
//! alone.
//!
//! - A worker in every replica claims what is due under a lease, lets the service commit it in Postgres
//!   ([`Truth::fire`], fenced by id and generation), then removes it. A lease is renewed while its handler runs, and
//!   ends by itself when the worker dies. A service that can commit several entries at once is given batches
//!   ([`Truth::fire_many`]).
//! - An emptied index is noticed by its missing marker and rebuilt from the truth. An auditor compares truth and index
//!   in bounded pages, repairs what differs and counts what is overdue.
//! - While the index is away or incomplete, a scan of Postgres fires what is due: late by about a second, complete.
//! - Whatever takes effect late leaves a [`Receipt`] that says why, which the service keeps in the same transaction.
//!
//! Cost: an idle replica asks each shard twice a second; a round of claims costs three scripts a shard, for one entry or
//! for hundreds; the auditor reads one page of armed rows every five seconds, and counts what is due by the
//! truth's index of it. Both it and the scan read that index since the oldest that can be due, and all of it every half
//! minute, so that a snapshot which keeps dead entries there costs what fired in the last minute and no more. Memory: about 210 bytes an entry in Redis.
//! Figures: docs/benchmarks.md.

mod entry;
mod fire;
mod floor;
mod index;
mod keeper;
mod metrics;
mod receipt;
mod receipts;
mod redis;
mod scanner;
mod settings;
mod timers;
mod worker;

pub use entry::{Entry, Fired, Overdue, Truth};
pub use receipt::{Cause, Receipt};
pub use redis::Redis;
pub use settings::Settings;
pub use timers::Timers;
