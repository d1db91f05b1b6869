//! What an operator watches of triage: open cases, running promises, and broken ones that nobody heard of.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use redress_model::Fault;
use redress_runtime::Counted;
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
        let counts = Self {
            cases: Counted::default(),
            clocks: Counted::default(),
            unheard: Counted::default(),
            sites: Counted::default(),
            top_sites,
        };
        meter
            .i64_observable_gauge("redress.triage.cases.open")
            .with_unit("{case}")
            .with_description("Open cases by kind of site, grade (0 while ungraded) and status.")
            .with_callback(counts.cases.callback())
            .build();
        meter
            .i64_observable_gauge("redress.triage.clocks.open")
            .with_unit("{clock}")
            .with_description(
                "Promises that are neither kept nor cancelled: running, held, warned or breached.",
            )
            .with_callback(counts.clocks.callback())
            .build();
        meter
            .i64_observable_gauge("redress.triage.clocks.unheard")
            .with_unit("{clock}")
            .with_description(
                "Broken promises that nobody heard of: WAITING for somebody on duty, UNANSWERED by everybody on duty.",
            )
            .with_callback(counts.unheard.callback())
            .build();
        meter
            .i64_observable_gauge("redress.triage.sites.breached")
            .with_unit("{clock}")
            .with_description(
                "Breached promises of the worst sites, as many as telemetry.top_sites names.",
            )
            .with_callback(counts.sites.callback())
            .build();
        counts
    }

    async fn count(&self, db: &Database) -> Result<(), Fault> {
        let cases = standing::open_cases(db).await?;
        self.cases.set(
            cases
                .into_iter()
                .map(|of| {
                    let labels = vec![
                        KeyValue::new("redress.site.kind", of.site_kind),
                        KeyValue::new("redress.grade", i64::from(of.grade)),
                        KeyValue::new("redress.case.status", of.status),
                    ];
                    (of.count, labels)
                })
                .collect(),
        );
        let clocks = standing::open_clocks(db).await?;
        self.clocks.set(
            clocks
                .into_iter()
                .map(|of| {
                    let labels = vec![
                        KeyValue::new("redress.clock.kind", of.kind),
                        KeyValue::new("redress.clock.state", of.state),
                    ];
                    (of.count, labels)
                })
                .collect(),
        );
        let unheard = pages::unheard(db).await?;
        self.unheard.set(
            unheard
                .into_iter()
                .map(|(state, count)| (count, vec![KeyValue::new("redress.page.state", state)]))
                .collect(),
        );
        if self.top_sites > 0 {
            let sites = standing::worst_sites(db, self.top_sites.into()).await?;
            self.sites.set(
                sites
                    .into_iter()
                    .map(|(site, count)| (count, vec![KeyValue::new("redress.site", site)]))
                    .collect(),
            );
        }
        Ok(())
    }
}

/// Counts until shutdown.
pub async fn watch(db: Database, meter: Meter, top_sites: u32, shutdown: CancellationToken) {
    let standing = Standing::new(&meter, top_sites);
    loop {
        if let Err(fault) = standing.count(&db).await {
            tracing::warn!(reason = fault.reason(), fault = %fault.chain(), "open cases and promises cannot be counted");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}
