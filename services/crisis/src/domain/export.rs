//! An incident as one document that anybody can verify offline: entries, each with the hash of all before it.
//!
//! Markdown and HTML are two spellings of the same entries, so that both have the same hashes. A document is verified by
//! reading its entries and writing it again: whatever does not come out byte for byte was changed. That the chain is the
//! platform's own says the signature of the last hash, a compact JWS (`typ` `redress-incident+jwt`).

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Begins every chain, so that no other document's hashes are taken for ours.
const SEED: &[u8] = b"redress.incident.export/1";

/// Before and after the entries of an HTML document.
const HTML_HEAD: &str = "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<title>Redress</title>\n<style>body{font-family:sans-serif;max-width:60em;margin:2em auto}li.more{list-style:none}</style>\n</head>\n<body>\n";
const HTML_FOOT: &str = "</body>\n</html>\n";

/// One entry: a heading and lines under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    title: String,
    /// Each a point, or with `false` the next line of the point before.
    lines: Vec<(bool, String)>,
}

impl Entry {
    /// An entry without lines.
    pub fn new(title: impl AsRef<str>) -> Self {
        Self {
            title: safe(
                &title
                    .as_ref()
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
            lines: Vec::new(),
        }
    }

    /// Adds a point. Lines of a text stay lines.
    pub fn line(&mut self, text: impl AsRef<str>) {
        let mut first = true;
        for line in text.as_ref().lines() {
            self.lines.push((first, safe(line.trim_end())));
            first = false;
        }
    }

    /// With a point more.
    #[must_use]
    pub fn with(mut self, text: impl AsRef<str>) -> Self {
        self.line(text);
        self
    }

    /// What is hashed: the Markdown of the entry.
    fn text(&self) -> String {
        let mut text = format!("## {}\n", self.title);
        for (point, line) in &self.lines {
            let sign = if *point { "- " } else { "  " };
            let _ = writeln!(text, "{sign}{line}");
        }
        text
    }

    fn html(&self) -> String {
        let mut text = format!("<section><h2>{}</h2><ul>\n", self.title);
        for (point, line) in &self.lines {
            let open = if *point {
                "<li>"
            } else {
                "<li class=\"more\">"
            };
            let _ = writeln!(text, "{open}{line}</li>");
        }
        text.push_str("</ul></section>\n");
        text
    }
}

/// No markup and nothing invisible, whatever was typed.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Control characters, and those that turn the direction of a line.
            c if c.is_control()
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c) => {}
            c => out.push(c),
        }
    }
    out
}

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
}

/// The hash after each entry, lower-case hexadecimal.
pub fn chain(entries: &[Entry]) -> Vec<String> {
    let mut hash: [u8; 32] = Sha256::digest(SEED).into();
    entries
        .iter()
        .map(|entry| {
            let text = entry.text();
            let mut next = Sha256::new();
            next.update(hash);
            next.update((text.len() as u64).to_be_bytes());
            next.update(text.as_bytes());
            hash = next.finalize().into();
            hex::encode(hash)
        })
        .collect()
}

/// Writes a document.
pub fn write(entries: &[Entry], signature: &str, format: Format) -> String {
    let mut document = String::new();
    if format == Format::Html {
        document.push_str(HTML_HEAD);
    }
    for (number, (entry, hash)) in (1..).zip(entries.iter().zip(chain(entries))) {
        document.push_str(&match format {
            Format::Markdown => entry.text(),
            Format::Html => entry.html(),
        });
        let _ = writeln!(document, "<!-- entry {number} sha256 {hash} -->\n");
    }
    let _ = writeln!(document, "<!-- signature {signature} -->");
    if format == Format::Html {
        document.push_str(HTML_FOOT);
    }
    document
}

/// What a document that holds says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many entries it has.
    pub entries: usize,
    /// Hash of the last one.
    pub hash: String,
    /// The platform's signature of that, not checked here.
    pub signature: String,
}

/// Why a document does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It is none of ours.
    #[error("it has no entries and no signature; it is no export of an incident")]
    Foreign,
    /// An entry is not as it was written, or one before it is missing.
    #[error("entry {0} is not as it was written, or the one before it is missing")]
    Entry(usize),
    /// Something stands outside of the entries.
    #[error("something was added outside of the entries, or moved")]
    Outside,
}

/// Verifies a document without anything but itself.
///
/// # Errors
/// Where it was changed first.
pub fn verify(document: &str) -> Result<Verified, Broken> {
    let format = if document.starts_with(HTML_HEAD) {
        Format::Html
    } else {
        Format::Markdown
    };
    let (mut entries, mut marks, mut signature) = (Vec::new(), Vec::new(), None);
    for line in document.lines() {
        let comment = line
            .strip_prefix("<!-- ")
            .and_then(|l| l.strip_suffix(" -->"));
        if let Some(comment) = comment {
            match comment.split_once(' ') {
                Some(("entry", mark)) => marks.push((entries.len(), mark.to_owned())),
                Some(("signature", text)) => signature = Some(text.to_owned()),
                _ => return Err(Broken::Outside),
            }
            continue;
        }
        match format {
            Format::Markdown => read_markdown(line, &mut entries),
            Format::Html => read_html(line, &mut entries),
        }
    }
    let signature = signature
        .filter(|_| !entries.is_empty())
        .ok_or(Broken::Foreign)?;
    let hashes = chain(&entries);
    for (at, hash) in hashes.iter().enumerate() {
        let expected = (at + 1, format!("{} sha256 {hash}", at + 1));
        if marks.get(at) != Some(&expected) {
            return Err(Broken::Entry(at + 1));
        }
    }
    if write(&entries, &signature, format) != document {
        return Err(Broken::Outside);
    }
    Ok(Verified {
        entries: entries.len(),
        hash: hashes.last().cloned().unwrap_or_default(),
        signature,
    })
}

