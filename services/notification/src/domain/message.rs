//! One message to one person for one cause, before it has an id.

use std::fmt;

use jiff::Timestamp;
use redress_model::name::{CaseName, ClockName, IncidentName, StaffName};
use redress_model::words::{CaseStatus, ClockKind, DutyRole};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::words::{RecipientKind, SaidPurpose, Template, VisitPlace};

/// The news that an appeal waits for its decision.
const APPEAL_AWAITS: &str = "APPEAL_AWAITS";

/// Who receives a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recipient {
    /// A complainant, by person token.
    Complainant(String),
    /// Staff or a lead.
    Staff(StaffName),
}

impl Recipient {
    /// What kind of person.
    pub fn kind(&self) -> RecipientKind {
        match self {
            Self::Complainant(_) => RecipientKind::Complainant,
            Self::Staff(_) => RecipientKind::Staff,
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complainant(token) => f.write_str(token),
            Self::Staff(name) => name.fmt(f),
        }
    }
}

/// Which message goes first when many wait: the smaller one (P23).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Somebody is called out.
    Callout = 0,
    /// Staff, about a grade-1 case or an incident; whoever is warned of a danger by somebody's own words.
    Grave = 1,
    /// Staff, about anything else.
    Staff = 2,
    /// Complainants.
    Complainant = 3,
}

impl Priority {
    /// Of news for staff about a case of this grade; 0 is an incident's.
    pub fn of_grade(grade: i32, incident: bool) -> Self {
        if grade == 1 || incident {
            Self::Grave
        } else {
            Self::Staff
        }
    }

    /// As Postgres orders it.
    pub fn number(self) -> i16 {
        match self {
            Self::Callout => 0,
            Self::Grave => 1,
            Self::Staff => 2,
            Self::Complainant => 3,
        }
    }
}

/// Who comes when and where: all that an appointment says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appointment {
    /// When.
    pub time: Timestamp,
    /// Where.
    pub place: VisitPlace,
    /// Who comes or receives, `sites/{site}/staff/{staff}`.
    pub visitor: String,
}

/// What the cause said that the text needs. No personal data: kept in the clear.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Number of the case for people; empty where there is none.
    #[serde(default)]
    pub number: String,
    /// Grade when it happened; 0 where not known.
    #[serde(default)]
    pub grade: i32,
    /// Which promise.
    #[serde(default)]
    pub clock_kind: Option<ClockKind>,
    /// Deadline of the promise.
    #[serde(default)]
    pub due_time: Option<Timestamp>,
    /// Rung of the lead ladder.
    #[serde(default)]
    pub level: i32,
    /// The duty that somebody is called out for.
    #[serde(default)]
    pub role: Option<DutyRole>,
    /// The incident runs in public mode.
    #[serde(default)]
    pub public_mode: bool,
    /// The incident hangs on a suspicion that nobody confirmed.
    #[serde(default)]
    pub provisional: bool,
    /// The survey that is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survey: Option<Uuid>,
    /// Where the case is now, in news of its progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<CaseStatus>,
    /// The notice that is told, or that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Uuid>,
    /// The notice waits for approval; else to be written.
    #[serde(default)]
    pub for_approval: bool,
    /// Who wrote it, `sites/{site}/staff/{staff}`; empty where nobody on the roster did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub writer: String,
    /// How many complain together.
    #[serde(default)]
    pub complainants: i32,
    /// Because of which position somebody has to appear; empty where nobody has to.
    #[serde(default)]
    pub position: String,
    /// What happened to the work, in a word; empty for everything else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub news: String,
    /// What that is about, where it is not the case.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The statement that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Uuid>,
    /// Wording rules that its reviewers let it break.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_rules: Vec<String>,
    /// What somebody's own words are for; none for every other message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<SaidPurpose>,
    /// Who comes when and where, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appointment: Option<Appointment>,
}

impl Facts {
    /// Whether it is news that is about no case: it has neither number nor grade, and what it is about names it.
    pub fn is_of_no_case(&self) -> bool {
        !self.news.is_empty() && self.number.is_empty()
    }

    /// Whether it may be about an appeal: news of it, or a page about a clock of the kind that an appeal has. Help that was asked
    /// for earlier has the same kind; its clock stops with the case.
    pub fn is_of_appeal(&self) -> bool {
        self.news == APPEAL_AWAITS || self.clock_kind == Some(ClockKind::Support)
    }
}

/// News of the work that broken promises cause by the hundred, and what a store pays for them (M17, M13): told in digests like the
/// promises (P22).
pub const BUNDLED_NEWS: [&str; 4] = [
    "TAKEN_OVER",
    "ORDER_OVERDUE",
    "LEDGER_BOOKED",
    "LEDGER_OVERDUE",
];

/// A message that an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What caused it. With recipient and template this is what no second message may share (I3, P21).
    pub cause: String,
    /// What is said.
    pub template: Template,
    /// To whom.
    pub recipient: Recipient,
    /// About which case.
    pub case: Option<CaseName>,
    /// The reader's own case, where it was merged into that one.
    pub known_by: Option<CaseName>,
    /// About which incident.
    pub incident: Option<IncidentName>,
    /// About which clock.
    pub clock: Option<ClockName>,
    /// Which change of that clock; 0 where none.
    pub clock_generation: i64,
    /// Carrying which call-out.
    pub callout_id: Option<Uuid>,
    /// How it is ordered among others.
    pub priority: Priority,
    /// From when on it may be sent.
    pub due: Timestamp,
    /// What the text needs.
    pub facts: Facts,
}

impl Draft {
    /// Whether it may be told as part of a digest: never about grade 1 or an incident (P22).
    pub fn is_bundled(&self) -> bool {
        let comes_by_the_hundred =
            self.template.is_bundled() || BUNDLED_NEWS.contains(&self.facts.news.as_str());
        comes_by_the_hundred && self.priority == Priority::Staff
    }
}
