//! A case comes in: it joins a cluster, is decided, and its promises start, in one transaction.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use redress_model::words::{CaseStatus, Category, ClockKind, SignalBasis, SignalKind};
use redress_model::{Fault, ids};
use uuid::Uuid;

use super::{Likeness, Work, cluster, decide, defect, ladder, merging, recount, spread, teaching};
use crate::domain::similarity::{Place, Terms};
use crate::domain::{Cause, Signal, category};
use crate::store::cases::{self, Case, CaseFacts};
use crate::store::signals::{self, SignalRow};
use crate::store::{clocks, clusters, lessons, sites};

/// What was read in the text of a case. The text itself is gone.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Keyed hashes of its words.
    pub terms: Terms,
    /// Keyed hashes of where it is about.
    pub place: Place,
    /// What it seems to be about.
    pub category: Option<Category>,
    /// Entries of the lexicon that led to that.
    pub words: Vec<String>,
    /// Whether a test of the order is sure of it.
    pub sure: bool,
    /// Whether it says that people are trapped in a lift.
    pub trapped: bool,
    /// What it seems to tell that can raise a grade.
    pub suspected: Vec<SignalKind>,
    /// Words that may be named in an explanation, by their terms; gone when the case is in.
    pub nameable: HashMap<i64, String>,
}

/// What a later message of the customer tells that can raise a grade. The message itself is gone.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Whether it says that people are trapped in a lift.
    pub trapped: bool,
    /// What it seems to tell.
    pub suspected: Vec<SignalKind>,
}

impl Heard {
    /// Reads a message once.
    pub fn of(text: &str) -> Self {
        Self {
            trapped: category::says_trapped(text),
            suspected: category::suspects(text),
        }
    }
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
    let suggestion = teaching::classify(work, reading).await?;
    let about = facts.stated_category.or(suggestion.category);
    let own = Likeness {
        received: facts.received,
        category: about,
        place: reading.place,
        terms: &reading.terms,
    };
    let (cluster, similarity) = cluster::join(work, receipt.id, own).await?;
    let mut case = Case {
        id: receipt.id,
        facts: facts.clone(),
        status: receipt.status,
        epoch: receipt.epoch,
        merged_into: receipt.merged_into,
        resolved_since: None,
        ended_since: None,
        held: jiff::SignedDuration::ZERO,
        held_since: None,
        proposed_since: None,
        last_outward: None,
        last_word: None,
        responsible: None,
        suggested_category: suggestion.category,
        category_words: suggestion.words,
        cluster,
        decision: 0,
        grade: None,
        trapped: reading.trapped && !facts.historical,
        again_since: None,
        promised_later: Vec::new(),
        voice_waits: false,
    };
    if !case.is_open() {
        case.resolved_since = Some(facts.received);
        case.ended_since = case.resolved_since.filter(|_| case.is_ended());
    }
    cases::insert(work.tx, site, &case, similarity, work.now).await?;
    if reading.place != Place::default() {
        clusters::set_place(work.tx, site, case.id, reading.place).await?;
    }
    if suggestion.learned {
        lessons::set_basis(work.tx, site, case.id, reading.category).await?;
    }
    cluster::arrive(work, &case).await?;
    for signal in receipt.signals {
        signals::insert(work.tx, site, signal, true).await?;
    }
    if !facts.historical {
        // What was stated with it needs no suspicion.
        let stated = |kind| receipt.signals.iter().any(|row| row.signal.kind == kind);
        let mut kinds = told(&reading.suspected, reading.trapped);
        kinds.retain(|kind| !stated(*kind));
        suspect(work, &case, kinds, facts.received).await?;
    }
    decide(work, &mut case, Cause::Received).await?;
    spread(work, &case, Cause::Cluster).await?;
    merging::take(work, &case).await?;
    defect::propose(work, &case).await
}

