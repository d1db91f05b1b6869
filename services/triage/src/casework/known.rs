//! What is known of a case when it is decided: its own facts, those of the cases that were merged into
//! it, what its cluster adds, and what stood before.

use jiff::Timestamp;
use redress_model::words::{ClockKind, QualityImpact, SignalKind};
use redress_model::{Fault, Grade};
use uuid::Uuid;

use super::cluster::people_with;
use super::promises::EXPOSED;
use super::{Work, cluster_facts, holds};
use crate::domain::people::{People, distinct_complainants};
use crate::domain::standing::{Before, Given, Override, Standing};
use crate::domain::{Age, CriterionId, Facts, Grading};
use crate::store::cases::{self, Case};
use crate::store::clocks::{self, Legal};
use crate::store::decisions::{self, DecisionRow, Ruling};
use crate::store::signals::{self, SignalRow};

/// Everything that a decision reads.
pub(super) struct Known {
    /// The facts, of merged cases too.
    pub(super) facts: Facts,
    /// As of when it is decided.
    pub(super) as_of: Timestamp,
    /// The signals that count or may count.
    pub(super) signals: Vec<SignalRow>,
    /// The newest decision on the case itself.
    pub(super) last: Option<DecisionRow>,
    /// The newest decisions on the cases that were merged into it.
    others: Vec<DecisionRow>,
    /// Those cases.
    pub(super) merged: Vec<Uuid>,
    /// The text of one of them, or its own, or a later message says that people are trapped in a lift.
    pub(super) trapped: bool,
    /// The lawsuits, by the ids of their signals, whose defence a court demands by name. Each has a clock of its own, on the
    /// case that it is about, and what is merged brings it to its head.
    pub(super) demanded: Vec<Uuid>,
    /// The deadlines of the law that the cases which were merged into it keep or kept.
    pub(super) legal: Vec<Legal>,
    /// Until when the media desk of its incident has said of every report what is true of it.
    pub(super) assessed: Option<Timestamp>,
    /// One of its people had complained of the same matter before, and that had been handled.
    pub(super) came_back: bool,
}

/// Reads what is known of a case, which must be locked.
pub(super) async fn known(work: &mut Work<'_>, case: &Case) -> Result<Known, Fault> {
    let site = &work.site.id;
    let merged = cases::merged_into(work.tx, site, case.id).await?;
    let ids: Vec<Uuid> = merged.iter().map(|other| other.id).collect();
    let with_own: Vec<Uuid> = std::iter::once(case.id)
        .chain(ids.iter().copied())
        .collect();
    let signals = signals::of_cases(work.tx, site, &with_own).await?;
    let sued = signals
        .iter()
        .any(|row| row.signal.kind == SignalKind::Litigation);
    let demanded = if sued {
        clocks::demands(work.tx, site, &with_own, ClockKind::Defence).await?
    } else {
        Vec::new()
    };
    let legal = if ids.is_empty() {
        Vec::new()
    } else {
        clocks::legal_of(work.tx, site, &ids).await?
    };
    let exposed = signals.iter().any(|row| EXPOSED.contains(&row.signal.kind));
    let assessed = if exposed {
        cases::assessed_until(work.tx, site, &with_own).await?
    } else {
        None
    };
    let last = decisions::get(work.tx, site, case.id, None).await?;
    let mut others = Vec::new();
    for &other in &ids {
        others.extend(decisions::get(work.tx, site, other, None).await?);
    }
    let all = || std::iter::once(case).chain(&merged).map(|c| &c.facts);
    // The case whose sum is the largest; its own where equal.
    let sum = all()
        .rev()
        .max_by_key(|f| f.assessed_claim.or(f.claim))
        .unwrap_or(&case.facts);
    // A historical case is decided as of its own time, for good.
    let as_of = if case.facts.historical {
        case.facts.received
    } else {
        work.now.max(case.facts.received)
    };
    let mut cluster = cluster_facts(
        work.tx,
        work.site,
        case.cluster,
        as_of,
        case.facts.historical,
    )
    .await?;
    // Who complains of the same matter counts, wherever the case that was merged had been put.
    let elsewhere: Vec<&People> = merged
        .iter()
        .filter(|other| other.cluster != case.cluster)
        .map(|other| &other.facts.people)
        .collect();
    if !elsewhere.is_empty() {
        let together = people_with(work.tx, work.site, case.cluster, as_of, &elsewhere).await?;
        cluster.complainants = cluster.complainants.max(together);
    }
    // History is not judged again.
    let came_back = !case.facts.historical && cases::came_back(work.tx, site, case).await?;
    // The matter is as old as the first complaint about it.
    let first = all().map(|f| f.received).min();
    let age = age_of(work, case, first.unwrap_or(case.facts.received)).await?;
    let facts = Facts {
        complainants: distinct_complainants(all().map(|f| &f.people)),
        cluster,
        quality_impact: all()
            .map(|f| f.quality_impact)
            .max_by_key(|impact| severity(*impact))
            .unwrap_or(case.facts.quality_impact),
        wants: case.facts.wants,
        claim: sum.claim,
        assessed_claim: sum.assessed_claim,
        repeat: came_back || all().any(|f| f.repeat),
        repeat_since: std::iter::once(case)
            .chain(&merged)
            .filter_map(|c| c.again_since)
            .max(),
        needs_advisers: all().any(|f| f.needs_advisers),
        signals: signals.iter().map(|row| row.signal).collect(),
        age,
    };
    Ok(Known {
        facts,
        as_of,
        signals,
        last,
        others,
        merged: ids,
        trapped: std::iter::once(case).chain(&merged).any(|c| c.trapped),
        demanded,
        legal,
        assessed,
        came_back,
    })
}

