//! Settlements with a group (M10): one set of terms for every household, and how many signed. A roll holds units and
//! person tokens, never names.

use std::collections::BTreeMap;

use jiff::Timestamp;
use redress_model::words;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Effect, Matter, Refused};

/// Households on a roll at most.
pub const HOUSEHOLDS_MAX: usize = 2_000;

words! {
    /// What a household said.
    Answer, "HOUSEHOLD_ANSWER_" {
        /// Nothing yet.
        Waiting = 1 => "WAITING",
        /// Signed.
        Signed = 2 => "SIGNED",
        /// Refused.
        Refused = 3 => "REFUSED",
    }
}

/// One household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Household {
    /// Keyed hash of the person; empty where unknown.
    pub person_token: String,
    /// What it said.
    pub answer: Answer,
    /// When.
    pub answered: Option<Timestamp>,
}

/// What a household says, by unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The unit.
    pub unit: String,
    /// Keyed hash of the person; empty leaves what is known.
    pub person_token: String,
    /// What it says.
    pub answer: Answer,
}

/// A settlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The cluster's name; empty: none yet.
    pub cluster: String,
    /// A short title.
    pub title: String,
    /// The terms.
    pub terms: String,
    /// From how many percent on it holds.
    pub needed_percent: u8,
    /// The roll, by unit.
    pub households: BTreeMap<String, Household>,
    /// When the needed share was reached; a household that joins later may undo it.
    pub reached: Option<Timestamp>,
    /// The roll changes no more.
    pub closed: bool,
}

/// What may happen to a settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Written down with its roll.
    Created(Vec<Entry>),
    /// Households said something.
    Recorded(Vec<Entry>),
    /// The roll is closed.
    Closed,
}

impl Settlement {
    /// How many households say this.
    pub fn count(&self, answer: Answer) -> usize {
        self.households
            .values()
            .filter(|h| h.answer == answer)
            .count()
    }

    /// Percent that signed, cut to whole percent.
    pub fn share_percent(&self) -> usize {
        self.count(Answer::Signed) * 100 / self.households.len().max(1)
    }

    /// Exact: 66 of 99 are two thirds, though neither is a whole percent.
    fn is_reached(&self) -> bool {
        let signed = self.count(Answer::Signed) * 100;
        signed > 0 && signed >= usize::from(self.needed_percent) * self.households.len()
    }

    fn take(&mut self, entries: &[Entry], at: Timestamp) -> Result<(), Refused> {
        let mut seen = std::collections::BTreeSet::new();
        for entry in entries {
            if !seen.insert(&entry.unit) {
                return Err(Refused::value("households", "must name each unit once"));
            }
            let known = self
                .households
                .entry(entry.unit.clone())
                .or_insert(Household {
                    person_token: String::new(),
                    answer: Answer::Waiting,
                    answered: None,
                });
            if known.answer == Answer::Signed && entry.answer != Answer::Signed {
                return Err(Refused::State {
                    reason: "HOUSEHOLD_SIGNED",
                    legal: format!(
                        "{} signed, and what is signed stands; leave it out",
                        entry.unit
                    ),
                });
            }
            if !entry.person_token.is_empty() {
                known.person_token.clone_from(&entry.person_token);
            }
            if known.answer != entry.answer {
                known.answer = entry.answer;
                known.answered = (entry.answer != Answer::Waiting).then_some(at);
            }
        }
        if self.households.len() > HOUSEHOLDS_MAX {
            return Err(Refused::value(
                "households",
                format!("must leave at most {HOUSEHOLDS_MAX} on the roll"),
            ));
        }
        self.reached = self.is_reached().then(|| self.reached.unwrap_or(at));
        Ok(())
    }
}

impl Matter for Settlement {
    const KIND: &'static str = "SETTLEMENT";
    const COLLECTION: &'static str = "settlements";
    const TYPE: &'static str = "Settlement";
    type Step = Step;

    fn record(&mut self, _: Uuid, step: &Step, at: Timestamp) -> Result<Vec<Effect>, Refused> {
        if self.closed {
            return Err(Refused::State {
                reason: "SETTLEMENT_CLOSED",
                legal: "the roll is closed; other terms are another settlement".to_owned(),
            });
        }
        match step {
            Step::Created(entries) | Step::Recorded(entries) => self.take(entries, at)?,
            Step::Closed => self.closed = true,
        }
        Ok(Vec::new())
    }

    fn word(step: &Step) -> &'static str {
        match step {
            Step::Created(_) => "CREATED",
            Step::Recorded(_) => "RECORDED",
            Step::Closed => "CLOSED",
        }
    }

    fn is_ended(&self) -> bool {
        self.closed
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;

    fn entry(unit: &str, answer: Answer) -> Entry {
        Entry {
            unit: unit.to_owned(),
            person_token: String::new(),
            answer,
        }
    }

    fn roll(waiting: usize, needed_percent: u8) -> Settlement {
        let mut settlement = Settlement {
            cluster: String::new(),
            title: "roof".to_owned(),
            terms: "each the same".to_owned(),
            needed_percent,
            households: BTreeMap::new(),
            reached: None,
            closed: false,
        };
        let entries = (0..waiting)
            .map(|n| entry(&format!("u{n}"), Answer::Waiting))
            .collect();
        say(&mut settlement, Step::Created(entries)).expect("a roll");
        settlement
    }

    fn say(settlement: &mut Settlement, step: Step) -> Result<Vec<Effect>, Refused> {
        settlement.record(Uuid::nil(), &step, at("2026-05-28T01:00:00Z"))
    }

    #[test]
    fn m10_the_share_is_reached_exactly_and_not_one_household_before() {
        let mut settlement = roll(3, 67);
        for (n, reached) in [(0, false), (1, false), (2, true)] {
            say(
                &mut settlement,
                Step::Recorded(vec![entry(&format!("u{n}"), Answer::Signed)]),
            )
            .expect("signed");
            assert_eq!(settlement.reached.is_some(), reached, "{n}");
        }
        let mut settlement = roll(3, 66);
        let two = vec![entry("u0", Answer::Signed), entry("u1", Answer::Signed)];
        say(&mut settlement, Step::Recorded(two)).expect("signed");
        assert!(settlement.reached.is_some());
        assert_eq!(settlement.share_percent(), 66);
        // A fourth household joins: two of four are too few.
        say(
            &mut settlement,
            Step::Recorded(vec![entry("u9", Answer::Refused)]),
        )
        .expect("joined");
        assert!(settlement.reached.is_none());
    }

    #[test]
    fn what_is_signed_stands_and_who_refused_may_sign() {
        let mut settlement = roll(2, 100);
        say(
            &mut settlement,
            Step::Recorded(vec![entry("u0", Answer::Refused)]),
        )
        .expect("refused");
        say(
            &mut settlement,
            Step::Recorded(vec![entry("u0", Answer::Signed)]),
        )
        .expect("signed after all");
        let refused = say(
            &mut settlement,
            Step::Recorded(vec![entry("u0", Answer::Refused)]),
        );
        assert!(matches!(
            refused,
            Err(Refused::State {
                reason: "HOUSEHOLD_SIGNED",
                ..
            })
        ));
    }

    #[test]
    fn a_roll_names_each_unit_once_and_is_closed_once() {
        let mut settlement = roll(1, 100);
        let twice = vec![entry("u0", Answer::Signed), entry("u0", Answer::Signed)];
        assert!(say(&mut settlement, Step::Recorded(twice)).is_err());
        say(&mut settlement, Step::Closed).expect("closed");
        assert!(say(&mut settlement, Step::Closed).is_err());
    }
}
