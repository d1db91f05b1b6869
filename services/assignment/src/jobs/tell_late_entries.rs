//! Tells the leads of entries of the ledger that are late (M17): appeals that nobody decides, debts that nobody settles. What was told
//! stands in the row, so a restart forgets none and tells none twice (P16).

use std::time::Duration;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::LedgerEntryName;
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::store::{bench, ledger};

/// How often they are looked for.
const POLL: Duration = Duration::from_secs(60);

/// How many are told of between two looks.
const BATCH_ENTRIES: i64 = 200;

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not tell of late entries of the ledger; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let count = tell_late(&db, &clock).await?;
        if count > 0 {
            tracing::info!(count, "told of late entries of the ledger");
        }
        Ok(())
    })
    .await;
}

/// Tells of every late entry of which nobody was told. Returns of how many this call told.
///
/// # Errors
/// When Postgres is away.
pub async fn tell_late(db: &Database, clock: &SharedClock) -> Result<u64, Fault> {
    let now = clock.now();
    let mut told = 0;
    for name in ledger::late(db.worker(), now, BATCH_ENTRIES).await? {
        let scope = Scope::site(name.site.clone());
        if db.run(&scope, &Tell { name, now }).await? {
            told += 1;
        }
    }
    Ok(told)
}

struct Tell {
    name: LedgerEntryName,
    now: Timestamp,
}

impl Operation for Tell {
    const NAME: &'static str = "assignment.tell_late_entry";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        bench::lock(tx, &self.name.site).await?;
        ledger::tell_late(tx, &self.name, self.now).await
    }
}
