//! How a team did: a pure function of the script, of what the platform knows, and of the time.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use redress_model::words::{ClockKind, ClockState};
use redress_proto::crisis::v1::{Audience, ReviewStep, StatementKind};
use serde_json::{Value, json};

use super::facts::{Call, Facts, Promise, Said};
use super::script::{Script, That};
use crate::output::{heading, show_table, table};
use crate::paint::Paint as _;

/// People called out to a grade-1 complaint answer as fast as one is acknowledged (section 6).
const ANSWER_LIMIT: SignedDuration = SignedDuration::from_mins(15);

/// In public mode there is a first word within the hour, in private mode a leader's contact within two (section 9).
const HOLDING_LIMIT: SignedDuration = SignedDuration::from_hours(1);
const LEADER_LIMIT: SignedDuration = SignedDuration::from_hours(2);

/// How long a statement may take from its draft to its publication: as long as the first word of all.
const APPROVAL_LIMIT: SignedDuration = SignedDuration::from_hours(1);

/// How long one bar is: what a table keeps in one line.
const BAR: usize = 16;

/// One thing that is measured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measure {
    /// Which, for programs.
    pub(crate) key: &'static str,
    /// Which, for people.
    pub(crate) name: String,
    /// What came out.
    pub(crate) value: String,
    /// What was wanted.
    pub(crate) wanted: String,
    /// How much of it was reached, 0 to 1; none where there was nothing to measure.
    pub(crate) share: Option<f64>,
}

/// What became of an expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) that: String,
    pub(crate) by: SignedDuration,
    /// When it came true after the start; none where it did not.
    pub(crate) at: Option<SignedDuration>,
    /// None while there is time left.
    pub(crate) met: Option<bool>,
}

/// A score.
#[derive(Debug, Clone)]
pub(crate) struct Score {
    pub(crate) script: String,
    pub(crate) played: SignedDuration,
    pub(crate) measures: Vec<Measure>,
    pub(crate) verdicts: Vec<Verdict>,
    /// How many messages left the platform: none, ever.
    pub(crate) left: usize,
    pub(crate) messages: usize,
}

/// Scores what happened from `begin` until `now`. `cases` names the cases of the script on the platform.
pub(crate) fn judge(
    script: &Script,
    cases: &BTreeMap<String, String>,
    facts: &Facts,
    begin: Timestamp,
    now: Timestamp,
) -> Score {
    let verdicts: Vec<Verdict> = script
        .expectations
        .iter()
        .map(|expected| {
            let deadline = begin + expected.by;
            let at = when(&expected.that, cases, facts, deadline, now);
            let at = at.map(|at| at.duration_since(begin));
            let met = match at {
                Some(at) => Some(at <= expected.by),
                None => (now >= deadline).then_some(false),
            };
            Verdict {
                that: expected.that.line(),
                by: expected.by,
                at,
                met,
            }
        })
        .collect();
    let measures = vec![
        called(facts),
        acknowledged(facts, now),
        first_word(facts, now),
        cadence(&facts.promises, now),
        four_eyes(&facts.said),
        approvals(&facts.said),
        voice(facts),
        expectations(&verdicts),
    ];
    Score {
        script: script.name.clone(),
        played: now.duration_since(begin),
        measures,
        verdicts,
        left: facts.left,
        messages: facts.messages,
    }
}

