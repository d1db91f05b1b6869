//! The closed sets of words of the domain (docs/domain.md sections 1, 3, 4, 6 and 7).
//!
//! One spelling serves the wire, Postgres, the corpus and people: `word()` is the protobuf name
//! without its prefix. The macro exists because fifteen enums need the same five impls and a
//! hand-written table per enum would drift.

use serde::{Deserialize, Serialize};

/// A text that is none of a closed set's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not one of {expected}")]
pub struct UnknownWord {
    /// The text as given, cut to 64 characters.
    pub text: String,
    /// The words that would be right, separated by commas.
    pub expected: String,
}

/// A closed set of words.
pub trait Word:
    Copy + Eq + Ord + std::hash::Hash + std::fmt::Debug + Send + Sync + 'static
{
    /// Prefix of the protobuf enum, for example `SITE_KIND_`.
    const WIRE_PREFIX: &'static str;
    /// Every word, in declared order.
    const ALL: &'static [Self];

    /// The word, for example `WITHIN_A_DAY`.
    fn word(self) -> &'static str;

    /// The number on the wire; 0 is kept for "unspecified".
    fn number(self) -> i32;

    /// The word of this number; none for 0 and for numbers not known.
    fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|w| w.number() == number)
    }

    /// The word spelled exactly so.
    fn parse(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .iter()
            .copied()
            .find(|w| w.word() == text)
            .ok_or_else(|| UnknownWord {
                text: text.chars().take(64).collect(),
                expected: Self::ALL
                    .iter()
                    .map(|w| w.word())
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }
}

/// Defines a closed set of words: the enum, its [`Word`], `Display`, `FromStr` and serde by the word.
///
/// Exported for the sets that one service alone adds to.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $name:ident, $prefix:literal { $($(#[$vmeta:meta])* $variant:ident = $number:literal => $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
        }

        impl $name {
            /// Every word, in declared order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as Postgres, the corpus and people spell it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl $crate::words::Word for $name {
            const WIRE_PREFIX: &'static str = $prefix;
            const ALL: &'static [Self] = Self::ALL;
            fn word(self) -> &'static str { self.word() }
            fn number(self) -> i32 {
                match self { $(Self::$variant => $number,)+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;
            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                <Self as $crate::words::Word>::parse(text)
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                let text = <::std::string::String as $crate::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err($crate::serde::de::Error::custom)
            }
        }
    };
}

words! {
    /// What kind of place a site is; it selects the policy profile.
    SiteKind, "SITE_KIND_" {
        /// A residential project.
        Residential = 1 => "RESIDENTIAL",
        /// A sales centre (M15).
        SalesCenter = 2 => "SALES_CENTER",
        /// An office of the property manager (M16, M18).
        PropertyOffice = 3 => "PROPERTY_OFFICE",
        /// An agency store (M17).
        AgencyStore = 4 => "AGENCY_STORE",
    }
}

words! {
    /// The way by which a complaint or a message came in.
    Channel, "CHANNEL_" {
        /// The 24-hour hotline.
        Hotline = 1 => "HOTLINE",
        /// The front desk of an office.
        FrontDesk = 2 => "FRONT_DESK",
        /// A desk on site.
        DeskOnsite = 3 => "DESK_ONSITE",
        /// WeChat.
        Wechat = 4 => "WECHAT",
        /// E-mail.
        Email = 5 => "EMAIL",
        /// A web form.
        Web = 6 => "WEB",
        /// The owners' app.
        App = 7 => "APP",
        /// A letter on paper.
        Letter = 8 => "LETTER",
        /// A visit in person.
        Visit = 9 => "VISIT",
        /// What a media monitor found.
        MediaMonitor = 10 => "MEDIA_MONITOR",
        /// Handed over by a regulator or a public hotline.
        Regulator = 11 => "REGULATOR",
        /// An agency store.
        Store = 12 => "STORE",
    }
}

impl Channel {
    /// Hotline, desks, visit and store are spoken; the rest are written (section 6).
    pub fn is_spoken(self) -> bool {
        match self {
            Self::Hotline | Self::FrontDesk | Self::DeskOnsite | Self::Visit | Self::Store => true,
            Self::Wechat
            | Self::Email
            | Self::Web
            | Self::App
            | Self::Letter
            | Self::MediaMonitor
            | Self::Regulator => false,
        }
    }

