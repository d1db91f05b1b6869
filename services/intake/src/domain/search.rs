//! What a case is found by: words of its text and place.
//!
//! Postgres has no Chinese parser, so words are cut here. Cases are indexed by every dictionary word
//! that occurs anywhere in them and by every single character; a query is cut into dictionary words and
//! single characters, without guessing unknown words. So whatever part of a text somebody looks for, all
//! its words are in the index.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jieba_rs::Jieba;
use unicode_normalization::UnicodeNormalization as _;

/// Longest lexeme in characters; longer runs of letters and digits are cut.
const LEXEME_LENGTH_MAX: usize = 64;

/// Loading the dictionary takes a moment and 60 MB, once per process.
static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// Loads the dictionary now instead of at the first case.
pub fn warm_up() {
    LazyLock::force(&JIEBA);
}

/// The lexemes of a case at a site.
pub fn lexemes(site: &str, texts: &[&str]) -> Vec<String> {
    let mut words = BTreeSet::from([format!("site={site}")]);
    for text in texts {
        for run in runs(text) {
            match run {
                Run::Plain(word) => {
                    words.insert(word);
                }
                Run::Chinese(text) => {
                    words.extend(text.chars().map(String::from));
                    words.extend(JIEBA.cut_all(&text).into_iter().map(|t| t.word.to_owned()));
                }
            }
        }
    }
    words.into_iter().collect()
}

/// The words of a query, all of which have to occur. Empty when it holds no word at all.
pub fn query(text: &str) -> Vec<String> {
    let mut words = BTreeSet::new();
    for run in runs(text) {
        match run {
            Run::Plain(word) => {
                words.insert(word);
            }
            Run::Chinese(text) => {
                words.extend(
                    JIEBA
                        .cut(&text, false)
                        .into_iter()
                        .map(|t| t.word.to_owned()),
                );
            }
        }
    }
    words.into_iter().collect()
}

enum Run {
    /// Letters and digits between other characters, lower case.
    Plain(String),
    /// Chinese characters in a row.
    Chinese(String),
}

/// Runs of Chinese characters, and runs of other letters and digits; what lies between is dropped.
fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut chinese = String::new();
    let mut plain = String::new();
    let normal = text.nfkc().flat_map(char::to_lowercase).chain([' ']);
    for c in normal {
        if !is_chinese(c) && !chinese.is_empty() {
            runs.push(Run::Chinese(std::mem::take(&mut chinese)));
        }
        let is_plain = c.is_alphanumeric() && !is_chinese(c);
        let is_full = plain.chars().count() == LEXEME_LENGTH_MAX;
        if (!is_plain || is_full) && !plain.is_empty() {
            runs.push(Run::Plain(std::mem::take(&mut plain)));
        }
        if is_chinese(c) {
            chinese.push(c);
        } else if is_plain {
            plain.push(c);
        }
    }
    runs
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finds(text: &str, wanted: &str) -> bool {
        let index = lexemes("lake", &[text]);
        let words = query(wanted);
        !words.is_empty() && words.iter().all(|w| index.contains(w))
    }

    const TEXT: &str =
        "3栋1202室厨房天花板漏水严重，多次报修无人处理，要求开发商赔偿装修损失！物业电话也打不通。";

    #[test]
    fn words_of_a_complaint_are_found_and_others_are_not() {
        for wanted in ["漏水", "天花板 赔偿", "开发商", "1202", "修", "物业，装修"]
        {
            assert!(finds(TEXT, wanted), "{wanted}");
        }
        for wanted in ["电梯", "漏水 电梯", "120", "!!", ""] {
            assert!(!finds(TEXT, wanted), "{wanted}");
        }
        assert!(finds("ＷＩＦＩ 不通", "wifi"));
    }

    proptest! {
        #[test]
        fn any_part_of_a_chinese_text_finds_it(start in 0_usize..28, length in 1_usize..12) {
            let chinese: String = TEXT.chars().filter(|c| is_chinese(*c)).collect();
            let part: String = chinese.chars().skip(start).take(length).collect();
            prop_assert!(finds(&chinese, &part), "{}", part);
        }

        #[test]
        fn no_lexeme_is_empty_or_long(text in "(?s).{0,300}") {
            for word in lexemes("lake", &[&text]) {
                prop_assert!(!word.is_empty() && word.chars().count() <= LEXEME_LENGTH_MAX + 5);
            }
        }
    }
}
