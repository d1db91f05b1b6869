//! `redress doctor`: what is missing on this machine and how to get it.

use serde_json::json;

use crate::failure::Failure;
use crate::output::Output;
use crate::paint::Paint as _;

/// Looks, prints, and fails when something is missing.
pub(crate) fn run(out: Output) -> Result<(), Failure> {
    let findings = redress_local::doctor();
    let mut missing = 0;
    for finding in &findings {
        let (found, text) = match &finding.state {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        missing += usize::from(!found);
        out.one(
            || json!({ "what": finding.what, "found": found, "detail": text }),
            || {
                let mark = if found {
                    "✓".green().to_string()
                } else {
                    "✗".red().to_string()
                };
                crate::output::say!("{mark} {:<12} {text}", finding.what);
            },
        );
    }
    if missing > 0 {
        return Err(Failure::Doctor(format!(
            "{missing} of {} are missing; `make setup` installs them on Debian",
            findings.len()
        )));
    }
    Ok(())
}
