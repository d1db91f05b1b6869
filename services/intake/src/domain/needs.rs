//! What a complainant needs (M15): what they say, what a handler found, and which vulnerable persons are concerned. It moves no
//! grade; it tells whoever handles the case what to look after.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::text::is_blank;
use redress_model::{Fault, words};
use redress_proto::convert::{from_timestamp, from_wire, to_timestamp, to_wire};
use redress_proto::intake::v1 as pb;

use super::check::Check;

/// Longest need, in characters.
const NEED_LENGTH_MAX: usize = 1_000;

words! {
    /// People who are harmed sooner than others (M15).
    VulnerableGroup, "VULNERABLE_GROUP_" {
        /// Children.
        Children = 1 => "CHILDREN",
        /// Elderly people.
        Elderly = 2 => "ELDERLY",
        /// People with a disability.
        Disabled = 3 => "DISABLED",
        /// Pregnant women.
        Pregnant = 4 => "PREGNANT",
    }
}

impl VulnerableGroup {
    /// What a handler looks after.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Children => {
                "children: ask first whether they are safe and can sleep at home; discuss nothing heated in front of them"
            }
            Self::Elderly => {
                "elderly: speak slowly, say each step again, offer to come, and ask whom of the family to tell as well"
            }
            Self::Disabled => {
                "disabled: ask what it takes to reach, hear or read us; visits and repairs keep the way in and out free"
            }
            Self::Pregnant => {
                "pregnant: keep dust, fumes and noise away, and ask before each visit whether the time suits"
            }
        }
    }
}

/// What is known of the needs of a case. `Debug` shows none of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// In the complainant's words.
    pub stated: String,
    /// As a handler found it; empty until somebody did.
    pub real: String,
    /// Who found it, and when.
    pub found: Option<(String, Timestamp)>,
    /// Who is concerned beside, or is, the complainant.
    pub vulnerable: BTreeSet<VulnerableGroup>,
}

impl std::fmt::Debug for Needs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Needs")
    }
}

impl Needs {
    /// Parses what a caller says of them.
    pub fn parse(check: &mut Check, field: &str, wire: &pb::Needs) -> Self {
        let mut vulnerable = BTreeSet::new();
        for (i, number) in wire.vulnerable_groups.iter().enumerate() {
            vulnerable.extend(check.required_word::<VulnerableGroup>(
                &format!("{field}.vulnerable_groups[{i}]"),
                *number,
            ));
        }
        Self {
            stated: need(check, format!("{field}.stated"), &wire.stated),
            real: need(check, format!("{field}.real"), &wire.real),
            found: None,
            vulnerable,
        }
    }

    /// Parses what is said at receipt, when nobody has found out anything yet.
    pub fn at_receipt(check: &mut Check, wire: Option<&pb::Needs>) -> Self {
        let Some(wire) = wire else {
            return Self::default();
        };
        if !wire.real.is_empty() {
            check.wrong("needs.real", "must be empty; a handler finds it later");
        }
        Self::parse(check, "needs", wire)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same, where the real need is as it was with who found it then, else found by this person now.
    #[must_use]
    pub fn found_by(mut self, before: &Self, finder: &str, now: Timestamp) -> Self {
        self.found = if self.real == before.real {
            before.found.clone()
        } else {
            (!self.real.is_empty()).then(|| (finder.to_owned(), now))
        };
        self
    }

    /// Which parts are other than before, by their paths.
    pub fn changed(&self, before: &Self) -> Vec<&'static str> {
        let parts = [
            ("needs.stated", self.stated != before.stated),
            ("needs.real", self.real != before.real),
            (
                "needs.vulnerable_groups",
                self.vulnerable != before.vulnerable,
            ),
        ];
        let changed = parts.into_iter().filter(|(_, is_other)| *is_other);
        changed.map(|(path, _)| path).collect()
    }

