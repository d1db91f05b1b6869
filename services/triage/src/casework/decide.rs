//! Decides a case from what is stored of it, keeps the decision where it says anything new, tells who
//! needs to know, and lets its promises follow.

use redress_events::{NewEvent, publish};
use redress_model::name::ClusterName;
use redress_model::words::{CaseMode, SignalBasis, SignalKind};
use redress_model::{Fault, Grade};
use redress_proto::convert::{to_timestamp, to_wire, to_wire_opt};
use redress_proto::event::v1::{CaseGraded, MatchedCriterion};

use super::{Work, cluster_facts, promises};
use crate::domain::{self, Age, Cause, Facts, Signal};
use crate::store::cases::{self, Case};
use crate::store::decisions::{self, DecisionRow, Ruling};
use crate::store::{clusters, signals};

/// Decides again. The case must be locked. Nothing more is decided about a case that has ended.
pub async fn decide(work: &mut Work<'_>, case: &mut Case, cause: Cause) -> Result<(), Fault> {
    if case.is_ended() && case.decision > 0 {
        return Ok(());
    }
    let site = &work.site.id;
    let known = signals::of_case(work.tx, site, case.id).await?;
    let members = clusters::members(work.tx, site, case.cluster).await?;
    // A historical case is decided as of its own time, for good.
    let as_of = if case.facts.historical {
        case.facts.received
    } else {
        work.now.max(case.facts.received)
    };
    let facts = Facts {
        complainants: case.facts.people.complainants(),
        cluster: cluster_facts(work.site, &members, as_of, case.facts.historical),
        quality_impact: case.facts.quality_impact,
        wants: case.facts.wants,
        claim: case.facts.claim,
        assessed_claim: case.facts.assessed_claim,
        repeat: case.facts.repeat,
        needs_advisers: case.facts.needs_advisers,
        signals: known.clone(),
        age: Age {
            received: case.facts.received,
            zone: work.site.zone.clone(),
            held: case.held,
            resolved: case.resolved_since.is_some(),
        },
    };
    let decision = domain::decide(&facts, &work.site.profile().grading, as_of);
    let last = decisions::get(work.tx, site, case.id, None).await?;
    let ruling = ruling(work, case, &facts, &decision, &known, last.as_ref());
    let says_new = last.as_ref().is_none_or(|last| last.ruling != ruling);
    if says_new {
        keep(work, case, ruling.clone(), cause, last.as_ref()).await?;
    }
    if !case.facts.historical {
        promises::follow(work, case, &facts, ruling.urgency, last.is_none()).await?;
    }
    Ok(())
}

/// The grade rises by itself and falls only by a person: a lower one is noted beside it.
fn ruling(
    work: &Work<'_>,
    case: &Case,
    facts: &Facts,
    decision: &domain::Decision,
    known: &[Signal],
    last: Option<&DecisionRow>,
) -> Ruling {
    let computed = decision.grade;
    let kept = last
        .map(|last| &last.ruling)
        .filter(|last| last.grade.is_graver_than(computed));
    let profile = work.site.profile();
    let mut suspected: Vec<SignalKind> = known
        .iter()
        .filter(|s| s.basis == SignalBasis::Suspected)
        .map(|s| s.kind)
        .collect();
    suspected.sort_unstable();
    suspected.dedup();
    let stated = case.facts.stated_category.is_some();
    Ruling {
        grade: kept.map_or(computed, |last| last.grade),
        computed,
        criteria: decision
            .criteria
            .iter()
            .map(|c| (c.id.id().to_owned(), c.evidence.clone()))
            .collect(),
        nature: kept.map_or(decision.nature, |last| last.nature.min(decision.nature)),
        urgency: decision.urgency,
        category: case.category(),
        category_stated: stated,
        category_words: if stated {
            Vec::new()
        } else {
            case.category_words.clone()
        },
        cluster: case.cluster,
        complainants: facts.complainants,
        cluster_facts: facts.cluster,
        suspected,
        policy_profile: profile.name.clone(),
        policy_revision: profile.revision,
    }
}

async fn keep(
    work: &mut Work<'_>,
    case: &mut Case,
    ruling: Ruling,
    cause: Cause,
    last: Option<&DecisionRow>,
) -> Result<(), Fault> {
    let site = &work.site.id;
    let mut row = DecisionRow {
        case: case.id,
        revision: case.decision + 1,
        ruling,
        cause: cause.word().to_owned(),
        decided: work.now,
        historical: case.facts.historical,
        hash: Vec::new(),
    };
    row.hash = row.hash_after(last.map_or(&[], |last| &last.hash));
    decisions::insert(work.tx, site, &row).await?;
    cases::set_decision(work.tx, site, case.id, row.revision, row.ruling.grade).await?;
    case.decision = row.revision;
    let previous = case.grade.replace(row.ruling.grade);
    tell(work, case, &row, previous).await?;
    tracing::info!(
        case = %case.id,
        grade = row.ruling.grade.value(),
        cause = cause.word(),
        revision = row.revision,
        "case decided"
    );
    Ok(())
}

async fn tell(
    work: &mut Work<'_>,
    case: &Case,
    row: &DecisionRow,
    previous: Option<Grade>,
) -> Result<(), Fault> {
    let site = &work.site.id;
    let name = case.name(site).to_string();
    let r = &row.ruling;
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let mode = if case.facts.historical {
        CaseMode::Historical
    } else {
        CaseMode::Live
    };
    let payload = CaseGraded {
        case: name.clone(),
        cluster: ClusterName::new(site.clone(), r.cluster).to_string(),
        grade: i32::from(r.grade.value()),
        previous_grade: previous.map_or(0, |grade| i32::from(grade.value())),
        criteria: r
            .criteria
            .iter()
            .map(|(id, evidence)| MatchedCriterion {
                criterion_id: id.clone(),
                evidence: evidence.clone(),
            })
            .collect(),
        nature: to_wire(r.nature),
        urgency: to_wire(r.urgency),
        category: to_wire_opt(r.category),
        revision: row.revision,
        cause: row.cause.clone(),
        complainants: count(r.complainants),
        cluster_complainants: count(r.cluster_facts.complainants),
        epoch: case.epoch,
        decide_time: Some(to_timestamp(row.decided)),
        mode: to_wire(mode),
        channel: to_wire(case.facts.channel),
        received_time: Some(to_timestamp(case.facts.received)),
        number: case.facts.number.clone(),
    };
    let event = NewEvent {
        event_type: "redress.case.graded.v1",
        site,
        subject: &name,
        historical: case.facts.historical,
        payload: &payload,
    };
    publish(work.tx, &event).await?;
    Ok(())
}
