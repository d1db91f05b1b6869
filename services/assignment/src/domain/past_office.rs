//! Complainants who go over the head of the site's office (M18). The region or the head office keeps what reached it so; it
//! goes back to the office by the complainant's consent alone.

use jiff::Timestamp;
use redress_model::name::{DepartmentId, StaffId};
use redress_model::words::{CaseStatus, Channel, DutyRole};

use super::bench::{ABOVE, Bench};
use super::routing::{Reason, take_over};
use super::transition::Outcome;
use super::work::{Illegal, Step, StepKind, Work, is_in_hand, is_live};

/// A case that reached the region or the head office past the site's office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastOffice {
    /// Who of the region or the head office received it.
    pub receiver: StaffId,
    /// Past whom: who was responsible for it or asked to take it; none where there was nobody else.
    pub past_staff: Option<StaffId>,
    /// Past which department; none where the case had none.
    pub past_department: Option<DepartmentId>,
    /// Who marked it: a token subject.
    pub recorder: String,
    /// When.
    pub at: Timestamp,
    /// The complainant's consent to go back to the office; none until it was recorded.
    pub consent: Option<Consent>,
}

/// The complainant's consent that the office has the case again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// By which way they were asked.
    pub channel: Channel,
    /// Who recorded it: a token subject.
    pub recorder: String,
    /// When.
    pub at: Timestamp,
}

impl PastOffice {
    /// Whether the case may go to this person only by a consent that nobody has recorded yet.
    pub fn waits_for_consent(&self, to: &StaffId, bench: &Bench, at: Timestamp) -> bool {
        self.consent.is_none() && !is_above(to, bench, at)
    }

    /// The mark that stands where a case was marked before: without a consent between, the office that it went past is still the
    /// first one, whoever stood in since. A case that was handed back went past whoever has it now.
    #[must_use]
    pub fn after(self, earlier: Option<Self>) -> Self {
        match earlier {
            Some(first) if first.consent.is_none() => Self {
                past_staff: first.past_staff,
                past_department: first.past_department,
                ..self
            },
            _ => self,
        }
    }

    /// Lets the department have the case again whose person took it by the complainant's consent. Within the office it stays where
    /// it is.
    pub fn give_back(&self, before: &Work, after: &mut Work, bench: &Bench, at: Timestamp) {
        let stands_above = |staff: Option<&StaffId>| staff.is_some_and(|s| is_above(s, bench, at));
        // Whoever gave it may be off the duty by which they stood above.
        let was_above = stands_above(before.responsible.as_ref())
            || (before.department.is_some() && before.department == bench.centre);
        if self.consent.is_none() || !was_above || stands_above(after.responsible.as_ref()) {
            return;
        }
        let person = after.responsible.as_ref().and_then(|s| bench.people.get(s));
        let department = person.and_then(|p| p.department.clone());
        if let Some(department) = department.or_else(|| self.past_department.clone()) {
            after.department = Some(department);
        }
    }

    /// Whether a change that nobody asked the complainant about brought the case back to the office, though somebody above it is
    /// there to have it. Who stands in for somebody on leave does so without consent.
    pub fn came_back(&self, before: &Work, after: &Work, bench: &Bench, at: Timestamp) -> bool {
        let excluded = &after.facts.excluded;
        let waits = |had: Option<&StaffId>, has: Option<&StaffId>| {
            has != had && has.is_some_and(|staff| self.waits_for_consent(staff, bench, at))
        };
        let had = before.responsible.as_ref();
        let stands_in =
            had.is_some_and(|had| bench.is_away(had) && bench.may_handle(had, excluded));
        let is_offered = waits(before.offered_to.as_ref(), after.offered_to.as_ref());
        let is_given = !stands_in && waits(had, after.responsible.as_ref());
        is_live(after.status) && (is_offered || is_given) && is_led_above(after, bench, at)
    }
}

