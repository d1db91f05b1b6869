//! Which cases are about the same issue, and what that adds to a decision.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan};
use redress_events::{NewEvent, publish};
use redress_model::name::{CaseName, ClusterName};
use redress_model::{Fault, ids};
use redress_proto::event::v1::ClusterChanged;
use uuid::Uuid;

use super::status::complains;
use super::{Work, decide};
use crate::domain::people::{cases_of_different_complainants, distinct_complainants};
use crate::domain::similarity::{Documents, Terms, cosine, is_same_issue};
use crate::domain::{Cause, ClusterFacts, Grading};
use crate::store::cases::{self, Case};
use crate::store::clusters::{self, Member};
use crate::store::sites::{self, Site};
use crate::store::terms;
use redress_model::words::Category;

/// What a cluster adds to a decision on one of its cases, as of an instant. A historical case was
/// decided in its own time: only what came before it counts.
pub fn cluster_facts(
    site: &Site,
    members: &[Member],
    as_of: Timestamp,
    historical: bool,
) -> ClusterFacts {
    let month_ago = as_of
        .to_zoned(site.zone.clone())
        .saturating_sub(1.month())
        .timestamp();
    let counted = || {
        members
            .iter()
            .filter(|m| complains(m.status) && (!historical || m.received <= as_of))
    };
    ClusterFacts {
        complainants: distinct_complainants(counted().map(|m| &m.people)),
        recent_cases: cases_of_different_complainants(
            counted()
                .filter(|m| m.received > month_ago && m.received <= as_of)
                .map(|m| &m.people),
        ),
    }
}

/// Which thresholds a cluster has crossed. Only a change of this makes its cases be decided again.
fn crossed(facts: ClusterFacts, grading: &Grading) -> (bool, bool, bool) {
    (
        facts.complainants >= grading.group,
        facts.complainants >= grading.group_major,
        facts.recent_cases >= grading.similar_cases,
    )
}

/// The cluster that a new case joins, with how like its most similar case it is; a new one of its own
/// where none is like enough. The site's clusters must be locked.
pub(super) async fn join(
    work: &mut Work<'_>,
    case: Uuid,
    received: Timestamp,
    category: Option<Category>,
    own: &Terms,
) -> Result<(Uuid, f64), Fault> {
    let best = if own.is_empty() {
        None
    } else {
        terms::learn(work.tx, &work.site.id, case, received, own).await?;
        most_similar(work, case, received, category, own).await?
    };
    if let Some((cluster, likeness)) = best {
        clusters::touch(work.tx, &work.site.id, cluster).await?;
        return Ok((cluster, likeness));
    }
    let cluster = ids::new_id(work.now);
    clusters::insert(work.tx, &work.site.id, cluster, work.now).await?;
    Ok((cluster, 0.0))
}

async fn most_similar(
    work: &mut Work<'_>,
    case: Uuid,
    received: Timestamp,
    category: Option<Category>,
    own: &Terms,
) -> Result<Option<(Uuid, f64)>, Fault> {
    let site = &work.site.id;
    let mut documents = Documents::default();
    let known: Vec<i64> = own.keys().copied().collect();
    terms::documents(work.tx, site, &known, &mut documents).await?;
    let candidates = terms::candidates(work.tx, site, case, received, own, &documents).await?;
    let others: BTreeSet<i64> = candidates
        .iter()
        .flat_map(|c| c.terms.keys().copied())
        .filter(|term| !own.contains_key(term))
        .collect();
    let others: Vec<i64> = others.into_iter().collect();
    terms::documents(work.tx, site, &others, &mut documents).await?;
    Ok(candidates
        .iter()
        .map(|c| (c, cosine(own, &c.terms, &documents)))
        .filter(|(c, likeness)| is_same_issue(*likeness, c.category == category))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(c, likeness)| (c.cluster, likeness)))
}

/// Decides the other cases of this case's cluster again, where this case made the cluster cross a
/// threshold. The site's clusters must be locked.
pub async fn spread(work: &mut Work<'_>, case: &Case, cause: Cause) -> Result<(), Fault> {
    let members = clusters::members(work.tx, &work.site.id, case.cluster).await?;
    let grading = &work.site.profile().grading;
    let without: Vec<Member> = members
        .iter()
        .filter(|m| m.case != case.id)
        .cloned()
        .collect();
    let crosses = |as_of: Timestamp, historical: bool| {
        let facts = |members: &[Member]| cluster_facts(work.site, members, as_of, historical);
        crossed(facts(&members), grading) != crossed(facts(&without), grading)
    };
    let now = crosses(work.now, false);
    // Each historical case sees the cluster as it was in its own time.
    let affected: Vec<Uuid> = without
        .iter()
        .filter(|m| {
            if m.historical {
                m.received >= case.facts.received && crosses(m.received, true)
            } else {
                now
            }
        })
        .map(|m| m.case)
        .collect();
    again(work, affected, cause).await
}

/// Decides these cases again, in the order of their ids, so that two who do so do not wait for each other.
async fn again(work: &mut Work<'_>, mut affected: Vec<Uuid>, cause: Cause) -> Result<(), Fault> {
    affected.sort_unstable();
    for id in affected {
        if let Some(mut member) = cases::lock(work.tx, &work.site.id, id).await? {
            decide(work, &mut member, cause).await?;
        }
    }
    Ok(())
}

/// Moves every case of one cluster into another of the same site, tells who needs to know, and
/// decides all of them again.
pub async fn merge(work: &mut Work<'_>, source: Uuid, target: Uuid) -> Result<(), Fault> {
    let id = &work.site.id;
    sites::lock_clusters(work.tx, id).await?;
    let moved = clusters::merge(work.tx, id, source, target).await?;
    for &case in &moved {
        let name = CaseName::new(id.clone(), case).to_string();
        let historical = cases::lock(work.tx, id, case)
            .await?
            .is_some_and(|case| case.facts.historical);
        let payload = ClusterChanged {
            case: name.clone(),
            cluster: ClusterName::new(id.clone(), target).to_string(),
            previous_cluster: ClusterName::new(id.clone(), source).to_string(),
            merged: true,
        };
        let event = NewEvent {
            event_type: "redress.cluster.changed.v1",
            site: id,
            subject: &name,
            historical,
            payload: &payload,
        };
        publish(work.tx, &event).await?;
    }
    let members = clusters::members(work.tx, id, target).await?;
    let all = members.into_iter().map(|m| m.case).collect();
    again(work, all, Cause::Cluster).await
}
