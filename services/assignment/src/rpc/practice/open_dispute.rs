//! Opens a dispute about a case (M04).

use redress_model::Fault;
use redress_proto::assignment::v1::{OpenDisputeRequest, OpenDisputeResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::matter::Record;
use super::{parse, render};
use crate::domain::practice::dispute::{Dispute, Step};

const METHOD: &str = "redress.assignment.v1.DisputeService/OpenDispute";

pub(super) async fn run(
    shared: &Shared,
    request: Request<OpenDisputeRequest>,
) -> Result<OpenDisputeResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case(&request.case)?;
    caller.require_site(&case.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let record = Record {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        site: case.site.clone(),
        case: Some(case),
        matter: Dispute::new(request.subject),
        step: Step::Opened,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &record).await?;
    Ok(OpenDisputeResponse {
        dispute: Some(render::dispute(kept, Vec::new())),
    })
}