/// How old the matter of a case is that was first complained about then.
pub(super) async fn age_of(
    work: &mut Work<'_>,
    case: &Case,
    received: Timestamp,
) -> Result<Age, Fault> {
    let (held, held_since) = holds::still(work, case).await?;
    Ok(Age {
        received,
        zone: work.site.zone.clone(),
        held,
        held_since,
        resolved: case.resolved_since.is_some(),
    })
}

impl Known {
    /// What stands by these facts after what stood before.
    pub(super) fn stand(&self, work: &Work<'_>, facts: &Facts) -> Standing {
        self.stand_by(&work.site.profile().grading, facts)
    }

    /// The same by any thresholds.
    pub(super) fn stand_by(&self, grading: &Grading, facts: &Facts) -> Standing {
        let word = self.word();
        let before: Vec<(&DecisionRow, Vec<(CriterionId, String)>)> = self
            .last
            .iter()
            .chain(self.others.iter().filter(|other| {
                // A person who lowered the grade knew of those that were merged then.
                !word.is_some_and(|word| word.cases.contains(&other.case))
            }))
            .map(|row| (row, explained(&row.ruling)))
            .collect();
        let before: Vec<Before<'_>> = before
            .iter()
            .map(|(row, criteria)| Before {
                grade: row.ruling.firm,
                nature: (!row.ruling.is_provisional()).then_some(row.ruling.nature),
                criteria,
            })
            .collect();
        self.given_by(grading, facts).stand(&before, word)
    }

    /// What a decision is found from.
    pub(super) fn given<'a>(&self, work: &'a Work<'_>, facts: &'a Facts) -> Given<'a> {
        self.given_by(&work.site.profile().grading, facts)
    }

    fn given_by<'a>(&self, grading: &'a Grading, facts: &'a Facts) -> Given<'a> {
        Given {
            facts,
            grading,
            now: self.as_of,
        }
    }

    /// Puts what stands into the words that are kept.
    pub(super) fn ruling(&self, work: &Work<'_>, case: &Case, standing: Standing) -> Ruling {
        let profile = work.site.profile();
        let mut suspected: Vec<SignalKind> = self
            .signals
            .iter()
            .filter(|row| row.signal.is_pending())
            .map(|row| row.signal.kind)
            .collect();
        suspected.sort_unstable();
        suspected.dedup();
        let stated = case.facts.stated_category.is_some();
        Ruling {
            grade: standing.grade,
            firm: standing.firm,
            computed: standing.computed,
            criteria: standing
                .criteria
                .into_iter()
                .map(|(id, evidence)| (id.id().to_owned(), evidence))
                .collect(),
            nature: standing.nature,
            urgency: standing.urgency,
            category: case.category(),
            category_stated: stated,
            category_words: if stated {
                Vec::new()
            } else {
                case.category_words.clone()
            },
            cluster: case.cluster,
            complainants: self.facts.complainants,
            cluster_facts: self.facts.cluster,
            suspected,
            policy_profile: profile.name.clone(),
            policy_revision: profile.revision,
            word: standing.word,
        }
    }

    /// Whether people may be trapped in a lift now. A suspicion is enough to go and look: nobody waits for a lead to
    /// confirm it (decision 17).
    pub(super) fn is_rescue(&self) -> bool {
        let danger = |row: &SignalRow| row.signal.kind == SignalKind::DangerToPersons;
        self.trapped && self.signals.iter().any(danger)
    }

    /// Whether something suspected, if it were so, would make grade 1 by these thresholds what is not yet.
    pub(super) fn would_be_major(&self, grading: &Grading) -> bool {
        let pending = self.signals.iter().any(|row| row.signal.is_pending());
        pending
            && self.stand_by(grading, &self.facts.firm()).firm != Grade::ONE
            && self.stand_by(grading, &self.facts.suspected()).grade == Grade::ONE
    }

    fn word(&self) -> Option<&Override> {
        self.last
            .as_ref()
            .and_then(|last| last.ruling.word.as_ref())
    }
}

/// The criteria of a decision as the domain knows them.
pub(super) fn explained(ruling: &Ruling) -> Vec<(CriterionId, String)> {
    ruling
        .criteria
        .iter()
        .filter_map(|(id, evidence)| Some((id.parse().ok()?, evidence.clone())))
        .collect()
}

fn severity(impact: QualityImpact) -> u8 {
    match impact {
        QualityImpact::None => 0,
        QualityImpact::Cosmetic => 1,
        QualityImpact::AffectsUse => 2,
        QualityImpact::Grave => 3,
    }
}
