//! Settlements with a group (M10): one set of terms for every household, and how many signed. A roll holds units and
//! person tokens, never names. Nobody signs before a second person approved what it costs (section 7).

use std::collections::BTreeMap;

use jiff::Timestamp;
use redress_model::{Grade, words};
use redress_wording::money;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Effect, Matter, Refused};
use crate::domain::authority::{Level, Limits};
use crate::domain::demand::CROWD_PEOPLE_MIN;
use crate::domain::person::Person;

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

/// Who wrote the terms, as the document keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Token subject.
    pub subject: String,
    /// Name of the member of staff; empty for callers who are no staff.
    pub staff: String,
}

impl From<&Person> for Author {
    fn from(person: &Person) -> Self {
        let staff = person.staff.as_ref();
        Self {
            subject: person.subject.clone(),
            staff: staff.map(ToString::to_string).unwrap_or_default(),
        }
    }
}

impl Author {
    /// Whether both are one person (M03).
    fn is(&self, person: &Person) -> bool {
        let author = Person {
            subject: self.subject.clone(),
            staff: self.staff.parse().ok(),
        };
        author.is(person)
    }
}

/// An approval of the terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The level of whoever approved.
    pub level: Level,
    /// When.
    pub at: Timestamp,
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
    /// Who wrote the terms; none where that was before anybody had to approve them, so that they stand as approved.
    #[serde(default)]
    pub author: Option<Author>,
    /// The last approval.
    #[serde(default)]
    pub approval: Option<Approval>,
}

