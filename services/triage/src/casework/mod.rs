//! What happens to a case in one transaction: it is received and joins a cluster, it is decided, its
//! promises start, move and stop. Event handlers, RPCs and timers come here, so that whatever the
//! occasion, the same things follow.
//!
//! Locks are taken in one order: the site's clusters (only where a cluster may change), the case, its
//! clocks. Whoever breaks it is rolled back by Postgres and runs again.

mod age;
mod cluster;
mod decide;
mod ladder;
mod promises;
mod receive;
mod status;

pub use cluster::{cluster_facts, merge, spread};
pub use decide::decide;
pub use promises::{Contact, contact, fire};
pub use receive::{Reading, Receipt, receive};
pub use status::{Move, Mover, stand};

use jiff::Timestamp;
use redress_store::Tx;
use redress_timers::Entry;

use crate::store::sites::Site;

/// One transaction's work at one site.
#[derive(Debug)]
pub struct Work<'a> {
    /// The transaction.
    pub tx: &'a mut Tx,
    /// The site.
    pub site: &'a Site,
    /// Now.
    pub now: Timestamp,
    /// What the timers are told once the transaction has committed.
    pub entries: Vec<Entry>,
}

impl<'a> Work<'a> {
    /// Work that begins.
    pub fn new(tx: &'a mut Tx, site: &'a Site, now: Timestamp) -> Self {
        Self {
            tx,
            site,
            now,
            entries: Vec::new(),
        }
    }
}
