//! Lists people.

use jiff::Timestamp;
use redress_model::Fault;
use redress_proto::assignment::v1::{ListStaffRequest, ListStaffResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse, render};
use crate::store::sites;
use crate::store::staff::{self, Filter, Staff};

type Key = (Timestamp, String, String);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListStaffRequest>,
) -> Result<ListStaffResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListStaff", size, &token, &request)?;
    let site = parse::site_or_any(&request.parent)?;
    let operation = List {
        filter: Filter {
            department: parse::department_of("department", site.as_ref(), &request.department)?,
            show_retired: request.show_retired,
            site,
        },
        after: page.after().cloned(),
        limit: page.limit(),
    };
    let rows = shared.db.read(&scope, &operation).await?;
    let (rows, next_page_token) = page.finish(rows, |s| {
        (s.created_at, s.name.site.to_string(), s.name.id.to_string())
    });
    Ok(ListStaffResponse {
        staff: rows.into_iter().map(render::staff).collect(),
        next_page_token,
    })
}

struct List {
    filter: Filter,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_staff";
    type Output = Vec<Staff>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Staff>, Fault> {
        let rows = staff::list(tx, &self.filter, self.after.as_ref(), self.limit).await?;
        sites::found(tx, self.filter.site.as_ref(), rows).await
    }
}
