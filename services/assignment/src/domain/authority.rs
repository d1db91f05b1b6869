//! Who may decide how much (domain.md section 7; the values are own, and data of each site).

use redress_model::{Grade, words};
use rust_decimal::Decimal;

use super::demand::PositionKind;

words! {
    /// How much somebody may decide, lowest first.
    Level, "AUTHORITY_LEVEL_" {
        /// A handler.
        Handler = 1 => "HANDLER",
        /// A department manager.
        DepartmentManager = 2 => "DEPARTMENT_MANAGER",
        /// A site manager.
        SiteManager = 3 => "SITE_MANAGER",
        /// A region.
        Region = 4 => "REGION",
        /// Head office.
        HeadOffice = 5 => "HEAD_OFFICE",
    }
}

impl Level {
    /// The lowest position of a site that stands for the level.
    pub fn position(self) -> PositionKind {
        match self {
            Self::Handler | Self::DepartmentManager => PositionKind::DepartmentManager,
            Self::SiteManager => PositionKind::VicePresident,
            Self::Region | Self::HeadOffice => PositionKind::CompanyHead,
        }
    }

    /// Whether others are asked for this level than for the one before: it is higher, or others stand for it.
    pub fn asks_others_than(self, before: Self) -> bool {
        self > before || self.position() != before.position()
    }
}

/// What each level below head office may decide, itself included. Head office has no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits([Decimal; 4]);

impl Default for Limits {
    fn default() -> Self {
        Self([0, 2_000, 10_000, 50_000].map(Decimal::from))
    }
}

/// A lower level could decide more than a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{lower} could decide more than {higher}")]
pub struct OutOfOrder {
    /// The lower one.
    pub lower: Level,
    /// The higher one.
    pub higher: Level,
}

impl Limits {
    /// The levels that have a limit, lowest first.
    pub const LEVELS: [Level; 4] = [
        Level::Handler,
        Level::DepartmentManager,
        Level::SiteManager,
        Level::Region,
    ];

    /// The levels with what they may decide, lowest first.
    pub fn pairs(&self) -> impl Iterator<Item = (Level, Decimal)> {
        Self::LEVELS.into_iter().zip(self.0)
    }

    /// Lets a level decide up to this; head office always decides without limit.
    pub fn set(&mut self, level: Level, amount: Decimal) {
        if let Some(i) = Self::LEVELS.iter().position(|l| *l == level) {
            self.0[i] = amount;
        }
    }

    /// Whether a higher level may always decide at least as much.
    ///
    /// # Errors
    /// The first two levels where it may not.
    pub fn check(&self) -> Result<(), OutOfOrder> {
        for i in 1..self.0.len() {
            if self.0[i - 1] > self.0[i] {
                return Err(OutOfOrder {
                    lower: Self::LEVELS[i - 1],
                    higher: Self::LEVELS[i],
                });
            }
        }
        Ok(())
    }

    /// The lowest level that may decide this sum on a case of this grade: grade 1 takes a region at least.
    pub fn required(&self, amount: Decimal, grade: Option<Grade>) -> Level {
        let by_sum = self
            .pairs()
            .find(|(_, limit)| amount <= *limit)
            .map_or(Level::HeadOffice, |(level, _)| level);
        match grade {
            Some(Grade::ONE) => by_sum.max(Level::Region),
            _ => by_sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_level_and_others_of_a_site_are_asked_and_the_same_people_only_once() {
        use Level::{DepartmentManager, Handler, HeadOffice, Region, SiteManager};
        for (level, before, asks) in [
            (HeadOffice, Region, true),
            (Region, HeadOffice, false),
            (SiteManager, Region, true),
            (Handler, SiteManager, true),
            (Handler, DepartmentManager, false),
            (Region, Region, false),
        ] {
            assert_eq!(level.asks_others_than(before), asks, "{level} {before}");
        }
    }

    #[test]
    fn a_limit_includes_its_own_sum_and_a_fen_more_goes_up() {
        let limits = Limits::default();
        for (sum, level, above) in [
            ("0", Level::Handler, Level::DepartmentManager),
            ("2000", Level::DepartmentManager, Level::SiteManager),
            ("10000", Level::SiteManager, Level::Region),
            ("50000", Level::Region, Level::HeadOffice),
        ] {
            let sum: Decimal = sum.parse().expect("a sum");
            assert_eq!(limits.required(sum, Some(Grade::TWO)), level);
            let more = sum + Decimal::new(1, 2);
            assert_eq!(limits.required(more, Some(Grade::TWO)), above);
        }
    }

    #[test]
    fn grade_one_takes_a_region_at_least() {
        let limits = Limits::default();
        assert_eq!(
            limits.required(Decimal::ZERO, Some(Grade::ONE)),
            Level::Region
        );
        let huge = Decimal::from(50_001);
        assert_eq!(limits.required(huge, Some(Grade::ONE)), Level::HeadOffice);
        assert_eq!(limits.required(Decimal::ZERO, None), Level::Handler);
    }

    #[test]
    fn no_lower_level_decides_more_than_a_higher_one() {
        let mut limits = Limits::default();
        limits.set(Level::DepartmentManager, Decimal::from(10_001));
        let wrong = limits.check().expect_err("more than the site manager");
        assert_eq!(wrong.higher, Level::SiteManager);
        limits.set(Level::SiteManager, Decimal::from(10_001));
        assert_eq!(limits.check(), Ok(()));
    }
}
