//! Lifts an order, with the reason: for whoever ordered it, and for head office.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{LiftHandlingOrderRequest, LiftHandlingOrderResponse};
use redress_proto::event::v1::WorkNews;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::super::solution::level::level_of;
use super::super::{Shared, parse as names};
use super::{matter, power};
use crate::domain::authority::Level;
use crate::domain::practice::power::{HandlingOrder, HandlingOrderStep};
use crate::domain::work::StepKind;
use crate::store::matters::Kept;
use crate::store::{bench, notices};

const METHOD: &str = "redress.assignment.v1.PowerService/LiftHandlingOrder";

pub(super) async fn run(
    shared: &Shared,
    request: Request<LiftHandlingOrderRequest>,
) -> Result<LiftHandlingOrderResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let (site, id) = matter::parse::<HandlingOrder>("name", &request.name)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let operation = Lift {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        id,
        reason: names::text("reason", request.reason)?,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &operation).await?;
    Ok(LiftHandlingOrderResponse {
        order: Some(power::handling_order(kept)),
    })
}

struct Lift<'a> {
    receipt: ReceiptKey,
    site: SiteId,
    id: Uuid,
    reason: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Lift<'_> {
    const NAME: &'static str = "assignment.lift_handling_order";
    type Output = Kept<HandlingOrder>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<HandlingOrder>, Fault> {
        bench::lock(tx, &self.site).await?;
        let (caller, now) = (self.caller, self.now);
        let before = matter::get::<HandlingOrder>(tx, caller, &self.site, self.id, true).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, now).await? {
            return Ok(before);
        }
        if !self.is_theirs(&before.matter)
            && level_of(tx, caller, &self.site).await? < Level::HeadOffice
        {
            return Err(Fault::only("whoever ordered it, or head office"));
        }
        let work = power::work_of(tx, caller, &before).await?;
        let said = format!("lifted, {}", self.reason);
        let note = (StepKind::HandlingOrdered, said);
        let (step, reason) = (HandlingOrderStep::Lifted, &self.reason);
        let kept = power::end(tx, (before, &work), &step, reason, note, caller, now).await?;
        let bench = bench::load(tx, &self.site, now).await?;
        let people = work.responsible.iter().cloned().collect();
        let news = WorkNews::OrderLifted;
        notices::tell(tx, &work, &bench, news, kept.name(), people, now).await?;
        receipt::complete(tx, &self.receipt, &kept.name(), &etag::of(kept.revision)).await?;
        Ok(kept)
    }
}

impl Lift<'_> {
    fn is_theirs(&self, order: &HandlingOrder) -> bool {
        let staff = self.caller.staff.as_ref();
        let staff = staff.filter(|staff| staff.site == self.site);
        let is_same = staff.is_some_and(|s| order.orderer_staff.as_ref() == Some(&s.id));
        is_same || self.caller.subject == order.orderer
    }
}
