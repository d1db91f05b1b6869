//! Whether a complaint is justified (domain.md section 5).

use jiff::Timestamp;
use redress_model::words;

use super::authority::Level;
use super::person::Person;

words! {
    /// Whether a complaint is justified.
    Validity, "VALIDITY_" {
        /// Breach of law, contract or duty.
        ValidA = 1 => "VALID_A",
        /// Dissatisfied with service.
        ValidB = 2 => "VALID_B",
        /// Nothing of it is so.
        Unfounded = 3 => "UNFOUNDED",
        /// Meant to harm, without any fault of ours: an inside word.
        Malicious = 4 => "MALICIOUS",
        /// Not our responsibility.
        OutOfScope = 5 => "OUT_OF_SCOPE",
    }
}

impl Validity {
    /// Whether the complaint is handled rather than turned down.
    pub fn is_valid(self) -> bool {
        matches!(self, Self::ValidA | Self::ValidB)
    }
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Counts from 1.
    pub sequence: i32,
    /// What was decided.
    pub validity: Validity,
    /// Why.
    pub reason: String,
    /// What proves it.
    pub evidence: Vec<String>,
    /// Who decided.
    pub decider: Person,
    /// The decider's level of authority.
    pub level: Level,
    /// When.
    pub at: Timestamp,
    /// Answers an appeal.
    pub on_appeal: bool,
}

/// A decision that this decider does not overturn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it was decided by {stands}, and the decider is {level}; legal now: {stands} or above decides it again"
)]
pub struct DecidedAbove {
    /// The level of the decision that stands.
    pub stands: Level,
    /// The decider's.
    pub level: Level,
}

impl Decision {
    /// Whether it may take the place of the one that stands: a lower level does not overturn a higher one.
    ///
    /// # Errors
    /// Where it may not.
    pub fn may_follow(&self, stands: Option<&Self>) -> Result<(), DecidedAbove> {
        match stands {
            Some(stands) if stands.level > self.level => Err(DecidedAbove {
                stands: stands.level,
                level: self.level,
            }),
            _ => Ok(()),
        }
    }
}

/// The one appeal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appeal {
    /// What is appealed.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Who made the decision that is appealed.
    pub against: Person,
    /// Granted or dismissed, and when; none before.
    pub decided: Option<(bool, Timestamp)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_valid_ones_are_handled() {
        let handled: Vec<_> = Validity::ALL.iter().filter(|v| v.is_valid()).collect();
        assert_eq!(handled, [&Validity::ValidA, &Validity::ValidB]);
    }
}
