//! `redress incident room`: the crisis room in a terminal.
//!
//! What is drawn is a pure function of the last message, the time and the size, so that a test can hold it against a
//! screen of 80 by 24. The stream goes on where it was after every interruption. With `--json` every message is a line.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use crossterm::style::{Attribute, Color, ResetColor, SetAttribute, SetForegroundColor};
use crossterm::{cursor, execute, queue, terminal};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_model::words::{ClockKind, ClockState, DutyRole, Word as _};
use redress_proto::crisis::v1::{
    Audience, CallOutState, Incident, IncidentMode, IncidentRoom, IncidentStage, IncidentState,
    ReviewStep, RoomCell, RoomReview, StatementKind, StatementState, WatchIncidentRequest,
    WatchIncidentResponse,
};
use tonic::{Code, Request};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{spelled, word};
use crate::connect::{Platform, is_transient};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, counted, instant, instants_in, known, plain, short};

/// How often clocks count down.
const TICK: Duration = Duration::from_secs(1);

/// The columns and lines of a room that no terminal bounds.
const PAGE: (usize, usize) = (120, 48);

/// The longest pause before the stream is taken up again.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How a piece of a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Plain,
    Heading,
    /// The first line.
    Title,
    /// Overdue, objected, nobody there.
    Alarm,
    /// Close to its end, or waited for.
    Warning,
}

/// A piece of a line.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) text: String,
    look: Look,
}

pub(crate) fn piece(look: Look, text: impl Into<String>) -> Piece {
    Piece {
        text: text.into(),
        look,
    }
}

/// Shows an incident until it is interrupted.
pub(crate) async fn run(platform: &Platform, name: String, out: Output) -> Result<(), Failure> {
    let in_terminal = std::io::stdout().is_terminal();
    let mut screen = (!out.json && in_terminal).then(Screen::enter).transpose()?;
    let mut shown: Option<WatchIncidentResponse> = None;
    let mut token = String::new();
    let mut pause = TICK;
    // Asked for once: what comes while something is printed is not lost.
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let watch = WatchIncidentRequest {
            name: name.clone(),
            resume_token: token.clone(),
        };
        let mut client = platform.incidents();
        let mut stream = match client.watch_incident(Request::new(watch)).await {
            Ok(answer) => Some(answer.into_inner()),
            // The place is no longer known: from the beginning.
            Err(status) if status.code() == Code::OutOfRange => {
                token.clear();
                continue;
            }
            Err(status) if is_transient(&status) => None,
            Err(status) => return Err(status.into()),
        };
        let mut live = stream.is_some();
        let mut lost = tokio::time::Instant::now() + pause;
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                // The interrupt first: it is heard from the first time it is asked for.
                biased;
                _ = &mut interrupted => return Ok(()),
                _ = tick.tick() => {
                    if stream.is_none() && tokio::time::Instant::now() >= lost {
                        pause = (pause * 2).min(PAUSE_MAX);
                        break;
                    }
                }
                message = next(stream.as_mut()) => match message {
                    Ok(Some(message)) => {
                        token.clone_from(&message.resume_token);
                        if out.json {
                            crate::output::object(&update(&message));
                        }
                        if !out.json && !in_terminal {
                            print(&message);
                            return Ok(());
                        }
                        shown = Some(message);
                        pause = TICK;
                    }
                    // The service went, or ended the stream: again in a moment.
                    Ok(None) => {
                        (stream, live) = (None, false);
                        lost = tokio::time::Instant::now() + pause;
                    }
                    Err(status) if status.code() == Code::OutOfRange => {
                        token.clear();
                        break;
                    }
                    Err(status) if is_transient(&status) => {
                        (stream, live) = (None, false);
                        lost = tokio::time::Instant::now() + pause;
                    }
                    Err(status) => return Err(status.into()),
                },
            }
            if let (Some(screen), Some(shown)) = (&mut screen, &shown) {
                let size = terminal::size().unwrap_or((80, 24));
                let size = (usize::from(known(size.0)), usize::from(size.1));
                screen.draw(&draw(
                    shown,
                    crate::now::now(),
                    &TimeZone::system(),
                    live,
                    size,
                ))?;
            }
        }
    }
}

/// The room as it is now, once: a file or a pipe is no screen.
fn print(message: &WatchIncidentResponse) {
    let (now, zone) = (crate::now::now(), TimeZone::system());
    for line in draw(message, now, &zone, true, PAGE) {
        let line: String = line.into_iter().map(|piece| piece.text).collect();
        crate::output::say!("{}", line.trim_end());
    }
}

fn update(message: &WatchIncidentResponse) -> serde_json::Value {
    json::of("crisis.v1.WatchIncidentResponse", message)
}

async fn next(
    stream: Option<&mut tonic::Streaming<WatchIncidentResponse>>,
) -> Result<Option<WatchIncidentResponse>, tonic::Status> {
    match stream {
        Some(stream) => stream.message().await,
        None => std::future::pending().await,
    }
}

