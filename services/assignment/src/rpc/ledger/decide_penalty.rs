//! Decides a penalty that was proposed (M13), by somebody who neither proposed nor bears it.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::LedgerEntryName;
use redress_proto::assignment::v1::{DecidePenaltyRequest, DecidePenaltyResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::move_entry::MoveEntry;
use super::{Shared, parse, render_entry};
use crate::domain::ledger::Move;

const METHOD: &str = "redress.assignment.v1.LedgerService/DecidePenalty";

pub(super) async fn run(
    shared: &Shared,
    request: Request<DecidePenaltyRequest>,
) -> Result<DecidePenaltyResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let name: LedgerEntryName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let operation = MoveEntry {
        receipt: shared.receipt(&caller, METHOD, &name.site, request_id, &request),
        name,
        etag: request.etag,
        to: Move::Confirm {
            stands: request.stands,
        },
        reason: parse::text("reason", request.reason)?,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let entry = shared.db.run(&scope, &operation).await?;
    Ok(DecidePenaltyResponse {
        entry: Some(render_entry(&entry)),
    })
}
