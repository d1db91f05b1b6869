//! The figures of a text, whether written in digits or in words, and what they count. Two texts that count the same
//! thing differently contradict each other, however they spell it.

/// A figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// In plain digits: `１，２00`, `一千二百` and `1200` are the same.
    pub number: String,
    /// What it counts; none where that is not told, or nothing that is compared.
    pub counts: Option<Counted>,
    /// It is no more than an article: `一名`, `one`.
    pub article: bool,
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

/// A piece of a text: a figure, or the letters between two.
enum Piece {
    Figure { number: String, spelled: bool },
    Letters(String),
}

/// The figures of a text, in its order.
pub fn figures(text: &str) -> Vec<Figure> {
    let pieces = pieces(text);
    let mut found = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        if let Piece::Figure { number, spelled } = piece {
            let counts = match pieces.get(at + 1) {
                Some(Piece::Letters(after)) => counted(after),
                _ => None,
            };
            found.push(Figure {
                number: number.clone(),
                counts,
                article: *spelled && number == "1",
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

/// What the letters after a figure say that it counts.
fn counted(after: &str) -> Option<Counted> {
    let measure = after
        .chars()
        .find(|c| !matches!(c, ' ' | '多' | '余' | '个'))?;
    if !measure.is_ascii() {
        return Counted::of_measure(measure);
    }
    after
        .split(['.', ',', ';', '!', '?'])
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .take(WORDS_BETWEEN_MAX + 1)
        .find_map(Counted::of_noun)
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
    let mut pieces = Vec::new();
    let mut between = String::new();
    let mut at = 0;
    while at < letters.len() {
        let found = digits(&letters[at..])
            .map(|(number, len)| (number, len, false))
            .or_else(|| {
                let before = at.checked_sub(1).and_then(|b| letters.get(b)).copied();
                chinese(&letters[at..], before)
                    .or_else(|| english(&letters[at..], before))
                    .map(|(number, len)| (number.to_string(), len, true))
            });
        match found {
            Some((number, len, spelled)) => {
                if !between.is_empty() {
                    pieces.push(Piece::Letters(std::mem::take(&mut between)));
                }
                pieces.push(Piece::Figure { number, spelled });
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

/// A figure in digits at the beginning, and how many letters it takes: thousands separators go.
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
    Some((number, at))
}

fn chinese_digit(c: char) -> Option<u64> {
    "零一二三四五六七八九"
        .chars()
        .position(|d| d == c)
        .and_then(|n| u64::try_from(n).ok())
        .or(match c {
            '〇' => Some(0),
            '两' => Some(2),
            _ => None,
        })
}

/// A Chinese numeral at the beginning that counts something: `三户`, `两人`, `一千二百名`. Numerals stand in many words
/// that count nothing, and an ordinal counts nothing either.
fn chinese(letters: &[char], before: Option<char>) -> Option<(u64, usize)> {
    let inside =
        |c: char| chinese_digit(c).is_some() || matches!(c, '十' | '百' | '千' | '万' | '第');
    if before.is_some_and(inside) {
        return None;
    }
    let (mut whole, mut part, mut digit, mut at) = (0_u64, 0_u64, None, 0);
    while let Some(&letter) = letters.get(at) {
        if let Some(d) = chinese_digit(letter) {
            // Digits one after another are no numeral: 二〇二六.
            if digit.is_some_and(|d| d != 0) {
                return None;
            }
            digit = Some(d);
        } else {
            let times = match letter {
                '十' => 10,
                '百' => 100,
                '千' => 1_000,
                '万' => 10_000,
                _ => break,
            };
            if times == 10_000 {
                whole += (part + digit.take().unwrap_or(0)).max(1) * times;
                part = 0;
            } else {
                part += digit.take().unwrap_or(1).max(1) * times;
            }
        }
        at += 1;
    }
    let after: String = letters.get(at..at + 2).map_or_else(
        || letters[at..].iter().collect(),
        |next| next.iter().collect(),
    );
    let next = after.chars().find(|c| !matches!(c, '多' | '余' | '个'))?;
    // 一起 is "together"; 一位 and 一名 are articles, which the reader of a figure leaves out.
    if at == 0
        || Counted::of_measure(next).is_none()
        || (at == 1 && letters[0] == '一' && next == '起')
    {
        return None;
    }
    Some((whole + part + digit.unwrap_or(0), at))
}

const ONES: [&str; 20] = [
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
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// An English number word at the beginning that counts something: `three households`, `forty-two people`.
fn english(letters: &[char], before: Option<char>) -> Option<(u64, usize)> {
    if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-') {
        return None;
    }
    let len = letters
        .iter()
        .take_while(|c| c.is_ascii_alphabetic() || **c == '-')
        .count();
    let word: String = letters[..len].iter().collect();
    let small = |word: &str| ONES.iter().position(|o| *o == word);
    let tens = |word: &str| TENS.iter().position(|t| *t == word).map(|n| (n + 2) * 10);
    let number = small(&word).or_else(|| tens(&word)).or_else(|| {
        let (ten, one) = word.split_once('-')?;
        Some(tens(ten)? + small(one).filter(|n| (1..10).contains(n))?)
    })?;
    let after: String = letters[len..].iter().take(80).collect();
    counted(&after)?;
    Some((u64::try_from(number).ok()?, len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(text: &str) -> Vec<(String, Option<Counted>)> {
        figures(text)
            .into_iter()
            .map(|f| (f.number, f.counts))
            .collect()
    }

    fn one(text: &str) -> (String, Option<Counted>) {
        let mut all = counts(text);
        assert_eq!(all.len(), 1, "{text}: {all:?}");
        all.remove(0)
    }

    #[test]
    fn a_figure_is_the_same_in_digits_and_in_words() {
        for text in [
            "3户",
            "３ 户",
            "三户",
            "三户人家",
            "3 households",
            "three households",
            "Three more affected homes",
        ] {
            assert_eq!(
                one(text),
                ("3".to_owned(), Some(Counted::Households)),
                "{text}"
            );
        }
        for text in ["1,200名业主", "一千二百人", "1200 residents"] {
            assert_eq!(
                one(text),
                ("1200".to_owned(), Some(Counted::People)),
                "{text}"
            );
        }
        assert_eq!(one("forty-two people").0, "42");
        assert_eq!(one("十二栋").0, "12");
        assert_eq!(one("两万零五户").0, "20005");
        assert_eq!(one("二十余户").0, "20");
    }

    #[test]
    fn words_that_hold_a_numeral_and_count_nothing_are_no_figures() {
        for text in [
            "统一安排",
            "我们一起面对",
            "第三户",
            "一直在现场",
            "万一",
            "no one knows",
            "one of us",
            "someone",
            "三思",
        ] {
            assert!(
                figures(text).iter().all(|f| f.article),
                "{text}: {:?}",
                figures(text)
            );
        }
        assert!(figures("一名工作人员")[0].article);
        assert!(!figures("1名工作人员")[0].article);
    }

    #[test]
    fn texts_compare_in_digits() {
        assert_eq!(in_digits("Three  households"), in_digits("3 households"));
        assert_eq!(in_digits("三户"), in_digits("３户"));
        assert_ne!(in_digits("3 injured"), in_digits("3 dead"));
    }

    #[test]
    fn a_bare_figure_agrees_with_itself_counting_something() {
        assert!(agree("３", "三人") && agree("three households", "3"));
        assert!(!agree("3 injured", "3 dead") && !agree("3", "2人") && !agree("3", "3 of 5"));
        assert!(agree("none", " None "));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,80}") {
            let _ = figures(&text);
            let _ = in_digits(&text);
        }

        #[test]
        fn every_number_in_digits_is_found(n in 0_u32..1_000_000, before in "[a-z楼 ]{0,5}", after in "[a-z楼 ]{0,5}") {
            let text = format!("{before} {n} {after}");
            prop_assert!(figures(&text).iter().any(|f| f.number == n.to_string()));
        }
    }
}
