//! Plans a visit, or another in place of one that is planned.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::StaffId;
use redress_proto::assignment::v1::{PlanVisitRequest, PlanVisitResponse};
use redress_proto::convert::{from_deadline, required};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{cancelled, visit_name, visit_of};
use crate::domain::handling::Visit;
use crate::domain::transition::Action;
use crate::domain::work::{StepKind, Work};
use crate::rpc::asked::Asked;
use crate::rpc::{Shared, parse, render, require_present_at};
use crate::store::{bench, visits};

const METHOD: &str = "redress.assignment.v1.HandlingService/PlanVisit";

pub(super) async fn run(
    shared: &Shared,
    request: Request<PlanVisitRequest>,
) -> Result<PlanVisitResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let planned = request.plan_time.unwrap_or_default();
    let planned = from_deadline("plan_time", &planned, asked.now)?;
    if planned <= asked.now {
        return Err(Fault::invalid("plan_time", "must be ahead"));
    }
    let in_place_of = match request.in_place_of.as_str() {
        "" => None,
        id => Some(parse_field("in_place_of", id)?),
    };
    let staff = parse::staff_of("staff", Some(&asked.case.site), &request.staff)?;
    let purpose = required("purpose", request.purpose)?;
    let visit = Visit::plan(new_id(asked.now), purpose, staff, planned);
    let site = asked.case.site.clone();
    let operation = Plan {
        visit,
        in_place_of,
        asked,
    };
    let visit = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(PlanVisitResponse {
        visit: Some(render::visit(&site, visit, &BTreeSet::new())),
    })
}

struct Plan<'a> {
    asked: Asked<'a>,
    visit: Visit,
    in_place_of: Option<Uuid>,
}

impl Operation for Plan<'_> {
    const NAME: &'static str = "assignment.plan_visit";
    type Output = Visit;

    async fn run(&self, tx: &mut Tx) -> Result<Visit, Fault> {
        let begun = self.asked.begin(tx).await?;
        let case = &self.asked.case;
        if let Some(done) = begun.done {
            return visit_of(tx, case, &done).await;
        }
        self.asked.require_part(tx, &begun.work).await?;
        let now = self.asked.now;
        let mut visit = self.visit.clone();
        match &visit.staff {
            Some(staff) => require_visitor(tx, &begun.work, staff, now).await?,
            None => visit.staff.clone_from(&begun.work.responsible),
        }
        if let (Some(staff), Some(planned)) = (&visit.staff, visit.planned) {
            let legal = "name somebody else or another time";
            require_present_at(tx, case, staff, planned, legal).await?;
        }
        let mut text = format!("{} planned", visit.purpose);
        if let Some(id) = self.in_place_of {
            let former = cancelled(case, visits::get(tx, case, id).await?, now)?;
            visits::put(tx, case, &former, now).await?;
            text.push_str(" in place of another");
        }
        let action = Action::Note(StepKind::VisitPlanned, text);
        let work = self.asked.change(tx, &begun.work, action).await?;
        visits::put(tx, case, &visit, now).await?;
        let name = visit_name(case, &visit);
        self.asked.keep_as(tx, &name, work.revision).await?;
        Ok(visit)
    }
}

/// That who is named to visit works here and may handle the case.
async fn require_visitor(
    tx: &mut Tx,
    work: &Work,
    staff: &StaffId,
    now: Timestamp,
) -> Result<(), Fault> {
    let bench = bench::load(tx, &work.case.site, now).await?;
    if bench.may_handle(staff, &work.facts.excluded) {
        return Ok(());
    }
    // Not said which: who is complained about is nobody else's business.
    Err(Fault::invalid(
        "staff",
        "must be somebody who works here and may handle the case",
    ))
}
