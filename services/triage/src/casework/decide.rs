//! Decides a case from what is stored of it, keeps the decision where it says anything new, tells who
//! needs to know, and lets its promises follow.

use redress_events::{NewEvent, publish};
use redress_model::name::ClusterName;
use redress_model::words::{CaseMode, QualityImpact, SignalBasis, SignalKind};
use redress_model::{Fault, Grade};
use redress_proto::convert::{to_timestamp, to_wire, to_wire_opt};
use redress_proto::event::v1::{CaseGraded, MatchedCriterion};

use uuid::Uuid;

use super::{Work, cluster_facts, promises};
use crate::domain::criterion::CriterionId;
use crate::domain::people::distinct_complainants;
use crate::domain::{self, Age, Cause, Facts, Signal};
use crate::store::cases::{self, Case};
use crate::store::decisions::{self, DecisionRow, Ruling};
use crate::store::{clusters, signals};

/// Decides again, and after it the head that it was merged into, which has its facts too. The case
/// must be locked. Nothing more is decided about a live case that has ended.
pub async fn decide(work: &mut Work<'_>, case: &mut Case, cause: Cause) -> Result<(), Fault> {
    one(work, case, cause).await?;
    match case.merged_into {
        Some(head) => head_of_merged(work, head, cause).await,
        None => Ok(()),
    }
}

/// Decides the head of a merged case again; one that has not come in yet will see to it itself.
pub(super) async fn head_of_merged(
    work: &mut Work<'_>,
    head: Uuid,
    cause: Cause,
) -> Result<(), Fault> {
    match cases::lock(work.tx, &work.site.id, head).await? {
        Some(mut head) => one(work, &mut head, cause).await,
        None => Ok(()),
    }
}

async fn one(work: &mut Work<'_>, case: &mut Case, cause: Cause) -> Result<(), Fault> {
    // History has ended from the start, and is decided again all the same.
    if case.is_ended() && !case.facts.historical && case.decision > 0 {
        return Ok(());
    }
    let site = &work.site.id;
    let mut known = signals::of_case(work.tx, site, case.id).await?;
    let merged = cases::merged_into(work.tx, site, case.id).await?;
    let mut before: Vec<DecisionRow> = Vec::new();
    let last = decisions::get(work.tx, site, case.id, None).await?;
    before.extend(last.clone());
    for other in &merged {
        known.extend(signals::of_case(work.tx, site, other.id).await?);
        before.extend(decisions::get(work.tx, site, other.id, None).await?);
    }
    let all = || std::iter::once(&*case).chain(&merged).map(|c| &c.facts);
    // The case whose sum is the largest; its own where equal.
    let sum = all()
        .rev()
        .max_by_key(|f| f.assessed_claim.or(f.claim))
        .unwrap_or(&case.facts);
    let members = clusters::members(work.tx, site, case.cluster).await?;
    // A historical case is decided as of its own time, for good.
    let as_of = if case.facts.historical {
        case.facts.received
    } else {
        work.now.max(case.facts.received)
    };
    let facts = Facts {
        complainants: distinct_complainants(all().map(|f| &f.people)),
        cluster: cluster_facts(work.site, &members, as_of, case.facts.historical),
        quality_impact: all()
            .map(|f| f.quality_impact)
            .max_by_key(|impact| severity(*impact))
            .unwrap_or(case.facts.quality_impact),
        wants: case.facts.wants,
        claim: sum.claim,
        assessed_claim: sum.assessed_claim,
        repeat: all().any(|f| f.repeat),
        needs_advisers: all().any(|f| f.needs_advisers),
        signals: known.clone(),
        age: Age {
            received: case.facts.received,
            zone: work.site.zone.clone(),
            held: case.held,
            resolved: case.resolved_since.is_some(),
        },
    };
    let decision = domain::decide(&facts, &work.site.profile().grading, as_of);
    let ruling = ruling(work, case, &facts, &decision, &known, &before);
    let says_new = last.as_ref().is_none_or(|last| last.ruling != ruling);
    if says_new {
        keep(work, case, ruling.clone(), cause, last.as_ref()).await?;
    }
    if !case.facts.historical {
        promises::follow(work, case, &facts, ruling.urgency, last.is_none()).await?;
    }
    Ok(())
}

fn severity(impact: QualityImpact) -> u8 {
    match impact {
        QualityImpact::None => 0,
        QualityImpact::Cosmetic => 1,
        QualityImpact::AffectsUse => 2,
        QualityImpact::Grave => 3,
    }
}

/// The grade rises by itself and falls only by a person: a lower one is noted beside it. What was
/// decided before, of the case itself first and then of those merged into it, stands with the criteria
/// that explain it.
fn ruling(
    work: &Work<'_>,
    case: &Case,
    facts: &Facts,
    decision: &domain::Decision,
    known: &[Signal],
    before: &[DecisionRow],
) -> Ruling {
    let computed = decision.grade;
    let kept = before
        .iter()
        .map(|row| &row.ruling)
        .filter(|r| r.grade.is_graver_than(computed))
        .min_by_key(|r| r.grade);
    let explains = |id: &str| {
        id.parse::<CriterionId>()
            .is_ok_and(|id| kept.is_some_and(|kept| id.grade() == kept.grade))
    };
    let mut criteria: Vec<(String, String)> = kept
        .into_iter()
        .flat_map(|kept| kept.criteria.iter().filter(|(id, _)| explains(id)).cloned())
        .collect();
    // All of these are of a lower grade than the kept ones.
    criteria.extend(
        decision
            .criteria
            .iter()
            .map(|c| (c.id.id().to_owned(), c.evidence.clone())),
    );
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
        criteria,
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
