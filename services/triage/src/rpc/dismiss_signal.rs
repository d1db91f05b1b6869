//! Dismisses a signal, so that it does not count any more, and decides again.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SignalName;
use redress_proto::triage::v1::{DismissSignalRequest, DismissSignalResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::judge_signal::{self, Asked, Judgement};
use super::{Shared, overrule};

const METHOD: &str = "redress.triage.v1.TriageService/DismissSignal";

pub(super) async fn run(
    shared: &Shared,
    request: Request<DismissSignalRequest>,
) -> Result<DismissSignalResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let name: SignalName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = Asked {
        receipt: shared.receipt(&caller, METHOD, &name.site, request_id, &request),
        caller: &caller,
        name,
        judgement: Judgement::Dismiss(overrule::reason(request.reason)?),
        etag: request.etag,
    };
    let (signal, decision) = judge_signal::run(shared, asked).await?;
    Ok(DismissSignalResponse {
        signal: Some(signal),
        decision,
    })
}
