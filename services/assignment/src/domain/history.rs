//! The chain of the history of the work on a case (I12).

use jiff::Timestamp;
use redress_model::name::CaseName;
use redress_vault::chain::{Link, Parts};

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

impl Link for Entry {
    type Owner = CaseName;

    fn number(&self) -> i64 {
        self.sequence
    }

    fn hash(&self, case: &CaseName, previous: &[u8]) -> Vec<u8> {
        let mut parts = Parts::default();
        parts.add("redress.work.step.v1");
        parts.add(previous);
        parts.add(case.site.as_str());
        parts.add(case.id.as_bytes());
        parts.add(self.sequence.to_be_bytes());
        parts.add(&self.kind);
        parts.add(&self.status);
        parts.add(self.at.as_microsecond().to_be_bytes());
        parts.add(&self.actor);
        for person in [&self.responsible, &self.offered_to] {
            parts.add(person.as_deref().unwrap_or_default());
        }
        parts.add(&self.text);
        parts.finish().to_vec()
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_step_of_another_case_or_with_parts_that_run_together_hashes_to_something_else() {
        let one = entry(1, "ab");
        assert_ne!(one.hash(&case(1), &[]), one.hash(&case(2), &[]));
        let mut moved = entry(1, "b");
        moved.offered_to = Some("a".to_owned());
        assert_ne!(one.hash(&case(1), &[]), moved.hash(&case(1), &[]));
        let mut swapped = one.clone();
        std::mem::swap(&mut swapped.responsible, &mut swapped.offered_to);
        assert_ne!(one.hash(&case(1), &[]), swapped.hash(&case(1), &[]));
    }
}
