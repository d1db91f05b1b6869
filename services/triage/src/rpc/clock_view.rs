//! Clocks, holds and explanations as answers show them, and lengths as requests give them.

use jiff::SignedDuration;
use redress_clock::{Basis, Change, Event, Length, StretchKind, Term};
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId};
use redress_model::words::{ClockKind, HoldReason};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::triage::v1 as wire;

use super::render;
use crate::casework::Budget;
use crate::store::clocks::Clock;
use crate::store::holds::Hold;
use crate::store::sites::Site;

/// Kinds that promise nothing to anybody: shown only when asked for.
pub(super) const SILENT: [ClockKind; 2] = [ClockKind::AgeCheck, ClockKind::HoldEnd];

/// Longest promise that a request may ask for, in any unit; Postgres and people can take it.
const AMOUNT_MAX: i64 = 5_256_000;

/// The clocks of a case that promise something.
pub(super) fn clocks(site: &SiteId, all: Vec<Clock>) -> Vec<wire::CaseClock> {
    all.into_iter()
        .filter(|clock| !SILENT.contains(&clock.kind))
        .map(|clock| render::clock(site, clock))
        .collect()
}

/// A term.
pub(super) fn term(term: Term) -> wire::ClockLength {
    use wire::ClockUnit;
    let (amount, unit) = match term {
        Term::Length(Length::Minutes(n)) => (n, ClockUnit::Minutes),
        Term::Length(Length::WorkingMinutes(n)) => (n, ClockUnit::WorkingMinutes),
        Term::Length(Length::WorkingDays(n)) => (n, ClockUnit::WorkingDays),
        Term::Length(Length::Days(n)) => (n, ClockUnit::Days),
        Term::Length(Length::Months(n)) => (n, ClockUnit::Months),
        Term::Until(_) => (0, ClockUnit::Instant),
    };
    wire::ClockLength {
        amount: i64::from(amount),
        unit: unit.into(),
    }
}

/// A length of a request.
pub(super) fn length(field: &str, given: &wire::ClockLength) -> Result<Length, Fault> {
    use wire::ClockUnit;
    let amount = u32::try_from(given.amount)
        .ok()
        .filter(|_| (1..=AMOUNT_MAX).contains(&given.amount))
        .ok_or_else(|| {
            Fault::invalid(
                format!("{field}.amount"),
                format!("must be from 1 to {AMOUNT_MAX}"),
            )
        })?;
    let length = match given.unit() {
        ClockUnit::Minutes => Length::Minutes(amount),
        ClockUnit::WorkingMinutes => Length::WorkingMinutes(amount),
        ClockUnit::WorkingDays => Length::WorkingDays(amount),
        ClockUnit::Days => Length::Days(amount),
        ClockUnit::Months => Length::Months(amount),
        ClockUnit::Unspecified | ClockUnit::Instant => {
            return Err(Fault::invalid(
                format!("{field}.unit"),
                "must be a unit of time; an instant goes to due_time",
            ));
        }
    };
    promise(field, length)
}

/// A length that somebody would promise.
pub(super) fn promise(field: &str, length: Length) -> Result<Length, Fault> {
    if length.is_promise() {
        Ok(length)
    } else {
        Err(Fault::invalid(field, "must be ten years at most"))
    }
}

/// A duration.
pub(super) fn duration(d: SignedDuration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: d.as_secs(),
        nanos: d.subsec_nanos(),
    }
}

/// Why the deadline of a promise is where it is.
pub(super) fn basis(basis: Basis) -> i32 {
    let basis = match basis {
        Basis::FromStart => wire::ClockBasis::FromStart,
        Basis::FromRegrade => wire::ClockBasis::FromRegrade,
        Basis::KeptByRise => wire::ClockBasis::KeptByRise,
        Basis::KeptAsTold => wire::ClockBasis::KeptAsTold,
        Basis::Named => wire::ClockBasis::Named,
        Basis::Extended => wire::ClockBasis::Extended,
        Basis::Breached => wire::ClockBasis::Breached,
    };
    basis.into()
}

