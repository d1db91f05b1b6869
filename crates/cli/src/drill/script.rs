//! What a drill plays: events that happen whatever the team does, and what the team is expected to have done by when.
//! Plain data in YAML; whatever is wrong with a script is named with its line and its field before anything starts.

use std::collections::BTreeSet;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use redress_model::name::SiteId;
use redress_model::words::{Channel, QualityImpact, SignalBasis, SignalKind};
use redress_policy::{Problem, Problems, Source};
use redress_proto::crisis::v1::{
    Audience, ExposureMedium, ExposureTruth, IncidentStage, OutletRank, StatementKind,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Scripts that are shipped, by name.
pub(crate) const SHIPPED: [(&str, &str); 3] = [
    ("plan-change", include_str!("../../drills/plan-change.yaml")),
    (
        "building-defects",
        include_str!("../../drills/building-defects.yaml"),
    ),
    (
        "false-report",
        include_str!("../../drills/false-report.yaml"),
    ),
];

/// The longest drill: two weeks, with two weekly briefings.
const LENGTH_MAX: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A script, checked.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// Its name.
    pub(crate) name: String,
    /// What it is about, on one line.
    pub(crate) title: String,
    /// What the players are told at the start.
    pub(crate) about: String,
    /// Where it plays.
    pub(crate) site: SiteId,
    /// On which day of the week it begins, and when.
    pub(crate) begin: (Weekday, Time),
    /// How long it goes on.
    pub(crate) length: SignedDuration,
    /// What happens, in its order.
    pub(crate) cues: Vec<Cue>,
    /// What is expected, in its order.
    pub(crate) expectations: Vec<Expectation>,
}

/// Something that happens.
#[derive(Debug, Clone)]
pub(crate) struct Cue {
    /// How long after the start.
    pub(crate) at: SignedDuration,
    /// What.
    pub(crate) what: Happening,
}

/// What can happen.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Happening {
    /// Somebody complains.
    Complaint {
        /// Name by which later events mean this case.
        case: String,
        channel: Channel,
        text: String,
        /// A crowd without names; 0: the complainants named below.
        #[serde(default)]
        headcount: i32,
        /// How many people give their names.
        #[serde(default)]
        named: u8,
        #[serde(default)]
        building: String,
        #[serde(default)]
        quality: Option<QualityImpact>,
        #[serde(default)]
        signals: Vec<SignalKind>,
    },
    /// A fact that can raise a grade comes to be known.
    Signal {
        case: String,
        kind: SignalKind,
        #[serde(default = "confirmed")]
        basis: SignalBasis,
        #[serde(default)]
        reach: i64,
    },
    /// A complainant turns to us again.
    Contact {
        case: String,
        channel: Channel,
        note: String,
    },
    /// The press or a post reports on the incident of a case.
    Report {
        case: String,
        outlet: String,
        #[serde(deserialize_with = "rank")]
        rank: OutletRank,
        #[serde(deserialize_with = "medium")]
        medium: ExposureMedium,
        #[serde(default)]
        reach: i64,
        #[serde(default)]
        link: String,
        /// What is true of it: the players find out, `--auto` knows.
        #[serde(deserialize_with = "truth")]
        truth: ExposureTruth,
    },
    /// The press asks.
    Inquiry {
        case: String,
        outlet: String,
        #[serde(deserialize_with = "rank")]
        rank: OutletRank,
        question: String,
        /// How long after it the answer is wanted.
        #[serde(deserialize_with = "span")]
        due: SignedDuration,
    },
    /// A handler writes to the complainants of a case: while an incident is open, it waits for the spokesperson.
    Message { case: String, text: String },
    /// Something that the players hear and the platform does not.
    Told { text: String },
}

impl Happening {
    /// The case that it is about; none where it is about none.
    pub(crate) fn case(&self) -> Option<&str> {
        match self {
            Self::Complaint { case, .. }
            | Self::Signal { case, .. }
            | Self::Contact { case, .. }
            | Self::Report { case, .. }
            | Self::Inquiry { case, .. }
            | Self::Message { case, .. } => Some(case),
            Self::Told { .. } => None,
        }
    }

