//! The colours of this command line. A complaint may hold a terminal's colour codes too, and with them draw what looks like
//! our own heading: so while lines are laid out each of our codes is a row of letters of no width that nobody outside this
//! process knows. What prints turns them into a terminal's codes, and marks every code that came from elsewhere.

use std::fmt::{self, Display};
use std::sync::LazyLock;

/// How a text is painted, on a terminal.
pub(crate) trait Paint: Display + Sized {
    /// What was missed, or is away.
    fn red(&self) -> Painted<&Self> {
        Painted(self, Code::Red, Code::NoColour)
    }

    /// What is as it should be.
    fn green(&self) -> Painted<&Self> {
        Painted(self, Code::Green, Code::NoColour)
    }

    /// What wants a look.
    fn yellow(&self) -> Painted<&Self> {
        Painted(self, Code::Yellow, Code::NoColour)
    }

    /// What names the rest.
    fn bold(&self) -> Painted<&Self> {
        Painted(self, Code::Bold, Code::NoWeight)
    }

    /// What is read second.
    fn dimmed(&self) -> Painted<&Self> {
        Painted(self, Code::Dimmed, Code::NoWeight)
    }
}

impl<T: Display> Paint for T {}

/// A text, the code before it and the code behind it.
#[derive(Debug)]
pub(crate) struct Painted<T>(T, Code, Code);

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", *SECRET, self.1.letter())?;
        self.0.fmt(f)?;
        write!(f, "{}{}", *SECRET, self.2.letter())
    }
}

/// What a terminal is told.
#[derive(Debug, Clone, Copy)]
enum Code {
    Red,
    Green,
    Yellow,
    NoColour,
    Bold,
    Dimmed,
    NoWeight,
}

impl Code {
    const ALL: [Self; 7] = [
        Self::Red,
        Self::Green,
        Self::Yellow,
        Self::NoColour,
        Self::Bold,
        Self::Dimmed,
        Self::NoWeight,
    ];

    /// How it is written while lines are laid out, behind the secret.
    const fn letter(self) -> char {
        match self {
            Self::Red => '\u{206A}',
            Self::Green => '\u{206B}',
            Self::Yellow => '\u{206C}',
            Self::NoColour => '\u{206D}',
            Self::Bold => '\u{206E}',
            Self::Dimmed => '\u{206F}',
            Self::NoWeight => '\u{2064}',
        }
    }

    /// How a terminal knows it.
    const fn sequence(self) -> &'static str {
        match self {
            Self::Red => "\u{1b}[31m",
            Self::Green => "\u{1b}[32m",
            Self::Yellow => "\u{1b}[33m",
            Self::NoColour => "\u{1b}[39m",
            Self::Bold => "\u{1b}[1m",
            Self::Dimmed => "\u{1b}[2m",
            Self::NoWeight => "\u{1b}[22m",
        }
    }
}

/// What stands before each code of ours: 30 letters of three.
static SECRET: LazyLock<String> = LazyLock::new(|| {
    let letters = ['\u{2061}', '\u{2062}', '\u{2063}'];
    (0..30)
        .map(|_| letters[rand::random_range(0..letters.len())])
        .collect()
});

/// The code of ours that a text begins with, and the rest.
fn of_ours(text: &str) -> Option<(Code, &str)> {
    let behind = text.strip_prefix(SECRET.as_str())?;
    let letter = behind.chars().next()?;
    let code = Code::ALL.into_iter().find(|code| code.letter() == letter)?;
    Some((code, &behind[letter.len_utf8()..]))
}

/// The length of the code of ours that a text begins with.
pub(crate) fn length_of_code(text: &str) -> Option<usize> {
    of_ours(text).map(|(_, rest)| text.len() - rest.len())
}

/// The text with our codes as a terminal knows them.
pub(crate) fn shown(text: &str) -> String {
    with_codes(text, Code::sequence)
}

/// The text without our codes.
pub(crate) fn bare(text: &str) -> String {
    with_codes(text, |_| "")
}

fn with_codes(text: &str, written: impl Fn(Code) -> &'static str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(SECRET.as_str()) {
        told.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((code, behind)) = of_ours(rest) {
            told.push_str(written(code));
            rest = behind;
        } else {
            // The secret alone: a line was broken in it.
            rest = &rest[SECRET.len()..];
        }
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use textwrap::core::display_width;

    use super::*;
    use crate::output::plain;

    #[test]
    fn our_colours_are_shown_and_those_of_a_complaint_are_marked() {
        let ours = format!("{} {:>6}|", "1 major".red().bold(), "ok".dimmed());
        assert_eq!(
            shown(&plain(&ours)),
            "\u{1b}[1m\u{1b}[31m1 major\u{1b}[39m\u{1b}[22m \u{1b}[2m    ok\u{1b}[22m|"
        );
        let theirs = "\u{1b}[1mPromises\u{1b}[0m \u{2061}\u{206A}!";
        assert_eq!(
            shown(&plain(theirs)),
            "\u{FFFD}[1mPromises\u{FFFD}[0m \u{FFFD}\u{FFFD}!"
        );
        // Marked once, it stays as it is.
        assert_eq!(plain(&plain(&ours)), plain(&ours));
        assert_eq!(display_width(&ours), "1 major     ok|".len());
        assert_eq!(bare(&ours), "1 major     ok|");
    }

    #[test]
    fn a_table_that_breaks_a_painted_cell_keeps_its_colours() {
        let mut table = crate::output::table(&["Number of it", "Says"]);
        let words = "a word ".repeat(9);
        table.add_row(["1 major".red().to_string(), words.yellow().to_string()]);
        let told = shown(&plain(&crate::layout::fitted(table, Some(40))));
        assert!(!told.contains('\u{FFFD}'), "{told:?}");
        assert!(told.contains("\u{1b}[31m1 major\u{1b}[39m"), "{told:?}");
        let bare = anstream::adapter::strip_str(&told).to_string();
        assert!(bare.lines().all(|line| display_width(line) <= 40), "{bare}");
    }
}
