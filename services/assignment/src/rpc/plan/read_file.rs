//! Rosters out of a file. Every wrong line is named with its number and field; people may stand by their id or, where it is
//! unique, by their name.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use redress_calendar::ics::{self, Moment};
use redress_model::Violation;
use redress_model::name::StaffId;
use redress_model::words::{DutyRole, Word as _};

use crate::domain::bench::Stretch;
use crate::domain::plan::reached;

/// Violations that are told at most.
const VIOLATIONS_MAX: usize = 50;
/// Highest rank.
const RANK_MAX: i32 = 99;

/// What a file is read against.
pub(super) struct Context {
    /// The zone of local times.
    pub(super) zone: TimeZone,
    /// Id and name of everybody who works here.
    pub(super) people: Vec<(StaffId, String)>,
}

/// One stretch as it stands in the file: texts with their lines.
struct Entry {
    line: usize,
    role: (usize, String),
    staff: (usize, String),
    rank: Option<(usize, String)>,
    /// None where the reader of the file has said what is wrong with it, as with the end.
    start: Option<(usize, Result<Timestamp, String>)>,
    end: Option<(usize, Result<Timestamp, String>)>,
}

impl Context {
    /// Stretches of a comma-separated file.
    pub(super) fn csv(&self, text: &str) -> Result<Vec<Stretch>, Vec<Violation>> {
        let (rows, unclosed) = csv_rows(text);
        if let Some(line) = unclosed {
            return Err(vec![wrong(line, "content", "the quotes are never closed")]);
        }
        let mut rows = rows.into_iter();
        let Some((first, head)) = rows.next() else {
            return Err(vec![wrong(1, "content", "must begin with a head line")]);
        };
        let column = |name: &str| {
            head.iter()
                .position(|h| h.trim().eq_ignore_ascii_case(name))
        };
        let mut places = BTreeMap::new();
        for name in ["role", "staff", "start", "end", "rank"] {
            match column(name) {
                Some(place) => {
                    places.insert(name, place);
                }
                None if name == "rank" => {}
                None => {
                    let text = "is missing; the head line must name role, staff, start and end";
                    return Err(vec![wrong(first, name, text)]);
                }
            }
        }
        let entries = rows.map(|(line, cells)| {
            let cell = |name: &str| {
                let place = places.get(name).copied().unwrap_or(usize::MAX);
                (line, cells.get(place).map_or("", |c| c.trim()).to_owned())
            };
            let instant = |name: &str| Some((line, self.instant(&cell(name).1)));
            Entry {
                line,
                role: cell("role"),
                staff: cell("staff"),
                rank: Some(cell("rank")).filter(|(_, text)| !text.is_empty()),
                start: instant("start"),
                end: instant("end"),
            }
        });
        self.all(entries, Vec::new())
    }

    /// Stretches of an iCalendar file.
    pub(super) fn icalendar(&self, text: &str) -> Result<Vec<Stretch>, Vec<Violation>> {
        let (events, errors) = ics::timed(text);
        let of = |e: ics::IcsError| wrong(e.line, &e.field, e.message);
        let broken = errors.into_iter().map(of).collect();
        let entries = events.into_iter().map(|event| {
            let property = |name: &str| event.properties.get(name).cloned();
            let at = |(line, moment): (usize, Moment)| (line, self.moment(&moment));
            Entry {
                role: property("CATEGORIES").unwrap_or((event.line, String::new())),
                staff: property("SUMMARY").unwrap_or((event.line, String::new())),
                rank: property("X-REDRESS-RANK"),
                start: event.start.map(at),
                end: event.end.map(at),
                line: event.line,
            }
        });
        self.all(entries, broken)
    }

    /// The stretches, unless any line is wrong or was found wrong before.
    fn all(
        &self,
        entries: impl Iterator<Item = Entry>,
        mut violations: Vec<Violation>,
    ) -> Result<Vec<Stretch>, Vec<Violation>> {
        let mut stretches = Vec::new();
        for entry in entries {
            match self.stretch(entry) {
                Ok(stretch) => stretches.push(stretch),
                // What is wrong with one that recurs is wrong each time, and told once.
                Err(wrong) => {
                    for violation in wrong {
                        if violations.len() < VIOLATIONS_MAX && !violations.contains(&violation) {
                            violations.push(violation);
                        }
                    }
                }
            }
        }
        if stretches.is_empty() && violations.is_empty() {
            violations.push(wrong(1, "content", "has no stretch of duty"));
        }
        if violations.is_empty() {
            return Ok(stretches);
        }
        Err(violations)
    }

