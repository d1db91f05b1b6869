//! The limits of a site changed: what is proposed for its cases, and nobody was told yet, is put to the level that it takes now, or
//! stands approved by a level that is enough now (M10). The cases are marked with the limits and looked at in slices, each case in a
//! transaction of its own, so that a change for a site with years of cases holds nobody up. Until a case is looked at, telling refuses
//! by itself what the limits of now forbid; what messages may promise of it follows this.
//!
//! Which cases are left are rows, so a restart forgets none (P16), and of several replicas one looks at a case (P17), under the
//! site's lock. A case that cannot be looked at keeps its mark and holds up no other.

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

/// How many are read at once.
const SLICE_CASES: i64 = 200;

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not look at solutions by changed limits; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let count = reassess_marked(&db, &clock, &shutdown).await?;
        if count > 0 {
            tracing::info!(count, "looked at solutions by changed limits");
        }
        Ok(())
    })
    .await;
}

/// Looks at the live cases whose site changed its limits, until shutdown. Returns how many this call looked at.
///
/// # Errors
/// When Postgres is away; else the first of a case that could not be looked at, once the others were.
pub async fn reassess_marked(
    db: &Database,
    clock: &SharedClock,
    shutdown: &CancellationToken,
) -> Result<u64, Fault> {
    let (mut looked_at, mut last, mut failed) = (0, None, None);
    loop {
        let slice = solutions::marked(db.worker(), last.as_ref(), SLICE_CASES).await?;
        if slice.is_empty() {
            return failed.map_or(Ok(looked_at), Err);
        }
        for case in slice {
            if shutdown.is_cancelled() {
                return Ok(looked_at);
            }
            last = Some(case.clone());
            let scope = Scope::site(case.site.clone());
            let look = Reassess {
                case,
                now: clock.now(),
            };
            match db.run(&scope, &look).await {
                Ok(is_looked_at) => looked_at += u64::from(is_looked_at),
                // Postgres is away: for the others too.
                Err(fault @ (Fault::Unavailable { .. } | Fault::Exhausted { .. })) => {
                    return Err(fault);
                }
                Err(fault) => {
                    let reason = fault.reason();
                    tracing::warn!(case = %look.case, reason, "could not look at a case by changed limits");
                    failed = failed.or(Some(fault));
                }
            }
        }
    }
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
