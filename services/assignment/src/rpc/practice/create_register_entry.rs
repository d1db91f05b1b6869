//! Adds an adverse fact or a sales promise to the register of a site (M10).

use redress_model::Fault;
use redress_proto::assignment::v1::{CreateRegisterEntryRequest, CreateRegisterEntryResponse};
use redress_proto::convert::{from_wire, required};
use redress_rpc::Caller;
use tonic::Request;

use super::super::{Shared, parse as names};
use super::matter::Record;
use super::{parse, render};
use crate::domain::practice::register::{Entry, Step};

const METHOD: &str = "redress.assignment.v1.RegisterService/CreateRegisterEntry";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CreateRegisterEntryRequest>,
) -> Result<CreateRegisterEntryResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = names::site(&request.parent)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let record = Record {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        site,
        case: None,
        matter: Entry {
            kind: required("kind", request.kind)?,
            from: parse::day("valid_from", &request.valid_from)?,
            to: parse::day_opt("valid_to", &request.valid_to)?,
            categories: request
                .categories
                .into_iter()
                .filter_map(from_wire)
                .collect(),
            text: request.text,
            source: request.source,
            units: request.units,
            show_flat: request.show_flat,
            stated_otherwise: request.stated_otherwise,
        },
        step: Step::Added,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &record).await?;
    Ok(CreateRegisterEntryResponse {
        entry: Some(render::entry(kept, Vec::new())),
    })
}
