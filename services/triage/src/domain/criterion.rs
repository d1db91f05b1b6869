//! The criteria of domain.md section 4. Their order here is the order in which they are listed.

use redress_model::Grade;
use serde::{Deserialize, Serialize};

macro_rules! criteria {
    ($($(#[$meta:meta])* $name:ident = $id:literal => $grade:ident,)+) => {
        /// Id of a criterion; `Ord` is gravest first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum CriterionId { $($(#[$meta])* $name,)+ }

        impl CriterionId {
            /// Every criterion, gravest first.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The id as people cite it, for example `G1.4`.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// The grade that it asks for.
            pub fn grade(self) -> Grade {
                match self { $(Self::$name => Grade::$grade,)+ }
            }
        }
    };
}

criteria! {
    /// Demonstration, siege or another public conflict.
    PublicConflict = "G1.1" => ONE,
    /// Exposed by the media or by a post of wide reach.
    Exposed = "G1.2" => ONE,
    /// A defect that gravely affects living.
    GraveDefect = "G1.3" => ONE,
    /// Ten or more together.
    LargeGroup = "G1.4" => ONE,
    /// Litigation or arbitration begun.
    Litigation = "G1.5" => ONE,
    /// A large amount.
    LargeAmount = "G1.6" => ONE,
    /// Unresolved after a month.
    MonthOld = "G1.7" => ONE,
    /// Injury or danger to persons.
    Danger = "G1.8" => ONE,
    /// A defect that affects use.
    DefectInUse = "G2.1" => TWO,
    /// Three to nine together.
    Group = "G2.2" => TWO,
    /// Three or more cases about the same issue.
    SameIssue = "G2.3" => TWO,
    /// Unresolved after 15 days.
    FortnightOld = "G2.4" => TWO,
    /// A smaller amount.
    Amount = "G2.5" => TWO,
    /// Threatens to sue or to go to the media.
    Threat = "G2.6" => TWO,
    /// Personal data leaked.
    DataLeak = "G2.7" => TWO,
    /// A post of small reach.
    Post = "G2.8" => TWO,
    /// Cosmetic.
    Cosmetic = "G3.1" => THREE,
    /// Two together.
    Pair = "G3.2" => THREE,
    /// Complained again, or handed up.
    Again = "G3.3" => THREE,
    /// Could start a local conflict.
    ConflictRisk = "G3.4" => THREE,
    /// Everything else.
    Routine = "G4" => FOUR,
}

impl CriterionId {
    /// The milder steps of the same measure: whoever knew of this one knew of those.
    pub fn milder(self) -> &'static [Self] {
        match self {
            Self::LargeGroup => &[Self::Group, Self::Pair],
            Self::Group => &[Self::Pair],
            Self::LargeAmount => &[Self::Amount],
            Self::MonthOld => &[Self::FortnightOld],
            Self::Exposed => &[Self::Post],
            Self::GraveDefect => &[Self::DefectInUse, Self::Cosmetic],
            Self::DefectInUse => &[Self::Cosmetic],
            Self::PublicConflict
            | Self::Litigation
            | Self::Danger
            | Self::SameIssue
            | Self::FortnightOld
            | Self::Amount
            | Self::Threat
            | Self::DataLeak
            | Self::Post
            | Self::Cosmetic
            | Self::Pair
            | Self::Again
            | Self::ConflictRisk
            | Self::Routine => &[],
        }
    }
}

impl From<CriterionId> for &'static str {
    fn from(id: CriterionId) -> Self {
        id.id()
    }
}

impl TryFrom<String> for CriterionId {
    type Error = UnknownCriterion;

    fn try_from(text: String) -> Result<Self, UnknownCriterion> {
        text.parse()
    }
}

impl std::str::FromStr for CriterionId {
    type Err = UnknownCriterion;

    fn from_str(text: &str) -> Result<Self, UnknownCriterion> {
        Self::ALL
            .iter()
            .copied()
            .find(|c| c.id() == text)
            .ok_or(UnknownCriterion)
    }
}

/// A text that is no criterion's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the id of a criterion, for example G1.4")]
pub struct UnknownCriterion;

/// A set of criteria, without a place on the heap: what a decision lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Criteria(u32);

const _: () = assert!(
    CriterionId::ALL.len() <= 32,
    "a set has one bit for each criterion"
);

impl Criteria {
    /// Without any.
    pub const NONE: Self = Self(0);

    /// With this one too.
    pub fn insert(&mut self, id: CriterionId) {
        self.0 |= Self::bit(id);
    }

    /// Without this one.
    pub fn remove(&mut self, id: CriterionId) {
        self.0 &= !Self::bit(id);
    }

    /// Whether it is among them.
    pub fn contains(self, id: CriterionId) -> bool {
        self.0 & Self::bit(id) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All of them, gravest first.
    pub fn iter(self) -> impl Iterator<Item = CriterionId> {
        CriterionId::ALL
            .iter()
            .copied()
            .filter(move |&id| self.contains(id))
    }

    /// The grade that the gravest of them asks for; routine where there is none.
    pub fn grade(self) -> Grade {
        // Bits lie in the order of the criteria, gravest first.
        CriterionId::ALL
            .get(self.0.trailing_zeros() as usize)
            .map_or(Grade::FOUR, |id| id.grade())
    }

    const fn bit(id: CriterionId) -> u32 {
        1 << id as u32
    }
}

impl FromIterator<CriterionId> for Criteria {
    fn from_iter<I: IntoIterator<Item = CriterionId>>(ids: I) -> Self {
        let mut set = Self::NONE;
        for id in ids {
            set.insert(id);
        }
        set
    }
}

/// A criterion that matched, with what matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// Which one.
    pub id: CriterionId,
    /// What matched, in plain words without personal data.
    pub evidence: String,
}
