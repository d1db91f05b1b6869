//! Brings the counts of analysis up to the facts, a second behind them at most at rest. Replicas share the sites: where one
//! counts, the others pass on.

use std::time::Duration;

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_runtime::every;
use redress_store::{Database, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;

use crate::store::reports::fold;

/// How often changed cases are looked for.
const POLL: Duration = Duration::from_secs(1);

/// Cases of one transaction. More are summed better, but hold their rows longer from the events of those cases.
const BATCH_CASES: i64 = 2_000;

/// Runs until shutdown.
pub async fn run(db: Database, shutdown: CancellationToken) {
    let failed = "could not count cases; will try again";
    every(POLL, &shutdown, failed, || count_changed(&db)).await;
}

/// Counts everything that changed. Returns how many cases this call counted.
///
/// # Errors
/// When Postgres is away.
pub async fn count_changed(db: &Database) -> Result<u64, Fault> {
    let mut counted = 0;
    let mut last = String::new();
    while let Some(site) = fold::next_site(db.worker(), &last).await? {
        last = site.to_string();
        let scope = Scope::site(site.clone());
        let count = Count { site };
        loop {
            let cases = db.run(&scope, &count).await?;
            counted += cases;
            if cases < BATCH_CASES.unsigned_abs() {
                break;
            }
        }
    }
    Ok(counted)
}

struct Count {
    site: SiteId,
}

impl Operation for Count {
    const NAME: &'static str = "assignment.count_cases";
    type Output = u64;

    async fn run(&self, tx: &mut Tx) -> Result<u64, Fault> {
        fold::batch(tx, &self.site, BATCH_CASES).await
    }
}
