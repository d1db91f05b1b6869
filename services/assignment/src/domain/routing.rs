//! Who gets a case, and why, in words. Never nobody as long as the site has anybody who may handle it: where a step
//! finds no one the next step is taken at once (P14).

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::name::{DepartmentId, StaffId};
use redress_model::words::{Category, DutyRole};

use super::bench::Bench;

/// What routing looks at.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    /// Category by the latest decision; none where triage abstained.
    pub category: Option<Category>,
    /// Language of the complainant; empty: the site's.
    pub language: &'a str,
    /// Staff complained about.
    pub excluded: &'a BTreeSet<StaffId>,
    /// Who handled it before; keeps it if at work ("who repairs is not changed midway", M12).
    pub keep: Option<&'a StaffId>,
}

/// Why somebody became responsible, or a case was offered to them. The words of `redress.owner.changed.v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Received the case, or stands in for who did.
    FirstContact,
    /// Routed to the department.
    Routed,
    /// Accepted.
    Accepted,
    /// Took over from somebody who may not or can no longer handle it.
    HandedOver,
    /// Its handler gave it to somebody on the lead ladder.
    HandedUp,
    /// Routed past a department in which nobody could take it.
    NobodyOnDuty,
    /// Offered to another by who has it in hand, and stays until then.
    HandoverOffered,
    /// A hand-over came to nothing.
    HandoverEnded,
    /// The company centre took the case over.
    TakenOver,
}

impl Reason {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::FirstContact => "first_contact",
            Self::Routed => "routed",
            Self::Accepted => "accepted",
            Self::HandedOver => "handed_over",
            Self::HandedUp => "handed_up",
            Self::NobodyOnDuty => "nobody_on_duty",
            Self::HandoverOffered => "handover_offered",
            Self::HandoverEnded => "handover_ended",
            Self::TakenOver => "taken_over",
        }
    }
}

/// A choice with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Who.
    pub staff: StaffId,
    /// The lead department; none where the site has none for the category.
    pub department: Option<DepartmentId>,
    /// In a word.
    pub reason: Reason,
    /// In words, one reason a line.
    pub explanation: Vec<String>,
}

/// Chooses whom to offer a case to: the least loaded person at work in the department of its category, else the lead
/// ladder from its lowest filled rung, else whoever there is. None only where nobody may handle it.
pub fn route(need: Need<'_>, bench: &Bench, at: Timestamp) -> Option<Route> {
    let mut explanation = Vec::new();
    let department = bench.department_of(need.category).cloned();

    if let Some(keep) = need.keep
        && bench.may_handle(keep, need.excluded)
        && bench.is_at_work(keep, at)
    {
        explanation.push(format!("{keep} handled it before and is at work"));
        return Some(Route {
            staff: keep.clone(),
            department,
            reason: Reason::Routed,
            explanation,
        });
    }

    let category = need.category.map_or("an unknown category", Category::word);
    match &department {
        Some(id) => {
            explanation.push(format!("{id} takes {category}"));
            if let Some(staff) = least_loaded(id, need, bench, at, &mut explanation) {
                return Some(Route {
                    staff,
                    department,
                    reason: Reason::Routed,
                    explanation,
                });
            }
        }
        None => explanation.push(format!("no department of the site takes {category}")),
    }

    let staff = match bench.lead(at, need.excluded) {
        Some((role, staff)) => {
            explanation.push(format!("{staff} is {} on duty", role_in_words(role)));
            staff.clone()
        }
        None => {
            explanation.push("no lead is on duty".to_owned());
            somebody(department.as_ref(), need.excluded, bench, &mut explanation)?
        }
    };
    Some(Route {
        staff,
        department,
        reason: Reason::NobodyOnDuty,
        explanation,
    })
}

