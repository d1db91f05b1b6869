//! What handlers, RPCs and timers share: the time, the timer index, and the key under which words
//! become terms.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use redress_model::time::SharedClock;
use redress_rpc::Fingerprints;
use redress_store::Database;
use redress_timers::{Entry, Timers};

use crate::casework::Reading;
use crate::domain::category;
use crate::domain::similarity::{self, Place, Terms};

/// After this long a transaction that armed a clock has committed. Where it has not, the auditor
/// puts the index right, or the entry is found stale.
const COMMIT_WAIT: Duration = Duration::from_millis(300);

/// What a complainant said, and where it is about.
#[derive(Debug, Clone, Default)]
pub struct CaseText {
    /// What they said.
    pub text: String,
    /// The building; empty where nobody named it.
    pub building: String,
    /// The unit in it; empty where nobody named it.
    pub unit: String,
}

/// What everybody here shares.
#[derive(Clone)]
pub struct Desk {
    /// Our rows.
    pub db: Database,
    /// The time of the business.
    pub clock: SharedClock,
    /// The index of what is due.
    pub timers: Timers,
    fingerprints: Fingerprints,
}

impl Desk {
    /// A desk.
    pub fn new(
        db: Database,
        clock: SharedClock,
        timers: Timers,
        fingerprints: Fingerprints,
    ) -> Arc<Self> {
        Arc::new(Self {
            db,
            clock,
            timers,
            fingerprints,
        })
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells the timers of a transaction that has committed.
    pub fn schedule(&self, entries: Vec<Entry>) {
        for entry in entries {
            self.timers.schedule(entry);
        }
    }

    /// Tells the timers of a transaction that is about to commit.
    pub fn schedule_soon(&self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let timers = self.timers.clone();
        tokio::spawn(async move {
            tokio::time::sleep(COMMIT_WAIT).await;
            for entry in entries {
                timers.schedule(entry);
            }
        });
    }

    /// Reads a text once: what is kept are keyed hashes of its words and place, and entries of the lexicon.
    pub fn read(&self, case: &CaseText) -> Reading {
        let text = case.text.as_str();
        let mut terms = Terms::new();
        let mut nameable = HashMap::new();
        for (word, count) in similarity::words(text) {
            let term = self.term(&word);
            terms.insert(term, count);
            if similarity::is_nameable(&word) {
                nameable.insert(term, word);
            }
        }
        let suggestion = category::suggest(text);
        Reading {
            terms,
            nameable,
            place: self.place(case),
            sure: suggestion.as_ref().is_some_and(|s| s.sure),
            trapped: category::says_trapped(text),
            suspected: category::suspects(text),
            category: suggestion.as_ref().map(|s| s.category),
            words: suggestion
                .map(|s| s.words.into_iter().map(str::to_owned).collect())
                .unwrap_or_default(),
        }
    }

    /// Keyed hashes of building and unit. A unit alone does not say where it is.
    pub fn place(&self, case: &CaseText) -> Place {
        let known = |text: &str| similarity::plain(text);
        let (building, unit) = (known(&case.building), known(&case.unit));
        Place {
            building: building
                .as_ref()
                .map(|b| self.term(&format!("building {b}"))),
            unit: building
                .zip(unit)
                .map(|(b, u)| self.term(&format!("unit {b} {u}"))),
        }
    }

    fn term(&self, word: &str) -> i64 {
        let hash = self.fingerprints.of("triage.term", &word.to_owned());
        let mut short = [0; 8];
        short.copy_from_slice(&hash[..8]);
        i64::from_be_bytes(short)
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
