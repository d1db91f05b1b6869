//! Records that an outside body transferred a case; its deadline starts a clock of its own (section 10).

use redress_model::Fault;
use redress_proto::assignment::v1::{RecordTransferRequest, RecordTransferResponse};
use redress_proto::convert::required;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::matter::Record;
use super::{parse, place, render};
use crate::domain::practice::transfer::{Body, ByPolicy, Extension, Step, Transfer};

const METHOD: &str = "redress.assignment.v1.TransferService/RecordTransfer";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RecordTransferRequest>,
) -> Result<RecordTransferResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case(&request.case)?;
    caller.require_site(&case.site)?;
    let body: Body = required("body", request.body)?;
    let received = parse::time("receive_time", request.receive_time.as_ref())?;
    let (due, by_policy) = if request.due_time.is_some() {
        let due = parse::deadline("due_time", request.due_time.as_ref(), shared.clock.now())?;
        (due, None)
    } else {
        let (policy, zone) = place::of(shared, &caller, &case.site).await?;
        let by = ByPolicy {
            days: body.days(&policy.practice()),
            profile: policy.profile,
            revision: policy.revision,
        };
        let due = by.due(received, zone);
        let due = due.ok_or_else(|| Fault::invalid("receive_time", "must not lie ahead"))?;
        (due, Some(by))
    };
    let request_id = std::mem::take(&mut request.request_id);
    let record = Record {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        site: case.site.clone(),
        case: Some(case),
        matter: Transfer {
            body,
            received,
            due,
            granted: None,
            by_policy,
            office: request.office,
            outside_number: request.outside_number,
            return_form: request.return_form,
            extension: Extension::None,
            wished: None,
            answered: None,
            score: None,
            representatives: 0,
        },
        step: Step::Recorded,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &record).await?;
    Ok(RecordTransferResponse {
        transfer: Some(render::transfer(kept, Vec::new())),
    })
}
