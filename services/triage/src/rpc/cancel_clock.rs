//! Says that nobody needs a clock any more that a person started, or a signal that no dismissal takes back.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClockName;

use redress_proto::triage::v1::{CancelClockRequest, CancelClockResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::Shared;
use super::change_clock::{Change, change};
use crate::casework::Act;

const METHOD: &str = "redress.triage.v1.ClockService/CancelClock";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CancelClockRequest>,
) -> Result<CancelClockResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let name: ClockName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let now = shared.desk.now();
    let request_id = std::mem::take(&mut request.request_id);
    let act = Change {
        receipt: shared.receipt(&caller, METHOD, &name.site, request_id, &request),
        name,
        etag: request.etag,
        act: Act::Cancel,
        reason: request.reason,
        caller: &caller,
        now,
    };
    Ok(CancelClockResponse {
        clock: Some(change(shared, act).await?),
    })
}