/// The terminal while the room has it; given back however the command ends.
pub(crate) struct Screen {
    out: std::io::Stdout,
}

impl Screen {
    pub(crate) fn enter() -> Result<Self, Failure> {
        let mut out = std::io::stdout();
        execute!(out, terminal::EnterAlternateScreen, cursor::Hide).map_err(broken)?;
        Ok(Self { out })
    }

    pub(crate) fn draw(&mut self, lines: &[Vec<Piece>]) -> Result<(), Failure> {
        self.write(lines).map_err(broken)
    }

    fn write(&mut self, lines: &[Vec<Piece>]) -> std::io::Result<()> {
        for (row, line) in (0_u16..).zip(lines) {
            queue!(self.out, cursor::MoveTo(0, row))?;
            for Piece { text, look } in line {
                match look {
                    Look::Plain => {}
                    Look::Heading => queue!(self.out, SetAttribute(Attribute::Bold))?,
                    Look::Title => queue!(self.out, SetAttribute(Attribute::Reverse))?,
                    Look::Alarm => queue!(self.out, SetForegroundColor(Color::Red))?,
                    Look::Warning => queue!(self.out, SetForegroundColor(Color::Yellow))?,
                }
                write!(self.out, "{text}")?;
                queue!(self.out, ResetColor, SetAttribute(Attribute::Reset))?;
            }
            queue!(self.out, terminal::Clear(terminal::ClearType::UntilNewLine))?;
        }
        queue!(
            self.out,
            terminal::Clear(terminal::ClearType::FromCursorDown)
        )?;
        self.out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that went away.
        let _ = execute!(self.out, terminal::LeaveAlternateScreen, cursor::Show);
    }
}

fn broken(source: std::io::Error) -> Failure {
    Failure::platform("the terminal does not take it", source)
}

/// The room on a screen of this size: as many lines as it has, each exactly as wide.
fn draw(
    shown: &WatchIncidentResponse,
    now: Timestamp,
    zone: &TimeZone,
    live: bool,
    (width, height): (usize, usize),
) -> Vec<Vec<Piece>> {
    let incident = shown.incident.clone().unwrap_or_default();
    let room = shown.room.clone().unwrap_or_default();
    let left = width.saturating_sub(1) / 2;
    let right = width.saturating_sub(left + 1);
    let mut lines = vec![title(&incident, now, zone, live, width)];
    let body = height.saturating_sub(2);
    let third = body / 3;
    let heights = [body - 2 * third, third, third];
    let columns = [
        (command(&incident, &room, now), clocks(&incident, now)),
        (statements(&room, now), cells(&incident, &room, now)),
        (
            match &room.review {
                Some(of) => review(of, now),
                None => to_do(&room, now),
            },
            [briefings(&room, now), media(&room, now)].concat(),
        ),
    ];
    for ((a, b), height) in columns.into_iter().zip(heights) {
        let (a, b) = (block(a, left, height), block(b, right, height));
        for (a, b) in a.into_iter().zip(b) {
            lines.push(vec![a, piece(Look::Plain, " "), b]);
        }
    }
    lines.push(vec![last(&incident, now, zone, width)]);
    lines.truncate(height);
    lines
}

fn title(i: &Incident, now: Timestamp, zone: &TimeZone, live: bool, width: usize) -> Vec<Piece> {
    let site = i.name.split('/').nth(1).unwrap_or_default();
    let mode = IncidentMode::try_from(i.mode).map_or("", |m| m.as_str_name());
    let stage = IncidentStage::try_from(i.stage).map_or("", |s| s.as_str_name());
    let state = IncidentState::try_from(i.state).map_or("", |s| s.as_str_name());
    let provisional = if i.provisional { " PROVISIONAL" } else { "" };
    let left = format!(
        " {site} {}  {}  {}  {}{provisional}  {}",
        i.number,
        spelled(state, "INCIDENT_STATE_"),
        spelled(mode, "INCIDENT_MODE_"),
        spelled(stage, "INCIDENT_STAGE_"),
        counted(&i.case_count, "case", "cases")
    );
    let time = now.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
    let right = if live {
        format!("{time} ")
    } else {
        format!("NO CONNECTION {time} ")
    };
    let room = width.saturating_sub(right.width());
    vec![
        piece(Look::Title, fit(&left, room)),
        piece(if live { Look::Title } else { Look::Alarm }, right),
    ]
}

pub(crate) fn roles(i: &Incident) -> Vec<Piece> {
    let mut lines = vec![piece(Look::Heading, "ROLES")];
    for r in &i.roles {
        let role = word::<DutyRole>(r.role);
        let (who, filled) = match (r.staff.as_str(), r.stand_in.as_str()) {
            ("", "") => ("nobody".to_owned(), false),
            ("", stand_in) => (format!("({})", short(stand_in)), false),
            (staff, _) => (short(staff), true),
        };
        let (mark, look) = match r.call_out_state() {
            CallOutState::Acknowledged if filled => ("ok", Look::Plain),
            CallOutState::Acknowledged => ("ok", Look::Warning),
            CallOutState::Failed => ("not reached", Look::Alarm),
            CallOutState::Requested | CallOutState::Sent => ("called", Look::Warning),
            CallOutState::Unspecified => ("", if filled { Look::Plain } else { Look::Alarm }),
        };
        lines.push(piece(look, format!("{role:<17}{who} {mark}")));
    }
    lines
}

