//! The figures of a text, whether written in digits or in words, and what they count. Two texts that count the same
//! thing differently contradict each other, however they spell it.

mod again;
mod chinese;
mod english;
mod half;
mod harm;
#[cfg(test)]
mod tests;

use again::times_we_speak;
use chinese::{chinese, chinese_share, decimal};
use english::{english, english_share, number_words, point_words, word};
use half::{half, half_alone};
use harm::{LOSSES, clause, ends_in_harm, is_harm, tells_of_harm};

/// A figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// In plain digits: `１，２00`, `一千二百` and `1200` are the same.
    pub number: String,
    /// What it counts; none where that is not told, or nothing that is compared.
    pub counts: Option<Counted>,
    /// A Chinese measure right after it says what it counts, be it nothing that is compared: `3月`, `5天`.
    pub measured: bool,
    /// It is no more than an article: `一名`, `one`.
    pub article: bool,
    /// It belongs to a time of day at which we speak again.
    pub again: bool,
}

/// What is counted in a crisis, and compared from statement to statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// Households.
    Households,
    /// People.
    People,
    /// Buildings.
    Buildings,
    /// Flats.
    Flats,
    /// Vehicles.
    Vehicles,
    /// Complaints and accidents.
    Cases,
}

impl Counted {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Households => "households",
            Self::People => "people",
            Self::Buildings => "buildings",
            Self::Flats => "flats",
            Self::Vehicles => "vehicles",
            Self::Cases => "cases",
        }
    }

    fn of_measure(measure: char) -> Option<Self> {
        match measure {
            '户' => Some(Self::Households),
            '人' | '名' | '位' => Some(Self::People),
            '栋' | '幢' | '座' => Some(Self::Buildings),
            '套' => Some(Self::Flats),
            '辆' => Some(Self::Vehicles),
            '起' | '例' => Some(Self::Cases),
            _ => None,
        }
    }

    fn of_noun(noun: &str) -> Option<Self> {
        match noun {
            "household" | "households" | "home" | "homes" | "family" | "families" => {
                Some(Self::Households)
            }
            "person" | "persons" | "people" | "resident" | "residents" | "owner" | "owners"
            | "injured" | "dead" => Some(Self::People),
            "building" | "buildings" | "tower" | "towers" => Some(Self::Buildings),
            "flat" | "flats" | "apartment" | "apartments" | "unit" | "units" => Some(Self::Flats),
            "vehicle" | "vehicles" | "car" | "cars" => Some(Self::Vehicles),
            "case" | "cases" | "complaint" | "complaints" | "accident" | "accidents" => {
                Some(Self::Cases)
            }
            _ => None,
        }
    }
}

/// Words between an English figure and what it counts: `three more affected households`.
const WORDS_BETWEEN_MAX: usize = 2;

/// What a figure counts by itself, so that it counts no noun behind: `within 48 hours residents`, `on 3 May owners`.
const SPANS: [&str; 22] = [
    "hour",
    "hours",
    "minute",
    "minutes",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Letters after a figure that are looked at for what it counts.
const AFTER_MAX: usize = 80;

/// A piece of a text: a figure, or the letters between two.
enum Piece {
    Figure { number: String, written: Written },
    Letters(String),
}

/// How a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// In digits, or as a share in words.
    Plainly,
    /// As a number in words, which may be no more than an article.
    InWords,
    /// As a half, which counts nothing itself: 300人 and 一半人 contradict each other in nothing.
    AsHalf,
}

