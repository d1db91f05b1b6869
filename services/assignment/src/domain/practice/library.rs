//! The solution library (M03): what solved a case is kept when it is closed, and found by likeness when the next comes.
//!
//! Only the solution's own words are compared, never a complainant's. An entry bears publication (M10): a text that looks
//! as if it named a number or an address of somebody is withheld until a person has edited it, and so is what was settled on
//! the spot: only the text of a solution that was approved is published by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jieba_rs::Jieba;
use jiff::Timestamp;
use redress_model::words;
use redress_model::words::Category;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::law::DefectClass;
use super::{Effect, Matter, Refused};

/// Entries of a site that are compared at most, the newest first.
pub const COMPARED_MAX: i64 = 500;

/// Digits in a row from which a text may name a phone, an account or an identity number.
const DIGITS_OF_A_PERSON: usize = 7;

/// What the same category, the same kind of defect and words in common weigh in likeness; together 1.
const WEIGHT_CATEGORY: f64 = 0.3;
const WEIGHT_CLASS: f64 = 0.2;
const WEIGHT_WORDS: f64 = 0.5;

/// Loading the dictionary takes a moment and 60 MB, once per process.
static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

words! {
    /// Whether an entry may be used.
    State, "LIBRARY_STATE_" {
        /// Its text may say too much of somebody.
        Withheld = 1 => "WITHHELD",
        /// It bears publication.
        Published = 2 => "PUBLISHED",
        /// Not to be used any more.
        Retired = 3 => "RETIRED",
    }
}

/// What solved a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What the case was about.
    pub category: Option<Category>,
    /// What kind of defect.
    pub class: Option<DefectClass>,
    /// What was done.
    pub summary: String,
    /// Why it happened.
    pub root_cause: String,
    /// What it cost; none where nothing was paid.
    pub amount: Option<Decimal>,
    /// Whether it may be used.
    pub state: State,
}

/// A change of an entry; what is none stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit {
    /// What was done.
    pub summary: Option<String>,
    /// Why it happened.
    pub root_cause: Option<String>,
    /// What kind of defect.
    pub class: Option<DefectClass>,
    /// What it cost.
    pub amount: Option<Decimal>,
}

/// What may happen to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Kept: the case was closed.
    Kept {
        /// It is the text of a solution that somebody with authority approved.
        reviewed: bool,
    },
    /// Closed again after a reopening: the newest solution is the one that holds.
    KeptAnew {
        /// What holds now.
        entry: Box<Entry>,
        /// It is the text of a solution that somebody with authority approved.
        reviewed: bool,
    },
    /// Edited by a person.
    Edited(Edit),
    /// Not to be used any more.
    Retired,
}

impl Entry {
    /// Published where somebody has looked at it for that, and it bears it.
    fn publish(&mut self, reviewed: bool) {
        self.state = if reviewed
            && bears_publication(&self.summary)
            && bears_publication(&self.root_cause)
        {
            State::Published
        } else {
            State::Withheld
        };
    }

    /// Words by which it is like others.
    pub fn words(&self) -> BTreeSet<String> {
        let mut words = words(&self.summary);
        words.extend(self::words(&self.root_cause));
        words
    }
}

impl Matter for Entry {
    const KIND: &'static str = "LIBRARY";
    const COLLECTION: &'static str = "libraryEntries";
    const TYPE: &'static str = "LibraryEntry";
    type Step = Step;

    fn record(&mut self, _: Uuid, step: &Step, _: Timestamp) -> Result<Vec<Effect>, Refused> {
        if self.state == State::Retired && !matches!(step, Step::KeptAnew { .. }) {
            return Err(Refused::State {
                reason: "LIBRARY_ENTRY_RETIRED",
                legal: "it is retired; the next case that is closed keeps an entry of its own"
                    .to_owned(),
            });
        }
        match step {
            Step::Kept { reviewed } => self.publish(*reviewed),
            Step::KeptAnew { entry, reviewed } => {
                *self = Self {
                    class: entry.class.or(self.class),
                    ..(**entry).clone()
                };
                self.publish(*reviewed);
            }
            Step::Edited(edit) => {
                if let Some(summary) = &edit.summary {
                    self.summary.clone_from(summary);
                }
                if let Some(root_cause) = &edit.root_cause {
                    self.root_cause.clone_from(root_cause);
                }
                self.class = edit.class.or(self.class);
                self.amount = edit.amount.filter(|a| !a.is_zero()).or(self.amount);
                // Who edits it has read it.
                self.publish(true);
            }
            Step::Retired => self.state = State::Retired,
        }
        Ok(Vec::new())
    }

