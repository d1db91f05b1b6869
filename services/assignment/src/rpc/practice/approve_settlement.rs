//! Approves the terms of a settlement as somebody else than their author, within the limit for all households (section 7).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{ApproveSettlementRequest, ApproveSettlementResponse};
use redress_rpc::Caller;
use redress_store::receipt::ReceiptKey;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::super::Shared;
use super::super::solution::level::level_of;
use super::matter::{self, Step as Change};
use super::render;
use crate::domain::practice::settlement::{Settlement, Step};
use crate::rpc::asked::person_of;
use crate::store::limits;
use crate::store::matters::Kept;

const METHOD: &str = "redress.assignment.v1.SettlementService/ApproveSettlement";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ApproveSettlementRequest>,
) -> Result<ApproveSettlementResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let (site, id) = matter::parse::<Settlement>("name", &request.name)?;
    caller.require_site(&site)?;
    // An empty one asks for no check elsewhere; here it would be an approval of what nobody looked at.
    if request.etag.is_empty() {
        return Err(Fault::invalid(
            "etag",
            "must be that of the settlement that was looked at",
        ));
    }
    let request_id = std::mem::take(&mut request.request_id);
    let approve = Approve {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        id,
        etag: request.etag,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &approve).await?;
    Ok(ApproveSettlementResponse {
        settlement: Some(render::settlement(kept, true, Vec::new())),
    })
}

struct Approve<'a> {
    receipt: ReceiptKey,
    site: SiteId,
    id: Uuid,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Approve<'_> {
    const NAME: &'static str = "assignment.approve_settlement";
    type Output = Kept<Settlement>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<Settlement>, Fault> {
        let level = level_of(tx, self.caller, &self.site).await?;
        let change = Change::<Settlement> {
            receipt: self.receipt.clone(),
            site: self.site.clone(),
            id: self.id,
            etag: self.etag.clone(),
            step: Step::Approved {
                by: person_of(self.caller),
                level,
                limits: limits::of_site(tx, &self.site).await?,
            },
            text: format!("by {level}"),
            caller: self.caller,
            now: self.now,
        };
        change.run(tx).await
    }
}
