//! Lists disputes, newest first.

use redress_model::Fault;
use redress_proto::assignment::v1::{ListDisputesRequest, ListDisputesResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use tonic::Request;

use super::super::{Shared, parse as names};
use super::matter::{self, Key};
use super::{parse, render};
use crate::domain::practice::dispute::Dispute;
use crate::store::matters::Filter;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListDisputesRequest>,
) -> Result<ListDisputesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListDisputes", size, &token, &request)?;
    let site = names::site_or_any(&request.parent)?;
    let filter = Filter {
        case: parse::case_of(site.as_ref(), &request.case)?,
        open: request.open,
        site,
        ..Default::default()
    };
    let (rows, next_page_token) = matter::list::<Dispute>(shared, &caller, filter, &page).await?;
    Ok(ListDisputesResponse {
        disputes: rows
            .into_iter()
            .map(|kept| render::dispute(kept, Vec::new()))
            .collect(),
        next_page_token,
    })
}
