//! How like two complaints are: cosine over TF-IDF of their words. One complaint comes at a time, so
//! document counts are those seen so far, softened by documents assumed before the first one.
//!
//! A text is read once, here; what is kept of it are keyed hashes of its words with their counts,
//! from which nobody without the key gets a word back.
//!
//! Figures on the 166 labelled rows of a public corpus of 1,022 messages, one at a time (B-cubed): see the test below, which measures
//! them wherever that corpus is at hand.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use jieba_rs::Jieba;

use super::policy::Clusters;

/// How much less likeness two complaints about the same unit need (own).
const SAME_UNIT: f64 = 0.05;

/// How much more likeness two complaints about different buildings need (own): one lift is not another, but
/// a defect of all walls is one.
const OTHER_BUILDING: f64 = 0.05;

/// Documents assumed before the first one, so that the first words of a new site weigh something.
const PRIOR_DOCUMENTS: f64 = 30.0;

/// In how many of those a word is assumed to have occurred.
const PRIOR_OCCURRENCES: f64 = 0.3;

/// Most words of a text that are kept; a text of 7,000 characters has fewer.
const WORDS_MAX: usize = 4_000;

/// Shorter words say little in Chinese.
const WORD_CHARS_MIN: usize = 2;

/// A first line up to so many characters is a title and counts twice.
const TITLE_CHARS_MAX: usize = 60;

/// Words that ask or address rather than tell: shared by complaints about anything.
static STOPWORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("stopwords.txt")
        .lines()
        .flat_map(|line| {
            line.split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace()
        })
        .collect()
});

static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// Loads the dictionary, which takes a moment: once at the start, not at the first complaint.
pub fn warm_up() {
    LazyLock::force(&JIEBA);
}

/// The words of a text with their counts. A short first line counts twice.
pub fn words(text: &str) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    let title = match text.trim_start().split_once('\n') {
        Some((line, _)) if line.chars().count() <= TITLE_CHARS_MAX => line,
        _ => "",
    };
    let all = JIEBA
        .cut(text, true)
        .into_iter()
        .chain(JIEBA.cut(title, true));
    for word in all
        .map(|token| token.word)
        .filter(|word| is_telling(word))
        .take(WORDS_MAX)
    {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    counts
}

/// A bare number says where or how much, not what: a flat's number is in no other complaint about the lift, so that it would
/// weigh more than the lift the more people complain about that.
fn is_telling(word: &str) -> bool {
    word.chars().count() >= WORD_CHARS_MIN
        && word.chars().any(char::is_alphabetic)
        && !STOPWORDS.contains(word)
}

/// Whether a word may be named in an explanation: it stands in the dictionary and is no name of a person,
/// a place or an organization, and no number.
pub fn is_nameable(word: &str) -> bool {
    let named = ["nr", "ns", "nt", "nz", "m", "eng", "x"];
    JIEBA.has_word(word)
        && JIEBA
            .tag(word, false)
            .iter()
            .all(|tag| !named.iter().any(|name| tag.tag.starts_with(name)))
}

/// Keyed hashes of words, with their counts.
pub type Terms = BTreeMap<i64, u32>;

/// How many documents a site has, and in how many of them each term occurs.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// All documents seen so far.
    pub count: u64,
    /// In how many of them a term occurs; terms that are missing occur in none.
    pub with_term: HashMap<i64, u64>,
}

impl Documents {
    /// In how many documents this term occurs.
    pub fn with(&self, term: i64) -> u64 {
        self.with_term.get(&term).copied().unwrap_or(0)
    }

    /// What a term weighs that occurs for the first time.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn heaviest(&self) -> f64 {
        ((self.count as f64 + 1.0 + PRIOR_DOCUMENTS) / (2.0 + PRIOR_OCCURRENCES)).ln()
    }

    /// The length of a vector of terms.
    pub fn norm(&self, terms: &Terms) -> f64 {
        let square = |(&term, &n): (&i64, &u32)| (f64::from(n) * self.weight(term)).powi(2);
        terms.iter().map(square).sum::<f64>().sqrt()
    }

    /// How much one occurrence of this term weighs.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn weight(&self, term: i64) -> f64 {
        let with_term = self.with(term) as f64;
        let all = self.count as f64 + 1.0 + PRIOR_DOCUMENTS;
        (all / (with_term + 1.0 + PRIOR_OCCURRENCES)).ln().max(0.0)
    }
}

/// Cosine of two term vectors, 0 to 1.
pub fn cosine(a: &Terms, b: &Terms, documents: &Documents) -> f64 {
    let dot: f64 = a
        .iter()
        .filter_map(|(&t, &n)| {
            let m = *b.get(&t)?;
            Some(f64::from(n) * f64::from(m) * documents.weight(t).powi(2))
        })
        .sum();
    let norm = documents.norm(a) * documents.norm(b);
    if norm > 0.0 {
        (dot / norm).min(1.0)
    } else {
        0.0
    }
}

