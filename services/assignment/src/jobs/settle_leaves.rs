//! Takes offers away from people whose leave has begun: a case goes to the next one, a hand-over stays with its giver; and the lead
//! hears of the help and the evidence that they still owe.
//!
//! Leave that is made or deleted takes effect at once; this finds leave made ahead once it begins. What waits for whom are
//! rows, so a restart forgets none (P16), and of several replicas one settles a site (P17), under the site's lock.
//!
//! Cost: one look at the people on leave; a site is settled again as long as somebody on leave is the only one left.

use std::time::Duration;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{LeaveName, SiteId};
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::store::{bench, plan, work};

/// How often they are looked for.
const POLL: Duration = Duration::from_secs(60);

/// Of how many leaves it is told between two looks.
const BATCH_LEAVES: i64 = 200;

/// Who did it, in the history.
const ACTOR: &str = "assignment";

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not settle what waits for people on leave; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let sites = settle_begun(&db, &clock).await?;
        tell_begun(&db, &clock).await?;
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

/// Tells what people owe whose leave has begun. Returns of how many leaves this call told.
///
/// # Errors
/// When Postgres is away.
pub async fn tell_begun(db: &Database, clock: &SharedClock) -> Result<u64, Fault> {
    let now = clock.now();
    let mut told = 0;
    for name in plan::untold(db.worker(), now, BATCH_LEAVES).await? {
        let scope = Scope::site(name.site.clone());
        if db.run(&scope, &Tell { name, now }).await? {
            told += 1;
        }
    }
    Ok(told)
}

struct Tell {
    name: LeaveName,
    now: Timestamp,
}

impl Operation for Tell {
    const NAME: &'static str = "assignment.tell_leave";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        bench::lock(tx, &self.name.site).await?;
        plan::tell_begun(tx, &self.name, self.now).await
    }
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
