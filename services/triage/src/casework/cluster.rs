//! Which cases are about the same issue, and what that adds to a decision.
//!
//! What a case that joins costs does not grow with its cluster: the cluster's counts are kept, its other
//! cases are decided again only when it crosses a threshold, and large ones in batches afterwards.

use std::collections::{BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp, ToSpan};
use redress_events::{NewEvent, publish};
use redress_model::name::{CaseName, ClusterName};
use redress_model::words::Category;
use redress_model::{Fault, ids};
use redress_proto::event::v1::ClusterChanged;
use redress_store::Tx;
use uuid::Uuid;

use super::status::complains;
use super::{Work, decide, defect};
use crate::domain::people::{People, cases_of_different_complainants, distinct_complainants};
use crate::domain::similarity::{Place, Terms, cosine, is_same_issue};
use crate::domain::{Cause, ClusterFacts, Grading};
use crate::store::cases::{self, Case};
use crate::store::clusters::{self, Member};
use crate::store::regrades::{self, Regrade};
use crate::store::sites::{self, Site};
use crate::store::{decisions, tallies, terms};

/// Cases that are decided again at once at most; more are left to the batches.
const AT_ONCE_MAX: i64 = 50;

/// Cases of one batch.
const BATCH: i64 = 25;

/// Newest cases of a month that G2.3 looks at; far beyond what it asks for.
const MONTH_CASES_MAX: i64 = 1_000;

/// Before every complaint: 1900. Postgres does not go back as far as the type does.
const BEFORE_ALL: Timestamp = Timestamp::constant(-2_208_988_800, 0);

/// What a cluster adds to a decision on one of its cases, as of an instant. A historical case was
/// decided in its own time: only what came before it counts.
pub async fn cluster_facts(
    tx: &mut Tx,
    site: &Site,
    cluster: Uuid,
    as_of: Timestamp,
    historical: bool,
) -> Result<ClusterFacts, Fault> {
    let known = clusters::get(tx, &site.id, cluster)
        .await?
        .ok_or_else(|| Fault::internal("a case's cluster is missing"))?;
    let between = async |tx: &mut Tx, after, limit| {
        tallies::people_between(tx, &site.id, cluster, (after, as_of), None, limit).await
    };
    // As of a time after all its complaints, history is what the cluster counts to.
    let complainants = if historical && known.newest.is_some_and(|newest| newest > as_of) {
        distinct_complainants(&between(tx, BEFORE_ALL, i64::MAX).await?)
    } else {
        known.persons.saturating_add(known.unnamed)
    };
    let month = between(tx, month_before(site, as_of), MONTH_CASES_MAX).await?;
    Ok(ClusterFacts {
        complainants,
        recent_cases: cases_of_different_complainants(&month),
    })
}

/// How many complain in a cluster together with these, who are not counted there.
pub(super) async fn people_with(
    tx: &mut Tx,
    site: &Site,
    cluster: Uuid,
    as_of: Timestamp,
    others: &[&People],
) -> Result<u32, Fault> {
    let window = (BEFORE_ALL, as_of);
    let own = tallies::people_between(tx, &site.id, cluster, window, None, i64::MAX).await?;
    Ok(distinct_complainants(
        own.iter().chain(others.iter().copied()),
    ))
}

/// What a cluster counts to in the eyes of somebody whom some of its cases complain about: as if those were not there.
pub async fn facts_without(
    tx: &mut Tx,
    site: &Site,
    cluster: Uuid,
    as_of: Timestamp,
    staff: &str,
) -> Result<ClusterFacts, Fault> {
    let since = async |tx: &mut Tx, after, limit| {
        let window = (after, as_of);
        tallies::people_between(tx, &site.id, cluster, window, Some(staff), limit).await
    };
    let all = since(tx, BEFORE_ALL, i64::MAX).await?;
    let month = since(tx, month_before(site, as_of), MONTH_CASES_MAX).await?;
    Ok(ClusterFacts {
        complainants: distinct_complainants(&all),
        recent_cases: cases_of_different_complainants(&month),
    })
}

