//! Lists departments.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{ListDepartmentsRequest, ListDepartmentsResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse, render};
use crate::store::departments::{self, Department};
use crate::store::sites;

type Key = (Timestamp, String, String);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListDepartmentsRequest>,
) -> Result<ListDepartmentsResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListDepartments", size, &token, &request)?;
    let operation = List {
        site: parse::site_or_any(&request.parent)?,
        after: page.after().cloned(),
        limit: page.limit(),
    };
    let rows = shared.db.read(&scope, &operation).await?;
    let (rows, next_page_token) = page.finish(rows, |d| {
        (d.created_at, d.name.site.to_string(), d.name.id.to_string())
    });
    Ok(ListDepartmentsResponse {
        departments: rows.into_iter().map(render::department).collect(),
        next_page_token,
    })
}

struct List {
    site: Option<SiteId>,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_departments";
    type Output = Vec<Department>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Department>, Fault> {
        let site = self.site.as_ref();
        let rows = departments::list(tx, site, self.after.as_ref(), self.limit).await?;
        sites::found(tx, site, rows).await
    }
}