    fn word(step: &Step) -> &'static str {
        match step {
            Step::Kept { .. } => "KEPT",
            Step::KeptAnew { .. } => "KEPT_ANEW",
            Step::Edited(_) => "EDITED",
            Step::Retired => "RETIRED",
        }
    }

    fn is_ended(&self) -> bool {
        self.state == State::Retired
    }

    fn tags(&self) -> Vec<String> {
        let category = self.category.map(|c| format!("category={c}"));
        let class = self.class.map(|c| format!("class={c}"));
        let state = Some(format!("state={}", self.state));
        [category, class, state].into_iter().flatten().collect()
    }
}

/// Whether a text names nobody, as far as a machine sees it: no long number, no address of a person.
pub fn bears_publication(text: &str) -> bool {
    let longest = text
        .split(|c: char| !(c.is_numeric() || c == '-' || c == ' '))
        .map(|run| run.chars().filter(|c| c.is_numeric()).count())
        .max();
    longest.unwrap_or(0) < DIGITS_OF_A_PERSON && !text.contains('@')
}

/// The telling words of a text: two letters and more.
fn words(text: &str) -> BTreeSet<String> {
    if text.is_empty() {
        return BTreeSet::new();
    }
    JIEBA
        .cut(text, false)
        .into_iter()
        .map(|token| token.word.to_lowercase())
        .filter(|word| word.chars().count() >= 2 && word.chars().all(char::is_alphanumeric))
        .collect()
}

/// What a suggestion is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What the case is about.
    pub category: Option<Category>,
    /// What kind of defect.
    pub class: Option<DefectClass>,
    /// The matter in a handler's words.
    pub query: String,
}

/// How like an entry is, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness {
    /// 0 to 1.
    pub value: f64,
    /// Why, in words.
    pub reasons: Vec<String>,
}

/// Ranks entries by likeness, then by how they satisfied; those that are like in nothing are left out.
///
/// Words weigh by how rare they are among the entries, so that what every solution says counts little.
#[expect(
    clippy::cast_precision_loss,
    reason = "at most 500 entries are compared"
)]
pub fn rank<T>(
    asked: &Asked,
    entries: Vec<T>,
    entry: impl Fn(&T) -> &Entry,
    net: impl Fn(&T) -> i64,
) -> Vec<(T, Likeness)> {
    let query = words(&asked.query);
    // No text is cut into words where there is none to compare it with.
    let words_of = |e: &T| {
        if query.is_empty() {
            BTreeSet::new()
        } else {
            entry(e).words()
        }
    };
    let each: Vec<BTreeSet<String>> = entries.iter().map(words_of).collect();
    let mut with_word: BTreeMap<&str, usize> = BTreeMap::new();
    for word in each.iter().flatten().filter(|word| query.contains(*word)) {
        *with_word.entry(word).or_default() += 1;
    }
    let weight = |word: &str| {
        let with = with_word.get(word).copied().unwrap_or(0);
        (1.0 + (entries.len() as f64 + 1.0) / (with as f64 + 1.0)).ln()
    };
    let all: f64 = query.iter().map(|word| weight(word)).sum();
    let likeness = |e: &Entry, words: &BTreeSet<String>| {
        let common: Vec<&String> = query.intersection(words).collect();
        let mut value = 0.0;
        let mut reasons = Vec::new();
        if asked.category.is_some() && e.category == asked.category {
            value += WEIGHT_CATEGORY;
            reasons.push("the same category".to_owned());
        }
        if asked.class.is_some() && e.class == asked.class {
            value += WEIGHT_CLASS;
            reasons.push("the same kind of defect".to_owned());
        }
        if !common.is_empty() {
            value += WEIGHT_WORDS * common.iter().map(|word| weight(word)).sum::<f64>() / all;
            let named: Vec<&str> = common.iter().map(|w| w.as_str()).collect();
            reasons.push(format!("in common: {}", named.join(", ")));
        }
        Likeness { value, reasons }
    };
    let found: Vec<Likeness> = entries
        .iter()
        .zip(&each)
        .map(|(e, words)| likeness(entry(e), words))
        .collect();
    let mut ranked: Vec<(T, Likeness)> = entries
        .into_iter()
        .zip(found)
        .filter(|(_, l)| l.value > 0.0)
        .collect();
    ranked.sort_by(|(a, x), (b, y)| {
        y.value
            .total_cmp(&x.value)
            .then_with(|| net(b).cmp(&net(a)))
    });
    ranked
}

