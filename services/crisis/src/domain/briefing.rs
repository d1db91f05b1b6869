//! Weekly briefings (section 9, M01): what they are about, and the notes that are kept of them.
//!
//! An agenda and the notes are pure functions of what was written down up to an entry of the incident's log. Whatever
//! happens later does not change them, so that released notes can be written again at any time and compared.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_model::name::StaffId;
use redress_model::words;
use redress_model::words::ClockKind;
use sha2::{Digest as _, Sha256};

use super::words::{LogKind, Stage};

/// From so many complainants on people meet (M01, M09).
pub const MEETING_FROM: i32 = 3;

words! {
    /// How people are told.
    Form, "BRIEFING_FORM_" {
        /// A meeting.
        Meeting = 1 => "MEETING",
        /// A personal notice to everybody concerned.
        Notice = 2 => "NOTICE",
    }
}

words! {
    /// Where a briefing stands.
    BriefingState, "BRIEFING_STATE_" {
        /// To be held.
        Planned = 1 => "PLANNED",
        /// Held; notes may be added.
        Held = 2 => "HELD",
        /// Its notes never change.
        Released = 3 => "RELEASED",
        /// The incident ended before it.
        Cancelled = 4 => "CANCELLED",
    }
}

words! {
    /// What a point of an agenda is about.
    Topic, "AGENDA_TOPIC_" {
        /// Something happened.
        Event = 1 => "EVENT",
        /// A promise of the incident was broken.
        BrokenPromise = 2 => "BROKEN_PROMISE",
        /// A commitment of an earlier briefing.
        Commitment = 3 => "COMMITMENT",
        /// A question of an earlier briefing.
        Question = 4 => "QUESTION",
    }
}

words! {
    /// Where a commitment stands.
    CommitmentState, "COMMITMENT_STATE_" {
        /// Not kept yet.
        Open = 1 => "OPEN",
        /// Kept.
        Kept = 2 => "KEPT",
        /// Not to be kept, by decision.
        Waived = 3 => "WAIVED",
    }
}

/// How people are told: a group meets, the rest is told in person.
pub fn form(complainants: i32) -> Form {
    if complainants >= MEETING_FROM {
        Form::Meeting
    } else {
        Form::Notice
    }
}

/// What an agenda covers: the log after one entry up to another, and the time between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The last entry that the briefing before told of; 0 where there was none.
    pub since_log: i64,
    /// When that was.
    pub since: Timestamp,
    /// Its number; 0 where there was none.
    pub since_number: i32,
    /// The last entry that its notes told of what was asked at it, with the answers.
    pub since_noted: i64,
    /// The last entry that this one tells of: of before it was held, since people went home then.
    pub until_log: i64,
    /// When that is.
    pub until: Timestamp,
    /// The last entry that tells what was asked and promised at it: it is noted afterwards.
    pub noted_log: i64,
}

impl Window {
    fn has(&self, log: i64) -> bool {
        self.since_log < log && log <= self.until_log
    }

    fn knows(&self, log: i64) -> bool {
        log <= self.until_log
    }

    fn notes(&self, log: i64) -> bool {
        log <= self.noted_log
    }

    /// Whether an answer stands in the notes of the briefing before, at which it was asked.
    fn was_noted(&self, asked: &Asked, answer: &Settled) -> bool {
        asked.briefing == self.since_number && answer.log <= self.since_noted
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its number.
    pub number: i64,
    /// What it tells.
    pub kind: LogKind,
    /// When.
    pub at: Timestamp,
    /// In words.
    pub text: String,
}

/// A promise of the incident that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub kind: ClockKind,
    /// When it should have been kept.
    pub due: Timestamp,
}

/// How a commitment or a question was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The entry of the log that tells of it.
    pub log: i64,
    /// When.
    pub at: Timestamp,
    /// Subject of a token.
    pub by: String,
    /// How, or why not.
    pub text: String,
}

/// A commitment as far as notes tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promised {
    /// At which briefing, by its number; 0 for one of an incident that was merged into this one.
    pub briefing: i32,
    /// The entry of the log that tells of it.
    pub log: i64,
    /// What.
    pub text: String,
    /// Who keeps it.
    pub owner: StaffId,
    /// By when.
    pub due: Timestamp,
    /// Kept, else waived.
    pub kept: bool,
    /// What became of it; none while it is open.
    pub settled: Option<Settled>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// At which briefing, by its number.
    pub briefing: i32,
    /// Counts from 1 within the briefing.
    pub number: i32,
    /// The entry of the log that tells of it.
    pub log: i64,
    /// What.
    pub text: String,
    /// The answer; none while it is open.
    pub answer: Option<Settled>,
}

