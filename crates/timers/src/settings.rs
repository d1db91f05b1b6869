//! The timers' limits. The defaults are right for every service; tests shorten them.

use std::time::Duration;

/// How the timers work.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many entries one replica fires at once; how many batches, where the service takes batches.
    pub concurrency: usize,
    /// How long a worker may be silent before its entries go to others. Renewed three times within it.
    pub lease: Duration,
    /// How long one entry may take to fire before it counts as failed.
    pub fire_limit: Duration,
    /// The longest sleep between two looks at the index: how soon a moved clock or another replica's entry is noticed.
    pub idle: Duration,
    /// How often Postgres is scanned while the index is away or incomplete.
    pub scan_every: Duration,
    /// How often the auditor reads a page and measures what is overdue.
    pub audit_every: Duration,
    /// How often all that is due is read, and not only since the oldest that can be due. What was armed in the past while
    /// nobody was told is found within twice this.
    pub floor_every: Duration,
    /// How many rows a page of the auditor or of the scan has.
    pub page: i64,
    /// How many rows a page of a rebuild has.
    pub rebuild_page: i64,
    /// An entry that fires so late or later leaves a receipt.
    pub late_after: Duration,
    /// The first pause after a failure; it doubles with each further one.
    pub first_pause: Duration,
    /// The longest pause between two failures of one entry.
    pub longest_pause: Duration,
    /// How long entries that are being fired may take to end after shutdown was asked for.
    pub drain_limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 16,
            lease: Duration::from_secs(15),
            fire_limit: Duration::from_secs(60),
            idle: Duration::from_millis(500),
            scan_every: Duration::from_secs(1),
            audit_every: Duration::from_secs(5),
            floor_every: Duration::from_secs(30),
            page: 500,
            rebuild_page: 10_000,
            late_after: Duration::from_secs(1),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            drain_limit: Duration::from_secs(10),
        }
    }
}
