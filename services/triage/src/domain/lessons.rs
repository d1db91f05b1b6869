//! What corrections of a category teach an organization: which words spoke for which category when staff
//! put a suggestion right. It explains itself by words and abstains when unsure.
//!
//! A word speaks for a category by how much more often it occurred in the corrections that led there than in
//! those that led elsewhere, both smoothed by how common it is at the site. Words that no correction knows
//! say nothing.

use std::collections::{BTreeMap, HashMap};

use redress_model::words::Category;

/// Cases assumed on either side of every comparison, in which a word is as common as at the site.
const PRIOR_CASES: f64 = 2.0;

/// Cases assumed at a site before its first, in which none of the words occurs: at a new site no word is
/// common yet.
pub const SITE_PRIOR_CASES: f64 = 30.0;

/// How much one word may say at most, so that no single word decides.
const VOICE_MAX: f64 = 2.5;

/// A word that says less than this is not counted as speaking.
const VOICE_MIN: f64 = 0.5;

/// Corrections to a category before it is suggested from them.
const CASES_MIN: u64 = 2;

/// Words that must speak for it at least.
const SPEAKING_MIN: usize = 2;

/// What they must say together at least.
const TOTAL_MIN: f64 = 3.0;

/// By how much it must be ahead of the next category.
const LEAD_MIN: f64 = 1.0;

/// Corrections from the very category that the rules give, before these are overruled.
const OVERRULE_CASES_MIN: u64 = 3;

/// Corrections in which a word occurred before it is named in an explanation: what one complainant alone
/// wrote is repeated nowhere.
const NAMED_CASES_MIN: u64 = 2;

/// Most words that an explanation names.
pub const NAMED_MAX: usize = 8;

/// What an organization was taught, as far as one text needs it.
#[derive(Debug, Clone, Default)]
pub struct Lessons {
    /// Corrections, by what they led to and what had been suggested.
    pub cases: BTreeMap<(Category, Option<Category>), u64>,
    /// In how many of those that led to a category a word of the text occurred.
    pub words: HashMap<i64, BTreeMap<Category, u64>>,
    /// In what share of the site's cases a word of the text occurs.
    pub common: HashMap<i64, f64>,
}

/// What the lessons say of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// What it seems to be about.
    pub category: Category,
    /// The words that spoke for it and that several corrections know, loudest first; one at least.
    pub words: Vec<i64>,
}

impl Lessons {
    fn led_to(&self, category: Category) -> u64 {
        let led = self.cases.iter().filter(|((to, _), _)| *to == category);
        led.map(|(_, n)| n).sum()
    }

    /// What these words are about by the corrections; none when that is not sure enough, or when none of the words that speak
    /// for it may be named: what cannot be explained is not suggested.
    pub fn suggest(&self, terms: impl Iterator<Item = i64> + Clone) -> Option<Learned> {
        let mut led_to: BTreeMap<Category, u64> = BTreeMap::new();
        for ((to, _), n) in &self.cases {
            *led_to.entry(*to).or_default() += n;
        }
        let spoken = |&category: &Category| {
            let voices = self.voices(category, terms.clone());
            let total: f64 = voices.iter().map(|(voice, _)| voice).sum();
            (total, category, voices)
        };
        let mut ranked: Vec<_> = led_to.keys().map(spoken).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let next = ranked.get(1).map_or(0.0, |(total, ..)| total.max(0.0));
        let (total, category, mut voices) = ranked.into_iter().next()?;
        voices.retain(|(voice, _)| *voice >= VOICE_MIN);
        let sure = self.led_to(category) >= CASES_MIN
            && voices.len() >= SPEAKING_MIN
            && total >= TOTAL_MIN
            && total - next >= LEAD_MIN;
        if !sure {
            return None;
        }
        voices.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let named = |term: &i64| {
            let led = self.words.get(term).and_then(|by| by.get(&category));
            led.is_some_and(|n| *n >= NAMED_CASES_MIN)
        };
        let words: Vec<i64> = voices
            .into_iter()
            .map(|(_, term)| term)
            .filter(named)
            .collect();
        (!words.is_empty()).then_some(Learned { category, words })
    }

