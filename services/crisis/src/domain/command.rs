//! Who commands: the roles of an incident, filled from the roster, deputies by rank; an unfilled role
//! pages upward (section 9, M01, M10).

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::name::StaffId;
use redress_model::words::{ClockKind, DutyRole};

/// The roles of a command. The top lead is the commander.
pub const ROLES: [DutyRole; 7] = DutyRole::COMMAND;

/// The lead ladder, bottom up.
pub const LEADS: [DutyRole; 3] = [DutyRole::OnSiteLead, DutyRole::DutyLead, DutyRole::TopLead];

/// One stretch of duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Which duty.
    pub role: DutyRole,
    /// Who.
    pub staff: StaffId,
    /// 0 for the holder, 1 for the first deputy.
    pub rank: i32,
    /// From here on.
    pub start: Timestamp,
    /// Until before here; open where none.
    pub end: Option<Timestamp>,
}

/// The duties of a site as far as they are known.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    /// Stretches of duty.
    pub slots: Vec<Slot>,
    /// People who may hold no role: they left, or a case of the incident complains about them.
    pub barred: BTreeSet<StaffId>,
}

impl Roster {
    /// Who has a duty at an instant, by rank.
    pub fn on_duty(&self, role: DutyRole, at: Timestamp) -> Vec<StaffId> {
        let mut found: Vec<&Slot> = self
            .slots
            .iter()
            .filter(|s| s.role == role && s.start <= at && s.end.is_none_or(|end| at < end))
            .filter(|s| !self.barred.contains(&s.staff))
            .collect();
        found.sort_by(|a, b| (a.rank, &a.staff).cmp(&(b.rank, &b.staff)));
        let mut seen = BTreeSet::new();
        found
            .into_iter()
            .filter(|s| seen.insert(&s.staff))
            .map(|s| s.staff.clone())
            .collect()
    }

    /// Who stands on each rung at an instant; where no lead of the site does, the region's contact on the top one.
    pub fn ladder(&self, at: Timestamp) -> [Option<StaffId>; LEADS.len()] {
        let first = |role| self.on_duty(role, at).into_iter().next();
        let mut ladder = LEADS.map(first);
        if let [None, None, top @ None] = &mut ladder {
            *top = first(DutyRole::RegionContact);
        }
        ladder
    }

    /// Who decides where nobody commands, and as what: the duty leads of an instant, else the region's contacts.
    pub fn without_command(&self, at: Timestamp) -> Option<(DutyRole, Vec<StaffId>)> {
        [DutyRole::DutyLead, DutyRole::RegionContact]
            .into_iter()
            .map(|role| (role, self.on_duty(role, at)))
            .find(|(_, able)| !able.is_empty())
    }

    /// Whether a person is a lead at an instant.
    pub fn is_lead(&self, staff: &StaffId, at: Timestamp) -> bool {
        LEADS
            .iter()
            .chain([&DutyRole::RegionContact])
            .any(|&role| self.on_duty(role, at).contains(staff))
    }
}

/// Who is to fill a role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appointment {
    /// The holder, else the first deputy who was not tried in vain.
    pub staff: Option<StaffId>,
    /// Who comes next, by rank.
    pub deputies: Vec<StaffId>,
    /// Where nobody fills it: the lead to page instead.
    pub stand_in: Option<StaffId>,
}

impl Appointment {
    /// Whom to call.
    pub fn person(&self) -> Option<&StaffId> {
        self.staff.as_ref().or(self.stand_in.as_ref())
    }
}

/// Fills a role from the roster, passing over whoever was called in vain.
pub fn appoint(
    role: DutyRole,
    roster: &Roster,
    at: Timestamp,
    tried: &BTreeSet<StaffId>,
) -> Appointment {
    let mut able = roster
        .on_duty(role, at)
        .into_iter()
        .filter(|s| !tried.contains(s));
    if let Some(staff) = able.next() {
        return Appointment {
            staff: Some(staff),
            deputies: able.collect(),
            stand_in: None,
        };
    }
    let stand_in = role
        .stand_ins()
        .iter()
        .flat_map(|&lead| roster.on_duty(lead, at))
        .find(|s| !tried.contains(s));
    Appointment {
        staff: None,
        deputies: Vec::new(),
        stand_in,
    }
}

