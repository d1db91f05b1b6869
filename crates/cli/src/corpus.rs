//! Corpus files: complaints with the decision that they should get (scenarios), or public messages
//! (messages). Which of the two a file is shows in its first row.

use std::path::Path;

use jiff::Timestamp;
use redress_model::words::{Channel, QualityImpact, SignalBasis, SignalKind, SiteKind, Wants};
use rust_decimal::Decimal;
use serde::Deserialize;

/// A corpus file, read whole.
#[derive(Debug)]
pub(crate) struct Corpus {
    /// What is a row.
    pub(crate) rows: Rows,
    /// What should be one and is none, in the order of the file.
    pub(crate) wrong: Vec<WrongLine>,
}

/// The rows of a file, of its one format.
#[derive(Debug)]
pub(crate) enum Rows {
    /// Complaints with expected decisions.
    Scenarios(Vec<Scenario>),
    /// Public messages.
    Messages(Vec<Message>),
}

/// A line that is no row. The others are rows all the same.
#[derive(Debug)]
pub(crate) struct WrongLine {
    /// Its number, from 1.
    pub(crate) line: usize,
    /// How many rows stand before it.
    pub(crate) behind: usize,
    /// What is wrong with it.
    pub(crate) reason: String,
}

impl Corpus {
    /// How many rows and lines that should be one.
    pub(crate) fn len(&self) -> usize {
        let rows = match &self.rows {
            Rows::Scenarios(rows) => rows.len(),
            Rows::Messages(rows) => rows.len(),
        };
        rows + self.wrong.len()
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
    /// No line says which format it has.
    #[error("{path} has no line that is a scenario (site_kind) or a message (title)")]
    Neither { path: String },
    /// There is no row at all.
    #[error("{path} has no rows")]
    Empty { path: String },
}

/// Reads a corpus file of either format.
pub(crate) fn read(path: &Path) -> Result<Corpus, CorpusError> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| CorpusError::Read {
        path: shown.clone(),
        source,
    })?;
    parse(&shown, &bytes)
}

fn parse(path: &str, bytes: &[u8]) -> Result<Corpus, CorpusError> {
    let lines: Vec<(usize, &[u8])> = bytes
        .split(|byte| *byte == b'\n')
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return Err(CorpusError::Empty {
            path: path.to_owned(),
        });
    }
    // The first line that can tell; one before it may be the wrong one.
    for (_, line) in &lines {
        let head: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
        if head.get("site_kind").is_some() {
            return Ok(sorted(&lines, Rows::Scenarios));
        } else if head.get("title").is_some() {
            return Ok(sorted(&lines, Rows::Messages));
        }
    }
    Err(CorpusError::Neither {
        path: path.to_owned(),
    })
}

fn sorted<T: serde::de::DeserializeOwned>(
    lines: &[(usize, &[u8])],
    of: impl FnOnce(Vec<T>) -> Rows,
) -> Corpus {
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for &(line, text) in lines {
        match serde_json::from_slice(text) {
            Ok(row) => rows.push(row),
            Err(error) => wrong.push(WrongLine {
                line,
                behind: rows.len(),
                // A row is one line, whose place in the file is told beside.
                reason: error.to_string().replace(" at line 1 column", " at column"),
            }),
        }
    }
    Corpus {
        rows: of(rows),
        wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = r#"{"id":"S1","system":"M10","site_kind":"RESIDENTIAL","channel":"APP","received_at":"2026-03-02T09:15:00+08:00","complainants":1,"text":"漏水","signals":[{"kind":"INJURY","basis":"REPORTED"}],"quality_impact":"NONE","repeat":false,"wants":"REMEDY","claim_cny":"9999.99","expect":{"category":["REPAIR_SERVICE"],"grade":1,"criteria":["G1.8"],"nature":"MAJOR","urgency":"IMMEDIATE","incident":true}}"#;
    const MESSAGE: &str = r#"{"id":"m1","complainant":"U1","received_at":"2019-01-01T00:00:00+08:00","title":"t","text":"x","likes":3,"issue":null}"#;

    fn read(text: &str) -> Corpus {
        parse("f", text.as_bytes()).expect("some line is a row")
    }

    #[test]
    fn both_formats_are_told_apart_by_the_first_line_that_can_tell() {
        assert!(matches!(read(SCENARIO).rows, Rows::Scenarios(rows) if rows.len() == 1));
        let two = read(&format!("\n{MESSAGE}\r\n\n{MESSAGE}\n"));
        assert!(two.wrong.is_empty());
        assert!(matches!(two.rows, Rows::Messages(rows) if rows.len() == 2));
    }

    #[test]
    fn a_line_that_is_no_row_is_named_by_its_number_and_the_others_stay_rows() {
        let text = format!("{{\n{SCENARIO}\n\n{{\"id\": 1}}\n{MESSAGE}\n{SCENARIO}\n[]");
        let corpus = read(&text);
        let places: Vec<_> = corpus.wrong.iter().map(|w| (w.line, w.behind)).collect();
        assert_eq!(places, [(1, 0), (4, 1), (5, 1), (7, 2)]);
        assert_eq!(corpus.len(), 6);
        for wrong in &corpus.wrong {
            assert!(!wrong.reason.contains("line 1"), "{}", wrong.reason);
        }
        assert!(matches!(corpus.rows, Rows::Scenarios(rows) if rows.len() == 2));

        let bytes = [SCENARIO.as_bytes(), b"\n\xff\xfe\n"].concat();
        let corpus = parse("f", &bytes).expect("its first line is a row");
        assert_eq!(corpus.wrong.len(), 1, "a line in another encoding is one");
    }

    #[test]
    fn a_file_without_any_row_is_refused_whole() {
        for text in ["  \n", "{\"a\":1}", "title,text\na,b", ""] {
            assert!(parse("f", text.as_bytes()).is_err(), "{text}");
        }
    }
}
