//! What a decision is made from, and nothing else.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_model::words::{QualityImpact, SignalBasis, SignalKind, Wants};
use rust_decimal::Decimal;

/// One signal and how it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// What happened.
    pub kind: SignalKind,
    /// How it is known.
    pub basis: SignalBasis,
    /// Readers of an online post; 0 for every other kind.
    pub reach: u64,
    /// Only suspected, and nobody who was asked answered: it counts for what happens inside alone.
    pub provisional: bool,
    /// Since when it is known as it is: recorded, or confirmed.
    pub since: Timestamp,
}

impl Signal {
    /// Whether it counts now: a suspected one counts only once confirmed, or provisionally.
    pub fn counts(&self) -> bool {
        match self.basis {
            SignalBasis::Confirmed | SignalBasis::Reported => true,
            SignalBasis::Suspected => self.provisional,
        }
    }

    /// Whether somebody still has to say if it is so.
    pub fn is_pending(&self) -> bool {
        self.basis == SignalBasis::Suspected && !self.provisional
    }
}

/// How old the matter is.
#[derive(Debug, Clone)]
pub struct Age {
    /// When the complaint was made.
    pub received: Timestamp,
    /// The site's zone, in which days and months are read.
    pub zone: TimeZone,
    /// For how long the reason lay with the customer or an outside party before.
    pub held: SignedDuration,
    /// Since when it lies there now: the age stands still.
    pub held_since: Option<Timestamp>,
    /// Resolved: its age no longer counts.
    pub resolved: bool,
}

/// What the case's cluster adds. A case alone is its own cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClusterFacts {
    /// Distinct complainants of all its cases.
    pub complainants: u32,
    /// Its cases of the last month that come from different complainants.
    pub recent_cases: u32,
}

/// Everything that a decision depends on.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Complainants of the case itself: the larger of headcount and named persons.
    pub complainants: u32,
    /// What the cluster adds.
    pub cluster: ClusterFacts,
    /// How a quality defect affects the home.
    pub quality_impact: QualityImpact,
    /// What the complainant wants.
    pub wants: Wants,
    /// Claimed sum in CNY.
    pub claim: Option<Decimal>,
    /// Sum assessed by a person with authority; replaces the claim.
    pub assessed_claim: Option<Decimal>,
    /// Complained again after handling.
    pub repeat: bool,
    /// Since when the last reopening for it is known; none where it never was opened again for it.
    pub repeat_since: Option<Timestamp>,
    /// Needs advisers or another company.
    pub needs_advisers: bool,
    /// All signals, counting or not.
    pub signals: Vec<Signal>,
    /// How old it is.
    pub age: Age,
}

impl Facts {
    /// The sum that counts.
    pub fn amount(&self) -> Option<Decimal> {
        self.assessed_claim.or(self.claim)
    }

    /// The same without what counts provisionally.
    pub fn firm(&self) -> Self {
        let mut firm = self.clone();
        for signal in &mut firm.signals {
            signal.provisional = false;
        }
        firm
    }

    /// The same as if everything suspected were so.
    pub fn suspected(&self) -> Self {
        let mut suspected = self.clone();
        for signal in &mut suspected.signals {
            signal.provisional = signal.basis == SignalBasis::Suspected;
        }
        suspected
    }

    /// The signals that count.
    pub fn counting(&self) -> impl Iterator<Item = &Signal> {
        self.signals.iter().filter(|signal| signal.counts())
    }

    /// Whether a signal of this kind counts.
    pub fn has(&self, kind: SignalKind) -> bool {
        self.counting().any(|signal| signal.kind == kind)
    }

    /// Complainants that count together: those of the cluster, at least the case's own.
    pub fn together(&self) -> u32 {
        self.complainants.max(self.cluster.complainants)
    }
}
