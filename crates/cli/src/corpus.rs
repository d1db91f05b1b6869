//! Corpus files: complaints with the decision that they should get (scenarios), or public messages
//! (messages). Which of the two a file is shows in its first row.

use std::path::Path;

use jiff::Timestamp;
use redress_model::words::{Channel, QualityImpact, SignalBasis, SignalKind, SiteKind, Wants};
use rust_decimal::Decimal;
use serde::Deserialize;

/// A corpus file, read whole.
#[derive(Debug)]
pub(crate) enum Corpus {
    /// Complaints with expected decisions.
    Scenarios(Vec<Scenario>),
    /// Public messages.
    Messages(Vec<Message>),
}

impl Corpus {
    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Scenarios(rows) => rows.len(),
            Self::Messages(rows) => rows.len(),
        }
    }
}

/// A complaint told in practice, restated as input.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) id: String,
    pub(crate) site_kind: SiteKind,
    pub(crate) channel: Channel,
    pub(crate) received_at: Timestamp,
    pub(crate) complainants: i32,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) signals: Vec<ScenarioSignal>,
    pub(crate) quality_impact: QualityImpact,
    pub(crate) wants: Wants,
    #[serde(default)]
    pub(crate) claim_cny: Option<Decimal>,
    #[serde(default)]
    pub(crate) repeat: bool,
    #[serde(default)]
    pub(crate) graded_after_days: i64,
    #[serde(default)]
    pub(crate) expect: Option<Expect>,
}

/// A fact with how it is known.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ScenarioSignal {
    pub(crate) kind: SignalKind,
    pub(crate) basis: SignalBasis,
    #[serde(default)]
    pub(crate) reach: i64,
}

/// The decision that a scenario asks for.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Expect {
    pub(crate) category: Vec<String>,
    pub(crate) grade: i32,
    pub(crate) criteria: Vec<String>,
    pub(crate) nature: String,
    pub(crate) urgency: String,
    pub(crate) incident: bool,
}

/// A message that somebody wrote to a public board.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) complainant: String,
    pub(crate) received_at: Timestamp,
    pub(crate) title: String,
    pub(crate) text: String,
}

/// Why a corpus file cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum CorpusError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// A line is not a row.
    #[error("{path}, line {line}: {reason}")]
    Row {
        path: String,
        line: usize,
        reason: String,
    },
    /// There is no row at all.
    #[error("{path} has no rows")]
    Empty { path: String },
}

/// Reads a corpus file of either format.
pub(crate) fn read(path: &Path) -> Result<Corpus, CorpusError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| CorpusError::Read {
        path: shown.clone(),
        source,
    })?;
    parse(&shown, &text)
}

fn parse(path: &str, text: &str) -> Result<Corpus, CorpusError> {
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(i, l)| (i + 1, l.trim()))
        .filter(|(_, l)| !l.is_empty())
        .collect();
    let (number, first) = *lines.first().ok_or_else(|| CorpusError::Empty {
        path: path.to_owned(),
    })?;
    let head: serde_json::Value =
        serde_json::from_str(first).map_err(|e| row_error(path, number, &e))?;
    if head.get("site_kind").is_some() {
        Ok(Corpus::Scenarios(rows(path, &lines)?))
    } else if head.get("title").is_some() {
        Ok(Corpus::Messages(rows(path, &lines)?))
    } else {
        Err(CorpusError::Row {
            path: path.to_owned(),
            line: number,
            reason: "is neither a scenario (site_kind) nor a message (title)".to_owned(),
        })
    }
}

fn rows<T: serde::de::DeserializeOwned>(
    path: &str,
    lines: &[(usize, &str)],
) -> Result<Vec<T>, CorpusError> {
    lines
        .iter()
        .map(|(number, line)| serde_json::from_str(line).map_err(|e| row_error(path, *number, &e)))
        .collect()
}

fn row_error(path: &str, line: usize, error: &serde_json::Error) -> CorpusError {
    CorpusError::Row {
        path: path.to_owned(),
        line,
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = r#"{"id":"S1","system":"M10","site_kind":"RESIDENTIAL","channel":"APP","received_at":"2026-03-02T09:15:00+08:00","complainants":1,"text":"漏水","signals":[{"kind":"INJURY","basis":"REPORTED"}],"quality_impact":"NONE","repeat":false,"wants":"REMEDY","claim_cny":"9999.99","expect":{"category":["REPAIR_SERVICE"],"grade":1,"criteria":["G1.8"],"nature":"MAJOR","urgency":"IMMEDIATE","incident":true}}"#;
    const MESSAGE: &str = r#"{"id":"m1","complainant":"U1","received_at":"2019-01-01T00:00:00+08:00","title":"t","text":"x","likes":3,"issue":null}"#;

    #[test]
    fn both_formats_are_told_apart_by_their_first_row() {
        assert!(matches!(parse("f", SCENARIO), Ok(Corpus::Scenarios(rows)) if rows.len() == 1));
        let two = format!("\n{MESSAGE}\n\n{MESSAGE}\n");
        assert!(matches!(parse("f", &two), Ok(Corpus::Messages(rows)) if rows.len() == 2));
    }

    #[test]
    fn a_wrong_row_is_named_by_its_line() {
        let text = format!("{SCENARIO}\n{{\"id\": 1}}");
        let error = parse("f", &text)
            .expect_err("second row is wrong")
            .to_string();
        assert!(error.starts_with("f, line 2:"), "{error}");
        assert!(parse("f", "  \n").is_err());
        assert!(parse("f", "{\"a\":1}").is_err());
    }
}