/// Everything that an agenda is computed from.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// The log.
    pub log: Vec<Logged>,
    /// Promises that were broken.
    pub broken: Vec<Broken>,
    /// Commitments of all briefings.
    pub promised: Vec<Promised>,
    /// Questions of all briefings.
    pub asked: Vec<Asked>,
}

/// One point of an agenda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is about.
    pub topic: Topic,
    /// When it happened or is due.
    pub at: Timestamp,
    /// In words.
    pub text: String,
}

/// The agenda of the briefing with this number: what happened, which promises broke, and what became of what was
/// promised and asked before.
pub fn agenda(record: &Record, window: &Window, number: i32) -> Vec<Item> {
    let mut items: Vec<Item> = record
        .log
        .iter()
        .filter(|e| window.has(e.number) && is_told(e))
        .map(|e| item(Topic::Event, e.at, flat(&e.text)))
        .collect();
    // Half open at both ends, so that every instant belongs to one briefing.
    let broken = record.broken.iter();
    items.extend(
        broken
            .filter(|b| window.since <= b.due && b.due < window.until)
            .map(|b| item(Topic::BrokenPromise, b.due, b.kind.word().to_owned())),
    );
    let promised = record.promised.iter();
    for p in promised.filter(|p| p.briefing < number && window.knows(p.log)) {
        items.extend(commitment(p, window));
    }
    for q in record.asked.iter().filter(|q| q.briefing < number) {
        items.extend(question(q, window));
    }
    items
}

/// How an entry begins that tells what a statement says otherwise than the one whose place it takes. Notes that were
/// released before there were such entries are written again without them.
pub const SUPERSEDED: &str = "superseded: ";

/// How an entry begins that tells what a statement sets right of what was published.
pub const CORRECTED: &str = "corrected: ";

/// What people at a briefing want to know of the log: not who was called, and no clock by itself.
fn is_told(entry: &Logged) -> bool {
    match entry.kind {
        LogKind::Opened
        | LogKind::CaseJoined
        | LogKind::CaseChanged
        | LogKind::ModeSwitched
        | LogKind::LeaderContact
        | LogKind::Update
        | LogKind::Merged
        | LogKind::StageMoved => true,
        LogKind::Statement => {
            let text = &entry.text;
            text.ends_with("was published")
                || text.starts_with(SUPERSEDED)
                || text.starts_with(CORRECTED)
        }
        _ => false,
    }
}

fn commitment(p: &Promised, window: &Window) -> Option<Item> {
    let (text, owner) = (flat(&p.text), &p.owner);
    match &p.settled {
        Some(s) if window.has(s.log) => {
            let word = if p.kept { "kept" } else { "waived" };
            let text = format!("{word}: {text} ({owner}): {}", flat(&s.text));
            Some(item(Topic::Commitment, s.at, text))
        }
        Some(s) if window.knows(s.log) => None,
        _ if p.due < window.until => Some(item(
            Topic::Commitment,
            p.due,
            format!("overdue: {text} ({owner})"),
        )),
        _ => Some(item(
            Topic::Commitment,
            p.due,
            format!("open: {text} ({owner})"),
        )),
    }
}

fn question(q: &Asked, window: &Window) -> Option<Item> {
    let text = flat(&q.text);
    match &q.answer {
        Some(s) if window.has(s.log) && !window.was_noted(q, s) => {
            let text = format!("answered: {text}: {}", flat(&s.text));
            Some(item(Topic::Question, s.at, text))
        }
        Some(s) if window.knows(s.log) => None,
        _ => Some(item(Topic::Question, window.until, format!("open: {text}"))),
    }
}

fn item(topic: Topic, at: Timestamp, text: String) -> Item {
    Item { topic, at, text }
}

