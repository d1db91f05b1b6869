//! `redress replay`: a corpus file through the running platform, and what it made of every row.
//!
//! Three ways, one result: `--preview` asks for decisions and writes nothing; scenarios are taken in
//! live at the demo site of their kind; messages are imported as history. Rows settle at their own
//! pace, so the values are read once all have: a later row may raise an earlier one's grade through
//! their cluster. A line that is no row is a row that failed.

mod feed;
mod judge;
mod patience;
mod preview;
mod settle;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use self::patience::Patience;
use crate::args::ReplayArgs;
use crate::commands::case::Numbers;
use crate::connect::Platform;
use crate::corpus::{self, Rows, WrongLine};
use crate::failure::Failure;
use crate::output::{self, Output, heading};

/// What no preview shows: clusters are made of cases, and it makes none.
const ALONE: &str = "Each row is decided alone: where rows are about one issue, a real run may grade them graver, by the people and cases of their cluster.";

/// What became of one row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// Id of the row as given; empty where the line is no row.
    pub(crate) id: String,
    /// Number of a line that is no row.
    pub(crate) line: Option<usize>,
    /// The case; none in preview.
    pub(crate) case: Option<String>,
    /// The cluster; none in preview.
    pub(crate) cluster: Option<String>,
    /// Category word; none where the suggestion abstained.
    pub(crate) category: Option<String>,
    /// 1 to 4.
    pub(crate) grade: i32,
    /// Rule ids, gravest first.
    pub(crate) criteria: Vec<String>,
    /// Nature word.
    pub(crate) nature: Option<String>,
    /// Urgency word.
    pub(crate) urgency: Option<String>,
    /// The incident.
    pub(crate) incident: Incident,
    /// Why the row failed.
    pub(crate) error: Option<String>,
    /// How the decision differs from the expected one.
    pub(crate) differences: Vec<String>,
}

/// What a row says about an incident.
#[derive(Debug, Clone, Default)]
pub(crate) enum Incident {
    /// None.
    #[default]
    None,
    /// In preview: would one open.
    Would(bool),
    /// The resource name.
    Open(String),
}

impl Outcome {
    fn failed(id: &str, error: impl Into<String>) -> Self {
        Self {
            id: id.to_owned(),
            error: Some(error.into()),
            ..Self::default()
        }
    }

    fn wrong(line: WrongLine) -> Self {
        Self {
            line: Some(line.line),
            ..Self::failed("", line.reason)
        }
    }

    fn json(&self) -> serde_json::Value {
        let mut value = json!({
            "id": self.line.is_none().then_some(&self.id),
            "case": self.case,
            "cluster": self.cluster,
            "category": self.category,
            "grade": self.grade,
            "criteria": self.criteria,
            "nature": self.nature,
            "urgency": self.urgency,
            "incident": match &self.incident {
                Incident::None => serde_json::Value::Null,
                Incident::Would(would) => (*would).into(),
                Incident::Open(name) => name.clone().into(),
            },
        });
        if let (Some(line), Some(object)) = (self.line, value.as_object_mut()) {
            object.insert("line".to_owned(), line.into());
        }
        if let (Some(error), Some(object)) = (&self.error, value.as_object_mut()) {
            object.insert("error".to_owned(), error.clone().into());
        }
        if let (false, Some(object)) = (self.differences.is_empty(), value.as_object_mut()) {
            object.insert("differences".to_owned(), self.differences.clone().into());
        }
        value
    }

    fn cells(&self, numbers: &Numbers) -> Vec<String> {
        let incident = match &self.incident {
            Incident::None | Incident::Would(false) => String::new(),
            Incident::Would(true) => "would open".to_owned(),
            Incident::Open(name) => numbers.of(name),
        };
        let remark = match (&self.error, self.differences.is_empty()) {
            (Some(error), _) => error.clone(),
            (None, false) => self.differences.join("; "),
            (None, true) => String::new(),
        };
        vec![
            match self.line {
                Some(line) => format!("line {line}"),
                None => self.id.clone(),
            },
            output::grade(self.grade),
            self.criteria.join(" "),
            self.category.clone().unwrap_or_else(|| "–".to_owned()),
            self.nature.clone().unwrap_or_default(),
            self.urgency.clone().unwrap_or_default(),
            incident,
            remark,
        ]
    }
}

