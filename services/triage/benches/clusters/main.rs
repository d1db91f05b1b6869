//! How long a case takes to join at a site of 100,000 cases, how well joining finds what belongs
//! together, and how many promises triage breaks a second when all are due at once. Prints a table with what is required
//! and whether it is met, writes target/bench/clusters.json, and ends with an error where a figure misses.
//!
//! The site is made hard on purpose: all its cases lie within one window, words follow Zipf's law over
//! 40,000 words, a fifth of the cases belong to matters that share words, and the largest matter has one case
//! in twenty. Everything runs against a private Postgres through the service's own role and row security.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout
)]

#[path = "../../tests/it/bcubed.rs"]
mod bcubed;
mod fill;
mod firing;
mod joins;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use hdrhistogram::Histogram;
use jiff::{SignedDuration, Timestamp};
use redress_model::time::Clock as _;
use redress_model::words::{CaseStatus, Channel, QualityImpact, SiteKind, Wants};
use redress_model::{Fault, ids};
use redress_rpc::Fingerprints;
use redress_runtime::Service as _;
use redress_store::{Operation, Scope, Tx};
use redress_testkit::verdict::{Verdict, judge};
use redress_testkit::{ManualClock, TestDatabase};
use redress_triage::casework::{self, Reading, Receipt, Work};
use redress_triage::desk::{CaseText, Desk};
use redress_triage::domain::people::People;
use redress_triage::store::cases::CaseFacts;
use redress_triage::store::sites::{self, SiteEntry};
use serde_json::json;
use uuid::Uuid;

use crate::fill::{Maker, site};
use crate::joins::reading;

const CASES: usize = 100_000;
const JOINS: usize = 2_000;
const RECEIPTS: usize = 1_000;

struct Bench {
    database: TestDatabase,
    desk: Arc<Desk>,
    clock: Arc<ManualClock>,
}

impl Bench {
    async fn new() -> Self {
        fill::server().await;
        let migrators = redress_triage::TriageService::migrators();
        let database = redress_testkit::database("triage", &migrators).await;
        let clock = ManualClock::new("2026-03-02T09:00:00+08:00".parse().unwrap());
        let meter = opentelemetry::global::meter("bench");
        let timers = redress_triage::timers(&database.db, None, clock.clone(), &meter);
        let fingerprints = Fingerprints::new(b"bench");
        let desk = Desk::new(database.db.clone(), clock.clone(), timers, fingerprints);
        let bench = Self {
            database,
            desk,
            clock,
        };
        bench.run(&NewSite).await.expect("the site");
        bench
    }

    async fn run<O: Operation>(&self, operation: &O) -> Result<O::Output, Fault> {
        self.database.db.run(&Scope::site(site()), operation).await
    }
}

struct NewSite;

impl Operation for NewSite {
    const NAME: &'static str = "bench.new_site";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let entry = SiteEntry {
            organization: "demo".to_owned(),
            region: "north".to_owned(),
            kind: SiteKind::Residential,
            time_zone: "Asia/Shanghai".to_owned(),
            revision: 1,
        };
        sites::put(tx, &site(), &entry).await?;
        Ok(())
    }
}

/// Takes a case in, as the handler of its event does.
struct Receive<'a> {
    facts: &'a CaseFacts,
    reading: &'a Reading,
    id: Uuid,
    now: Timestamp,
}

impl Operation for Receive<'_> {
    const NAME: &'static str = "bench.receive";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let site = sites::get(tx, &site(), self.now)
            .await?
            .expect("made above");
        let mut work = Work::new(tx, &site, self.now);
        let receipt = Receipt {
            id: self.id,
            facts: self.facts,
            status: if self.facts.historical {
                CaseStatus::Archived
            } else {
                CaseStatus::Received
            },
            epoch: 1,
            merged_into: None,
            signals: &[],
            reading: self.reading,
        };
        casework::receive(&mut work, &receipt).await
    }
}

fn facts(person: &str, received: Timestamp, historical: bool) -> CaseFacts {
    CaseFacts {
        number: "B-1".to_owned(),
        channel: Channel::App,
        historical,
        received,
        people: People {
            headcount: 1,
            tokens: [person.to_owned()].into(),
        },
        quality_impact: QualityImpact::None,
        wants: Wants::Remedy,
        claim: None,
        assessed_claim: None,
        repeat: false,
        needs_advisers: false,
        stated_category: None,
        first_contact: None,
        excluded: Vec::new(),
        revision: 1,
    }
}

