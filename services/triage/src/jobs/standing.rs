//! What an operator watches of triage: open cases, running promises, and broken ones that nobody heard of.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use redress_model::Fault;
use redress_runtime::{Counted, every};
use redress_store::Database;
use tokio_util::sync::CancellationToken;

use crate::store::{pages, standing};

/// How often they are counted.
const PERIOD: Duration = Duration::from_secs(15);

/// The gauges.
struct Standing {
    cases: Counted,
    clocks: Counted,
    unheard: Counted,
    sites: Counted,
    /// How many sites are named; 0 for none, so that the number of series does not grow with the company.
    top_sites: u32,
}

impl Standing {
    fn new(meter: &Meter, top_sites: u32) -> Self {
        Self {
            cases: Counted::gauge(
                meter,
                "redress.triage.cases.open",
                "{case}",
                "Open cases by kind of site, grade (0 while ungraded) and status.",
            ),
            clocks: Counted::gauge(
                meter,
                "redress.triage.clocks.open",
                "{clock}",
                "Promises that are neither kept nor cancelled: running, held, warned or breached.",
            ),
            unheard: Counted::gauge(
                meter,
                "redress.triage.clocks.unheard",
                "{clock}",
                "Broken promises that nobody heard of: WAITING for somebody on duty, UNANSWERED by everybody on duty.",
            ),
            sites: Counted::gauge(
                meter,
                "redress.triage.sites.breached",
                "{clock}",
                "Breached promises of the worst sites, as many as telemetry.top_sites names.",
            ),
            top_sites,
        }
    }

    async fn count(&self, db: &Database) -> Result<(), Fault> {
        let cases = standing::open_cases(db).await?;
        self.cases.set(cases.into_iter().map(|of| {
            let labels = vec![
                KeyValue::new("redress.site.kind", of.site_kind),
                KeyValue::new("redress.grade", i64::from(of.grade)),
                KeyValue::new("redress.case.status", of.status),
            ];
            (of.count, labels)
        }));
        let clocks = standing::open_clocks(db).await?;
        self.clocks.set(clocks.into_iter().map(|of| {
            let labels = vec![
                KeyValue::new("redress.clock.kind", of.kind),
                KeyValue::new("redress.clock.state", of.state),
            ];
            (of.count, labels)
        }));
        let unheard = pages::unheard(db).await?;
        self.unheard.set(
            unheard
                .into_iter()
                .map(|(state, count)| (count, vec![KeyValue::new("redress.page.state", state)])),
        );
        if self.top_sites > 0 {
            let sites = standing::worst_sites(db, self.top_sites.into()).await?;
            self.sites.set(
                sites
                    .into_iter()
                    .map(|(site, count)| (count, vec![KeyValue::new("redress.site", site)])),
            );
        }
        Ok(())
    }
}

/// Counts until shutdown.
pub async fn watch(db: Database, meter: Meter, top_sites: u32, shutdown: CancellationToken) {
    let standing = Standing::new(&meter, top_sites);
    let failed = "open cases and promises cannot be counted";
    every(PERIOD, &shutdown, failed, || standing.count(&db)).await;
}
