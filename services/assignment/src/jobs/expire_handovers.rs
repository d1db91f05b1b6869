//! Ends hand-overs that nobody answered in time: the giver keeps what the giver has had all the time.
//!
//! Until when each stands is a row, so a restart forgets none (P16); of several replicas one ends it (P17), under
//! the site's lock. A receiver who comes after the limit and before this is refused all the same.

use std::time::Duration;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::domain::handover::{self, Ending};
use crate::store::{bench, handovers, work};

/// How often they are looked for.
const POLL: Duration = Duration::from_secs(15);

/// How many are ended between two looks.
const BATCH_CASES: i64 = 200;

/// Who did it, in the history.
const ACTOR: &str = "assignment";

/// Runs until shutdown.
pub async fn run(db: Database, clock: SharedClock, shutdown: CancellationToken) {
    let failed = "could not end hand-overs; will try again";
    every(clock.wait(POLL), &shutdown, failed, || async {
        let count = expire_due(&db, &clock).await?;
        if count > 0 {
            tracing::info!(count, "ended hand-overs that nobody answered");
        }
        Ok(())
    })
    .await;
}

/// Ends every hand-over whose time is over. Returns how many this call ended.
///
/// # Errors
/// When Postgres is away.
pub async fn expire_due(db: &Database, clock: &SharedClock) -> Result<u64, Fault> {
    let now = clock.now();
    let mut ended = 0;
    for case in handovers::due(db.worker(), now, BATCH_CASES).await? {
        let scope = Scope::site(case.site.clone());
        if db.run(&scope, &Expire { case, now }).await? {
            ended += 1;
        }
    }
    Ok(ended)
}

struct Expire {
    case: CaseName,
    now: Timestamp,
}

impl Operation for Expire {
    const NAME: &'static str = "assignment.expire_handover";
    type Output = bool;

    async fn run(&self, tx: &mut Tx) -> Result<bool, Fault> {
        bench::lock(tx, &self.case.site).await?;
        if !handovers::is_over(tx, &self.case, self.now).await? {
            return Ok(false);
        }
        let Some(before) = work::find(tx, &self.case).await? else {
            return Ok(false);
        };
        match handover::end(&before, Ending::Expired, String::new(), self.now) {
            Ok(outcome) => {
                work::save(tx, Some(&before), &outcome, ACTOR, self.now).await?;
                Ok(true)
            }
            // It ended otherwise.
            Err(_) => {
                handovers::forget(tx, &self.case).await?;
                Ok(false)
            }
        }
    }
}
