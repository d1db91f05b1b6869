//! How long from CreateCase acknowledged to the incident open and its call-outs queued, while complaints come in at 50
//! a second. Prints a table, writes target/bench/opening.json, and ends with an error where p99 is above what is required.
//!
//! The five services run as processes of their own over a private Postgres and Redis. What is measured ends when the last message
//! of the call-outs of the case's incident stands in notification's queue; when the incident was open, with its call-outs
//! requested in the same transaction, is shown too, and how long the ordinary complaints waited for their grade: they give
//! way, so that it says what the speed of the others costs. The complaints come to several sites in turn: what changes who holds
//! what at a site goes one after the other. `OPENING_SECONDS`, `OPENING_RATE`, `OPENING_SHARE` (percent of complaints that
//! are grade 1, each a matter of its own) and `OPENING_SITES` change it.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout
)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use redress_model::words::Channel;
use redress_proto::convert::to_wire;
use redress_proto::intake::v1::{Case, CreateCaseRequest};
use redress_tests::{Platform, SITE};
use serde_json::json;
use tokio::sync::Mutex;
use uuid::Uuid;

/// What p99 may be.
const REQUIRED_MS: f64 = 250.0;

/// The load as it stands, and what changes it.
const LOAD: [(&str, u64); 4] = [
    ("OPENING_SECONDS", 30),
    ("OPENING_RATE", 50),
    ("OPENING_SHARE", 2),
    ("OPENING_SITES", 10),
];

/// How many seconds of the same load go before, until connections, plans and caches are what they are all day.
const WARM_UP: u64 = 10;

/// How often it is looked for what opened; bounds how exact the figures are.
const LOOK: Duration = Duration::from_millis(10);

/// Which of these cases belong to an incident whose call-outs are requested, and of which each is queued as a message.
const OPEN: &str = "SELECT c.id, NOT EXISTS (SELECT FROM crisis.callout o
       WHERE o.site = c.site AND o.incident = c.incident AND NOT EXISTS (SELECT FROM notification.message m
         WHERE m.site = o.site AND m.incident_id = o.incident AND m.callout_id = o.id AND m.template = 'incident.callout')) AS is_queued
     FROM crisis.case_file c
     WHERE c.id = ANY ($1) AND EXISTS (SELECT FROM crisis.callout o WHERE o.site = c.site AND o.incident = c.incident)";

/// How many seconds each complaint that is not grade 1 waited for its grade.
const ORDINARY: &str = "SELECT extract(epoch FROM min(g.time) - min(r.time))::float8
     FROM intake.outbox r JOIN triage.outbox g ON g.subject = r.subject AND g.type = 'redress.case.graded.v1'
     WHERE r.type = 'redress.case.received.v1'
       AND right(r.subject, 36)::uuid NOT IN (SELECT case_id FROM triage.decision WHERE grade = 1)
     GROUP BY r.subject";

/// How long they may take after the last that was called.
const BACKLOG: Duration = Duration::from_secs(300);

/// A complaint of grade 1 on its way.
struct Waiting {
    acknowledged: Instant,
    counts: bool,
    is_open: bool,
}

fn number(variable: &str, or: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(or)
}

/// Of the site's case numbers: letters alone.
fn prefix(n: u64) -> String {
    let letter = |n: u64| char::from(b'A' + u8::try_from(n % 26).unwrap());
    ['E', letter(n / 26), letter(n)].into_iter().collect()
}