    fn stretch(&self, entry: Entry) -> Result<Stretch, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut keep =
            |line: usize, field: &str, text: &str| violations.push(wrong(line, field, text));
        let (line, text) = &entry.role;
        let role = DutyRole::parse(&text.to_uppercase().replace([' ', '-'], "_")).ok();
        if role.is_none() {
            keep(
                *line,
                "role",
                "must be a duty such as HANDLER, FRONT_OFFICE or DUTY_LEAD",
            );
        }
        let (line, text) = &entry.staff;
        let staff = self.person(text);
        if let Err(text) = &staff {
            keep(*line, "staff", text);
        }
        let mut rank = Some(0);
        if let Some((line, text)) = &entry.rank {
            rank = text.parse().ok().filter(|n| (0..=RANK_MAX).contains(n));
            if rank.is_none() {
                keep(*line, "rank", "must be a number from 0 to 99");
            }
        }
        for (name, at) in [("start", &entry.start), ("end", &entry.end)] {
            if let Some((line, Err(text))) = at {
                keep(*line, name, text);
            }
        }
        if let (Some((_, Ok(from))), Some((line, Ok(until)))) = (&entry.start, &entry.end)
            && until <= from
        {
            keep((*line).max(entry.line), "end", "must be after start");
        }
        let instant =
            |at: Option<(usize, Result<Timestamp, String>)>| at.and_then(|(_, at)| at.ok());
        let (from, until) = (instant(entry.start), instant(entry.end));
        match (role, staff, rank) {
            (Some(role), Ok(staff), Some(rank))
                if violations.is_empty() && from.is_some() && until.is_some() =>
            {
                Ok(Stretch {
                    role,
                    staff,
                    rank,
                    from,
                    until,
                })
            }
            _ => Err(violations),
        }
    }

    /// The texts name nobody: they may be anything.
    fn person(&self, text: &str) -> Result<StaffId, &'static str> {
        let by_id = self.people.iter().find(|(id, _)| id.as_str() == text);
        if let Some((id, _)) = by_id {
            return Ok(id.clone());
        }
        let mut named = self.people.iter().filter(|(_, name)| name == text);
        match (named.next(), named.next()) {
            (Some((id, _)), None) => Ok(id.clone()),
            (Some(_), Some(_)) => Err("is the name of several people; use the id"),
            (None, _) => Err("must be the id or name of somebody who works here"),
        }
    }

    fn instant(&self, text: &str) -> Result<Timestamp, String> {
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(instant);
        }
        let local: Option<DateTime> = text.contains(':').then(|| text.parse().ok()).flatten();
        local
            .map(|local| reached(&self.zone, local))
            .ok_or_else(|| "must be a time like 2026-10-01 08:00".to_owned())
    }

    fn moment(&self, moment: &Moment) -> Result<Timestamp, String> {
        match moment {
            Moment::Instant(instant) => Ok(*instant),
            Moment::Local(local) => Ok(reached(&self.zone, *local)),
            Moment::Zoned(local, zone) => TimeZone::get(zone)
                .map(|zone| reached(&zone, *local))
                .map_err(|_| "must have a TZID of the IANA time zones".to_owned()),
        }
    }
}

fn wrong(line: usize, field: &str, description: impl Into<String>) -> Violation {
    Violation {
        field: format!("content.line[{line}].{}", field.to_lowercase()),
        description: description.into(),
    }
}

