//! What whoever leads a drill sees: what has happened, who is called, which promises run out. On a terminal as a screen,
//! elsewhere and with `--auto` as lines.

use std::io::IsTerminal as _;

use crossterm::terminal;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_proto::crisis::v1::{GetIncidentRequest, Incident};
use serde_json::json;

use super::facts;
use super::score::shown;
use super::script::{Cue, Happening, Script};
use crate::commands::room::{Look, Piece, Screen, block, clocks, fit, piece, roles};
use crate::connect::{Home, Platform, request};
use crate::failure::Failure;
use crate::now::now;
use crate::output::{Output, known};
use crate::paint::Paint as _;

/// Where a drill is shown.
pub(crate) struct Stage {
    screen: Option<Screen>,
    told: Vec<(SignedDuration, String)>,
}

/// What one screen shows.
struct View<'a> {
    script: &'a Script,
    /// Since when.
    played: SignedDuration,
    speed: u64,
    told: &'a [(SignedDuration, String)],
    /// How long until the next event; what it is, is not said.
    next: Option<SignedDuration>,
    incidents: &'a [Incident],
    home: String,
}

impl Stage {
    /// Takes the terminal, where there is one and it is wanted.
    pub(crate) fn enter(wanted: bool) -> Result<Self, Failure> {
        let screen = (wanted && std::io::stdout().is_terminal())
            .then(Screen::enter)
            .transpose()?;
        Ok(Self {
            screen,
            told: Vec::new(),
        })
    }

    /// Whether there is a screen to draw.
    pub(crate) fn is_shown(&self) -> bool {
        self.screen.is_some()
    }

    /// Gives the terminal back.
    pub(crate) fn leave(&mut self) {
        self.screen = None;
    }

    /// Says what has just happened.
    pub(crate) fn told(&mut self, at: SignedDuration, what: &Happening, out: Output) {
        let line = what.line();
        if out.json {
            crate::output::object(&json!({ "at": shown(at), "event": line }));
        } else if self.screen.is_none() {
            crate::output::say!("{:>7}  {line}", shown(at).dimmed());
        }
        self.told.push((at, line));
    }

    /// Draws what the platform knows now.
    pub(crate) async fn draw(
        &mut self,
        platform: &Platform,
        script: &Script,
        begin: Timestamp,
        speed: u64,
        next: Option<&Cue>,
        home: &Home,
    ) -> Result<(), Failure> {
        let Some(screen) = &mut self.screen else {
            return Ok(());
        };
        let parent = format!("sites/{}", script.site);
        let mut incidents = Vec::new();
        for incident in facts::incidents(platform, &parent).await? {
            let get = GetIncidentRequest {
                name: incident.name,
            };
            let whole = platform.incidents().get_incident(request(get)).await?;
            incidents.extend(whole.into_inner().incident);
        }
        let played = now().duration_since(begin);
        let view = View {
            script,
            played,
            speed,
            told: &self.told,
            next: next.map(|cue| cue.at - played),
            incidents: &incidents,
            home: home.folder().display().to_string(),
        };
        let size = terminal::size().unwrap_or((80, 24));
        let size = (usize::from(known(size.0)), usize::from(size.1));
        screen.draw(&lines(&view, now(), &TimeZone::system(), size))
    }
}

/// The screen of this size: as many lines as it has.
fn lines(
    view: &View<'_>,
    now: Timestamp,
    zone: &TimeZone,
    (width, height): (usize, usize),
) -> Vec<Vec<Piece>> {
    let time = now
        .to_zoned(zone.clone())
        .strftime("%a %H:%M:%S")
        .to_string();
    let title = format!(
        " DRILL {}  {} of {}  {time}  {} times as fast",
        view.script.name,
        shown(view.played),
        shown(view.script.length),
        view.speed
    );
    let mut lines = vec![vec![piece(Look::Title, fit(&title, width))]];
    let body = height.saturating_sub(3);
    let events = body / 3;
    let told = view.told.iter().rev().take(events.saturating_sub(1)).rev();
    let mut happened = vec![piece(Look::Heading, "WHAT HAPPENED")];
    happened
        .extend(told.map(|(at, line)| piece(Look::Plain, format!("{:>6}  {line}", shown(*at)))));
    lines.extend(block(happened, width, events).into_iter().map(|p| vec![p]));
    let left = width.saturating_sub(1) / 2;
    let right = width.saturating_sub(left + 1);
    let rest = body - events;
    // The newest incident is what the drill is about.
    let (called, promised) = match view.incidents.first() {
        Some(incident) => (roles(incident), clocks(incident, now)),
        None => (vec![piece(Look::Plain, "no incident is open")], Vec::new()),
    };
    let (called, promised) = (block(called, left, rest), block(promised, right, rest));
    for (a, b) in called.into_iter().zip(promised) {
        lines.push(vec![a, piece(Look::Plain, " "), b]);
    }
    let next = view.next.map_or_else(
        || "nothing more is to come".to_owned(),
        |ahead| format!("next event in {}", shown(ahead.max(SignedDuration::ZERO))),
    );
    lines.push(vec![piece(Look::Warning, fit(&next, width))]);
    let how = format!(
        "REDRESS_HOME={home} REDRESS_TOKEN=$(cat {home}/people/POST)",
        home = view.home
    );
    lines.push(vec![piece(Look::Plain, fit(&how, width))]);
    lines.truncate(height);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::script::SHIPPED;
    use redress_model::words::{ClockKind, ClockState, DutyRole, Word as _};
    use redress_proto::convert::to_timestamp;
    use redress_proto::crisis::v1::{IncidentClock, IncidentRole};
    use unicode_width::UnicodeWidthStr as _;

    #[test]
    fn a_screen_of_80_by_24_shows_events_roles_and_clocks_counting_down() {
        let script = Script::read(SHIPPED[0].1).expect("right");
        let now: Timestamp = "2026-11-30T02:10:00Z".parse().expect("an instant");
        let told: Vec<_> = script
            .cues
            .iter()
            .map(|cue| (cue.at, cue.what.line()))
            .collect();
        let incident = Incident {
            roles: vec![IncidentRole {
                role: DutyRole::Spokesperson.number(),
                staff: "sites/lakeside/staff/spokesperson".to_owned(),
                ..Default::default()
            }],
            clocks: vec![IncidentClock {
                kind: ClockKind::HoldingStatement.number(),
                state: ClockState::Running.number(),
                due_time: Some(to_timestamp(now + SignedDuration::from_mins(20))),
                ..Default::default()
            }],
            ..Default::default()
        };
        let view = View {
            script: &script,
            played: SignedDuration::from_mins(40),
            speed: 60,
            told: &told,
            next: Some(SignedDuration::from_mins(20)),
            incidents: &[incident],
            home: ".redress/drill".to_owned(),
        };
        let drawn = lines(&view, now, &TimeZone::UTC, (80, 24));
        let text: Vec<String> = drawn
            .iter()
            .map(|line| line.iter().map(|p| p.text.as_str()).collect())
            .collect();
        assert_eq!(text.len(), 24);
        assert!(text.iter().all(|line| line.width() <= 80), "{text:#?}");
        let all = text.join("\n");
        for shown in [
            "DRILL plan-change  40m of 6h00m",
            "Half of the people",
            "SPOKESPERSON",
            "HOLDING_STATEMENT",
            "next event in 20m",
            "people/POST",
        ] {
            assert!(all.contains(shown), "{shown}: {all}");
        }
    }
}
