//! Powers of whoever supervises (M13), as the work on a case meets them: what is resolved or reported meets an order, what is
//! late comes back to who ordered it, and nobody whom the case accuses brings evidence for it. The site's lock is held.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, StaffId};
use redress_model::words::CaseStatus;
use redress_proto::event::v1::WorkNews;
use redress_store::Tx;

use super::matters::{self, Change, Filter, Kept};
use super::{bench, notices, work};
use crate::domain::bench::{ABOVE, Bench};
use crate::domain::practice::Matter;
use crate::domain::practice::power::{
    EvidenceRequest, EvidenceStep, HandlingOrder, HandlingOrderStep,
};
use crate::domain::routing::helper;
use crate::domain::transition::{Action, Outcome, transition};
use crate::domain::work::{StepKind, Work, is_live};

/// Requests, or orders, of a case that are open, looked at and shown at most.
pub const SHOWN_MAX: i64 = 100;

/// The requests for evidence, or the orders, of a case, newest first.
///
/// # Errors
/// When Postgres is away.
pub async fn of_case<T: Matter>(
    tx: &mut Tx,
    case: &CaseName,
    open: bool,
) -> Result<Vec<Kept<T>>, Fault> {
    let filter = Filter {
        site: Some(case.site.clone()),
        case: Some(case.id),
        open,
        ..Filter::default()
    };
    matters::list(tx, &filter, None, SHOWN_MAX).await
}

/// Whether the case has as many open requests, or orders, as it may: one more would hide the oldest from what meets it.
///
/// # Errors
/// When Postgres is away.
pub async fn is_full<T: Matter>(tx: &mut Tx, case: &CaseName) -> Result<bool, Fault> {
    let open = of_case::<T>(tx, case, true).await?;
    Ok(i64::try_from(open.len()).is_ok_and(|open| open >= SHOWN_MAX))
}

async fn step<T: Matter>(
    tx: &mut Tx,
    mut kept: Kept<T>,
    step: &T::Step,
    actor: &str,
    at: Timestamp,
) -> Result<Kept<T>, Fault> {
    let effects = kept
        .matter
        .record(kept.id, step, at)
        .map_err(Fault::internal)?;
    kept.revision += 1;
    kept.updated = at;
    let change = Change {
        word: T::word(step),
        text: "",
        actor,
        at,
    };
    matters::save(tx, &kept, &effects, change).await?;
    Ok(kept)
}

/// What came of an action meets the orders of its case: a resolution all of them, logged progress the reports that they wait for.
///
/// # Errors
/// When Postgres is away.
pub async fn worked(
    tx: &mut Tx,
    outcome: &Outcome,
    actor: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let resolved = outcome.moves.contains(&CaseStatus::Resolved);
    let reported = outcome.steps.iter().any(|s| s.kind == StepKind::Progress);
    if !resolved && !reported {
        return Ok(());
    }
    for order in of_case::<HandlingOrder>(tx, &outcome.work.case, true).await? {
        let next = if resolved {
            HandlingOrderStep::Met
        } else if order.matter.report.is_some() {
            HandlingOrderStep::Reported(new_id(at))
        } else {
            continue;
        };
        step(tx, order, &next, actor, at).await?;
    }
    Ok(())
}

/// A clock of the case breached: whoever ordered what is due by now hears that it was not done.
///
/// # Errors
/// When Postgres is away.
pub async fn overdue(
    tx: &mut Tx,
    case: &CaseName,
    actor: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let orders = of_case::<HandlingOrder>(tx, case, true).await?;
    let late = orders.into_iter().filter(|o| o.matter.is_overdue(at));
    for order in late {
        let Some(before) = work::find(tx, case).await?.filter(|w| is_live(w.status)) else {
            return Ok(());
        };
        let order = step(tx, order, &HandlingOrderStep::Overdue, actor, at).await?;
        let bench = bench::load(tx, &case.site, at).await?;
        let text = format!("not done by its deadline: {}", order.name());
        let action = Action::Note(StepKind::HandlingOrdered, text);
        let outcome = transition(&before, action, &bench, at).map_err(Fault::internal)?;
        work::save(tx, Some(&before), &outcome, actor, at).await?;
        let people = who_ordered(&order.matter, &before, &bench, at);
        let news = WorkNews::OrderOverdue;
        notices::tell(tx, &outcome.work, &bench, news, order.name(), people, at).await?;
    }
    Ok(())
}

/// Whoever ordered it. Where that is nobody of the site, who stands for them there: the region's contact, and the top lead.
fn who_ordered(
    order: &HandlingOrder,
    work: &Work,
    bench: &Bench,
    at: Timestamp,
) -> BTreeSet<StaffId> {
    let excluded = &work.facts.excluded;
    let orderer = order.orderer_staff.as_ref();
    if let Some(orderer) = orderer.filter(|staff| bench.may_handle(staff, excluded)) {
        return BTreeSet::from([orderer.clone()]);
    }
    let region = bench.on_duty(ABOVE, at, excluded);
    let top = bench.top_lead(at, excluded).map(|(_, lead)| lead);
    region.into_iter().chain(top).cloned().collect()
}

/// Evidence that somebody whom the case accuses was asked for is brought by a colleague of the department that was asked, else
/// by a lead (P14), else by whoever is responsible.
///
/// # Errors
/// When Postgres is away.
pub async fn pass_on(
    tx: &mut Tx,
    work: &Work,
    bench: &Bench,
    actor: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let excluded = &work.facts.excluded;
    for request in of_case::<EvidenceRequest>(tx, &work.case, true).await? {
        if !excluded.contains(&request.matter.staff) {
            continue;
        }
        let department = request.matter.department.as_ref();
        let next = department
            .and_then(|department| helper(department, excluded, bench, at))
            .or_else(|| bench.lead(at, excluded).map(|(_, lead)| lead.clone()))
            .or_else(|| work.responsible.clone());
        let Some(next) = next else {
            continue;
        };
        let passed = EvidenceStep::PassedOn(next.clone());
        let request = step(tx, request, &passed, actor, at).await?;
        let (news, people) = (WorkNews::EvidenceAsked, BTreeSet::from([next]));
        notices::tell(tx, work, bench, news, request.name(), people, at).await?;
    }
    Ok(())
}
