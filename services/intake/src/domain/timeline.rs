//! The chain of a case's timeline (I12).
//!
//! The hash of an entry covers the hash before, where the entry stands, its facts, and a salted
//! commitment of its personal part. Erasing takes the personal part and its salt away; the commitment
//! stays, so the chain still verifies, and without the salt nobody can try out guesses against it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use redress_model::name::SiteId;
use redress_proto::intake::v1::TimelineKind;
use redress_vault::chain::Parts;
use uuid::Uuid;

/// Length of a hash, a commitment and a salt.
pub const HASH_LENGTH_BYTES: usize = 32;

/// The facts of an entry. No personal data.
pub type Facts = BTreeMap<String, String>;

/// Which case a chain is of. Part of every hash, so that no entry fits into another case.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a> {
    /// The site.
    pub site: &'a SiteId,
    /// The case.
    pub case: Uuid,
}

/// What an entry says, without its personal part.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Position, from 1.
    pub sequence: i64,
    /// What happened.
    pub kind: TimelineKind,
    /// When it happened.
    pub event_time: Timestamp,
    /// When it was written down.
    pub record_time: Timestamp,
    /// Who did it.
    pub actor: String,
    /// The facts.
    pub facts: Facts,
    /// Commitment of the personal part; none where there never was one.
    pub commitment: Option<Vec<u8>>,
}

/// An entry as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What it says.
    pub entry: Entry,
    /// The personal part; none where there is none or it was erased.
    pub note: Option<String>,
    /// The salt of the commitment; goes with the personal part.
    pub salt: Option<Vec<u8>>,
    /// The hash it was written with.
    pub hash: Vec<u8>,
}

/// What a walk along the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry is as it was written, none is missing.
    Valid,
    /// The first entry that is not.
    Broken {
        /// Where.
        sequence: i64,
        /// What is wrong.
        finding: &'static str,
    },
}

/// The commitment of a personal part.
pub fn commit(salt: &[u8], note: &str) -> Vec<u8> {
    let mut parts = Parts::default();
    parts.add(b"redress.timeline.note.v1");
    parts.add(salt);
    parts.add(note);
    parts.finish().to_vec()
}

/// The hash of an entry after the one with the hash `previous` (empty for the first).
pub fn hash(chain: Chain<'_>, previous: &[u8], entry: &Entry) -> Vec<u8> {
    let mut parts = Parts::default();
    parts.add(b"redress.timeline.entry.v1");
    parts.add(previous);
    parts.add(chain.site.as_str());
    parts.add(chain.case.as_bytes());
    parts.add(entry.sequence.to_be_bytes());
    parts.add(entry.kind.as_str_name());
    parts.add(entry.event_time.as_microsecond().to_be_bytes());
    parts.add(entry.record_time.as_microsecond().to_be_bytes());
    parts.add(&entry.actor);
    parts.add(entry.facts.len().to_be_bytes());
    for (key, value) in &entry.facts {
        parts.add(key);
        parts.add(value);
    }
    match &entry.commitment {
        Some(commitment) => parts.add(commitment),
        None => parts.add(b""),
    }
    parts.finish().to_vec()
}

/// Walks a chain in order and holds every entry against its hash, its commitment and the head that the
/// case remembers.
pub fn verify(chain: Chain<'_>, entries: &[Stored], length: i64, head: &[u8]) -> Verdict {
    let broken = |sequence, finding| Verdict::Broken { sequence, finding };
    let mut previous: &[u8] = &[];
    let mut expected = 1;
    for stored in entries {
        let entry = &stored.entry;
        if entry.sequence != expected {
            return broken(expected, "the entry is missing");
        }
        if hash(chain, previous, entry) != stored.hash {
            return broken(expected, "the entry was changed, or the one before it");
        }
        let kept = match (&stored.note, &stored.salt, &entry.commitment) {
            (Some(note), Some(salt), Some(commitment)) => commit(salt, note) == *commitment,
            (None, None, _) => true,
            _ => false,
        };
        if !kept {
            return broken(expected, "the personal part was changed");
        }
        previous = &stored.hash;
        expected += 1;
    }
    if expected - 1 != length {
        let sequence = expected.min(length + 1);
        return broken(sequence, "entries are missing at the end, or were added");
    }
    if previous != head {
        return broken(length, "the case remembers another last entry");
    }
    Verdict::Valid
}

