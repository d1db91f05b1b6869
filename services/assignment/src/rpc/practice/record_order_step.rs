//! Records what became of an order, and what was done beside the repair; who repairs is not changed midway without a reason (M12).
//! A charge is paid from the contractor's retention while its liability runs; the rest is recourse. The order is locked before its
//! contractor, always.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_model::text::is_blank;
use redress_proto::assignment::v1::record_order_step_request::Step as Given;
use redress_proto::assignment::v1::{RecordOrderStepRequest, RecordOrderStepResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use rust_decimal::Decimal;
use tonic::Request;
use uuid::Uuid;

use super::super::Shared;
use super::{matter, parse, render};
use crate::domain::practice::contractor::{Contractor, ContractorStep, Order, OrderStep};
use crate::store::matters::{self, Filter, Kept};

const METHOD: &str = "redress.assignment.v1.ContractorService/RecordOrderStep";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RecordOrderStepRequest>,
) -> Result<RecordOrderStepResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let (site, id) = matter::parse::<Order>("name", &request.name)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let act = Act {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        id,
        etag: request.etag,
        step: step(request.step, &request.text, &caller)?,
        text: request.text,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &act).await?;
    Ok(RecordOrderStepResponse {
        order: Some(render::order(kept, Vec::new())),
    })
}

/// The step; what the retention pays of a charge, and whether there is anything to charge, is not known yet.
fn step(given: Option<Given>, text: &str, caller: &Caller) -> Result<OrderStep, Fault> {
    let reasoned = !is_blank(text);
    if matches!(given, Some(Given::Defaulted(_) | Given::Cancelled(_))) && !reasoned {
        let why = "must say why: who repairs is not changed midway without a reason";
        return Err(Fault::invalid("text", why));
    }
    Ok(match given {
        None => return Err(Fault::invalid("step", "must be given")),
        Some(Given::Checked(s)) => OrderStep::Checked {
            // No list has item 0.
            items: s
                .items
                .into_iter()
                .map(|n| usize::try_from(n).unwrap_or(0))
                .collect(),
            by: caller.subject.clone(),
        },
        Some(Given::Done(_)) => OrderStep::Done { reasoned },
        Some(Given::Defaulted(_)) => OrderStep::Defaulted,
        Some(Given::Charged(s)) => OrderStep::Charged {
            cost: parse::money("charged.cost", s.cost.as_ref())?,
            from_retention: Decimal::ZERO,
            replaced: false,
        },
        Some(Given::Recovered(s)) => {
            OrderStep::Recovered(parse::money("recovered.amount", s.amount.as_ref())?)
        }
        Some(Given::Cancelled(_)) => OrderStep::Cancelled,
    })
}

/// Orders of a case that are looked through for one in the place of another.
const ORDERS_MAX: i64 = 1_000;

struct Act<'a> {
    receipt: ReceiptKey,
    site: SiteId,
    id: Uuid,
    etag: String,
    step: OrderStep,
    text: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Act<'_> {
    const NAME: &'static str = "assignment.record_order_step";
    type Output = Kept<Order>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<Order>, Fault> {
        let before = matter::get::<Order>(tx, self.caller, &self.site, self.id, true).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        etag::check(&self.etag, before.revision, before.name())?;
        let mut step = self.step.clone();
        let mut pays = None;
        if let OrderStep::Charged {
            cost,
            from_retention,
            replaced,
        } = &mut step
        {
            *replaced = self.is_replaced(tx, before.case).await?;
            let contractor = before.matter.contractor;
            let contractor =
                matter::get::<Contractor>(tx, self.caller, &self.site, contractor, true).await?;
            *from_retention = contractor.matter.pays(*cost, self.now);
            pays = Some((contractor, *from_retention));
        }
        let kept = matter::step(tx, before, &step, &self.text, self.caller, self.now).await?;
        if let Some((contractor, amount)) = pays {
            let charged = ContractorStep::Charged(amount);
            matter::step(
                tx,
                contractor,
                &charged,
                &kept.name(),
                self.caller,
                self.now,
            )
            .await?;
        }
        receipt::complete(tx, &self.receipt, &kept.name(), &etag::of(kept.revision)).await?;
        Ok(kept)
    }
}

impl Act<'_> {
    /// Whether another did what this order asked for.
    async fn is_replaced(&self, tx: &mut Tx, case: Option<Uuid>) -> Result<bool, Fault> {
        let filter = Filter {
            site: Some(self.site.clone()),
            case,
            ..Filter::default()
        };
        let orders = matters::list::<Order>(tx, &filter, None, ORDERS_MAX).await?;
        Ok(orders.iter().any(|o| o.matter.has_replaced(self.id)))
    }
}
