//! The log of an incident as a chain (I12).

use jiff::Timestamp;
use redress_model::name::IncidentName;
use redress_vault::chain::{Link, Parts};

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

impl Link for Entry {
    type Owner = IncidentName;

    fn number(&self) -> i64 {
        self.number
    }

    fn hash(&self, incident: &IncidentName, previous: &[u8]) -> Vec<u8> {
        let mut parts = Parts::default();
        parts.add("redress.incident.log.v1");
        parts.add(previous);
        parts.add(incident.site.as_str());
        parts.add(incident.id.as_bytes());
        parts.add(self.number.to_be_bytes());
        parts.add(&self.kind);
        parts.add(self.at.as_microsecond().to_be_bytes());
        parts.add(&self.actor);
        parts.add(&self.text);
        parts.add(&self.reference);
        parts.finish().to_vec()
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn i12_every_part_of_an_entry_and_whose_it_is_are_under_its_hash() {
        let one = entry(1, "ab");
        let of = |incident: &IncidentName, entry: &Entry| entry.hash(incident, &[]);
        let own = of(&incident(1), &one);
        assert_ne!(own, of(&incident(2), &one));
        assert_ne!(own, one.hash(&incident(1), &own));
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
}
