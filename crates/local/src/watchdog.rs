//! A server that dies with us.
//!
//! The server is the child of a shell whose standard input is a pipe from us. When we end, for whatever reason, the
//! system closes our end, the shell reads end-of-file and stops the server. It runs in a process group of its own, so
//! that Ctrl-C in a terminal reaches us alone and the services can finish before their database goes.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::error::{FileError, Result};

/// How long a server may take to stop before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// Arguments: signal, pid file, how many paths to remove at the end, those paths, then the server's command.
/// The pid file is asked first because `su` and `runuser` stay between us and the server. Folders that are empty after
/// the removal go too.
const SCRIPT: &str = r#"
signal=$1 pidfile=$2 count=$3
shift 3
cleanup=
while [ "$count" -gt 0 ]; do
    cleanup="$cleanup$1
"
    shift
    count=$((count - 1))
done
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
trap '' HUP INT TERM
(
    read -r _ <&3
    pid=$(head -n 1 "$pidfile" 2>/dev/null)
    kill -s "$signal" "${pid:-$server}" 2>/dev/null || kill -s "$signal" "$server" 2>/dev/null
) &
reader=$!
exec 3<&-
wait "$server"
status=$?
kill -s KILL "$reader" 2>/dev/null
printf %s "$cleanup" | while IFS= read -r path; do
    rm -rf -- "$path"
    rmdir -- "$(dirname -- "$path")" 2>/dev/null
done
exit "$status"
"#;

/// What to run and how to end it.
pub(crate) struct Plan<'a> {
    pub(crate) command: Command,
    /// The signal that ends the server politely.
    pub(crate) signal: &'static str,
    pub(crate) pid_file: &'a Path,
    pub(crate) log: &'a Path,
    /// Removed once the server has ended.
    pub(crate) cleanup: Vec<PathBuf>,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
    pid_file: PathBuf,
}

impl Watchdog {
    pub(crate) fn start(plan: Plan<'_>) -> Result<Self> {
        let log = File::create(plan.log).file("write", plan.log)?;
        let errors = log.try_clone().file("write", plan.log)?;
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "redress-watchdog", plan.signal])
            .arg(plan.pid_file)
            .arg(plan.cleanup.len().to_string())
            .args(plan.cleanup)
            .arg(plan.command.get_program())
            .args(plan.command.get_args())
            .current_dir("/")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .file("run", "sh")?;
        Ok(Self {
            shell,
            pid_file: plan.pid_file.to_owned(),
        })
    }

    /// How the server ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.shell.try_wait().ok().flatten()
    }

    /// Sends a signal to the server itself.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        server_pid(&self.pid_file).is_some_and(|pid| kill_process(pid, signal).is_ok())
    }

    /// Stops the server and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        drop(self.shell.stdin.take());
        let started = Instant::now();
        while started.elapsed() < STOP_LIMIT {
            if self.ended().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Some(pid) = i32::try_from(self.shell.id()).ok().and_then(Pid::from_raw) {
            // The group is the shell, the server and what the server started. Nobody is left to complain to.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.shell.wait();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The process that a pid file names.
pub(crate) fn server_pid(pid_file: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(pid_file).ok()?;
    Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
}

/// The last lines of a log, in one line.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}