    /// No person received the complaint, so the roster names the first-contact owner (section 7).
    pub fn is_machine(self) -> bool {
        match self {
            Self::Wechat | Self::Email | Self::Web | Self::App | Self::MediaMonitor => true,
            Self::Hotline
            | Self::FrontDesk
            | Self::DeskOnsite
            | Self::Letter
            | Self::Visit
            | Self::Regulator
            | Self::Store => false,
        }
    }
}

words! {
    /// What a case is about (section 3, M09).
    Category, "CATEGORY_" {
        /// Building and fit-out defects.
        EngineeringQuality = 1 => "ENGINEERING_QUALITY",
        /// Layout, plan changes, usability.
        PlanningDesign = 2 => "PLANNING_DESIGN",
        /// Sales promises, contracts, price, offers.
        SalesManagement = 3 => "SALES_MANAGEMENT",
        /// Services of the property manager.
        PropertyManagement = 4 => "PROPERTY_MANAGEMENT",
        /// Attitude and conduct of staff or partners.
        ServiceConduct = 5 => "SERVICE_CONDUCT",
        /// Quality and timeliness of repairs.
        RepairService = 6 => "REPAIR_SERVICE",
        /// Commercial leasing and its staff.
        CommercialLeasing = 7 => "COMMERCIAL_LEASING",
        /// Surroundings, third parties, anything else.
        ExternalEnvironment = 8 => "EXTERNAL_ENVIRONMENT",
    }
}

words! {
    /// How public a case is (section 4, M10).
    Nature, "NATURE_" {
        /// Any grade-1 criterion matched.
        Major = 1 => "MAJOR",
        /// A group, a threat, a leak, a post, or unresolved for a week.
        Hotspot = 2 => "HOTSPOT",
        /// Complained again, or needs advisers or another company.
        Important = 3 => "IMPORTANT",
        /// The rest.
        General = 4 => "GENERAL",
    }
}

words! {
    /// How soon somebody must act (section 4, M15).
    Urgency, "URGENCY_" {
        /// At once.
        Immediate = 1 => "IMMEDIATE",
        /// Within a day.
        WithinADay = 2 => "WITHIN_A_DAY",
        /// Within three days.
        WithinThreeDays = 3 => "WITHIN_THREE_DAYS",
    }
}

words! {
    /// How badly a quality defect affects the home.
    QualityImpact, "QUALITY_IMPACT_" {
        /// No quality defect.
        None = 1 => "NONE",
        /// Cosmetic, or a slight inconvenience (G3.1).
        Cosmetic = 2 => "COSMETIC",
        /// Affects use, the home stays usable (G2.1).
        AffectsUse = 3 => "AFFECTS_USE",
        /// Gravely affects living (G1.3).
        Grave = 4 => "GRAVE",
    }
}

words! {
    /// What the complainant wants.
    Wants, "WANTS_" {
        /// Something done, paid or made good.
        Remedy = 1 => "REMEDY",
        /// An explanation or information.
        Explanation = 2 => "EXPLANATION",
    }
}

words! {
    /// A fact that can raise a grade (section 4).
    SignalKind, "SIGNAL_KIND_" {
        /// Public conflict (G1.1).
        Demonstration = 1 => "DEMONSTRATION",
        /// Exposed by the media (G1.2).
        MediaExposure = 2 => "MEDIA_EXPOSURE",
        /// Litigation or arbitration begun (G1.5).
        Litigation = 3 => "LITIGATION",
        /// Somebody was hurt (G1.8).
        Injury = 4 => "INJURY",
        /// Danger to persons (G1.8).
        DangerToPersons = 5 => "DANGER_TO_PERSONS",
        /// Threatens to sue (G2.6).
        ThreatensLitigation = 6 => "THREATENS_LITIGATION",
        /// Threatens to go to the media (G2.6).
        ThreatensMedia = 7 => "THREATENS_MEDIA",
        /// Personal data leaked (G2.7).
        DataLeak = 8 => "DATA_LEAK",
        /// An online post with its reach (G1.2, G2.8).
        OnlinePost = 9 => "ONLINE_POST",
        /// Could start a local conflict (G3.4).
        LocalConflictRisk = 10 => "LOCAL_CONFLICT_RISK",
        /// Handed up by the handler (G3.3).
        HandedUp = 11 => "HANDED_UP",
        /// Grave failure of service; urgency only.
        GraveServiceFailure = 12 => "GRAVE_SERVICE_FAILURE",
        /// Damage that goes on; urgency only.
        OngoingDamage = 13 => "ONGOING_DAMAGE",
        /// Fees withheld; recorded, no grade.
        FeeWithheld = 14 => "FEE_WITHHELD",
        /// Handover refused; recorded, no grade.
        HandoverRefused = 15 => "HANDOVER_REFUSED",
    }
}

