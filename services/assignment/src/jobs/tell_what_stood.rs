//! Tells others once what stood in live cases before they asked for it: who has a part in them, and how much of their solutions
//! may be promised (M10, M13). The rows of that time are marked; a batch of cases is told between two looks, each in its own
//! transaction, so that an upgrade of a site with years of cases holds nobody up.
//!
//! Which cases are left are rows, so a restart forgets none (P16), and of several replicas one tells a case (P17), under the
//! site's lock. A case that ended is told once it lives again.

use std::time::Duration;

use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::store::{bench, outbox, parts, solutions};

/// How often they are looked for.
const POLL: Duration = Duration::from_secs(15);

/// How many are told between two looks.
const BATCH_CASES: i64 = 200;

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not tell what stood in cases; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let count = tell_due(&db).await?;
        if count > 0 {
            tracing::info!(count, "told others what stood in cases");
        }
        Ok(())
    })
    .await;
}

/// Tells of the next live cases of which it was not told. Returns how many this call told of.
///
/// # Errors
/// When Postgres is away.
pub async fn tell_due(db: &Database) -> Result<u64, Fault> {
    let mut told = 0;
    for case in parts::untold(db.worker(), BATCH_CASES).await? {
        let scope = Scope::site(case.site.clone());
        if db.run(&scope, &Tell { case }).await? {
            told += 1;
        }
    }
    Ok(told)
}

struct Tell {
    case: CaseName,
}

impl Operation for Tell {
    const NAME: &'static str = "assignment.tell_what_stood";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        let case = &self.case;
        bench::lock(tx, &case.site).await?;
        if !parts::mark_told(tx, case).await? {
            return Ok(false);
        }
        for (part, staff) in parts::open(tx, case).await? {
            outbox::part_changed(tx, case, part, &staff, true).await?;
        }
        for solution in solutions::of_case(tx, case).await? {
            outbox::solution_changed(tx, &solution).await?;
        }
        Ok(true)
    }
}