/// When an expectation first held; what must hold at its deadline is looked at as it is now.
fn when(
    that: &That,
    cases: &BTreeMap<String, String>,
    facts: &Facts,
    deadline: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    match that {
        That::IncidentOpen {} => facts.incidents.iter().map(|i| i.opened).min(),
        That::CallOutsAcknowledged {} => {
            let calls = facts
                .calls
                .iter()
                .filter(|c| c.made <= deadline && !c.cancelled);
            let times: Vec<Option<Timestamp>> = calls.map(|c| c.acknowledged).collect();
            let all: Option<Vec<Timestamp>> = times.into_iter().collect();
            all?.into_iter().max()
        }
        That::CaseAnswered { case } => {
            let name = cases.get(case)?;
            facts.cases.iter().find(|c| c.name == *name)?.answered
        }
        That::LeaderContact {} => {
            let contacts = facts.incidents.iter().flat_map(|i| &i.leader_contacts);
            contacts.min().copied()
        }
        That::StatementPublished { kind, audience } => {
            let fits = |said: &&Said| {
                (*kind == StatementKind::Unspecified || said.kind == *kind)
                    && (*audience == Audience::Unspecified || said.audience == *audience)
            };
            let published = facts.said.iter().filter(fits).filter_map(|s| s.published);
            published.min()
        }
        That::InsideReport {} => {
            let reports = facts
                .promises
                .iter()
                .filter(|p| p.kind == ClockKind::InsideReport && p.state == ClockState::Met);
            reports.filter_map(|p| p.stopped).min()
        }
        That::InquiryDecided { outlet } => {
            let asked = facts.inquiries.iter().filter(|i| i.outlet == *outlet);
            asked.filter_map(|i| i.decided).min()
        }
        That::ReportAssessed { outlet } => {
            let reports = facts.reports.iter().filter(|r| r.outlet == *outlet);
            reports.filter_map(|r| r.assessed).min()
        }
        That::ReportClarified { outlet } => {
            let reports = facts.reports.iter().filter(|r| r.outlet == *outlet);
            reports.filter_map(|r| r.clarified).min()
        }
        That::HeldDecided {} => facts.voice.decided,
        That::StageReached { stage } => {
            let there = facts.incidents.iter().filter(|i| i.stage.0 >= *stage);
            there.map(|i| i.stage.1).min()
        }
        That::NothingHeld {} => (facts.voice.waiting == 0 && now >= deadline).then_some(deadline),
    }
}

/// From the first complaint that led to an incident to the first call-out.
fn called(facts: &Facts) -> Measure {
    let grave = |name: &str| {
        facts
            .incidents
            .iter()
            .any(|i| i.cases.iter().any(|c| c == name))
    };
    let received = facts
        .cases
        .iter()
        .filter(|c| grave(&c.name))
        .map(|c| c.received)
        .min();
    let made = facts.calls.iter().map(|c| c.made).min();
    let took = received.zip(made).map(|(from, to)| to.duration_since(from));
    Measure {
        key: "time_to_call_out",
        name: "Time to call-out".to_owned(),
        value: took.map_or_else(|| "nobody was called".to_owned(), shown),
        wanted: "5m".to_owned(),
        share: Some(took.map_or(0.0, |took| within(took, SignedDuration::from_mins(5)))),
    }
}

fn acknowledged(facts: &Facts, now: Timestamp) -> Measure {
    let calls: Vec<&Call> = facts.calls.iter().filter(|c| !c.cancelled).collect();
    let took = |c: &Call| c.acknowledged.unwrap_or(now).duration_since(c.made);
    let answered = calls.iter().filter(|c| c.acknowledged.is_some()).count();
    let in_time = calls
        .iter()
        .filter(|c| c.acknowledged.is_some() && took(c) <= ANSWER_LIMIT)
        .count();
    let longest = calls.iter().map(|c| took(c)).max().unwrap_or_default();
    Measure {
        key: "call_outs_acknowledged",
        name: "Call-outs acknowledged".to_owned(),
        value: format!(
            "{answered} of {}, the last after {}",
            calls.len(),
            shown(longest)
        ),
        wanted: format!("all within {}", shown(ANSWER_LIMIT)),
        share: part(in_time, calls.len()),
    }
}

/// The holding statement of a public incident, the leader's contact of a private one; the slowest incident counts.
fn first_word(facts: &Facts, now: Timestamp) -> Measure {
    let holding = facts
        .said
        .iter()
        .filter(|s| s.kind == StatementKind::Holding);
    let holding = holding.filter_map(|s| s.published).min();
    let of = |i: &super::facts::IncidentFacts| {
        let contact = i.leader_contacts.iter().min().copied();
        let (limit, word) = if i.public {
            // One that became public after a leader had spoken has had its first word.
            (HOLDING_LIMIT, holding.into_iter().chain(contact).min())
        } else {
            (LEADER_LIMIT, contact)
        };
        (
            word.unwrap_or(now).duration_since(i.opened),
            word.is_some(),
            limit,
        )
    };
    let all: Vec<(SignedDuration, bool, SignedDuration)> = facts.incidents.iter().map(of).collect();
    let share = |(took, said, limit): &(SignedDuration, bool, SignedDuration)| {
        if *said { within(*took, *limit) } else { 0.0 }
    };
    let worst = all.iter().min_by(|a, b| share(a).total_cmp(&share(b)));
    Measure {
        key: "first_word",
        name: "First statement or contact".to_owned(),
        value: match worst {
            None => "no incident".to_owned(),
            Some((took, true, _)) => shown(*took),
            Some((took, false, _)) => format!("none for {}", shown(*took)),
        },
        wanted: worst.map_or_else(String::new, |(.., limit)| shown(*limit)),
        share: worst.map(share),
    }
}

