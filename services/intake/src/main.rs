//! The process of the intake service.

use std::process::ExitCode;

fn main() -> ExitCode {
    redress_runtime::main::<redress_intake::IntakeService>()
}
