//! Our timers beside BullMQ's delayed jobs, on the same Redis in one run: `make bench-timers`.
//!
//! Both do the same with handlers that do nothing: how fast timers are scheduled, how fast 50,000 that are due at once
//! are done with, how late they fire at 2,000 a second while a million more wait, and how much memory each takes. Rounds
//! alternate, and medians count, so that a busy neighbour slows both down. Then our own: effects committed in
//! Postgres, and the rebuild of an emptied index.
#![allow(clippy::print_stdout, reason = "a benchmark prints what it found")]

mod bullmq;
mod ours;
mod postgres;
mod report;

use std::path::PathBuf;

use redress_local::{Redis, RedisOptions};

use crate::bullmq::BullMq;
use crate::ours::Ours;
use crate::report::{Lag, Report, median};

/// How much is done of what.
struct Sizes {
    rounds: usize,
    schedule: usize,
    burst: usize,
    armed: usize,
    in_hand: usize,
    rate: usize,
    seconds: usize,
    effects: usize,
}

/// How many jobs BullMQ's worker runs at once: 50 and 200 are as fast on two cores, 1000 is slower.
pub(crate) const BULLMQ_CONCURRENCY: usize = 100;

impl Sizes {
    fn is_small() -> bool {
        std::env::var_os("REDRESS_BENCH_SMALL").is_some()
    }

    /// As the targets say; smaller with `REDRESS_BENCH_SMALL`, to try the benchmark itself.
    fn of_environment() -> Self {
        let full = Self {
            rounds: 3,
            schedule: 100_000,
            burst: 50_000,
            armed: 1_000_000,
            in_hand: 10_000,
            rate: 2_000,
            seconds: 20,
            effects: 100_000,
        };
        if !Self::is_small() {
            return full;
        }
        Self {
            rounds: 1,
            schedule: 20_000,
            burst: 10_000,
            armed: 50_000,
            in_hand: 1_000,
            seconds: 3,
            effects: 20_000,
            ..full
        }
    }
}

fn main() {
    let folder = PathBuf::from(
        std::env::var_os("REDRESS_BENCH_FOLDER").expect("`make bench-timers` sets it"),
    );
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let home = tempfile::Builder::new()
        .prefix("redress-bench-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()
        .expect("the folder for temporary files can be written");
    let server =
        Redis::start(home.path(), &RedisOptions::for_tests()).expect("redis-server is installed");
    let report = runtime.block_on(measure(&folder, home.path(), &server));
    println!("{report}");
    let met = report.write(&folder.join("timers.json"), !Sizes::is_small());
    assert!(met, "a figure is not as required");
}

async fn measure(folder: &std::path::Path, home: &std::path::Path, server: &Redis) -> Report {
    let sizes = Sizes::of_environment();
    let mut report = Report::begin(folder, server);
    let ours = Ours::new(server);
    let mut theirs = BullMq::start(folder, &server.url()).await;

    let (mut schedule, mut burst) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 1..=sizes.rounds {
        say(&format!("round {round} of {}", sizes.rounds));
        empty(server);
        schedule[1].push(theirs.schedule(sizes.schedule).await);
        empty(server);
        schedule[0].push(ours.schedule(sizes.schedule).await);
        empty(server);
        burst[1].push(theirs.burst(sizes.burst).await);
        empty(server);
        burst[0].push(ours.burst(sizes.burst).await);
    }
    report.schedule = schedule.map(|seconds| sizes.schedule as f64 / median(seconds));
    report.burst = burst.map(|seconds| sizes.burst as f64 / median(seconds));

    say("a million armed: BullMQ");
    empty(server);
    let before = memory(server);
    theirs.schedule(sizes.armed).await;
    report.memory_armed[1] = per(memory(server) - before, sizes.armed);
    theirs.hold(sizes.in_hand).await;
    report.memory[1] = per(memory(server) - before, sizes.armed + sizes.in_hand);
    theirs.release().await;
    report.lag[1] = Lag::of(theirs.lag(sizes.rate, sizes.seconds).await);

    say("a million armed: Redress");
    empty(server);
    let before = memory(server);
    ours.schedule(sizes.armed).await;
    report.memory_armed[0] = per(memory(server) - before, sizes.armed);
    let held = ours.hold(sizes.in_hand).await;
    report.memory[0] = per(memory(server) - before, sizes.armed + sizes.in_hand);
    held.release().await;
    report.lag[0] = Lag::of(ours.lag(sizes.rate, sizes.seconds).await);
    theirs.end().await;

    say("effects in Postgres, and a rebuild");
    empty(server);
    let rows = postgres::Rows::start(home).await;
    report.effects_per_second = rows.effects(server, sizes.effects).await;
    empty(server);
    report.rebuild_seconds = rows.rebuild(server, sizes.armed).await;
    report.rebuilt = sizes.armed;
    report
}

fn say(what: &str) {
    println!("{what} …");
}

fn empty(server: &Redis) {
    server.flush().expect("redis answers");
}

fn memory(server: &Redis) -> f64 {
    server
        .ask(&["INFO", "memory"])
        .expect("redis answers")
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"))
        .and_then(|bytes| bytes.trim().parse().ok())
        .expect("redis tells how much memory it uses")
}

fn per(bytes: f64, count: usize) -> f64 {
    bytes / count as f64
}
