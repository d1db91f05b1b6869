//! Lists what is promised at a site and not done yet.

use jiff::Timestamp;
use redress_model::Fault;
use redress_proto::assignment::v1::{ListOpenPromisesRequest, ListOpenPromisesResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse, render, seen_by};
use crate::store::promises::{self, Filter, Promise};
use crate::store::sites;

type Key = (Timestamp, String);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListOpenPromisesRequest>,
) -> Result<ListOpenPromisesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListOpenPromises", size, &token, &request)?;
    let site = parse::site_or_any(&request.parent)?;
    let staff = parse::staff_of("staff", site.as_ref(), &request.staff)?;
    let operation = List {
        filter: seen_by(&caller, site, staff),
        after: page.after().cloned(),
        limit: page.limit(),
    };
    let scope = redress_runtime::scope(&caller);
    let rows = shared.db.read(&scope, &operation).await?;
    let (rows, next_page_token) = page.finish(rows, Promise::key);
    let now = shared.clock.now();
    Ok(ListOpenPromisesResponse {
        promises: rows.into_iter().map(|p| render(p, now)).collect(),
        next_page_token,
    })
}

struct List {
    filter: Filter,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_open_promises";
    type Output = Vec<Promise>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Promise>, Fault> {
        let rows = promises::list(tx, &self.filter, self.after.as_ref(), self.limit).await?;
        sites::found(tx, self.filter.site.as_ref(), rows).await
    }
}
