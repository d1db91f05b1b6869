//! Takes offers away from people whose leave has begun: a case goes to the next one, a hand-over stays with its giver.
//!
//! Leave that is made or deleted takes effect at once; this finds leave made ahead once it begins. What waits for whom are
//! rows, so a restart forgets none (P16), and of several replicas one settles a site (P17), under the site's lock.
//!
//! Cost: one look at the people on leave; a site is settled again as long as somebody on leave is the only one left.

use std::time::Duration;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::store::{bench, plan, work};

/// How often they are looked for.
const POLL: Duration = Duration::from_secs(60);

/// Who did it, in the history.
const ACTOR: &str = "assignment";

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not settle what waits for people on leave; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let sites = settle_begun(&db, &clock).await?;
        if sites > 0 {
            tracing::debug!(sites, "looked at what waits for people on leave");
        }
        Ok(())
    })
    .await;
}

/// Settles every site where something waits for somebody on leave. Returns how many there were.
///
/// # Errors
/// When Postgres is away.
pub async fn settle_begun(db: &Database, clock: &SharedClock) -> Result<u64, Fault> {
    let now = clock.now();
    let mut looked_at = 0;
    for site in plan::waiting_for_leave(db.worker(), now).await? {
        let scope = Scope::site(site.clone());
        db.run(&scope, &Settle { site, now }).await?;
        looked_at += 1;
    }
    Ok(looked_at)
}

struct Settle {
    site: SiteId,
    now: Timestamp,
}

impl Operation for Settle {
    const NAME: &'static str = "assignment.settle_leaves";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        bench::lock(tx, &self.site).await?;
        work::settle(tx, &self.site, None, ACTOR, self.now).await
    }
}