/// Promises of an incident that were kept, of those that were due or stopped.
fn cadence(promises: &[Promise], now: Timestamp) -> Measure {
    let kinds = [
        ClockKind::InsideReport,
        ClockKind::OutwardUpdate,
        ClockKind::WeeklyBriefing,
    ];
    let mut by_kind = BTreeMap::new();
    let (mut kept, mut all) = (0, 0);
    for promise in promises.iter().filter(|p| kinds.contains(&p.kind)) {
        let Some(is_kept) = is_kept(promise, now) else {
            continue;
        };
        all += 1;
        kept += usize::from(is_kept);
        let (k, n): &mut (usize, usize) = by_kind.entry(promise.kind.word()).or_default();
        *n += 1;
        *k += usize::from(is_kept);
    }
    let parts: Vec<String> = by_kind
        .iter()
        .map(|(kind, (k, n))| format!("{kind} {k}/{n}"))
        .collect();
    Measure {
        key: "cadence_kept",
        name: "Cadence kept".to_owned(),
        value: match parts.is_empty() {
            true => "nothing was due".to_owned(),
            false => format!("{kept} of {all} ({})", parts.join(", ")),
        },
        wanted: "all in time".to_owned(),
        share: part(kept, all),
    }
}

/// Whether a promise was kept; none where it still may be, or need not.
fn is_kept(promise: &Promise, now: Timestamp) -> Option<bool> {
    match promise.state {
        ClockState::Met => Some(promise.stopped.is_some_and(|at| at <= promise.due)),
        ClockState::Breached => Some(false),
        ClockState::Running => (promise.due < now).then_some(false),
        ClockState::Cancelled => None,
    }
}

fn published(said: &[Said]) -> Vec<&Said> {
    said.iter().filter(|s| s.published.is_some()).collect()
}

/// Statements that no author approved and that no one person approved alone (I7).
fn four_eyes(said: &[Said]) -> Measure {
    let published = published(said);
    let good = published
        .iter()
        .filter(|s| {
            let reviewers: BTreeSet<&String> = s.approvals.iter().map(|(_, who, _)| who).collect();
            reviewers.len() >= 2 && !reviewers.iter().any(|who| s.authors.contains(who))
        })
        .count();
    Measure {
        key: "four_eyes",
        name: "Published with four eyes".to_owned(),
        value: format!("{good} of {}", published.len()),
        wanted: "all".to_owned(),
        share: part(good, published.len()),
    }
}

/// How long each step took, in the middle, and how long the whole.
fn approvals(said: &[Said]) -> Measure {
    let published = published(said);
    let mut steps: BTreeMap<&str, Vec<SignedDuration>> = BTreeMap::new();
    let mut wholes = Vec::new();
    for s in &published {
        let mut before = s.written;
        for (step, word) in [
            (ReviewStep::FactCheck, "1 facts"),
            (ReviewStep::LegalReview, "2 legal"),
            (ReviewStep::Approval, "3 approval"),
        ] {
            let times = s.approvals.iter().filter(|(of, ..)| *of == step);
            if let Some(at) = times.map(|(.., at)| *at).max() {
                steps
                    .entry(word)
                    .or_default()
                    .push(at.duration_since(before));
                before = at;
            }
        }
        if let Some(at) = s.published {
            steps
                .entry("4 publishing")
                .or_default()
                .push(at.duration_since(before));
            wholes.push(at.duration_since(s.written));
        }
    }
    let parts: Vec<String> = steps
        .into_iter()
        .map(|(word, times)| format!("{} {}", &word[2..], shown(middle(times))))
        .collect();
    let in_time = wholes
        .iter()
        .filter(|took| **took <= APPROVAL_LIMIT)
        .count();
    Measure {
        key: "approvals",
        name: "Time of approvals".to_owned(),
        value: match parts.is_empty() {
            true => "nothing was published".to_owned(),
            false => parts.join(", "),
        },
        wanted: format!("{} in all", shown(APPROVAL_LIMIT)),
        share: part(in_time, wholes.len()),
    }
}