/// What notes say of the briefing itself.
#[derive(Debug, Clone)]
pub struct Header<'a> {
    /// Number of the incident.
    pub incident: &'a str,
    /// Number of the briefing.
    pub number: i32,
    /// How it was held.
    pub form: Form,
    /// The stage at the release.
    pub stage: Stage,
    /// When it was to be held.
    pub planned: Timestamp,
    /// When it was.
    pub held: Timestamp,
    /// How many people who complain attended or were told.
    pub attendance: i32,
    /// Who of the company attended.
    pub staff: &'a [StaffId],
    /// Numbers of the cases whose complainants attended or were told.
    pub cases: &'a [String],
    /// Where papers lie.
    pub reference: &'a str,
    /// The zone in which times are written.
    pub zone: &'a TimeZone,
}

/// The notes of a briefing, line by line the same for the same record. Headings are for readers of both languages.
pub fn notes(header: &Header<'_>, record: &Record, window: &Window) -> String {
    let at = |t: Timestamp| {
        let local = t.to_zoned(header.zone.clone());
        local.strftime("%Y-%m-%d %H:%M %:z").to_string()
    };
    let staff: Vec<&str> = header.staff.iter().map(StaffId::as_str).collect();
    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "{words}");
    };
    line(format_args!("# 通报会纪要 Briefing notes"));
    line(format_args!("incident: {}", header.incident));
    line(format_args!("briefing: {}", header.number));
    line(format_args!("form: {}", header.form));
    line(format_args!("stage: {}", header.stage));
    line(format_args!("planned: {}", at(header.planned)));
    line(format_args!("held: {}", at(header.held)));
    line(format_args!("attendance: {}", header.attendance));
    line(format_args!("staff: {}", staff.join(", ")));
    line(format_args!("cases: {}", header.cases.join(", ")));
    line(format_args!("papers: {}", flat(header.reference)));
    line(format_args!("## 议程 Agenda"));
    for i in agenda(record, window, header.number) {
        line(format_args!("- {} {} {}", at(i.at), i.topic, i.text));
    }
    line(format_args!("## 提问 Questions"));
    let here = |n: i32| n == header.number;
    let asked = record.asked.iter();
    for q in asked.filter(|q| here(q.briefing) && window.notes(q.log)) {
        let answer = q.answer.as_ref().filter(|a| window.notes(a.log));
        let answer = answer.map_or_else(|| "待答 open".to_owned(), |a| flat(&a.text));
        line(format_args!("- {}: {answer}", flat(&q.text)));
    }
    line(format_args!("## 承诺 Commitments"));
    let promised = record.promised.iter();
    for p in promised.filter(|p| here(p.briefing) && window.notes(p.log)) {
        let (words, owner) = (flat(&p.text), &p.owner);
        line(format_args!("- {words} ({owner}, {})", at(p.due)));
    }
    text
}

/// One line, whatever was typed.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Names notes.
pub fn digest(notes: &str) -> [u8; 32] {
    Sha256::digest(notes.as_bytes()).into()
}