/// The figures of a text, in its order.
pub fn figures(text: &str) -> Vec<Figure> {
    let pieces = pieces(text);
    let again = times_we_speak(&pieces);
    let mut found = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        if let Piece::Figure { number, written } = piece {
            let after = match pieces.get(at + 1) {
                Some(Piece::Letters(after)) => after.as_str(),
                _ => "",
            };
            let before = match at.checked_sub(1).and_then(|at| pieces.get(at)) {
                Some(Piece::Letters(before)) => before.as_str(),
                _ => "",
            };
            // The minutes of a time of day count nothing: 15:30起.
            let minutes = at > 1 && before == ":";
            let counts = if minutes || *written == Written::AsHalf {
                None
            } else {
                counted(after)
            };
            // One who died is no article: 一人死亡, 死亡一人.
            let of_people = counts == Some(Counted::People);
            let lost = tells_of_harm(after) || of_people && ends_in_harm(before);
            found.push(Figure {
                number: number.clone(),
                counts,
                measured: *written != Written::AsHalf && is_measured(after),
                article: *written == Written::InWords && number == "1" && !lost,
                again: again.contains(&at),
            });
        }
    }
    found
}

/// A text in which every figure is written in plain digits, for comparing: in lower case and single spaces.
pub fn in_digits(text: &str) -> String {
    let whole: String = pieces(text)
        .into_iter()
        .map(|piece| match piece {
            // Fifty people are another thing than half of them.
            Piece::Figure {
                number,
                written: Written::AsHalf,
            } => format!("{number}%"),
            Piece::Figure { number, .. } => number,
            Piece::Letters(letters) => letters,
        })
        .collect();
    let words: Vec<&str> = whole.split_whitespace().collect();
    words.join(" ")
}

/// Whether two values say the same: in digits they are equal, or one of them is the bare figure of the other.
pub fn agree(one: &str, other: &str) -> bool {
    let numbers = |text: &str| -> Vec<String> {
        figures(text)
            .into_iter()
            .map(|figure| figure.number)
            .collect()
    };
    let (one, other) = (in_digits(one), in_digits(other));
    let (told, repeated) = (numbers(&one), numbers(&other));
    let bare = |text: &str| told.len() == 1 && text == told[0];
    one == other || (told == repeated && (bare(&one) || bare(&other)))
}

/// Letters between a figure and its measure: 三十多人, 十几人, 三个人.
const ABOUT: [char; 5] = ['多', '余', '几', '个', '来'];

/// Whether the letters after a figure begin with a word that it counts by, known or not.
fn is_measured(after: &str) -> bool {
    let next = after.trim_start().chars().next();
    next.is_some_and(|c| !c.is_ascii() && c.is_alphabetic() && !ABOUT.contains(&c))
}

/// What the letters after a figure say that it counts.
fn counted(after: &str) -> Option<Counted> {
    let rest = after.trim_start_matches(|c: char| c == ' ' || ABOUT.contains(&c));
    let measure = rest.chars().next()?;
    if !measure.is_ascii() {
        let lost = LOSSES.iter().any(|loss| rest.starts_with(loss));
        return Counted::of_measure(measure).or(lost.then_some(Counted::People));
    }
    let clause = clause(rest);
    let mut words = clause.split_whitespace();
    if words
        .clone()
        .next()
        .is_some_and(|word| SPANS.contains(&word))
    {
        return None;
    }
    let noun = words
        .by_ref()
        .take(WORDS_BETWEEN_MAX + 1)
        .find_map(Counted::of_noun);
    // Twelve were hurt: people are.
    noun.or_else(|| is_harm(rest, WORDS_BETWEEN_MAX + 2).then_some(Counted::People))
}

