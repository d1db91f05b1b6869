//! Text as it is compared: case, width, style of a letter, spaces, punctuation within a sentence, accents, traditional
//! characters and what nobody sees do not matter. Every byte remembers which piece of the original it came from.

use std::collections::HashMap;
use std::sync::LazyLock;

use redress_model::text::is_invisible;
use unicode_normalization::UnicodeNormalization as _;

/// Stands where a sentence ends; no phrase holds it, so none reaches over.
pub(crate) const BREAK: char = '\u{1}';

/// Traditional characters, each followed by the simplified one (Unicode's transform Hant-Hans).
const TRADITIONAL: &str = include_str!("../simplified.txt");

/// Numerals that stand for another one in a phrase, each followed by the one that they are compared as.
const NUMERALS: &str = "0零1一2二3三4四5五6六7七8八9九〇零壹一贰二弍二叁三參三叄三弎三肆四伍五陆六柒七捌八玖九拾十佰百仟千";

/// Normalised text.
pub(crate) struct Normal {
    /// As it is compared.
    pub(crate) text: String,
    /// For each byte of it the piece of the original, in bytes.
    pieces: Vec<(usize, usize)>,
}

impl Normal {
    /// With numerals as they were written.
    pub(crate) fn of(original: &str) -> Self {
        Self::folded(original, |c| c)
    }

    /// With all numerals of one value alike: a phrase is the same with 一, 壹 and 1.
    pub(crate) fn of_phrase(original: &str) -> Self {
        static FOLDED: LazyLock<HashMap<char, char>> = LazyLock::new(|| pairs(NUMERALS));
        Self::folded(original, |c| FOLDED.get(&c).copied().unwrap_or(c))
    }

    fn folded(original: &str, fold: impl Fn(char) -> char) -> Self {
        let mut normal = Self {
            text: String::with_capacity(original.len()),
            pieces: Vec::with_capacity(original.len()),
        };
        for (at, whole) in original.char_indices() {
            let piece = (at, at + whole.len_utf8());
            // Apart from its accents, which are then no letters.
            for c in std::iter::once(whole).nfkd() {
                if ends_sentence(c) {
                    normal.push(BREAK, piece);
                } else if c == '%' || c.is_alphanumeric() && !is_invisible(c) {
                    for lower in simplified(c).to_lowercase() {
                        normal.push(fold(lower), piece);
                    }
                }
            }
        }
        normal
    }

    fn push(&mut self, c: char, piece: (usize, usize)) {
        self.text.push(c);
        self.pieces.extend(std::iter::repeat_n(piece, c.len_utf8()));
    }

    /// The piece of the original that a stretch of it came from, in bytes. The stretch is not empty.
    pub(crate) fn span(&self, from: usize, to: usize) -> (usize, usize) {
        (self.pieces[from].0, self.pieces[to - 1].1)
    }
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '。' | '!' | '?' | ';' | '\n' | '.' | '…')
}

fn simplified(c: char) -> char {
    static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| pairs(TRADITIONAL));
    if c.is_ascii() {
        return c;
    }
    SIMPLIFIED.get(&c).copied().unwrap_or(c)
}

/// Each first character with the second that follows it.
fn pairs(text: &str) -> HashMap<char, char> {
    let mut characters = text.chars().filter(|c| !c.is_whitespace());
    std::iter::from_fn(|| Some((characters.next()?, characters.next()?))).collect()
}
