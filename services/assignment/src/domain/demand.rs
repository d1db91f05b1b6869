//! What a site demands of routing, and whom group complaints call for (M09, M10).

use std::collections::BTreeSet;

use redress_model::name::{DepartmentId, StaffId};
use redress_model::words;
use redress_model::words::Category;
use serde::{Deserialize, Serialize};

/// So many together bring the department manager and the responsible vice-president. "以上" includes the number.
pub const GROUP_PEOPLE_MIN: i32 = 3;

/// So many together bring the head of the company.
pub const CROWD_PEOPLE_MIN: i32 = 10;

/// How long somebody who is summoned has to say so before being told again, in minutes.
pub const ANSWER_MINUTES: i64 = 15;

/// How often somebody is told before the next position up is summoned.
pub const TELLINGS_MAX: i32 = 3;

/// How long somebody above whom there is nobody has to answer each time after that, in minutes (own): never silence.
pub const LAST_ANSWER_MINUTES: i64 = 60;

words! {
    /// A position that group complaints call for, lowest first.
    PositionKind, "POSITION_KIND_" {
        /// Manager of a department.
        DepartmentManager = 1 => "DEPARTMENT_MANAGER",
        /// Vice-president responsible for a department.
        VicePresident = 2 => "VICE_PRESIDENT",
        /// Head of the company.
        CompanyHead = 3 => "COMPANY_HEAD",
    }
}

/// Who has a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which.
    pub kind: PositionKind,
    /// For which department; none: for every one that has none of its own.
    pub department: Option<DepartmentId>,
    /// Who.
    pub staff: StaffId,
}

/// What a site demands of routing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demands {
    /// Skills that categories need.
    pub skills: BTreeSet<(Category, String)>,
    /// Who has which position.
    pub positions: Vec<Position>,
    /// The region's contact on duty, who appears where nobody of the site may; the roster's word, not the site's demand.
    #[serde(skip)]
    pub region: Option<StaffId>,
}

impl Demands {
    /// The skills that cases of a category need.
    pub fn skills_of(&self, category: Option<Category>) -> BTreeSet<&str> {
        self.skills
            .iter()
            .filter(|(of, _)| Some(*of) == category)
            .map(|(_, skill)| skill.as_str())
            .collect()
    }

    /// Those who have a position for a department: its own, else those for every department.
    fn holders(&self, kind: PositionKind, department: Option<&DepartmentId>) -> Vec<&StaffId> {
        let of = |wanted: Option<&DepartmentId>| -> Vec<&StaffId> {
            self.positions
                .iter()
                .filter(|p| p.kind == kind && p.department.as_ref() == wanted)
                .map(|p| &p.staff)
                .collect()
        };
        let own = department.map(|id| of(Some(id))).unwrap_or_default();
        if own.is_empty() { of(None) } else { own }
    }

    /// Who has to appear when so many complain together about a matter of the department, and because of which position.
    /// Somebody who may not see the case is left out; a position in which nobody is left is filled from the next one up
    /// (P14).
    pub fn summoned(
        &self,
        complainants: i32,
        department: Option<&DepartmentId>,
        may: impl Fn(&StaffId) -> bool,
    ) -> Vec<(PositionKind, StaffId)> {
        let wanted: &[PositionKind] = match complainants {
            n if n >= CROWD_PEOPLE_MIN => PositionKind::ALL,
            n if n >= GROUP_PEOPLE_MIN => {
                &[PositionKind::DepartmentManager, PositionKind::VicePresident]
            }
            _ => &[],
        };
        let mut summoned: Vec<(PositionKind, StaffId)> = Vec::new();
        for kind in wanted {
            let found = self.at_or_above(*kind, department, &may);
            for (kind, staff) in found {
                if !summoned.iter().any(|(_, s)| *s == staff) {
                    summoned.push((kind, staff));
                }
            }
        }
        summoned
    }

    /// Those above a position who may see the case: the first position up that has any, or whom the region names.
    pub fn above(
        &self,
        kind: PositionKind,
        department: Option<&DepartmentId>,
        may: impl Fn(&StaffId) -> bool,
    ) -> Vec<(PositionKind, StaffId)> {
        match PositionKind::ALL.iter().find(|k| **k > kind) {
            Some(next) => self.at_or_above(*next, department, &may),
            None => self.of_region(kind, &may),
        }
    }

