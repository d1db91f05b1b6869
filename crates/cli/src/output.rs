//! How answers look: tables for people, one JSON object a line for programs. Colours only on a
//! terminal (anstream strips them elsewhere and honours NO_COLOR).

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Table, Width};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::failure::Failure;
use crate::layout::fitted;
use crate::paint::{self, Paint as _};

/// Where to print and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// JSON lines instead of tables.
    pub(crate) json: bool,
}

impl Output {
    /// Prints rows: a table with these heads, or each row's JSON.
    pub(crate) fn rows<T>(
        self,
        heads: &[&str],
        rows: &[T],
        cells: impl Fn(&T) -> Vec<String>,
        json: impl Fn(&T) -> serde_json::Value,
    ) {
        if self.json {
            for row in rows {
                object(&json(row));
            }
            return;
        }
        if rows.is_empty() {
            crate::output::say!("none");
            return;
        }
        let mut table = table(heads);
        for row in rows {
            table.add_row(cells(row).iter().map(|cell| plain(cell)));
        }
        show_table(table);
    }

    /// Names the zone of the times above, where it is a site's and not the machine's.
    pub(crate) fn times_in(self, zone: &TimeZone) {
        if !self.json {
            line("times", zone_name(zone));
        }
    }

    /// Prints one object: its JSON, or what `text` makes of it.
    pub(crate) fn one(self, json: impl FnOnce() -> serde_json::Value, text: impl FnOnce()) {
        if self.json {
            object(&json());
        } else {
            text();
        }
    }
}

/// Prints one JSON object on a line of its own, with nothing in it that a terminal obeys or hides.
pub(crate) fn object(value: &serde_json::Value) {
    anstream::println!("{}", crate::json::written(&value.to_string()));
}

/// Prints a line for a person: like `println!`, with nothing in it that a terminal obeys or hides.
macro_rules! say {
    () => {
        anstream::println!()
    };
    ($($text:tt)*) => {
        anstream::println!(
            "{}",
            $crate::paint::shown(&$crate::output::plain(&::std::format!($($text)*)))
        )
    };
}
pub(crate) use say;

/// A text that shows what it is: letters that turn the rest around, that cannot be seen, or that a terminal obeys become a
/// mark that can. What customers write is shown to whoever decides on it. The joiner of emoji stays, and so do the colours
/// that are our own.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some(length) = paint::length_of_code(rest) {
            let (code, behind) = rest.split_at(length);
            shown.push_str(code);
            rest = behind;
            continue;
        }
        let obeyed = letter.is_control() && letter != '\n' && letter != '\t';
        shown.push(if obeyed || is_hidden(letter) {
            '\u{FFFD}'
        } else {
            letter
        });
        rest = &rest[letter.len_utf8()..];
    }
    shown
}

/// Whether a letter is a format character (Unicode's Cf), those of scripts that show one and the joiner excepted.
pub(crate) fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}'
            | '\u{061C}'
            | '\u{180E}'
            | '\u{200B}'
            | '\u{200C}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E007F}'
    )
}