/// Runs the command.
pub(crate) async fn run(
    platform: &Platform,
    args: &ReplayArgs,
    out: Output,
) -> Result<(), Failure> {
    let corpus = corpus::read(&args.file)?;
    let rows = corpus.len();
    let progress = bar(rows, out);
    let patience = &Patience::new(args.patience, &progress);
    let outcomes = match (&corpus.rows, args.preview) {
        (Rows::Scenarios(rows), true) => {
            preview::scenarios(platform, rows, patience, &progress).await?
        }
        (Rows::Messages(rows), true) => {
            preview::messages(platform, rows, patience, &progress).await?
        }
        (Rows::Scenarios(rows), false) => {
            let fed = feed::scenarios(platform, rows, patience, &progress).await?;
            settle::all(platform, fed, patience, &progress).await?
        }
        (Rows::Messages(rows), false) => {
            let site = match &args.site {
                Some(site) => site.trim_start_matches("sites/").to_owned(),
                None => feed::residential(platform, patience).await?,
            };
            let fed = feed::messages(platform, &site, rows, patience, &progress).await?;
            settle::all(platform, fed, patience, &progress).await?
        }
    };
    let outcomes = in_order(outcomes, corpus.wrong);
    progress.finish_and_clear();
    let incidents = outcomes.iter().filter_map(|o| match &o.incident {
        Incident::Open(name) => Some(name.as_str()),
        Incident::None | Incident::Would(_) => None,
    });
    let numbers = Numbers::look_up(platform, incidents, out).await;
    out.rows(
        &[
            "Row", "Grade", "Criteria", "Category", "Nature", "Urgency", "Incident", "",
        ],
        &outcomes,
        |outcome| outcome.cells(&numbers),
        Outcome::json,
    );
    let failed = outcomes.iter().filter(|o| o.error.is_some()).count();
    let wrong = outcomes
        .iter()
        .filter(|o| !o.differences.is_empty())
        .count();
    if !out.json {
        summary(&outcomes, failed, wrong, args.preview);
    }
    if failed > 0 || wrong > 0 {
        return Err(Failure::Replay {
            failed: failed + wrong,
            rows,
        });
    }
    Ok(())
}

/// Outcomes of the rows, and the lines that are none, in the order of the file.
fn in_order(outcomes: Vec<Outcome>, wrong: Vec<WrongLine>) -> Vec<Outcome> {
    let mut all = Vec::with_capacity(outcomes.len() + wrong.len());
    let mut wrong = wrong.into_iter().peekable();
    for (before, outcome) in outcomes.into_iter().enumerate() {
        while let Some(line) = wrong.next_if(|line| line.behind <= before) {
            all.push(Outcome::wrong(line));
        }
        all.push(outcome);
    }
    all.extend(wrong.map(Outcome::wrong));
    all
}

fn summary(outcomes: &[Outcome], failed: usize, wrong: usize, preview: bool) {
    heading(&output::counted(&outcomes.len(), "row", "rows"));
    for line in summed(outcomes, failed, wrong, preview) {
        crate::output::say!("{line}");
    }
}

/// What all rows come to; of a preview, too, what it leaves out.
fn summed(outcomes: &[Outcome], failed: usize, wrong: usize, preview: bool) -> Vec<String> {
    let graded = |g| outcomes.iter().filter(|o| o.grade == g).count();
    let grades: Vec<String> = (1..=4)
        .map(|g| format!("grade {g}: {}", graded(g)))
        .collect();
    let mut lines = vec![grades.join("   ")];
    if preview {
        lines.push(format!(
            "{wrong} differ from what was expected, {failed} failed"
        ));
        lines.push(ALONE.to_owned());
    } else {
        lines.push(format!("{failed} failed"));
    }
    lines
}

/// A progress bar on standard error, so that `--json` stays clean; hidden where nobody looks.
fn bar(rows: usize, out: Output) -> ProgressBar {
    if out.json {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:>10} {wide_bar} {pos}/{len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(u64::try_from(rows).unwrap_or(u64::MAX)).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_says_that_each_row_is_decided_alone_and_a_run_does_not() {
        assert_eq!(
            summed(&[], 0, 0, true).last().map(String::as_str),
            Some(ALONE)
        );
        assert!(!summed(&[], 0, 0, false).iter().any(|line| line == ALONE));
    }

    #[test]
    fn a_line_that_is_no_row_is_a_failed_row_where_the_file_has_it() {
        let row = |id: &str| Outcome {
            id: id.to_owned(),
            grade: 3,
            ..Outcome::default()
        };
        let wrong = |line, behind| WrongLine {
            line,
            behind,
            reason: "missing field `id`".to_owned(),
        };
        let all = in_order(
            vec![row("a"), row("b")],
            vec![wrong(1, 0), wrong(3, 1), wrong(4, 1), wrong(6, 2)],
        );
        let told: Vec<_> = all
            .iter()
            .map(|o| o.cells(&Numbers::default())[0].clone())
            .collect();
        assert_eq!(told, ["line 1", "a", "line 3", "line 4", "b", "line 6"]);
        assert_eq!(all.iter().filter(|o| o.error.is_some()).count(), 4);
        let object = all[2].json();
        assert_eq!(
            (&object["id"], &object["line"], &object["error"]),
            (&json!(null), &json!(3), &json!("missing field `id`"))
        );
        assert_eq!(all[1].json()["id"], "a");
        assert!(all[1].json().get("line").is_none());
    }
}
