//! Who could take a case at a site: people, their departments, their duties, and how much they have on
//! their hands. A snapshot, so that choosing is a pure function of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use redress_model::name::{DepartmentId, StaffId};
use redress_model::words::{Category, DutyRole};
use redress_policy::Routing;

use super::demand::{Demands, Position, PositionKind};

/// The lead ladder, lowest rung first (domain.md section 7).
pub const LADDER: [DutyRole; 3] = [DutyRole::OnSiteLead, DutyRole::DutyLead, DutyRole::TopLead];

/// Who leads where no lead of the site may: whoever the region names to the site (own).
pub const ABOVE: DutyRole = DutyRole::RegionContact;

/// Somebody who works at the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Department, the borrowing one while on loan (M13); none for leads who belong to none.
    pub department: Option<DepartmentId>,
    /// Skills, in the site's words.
    pub skills: Vec<String>,
    /// Languages spoken.
    pub languages: Vec<String>,
    /// Open cases before routing passes them over; none: no limit.
    pub max_open: Option<u32>,
    /// Open cases now: responsible for, or offered.
    pub open: u32,
    /// Cases offered to them in the last days.
    pub recent: u32,
    /// When a case was last offered to them.
    pub last_offered: Option<Timestamp>,
    /// No longer works here.
    pub retired: bool,
}

impl Person {
    fn has_room(&self) -> bool {
        self.max_open.is_none_or(|limit| self.open < limit)
    }
}

/// One stretch of duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Which duty.
    pub role: DutyRole,
    /// Who.
    pub staff: StaffId,
    /// 0 for the holder, then the deputies.
    pub rank: i32,
    /// From this instant on; none: always has been.
    pub from: Option<Timestamp>,
    /// Until before this instant; none: until further notice.
    pub until: Option<Timestamp>,
}

impl Stretch {
    /// Whether the stretch covers the instant.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// A department of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Its id.
    pub id: DepartmentId,
    /// The categories it lists for itself.
    pub categories: BTreeSet<Category>,
}

/// Everybody who could take a case, as of one instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bench {
    /// People by id, retired ones too.
    pub people: BTreeMap<StaffId, Person>,
    /// The roster.
    pub stretches: Vec<Stretch>,
    /// Those on leave.
    pub away: BTreeSet<StaffId>,
    /// The departments.
    pub departments: Vec<Department>,
    /// Which department takes which category by the site's policy.
    pub routing: Routing,
    /// What the site demands.
    pub demands: Demands,
    /// The department of the site that is the company centre's (M17); none where the site has none.
    pub centre: Option<DepartmentId>,
}

impl Bench {
    /// The department that takes the category: the one that the policy names where it says otherwise than the handbook, else
    /// the one that lists it, else the handbook's. One that the site does not have takes nothing. A case whose category is not
    /// known goes to customer service, whose work it is to find out (own).
    pub fn department_of(&self, category: Option<Category>) -> Option<&DepartmentId> {
        let of_site = |id: &str| self.departments.iter().find(|d| d.id.as_str() == id);
        let named = self.routing.department_of(category);
        let handbook = Routing::handbook().department_of(category);
        let listed =
            category.and_then(|c| self.departments.iter().find(|d| d.categories.contains(&c)));
        of_site(named)
            .filter(|_| named != handbook)
            .or(listed)
            .or_else(|| of_site(handbook))
            .map(|d| &d.id)
    }

    /// Whether the person works here and may handle a case that complains about `excluded`.
    pub fn may_handle(&self, staff: &StaffId, excluded: &BTreeSet<StaffId>) -> bool {
        !excluded.contains(staff) && self.people.get(staff).is_some_and(|p| !p.retired)
    }

    /// Whether the person is on leave.
    pub fn is_away(&self, staff: &StaffId) -> bool {
        self.away.contains(staff)
    }

    /// Whether the person is at work at this instant, as handler or in the front office.
    pub fn is_at_work(&self, staff: &StaffId, at: Timestamp) -> bool {
        self.stretches.iter().any(|s| {
            s.staff == *staff
                && s.covers(at)
                && matches!(s.role, DutyRole::Handler | DutyRole::FrontOffice)
        })
    }

    /// Who has this duty at this instant and may handle the case: holder before deputies, then the one with less to do.
    pub fn on_duty(
        &self,
        role: DutyRole,
        at: Timestamp,
        excluded: &BTreeSet<StaffId>,
    ) -> Option<&StaffId> {
        self.stretches
            .iter()
            .filter(|s| s.role == role && s.covers(at) && self.may_handle(&s.staff, excluded))
            .min_by_key(|s| (s.rank, self.burden(&s.staff)))
            .map(|s| &s.staff)
    }

    /// Whether the person stands on the lead ladder at this instant: senior to who handles cases.
    pub fn is_lead(&self, staff: &StaffId, at: Timestamp) -> bool {
        self.stretches.iter().any(|s| {
            s.staff == *staff && s.covers(at) && (LADDER.contains(&s.role) || s.role == ABOVE)
        })
    }

    /// The first rung of the lead ladder that is filled (P14: nobody waits).
    pub fn lead(
        &self,
        at: Timestamp,
        excluded: &BTreeSet<StaffId>,
    ) -> Option<(DutyRole, &StaffId)> {
        LADDER
            .into_iter()
            .chain([ABOVE])
            .find_map(|role| self.on_duty(role, at, excluded).map(|staff| (role, staff)))
    }

    /// Whether the person belongs to the company centre.
    pub fn is_of_centre(&self, staff: &StaffId) -> bool {
        let department = self.people.get(staff).and_then(|p| p.department.as_ref());
        department.is_some() && department == self.centre.as_ref()
    }