/// Writes what goes to another program as it is. A reader that has seen enough and hangs up is no failure.
pub(crate) fn whole(to: &mut impl std::io::Write, bytes: &[u8]) -> Result<(), Failure> {
    match to.write_all(bytes).and_then(|()| to.flush()) {
        Err(source) if source.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::File {
            what: "cannot write to",
            path: "standard output".to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

/// What a zone is called.
pub(crate) fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

/// How many of what: `1 case`, `2 cases`.
pub(crate) fn counted<N>(count: &N, one: &str, many: &str) -> String
where
    N: PartialEq + From<u8> + std::fmt::Display,
{
    let what = if *count == N::from(1_u8) { one } else { many };
    format!("{count} {what}")
}

/// A word of the wire without what its enum is called.
pub(crate) trait Tail {
    /// What stands behind the prefix; a dash where nothing is said.
    fn tail(&self, prefix: &str) -> &str;
}

impl Tail for str {
    fn tail(&self, prefix: &str) -> &str {
        match self.strip_prefix(prefix).unwrap_or(self) {
            "" | "UNSPECIFIED" => "–",
            word => word,
        }
    }
}

/// How wide a page is that no terminal bounds, in columns.
const PAGE_COLUMNS: u16 = 120;

/// Lets a table wrap where it is printed into a file or a pipe, too: for pages that are read, not for lists that are
/// searched.
pub(crate) fn page(mut table: Table) -> Table {
    table.set_width(page_room());
    table
}

/// How wide a page is where it is printed.
pub(crate) fn page_room() -> u16 {
    room(&Table::new()).unwrap_or(PAGE_COLUMNS)
}

/// How wide a table may be; `None` in a file or a pipe, which bounds nothing. A terminal that does not say is taken for a
/// common one.
fn room(table: &Table) -> Option<u16> {
    table.width().map(known)
}

/// The columns of a terminal: those that it says, where it says any.
pub(crate) fn known(columns: u16) -> u16 {
    if columns == 0 { 80 } else { columns }
}

/// Prints a table as it fits where it is printed.
pub(crate) fn show_table(table: Table) {
    let room = room(&table);
    crate::output::say!("{}", fitted(table, room));
}

/// A line of a description whose value may be long.
pub(crate) fn paragraph(label: &str, text: &str) {
    let mut row = Table::new();
    row.load_preset(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .add_row([format!("{label:>14}"), plain(text)]);
    if let Some(column) = row.column_mut(0) {
        column.set_padding((0, 1));
        let width = Width::Fixed(15);
        column.set_constraint(ColumnConstraint::Absolute(width));
    }
    crate::output::say!("{}", page(row));
}

/// An empty table with these heads.
pub(crate) fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(heads.iter().map(|h| Cell::new(h.bold())));
    table
}

/// A line of a description: `label  value`.
pub(crate) fn line(label: &str, value: impl std::fmt::Display) {
    crate::output::say!("{:>14}  {}", label.dimmed(), indented(&value.to_string()));
}

/// A text of several lines, none of which begins where labels and headings do.
fn indented(text: &str) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(16)))
}

/// A heading.
pub(crate) fn heading(text: &str) {
    crate::output::say!("\n{}", plain(text).bold());
}

/// A grade, the graver the louder.
pub(crate) fn grade(value: i32) -> String {
    match value {
        1 => format!("{}", "1 major".red().bold()),
        2 => format!("{}", "2".yellow().bold()),
        0 => "–".to_owned(),
        other => other.to_string(),
    }
}

/// An instant in the machine's zone, to the minute; with its year where that is another one than now.
pub(crate) fn when(t: Option<&prost_types::Timestamp>) -> String {
    instant(t).map_or_else(
        || "–".to_owned(),
        |t| {
            TOLD_TIME.store(true, Relaxed);
            minute(t, crate::now::now(), &TimeZone::system())
        },
    )
}

/// Whether an instant was shown in the machine's zone.
static TOLD_TIME: AtomicBool = AtomicBool::new(false);

/// In which zone instants were shown, where any was: a site may lie in another one.
pub(crate) fn zone_told() -> Option<String> {
    let zone = TimeZone::system();
    let name = zone.iana_name().unwrap_or("the machine's zone");
    let now = crate::now::now().to_zoned(zone.clone());
    TOLD_TIME
        .load(Relaxed)
        .then(|| format!("times: {name} ({})", now.strftime("%:z")))
}

/// A text of the platform with the instants in it as they are read here: `until 2026-11-29T02:15:00Z` names a time of day.
pub(crate) fn instants(text: &str) -> String {
    instants_in(text, crate::now::now(), &TimeZone::system())
}

