//! What the powers of whoever supervises have in common (M13): who that is, a promise on the case that is kept with a step of its
//! history, and its end.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, DepartmentName, SiteId, StaffName};
use redress_proto::assignment::v1 as wire;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_rpc::Caller;
use redress_store::Tx;

use super::super::asked::{Asked, change};
use super::super::solution::level::level_of;
use super::super::{parse as names, visible_work};
use super::matter;
use crate::domain::authority::Level;
use crate::domain::bench::Bench;
use crate::domain::practice::Matter;
use crate::domain::practice::power::{EvidenceRequest, HandlingOrder};
use crate::domain::transition::Action;
use crate::domain::work::{StepKind, Work, is_live};
use crate::store::matters::{self, Change, Kept};
use crate::store::powers;

/// Whether the caller supervises what a site does: staff of the company centre, the region, or head office.
pub(in crate::rpc) async fn supervises(
    tx: &mut Tx,
    caller: &Caller,
    site: &SiteId,
    bench: &Bench,
) -> Result<bool, Fault> {
    let staff = caller.staff.as_ref().filter(|staff| staff.site == *site);
    let of_centre = staff.is_some_and(|staff| bench.is_of_centre(&staff.id));
    Ok(of_centre || level_of(tx, caller, site).await? >= Level::Region)
}

/// What an earlier call of this request made.
pub(super) async fn seen<T: Matter>(
    tx: &mut Tx,
    caller: &Caller,
    name: &str,
) -> Result<Kept<T>, Fault> {
    let (site, id) = matter::parse::<T>("name", name).map_err(Fault::internal)?;
    matter::get(tx, caller, &site, id, false).await
}

/// Begins a promise on the case, which has at most [`powers::SHOWN_MAX`] open ones of a kind.
pub(super) async fn begin<T: Matter>(
    tx: &mut Tx,
    asked: &Asked<'_>,
    work: &Work,
    mut matter: T,
    step: &T::Step,
    (kind, said): (StepKind, String),
) -> Result<Kept<T>, Fault> {
    let (case, now) = (&asked.case, asked.now);
    if powers::is_full::<T>(tx, case).await? {
        let text = format!(
            "{} of the case are open; end one of them first",
            powers::SHOWN_MAX
        );
        return Err(Fault::illegal(
            "TOO_MANY_OPEN",
            text,
            names::work_name(case),
        ));
    }
    let id = new_id(now);
    let effects = matter
        .record(id, step, now)
        .map_err(|refused| matter::refuse(refused, &names::work_name(case).to_string()))?;
    let kept = Kept {
        site: case.site.clone(),
        id,
        case: Some(case.id),
        matter,
        created: now,
        updated: now,
        revision: 1,
    };
    let first = Change {
        word: T::word(step),
        text: "",
        actor: &asked.caller.subject,
        at: now,
    };
    matters::save(tx, &kept, &effects, first).await?;
    let text = format!("{said}: {}", kept.name());
    asked.change(tx, work, Action::Note(kind, text)).await?;
    asked.keep_as(tx, &kept.name(), kept.revision).await?;
    Ok(kept)
}

/// The case of a promise, and the work on it.
pub(super) async fn work_of<T: Matter>(
    tx: &mut Tx,
    caller: &Caller,
    kept: &Kept<T>,
) -> Result<Work, Fault> {
    let case = kept
        .case
        .ok_or_else(|| Fault::internal("column matter.case_id is empty"))?;
    let case = CaseName::new(kept.site.clone(), case);
    visible_work(tx, caller, &case).await
}

/// Ends a promise. A case that has ended takes no more steps; the promise keeps them all the same.
pub(super) async fn end<T: Matter>(
    tx: &mut Tx,
    (kept, work): (Kept<T>, &Work),
    step: &T::Step,
    reason: &str,
    (kind, said): (StepKind, String),
    caller: &Caller,
    now: Timestamp,
) -> Result<Kept<T>, Fault> {
    let kept = matter::step(tx, kept, step, reason, caller, now).await?;
    if is_live(work.status) {
        let text = format!("{said}: {}", kept.name());
        change(tx, caller, work, Action::Note(kind, text), now).await?;
    }
    Ok(kept)
}

/// A request for evidence on the wire.
pub(in crate::rpc) fn evidence_request(kept: Kept<EvidenceRequest>) -> wire::EvidenceRequest {
    let (name, case, site) = (kept.name(), kept.case_name(), kept.site);
    let request = kept.matter;
    let department = request.department;
    wire::EvidenceRequest {
        name,
        what: request.what,
        staff: StaffName::new(site.clone(), request.staff).to_string(),
        department: department
            .map_or_else(String::new, |id| DepartmentName::new(site, id).to_string()),
        asker: request.asker,
        create_time: Some(to_timestamp(request.asked)),
        due_time: Some(to_timestamp(request.due)),
        state: to_wire(request.state),
        evidence: request
            .evidence
            .map_or_else(String::new, |piece| format!("{case}/evidence/{piece}")),
        case,
    }
}

/// An order on the wire.
pub(in crate::rpc) fn handling_order(kept: Kept<HandlingOrder>) -> wire::HandlingOrder {
    let (name, case) = (kept.name(), kept.case_name());
    let order = kept.matter;
    wire::HandlingOrder {
        name,
        case,
        reason: order.reason,
        orderer: order.orderer,
        create_time: Some(to_timestamp(order.ordered)),
        due_time: Some(to_timestamp(order.due)),
        report_hours: order.report_hours.map_or(0, i32::from),
        report_due_time: order.report.map(|report| to_timestamp(report.due)),
        overdue_time: order.overdue.map(to_timestamp),
        state: to_wire(order.state),
    }
}
