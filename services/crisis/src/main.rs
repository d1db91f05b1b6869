//! The crisis service.

use std::process::ExitCode;

fn main() -> ExitCode {
    redress_runtime::main::<redress_crisis::CrisisService>()
}
