//! A shipped drill, played by its scripted team on real processes: it is scored from the platform, and nothing leaves it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn redress(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redress"));
    command.arg("--home").arg(home);
    command
}

fn lines(text: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(text)
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

/// One after the other: each is a platform of its own, and how soon people answer hangs on how fast this machine is. The
/// third, a building's defects, lasts eight hours, about two and a half minutes at the speed of the second.
#[test]
fn every_shipped_drill_is_played_scored_and_reaches_nobody() {
    is_played_scored_and_reaches_nobody("plan-change", 8, 150);
    is_played_scored_and_reaches_nobody("false-report", 6, 200);
    is_played_scored_and_reaches_nobody("building-defects", 7, 200);
}

fn is_played_scored_and_reaches_nobody(script: &str, happens: usize, speed: u32) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let home = folder.path();
    // What the environment says of the real platform is none of a drill's business.
    let mail = TcpListener::bind("127.0.0.1:0").expect("a free port");
    mail.set_nonblocking(true).expect("a socket of ours");
    let address = mail.local_addr().expect("bound");
    let played = redress(home)
        .args([
            "drill",
            "run",
            script,
            "--auto",
            "--speed",
            &speed.to_string(),
            "--json",
        ])
        .env(
            "REDRESS_NOTIFICATION__SERVICE__SMTP__URL",
            format!("smtp://{address}"),
        )
        .env(
            "REDRESS_NOTIFICATION__SERVICE__SMTP__FROM",
            "real@example.com",
        )
        .env("REDRESS_INTAKE_URL", "http://127.0.0.1:1")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"))
        .output()
        .expect("the binary runs");
    let errors = String::from_utf8_lossy(&played.stderr);
    let told = lines(&played.stdout);
    let (score, events) = told.split_last().unwrap_or_else(|| panic!("{errors}"));
    assert_eq!(
        events.len(),
        1 + happens,
        "the drill and its events: {events:?}"
    );
    assert_eq!(events[0]["speed"], speed);

    assert_eq!(score["script"], script, "{score}");
    assert_eq!(score["left_the_sandbox"], 0, "{score}");
    assert!(score["messages"].as_u64().is_some_and(|n| n > 5), "{score}");
    assert!(mail.accept().is_err(), "something left the drill");

    let measure = |key: &str| {
        let measures = score["measures"].as_array().expect("a list");
        measures.iter().find(|m| m["key"] == key).expect(key)
    };
    let share = |key: &str| measure(key)["share"].as_f64().unwrap_or(-1.0);
    for key in ["cadence_kept", "four_eyes"] {
        let is_whole = (share(key) - 1.0).abs() < f64::EPSILON;
        assert!(is_whole, "{key}: {score:#}\n{errors}");
    }
    // A second of this machine is minutes of the drill: how soon is its own matter, that it came about is the drill's.
    for key in ["time_to_call_out", "first_word"] {
        assert!(share(key) > 0.0, "{key}: {score:#}\n{errors}");
    }
    // So is how long an approval took; that each step of one was timed is the drill's.
    assert!(share("approvals") >= 0.0, "{score:#}\n{errors}");
    let steps = measure("approvals")["value"].as_str().unwrap_or_default();
    for step in ["facts ", "legal ", "approval ", "publishing "] {
        assert!(steps.contains(step), "{step}: {score:#}\n{errors}");
    }
    let most = share("expectations_met");
    assert!(most > 0.5, "expectations: {score:#}\n{errors}");
    assert_eq!(
        played.status.success(),
        score["missed"] == 0,
        "{score:#}\n{errors}"
    );

    // The score is kept, and the real platform's folder holds nothing but the drill's.
    let kept = redress(home)
        .args(["drill", "score", "--json"])
        .output()
        .expect("the binary runs");
    assert_eq!(lines(&kept.stdout), std::slice::from_ref(score));
    let beside: Vec<_> = std::fs::read_dir(home)
        .expect("the folder is ours")
        .map(|entry| entry.expect("it is ours").file_name())
        .collect();
    assert_eq!(beside, ["drill"]);
}

const SHORT: &str = "\
name: short
title: A short one
about: One complaint.
site: lakeside
begin: MONDAY 09:30
length: 10m
events:
  - at: 0m
    what: complaint
    case: gate
    channel: DESK_ONSITE
    headcount: 40
    text: 四十名业主聚在门口要说法。
    signals: [DEMONSTRATION]
expect:
  - that: incident_open
    by: 10m
";

/// Whether a file of this name is there, however deep.
fn is_there(folder: &Path, name: &str) -> bool {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name() == name {
                return true;
            }
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    false
}

#[test]
fn a_drill_that_is_killed_anywhere_in_its_start_is_started_again() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let home = folder.path().join("home");
    let script = folder.path().join("short.yaml");
    std::fs::write(&script, SHORT).expect("ours to write");
    let drill = |output: Stdio| {
        let mut command = redress(&home);
        command.args(["drill", "run"]).arg(&script);
        command.args(["--speed", "60", "--json"]);
        command.stdout(output).stderr(Stdio::piped());
        command.spawn().expect("the binary runs")
    };
    // Each the first sign of another step: folder, ports, Postgres, the services' keys, players, the first event.
    for sign in [
        "clock.json",
        "ports.json",
        "postmaster.pid",
        "redis.pid",
        "people",
        "drill.json",
    ] {
        // What an earlier one left says nothing.
        let began = Instant::now();
        for old in ["clock.json", "ports.json", "drill.json"] {
            let _ = std::fs::remove_file(home.join("drill").join(old));
        }
        let _ = std::fs::remove_dir_all(home.join("drill/people"));
        let mut killed = drill(Stdio::null());
        while !is_there(&home, sign) {
            assert!(
                killed.try_wait().expect("ours").is_none(),
                "{sign}: it ended"
            );
            assert!(began.elapsed() < Duration::from_secs(180), "{sign}: never");
            std::thread::sleep(Duration::from_millis(10));
        }
        killed.kill().expect("ours to kill");
        killed.wait().expect("it is gone");
    }
    let played = drill(Stdio::piped()).wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success(), "{errors}");
    let told = lines(&played.stdout);
    let score = told.last().expect("a score");
    assert_eq!(score["script"], "short");
    assert_eq!(score["missed"], 0, "{score}");
}

#[test]
fn a_wrong_script_is_refused_with_its_line_before_anything_starts() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("mine.yaml");
    let text = include_str!("../drills/plan-change.yaml").replacen("headcount: 40", "heads: 40", 1);
    std::fs::write(&file, text).expect("ours to write");
    let refused = redress(folder.path())
        .args(["drill", "run"])
        .arg(&file)
        .output()
        .expect("the binary runs");
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        told.contains("line 15") && told.contains("`heads`"),
        "{told}"
    );
    assert!(!folder.path().join("drill").exists());
}
