//! Lists transfers, newest first.

use redress_model::Fault;
use redress_proto::assignment::v1::{ListTransfersRequest, ListTransfersResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use tonic::Request;

use super::super::{Shared, parse as names};
use super::matter::{self, Key};
use super::{parse, render};
use crate::domain::practice::transfer::Transfer;
use crate::store::matters::Filter;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListTransfersRequest>,
) -> Result<ListTransfersResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListTransfers", size, &token, &request)?;
    let site = names::site_or_any(&request.parent)?;
    let filter = Filter {
        case: parse::case_of(site.as_ref(), &request.case)?,
        open: request.unanswered,
        site,
        ..Default::default()
    };
    let (rows, next_page_token) = matter::list::<Transfer>(shared, &caller, filter, &page).await?;
    Ok(ListTransfersResponse {
        transfers: rows
            .into_iter()
            .map(|kept| render::transfer(kept, Vec::new()))
            .collect(),
        next_page_token,
    })
}
