//! Collects every violation of a request before any is reported.

use jiff::Timestamp;
use redress_model::text::is_blank;
use redress_model::words::Word;
use redress_model::{Fault, Violation};
use redress_proto::{Money, convert};
use rust_decimal::Decimal;

/// The violations found so far.
#[derive(Debug, Default)]
pub struct Check {
    violations: Vec<Violation>,
}

impl Check {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    pub fn wrong(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.violations.push(Violation {
            field: field.into(),
            description: description.into(),
        });
    }

    /// All violations at once, or none.
    ///
    /// # Errors
    /// INVALID_FIELD with every violation.
    pub fn finish(self) -> Result<(), Fault> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(Fault::violations(self.violations))
        }
    }

    /// The value, or its violations added to ours.
    pub fn take<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(Fault::Invalid { violations, .. }) => {
                self.violations.extend(violations);
                None
            }
            Err(other) => {
                self.wrong("request", other.to_string());
                None
            }
        }
    }

    /// A text of one line: `min` to `max` characters, no control characters; trimmed. What is left of it can be seen: a
    /// name or place of invisible characters would pass for one.
    pub fn line(&mut self, field: impl Into<String>, text: &str, min: usize, max: usize) -> String {
        let text = text.trim();
        if text.chars().any(char::is_control) {
            self.wrong(field, "must not hold control characters");
            return String::new();
        }
        if !text.is_empty() && is_blank(text) {
            self.wrong(
                field,
                "must say something: a reader sees none of its characters",
            );
            return String::new();
        }
        self.bounds(field, text, min, max);
        text.to_owned()
    }

    /// A text of several lines, kept as it is: `min` to `max` characters.
    pub fn lines(
        &mut self,
        field: impl Into<String>,
        text: &str,
        min: usize,
        max: usize,
    ) -> String {
        let field = field.into();
        if text.contains('\0') {
            self.wrong(field, "must not hold the character U+0000");
            return String::new();
        }
        if min > 0 && is_blank(text) {
            self.wrong(field, format!("must hold {min} to {max} characters"));
            return String::new();
        }
        self.bounds(field, text, min, max);
        text.to_owned()
    }

    fn bounds(&mut self, field: impl Into<String>, text: &str, min: usize, max: usize) {
        if !(min..=max).contains(&text.chars().count()) {
            let rule = if min == 0 {
                format!("must hold at most {max} characters")
            } else {
                format!("must hold {min} to {max} characters")
            };
            self.wrong(field, rule);
        }
    }

    /// A word; 0 on the wire is none.
    pub fn word<W: Word>(&mut self, field: &str, number: i32) -> Option<W> {
        if number == 0 {
            return None;
        }
        self.required_word(field, number)
    }

    /// A word that has to be given.
    pub fn required_word<W: Word>(&mut self, field: &str, number: i32) -> Option<W> {
        self.take(convert::required(field, number))
    }

    /// An instant, where one is given.
    pub fn instant(
        &mut self,
        field: &str,
        wire: Option<&prost_types::Timestamp>,
    ) -> Option<Timestamp> {
        wire.and_then(|t| self.take(convert::from_timestamp(field, t)))
    }

    /// An amount, where one is given.
    pub fn amount(&mut self, field: &str, wire: Option<&Money>) -> Option<Decimal> {
        wire.and_then(|m| self.take(convert::from_money(field, m)))
    }

    /// A name or id that has to parse.
    pub fn parsed<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        self.take(redress_model::fault::parse_field(field, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_violations_come_at_once() {
        let mut check = Check::new();
        check.line("a", "x\u{7}", 0, 10);
        check.lines("b", " \n ", 1, 10);
        check.lines("c", "a\0b", 1, 10);
        check.line("d", "四个字啊", 0, 3);
        check.line("e", " \u{200b}\u{3164} ", 0, 10);
        let fault = check.finish().expect_err("five are wrong").to_string();
        for field in ["a ", "b ", "c ", "d ", "e "] {
            assert!(fault.contains(field), "{fault}");
        }
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        let mut check = Check::new();
        assert_eq!(check.line("a", " 漏水 ", 1, 2), "漏水");
        check.finish().expect("two characters");
    }
}
