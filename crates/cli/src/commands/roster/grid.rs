//! The week on a terminal: a row for each duty and each department at work, a column for each day. Where not all days fit
//! beside each other, the later ones follow below.

use std::collections::BTreeMap;

use comfy_table::Table;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use redress_model::words::{DutyRole, Word as _};
use redress_proto::assignment::v1::{Duty, Staff};

use crate::layout::{fits, fitted};
use crate::output::{instant, short, table};

/// What marks a time in which nobody has the duty.
const GAP: &str = "▲";

/// Duties that a site needs around the clock, whether anybody has them or not.
const NEEDED: [DutyRole; 4] = [
    DutyRole::FrontOffice,
    DutyRole::OnSiteLead,
    DutyRole::DutyLead,
    DutyRole::TopLead,
];

/// One row: a duty, and for HANDLERs the department.
type Row = (DutyRole, String);

/// One stretch, cut to a day.
struct Piece {
    from: Timestamp,
    until: Timestamp,
    rank: i32,
    name: String,
}

/// The instant at which a day begins.
pub(super) fn begin(zone: &TimeZone, date: Date) -> Timestamp {
    zone.to_ambiguous_zoned(date.to_datetime(Time::midnight()))
        .compatible()
        .map_or(Timestamp::MAX, |z| z.timestamp())
}

/// Draws the days from `first` on, in this many columns.
pub(super) fn draw(
    slots: &[Duty],
    people: &[Staff],
    zone: &TimeZone,
    first: Date,
    days: u8,
    room: u16,
) -> String {
    let staff: BTreeMap<&str, &Staff> = people.iter().map(|p| (p.name.as_str(), p)).collect();
    let mut rows: BTreeMap<Row, Vec<&Duty>> = NEEDED
        .into_iter()
        .map(|role| ((role, String::new()), Vec::new()))
        .collect();
    for slot in slots {
        let Some(role) = DutyRole::from_number(slot.role) else {
            continue;
        };
        let department = match role {
            DutyRole::Handler => staff
                .get(slot.staff.as_str())
                .map_or_else(String::new, |p| short(&p.department)),
            _ => String::new(),
        };
        rows.entry((role, department)).or_default().push(slot);
    }
    let dates: Vec<Date> = first.series(1.day()).take(usize::from(days)).collect();
    let beside = |count: usize| -> Vec<Table> {
        let some = dates.chunks(count);
        some.map(|dates| grid(&rows, &staff, zone, dates)).collect()
    };
    let tables = (2..=dates.len())
        .rev()
        .map(&beside)
        .find(|tables| tables.iter().all(|table| fits(table, room)))
        .unwrap_or_else(|| beside(1));
    let tables: Vec<String> = tables
        .into_iter()
        .map(|table| fitted(table, Some(room)))
        .collect();
    tables.join("\n\n")
}

/// The days that stand beside each other.
fn grid(
    rows: &BTreeMap<Row, Vec<&Duty>>,
    staff: &BTreeMap<&str, &Staff>,
    zone: &TimeZone,
    dates: &[Date],
) -> Table {
    let mut heads = vec![String::new()];
    heads.extend(dates.iter().map(|d| d.strftime("%a %m-%d").to_string()));
    let mut grid = table(&heads.iter().map(String::as_str).collect::<Vec<_>>());
    for ((role, department), slots) in rows {
        let mut cells = vec![if department.is_empty() {
            role.word().to_owned()
        } else {
            format!("{} {department}", role.word())
        }];
        for date in dates {
            let day = (
                begin(zone, *date),
                begin(zone, date.saturating_add(1.day())),
            );
            let pieces = cut(slots, day, staff);
            cells.push(cell(&pieces, day, zone, *role == DutyRole::Handler));
        }
        grid.add_row(cells);
    }
    grid
}

fn cut(slots: &[&Duty], day: (Timestamp, Timestamp), staff: &BTreeMap<&str, &Staff>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = slots
        .iter()
        .filter_map(|slot| {
            let from = instant(slot.start_time.as_ref())
                .unwrap_or(Timestamp::MIN)
                .max(day.0);
            let until = instant(slot.end_time.as_ref())
                .unwrap_or(Timestamp::MAX)
                .min(day.1);
            (from < until).then(|| Piece {
                from,
                until,
                rank: slot.rank,
                name: staff
                    .get(slot.staff.as_str())
                    .map_or_else(|| short(&slot.staff), |p| p.display_name.clone()),
            })
        })
        .collect();
    pieces.sort_by(|a, b| {
        (a.from, a.until, a.rank, &a.name).cmp(&(b.from, b.until, b.rank, &b.name))
    });
    pieces
}

