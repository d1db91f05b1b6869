//! What happens to a clock that nobody meets.

/// What happens next to a clock that nobody meets. `Ord` is the order in which it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Half used, where it warns twice.
    WarnEarly,
    /// 75 % used.
    Warn,
    /// 100 % used: the on-site lead.
    Breach,
    /// +50 %: the duty lead.
    ClimbDuty,
    /// +100 %: the top lead.
    ClimbTop,
}

impl Step {
    /// Every step, in the order in which they happen.
    pub const ALL: [Self; 5] = [
        Self::WarnEarly,
        Self::Warn,
        Self::Breach,
        Self::ClimbDuty,
        Self::ClimbTop,
    ];

    /// Rung of the lead ladder that it reaches: 0 none, 1 on-site, 2 duty, 3 top lead.
    pub fn level(self) -> u8 {
        match self {
            Self::WarnEarly | Self::Warn => 0,
            Self::Breach => 1,
            Self::ClimbDuty => 2,
            Self::ClimbTop => 3,
        }
    }
}