fn month_before(site: &Site, as_of: Timestamp) -> Timestamp {
    as_of
        .to_zoned(site.zone.clone())
        .saturating_sub(1.month())
        .timestamp()
}

/// Which thresholds a cluster has crossed, one bit each. Only a change of this makes its cases be decided
/// again.
fn crossed(facts: ClusterFacts, grading: &Grading) -> i16 {
    i16::from(facts.complainants >= grading.group)
        | i16::from(facts.complainants >= grading.group_major) << 1
        | i16::from(facts.recent_cases >= grading.similar_cases) << 2
}

/// What a new case is compared by.
#[derive(Debug, Clone, Copy)]
pub struct Likeness<'a> {
    /// When the complaint was made.
    pub received: Timestamp,
    /// What it is about.
    pub category: Option<Category>,
    /// Where it is about.
    pub place: Place,
    /// Its words.
    pub terms: &'a Terms,
}

/// The cluster that a new case joins, with how like its most similar case it is; a new one of its own
/// where none is like enough. Its words are counted and kept. The site's clusters must be locked.
pub async fn join(
    work: &mut Work<'_>,
    case: Uuid,
    own: Likeness<'_>,
) -> Result<(Uuid, f64), Fault> {
    if !own.terms.is_empty()
        && let Some(found) = most_similar(work, case, own).await?
    {
        return Ok(found);
    }
    let cluster = ids::new_id(work.now);
    clusters::insert(work.tx, &work.site.id, cluster, work.now).await?;
    Ok((cluster, 0.0))
}

