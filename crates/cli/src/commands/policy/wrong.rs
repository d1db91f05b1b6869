//! A policy file that is wrong, shown with its lines and marks under what is wrong.

use miette::{Diagnostic, LabeledSpan, NamedSource};
use redress_policy::{Place, Problems};
use redress_proto::triage::v1::PolicyProblem;

/// A policy file that is wrong.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{file} is wrong in {} {}:\n{}", found.len(), if found.len() == 1 { "place" } else { "places" }, found.join("\n"))]
pub(crate) struct WrongPolicy {
    file: String,
    found: Vec<String>,
    #[source_code]
    source_code: NamedSource<String>,
    #[label(collection)]
    labels: Vec<LabeledSpan>,
}

impl WrongPolicy {
    /// What the check of the file itself found.
    pub(crate) fn alone(file: &str, text: &str, problems: &Problems) -> Self {
        let label = |place: Place, text: &str| {
            LabeledSpan::at(place.offset..place.offset + place.bytes, text.to_owned())
        };
        Self {
            file: file.to_owned(),
            found: problems.0.iter().map(ToString::to_string).collect(),
            source_code: NamedSource::new(file, text.to_owned()),
            labels: problems
                .0
                .iter()
                .filter_map(|p| Some(label(p.place?, &p.description)))
                .collect(),
        }
    }

    /// What the platform found between the levels.
    pub(crate) fn among_levels(file: &str, text: &str, problems: &[PolicyProblem]) -> Self {
        let told = |p: &PolicyProblem| {
            let by = p.origin.as_ref().map_or_else(String::new, |origin| {
                format!(
                    " (profile {}, set by {} revision {})",
                    p.profile, origin.scope, origin.revision
                )
            });
            format!("{} {}{by}", p.field, p.description)
        };
        Self {
            file: file.to_owned(),
            found: problems.iter().map(told).collect(),
            source_code: NamedSource::new(file, text.to_owned()),
            labels: Vec::new(),
        }
    }
}

/// The problems of a file as one JSON object.
pub(crate) fn json(file: &str, problems: &Problems) -> serde_json::Value {
    let problems: Vec<serde_json::Value> = problems
        .0
        .iter()
        .map(|p| {
            serde_json::json!({
                "field": p.field,
                "description": p.description,
                "line": p.place.map(|place| place.line),
                "column": p.place.map(|place| place.column),
            })
        })
        .collect();
    serde_json::json!({ "file": file, "problems": problems })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_file_is_shown_with_its_line_and_a_mark() {
        let text = "grading:\n  group: three\n";
        let problems = redress_policy::Overlay::check(text).expect_err("wrong");
        let wrong = WrongPolicy::alone("demo.yaml", text, &problems);
        let handler =
            miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor());
        let mut shown = String::new();
        handler.render_report(&mut shown, &wrong).expect("rendered");
        for part in [
            "demo.yaml:2",
            "line 2, column 10: grading.group must be a whole number",
            "group: three",
            "──",
        ] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
        let json = json("demo.yaml", &problems).to_string();
        assert!(
            json.contains(r#""line":2"#) && json.contains(r#""field":"grading.group""#),
            "{json}"
        );
    }
}
