//! What was found: a table for people, JSON for machines.

use std::fmt;
use std::path::Path;

use redress_local::Redis;
use redress_testkit::verdict::{Verdict, judge};
use serde_json::json;

use crate::BULLMQ_CONCURRENCY;

/// Figures of ours, then BullMQ's.
type Both = [f64; 2];

/// How late, in milliseconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lag {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Lag {
    pub(crate) fn of(mut lags: Vec<f64>) -> Self {
        lags.sort_by(f64::total_cmp);
        let at = |share: f64| lags[((lags.len() - 1) as f64 * share).round() as usize];
        Self {
            p50: at(0.5),
            p99: at(0.99),
            max: at(1.0),
        }
    }

    fn json(self) -> serde_json::Value {
        json!({ "p50_ms": self.p50, "p99_ms": self.p99, "max_ms": self.max })
    }
}

#[derive(Default)]
pub(crate) struct Report {
    machine: String,
    bullmq: String,
    redis: String,
    load_before: String,
    /// Timers a second.
    pub(crate) schedule: Both,
    /// Timers a second.
    pub(crate) burst: Both,
    /// Bytes a timer, none in hand.
    pub(crate) memory_armed: Both,
    /// Bytes a timer, with leases.
    pub(crate) memory: Both,
    pub(crate) lag: [Lag; 2],
    pub(crate) effects_per_second: f64,
    pub(crate) rebuild_seconds: f64,
    pub(crate) rebuilt: usize,
}

impl Report {
    pub(crate) fn begin(folder: &Path, server: &Redis) -> Self {
        let package = folder.join("node_modules/bullmq/package.json");
        let package: serde_json::Value =
            serde_json::from_slice(&std::fs::read(package).expect("bullmq is installed"))
                .expect("npm writes JSON");
        let info = server.ask(&["INFO", "server"]).expect("redis answers");
        let redis = info
            .lines()
            .find_map(|line| line.strip_prefix("redis_version:"))
            .unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        Self {
            machine: format!("{cores} cores"),
            bullmq: package["version"].as_str().unwrap_or_default().to_owned(),
            redis: redis.trim().to_owned(),
            load_before: std::fs::read_to_string("/proc/loadavg").unwrap_or_default(),
            ..Self::default()
        }
    }

    /// What is required of the full sizes.
    fn verdicts(&self) -> [Verdict; 6] {
        [
            Verdict::at_least(
                "scheduling, times BullMQ's",
                Some(ratio(self.schedule)),
                4.0,
            ),
            Verdict::at_least(
                "burst of 50,000, times BullMQ's",
                Some(ratio(self.burst)),
                4.0,
            ),
            Verdict::at_most(
                "memory with leases, of BullMQ's",
                Some(ratio(self.memory)),
                0.4,
            ),
            Verdict::at_most("p99 lag, ms", Some(self.lag[0].p99), 10.0),
            Verdict::at_least(
                "effects in Postgres a second",
                Some(self.effects_per_second),
                5_000.0,
            ),
            Verdict::at_most("rebuild after a flush, s", Some(self.rebuild_seconds), 20.0),
        ]
    }

    /// Writes the figures, and prints what is required of them where they are of the full sizes. Gives whether all of it is met.
    pub(crate) fn write(&self, file: &Path, is_full: bool) -> bool {
        let (verdicts, met) = if is_full {
            judge(&self.verdicts())
        } else {
            (serde_json::Value::Null, true)
        };
        let of = |both: Both| json!({ "redress": both[0], "bullmq": both[1] });
        let report = json!({
            "schedule_ratio": ratio(self.schedule),
            "burst_ratio": ratio(self.burst),
            "memory_ratio": ratio(self.memory),
            "schedule_per_second": of(self.schedule),
            "burst_per_second": of(self.burst),
            "memory_bytes": of(self.memory),
            "memory_bytes_none_in_hand": of(self.memory_armed),
            "lag": { "redress": self.lag[0].json(), "bullmq": self.lag[1].json() },
            "effects_per_second": self.effects_per_second,
            "rebuild_seconds": self.rebuild_seconds,
            "rebuilt": self.rebuilt,
            "machine": self.machine,
            "load_before": self.load_before.trim(),
            "bullmq": self.bullmq,
            "redis": self.redis,
            "verdicts": verdicts,
            "met": is_full.then_some(met),
        });
        std::fs::write(file, format!("{report:#}\n")).expect("the report can be written");
        met
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            machine,
            bullmq,
            redis,
            load_before,
            ..
        } = self;
        let load = load_before.split_whitespace().next().unwrap_or("not known");
        writeln!(
            f,
            "\n{machine}, load {load} before; Redis {redis}; BullMQ {bullmq} (addBulk of 1000, 4 at once; one worker,\n\
             concurrency {BULLMQ_CONCURRENCY}, jobs removed when done); Redress (schedule_many; one replica, default limits)\n"
        )?;
        writeln!(
            f,
            "{:<44}{:>12}{:>12}{:>8}  target",
            "", "Redress", "BullMQ", "ratio"
        )?;
        let rows = [
            ("scheduling, timers a second", self.schedule, "≥ 4"),
            ("burst of 50,000, timers a second", self.burst, "≥ 4"),
            ("memory a timer with leases, bytes", self.memory, "≤ 0.4"),
            ("memory a timer, none in hand, bytes", self.memory_armed, ""),
        ];
        for (what, both, target) in rows {
            let [ours, theirs] = both;
            let ratio = ratio(both);
            writeln!(
                f,
                "{what:<44}{ours:>12.0}{theirs:>12.0}{ratio:>8.2}  {target}"
            )?;
        }
        let [ours, theirs] = self.lag;
        let lags = [
            (
                "p50 lag at 2,000/s, 1 million armed, ms",
                ours.p50,
                theirs.p50,
                "",
            ),
            ("p99 lag", ours.p99, theirs.p99, "≤ 10 ms"),
            ("greatest lag", ours.max, theirs.max, ""),
        ];
        for (what, ours, theirs, target) in lags {
            writeln!(f, "{what:<44}{ours:>12.1}{theirs:>12.1}{:>8}  {target}", "")?;
        }
        let effects = self.effects_per_second;
        let what = "effects committed in Postgres a second";
        writeln!(f, "{what:<44}{effects:>12.0}{:>20}  ≥ 5,000", "")?;
        let what = format!("rebuild of {} after a flush, s", self.rebuilt);
        writeln!(
            f,
            "{what:<44}{:>12.1}{:>20}  ≤ 20 s",
            self.rebuild_seconds, ""
        )
    }
}

fn ratio([ours, theirs]: Both) -> f64 {
    ours / theirs
}

pub(crate) fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}