    /// What is seen of it, on one line.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Complaint {
                headcount,
                channel,
                text,
                ..
            } if *headcount > 0 => format!("{headcount} people, {}: {text}", channel.word()),
            Self::Complaint { channel, text, .. } => format!("{}: {text}", channel.word()),
            Self::Signal { kind, reach: 0, .. } => kind.word().to_owned(),
            Self::Signal { kind, reach, .. } => format!("{} ({reach} readers)", kind.word()),
            Self::Contact { channel, note, .. } => format!("{}: {note}", channel.word()),
            Self::Report { outlet, reach, .. } => format!("{outlet} reports ({reach} readers)"),
            Self::Inquiry {
                outlet, question, ..
            } => format!("{outlet} asks: {question}"),
            Self::Message { case, text } => format!("a handler writes to {case}: {text}"),
            Self::Told { text } => text.clone(),
        }
    }
}

/// What the team is expected to have done.
#[derive(Debug, Clone)]
pub(crate) struct Expectation {
    /// By when after the start.
    pub(crate) by: SignedDuration,
    /// What.
    pub(crate) that: That,
}

/// What can be expected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "that", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum That {
    /// An incident is open.
    IncidentOpen {},
    /// Everybody who was called out by then has answered.
    CallOutsAcknowledged {},
    /// A person of ours spoke with the complainants of a case.
    CaseAnswered { case: String },
    /// A leader spoke with a complainant.
    LeaderContact {},
    /// A statement left.
    StatementPublished {
        #[serde(default, deserialize_with = "kind")]
        kind: StatementKind,
        #[serde(default, deserialize_with = "audience")]
        audience: Audience,
    },
    /// People inside were told how far it is.
    InsideReport {},
    /// The inquiry of an outlet was decided.
    InquiryDecided { outlet: String },
    /// Somebody said what is true of an outlet's report.
    ReportAssessed { outlet: String },
    /// A false report of an outlet was set right.
    ReportClarified { outlet: String },
    /// A message was held for the spokesperson, and released or dropped.
    HeldDecided {},
    /// No message of this drill waits for the spokesperson.
    NothingHeld {},
    /// An incident is in this stage, or beyond it.
    StageReached {
        #[serde(deserialize_with = "stage")]
        stage: IncidentStage,
    },
}

impl That {
    /// On one line.
    pub(crate) fn line(&self) -> String {
        let bare = |name: &str, prefix: &str| match name.strip_prefix(prefix) {
            None | Some("UNSPECIFIED") => String::new(),
            Some(word) => format!(" {word}"),
        };
        match self {
            Self::IncidentOpen {} => "an incident is open".to_owned(),
            Self::CallOutsAcknowledged {} => "every call-out is acknowledged".to_owned(),
            Self::CaseAnswered { case } => format!("somebody spoke with {case}"),
            Self::LeaderContact {} => "a leader spoke with a complainant".to_owned(),
            Self::StatementPublished { kind, audience } => format!(
                "a statement is published:{}{}",
                bare(kind.as_str_name(), "STATEMENT_KIND_"),
                bare(audience.as_str_name(), "AUDIENCE_")
            ),
            Self::InsideReport {} => "people inside are told how far it is".to_owned(),
            Self::InquiryDecided { outlet } => format!("{outlet} has its answer"),
            Self::ReportAssessed { outlet } => format!("what {outlet} reports is assessed"),
            Self::ReportClarified { outlet } => format!("what {outlet} reports is set right"),
            Self::HeldDecided {} => "what was held is released or dropped".to_owned(),
            Self::NothingHeld {} => "no message waits for the spokesperson".to_owned(),
            Self::StageReached { stage } => {
                format!(
                    "the stage is{}",
                    bare(stage.as_str_name(), "INCIDENT_STAGE_")
                )
            }
        }
    }
}

impl Script {
    /// Reads and checks a script.
    pub(crate) fn read(text: &str) -> Result<Self, Problems> {
        let source = Source::read(text)?;
        let mut problems = Vec::new();
        let script = whole(&source.value, &mut problems);
        for problem in &mut problems {
            problem.place = source.place(&problem.field);
        }
        match script {
            Some(script) if problems.is_empty() => Ok(script),
            _ => Err(Problems(problems)),
        }
    }

