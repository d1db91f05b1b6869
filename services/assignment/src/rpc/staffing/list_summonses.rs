//! Lists who has to appear because of group complaints, newest first.

use jiff::Timestamp;
use redress_model::Fault;
use redress_proto::assignment::v1::{ListSummonsesRequest, ListSummonsesResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, asker, render};
use crate::rpc::parse;
use crate::store::sites;
use crate::store::summonses::{self, Filter, Summons};

type Key = (Timestamp, Uuid);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListSummonsesRequest>,
) -> Result<ListSummonsesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListSummonses", size, &token, &request)?;
    let site = parse::site(&request.parent)?;
    let case = parse::case_in("work", &site, &request.work)?;
    let operation = List {
        filter: Filter {
            case: case.map(|case| case.id),
            open_only: request.open_only,
            not_about: asker(&caller, &site),
            site,
        },
        after: page.after().copied(),
        limit: page.limit(),
    };
    let scope = redress_runtime::scope(&caller);
    let rows = shared.db.read(&scope, &operation).await?;
    let (rows, next_page_token) = page.finish(rows, |s| (s.at, s.id));
    Ok(ListSummonsesResponse {
        summonses: rows.into_iter().map(render::summons).collect(),
        next_page_token,
    })
}

struct List {
    filter: Filter,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_summonses";
    type Output = Vec<Summons>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Summons>, Fault> {
        let rows = summonses::list(tx, &self.filter, self.after.as_ref(), self.limit).await?;
        sites::found(tx, Some(&self.filter.site), rows).await
    }
}
