//! The chain of the history of the work on a case (I12).
//!
//! The hash of a step covers the hash before, whose case it is, where it stands and what it says, in the words that are
//! kept. Steps of a release that kept no hashes have none: the next one that is added hashes over them, so that from then
//! on they cannot be changed either.

use jiff::Timestamp;
use redress_model::name::CaseName;
use sha2::{Digest as _, Sha256};

/// A step in the words that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position, from 1.
    pub sequence: i64,
    /// What happened.
    pub kind: String,
    /// Status after it.
    pub status: String,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// The responsible person after it.
    pub responsible: Option<String>,
    /// Whom it was offered to after it.
    pub offered_to: Option<String>,
    /// The logged progress, or the reasons.
    pub text: String,
}

/// A step as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it says.
    pub entry: Entry,
    /// The hash it was written with; none of an older release.
    pub hash: Option<Vec<u8>>,
}

/// What the work remembers of its history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The last step that was hashed.
    pub count: i64,
    /// Its hash; empty where none was.
    pub hash: Vec<u8>,
}

/// The first entry that is not as it was written, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// Where.
    pub sequence: i64,
    /// What is wrong.
    pub finding: &'static str,
}

/// The hash of a step after the one with the hash `previous` (empty for the first).
pub fn hash(case: &CaseName, previous: &[u8], entry: &Entry) -> Vec<u8> {
    let mut hash = Sha256::new();
    part(&mut hash, b"redress.work.step.v1");
    part(&mut hash, previous);
    part(&mut hash, case.site.as_str().as_bytes());
    part(&mut hash, case.id.as_bytes());
    part(&mut hash, &entry.sequence.to_be_bytes());
    part(&mut hash, entry.kind.as_bytes());
    part(&mut hash, entry.status.as_bytes());
    part(&mut hash, &entry.at.as_microsecond().to_be_bytes());
    part(&mut hash, entry.actor.as_bytes());
    for person in [&entry.responsible, &entry.offered_to] {
        part(&mut hash, person.as_deref().unwrap_or_default().as_bytes());
    }
    part(&mut hash, entry.text.as_bytes());
    hash.finalize().to_vec()
}

/// Length first, so that no two lists of parts run together to the same bytes.
fn part(hash: &mut Sha256, bytes: &[u8]) {
    hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(bytes);
}

/// Walks a history in order and holds every step against its hash and against what the work remembers.
pub fn first_broken(case: &CaseName, steps: &[Kept], head: &Head) -> Option<Broken> {
    let broken = |sequence, finding| Some(Broken { sequence, finding });
    let mut previous = Vec::new();
    let mut expected = 1;
    for step in steps {
        if step.entry.sequence != expected {
            return broken(expected, "the step is missing");
        }
        previous = hash(case, &previous, &step.entry);
        if step.hash.as_ref().is_some_and(|kept| *kept != previous) {
            return broken(expected, "the step was changed, or one before it");
        }
        if expected == head.count && previous != head.hash {
            return broken(expected, "the work remembers another step here");
        }
        expected += 1;
    }
    if expected <= head.count {
        return broken(expected, "steps are missing at the end");
    }
    if head.count > 0 && expected - 1 > head.count {
        return broken(head.count + 1, "the work does not remember the step");
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn case(n: u128) -> CaseName {
        CaseName::new("lake".parse().expect("a slug"), Uuid::from_u128(n))
    }

    fn entry(sequence: i64, text: &str) -> Entry {
        Entry {
            sequence,
            kind: "PROGRESS".to_owned(),
            status: "INVESTIGATING".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            actor: "li".to_owned(),
            responsible: Some("li".to_owned()),
            offered_to: None,
            text: text.to_owned(),
        }
    }

    /// A history of these texts, of which the first `old` were written without hashes.
    fn written(texts: &[String], old: usize) -> (Vec<Kept>, Head) {
        let mut head = Head::default();
        let mut previous = Vec::new();
        let steps = texts.iter().enumerate().map(|(i, text)| {
            let entry = entry(i64::try_from(i).expect("few") + 1, text);
            previous = hash(&case(1), &previous, &entry);
            let hash = (i >= old).then(|| previous.clone());
            if let Some(hash) = &hash {
                head = Head {
                    count: entry.sequence,
                    hash: hash.clone(),
                };
            }
            Kept { entry, hash }
        });
        let steps = steps.collect();
        (steps, head)
    }

    #[test]
    fn a_step_of_another_case_or_with_parts_that_run_together_hashes_to_something_else() {
        let one = entry(1, "ab");
        assert_ne!(hash(&case(1), &[], &one), hash(&case(2), &[], &one));
        let mut moved = entry(1, "b");
        moved.offered_to = Some("a".to_owned());
        assert_ne!(hash(&case(1), &[], &one), hash(&case(1), &[], &moved));
        let mut swapped = one.clone();
        std::mem::swap(&mut swapped.responsible, &mut swapped.offered_to);
        assert_ne!(hash(&case(1), &[], &one), hash(&case(1), &[], &swapped));
    }

    #[test]
    fn a_step_slipped_in_at_the_end_is_found_even_without_a_hash() {
        let (mut steps, head) = written(&["a".to_owned()], 0);
        steps.push(Kept {
            entry: entry(2, "b"),
            hash: None,
        });
        let broken = first_broken(&case(1), &steps, &head).expect("found");
        assert_eq!(broken.sequence, 2);
    }

    proptest! {
        /// I12: whatever is changed, removed or put in between is found, at the first step concerned where its hash was kept.
        #[test]
        fn i12_a_history_that_was_tampered_with_is_found(
            texts in proptest::collection::vec("[a-z]{1,4}", 2..8),
            old in 0_usize..4,
            at in any::<prop::sample::Index>(),
            how in 0..4,
        ) {
            let old = old.min(texts.len() - 1);
            let (mut steps, head) = written(&texts, old);
            prop_assert_eq!(first_broken(&case(1), &steps, &head), None);
            let at = at.index(steps.len());
            match how {
                0 => steps[at].entry.text.push('!'),
                1 => { steps.remove(at); }
                2 => {
                    let mut twin = steps[at].clone();
                    twin.entry.sequence += 1;
                    steps.insert(at + 1, twin);
                }
                // Taking the hash away hides nothing either: what follows, or the work, remembers it.
                _ => {
                    steps[at].hash = None;
                    steps[at].entry.actor = "somebody".to_owned();
                }
            }
            prop_assert!(first_broken(&case(1), &steps, &head).is_some());
        }
    }
}
