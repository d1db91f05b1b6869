//! Lists who opened what is sealed here, newest first: for whoever audits (M06, M14).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{SiteId, StaffName};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::{ListAccessesRequest, ListAccessesResponse};
use redress_proto::convert::{from_wire, to_timestamp, to_wire};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, parse};
use crate::store::accesses::{self, Access, Filter};
use crate::store::sites;

type Key = (Timestamp, Uuid);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListAccessesRequest>,
) -> Result<ListAccessesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListAccesses", size, &token, &request)?;
    let site = parse::site(&request.parent)?;
    let case = parse::case_in("work", &site, &request.work)?;
    let asker = caller.staff.as_ref().filter(|staff| staff.site == site);
    let operation = List {
        filter: Filter {
            case: case.map(|case| case.id),
            kind: from_wire(request.kind),
            not_about: asker.map(|staff| staff.id.clone()),
            site,
        },
        after: page.after().copied(),
        limit: page.limit(),
    };
    let scope = redress_runtime::scope(&caller);
    let rows = shared.db.read(&scope, &operation).await?;
    let (rows, next_page_token) = page.finish(rows, |access| (access.at, access.id));
    let site = &operation.filter.site;
    Ok(ListAccessesResponse {
        accesses: rows.into_iter().map(|row| render(site, row)).collect(),
        next_page_token,
    })
}

fn render(site: &SiteId, access: Access) -> wire::Access {
    wire::Access {
        kind: to_wire(access.kind),
        access_time: Some(to_timestamp(access.at)),
        reader: access.reader,
        staff: StaffName::new(site.clone(), access.staff).to_string(),
        case: access
            .case
            .map_or_else(String::new, |case| case.to_string()),
        purpose: access.purpose,
    }
}

struct List {
    filter: Filter,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_accesses";
    type Output = Vec<Access>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Access>, Fault> {
        let rows = accesses::list(tx, &self.filter, self.after.as_ref(), self.limit).await?;
        sites::found(tx, Some(&self.filter.site), rows).await
    }
}
