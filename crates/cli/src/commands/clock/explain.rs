//! `redress clock explain`: a clock's time as a bar, with the stretches and changes behind it.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_model::words::{ClockKind, HoldReason, LegalDeadline};
use redress_proto::triage::v1::{
    ClockBasis, ClockChange, ClockLength, ClockStretch, ClockStretchKind, ClockUnit,
    ExplainClockRequest, ExplainClockResponse,
};

use super::act::days;
use super::args::Target;
use super::list;
use crate::commands::word;
use crate::connect::{Platform, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, instant, line, minute, show_table, table, zone_name};
use crate::paint::Paint as _;

/// Characters of a bar.
const WIDTH: usize = 72;

/// Explains the clocks that a target means.
pub(super) async fn run(platform: &Platform, target: &Target, out: Output) -> Result<(), Failure> {
    for clock in list::found(platform, target).await? {
        let message = ExplainClockRequest { name: clock.name };
        let told = platform
            .clocks()
            .explain_clock(request(message))
            .await?
            .into_inner();
        out.one(
            || json::of("triage.v1.ExplainClockResponse", &told),
            || show(&told),
        );
    }
    Ok(())
}

fn show(told: &ExplainClockResponse) {
    let Some(clock) = &told.clock else { return };
    let zone = TimeZone::get(&told.time_zone).unwrap_or(TimeZone::UTC);
    let at = |t: Option<&prost_types::Timestamp>| {
        instant(t).map_or_else(
            || "–".to_owned(),
            |t| {
                let day = t.to_zoned(zone.clone()).strftime("%a").to_string();
                format!("{day} {}", minute(t, crate::now::now(), &zone))
            },
        )
    };
    heading(&format!(
        "{}  {}",
        word::<ClockKind>(clock.kind),
        clock.name
    ));
    line("state", list::state(clock));
    if clock.law != 0 {
        line("law", word::<LegalDeadline>(clock.law));
    }
    for (of, text) in [
        ("source", &told.legal_source),
        ("for", &clock.party),
        ("number", &clock.outside_number),
        ("demand", &clock.demand),
    ] {
        if !text.is_empty() {
            line(of, text);
        }
    }
    line("times in", zone_name(&zone));
    match &told.age {
        Some(age) => line("age", length(Some(age))),
        None => line("promised", length(clock.length.as_ref())),
    }
    line("start", at(clock.start_time.as_ref()));
    line("due", at(clock.due_time.as_ref()));
    line("because", because(told));
    line("used", span(told.used.as_ref()));
    // What promises nothing pins no policy, and no calendar moves it.
    let by = match clock.policy_profile.as_str() {
        "" => told.time_zone.clone(),
        profile => format!(
            "{profile} revision {}, calendar revision {}, {}",
            clock.policy_revision, clock.calendar_revision, told.time_zone
        ),
    };
    line("counts by", by);
    if clock.provisional {
        line(
            "provisional",
            "the holidays of that year are not published yet",
        );
    }
    let now = instant(told.explain_time.as_ref());
    let due = instant(clock.due_time.as_ref());
    let (above, bar) = draw(&pieces(&told.stretches), due, now, WIDTH);
    if !bar.is_empty() {
        crate::output::say!("\n  {above}");
        let drawn: String = bar.iter().map(|(c, kind)| paint(*c, *kind)).collect();
        crate::output::say!("  {drawn}");
        crate::output::say!(
            "  {} counts  {} closed  {} held  ▼ due  ┃ now\n",
            paint('█', ClockStretchKind::Working),
            paint('░', ClockStretchKind::Closed),
            paint('▒', ClockStretchKind::Held),
        );
    }
    let mut stretches = table(&["From", "To", "What", "Used by then"]);
    for s in &told.stretches {
        let (from, to) = (at(s.start_time.as_ref()), at(s.end_time.as_ref()));
        stretches.add_row(vec![
            from,
            to,
            what(s.kind()).to_owned(),
            span(s.used.as_ref()),
        ]);
    }
    show_table(stretches);
    if told.changes.is_empty() {
        return;
    }
    heading("What happened");
    let mut changes = table(&["When", "What", "Promised", "Due after it", "Because"]);
    for c in &told.changes {
        changes.add_row(row(c, at(c.change_time.as_ref()), at(c.due_time.as_ref())));
    }
    show_table(changes);
}

fn row(c: &ClockChange, when: String, due: String) -> Vec<String> {
    let promised = c
        .length
        .as_ref()
        .map_or_else(String::new, |l| length(Some(l)));
    vec![
        when,
        happened(c),
        promised,
        due,
        basis(c.basis()).to_owned(),
    ]
}