/// The roles, with who acts for one and for how long, who was asked to take one over, and under or over whom the incident
/// is.
fn command(i: &Incident, room: &IncidentRoom, now: Timestamp) -> Vec<Piece> {
    let mut lines = roles(i);
    for (line, r) in lines.iter_mut().skip(1).zip(&i.roles) {
        for deputy in room.deputies.iter().filter(|d| d.role == r.role) {
            // Nobody is told when a time ends: who acts no more is left out here.
            if let Some(end) = instant(deputy.end_time.as_ref()).filter(|end| *end > now) {
                line.text += &format!(" +{} {}", short(&deputy.staff), rest(end, now));
            }
        }
        for offer in room.handovers.iter().filter(|h| h.role == r.role) {
            line.text += &format!(" → {}?", short(&offer.to));
        }
    }
    let led = room.links.iter().filter(|l| l.leads).count();
    let leader = room.links.iter().find(|l| !l.leads);
    let under = match (leader, led) {
        (Some(leader), _) => {
            let site = leader.incident.split('/').nth(1).unwrap_or_default();
            format!(", led by {site}")
        }
        (None, 0) => String::new(),
        (None, led) => format!(", leads {led}"),
    };
    lines[0].text += &under;
    lines
}

pub(crate) fn clocks(i: &Incident, now: Timestamp) -> Vec<Piece> {
    let mut lines = vec![piece(Look::Heading, "CLOCKS")];
    let mut running: Vec<_> = i.clocks.iter().filter(|c| c.stop_time.is_none()).collect();
    running.sort_by_key(|c| c.due_time.map(|t| t.seconds));
    let review = ClockKind::StatementReview.number();
    let reviews = running.iter().filter(|c| c.kind == review).count();
    // The statements that wait have a list of their own: the first of many speaks for them.
    let mut told = false;
    running.retain(|c| c.kind != review || !std::mem::replace(&mut told, true));
    for c in running {
        let due = instant(c.due_time.as_ref());
        let warned = instant(c.warn_time.as_ref()).is_some_and(|t| t <= now);
        let look = match word::<ClockState>(c.state).as_str() {
            "BREACHED" => Look::Alarm,
            _ if warned => Look::Warning,
            _ => Look::Plain,
        };
        let rung = if c.level > 0 {
            format!(" rung {}", c.level)
        } else {
            String::new()
        };
        let of = match c.role {
            0 => String::new(),
            _ if reviews > 1 && c.kind == review => format!(", the first of {reviews}"),
            role => format!(" {}", word::<DutyRole>(role)),
        };
        lines.push(piece(
            look,
            format!(
                "{:>10}  {}{of}{rung}",
                count(due, now),
                word::<ClockKind>(c.kind)
            ),
        ));
    }
    if lines.len() == 1 {
        lines.push(piece(Look::Plain, "none of its own runs"));
    }
    lines
}

/// What waits for the spokesperson, and how much was decided.
fn held(room: &IncidentRoom, now: Timestamp) -> Vec<Piece> {
    let Some(held) = &room.held else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    if held.waiting_count > 0 {
        let due = instant(held.next_decide_time.as_ref());
        let since = instant(held.oldest_hold_time.as_ref());
        let age = since.map_or(0, |since| since.duration_until(now).as_secs());
        let text = format!(
            "{:>10}  {} held, oldest {}",
            count(due, now),
            held.waiting_count,
            span(age)
        );
        lines.push(piece(late(due, now), text));
    }
    if held.released_count + held.dropped_count > 0 {
        let (released, dropped) = (held.released_count, held.dropped_count);
        let text = format!("{:>10}  {released} released, {dropped} dropped", "held");
        lines.push(piece(Look::Plain, text));
    }
    lines
}

fn statements(room: &IncidentRoom, now: Timestamp) -> Vec<Piece> {
    let mut lines = vec![piece(Look::Heading, "STATEMENTS")];
    lines.extend(held(room, now));
    for s in &room.statements {
        let kind = spelled(
            StatementKind::try_from(s.kind).map_or("", |k| k.as_str_name()),
            "STATEMENT_KIND_",
        );
        let step = spelled(
            ReviewStep::try_from(s.due_step).map_or("", |r| r.as_str_name()),
            "REVIEW_STEP_",
        );
        let (what, look) = match s.state() {
            StatementState::Draft if s.objection_count > 0 => ("OBJECTED".to_owned(), Look::Alarm),
            StatementState::Draft if s.due_step() == ReviewStep::Unspecified => {
                ("READY".to_owned(), Look::Warning)
            }
            StatementState::Draft => (step, Look::Warning),
            other => (
                spelled(other.as_str_name(), "STATEMENT_STATE_"),
                Look::Plain,
            ),
        };
        lines.push(piece(
            look,
            format!("{kind:<9} {:<10} {what}", audience(s.audience)),
        ));
    }
    if room.statements.is_empty() {
        lines.push(piece(Look::Plain, "none"));
    }
    lines
}

