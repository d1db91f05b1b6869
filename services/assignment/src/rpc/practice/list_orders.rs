//! Lists orders to contractors, newest first.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{ListOrdersRequest, ListOrdersResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use tonic::Request;

use super::super::{Shared, parse as names};
use super::matter::{self, Key};
use super::{parse, render};
use crate::domain::practice::contractor::{Contractor, Order};
use crate::store::matters::Filter;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListOrdersRequest>,
) -> Result<ListOrdersResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListOrders", size, &token, &request)?;
    let site = names::site_or_any(&request.parent)?;
    let filter = Filter {
        case: parse::case_of(site.as_ref(), &request.case)?,
        any_of: [
            of_contractor(site.as_ref(), &request.contractor)?,
            Vec::new(),
            Vec::new(),
        ],
        site,
        ..Default::default()
    };
    let (rows, next_page_token) = matter::list::<Order>(shared, &caller, filter, &page).await?;
    Ok(ListOrdersResponse {
        orders: rows
            .into_iter()
            .map(|kept| render::order(kept, Vec::new()))
            .collect(),
        next_page_token,
    })
}

/// The tag of a contractor of the list's site; none where none is named.
fn of_contractor(site: Option<&SiteId>, name: &str) -> Result<Vec<String>, Fault> {
    if name.is_empty() {
        return Ok(Vec::new());
    }
    let (of, id) = matter::parse::<Contractor>("contractor", name)?;
    match site {
        Some(site) if *site == of => Ok(vec![format!("contractor={id}")]),
        _ => Err(Fault::invalid(
            "contractor",
            "needs a parent that is its own site",
        )),
    }
}
