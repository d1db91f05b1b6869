//! Gauges of what stands in Postgres: counted from time to time, shown whenever metrics are read. What is no
//! longer counted disappears, where a plain gauge would show its last value for ever. How old a count is, is a gauge too:
//! `redress.counts.age`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

/// A number with its labels.
pub type Count = (i64, Vec<KeyValue>);

/// The last count behind a gauge: one number for each set of labels.
#[derive(Debug, Clone, Default)]
pub struct Counted(Arc<Mutex<Last>>);

/// What was counted, and when; never yet.
#[derive(Debug, Default)]
struct Last {
    counts: Vec<Count>,
    at: Option<Instant>,
}

impl Counted {
    /// A gauge that shows nothing yet.
    pub fn gauge(
        meter: &Meter,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
    ) -> Self {
        let counted = Self::default();
        meter
            .i64_observable_gauge(name)
            .with_unit(unit)
            .with_description(description)
            .with_callback(counted.callback())
            .build();
        meter
            .i64_observable_gauge("redress.counts.age")
            .with_unit("s")
            .with_description("How long ago the counts that a gauge shows were made.")
            .with_callback(counted.age(name))
            .build();
        counted
    }

    /// Shows these from now on, and nothing else.
    pub fn set(&self, counts: impl IntoIterator<Item = Count>) {
        let last = Last {
            counts: counts.into_iter().collect(),
            at: Some(Instant::now()),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }

    /// What the gauge asks whenever metrics are read.
    fn callback(&self) -> impl Fn(&dyn AsyncInstrument<i64>) + Send + Sync + use<> {
        let last = Arc::clone(&self.0);
        move |observer| {
            let last = last.lock().unwrap_or_else(PoisonError::into_inner);
            for (count, labels) in &last.counts {
                observer.observe(*count, labels);
            }
        }
    }

    /// How old they are, in whole seconds; nothing before the first count.
    fn age(&self, name: &'static str) -> impl Fn(&dyn AsyncInstrument<i64>) + Send + Sync + use<> {
        let last = Arc::clone(&self.0);
        move |observer| {
            let at = last.lock().unwrap_or_else(PoisonError::into_inner).at;
            if let Some(at) = at {
                let seconds = i64::try_from(at.elapsed().as_secs()).unwrap_or(i64::MAX);
                observer.observe(seconds, &[KeyValue::new("redress.metric", name)]);
            }
        }
    }
}