async fn most_similar(
    work: &mut Work<'_>,
    case: Uuid,
    own: Likeness<'_>,
) -> Result<Option<(Uuid, f64)>, Fault> {
    let site = &work.site.id;
    let profile = work.site.profile();
    let rules = &profile.clusters;
    let window = SignedDuration::from_hours(24 * i64::from(rules.window_days));
    let mut documents = terms::count(work.tx, site, own.terms).await?;
    let candidates = terms::candidates(
        work.tx,
        site,
        own.received,
        window,
        own.terms,
        &mut documents,
    )
    .await?;
    terms::keep(work.tx, site, case, own.received, own.terms, &documents).await?;
    Ok(candidates
        .iter()
        .map(|c| (c, cosine(own.terms, &c.terms, &documents)))
        .filter(|(c, likeness)| {
            let place = own.place.matched(c.place);
            is_same_issue(rules, *likeness, c.category == own.category, place)
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(c, likeness)| (c.cluster, likeness)))
}

/// Counts a case that has just joined its cluster. The site's clusters must be locked.
pub(super) async fn arrive(work: &mut Work<'_>, case: &Case) -> Result<(), Fault> {
    let people = complains(case.status).then_some(&case.facts.people);
    let received = case.facts.received;
    tallies::add(work.tx, &work.site.id, case.cluster, received, people).await
}

/// Counts a cluster anew, because one of its cases now counts differently. The site's clusters must be
/// locked.
pub async fn recount(work: &mut Work<'_>, cluster: Uuid) -> Result<(), Fault> {
    tallies::recount(work.tx, &work.site.id, cluster).await
}

/// Decides the other cases of this case's cluster again, where the cluster crossed a threshold, or those that a
/// person lowered where it outgrew what that person knew. The site's clusters must be locked.
pub async fn spread(work: &mut Work<'_>, case: &Case, cause: Cause) -> Result<(), Fault> {
    let site = &work.site.id;
    let mut affected = Vec::new();
    if crosses(work, case.cluster).await? {
        let live = clusters::to_decide(
            work.tx,
            site,
            case.cluster,
            false,
            Uuid::nil(),
            AT_ONCE_MAX + 1,
        )
        .await?;
        affected.extend(live.into_iter().filter(|id| *id != case.id));
    } else {
        affected.extend(outgrown(work, case).await?);
    }
    affected.extend(history_that_sees(work, case).await?);
    if i64::try_from(affected.len()).unwrap_or(i64::MAX) > AT_ONCE_MAX {
        return regrades::request(work.tx, site, case.cluster, work.now).await;
    }
    again(work, affected, cause).await
}

/// The other cases whose grade a person lowered in knowledge of fewer people: past no other threshold, but the
/// cluster grew beyond what was known (section 4).
async fn outgrown(work: &mut Work<'_>, case: &Case) -> Result<Vec<Uuid>, Fault> {
    let words = decisions::people_aside(work.tx, &work.site.id, case.cluster).await?;
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let facts = cluster_facts(work.tx, work.site, case.cluster, work.now, false).await?;
    Ok(words
        .into_iter()
        .filter(|(id, word)| *id != case.id && word.is_outgrown(facts))
        .map(|(id, _)| id)
        .collect())
}

/// Whether the cluster is past other thresholds than when its cases were last decided; kept from here on.
async fn crosses(work: &mut Work<'_>, cluster: Uuid) -> Result<bool, Fault> {
    let facts = cluster_facts(work.tx, work.site, cluster, work.now, false).await?;
    let past = crossed(facts, &work.site.profile().grading);
    tallies::set_crossed(work.tx, &work.site.id, cluster, past).await
}

/// The historical cases for which this one, received before them, makes the cluster cross a threshold in
/// their own time. None where history comes in in its order.
async fn history_that_sees(work: &mut Work<'_>, case: &Case) -> Result<Vec<Uuid>, Fault> {
    let (site, received) = (&work.site.id, case.facts.received);
    let Some(until) =
        clusters::newest_history_since(work.tx, site, case.cluster, case.id, received).await?
    else {
        return Ok(Vec::new());
    };
    let members = clusters::members(work.tx, site, case.cluster, until).await?;
    let profile = work.site.profile();
    Ok(sees(
        work.site,
        &profile.grading,
        &members,
        case.id,
        received,
    ))
}

/// The members, oldest first, that see other thresholds crossed with a case than without it.
fn sees(
    site: &Site,
    grading: &Grading,
    members: &[Member],
    case: Uuid,
    received: Timestamp,
) -> Vec<Uuid> {
    let counted: Vec<&Member> = members.iter().filter(|m| complains(m.status)).collect();
    let (mut with, mut without) = (Crowd::default(), Crowd::default());
    let mut next = 0;
    let mut affected = Vec::new();
    for member in members {
        let as_of = member.received;
        while let Some(other) = counted.get(next).filter(|m| m.received <= as_of) {
            with.add(&other.people);
            if other.case != case {
                without.add(&other.people);
            }
            next += 1;
        }
        if !member.historical || member.case == case || as_of < received {
            continue;
        }
        let month_ago = month_before(site, as_of);
        // Outside the month the case is not among the recent ones.
        let recent = |leave_out: bool| {
            if received <= month_ago {
                return 0;
            }
            let from = counted.partition_point(|m| m.received <= month_ago);
            cases_of_different_complainants(
                counted[from..next]
                    .iter()
                    .filter(|m| !leave_out || m.case != case)
                    .map(|m| &m.people),
            )
        };
        let facts = |crowd: &Crowd<'_>, recent_cases| ClusterFacts {
            complainants: crowd.complainants(),
            recent_cases,
        };
        if crossed(facts(&with, recent(false)), grading)
            != crossed(facts(&without, recent(true)), grading)
        {
            affected.push(member.case);
        }
    }
    affected
}

/// Distinct complainants of cases that are added one by one.
#[derive(Default)]
struct Crowd<'a> {
    tokens: HashSet<&'a str>,
    unnamed: u32,
}

impl<'a> Crowd<'a> {
    fn add(&mut self, people: &'a People) {
        self.tokens.extend(people.tokens.iter().map(String::as_str));
        self.unnamed = self.unnamed.max(people.unnamed());
    }

    fn complainants(&self) -> u32 {
        let named = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        named.saturating_add(self.unnamed)
    }
}

/// Decides these cases again, in the order of their ids, so that two who do so do not wait for each other.
pub(super) async fn again(
    work: &mut Work<'_>,
    mut affected: Vec<Uuid>,
    cause: Cause,
) -> Result<(), Fault> {
    affected.sort_unstable();
    for id in affected {
        if let Some(mut member) = cases::lock(work.tx, &work.site.id, id).await? {
            decide(work, &mut member, cause).await?;
        }
    }
    Ok(())
}