fn voice(facts: &Facts) -> Measure {
    let v = facts.voice;
    let decided = v.released + v.dropped;
    let count = |n: i64| usize::try_from(n).unwrap_or_default();
    Measure {
        key: "held_messages",
        name: "Held messages decided".to_owned(),
        value: format!(
            "{} released, {} dropped, {} wait",
            v.released, v.dropped, v.waiting
        ),
        wanted: "all".to_owned(),
        share: part(count(decided), count(decided + v.waiting)),
    }
}

fn expectations(verdicts: &[Verdict]) -> Measure {
    let met = verdicts.iter().filter(|v| v.met == Some(true)).count();
    let all = verdicts.iter().filter(|v| v.met.is_some()).count();
    Measure {
        key: "expectations_met",
        name: "Expectations met".to_owned(),
        value: format!("{met} of {all}"),
        wanted: "all in time".to_owned(),
        share: part(met, all),
    }
}

impl Score {
    /// The mean of what could be measured, 0 to 100.
    pub(crate) fn points(&self) -> u32 {
        let shares: Vec<f64> = self.measures.iter().filter_map(|m| m.share).collect();
        if shares.is_empty() {
            return 0;
        }
        (shares.iter().sum::<f64>() / shares.len() as f64 * 100.0).round() as u32
    }

    /// Expectations whose time is over and that did not come true in it.
    pub(crate) fn missed(&self) -> usize {
        self.verdicts
            .iter()
            .filter(|v| v.met == Some(false))
            .count()
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "script": self.script,
            "played": shown(self.played),
            "points": self.points(),
            "missed": self.missed(),
            "messages": self.messages,
            "left_the_sandbox": self.left,
            "measures": self.measures.iter().map(|m| json!({
                "key": m.key, "name": m.name, "value": m.value, "wanted": m.wanted, "share": m.share,
            })).collect::<Vec<_>>(),
            "expectations": self.verdicts.iter().map(|v| json!({
                "that": v.that, "by": shown(v.by), "at": v.at.map(shown), "met": v.met,
            })).collect::<Vec<_>>(),
        })
    }
}

/// A score for people, as it is kept for programs: what was written at the end of a drill prints as it did then.
pub(crate) fn print(score: &Value) {
    heading(&head(score));
    let mut measures = table(&["", "", "Was", "Wanted"]);
    measures.add_rows(measured(score));
    show_table(measures);
    heading("Expectations");
    let mut verdicts = table(&["", "By", "At", "What"]);
    verdicts.add_rows(expected(score));
    show_table(verdicts);
    crate::output::say!(
        "\n{} messages were written, {} left the platform of the drill.",
        score["messages"],
        score["left_the_sandbox"]
    );
}

fn head(score: &Value) -> String {
    format!(
        "Drill {}: {} of 100 after {}",
        text(&score["script"]),
        score["points"],
        text(&score["played"])
    )
}

/// The rows of what was measured.
fn measured(score: &Value) -> Vec<Vec<String>> {
    let row = |m: &Value| {
        // Scores of earlier releases have no names.
        let name = if m["name"].is_string() { "name" } else { "key" };
        let share = m["share"].as_f64().map_or_else(String::new, bar);
        vec![text(&m[name]), share, text(&m["value"]), text(&m["wanted"])]
    };
    let list = score["measures"].as_array();
    list.into_iter().flatten().map(row).collect()
}

/// The rows of what was expected.
fn expected(score: &Value) -> Vec<Vec<String>> {
    let row = |v: &Value| {
        let met = match v["met"].as_bool() {
            Some(true) => "met".green().to_string(),
            Some(false) => "MISSED".red().bold().to_string(),
            None => "open".to_owned(),
        };
        vec![met, text(&v["by"]), text(&v["at"]), text(&v["that"])]
    };
    let list = score["expectations"].as_array();
    list.into_iter().flatten().map(row).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("–").to_owned()
}

fn part(some: usize, all: usize) -> Option<f64> {
    let share = some as f64 / all as f64;
    (all > 0).then_some(share)
}

/// 1 within the limit, less the longer it took.
fn within(took: SignedDuration, limit: SignedDuration) -> f64 {
    if took <= limit {
        1.0
    } else {
        limit.as_secs_f64() / took.as_secs_f64()
    }
}

