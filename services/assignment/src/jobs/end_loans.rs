//! Tells people that a loan ended (M13). Which department counts somebody changes by the instants in the row; only the news
//! waits for this.

use std::time::Duration;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::LoanName;
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::store::{bench, demands};

/// How often they are looked for.
const POLL: Duration = Duration::from_secs(15);

/// How many are told between two looks.
const BATCH_LOANS: i64 = 200;

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not tell of loans that ended; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let count = tell_ended(&db, &clock).await?;
        if count > 0 {
            tracing::info!(count, "told of loans that ended");
        }
        Ok(())
    })
    .await;
}

/// Tells of every loan that ended and was not told of. Returns how many this call told of.
///
/// # Errors
/// When Postgres is away.
pub async fn tell_ended(db: &Database, clock: &SharedClock) -> Result<u64, Fault> {
    let now = clock.now();
    let mut told = 0;
    for name in demands::ended(db.worker(), now, BATCH_LOANS).await? {
        let scope = Scope::site(name.site.clone());
        if db.run(&scope, &TellEnd { name, now }).await? {
            told += 1;
        }
    }
    Ok(told)
}

struct TellEnd {
    name: LoanName,
    now: Timestamp,
}

impl Operation for TellEnd {
    const NAME: &'static str = "assignment.tell_loan_end";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        bench::lock(tx, &self.name.site).await?;
        demands::tell_end(tx, &self.name, self.now).await
    }
}