    /// The first instant at which it can begin, not before `now`, in the zone of its site.
    pub(crate) fn first_begin(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let (weekday, time) = self.begin;
        let today = now.to_zoned(zone.clone()).date();
        (0..=7)
            .filter_map(|ahead| today.checked_add(ahead.days()).ok())
            .filter(|date| date.weekday() == weekday)
            .filter_map(|date| date.to_datetime(time).to_zoned(zone.clone()).ok())
            .map(|zoned| zoned.timestamp())
            .find(|begin| *begin >= now)
    }
}

/// What stands in the file beside events and expectations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    name: String,
    title: String,
    about: String,
    site: String,
    begin: String,
    length: String,
    events: Vec<Value>,
    expect: Vec<Value>,
}

fn whole(value: &Value, problems: &mut Vec<Problem>) -> Option<Script> {
    let head: Head = typed(value, "", problems)?;
    let site = head.site.parse().map_err(|_| "must be the id of a site");
    let begin = begin(&head.begin).ok_or("must look like MONDAY 09:30");
    let length = duration(&head.length)
        .filter(|length| *length > SignedDuration::ZERO && *length <= LENGTH_MAX)
        .ok_or("must be a time up to 336h, such as 6h");
    let mut cues: Vec<Cue> = Vec::new();
    let mut cases = BTreeSet::new();
    for (i, event) in head.events.iter().enumerate() {
        let field = format!("events[{i}]");
        let Some((at, what)) = timed::<Happening>(event, "at", &field, problems) else {
            continue;
        };
        let late = cues.last().is_some_and(|before| at < before.at);
        if late {
            problems.push(problem(
                &format!("{field}.at"),
                "is before the event above it",
            ));
        }
        match &what {
            Happening::Complaint {
                case,
                headcount,
                named,
                ..
            } => {
                if !cases.insert(case.clone()) {
                    problems.push(problem(&format!("{field}.case"), "names an earlier case"));
                }
                if *headcount < 0 {
                    problems.push(problem(
                        &format!("{field}.headcount"),
                        "must not be below 0",
                    ));
                }
                if *named > 200 {
                    problems.push(problem(&format!("{field}.named"), "must be at most 200"));
                }
            }
            other => {
                if let Some(case) = other.case()
                    && !cases.contains(case)
                {
                    problems.push(problem(
                        &format!("{field}.case"),
                        "must be the case of an earlier complaint",
                    ));
                }
            }
        }
        cues.push(Cue { at, what });
    }
    let mut expectations = Vec::new();
    for (i, expected) in head.expect.iter().enumerate() {
        let field = format!("expect[{i}]");
        let Some((by, that)) = timed::<That>(expected, "by", &field, problems) else {
            continue;
        };
        if let That::CaseAnswered { case } = &that
            && !cases.contains(case)
        {
            problems.push(problem(
                &format!("{field}.case"),
                "must be the case of a complaint",
            ));
        }
        let outlets = |wanted: &str, report: bool| {
            cues.iter().any(|cue| match &cue.what {
                Happening::Report { outlet, .. } => report && outlet == wanted,
                Happening::Inquiry { outlet, .. } => !report && outlet == wanted,
                _ => false,
            })
        };
        let known = match &that {
            That::InquiryDecided { outlet } => outlets(outlet, false),
            That::ReportAssessed { outlet } | That::ReportClarified { outlet } => {
                outlets(outlet, true)
            }
            _ => true,
        };
        if !known {
            problems.push(problem(
                &format!("{field}.outlet"),
                "must be the outlet of an event above",
            ));
        }
        expectations.push(Expectation { by, that });
    }
    if !cues
        .iter()
        .any(|c| matches!(c.what, Happening::Complaint { .. }))
    {
        problems.push(problem(
            "events",
            "must hold a complaint, or nothing begins",
        ));
    }
    if let Ok(length) = &length {
        for (i, cue) in cues.iter().enumerate() {
            if cue.at > *length {
                problems.push(problem(&format!("events[{i}].at"), "is after the end"));
            }
        }
        for (i, expected) in expectations.iter().enumerate() {
            if expected.by > *length {
                problems.push(problem(&format!("expect[{i}].by"), "is after the end"));
            }
        }
    }
    let mut kept = |field: &str, wrong: &str| problems.push(problem(field, wrong));
    if let Err(wrong) = &site {
        kept("site", wrong);
    }
    if let Err(wrong) = &begin {
        kept("begin", wrong);
    }
    if let Err(wrong) = &length {
        kept("length", wrong);
    }
    Some(Script {
        name: head.name,
        title: head.title,
        about: head.about.trim().to_owned(),
        site: site.ok()?,
        begin: begin.ok()?,
        length: length.ok()?,
        cues,
        expectations,
    })
}

