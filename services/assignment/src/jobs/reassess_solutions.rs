//! The limits of a site changed: what is proposed for its cases, and nobody was told yet, is put to the level that it takes now, or
//! stands approved by a level that is enough now (M10). The cases are marked with the limits; a batch of them is looked at between
//! two looks, each in its own transaction, so that a change for a site with years of cases holds nobody up. Until then nothing is
//! told that the limits of now forbid: telling looks at them itself.
//!
//! Which cases are left are rows, so a restart forgets none (P16), and of several replicas one looks at a case (P17), under the
//! site's lock.

use std::time::Duration;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::store::{bench, solutions};

/// How often they are looked for.
const POLL: Duration = Duration::from_secs(5);

/// How many are looked at between two looks.
const BATCH_CASES: i64 = 200;

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not look at solutions by changed limits; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let count = reassess_marked(&db, &clock).await?;
        if count > 0 {
            tracing::info!(count, "looked at solutions by changed limits");
        }
        Ok(())
    })
    .await;
}

/// Looks at the next live cases whose site changed its limits. Returns how many this call looked at.
///
/// # Errors
/// When Postgres is away.
pub async fn reassess_marked(db: &Database, clock: &SharedClock) -> Result<u64, Fault> {
    let now = clock.now();
    let mut looked_at = 0;
    for case in solutions::marked(db.worker(), BATCH_CASES).await? {
        let scope = Scope::site(case.site.clone());
        if db.run(&scope, &Reassess { case, now }).await? {
            looked_at += 1;
        }
    }
    Ok(looked_at)
}

struct Reassess {
    case: CaseName,
    now: Timestamp,
}

impl Operation for Reassess {
    const NAME: &'static str = "assignment.reassess_solutions";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        bench::lock(tx, &self.case.site).await?;
        if !solutions::unmark(tx, &self.case).await? {
            return Ok(false);
        }
        solutions::reassess(tx, &self.case, self.now).await?;
        Ok(true)
    }
}
