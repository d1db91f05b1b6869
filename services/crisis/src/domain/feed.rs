//! What is signed of an entry of the public feed: everything that a reader sees of it (I7). Entries are never written anew,
//! so what was signed in an earlier form is verified in that form.

use jiff::Timestamp;
use redress_model::name::{SiteId, StatementName};
use redress_vault::chain::Parts;

use super::statement::Digest;
use super::words::{Audience, StatementKind};

/// Begins what is hashed since kind, audience and time are; no site is called so.
const WHOLE: &str = "redress.statement.feed/2";

/// What the hash of an entry covers. The signature says which form it is; one that says nothing is of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Number, hash before, digest, language and text.
    Words,
    /// Also the statement, its kind and audience, what it supersedes, and when it was published.
    Whole,
}

impl Form {
    /// In which entries are written.
    pub const NEWEST: Self = Self::Whole;

    /// As a signature says it.
    pub fn number(self) -> u8 {
        match self {
            Self::Words => 1,
            Self::Whole => 2,
        }
    }

    /// What a signature says; none of a release that is not known yet.
    pub fn of(number: Option<u8>) -> Option<Self> {
        match number {
            None | Some(1) => Some(Self::Words),
            Some(2) => Some(Self::Whole),
            Some(_) => None,
        }
    }
}

/// An entry as everybody reads it.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// Whose feed.
    pub site: &'a SiteId,
    /// Counts from 1 within the site.
    pub number: i64,
    /// Hash of the entry before; empty for the first.
    pub previous: &'a [u8],
    /// As exactly what it left.
    pub digest: &'a [u8],
    /// The statement.
    pub statement: &'a StatementName,
    /// What it is for.
    pub kind: StatementKind,
    /// To whom it speaks.
    pub audience: Audience,
    /// BCP 47.
    pub language: &'a str,
    /// The words.
    pub text: &'a str,
    /// The entry whose place it takes; 0 where none.
    pub supersedes_number: i64,
    /// When; to the microsecond.
    pub published: Timestamp,
}

/// Hash of an entry. Every part is preceded by its length; numbers are decimal.
pub fn hash(form: Form, said: &Said<'_>) -> Digest {
    let mut parts = Parts::default();
    let mut part = |bytes: &[u8]| parts.add(bytes);
    if form == Form::Whole {
        part(WHOLE.as_bytes());
    }
    part(said.site.as_str().as_bytes());
    part(said.number.to_string().as_bytes());
    part(said.previous);
    part(said.digest);
    if form == Form::Whole {
        part(said.statement.to_string().as_bytes());
        part(said.kind.word().as_bytes());
        part(said.audience.word().as_bytes());
    }
    part(said.language.as_bytes());
    part(said.text.as_bytes());
    if form == Form::Whole {
        part(said.supersedes_number.to_string().as_bytes());
        part(said.published.as_microsecond().to_string().as_bytes());
    }
    parts.finish()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn site() -> SiteId {
        "lake".parse().expect("a slug")
    }

    fn statement(n: u128) -> StatementName {
        StatementName::new(site(), Uuid::from_u128(n))
    }

    fn said<'a>(site: &'a SiteId, statement: &'a StatementName) -> Said<'a> {
        Said {
            site,
            number: 2,
            previous: &[1; 32],
            digest: &[2; 32],
            statement,
            kind: StatementKind::Holding,
            audience: Audience::Public,
            language: "zh-CN",
            text: "我们已到现场。",
            supersedes_number: 0,
            published: Timestamp::from_microsecond(1_772_430_000_000_001).expect("an instant"),
        }
    }

    /// Computed by another program from what the documents say.
    #[test]
    fn i7_an_entry_of_either_form_hashes_to_what_anybody_computes() {
        let (site, statement) = (site(), statement(7));
        let said = said(&site, &statement);
        assert_eq!(
            hex::encode(hash(Form::Words, &said)),
            "f05c65942f7f40e7bb69267714496234eb4f0746b7676290232eb28ec329f582"
        );
        assert_eq!(
            hex::encode(hash(Form::Whole, &said)),
            "f0e69079f472c38c77e6e6ed44cd5ff03972f89a23b967614e6500ea525e0256"
        );
    }

    #[test]
    fn i7_nothing_that_a_reader_sees_of_an_entry_changes_unseen() {
        let (site, name, other) = (site(), statement(7), statement(8));
        let elsewhere: SiteId = "hill".parse().expect("a slug");
        let said = said(&site, &name);
        let later = Timestamp::from_microsecond(1_772_430_000_000_002).expect("an instant");
        let tampered = [
            (
                "site",
                Said {
                    site: &elsewhere,
                    ..said
                },
            ),
            ("number", Said { number: 3, ..said }),
            (
                "hash before",
                Said {
                    previous: &[],
                    ..said
                },
            ),
            (
                "digest",
                Said {
                    digest: &[3; 32],
                    ..said
                },
            ),
            (
                "statement",
                Said {
                    statement: &other,
                    ..said
                },
            ),
            (
                "kind",
                Said {
                    kind: StatementKind::Clarification,
                    ..said
                },
            ),
            (
                "audience",
                Said {
                    audience: Audience::Media,
                    ..said
                },
            ),
            (
                "language",
                Said {
                    language: "en",
                    ..said
                },
            ),
            (
                "text",
                Said {
                    text: "我们已到场。",
                    ..said
                },
            ),
            (
                "superseded entry",
                Said {
                    supersedes_number: 1,
                    ..said
                },
            ),
            (
                "time",
                Said {
                    published: later,
                    ..said
                },
            ),
        ];
        for (what, tampered) in tampered {
            assert_ne!(
                hash(Form::Whole, &said),
                hash(Form::Whole, &tampered),
                "{what}"
            );
        }
        assert_ne!(hash(Form::Whole, &said), hash(Form::Words, &said));
    }

    #[test]
    fn a_signature_without_a_form_is_of_the_first_and_one_to_come_is_not_guessed() {
        assert_eq!(Form::of(None), Some(Form::Words));
        for form in [Form::Words, Form::Whole] {
            assert_eq!(Form::of(Some(form.number())), Some(form));
        }
        assert_eq!(Form::of(Some(Form::NEWEST.number() + 1)), None);
        assert_eq!(Form::of(Some(0)), None);
    }
}