/// An object with a time of its own beside what `T` is.
fn timed<T: DeserializeOwned>(
    value: &Value,
    key: &str,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Option<(SignedDuration, T)> {
    let Some(mut object) = value.as_object().cloned() else {
        problems.push(problem(field, "must be a mapping"));
        return None;
    };
    let time = object.remove(key);
    let time = time.as_ref().and_then(Value::as_str).and_then(duration);
    let time = time.filter(|time| !time.is_negative());
    if time.is_none() {
        let what = "must be a time after the start, such as 20m or 1h30m";
        problems.push(problem(&format!("{field}.{key}"), what));
    }
    let rest = typed(&Value::Object(object), field, problems);
    Some((time?, rest?))
}

/// A value of a type; what is wrong stands in the field that is named in it, where one is.
fn typed<T: DeserializeOwned>(
    value: &Value,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    serde_json::from_value(value.clone())
        .map_err(|e| {
            let text = e.to_string();
            let named = text.split(['`', '"']).nth(1).unwrap_or_default();
            // An unknown word is found by its value, an unknown or missing field by its name.
            let inner = value.as_object().and_then(|object| {
                object.contains_key(named).then_some(named).or_else(|| {
                    let holds = |v: &Value| {
                        v.as_str() == Some(named)
                            || v.as_array().is_some_and(|items| {
                                items.iter().any(|item| item.as_str() == Some(named))
                            })
                    };
                    let mut found = object.iter().filter(|(_, v)| holds(v));
                    found.next().map(|(key, _)| key.as_str())
                })
            });
            let field = match (field, inner) {
                (_, None) => field.to_owned(),
                ("", Some(inner)) => inner.to_owned(),
                (_, Some(inner)) => format!("{field}.{inner}"),
            };
            problems.push(problem(&field, &format!("does not read: {text}")));
        })
        .ok()
}

fn problem(field: &str, description: &str) -> Problem {
    Problem {
        field: field.to_owned(),
        description: description.to_owned(),
        place: None,
    }
}

fn begin(text: &str) -> Option<(Weekday, Time)> {
    let (day, time) = text.split_once(' ')?;
    let weekday = match day {
        "MONDAY" => Weekday::Monday,
        "TUESDAY" => Weekday::Tuesday,
        "WEDNESDAY" => Weekday::Wednesday,
        "THURSDAY" => Weekday::Thursday,
        "FRIDAY" => Weekday::Friday,
        "SATURDAY" => Weekday::Saturday,
        "SUNDAY" => Weekday::Sunday,
        _ => return None,
    };
    Some((weekday, time.parse().ok()?))
}

fn duration(text: &str) -> Option<SignedDuration> {
    text.parse().ok()
}

fn span<'de, D: serde::Deserializer<'de>>(from: D) -> Result<SignedDuration, D::Error> {
    let text = String::deserialize(from)?;
    duration(&text)
        .filter(|span| *span > SignedDuration::ZERO)
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no time such as 3h")))
}

fn confirmed() -> SignalBasis {
    SignalBasis::Confirmed
}

/// A reader of a contract's word, without its prefix.
macro_rules! words {
    ($($name:ident, $type:ident, $prefix:literal;)+) => {$(
        fn $name<'de, D: serde::Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
            let text = String::deserialize(from)?;
            $type::from_str_name(&format!(concat!($prefix, "{}"), text))
                .filter(|word| *word != $type::Unspecified)
                .ok_or_else(|| {
                    serde::de::Error::custom(format!(concat!("`{}` is no ", stringify!($type)), text))
                })
        }
    )+};
}

