//! How failures look where no terminal is: without colours, and with what they name whole.

use std::process::Command;

#[test]
fn a_failure_names_a_long_path_whole_and_without_colours() {
    let home = format!("/nowhere/{}home", "a-folder-of-many-words/".repeat(8));
    let mut command = Command::new(env!("CARGO_BIN_EXE_redress"));
    command.arg("--home").arg(&home).arg("status");
    for service in ["INTAKE", "TRIAGE", "ASSIGNMENT", "NOTIFICATION", "CRISIS"] {
        command.env_remove(format!("REDRESS_{service}_URL"));
    }
    let told = command.output().expect("the binary runs");
    assert_eq!(told.status.code(), Some(1));
    let text = String::from_utf8_lossy(&told.stderr);
    assert!(text.contains(&home), "{text}");
    assert!(text.contains("`redress up`"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(told.stdout.is_empty(), "what programs read stays clean");
}
