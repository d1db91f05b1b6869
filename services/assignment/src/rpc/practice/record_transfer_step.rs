//! Records what became of a transfer: more time asked for, granted or refused, answered, called back, a visit.

use jiff::Timestamp;
use redress_model::Fault;
use redress_proto::assignment::v1::record_transfer_step_request::Step as Given;
use redress_proto::assignment::v1::{RecordTransferStepRequest, RecordTransferStepResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::matter::{self, Step as Change};
use super::{parse, render};
use crate::domain::practice::law::cn;
use crate::domain::practice::transfer::{Step, Transfer};

const METHOD: &str = "redress.assignment.v1.TransferService/RecordTransferStep";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RecordTransferStepRequest>,
) -> Result<RecordTransferStepResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let (site, id) = matter::parse::<Transfer>("name", &request.name)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let change = Change::<Transfer> {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        id,
        etag: request.etag,
        step: step(request.step, shared.clock.now())?,
        text: request.text,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &change).await?;
    Ok(RecordTransferStepResponse {
        transfer: Some(render::transfer(kept, Vec::new())),
    })
}

fn step(given: Option<Given>, now: Timestamp) -> Result<Step, Fault> {
    Ok(match given {
        None => return Err(Fault::invalid("step", "must be given")),
        Some(Given::ExtensionRequested(s)) => Step::ExtensionRequested(parse::deadline(
            "extension_requested.wished_due_time",
            s.wished_due_time.as_ref(),
            now,
        )?),
        Some(Given::ExtensionGranted(s)) => Step::ExtensionGranted {
            due: parse::deadline("extension_granted.due_time", s.due_time.as_ref(), now)?,
            granted: match &s.grant_time {
                None => now,
                given => parse::time("extension_granted.grant_time", given.as_ref())?,
            },
        },
        Some(Given::ExtensionRefused(_)) => Step::ExtensionRefused,
        Some(Given::Answered(s)) => {
            Step::Answered(parse::time("answered.answer_time", s.answer_time.as_ref())?)
        }
        Some(Given::CalledBack(s)) => {
            let score = u8::try_from(s.score).ok().filter(|n| (1..=5).contains(n));
            Step::CalledBack(
                score.ok_or_else(|| Fault::invalid("called_back.score", "must be from 1 to 5"))?,
            )
        }
        Some(Given::Visited(s)) => {
            let came = u32::try_from(s.representatives).ok().filter(|n| *n > 0);
            let came =
                came.ok_or_else(|| Fault::invalid("visited.representatives", "must be 1 or more"))?;
            Step::visited(cn(), came)
        }
    })
}
