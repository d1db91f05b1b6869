//! Whether a complaint is justified (domain.md section 5).

use jiff::{SignedDuration, Timestamp};
use redress_model::words;

use super::authority::Level;
use super::person::Person;

/// How long whoever decides an appeal has (own): one against a rejection (M18) as one against an entry of the ledger (M17).
pub const APPEAL_LIMIT: SignedDuration = SignedDuration::from_hours(72);

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

/// One thing that the complainant asks for, judged by itself (M02).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// What is asked for.
    pub text: String,
    /// Law, contract or duty gives it.
    pub lawful: bool,
    /// It is in proportion to what happened.
    pub reasonable: bool,
    /// Why it is not; may be empty where it is both.
    pub reason: String,
}

impl Demand {
    /// Whether it has to be met: lawful and reasonable.
    pub fn is_justified(&self) -> bool {
        self.lawful && self.reasonable
    }
}

/// What was judged of the demands of one complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Counts from 1.
    pub sequence: i32,
    /// Every demand.
    pub demands: Vec<Demand>,
    /// Token subject of who judged.
    pub judge: String,
    /// When.
    pub at: Timestamp,
}

impl Judgement {
    /// How many demands have to be met.
    pub fn justified(&self) -> usize {
        self.demands.iter().filter(|d| d.is_justified()).count()
    }

    /// Whether the complaint may be called this in spite of its demands: one that holds a justified demand is not unfounded,
    /// nor meant to harm alone. It may be another's to meet.
    pub fn bears(&self, validity: Validity) -> bool {
        match validity {
            Validity::Unfounded | Validity::Malicious => self.justified() == 0,
            Validity::ValidA | Validity::ValidB | Validity::OutOfScope => true,
        }
    }
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
    /// Whether a complaint is turned down by it: it says that the complaint is not valid, and what proves it. Those of an older
    /// release may name nothing.
    pub fn turns_down(&self) -> bool {
        !self.validity.is_valid() && !self.evidence.is_empty()
    }

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
    /// What the verdict rests on; none before, nor of one by an older release.
    pub evidence: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_5_nothing_is_turned_down_without_evidence() {
        let decision = |validity, evidence: &[&str]| Decision {
            sequence: 1,
            validity,
            reason: "the stain is older than the home".to_owned(),
            evidence: evidence.iter().map(|piece| (*piece).to_owned()).collect(),
            decider: Person {
                subject: "manager".to_owned(),
                staff: None,
            },
            level: Level::SiteManager,
            at: Timestamp::UNIX_EPOCH,
            on_appeal: false,
        };
        for validity in Validity::ALL.iter().copied() {
            let proven = decision(validity, &["a photo"]).turns_down();
            assert_eq!(proven, !validity.is_valid(), "{validity}");
            assert!(!decision(validity, &[]).turns_down(), "{validity}");
        }
    }

    #[test]
    fn m02_only_what_is_lawful_and_reasonable_keeps_a_complaint_from_being_unfounded() {
        for (lawful, reasonable) in [(true, true), (true, false), (false, true), (false, false)] {
            let demand = Demand {
                text: "the deposit back".to_owned(),
                lawful,
                reasonable,
                reason: String::new(),
            };
            let judgement = Judgement {
                sequence: 1,
                demands: vec![demand],
                judge: "handler".to_owned(),
                at: Timestamp::UNIX_EPOCH,
            };
            for validity in Validity::ALL.iter().copied() {
                let denies = matches!(validity, Validity::Unfounded | Validity::Malicious);
                let expected = !(lawful && reasonable && denies);
                assert_eq!(judgement.bears(validity), expected, "{validity}");
            }
        }
    }

    #[test]
    fn only_the_valid_ones_are_handled() {
        let handled: Vec<_> = Validity::ALL.iter().filter(|v| v.is_valid()).collect();
        assert_eq!(handled, [&Validity::ValidA, &Validity::ValidB]);
    }
}