/// The same in a zone, and with the year of an instant that lies in another one than now.
pub(crate) fn instants_in(text: &str, now: Timestamp, zone: &TimeZone) -> String {
    let read = |word: &str| {
        let bare = word.trim_end_matches([',', ';', '.']);
        let t: Timestamp = bare.ends_with('Z').then(|| bare.parse().ok()).flatten()?;
        let end = &word[bare.len()..];
        Some(format!("{}{end}", minute(t, now, zone)))
    };
    text.split(' ')
        .map(|word| read(word).unwrap_or_else(|| word.to_owned()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// An instant in a zone, to the minute; with its year where that is another one than now.
pub(crate) fn minute(t: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let t = t.to_zoned(zone.clone());
    let form = if t.year() == now.to_zoned(zone.clone()).year() {
        "%m-%d %H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    t.strftime(form).to_string()
}

/// How long until a deadline, or how long ago it was missed: that stands out.
pub(crate) fn until(t: Option<&prost_types::Timestamp>, now: Timestamp) -> String {
    let Some(t) = instant(t) else {
        return "–".to_owned();
    };
    let text = distance(t, now);
    if t.as_second() < now.as_second() {
        text.red().to_string()
    } else {
        text
    }
}

/// How far an instant is: `in 3h 20m`, `5m ago`.
pub(crate) fn distance(t: Timestamp, now: Timestamp) -> String {
    let seconds = t.as_second() - now.as_second();
    let text = span(seconds.unsigned_abs());
    if seconds >= 0 {
        format!("in {text}")
    } else {
        format!("{text} ago")
    }
}

/// The instant behind the wire's.
pub(crate) fn instant(t: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    t.and_then(|t| redress_proto::convert::from_timestamp("time", t).ok())
}

/// A text in a list: whole, or its beginning with a mark that it goes on; so many letters at most.
pub(crate) fn excerpt(text: &str, letters: usize) -> String {
    if text.chars().nth(letters).is_none() {
        return text.to_owned();
    }
    text.chars()
        .take(letters.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// The last segment of a resource name.
pub(crate) fn short(name: &str) -> String {
    let id = name.rsplit('/').next().unwrap_or(name);
    if id.len() == 36 {
        id[28..].to_owned()
    } else {
        id.to_owned()
    }
}

fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (
        seconds / 86_400,
        seconds % 86_400 / 3_600,
        seconds % 3_600 / 60,
    );
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, m) => format!("{m}m"),
        (0, h, m) => format!("{h}h {m:02}m"),
        (d, h, _) => format!("{d}d {h:02}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_told_in_the_singular() {
        assert_eq!(counted(&1_usize, "case", "cases"), "1 case");
        assert_eq!(counted(&0_usize, "case", "cases"), "0 cases");
        assert_eq!(counted(&2_i64, "case", "cases"), "2 cases");
        assert_eq!(counted(&1.0, "event is", "events are"), "1 event is");
    }

    #[test]
    fn spans_show_their_two_largest_units() {
        assert_eq!(span(42), "42s");
        assert_eq!(span(3_600 + 120), "1h 02m");
        assert_eq!(span(90_000), "1d 01h");
    }

    #[test]
    fn an_instant_of_another_year_says_so_and_the_zone_tells_which_year_it_is() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let shanghai = TimeZone::get("Asia/Shanghai").expect("a zone");
        let now = at("2026-12-31T10:00:00Z");
        let shown = |text: &str| minute(at(text), now, &shanghai);
        assert_eq!(shown("2026-03-02T01:30:00Z"), "03-02 09:30");
        assert_eq!(shown("2026-12-31T15:59:00Z"), "12-31 23:59");
        assert_eq!(shown("2026-12-31T16:00:00Z"), "2027-01-01 00:00");
        assert_eq!(shown("2025-03-02T01:30:00Z"), "2025-03-02 09:30");
    }

    #[test]
    fn an_instant_in_a_text_is_read_as_a_time_of_day() {
        let t: Timestamp = "2026-11-29T02:15:00.123456Z".parse().expect("an instant");
        let read = minute(t, crate::now::now(), &TimeZone::system());
        assert_eq!(
            instants(&format!("call Li; until {t}")),
            format!("call Li; until {read}")
        );
        assert_eq!(
            instants(&format!("{t}; then leave")),
            format!("{read}; then leave")
        );
        for kept in ["", "unit 3-1201, plan Z", "two  spaces", "2026-11-29"] {
            assert_eq!(instants(kept), kept);
        }
    }

    #[test]
    fn a_zone_is_named_as_it_is_used_one_that_is_unknown_as_utc() {
        let shanghai = TimeZone::get("Asia/Shanghai").expect("a zone");
        assert_eq!(zone_name(&shanghai), "Asia/Shanghai");
        assert_eq!(zone_name(&TimeZone::UTC), "UTC");
    }

    #[test]
    fn a_reader_that_hangs_up_ends_the_writing_quietly_and_a_full_disk_does_not() {
        struct Ends(std::io::ErrorKind);
        impl std::io::Write for Ends {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        assert!(whole(&mut Ends(std::io::ErrorKind::BrokenPipe), b"script").is_ok());
        assert!(whole(&mut Ends(std::io::ErrorKind::StorageFull), b"script").is_err());
        let mut kept = Vec::new();
        assert!(whole(&mut kept, b"script").is_ok());
        assert_eq!(kept, b"script");
    }

    #[test]
    fn what_turns_a_text_around_or_hides_in_it_is_seen() {
        assert_eq!(plain("退款\u{202E}001"), "退款\u{FFFD}001");
        assert_eq!(
            plain("a\u{200B}b\u{2066}c\u{FEFF}"),
            "a\u{FFFD}b\u{FFFD}c\u{FFFD}"
        );
        // An emoji of several.
        for kept in ["👨\u{200D}👩\u{200D}👧", "外墙渗水"] {
            assert_eq!(plain(kept), kept);
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_seen_and_not_obeyed() {
        // Clears the screen, conceals, sets the title and the clipboard, rings; the last by a letter of C1.
        for (typed, obeyed) in [
            ("a\u{1b}[2Jb", "a\u{FFFD}[2Jb"),
            ("a\u{1b}[8mb", "a\u{FFFD}[8mb"),
            ("\u{1b}[31mred\u{1b}[0m", "\u{FFFD}[31mred\u{FFFD}[0m"),
            ("\u{1b}]52;c;QQ\u{7}", "\u{FFFD}]52;c;QQ\u{FFFD}"),
            ("a\rb\u{8}\u{9b}2J", "a\u{FFFD}b\u{FFFD}\u{FFFD}2J"),
        ] {
            assert_eq!(plain(typed), obeyed);
        }
        assert_eq!(plain("两\n行\t列"), "两\n行\t列");
    }

    #[test]
    fn no_line_of_what_they_say_begins_where_a_heading_does() {
        let forged = "灯坏了\n\nPromises\n ACKNOWLEDGE  MET";
        let indent = " ".repeat(16);
        let shown = indented(forged);
        assert!(
            shown.lines().skip(1).all(|line| line.starts_with(&indent)),
            "{shown}"
        );
        assert_eq!(shown.lines().count(), forged.lines().count());
    }

    #[test]
    fn a_terminal_of_no_width_is_taken_for_a_common_one() {
        assert_eq!([0, 1, 80, 200].map(known), [80, 1, 80, 200]);
        let mut bare = table(&["Number"]);
        bare.set_width(0);
        assert_eq!(room(&bare), Some(80));
    }

    #[test]
    fn a_text_that_is_cut_says_that_it_goes_on() {
        assert_eq!(excerpt("外墙渗水", 4), "外墙渗水");
        assert_eq!(excerpt("外墙渗水了", 4), "外墙渗…");
        assert_eq!(excerpt("", 4), "");
    }

    #[test]
    fn ids_are_cut_to_their_random_tail_and_slugs_stay() {
        assert_eq!(short("sites/a/staff/top-lead"), "top-lead");
        assert_eq!(
            short("sites/a/cases/0190a6c2-0000-7000-8000-00000000abcd"),
            "0000abcd"
        );
    }
}