/// What happened; of a hold whose reason it is, and who allowed it; of more time and of a promise that is off, why.
fn happened(c: &ClockChange) -> String {
    if !c.cause.is_empty() {
        return format!("{}: {}", c.event, c.cause);
    }
    if c.hold_reason == 0 {
        return c.event.clone();
    }
    let held = format!("{}: {}", c.event, word::<HoldReason>(c.hold_reason));
    match c.hold_approver.as_str() {
        "" => held,
        approver => format!("{held}, by {approver}"),
    }
}

fn what(kind: ClockStretchKind) -> &'static str {
    match kind {
        ClockStretchKind::Elapsed => "counts",
        ClockStretchKind::Working => "open, counts",
        ClockStretchKind::Closed => "closed",
        ClockStretchKind::Held => "held",
        ClockStretchKind::Unspecified => "–",
    }
}

/// Why the deadline is where it is, with what says so.
fn because(told: &ExplainClockResponse) -> String {
    let said = basis(told.basis());
    match (told.basis(), &told.age, &told.hold_budget) {
        (ClockBasis::Age, Some(age), _) => {
            format!(
                "{said}: {} after receipt, without what does not count",
                length(Some(age))
            )
        }
        (ClockBasis::HoldEnd, _, budget) => {
            let reason = word::<HoldReason>(told.hold_reason);
            let budget = budget.as_ref().map_or_else(String::new, |b| {
                let (used, held) = (days(b.used.as_ref()), days(b.held.as_ref()));
                match &b.allowed {
                    None => format!(", {held} days until now"),
                    Some(allowed) => {
                        let allowed = days(Some(allowed));
                        format!(", {used} of {allowed} days of its budget, with what is granted")
                    }
                }
            });
            format!("{said}: {reason}{budget}")
        }
        _ => said.to_owned(),
    }
}

fn basis(basis: ClockBasis) -> &'static str {
    match basis {
        ClockBasis::FromStart => "the time promised, from the start",
        ClockBasis::FromRegrade => "counted from the regrade; from the start it would be past",
        ClockBasis::KeptByRise => "a rise moves no deadline later",
        ClockBasis::KeptAsTold => "told to the customer; only a person moves it later",
        ClockBasis::Named => "the instant that was named",
        ClockBasis::Extended => "a person gave more time",
        ClockBasis::Breached => "a breach stays a breach",
        ClockBasis::Age => "the case is so old that it is graded again",
        ClockBasis::HoldEnd => "a hold ends by itself",
        ClockBasis::Unspecified => "–",
    }
}

fn length(length: Option<&ClockLength>) -> String {
    let Some(length) = length else {
        return "–".to_owned();
    };
    let unit = match length.unit() {
        ClockUnit::Minutes => "minutes",
        ClockUnit::WorkingMinutes => "working minutes",
        ClockUnit::WorkingDays => "working days",
        ClockUnit::Days => "days",
        ClockUnit::Months => "months",
        ClockUnit::Instant => return "a named instant".to_owned(),
        ClockUnit::Unspecified => return "–".to_owned(),
    };
    match length.amount {
        1 => format!("1 {}", unit.trim_end_matches('s')),
        amount => format!("{amount} {unit}"),
    }
}

fn span(d: Option<&prost_types::Duration>) -> String {
    let minutes = d.map_or(0, |d| d.seconds) / 60;
    match (minutes / 60, minutes % 60) {
        (0, m) => format!("{m}m"),
        (h, m) => format!("{h}h {m:02}m"),
    }
}

/// A piece of the bar.
type Piece = (Timestamp, Timestamp, ClockStretchKind);

fn pieces(stretches: &[ClockStretch]) -> Vec<Piece> {
    stretches
        .iter()
        .filter_map(|s| {
            let (from, to) = (
                instant(s.start_time.as_ref())?,
                instant(s.end_time.as_ref())?,
            );
            Some((from, to, s.kind()))
        })
        .collect()
}

