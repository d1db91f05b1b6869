//! Tells each roster again once a day, so that the 14 days that others know keep moving with time.
//!
//! What is due stands in the roster's row, so a process that restarts more often than daily forgets none (P16), and of
//! several replicas one tells (P17): the row's update decides.

use std::time::Duration;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::store::{duties, outbox};

/// How often due rosters are looked for.
const POLL: Duration = Duration::from_secs(60);

/// How many are told between two looks.
const BATCH_SITES: i64 = 100;

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not tell rosters; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let count = tell_due(&db, &clock).await?;
        if count > 0 {
            tracing::info!(count, "told rosters again");
        }
        Ok(())
    })
    .await;
}

/// Tells every roster that is due. Returns how many this call told.
///
/// # Errors
/// When Postgres is away.
pub async fn tell_due(db: &Database, clock: &SharedClock) -> Result<u64, Fault> {
    let now = clock.now();
    let mut told = 0;
    loop {
        let sites = duties::due_sites(db.worker(), now, BATCH_SITES).await?;
        let looked_at = sites.len();
        for site in sites {
            let scope = Scope::site(site.clone());
            if db.run(&scope, &Retell { site, now }).await? {
                told += 1;
            }
        }
        if i64::try_from(looked_at).unwrap_or(i64::MAX) < BATCH_SITES {
            return Ok(told);
        }
    }
}

struct Retell {
    site: SiteId,
    now: Timestamp,
}

impl Operation for Retell {
    const NAME: &'static str = "assignment.retell_duties";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        outbox::duty_changed(tx, &self.site, self.now, true).await
    }
}
