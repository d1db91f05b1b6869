//! What is required of a benchmark's figures, and whether it is met: a table for people, JSON for machines.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it found")]

use serde_json::{Value, json};

/// A figure beside its bound.
pub struct Verdict {
    what: &'static str,
    /// None where it was not measured.
    found: Option<f64>,
    bound: Bound,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Verdict {
    /// A figure that may be `bound` and no more.
    #[must_use]
    pub fn at_most(what: &'static str, found: Option<f64>, bound: f64) -> Self {
        let bound = Bound::AtMost(bound);
        Self { what, found, bound }
    }

    /// A figure that has to be `bound` or more.
    #[must_use]
    pub fn at_least(what: &'static str, found: Option<f64>, bound: f64) -> Self {
        let bound = Bound::AtLeast(bound);
        Self { what, found, bound }
    }

    /// None where it was not measured.
    fn met(&self) -> Option<bool> {
        let found = self.found?;
        Some(match self.bound {
            Bound::AtMost(bound) => found <= bound,
            Bound::AtLeast(bound) => found >= bound,
        })
    }

    fn required(&self) -> String {
        match self.bound {
            Bound::AtMost(bound) => format!("≤ {bound}"),
            Bound::AtLeast(bound) => format!("≥ {bound}"),
        }
    }
}

/// Prints the verdicts. Gives them for the file, and whether none is missed.
#[must_use]
pub fn judge(verdicts: &[Verdict]) -> (Value, bool) {
    println!();
    println!(
        "{:<42} {:>9} {:>9}  verdict",
        "required", "found", "required"
    );
    let mut rows = Vec::new();
    for verdict in verdicts {
        let (required, met) = (verdict.required(), verdict.met());
        let found = verdict
            .found
            .map_or_else(String::new, |found| format!("{found:.3}"));
        let said = match met {
            Some(true) => "met",
            Some(false) => "NOT met",
            None => "not measured",
        };
        println!("{:<42} {found:>9} {required:>9}  {said}", verdict.what);
        rows.push(json!({
            "what": verdict.what, "found": verdict.found, "required": required, "met": met
        }));
    }
    let all = verdicts.iter().all(|v| v.met() != Some(false));
    (Value::Array(rows), all)
}
