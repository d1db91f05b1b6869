//! Clocks as the timers see them: rows of Postgres are the truth, and firing one is a transaction.

use async_trait::async_trait;
use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_rpc::trace_context;
use redress_store::{Database, Operation, Scope, Tx};
use redress_timers::{Entry, Fired, Receipt, Timers, Truth};
use std::sync::{Arc, OnceLock};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::casework::{self, Work};
use crate::store::{clocks, late, sites};

/// Our clocks.
#[derive(Debug)]
pub struct ClockTruth {
    db: Database,
    // Set right after the timers are made of this.
    timers: Arc<OnceLock<Timers>>,
}

impl ClockTruth {
    /// The clocks of this database. What a firing arms beside its own entry goes to the timers, once
    /// they are set.
    pub fn new(db: Database, timers: Arc<OnceLock<Timers>>) -> Self {
        Self { db, timers }
    }
}

struct Fire<'a> {
    site: SiteId,
    entry: &'a Entry,
    now: Timestamp,
}

impl Operation for Fire<'_> {
    const NAME: &'static str = "triage.fire_clock";
    type Output = (Fired, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<(Fired, Vec<Entry>), Fault> {
        let Some(site) = sites::get(tx, &self.site, self.now).await? else {
            return Ok((Fired::Stale, Vec::new()));
        };
        let mut work = Work::new(tx, &site, self.now);
        let fired = casework::fire(&mut work, self.entry).await?;
        Ok((fired, work.entries))
    }
}

#[async_trait]
impl Truth for ClockTruth {
    async fn due(&self, now: Timestamp, limit: i64) -> Result<Vec<Entry>, Fault> {
        clocks::due(&self.db, now, limit).await
    }

    async fn armed(&self, after: Option<Uuid>, limit: i64) -> Result<Vec<Entry>, Fault> {
        clocks::armed(&self.db, after, limit).await
    }

    async fn fire(&self, entry: &Entry, now: Timestamp) -> Result<Fired, Fault> {
        let Some((site, traceparent)) = clocks::origin(&self.db, entry.id).await? else {
            return Ok(Fired::Stale);
        };
        // What a promise leads to belongs to the trace of the complaint that it was made on.
        let span = tracing::info_span!("clock.fire", clock = %entry.id);
        trace_context::follow(&span, &traceparent);
        let fire = Fire {
            site: site.clone(),
            entry,
            now,
        };
        let (fired, entries) = self
            .db
            .run(&Scope::site(site), &fire)
            .instrument(span)
            .await?;
        if let Some(timers) = self.timers.get() {
            for other in entries.into_iter().filter(|other| other.id != entry.id) {
                timers.schedule(other);
            }
        }
        Ok(fired)
    }

    async fn late(&self, receipts: &[Receipt]) -> Result<(), Fault> {
        late::keep(&self.db, receipts).await
    }
}
