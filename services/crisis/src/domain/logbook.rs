//! The log of an incident as a chain (I12).
//!
//! The hash of an entry covers the hash before, whose log it is, where it stands and what it says, in the words that are
//! kept. Entries of a release that kept no hashes have none: the next one that is added hashes over them, so that from then
//! on they cannot be changed either.

use jiff::Timestamp;
use redress_model::name::IncidentName;
use sha2::{Digest as _, Sha256};

/// An entry in the words that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Counts from 1.
    pub number: i64,
    /// What it tells.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// Who; empty where the platform did it.
    pub actor: String,
    /// What happened.
    pub text: String,
    /// Where a text lies; empty where none.
    pub reference: String,
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it says.
    pub entry: Entry,
    /// The hash it was written with; none of an older release.
    pub hash: Option<Vec<u8>>,
}

/// What the incident remembers of its log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The last entry that was hashed; 0 where none was.
    pub count: i64,
    /// Its hash; empty where none was.
    pub hash: Vec<u8>,
}

impl Head {
    /// Goes on over an entry.
    pub fn over(&mut self, incident: &IncidentName, entry: &Entry) {
        self.hash = hash(incident, &self.hash, entry);
        self.count = entry.number;
    }
}

/// The first entry that is not as it was written, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub number: i64,
    /// What is wrong.
    pub finding: &'static str,
}

/// The hash of an entry after the one with the hash `previous` (empty for the first).
pub fn hash(incident: &IncidentName, previous: &[u8], entry: &Entry) -> Vec<u8> {
    let mut hash = Sha256::new();
    // Length first, so that no two lists of parts run together to the same bytes.
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(b"redress.incident.log.v1");
    part(previous);
    part(incident.site.as_str().as_bytes());
    part(incident.id.as_bytes());
    part(&entry.number.to_be_bytes());
    part(entry.kind.as_bytes());
    part(&entry.at.as_microsecond().to_be_bytes());
    part(entry.actor.as_bytes());
    part(entry.text.as_bytes());
    part(entry.reference.as_bytes());
    hash.finalize().to_vec()
}

/// Walks a log in order and holds every entry against its hash and against what the incident remembers.
pub fn first_broken(incident: &IncidentName, log: &[Kept], head: &Head) -> Option<Broken> {
    let broken = |number, finding| Some(Broken { number, finding });
    let mut walked = Head::default();
    for kept in log {
        let number = walked.count + 1;
        if kept.entry.number != number {
            return broken(number, "the entry is missing");
        }
        walked.over(incident, &kept.entry);
        if kept.hash.as_ref().is_some_and(|hash| *hash != walked.hash) {
            return broken(number, "the entry was changed, or one before it");
        }
        if number == head.count && walked.hash != head.hash {
            return broken(number, "the incident remembers another entry here");
        }
    }
    if walked.count < head.count {
        return broken(walked.count + 1, "entries are missing at the end");
    }
    if head.count > 0 && walked.count > head.count {
        // A release without hashes adds entries that the incident never hears of, should nothing be noted after them.
        let mut rest = log.iter().skip(usize::try_from(head.count).unwrap_or(0));
        let finding = if rest.all(|kept| kept.hash.is_none()) {
            "the incident does not remember the entry: it slipped in, or an older release wrote it during an update"
        } else {
            "the incident does not remember the entry"
        };
        return broken(head.count + 1, finding);
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn incident(n: u128) -> IncidentName {
        IncidentName::new("lake".parse().expect("a slug"), Uuid::from_u128(n))
    }

    fn entry(number: i64, text: &str) -> Entry {
        Entry {
            number,
            kind: "UPDATE".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            actor: "li".to_owned(),
            text: text.to_owned(),
            reference: String::new(),
        }
    }

    /// A log of these texts, of which the first `old` were written without hashes.
    fn written(texts: &[String], old: usize) -> (Vec<Kept>, Head) {
        let (mut walked, mut head) = (Head::default(), Head::default());
        let mut log = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            let entry = entry(walked.count + 1, text);
            walked.over(&incident(1), &entry);
            let hash = (i >= old).then(|| walked.hash.clone());
            if hash.is_some() {
                head = walked.clone();
            }
            log.push(Kept { entry, hash });
        }
        (log, head)
    }

    #[test]
    fn i12_every_part_of_an_entry_and_whose_it_is_are_under_its_hash() {
        let one = entry(1, "ab");
        let of = |incident: &IncidentName, entry: &Entry| hash(incident, &[], entry);
        let own = of(&incident(1), &one);
        assert_ne!(own, of(&incident(2), &one));
        assert_ne!(own, hash(&incident(1), &own, &one));
        let changed = |change: &dyn Fn(&mut Entry)| {
            let mut other = one.clone();
            change(&mut other);
            assert_ne!(own, of(&incident(1), &other), "{other:?}");
        };
        changed(&|e| e.number = 2);
        changed(&|e| e.kind = "CLOCK".to_owned());
        changed(&|e| e.at = Timestamp::from_microsecond(1).expect("an instant"));
        changed(&|e| e.actor.clear());
        changed(&|e| e.text.push('c'));
        changed(&|e| (e.text, e.reference) = ("a".to_owned(), "b".to_owned()));
    }

    #[test]
    fn i12_an_entry_slipped_in_at_the_end_is_found_even_without_a_hash() {
        let (mut log, head) = written(&["a".to_owned()], 0);
        let entry = entry(2, "b");
        log.push(Kept { entry, hash: None });
        let broken = first_broken(&incident(1), &log, &head).expect("found");
        assert_eq!(broken.number, 2);
    }

    proptest! {
        /// I12: whatever is changed, removed or put in between is found.
        #[test]
        fn i12_a_log_that_was_tampered_with_is_found(
            texts in proptest::collection::vec("[a-z]{1,4}", 2..8),
            old in 0_usize..4,
            at in any::<prop::sample::Index>(),
            how in 0..4,
        ) {
            let old = old.min(texts.len() - 1);
            let (mut log, head) = written(&texts, old);
            prop_assert_eq!(first_broken(&incident(1), &log, &head), None);
            let at = at.index(log.len());
            match how {
                0 => log[at].entry.text.push('!'),
                1 => { log.remove(at); }
                2 => {
                    let mut twin = log[at].clone();
                    twin.entry.number += 1;
                    log.insert(at + 1, twin);
                }
                // Taking the hash away hides nothing either: what follows, or the incident, remembers it.
                _ => {
                    log[at].hash = None;
                    log[at].entry.actor = "somebody".to_owned();
                }
            }
            prop_assert!(first_broken(&incident(1), &log, &head).is_some());
        }
    }
}
