//! What a reader sees of a text. A text that is required has to say something: characters that nobody sees say nothing.

/// Whether a character leaves no mark on paper or screen: spaces, controls, what only joins, steers or marks others, and
/// the fillers, which count as letters.
pub fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(u32::from(c),
            0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x202a..=0x202e | 0x2060..=0x206f | 0x2800 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
            | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// Whether nobody would see anything of the text.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_says_nothing_and_one_mark_says_something() {
        for blank in [
            "",
            " \t\n\u{3000}",
            "\u{200b}\u{200d}\u{feff}",
            "\u{3164}\u{115f}\u{ffa0}",
            "\u{2800}\u{ad}\u{2060}",
            "\u{e0020}\u{fe0f}\0",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for said in ["好", "-", "\u{200b}a", "👍", "é", "。"] {
            assert!(!is_blank(said), "{said:?}");
        }
    }
}
