//! Says until when an entry of the register holds.

use redress_model::Fault;
use redress_proto::assignment::v1::{EndRegisterEntryRequest, EndRegisterEntryResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::matter::{self, Step as Change};
use super::{parse, render};
use crate::domain::practice::register::{Entry, Step};

const METHOD: &str = "redress.assignment.v1.RegisterService/EndRegisterEntry";

pub(super) async fn run(
    shared: &Shared,
    request: Request<EndRegisterEntryRequest>,
) -> Result<EndRegisterEntryResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let (site, id) = matter::parse::<Entry>("name", &request.name)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let change = Change::<Entry> {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        id,
        etag: request.etag,
        step: Step::Ended(parse::day("valid_to", &request.valid_to)?),
        text: request.reason,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &change).await?;
    Ok(EndRegisterEntryResponse {
        entry: Some(render::entry(kept, Vec::new())),
    })
}
