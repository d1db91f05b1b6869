//! Closes the roll of a settlement.

use redress_model::Fault;
use redress_proto::assignment::v1::{CloseSettlementRequest, CloseSettlementResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::matter::{self, Step as Change};
use super::render;
use crate::domain::practice::settlement::{Settlement, Step};

const METHOD: &str = "redress.assignment.v1.SettlementService/CloseSettlement";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CloseSettlementRequest>,
) -> Result<CloseSettlementResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let (site, id) = matter::parse::<Settlement>("name", &request.name)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let change = Change::<Settlement> {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        id,
        etag: request.etag,
        step: Step::Closed,
        text: request.reason,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &change).await?;
    Ok(CloseSettlementResponse {
        settlement: Some(render::settlement(kept, true, Vec::new())),
    })
}