/// Lines that only one of two texts has, in the order of the longest common course: `-` gone, `+` new.
pub fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // common[i][j]: lines that old[i..] and new[j..] have in common.
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            let _ = writeln!(text, "-{}", old[i]);
            i += 1;
        } else {
            let _ = writeln!(text, "+{}", new[j]);
            j += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::command::tests::staff;
    use super::*;
    use proptest::prelude::*;
    use redress_model::words::Word as _;
    use redress_proto::crisis::v1 as wire;

    fn second(s: i64) -> Timestamp {
        Timestamp::from_second(s).expect("in range")
    }

    fn logged(number: i64, kind: LogKind, text: &str) -> Logged {
        Logged {
            number,
            kind,
            at: second(number),
            text: text.to_owned(),
        }
    }

    fn promised(briefing: i32, log: i64, settled: Option<(i64, bool)>) -> Promised {
        Promised {
            briefing,
            log,
            text: "repair the\nroof".into(),
            owner: staff("onsite"),
            due: second(50),
            kept: settled.is_some_and(|s| s.1),
            settled: settled.map(|(log, _)| Settled {
                log,
                at: second(log),
                by: "li".into(),
                text: "done".into(),
            }),
        }
    }

    fn window(since: i64, until: i64) -> Window {
        Window {
            since_log: since,
            since: second(since),
            since_number: 0,
            since_noted: since,
            until_log: until,
            until: second(until),
            noted_log: until,
        }
    }

    fn texts(items: &[Item]) -> Vec<&str> {
        items.iter().map(|i| i.text.as_str()).collect()
    }

    #[test]
    fn three_people_meet_and_fewer_are_told_in_person() {
        assert_eq!(
            [0, 1, 2, 3, 40].map(form),
            [
                Form::Notice,
                Form::Notice,
                Form::Notice,
                Form::Meeting,
                Form::Meeting
            ]
        );
    }

    #[test]
    fn an_agenda_tells_what_changed_since_the_last_and_nothing_twice() {
        let record = Record {
            log: vec![
                logged(1, LogKind::Opened, "opened"),
                logged(2, LogKind::CalledOut, "somebody is called out"),
                logged(3, LogKind::Statement, "a statement to PUBLIC was drafted"),
                logged(4, LogKind::Statement, "a statement to PUBLIC was published"),
                logged(9, LogKind::StageMoved, "OUTBREAK → HANDLING: calm"),
            ],
            broken: vec![
                Broken {
                    kind: ClockKind::InsideReport,
                    due: second(3),
                },
                Broken {
                    kind: ClockKind::InsideReport,
                    due: second(8),
                },
            ],
            ..Record::default()
        };
        let first = agenda(&record, &window(0, 8), 1);
        assert_eq!(
            texts(&first),
            [
                "opened",
                "a statement to PUBLIC was published",
                "INSIDE_REPORT"
            ]
        );
        let second = agenda(&record, &window(8, 20), 2);
        assert_eq!(
            texts(&second),
            ["OUTBREAK → HANDLING: calm", "INSIDE_REPORT"]
        );
    }

    #[test]
    fn an_agenda_tells_which_statements_were_superseded_or_corrected_and_what_changed_m01() {
        let entry = |number, text: &str| logged(number, LogKind::Statement, text);
        let record = Record {
            log: vec![
                entry(1, "a statement to PUBLIC was published"),
                entry(2, "superseded: a statement to PUBLIC: injured: 2 → 3"),
                entry(3, "corrected: a statement to MEDIA: households"),
                entry(4, "ambiguous-to-media overridden: a quotation"),
                entry(5, "a statement was dropped: corrected: no"),
            ],
            ..Record::default()
        };
        assert_eq!(
            texts(&agenda(&record, &window(1, 8), 2)),
            [
                "superseded: a statement to PUBLIC: injured: 2 → 3",
                "corrected: a statement to MEDIA: households",
            ]
        );
    }

    #[test]
    fn commitments_are_told_until_they_are_settled_and_once_after() {
        let at = |settled, w: Window| {
            let record = Record {
                promised: vec![promised(1, 5, settled)],
                ..Record::default()
            };
            texts(&agenda(&record, &w, 2))
                .first()
                .map(|t| (*t).to_owned())
        };
        let open = Some("open: repair the roof (onsite)".to_owned());
        assert_eq!(at(None, window(10, 40)), open);
        assert_eq!(
            at(None, window(10, 60)),
            Some("overdue: repair the roof (onsite)".into())
        );
        assert_eq!(
            at(Some((30, true)), window(10, 40)),
            Some("kept: repair the roof (onsite): done".into())
        );
        assert_eq!(
            at(Some((30, false)), window(10, 40)),
            Some("waived: repair the roof (onsite): done".into())
        );
        assert_eq!(at(Some((30, true)), window(35, 60)), None, "told before");
        assert_eq!(at(Some((50, true)), window(10, 40)), open, "settled later");
    }

    #[test]
    fn notes_do_not_change_by_what_happens_later() {
        let zone = TimeZone::get("Asia/Shanghai").expect("in the database of zones");
        let header = Header {
            incident: "I20260302-01",
            number: 1,
            form: Form::Meeting,
            stage: Stage::Handling,
            planned: second(0),
            held: second(0),
            attendance: 12,
            staff: &[staff("liaison")],
            cases: &["C-1".to_owned()],
            reference: "",
            zone: &zone,
        };
        let asked = |answer: Option<i64>| Asked {
            briefing: 1,
            number: 1,
            log: 6,
            text: "when is the roof tight?".into(),
            answer: answer.map(|log| Settled {
                log,
                at: second(log),
                by: "li".into(),
                text: "in May".into(),
            }),
        };
        let mut record = Record {
            log: vec![logged(1, LogKind::Opened, "opened")],
            promised: vec![promised(1, 5, None)],
            asked: vec![asked(None)],
            ..Record::default()
        };
        let window = window(0, 10);
        let released = notes(&header, &record, &window);
        assert!(
            released.contains("- when is the roof tight?: 待答 open"),
            "{released}"
        );
        assert!(released.contains("held: 1970-01-01 08:00 +08:00"));
        record
            .log
            .push(logged(11, LogKind::StageMoved, "on to the aftermath"));
        record.promised = vec![promised(1, 5, Some((12, true))), promised(2, 13, None)];
        record.asked = vec![asked(Some(14))];
        assert_eq!(notes(&header, &record, &window), released);
        record.log[0].text = "opened otherwise".into();
        assert_ne!(
            digest(&notes(&header, &record, &window)),
            digest(&released),
            "a changed past shows"
        );
    }

    #[test]
    fn an_answer_is_told_once_by_the_notes_it_stands_in_or_by_the_next_agenda_m01() {
        let question = |briefing, answer| Asked {
            briefing,
            number: 1,
            log: 1,
            text: "who pays?".into(),
            answer: Some(Settled {
                log: answer,
                at: second(answer),
                by: "li".into(),
                text: "we do".into(),
            }),
        };
        // The second was held at the tenth entry; notes of it were taken up to the fifteenth.
        let second_one = Window {
            since_number: 1,
            since_noted: 5,
            noted_log: 15,
            ..window(5, 10)
        };
        let third = Window {
            since_number: 2,
            since_noted: 15,
            ..window(10, 20)
        };
        let told = |asked: Asked, window: &Window, number| {
            let record = Record {
                asked: vec![asked],
                ..Record::default()
            };
            let items = agenda(&record, window, number);
            let texts: Vec<String> = items.into_iter().map(|i| i.text).collect();
            texts.join(", ")
        };
        // Of the first, answered between the meeting and the release of the second: the third tells it.
        let first = question(1, 12);
        assert_eq!(told(first.clone(), &second_one, 2), "open: who pays?");
        assert_eq!(told(first, &third, 3), "answered: who pays?: we do");
        // Of the second itself: it stands in its notes.
        assert_eq!(told(question(2, 12), &third, 3), "");
        assert_eq!(
            told(question(2, 16), &third, 3),
            "answered: who pays?: we do"
        );
    }

    #[test]
    fn a_difference_names_what_went_and_what_came() {
        assert_eq!(difference("a\nb\nc", "a\nc\nd"), "-b\n+d\n");
        assert_eq!(difference("a\nb", "a\nb"), "");
        assert_eq!(difference("", "a"), "+a\n");
    }

    proptest! {
        #[test]
        fn a_difference_has_exactly_the_lines_that_are_not_common(
            old in prop::collection::vec("[ab]", 0..8), new in prop::collection::vec("[ab]", 0..8),
        ) {
            let text = difference(&old.join("\n"), &new.join("\n"));
            let count = |sign: char| text.lines().filter(|l| l.starts_with(sign)).count();
            // What stays on one side stays on the other.
            prop_assert_eq!(old.len() - count('-'), new.len() - count('+'));
        }

        #[test]
        fn every_event_is_told_at_one_briefing_whatever_the_cuts(cuts in prop::collection::btree_set(1_i64..30, 1..5)) {
            let record = Record {
                log: (1..=30).map(|n| logged(n, LogKind::Update, "an update")).collect(),
                broken: (0..30).map(|n| Broken { kind: ClockKind::InsideReport, due: second(n) }).collect(),
                ..Record::default()
            };
            let mut since = 0;
            let mut told = 0;
            for (number, cut) in (1..).zip(cuts.into_iter().chain([30])) {
                told += agenda(&record, &window(since, cut), number).len();
                since = cut;
            }
            prop_assert_eq!(told, 60);
        }
    }

    #[test]
    fn words_match_the_generated_enums() {
        macro_rules! same {
            ($($ours:ident, $wire:ident;)+) => { $(
                for w in $ours::ALL {
                    let wire = wire::$wire::try_from(w.number()).expect("known");
                    assert_eq!(wire.as_str_name(), format!("{}{}", $ours::WIRE_PREFIX, w.word()));
                }
            )+ };
        }
        same! {
            Form, BriefingForm;
            BriefingState, BriefingState;
            Topic, AgendaTopic;
            CommitmentState, CommitmentState;
        }
    }
}
