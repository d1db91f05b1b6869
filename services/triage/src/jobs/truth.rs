//! Clocks as the timers see them: rows of Postgres are the truth, and firing one is a transaction.

use async_trait::async_trait;
use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_rpc::trace_context;
use redress_store::{Database, Operation, Scope, Tx};
use redress_timers::{Entry, Fired, Overdue, Receipt, Timers, Truth};
use std::sync::{Arc, OnceLock};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::casework::{self, Telling, Work};
use crate::store::clocks::{self, Origin};
use crate::store::{late, sites};

/// How many clocks that are due are fired together: enough to spread what a transaction costs, few enough that nobody
/// waits long for a case in it.
const BATCH_MAX: usize = 100;

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
    late: &'a [Receipt],
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
        let entries = work.entries;
        let late = Receipt::of_effects(self.late, [(self.entry, &fired)]);
        late::keep(tx, &self.site, &late).await?;
        Ok((fired, entries))
    }
}

/// Entries of one site that only tell somebody something.
struct FireMany<'a> {
    site: SiteId,
    entries: Vec<Telling<'a>>,
    late: &'a [Receipt],
    now: Timestamp,
}

impl Operation for FireMany<'_> {
    const NAME: &'static str = "triage.fire_clocks";
    type Output = Vec<Fired>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Fired>, Fault> {
        let Some(site) = sites::get(tx, &self.site, self.now).await? else {
            return Ok(vec![Fired::Stale; self.entries.len()]);
        };
        let mut work = Work::new(tx, &site, self.now);
        let fired = casework::fire_many(&mut work, &self.entries).await?;
        let entries = self.entries.iter().map(|of| of.entry);
        let late = Receipt::of_effects(self.late, entries.zip(&fired));
        late::keep(tx, &self.site, &late).await?;
        Ok(fired)
    }
}

/// An entry with its place in the batch, and where its clock is.
type Placed<'a> = (usize, &'a Entry, &'a Origin);

impl ClockTruth {
    /// Fires a stretch of entries that only tell, those of each site in one transaction. What cannot be fired so is
    /// left out.
    async fn tell(
        &self,
        stretch: &[Placed<'_>],
        late: &[Receipt],
        now: Timestamp,
        answers: &mut [Option<Fired>],
    ) -> Result<(), Fault> {
        let mut sites: Vec<(&SiteId, Vec<&Placed<'_>>)> = Vec::new();
        for of in stretch {
            match sites.iter_mut().find(|(site, _)| **site == of.2.site) {
                Some((_, entries)) => entries.push(of),
                None => sites.push((&of.2.site, vec![of])),
            }
        }
        for (site, stretch) in sites {
            // Open until all are committed.
            let spans: Vec<Span> = stretch
                .iter()
                .map(|(_, entry, origin)| span_of(entry, origin))
                .collect();
            let traces: Vec<Option<String>> = spans
                .iter()
                .map(|span| span.in_scope(trace_context::traceparent))
                .collect();
            let mut entries = Vec::with_capacity(stretch.len());
            for ((_, entry, origin), trace) in stretch.iter().zip(&traces) {
                entries.push(Telling {
                    entry,
                    case: origin.case,
                    trace: trace.as_ref().unwrap_or(&origin.traceparent),
                });
            }
            let fire = FireMany {
                site: site.clone(),
                entries,
                late,
                now,
            };
            match self.db.run(&Scope::site(site.clone()), &fire).await {
                Ok(fired) => {
                    for ((place, ..), fired) in stretch.into_iter().zip(fired) {
                        answers[*place] = Some(fired);
                    }
                }
                // Postgres is away: for the others too.
                Err(fault @ (Fault::Unavailable { .. } | Fault::Exhausted { .. })) => {
                    return Err(fault);
                }
                Err(fault) => {
                    tracing::warn!(reason = fault.reason(), fault = %fault.chain(), entries = stretch.len(), "clocks that are due together are fired one by one");
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Truth for ClockTruth {
    async fn due(
        &self,
        since: Option<Timestamp>,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Entry>, Fault> {
        clocks::due(&self.db, since, now, limit).await
    }

    async fn overdue(&self, since: Option<Timestamp>, now: Timestamp) -> Result<Overdue, Fault> {
        clocks::overdue(&self.db, since, now).await
    }

    async fn armed(&self, after: Option<Uuid>, limit: i64) -> Result<Vec<Entry>, Fault> {
        clocks::armed(&self.db, after, limit).await
    }

    async fn fire(&self, entry: &Entry, late: &[Receipt], now: Timestamp) -> Result<Fired, Fault> {
        let mut origins = clocks::origins(&self.db, &[entry.id]).await?;
        let Some(origin) = origins.remove(&entry.id) else {
            return Ok(Fired::Stale);
        };
        let span = span_of(entry, &origin);
        let site = origin.site;
        let fire = Fire {
            site: site.clone(),
            entry,
            late,
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

    fn batch_max(&self) -> usize {
        BATCH_MAX
    }

    /// Those that only tell somebody something are fired together, stretch by stretch; what decides a case is fired by
    /// itself in its turn between them.
    async fn fire_many(
        &self,
        entries: &[Entry],
        late: &[Receipt],
        now: Timestamp,
    ) -> Result<Vec<Option<Fired>>, Fault> {
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
        let origins = clocks::origins(&self.db, &ids).await?;
        let mut answers = vec![None; entries.len()];
        let mut stretch = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            match origins.get(&entry.id) {
                None => answers[place] = Some(Fired::Stale),
                Some(origin) if casework::only_tells(origin.kind) => {
                    stretch.push((place, entry, origin));
                }
                Some(_) => {
                    let before = std::mem::take(&mut stretch);
                    if let Err(fault) = self.tell(&before, late, now, &mut answers).await {
                        return some_of(answers, fault);
                    }
                    match self.fire(entry, late, now).await {
                        Ok(fired) => answers[place] = Some(fired),
                        // It is tried once more by itself, and then waits.
                        Err(fault) => {
                            tracing::debug!(reason = fault.reason(), "a clock failed in its turn");
                        }
                    }
                }
            }
        }
        match self.tell(&stretch, late, now, &mut answers).await {
            Ok(()) => Ok(answers),
            Err(fault) => some_of(answers, fault),
        }
    }
}

/// What a promise leads to belongs to the trace of the complaint that it was made on.
fn span_of(entry: &Entry, origin: &Origin) -> Span {
    let span = tracing::info_span!("clock.fire", clock = %entry.id);
    trace_context::follow_in_batch(&span, &origin.traceparent);
    span
}

/// The fault, unless some took effect before it: then those are answered, and the others are fired by themselves.
fn some_of(answers: Vec<Option<Fired>>, fault: Fault) -> Result<Vec<Option<Fired>>, Fault> {
    if answers.iter().all(Option::is_none) {
        return Err(fault);
    }
    Ok(answers)
}
