//! Lists what is promised at a site and not done yet.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, StaffName};
use redress_proto::assignment::v1::{
    ListOpenPromisesRequest, ListOpenPromisesResponse, OpenPromise,
};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse};
use crate::store::promises::{self, Filter, Promise};
use crate::store::sites;

/// Lets its holder see everybody's entries of the ledger.
const SEE_ENTRIES: &str = "ledger.list";

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
    let operation = List {
        filter: Filter {
            staff: parse::staff_of("staff", site.as_ref(), &request.staff)?,
            site,
            all_entries: caller.may(SEE_ENTRIES),
            caller: caller.staff.clone().map(|s| (s.site, s.id)),
        },
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

fn render(promise: Promise, now: Timestamp) -> OpenPromise {
    let site = &promise.site;
    OpenPromise {
        kind: to_wire(promise.kind),
        resource: format!("sites/{site}/{}", promise.resource),
        case: promise.case.map_or_else(String::new, |id| {
            CaseName::new(site.clone(), id).to_string()
        }),
        number: promise.number,
        staff: promise.staff.map_or_else(String::new, |id| {
            StaffName::new(site.clone(), id).to_string()
        }),
        text: promise.text,
        due_time: promise.due.map(to_timestamp),
        overdue: !promise.held && promise.due.is_some_and(|due| due <= now),
        held: promise.held,
    }
}
