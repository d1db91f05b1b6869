//! Says that a corrective action is done.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CorrectiveActionName;
use redress_proto::assignment::v1::{
    CompleteCorrectiveActionRequest, CompleteCorrectiveActionResponse,
};
use redress_rpc::Caller;
use tonic::Request;

use super::move_action::MoveAction;
use super::{Shared, parse, render_action};
use crate::domain::action::Move;

const METHOD: &str = "redress.assignment.v1.LedgerService/CompleteCorrectiveAction";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CompleteCorrectiveActionRequest>,
) -> Result<CompleteCorrectiveActionResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let name: CorrectiveActionName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let now = shared.clock.now();
    let operation = MoveAction {
        receipt: shared.receipt(&caller, METHOD, &name.site, request_id, &request),
        name,
        to: Move::Complete,
        due: None,
        etag: request.etag,
        note: parse::text("note", request.note)?,
        caller: &caller,
        now,
    };
    let scope = redress_runtime::scope(&caller);
    let action = shared.db.run(&scope, &operation).await?;
    Ok(CompleteCorrectiveActionResponse {
        action: Some(render_action(&action, now)),
    })
}
