//! How a table finds room on a narrow terminal. What people copy into the next command, a number or an id, is never broken:
//! texts wrap first, then the gaps between columns shrink, and where even that is too wide each row becomes a short
//! paragraph of its own.

use comfy_table::{ColumnConstraint, Table, Width};
use textwrap::core::display_width;
use textwrap::{Options, WordSplitter};

use crate::output::plain;
use crate::paint::{Paint as _, bare};

/// Whatever is no longer than this stands in one line: an instant, a state, "1 of 3".
const SHORT: usize = 16;

/// A longer text that may be broken anywhere has at least this much room.
const TEXT: usize = 12;

/// Up to here a word keeps together with what it is called, where a row is a paragraph.
const TOGETHER: usize = 40;

/// The table as it is printed where it has this many columns of room; `None` is a file or a pipe, which bounds nothing.
pub(crate) fn fitted(mut table: Table, room: Option<u16>) -> String {
    let Some(room) = room else {
        return table.to_string();
    };
    table.set_width(room);
    table.discover_columns();
    let least = leasts(&table);
    let Some(gaps) = gaps(&least, room) else {
        return paragraphs(&table, usize::from(room));
    };
    for (column, least) in table.column_iter_mut().zip(least) {
        column.set_padding(gaps);
        let width = u16::try_from(least).unwrap_or(room) + gaps.0 + gaps.1;
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
    }
    table.to_string()
}

/// Whether the table stands in this many columns as one, with nothing broken that must not be.
pub(crate) fn fits(table: &Table, room: u16) -> bool {
    gaps(&leasts(table), room).is_some()
}

fn leasts(table: &Table) -> Vec<usize> {
    let rows = table.header().into_iter().chain(table.row_iter());
    let columns = rows.map(|row| row.cell_iter().count()).max().unwrap_or(0);
    (0..columns).map(|column| least(table, column)).collect()
}

/// The gaps left and right of each column, the widest that there is room for.
fn gaps(least: &[usize], room: u16) -> Option<(u16, u16)> {
    [(1, 1), (0, 1)].into_iter().find(|(left, right)| {
        let needed = least.iter().map(|least| least + usize::from(left + right));
        needed.sum::<usize>() <= usize::from(room)
    })
}

/// How wide a column is at least, without its gaps.
fn least(table: &Table, column: usize) -> usize {
    let head = table
        .header()
        .and_then(|head| head.cell_iter().nth(column))
        .map(|cell| longest_word(&bare(&cell.content())));
    let cells = table
        .row_iter()
        .filter_map(|row| row.cell_iter().nth(column))
        .map(|cell| bare(&cell.content()))
        .map(|cell| match display_width(&cell) {
            width if width <= SHORT => width,
            _ => longest_word(&cell).max(TEXT),
        });
    head.into_iter().chain(cells).max().unwrap_or(0)
}

/// How wide the longest word is that cannot be read in two lines. Chinese can.
fn longest_word(text: &str) -> usize {
    text.split_whitespace()
        .map(|word| {
            let width = display_width(word);
            if word.is_ascii() {
                width
            } else {
                width.min(TEXT)
            }
        })
        .max()
        .unwrap_or(0)
}

