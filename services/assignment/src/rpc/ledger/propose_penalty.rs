//! Proposes a penalty (M13): whoever supervises says what somebody should bear, and somebody with authority decides.

use redress_model::Fault;
use redress_proto::assignment::v1::{ProposePenaltyRequest, ProposePenaltyResponse};
use redress_proto::convert::required;
use redress_rpc::Caller;
use tonic::Request;

use super::add_ledger_entries::{Add, bearers, fen_of};
use super::{Shared, case_at, parse, render_entry};
use crate::domain::ledger::EntryKind;

const METHOD: &str = "redress.assignment.v1.LedgerService/ProposePenalty";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ProposePenaltyRequest>,
) -> Result<ProposePenaltyResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let operation = Add {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        kind: EntryKind::Penalty,
        cause: required("cause", request.cause)?,
        case: case_at(&site, &request.case)?,
        staff: bearers(&site, &request.staff)?,
        reason: parse::text("reason", request.reason)?,
        amount_fen: fen_of(request.amount.as_ref())?,
        proposed: true,
        caller: &caller,
        site,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let entries = shared.db.run(&scope, &operation).await?;
    Ok(ProposePenaltyResponse {
        entries: entries.iter().map(render_entry).collect(),
    })
}