fn middle(mut times: Vec<SignedDuration>) -> SignedDuration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn bar(share: f64) -> String {
    let full = ((share * BAR as f64).round() as usize).min(BAR);
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

/// A time in whole minutes: `45m`, `1h05m`.
pub(crate) fn shown(span: SignedDuration) -> String {
    let minutes = span.as_mins();
    match (minutes / 60, minutes % 60) {
        (0, m) => format!("{m}m"),
        (h, m) => format!("{h}h{:02}m", m.abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::facts::{Asked, CaseFacts, IncidentFacts, Voice};
    use crate::drill::script::SHIPPED;
    use redress_proto::crisis::v1::IncidentStage;

    fn begin() -> Timestamp {
        "2026-11-30T01:30:00Z".parse().expect("an instant")
    }

    fn at(minutes: i64) -> Timestamp {
        begin() + SignedDuration::from_mins(minutes)
    }

    fn script() -> Script {
        Script::read(SHIPPED[0].1).expect("right")
    }

    fn cases() -> BTreeMap<String, String> {
        let pair = |key: &str| (key.to_owned(), format!("sites/lakeside/cases/{key}"));
        ["gate", "buyer"].map(pair).into_iter().collect()
    }

    fn said(kind: StatementKind, audience: Audience, from: i64) -> Said {
        let by = |step, who: &str, minutes| (step, who.to_owned(), at(from + minutes));
        Said {
            kind,
            audience,
            authors: vec!["clerk".to_owned()],
            written: at(from),
            published: Some(at(from + 20)),
            approvals: vec![
                by(ReviewStep::FactCheck, "lead", 5),
                by(ReviewStep::LegalReview, "counsel", 12),
                by(ReviewStep::Approval, "voice", 15),
            ],
        }
    }

    fn promise(kind: ClockKind, due: i64, stopped: Option<i64>, state: ClockState) -> Promise {
        Promise {
            kind,
            state,
            due: at(due),
            stopped: stopped.map(at),
        }
    }

    /// A team that did everything in time.
    fn good() -> Facts {
        let call = |made, answered| Call {
            made: at(made),
            acknowledged: Some(at(answered)),
            cancelled: false,
        };
        let case = |key: &str, received, answered| CaseFacts {
            name: format!("sites/lakeside/cases/{key}"),
            received: at(received),
            answered: Some(at(answered)),
        };
        Facts {
            cases: vec![case("gate", 0, 10), case("buyer", 40, 60)],
            calls: vec![call(1, 4), call(1, 9)],
            incidents: vec![IncidentFacts {
                public: true,
                opened: at(1),
                cases: vec!["sites/lakeside/cases/gate".to_owned()],
                leader_contacts: Vec::new(),
                stage: (IncidentStage::Handling, at(200)),
            }],
            said: vec![
                said(StatementKind::Holding, Audience::Public, 10),
                said(StatementKind::Update, Audience::Affected, 40),
            ],
            promises: vec![
                promise(ClockKind::InsideReport, 241, Some(150), ClockState::Met),
                promise(ClockKind::InsideReport, 390, None, ClockState::Running),
                promise(ClockKind::OutwardUpdate, 480, Some(30), ClockState::Met),
                promise(ClockKind::HoldingStatement, 61, Some(25), ClockState::Met),
            ],
            inquiries: vec![Asked {
                outlet: "都市日报".to_owned(),
                decided: Some(at(150)),
            }],
            reports: vec![super::super::facts::Reported {
                outlet: "业主论坛".to_owned(),
                assessed: Some(at(45)),
                clarified: None,
            }],
            voice: Voice {
                waiting: 0,
                released: 2,
                dropped: 1,
                decided: Some(at(55)),
            },
            left: 0,
            messages: 30,
        }
    }

    fn score(facts: &Facts) -> Score {
        judge(&script(), &cases(), facts, begin(), at(360))
    }

    fn share(score: &Score, key: &str) -> Option<f64> {
        score
            .measures
            .iter()
            .find(|m| m.key == key)
            .expect(key)
            .share
    }

    #[test]
    fn a_score_that_was_kept_prints_as_the_table_that_the_drill_ended_with() {
        let score = score(&good());
        let kept = score.json().to_string();
        let kept: Value = serde_json::from_str(&kept).expect("written by ourselves");
        assert_eq!(
            head(&kept),
            format!("Drill {}: 100 of 100 after 6h00m", score.script)
        );
        let rows = measured(&kept);
        assert_eq!(rows.len(), score.measures.len());
        for (row, m) in rows.iter().zip(&score.measures) {
            assert_eq!((&row[0], &row[2], &row[3]), (&m.name, &m.value, &m.wanted));
        }
        let rows = expected(&kept);
        assert_eq!(rows.len(), score.verdicts.len());
        for (row, v) in rows.iter().zip(&score.verdicts) {
            assert_eq!((&row[1], &row[3]), (&shown(v.by), &v.that));
        }
    }

    #[test]
    fn a_bar_stands_in_one_line_of_80_columns() {
        let mut measures = table(&["", "", "Was", "Wanted"]);
        measures.add_rows(measured(&score(&good()).json()));
        let shown = crate::layout::fitted(measures, Some(80));
        assert!(shown.contains(&bar(1.0)), "{shown}");
    }

    #[test]
    fn a_team_that_does_everything_in_time_gets_all_points() {
        let score = score(&good());
        assert_eq!(
            (score.points(), score.missed(), score.left),
            (100, 0, 0),
            "{score:?}"
        );
        let value = |key: &str| {
            let found = score.measures.iter().find(|m| m.key == key);
            found.expect(key).value.clone()
        };
        assert_eq!(value("time_to_call_out"), "1m");
        assert_eq!(value("call_outs_acknowledged"), "2 of 2, the last after 8m");
        assert_eq!(value("first_word"), "29m");
        assert_eq!(
            value("cadence_kept"),
            "2 of 2 (INSIDE_REPORT 1/1, OUTWARD_UPDATE 1/1)"
        );
        assert_eq!(
            value("approvals"),
            "facts 5m, legal 7m, approval 3m, publishing 5m"
        );
        assert_eq!(value("held_messages"), "2 released, 1 dropped, 0 wait");
    }

    #[test]
    fn a_team_that_does_nothing_gets_none_and_misses_everything() {
        let mut facts = good();
        facts.calls.iter_mut().for_each(|c| c.acknowledged = None);
        facts.cases.iter_mut().for_each(|c| c.answered = None);
        facts.said.clear();
        facts.promises = vec![promise(
            ClockKind::InsideReport,
            241,
            None,
            ClockState::Breached,
        )];
        facts.inquiries[0].decided = None;
        facts.reports[0].assessed = None;
        facts.voice = Voice {
            waiting: 2,
            ..Voice::default()
        };
        facts.incidents[0].stage = (IncidentStage::Outbreak, at(1));
        let score = score(&facts);
        // The platform itself called people and opened an incident.
        assert_eq!(share(&score, "time_to_call_out"), Some(1.0));
        for key in [
            "call_outs_acknowledged",
            "first_word",
            "cadence_kept",
            "held_messages",
        ] {
            assert_eq!(share(&score, key), Some(0.0), "{key}");
        }
        assert_eq!(share(&score, "four_eyes"), None);
        assert_eq!(score.missed(), 9, "{:?}", score.verdicts);
    }

    #[test]
    fn what_comes_late_counts_in_part_and_is_missed() {
        let mut facts = good();
        facts.said[0] = said(StatementKind::Holding, Audience::Public, 101);
        let late = score(&facts);
        assert_eq!(share(&late, "first_word"), Some(0.5));
        let verdict = late.verdicts.iter().find(|v| v.that.contains("HOLDING"));
        let verdict = verdict.expect("expected");
        assert_eq!(
            (verdict.met, verdict.at),
            (Some(false), Some(SignedDuration::from_mins(121)))
        );
        facts.promises[0].stopped = Some(at(242));
        assert_eq!(share(&score(&facts), "cadence_kept"), Some(0.5));
    }

    #[test]
    fn an_author_or_one_person_alone_is_no_four_eyes_i7() {
        let mut facts = good();
        facts.said[0].approvals[2].1 = "clerk".to_owned();
        facts.said[1]
            .approvals
            .iter_mut()
            .for_each(|a| a.1 = "voice".to_owned());
        assert_eq!(share(&score(&facts), "four_eyes"), Some(0.0));
    }

    #[test]
    fn while_there_is_time_nothing_is_missed() {
        let early = judge(&script(), &cases(), &Facts::default(), begin(), at(3));
        assert_eq!(early.missed(), 0);
        assert!(early.verdicts.iter().all(|v| v.met.is_none()));
    }
}
