//! The clocks of incidents, as the timers see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_rpc::trace_context;
use redress_store::{Database, Operation, Scope, Tx};
use redress_timers::{Entry, Fired, Overdue, Receipt, Truth};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::domain::words::State;
use crate::flow::{Because, Desk, Transition, Turn};
use crate::store::clocks::{self, Origin};
use crate::store::incidents::Incident;
use crate::store::{incidents, late, lock_site};

/// How many clocks that are due are fired together.
const BATCH_MAX: usize = 100;

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
        let origins = clocks::origins(&self.db, &[entry.id]).await?;
        let Some(origin) = origins.get(&entry.id) else {
            return Ok(Fired::Stale);
        };
        let due = [(entry, origin)];
        let answers = self.together(&origin.site, &due, late, now).await?;
        Ok(answers.into_iter().next().unwrap_or(Fired::Stale))
    }

    fn batch_max(&self) -> usize {
        BATCH_MAX
    }

    /// Those of one site are fired in one transaction, in their order; sites do not wait for each other.
    async fn fire_many(
        &self,
        entries: &[Entry],
        late: &[Receipt],
        now: Timestamp,
    ) -> Result<Vec<Option<Fired>>, Fault> {
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
        let origins = clocks::origins(&self.db, &ids).await?;
        let mut answers = vec![None; entries.len()];
        let mut sites: BTreeMap<&SiteId, Vec<(usize, Due<'_>)>> = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            match origins.get(&entry.id) {
                None => answers[place] = Some(Fired::Stale),
                Some(origin) => {
                    let of = sites.entry(&origin.site).or_default();
                    of.push((place, (entry, origin)));
                }
            }
        }
        let fired = join_all(sites.into_iter().map(async |(site, placed)| {
            let (places, due): (Vec<usize>, Vec<Due<'_>>) = placed.into_iter().unzip();
            (places, self.together(site, &due, late, now).await)
        }));
        let mut away = None;
        for (places, fired) in fired.await {
            match fired {
                Ok(fired) => {
                    for (place, fired) in places.into_iter().zip(fired) {
                        answers[place] = Some(fired);
                    }
                }
                Err(fault @ (Fault::Unavailable { .. } | Fault::Exhausted { .. })) => {
                    away = Some(fault);
                }
                Err(fault) => {
                    tracing::warn!(reason = fault.reason(), fault = %fault.chain(), entries = places.len(), "clocks that are due together are fired one by one");
                }
            }
        }
        match away {
            // Postgres is away: for the others too.
            Some(fault) if answers.iter().all(Option::is_none) => Err(fault),
            _ => Ok(answers),
        }
    }
}

/// A clock that is due, and where it was made.
type Due<'a> = (&'a Entry, &'a Origin);

impl IncidentClocks {
    async fn together(
        &self,
        site: &SiteId,
        due: &[Due<'_>],
        late: &[Receipt],
        now: Timestamp,
    ) -> Result<Vec<Fired>, Fault> {
        // What a promise leads to belongs to the trace of the complaint that it was made on.
        let span_of = |(entry, origin): &Due<'_>| {
            let span = tracing::info_span!("clock.fire", clock = %entry.id);
            trace_context::follow_in_batch(&span, &origin.traceparent);
            span
        };
        let spans: Vec<Span> = due.iter().map(span_of).collect();
        let fire = FireClocks {
            desk: &self.desk,
            site,
            due: due.iter().map(|(entry, _)| *entry).zip(&spans).collect(),
            late,
            now,
        };
        let scope = Scope::site(site.clone());
        let first = spans.first().cloned().unwrap_or_else(Span::none);
        self.db.run(&scope, &fire).instrument(first).await
    }
}

/// Fires clocks of one site, each fenced by its generation under its incident's lock.
struct FireClocks<'a> {
    desk: &'a Desk,
    site: &'a SiteId,
    due: Vec<(&'a Entry, &'a Span)>,
    late: &'a [Receipt],
    now: Timestamp,
}

impl Operation for FireClocks<'_> {
    const NAME: &'static str = "crisis.fire_clock";
    type Output = Vec<Fired>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Fired>, Fault> {
        lock_site(tx, self.site).await?;
        let mut placed = Vec::with_capacity(self.due.len());
        for (entry, span) in &self.due {
            let clock = clocks::get(tx, self.site, entry.id).await?;
            placed.push((clock.map(|c| c.incident), *entry, *span));
        }
        let mut answers = Vec::with_capacity(placed.len());
        for of_one in placed.chunk_by(|a, b| a.0 == b.0) {
            let incident = match of_one[0].0 {
                Some(incident) => incidents::lock(tx, self.site, incident).await?,
                None => None,
            };
            match incident {
                Some(incident) => {
                    let due = of_one.iter().map(|(_, entry, span)| (*entry, *span));
                    answers.extend(self.of_one(tx, incident, due.collect()).await?);
                }
                None => answers.extend(of_one.iter().map(|_| Fired::Stale)),
            }
        }
        let entries = self.due.iter().map(|(entry, _)| *entry);
        let late = Receipt::of_effects(self.late, entries.zip(&answers));
        late::keep(tx, self.site, &late).await?;
        Ok(answers)
    }
}

impl FireClocks<'_> {
    /// Fires clocks of one incident in one turn.
    async fn of_one(
        &self,
        tx: &mut Tx,
        incident: Incident,
        due: Vec<(&Entry, &Span)>,
    ) -> Result<Vec<Fired>, Fault> {
        let mut turn = Turn::take(tx, self.desk, self.now, incident).await?;
        let mut answers = Vec::with_capacity(due.len());
        for (entry, _) in &due {
            answers.extend(turn.due(entry).await?.err());
        }
        if answers.len() == due.len() {
            return Ok(answers);
        }
        // Somebody may have come on duty since: whoever fills a role now is told with the others.
        // Nobody is called out about an incident that has ended; what its review asks of people still runs.
        let filled =
            turn.incident.state == State::Open && turn.fill_roles(Because::TimePassed).await?;
        answers.clear();
        for (entry, span) in &due {
            // Read again: one that was told of with the others is not due any more.
            answers.push(match turn.due(entry).await? {
                Ok(clock) => {
                    turn.fire(clock).instrument((*span).clone()).await?;
                    Fired::Done
                }
                Err(answer) => answer,
            });
        }
        let transition = if filled {
            Transition::Changed
        } else {
            Transition::Noted
        };
        let (_, armed) = turn.finish(transition).await?;
        Ok(armed_by(&due, answers, armed))
    }
}

/// Says of each what is armed of it now, and of the last what is armed beside them.
fn armed_by(due: &[(&Entry, &Span)], mut answers: Vec<Fired>, mut armed: Vec<Entry>) -> Vec<Fired> {
    for ((entry, _), answer) in due.iter().zip(&mut answers) {
        let own: Vec<Entry> = armed.extract_if(.., |a| a.id == entry.id).collect();
        if !own.is_empty() {
            *answer = Fired::Armed(own);
        }
    }
    match answers.last_mut() {
        Some(Fired::Armed(own)) => own.extend(armed),
        Some(answer) if !armed.is_empty() => *answer = Fired::Armed(armed),
        _ => {}
    }
    answers
}