/// Full-width letters as plain ones, in lower case.
fn plain(text: &str) -> Vec<char> {
    text.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            '\u{3000}' => ' ',
            other => other,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

fn pieces(text: &str) -> Vec<Piece> {
    let letters = plain(text);
    let whole: String = letters.iter().collect();
    if let Some(number) = half_alone(&whole) {
        let written = Written::AsHalf;
        return vec![Piece::Figure { number, written }];
    }
    if let Some(number) = alone(&letters) {
        let written = Written::InWords;
        return vec![Piece::Figure { number, written }];
    }
    let mut pieces = Vec::new();
    let mut between = String::new();
    let mut at = 0;
    while at < letters.len() {
        let before = at.checked_sub(1).and_then(|b| letters.get(b)).copied();
        let found = digits(&letters[at..])
            .or_else(|| chinese_share(&letters[at..]))
            .or_else(|| english_share(&letters[at..], before))
            .map(|(number, len)| (number, len, Written::Plainly))
            .or_else(|| {
                let (number, len) = half(&between, &letters[at..])?;
                Some((number, len, Written::AsHalf))
            })
            .or_else(|| {
                chinese(&letters[at..], before)
                    .or_else(|| english(&letters[at..], before))
                    .map(|(number, len)| (number, len, Written::InWords))
            });
        match found {
            Some((number, len, written)) => {
                if !between.is_empty() {
                    pieces.push(Piece::Letters(std::mem::take(&mut between)));
                }
                pieces.push(Piece::Figure { number, written });
                at += len;
            }
            None => {
                between.push(letters[at]);
                at += 1;
            }
        }
    }
    if !between.is_empty() {
        pieces.push(Piece::Letters(between));
    }
    pieces
}

/// Texts that are a zero, when they are all that is said.
const NONE: [&str; 7] = ["none", "nobody", "no one", "nil", "无", "没有", "无人"];

/// The number of a text that is nothing else: `三十五`, `twelve`, `none`.
fn alone(letters: &[char]) -> Option<String> {
    let text: String = letters.iter().collect();
    let text = text.trim().trim_end_matches(['.', '。']);
    if NONE.contains(&text) {
        return Some("0".to_owned());
    }
    let letters: Vec<char> = text.chars().collect();
    let (number, len) = match decimal(&letters, false).filter(|n| n.led) {
        Some(n) => (n.number, n.len),
        None => point_words(&letters)
            .or_else(|| number_words(&letters).map(|(n, len)| (n.to_string(), len)))?,
    };
    (len == letters.len()).then_some(number)
}

/// A figure in digits at the beginning, and how many letters it takes: thousands separators go, 3万 and `3 thousand`
/// are written out.
fn digits(letters: &[char]) -> Option<(String, usize)> {
    let is_digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    if !is_digit(0) {
        return None;
    }
    let mut number = String::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        match letter {
            '0'..='9' => number.push(letter),
            '.' if is_digit(at + 1) => number.push('.'),
            ',' if is_digit(at + 1) => {}
            _ => break,
        }
        at += 1;
    }
    let (zeros, len) = magnitude(&letters[at..]);
    Some((shifted(number, zeros), at + len))
}

/// How many zeros a unit after digits adds, and how many letters it takes.
fn magnitude(letters: &[char]) -> (usize, usize) {
    let zeros = |c: &char| match c {
        '百' | '佰' => 2,
        '千' | '仟' => 3,
        '万' | '萬' => 4,
        '亿' | '億' => 8,
        _ => 0,
    };
    let units: Vec<usize> = letters.iter().map(zeros).take_while(|z| *z > 0).collect();
    if !units.is_empty() {
        return (units.iter().sum(), units.len());
    }
    let gap = letters.iter().take_while(|c| **c == ' ').count();
    let word = word(&letters[gap..]);
    let zeros = match word.as_str() {
        "hundred" => 2,
        "thousand" => 3,
        "million" => 6,
        "billion" => 9,
        _ => return (0, 0),
    };
    (zeros, gap + word.len())
}

/// A number in digits with its point moved to the right: 1.2 by four is 12000.
fn shifted(number: String, zeros: usize) -> String {
    let (whole, part) = number.split_once('.').unwrap_or((number.as_str(), ""));
    if zeros == 0 || part.contains('.') {
        return number;
    }
    let (moved, rest) = part.split_at(zeros.min(part.len()));
    let filled = "0".repeat(zeros - moved.len());
    let whole = format!("{whole}{moved}{filled}");
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    match rest.trim_end_matches('0') {
        "" => whole.to_owned(),
        rest => format!("{whole}.{rest}"),
    }
}
