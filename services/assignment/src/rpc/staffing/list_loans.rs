//! Lists loans of a site, what ends last first.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{ListLoansRequest, ListLoansResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, render};
use crate::rpc::parse;
use crate::store::demands::{self, Loan};
use crate::store::sites;

type Key = (Timestamp, Uuid);

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListLoansRequest>,
) -> Result<ListLoansResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<Key> = Page::of("ListLoans", size, &token, &request)?;
    let operation = List {
        site: parse::site(&request.parent)?,
        after: page.after().copied(),
        limit: page.limit(),
    };
    let rows = shared.db.read(&scope, &operation).await?;
    let (rows, next_page_token) = page.finish(rows, |(id, loan)| (loan.until, *id));
    Ok(ListLoansResponse {
        loans: rows
            .iter()
            .map(|(id, loan)| render::loan(&operation.site, *id, loan))
            .collect(),
        next_page_token,
    })
}

struct List {
    site: SiteId,
    after: Option<Key>,
    limit: i64,
}

impl Operation for List {
    const NAME: &'static str = "assignment.list_loans";
    type Output = Vec<(Uuid, Loan)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let rows = demands::loans(tx, &self.site, self.after.as_ref(), self.limit).await?;
        sites::found(tx, Some(&self.site), rows).await
    }
}
