//! What a policy says. Every field is public: readers take what they need. Only parsing and merging
//! make one, and both check it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use redress_calendar::{Calendar, Days, Hours, HoursError, Interval};
use redress_clock::Length;
use redress_model::Grade;
use redress_model::words::{
    Category, Channel, ClockKind, DutyRole, HoldReason, LegalDeadline, SignalKind, Urgency,
};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// A policy: everything that may differ from place to place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The profile on which it is based, for example `residential`.
    #[serde(rename = "profile")]
    pub name: String,
    /// Rises with every change of what holds at a site; decisions and clocks pin it.
    #[schemars(range(min = 1))]
    pub revision: u32,
    /// From when on it holds; older cases are not touched (P10).
    pub effective_from: Timestamp,
    /// Thresholds of grading.
    pub grading: Grading,
    /// Suspected signals.
    pub signals: Signals,
    /// What is promised, a list of rules a clock. A clock that is missing is not promised.
    #[schemars(schema_with = "schema::clocks")]
    pub clocks: BTreeMap<ClockKind, Vec<LengthRule>>,
    /// What the law itself gives, by its name.
    #[schemars(schema_with = "schema::law")]
    pub law: BTreeMap<LegalDeadline, LegalRule>,
    /// When a promise warns and climbs.
    pub shares: Shares,
    /// When a promise may stand still.
    pub holds: Holds,
    /// Who is paged, and how long a page waits.
    pub ladder: Ladder,
    /// Which complaints are about the same issue.
    pub clusters: Clusters,
    /// Working time of a site that has loaded no calendar of its own.
    pub working_time: WorkingTime,
    /// Which department takes which category.
    pub routing: Routing,
    /// Who stands in for a position that nobody was named to.
    pub positions: Positions,
    /// What a complaint costs whoever is to blame, and what doing well earns.
    pub accountability: Accountability,
    /// Whether handlers may keep hints on how to speak with a complainant.
    pub hints: Hints,
    /// What law and practice leave to the place.
    pub practice: Practice,
    /// When the weekly briefing of an incident is. No profile says it: then it is as crisis is configured.
    #[serde(default, skip_serializing_if = "Briefing::is_silent")]
    pub briefing: Briefing,
}

/// Thresholds of grading (section 4). Every one is reached at its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grading {
    /// G1.4 from this many complainants on.
    #[schemars(range(min = 4, max = 100_000))]
    pub group_major: u32,
    /// G2.2 from this many complainants on.
    #[schemars(range(min = 3, max = 100_000))]
    pub group: u32,
    /// G2.3 from this many cases on.
    #[schemars(range(min = 2, max = 100_000))]
    pub similar_cases: u32,
    /// G1.2 from this reach on.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub reach_major: u64,
    /// G1.6 from this amount in CNY on.
    #[schemars(schema_with = "schema::amount")]
    pub amount_major: Decimal,
    /// G1.7.
    #[schemars(schema_with = "schema::length")]
    pub age_major: Length,
    /// G2.4.
    #[schemars(schema_with = "schema::length")]
    pub age_grave: Length,
    /// Nature hotspot.
    #[schemars(schema_with = "schema::length")]
    pub age_hotspot: Length,
}

/// Signals that are suspected from the text (section 4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signals {
    /// How long each rung, from the duty lead up, has to confirm or dismiss one that would make grade 1.
    #[schemars(schema_with = "schema::length")]
    pub confirm_within: Length,
}

/// One rule of a clock: the first that fits the case gives its length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LengthRule {
    /// Only cases of these grades.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::grades")]
    pub grades: Option<Vec<Grade>>,
    /// Only cases of these urgencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::words::<Urgency>")]
    pub urgencies: Option<Vec<Urgency>>,
    /// Only cases that came in by a spoken channel, or only those that did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::spoken")]
    pub spoken: Option<bool>,
    /// How much time the promise gives.
    #[schemars(schema_with = "schema::length")]
    pub length: Length,
}

/// What the law gives for one thing that it asks for (section 10). A site may give less time, never more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalRule {
    /// How much time it gives from the instant at which the matter became known.
    #[schemars(schema_with = "schema::length")]
    pub length: Length,
    /// To whom it is owed, or who owes it.
    #[schemars(schema_with = "schema::text")]
    pub party: String,
    /// Where the law says so.
    #[schemars(schema_with = "schema::text")]
    pub source: String,
    /// Signals that start it by themselves once they are certain; none where only a person can tell.
    #[schemars(schema_with = "schema::signals")]
    pub signals: Vec<SignalKind>,
}