/// What each audience was told in this stage, and after it the newest of what it was told in another.
fn cells(i: &Incident, room: &IncidentRoom, now: Timestamp) -> Vec<Piece> {
    let mut lines = vec![piece(Look::Heading, "TOLD IN THIS STAGE")];
    // An older platform tells of this stage alone, and does not name it.
    let unnamed = i32::from(IncidentStage::Unspecified);
    let is_of_this = |c: &RoomCell| c.stage == i.stage || c.stage == unnamed;
    let since = |at: Timestamp| span(at.duration_until(now).as_secs());
    for c in room.cells.iter().filter(|c| is_of_this(c)) {
        let others = room.cells.iter().filter(|o| !is_of_this(o));
        let others = others.filter(|o| o.audience == c.audience);
        let others = others.filter_map(|o| Some((instant(o.tell_time.as_ref())?, o.stage())));
        let before = others.max_by_key(|(at, _)| *at).map(|(at, stage)| {
            let stage = spelled(stage.as_str_name(), "INCIDENT_STAGE_");
            format!(" ({stage} {})", since(at))
        });
        let told = match (instant(c.tell_time.as_ref()), &before) {
            (Some(at), None) => format!("{} ago", since(at)),
            (None, None) => "nothing yet".to_owned(),
            // Short, so that both fit in half a screen.
            (Some(at), Some(_)) => since(at),
            (None, Some(_)) => "nothing".to_owned(),
        };
        let look = if c.missing {
            Look::Warning
        } else {
            Look::Plain
        };
        // How many were reached, where that is not enough.
        let of = match c.missing && c.audience_size > 0 && c.tell_time.is_some() {
            true => format!(", {} of {}", c.reached_count, c.audience_size),
            false => String::new(),
        };
        let before = before.unwrap_or_default();
        let text = format!("{:<12}{told}{of}{before}", audience(c.audience));
        lines.push(piece(look, text));
    }
    lines
}

/// Tasks and commitments, by what is due, under what the stage is for; then what has to hold before the stage is left.
fn to_do(room: &IncidentRoom, now: Timestamp) -> Vec<Piece> {
    let mut due: Vec<(Option<Timestamp>, String)> = Vec::new();
    for t in &room.tasks {
        let who = match t.staff.as_str() {
            "" => word::<DutyRole>(t.owner),
            staff => short(staff),
        };
        let optional = if t.optional { " (optional)" } else { "" };
        let text = format!("{} · {who}{optional}", t.key);
        due.push((instant(t.due_time.as_ref()), text));
    }
    for c in &room.commitments {
        let text = format!("{} · {}", c.text, short(&c.owner));
        due.push((instant(c.due_time.as_ref()), text));
    }
    due.sort();
    let goals: Vec<&str> = room.goals.iter().map(|g| g.en.as_str()).collect();
    let heading = match goals.as_slice() {
        [] => "TASKS AND COMMITMENTS".to_owned(),
        goals => format!("TO DO: {}", goals.join("; ")),
    };
    let mut lines = vec![piece(Look::Heading, heading)];
    for (due, text) in due {
        let text = format!("{:>10}  {text}", count(due, now));
        lines.push(piece(late(due, now), text));
    }
    if lines.len() == 1 {
        lines.push(piece(Look::Plain, "none open"));
    }
    for c in &room.conditions {
        lines.push(piece(Look::Plain, format!("    holds?  {}", c.key)));
    }
    lines
}

/// What the review of an incident that was stood down still asks for: actions, by what is due, then lessons to be decided.
fn review(review: &RoomReview, now: Timestamp) -> Vec<Piece> {
    let state = spelled(review.state().as_str_name(), "REVIEW_STATE_");
    let mut lines = vec![piece(Look::Heading, format!("REVIEW, {state}"))];
    for a in &review.actions {
        let due = instant(a.due_time.as_ref());
        let text = format!("{:>10}  {} · {}", count(due, now), a.text, short(&a.owner));
        lines.push(piece(late(due, now), text));
    }
    for l in &review.lessons {
        let text = match (l.key.as_str(), &l.text) {
            ("", Some(goal)) => goal.en.as_str(),
            (key, _) => key,
        };
        lines.push(piece(Look::Plain, format!("{:>10}  {text}", "decide?")));
    }
    if review.settled_count > 0 {
        let settled = counted(&review.settled_count, "action", "actions");
        lines.push(piece(Look::Plain, format!("{:>10}  {settled}", "settled")));
    }
    if lines.len() == 1 {
        lines.push(piece(Look::Plain, "nothing is asked"));
    }
    lines
}