/// A stretch of time.
pub(super) fn stretch(stretch: &redress_clock::Stretch) -> wire::ClockStretch {
    let kind = match stretch.kind {
        StretchKind::Elapsed => wire::ClockStretchKind::Elapsed,
        StretchKind::Working => wire::ClockStretchKind::Working,
        StretchKind::Closed => wire::ClockStretchKind::Closed,
        StretchKind::Held => wire::ClockStretchKind::Held,
    };
    wire::ClockStretch {
        kind: kind.into(),
        start_time: Some(to_timestamp(stretch.from)),
        end_time: Some(to_timestamp(stretch.to)),
        used: Some(duration(stretch.used)),
    }
}

/// What an event did; of a hold it says whose it is, by the holds of its case, oldest first, and of more time and of a promise
/// that is off, why.
pub(super) fn change(change: &Change, cause: String, holds: &[Hold]) -> wire::ClockChange {
    let (event, length) = match change.event {
        Event::Started { terms, .. } => ("started", Some(terms.term)),
        Event::Restarted { terms, .. } => ("restarted", Some(terms.term)),
        Event::Met { .. } => ("met", None),
        Event::Cancelled { .. } => ("cancelled", None),
        Event::Regraded { term, .. } => ("regraded", Some(term)),
        Event::Held { .. } => ("held", None),
        Event::Resumed { .. } => ("resumed", None),
        Event::Extended { .. } => ("extended", None),
        Event::Recalendared { .. } => ("recalendared", None),
    };
    let (hold_reason, hold_approver) = match change.event {
        Event::Held { at, reason } => {
            // Holds of one reason never lap, so it is the last one that had begun by then.
            let is_its = |hold: &&Hold| hold.reason == reason && hold.start <= at;
            let hold = holds.iter().rfind(is_its);
            let approver = hold.map_or_else(String::new, |hold| hold.approver.clone());
            (to_wire(reason), approver)
        }
        _ => (0, String::new()),
    };
    let says_why = matches!(
        change.event,
        Event::Extended { .. } | Event::Cancelled { .. }
    );
    wire::ClockChange {
        event: event.to_owned(),
        change_time: Some(to_timestamp(change.event.at())),
        due_time: Some(to_timestamp(change.due)),
        basis: basis(change.basis),
        length: length.map(term),
        hold_reason,
        hold_approver,
        cause: if says_why { cause } else { String::new() },
    }
}

/// A hold.
pub(super) fn hold(site: &SiteId, hold: Hold) -> wire::Hold {
    wire::Hold {
        case: CaseName::new(site.clone(), hold.case).to_string(),
        hold_id: hold.id.to_string(),
        reason: to_wire(hold.reason),
        start_time: Some(to_timestamp(hold.start)),
        until_time: Some(to_timestamp(hold.until)),
        end_time: hold.end.map(to_timestamp),
        end_cause: hold.end_cause,
        approver: hold.approver,
        note: hold.note,
        beyond_budget: hold.beyond,
    }
}

/// The budgets of a case's holds.
pub(super) fn budgets(
    site: &Site,
    holds: &[Hold],
    budget: impl Fn(HoldReason, &[Hold]) -> Option<Budget>,
) -> Vec<wire::HoldBudget> {
    site.profile()
        .holds
        .reasons
        .keys()
        .filter_map(|reason| hold_budget(site, *reason, budget(*reason, holds)?))
        .collect()
}

/// The budget of a reason; none where the policy takes no such hold.
pub(super) fn hold_budget(
    site: &Site,
    reason: HoldReason,
    budget: Budget,
) -> Option<wire::HoldBudget> {
    let rule = site.profile().holds.reasons.get(&reason)?;
    Some(wire::HoldBudget {
        reason: to_wire(reason),
        allowed: budget.allowed.map(duration),
        used: Some(duration(budget.used)),
        held: Some(duration(budget.held)),
        stops: rule.stops.iter().map(|kind| to_wire(*kind)).collect(),
        needs_approval: rule.approval,
    })
}
