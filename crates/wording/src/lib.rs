//! Phrases that must not leave the house: found in a text, with why and a better phrase (M11).
//!
//! Pure and driven by data: a built-in list, and overlays of an organization, a region or a site that add rules,
//! replace them by id or switch them off. A [`Checker`] is made once for a set of rules; a check walks the text
//! once, whatever the number of phrases.

pub mod money;
mod normal;
pub mod promise;
mod rules;

use std::sync::{Arc, LazyLock};

use aho_corasick::AhoCorasick;

use normal::{BREAK, Normal};
pub use rules::{Audience, Document, Problem, Rule, RuleSet, Said};

/// Longest text that is checked, in bytes; callers refuse longer ones before.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Rules of an organization, a region or a site, as they are told to whoever checks texts of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// `organizations/{o}`, `organizations/{o}/regions/{r}` or `sites/{s}`.
    pub scope: String,
    /// The number of the revision within the scope, from 1.
    pub revision: i32,
    /// The rules, as TOML.
    pub document: String,
}

/// A phrase found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Id of the rule.
    pub rule: String,
    /// Where it begins, in Unicode code points of the text.
    pub start: usize,
    /// Where it ends, exclusive, in Unicode code points of the text.
    pub end: usize,
    /// Why it must not be said.
    pub why: Said,
    /// What to say instead.
    pub better: Said,
}

/// What a pattern does for its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Phrase,
    Unless,
    With,
}

struct Pattern {
    rule: usize,
    part: Part,
    /// Begins or ends with a Latin letter or a digit, so a word has to begin or end there.
    word_starts: bool,
    word_ends: bool,
}

/// Finds what the rules name.
pub struct Checker {
    rules: Vec<Rule>,
    patterns: Vec<Pattern>,
    finder: AhoCorasick,
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checker({} rules)", self.rules.len())
    }
}

/// A pattern found, in bytes of the normalised text.
struct Found {
    rule: usize,
    part: Part,
    from: usize,
    to: usize,
}

static BUILT_IN: LazyLock<Arc<Checker>> =
    LazyLock::new(|| Arc::new(Checker::new(&RuleSet::built_in())));

impl Checker {
    /// A checker of the built-in rules with those of a site's levels laid over them, the site's own last. A document that this
    /// release cannot read changes nothing.
    pub fn of_levels(mut levels: Vec<Level>) -> Arc<Self> {
        if levels.is_empty() {
            return Arc::clone(&BUILT_IN);
        }
        levels.sort_by_key(|level| {
            let depth = level.scope.matches('/').count();
            (level.scope.starts_with("sites/"), depth)
        });
        let mut rules = RuleSet::built_in();
        for level in levels {
            if let Ok(document) = Document::parse(&level.document) {
                rules.lay(&format!("{}@{}", level.scope, level.revision), &document);
            }
        }
        Arc::new(Self::new(&rules))
    }

    /// A checker of these rules.
    pub fn new(rules: &RuleSet) -> Self {
        let rules: Vec<Rule> = rules.rules().cloned().collect();
        let mut patterns = Vec::new();
        let mut texts = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let parts = [
                (Part::Phrase, &rule.phrases),
                (Part::Unless, &rule.unless),
                (Part::With, &rule.with),
            ];
            for (part, phrases) in parts {
                for phrase in phrases {
                    let text = Normal::of_phrase(phrase).text;
                    let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
                    patterns.push(Pattern {
                        rule: index,
                        part,
                        word_starts: latin(text.chars().next()),
                        word_ends: latin(text.chars().next_back()),
                    });
                    texts.push(text);
                }
            }
        }
        let finder = AhoCorasick::new(&texts)
            .expect("the rules of one document are limited far below what an automaton holds");
        Self {
            rules,
            patterns,
            finder,
        }
    }

    /// The checker of the built-in rules.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// What the text says that this audience must not read, in the order of the text.
    pub fn check(&self, text: &str, audience: Audience) -> Vec<Hit> {
        let normal = Normal::of_phrase(text);
        let found = self.find(text, &normal, audience);
        let mut hits: Vec<&Found> = found
            .iter()
            .filter(|hit| hit.part == Part::Phrase)
            .filter(|hit| {
                !found.iter().any(|other| {
                    other.part == Part::Unless
                        && other.rule == hit.rule
                        && other.from <= hit.from
                        && other.to >= hit.to
                })
            })
            .filter(|hit| {
                self.rules[hit.rule].with.is_empty() || {
                    let sentence = sentence(&normal.text, hit);
                    found.iter().any(|other| {
                        other.part == Part::With
                            && other.rule == hit.rule
                            && sentence.0 <= other.from
                            && other.to <= sentence.1
                    })
                }
            })
            .collect();
        // Of phrases of one rule that overlap the longest is told.
        hits.sort_by_key(|hit| (hit.rule, hit.from, std::cmp::Reverse(hit.to)));
        hits.dedup_by(|later, first| later.rule == first.rule && later.from < first.to);
        hits.sort_by_key(|hit| (hit.from, hit.to, hit.rule));
        hits.into_iter()
            .map(|hit| {
                let rule = &self.rules[hit.rule];
                let (start, end) = normal.span(hit.from, hit.to);
                Hit {
                    rule: rule.id.clone(),
                    start: text[..start].chars().count(),
                    end: text[..end].chars().count(),
                    why: rule.why.clone(),
                    better: rule.better.clone(),
                }
            })
            .collect()
    }

    fn find(&self, text: &str, normal: &Normal, audience: Audience) -> Vec<Found> {
        self.finder
            .find_overlapping_iter(&normal.text)
            .filter_map(|found| {
                let pattern = &self.patterns[found.pattern().as_usize()];
                let rule = &self.rules[pattern.rule];
                if !rule.audiences.is_empty() && !rule.audiences.contains(&audience) {
                    return None;
                }
                let (start, end) = normal.span(found.start(), found.end());
                let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
                let inside = pattern.word_starts && latin(text[..start].chars().next_back())
                    || pattern.word_ends && latin(text[end..].chars().next());
                (!inside).then_some(Found {
                    rule: pattern.rule,
                    part: pattern.part,
                    from: found.start(),
                    to: found.end(),
                })
            })
            .collect()
    }
}

/// The sentence around a hit.
fn sentence(text: &str, hit: &Found) -> (usize, usize) {
    let from = text[..hit.from].rfind(BREAK).map_or(0, |at| at + 1);
    let to = text[hit.to..]
        .find(BREAK)
        .map_or(text.len(), |at| hit.to + at);
    (from, to)
}

#[cfg(test)]
mod tests;