words! {
    /// How a signal is known.
    SignalBasis, "SIGNAL_BASIS_" {
        /// Confirmed by staff; counts at once.
        Confirmed = 1 => "CONFIRMED",
        /// Reported by the complainant; counts at once.
        Reported = 2 => "REPORTED",
        /// Suspected from the text; counts only once confirmed.
        Suspected = 3 => "SUSPECTED",
    }
}

words! {
    /// Where a case stands in its life (section 7).
    CaseStatus, "CASE_STATUS_" {
        /// Taken in, not graded yet.
        Received = 1 => "RECEIVED",
        /// Graded.
        Triaged = 2 => "TRIAGED",
        /// Offered to a person.
        Assigned = 3 => "ASSIGNED",
        /// Accepted by the responsible person.
        Accepted = 4 => "ACCEPTED",
        /// Being investigated.
        Investigating = 5 => "INVESTIGATING",
        /// A solution was proposed.
        Proposed = 6 => "PROPOSED",
        /// The solution is being carried out.
        Resolving = 7 => "RESOLVING",
        /// Carried out.
        Resolved = 8 => "RESOLVED",
        /// Reviewed and confirmed.
        Closed = 9 => "CLOSED",
        /// Kept for the record.
        Archived = 10 => "ARCHIVED",
        /// Withdrawn by the complainant.
        Withdrawn = 11 => "WITHDRAWN",
        /// Invalid, answered with reasons.
        Rejected = 12 => "REJECTED",
        /// Opened again after handling.
        Reopened = 13 => "REOPENED",
        /// One and the same as another case.
        Merged = 14 => "MERGED",
    }
}

words! {
    /// Whether a case is handled or only kept.
    CaseMode, "CASE_MODE_" {
        /// To be handled.
        Live = 1 => "LIVE",
        /// Imported history: no clock, work, question, message or incident, ever.
        Historical = 2 => "HISTORICAL",
    }
}

words! {
    /// A duty that somebody has at a site.
    DutyRole, "DUTY_ROLE_" {
        /// Front office; first-contact owner on machine channels.
        FrontOffice = 1 => "FRONT_OFFICE",
        /// First rung of the lead ladder.
        OnSiteLead = 2 => "ON_SITE_LEAD",
        /// Second rung.
        DutyLead = 3 => "DUTY_LEAD",
        /// Third rung; commander of an incident.
        TopLead = 4 => "TOP_LEAD",
        /// The one voice of an incident.
        Spokesperson = 5 => "SPOKESPERSON",
        /// Legal counsel of an incident.
        LegalCounsel = 6 => "LEGAL_COUNSEL",
        /// Customer liaison of an incident.
        CustomerLiaison = 7 => "CUSTOMER_LIAISON",
        /// Negotiator of an incident.
        Negotiator = 8 => "NEGOTIATOR",
        /// At work: takes cases of the own department.
        Handler = 9 => "HANDLER",
        /// Of the region: the lead of cases that no lead of the site may have.
        RegionContact = 10 => "REGION_CONTACT",
    }
}

impl DutyRole {
    /// The roles of an incident's command, whom its opening calls out (section 9, M01, M10). The top lead is the commander.
    pub const COMMAND: [Self; 7] = [
        Self::TopLead,
        Self::DutyLead,
        Self::OnSiteLead,
        Self::Spokesperson,
        Self::LegalCounsel,
        Self::CustomerLiaison,
        Self::Negotiator,
    ];

    /// Whom a role that nobody fills pages, in this order: upward, and where the top itself is missing the next
    /// lead below, because somebody has to command. Where no lead of the site may, the region's contact does (section 9).
    pub fn stand_ins(self) -> &'static [Self] {
        use DutyRole::{DutyLead, OnSiteLead, RegionContact, TopLead};
        match self {
            OnSiteLead => &[DutyLead, TopLead, RegionContact],
            DutyLead => &[TopLead, OnSiteLead, RegionContact],
            TopLead => &[DutyLead, OnSiteLead, RegionContact],
            Self::FrontOffice
            | Self::Handler
            | Self::Spokesperson
            | Self::LegalCounsel
            | Self::CustomerLiaison
            | Self::Negotiator
            | RegionContact => &[OnSiteLead, DutyLead, TopLead, RegionContact],
        }
    }
}