/// A building or unit as people write it, in one spelling: `3 栋` and `3栋` are one. None where nothing
/// is left.
pub fn plain(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    (!plain.is_empty()).then_some(plain)
}

/// Where a complaint is about, as keyed hashes; none where nobody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The building.
    pub building: Option<i64>,
    /// Building and unit.
    pub unit: Option<i64>,
}

/// How the places of two complaints stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceMatch {
    /// The same unit.
    SameUnit,
    /// The same building.
    SameBuilding,
    /// Different buildings.
    Different,
    /// Of one of them the place is not known.
    Unknown,
}

impl Place {
    /// How this place stands to another.
    pub fn matched(self, other: Self) -> PlaceMatch {
        match (self.building, other.building) {
            _ if self.unit.is_some() && self.unit == other.unit => PlaceMatch::SameUnit,
            (Some(a), Some(b)) if a == b => PlaceMatch::SameBuilding,
            (Some(_), Some(_)) => PlaceMatch::Different,
            _ => PlaceMatch::Unknown,
        }
    }
}

/// Whether two complaints this like are about the same issue: the likeness that the policy asks for depends
/// on whether they are of one category, and a little on their places.
pub fn is_same_issue(
    rules: &Clusters,
    cosine: f64,
    same_category: bool,
    place: PlaceMatch,
) -> bool {
    let by_category = if same_category {
        rules.join
    } else {
        rules.join_across
    };
    let by_place = match place {
        PlaceMatch::SameUnit => -SAME_UNIT,
        PlaceMatch::Different => OTHER_BUILDING,
        PlaceMatch::SameBuilding | PlaceMatch::Unknown => 0.0,
    };
    cosine >= by_category + by_place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::category;
    use proptest::prelude::*;
    use std::collections::hash_map::DefaultHasher;
    use std::hash::{Hash, Hasher};

    fn terms(text: &str) -> Terms {
        words(text)
            .into_iter()
            .map(|(word, count)| {
                let mut hasher = DefaultHasher::new();
                word.hash(&mut hasher);
                (hasher.finish().cast_signed(), count)
            })
            .collect()
    }

    fn rules() -> &'static Clusters {
        &crate::domain::Profile::for_site(redress_model::words::SiteKind::Residential, false)
            .clusters
    }

    fn learn(documents: &mut Documents, terms: &Terms) {
        documents.count += 1;
        for &term in terms.keys() {
            *documents.with_term.entry(term).or_insert(0) += 1;
        }
    }

    #[test]
    fn g2_3_a_flat_s_number_takes_no_complaint_away_from_the_others_about_one_lift() {
        let mut documents = Documents::default();
        let first = terms("1栋101室反映电梯按钮坏了");
        learn(&mut documents, &first);
        for i in 2..=120 {
            let next = terms(&format!(
                "{}栋{}室反映电梯按钮坏了",
                i % 9 + 1,
                i * 100 + i % 4
            ));
            let like = cosine(&first, &next, &documents);
            assert!(
                is_same_issue(rules(), like, true, PlaceMatch::Different),
                "complaint {i} is like the first by {like} alone"
            );
            learn(&mut documents, &next);
        }
    }

    #[test]
    fn the_same_matter_in_other_words_is_like_and_another_matter_is_not() {
        let texts = [
            "三号楼电梯又停运了,老人上下楼很困难。",
            "3号楼的电梯经常停运,家里老人没法下楼。",
            "地下车库积水,车子被泡了。",
        ];
        let terms: Vec<Terms> = texts.iter().map(|t| terms(t)).collect();
        let mut documents = Documents::default();
        terms.iter().for_each(|t| learn(&mut documents, t));
        let same = |i: usize, place| {
            let likeness = cosine(&terms[0], &terms[i], &documents);
            is_same_issue(rules(), likeness, true, place)
        };
        assert!(same(1, PlaceMatch::Unknown) && same(1, PlaceMatch::Different));
        assert!(!same(2, PlaceMatch::Unknown) && !same(2, PlaceMatch::SameUnit));
    }

    #[test]
    fn another_building_asks_for_more_likeness_and_the_same_unit_for_less() {
        let join = rules().join;
        assert!(is_same_issue(
            rules(),
            join - 0.04,
            true,
            PlaceMatch::SameUnit
        ));
        assert!(!is_same_issue(
            rules(),
            join - 0.04,
            true,
            PlaceMatch::SameBuilding
        ));
        assert!(!is_same_issue(
            rules(),
            join + 0.04,
            true,
            PlaceMatch::Different
        ));
        assert!(!is_same_issue(rules(), join, false, PlaceMatch::Unknown));
        let place = |building, unit| Place { building, unit };
        let here = place(Some(1), Some(12));
        assert_eq!(here.matched(place(Some(1), Some(12))), PlaceMatch::SameUnit);
        assert_eq!(here.matched(place(Some(1), None)), PlaceMatch::SameBuilding);
        assert_eq!(
            here.matched(place(Some(2), Some(22))),
            PlaceMatch::Different
        );
        assert_eq!(here.matched(Place::default()), PlaceMatch::Unknown);
    }

    #[test]
    fn a_short_first_line_is_a_title_and_counts_twice() {
        let counts = words("电梯停运\n电梯停运三天了");
        assert_eq!(counts.get("电梯"), Some(&3));
        assert_eq!(words("我们没有问题").len(), 0);
    }

    #[test]
    fn only_common_words_may_be_named() {
        for word in ["电梯", "渗水", "车库"] {
            assert!(is_nameable(word), "{word}");
        }
        for word in ["阿布拉卡", "张三", "长沙", "13800000000", "abc"] {
            assert!(!is_nameable(word), "{word}");
        }
    }

    fn any_terms() -> impl Strategy<Value = Terms> {
        prop::collection::btree_map(0i64..30, 1u32..9, 0..20)
    }

    proptest! {
        #[test]
        fn likeness_is_symmetric_and_whole_with_itself(a in any_terms(), b in any_terms()) {
            let mut documents = Documents::default();
            learn(&mut documents, &a);
            learn(&mut documents, &b);
            let there = cosine(&a, &b, &documents);
            prop_assert!((0.0..=1.0).contains(&there));
            prop_assert!((there - cosine(&b, &a, &documents)).abs() < 1e-9);
            if !a.is_empty() { prop_assert!((cosine(&a, &a, &documents) - 1.0).abs() < 1e-9); }
        }
    }

    /// Set REDRESS_MESSAGES to the public corpus to measure; it is not part of the product.
    #[test]
    fn one_message_at_a_time_comes_close_to_clustering_all_at_once() {
        let Ok(path) = std::env::var("REDRESS_MESSAGES") else {
            eprintln!("skipped: REDRESS_MESSAGES is not set");
            return;
        };
        let text = std::fs::read_to_string(path).expect("the corpus");
        let mut rows: Vec<(jiff::Timestamp, serde_json::Value)> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a row"))
            .map(|row| {
                (
                    row["received_at"]
                        .as_str()
                        .expect("a time")
                        .parse()
                        .expect("a time"),
                    row,
                )
            })
            .collect();
        rows.sort_by_key(|(received, _)| *received);
        let mut documents = Documents::default();
        let mut seen: Vec<(
            jiff::Timestamp,
            Terms,
            Option<redress_model::words::Category>,
            usize,
        )> = vec![];
        for (received, row) in &rows {
            let text = format!(
                "{}\n{}",
                row["title"].as_str().expect("text"),
                row["text"].as_str().expect("text")
            );
            let (own, about) = (terms(&text), category::suggest(&text).map(|s| s.category));
            learn(&mut documents, &own);
            let best = seen
                .iter()
                .filter(|(then, ..)| {
                    then.duration_until(*received).as_hours() <= 24 * i64::from(rules().window_days)
                })
                .map(|(_, other, category, cluster)| {
                    (cosine(&own, other, &documents), *category, *cluster)
                })
                .filter(|(cosine, category, _)| {
                    is_same_issue(rules(), *cosine, *category == about, PlaceMatch::Unknown)
                })
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let cluster = best.map_or(seen.len(), |(_, _, cluster)| cluster);
            seen.push((*received, own, about, cluster));
        }
        let labelled: Vec<(String, usize)> = rows
            .iter()
            .zip(&seen)
            .filter(|((_, row), _)| !row["issue"].is_null())
            .map(|((_, row), (.., cluster))| (row["issue"].to_string(), *cluster))
            .collect();
        let (mut precision, mut recall) = (0.0, 0.0);
        for (issue, cluster) in &labelled {
            let count = |f: &dyn Fn(&(String, usize)) -> bool| {
                labelled.iter().filter(|r| f(r)).count() as f64
            };
            let both = count(&|r| r.0 == *issue && r.1 == *cluster);
            precision += both / count(&|r| r.1 == *cluster);
            recall += both / count(&|r| r.0 == *issue);
        }
        let all = labelled.len() as f64;
        let (precision, recall) = (precision / all, recall / all);
        let f = 2.0 * precision * recall / (precision + recall);
        eprintln!("B-cubed on {all} rows: precision {precision:.3}, recall {recall:.3}, F {f:.3}");
        assert!(f >= 0.95, "F {f:.3}");
    }
}
