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

/// At this cosine two complaints of the same category, or of an unknown one, are about the same issue.
pub const JOIN_COSINE: f64 = 0.25;

/// At this cosine they are, whatever their categories.
pub const JOIN_COSINE_ACROSS: f64 = 0.30;

/// A complaint is compared with those received at the site within so many days.
pub const WINDOW_DAYS: i64 = 90;

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

fn is_telling(word: &str) -> bool {
    word.chars().count() >= WORD_CHARS_MIN
        && word.chars().any(char::is_alphanumeric)
        && !STOPWORDS.contains(word)
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
    /// How much one occurrence of this term weighs.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn weight(&self, term: i64) -> f64 {
        let with_term = self.with_term.get(&term).copied().unwrap_or(0) as f64;
        let all = self.count as f64 + 1.0 + PRIOR_DOCUMENTS;
        (all / (with_term + 1.0 + PRIOR_OCCURRENCES)).ln().max(0.0)
    }
}

/// Cosine of two term vectors, 0 to 1.
pub fn cosine(a: &Terms, b: &Terms, documents: &Documents) -> f64 {
    let squares = |terms: &Terms| -> f64 {
        terms
            .iter()
            .map(|(&t, &n)| (f64::from(n) * documents.weight(t)).powi(2))
            .sum()
    };
    let dot: f64 = a
        .iter()
        .filter_map(|(&t, &n)| {
            let m = *b.get(&t)?;
            Some(f64::from(n) * f64::from(m) * documents.weight(t).powi(2))
        })
        .sum();
    let norm = (squares(a) * squares(b)).sqrt();
    if norm > 0.0 {
        (dot / norm).min(1.0)
    } else {
        0.0
    }
}

/// Whether two complaints this like are about the same issue.
pub fn is_same_issue(cosine: f64, same_category: bool) -> bool {
    cosine
        >= if same_category {
            JOIN_COSINE
        } else {
            JOIN_COSINE_ACROSS
        }
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

    fn learn(documents: &mut Documents, terms: &Terms) {
        documents.count += 1;
        for &term in terms.keys() {
            *documents.with_term.entry(term).or_insert(0) += 1;
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
        assert!(cosine(&terms[0], &terms[1], &documents) >= JOIN_COSINE);
        assert!(cosine(&terms[0], &terms[2], &documents) < JOIN_COSINE);
    }

    #[test]
    fn a_short_first_line_is_a_title_and_counts_twice() {
        let counts = words("电梯停运\n电梯停运三天了");
        assert_eq!(counts.get("电梯"), Some(&3));
        assert_eq!(words("我们没有问题").len(), 0);
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
                .filter(|(then, ..)| then.duration_until(*received).as_hours() <= 24 * WINDOW_DAYS)
                .map(|(_, other, category, cluster)| {
                    (cosine(&own, other, &documents), *category, *cluster)
                })
                .filter(|(cosine, category, _)| is_same_issue(*cosine, *category == about))
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
