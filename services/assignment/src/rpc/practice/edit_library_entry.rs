//! Edits an entry of the solution library; one that was withheld is published if it now bears it.

use redress_model::Fault;
use redress_proto::assignment::v1::{EditLibraryEntryRequest, EditLibraryEntryResponse};
use redress_proto::convert::{from_money, from_wire};
use redress_rpc::Caller;
use tonic::Request;

use super::super::Shared;
use super::list_library_entries::with_said;
use super::matter::{self, Step as Change};
use super::render;
use crate::domain::practice::library::{Edit, Entry, Step};

const METHOD: &str = "redress.assignment.v1.LibraryService/EditLibraryEntry";

pub(super) async fn run(
    shared: &Shared,
    request: Request<EditLibraryEntryRequest>,
) -> Result<EditLibraryEntryResponse, Fault> {
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
        step: Step::Edited(Edit {
            summary: given(request.summary),
            root_cause: given(request.root_cause),
            class: from_wire(request.defect_class),
            amount: request
                .amount
                .as_ref()
                .map(|amount| from_money("amount", amount))
                .transpose()?,
        }),
        text: String::new(),
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &change).await?;
    let mut entries = with_said(shared, &caller, vec![kept]).await?;
    Ok(EditLibraryEntryResponse {
        entry: entries
            .pop()
            .map(|(kept, said)| render::library(kept, said, Vec::new())),
    })
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
