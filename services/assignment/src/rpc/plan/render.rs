//! From rules to the wire, and back.

use jiff::civil::{Date, Time};
use redress_model::name::{LeaveName, SiteId, StaffId, StaffName, SwapName};
use redress_model::{Fault, Violation};
use redress_proto::assignment::v1 as wire;
use redress_proto::convert::{from_wire, to_timestamp, to_wire, to_wire_opt};
use redress_rpc::etag;
use uuid::Uuid;

use crate::domain::plan::{Leave, Rotation, Rules, Shift, Swap};

fn staff(site: &SiteId, id: &StaffId) -> String {
    StaffName::new(site.clone(), id.clone()).to_string()
}

pub(super) fn plan(site: &SiteId, zone: &str, rules: Rules, revision: i64) -> wire::RosterPlan {
    let hour = |t: Time| format!("{:02}:{:02}", t.hour(), t.minute());
    wire::RosterPlan {
        name: format!("sites/{site}/rosterPlan"),
        shifts: rules
            .shifts
            .into_iter()
            .map(|s| wire::Shift {
                id: s.id,
                display_name: s.name,
                start_time: hour(s.start),
                end_time: hour(s.end),
                weekdays: s.weekdays.into_iter().map(i32::from).collect(),
            })
            .collect(),
        rotations: rules
            .rotations
            .into_iter()
            .map(|r| wire::Rotation {
                id: r.id,
                role: to_wire(r.role),
                rank: r.rank,
                shifts: r.shifts,
                crews: r
                    .crews
                    .iter()
                    .map(|crew| wire::Crew {
                        staff: crew.iter().map(|id| staff(site, id)).collect(),
                    })
                    .collect(),
                days_each: r.days_each,
                start_date: r.from.to_string(),
                end_date: r.until.map_or_else(String::new, |d| d.to_string()),
            })
            .collect(),
        time_zone: zone.to_owned(),
        etag: etag::of(revision),
    }
}

/// The rules of a plan; every field that does not read is named at once.
pub(super) fn rules(site: &SiteId, plan: wire::RosterPlan) -> Result<Rules, Fault> {
    let mut violations = Vec::new();
    let mut rules = Rules::default();
    for (i, s) in plan.shifts.into_iter().enumerate() {
        let start = hour(
            &mut violations,
            format!("shifts[{i}].start_time"),
            &s.start_time,
        );
        let end = hour(
            &mut violations,
            format!("shifts[{i}].end_time"),
            &s.end_time,
        );
        crate::rpc::parse::storable(&format!("plan.shifts[{i}].display_name"), &s.display_name)?;
        rules.shifts.push(Shift {
            id: s.id,
            name: s.display_name,
            start,
            end,
            weekdays: s
                .weekdays
                .into_iter()
                .filter_map(|d| i8::try_from(d).ok())
                .collect(),
        });
    }
    for (i, r) in plan.rotations.into_iter().enumerate() {
        let field = |name: &str| format!("rotations[{i}].{name}");
        let mut crews = Vec::new();
        for (c, crew) in r.crews.iter().enumerate() {
            let mut people = Vec::new();
            for (n, name) in crew.staff.iter().enumerate() {
                match super::person(&field(&format!("crews[{c}].staff[{n}]")), site, name) {
                    Ok(id) => people.push(id),
                    Err(Fault::Invalid { violations: v, .. }) => violations.extend(v),
                    Err(other) => return Err(other),
                }
            }
            crews.push(people);
        }
        let Some(role) = from_wire(r.role) else {
            violations.push(wrong(field("role"), "must be a duty"));
            continue;
        };
        rules.rotations.push(Rotation {
            role,
            rank: r.rank,
            shifts: r.shifts,
            crews,
            days_each: r.days_each.max(1),
            from: date(&mut violations, field("start_date"), &r.start_date).unwrap_or_default(),
            until: date(&mut violations, field("end_date"), &r.end_date),
            id: r.id,
        });
    }
    if violations.is_empty() {
        Ok(rules)
    } else {
        Err(of_plan(violations))
    }
}

/// Names the fields as those of the request's plan.
pub(super) fn of_plan(violations: Vec<Violation>) -> Fault {
    let of_plan = |v: Violation| Violation {
        field: format!("plan.{}", v.field),
        description: v.description,
    };
    Fault::violations(violations.into_iter().map(of_plan).collect())
}

fn wrong(field: String, description: &str) -> Violation {
    Violation {
        field,
        description: description.to_owned(),
    }
}

fn hour(violations: &mut Vec<Violation>, field: String, text: &str) -> Time {
    text.parse().unwrap_or_else(|_| {
        violations.push(wrong(field, "must be a time of day like 08:30"));
        Time::midnight()
    })
}

/// A date; none where it is empty or wrong.
pub(super) fn date(violations: &mut Vec<Violation>, field: String, text: &str) -> Option<Date> {
    if text.is_empty() {
        return None;
    }
    let date = text.parse().ok();
    if date.is_none() {
        violations.push(wrong(field, "must be a date that exists"));
    }
    date
}

pub(super) fn leave(site: &SiteId, id: Uuid, leave: &Leave) -> wire::Leave {
    wire::Leave {
        name: LeaveName::new(site.clone(), id).to_string(),
        staff: staff(site, &leave.staff),
        start_time: Some(to_timestamp(leave.from)),
        end_time: Some(to_timestamp(leave.until)),
    }
}

pub(super) fn swap(site: &SiteId, id: Uuid, swap: &Swap) -> wire::Swap {
    wire::Swap {
        name: SwapName::new(site.clone(), id).to_string(),
        staff: staff(site, &swap.staff),
        substitute: staff(site, &swap.substitute),
        role: to_wire_opt(swap.role),
        start_time: Some(to_timestamp(swap.from)),
        end_time: Some(to_timestamp(swap.until)),
    }
}