/// The role that answers for a promise and is warned first.
pub fn responsible_for(kind: ClockKind) -> DutyRole {
    match kind {
        ClockKind::HoldingStatement
        | ClockKind::OutwardUpdate
        | ClockKind::MediaAnswer
        | ClockKind::MediaClarification => DutyRole::Spokesperson,
        ClockKind::InsideReport => DutyRole::DutyLead,
        ClockKind::WeeklyBriefing => DutyRole::CustomerLiaison,
        _ => DutyRole::OnSiteLead,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn staff(id: &str) -> StaffId {
        id.parse().expect("a slug")
    }

    pub(crate) fn roster(duties: &[(DutyRole, &str, i32)]) -> Roster {
        let slots = duties.iter().map(|&(role, id, rank)| Slot {
            role,
            staff: staff(id),
            rank,
            start: Timestamp::UNIX_EPOCH,
            end: None,
        });
        Roster {
            slots: slots.collect(),
            barred: BTreeSet::new(),
        }
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn none() -> BTreeSet<StaffId> {
        BTreeSet::new()
    }

    #[test]
    fn the_holder_fills_a_role_and_deputies_follow_by_rank() {
        use DutyRole::Spokesperson;
        let roster = roster(&[
            (Spokesperson, "second", 2),
            (Spokesperson, "holder", 0),
            (Spokesperson, "first", 1),
        ]);
        let a = appoint(Spokesperson, &roster, NOW, &none());
        assert_eq!(a.staff, Some(staff("holder")));
        assert_eq!(a.deputies, [staff("first"), staff("second")]);
        let a = appoint(Spokesperson, &roster, NOW, &[staff("holder")].into());
        assert_eq!(
            (a.staff, a.deputies),
            (Some(staff("first")), vec![staff("second")])
        );
    }

    #[test]
    fn an_unfilled_role_pages_upward() {
        use DutyRole::{DutyLead, LegalCounsel, OnSiteLead, TopLead};
        let full = roster(&[
            (OnSiteLead, "onsite", 0),
            (DutyLead, "duty", 0),
            (TopLead, "top", 0),
        ]);
        let stand_in = |role, tried: &[&str]| {
            let tried = tried.iter().map(|t| staff(t)).collect();
            let a = appoint(role, &full, NOW, &tried);
            assert_eq!(a.staff, None);
            a.stand_in
        };
        assert_eq!(stand_in(LegalCounsel, &[]), Some(staff("onsite")));
        assert_eq!(stand_in(LegalCounsel, &["onsite"]), Some(staff("duty")));
        assert_eq!(
            stand_in(LegalCounsel, &["onsite", "duty"]),
            Some(staff("top"))
        );
        assert_eq!(stand_in(OnSiteLead, &["onsite"]), Some(staff("duty")));
        assert_eq!(
            stand_in(TopLead, &["top"]),
            Some(staff("duty")),
            "somebody commands"
        );
        assert_eq!(stand_in(LegalCounsel, &["onsite", "duty", "top"]), None);
    }

    #[test]
    fn where_no_lead_of_the_site_may_command_the_region_is_called_and_stands_on_the_ladder() {
        use DutyRole::{DutyLead, OnSiteLead, RegionContact, TopLead};
        let mut all = roster(&[
            (OnSiteLead, "onsite", 0),
            (DutyLead, "duty", 0),
            (TopLead, "top", 0),
            (RegionContact, "region", 0),
        ]);
        assert_eq!(all.ladder(NOW)[2], Some(staff("top")));
        all.barred = ["onsite", "duty", "top"].map(staff).into();
        for role in ROLES {
            let a = appoint(role, &all, NOW, &none());
            assert_eq!(
                (a.staff, a.stand_in),
                (None, Some(staff("region"))),
                "{role}"
            );
        }
        assert_eq!(all.ladder(NOW), [None, None, Some(staff("region"))]);
        assert!(all.is_lead(&staff("region"), NOW));
        all.barred.insert(staff("region"));
        assert_eq!(appoint(TopLead, &all, NOW, &none()), Appointment::default());
        assert_eq!(all.ladder(NOW), [None, None, None]);
    }

    #[test]
    fn where_nobody_commands_the_duty_leads_decide_and_without_one_the_region_does() {
        use DutyRole::{DutyLead, OnSiteLead, RegionContact};
        let mut all = roster(&[
            (OnSiteLead, "onsite", 0),
            (DutyLead, "duty", 0),
            (DutyLead, "deputy", 1),
            (RegionContact, "region", 0),
        ]);
        let leads = vec![staff("duty"), staff("deputy")];
        assert_eq!(all.without_command(NOW), Some((DutyLead, leads)));
        all.barred = ["duty", "deputy"].map(staff).into();
        let region = Some((RegionContact, vec![staff("region")]));
        assert_eq!(all.without_command(NOW), region);
        assert_eq!(Roster::default().without_command(NOW), None);
    }

    #[test]
    fn nobody_known_leaves_the_role_unfilled_and_visible() {
        assert_eq!(
            appoint(DutyRole::TopLead, &Roster::default(), NOW, &none()),
            Appointment::default()
        );
    }

    #[test]
    fn people_off_duty_and_retired_people_are_not_appointed_p07() {
        let mut roster = roster(&[
            (DutyRole::Negotiator, "gone", 0),
            (DutyRole::Negotiator, "later", 1),
            (DutyRole::Negotiator, "over", 2),
            (DutyRole::Negotiator, "here", 3),
        ]);
        let now = Timestamp::from_second(1_000).expect("in range");
        roster.barred.insert(staff("gone"));
        roster.slots[1].start = Timestamp::from_second(1_001).expect("in range");
        roster.slots[2].end = Some(now);
        assert_eq!(roster.on_duty(DutyRole::Negotiator, now), [staff("here")]);
    }

    #[test]
    fn leads_are_the_three_of_the_ladder() {
        let roster = roster(&[
            (DutyRole::DutyLead, "duty", 0),
            (DutyRole::DutyLead, "deputy", 1),
            (DutyRole::Spokesperson, "voice", 0),
        ]);
        assert!(roster.is_lead(&staff("duty"), NOW) && roster.is_lead(&staff("deputy"), NOW));
        assert!(!roster.is_lead(&staff("voice"), NOW));
    }
}