words! {
    /// Which promise a clock watches (sections 6 and 9).
    ClockKind, "CLOCK_KIND_" {
        /// First contact by a person.
        Acknowledge = 1 => "ACKNOWLEDGE",
        /// Substantive outward answer.
        Answer = 2 => "ANSWER",
        /// Resolved.
        Resolve = 3 => "RESOLVE",
        /// Age threshold; grade again.
        AgeCheck = 4 => "AGE_CHECK",
        /// A leader's direct contact in a private incident.
        LeaderContact = 5 => "LEADER_CONTACT",
        /// Holding statement ready in a public incident.
        HoldingStatement = 6 => "HOLDING_STATEMENT",
        /// Next inside report.
        InsideReport = 7 => "INSIDE_REPORT",
        /// Next outward update.
        OutwardUpdate = 8 => "OUTWARD_UPDATE",
        /// Weekly briefing.
        WeeklyBriefing = 9 => "WEEKLY_BRIEFING",
        /// Work enters investigating.
        StartInvestigation = 10 => "START_INVESTIGATION",
        /// Somebody is on site.
        OnSite = 11 => "ON_SITE",
        /// Next word to the customer, by the grade or as promised.
        InterimUpdate = 12 => "INTERIM_UPDATE",
        /// The customer says whether the proposal will do.
        ConfirmClosing = 13 => "CONFIRM_CLOSING",
        /// Visit or survey after the resolution.
        FollowUpVisit = 14 => "FOLLOW_UP_VISIT",
        /// What a regulator, hotline, petition office or court demands.
        OutsideDeadline = 15 => "OUTSIDE_DEADLINE",
        /// What a contractor or a supporting department owes us.
        Support = 16 => "SUPPORT",
        /// Defence before a court.
        Defence = 17 => "DEFENCE",
        /// Appeal against a judgment.
        AppealJudgment = 18 => "APPEAL_JUDGMENT",
        /// Appeal against a ruling.
        AppealRuling = 19 => "APPEAL_RULING",
        /// Rescuers reach people trapped in a lift.
        Rescue = 20 => "RESCUE",
        /// Written report of an agency store.
        StoreReport = 21 => "STORE_REPORT",
        /// Clarification of an untrue exposure.
        MediaClarification = 22 => "MEDIA_CLARIFICATION",
        /// A hold ends by itself.
        HoldEnd = 23 => "HOLD_END",
        /// A lead says whether a suspected signal is so.
        ConfirmSignal = 24 => "CONFIRM_SIGNAL",
        /// A task of an incident's playbook.
        PlaybookTask = 25 => "PLAYBOOK_TASK",
        /// What somebody promised at a briefing of an incident.
        Commitment = 40 => "COMMITMENT",
        /// What the review of an incident asks of somebody.
        ReviewAction = 41 => "REVIEW_ACTION",
        /// Answer to an inquiry of the press.
        MediaAnswer = 50 => "MEDIA_ANSWER",
        /// A step of the review of a statement, or a word on an objection to it.
        StatementReview = 51 => "STATEMENT_REVIEW",
        /// An answer to the offer of a role.
        RoleOffer = 52 => "ROLE_OFFER",
    }
}

words! {
    /// A deadline that the law itself sets, by its name (section 10).
    LegalDeadline, "LEGAL_DEADLINE_" {
        /// Whose personal data leaked is told.
        DataLeakTold = 1 => "DATA_LEAK_TOLD",
        /// A leak, or another grave network incident, is reported upward.
        NetworkIncidentReport = 2 => "NETWORK_INCIDENT_REPORT",
        /// A production accident is reported upward.
        ProductionAccidentReport = 3 => "PRODUCTION_ACCIDENT_REPORT",
        /// The buyers are told in writing that the plan changed.
        PlanChangeNotice = 4 => "PLAN_CHANGE_NOTICE",
        /// A buyer who was told that the plan changed answers.
        PlanChangeAnswer = 5 => "PLAN_CHANGE_ANSWER",
    }
}

