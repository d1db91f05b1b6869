//! The process of the assignment service.

use std::process::ExitCode;

fn main() -> ExitCode {
    redress_runtime::main::<redress_assignment::AssignmentService>()
}
