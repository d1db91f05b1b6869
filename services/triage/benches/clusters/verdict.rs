//! What is required of the figures, and whether it is met.

use serde_json::{Value, json};

/// A figure beside its bound.
pub(crate) struct Verdict {
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
    pub(crate) fn at_most(what: &'static str, found: Option<f64>, bound: f64) -> Self {
        let bound = Bound::AtMost(bound);
        Self { what, found, bound }
    }

    pub(crate) fn at_least(what: &'static str, found: Option<f64>, bound: f64) -> Self {
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
pub(crate) fn judge(verdicts: &[Verdict]) -> (Value, bool) {
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
