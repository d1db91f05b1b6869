//! Tells people again who were summoned and have not said that they know; after the last time the next position up is
//! summoned. What is due stands in the row, so a restart forgets none (P16).

use std::time::Duration;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, SummonsName};
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::store::{bench, summonses, work};

/// How often they are looked for.
const POLL: Duration = Duration::from_secs(15);

/// How many are told between two looks.
const BATCH_SUMMONSES: i64 = 200;

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not summon again; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let count = tell_due(&db, &clock).await?;
        if count > 0 {
            tracing::info!(count, "looked after summonses that nobody acknowledged");
        }
        Ok(())
    })
    .await;
}

/// Looks after every summons that is due. Returns how many this call did.
///
/// # Errors
/// When Postgres is away.
pub async fn tell_due(db: &Database, clock: &SharedClock) -> Result<u64, Fault> {
    let now = clock.now();
    let mut told = 0;
    for name in summonses::due(db.worker(), now, BATCH_SUMMONSES).await? {
        let scope = Scope::site(name.site.clone());
        if db.run(&scope, &TellAgain { name, now }).await? {
            told += 1;
        }
    }
    Ok(told)
}

struct TellAgain {
    name: SummonsName,
    now: Timestamp,
}

impl Operation for TellAgain {
    const NAME: &'static str = "assignment.tell_summons";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        let site = &self.name.site;
        bench::lock(tx, site).await?;
        let Some(summons) = summonses::find(tx, &self.name).await? else {
            return Ok(false);
        };
        let case: &CaseName = &summons.case;
        let work = work::find(tx, case).await?;
        let bench = bench::load(tx, site, self.now).await?;
        summonses::tell_again(tx, &self.name, work.as_ref(), &bench, self.now).await
    }
}
