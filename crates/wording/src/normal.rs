//! Text as phrases are compared: case, width, spaces, punctuation within a sentence and traditional characters
//! do not matter. Every byte remembers which piece of the original it came from.

/// Stands where a sentence ends; no phrase holds it, so none reaches over.
pub(crate) const BREAK: char = '\u{1}';

/// Traditional characters that occur in what the rules look for, each followed by the simplified one.
const TRADITIONAL: &str = "這这點点麼么沒没麼么題题驚惊錢钱貨货價价對对絕绝可可錯错搞搞歸归們们負负責责門门關关與与無无別别\
                           誰谁曉晓證证賠赔償偿個个現现據据說说應应該该問问題题數数撮撮斷断電电氣气熱热暖暖費费\
                           繳缴齊齐惡恶鬧闹業业訴诉詐诈職职則则條条會会發发給给來来開开見见讓让還还報报處处從从";

/// Normalised text.
pub(crate) struct Normal {
    /// As it is compared.
    pub(crate) text: String,
    /// For each byte of it the piece of the original, in bytes.
    pieces: Vec<(usize, usize)>,
}

impl Normal {
    pub(crate) fn of(original: &str) -> Self {
        let mut normal = Self {
            text: String::with_capacity(original.len()),
            pieces: Vec::with_capacity(original.len()),
        };
        for (at, c) in original.char_indices() {
            let piece = (at, at + c.len_utf8());
            let narrow = narrow(c);
            if ends_sentence(narrow) {
                normal.push(BREAK, piece);
            } else if narrow.is_alphanumeric() || narrow == '%' {
                for lower in simplified(narrow).to_lowercase() {
                    normal.push(lower, piece);
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

/// Full-width forms as half-width ones.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '。' | '!' | '?' | ';' | '\n' | '.' | '…')
}

fn simplified(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let mut pairs = TRADITIONAL.chars().filter(|c| !c.is_whitespace());
    while let (Some(from), Some(to)) = (pairs.next(), pairs.next()) {
        if from == c {
            return to;
        }
    }
    c
}