/// What may happen to a settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Written down with its roll.
    Created(Vec<Entry>),
    /// Somebody with authority approved the terms.
    Approved {
        /// Who.
        by: Person,
        /// Their level at the site.
        level: Level,
        /// What each level may decide at the site.
        limits: Limits,
    },
    /// Households said something.
    Recorded {
        /// What.
        entries: Vec<Entry>,
        /// What each level may decide at the site.
        limits: Limits,
    },
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

    /// What it costs where every household on the roll signs: what the terms name together, for each.
    fn cost(&self) -> Decimal {
        money::total(&self.terms).unwrap_or_default() * Decimal::from(self.households.len())
    }

    /// The lowest level that may approve it with the roll as it is; as many as together are of grade 1 (G1.4) take a region at least.
    fn required(&self, limits: &Limits) -> Level {
        let households = i32::try_from(self.households.len()).unwrap_or(i32::MAX);
        let grade = (households >= CROWD_PEOPLE_MIN).then_some(Grade::ONE);
        limits.required(self.cost(), grade)
    }

    /// Refuses while nobody approved it at the level that it needs with the roll as it is.
    fn require_approval(&self, limits: &Limits) -> Result<(), Refused> {
        let required = self.required(limits);
        let approved = |a: &Approval| a.level >= required;
        if self.author.is_none() || self.approval.as_ref().is_some_and(approved) {
            return Ok(());
        }
        Err(Refused::State {
            reason: "NOT_APPROVED",
            legal: format!(
                "nobody signs before somebody else than the author approved it; legal now: {required} or above approves it"
            ),
        })
    }

    fn approve(
        &mut self,
        by: &Person,
        level: Level,
        limits: &Limits,
        at: Timestamp,
    ) -> Result<(), Refused> {
        if self.author.as_ref().is_some_and(|author| author.is(by)) {
            return Err(Refused::State {
                reason: "OWN_SETTLEMENT",
                legal: "who wrote the terms does not approve them; legal now: somebody else does"
                    .to_owned(),
            });
        }
        let required = self.required(limits);
        if level < required {
            return Err(Refused::State {
                reason: "ABOVE_LIMIT",
                legal: format!(
                    "approving it takes {required}, and this caller is {level}; legal now: {required} or above approves it"
                ),
            });
        }
        self.approval = Some(Approval { level, at });
        Ok(())
    }

    /// Writes down what households say; returns whether one signed that had not before.
    fn take(&mut self, entries: &[Entry], at: Timestamp) -> Result<bool, Refused> {
        let mut signed = false;
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
                signed |= entry.answer == Answer::Signed;
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
        Ok(signed)
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
            Step::Created(entries) => {
                if money::sums(&self.terms).iter().any(|s| s.yuan.is_none()) {
                    let rule = "must name every sum: whoever approves them decides by it";
                    return Err(Refused::value("terms", rule));
                }
                if self.take(entries, at)? {
                    self.require_approval(&Limits::default())?;
                }
            }
            Step::Approved { by, level, limits } => self.approve(by, *level, limits, at)?,
            // By the roll that these households leave: who joins makes it dearer.
            Step::Recorded { entries, limits } => {
                if self.take(entries, at)? {
                    self.require_approval(limits)?;
                }
            }
            Step::Closed => self.closed = true,
        }
        Ok(Vec::new())
    }

    fn word(step: &Step) -> &'static str {
        match step {
            Step::Created(_) => "CREATED",
            Step::Approved { .. } => "APPROVED",
            Step::Recorded { .. } => "RECORDED",
            Step::Closed => "CLOSED",
        }
    }

    fn is_ended(&self) -> bool {
        self.closed
    }

    fn cluster(&self) -> Option<&str> {
        Some(self.cluster.as_str()).filter(|name| !name.is_empty())
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
            author: Some(Author::from(&person("author"))),
            approval: None,
        };
        let entries = (0..waiting)
            .map(|n| entry(&format!("u{n}"), Answer::Waiting))
            .collect();
        say(&mut settlement, Step::Created(entries)).expect("a roll");
        say(&mut settlement, approved(Level::HeadOffice)).expect("approved");
        settlement
    }

    fn person(subject: &str) -> Person {
        Person {
            subject: subject.to_owned(),
            staff: None,
        }
    }

    fn approved(level: Level) -> Step {
        Step::Approved {
            by: person("reviewer"),
            level,
            limits: Limits::default(),
        }
    }

    fn recorded(entries: Vec<Entry>) -> Step {
        Step::Recorded {
            entries,
            limits: Limits::default(),
        }
    }

    fn reason(refused: Result<Vec<Effect>, Refused>) -> &'static str {
        match refused {
            Err(Refused::State { reason, .. }) => reason,
            other => panic!("not refused by its state: {other:?}"),
        }
    }

    #[test]
    fn section_7_nobody_signs_before_somebody_else_approved_the_sum_of_all_households() {
        let mut settlement = roll(0, 100);
        settlement.approval = None;
        settlement.terms = "赔偿每户1000元".to_owned();
        let joining = ["u0", "u1"].map(|unit| entry(unit, Answer::Waiting));
        say(&mut settlement, recorded(joining.to_vec())).expect("joined");
        let sign = |settlement: &mut Settlement, unit: &str| -> Result<Vec<Effect>, Refused> {
            let mut after = settlement.clone();
            let said = say(&mut after, recorded(vec![entry(unit, Answer::Signed)]))?;
            *settlement = after;
            Ok(said)
        };
        assert_eq!(reason(sign(&mut settlement, "u0")), "NOT_APPROVED");
        let own = Step::Approved {
            by: person("author"),
            level: Level::HeadOffice,
            limits: Limits::default(),
        };
        assert_eq!(reason(say(&mut settlement, own)), "OWN_SETTLEMENT");
        let low = say(&mut settlement, approved(Level::Handler));
        assert_eq!(reason(low), "ABOVE_LIMIT");
        // Two households at 1,000 each are just what a department manager may decide.
        say(&mut settlement, approved(Level::DepartmentManager)).expect("within the limit");
        sign(&mut settlement, "u0").expect("approved");
        // A third makes it dearer than that.
        assert_eq!(reason(sign(&mut settlement, "u2")), "NOT_APPROVED");
        say(
            &mut settlement,
            recorded(vec![entry("u2", Answer::Waiting)]),
        )
        .expect("joined");
        assert_eq!(reason(sign(&mut settlement, "u2")), "NOT_APPROVED");
        let low = say(&mut settlement, approved(Level::DepartmentManager));
        assert_eq!(reason(low), "ABOVE_LIMIT");
        say(&mut settlement, approved(Level::SiteManager)).expect("within the limit");
        sign(&mut settlement, "u2").expect("approved anew");
    }

    #[test]
    fn m10_the_sums_that_the_terms_name_add() {
        let mut settlement = roll(2, 100);
        let required = |settlement: &Settlement| settlement.required(&Limits::default());
        settlement.terms = "每户补偿1000元（壹仟元整）".to_owned();
        assert_eq!(required(&settlement), Level::DepartmentManager);
        settlement.terms = "每户补偿1000元,另补贴1000元".to_owned();
        assert_eq!(required(&settlement), Level::SiteManager);
    }

    #[test]
    fn g1_4_ten_households_take_a_region_whatever_they_get() {
        for (households, level) in [(9, Level::Handler), (10, Level::Region)] {
            let settlement = roll(households, 100);
            assert_eq!(
                settlement.required(&Limits::default()),
                level,
                "{households}"
            );
        }
    }

    #[test]
    fn m10_terms_name_every_sum_and_those_of_before_stand_as_approved() {
        let mut settlement = roll(1, 100);
        settlement.terms = "全额退款".to_owned();
        let unsaid = say(&mut settlement, Step::Created(Vec::new()));
        assert!(matches!(unsaid, Err(Refused::Value { field: "terms", .. })));
        settlement.terms = "每户补偿5000元".to_owned();
        let mut kept = serde_json::to_value(&settlement).expect("written");
        for field in ["author", "approval"] {
            kept.as_object_mut().expect("a document").remove(field);
        }
        let mut before: Settlement = serde_json::from_value(kept).expect("read");
        let signed = recorded(vec![entry("u0", Answer::Signed)]);
        say(&mut before, signed).expect("as it was");
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
                recorded(vec![entry(&format!("u{n}"), Answer::Signed)]),
            )
            .expect("signed");
            assert_eq!(settlement.reached.is_some(), reached, "{n}");
        }
        let mut settlement = roll(3, 66);
        let two = vec![entry("u0", Answer::Signed), entry("u1", Answer::Signed)];
        say(&mut settlement, recorded(two)).expect("signed");
        assert!(settlement.reached.is_some());
        assert_eq!(settlement.share_percent(), 66);
        // A fourth household joins: two of four are too few.
        say(
            &mut settlement,
            recorded(vec![entry("u9", Answer::Refused)]),
        )
        .expect("joined");
        assert!(settlement.reached.is_none());
    }

    #[test]
    fn what_is_signed_stands_and_who_refused_may_sign() {
        let mut settlement = roll(2, 100);
        say(
            &mut settlement,
            recorded(vec![entry("u0", Answer::Refused)]),
        )
        .expect("refused");
        say(&mut settlement, recorded(vec![entry("u0", Answer::Signed)]))
            .expect("signed after all");
        let refused = say(
            &mut settlement,
            recorded(vec![entry("u0", Answer::Refused)]),
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
        assert!(say(&mut settlement, recorded(twice)).is_err());
        say(&mut settlement, Step::Closed).expect("closed");
        assert!(say(&mut settlement, Step::Closed).is_err());
    }
}