/// The lines of a day: who, and what nobody covers. People at work may go home at night; a whole day without
/// anybody is told of them too.
fn cell(pieces: &[Piece], day: (Timestamp, Timestamp), zone: &TimeZone, may_rest: bool) -> String {
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    for same in pieces.chunk_by(|a, b| (a.from, a.until) == (b.from, b.until)) {
        let least = same.iter().map(|p| p.rank).min().unwrap_or(0);
        let names = |holds: bool| -> Vec<&str> {
            let of = same.iter().filter(|p| (p.rank == least) == holds);
            of.map(|p| p.name.as_str()).collect()
        };
        let mut line = format!(
            "{} {}",
            span(same[0].from, same[0].until, day, zone),
            names(true).join(", ")
        );
        let deputies = names(false);
        if !deputies.is_empty() {
            line.push_str(&format!(" ({})", deputies.join(", ")));
        }
        lines.push((same[0].from, line.trim_start().to_owned()));
    }
    for (from, until) in gaps(pieces, day) {
        if may_rest && (from, until) != day {
            continue;
        }
        let line = format!("{GAP} {}", span(from, until, day, zone));
        lines.push((from, line.trim_end().to_owned()));
    }
    lines.sort();
    let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
    lines.join("\n")
}

fn gaps(pieces: &[Piece], day: (Timestamp, Timestamp)) -> Vec<(Timestamp, Timestamp)> {
    let mut gaps = Vec::new();
    let mut covered = day.0;
    for piece in pieces {
        if piece.from > covered {
            gaps.push((covered, piece.from));
        }
        covered = covered.max(piece.until);
    }
    if covered < day.1 {
        gaps.push((covered, day.1));
    }
    gaps
}

/// `08:00–20:00`; nothing for the whole day.
fn span(from: Timestamp, until: Timestamp, day: (Timestamp, Timestamp), zone: &TimeZone) -> String {
    if (from, until) == day {
        return String::new();
    }
    let hour = |t: Timestamp| t.to_zoned(zone.clone()).strftime("%H:%M").to_string();
    let end = if until == day.1 {
        "24:00".to_owned()
    } else {
        hour(until)
    };
    format!("{}–{end}", hour(from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use redress_proto::convert::to_timestamp;

    fn duty(role: DutyRole, staff: &str, rank: i32, from: &str, until: &str) -> Duty {
        let at = |text: &str| Some(to_timestamp(text.parse().expect("an instant")));
        Duty {
            role: role.number(),
            staff: format!("sites/lake/staff/{staff}"),
            rank,
            start_time: at(from),
            end_time: at(until),
        }
    }

    #[test]
    fn a_week_shows_nights_deputies_and_gaps() {
        let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
        let people = [Staff {
            name: "sites/lake/staff/bo".to_owned(),
            department: "sites/lake/departments/repair".to_owned(),
            display_name: "Bo".to_owned(),
            ..Default::default()
        }];
        let slots = [
            duty(
                DutyRole::FrontOffice,
                "ada",
                0,
                "2026-09-30T14:00:00Z",
                "2026-09-30T22:00:00Z",
            ),
            duty(
                DutyRole::FrontOffice,
                "bo",
                1,
                "2026-09-30T14:00:00Z",
                "2026-09-30T22:00:00Z",
            ),
            duty(
                DutyRole::Handler,
                "bo",
                0,
                "2026-10-01T00:00:00Z",
                "2026-10-01T08:00:00Z",
            ),
        ];
        let text = draw(
            &slots,
            &people,
            &zone,
            "2026-10-01".parse().expect("a date"),
            2,
            120,
        );
        let row = |from: &str, to: &str| {
            let start = text.find(from).expect("a row");
            let end = text[start..].find(to).map_or(text.len(), |n| start + n);
            text[start..end].to_owned()
        };
        let front = row("FRONT_OFFICE", "ON_SITE_LEAD");
        assert!(front.contains("00:00–06:00 ada (Bo)"), "{text}");
        assert!(front.contains("▲ 06:00–24:00"), "{text}");
        assert!(
            row("HANDLER repair", "none").contains("08:00–16:00 Bo"),
            "{text}"
        );
        assert_eq!(
            row("HANDLER repair", "none").matches(GAP).count(),
            1,
            "{text}"
        );
        assert!(row("TOP_LEAD", "HANDLER").contains(GAP), "{text}");
    }

    #[test]
    fn a_week_in_80_columns_breaks_no_duty_and_no_time_and_goes_on_below() {
        let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
        let role = DutyRole::FrontOffice;
        let slots: Vec<Duty> = (1..=7)
            .map(|day| {
                let from = format!("2026-10-{day:02}T06:00:00+08:00");
                let until = format!("2026-10-{day:02}T14:00:00+08:00");
                duty(role, "front-desk-early", 0, &from, &until)
            })
            .collect();
        let first = "2026-10-01".parse().expect("a date");
        let text = draw(&slots, &[], &zone, first, 7, 80);
        let bare = crate::paint::bare(&text);
        assert_eq!(bare.matches("06:00–14:00").count(), 7, "{bare}");
        assert_eq!(bare.matches("▲ 14:00–24:00").count(), 7, "{bare}");
        let blocks = bare.matches("FRONT_OFFICE").count();
        assert!((2..=4).contains(&blocks), "{bare}");
        let widths = bare.lines().map(textwrap::core::display_width);
        assert!(widths.max() <= Some(80), "{bare}");
        assert_eq!(
            draw(&slots, &[], &zone, first, 7, 160)
                .matches("FRONT_OFFICE")
                .count(),
            1
        );
    }
}