/// When a promise warns and climbs, in percent of its time (section 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shares {
    /// It warns when so much is used; below 100.
    #[schemars(range(min = 1, max = 99))]
    pub warn: u16,
    /// Kinds of clock that warn once more, and earlier.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::warn_early")]
    pub warn_early: BTreeMap<ClockKind, u16>,
    /// It climbs to the second rung so much after the deadline.
    #[schemars(range(min = 1, max = 1_000))]
    pub climb_duty: u16,
    /// It climbs to the third rung so much after the deadline.
    #[schemars(range(min = 1, max = 1_000))]
    pub climb_top: u16,
}

/// When a promise may stand still (section 6, P05).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    /// The reasons that are taken. One that is missing stops nothing.
    #[schemars(schema_with = "schema::reasons")]
    pub reasons: BTreeMap<HoldReason, HoldRule>,
    /// How many calendar days the holds of one reason may last together on a case.
    #[schemars(range(min = 0, max = 3_650))]
    pub budget_days: u32,
}

/// What a reason may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRule {
    /// The clocks that stand still for it.
    #[schemars(schema_with = "schema::stops")]
    pub stops: Vec<ClockKind>,
    /// Whether it takes somebody who may approve holds (`clocks.approve_hold`).
    pub approval: bool,
}

/// The lead ladder (section 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Who is paged at the breach, at the first climb and at the second.
    #[schemars(schema_with = "schema::rungs")]
    pub rungs: [DutyRole; 3],
    /// How long a page waits for its acknowledgement before it is sent again.
    #[schemars(schema_with = "schema::length")]
    pub acknowledge_within: Length,
    /// The same about a case of grade 1.
    #[schemars(schema_with = "schema::length")]
    pub acknowledge_within_grade_1: Length,
    /// How often a rung is paged before the next one is.
    #[schemars(range(min = 1, max = 20))]
    pub pages: u16,
}

/// Which complaints are about the same issue (section 4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clusters {
    /// Only complaints received within so many days of each other are compared.
    #[schemars(range(min = 1, max = 3_650))]
    pub window_days: u32,
    /// From this likeness on two of the same category, or of an unknown one, are about the same issue.
    #[schemars(range(min = 0.05, max = 1.0))]
    pub join: f64,
    /// From this likeness on they are, whatever their categories.
    #[schemars(range(min = 0.05, max = 1.0))]
    pub join_across: f64,
    /// From so many different units on, what is built wrong is taken for a defect of many homes, and a
    /// notice to the other owners is proposed (M19).
    #[schemars(range(min = 2, max = 1_000))]
    pub general_defect_units: u32,
}

/// Working time of a site that has loaded no calendar of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkingTime {
    /// Which public holidays are closed.
    pub holidays: Holidays,
    /// Hours from Monday to Friday and on make-up days, for example `09:00-12:00`.
    #[schemars(schema_with = "schema::intervals")]
    pub weekdays: Vec<String>,
    /// Hours on Saturday and Sunday.
    #[schemars(schema_with = "schema::intervals")]
    pub weekends: Vec<String>,
}

/// Which department of a site takes which category (section 3), by the id of the department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(deny_unknown_fields)]
pub struct Routing {
    /// Building and fit-out defects.
    #[schemars(schema_with = "schema::slug")]
    pub engineering_quality: String,
    /// Layout, plan changes, usability.
    #[schemars(schema_with = "schema::slug")]
    pub planning_design: String,
    /// What was promised, priced or signed in a sale.
    #[schemars(schema_with = "schema::slug")]
    pub sales_management: String,
    /// The property manager's services.
    #[schemars(schema_with = "schema::slug")]
    pub property_management: String,
    /// Manners and conduct, queueing, order on site.
    #[schemars(schema_with = "schema::slug")]
    pub service_conduct: String,
    /// Quality and timeliness of repairs.
    #[schemars(schema_with = "schema::slug")]
    pub repair_service: String,
    /// Shops and their leasing.
    #[schemars(schema_with = "schema::slug")]
    pub commercial_leasing: String,
    /// Surroundings, third parties, anything else.
    #[schemars(schema_with = "schema::slug")]
    pub external_environment: String,
    /// A case whose category is not known: whoever takes it finds out.
    #[schemars(schema_with = "schema::slug")]
    pub unknown: String,
}

/// Whose duty stands in for a position that nobody was named to: who appears for a group (M09, M10), and who is told
/// that a solution waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Positions {
    /// For the manager of a department.
    #[schemars(schema_with = "schema::duty")]
    pub department_manager: DutyRole,
    /// For the responsible vice-president.
    #[schemars(schema_with = "schema::duty")]
    pub vice_president: DutyRole,
    /// For the head of the company.
    #[schemars(schema_with = "schema::duty")]
    pub company_head: DutyRole,
}

