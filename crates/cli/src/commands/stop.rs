//! `redress stop`: ends the platform that runs in the data folder.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
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
            || crate::output::say!("nothing runs in {folder}"),
        );
        return Ok(());
    }
    let pid = std::fs::read_to_string(home.lock())
        .ok()
        .and_then(|text| text.trim().parse().ok().and_then(Pid::from_raw))
        .ok_or_else(|| Failure::BrokenHome {
            path: home.lock().display().to_string(),
        })?;
    kill_process(pid, Signal::TERM)
        .map_err(|e| Failure::platform("the platform cannot be ended", e))?;
    let until = Instant::now() + PATIENCE;
    while crate::up::lock::is_held(home) {
        if Instant::now() >= until {
            return Err(Failure::platform(
                "the platform did not end in a minute",
                format!("process {} still runs", pid.as_raw_nonzero()),
            ));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    out.one(
        || ended(true),
        || crate::output::say!("the platform has ended"),
    );
    Ok(())
}
