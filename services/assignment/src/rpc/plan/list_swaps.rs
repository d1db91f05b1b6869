//! Lists swaps of a site, what ends last first.

use jiff::Timestamp;
use redress_model::Fault;
use redress_proto::assignment::v1::{ListSwapsRequest, ListSwapsResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, filter, render};
use crate::domain::plan::Swap;
use crate::store::plan::{self, Filter};
use crate::store::sites;

type Key = (Timestamp, Uuid);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListSwapsRequest>,
) -> Result<ListSwapsResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListSwaps", size, &token, &request)?;
    let operation = List {
        filter: filter(&request.parent, &request.staff, request.after_time.as_ref())?,
        after: page.after().copied(),
        limit: page.limit(),
    };
    let rows = shared.db.read(&scope, &operation).await?;
    let (rows, next_page_token) = page.finish(rows, |(id, swap)| (swap.until, *id));
    Ok(ListSwapsResponse {
        swaps: rows
            .iter()
            .map(|(id, swap)| render::swap(&operation.filter.site, *id, swap))
            .collect(),
        next_page_token,
    })
}

struct List {
    filter: Filter,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_swaps";
    type Output = Vec<(Uuid, Swap)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let rows = plan::swaps(tx, &self.filter, self.after.as_ref(), self.limit).await?;
        sites::found(tx, Some(&self.filter.site), rows).await
    }
}