/// What a complaint costs whoever is to blame, and what doing well earns (M17, M02). Amounts in CNY.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Accountability {
    /// A complaint that was upheld.
    #[schemars(schema_with = "schema::amount")]
    pub upheld_complaint: Decimal,
    /// An exposure in the media, true or not clarified in time.
    #[schemars(schema_with = "schema::amount")]
    pub exposure: Decimal,
    /// The company centre takes a case over.
    #[schemars(schema_with = "schema::amount")]
    pub take_over: Decimal,
    /// Prizes of the yearly ranking, best first.
    #[schemars(schema_with = "schema::amounts")]
    pub prizes: Vec<Decimal>,
    /// Days until an entry is to be settled, and within which it may be appealed.
    #[schemars(range(min = 1, max = 365))]
    pub due_days: u32,
    /// Whether a site without fault pays, too, for a case that the company centre took over; the source says both.
    pub faultless_pays: bool,
    /// What lets the company centre take a case over by itself.
    #[schemars(schema_with = "schema::take_over_on")]
    pub take_over_on: Vec<TakeOver>,
    /// The department of a site that is the company centre's. Where a site has none, the top of its lead ladder takes over.
    #[schemars(schema_with = "schema::slug")]
    pub centre: String,
}

/// What lets the company centre take a case over by itself (M17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TakeOver {
    /// The promise to resolve it is broken.
    ResolveBreached,
    /// The complainant is dissatisfied with what was done.
    Dissatisfied,
}

impl Accountability {
    /// An amount in fen, so that nobody rounds afterwards.
    pub fn fen(amount: Decimal) -> i64 {
        // The schema allows 11 digits and two decimals.
        (amount * Decimal::ONE_HUNDRED).to_i64().unwrap_or(i64::MAX)
    }
}

/// Hints on how to speak with a complainant, kept while a case is open and shown to whoever is responsible for it alone (M14).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Hints {
    /// Whether they may be kept. Where they may not, what was kept before is deleted.
    pub enabled: bool,
}

impl Hints {
    /// Whether none may be kept.
    pub fn is_off(&self) -> bool {
        !self.enabled
    }
}

/// What law and practice leave to the place (section 10): seasons and days that differ, and limits that a level may only tighten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Practice {
    /// When heating is on; whole seasons of warranty are counted by it.
    pub heating: Season,
    /// When cooling is on; whole seasons of warranty are counted by it.
    pub cooling: Season,
    /// Hours from finding a grave violation to reporting it to the police. A level may give fewer, never more.
    #[schemars(range(min = 1, max = 8_760))]
    pub police_report_hours: u16,
    /// Percent of the settled sum that may be retained of a contractor. A level may give less, never more.
    #[schemars(range(min = 0, max = 100))]
    pub retention_percent_max: u32,
    /// Months for which a contractor may be liable with it. A level may give fewer, never more.
    #[schemars(range(min = 0, max = 1_200))]
    pub liability_months_max: u16,
    /// Days to answer an outside body that gave no deadline.
    pub transfer_days: TransferDays,
}

/// A season of the year, the same every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Season {
    /// Its first day, month and day.
    #[schemars(schema_with = "schema::month_day")]
    pub from: MonthDay,
    /// Its last day; of the next year where it lies before the first.
    #[schemars(schema_with = "schema::month_day")]
    pub to: MonthDay,
}

/// A day of every year, written `11-15`: 29 February, which not every year has, is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MonthDay(i8, i8);

impl MonthDay {
    /// That day of a year; none of a year beyond all calendars.
    pub fn of(self, year: i16) -> Option<Date> {
        Date::new(year, self.0, self.1).ok()
    }
}

impl TryFrom<String> for MonthDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // Of a year that is no leap year.
        format!("2025-{text}")
            .parse::<Date>()
            .map(|day| Self(day.month(), day.day()))
            .map_err(|e| e.to_string())
    }
}

impl From<MonthDay> for String {
    fn from(day: MonthDay) -> Self {
        format!("{:02}-{:02}", day.0, day.1)
    }
}

/// Calendar days from receipt to the answer to an outside body that gave no deadline, by the body. They differ by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(deny_unknown_fields)]
pub struct TransferDays {
    /// The government hotline.
    #[schemars(range(min = 1, max = 365))]
    pub hotline_12345: u16,
    /// The market regulator's hotline.
    #[schemars(range(min = 1, max = 365))]
    pub hotline_12315: u16,
    /// The housing authority.
    #[schemars(range(min = 1, max = 365))]
    pub housing_authority: u16,
    /// The petition office.
    #[schemars(range(min = 1, max = 365))]
    pub petition_office: u16,
    /// Another body.
    #[schemars(range(min = 1, max = 365))]
    pub other: u16,
}

/// The fixed time of a site's weekly briefing, in its zone (M01). What is not said is as crisis is configured. An incident keeps
/// what held at its opening (P26).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Briefing {
    /// The day of the week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::weekday")]
    pub weekday: Option<String>,
    /// The time of the day, for example `16:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time_of_day")]
    pub time: Option<Time>,
}

