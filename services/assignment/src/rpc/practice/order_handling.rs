//! Orders that a case is resolved by a deadline (M13); clocks of its own run on the case.

use std::collections::BTreeSet;

use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::StaffId;
use redress_proto::assignment::v1::{OrderHandlingRequest, OrderHandlingResponse};
use redress_proto::event::v1::WorkNews;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::asked::Asked;
use super::super::{Shared, parse as names};
use super::{parse, power};
use crate::domain::practice::power::{HandlingOrder, HandlingOrderState, HandlingOrderStep};
use crate::domain::work::{OPEN, StepKind};
use crate::store::matters::Kept;
use crate::store::{bench, notices};

const METHOD: &str = "redress.assignment.v1.PowerService/OrderHandling";

pub(super) async fn run(
    shared: &Shared,
    request: Request<OrderHandlingRequest>,
) -> Result<OrderHandlingResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = names::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, "")?;
    let hours = u16::try_from(request.report_hours)
        .map_err(|_| Fault::invalid("report_hours", "must be from 0 to 720"))?;
    let operation = Order {
        order: HandlingOrder {
            reason: names::text("reason", request.reason)?,
            ordered: asked.now,
            due: parse::deadline("due_time", request.due_time.as_ref(), asked.now)?,
            orderer: caller.subject.clone(),
            orderer_staff: asked.person(),
            report_hours: (hours > 0).then_some(hours),
            report: None,
            overdue: None,
            state: HandlingOrderState::Ordered,
        },
        asked,
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &operation).await?;
    Ok(OrderHandlingResponse {
        order: Some(power::handling_order(kept)),
    })
}

struct Order<'a> {
    asked: Asked<'a>,
    order: HandlingOrder,
}

impl Operation for Order<'_> {
    const NAME: &'static str = "assignment.order_handling";
    type Output = Kept<HandlingOrder>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<HandlingOrder>, Fault> {
        let begun = self.asked.begin(tx).await?;
        let (work, caller, now) = (&begun.work, self.asked.caller, self.asked.now);
        if let Some(done) = &begun.done {
            return power::seen(tx, caller, done).await;
        }
        let site = &self.asked.case.site;
        let bench = bench::load(tx, site, now).await?;
        if !power::supervises(tx, caller, site, &bench).await? {
            return Err(Fault::only("the company centre, the region or head office"));
        }
        if !OPEN.contains(&work.status) {
            let text = format!(
                "what is ordered is to resolve the case, this one is {}",
                work.status
            );
            let name = names::work_name(&self.asked.case);
            return Err(Fault::illegal("NOT_ORDERABLE", text, name));
        }
        let said = format!("by {}: {}", self.order.due, self.order.reason);
        let note = (StepKind::HandlingOrdered, said);
        let step = HandlingOrderStep::Ordered(new_id(now));
        let order = self.order.clone();
        let kept = power::begin(tx, &self.asked, work, order, &step, note).await?;
        let lead = bench.lead(now, &work.facts.excluded).map(|(_, lead)| lead);
        let people: BTreeSet<StaffId> = work.responsible.iter().chain(lead).cloned().collect();
        let news = WorkNews::HandlingOrdered;
        notices::tell(tx, work, &bench, news, kept.name(), people, now).await?;
        Ok(kept)
    }
}
