//! Says that what a clock promises was done, where no event says so.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClockName;

use redress_proto::triage::v1::{MeetClockRequest, MeetClockResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::change_clock::{Change, change};
use super::{Shared, parse};
use crate::casework::Act;

const METHOD: &str = "redress.triage.v1.ClockService/MeetClock";

pub(super) async fn run(
    shared: &Shared,
    request: Request<MeetClockRequest>,
) -> Result<MeetClockResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let name: ClockName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let now = shared.desk.now();
    let at = parse::past("meet_time", request.meet_time.as_ref(), now)?;
    let request_id = std::mem::take(&mut request.request_id);
    let act = Change {
        receipt: shared.receipt(&caller, METHOD, &name.site, request_id, &request),
        name,
        etag: request.etag,
        act: Act::Meet(at),
        reason: "by hand".to_owned(),
        caller: &caller,
        now,
    };
    Ok(MeetClockResponse {
        clock: Some(change(shared, act).await?),
    })
}
