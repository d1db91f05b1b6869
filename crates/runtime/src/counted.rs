//! Gauges of what stands in Postgres: counted from time to time, shown whenever metrics are read. What is no
//! longer counted disappears, where a plain gauge would show its last value for ever.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

/// A number with its labels.
pub type Count = (i64, Vec<KeyValue>);

/// The last count behind a gauge: one number for each set of labels.
#[derive(Debug, Clone, Default)]
pub struct Counted(Arc<Mutex<Vec<Count>>>);

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
        counted
    }

    /// Shows these from now on, and nothing else.
    pub fn set(&self, counts: impl IntoIterator<Item = Count>) {
        let counts: Vec<Count> = counts.into_iter().collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    /// What the gauge asks whenever metrics are read.
    fn callback(&self) -> impl Fn(&dyn AsyncInstrument<i64>) + Send + Sync + use<> {
        let counts = Arc::clone(&self.0);
        move |observer| {
            for (count, labels) in &*counts.lock().unwrap_or_else(PoisonError::into_inner) {
                observer.observe(*count, labels);
            }
        }
    }
}