fn briefings(room: &IncidentRoom, now: Timestamp) -> Vec<Piece> {
    let mut lines = vec![piece(Look::Heading, "BRIEFINGS")];
    for b in &room.briefings {
        let planned = instant(b.plan_time.as_ref());
        let (text, look) = match (b.hold_time.is_some(), b.release_time.is_some()) {
            (false, _) => {
                let text = format!("{:>10}  briefing {}", count(planned, now), b.number);
                (text, late(planned, now))
            }
            (true, true) => (
                format!("{:>10}  briefing {}, notes released", "held", b.number),
                Look::Plain,
            ),
            (true, false) => (
                format!("{:>10}  briefing {}, notes not released", "held", b.number),
                Look::Warning,
            ),
        };
        lines.push(piece(look, text));
    }
    for q in &room.questions {
        let text = format!("{:>10}  {}", "asked", q.text);
        lines.push(piece(Look::Warning, text));
    }
    lines
}

/// What the press waits for, and what has to be set right.
fn media(room: &IncidentRoom, now: Timestamp) -> Vec<Piece> {
    let mut lines = vec![piece(Look::Heading, "MEDIA")];
    for i in &room.inquiries {
        let due = instant(i.due_time.as_ref());
        let text = format!("{:>10}  {} asks", count(due, now), i.outlet);
        lines.push(piece(late(due, now), text));
    }
    for e in &room.exposures {
        let due = instant(e.clarify_due_time.as_ref());
        let (what, look) = match due {
            Some(_) => ("to be clarified", late(due, now)),
            None => ("is it so?", Look::Warning),
        };
        let text = format!("{:>10}  {}: {what}", count(due, now), e.outlet);
        lines.push(piece(look, text));
    }
    if lines.len() == 1 {
        lines.push(piece(Look::Plain, "nothing waits"));
    }
    lines
}

fn last(i: &Incident, now: Timestamp, zone: &TimeZone, width: usize) -> Piece {
    let line = i.log_entries.first().map_or_else(String::new, |e| {
        let at = instant(e.log_time.as_ref())
            .map(|t| t.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string());
        let said = instants_in(&e.text, now, zone);
        format!(" {} {said}", at.unwrap_or_default())
    });
    piece(Look::Plain, fit(&line, width))
}

fn late(due: Option<Timestamp>, now: Timestamp) -> Look {
    if due.is_some_and(|due| due <= now) {
        Look::Alarm
    } else {
        Look::Plain
    }
}

fn audience(value: i32) -> String {
    spelled(
        Audience::try_from(value).map_or("", |a| a.as_str_name()),
        "AUDIENCE_",
    )
}

/// Exactly so many lines, each exactly so wide. What does not fit is counted in the last line, never left out silently.
pub(crate) fn block(mut lines: Vec<Piece>, width: usize, height: usize) -> Vec<Piece> {
    if lines.len() > height && height > 0 {
        let more = lines.len() - height + 1;
        let hidden = &lines[height - 1..];
        let look = if hidden.iter().any(|l| l.look == Look::Alarm) {
            Look::Alarm
        } else {
            Look::Plain
        };
        lines.truncate(height - 1);
        lines.push(piece(look, format!("and {more} more")));
    }
    lines.resize_with(height, || piece(Look::Plain, ""));
    for line in &mut lines {
        line.text = fit(&line.text, width);
    }
    lines
}

/// A text in exactly so many columns: cut with `…`, or filled. Chinese letters take two columns.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let text: String = plain(text).chars().filter(|c| !c.is_control()).collect();
    if text.width() <= width {
        let space = width - text.width();
        return text + &" ".repeat(space);
    }
    let mut cut = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let columns = letter.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        cut.push(letter);
        used += columns;
    }
    if width > 0 {
        cut.push('…');
        used += 1;
    }
    cut + &" ".repeat(width.saturating_sub(used))
}

/// Time that is left, or by how much it is over: `1:05:09`, `-0:12:00`.
fn count(due: Option<Timestamp>, now: Timestamp) -> String {
    let Some(due) = due else {
        return "–".to_owned();
    };
    let seconds = due.as_second() - now.as_second();
    let sign = if seconds < 0 { "-" } else { "" };
    format!("{sign}{}", span(seconds))
}

/// What is left until an end, in whole hours, less than one in minutes: `71h`, `59m`.
fn rest(end: Timestamp, now: Timestamp) -> String {
    match now.duration_until(end).as_mins() {
        minutes @ ..60 => format!("{minutes}m"),
        minutes => format!("{}h", minutes / 60),
    }
}

