//! The process of the triage service.

use std::process::ExitCode;

fn main() -> ExitCode {
    redress_runtime::main::<redress_triage::TriageService>()
}
