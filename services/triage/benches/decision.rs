//! How many decisions one core makes in a second: the facts of the scenario corpus, each at receipt and a
//! week, a fortnight and a month later. Nothing is read or written; what matched is put into words only
//! where a decision is kept, which the second figure adds.

#![allow(missing_docs, reason = "a bench has no readers of documentation")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use redress_model::words::{QualityImpact, SignalBasis, SignalKind, SiteKind, Wants};
use redress_triage::domain::grading::explain;
use redress_triage::domain::{Age, ClusterFacts, Facts, Grading, Profile, Signal, decide};
use rust_decimal::Decimal;
use serde::Deserialize;

const CORPUS: &str = include_str!("../../../tests/corpus/scenarios.jsonl");

/// Ages at which a case is decided: new, at a threshold, between two, beyond all of them.
const AGES_DAYS: [i64; 5] = [0, 7, 11, 15, 40];

#[derive(Deserialize)]
struct Row {
    site_kind: SiteKind,
    received_at: Timestamp,
    complainants: u32,
    signals: Vec<RowSignal>,
    quality_impact: QualityImpact,
    wants: Wants,
    claim_cny: Option<Decimal>,
    repeat: bool,
}

#[derive(Deserialize)]
struct RowSignal {
    kind: SignalKind,
    basis: SignalBasis,
    #[serde(default)]
    reach: u64,
}

type Case = (Facts, &'static Grading, Timestamp);

fn cases() -> Vec<Case> {
    let zone = TimeZone::get("Asia/Shanghai").expect("a known zone");
    let mut cases = Vec::new();
    for line in CORPUS.lines() {
        let row: Row = serde_json::from_str(line).expect("a row of the corpus");
        let facts = Facts {
            complainants: row.complainants,
            cluster: ClusterFacts {
                complainants: row.complainants,
                recent_cases: 1,
            },
            quality_impact: row.quality_impact,
            wants: row.wants,
            claim: row.claim_cny,
            assessed_claim: None,
            repeat: row.repeat,
            repeat_since: None,
            needs_advisers: false,
            signals: row
                .signals
                .iter()
                .map(|s| Signal {
                    kind: s.kind,
                    basis: s.basis,
                    reach: s.reach,
                    provisional: false,
                    since: row.received_at,
                })
                .collect(),
            age: Age {
                received: row.received_at,
                zone: zone.clone(),
                held: SignedDuration::ZERO,
                held_since: None,
                resolved: false,
            },
        };
        let grading = &Profile::for_site(row.site_kind, false).grading;
        for days in AGES_DAYS {
            let local = row.received_at.to_zoned(zone.clone());
            let now = local.saturating_add(days.days()).timestamp();
            cases.push((facts.clone(), grading, now));
        }
    }
    cases
}

fn decisions(c: &mut Criterion) {
    let cases = cases();
    let mut group = c.benchmark_group("decision");
    group.throughput(Throughput::Elements(
        u64::try_from(cases.len()).expect("a short corpus"),
    ));
    group.bench_function("decide", |b| {
        b.iter(|| {
            for (facts, grading, now) in &cases {
                black_box(decide(black_box(facts), grading, *now));
            }
        });
    });
    group.bench_function("decide_and_explain", |b| {
        b.iter(|| {
            for (facts, grading, now) in &cases {
                let decision = decide(black_box(facts), grading, *now);
                black_box(explain(facts, grading, decision.criteria));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, decisions);
criterion_main!(benches);