fn complaint(site: &str, grave: bool) -> CreateCaseRequest {
    // Letters drawn by chance have nothing in common, so that each is a matter of its own.
    let bytes = Uuid::new_v4().into_bytes();
    let letters = bytes.iter().zip(bytes.iter().rev());
    let text: String = letters
        .filter_map(|(a, b)| char::from_u32(0x4E00 + u32::from(*a) * 64 + u32::from(*b) % 64))
        .collect();
    CreateCaseRequest {
        parent: format!("sites/{site}"),
        request_id: Uuid::new_v4().to_string(),
        case: Some(Case {
            channel: to_wire(Channel::App),
            headcount: if grave { 12 } else { 1 },
            text,
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let load = std::array::from_fn(|n| number(LOAD[n].0, LOAD[n].1));
    let [seconds, rate, share, estates] = load;
    let platform = Platform::start().await;
    let mut sites = vec![SITE.to_owned()];
    for n in 1..estates {
        let site = format!("estate-{n}");
        platform.add_site(&site, &prefix(n)).await;
        sites.push(site);
    }
    let client = platform.callers().cases();
    let waiting: Arc<Mutex<HashMap<Uuid, Waiting>>> = Arc::default();
    let [mut opened, mut queued, mut accepted] = [histogram(), histogram(), histogram()];
    let total = (WARM_UP + seconds) * rate;
    let mut graves = 0_u64;
    let mut sending = tokio::task::JoinSet::new();
    let begun = Instant::now();
    let mut sent = 0_u64;
    // Until everything opened, or long after the last complaint.
    while begun.elapsed() < Duration::from_secs(WARM_UP + seconds + 60) {
        let due = u64::try_from(begun.elapsed().as_millis()).unwrap() * rate / 1_000;
        while sent < total.min(due) {
            // Spread evenly.
            let grave = sent * share % 100 < share;
            let counts = sent >= WARM_UP * rate;
            graves += u64::from(grave && counts);
            let (mut client, waiting) = (client.clone(), Arc::clone(&waiting));
            // Mixed, so that the grave ones come to all of them.
            let mixed = sent.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            let site = usize::try_from(mixed).unwrap() % sites.len();
            let request = complaint(&sites[site], grave);
            sending.spawn(async move {
                let asked = Instant::now();
                let answer = client.create_case(request).await.unwrap().into_inner();
                let now = Instant::now();
                if grave {
                    let name = answer.case.unwrap().name;
                    let id = name.rsplit('/').next().unwrap().parse().unwrap();
                    let graded = Waiting {
                        acknowledged: now,
                        counts,
                        is_open: false,
                    };
                    waiting.lock().await.insert(id, graded);
                }
                counts.then_some(now - asked)
            });
            sent += 1;
        }
        while let Some(done) = sending.try_join_next() {
            if let Some(took) = done.unwrap() {
                accepted.record(micros(took)).unwrap();
            }
        }
        let mut waiting = waiting.lock().await;
        if sent == total && sending.is_empty() && waiting.is_empty() {
            break;
        }
        let ids: Vec<Uuid> = waiting.keys().copied().collect();
        // Looking costs the same cores.
        let found: Vec<(Uuid, bool)> = match ids.as_slice() {
            [] => Vec::new(),
            ids => sqlx::query_as(OPEN)
                .bind(ids)
                .fetch_all(&platform.database.admin)
                .await
                .unwrap(),
        };
        let now = Instant::now();
        for (id, is_queued) in found {
            let case = waiting.get_mut(&id).unwrap();
            let took = micros(now - case.acknowledged);
            if !std::mem::replace(&mut case.is_open, true) && case.counts {
                opened.record(took).unwrap();
            }
            if is_queued {
                if case.counts {
                    queued.record(took).unwrap();
                }
                waiting.remove(&id);
            }
        }
        drop(waiting);
        tokio::time::sleep(LOOK).await;
    }
    let missing = waiting.lock().await.len();
    let graded_after = ordinary(&platform, total).await;
    let incidents: i64 = sqlx::query_scalar("SELECT count(*) FROM crisis.incident")
        .fetch_one(&platform.database.admin)
        .await
        .unwrap();
    let counts = (graves, incidents, missing);
    let met = report([&opened, &queued, &accepted], counts, &graded_after, load);
    assert_eq!(missing, 0, "incidents that never opened or called nobody");
    assert!(met != Some(false), "too slow");
}

/// How long each complaint that is not grade 1 waited for its first grade, once all have theirs.
async fn ordinary(platform: &Platform, total: u64) -> Histogram<u64> {
    let admin = &platform.database.admin;
    let begun = Instant::now();
    loop {
        let graded: i64 = sqlx::query_scalar("SELECT count(DISTINCT case_id) FROM triage.decision")
            .fetch_one(admin)
            .await
            .unwrap();
        if u64::try_from(graded).unwrap() >= total {
            break;
        }
        assert!(begun.elapsed() < BACKLOG, "{graded} of {total} are graded");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let waited: Vec<f64> = sqlx::query_scalar(ORDINARY).fetch_all(admin).await.unwrap();
    let mut histogram = histogram();
    for seconds in waited {
        let waited = Duration::from_secs_f64(seconds.max(0.0));
        histogram.record(micros(waited)).unwrap();
    }
    histogram
}

/// Prints and writes what was found. Gives whether it is as required, which is required of the load as it stands, and of no other.
fn report(
    [opened, queued, accepted]: [&Histogram<u64>; 3],
    (graves, incidents, missing): (u64, i64, usize),
    graded_after: &Histogram<u64>,
    [seconds, rate, share, sites]: [u64; 4],
) -> Option<bool> {
    let ms = |h: &Histogram<u64>, q| h.value_at_quantile(q) as f64 / 1_000.0;
    println!("| what | p50 ms | p90 ms | p99 ms | max ms |\n|---|---|---|---|---|");
    for (what, h) in [
        ("acknowledged to open, call-outs requested", opened),
        ("acknowledged to call-outs queued", queued),
        ("CreateCase", accepted),
        ("ordinary complaints: acknowledged to graded", graded_after),
    ] {
        println!(
            "| {what} | {:.1} | {:.1} | {:.1} | {:.1} |",
            ms(h, 0.5),
            ms(h, 0.9),
            ms(h, 0.99),
            ms(h, 1.0)
        );
    }
    let p99 = ms(queued, 0.99);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{cores} cores; {graves} of grade 1, {incidents} incidents, {missing} never opened or called; required p99 ≤ {REQUIRED_MS} ms"
    );
    let as_it_stands = [seconds, rate, share, sites] == LOAD.map(|(_, usual)| usual);
    let met = as_it_stands.then_some(p99 <= REQUIRED_MS && missing == 0);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    std::fs::create_dir_all(&folder).unwrap();
    let figures = json!({
        "cores": cores,
        "opened_p50_ms": ms(opened, 0.5),
        "opened_p99_ms": ms(opened, 0.99),
        "queued_p50_ms": ms(queued, 0.5),
        "queued_p99_ms": p99,
        "accepted_p99_ms": ms(accepted, 0.99),
        "ordinary_graded_p50_ms": ms(graded_after, 0.5),
        "ordinary_graded_p99_ms": ms(graded_after, 0.99),
        "grade_1": graves,
        "incidents": incidents,
        "missing": missing,
        "required_p99_ms": REQUIRED_MS,
        "load": { "seconds": seconds, "per_second": rate, "grade_1_percent": share, "sites": sites },
        "met": met,
    });
    std::fs::write(folder.join("opening.json"), format!("{figures:#}\n")).unwrap();
    met
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000, 3).unwrap()
}

fn micros(d: Duration) -> u64 {
    u64::try_from(d.as_micros()).unwrap().max(1)
}
