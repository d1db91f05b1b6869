//! Decides a case from what is stored of it, keeps the decision where it says anything new, tells who
//! needs to know, and lets its promises follow.

use redress_events::{NewEvent, publish, publish_urgent};
use redress_model::name::ClusterName;
use redress_model::words::CaseMode;
use redress_model::{Fault, Grade};
use redress_proto::convert::{to_timestamp, to_wire, to_wire_opt};
use redress_proto::event::v1::{CaseGraded, MatchedCriterion};
use uuid::Uuid;

use super::known::{Known, known};
use super::{Work, ask, came_back, policies, promises};
use crate::domain::Cause;
use crate::domain::standing::Override;
use crate::store::cases::{self, Case};
use crate::store::decisions::{self, DecisionRow, Ruling};

/// Decides again, and after it the head that it was merged into, which has its facts too. The case
/// must be locked. Nothing more is decided about a live case that has ended.
pub async fn decide(work: &mut Work<'_>, case: &mut Case, cause: Cause) -> Result<(), Fault> {
    one(work, case, cause).await?;
    match case.merged_into {
        Some(head) => head_of_merged(work, head, cause).await,
        None => Ok(()),
    }
}

/// Decides a case that intake had ended and opened again, and tells the decision in the new epoch even where it says
/// nothing new: whoever heard of the end first has disregarded it (decision 50).
pub(super) async fn decide_reopened(work: &mut Work<'_>, case: &mut Case) -> Result<(), Fault> {
    let told = case.decision;
    decide(work, case, Cause::Moved).await?;
    if case.facts.historical || case.decision != told {
        return Ok(());
    }
    let last = decisions::get(work.tx, &work.site.id, case.id, None).await?;
    match last {
        Some(last) => {
            let ruling = last.ruling.clone();
            keep(work, case, ruling, Cause::Moved, Some(&last)).await
        }
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
    let known = known(work, case).await?;
    let standing = known.stand(work, &known.facts);
    let ruling = known.ruling(work, case, standing);
    stands(work, case, &known, ruling, cause).await?;
    if known.came_back && case.is_open() {
        came_back::ask(work, case).await?;
    }
    Ok(())
}

/// Keeps what a decision says where it is new, and lets everything follow.
pub(super) async fn stands(
    work: &mut Work<'_>,
    case: &mut Case,
    known: &Known,
    ruling: Ruling,
    cause: Cause,
) -> Result<(), Fault> {
    let last = known.last.as_ref();
    let says_new = last.is_none_or(|last| last.ruling != ruling);
    let urgency = ruling.urgency;
    let by_facts = policies::by_facts(work, known, &ruling, cause).await?;
    if says_new {
        keep(work, case, ruling, cause, last).await?;
    }
    if !case.facts.historical {
        let by_policy_alone = cause == Cause::Policy
            && last
                .is_none_or(|last| (last.ruling.grade, last.ruling.urgency) == (by_facts, urgency));
        if by_policy_alone {
            policies::keep_deadlines(work, case, &known.facts, urgency).await?;
        } else {
            promises::follow(work, case, known, urgency, by_facts, last.is_none()).await?;
        }
        ask::follow(work, case, known, urgency).await?;
    }
    Ok(())
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
    let proposed = row.ruling.proposed().filter(|_| !row.historical);
    let word = row.ruling.word.as_ref();
    cases::set_decision(
        work.tx,
        site,
        case.id,
        row.revision,
        row.ruling.grade,
        proposed,
        word.is_some_and(Override::sets_people_aside),
    )
    .await?;
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
        provisional: r.is_provisional(),
    };
    let event = NewEvent {
        event_type: "redress.case.graded.v1",
        site,
        subject: &name,
        historical: case.facts.historical,
        payload: &payload,
    };
    // It opens an incident, and people are called out: nothing waits for others to go with it.
    if r.grade == Grade::ONE && !event.historical {
        publish_urgent(work.tx, &event).await?;
    } else {
        publish(work.tx, &event).await?;
    }
    Ok(())
}
