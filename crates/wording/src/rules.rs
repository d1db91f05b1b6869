//! Rules as data: what a document may say, and what comes out of documents laid over each other.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::normal::{BREAK, Normal};

/// The built-in rules.
const BUILT_IN: &str = include_str!("../rules.toml");
/// Longest document, in bytes.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// Rules of one document.
const RULES_MAX: usize = 200;
/// Phrases of one list of a rule.
const PHRASES_MAX: usize = 100;
/// Longest phrase, explanation and id, in characters.
const PHRASE_CHARS_MAX: usize = 100;
const SAID_CHARS_MAX: usize = 500;
const ID_CHARS_MAX: usize = 64;

/// Who reads a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Audience {
    /// A complainant, or anybody to whom a case or a notice is told.
    Complainant,
    /// The press and the public.
    Media,
}

/// One saying in each language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    pub chinese: String,
    /// English.
    pub en: String,
}

impl Said {
    /// In the language that a BCP 47 tag asks for; Chinese where it is not English.
    pub fn in_language(&self, tag: &str) -> &str {
        if tag
            .split(['-', '_'])
            .next()
            .is_some_and(|t| t.eq_ignore_ascii_case("en"))
        {
            &self.en
        } else {
            &self.chinese
        }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What overlays and hits call it.
    pub id: String,
    /// Who must not read it; empty: nobody outside.
    #[serde(default)]
    pub audiences: Vec<Audience>,
    /// What must not be said.
    pub phrases: Vec<String>,
    /// Longer phrases in which a phrase is harmless.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Where given, a phrase counts only with one of these in the same sentence.
    #[serde(default)]
    pub with: Vec<String>,
    /// Why.
    pub why: Said,
    /// What to say instead.
    pub better: Said,
}

/// What one level says: rules that it adds or replaces by id, and rules that it switches off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Ids of rules of the levels above.
    #[serde(default)]
    pub disable: Vec<String>,
    /// Rules.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct Problem {
    /// Where: a line, or a rule and its field.
    pub at: String,
    /// What would be right.
    pub what: String,
}

impl Document {
    /// Reads a document and says everything that is wrong with it.
    ///
    /// # Errors
    /// The problems.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let problem = |at: String, what: &str| Problem {
            at,
            what: what.to_owned(),
        };
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(vec![problem(
                "document".to_owned(),
                "must be at most 256 KiB",
            )]);
        }
        let document: Self = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            vec![Problem {
                at: format!("line {line}"),
                what: error.message().to_owned(),
            }]
        })?;
        let mut problems = Vec::new();
        if document.rules.len() > RULES_MAX {
            problems.push(problem("rule".to_owned(), "must be at most 200"));
        }
        let mut ids = BTreeSet::new();
        for rule in &document.rules {
            if !is_id(&rule.id) {
                problems.push(problem(
                    format!(
                        "rule.{}",
                        rule.id.chars().take(ID_CHARS_MAX).collect::<String>()
                    ),
                    "an id is up to 64 lower-case letters, digits and dashes",
                ));
                continue;
            }
            let at = |field: &str| format!("rule.{}.{field}", rule.id);
            if !ids.insert(&rule.id) {
                problems.push(problem(at("id"), "must be unique"));
            }
            if rule.phrases.is_empty() {
                problems.push(problem(at("phrases"), "must name at least one"));
            }
            for (field, phrases) in [
                ("phrases", &rule.phrases),
                ("unless", &rule.unless),
                ("with", &rule.with),
            ] {
                if phrases.len() > PHRASES_MAX {
                    problems.push(problem(at(field), "must be at most 100"));
                }
                if !phrases.iter().all(|phrase| is_phrase(phrase)) {
                    problems.push(problem(
                        at(field),
                        "each must be 1 to 100 characters within one sentence, with a letter or a digit",
                    ));
                }
            }
            for (field, said) in [("why", &rule.why), ("better", &rule.better)] {
                let right = |text: &String| {
                    !text.trim().is_empty()
                        && text.chars().count() <= SAID_CHARS_MAX
                        && !text.chars().any(char::is_control)
                };
                if !right(&said.chinese) || !right(&said.en) {
                    problems.push(problem(
                        at(field),
                        "must be said in zh-CN and en, in at most 500 characters each",
                    ));
                }
            }
        }
        if document.disable.len() > RULES_MAX || !document.disable.iter().all(|id| is_id(id)) {
            problems.push(problem(
                "disable".to_owned(),
                "must be at most 200 ids of rules",
            ));
        }
        if problems.is_empty() {
            Ok(document)
        } else {
            Err(problems)
        }
    }
}

fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_phrase(text: &str) -> bool {
    let normal = Normal::of(text).text;
    text.chars().count() <= PHRASE_CHARS_MAX && !normal.is_empty() && !normal.contains(BREAK)
}

/// What holds somewhere: rules by id, each with the level that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    rules: BTreeMap<String, (String, Rule)>,
}

impl RuleSet {
    /// The built-in rules.
    pub fn built_in() -> Self {
        let document = Document::parse(BUILT_IN).expect("a test reads the built-in rules");
        let mut set = Self {
            rules: BTreeMap::new(),
        };
        set.lay("built-in", &document);
        set
    }

    /// Lays a document of a lower level over it.
    pub fn lay(&mut self, origin: &str, document: &Document) {
        for id in &document.disable {
            self.rules.remove(id);
        }
        for rule in &document.rules {
            let row = (origin.to_owned(), rule.clone());
            self.rules.insert(rule.id.clone(), row);
        }
    }

    /// The rules, by id.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values().map(|(_, rule)| rule)
    }

    /// The rules with the level that each comes from.
    pub fn with_origin(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.rules
            .values()
            .map(|(origin, rule)| (origin.as_str(), rule))
    }
}
