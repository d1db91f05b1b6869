//! Notices to the owners of a site (M19): how one moves from a draft to the owners, who may approve it, and what an
//! approval is bound to.

use redress_model::text::is_blank;
use redress_model::words::Category;
use redress_model::{Fault, words};
use redress_vault::chain::Parts;
use uuid::Uuid;

use super::labels;
use super::texts::Source;
use super::words::{Language, Template};

words! {
    /// Where a notice stands.
    NoticeState, "NOTICE_STATE_" {
        /// Is being written.
        Draft = 1 => "DRAFT",
        /// Waits for somebody else's approval.
        Submitted = 2 => "SUBMITTED",
        /// Somebody else said no.
        Rejected = 3 => "REJECTED",
        /// Approved: messages are being made.
        Approved = 4 => "APPROVED",
        /// Every owner has a message.
        Released = 5 => "RELEASED",
        /// Taken back.
        Withdrawn = 6 => "WITHDRAWN",
    }
}

words! {
    /// What a reviewer said.
    NoticeVerdict, "NOTICE_VERDICT_" {
        /// It may go out exactly so.
        Approved = 1 => "APPROVED",
        /// It may not.
        Rejected = 2 => "REJECTED",
    }
}

/// Most owners on a list (own).
pub const LISTED_MAX: i64 = 20_000;

/// What somebody does with a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Changes texts, audience or list.
    Edit,
    /// Hands it over for approval.
    Submit,
    /// Says that it may go out.
    Approve,
    /// Says that it may not.
    Reject,
    /// Takes it back.
    Withdraw,
}

impl Act {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Edit, "edit"),
        (Self::Submit, "submit"),
        (Self::Approve, "approve"),
        (Self::Reject, "reject"),
        (Self::Withdraw, "withdraw"),
    ];
}

/// Where an act leads; none where the state does not allow it.
fn target(state: NoticeState, act: Act) -> Option<NoticeState> {
    use NoticeState::{Approved, Draft, Rejected, Released, Submitted, Withdrawn};
    match (state, act) {
        (Draft | Submitted | Rejected, Act::Edit) => Some(Draft),
        (Draft, Act::Submit) => Some(Submitted),
        (Submitted, Act::Approve) => Some(Approved),
        (Submitted, Act::Reject) => Some(Rejected),
        (Withdrawn, _) => None,
        (_, Act::Withdraw) => Some(Withdrawn),
        (Approved | Released, Act::Edit)
        | (Submitted | Rejected | Approved | Released, Act::Submit)
        | (Draft | Rejected | Approved | Released, Act::Approve | Act::Reject) => None,
    }
}

/// Where an act leads.
///
/// # Errors
/// The state does not allow it; says what it allows.
pub fn step(name: &str, state: NoticeState, act: Act) -> Result<NoticeState, Fault> {
    target(state, act).ok_or_else(|| {
        let legal: Vec<&str> = Act::ALL
            .iter()
            .filter(|(act, _)| target(state, *act).is_some())
            .map(|(_, word)| *word)
            .collect();
        let legal = if legal.is_empty() {
            "nothing any more".to_owned()
        } else {
            legal.join(", ")
        };
        Fault::illegal(
            "ILLEGAL_NOTICE_STEP",
            format!("a notice in state {state} allows {legal}"),
            name,
        )
    })
}

/// What is told, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The complaints that it is about.
    pub cluster: Option<Uuid>,
    /// Warns of a danger.
    pub danger: bool,
    /// Tells the people known from cases too.
    pub include_known: bool,
    /// For those who read Chinese.
    pub chinese: Source,
    /// For those who read English.
    pub english: Source,
    /// Which state of the uploaded list.
    pub list_revision: i32,
}

impl Content {
    /// The text in a language.
    pub fn text(&self, language: Language) -> &Source {
        match language {
            Language::Chinese => &self.chinese,
            Language::English => &self.english,
        }
    }

    /// Whether a text is missing.
    pub fn is_unwritten(&self) -> bool {
        [&self.chinese, &self.english]
            .iter()
            .any(|text| is_blank(&text.subject) || is_blank(&text.body))
    }

    /// By which message it is told.
    pub fn template(&self) -> Template {
        if self.danger {
            Template::SafetyNotice
        } else {
            Template::NoticeOwners
        }
    }