impl Briefing {
    /// Whether it says nothing.
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

/// What other services act on of a policy, as `redress.policy.changed.v1` carries it. Fields that a newer release adds are
/// left aside when read; documents are held against the schema, which knows no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handling {
    /// Who stands in for a position.
    pub positions: Positions,
    /// Penalties, prizes and the company centre.
    pub accountability: Accountability,
    /// Which department takes which category; none where a release told it that knew no such section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Routing>,
    /// When the weekly briefing is; silent where no level says it.
    #[serde(default, skip_serializing_if = "Briefing::is_silent")]
    pub briefing: Briefing,
    /// Whether hints on how to speak with a complainant may be kept (M14); off where nothing is told of it.
    #[serde(default, skip_serializing_if = "Hints::is_off")]
    pub hints: Hints,
    /// What law and practice leave to the place; none where a release told it that knew no such section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practice: Option<Practice>,
}

/// Which public holidays are closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Holidays {
    /// None.
    None,
    /// Those of mainland China, with their make-up days worked.
    MainlandChina,
}

/// What a clock's length depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LengthKey {
    /// The case's grade.
    pub grade: Grade,
    /// The case's urgency.
    pub urgency: Urgency,
    /// How it came in.
    pub channel: Channel,
}

impl Policy {
    /// What other services act on of it.
    pub fn handling(&self) -> Handling {
        Handling {
            positions: self.positions,
            accountability: self.accountability.clone(),
            routing: Some(self.routing.clone()),
            briefing: self.briefing.clone(),
            hints: self.hints,
            practice: Some(self.practice.clone()),
        }
    }

    /// How long this clock gives; none where the policy does not promise it.
    pub fn length(&self, clock: ClockKind, key: LengthKey) -> Option<Length> {
        let rules = self.clocks.get(&clock)?;
        rules.iter().find(|r| r.fits(key)).map(|r| r.length)
    }

    /// How long a page about a case of this grade waits for its acknowledgement.
    pub fn acknowledge_within(&self, grade: Grade) -> Length {
        if grade == Grade::ONE {
            self.ladder.acknowledge_within_grade_1
        } else {
            self.ladder.acknowledge_within
        }
    }

    /// Whether this clock stands still for this reason (P05).
    pub fn may_hold(&self, reason: HoldReason, clock: ClockKind) -> bool {
        self.holds
            .reasons
            .get(&reason)
            .is_some_and(|rule| rule.stops.contains(&clock))
    }

    /// The working time of a site in this zone that has loaded no calendar of its own.
    pub fn calendar(&self, zone: TimeZone) -> Calendar {
        let hours = self
            .working_time
            .hours()
            .expect("checked when the policy was made");
        match self.working_time.holidays {
            Holidays::None => Calendar::new(zone, hours),
            Holidays::MainlandChina => {
                Calendar::with_days(zone, hours, Days::mainland_china().clone())
            }
        }
    }
}

impl Routing {
    /// The department that takes a category, or a case of which none is known.
    pub fn department_of(&self, category: Option<Category>) -> &str {
        match category {
            Some(Category::EngineeringQuality) => &self.engineering_quality,
            Some(Category::PlanningDesign) => &self.planning_design,
            Some(Category::SalesManagement) => &self.sales_management,
            Some(Category::PropertyManagement) => &self.property_management,
            Some(Category::ServiceConduct) => &self.service_conduct,
            Some(Category::RepairService) => &self.repair_service,
            Some(Category::CommercialLeasing) => &self.commercial_leasing,
            Some(Category::ExternalEnvironment) => &self.external_environment,
            None => &self.unknown,
        }
    }
}

impl WorkingTime {
    /// The hours of a week.
    pub(crate) fn hours(&self) -> Result<Hours, HoursError> {
        let read = |texts: &[String]| -> Result<Vec<Interval>, HoursError> {
            texts.iter().map(|text| text.parse()).collect()
        };
        let weekday = read(&self.weekdays)?;
        let weekend = read(&self.weekends)?;
        let week = std::array::from_fn(|day| if day < 5 { &weekday } else { &weekend }.clone());
        Hours::new(week, weekday)
    }
}

impl LengthRule {
    /// Whether a case of this kind falls under it.
    pub fn fits(&self, key: LengthKey) -> bool {
        let grade = self.grades.as_ref().is_none_or(|g| g.contains(&key.grade));
        let urgency = self
            .urgencies
            .as_ref()
            .is_none_or(|u| u.contains(&key.urgency));
        grade && urgency && self.spoken.is_none_or(|s| s == key.channel.is_spoken())
    }

    /// Whether every case falls under it.
    pub(crate) fn is_unconditional(&self) -> bool {
        self.grades.is_none() && self.urgencies.is_none() && self.spoken.is_none()
    }
}
