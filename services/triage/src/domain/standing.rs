//! Which grade stands (domain.md section 4): it rises by itself and falls only by a person with a reason.
//!
//! What a person lowers, they lower in knowledge of certain facts. Those criteria are set aside with how
//! much spoke for each, and count again as soon as more speaks for them; a criterion that was not among
//! them raises the grade by itself. What counts only provisionally raises the grade too, and nothing of it
//! is left once it is dismissed.

use jiff::Timestamp;
use redress_model::Grade;
use redress_model::words::{Nature, Urgency};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::criterion::{Criteria, CriterionId as Id};
use super::decision::{self, Decision, decide};
use super::facts::{ClusterFacts, Facts};
use super::grading::{Strength, explain, is_gone, strength};
use super::policy::Grading;

/// In which direction a person moved a grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Below what stood.
    Lowered,
    /// Above what stood.
    Raised,
}

/// A person's word on a grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Up or down.
    pub direction: Direction,
    /// The grade that the person gave.
    pub grade: Grade,
    /// The grade that stood before.
    pub previous: Grade,
    /// What the facts gave then, without those set aside.
    pub computed: Grade,
    /// Why, in the person's words.
    pub reason: String,
    /// Who: a token subject.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// The decision in which it was given.
    pub revision: i64,
    /// Cases that were merged into this one then: their grades were known.
    pub cases: Vec<Uuid>,
    /// What does not count any more, as long as no more speaks for it.
    pub set_aside: Vec<SetAside>,
}

impl Override {
    /// Whether it set aside something that grows with the case's cluster.
    pub fn sets_people_aside(&self) -> bool {
        self.set_aside
            .iter()
            .any(|aside| grown(ClusterFacts::default(), aside.id).is_some())
    }

    /// Whether more speaks for what it set aside, now that the cluster counts to this.
    pub fn is_outgrown(&self, cluster: ClusterFacts) -> bool {
        self.set_aside.iter().any(|aside| {
            grown(cluster, aside.id).is_some_and(|amount| i64::from(amount) > aside.known.amount)
        })
    }
}

/// What a cluster counts to for a criterion; none where that does not depend on it.
fn grown(cluster: ClusterFacts, id: Id) -> Option<u32> {
    match id {
        Id::LargeGroup | Id::Group | Id::Pair => Some(cluster.complainants),
        Id::SameIssue => Some(cluster.recent_cases),
        _ => None,
    }
}

/// A criterion that a person set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Which one.
    pub id: Id,
    /// What spoke for it, in words; empty for a milder step of one that did.
    pub evidence: String,
    /// How much spoke for it.
    pub known: Strength,
}

/// What stood before: of the case itself, or of one that was merged into it.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// The grade, without what counted provisionally.
    pub grade: Grade,
    /// The nature; none where provisional criteria had a part in it.
    pub nature: Option<Nature>,
    /// What explained it.
    pub criteria: &'a [(Id, String)],
}

/// What stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The grade.
    pub grade: Grade,
    /// The grade without what counts provisionally.
    pub firm: Grade,
    /// What the facts alone give, without what is set aside or provisional.
    pub computed: Grade,
    /// What explains it, gravest first; never empty.
    pub criteria: Vec<(Id, String)>,
    /// How public.
    pub nature: Nature,
    /// How soon.
    pub urgency: Urgency,
    /// The last word of a person on it.
    pub word: Option<Override>,
}

/// What is given when a grade is found.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The facts.
    pub facts: &'a Facts,
    /// The thresholds.
    pub grading: &'a Grading,
    /// As of when.
    pub now: Timestamp,
}

/// A person's wish to move a grade.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// Where to.
    pub grade: Grade,
    /// Why.
    pub reason: &'a str,
    /// Who.
    pub actor: &'a str,
    /// The revision of the decision that it makes.
    pub revision: i64,
    /// Cases merged into this one.
    pub cases: Vec<Uuid>,
}