/// Whether somebody above the office is there who may have the case.
fn is_led_above(work: &Work, bench: &Bench, at: Timestamp) -> bool {
    let is_there = |staff: &StaffId| is_above(staff, bench, at) && !bench.is_away(staff);
    take_over(work.responsible.as_ref(), &work.facts.excluded, bench, at)
        .is_some_and(|found| is_there(&found.staff))
}

/// Whether the company centre took the case over and keeps it (M17): it is handed to nobody of the store, unless nobody above it
/// is there (P14). What went past the office goes back by the complainant's consent (M18), which is asked for by the mark.
pub fn is_kept_above(work: &Work, to: &StaffId, bench: &Bench, at: Timestamp) -> bool {
    // Anybody above will do, whoever would be chosen to take it over.
    let is_there = |staff: &StaffId| {
        is_above(staff, bench, at)
            && !bench.is_away(staff)
            && bench.may_handle(staff, &work.facts.excluded)
    };
    work.taken_over_at.is_some() && !is_above(to, bench, at) && bench.people.keys().any(is_there)
}

/// Whether one store complains about another, and the person stands above neither: the case is not handed to them (M17).
pub fn is_between_stores(work: &Work, to: &StaffId, bench: &Bench, at: Timestamp) -> bool {
    work.facts.complaining_store.is_some() && !is_above(to, bench, at)
}

/// Whether the person stands above the site's office now: of the company centre, whom the region names, or the top lead.
pub fn is_above(staff: &StaffId, bench: &Bench, at: Timestamp) -> bool {
    bench.is_of_centre(staff)
        || bench.stretches.iter().any(|s| {
            s.staff == *staff && s.covers(at) && (s.role == ABOVE || s.role == DutyRole::TopLead)
        })
}

/// The receiver has the case in hand from here on: an offer to the office, or a hand-over within it, ends. That the receiver
/// stands above the office and may handle the case is for the caller to know.
///
/// # Errors
/// When the case is not graded yet or has ended.
pub fn receive(
    work: &Work,
    receiver: &StaffId,
    bench: &Bench,
    recorder: &str,
    at: Timestamp,
) -> Result<(Outcome, PastOffice), Illegal> {
    let moves: &[CaseStatus] = match work.status {
        CaseStatus::Triaged => &[CaseStatus::Assigned, CaseStatus::Accepted],
        CaseStatus::Assigned => &[CaseStatus::Accepted],
        status if is_in_hand(status) => &[],
        status => {
            return Err(Illegal {
                status,
                wanted: CaseStatus::Accepted,
            });
        }
    };
    let others = [work.responsible.as_ref(), work.offered_to.as_ref()];
    let mark = PastOffice {
        receiver: receiver.clone(),
        past_staff: others
            .into_iter()
            .flatten()
            .find(|s| *s != receiver)
            .cloned(),
        past_department: work.department.clone(),
        recorder: recorder.to_owned(),
        at,
        consent: None,
    };
    let mut after = work.clone();
    let changed = after.responsible.as_ref() != Some(receiver) || after.offered_to.is_some();
    after.responsible = Some(receiver.clone());
    after.offered_to = None;
    // A colleague of the receiver stands in on leave, none of the office.
    let department = bench
        .people
        .get(receiver)
        .and_then(|p| p.department.clone());
    // A top lead may belong to none.
    after.department = department
        .or_else(|| bench.centre.clone())
        .or(after.department);
    if let Some(status) = moves.last() {
        after.status = *status;
        after.assigned_at = after.assigned_at.or(Some(at));
        after.accepted_at = Some(at);
    }
    let why = format!(
        "the complainant went past {} to {receiver}",
        mark.past_staff
            .as_ref()
            .map_or("the office", StaffId::as_str)
    );
    after.explanation = vec![why.clone()];
    after.revision += 1;
    after.updated_at = at;
    let step = Step {
        kind: StepKind::HandedOver,
        status: after.status,
        responsible: after.responsible.clone(),
        offered_to: None,
        text: why,
    };
    let outcome = Outcome {
        work: after,
        steps: vec![step],
        owner: changed.then_some(Reason::HandedOver),
        moves: moves.to_vec(),
    };
    Ok((outcome, mark))
}