/// Each row as a paragraph: what it is, then what is known of it, each with the head of its column. What must not be broken
/// wears joiners, no-break spaces and word joiners, while the lines are found.
fn paragraphs(table: &Table, room: usize) -> String {
    let heads: Vec<String> = table
        .header()
        .map(|head| {
            let heads = head.cell_iter().map(comfy_table::Cell::content);
            heads.map(|head| bare(&head)).collect()
        })
        .unwrap_or_default();
    let options = Options::new(room)
        .initial_indent("   ")
        .subsequent_indent("   ")
        .word_splitter(WordSplitter::NoHyphenation);
    let mut lines = Vec::new();
    for row in table.row_iter() {
        let mut cells = row.cell_iter().map(comfy_table::Cell::content);
        lines.push(format!(" {}", cells.next().unwrap_or_default().bold()));
        let facts: Vec<String> = heads
            .iter()
            .skip(1)
            .zip(cells)
            .filter(|(_, cell)| !cell.is_empty() && cell != "–")
            .map(|(head, cell)| {
                let cell = plain(&cell)
                    .replace('/', "/\u{2060}")
                    .replace('-', "-\u{2060}");
                let fact = format!("{} {cell}", head.to_lowercase().dimmed());
                if display_width(&fact) <= TOGETHER {
                    fact.replace(' ', "\u{A0}")
                } else {
                    fact
                }
            })
            .collect();
        let facts = facts.join("  ");
        lines.extend(
            textwrap::wrap(&facts, &options)
                .iter()
                .map(|line| line.replace('\u{A0}', " ").replace('\u{2060}', "")),
        );
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::table;

    const NUMBER: &str = "LAKESIDE-20261129-00001";
    const NAME: &str = "sites/lakeside/messages/0190a6c2-0000-7000-8000-00000000abcd";

    fn rows(heads: &[&str], cells: &[&str]) -> Table {
        let mut rows = table(heads);
        rows.add_row(cells.iter().map(|cell| (*cell).to_owned()));
        rows
    }

    fn widest(text: &str) -> usize {
        text.lines().map(display_width).max().unwrap_or(0)
    }

    #[test]
    fn a_text_wraps_before_a_number_breaks() {
        let cells = [NUMBER, "11-29 09:30", "外墙渗水".repeat(20).leak()];
        let shown = fitted(rows(&["Number", "Received", "Says"], &cells), Some(60));
        assert!(shown.contains(NUMBER), "{shown}");
        assert!(shown.contains("11-29 09:30"), "{shown}");
        assert!(widest(&shown) <= 60, "{shown}");
        assert!(shown.lines().count() > 2, "{shown}");
    }

    #[test]
    fn the_gaps_shrink_before_a_row_becomes_a_paragraph() {
        let cells = ["twelve_wide_", "twelve_wide_", "twelve_wide_"];
        let heads = ["A", "B", "C"];
        let shown = fitted(rows(&heads, &cells), Some(40));
        assert!(
            shown.contains("twelve_wide_ twelve_wide_ twelve_wide_"),
            "{shown}"
        );
        let folded = fitted(rows(&heads, &cells), Some(38));
        assert_eq!(
            strip(&folded),
            " twelve_wide_\n   b twelve_wide_  c twelve_wide_"
        );
    }

    #[test]
    fn where_no_column_fits_each_row_is_a_paragraph_and_names_stay_whole() {
        let says = "客户要求退房并赔偿".repeat(12);
        let cells = [NAME, NUMBER, "–", "in 3h 20m", NAME, &says];
        let heads = ["Message", "About", "Why", "Decide by", "Clock", "Says"];
        let shown = fitted(rows(&heads, &cells), Some(80));
        let told = strip(&shown);
        assert!(
            told.starts_with(&format!(" {NAME}\n   about {NUMBER}")),
            "{told}"
        );
        assert!(told.contains("decide by in 3h 20m"), "{told}");
        assert_eq!(told.matches(NAME).count(), 2, "{told}");
        assert!(!told.contains("why"), "{told}");
        assert!(widest(&told) <= 80, "{told}");
        let said: String = told.lines().skip(1).map(str::trim).collect();
        assert!(said.contains(&says), "{told}");
    }

    #[test]
    fn words_longer_than_any_terminal_are_a_paragraph_too() {
        let word = "a".repeat(21_845);
        let printed = fitted(rows(&["A", "B", "C"], &[&word, &word, &word]), Some(80));
        assert_eq!(printed.matches('a').count(), 65_535);
        assert_eq!(printed.lines().skip(1).map(widest).max(), Some(80));
    }

    #[test]
    fn a_pipe_gets_each_row_in_one_line() {
        let long = "word ".repeat(80);
        let shown = fitted(rows(&["Number", "Says"], &[NUMBER, long.trim()]), None);
        assert_eq!(shown.lines().count(), 2);
    }

    fn strip(text: &str) -> String {
        bare(text)
    }
}
