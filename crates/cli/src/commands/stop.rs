//! `redress stop`: ends the platform that runs in the data folder.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::connect::Home;
use crate::failure::Failure;
use crate::output::Output;

/// Longest wait for a clean end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the running platform to end, and waits until it has.
pub(crate) async fn run(home: &Home, out: Output) -> Result<(), Failure> {
    let folder = home.folder().display();
    let ended = |ran: bool| json!({ "home": folder.to_string(), "ended": ran });
    // The lock file stays after a crash; only a process that still holds the lock is the platform.
    if !crate::up::lock::is_held(home) {
        out.one(
            || ended(false),
            || anstream::println!("nothing runs in {folder}"),
        );
        return Ok(());
    }
    let pid = std::fs::read_to_string(home.lock())
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|pid| !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(|| Failure::BrokenHome {
            path: home.lock().display().to_string(),
        })?;
    let status = tokio::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .await
        .map_err(|e| Failure::platform("cannot run kill", e))?;
    if !status.success() {
        return Err(Failure::platform(
            "the platform cannot be ended",
            format!("process {pid} does not take the signal"),
        ));
    }
    let until = Instant::now() + PATIENCE;
    while crate::up::lock::is_held(home) {
        if Instant::now() >= until {
            return Err(Failure::platform(
                "the platform did not end in a minute",
                format!("process {pid} still runs"),
            ));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    out.one(
        || ended(true),
        || anstream::println!("the platform has ended"),
    );
    Ok(())
}
