//! What a policy must hold beyond its form.

use redress_calendar::HoursError;
use redress_model::words::ClockKind;
use rust_decimal::Decimal;

use crate::document::{LengthRule, Policy};

/// What is wrong with a policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not of the form of a policy.
    #[error("the policy does not read: {0}")]
    Form(#[from] serde_norway::Error),
    /// Working hours that make no sense.
    #[error("working_time: {0}")]
    Hours(#[from] HoursError),
    /// A case could come without a length.
    #[error("clocks.{0} needs a last rule without conditions")]
    Open(ClockKind),
    /// Thresholds in the wrong order.
    #[error("grading: {0}")]
    Thresholds(&'static str),
}

impl Policy {
    /// Reads and checks a policy.
    pub fn parse(yaml: &str) -> Result<Self, PolicyError> {
        let policy: Self = serde_norway::from_str(yaml)?;
        policy.working_time.hours()?;
        for (&kind, rules) in &policy.clocks {
            if !rules.last().is_some_and(LengthRule::is_unconditional) {
                return Err(PolicyError::Open(kind));
            }
        }
        let g = &policy.grading;
        if !(2 < g.group && g.group < g.group_major) {
            return Err(PolicyError::Thresholds("2 < group < group_major must hold"));
        }
        if g.similar_cases < 2 || g.reach_major == 0 || g.amount_major <= Decimal::ZERO {
            return Err(PolicyError::Thresholds(
                "similar_cases must be 2 or more, reach_major and amount_major above 0",
            ));
        }
        Ok(policy)
    }
}
