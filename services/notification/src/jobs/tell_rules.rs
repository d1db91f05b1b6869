//! Tells the wording rules of a site once that were applied before everybody who checks texts asked for them (M11). The sites
//! of that time are marked; a batch is told between two looks.
//!
//! Which sites are left are rows, so a restart forgets none (P16), and of several replicas one tells a site (P17): the row's
//! update decides.

use std::time::Duration;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use super::announce;
use crate::store::texts;

/// How often they are looked for.
const POLL: Duration = Duration::from_secs(30);

/// How many are told between two looks.
const BATCH_SITES: i64 = 100;

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not tell wording rules; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let count = tell_due(&db, &clock).await?;
        if count > 0 {
            tracing::info!(count, "told the wording rules of sites");
        }
        Ok(())
    })
    .await;
}

/// Tells the rules of the next sites whose rules were not told. Returns of how many sites this call told.
///
/// # Errors
/// When Postgres is away.
pub async fn tell_due(db: &Database, clock: &SharedClock) -> Result<u64, Fault> {
    let now = clock.now();
    let mut told = 0;
    for site in texts::untold_sites(db, BATCH_SITES).await? {
        let scope = Scope::site(site.clone());
        if db.run(&scope, &Tell { site, now }).await? {
            told += 1;
        }
    }
    Ok(told)
}

struct Tell {
    site: SiteId,
    now: Timestamp,
}

impl Operation for Tell {
    const NAME: &'static str = "notification.tell_rules";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        if !texts::mark_told(tx, &self.site).await? {
            return Ok(false);
        }
        for rules in texts::wording_of(tx, &self.site, self.now).await? {
            announce::wording(tx, &self.site, &rules).await?;
        }
        Ok(true)
    }
}