impl Given<'_> {
    /// What stands after what stood before and the last word of a person.
    pub fn stand(&self, before: &[Before<'_>], word: Option<&Override>) -> Standing {
        let live = decide(self.facts, self.grading, self.now);
        let firm_facts = self
            .facts
            .signals
            .iter()
            .any(|s| s.provisional)
            .then(|| self.facts.firm());
        let facts = firm_facts.as_ref().unwrap_or(self.facts);
        let firm = decide(facts, self.grading, self.now);
        let word = word.cloned().map(|mut word| {
            // A defect that was found milder meanwhile is another one when it is found graver again.
            word.set_aside
                .retain(|aside| !self.says_more(facts, aside) && !is_gone(facts, aside.id));
            word
        });
        let counting = self.counting(self.facts, live, word.as_ref());
        let computed = self.counting(facts, firm, word.as_ref()).grade();
        let kept = before
            .iter()
            .filter(|before| before.grade.is_graver_than(computed))
            .min_by_key(|before| before.grade);
        let firm = kept.map_or(computed, |kept| kept.grade);
        let grade = firm.min(counting.grade());
        let nature = decision::nature(self.facts, self.grading, counting, self.now);
        Standing {
            grade,
            firm,
            computed,
            criteria: self.listed(counting, kept, word.as_ref()),
            nature: match kept.and_then(|kept| kept.nature) {
                _ if grade == Grade::ONE => Nature::Major,
                Some(kept) => kept.min(nature),
                None => nature,
            },
            urgency: live.urgency,
            word,
        }
    }

    /// Lowers the grade that stands: everything graver is set aside.
    pub fn lower(&self, last: &Standing, wish: &Wish<'_>) -> Standing {
        let matched = decide(self.facts, self.grading, self.now).criteria;
        let listed = last.criteria.iter().map(|(id, _)| *id);
        let graver: Criteria = matched
            .iter()
            .chain(listed)
            .filter(|id| id.grade().is_graver_than(wish.grade))
            .collect();
        let mut set_aside: Vec<SetAside> = Vec::new();
        for id in graver.iter() {
            let known = strength(self.facts, self.grading, id);
            let evidence = if matched.contains(id) {
                explain(self.facts, self.grading, [id].into_iter().collect())
                    .pop()
                    .map_or_else(String::new, |c| c.evidence)
            } else {
                let told = last.criteria.iter().find(|(told, _)| *told == id);
                told.map_or_else(String::new, |(_, evidence)| evidence.clone())
            };
            set_aside.push(SetAside {
                id,
                evidence,
                known,
            });
            // A milder step of the same measure is no news.
            for &milder in id.milder() {
                if milder.grade().is_graver_than(wish.grade) && !graver.contains(milder) {
                    set_aside.push(SetAside {
                        id: milder,
                        evidence: String::new(),
                        known,
                    });
                }
            }
        }
        // What was set aside before and does not match now stays so.
        let earlier = last.word.iter().flat_map(|word| &word.set_aside);
        for aside in earlier {
            if !set_aside.iter().any(|known| known.id == aside.id) {
                set_aside.push(aside.clone());
            }
        }
        self.moved(last, wish, Direction::Lowered, set_aside)
    }

    /// Raises the grade that stands; what was set aside stays so.
    pub fn raise(&self, last: &Standing, wish: &Wish<'_>) -> Standing {
        let set_aside = last
            .word
            .as_ref()
            .map_or_else(Vec::new, |word| word.set_aside.clone());
        self.moved(last, wish, Direction::Raised, set_aside)
    }

    fn moved(
        &self,
        last: &Standing,
        wish: &Wish<'_>,
        direction: Direction,
        set_aside: Vec<SetAside>,
    ) -> Standing {
        let word = Override {
            direction,
            grade: wish.grade,
            previous: last.grade,
            computed: Grade::FOUR,
            reason: wish.reason.to_owned(),
            actor: wish.actor.to_owned(),
            at: self.now,
            revision: wish.revision,
            cases: wish.cases.clone(),
            set_aside,
        };
        let before = Before {
            grade: wish.grade,
            nature: None,
            criteria: &last.criteria,
        };
        let mut standing = self.stand(&[before], Some(&word));
        if let Some(word) = &mut standing.word {
            word.computed = standing.computed;
        }
        standing
    }

    /// The criteria that count: those that match and are not set aside.
    fn counting(&self, facts: &Facts, decision: Decision, word: Option<&Override>) -> Criteria {
        let mut counting = decision.criteria;
        for aside in word.iter().flat_map(|word| &word.set_aside) {
            if !self.says_more(facts, aside) {
                counting.remove(aside.id);
            }
        }
        if counting.is_empty() {
            counting.insert(Id::Routine);
        }
        counting
    }

    fn says_more(&self, facts: &Facts, aside: &SetAside) -> bool {
        strength(facts, self.grading, aside.id).exceeds(aside.known)
    }

    /// What counts, and what explained a graver grade that is kept.
    fn listed(
        &self,
        counting: Criteria,
        kept: Option<&Before<'_>>,
        word: Option<&Override>,
    ) -> Vec<(Id, String)> {
        let aside = |id: Id| word.is_some_and(|w| w.set_aside.iter().any(|a| a.id == id));
        let mut listed: Vec<(Id, String)> = explain(self.facts, self.grading, counting)
            .into_iter()
            .map(|c| (c.id, c.evidence))
            .collect();
        let explaining = kept.into_iter().flat_map(|kept| {
            kept.criteria
                .iter()
                .filter(|(id, _)| id.grade() == kept.grade && !aside(*id))
        });
        for (id, evidence) in explaining {
            if !counting.contains(*id) {
                listed.push((*id, evidence.clone()));
            }
        }
        listed.sort_by_key(|(id, _)| *id);
        listed
    }
}

/// The lower grade that is proposed to whoever may lower it; none where a person already gave this grade
/// in knowledge of it.
pub fn proposed(firm: Grade, computed: Grade, word: Option<&Override>) -> Option<Grade> {
    let known =
        word.is_some_and(|word| word.grade == firm && !word.computed.is_graver_than(computed));
    (firm.is_graver_than(computed) && !known).then_some(computed)
}

#[cfg(test)]
#[path = "standing_test.rs"]
mod tests;