fn read_markdown(line: &str, entries: &mut Vec<Entry>) {
    if let Some(title) = line.strip_prefix("## ") {
        entries.push(Entry {
            title: title.to_owned(),
            lines: Vec::new(),
        });
    } else if let Some(entry) = entries.last_mut() {
        if let Some(point) = line.strip_prefix("- ") {
            entry.lines.push((true, point.to_owned()));
        } else if let Some(more) = line.strip_prefix("  ") {
            entry.lines.push((false, more.to_owned()));
        }
    }
}

fn read_html(line: &str, entries: &mut Vec<Entry>) {
    let between = |open: &str, close: &str| line.strip_prefix(open)?.strip_suffix(close);
    if let Some(title) = between("<section><h2>", "</h2><ul>") {
        entries.push(Entry {
            title: title.to_owned(),
            lines: Vec::new(),
        });
    } else if let Some(entry) = entries.last_mut() {
        if let Some(point) = between("<li>", "</li>") {
            entry.lines.push((true, point.to_owned()));
        } else if let Some(more) = between("<li class=\"more\">", "</li>") {
            entry.lines.push((false, more.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries() -> Vec<Entry> {
        vec![
            Entry::new("事件 Incident I20260302-01")
                .with("stage: HANDLING")
                .with("we wrote:\n我们已到现场。\n<script>alert(1)</script>"),
            Entry::new("空 Empty"),
            Entry::new("时间线 Timeline")
                .with("10:00 opened")
                .with("10:05 called out"),
        ]
    }

    #[test]
    fn both_formats_hold_and_have_the_same_hash() {
        let verified = [Format::Markdown, Format::Html]
            .map(|format| verify(&write(&entries(), "a.b.c", format)).expect("holds"));
        assert_eq!(verified[0], verified[1]);
        assert_eq!(
            (verified[0].entries, verified[0].signature.as_str()),
            (3, "a.b.c")
        );
        assert_eq!(Some(&verified[0].hash), chain(&entries()).last());
    }

    #[test]
    fn what_people_type_is_no_markup() {
        for format in [Format::Markdown, Format::Html] {
            let document = write(&entries(), "s", format);
            assert!(!document.contains("<script>"), "{document}");
            assert!(document.contains("&lt;script&gt;"));
        }
        let forged = vec![Entry::new("a").with("## b\n<!-- entry 2 sha256 00 -->\n\u{202e}txt")];
        let document = write(&forged, "s", Format::Markdown);
        assert_eq!(verify(&document).expect("holds").entries, 1, "{document}");
        assert!(!document.contains('\u{202e}'));
    }

    #[test]
    fn every_change_is_found_and_the_first_one_named() {
        for format in [Format::Markdown, Format::Html] {
            let document = write(&entries(), "s", format);
            let changed = |from: &str, to: &str| {
                let changed = document.replacen(from, to, 1);
                assert_ne!(changed, document, "{from}");
                verify(&changed).expect_err(from)
            };
            assert_eq!(
                changed("stage: HANDLING", "stage: AFTERMATH"),
                Broken::Entry(1)
            );
            assert_eq!(changed("10:05 called", "10:04 called"), Broken::Entry(3));
            assert_eq!(
                changed("<!-- entry 2", "hello\n<!-- entry 2"),
                Broken::Outside
            );
        }
        assert_eq!(verify("# a letter\n"), Err(Broken::Foreign));
        assert_eq!(verify(""), Err(Broken::Foreign));
    }

    #[test]
    fn a_left_out_entry_is_found() {
        let document = write(&entries(), "s", Format::Markdown);
        let start = document.find("## 空").expect("there");
        let end = document.find("## 时间线").expect("there");
        let cut = format!("{}{}", &document[..start], &document[end..]);
        assert_eq!(verify(&cut), Err(Broken::Entry(2)));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_holds_in_both_formats(texts in prop::collection::vec("[\\PC\\n\r\t<>&#-]{0,40}", 0..6)) {
            let mut entry = Entry::new(texts.first().map_or("x", String::as_str));
            for text in &texts {
                entry.line(text);
            }
            for format in [Format::Markdown, Format::Html] {
                prop_assert!(verify(&write(&[entry.clone(), entry.clone()], "s", format)).is_ok());
            }
        }

        #[test]
        fn no_changed_letter_passes(at in 0_usize..10_000, html: bool) {
            let format = if html { Format::Html } else { Format::Markdown };
            let document = write(&entries(), "a.b.c", format);
            let signature = document.find("<!-- signature").expect("there");
            let mut letters: Vec<char> = document.chars().collect();
            let at = at % document[..signature].chars().count();
            letters[at] = if letters[at] == 'x' { 'y' } else { 'x' };
            prop_assert!(verify(&letters.into_iter().collect::<String>()).is_err());
        }
    }
}