/// Decides every case of a cluster again: at once where they are few, else in batches afterwards.
async fn all_again(work: &mut Work<'_>, cluster: Uuid) -> Result<(), Fault> {
    let site = &work.site.id;
    crosses(work, cluster).await?;
    let all =
        clusters::to_decide(work.tx, site, cluster, true, Uuid::nil(), AT_ONCE_MAX + 1).await?;
    if i64::try_from(all.len()).unwrap_or(i64::MAX) > AT_ONCE_MAX {
        return regrades::request(work.tx, site, cluster, work.now).await;
    }
    again(work, all, Cause::Cluster).await
}

/// Decides the next cases of a cluster that waits for it.
pub async fn regrade(work: &mut Work<'_>, job: &Regrade) -> Result<(), Fault> {
    let site = &work.site.id;
    let next = clusters::to_decide(work.tx, site, job.cluster, true, job.after, BATCH).await?;
    let full = i64::try_from(next.len()).unwrap_or(i64::MAX) == BATCH;
    let last = next.last().copied().filter(|_| full);
    again(work, next, Cause::Cluster).await?;
    regrades::advance(work.tx, job, last).await
}

/// Moves every case of one cluster into another of the same site, tells who needs to know, and
/// decides all of them again. Gives those that were moved.
pub async fn merge(work: &mut Work<'_>, source: Uuid, target: Uuid) -> Result<Vec<Uuid>, Fault> {
    let id = &work.site.id;
    sites::lock_clusters(work.tx, id).await?;
    let said = clusters::get(work.tx, id, source).await?;
    let moved = clusters::merge(work.tx, id, source, target).await?;
    tell_moved(work, &moved, source, target, true).await?;
    recount(work, source).await?;
    recount(work, target).await?;
    let target_now = clusters::get(work.tx, id, target).await?;
    if let Some((source, target)) = said.zip(target_now) {
        defect::merged(work, &source.defect, &target).await?;
    }
    all_again(work, target).await?;
    Ok(moved.into_iter().map(|(case, _)| case).collect())
}

/// Moves these cases of a cluster into a new one of their own, tells who needs to know, and decides the
/// cases of both again. No grade falls by it: a lower one is proposed. Whether each is a general defect is looked at anew
/// (M19); what a person decided of the whole was decided of the part that leaves too.
pub async fn split(
    work: &mut Work<'_>,
    source: Uuid,
    cases: &BTreeSet<Uuid>,
) -> Result<Uuid, Fault> {
    let id = &work.site.id;
    sites::lock_clusters(work.tx, id).await?;
    let said = clusters::get(work.tx, id, source).await?;
    let decided = said.is_some_and(|cluster| cluster.defect.state.is_decided());
    let target = ids::new_id(work.now);
    clusters::insert(work.tx, id, target, work.now).await?;
    let moved = clusters::move_cases(work.tx, id, source, target, cases).await?;
    tell_moved(work, &moved, source, target, false).await?;
    recount(work, source).await?;
    recount(work, target).await?;
    defect::parted(work, source).await?;
    if !decided {
        defect::parted(work, target).await?;
    }
    all_again(work, source).await?;
    all_again(work, target).await?;
    Ok(target)
}

async fn tell_moved(
    work: &mut Work<'_>,
    moved: &[(Uuid, bool)],
    source: Uuid,
    target: Uuid,
    merged: bool,
) -> Result<(), Fault> {
    let site = &work.site.id;
    for &(case, historical) in moved {
        let name = CaseName::new(site.clone(), case).to_string();
        let payload = ClusterChanged {
            case: name.clone(),
            cluster: ClusterName::new(site.clone(), target).to_string(),
            previous_cluster: ClusterName::new(site.clone(), source).to_string(),
            merged,
        };
        let event = NewEvent {
            event_type: "redress.cluster.changed.v1",
            site,
            subject: &name,
            historical,
            payload: &payload,
        };
        publish(work.tx, &event).await?;
    }
    Ok(())
}
