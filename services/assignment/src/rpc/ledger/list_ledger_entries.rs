//! Lists entries.

use jiff::Timestamp;
use redress_model::Fault;
use redress_proto::assignment::v1::{ListLedgerEntriesRequest, ListLedgerEntriesResponse};
use redress_proto::convert::from_wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, bears, is_about, parse, render_entry};
use crate::store::ledger::{self, Entry, Filter};
use crate::store::sites;

type Key = (Timestamp, Uuid);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListLedgerEntriesRequest>,
) -> Result<ListLedgerEntriesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListLedgerEntries", size, &token, &request)?;
    let site = parse::site_or_any(&request.parent)?;
    let operation = List {
        filter: Filter {
            state: from_wire(request.state),
            staff: parse::staff_of("staff", site.as_ref(), &request.staff)?,
            site,
            not_about: caller.staff.clone(),
        },
        after: page.after().copied(),
        limit: page.limit(),
        caller: &caller,
    };
    let scope = redress_runtime::scope(&caller);
    let rows = shared.db.read(&scope, &operation).await?;
    let (rows, next_page_token) = page.finish(rows, |e| (e.created_at, e.id));
    Ok(ListLedgerEntriesResponse {
        entries: rows.iter().map(render_entry).collect(),
        next_page_token,
    })
}

struct List<'a> {
    filter: Filter,
    after: Option<Key>,
    limit: i64,
    caller: &'a Caller,
}

impl Operation for List<'_> {
    const NAME: &'static str = "assignment.list_ledger_entries";
    type Output = Vec<Entry>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Entry>, Fault> {
        let entries = ledger::list(tx, &self.filter, self.after.as_ref(), self.limit).await?;
        let mut entries = sites::found(tx, self.filter.site.as_ref(), entries).await?;
        for entry in &mut entries {
            if bears(self.caller, entry)
                && is_about(tx, self.caller, &entry.site, entry.case).await?
            {
                entry.case = None;
            }
        }
        Ok(entries)
    }
}