/// The word of a kind as it is stored: the wire's name without its prefix.
pub fn kind_word(kind: TimelineKind) -> &'static str {
    let name = kind.as_str_name();
    name.strip_prefix("TIMELINE_KIND_").unwrap_or(name)
}

/// The kind of a stored word.
pub fn kind_of(word: &str) -> TimelineKind {
    TimelineKind::from_str_name(&format!("TIMELINE_KIND_{word}"))
        .unwrap_or(TimelineKind::Unspecified)
}

/// Facts from pairs; empty values are left out.
pub fn facts<const N: usize>(pairs: [(&str, String); N]) -> Facts {
    pairs
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn site() -> SiteId {
        "lake".parse().expect("a slug")
    }

    fn build(notes: &[Option<String>]) -> Vec<Stored> {
        let site = site();
        let chain = Chain {
            site: &site,
            case: Uuid::from_u128(1),
        };
        let mut previous = Vec::new();
        notes
            .iter()
            .enumerate()
            .map(|(i, note)| {
                let salt = note.as_ref().map(|_| vec![7; HASH_LENGTH_BYTES]);
                let entry = Entry {
                    sequence: i64::try_from(i).expect("few") + 1,
                    kind: TimelineKind::Contact,
                    event_time: Timestamp::UNIX_EPOCH,
                    record_time: Timestamp::UNIX_EPOCH,
                    actor: "clerk".to_owned(),
                    facts: facts([("n", i.to_string())]),
                    commitment: note.as_ref().zip(salt.as_ref()).map(|(n, s)| commit(s, n)),
                };
                let hash = hash(chain, &previous, &entry);
                previous.clone_from(&hash);
                Stored {
                    entry,
                    note: note.clone(),
                    salt,
                    hash,
                }
            })
            .collect()
    }

    fn check(entries: &[Stored], length: i64, head: &[u8]) -> Verdict {
        let site = site();
        let chain = Chain {
            site: &site,
            case: Uuid::from_u128(1),
        };
        verify(chain, entries, length, head)
    }

    fn intact(entries: &[Stored]) -> (i64, Vec<u8>) {
        (
            i64::try_from(entries.len()).expect("few"),
            entries.last().map(|e| e.hash.clone()).unwrap_or_default(),
        )
    }

    proptest! {
        #[test]
        fn i12_any_single_change_is_found_and_erasure_is_none(
            notes in proptest::collection::vec(proptest::option::of("\\PC{0,10}"), 1..8),
            at in any::<proptest::sample::Index>(),
            what in 0_u8..9,
        ) {
            let mut entries = build(&notes);
            let (length, head) = intact(&entries);
            prop_assert_eq!(check(&entries, length, &head), Verdict::Valid);

            let mut erased = entries.clone();
            for e in &mut erased { e.note = None; e.salt = None; }
            prop_assert_eq!(check(&erased, length, &head), Verdict::Valid);

            let i = at.index(entries.len());
            let e = &mut entries[i];
            match what {
                0 => e.entry.actor.push('x'),
                1 => { e.entry.facts.insert("n".to_owned(), "other".to_owned()); }
                2 => { e.entry.facts.insert("new".to_owned(), String::new()); }
                3 => e.entry.kind = TimelineKind::Moved,
                4 => e.entry.event_time += jiff::SignedDuration::from_micros(1),
                5 => e.note = Some(format!("{}x", e.note.clone().unwrap_or_default())),
                6 => { entries.remove(i); }
                7 => e.hash[0] ^= 1,
                _ => {
                    let copy = e.clone();
                    entries.push(copy);
                }
            }
            let broken = matches!(check(&entries, length, &head), Verdict::Broken { .. });
            prop_assert!(broken);
        }
    }

    #[test]
    fn an_entry_of_another_case_does_not_fit() {
        let entries = build(&[None]);
        let (length, head) = intact(&entries);
        let site = site();
        let other = Chain {
            site: &site,
            case: Uuid::from_u128(2),
        };
        assert!(matches!(
            verify(other, &entries, length, &head),
            Verdict::Broken { sequence: 1, .. }
        ));
    }
}