#[allow(clippy::cast_precision_loss)]
fn row(name: &str, took: &Histogram<u64>) -> serde_json::Value {
    let ms = |micros: u64| micros as f64 / 1_000.0;
    let at = |q: f64| ms(took.value_at_quantile(q));
    println!(
        "{name:<42} {:>7} {:>9.2} {:>9.2} {:>9.2} {:>9.2}",
        took.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        ms(took.max())
    );
    json!({ "n": took.len(), "p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99), "max_ms": ms(took.max()) })
}

async fn latencies() -> serde_json::Value {
    let bench = Bench::new().await;
    let mut maker = Maker::new(CASES);
    let started = Instant::now();
    let (rows, largest) = fill::fill(&bench.database.admin, &mut maker, bench.clock.now()).await;
    println!(
        "filled one site with {CASES} cases ({rows} words kept, {largest} cases in the largest cluster) in {:.0} s",
        started.elapsed().as_secs_f64()
    );
    println!();
    println!(
        "{:<42} {:>7} {:>9} {:>9} {:>9} {:>9}",
        "milliseconds", "n", "p50", "p90", "p99", "max"
    );
    let now = bench.clock.now();
    let took = joins::measure(&bench.database.db, &mut maker, now, JOINS).await;
    let join = row("join", &took);
    let mut received = Histogram::new(3).unwrap();
    let mut large = Histogram::new(3).unwrap();
    for i in 0..RECEIPTS {
        let (terms, matter) = maker.case();
        let reading = reading(terms);
        let receive = Receive {
            facts: &facts(&format!("new {i}"), now, false),
            reading: &reading,
            id: ids::new_id(now),
            now,
        };
        let started = Instant::now();
        bench.run(&receive).await.expect("taken in");
        let took = u64::try_from(started.elapsed().as_micros()).unwrap();
        received.record(took).unwrap();
        if matter == Some(0) {
            large.record(took).unwrap();
        }
    }
    let received = row("taken in (joined, decided, committed)", &received);
    let large = row("… into the largest cluster", &large);
    json!({ "cases": CASES, "words_kept": rows, "largest_cluster": largest, "join": join, "received": received, "received_into_largest": large })
}

#[allow(clippy::cast_precision_loss)]
async fn agreement() -> serde_json::Value {
    println!();
    let Some(messages) = bcubed::messages() else {
        println!("B-cubed: skipped, REDRESS_MESSAGES names no file");
        return json!("skipped");
    };
    let bench = Bench::new().await;
    let started = Instant::now();
    let mut cases = Vec::new();
    for message in &messages {
        let text = CaseText {
            text: format!("{}\n{}", message.title, message.text),
            ..CaseText::default()
        };
        let id = ids::new_id(message.received_at);
        let receive = Receive {
            facts: &facts(&message.complainant, message.received_at, true),
            reading: &bench.desk.read(&text),
            id,
            now: bench.clock.now() + SignedDuration::from_secs(1),
        };
        bench.run(&receive).await.expect("taken in");
        cases.push(id);
    }
    let took = started.elapsed().as_secs_f64();
    let cluster_of: HashMap<Uuid, Uuid> =
        sqlx::query_as::<_, (Uuid, Uuid)>("SELECT id, cluster FROM triage.case_file")
            .fetch_all(&bench.database.admin)
            .await
            .expect("read")
            .into_iter()
            .collect();
    let clusters: Vec<Uuid> = cases.iter().map(|case| cluster_of[case]).collect();
    let labelled: Vec<(&str, Uuid)> = messages
        .iter()
        .zip(&clusters)
        .filter_map(|(message, cluster)| Some((message.issue.as_deref()?, *cluster)))
        .collect();
    let found = bcubed::BCubed::of(&labelled);
    let share = bcubed::largest_share(&clusters, &labelled);
    println!(
        "B-cubed on {} labelled of {} messages: precision {:.3}, recall {:.3}, F {:.3}; largest cluster but that of {} {:.1} % of all; taken in in {took:.1} s",
        labelled.len(),
        messages.len(),
        found.precision,
        found.recall,
        found.f(),
        bcubed::LARGE,
        share * 100.0
    );
    json!({ "rows": labelled.len(), "precision": found.precision, "recall": found.recall, "f": found.f(),
            "largest_share": share, "messages": messages.len(), "import_s": took })
}

/// What is required, of the figures as they are written.
fn verdicts(latencies: &serde_json::Value, b_cubed: &serde_json::Value) -> [Verdict; 4] {
    let of = |name: &str| b_cubed[name].as_f64();
    [
        Verdict::at_most(
            "joining at 100,000 cases, p99, ms",
            latencies["join"]["p99_ms"].as_f64(),
            10.0,
        ),
        Verdict::at_least("B-cubed F", of("f"), 0.94),
        Verdict::at_least("B-cubed precision", of("precision"), 0.92),
        Verdict::at_most(
            "share of the largest cluster",
            of("largest_share"),
            bcubed::SHARE_MAX,
        ),
    ]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let (figures, met) = runtime.block_on(async {
        let b_cubed = agreement().await;
        println!();
        let latencies = latencies().await;
        println!();
        let firing = firing::rates().await;
        let (verdicts, met) = judge(&verdicts(&latencies, &b_cubed));
        let figures = json!({
            "latencies": latencies, "b_cubed": b_cubed, "firing": firing, "verdicts": verdicts, "met": met
        });
        (figures, met)
    });
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench");
    std::fs::create_dir_all(&folder).expect("target can be written");
    let file = folder.join("clusters.json");
    std::fs::write(&file, format!("{figures:#}\n")).expect("target can be written");
    assert!(met, "a figure is not as required");
}