fn span(seconds: i64) -> String {
    let s = seconds.unsigned_abs();
    let (days, hours, minutes, seconds) = (s / 86_400, s % 86_400 / 3_600, s % 3_600 / 60, s % 60);
    match days {
        0 => format!("{hours}:{minutes:02}:{seconds:02}"),
        days => format!("{days}d {hours:02}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redress_proto::convert::{to_timestamp, to_wire};
    use redress_proto::crisis::v1 as wire;

    const NOW: &str = "2026-03-02T10:00:00+08:00";

    fn now() -> Timestamp {
        NOW.parse().expect("an instant")
    }

    fn in_minutes(minutes: i64) -> Option<prost_types::Timestamp> {
        Some(to_timestamp(
            now() + jiff::SignedDuration::from_mins(minutes),
        ))
    }

    fn busy() -> WatchIncidentResponse {
        let role = |role: DutyRole, staff: &str, state: CallOutState| wire::IncidentRole {
            role: to_wire(role),
            staff: if staff.is_empty() {
                String::new()
            } else {
                format!("sites/lakeside/staff/{staff}")
            },
            stand_in: if staff.is_empty() {
                "sites/lakeside/staff/top".into()
            } else {
                String::new()
            },
            call_out_state: state.into(),
            ..Default::default()
        };
        let clock =
            |kind: ClockKind, state: ClockState, due: i64, level: i32| wire::IncidentClock {
                kind: to_wire(kind),
                state: to_wire(state),
                due_time: in_minutes(due),
                warn_time: in_minutes(due - 15),
                level,
                ..Default::default()
            };
        let statement = |kind: StatementKind,
                         state: StatementState,
                         step: ReviewStep,
                         objections: i32| wire::RoomStatement {
            kind: kind.into(),
            audience: Audience::Public.into(),
            state: state.into(),
            due_step: step.into(),
            objection_count: objections,
            ..Default::default()
        };
        let cell = |audience: Audience, ago: Option<i64>| wire::RoomCell {
            audience: audience.into(),
            tell_time: ago.and_then(|ago| in_minutes(-ago)),
            missing: ago.is_none(),
            stage: IncidentStage::Outbreak.into(),
            ..Default::default()
        };
        let earlier = |audience: Audience, stage: IncidentStage, ago: i64| wire::RoomCell {
            stage: stage.into(),
            missing: false,
            ..cell(audience, Some(ago))
        };
        let promised = |text: &str, due: i64| wire::Commitment {
            text: text.into(),
            owner: "sites/lakeside/staff/onsite".into(),
            due_time: in_minutes(due),
            ..Default::default()
        };
        let task = |key: &str, staff: &str, due: i64, optional: bool| wire::IncidentTask {
            key: key.into(),
            owner: to_wire(DutyRole::DutyLead),
            staff: if staff.is_empty() {
                String::new()
            } else {
                format!("sites/lakeside/staff/{staff}")
            },
            due_time: in_minutes(due),
            optional,
            ..Default::default()
        };
        WatchIncidentResponse {
            incident: Some(Incident {
                name: "sites/lakeside/incidents/x".into(),
                number: "I20260302-01".into(),
                state: IncidentState::Open.into(),
                mode: IncidentMode::Public.into(),
                stage: IncidentStage::Outbreak.into(),
                case_count: 40,
                roles: vec![
                    role(DutyRole::TopLead, "top", CallOutState::Acknowledged),
                    role(DutyRole::DutyLead, "duty", CallOutState::Sent),
                    role(DutyRole::OnSiteLead, "onsite", CallOutState::Acknowledged),
                    role(DutyRole::Spokesperson, "", CallOutState::Failed),
                    role(
                        DutyRole::LegalCounsel,
                        "counsel",
                        CallOutState::Acknowledged,
                    ),
                    role(
                        DutyRole::CustomerLiaison,
                        "liaison",
                        CallOutState::Acknowledged,
                    ),
                    role(DutyRole::Negotiator, "negotiator", CallOutState::Requested),
                ],
                clocks: vec![
                    clock(ClockKind::InsideReport, ClockState::Running, 230, 0),
                    clock(ClockKind::HoldingStatement, ClockState::Breached, -12, 1),
                    clock(ClockKind::OutwardUpdate, ClockState::Running, 10, 0),
                    clock(ClockKind::WeeklyBriefing, ClockState::Running, 6240, 0),
                ],
                log_entries: vec![wire::LogEntry {
                    log_time: in_minutes(0),
                    text: "HOLDING_STATEMENT breached".into(),
                    ..Default::default()
                }],
                ..Default::default()
            }),
            room: Some(IncidentRoom {
                statements: vec![
                    statement(
                        StatementKind::Holding,
                        StatementState::Draft,
                        ReviewStep::LegalReview,
                        0,
                    ),
                    statement(
                        StatementKind::Update,
                        StatementState::Draft,
                        ReviewStep::Approval,
                        1,
                    ),
                    statement(
                        StatementKind::Update,
                        StatementState::Published,
                        ReviewStep::Unspecified,
                        0,
                    ),
                ],
                cells: vec![
                    cell(Audience::Affected, Some(42)),
                    cell(Audience::Public, None),
                    cell(Audience::Media, None),
                    cell(Audience::Authorities, Some(60 * 30)),
                    cell(Audience::Staff, Some(5)),
                    earlier(Audience::Authorities, IncidentStage::Latent, 60 * 72),
                    earlier(Audience::Authorities, IncidentStage::Handling, 60 * 51),
                    earlier(Audience::Staff, IncidentStage::Aftermath, 60 * 23),
                    earlier(Audience::Public, IncidentStage::Latent, 60 * 26),
                ],
                briefings: vec![wire::Briefing {
                    number: 1,
                    plan_time: in_minutes(6240),
                    ..Default::default()
                }],
                commitments: vec![
                    promised("疏散售楼处门口人群,设置接待区并安排专人登记诉求", -3),
                    promised("公布变更前后总平面图", 600),
                ],
                inquiries: vec![wire::Inquiry {
                    outlet: "City Daily".into(),
                    due_time: in_minutes(-20),
                    ..Default::default()
                }],
                exposures: vec![
                    wire::Exposure {
                        outlet: "晚报".into(),
                        clarify_due_time: in_minutes(60 * 24 * 4),
                        ..Default::default()
                    },
                    wire::Exposure {
                        outlet: "A forum".into(),
                        ..Default::default()
                    },
                ],
                tasks: vec![
                    task("secure-site", "onsite", -40, false),
                    task("inform-authority", "", 60, true),
                ],
                conditions: vec![wire::ExitCondition {
                    key: "people-calm".into(),
                    ..Default::default()
                }],
                handovers: vec![wire::Handover {
                    role: to_wire(DutyRole::DutyLead),
                    to: "sites/lakeside/staff/second".into(),
                    ..Default::default()
                }],
                links: vec![wire::RoomLink {
                    incident: "sites/riverside/incidents/y".into(),
                    leads: true,
                }],
                held: Some(wire::RoomHeld {
                    waiting_count: 3,
                    released_count: 2,
                    dropped_count: 1,
                    oldest_hold_time: in_minutes(-80),
                    next_decide_time: in_minutes(-2),
                }),
                deputies: [("onsite", 119), ("duty", -1)]
                    .map(|(staff, end)| wire::Deputy {
                        role: to_wire(DutyRole::LegalCounsel),
                        staff: format!("sites/lakeside/staff/{staff}"),
                        end_time: in_minutes(end),
                        ..Default::default()
                    })
                    .into(),
                goals: vec![wire::PlaybookText {
                    zh_cn: "人员安全，情绪平复".into(),
                    en: "People are safe and calm down".into(),
                    ..Default::default()
                }],
                review: None,
                questions: vec![wire::RoomQuestion {
                    briefing_number: 1,
                    number: 2,
                    text: "何时公布检测报告?".into(),
                }],
            }),
            ..Default::default()
        }
    }

    fn text(lines: &[Vec<Piece>]) -> Vec<String> {
        lines
            .iter()
            .map(|l| l.iter().map(|p| p.text.as_str()).collect())
            .collect()
    }

    fn zone() -> TimeZone {
        TimeZone::get("Asia/Shanghai").expect("in the database of zones")
    }

    #[test]
    fn everything_fits_on_a_screen_of_80_by_24() {
        let lines = draw(&busy(), now(), &zone(), true, (80, 24));
        let text = text(&lines);
        assert_eq!(text.len(), 24);
        for line in &text {
            assert_eq!(line.width(), 80, "{line}|");
        }
        let screen = text.join("\n");
        for seen in [
            "lakeside I20260302-01  OPEN  PUBLIC  OUTBREAK  40 cases",
            "10:00:00",
            "ROLES, leads 1",
            "TOP_LEAD         top ok",
            "DUTY_LEAD        duty called → second?",
            "SPOKESPERSON     (top) not reached",
            // Whose time is over acts no more.
            "LEGAL_COUNSEL    counsel ok +onsite 1h ",
            "TO DO: People are safe and calm down",
            "-0:12:00  HOLDING_STATEMENT rung 1",
            "0:10:00  OUTWARD_UPDATE",
            "4d 08h  WEEKLY_BRIEFING",
            "HOLDING   PUBLIC     LEGAL_REVIEW",
            "UPDATE    PUBLIC     OBJECTED",
            "-0:02:00  3 held, oldest 1:20:00",
            "held  2 released, 1 dropped",
            "AFFECTED    0:42:00 ago",
            "MEDIA       nothing yet",
            // The newest of another stage stands behind, whole.
            "PUBLIC      nothing (LATENT 1d 02h)",
            "AUTHORITIES 1d 06h (HANDLING 2d 03h)",
            "STAFF       0:05:00 (AFTERMATH 23:00:00)",
            "-0:03:00  疏散售楼处门口人群",
            "10:00:00  公布变更前后总平面图",
            "-0:40:00  secure-site · onsite",
            "1:00:00  inform-authority · DUTY",
            "holds?  people-calm",
            "4d 08h  briefing 1",
            "asked  何时公布检测报告?",
            "-0:20:00  City Daily asks",
            "4d 00h  晚报: to be clarified",
            "A forum: is it so?",
            "10:00:00 HOLDING_STATEMENT breached",
        ] {
            assert!(screen.contains(seen), "{seen} in\n{screen}");
        }
        let alarm = |text: &str| {
            lines
                .iter()
                .flatten()
                .any(|p| p.look == Look::Alarm && p.text.contains(text))
        };
        assert!(
            alarm("HOLDING_STATEMENT")
                && alarm("OBJECTED")
                && alarm("3 held")
                && alarm("not reached")
                && alarm("疏散")
                && alarm("City Daily asks")
                && alarm("secure-site")
        );
    }

    #[test]
    fn after_the_stand_down_the_actions_of_the_review_count_down_on_a_screen_of_80_by_24() {
        let mut shown = busy();
        let incident = shown.incident.as_mut().expect("filled");
        incident.state = IncidentState::StoodDown.into();
        incident.clocks.clear();
        let action = |text: &str, due: i64| wire::ReviewAction {
            text: text.into(),
            owner: "sites/lakeside/staff/duty".into(),
            due_time: in_minutes(due),
            ..Default::default()
        };
        let room = shown.room.as_mut().expect("filled");
        room.goals.clear();
        room.review = Some(RoomReview {
            state: wire::ReviewState::Open.into(),
            actions: vec![
                action("规划变更十日内通知", -60),
                action("the plan at hand", 60 * 48),
            ],
            settled_count: 1,
            lessons: vec![wire::Lesson {
                key: "bring-plan".into(),
                ..Default::default()
            }],
            ..Default::default()
        });
        let lines = draw(&shown, now(), &zone(), true, (80, 24));
        let text = text(&lines);
        assert_eq!(text.len(), 24);
        for line in &text {
            assert_eq!(line.width(), 80, "{line}|");
        }
        let screen = text.join("\n");
        for seen in [
            "STOOD_DOWN",
            "REVIEW, OPEN",
            "-1:00:00  规划变更十日内通知 · duty",
            "2d 00h  the plan at hand · duty",
            "decide?  bring-plan",
            "settled  1 action",
        ] {
            assert!(screen.contains(seen), "{seen} in\n{screen}");
        }
        assert!(
            lines
                .iter()
                .flatten()
                .any(|p| p.look == Look::Alarm && p.text.contains("规划变更"))
        );
    }

    #[test]
    fn an_incident_under_another_command_says_whose() {
        let mut shown = busy();
        shown.room.as_mut().expect("filled").links[0].leads = false;
        let screen = text(&draw(&shown, now(), &zone(), true, (80, 24))).join("\n");
        assert!(screen.contains("ROLES, led by riverside"), "{screen}");
    }

    #[test]
    fn an_update_is_one_object_in_one_line_with_incident_and_room() {
        let said = update(&busy());
        let line = said.to_string();
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
        assert_eq!(said["incident"]["number"], "I20260302-01");
        assert_eq!(
            said["room"]["commitments"].as_array().map(Vec::len),
            Some(2)
        );
    }

    #[test]
    fn what_does_not_fit_is_counted_and_an_alarm_among_it_stays_one() {
        let mut shown = busy();
        let room = shown.room.as_mut().expect("filled");
        let late = room.commitments[0].clone();
        for _ in 1..30 {
            room.commitments.insert(0, late.clone());
        }
        let lines = draw(&shown, now(), &zone(), true, (80, 24));
        let more = lines
            .iter()
            .flatten()
            .find(|p| p.text.contains("more"))
            .expect("counted");
        assert_eq!((more.look, more.text.trim()), (Look::Alarm, "and 29 more"));
    }

    #[test]
    fn any_size_and_an_empty_incident_are_drawn() {
        for (width, height) in [(80, 24), (20, 5), (1, 1), (0, 0), (200, 60)] {
            for shown in [busy(), WatchIncidentResponse::default()] {
                let text = text(&draw(&shown, now(), &zone(), false, (width, height)));
                assert!(text.len() <= height);
                if width >= 40 {
                    assert!(text.iter().all(|l| l.width() == width), "{width}×{height}");
                    assert!(text[0].contains("NO CONNECTION"));
                }
            }
        }
    }

    #[test]
    fn wide_letters_are_cut_between_and_never_through() {
        assert_eq!(fit("规划变更", 5), "规划…");
        assert_eq!(fit("规划变更", 6), "规划… ");
        assert_eq!(fit("规划变更", 8), "规划变更");
        assert_eq!(fit("a\u{1b}[2Jb", 7), "a\u{FFFD}[2Jb ");
        assert_eq!(fit("a\u{202E}b", 4), "a\u{FFFD}b ");
        assert_eq!(fit("ab", 0), "");
    }
}
