//! A case comes in: it joins a cluster, is decided, and its promises start, in one transaction.

use redress_model::Fault;
use redress_model::words::{CaseStatus, Category};
use uuid::Uuid;

use super::{Work, cluster, decide, spread};
use crate::domain::Cause;
use crate::domain::similarity::Terms;
use crate::store::cases::{self, Case, CaseFacts};
use crate::store::signals::{self, SignalRow};
use crate::store::sites;

/// What was read in the text of a case. The text itself is gone.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Keyed hashes of its words.
    pub terms: Terms,
    /// What it seems to be about.
    pub category: Option<Category>,
    /// Entries of the lexicon that led to that.
    pub words: Vec<String>,
}

/// What comes in.
#[derive(Debug)]
pub struct Receipt<'a> {
    /// The case.
    pub id: Uuid,
    /// What intake says of it.
    pub facts: &'a CaseFacts,
    /// Where it stands.
    pub status: CaseStatus,
    /// Intake's epoch.
    pub epoch: i64,
    /// The case it was merged into.
    pub merged_into: Option<Uuid>,
    /// Signals stated with it.
    pub signals: &'a [SignalRow],
    /// What was read in its text.
    pub reading: &'a Reading,
}

/// Takes a case in. One that is known already stays as it is.
pub async fn receive(work: &mut Work<'_>, receipt: &Receipt<'_>) -> Result<(), Fault> {
    let site = &work.site.id;
    sites::lock_clusters(work.tx, site).await?;
    if cases::exists(work.tx, site, receipt.id).await? {
        return Ok(());
    }
    let facts = receipt.facts;
    let reading = receipt.reading;
    let about = facts.stated_category.or(reading.category);
    let (cluster, similarity) =
        cluster::join(work, receipt.id, facts.received, about, &reading.terms).await?;
    let mut case = Case {
        id: receipt.id,
        facts: facts.clone(),
        status: receipt.status,
        epoch: receipt.epoch,
        merged_into: receipt.merged_into,
        resolved_since: None,
        held: jiff::SignedDuration::ZERO,
        responsible: None,
        suggested_category: reading.category,
        category_words: reading.words.clone(),
        cluster,
        decision: 0,
        grade: None,
    };
    if !case.is_open() {
        case.resolved_since = Some(facts.received);
    }
    cases::insert(work.tx, site, &case, similarity, work.now).await?;
    for signal in receipt.signals {
        signals::insert(work.tx, site, signal, true).await?;
    }
    decide(work, &mut case, Cause::Received).await?;
    spread(work, &case, Cause::Cluster).await
}
