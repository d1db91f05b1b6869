//! Decides the cases of large clusters again, a batch at a time, so that a case that joins one never waits
//! for all the others.

use std::sync::Arc;
use std::time::Duration;

use redress_model::Fault;
use redress_store::{Operation, Scope, Tx};
use redress_timers::Entry;
use tokio_util::sync::CancellationToken;

use crate::casework::{self, Work};
use crate::desk::Desk;
use crate::store::regrades::{self, Regrade};
use crate::store::sites;

/// How long nothing is looked for after nothing was found, unless something commits before.
const IDLE: Duration = Duration::from_secs(5);

/// Clusters that are looked up at a time.
const CLUSTERS_MAX: i64 = 16;

/// Decides what waits, until shutdown. Replicas may do so at once: who comes second changes nothing.
pub async fn regrade_clusters(desk: Arc<Desk>, shutdown: CancellationToken) {
    let mut wakes = desk.db.wakes();
    loop {
        let idle = match regrade_waiting(&desk).await {
            Ok(batches) => batches == 0,
            Err(fault) => {
                tracing::warn!(reason = fault.reason(), fault = %fault.chain(), "clusters wait to be graded again");
                true
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = wakes.changed(), if idle => {}
            () = tokio::time::sleep(if idle { IDLE } else { Duration::ZERO }) => {}
        }
    }
}

/// Decides one batch of each cluster that waits; says how many. One that cannot be decided goes to the end of
/// the queue, so that the others are not held up by it.
///
/// # Errors
/// When Postgres is away.
pub async fn regrade_waiting(desk: &Desk) -> Result<usize, Fault> {
    let waiting = regrades::waiting(&desk.db, CLUSTERS_MAX).await?;
    let mut done = 0;
    for job in &waiting {
        let batch = Batch { desk, job };
        let scope = Scope::site(job.site.clone());
        match desk.db.run(&scope, &batch).await {
            Ok(entries) => {
                desk.schedule(entries);
                done += 1;
            }
            Err(fault) => {
                tracing::warn!(
                    reason = fault.reason(),
                    cluster = %job.cluster,
                    "a cluster waits to be graded again"
                );
                desk.db.run(&scope, &Postpone { desk, job }).await?;
            }
        }
    }
    Ok(done)
}

struct Postpone<'a> {
    desk: &'a Desk,
    job: &'a Regrade,
}

impl Operation for Postpone<'_> {
    const NAME: &'static str = "triage.postpone_regrade";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        regrades::postpone(tx, self.job, self.desk.now()).await
    }
}

struct Batch<'a> {
    desk: &'a Desk,
    job: &'a Regrade,
}

impl Operation for Batch<'_> {
    const NAME: &'static str = "triage.regrade_cluster";
    type Output = Vec<Entry>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Entry>, Fault> {
        let now = self.desk.now();
        let Some(site) = sites::get(tx, &self.job.site, now).await? else {
            return Ok(Vec::new());
        };
        let mut work = Work::new(tx, &site, now);
        casework::regrade(&mut work, self.job).await?;
        Ok(work.entries)
    }
}
