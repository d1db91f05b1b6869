//! Hints on how to speak with a complainant (M14): what they seem to want, how they seem to speak, and what that advises. They
//! are guesses of whoever handles the case and are never said where anybody else reads: no `Debug` shows them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use redress_model::words;
use redress_model::words::Word;
use serde::Deserialize;

words! {
    /// What a complaint seems to be made for.
    Motive, "MOTIVE_" {
        /// To have a loss made good.
        Compensation = 1 => "COMPENSATION",
        /// To be heard.
        Venting = 2 => "VENTING",
        /// To be treated with respect.
        Respect = 3 => "RESPECT",
        /// Not to be liable for what went wrong on their own side.
        EvadingOwnLiability = 4 => "EVADING_OWN_LIABILITY",
        /// To oppose the company.
        Hostility = 5 => "HOSTILITY",
        /// Several of these.
        Mixed = 6 => "MIXED",
    }
}

words! {
    /// How a complainant seems to speak: one of four styles, or one of four temperaments.
    CommunicationStyle, "COMMUNICATION_STYLE_" {
        /// By facts and in order.
        Analytical = 1 => "ANALYTICAL",
        /// To the point, deciding.
        Driving = 2 => "DRIVING",
        /// By feelings, openly.
        Expressive = 3 => "EXPRESSIVE",
        /// Gently, avoiding quarrel.
        Amiable = 4 => "AMIABLE",
        /// Quick and direct.
        Choleric = 5 => "CHOLERIC",
        /// Lively and sociable.
        Sanguine = 6 => "SANGUINE",
        /// Calm and slow to decide.
        Phlegmatic = 7 => "PHLEGMATIC",
        /// Quiet and easily hurt.
        Melancholic = 8 => "MELANCHOLIC",
    }
}

/// The hints of one case. `Debug` shows no word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hints {
    /// What the complaint seems to be made for.
    pub motive: Option<Motive>,
    /// How the complainant seems to speak.
    pub style: Option<CommunicationStyle>,
}

impl std::fmt::Debug for Hints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hints").finish_non_exhaustive()
    }
}

impl Hints {
    /// What is sealed: the number of each word, so that not even the length tells one from another.
    pub fn to_bytes(self) -> [u8; 2] {
        [number(self.motive), number(self.style)]
    }

    /// What [`to_bytes`](Self::to_bytes) gave; none for anything else. A word of a newer release is left out.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let &[motive, style] = bytes else {
            return None;
        };
        Some(Self {
            motive: Motive::from_number(motive.into()),
            style: CommunicationStyle::from_number(style.into()),
        })
    }
}

fn number<W: Word>(word: Option<W>) -> u8 {
    let number = word.map_or(0, W::number);
    u8::try_from(number).expect("the numbers of the words above are small, as a test shows")
}

/// A text in both languages of the product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Chinese.
    pub zh_cn: String,
    /// English.
    pub en: String,
}

/// What a hint advises.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// How to speak.
    pub speak: Text,
    /// What to avoid.
    pub avoid: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    motives: BTreeMap<Motive, Advice>,
    styles: BTreeMap<CommunicationStyle, Advice>,
}

static BOOK: LazyLock<Book> = LazyLock::new(|| {
    serde_norway::from_str(include_str!("../../hints/advice.yaml"))
        .expect("the advice that is compiled in reads, as a test shows")
});

impl Motive {
    /// How to speak with somebody who wants this.
    pub fn advice(self) -> &'static Advice {
        let advice = BOOK.motives.get(&self);
        advice.expect("every motive has its advice, as a test shows")
    }
}

impl CommunicationStyle {
    /// How to speak with somebody who speaks like this.
    pub fn advice(self) -> &'static Advice {
        let advice = BOOK.styles.get(&self);
        advice.expect("every style has its advice, as a test shows")
    }
}

#[cfg(test)]
mod tests {
    use redress_proto::assignment::v1 as wire;

    use super::*;

    fn has_both_languages(advice: &Advice) -> bool {
        let is_chinese = |text: &str| text.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c));
        [&advice.speak, &advice.avoid]
            .into_iter()
            .all(|text| is_chinese(&text.zh_cn) && !text.en.is_empty() && text.en.is_ascii())
    }

    #[test]
    fn m14_every_motive_and_every_style_has_its_advice_in_both_languages() {
        for motive in Motive::ALL {
            assert!(has_both_languages(motive.advice()), "{motive}");
        }
        for style in CommunicationStyle::ALL {
            assert!(has_both_languages(style.advice()), "{style}");
        }
    }

    #[test]
    fn m14_hints_read_back_from_two_bytes_and_print_no_word() {
        let motives = Motive::ALL.iter().copied().map(Some).chain([None]);
        for motive in motives {
            let styles = CommunicationStyle::ALL.iter().copied().map(Some);
            for style in styles.chain([None]) {
                let hints = Hints { motive, style };
                assert!(Hints::from_bytes(&hints.to_bytes()) == Some(hints));
                assert_eq!(format!("{hints:?}"), "Hints { .. }");
            }
        }
        assert!(Hints::from_bytes(&[1]).is_none());
        assert!(Hints::from_bytes(&[1, 1, 1]).is_none());
    }

    #[test]
    fn m14_the_words_of_hints_are_those_of_the_contract() {
        for motive in Motive::ALL {
            let wire = wire::Motive::try_from(motive.number()).expect("in the contract");
            assert_eq!(wire.as_str_name(), format!("MOTIVE_{motive}"));
        }
        for style in CommunicationStyle::ALL {
            let wire = wire::CommunicationStyle::try_from(style.number()).expect("in the contract");
            let name = format!("COMMUNICATION_STYLE_{style}");
            assert_eq!(wire.as_str_name(), name);
        }
    }
}
