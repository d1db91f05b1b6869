//! Decides from given facts alone: no stored case, cluster or person, and nothing is written.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::words::{CaseMode, Category, QualityImpact, SignalBasis, SiteKind, Wants};
use redress_proto::convert::{
    from_money, from_timestamp, from_wire, required, to_timestamp, to_wire, to_wire_opt,
};
use redress_proto::triage::v1::{
    CategoryBasis, Decision, PreviewTriageRequest, PreviewTriageResponse,
};
use tonic::Request;

use super::{Shared, parse, render};
use crate::domain::grading::explain;
use crate::domain::{Age, Cause, ClusterFacts, Facts, Profile, category, decide};

/// Where a request names no zone.
const ZONE: &str = "Asia/Shanghai";

pub(super) async fn run(
    shared: &Shared,
    request: Request<PreviewTriageRequest>,
) -> Result<PreviewTriageResponse, Fault> {
    let request = request.into_inner();
    let kind: SiteKind = required("site_kind", request.site_kind)?;
    let (facts, as_of) = facts(&request, shared.desk.now())?;
    let profile = Profile::for_site(kind, false);
    let decision = decide(&facts, &profile.grading, as_of);
    let (category, basis, words) = about(&request);
    let mut suspected: Vec<i32> = facts
        .signals
        .iter()
        .filter(|s| s.basis == SignalBasis::Suspected)
        .map(|s| to_wire(s.kind))
        .collect();
    suspected.sort_unstable();
    suspected.dedup();
    Ok(PreviewTriageResponse {
        decision: Some(Decision {
            grade: render::grade(decision.grade),
            nature: to_wire(decision.nature),
            urgency: to_wire(decision.urgency),
            category: to_wire_opt(category),
            category_basis: basis.into(),
            category_words: words,
            would_open_incident: decision.incident_mode().is_some(),
            incident_mode: render::mode(decision.incident_mode()),
            complainants: render::count(facts.complainants),
            cluster_complainants: render::count(facts.complainants),
            cluster_recent_cases: i32::from(facts.complainants > 0),
            cause: Cause::Preview.word().to_owned(),
            decide_time: Some(to_timestamp(as_of)),
            policy_profile: profile.name.clone(),
            policy_revision: render::count(profile.revision),
            mode: to_wire(CaseMode::Live),
            suspected_signals: suspected,
            computed_grade: render::grade(decision.grade),
            criteria: explain(&facts, &profile.grading, decision.criteria)
                .into_iter()
                .map(|c| render::criterion(c.id, c.evidence))
                .collect(),
            ..Decision::default()
        }),
    })
}

fn facts(request: &PreviewTriageRequest, now: Timestamp) -> Result<(Facts, Timestamp), Fault> {
    let instant = |field: &str, time: &Option<prost_types::Timestamp>| {
        time.as_ref().map(|t| from_timestamp(field, t)).transpose()
    };
    let as_of = instant("as_of_time", &request.as_of_time)?.unwrap_or(now);
    let received = instant("received_time", &request.received_time)?.unwrap_or(as_of);
    if as_of < received {
        return Err(Fault::invalid(
            "as_of_time",
            "must not be before received_time",
        ));
    }
    let zone = match request.time_zone.as_str() {
        "" => ZONE,
        zone => zone,
    };
    let zone = TimeZone::get(zone).map_err(|_| {
        Fault::invalid(
            "time_zone",
            "must be an IANA time zone, for example Asia/Shanghai",
        )
    })?;
    let signals = request
        .signals
        .iter()
        .enumerate()
        .map(|(i, signal)| parse::signal(&format!("signals[{i}]"), signal, as_of))
        .collect::<Result<_, _>>()?;
    let money = |field: &str, money: &Option<redress_proto::Money>| {
        money.as_ref().map(|m| from_money(field, m)).transpose()
    };
    let held = match &request.held_duration {
        Some(held) if held.seconds < 0 || !(0..1_000_000_000).contains(&held.nanos) => {
            return Err(Fault::invalid("held_duration", "must not be negative"));
        }
        Some(held) => SignedDuration::new(held.seconds, held.nanos),
        None => SignedDuration::ZERO,
    };
    let facts = Facts {
        complainants: u32::try_from(request.complainants)
            .map_err(|_| Fault::invalid("complainants", "must be 0 or more"))?,
        cluster: ClusterFacts::default(),
        quality_impact: from_wire(request.quality_impact).unwrap_or(QualityImpact::None),
        wants: from_wire(request.wants).unwrap_or(Wants::Remedy),
        claim: money("claim", &request.claim)?,
        assessed_claim: money("assessed_claim", &request.assessed_claim)?,
        repeat: request.repeat,
        repeat_since: None,
        needs_advisers: request.needs_advisers,
        signals,
        age: Age {
            received,
            zone,
            held,
            held_since: None,
            resolved: request.resolved,
        },
    };
    Ok((facts, as_of))
}

fn about(request: &PreviewTriageRequest) -> (Option<Category>, CategoryBasis, Vec<String>) {
    if let Some(stated) = from_wire(request.stated_category) {
        return (Some(stated), CategoryBasis::Stated, Vec::new());
    }
    match category::suggest(&request.text) {
        Some(found) => {
            let words = found.words.into_iter().map(str::to_owned).collect();
            (Some(found.category), CategoryBasis::Suggested, words)
        }
        None => (None, CategoryBasis::Unspecified, Vec::new()),
    }
}
