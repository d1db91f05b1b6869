//! Since when anything can be due, so that looking for it does not begin at the beginning of time.
//!
//! Whatever fires leaves a dead entry in Postgres' index of what is due. While somebody keeps an old snapshot open none of
//! them goes away, and whoever reads from the beginning steps over them all (P25). So a replica remembers a floor: nothing
//! armed lies below it but what was armed in the past without its knowing. It rises by reading all, and falls at once with
//! what this replica arms. What another one armed in the past and could tell nobody of, the next reading of all finds.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// How far below what was read the floor lies: commits are this much later than the clock that they looked at.
pub(crate) const MARGIN: Duration = Duration::from_secs(10);

/// The floor of one replica.
#[derive(Debug)]
pub(crate) struct Floor {
    /// None until all was read.
    since: Option<Timestamp>,
    /// When the last reading of all began that came to its end, by the machine's clock.
    read: Option<Instant>,
    /// When the one began that goes on now.
    reading: Option<Instant>,
    /// The earliest that was armed here since the last reading of all began, and between that and the one before: some is told
    /// a moment before its commit, so that a reading may not see it yet.
    armed: [Timestamp; 2],
}

impl Default for Floor {
    fn default() -> Self {
        Self {
            since: None,
            read: None,
            reading: None,
            armed: [Timestamp::MAX; 2],
        }
    }
}

impl Floor {
    /// Since when anything can be due at `now`; none where only reading all says so: the last one began longer ago than
    /// `trust`, or the clock was set back to before the floor.
    pub(crate) fn at(&self, now: Timestamp, trust: Duration) -> Option<Timestamp> {
        let is_fresh = self.read.is_some_and(|read| read.elapsed() < trust);
        self.since.filter(|since| is_fresh && *since <= now)
    }

    /// Something is armed for this instant.
    pub(crate) fn armed(&mut self, due: Timestamp) {
        self.since = self.since.map(|since| since.min(due));
        self.armed[0] = due.min(self.armed[0]);
    }

    /// Only reading all says anything from here on.
    pub(crate) fn forget(&mut self) {
        self.since = None;
        self.reading = None;
    }

    /// All that is due is read from here on, by one task alone.
    pub(crate) fn begin(&mut self) {
        self.reading = Some(Instant::now());
        self.armed = [Timestamp::MAX, self.armed[0]];
    }

    /// All was read, as of `now`: this was the oldest. What was armed lately may not have been in it.
    pub(crate) fn end(&mut self, oldest: Option<Timestamp>, now: Timestamp, margin: Duration) {
        let Some(began) = self.reading.take() else {
            return;
        };
        let oldest = oldest.unwrap_or(now).min(now);
        let below = oldest.checked_sub(margin).unwrap_or(Timestamp::MIN);
        let [since, before] = self.armed;
        self.since = Some(below.min(since).min(before));
        self.read = Some(began);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUST: Duration = Duration::from_secs(3600);

    fn second(number: i64) -> Timestamp {
        Timestamp::from_second(number).expect("in range")
    }

    /// All was read at second 1000, and nothing was due.
    fn read() -> Floor {
        let mut floor = Floor::default();
        floor.begin();
        floor.end(None, second(1000), MARGIN);
        floor
    }

    #[test]
    fn p25_the_floor_lies_a_margin_below_the_oldest_or_below_now() {
        assert_eq!(Floor::default().at(second(1000), TRUST), None);
        assert_eq!(read().at(second(1000), TRUST), Some(second(990)));
        let mut floor = read();
        floor.begin();
        // Until all is read again what was known holds.
        assert_eq!(floor.at(second(2000), TRUST), Some(second(990)));
        floor.end(Some(second(1500)), second(2000), MARGIN);
        assert_eq!(floor.at(second(2000), TRUST), Some(second(1490)));
    }

    #[test]
    fn i4_what_is_armed_in_the_past_lowers_the_floor_while_all_is_read_too() {
        let mut floor = read();
        floor.armed(second(3000));
        assert_eq!(floor.at(second(1000), TRUST), Some(second(990)));
        floor.armed(second(5));
        assert_eq!(floor.at(second(1000), TRUST), Some(second(5)));
        let mut read_all = |armed: Option<i64>| {
            floor.begin();
            armed.into_iter().for_each(|due| floor.armed(second(due)));
            floor.end(None, second(2000), MARGIN);
            floor.at(second(2000), TRUST)
        };
        // The reading saw neither what was told before it and committed after it, nor what was told meanwhile.
        assert_eq!(read_all(Some(7)), Some(second(5)));
        assert_eq!(read_all(None), Some(second(7)));
        assert_eq!(read_all(None), Some(second(1990)));
    }

    #[test]
    fn i4_a_floor_is_not_trusted_once_it_is_old_or_the_clock_went_back_or_the_index_was_lost() {
        let mut floor = read();
        assert_eq!(floor.at(second(1000), Duration::ZERO), None);
        assert_eq!(floor.at(second(989), TRUST), None);
        floor.begin();
        floor.forget();
        // What was read while it was forgotten says nothing.
        floor.end(None, second(2000), MARGIN);
        assert_eq!(floor.at(second(2000), TRUST), None);
    }
}
