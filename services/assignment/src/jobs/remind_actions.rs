//! Warns whoever owes a corrective action, and climbs the lead ladder once it is late (M16). What was told stands in the row, so a
//! restart forgets none and tells none twice (P16).

use std::time::Duration;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CorrectiveActionName;
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::store::{actions, bench};

/// How often they are looked for.
const POLL: Duration = Duration::from_secs(15);

/// How many are told of between two looks.
const BATCH_ACTIONS: i64 = 200;

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not remind of corrective actions; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let count = remind_due(&db, &clock).await?;
        if count > 0 {
            tracing::info!(count, "reminded of corrective actions");
        }
        Ok(())
    })
    .await;
}

/// Tells of every open action whose next telling is due. Returns of how many this call told.
///
/// # Errors
/// When Postgres is away.
pub async fn remind_due(db: &Database, clock: &SharedClock) -> Result<u64, Fault> {
    let now = clock.now();
    let mut told = 0;
    for name in actions::due(db.worker(), now, BATCH_ACTIONS).await? {
        let scope = Scope::site(name.site.clone());
        if db.run(&scope, &Remind { name, now }).await? {
            told += 1;
        }
    }
    Ok(told)
}

struct Remind {
    name: CorrectiveActionName,
    now: Timestamp,
}

impl Operation for Remind {
    const NAME: &'static str = "assignment.remind_action";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        bench::lock(tx, &self.name.site).await?;
        actions::remind(tx, &self.name, self.now).await
    }
}
