//! Retires an entry of the solution library: it is suggested no more.

use redress_model::Fault;
use redress_proto::assignment::v1::{RetireLibraryEntryRequest, RetireLibraryEntryResponse};
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::list_library_entries::with_said;
use super::matter::{self, Step as Change};
use super::render;
use crate::domain::practice::library::{Entry, Step};

const METHOD: &str = "redress.assignment.v1.LibraryService/RetireLibraryEntry";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RetireLibraryEntryRequest>,
) -> Result<RetireLibraryEntryResponse, Fault> {
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
        step: Step::Retired,
        text: request.reason,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &change).await?;
    let mut entries = with_said(shared, &caller, vec![kept]).await?;
    Ok(RetireLibraryEntryResponse {
        entry: entries
            .pop()
            .map(|(kept, said)| render::library(kept, said, Vec::new())),
    })
}