/// Chooses who is responsible until somebody accepts: whoever received the case; on machine channels, or where that
/// person may not handle it, the front office on duty, else the lead ladder, else whoever there is.
pub fn first_contact(
    stated: Option<&StaffId>,
    excluded: &BTreeSet<StaffId>,
    bench: &Bench,
    at: Timestamp,
) -> Option<Route> {
    let mut explanation = Vec::new();
    let chosen = match stated {
        Some(staff) if bench.may_handle(staff, excluded) && bench.is_away(staff) => {
            explanation.push(format!("{staff}, who received the case, is on leave"));
            None
        }
        Some(staff) if bench.may_handle(staff, excluded) => {
            explanation.push(format!("{staff} received the case"));
            Some(staff.clone())
        }
        Some(staff) => {
            explanation.push(format!("{staff}, who received the case, may not handle it"));
            None
        }
        None => None,
    };
    let on_duty = || {
        bench
            .on_duty(DutyRole::FrontOffice, at, excluded)
            .map(|staff| (DutyRole::FrontOffice, staff))
            .or_else(|| bench.lead(at, excluded))
    };
    let staff = match (chosen, on_duty()) {
        (Some(staff), _) => staff,
        (None, Some((role, staff))) => {
            explanation.push(format!("{staff} is {} on duty", role_in_words(role)));
            staff.clone()
        }
        (None, None) => {
            explanation.push("neither front office nor a lead is on duty".to_owned());
            somebody(None, excluded, bench, &mut explanation)?
        }
    };
    Some(Route {
        staff,
        department: None,
        reason: Reason::FirstContact,
        explanation,
    })
}

/// Chooses who takes a case over for the company centre (M17): whoever of the centre has it already, the least loaded of the
/// centre at work, anybody of the centre, the top of the lead ladder, whoever there is; where all of the centre are on leave, the
/// top of the lead ladder before them. None only where nobody may handle it.
pub fn take_over(
    keep: Option<&StaffId>,
    excluded: &BTreeSet<StaffId>,
    bench: &Bench,
    at: Timestamp,
) -> Option<Route> {
    let mut explanation = Vec::new();
    let department = bench.centre.clone();
    let of_centre = department.as_ref().and_then(|id| {
        let keep = keep.filter(|s| bench.is_of_centre(s) && bench.may_handle(s, excluded));
        keep.cloned().or_else(|| helper(id, excluded, bench, at))
    });
    let lead = bench.top_lead(at, excluded);
    let is_led = lead.is_some_and(|(_, staff)| !bench.is_away(staff));
    let of_centre = of_centre.filter(|staff| !is_led || !bench.is_away(staff));
    let staff = match (of_centre, lead) {
        (Some(staff), _) => {
            explanation.push(format!("{staff} takes it over for the company centre"));
            staff
        }
        (None, Some((role, staff))) => {
            let role = role_in_words(role);
            explanation.push(format!(
                "nobody of the company centre is there; {staff} is {role} on duty"
            ));
            staff.clone()
        }
        (None, None) => {
            explanation.push("nobody of the company centre and no lead is there".to_owned());
            somebody(None, excluded, bench, &mut explanation)?
        }
    };
    Some(Route {
        staff,
        department,
        reason: Reason::TakenOver,
        explanation,
    })
}

/// Chooses who stands in for somebody on leave who has a case in hand: a colleague of its department before others, at work
/// before off duty, with room, speaking the complainant's language, least loaded; else the lead ladder; else whoever there is.
/// Nobody on leave stands in, so none where everybody is.
pub fn stand_in(
    department: Option<&DepartmentId>,
    need: Need<'_>,
    bench: &Bench,
    at: Timestamp,
) -> Option<Route> {
    let rank = |staff: &&StaffId| {
        (
            !bench.is_at_work(staff, at),
            !bench.has_room(staff),
            !need.language.is_empty() && !bench.speaks(staff, need.language),
            bench.burden(staff),
        )
    };
    let there = |mut people: Vec<&StaffId>| {
        people.retain(|staff| !bench.is_away(staff));
        people.into_iter().min_by_key(rank).cloned()
    };
    let colleague = department.and_then(|id| there(bench.of_department(id, need.excluded)));
    let lead = || {
        let found = bench.lead(at, need.excluded);
        found.filter(|(_, staff)| !bench.is_away(staff))
    };
    let (staff, why) = match (colleague, lead()) {
        (Some(staff), _) => {
            let why = format!("{staff} of the same department stands in");
            (staff, why)
        }
        (None, Some((role, staff))) => {
            let why = format!("{staff}, {} on duty, stands in", role_in_words(role));
            (staff.clone(), why)
        }
        (None, None) => {
            let staff = there(bench.anyone(need.excluded))?;
            let why = format!("{staff} stands in: nobody of the department and no lead is there");
            (staff, why)
        }
    };
    Some(Route {
        staff,
        department: department.cloned(),
        reason: Reason::HandedOver,
        explanation: vec![why],
    })
}

