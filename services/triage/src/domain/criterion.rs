//! The criteria of domain.md section 4. Their order here is the order in which they are listed.

use redress_model::Grade;

macro_rules! criteria {
    ($($(#[$meta:meta])* $name:ident = $id:literal => $grade:ident,)+) => {
        /// Id of a criterion; `Ord` is gravest first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// A criterion that matched, with what matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// Which one.
    pub id: CriterionId,
    /// What matched, in plain words without personal data.
    pub evidence: String,
}
