//! A defect of many homes (M19): when complaints about one issue come from enough different units, a notice
//! to the other owners of the site is proposed, and a person accepts or dismisses it.

use jiff::Timestamp;
use redress_model::words::Category;

/// Where a general defect stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DefectState {
    /// Nothing says that it is one.
    #[default]
    None,
    /// Enough units complain; a person is asked.
    Proposed,
    /// A person said that the other owners are to be told.
    Accepted,
    /// A person said that it is none.
    Dismissed,
}

impl DefectState {
    /// The word under which it is kept.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Proposed => "PROPOSED",
            Self::Accepted => "ACCEPTED",
            Self::Dismissed => "DISMISSED",
        }
    }
}

impl DefectState {
    /// Which of two outweighs the other where their clusters become one: what is to be told, then what is still asked.
    pub fn weight(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Dismissed => 1,
            Self::Proposed => 2,
            Self::Accepted => 3,
        }
    }

    /// Whether a person said what it is.
    pub fn is_decided(self) -> bool {
        matches!(self, Self::Accepted | Self::Dismissed)
    }
}

/// A word that is no state of a defect.
#[derive(Debug, thiserror::Error)]
#[error("no state of a defect")]
pub struct UnknownDefectState;

impl std::str::FromStr for DefectState {
    type Err = UnknownDefectState;

    fn from_str(word: &str) -> Result<Self, UnknownDefectState> {
        [Self::None, Self::Proposed, Self::Accepted, Self::Dismissed]
            .into_iter()
            .find(|state| state.word() == word)
            .ok_or(UnknownDefectState)
    }
}

/// What is known of a general defect.
#[derive(Debug, Clone, Default)]
pub struct Defect {
    /// Where it stands.
    pub state: DefectState,
    /// How many different units complained when that was last counted.
    pub units: u32,
    /// Since when it stands there.
    pub since: Option<Timestamp>,
    /// Who said so; empty where it was proposed by itself.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Whether a complaint of this category is about something built or planned, which other homes may share.
pub fn is_of_the_building(category: Category) -> bool {
    match category {
        Category::EngineeringQuality | Category::PlanningDesign | Category::RepairService => true,
        Category::SalesManagement
        | Category::PropertyManagement
        | Category::ServiceConduct
        | Category::CommercialLeasing
        | Category::ExternalEnvironment => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_kept_by_their_words() {
        for word in ["NONE", "PROPOSED", "ACCEPTED", "DISMISSED"] {
            assert_eq!(
                word.parse::<DefectState>().map(DefectState::word).ok(),
                Some(word)
            );
        }
        assert!("OTHER".parse::<DefectState>().is_err());
    }
}