    /// What an approval is bound to: all of the above, each part preceded by its length, so that no two contents
    /// share one.
    pub fn digest(&self, site: &str, notice: Uuid) -> [u8; 32] {
        let mut parts = Parts::default();
        let mut part = |bytes: &[u8]| parts.add(bytes);
        part(site.as_bytes());
        part(notice.as_bytes());
        part(
            self.cluster
                .as_ref()
                .map_or(&[][..], |id| &id.as_bytes()[..]),
        );
        part(&[u8::from(self.danger), u8::from(self.include_known)]);
        for text in [&self.chinese, &self.english] {
            part(text.subject.as_bytes());
            part(text.body.as_bytes());
        }
        part(&self.list_revision.to_be_bytes());
        parts.finish()
    }
}

/// A text to begin with, of a defect that was accepted: promises nothing, so that whoever knows the defect has to say
/// what is done about it.
pub fn draft(category: Option<Category>, language: Language) -> Source {
    let about = category.map_or("", |category| labels::category(category, language));
    let (subject, body) = match language {
        Language::Chinese => (
            format!("请查看家中是否有同类情况（{about}）"),
            format!(
                "多户业主反映了同一类情况，涉及{about}。您家可能也会遇到，所以先告诉您。\n\n请您查看家中是否有类似情况；如有，请告诉我们，我们登记后与您约时间上门查看。"
            ),
        ),
        Language::English => (
            format!("Please check your home ({about})"),
            format!(
                "Several owners have told us of one and the same issue with {about}. Your home may have it too, so we tell you before you find it.\n\nPlease have a look. If you see it, tell us: we put it on record and agree with you on a time to come."
            ),
        ),
    };
    Source { subject, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        Content {
            cluster: Some(Uuid::from_u128(7)),
            danger: false,
            include_known: true,
            chinese: draft(Some(Category::EngineeringQuality), Language::Chinese),
            english: draft(Some(Category::EngineeringQuality), Language::English),
            list_revision: 1,
        }
    }

    #[test]
    fn m19_a_notice_reaches_owners_only_by_submission_and_approval() {
        use NoticeState::{Approved, Draft, Rejected, Submitted, Withdrawn};
        for state in NoticeState::ALL {
            for (act, word) in Act::ALL {
                let to = target(*state, act);
                let legal = match (*state, act) {
                    (Draft | Submitted | Rejected, Act::Edit) => Some(Draft),
                    (Draft, Act::Submit) => Some(Submitted),
                    (Submitted, Act::Approve) => Some(Approved),
                    (Submitted, Act::Reject) => Some(Rejected),
                    (from, Act::Withdraw) if from != Withdrawn => Some(Withdrawn),
                    _ => None,
                };
                assert_eq!(to, legal, "{state} {word}");
            }
        }
        let fault = step("n", Submitted, Act::Submit).unwrap_err();
        assert!(
            fault
                .to_string()
                .contains("edit, approve, reject, withdraw"),
            "{fault}"
        );
    }

    #[test]
    fn m19_an_approval_is_bound_to_every_part_of_what_was_read() {
        let of = |c: &Content| c.digest("lake", Uuid::from_u128(1));
        let read = content();
        assert_eq!(of(&read), of(&content()));
        let mut others = vec![read.clone(); 9];
        others[0].cluster = None;
        others[1].danger = true;
        others[2].include_known = false;
        others[3].chinese.subject.push('。');
        others[4].chinese.body.push('。');
        others[5].english.subject.push('.');
        others[6].english.body.push('.');
        others[7].list_revision = 2;
        // A word that moves from the subject to the body is another text.
        others[8].english.body.insert(0, ')');
        others[8].english.subject.pop();
        for (n, other) in others.iter().enumerate() {
            assert_ne!(of(other), of(&read), "{n}");
        }
        assert_ne!(read.digest("river", Uuid::from_u128(1)), of(&read));
        assert_ne!(read.digest("lake", Uuid::from_u128(2)), of(&read));
    }

    #[test]
    fn m11_the_text_to_begin_with_passes_the_wording_check_in_both_languages() {
        for category in Category::ALL {
            for language in Language::ALL {
                let text = draft(Some(*category), *language);
                let whole = format!("{}\n{}", text.subject, text.body);
                let hits = redress_wording::Checker::built_in()
                    .check(&whole, redress_wording::Audience::Complainant);
                assert!(hits.is_empty(), "{category} {hits:?}");
                assert!(text.subject.chars().count() <= 100);
            }
        }
    }
}