    /// What each known word says for a category, or against it.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn voices(&self, category: Category, terms: impl Iterator<Item = i64>) -> Vec<(f64, i64)> {
        let here_all = self.led_to(category) as f64;
        let all: u64 = self.cases.values().sum();
        let there_all = all as f64 - here_all;
        terms
            .filter_map(|term| {
                let by = self.words.get(&term)?;
                let here = by.get(&category).copied().unwrap_or(0) as f64;
                let there = by.values().sum::<u64>() as f64 - here;
                let common = self.common.get(&term).copied().unwrap_or(0.0);
                let prior = PRIOR_CASES * common.clamp(0.01, 1.0);
                let rate = |n: f64, all: f64| (n + prior) / (all + PRIOR_CASES);
                let voice = (rate(here, here_all) / rate(there, there_all)).ln();
                Some((voice.clamp(-VOICE_MAX, VOICE_MAX), term))
            })
            .collect()
    }

    /// Whether the organization was taught often enough that what the rules call one thing is another.
    pub fn overrules(&self, rule: Category, learned: Category) -> bool {
        let taught = self.cases.get(&(learned, Some(rule))).copied().unwrap_or(0);
        // And not as often the other way round.
        let back = self.cases.get(&(rule, Some(learned))).copied().unwrap_or(0);
        taught >= OVERRULE_CASES_MIN && taught > back
    }
}

/// What is suggested from corrections instead of what the rules give; none where the rules stand. A test of
/// the order that is sure stands until the organization has corrected just it again and again; a hint gives
/// way to what was learned.
pub fn instead(
    rule: Option<(Category, bool)>,
    lessons: &Lessons,
    terms: impl Iterator<Item = i64> + Clone,
) -> Option<Learned> {
    let learned = lessons.suggest(terms)?;
    let stands = rule.is_some_and(|(rule, sure)| {
        rule == learned.category || (sure && !lessons.overrules(rule, learned.category))
    });
    (!stands).then_some(learned)
}

/// What a case teaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lesson {
    /// What staff say that it is about.
    pub category: Category,
    /// What had been suggested.
    pub instead_of: Option<Category>,
}