    /// The highest rung of the lead ladder that is filled.
    pub fn top_lead(
        &self,
        at: Timestamp,
        excluded: &BTreeSet<StaffId>,
    ) -> Option<(DutyRole, &StaffId)> {
        LADDER
            .into_iter()
            .rev()
            .chain([ABOVE])
            .find_map(|role| self.on_duty(role, at, excluded).map(|staff| (role, staff)))
    }

    /// Takes whoever is on leave out of the positions, so that whoever stands in, or is next up, is called at once (P14): those
    /// who were taken out.
    pub fn leave_out_away(&mut self) -> Vec<Position> {
        let all = std::mem::take(&mut self.demands.positions);
        let (gone, there) = all.into_iter().partition(|p| self.away.contains(&p.staff));
        self.demands.positions = there;
        gone
    }

    /// Puts those back in whose place nobody takes, here or above: never nobody.
    pub fn let_back(&mut self, gone: Vec<Position>) {
        let anybody = |_: &StaffId| true;
        let nobody_instead = |p: &Position| {
            let department = p.department.as_ref();
            let instead = self.demands.at_or_above(p.kind, department, &anybody);
            instead.is_empty()
        };
        let back: Vec<Position> = gone.into_iter().filter(nobody_instead).collect();
        self.demands.positions.extend(back);
    }

    /// Lets whoever has a duty stand in for a position to which nobody was named.
    pub fn stand_in(&mut self, kind: PositionKind, role: DutyRole, at: Timestamp) {
        let is_named = |p: &Position| p.kind == kind && p.department.is_none();
        if self.demands.positions.iter().any(is_named) {
            return;
        }
        if let Some(staff) = self.on_duty(role, at, &BTreeSet::new()).cloned() {
            self.demands.positions.push(Position {
                kind,
                department: None,
                staff,
            });
        }
    }

    /// Those of the department who are at work and may handle the case.
    pub fn at_work(
        &self,
        department: &DepartmentId,
        at: Timestamp,
        excluded: &BTreeSet<StaffId>,
    ) -> Vec<&StaffId> {
        let mut staff = self.of_department(department, excluded);
        staff.retain(|staff| self.is_at_work(staff, at));
        staff
    }

    /// Those of the department who may handle the case, at work or not.
    pub fn of_department(
        &self,
        department: &DepartmentId,
        excluded: &BTreeSet<StaffId>,
    ) -> Vec<&StaffId> {
        let mut staff = self.anyone(excluded);
        staff.retain(|staff| self.people[*staff].department.as_ref() == Some(department));
        staff
    }

    /// Everybody who may handle the case.
    pub fn anyone(&self, excluded: &BTreeSet<StaffId>) -> Vec<&StaffId> {
        self.people
            .keys()
            .filter(|staff| self.may_handle(staff, excluded))
            .collect()
    }

    /// Whether one more case fits under the person's limit.
    pub fn has_room(&self, staff: &StaffId) -> bool {
        self.people.get(staff).is_some_and(Person::has_room)
    }

    /// Whether the person speaks the language; `zh` and `zh-CN` are one.
    pub fn speaks(&self, staff: &StaffId, language: &str) -> bool {
        let primary = |tag: &str| tag.split('-').next().unwrap_or(tag).to_ascii_lowercase();
        self.people.get(staff).is_some_and(|p| {
            p.languages
                .iter()
                .any(|spoken| primary(spoken) == primary(language))
        })
    }

    /// Whether the person has all these skills.
    pub fn has_skills(&self, staff: &StaffId, skills: &BTreeSet<&str>) -> bool {
        self.people.get(staff).is_some_and(|p| {
            skills
                .iter()
                .all(|skill| p.skills.iter().any(|s| s == skill))
        })
    }

    /// Sorts people: fewest open cases first, then fewest offers of late, then whoever was not offered one for longest,
    /// then by id.
    pub fn burden(&self, staff: &StaffId) -> (u32, u32, Option<Timestamp>, StaffId) {
        let person = self.people.get(staff);
        (
            person.map_or(u32::MAX, |p| p.open),
            person.map_or(u32::MAX, |p| p.recent),
            person.and_then(|p| p.last_offered),
            staff.clone(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(text: &str) -> StaffId {
        text.parse().expect("a slug")
    }

    /// A manager and a head, of whom these are on leave: who is called for a manager.
    fn called(away: &[&str]) -> Vec<StaffId> {
        let named = [
            (PositionKind::DepartmentManager, "manager"),
            (PositionKind::CompanyHead, "head"),
        ];
        let position = |(kind, staff): (PositionKind, &str)| Position {
            kind,
            department: None,
            staff: slug(staff),
        };
        let mut bench = Bench {
            away: away.iter().copied().map(slug).collect(),
            ..Bench::default()
        };
        bench.demands.positions = named.into_iter().map(position).collect();
        let gone = bench.leave_out_away();
        bench.let_back(gone);
        let kind = PositionKind::DepartmentManager;
        let found = bench.demands.at_or_above(kind, None, &|_: &StaffId| true);
        found.into_iter().map(|(_, staff)| staff).collect()
    }

    #[test]
    fn p14_a_position_on_leave_is_filled_from_above_and_where_all_are_away_it_stays() {
        assert_eq!(called(&[]), [slug("manager")]);
        assert_eq!(called(&["manager"]), [slug("head")]);
        assert_eq!(called(&["manager", "head"]), [slug("manager")]);
    }
}
