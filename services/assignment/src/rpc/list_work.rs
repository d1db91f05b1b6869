//! Lists work.

use jiff::Timestamp;
use redress_model::Fault;
use redress_proto::assignment::v1::{ListWorkRequest, ListWorkResponse};
use redress_proto::convert::from_wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, parse, render};
use crate::domain::work::Work;
use crate::store::sites;
use crate::store::work::{self, Filter};

type Key = (Timestamp, Uuid);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListWorkRequest>,
) -> Result<ListWorkResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListWork", size, &token, &request)?;
    let site = parse::site_or_any(&request.parent)?;
    let operation = List {
        filter: Filter {
            statuses: request
                .statuses
                .iter()
                .filter_map(|n| from_wire(*n))
                .collect(),
            responsible: parse::staff_of("responsible", site.as_ref(), &request.responsible)?,
            offered_to: parse::staff_of("offered_to", site.as_ref(), &request.offered_to)?,
            department: parse::department_of("department", site.as_ref(), &request.department)?,
            not_about: caller.staff.clone().map(|s| (s.site, s.id)),
            site,
        },
        after: page.after().copied(),
        limit: page.limit(),
    };
    let scope = redress_runtime::scope(&caller);
    let rows = shared.db.read(&scope, &operation).await?;
    let (rows, next_page_token) = page.finish(rows, |w| (w.created_at, w.case.id));
    Ok(ListWorkResponse {
        work: rows.into_iter().map(render::work).collect(),
        next_page_token,
    })
}

struct List {
    filter: Filter,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_work";
    type Output = Vec<Work>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Work>, Fault> {
        let rows = work::list(tx, &self.filter, self.after.as_ref(), self.limit).await?;
        sites::found(tx, self.filter.site.as_ref(), rows).await
    }
}