    /// Whom the region names, in place of a position of the site.
    fn of_region(
        &self,
        kind: PositionKind,
        may: &impl Fn(&StaffId) -> bool,
    ) -> Vec<(PositionKind, StaffId)> {
        let region = self.region.iter().filter(|staff| may(staff));
        region.map(|staff| (kind, staff.clone())).collect()
    }

    /// Those in a position, or in the first one above it in which there is anybody left, or whom the region names.
    pub fn at_or_above(
        &self,
        kind: PositionKind,
        department: Option<&DepartmentId>,
        may: &impl Fn(&StaffId) -> bool,
    ) -> Vec<(PositionKind, StaffId)> {
        PositionKind::ALL
            .iter()
            .filter(|k| **k >= kind)
            .map(|kind| {
                let holders = self.holders(*kind, department);
                let free = holders.into_iter().filter(|staff| may(staff));
                free.map(|staff| (*kind, staff.clone())).collect::<Vec<_>>()
            })
            .find(|found| !found.is_empty())
            .unwrap_or_else(|| self.of_region(kind, may))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demands() -> Demands {
        let position = |kind, department: Option<&str>, staff: &str| Position {
            kind,
            department: department.map(|d| d.parse().expect("a slug")),
            staff: staff.parse().expect("a slug"),
        };
        Demands {
            skills: BTreeSet::new(),
            positions: vec![
                position(PositionKind::DepartmentManager, Some("repair"), "manager"),
                position(PositionKind::VicePresident, None, "vice"),
                position(PositionKind::CompanyHead, None, "head"),
            ],
            region: None,
        }
    }

    fn who(complainants: i32, excluded: &[&str]) -> Vec<String> {
        let repair = "repair".parse().expect("a slug");
        let may = |s: &StaffId| !excluded.contains(&s.as_str());
        let summoned = demands().summoned(complainants, Some(&repair), may);
        summoned.into_iter().map(|(_, s)| s.to_string()).collect()
    }

    #[test]
    fn m09_m10_three_bring_manager_and_vice_president_and_ten_the_head_too() {
        assert!(who(2, &[]).is_empty());
        assert_eq!(who(3, &[]), ["manager", "vice"]);
        assert_eq!(who(9, &[]), ["manager", "vice"]);
        assert_eq!(who(10, &[]), ["manager", "vice", "head"]);
    }

    #[test]
    fn p14_whoever_is_complained_about_is_replaced_from_above_and_nobody_comes_twice() {
        assert_eq!(who(3, &["manager"]), ["vice"]);
        assert_eq!(who(3, &["vice"]), ["manager", "head"]);
        assert_eq!(who(10, &["manager", "vice", "head"]), Vec::<String>::new());
    }

    #[test]
    fn where_everybody_of_the_site_is_complained_about_the_region_appears_once() {
        use PositionKind::{CompanyHead, DepartmentManager, VicePresident};
        let region: StaffId = "region".parse().expect("a slug");
        let mut demands = demands();
        demands.region = Some(region.clone());
        let who = |excluded: &[&str]| {
            let may = |s: &StaffId| !excluded.contains(&s.as_str());
            demands.summoned(10, None, may)
        };
        let kinds =
            |found: &[(PositionKind, StaffId)]| found.iter().map(|f| f.0).collect::<Vec<_>>();
        assert_eq!(kinds(&who(&[])), [VicePresident, CompanyHead]);
        let all = ["manager", "vice", "head"];
        assert_eq!(who(&all), [(DepartmentManager, region)]);
        assert!(who(&["vice", "head", "region"]).is_empty());
    }

    #[test]
    fn p14_above_the_head_of_the_company_stands_whom_the_region_names() {
        let region: StaffId = "region".parse().expect("a slug");
        let mut demands = demands();
        let head = PositionKind::CompanyHead;
        assert!(demands.above(head, None, |_: &StaffId| true).is_empty());
        demands.region = Some(region.clone());
        let above = demands.above(head, None, |_: &StaffId| true);
        assert_eq!(above, [(head, region.clone())]);
        let others = |s: &StaffId| *s != region;
        assert!(demands.above(head, None, others).is_empty(), "accused");
    }
}