/// The bar, each character for an equal part of the time, and the line above it with the deadline. A
/// character shows what most of its part is; now is a mark in the bar.
fn draw(
    pieces: &[Piece],
    due: Option<Timestamp>,
    now: Option<Timestamp>,
    width: usize,
) -> (String, Vec<(char, ClockStretchKind)>) {
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
        return (String::new(), Vec::new());
    };
    let (start, end) = (first.0, last.1);
    let whole = start.duration_until(end);
    let cells = i32::try_from(width).unwrap_or(i32::MAX).max(1);
    let edge = |cell: i32| start + whole / cells * cell;
    let place = |t: Timestamp| {
        let inside = (start..=end).contains(&t);
        let cell = (0..cells).rfind(|cell| edge(*cell) <= t).unwrap_or(0);
        inside.then(|| usize::try_from(cell).unwrap_or(0))
    };
    let mut bar: Vec<(char, ClockStretchKind)> = (0..cells)
        .map(|cell| {
            let (from, to) = (edge(cell), edge(cell + 1));
            let share = |piece: &&Piece| {
                let (from, to) = (from.max(piece.0), to.min(piece.1));
                from.duration_until(to).max(SignedDuration::ZERO)
            };
            let most = pieces.iter().rev().max_by_key(share).unwrap_or(last);
            (glyph(most.2), most.2)
        })
        .collect();
    if let Some(mark) = now.and_then(place).and_then(|cell| bar.get_mut(cell)) {
        mark.0 = '┃';
    }
    let above = match due.and_then(place) {
        Some(cell) => format!("{}▼", " ".repeat(cell)),
        None => String::new(),
    };
    (above, bar)
}

fn glyph(kind: ClockStretchKind) -> char {
    match kind {
        ClockStretchKind::Elapsed | ClockStretchKind::Working => '█',
        ClockStretchKind::Closed => '░',
        ClockStretchKind::Held => '▒',
        ClockStretchKind::Unspecified => ' ',
    }
}

fn paint(c: char, kind: ClockStretchKind) -> String {
    if c == '┃' {
        return c.red().bold().to_string();
    }
    match kind {
        ClockStretchKind::Elapsed | ClockStretchKind::Working => c.green().to_string(),
        ClockStretchKind::Held => c.yellow().to_string(),
        ClockStretchKind::Closed | ClockStretchKind::Unspecified => c.dimmed().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use redress_model::words::Word as _;
    use redress_proto::triage::v1::HoldBudget;

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3_600).expect("in range")
    }

    #[test]
    fn what_promises_nothing_says_which_age_or_which_hold_it_waits_for() {
        let days = |days: i64| {
            Some(prost_types::Duration {
                seconds: days * 86_400,
                nanos: 0,
            })
        };
        let age = ExplainClockResponse {
            basis: ClockBasis::Age.into(),
            age: Some(ClockLength {
                amount: 15,
                unit: ClockUnit::Days.into(),
            }),
            ..Default::default()
        };
        assert_eq!(
            because(&age),
            "the case is so old that it is graded again: 15 days after receipt, without what does not count"
        );
        let hold = ExplainClockResponse {
            basis: ClockBasis::HoldEnd.into(),
            hold_reason: HoldReason::Court.number(),
            hold_budget: Some(HoldBudget {
                used: days(20),
                allowed: days(90),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(
            because(&hold),
            "a hold ends by itself: COURT, 20 of 90 days of its budget, with what is granted"
        );
    }

    #[test]
    fn what_happened_names_whose_hold_it_was_who_allowed_it_and_why_more_time_was_given() {
        let held = |reason: HoldReason, approver: &str| ClockChange {
            event: "held".to_owned(),
            hold_reason: reason.number(),
            hold_approver: approver.to_owned(),
            ..Default::default()
        };
        let told = |change: &ClockChange| row(change, String::new(), String::new()).remove(1);
        assert_eq!(
            told(&held(HoldReason::Court, "lead-duty")),
            "held: COURT, by lead-duty"
        );
        assert_eq!(told(&held(HoldReason::Customer, "")), "held: CUSTOMER");
        let resumed = ClockChange {
            event: "resumed".to_owned(),
            ..Default::default()
        };
        assert_eq!(told(&resumed), "resumed");
        let extended = ClockChange {
            event: "extended".to_owned(),
            cause: "lead-duty: the part is ordered".to_owned(),
            ..Default::default()
        };
        assert_eq!(told(&extended), "extended: lead-duty: the part is ordered");
    }

    #[test]
    fn a_bar_shows_each_stretch_by_its_share_the_deadline_above_and_now_within() {
        use ClockStretchKind::{Closed, Held, Working};
        let pieces = [
            (at(0), at(4), Working),
            (at(4), at(6), Closed),
            (at(6), at(8), Held),
        ];
        let (above, bar) = draw(&pieces, Some(at(8)), Some(at(2)), 8);
        let text: String = bar.iter().map(|(c, _)| *c).collect();
        assert_eq!(text, "██┃█░░▒▒");
        assert_eq!(above, "       ▼");
        assert!(draw(&[], None, None, 8).1.is_empty());
        // A deadline that is not drawn has no mark.
        assert_eq!(draw(&pieces, Some(at(99)), None, 8).0, "");
    }
}
