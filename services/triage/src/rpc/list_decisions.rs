//! Lists the decisions on a case, newest first.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_proto::triage::v1::{ListDecisionsRequest, ListDecisionsResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render, require_visible};
use crate::store::decisions::{self, DecisionRow};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListDecisionsRequest>,
) -> Result<ListDecisionsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<i64> = Page::of("ListDecisions", size, &token, &request)?;
    let list = List {
        case: parse_field("parent", &request.parent)?,
        below: page.after().copied(),
        limit: page.limit(),
        caller: &caller,
    };
    let rows = shared
        .desk
        .db
        .read(&redress_runtime::scope(&caller), &list)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.revision);
    Ok(ListDecisionsResponse {
        decisions: rows
            .into_iter()
            .map(|row| render::decision(&list.case.site, row))
            .collect(),
        next_page_token,
    })
}

struct List<'a> {
    case: CaseName,
    below: Option<i64>,
    limit: i64,
    caller: &'a Caller,
}

impl Operation for List<'_> {
    const NAME: &'static str = "triage.list_decisions";
    type Output = Vec<DecisionRow>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<DecisionRow>, Fault> {
        require_visible(tx, self.caller, &self.case).await?;
        decisions::page(tx, &self.case.site, self.case.id, self.below, self.limit).await
    }
}
