//! How much of its time a promise has used when it warns and climbs.

use serde::{Deserialize, Serialize};

/// When a promise warns and climbs, in percent of its time (section 6). Policies decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shares {
    /// It warns once more, and earlier, when so much is used: outside deadlines do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_early: Option<u16>,
    /// It warns when so much is used.
    pub warn: u16,
    /// It climbs to the second rung so much after the deadline.
    pub climb_duty: u16,
    /// It climbs to the third rung so much after the deadline.
    pub climb_top: u16,
}

impl Default for Shares {
    /// 75 %, +50 % and +100 %.
    fn default() -> Self {
        Self {
            warn_early: None,
            warn: 75,
            climb_duty: 50,
            climb_top: 100,
        }
    }
}