/// The least, the middle and the most; with an even number, the lower of the two in the middle.
pub fn spread(mut amounts: Vec<Decimal>) -> Option<(Decimal, Decimal, Decimal)> {
    amounts.sort_unstable();
    let middle = amounts.len().checked_sub(1)? / 2;
    Some((amounts[0], amounts[middle], amounts[amounts.len() - 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(category: Category, summary: &str) -> Entry {
        let mut entry = Entry {
            category: Some(category),
            class: None,
            summary: summary.to_owned(),
            root_cause: "接缝开裂".to_owned(),
            amount: None,
            state: State::Withheld,
        };
        entry
            .record(
                Uuid::nil(),
                &Step::Kept { reviewed: true },
                Timestamp::UNIX_EPOCH,
            )
            .expect("kept");
        entry
    }

    fn ranked<'a>(asked: &Asked, entries: &'a [Entry]) -> Vec<&'a str> {
        rank(asked, entries.iter().collect(), |e| e, |_| 0)
            .into_iter()
            .map(|(e, _)| e.summary.as_str())
            .collect()
    }

    #[test]
    fn m03_the_likest_solution_comes_first_and_what_is_like_in_nothing_is_left_out() {
        let entries = [
            entry(Category::ServiceConduct, "上门道歉并更换服务人员"),
            entry(Category::EngineeringQuality, "重新粉刷墙面"),
            entry(
                Category::EngineeringQuality,
                "外墙接缝重新打胶,渗漏处更换防水",
            ),
        ];
        let asked = Asked {
            category: Some(Category::EngineeringQuality),
            class: None,
            query: "外墙渗漏".to_owned(),
        };
        assert_eq!(
            ranked(&asked, &entries),
            [&entries[2].summary, &entries[1].summary]
        );
        let other = Asked {
            category: Some(Category::SalesManagement),
            ..asked
        };
        assert_eq!(
            ranked(&other, &entries),
            [&entries[2].summary],
            "by words alone"
        );
    }

    #[test]
    fn of_two_that_are_as_like_the_one_that_satisfied_comes_first() {
        let entries = [
            entry(Category::RepairService, "a"),
            entry(Category::RepairService, "b"),
        ];
        let asked = Asked {
            category: Some(Category::RepairService),
            class: None,
            query: String::new(),
        };
        let net = |e: &&Entry| i64::from(e.summary == "b");
        let ranked = rank(&asked, entries.iter().collect(), |e| *e, net);
        assert_eq!(ranked[0].0.summary, "b");
    }

    #[test]
    fn m03_what_nobody_reviewed_for_it_is_withheld() {
        let mut settled = entry(Category::RepairService, "当场更换门锁");
        let kept = Step::Kept { reviewed: false };
        settled
            .record(Uuid::nil(), &kept, Timestamp::UNIX_EPOCH)
            .expect("kept");
        assert_eq!(settled.state, State::Withheld);
        let read = Step::Edited(Edit::default());
        settled
            .record(Uuid::nil(), &read, Timestamp::UNIX_EPOCH)
            .expect("read by a person");
        assert_eq!(settled.state, State::Published);
    }

    #[test]
    fn m10_what_may_name_somebody_is_withheld_until_it_is_edited() {
        let mut withheld = entry(Category::RepairService, "已电话 138 0000-0000 联系并修好");
        assert_eq!(withheld.state, State::Withheld);
        assert_eq!(
            entry(Category::RepairService, "写信至 a@example.com").state,
            State::Withheld
        );
        assert_eq!(
            entry(Category::RepairService, "3栋1201更换水管,用时 2 天").state,
            State::Published
        );
        let edit = Edit {
            summary: Some("已联系并修好".to_owned()),
            ..Edit::default()
        };
        withheld
            .record(Uuid::nil(), &Step::Edited(edit), Timestamp::UNIX_EPOCH)
            .expect("edited");
        assert_eq!(withheld.state, State::Published);
        withheld
            .record(Uuid::nil(), &Step::Retired, Timestamp::UNIX_EPOCH)
            .expect("retired");
        assert!(
            withheld
                .record(Uuid::nil(), &Step::Retired, Timestamp::UNIX_EPOCH)
                .is_err()
        );
    }

    #[test]
    fn m10_like_cases_are_compared_by_the_least_the_middle_and_the_most() {
        let of = |amounts: &[i64]| spread(amounts.iter().map(|n| Decimal::from(*n)).collect());
        let three =
            |a: i64, b: i64, c: i64| Some((Decimal::from(a), Decimal::from(b), Decimal::from(c)));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[5]), three(5, 5, 5));
        assert_eq!(of(&[9, 1, 5]), three(1, 5, 9));
        assert_eq!(of(&[9, 1, 5, 7]), three(1, 5, 9));
    }
}
