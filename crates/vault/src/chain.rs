//! Chains of hashes (I12): what is only ever added to is hashed entry over entry, so that whatever is changed, removed or put
//! in between is found.
//!
//! The hash of an entry covers the hash before, whose chain it is, where it stands and what it says, in the words that are
//! kept. Entries of a release that kept no hashes have none: the next one that is added hashes over them, so that from then
//! on they cannot be changed either.

use sha2::{Digest as _, Sha256};

/// A hash over parts. The length of each goes before it, so that no two lists of parts run together to the same bytes.
#[derive(Debug, Clone, Default)]
pub struct Parts(Sha256);

impl Parts {
    /// Goes on over a part.
    pub fn add(&mut self, part: impl AsRef<[u8]>) {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    /// The hash.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// An entry of a chain, in the words that are kept.
pub trait Link {
    /// Whose chain it is.
    type Owner;

    /// Where it stands, from 1.
    fn number(&self) -> i64;

    /// Its hash after the one with the hash `previous`; empty for the first.
    fn hash(&self, owner: &Self::Owner, previous: &[u8]) -> Vec<u8>;
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<E> {
    /// What it says.
    pub entry: E,
    /// The hash it was written with; none of an older release.
    pub hash: Option<Vec<u8>>,
}

/// What the owner of a chain remembers of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The last entry that was hashed; 0 where none was.
    pub count: i64,
    /// Its hash; empty where none was.
    pub hash: Vec<u8>,
}

impl Head {
    /// Goes on over an entry.
    pub fn over<E: Link>(&mut self, owner: &E::Owner, entry: &E) {
        self.hash = entry.hash(owner, &self.hash);
        self.count = entry.number();
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

/// Walks a chain in order and holds every entry against its hash and against what its owner remembers.
pub fn first_broken<E: Link>(owner: &E::Owner, chain: &[Kept<E>], head: &Head) -> Option<Broken> {
    let broken = |number, finding| Some(Broken { number, finding });
    let mut walked = Head::default();
    for kept in chain {
        let number = walked.count + 1;
        if kept.entry.number() != number {
            return broken(number, "the entry is missing");
        }
        walked.over(owner, &kept.entry);
        if kept.hash.as_ref().is_some_and(|hash| *hash != walked.hash) {
            return broken(number, "the entry was changed, or one before it");
        }
        if number == head.count && walked.hash != head.hash {
            return broken(number, "another entry is remembered here");
        }
    }
    if walked.count < head.count {
        return broken(walked.count + 1, "entries are missing at the end");
    }
    if head.count > 0 && walked.count > head.count {
        // A release without hashes adds entries that nobody remembers, should nothing be added after them.
        let rest = usize::try_from(head.count).unwrap_or(usize::MAX);
        let finding = if chain.iter().skip(rest).all(|kept| kept.hash.is_none()) {
            "the entry is not remembered: it slipped in, or an older release wrote it during an update"
        } else {
            "the entry is not remembered"
        };
        return broken(head.count + 1, finding);
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Entry {
        number: i64,
        text: String,
    }

    impl Link for Entry {
        type Owner = u8;

        fn number(&self) -> i64 {
            self.number
        }

        fn hash(&self, owner: &u8, previous: &[u8]) -> Vec<u8> {
            let mut parts = Parts::default();
            parts.add(previous);
            parts.add([*owner]);
            parts.add(self.number.to_be_bytes());
            parts.add(&self.text);
            parts.finish().to_vec()
        }
    }

    fn entry(number: i64, text: &str) -> Entry {
        Entry {
            number,
            text: text.to_owned(),
        }
    }

    /// A chain of these texts, of which the first `old` were written without hashes.
    fn written(texts: &[String], old: usize) -> (Vec<Kept<Entry>>, Head) {
        let (mut walked, mut head) = (Head::default(), Head::default());
        let mut chain = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            let entry = entry(walked.count + 1, text);
            walked.over(&1, &entry);
            let hash = (i >= old).then(|| walked.hash.clone());
            if hash.is_some() {
                head = walked.clone();
            }
            chain.push(Kept { entry, hash });
        }
        (chain, head)
    }

    #[test]
    fn parts_that_run_together_hash_to_something_else() {
        let of = |parts: &[&str]| {
            let mut all = Parts::default();
            for part in parts {
                all.add(part);
            }
            all.finish()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab"]), of(&["ab", ""]));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
    }

    #[test]
    fn i12_an_entry_slipped_in_at_the_end_is_found_even_without_a_hash() {
        let (mut chain, head) = written(&["a".to_owned()], 0);
        chain.push(Kept {
            entry: entry(2, "b"),
            hash: None,
        });
        let broken = first_broken(&1, &chain, &head).expect("found");
        assert_eq!(broken.number, 2);
        assert!(broken.finding.contains("older release"), "{broken:?}");
        chain[1].hash = Some(chain[1].entry.hash(&1, &head.hash));
        let broken = first_broken(&1, &chain, &head).expect("found");
        assert_eq!(
            (broken.number, broken.finding),
            (2, "the entry is not remembered")
        );
    }

    proptest! {
        /// I12: whatever is changed, removed or put in between is found.
        #[test]
        fn i12_a_chain_that_was_tampered_with_is_found(
            texts in proptest::collection::vec("[a-z]{1,4}", 2..8),
            old in 0_usize..4,
            at in any::<prop::sample::Index>(),
            how in 0..4,
        ) {
            let old = old.min(texts.len() - 1);
            let (mut chain, head) = written(&texts, old);
            prop_assert_eq!(first_broken(&1, &chain, &head), None);
            prop_assert!(first_broken(&2, &chain, &head).is_some(), "of another owner");
            let at = at.index(chain.len());
            match how {
                0 => chain[at].entry.text.push('!'),
                1 => { chain.remove(at); }
                2 => {
                    let mut twin = chain[at].clone();
                    twin.entry.number += 1;
                    chain.insert(at + 1, twin);
                }
                // Taking the hash away hides nothing either: what follows, or the owner, remembers it.
                _ => {
                    chain[at].hash = None;
                    chain[at].entry.text.push('!');
                }
            }
            let broken = first_broken(&1, &chain, &head);
            prop_assert!(broken.is_some());
            if how == 0 && at >= old {
                let number = i64::try_from(at).expect("few") + 1;
                prop_assert_eq!(broken.map(|b| b.number), Some(number), "at its own place");
            }
        }
    }
}
