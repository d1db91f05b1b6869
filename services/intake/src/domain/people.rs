//! Complainants: how they are named, reached and recognised.

use std::collections::BTreeSet;

use redress_proto::intake::v1 as pb;
use redress_vault::{Identity, normalize_email, normalize_phone};

use super::check::Check;

/// Most complainants listed on a case; a bigger crowd is a headcount.
pub const COMPLAINANTS_MAX: usize = 200;

/// A person who complains. Its fields are personal: no `Debug` shows them.
#[derive(Clone, PartialEq)]
pub struct Complainant {
    /// Name; empty where unknown.
    pub display_name: String,
    /// Telephone number, normalised; empty where unknown.
    pub phone: String,
    /// E-mail address, normalised; empty where unknown.
    pub email: String,
    /// Account; empty where unknown.
    pub account: String,
    /// How the person likes to be reached.
    pub way: pb::ContactWay,
    /// `zh-CN`, `en`, or empty for the site's.
    pub language: String,
    /// Where a letter finds the person; empty where unknown.
    pub postal_address: String,
}

impl std::fmt::Debug for Complainant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Complainant").finish_non_exhaustive()
    }
}

impl Complainant {
    fn parse(check: &mut Check, field: &str, wire: &pb::Complainant) -> Self {
        let phone = wire.phone.trim();
        let phone = if phone.is_empty() {
            String::new()
        } else {
            normalize_phone(phone).unwrap_or_else(|e| {
                check.wrong(format!("{field}.phone"), e.to_string());
                String::new()
            })
        };
        let email = check.line(format!("{field}.email"), &wire.email, 0, 254);
        let email = normalize_email(&email);
        if !email.is_empty() && !is_email(&email) {
            check.wrong(format!("{field}.email"), "must look like name@host");
        }
        let way = pb::ContactWay::try_from(wire.preferred_contact_way).unwrap_or_else(|_| {
            check.wrong(
                format!("{field}.preferred_contact_way"),
                "must be a known way",
            );
            pb::ContactWay::Unspecified
        });
        Self {
            display_name: check.line(format!("{field}.display_name"), &wire.display_name, 0, 100),
            phone,
            email,
            account: check.line(format!("{field}.account"), &wire.account, 0, 128),
            way,
            language: parse_language(check, &format!("{field}.language"), &wire.language),
            postal_address: check.line(
                format!("{field}.postal_address"),
                &wire.postal_address,
                0,
                300,
            ),
        }
    }

    /// Parses the list of a case.
    pub fn parse_all(check: &mut Check, wire: &[pb::Complainant]) -> Vec<Self> {
        if wire.len() > COMPLAINANTS_MAX {
            check.wrong(
                "complainants",
                format!("must be at most {COMPLAINANTS_MAX}; give a headcount beyond"),
            );
            return Vec::new();
        }
        wire.iter()
            .enumerate()
            .map(|(i, c)| Self::parse(check, &format!("complainants[{i}]"), c))
            .collect()
    }

    /// What the person is recognised by: the account, else the phone, else the e-mail address, else name and postal
    /// address. Who wrote to us and gave a name alone is somebody too, within the case that `written` names: they
    /// wait for an answer, though nobody finds them again elsewhere (M16).
    pub fn identity(&self, written: Option<&str>) -> Option<Identity> {
        Identity::account(&self.account)
            .or_else(|| Identity::phone(&self.phone).ok())
            .or_else(|| Identity::email(&self.email))
            .or_else(|| Identity::letter(&self.display_name, &self.postal_address))
            .or_else(|| Identity::named(written?, &self.display_name))
    }

    /// As the wire carries it, and as it is sealed.
    pub fn to_wire(&self) -> pb::Complainant {
        pb::Complainant {
            display_name: self.display_name.clone(),
            phone: self.phone.clone(),
            email: self.email.clone(),
            account: self.account.clone(),
            preferred_contact_way: self.way.into(),
            language: self.language.clone(),
            postal_address: self.postal_address.clone(),
        }
    }
}

fn is_email(text: &str) -> bool {
    match text.split_once('@') {
        Some((name, host)) => {
            !name.is_empty()
                && !host.is_empty()
                && !host.contains('@')
                && !text.chars().any(char::is_whitespace)
        }
        None => false,
    }
}

/// `zh-CN`, `en` or empty.
pub fn parse_language(check: &mut Check, field: &str, text: &str) -> String {
    match text {
        "" | "zh-CN" | "en" => text.to_owned(),
        _ => {
            check.wrong(field, "must be zh-CN or en");
            String::new()
        }
    }
}

/// Distinct people of a list: equal tokens are one person, each without a token is one more.
pub fn distinct(tokens: &[Option<String>]) -> usize {
    let known: BTreeSet<&str> = tokens.iter().flatten().map(String::as_str).collect();
    known.len() + tokens.iter().filter(|t| t.is_none()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(wire: pb::Complainant) -> Result<Vec<Complainant>, String> {
        let mut check = Check::new();
        let parsed = Complainant::parse_all(&mut check, &[wire]);
        check.finish().map(|()| parsed).map_err(|f| f.to_string())
    }

    #[test]
    fn a_person_without_anything_is_anonymous() {
        let parsed = parse(pb::Complainant::default()).expect("anonymous");
        assert!(parsed[0].identity(Some("LAKE-1")).is_none());
    }

    #[test]
    fn m16_who_writes_is_somebody_by_name_and_address_or_by_the_name_within_the_case() {
        let person = |name: &str, address: &str| {
            let wire = pb::Complainant {
                display_name: name.to_owned(),
                postal_address: address.to_owned(),
                ..Default::default()
            };
            parse(wire).expect("right").remove(0)
        };
        let lives_here = person("李四", "湖滨路 1 号");
        let again = person("李四", "湖滨路１号");
        assert!(lives_here.identity(None).is_some());
        assert!(lives_here.identity(None) == again.identity(Some("LAKE-2")));
        let name_alone = person("李四", "");
        assert!(
            name_alone.identity(None).is_none(),
            "who spoke was told then and there"
        );
        assert!(name_alone.identity(Some("LAKE-1")) != name_alone.identity(Some("LAKE-2")));
    }

    #[test]
    fn a_wrong_contact_point_names_its_field_and_not_its_value() {
        for (wire, field) in [
            (
                pb::Complainant {
                    phone: "canary".to_owned(),
                    ..Default::default()
                },
                "complainants[0].phone",
            ),
            (
                pb::Complainant {
                    email: "canary".to_owned(),
                    ..Default::default()
                },
                "complainants[0].email",
            ),
            (
                pb::Complainant {
                    language: "canary".to_owned(),
                    ..Default::default()
                },
                "complainants[0].language",
            ),
            (
                pb::Complainant {
                    display_name: "canary\u{7}".to_owned(),
                    ..Default::default()
                },
                "complainants[0].display_name",
            ),
        ] {
            let fault = parse(wire).expect_err("wrong");
            assert!(
                fault.starts_with(field) && !fault.contains("canary"),
                "{fault}"
            );
        }
    }

    #[test]
    fn the_same_person_listed_twice_counts_once_and_each_anonymous_one_counts() {
        let t = |s: &str| Some(s.to_owned());
        assert_eq!(distinct(&[t("a"), t("a"), t("b"), None, None]), 4);
        assert_eq!(distinct(&[]), 0);
    }
}