/// Lets a later message tell what the text of the case may tell, before the case, which must be locked, is decided again. A kind
/// that waits for an answer or stands, on the case or on the one that leads it, is not asked about twice: whoever looked knows of
/// it. One that was dismissed is: the message is new evidence. And people who are trapped are looked for (decision 17), whoever
/// was rescued before.
pub async fn hear(
    work: &mut Work<'_>,
    case: &mut Case,
    heard: &Heard,
    at: Timestamp,
) -> Result<(), Fault> {
    let kinds = told(&heard.suspected, heard.trapped);
    // What was said before the end is asked about should the case be opened again, whichever is heard first (I3).
    let over = case.had_ended_by(at) && case.merged_into.is_none();
    if kinds.is_empty() || over || case.facts.historical {
        return Ok(());
    }
    let site = &work.site.id;
    if heard.trapped && !case.trapped {
        case.trapped = true;
        cases::set_trapped(work.tx, site, case.id).await?;
    }
    let head = case.merged_into.unwrap_or(case.id);
    let merged = cases::merged_into(work.tx, site, head).await?;
    let ids: Vec<Uuid> = std::iter::once(head)
        .chain(merged.iter().map(|other| other.id))
        .collect();
    let had = signals::kinds_of(work.tx, site, &ids).await?;
    let rescued = heard.trapped && was_rescued(work, head, at).await?;
    let is_new = |kind: SignalKind| {
        let looked_for = heard.trapped && kind == SignalKind::DangerToPersons;
        had.get(&kind)
            .is_none_or(|dismissed| *dismissed || (looked_for && rescued))
    };
    let kinds = kinds.into_iter().filter(|kind| is_new(*kind)).collect();
    suspect(work, case, kinds, at).await
}

/// Whether the rescue of a case was over before then: who is trapped now is not whom it was for.
async fn was_rescued(work: &mut Work<'_>, head: Uuid, then: Timestamp) -> Result<bool, Fault> {
    let site = &work.site.id;
    // The case before its clocks, as wherever both are locked.
    if cases::lock(work.tx, site, head).await?.is_none() {
        return Ok(false);
    }
    let all = clocks::lock_of_case(work.tx, site, head).await?;
    let mut rescues = all.iter().filter(|c| c.is_for(ClockKind::Rescue, "", None));
    Ok(rescues.any(|c| c.stopped.is_some_and(|stopped| stopped < then)))
}

/// What a text tells: people trapped in a lift are in danger (G1.8).
fn told(suspected: &[SignalKind], trapped: bool) -> BTreeSet<SignalKind> {
    let danger = trapped.then_some(SignalKind::DangerToPersons);
    suspected.iter().copied().chain(danger).collect()
}

/// What a text alone tells is suspected, until somebody confirms it.
async fn suspect(
    work: &mut Work<'_>,
    case: &Case,
    kinds: BTreeSet<SignalKind>,
    known: Timestamp,
) -> Result<(), Fault> {
    for kind in kinds {
        let row = SignalRow {
            id: ids::new_id(work.now),
            case: case.id,
            signal: Signal {
                kind,
                basis: SignalBasis::Suspected,
                reach: 0,
                provisional: false,
                since: work.now,
            },
            known,
            recorder: "triage".to_owned(),
            confirmed: None,
            dismissed: None,
            created: work.now,
            before_law: false,
            revision: 1,
        };
        signals::insert(work.tx, &work.site.id, &row, false).await?;
    }
    Ok(())
}

/// Replaces what intake says of a case, and what its cluster counts to with it. The site's clusters and the
/// case must be locked; it is still to be decided again.
pub async fn update(work: &mut Work<'_>, case: &mut Case, facts: CaseFacts) -> Result<(), Fault> {
    let before = std::mem::replace(&mut case.facts, facts);
    // Once historical, always.
    case.facts.historical = before.historical;
    cases::set_facts(work.tx, &work.site.id, case.id, &case.facts).await?;
    let counts = |facts: &CaseFacts| (facts.people.clone(), facts.received);
    if counts(&before) != counts(&case.facts) {
        recount(work, case.cluster).await?;
    }
    if before.stated_category != case.facts.stated_category {
        teaching::teach(work, case).await?;
    }
    let excluded = case.facts.excluded.iter();
    let accused: Vec<&String> = excluded.filter(|e| !before.excluded.contains(e)).collect();
    if !accused.is_empty() {
        ladder::pass_on(work, case, &accused).await?;
    }
    Ok(())
}