    /// As it is sealed.
    pub fn to_wire(&self) -> pb::Needs {
        let found = self.found.as_ref();
        pb::Needs {
            stated: self.stated.clone(),
            real: self.real.clone(),
            finder: found.map_or_else(String::new, |(finder, _)| finder.clone()),
            find_time: found.map(|(_, at)| to_timestamp(*at)),
            vulnerable_groups: self.vulnerable.iter().map(|g| to_wire(*g)).collect(),
            advice: Vec::new(),
        }
    }

    /// From what was sealed.
    ///
    /// # Errors
    /// When it is not what this service sealed.
    pub fn from_sealed(wire: pb::Needs) -> Result<Self, Fault> {
        let found = wire
            .find_time
            .as_ref()
            .map(|at| from_timestamp("needs.find_time", at))
            .transpose()
            .map_err(Fault::internal)?;
        Ok(Self {
            stated: wire.stated,
            real: wire.real,
            found: found.map(|at| (wire.finder, at)),
            // A group of a newer release is left out.
            vulnerable: wire
                .vulnerable_groups
                .into_iter()
                .filter_map(from_wire)
                .collect(),
        })
    }

    /// For whoever handles the case: with what to look after.
    pub fn to_handler(&self) -> pb::Needs {
        let advice = self.vulnerable.iter().map(|g| g.advice().to_owned());
        pb::Needs {
            advice: advice.collect(),
            ..self.to_wire()
        }
    }

    /// For others: what they said themselves. What the company made of it stays inside.
    pub fn as_said(&self) -> pb::Needs {
        pb::Needs {
            stated: self.stated.clone(),
            vulnerable_groups: self.vulnerable.iter().map(|g| to_wire(*g)).collect(),
            ..pb::Needs::default()
        }
    }
}

/// A need, where one is given. Whoever found one that nobody sees would have found none.
fn need(check: &mut Check, field: String, text: &str) -> String {
    if !text.is_empty() && is_blank(text) {
        check.wrong(
            field,
            "must say something: a reader sees none of its characters",
        );
        return String::new();
    }
    check.lines(field, text, 0, NEED_LENGTH_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(real: &str) -> Needs {
        Needs {
            real: real.to_owned(),
            ..Needs::default()
        }
    }

    #[test]
    fn m15_who_found_the_real_need_is_kept_until_somebody_finds_another() {
        let (first, later) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let found = needs("quiet").found_by(&Needs::default(), "li", first);
        assert_eq!(found.found, Some(("li".to_owned(), first)));
        let same = needs("quiet").found_by(&found, "wang", later);
        assert_eq!(same, found);
        let other = needs("sleep").found_by(&found, "wang", later);
        assert_eq!(other.found, Some(("wang".to_owned(), later)));
        assert_eq!(needs("").found_by(&found, "wang", later).found, None);
    }

    #[test]
    fn m15_a_text_that_nobody_sees_is_no_need() {
        let wire = pb::Needs {
            stated: "\u{200b}".to_owned(),
            real: " \u{3164}".to_owned(),
            ..pb::Needs::default()
        };
        let mut check = Check::new();
        Needs::parse(&mut check, "needs", &wire);
        let fault = check.finish().expect_err("both are wrong").to_string();
        for field in ["needs.stated", "needs.real"] {
            assert!(fault.contains(field), "{fault}");
        }
        let mut check = Check::new();
        Needs::parse(&mut check, "needs", &pb::Needs::default());
        check.finish().expect("neither is given");
    }

    #[test]
    fn m15_every_vulnerable_group_has_advice_that_handlers_alone_read() {
        let needs = Needs {
            stated: "a lift that works".to_owned(),
            real: "to get to the clinic".to_owned(),
            found: Some(("li".to_owned(), Timestamp::UNIX_EPOCH)),
            vulnerable: VulnerableGroup::ALL.iter().copied().collect(),
        };
        assert_eq!(needs.to_handler().advice.len(), VulnerableGroup::ALL.len());
        let said = needs.as_said();
        assert!(said.real.is_empty() && said.finder.is_empty() && said.advice.is_empty());
        assert_eq!(said.vulnerable_groups, [1, 2, 3, 4]);
        assert_eq!(Needs::from_sealed(needs.to_wire()).expect("ours"), needs);
    }
}
