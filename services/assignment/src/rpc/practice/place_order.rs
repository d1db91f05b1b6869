//! Orders a repair from a contractor; a clock of its own runs on the case. With `replaces`, in the place of one in default.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId};
use redress_proto::assignment::v1::{PlaceOrderRequest, PlaceOrderResponse};
use redress_rpc::Caller;
use redress_store::receipt::ReceiptKey;
use redress_store::{Operation, Tx};
use rust_decimal::Decimal;
use tonic::Request;
use uuid::Uuid;

use super::super::{Shared, parse as names};
use super::matter::{self, Record};
use super::{parse, render};
use crate::domain::practice::checklist::Checklist;
use crate::domain::practice::contractor::{Contractor, Order, OrderState, OrderStep};
use crate::store::matters::Kept;

const METHOD: &str = "redress.assignment.v1.ContractorService/PlaceOrder";

pub(super) async fn run(
    shared: &Shared,
    request: Request<PlaceOrderRequest>,
) -> Result<PlaceOrderResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case(&request.case)?;
    caller.require_site(&case.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let of_site = |field: &str, (site, id): (SiteId, Uuid)| {
        if site == case.site {
            Ok(id)
        } else {
            Err(Fault::invalid(
                field,
                format!("must lie in sites/{}", case.site),
            ))
        }
    };
    let replaces = match request.replaces.as_str() {
        "" => None,
        name => Some(of_site(
            "replaces",
            matter::parse::<Order>("replaces", name)?,
        )?),
    };
    let place = Place {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        contractor: of_site(
            "contractor",
            matter::parse::<Contractor>("contractor", &request.contractor)?,
        )?,
        replaces,
        due: parse::deadline("due_time", request.due_time.as_ref(), shared.clock.now())?,
        scope: request.scope,
        checklist: checklist(request.checklist)?,
        case,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &place).await?;
    Ok(PlaceOrderResponse {
        order: Some(render::order(kept, Vec::new())),
    })
}

/// The items that were named, else the shipped ones.
fn checklist(given: Vec<String>) -> Result<Checklist, Fault> {
    for (i, item) in given.iter().enumerate() {
        names::storable(&format!("checklist[{i}]"), item)?;
    }
    Ok(Checklist::of(given))
}

struct Place<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    contractor: Uuid,
    replaces: Option<Uuid>,
    scope: String,
    checklist: Checklist,
    due: Timestamp,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Place<'_> {
    const NAME: &'static str = "assignment.place_order";
    type Output = Kept<Order>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<Order>, Fault> {
        let site = &self.case.site;
        let contractor =
            matter::get::<Contractor>(tx, self.caller, site, self.contractor, false).await?;
        if let Some(replaced) = self.replaces {
            let replaced = matter::get::<Order>(tx, self.caller, site, replaced, false).await?;
            if replaced.case != Some(self.case.id) {
                return Err(Fault::invalid(
                    "replaces",
                    "must be an order of the same case",
                ));
            }
            replaced
                .matter
                .may_be_replaced()
                .map_err(|r| matter::refuse(r, &replaced.name()))?;
        }
        let record = Record {
            receipt: self.receipt.clone(),
            site: site.clone(),
            case: Some(self.case.clone()),
            matter: Order {
                contractor: contractor.id,
                party: contractor.matter.display_name,
                scope: self.scope.clone(),
                placed: self.now,
                due: self.due,
                state: OrderState::Ordered,
                replaces: self.replaces,
                cost: Decimal::ZERO,
                from_retention: Decimal::ZERO,
                recovered: Decimal::ZERO,
                checklist: self.checklist.clone(),
            },
            step: OrderStep::Placed,
            caller: self.caller,
            now: self.now,
        };
        record.run(tx).await
    }
}
