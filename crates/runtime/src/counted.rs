//! Gauges of what stands in Postgres: counted from time to time, shown whenever metrics are read. What is no
//! longer counted disappears, where a plain gauge would show its last value for ever.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::AsyncInstrument;

/// A number with its labels.
pub type Count = (i64, Vec<KeyValue>);

/// The last count: one number for each set of labels. Give [`callback`](Self::callback) to an observable gauge.
#[derive(Debug, Clone, Default)]
pub struct Counted(Arc<Mutex<Vec<Count>>>);

impl Counted {
    /// Shows these from now on, and nothing else.
    pub fn set(&self, counts: Vec<Count>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    /// What the gauge asks whenever metrics are read.
    pub fn callback(&self) -> impl Fn(&dyn AsyncInstrument<i64>) + Send + Sync + use<> {
        let counts = Arc::clone(&self.0);
        move |observer| {
            for (count, labels) in &*counts.lock().unwrap_or_else(PoisonError::into_inner) {
                observer.observe(*count, labels);
            }
        }
    }
}
