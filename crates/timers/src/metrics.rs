//! What operators see of the timers: how much fires, how late, what is overdue, what had to be repaired.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};

use crate::entry::Overdue;
use crate::receipt::Cause;
use crate::timers::between;

/// The classes of lateness, as [`Overdue::BOUNDS`] part them.
const CLASSES: [&str; 5] = ["under_1s", "under_10s", "under_1m", "under_10m", "over_10m"];

/// What was counted last, and how late the oldest of it was then; none where that failed, so that nothing is shown rather than
/// what was.
type Counted = Arc<Mutex<Option<(Overdue, Duration)>>>;

#[derive(Debug)]
pub(crate) struct Metrics {
    name: KeyValue,
    fired: Counter<u64>,
    lag: Histogram<f64>,
    overdue: Counted,
    overdue_failures: Counter<u64>,
    repairs: Counter<u64>,
    rebuilds: Counter<u64>,
    index_ready: Gauge<u64>,
    late: Counter<u64>,
}

impl Metrics {
    pub(crate) fn new(name: &'static str, meter: &Meter) -> Self {
        let name = KeyValue::new("redress.timers.name", name);
        Self {
            overdue: overdue(&name, meter),
            name,
            fired: meter
                .u64_counter("redress.timers.fired")
                .with_unit("{entry}")
                .with_description(
                    "Entries that were fired, by what became of them and where they were found.",
                )
                .build(),
            lag: meter
                .f64_histogram("redress.timers.lag")
                .with_unit("s")
                .with_description("How long after its due instant an entry was fired.")
                .with_boundaries(vec![
                    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 3600.0,
                ])
                .build(),
            overdue_failures: meter
                .u64_counter("redress.timers.overdue.failures")
                .with_unit("{failure}")
                .with_description(
                    "How often the entries that are due and not fired could not be counted.",
                )
                .build(),
            repairs: meter
                .u64_counter("redress.timers.repairs")
                .with_unit("{entry}")
                .with_description(
                    "Armed entries that the auditor found missing, outdated or ahead of their row in the index.",
                )
                .build(),
            rebuilds: meter
                .u64_counter("redress.timers.rebuilds")
                .with_unit("{rebuild}")
                .with_description("How often the index was rebuilt from Postgres.")
                .build(),
            index_ready: meter
                .u64_gauge("redress.timers.index.ready")
                .with_unit("1")
                .with_description("1 while the index holds everything that is armed, else 0.")
                .build(),
            late: meter
                .u64_counter("redress.timers.late")
                .with_unit("{entry}")
                .with_description("Entries that took effect a second late or more, by cause.")
                .build(),
        }
    }

    /// `fired`: what became of each entry, and how late it was.
    pub(crate) fn fired(&self, source: &'static str, fired: &[(&'static str, Duration)]) {
        for of_one in fired.chunk_by(|(one, _), (other, _)| one == other) {
            let attributes = [
                self.name.clone(),
                KeyValue::new("redress.timers.outcome", of_one[0].0),
                KeyValue::new("redress.timers.source", source),
            ];
            self.fired.add(of_one.len() as u64, &attributes);
            for (_, lag) in of_one {
                self.lag.record(lag.as_secs_f64(), &attributes[..2]);
            }
        }
    }

    /// Shows this much as overdue from now on.
    pub(crate) fn overdue(&self, overdue: Overdue, now: Timestamp) {
        let age = overdue.oldest.map(|due| between(due, now));
        let counted = Some((overdue, age.unwrap_or_default()));
        *self.overdue.lock().unwrap_or_else(PoisonError::into_inner) = counted;
    }

    /// Nobody knows how much is overdue: until it is counted again, nothing is shown.
    pub(crate) fn overdue_failed(&self) {
        *self.overdue.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.overdue_failures
            .add(1, std::slice::from_ref(&self.name));
    }

    pub(crate) fn late(&self, cause: Cause) {
        let cause = KeyValue::new("redress.timers.cause", cause.word());
        self.late.add(1, &[self.name.clone(), cause]);
    }

    pub(crate) fn repaired(&self, count: usize) {
        self.repairs
            .add(count as u64, std::slice::from_ref(&self.name));
    }

    pub(crate) fn rebuilt(&self) {
        self.rebuilds.add(1, std::slice::from_ref(&self.name));
    }

    pub(crate) fn index_ready(&self, is_ready: bool) {
        self.index_ready
            .record(u64::from(is_ready), std::slice::from_ref(&self.name));
    }
}

/// The gauges of what is overdue, which ask for it whenever metrics are read.
fn overdue(name: &KeyValue, meter: &Meter) -> Counted {
    let counted = Counted::default();
    let (seen, of) = (Arc::clone(&counted), name.clone());
    meter
        .u64_observable_gauge("redress.timers.overdue")
        .with_unit("{entry}")
        .with_description("Entries that are due and not fired, by how late they are.")
        .with_callback(move |observer| {
            if let Some((overdue, _)) = &*seen.lock().unwrap_or_else(PoisonError::into_inner) {
                for (class, count) in CLASSES.into_iter().zip(overdue.counts) {
                    let class = KeyValue::new("redress.timers.late", class);
                    observer.observe(count, &[of.clone(), class]);
                }
            }
        })
        .build();
    let (seen, of) = (Arc::clone(&counted), name.clone());
    meter
        .f64_observable_gauge("redress.timers.overdue.age")
        .with_unit("s")
        .with_description("How late the oldest entry is that is due and not fired.")
        .with_callback(move |observer| {
            if let Some((_, age)) = &*seen.lock().unwrap_or_else(PoisonError::into_inner) {
                observer.observe(age.as_secs_f64(), std::slice::from_ref(&of));
            }
        })
        .build();
    counted
}
