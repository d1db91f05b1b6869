//! Lists contractors, newest first.

use redress_model::Fault;
use redress_proto::assignment::v1::{ListContractorsRequest, ListContractorsResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use tonic::Request;

use super::super::{Shared, parse as names};
use super::matter::{self, Key};
use super::render;
use crate::domain::practice::contractor::Contractor;
use crate::store::matters::Filter;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListContractorsRequest>,
) -> Result<ListContractorsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListContractors", size, &token, &request)?;
    let site = names::site_or_any(&request.parent)?;
    let filter = Filter {
        site,
        ..Default::default()
    };
    let (rows, next_page_token) =
        matter::list::<Contractor>(shared, &caller, filter, &page).await?;
    Ok(ListContractorsResponse {
        contractors: rows.into_iter().map(render::contractor).collect(),
        next_page_token,
    })
}