words! {
    /// Where a clock stands.
    ClockState, "CLOCK_STATE_" {
        /// Running, not breached.
        Running = 1 => "RUNNING",
        /// Past its deadline and unmet.
        Breached = 2 => "BREACHED",
        /// Met.
        Met = 3 => "MET",
        /// No longer needed.
        Cancelled = 4 => "CANCELLED",
    }
}

words! {
    /// What just happened to a clock.
    ClockTransition, "CLOCK_TRANSITION_" {
        /// Started, or started anew.
        Started = 1 => "STARTED",
        /// 75 % used.
        Warned = 2 => "WARNED",
        /// 100 % used.
        Breached = 3 => "BREACHED",
        /// Climbed the ladder.
        Climbed = 4 => "CLIMBED",
        /// Met.
        Met = 5 => "MET",
        /// Cancelled.
        Cancelled = 6 => "CANCELLED",
        /// The deadline changed.
        Moved = 7 => "MOVED",
        /// Paged about the breach once more.
        PagedAgain = 8 => "PAGED_AGAIN",
        /// Stands still: the reason lies with somebody else.
        Held = 9 => "HELD",
        /// Runs again.
        Resumed = 10 => "RESUMED",
    }
}

words! {
    /// Why a promise stands still: the reason lies with somebody else (section 6).
    HoldReason, "HOLD_REASON_" {
        /// With the customer.
        Customer = 1 => "CUSTOMER",
        /// With somebody outside: an authority, a supplier, another company.
        OutsideParty = 2 => "OUTSIDE_PARTY",
        /// With a court or an arbitrator.
        Court = 3 => "COURT",
        /// With the spokesperson of an open incident, for whom a message waits (section 9).
        SingleVoice = 4 => "SINGLE_VOICE",
    }
}

/// A grade from 1 (major) to 4 (routine). `Ord` is by number: the smaller is the graver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Grade(u8);

impl Grade {
    /// Major.
    pub const ONE: Self = Self(1);
    /// Grave.
    pub const TWO: Self = Self(2);
    /// Slight.
    pub const THREE: Self = Self(3);
    /// Routine.
    pub const FOUR: Self = Self(4);

    /// A grade from 1 to 4; none otherwise.
    pub fn new(value: u8) -> Option<Self> {
        (1..=4).contains(&value).then_some(Self(value))
    }

    /// The number.
    pub fn value(self) -> u8 {
        self.0
    }

    /// Whether this grade is graver than the other.
    pub fn is_graver_than(self, other: Self) -> bool {
        self.0 < other.0
    }
}

impl TryFrom<u8> for Grade {
    type Error = UnknownWord;
    fn try_from(value: u8) -> Result<Self, UnknownWord> {
        Self::new(value).ok_or_else(|| UnknownWord {
            text: value.to_string(),
            expected: "1, 2, 3, 4".to_owned(),
        })
    }
}

impl From<Grade> for u8 {
    fn from(grade: Grade) -> u8 {
        grade.0
    }
}

impl std::fmt::Display for Grade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<W: Word>() {
        let mut last = 0;
        for &w in W::ALL {
            assert_eq!(W::parse(w.word()).ok(), Some(w));
            assert_eq!(W::from_number(w.number()), Some(w));
            assert!(w.number() > last, "{} follows {last}", w.number());
            last = w.number();
        }
        assert!(W::parse("").is_err());
        assert_eq!(W::from_number(0), None);
    }

    #[test]
    fn every_word_reads_back() {
        round_trip::<SiteKind>();
        round_trip::<Channel>();
        round_trip::<Category>();
        round_trip::<Nature>();
        round_trip::<Urgency>();
        round_trip::<QualityImpact>();
        round_trip::<Wants>();
        round_trip::<SignalKind>();
        round_trip::<SignalBasis>();
        round_trip::<CaseStatus>();
        round_trip::<CaseMode>();
        round_trip::<DutyRole>();
        round_trip::<ClockKind>();
        round_trip::<LegalDeadline>();
        round_trip::<ClockState>();
        round_trip::<ClockTransition>();
        round_trip::<HoldReason>();
    }

    #[test]
    fn grades_are_one_to_four_and_one_is_gravest() {
        assert!(Grade::new(0).is_none() && Grade::new(5).is_none());
        assert!(Grade::ONE.is_graver_than(Grade::FOUR));
        assert!(!Grade::TWO.is_graver_than(Grade::TWO));
    }
}