/// Rows that say anything, with the line on which each begins, and the line of quotes that are never closed. Cells may be quoted; `""` in quotes is one.
fn csv_rows(text: &str) -> (Vec<(usize, Vec<String>)>, Option<usize>) {
    let mut rows = Vec::new();
    let (mut row, mut cell) = (Vec::new(), String::new());
    let (mut line, mut begun) = (1, 1);
    let mut quoted = false;
    let mut chars = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .chars()
        .peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push((begun, std::mem::take(&mut row)));
                line += 1;
                begun = line;
            }
            '\r' if !quoted => {}
            c => {
                line += usize::from(c == '\n');
                cell.push(c);
            }
        }
    }
    if quoted {
        return (Vec::new(), Some(begun));
    }
    row.push(cell);
    rows.push((begun, row));
    rows.retain(|(_, cells)| cells.iter().any(|c| !c.trim().is_empty()));
    (rows, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        let person = |id: &str, name: &str| (id.parse().expect("a slug"), name.to_owned());
        Context {
            zone: TimeZone::get("Asia/Shanghai").expect("a zone"),
            people: vec![
                person("li-na", "李娜"),
                person("wang-1", "王伟"),
                person("wang-2", "王伟"),
            ],
        }
    }

    fn told(violations: &[Violation]) -> Vec<&str> {
        violations.iter().map(|v| v.field.as_str()).collect()
    }

    #[test]
    fn csv_is_read_in_local_time_with_people_by_id_or_name() {
        let text = "\u{feff}Staff,Role,start,end,rank\r\n李娜,duty-lead,2026-10-01 20:00,2026-10-02 08:00,1\r\n\r\n\"li-na\",HANDLER,2026-10-01T00:00:00Z,2026-10-01T08:00:00Z,\n";
        let stretches = context().csv(text).expect("right");
        assert_eq!(stretches.len(), 2);
        assert_eq!(
            (stretches[0].role, stretches[0].rank),
            (DutyRole::DutyLead, 1)
        );
        assert_eq!(
            stretches[0].from,
            Some("2026-10-01T12:00:00Z".parse().expect("an instant"))
        );
        assert_eq!(stretches[1].staff.as_str(), "li-na");
    }

    #[test]
    fn every_wrong_line_is_named_with_its_field() {
        let text = "role,staff,start,end,rank\nKING,li-na,2026-10-01 08:00,2026-10-01 07:00,\nHANDLER,王伟,soon,2026-10-01,x\n";
        let violations = context().csv(text).expect_err("wrong");
        let expected = [
            "content.line[2].role",
            "content.line[2].end",
            "content.line[3].staff",
            "content.line[3].rank",
            "content.line[3].start",
            "content.line[3].end",
        ];
        assert_eq!(told(&violations), expected);
        assert_eq!(
            told(&context().csv("role,staff\n").expect_err("a head")),
            ["content.line[1].start"]
        );
        assert_eq!(
            told(&context().csv("role,\"staff\nx").expect_err("quotes")),
            ["content.line[1].content"]
        );
    }

    #[test]
    fn icalendar_says_the_same() {
        let event = |body: &str| {
            format!(
                "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:李娜\nCATEGORIES:Top Lead\n{body}END:VEVENT\nEND:VCALENDAR\n"
            )
        };
        let right = event(
            "DTSTART:20261001T080000\nDTEND;TZID=Europe/Berlin:20261001T080000\nX-REDRESS-RANK:2\n",
        );
        let stretches = context().icalendar(&right).expect("right");
        assert_eq!(
            (stretches[0].role, stretches[0].rank),
            (DutyRole::TopLead, 2)
        );
        assert_eq!(
            stretches[0].until,
            Some("2026-10-01T06:00:00Z".parse().expect("an instant"))
        );
        let wrong = event(
            "DTSTART;TZID=Nowhere:20261001T080000\nDTEND:20261001T080000\nX-REDRESS-RANK:-1\n",
        );
        let violations = context().icalendar(&wrong).expect_err("wrong");
        assert_eq!(
            told(&violations),
            ["content.line[7].rank", "content.line[5].start"]
        );
    }

    #[test]
    fn shifts_that_recur_keep_their_wall_clock_over_midnight_and_a_change_of_clocks() {
        let text = "BEGIN:VEVENT\nSUMMARY:li-na\nCATEGORIES:Handler\nDTSTART;TZID=Europe/Berlin:20261023T220000\nDTEND;TZID=Europe/Berlin:20261024T060000\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE;TZID=Europe/Berlin:20261023T220000\nEND:VEVENT\n";
        let stretches = context().icalendar(text).expect("right");
        let times: Vec<String> = stretches
            .iter()
            .map(|s| {
                let (from, until) = (s.from.expect("a start"), s.until.expect("an end"));
                format!("{from} {until}")
            })
            .collect();
        // On 25 October the clocks go back: the night is nine hours long.
        assert_eq!(
            times,
            [
                "2026-10-24T20:00:00Z 2026-10-25T05:00:00Z",
                "2026-10-25T21:00:00Z 2026-10-26T05:00:00Z",
                "2026-10-26T21:00:00Z 2026-10-27T05:00:00Z",
            ]
        );
    }

    #[test]
    fn a_wrong_rule_does_not_hide_the_other_wrong_lines() {
        let text = "BEGIN:VEVENT\nSUMMARY:nobody\nCATEGORIES:Handler\nDTSTART:20261001T080000\nDTEND:20261001T160000\nRRULE:FREQ=MONTHLY\nEND:VEVENT\n\
            BEGIN:VEVENT\nSUMMARY:li-na\nCATEGORIES:KING\nDTSTART:20261001T080000\nDTEND:20261001T070000\nEND:VEVENT\n\
            BEGIN:VEVENT\nSUMMARY:li-na\nCATEGORIES:Handler\nDTSTART:soon\nDTEND:20261001T160000\nX-REDRESS-RANK:x\nEND:VEVENT\n";
        let violations = context().icalendar(text).expect_err("wrong");
        let expected = [
            "content.line[6].rrule",
            "content.line[17].dtstart",
            "content.line[2].staff",
            "content.line[10].role",
            "content.line[12].end",
            "content.line[19].rank",
        ];
        assert_eq!(told(&violations), expected);
        let started = "BEGIN:VEVENT\nSUMMARY:li-na\nCATEGORIES:Handler\nDTSTART:soon\nDTEND:20261001T160000\nEND:VEVENT\n";
        let violations = context().icalendar(started).expect_err("wrong");
        assert_eq!(told(&violations), ["content.line[4].dtstart"]);
    }

    #[test]
    fn what_is_wrong_with_a_shift_that_recurs_is_told_once() {
        let text = "BEGIN:VEVENT\nSUMMARY:nobody\nCATEGORIES:KING\nDTSTART:20261001T080000\nDTEND:20261001T160000\nRRULE:FREQ=DAILY;COUNT=100\nEND:VEVENT\n";
        let violations = context().icalendar(text).expect_err("wrong");
        let expected = ["content.line[3].role", "content.line[2].staff"];
        assert_eq!(told(&violations), expected);
    }
}