/// Who of a department would help on a case: the least loaded one at work, else the least loaded.
pub fn helper(
    department: &DepartmentId,
    excluded: &BTreeSet<StaffId>,
    bench: &Bench,
    at: Timestamp,
) -> Option<StaffId> {
    let at_work = bench.at_work(department, at, excluded);
    let all = bench.of_department(department, excluded);
    let least = |people: Vec<&StaffId>| {
        let staff = people
            .into_iter()
            .min_by_key(|staff| (bench.is_away(staff), bench.burden(staff)));
        staff.cloned()
    };
    least(at_work).or_else(|| least(all))
}

fn least_loaded(
    department: &DepartmentId,
    need: Need<'_>,
    bench: &Bench,
    at: Timestamp,
    explanation: &mut Vec<String>,
) -> Option<StaffId> {
    let at_work = bench.at_work(department, at, need.excluded);
    let free: Vec<&StaffId> = at_work
        .iter()
        .copied()
        .filter(|staff| bench.has_room(staff))
        .collect();
    explanation.push(format!(
        "{} at work there, {} below the limit of open cases",
        at_work.len(),
        free.len()
    ));
    let skills = bench.demands.skills_of(need.category);
    let skilled: Vec<&StaffId> = free
        .iter()
        .copied()
        .filter(|staff| !skills.is_empty() && bench.has_skills(staff, &skills))
        .collect();
    let wanted = skills.iter().copied().collect::<Vec<_>>().join(", ");
    let free = match (skills.is_empty(), skilled.is_empty()) {
        (true, _) => free,
        (false, false) => {
            explanation.push(format!("{} of them can do {wanted}", skilled.len()));
            skilled
        }
        (false, true) => {
            if !free.is_empty() {
                explanation.push(format!("none of them can do {wanted}"));
            }
            free
        }
    };
    let speaking: Vec<&StaffId> = free
        .iter()
        .copied()
        .filter(|staff| !need.language.is_empty() && bench.speaks(staff, need.language))
        .collect();
    let candidates = if speaking.is_empty() {
        free
    } else {
        explanation.push(format!(
            "{} of them speak {}",
            speaking.len(),
            need.language
        ));
        speaking
    };
    let staff = candidates
        .into_iter()
        .min_by_key(|staff| bench.burden(staff))?;
    let (open, recent, _, _) = bench.burden(staff);
    explanation.push(format!(
        "{staff} has the fewest open cases ({open}); where equal, the fewest offers of late ({recent}), then whoever was not offered one for longest"
    ));
    Some(staff.clone())
}

/// The last resort: off duty, but somebody. People of the department before others, whoever is on leave after everybody.
fn somebody(
    department: Option<&DepartmentId>,
    excluded: &BTreeSet<StaffId>,
    bench: &Bench,
    explanation: &mut Vec<String>,
) -> Option<StaffId> {
    let is_of = |staff: &StaffId| {
        let of = bench.people.get(staff).and_then(|p| p.department.as_ref());
        department.is_some() && of == department
    };
    let staff = bench
        .anyone(excluded)
        .into_iter()
        .min_by_key(|staff| (bench.is_away(staff), !is_of(staff), bench.burden(staff)))?;
    let away = if bench.is_away(staff) {
        "on leave"
    } else {
        "off duty"
    };
    explanation.push(format!("{staff} is {away}, but nobody else is there"));
    Some(staff.clone())
}

fn role_in_words(role: DutyRole) -> &'static str {
    match role {
        DutyRole::FrontOffice => "front office",
        DutyRole::OnSiteLead => "on-site lead",
        DutyRole::DutyLead => "duty lead",
        DutyRole::TopLead => "top lead",
        DutyRole::Spokesperson => "spokesperson",
        DutyRole::LegalCounsel => "legal counsel",
        DutyRole::CustomerLiaison => "customer liaison",
        DutyRole::Negotiator => "negotiator",
        DutyRole::Handler => "handler",
        DutyRole::RegionContact => "region's contact",
    }
}
