//! New ids. Version 7: they sort by time of birth, which keeps indexes dense.

use jiff::Timestamp;
use uuid::Uuid;

/// A new id born at `now`.
pub fn new_id(now: Timestamp) -> Uuid {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_of_birth_and_are_distinct() {
        let early = new_id(Timestamp::from_second(1_000).expect("valid"));
        let late = new_id(Timestamp::from_second(2_000).expect("valid"));
        assert!(early < late);
        assert_ne!(new_id(Timestamp::UNIX_EPOCH), new_id(Timestamp::UNIX_EPOCH));
    }
}
