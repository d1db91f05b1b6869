//! Moves the deadline of a running clock later: only a person does.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClockName;
use redress_proto::triage::v1::{ExtendClockRequest, ExtendClockResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::change_clock::{Change, change};
use super::{Shared, parse};
use crate::casework::Act;

const METHOD: &str = "redress.triage.v1.ClockService/ExtendClock";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ExtendClockRequest>,
) -> Result<ExtendClockResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let name: ClockName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let now = shared.desk.now();
    let due = request
        .due_time
        .as_ref()
        .ok_or_else(|| Fault::invalid("due_time", "must be given"))?;
    let due = parse::ahead("due_time", due, now)?;
    let request_id = std::mem::take(&mut request.request_id);
    let act = Change {
        receipt: shared.receipt(&caller, METHOD, &name.site, request_id, &request),
        name,
        etag: request.etag,
        act: Act::Extend(due),
        reason: request.reason,
        caller: &caller,
        now,
    };
    Ok(ExtendClockResponse {
        clock: Some(change(shared, act).await?),
    })
}