words! {
    rank, OutletRank, "OUTLET_RANK_";
    medium, ExposureMedium, "EXPOSURE_MEDIUM_";
    truth, ExposureTruth, "EXPOSURE_TRUTH_";
    kind, StatementKind, "STATEMENT_KIND_";
    audience, Audience, "AUDIENCE_";
    stage, IncidentStage, "INCIDENT_STAGE_";
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
name: small
title: A small one
about: Something.
site: lakeside
begin: MONDAY 09:30
length: 2h
events:
  - at: 0m
    what: complaint
    case: gate
    channel: DESK_ONSITE
    headcount: 40
    text: words
    signals: [DEMONSTRATION]
  - at: 20m
    what: inquiry
    case: gate
    outlet: Daily
    rank: CITY
    question: Why?
    due: 1h
expect:
  - that: statement_published
    kind: HOLDING
    by: 1h
";

    fn wrong(from: &str, to: &str) -> String {
        assert!(SMALL.contains(from), "{from}");
        let script = Script::read(&SMALL.replacen(from, to, 1));
        script.expect_err(to).to_string()
    }

    #[test]
    fn a_script_is_read_whole() {
        let script = Script::read(SMALL).expect("right");
        assert_eq!(script.cues.len(), 2);
        assert_eq!(script.cues[1].at, SignedDuration::from_mins(20));
        let expected = &script.expectations[0];
        assert_eq!(
            expected.that,
            That::StatementPublished {
                kind: StatementKind::Holding,
                audience: Audience::Unspecified
            }
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_its_field() {
        for (from, to, place) in [
            (
                "site: lakeside",
                "site: Lake Side",
                "line 4, column 7: site must be",
            ),
            (
                "begin: MONDAY",
                "begin: SOMEDAY",
                "line 5, column 8: begin must look",
            ),
            (
                "length: 2h",
                "length: 30d",
                "line 6, column 9: length must be",
            ),
            ("headcount: 40", "headcnt: 40", "line 12, column"),
            ("DESK_ONSITE", "TELEGRAM", "line 11, column"),
            ("rank: CITY", "rank: TOWN", "line 19, column"),
            (
                "at: 20m",
                "at: soon",
                "line 15, column 9: events[1].at must be",
            ),
            (
                "at: 0m",
                "at: 30m",
                "line 15, column 9: events[1].at is before",
            ),
            (
                "case: gate\n    outlet",
                "case: door\n    outlet",
                "line 17, column",
            ),
            ("by: 1h", "by: 3h", "expect[0].by is after the end"),
            (
                "that: statement_published",
                "that: miracle",
                "line 23, column",
            ),
            ("title: A small one\n", "", "title"),
        ] {
            let told = wrong(from, to);
            assert!(told.contains(place), "{to}: {told}");
        }
        let told = wrong(
            "  - at: 0m\n    what: complaint",
            "  - at: 0m\n    what: told",
        );
        assert!(told.contains("events[0]"), "{told}");
    }

    #[test]
    fn every_shipped_script_is_right_and_goes_by_its_name() {
        for (name, text) in SHIPPED {
            let script = Script::read(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(script.name, name);
            assert!(script.expectations.len() >= 5, "{name}");
        }
    }

    #[test]
    fn a_drill_begins_on_its_weekday_in_the_zone_of_its_site() {
        let script = Script::read(SMALL).expect("right");
        let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
        let begins = |now: &str| {
            let now = now.parse().expect("an instant");
            script.first_begin(now, &zone).expect("soon").to_string()
        };
        assert_eq!(begins("2026-11-28T03:00:00Z"), "2026-11-30T01:30:00Z");
        assert_eq!(begins("2026-11-30T01:30:00Z"), "2026-11-30T01:30:00Z");
        assert_eq!(begins("2026-11-30T01:31:00Z"), "2026-12-07T01:30:00Z");
    }
}
