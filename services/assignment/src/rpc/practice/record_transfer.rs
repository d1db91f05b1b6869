//! Records that an outside body transferred a case; its deadline starts a clock of its own (section 10).

use redress_model::Fault;
use redress_proto::assignment::v1::{RecordTransferRequest, RecordTransferResponse};
use redress_proto::convert::required;
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::matter::Record;
use super::{parse, render};
use crate::domain::practice::transfer::{Extension, Step, Transfer};

const METHOD: &str = "redress.assignment.v1.TransferService/RecordTransfer";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RecordTransferRequest>,
) -> Result<RecordTransferResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case(&request.case)?;
    caller.require_site(&case.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let record = Record {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        site: case.site.clone(),
        case: Some(case),
        matter: Transfer {
            body: required("body", request.body)?,
            received: parse::time("receive_time", request.receive_time.as_ref())?,
            due: parse::deadline("due_time", request.due_time.as_ref(), shared.clock.now())?,
            granted: None,
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
