//! The clocks of incidents, as the timers see them.

use std::sync::Arc;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_rpc::trace_context;
use redress_store::{Database, Operation, Scope, Tx};
use redress_timers::{Entry, Fired, Truth};
use tracing::Instrument as _;

use crate::domain::words::State;
use crate::flow::{Because, Desk, Transition, Turn};
use crate::store::{clocks, incidents, lock_site};

/// Postgres is the truth about what is due.
#[derive(Debug)]
pub struct IncidentClocks {
    /// Where they lie.
    pub db: Database,
    /// How incidents are run.
    pub desk: Arc<Desk>,
}

#[async_trait::async_trait]
impl Truth for IncidentClocks {
    async fn due(&self, now: Timestamp, limit: i64) -> Result<Vec<Entry>, Fault> {
        clocks::due(&self.db, now, limit).await
    }

    async fn armed(&self, after: Option<uuid::Uuid>, limit: i64) -> Result<Vec<Entry>, Fault> {
        clocks::armed(&self.db, after, limit).await
    }

    async fn fire(&self, entry: &Entry, now: Timestamp) -> Result<Fired, Fault> {
        let Some((site, traceparent)) = clocks::origin(&self.db, entry.id).await? else {
            return Ok(Fired::Stale);
        };
        // What a promise leads to belongs to the trace of the complaint that it was made on.
        let span = tracing::info_span!("clock.fire", clock = %entry.id);
        trace_context::follow_in_batch(&span, &traceparent);
        let fire = FireClock {
            desk: &self.desk,
            site: &site,
            entry,
            now,
        };
        let scope = Scope::site(site.clone());
        self.db.run(&scope, &fire).instrument(span).await
    }
}

/// Fires one clock, fenced by its generation under the incident's lock.
struct FireClock<'a> {
    desk: &'a Desk,
    site: &'a SiteId,
    entry: &'a Entry,
    now: Timestamp,
}

impl Operation for FireClock<'_> {
    const NAME: &'static str = "crisis.fire_clock";
    type Output = Fired;

    async fn run(&self, tx: &mut Tx) -> Result<Fired, Fault> {
        lock_site(tx, self.site).await?;
        let Some(incident) = clocks::get(tx, self.site, self.entry.id)
            .await?
            .map(|c| c.incident)
        else {
            return Ok(Fired::Stale);
        };
        let Some(incident) = incidents::lock(tx, self.site, incident).await? else {
            return Ok(Fired::Stale);
        };
        // Read again: whoever held the incident may have met the clock meanwhile.
        let clock = clocks::get(tx, self.site, self.entry.id).await?;
        let Some(clock) = clock.filter(|c| c.is_open() && c.generation == self.entry.generation)
        else {
            return Ok(Fired::Stale);
        };
        match clock.next {
            Some(next) if next > self.now => {
                return Ok(clock.entry().map_or(Fired::Early, Fired::Again));
            }
            Some(_) => {}
            None => return Ok(Fired::Stale),
        }
        let mut turn = Turn::take(tx, self.desk, self.now, incident).await?;
        // Somebody may have come on duty since: whoever fills a role now is told with the others.
        // Nobody is called out about an incident that has ended; what its review asks of people still runs.
        let filled =
            turn.incident.state == State::Open && turn.fill_roles(Because::TimePassed).await?;
        turn.fire(clock).await?;
        let transition = if filled {
            Transition::Changed
        } else {
            Transition::Noted
        };
        let (_, armed) = turn.finish(transition).await?;
        Ok(Fired::Armed(armed))
    }
}
