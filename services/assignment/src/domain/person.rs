//! Who did something, as far as "somebody else" depends on it (M03): a person, whatever token they come with.

use redress_model::name::StaffName;
use serde::{Deserialize, Serialize};

/// A caller: the subject of a token, and the member of staff who holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Token subject.
    pub subject: String,
    /// Who it is; none for callers who are no staff.
    pub staff: Option<StaffName>,
}

impl Person {
    /// A service, which acts by itself and is nobody of the staff.
    pub fn service(name: &str) -> Self {
        Self {
            subject: name.to_owned(),
            staff: None,
        }
    }

    /// Whether both are one person: two tokens of one member of staff are.
    pub fn is(&self, other: &Self) -> bool {
        self.subject == other.subject || self.staff.is_some() && self.staff == other.staff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(subject: &str, staff: Option<&str>) -> Person {
        Person {
            subject: subject.to_owned(),
            staff: staff.map(|s| format!("sites/lakeside/staff/{s}").parse().expect("a name")),
        }
    }

    #[test]
    fn m03_two_tokens_of_one_member_of_staff_are_one_person() {
        let first = person("hz1", Some("eng-one"));
        assert!(first.is(&person("hz2", Some("eng-one"))));
        assert!(first.is(&person("hz1", None)));
        assert!(!first.is(&person("hz2", Some("eng-two"))));
        assert!(!person("a", None).is(&person("b", None)), "two of no staff");
    }
}