/// What staff teach by stating a category where this one was suggested; nothing where they agree.
pub fn lesson(stated: Option<Category>, suggested: Option<Category>) -> Option<Lesson> {
    stated
        .filter(|stated| Some(*stated) != suggested)
        .map(|category| Lesson {
            category,
            instead_of: suggested,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENGINEERING: Category = Category::EngineeringQuality;
    const MANAGEMENT: Category = Category::PropertyManagement;

    fn teach(lessons: &mut Lessons, terms: &[i64], to: Category, instead_of: Option<Category>) {
        *lessons.cases.entry((to, instead_of)).or_default() += 1;
        for term in terms {
            *lessons
                .words
                .entry(*term)
                .or_default()
                .entry(to)
                .or_default() += 1;
        }
    }

    #[test]
    fn it_suggests_what_it_was_taught_and_names_the_words_of_several() {
        let mut lessons = Lessons::default();
        teach(&mut lessons, &[1, 2, 3], ENGINEERING, None);
        assert_eq!(
            lessons.suggest([1, 2, 3].into_iter()),
            None,
            "once is not enough"
        );
        teach(&mut lessons, &[1, 2, 4], ENGINEERING, None);
        let learned = lessons.suggest([1, 2, 3, 9].into_iter()).expect("sure");
        assert_eq!(learned.category, ENGINEERING);
        assert_eq!(learned.words, [1, 2], "3 was written by one of them only");
    }

    #[test]
    fn it_abstains_where_one_word_or_none_is_known() {
        let mut lessons = Lessons::default();
        for _ in 0..9 {
            teach(&mut lessons, &[1, 2], ENGINEERING, None);
        }
        assert_eq!(lessons.suggest([1, 8, 9].into_iter()), None);
        assert_eq!(lessons.suggest([7, 8, 9].into_iter()), None);
        assert_eq!(lessons.suggest(std::iter::empty()), None);
    }

    #[test]
    fn it_abstains_where_each_word_that_speaks_was_written_by_one_complainant_only() {
        let mut lessons = Lessons::default();
        teach(&mut lessons, &[1, 2], ENGINEERING, None);
        teach(&mut lessons, &[3, 4], ENGINEERING, None);
        assert_eq!(lessons.suggest([1, 2, 3, 4].into_iter()), None);
        teach(&mut lessons, &[4, 5], ENGINEERING, None);
        let learned = lessons.suggest([1, 2, 3, 4].into_iter()).expect("sure");
        assert_eq!(learned.words, [4]);
    }

    #[test]
    fn it_abstains_where_the_same_words_led_to_two_categories() {
        let mut lessons = Lessons::default();
        for _ in 0..4 {
            teach(&mut lessons, &[1, 2], ENGINEERING, None);
            teach(&mut lessons, &[1, 2], MANAGEMENT, None);
        }
        assert_eq!(lessons.suggest([1, 2].into_iter()), None);
    }

    #[test]
    fn words_that_everybody_uses_say_little() {
        let mut lessons = Lessons::default();
        for _ in 0..2 {
            teach(&mut lessons, &[1, 2], ENGINEERING, None);
        }
        lessons.common = HashMap::from([(1, 0.9), (2, 0.9)]);
        assert_eq!(lessons.suggest([1, 2].into_iter()), None);
    }

    #[test]
    fn the_rules_are_overruled_only_by_repeated_corrections_of_that_very_rule() {
        let mut lessons = Lessons::default();
        for n in 0..3 {
            assert!(!lessons.overrules(MANAGEMENT, ENGINEERING), "after {n}");
            teach(&mut lessons, &[1, 2], ENGINEERING, Some(MANAGEMENT));
        }
        assert!(lessons.overrules(MANAGEMENT, ENGINEERING));
        assert!(!lessons.overrules(Category::SalesManagement, ENGINEERING));
        for _ in 0..3 {
            teach(&mut lessons, &[1, 2], MANAGEMENT, Some(ENGINEERING));
        }
        assert!(
            !lessons.overrules(MANAGEMENT, ENGINEERING),
            "taught back as often"
        );
    }

    #[test]
    fn a_sure_rule_stands_and_a_hint_gives_way() {
        let mut lessons = Lessons::default();
        for _ in 0..4 {
            teach(&mut lessons, &[1, 2], ENGINEERING, None);
        }
        let category = |rule| instead(rule, &lessons, [1, 2].into_iter()).map(|l| l.category);
        assert_eq!(category(None), Some(ENGINEERING));
        assert_eq!(category(Some((MANAGEMENT, false))), Some(ENGINEERING));
        assert_eq!(category(Some((MANAGEMENT, true))), None);
        assert_eq!(
            category(Some((ENGINEERING, false))),
            None,
            "the rules say so already"
        );
        for _ in 0..3 {
            teach(&mut lessons, &[1, 2], ENGINEERING, Some(MANAGEMENT));
        }
        let overruled = instead(Some((MANAGEMENT, true)), &lessons, [1, 2].into_iter());
        assert_eq!(overruled.map(|l| l.category), Some(ENGINEERING));
    }

    #[test]
    fn staff_teach_where_they_differ() {
        assert_eq!(lesson(None, Some(MANAGEMENT)), None);
        assert_eq!(lesson(Some(MANAGEMENT), Some(MANAGEMENT)), None);
        let taught = lesson(Some(ENGINEERING), Some(MANAGEMENT)).expect("a lesson");
        assert_eq!(
            (taught.category, taught.instead_of),
            (ENGINEERING, Some(MANAGEMENT))
        );
    }

    proptest! {
        #[test]
        fn it_names_only_words_of_the_text(
            taught in prop::collection::vec((prop::collection::vec(0i64..20, 1..6), 0usize..8), 0..20),
            text in prop::collection::btree_set(0i64..30, 0..12),
        ) {
            let mut lessons = Lessons::default();
            for (terms, to) in taught {
                let terms: std::collections::BTreeSet<i64> = terms.into_iter().collect();
                let terms: Vec<i64> = terms.into_iter().collect();
                teach(&mut lessons, &terms, Category::ALL[to], None);
            }
            if let Some(learned) = lessons.suggest(text.iter().copied()) {
                prop_assert!(!learned.words.is_empty());
                prop_assert!(learned.words.iter().all(|term| text.contains(term)));
            }
        }
    }
}
