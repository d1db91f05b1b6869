//! The scenario corpus, replayed through the pure rules: every field of `expect` holds, and the
//! category is wrong in at most four rows.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use redress_model::words::{
    Category, Channel, Nature, QualityImpact, SignalBasis, SignalKind, SiteKind, Urgency, Wants,
};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Age, ClusterFacts, Facts, Profile, Signal, category, decide};

const CORPUS: &str = include_str!("../../../../tests/corpus/scenarios.jsonl");
const WRONG_CATEGORIES_MAX: usize = 4;

#[derive(Deserialize)]
struct Row {
    id: String,
    site_kind: SiteKind,
    #[expect(
        dead_code,
        reason = "read to check the word; lengths alone depend on it"
    )]
    channel: Channel,
    received_at: Timestamp,
    complainants: u32,
    text: String,
    signals: Vec<RowSignal>,
    quality_impact: QualityImpact,
    wants: Wants,
    claim_cny: Option<Decimal>,
    repeat: bool,
    #[serde(default)]
    graded_after_days: i64,
    expect: Expect,
}

#[derive(Deserialize)]
struct RowSignal {
    kind: SignalKind,
    basis: SignalBasis,
    #[serde(default)]
    reach: u64,
}

#[derive(Deserialize)]
struct Expect {
    category: Vec<Category>,
    grade: u8,
    criteria: Vec<String>,
    nature: Nature,
    urgency: Urgency,
    incident: bool,
}

impl Row {
    fn facts(&self) -> Facts {
        Facts {
            complainants: self.complainants,
            cluster: ClusterFacts::default(),
            quality_impact: self.quality_impact,
            wants: self.wants,
            claim: self.claim_cny,
            assessed_claim: None,
            repeat: self.repeat,
            repeat_since: None,
            needs_advisers: false,
            signals: self
                .signals
                .iter()
                .map(|s| Signal {
                    kind: s.kind,
                    basis: s.basis,
                    reach: s.reach,
                    provisional: false,
                    since: self.received_at,
                })
                .collect(),
            age: Age {
                received: self.received_at,
                zone: TimeZone::get("Asia/Shanghai").expect("a known zone"),
                held: SignedDuration::ZERO,
                held_since: None,
                resolved: false,
            },
        }
    }
}

#[test]
fn every_scenario_is_decided_as_expected() {
    let rows: Vec<Row> = CORPUS
        .lines()
        .map(|line| serde_json::from_str(line).expect("a row of the corpus"))
        .collect();
    assert_eq!(rows.len(), 39);
    let mut wrong = Vec::new();
    for row in &rows {
        let facts = row.facts();
        let profile = Profile::for_site(row.site_kind, false);
        let now = facts
            .age
            .received
            .to_zoned(facts.age.zone.clone())
            .saturating_add(row.graded_after_days.days())
            .timestamp();
        let decision = decide(&facts, &profile.grading, now);
        let criteria: Vec<&str> = decision.criteria.iter().map(|id| id.id()).collect();
        assert_eq!(criteria, row.expect.criteria, "{}", row.id);
        assert_eq!(decision.grade.value(), row.expect.grade, "{}", row.id);
        assert_eq!(decision.nature, row.expect.nature, "{}", row.id);
        assert_eq!(decision.urgency, row.expect.urgency, "{}", row.id);
        assert_eq!(
            decision.incident_mode().is_some(),
            row.expect.incident,
            "{}",
            row.id
        );
        // Nothing is suspected that nobody stated.
        for kind in category::suspects(&row.text) {
            assert!(
                row.signals.iter().any(|s| s.kind == kind),
                "{}: {kind}",
                row.id
            );
        }
        let suggested = category::suggest(&row.text);
        if !suggested
            .as_ref()
            .is_some_and(|s| row.expect.category.contains(&s.category))
        {
            wrong.push((&row.id, suggested));
        }
    }
    assert!(wrong.len() <= WRONG_CATEGORIES_MAX, "{wrong:?}");
}
