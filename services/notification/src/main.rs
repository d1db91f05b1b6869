//! The notification service as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    redress_runtime::main::<redress_notification::NotificationService>()
}
