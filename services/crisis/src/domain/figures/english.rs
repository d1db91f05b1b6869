//! Figures in English words: twelve, thirty-five, half a dozen, and nobody who came to harm.

use super::harm::{HARM_WORDS_WITHIN, is_harm};
use super::{AFTER_MAX, WORDS_BETWEEN_MAX, counted, magnitude, shifted};

pub(super) const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
pub(super) const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// The English word at the beginning.
pub(super) fn word(letters: &[char]) -> String {
    let letters = letters.iter().take_while(|c| c.is_ascii_alphabetic());
    letters.collect()
}

/// What an English word below a hundred is worth.
fn small(word: &str) -> Option<u64> {
    let ones = ONES.iter().position(|o| *o == word);
    let tens = || TENS.iter().position(|t| *t == word).map(|n| (n + 2) * 10);
    ones.or_else(tens).and_then(|n| u64::try_from(n).ok())
}

/// English number words at the beginning, whatever follows them: `twelve`, `thirty-five`, `one hundred and twenty`.
pub(super) fn number_words(letters: &[char]) -> Option<(u64, usize)> {
    const HALF: &str = "half a dozen";
    if HALF.chars().eq(letters.iter().copied().take(HALF.len())) {
        return Some((6, HALF.len()));
    }
    let (mut whole, mut part, mut at, mut end) = (0_u64, 0_u64, 0, 0);
    // What is added to the part is less than this.
    let mut room = 100;
    loop {
        let word = word(&letters[at..]);
        let first = end == 0;
        if let Some(n) = small(&word).filter(|n| *n < room && (*n > 0 || first)) {
            part += n;
            room = if n >= 20 { 10 } else { 0 };
        } else if word == "dozen" && whole == 0 && part < 100 {
            part = part.max(1) * 12;
            room = 0;
        } else if word == "hundred" && part < 100 && (part > 0 || first) {
            part = part.max(1) * 100;
            room = 100;
        } else if let Some(times) = thousands(&word).filter(|_| part > 0 || first) {
            whole = whole.saturating_add(part.max(1).saturating_mul(times));
            (part, room) = (0, 100);
        } else {
            break;
        }
        end = at + word.len();
        let gap = |at: usize| {
            letters[at..]
                .iter()
                .take_while(|c| matches!(c, ' ' | '-'))
                .count()
        };
        let between = gap(end);
        if between == 0 {
            break;
        }
        at = end + between;
        if room == 100 && self::word(&letters[at..]) == "and" {
            let and = at + "and".len();
            at = and + gap(and);
        }
    }
    (end > 0).then(|| (whole.saturating_add(part), end))
}

/// English number words with a point at the beginning: `zero point five`, `two point two five`.
pub(super) fn point_words(letters: &[char]) -> Option<(String, usize)> {
    const POINT: &str = " point ";
    let (whole, mut end) = number_words(letters)?;
    let mut at = end + POINT.len();
    if !POINT
        .chars()
        .eq(letters[end..].iter().copied().take(POINT.len()))
    {
        return None;
    }
    let mut part = String::new();
    loop {
        let word = word(&letters[at..]);
        let Some(digit) = ONES[..10].iter().position(|one| *one == word) else {
            break;
        };
        part += &digit.to_string();
        end = at + word.len();
        if letters.get(end) != Some(&' ') {
            break;
        }
        at = end + 1;
    }
    (!part.is_empty()).then(|| (format!("{whole}.{part}"), end))
}

/// Words for a half, before what it is half of.
const HALVES: [&str; 4] = ["half a", "half of a", "half of one", "a half"];

/// A share at the beginning: `one percent`, `half a percent`, `zero point five per cent`. One per cent is no article.
pub(super) fn english_share(letters: &[char], before: Option<char>) -> Option<(String, usize)> {
    if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-') {
        return None;
    }
    let text: String = letters.iter().take(AFTER_MAX).collect();
    let half = HALVES.iter().find(|half| text.starts_with(**half));
    let (number, len) = half
        .map(|half| ("0.5".to_owned(), half.len()))
        .or_else(|| point_words(letters))
        .or_else(|| number_words(letters).map(|(number, len)| (number.to_string(), len)))?;
    // Number words are ASCII.
    let after = text.get(len..)?.trim_start_matches([' ', '-']);
    let is_share = ["percent", "per cent"]
        .iter()
        .any(|share| after.starts_with(share));
    is_share.then_some((number, len))
}

fn thousands(word: &str) -> Option<u64> {
    match word {
        "thousand" => Some(1_000),
        "million" => Some(1_000_000),
        "billion" => Some(1_000_000_000),
        _ => None,
    }
}

/// English number words at the beginning that are a figure: more than one, or one or none that counts something. Nobody who
/// came to harm is a figure too.
pub(super) fn english(letters: &[char], before: Option<char>) -> Option<(String, usize)> {
    if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-') {
        return None;
    }
    if let Some(len) = nobody_in_english(letters) {
        return Some(("0".to_owned(), len));
    }
    if let Some((number, len)) = point_words(letters) {
        let (zeros, more) = magnitude(&letters[len..]);
        return Some((shifted(number, zeros), len + more));
    }
    let (number, len) = number_words(letters)?;
    let after: String = letters[len..].iter().take(AFTER_MAX).collect();
    // twenty-first, one-off.
    if let Some(joined) = after.strip_prefix('-') {
        let joined: Vec<char> = joined.chars().collect();
        let joined = word(&joined);
        let ordinal =
            joined.ends_with("th") || matches!(joined.as_str(), "first" | "second" | "third");
        if ordinal || number == 1 {
            return None;
        }
    }
    let is_figure = number > 1 || counted(&after).is_some();
    is_figure.then(|| (number.to_string(), len))
}

/// Words for nobody, and within how many words after them the harm stands.
const NOBODY_IN_ENGLISH: [(&str, usize); 8] = [
    ("no one", HARM_WORDS_WITHIN),
    ("no-one", HARM_WORDS_WITHIN),
    ("nobody", HARM_WORDS_WITHIN),
    ("none", HARM_WORDS_WITHIN),
    ("not one", HARM_WORDS_WITHIN),
    ("not a single", HARM_WORDS_WITHIN),
    ("no", WORDS_BETWEEN_MAX + 1),
    ("without", WORDS_BETWEEN_MAX + 1),
];

/// How many letters say that nobody came to harm: `no one was hurt`, `without casualties`.
fn nobody_in_english(letters: &[char]) -> Option<usize> {
    let text: String = letters.iter().take(AFTER_MAX).collect();
    NOBODY_IN_ENGLISH.iter().find_map(|&(said, within)| {
        let after = text.strip_prefix(said)?;
        (after.starts_with(' ') && is_harm(after, within)).then_some(said.len())
    })
}
