//! Lists the revisions of an organization, a region or a site, newest first.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_proto::triage::v1::{ListPolicyRevisionsRequest, ListPolicyRevisionsResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Shared;
use super::policy_service::{require_inside, revision};
use crate::domain::policies::{Head, PolicyScope};
use crate::store::policies::{self, Revision};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListPolicyRevisionsRequest>,
) -> Result<ListPolicyRevisionsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = std::mem::take(&mut request.page_size);
    let token = std::mem::take(&mut request.page_token);
    let page: Page<u32> = Page::of("ListPolicyRevisions", size, &token, &request)?;
    let list = List {
        scope: parse_field("parent", &request.parent)?,
        before: page.after().copied(),
        limit: page.limit(),
        caller: &caller,
    };
    let scope = redress_runtime::scope(&caller);
    let (rows, heads) = shared.desk.db.read(&scope, &list).await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.revision);
    let now = shared.desk.now();
    Ok(ListPolicyRevisionsResponse {
        revisions: rows.iter().map(|row| revision(row, &heads, now)).collect(),
        next_page_token,
    })
}

struct List<'a> {
    scope: PolicyScope,
    before: Option<u32>,
    limit: i64,
    caller: &'a Caller,
}

impl Operation for List<'_> {
    const NAME: &'static str = "triage.list_policy_revisions";
    type Output = (Vec<Revision>, Vec<Head>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        require_inside(tx, self.caller, &self.scope).await?;
        let rows = policies::list(tx, &self.scope, self.before, self.limit).await?;
        let heads = policies::heads(tx, std::slice::from_ref(&self.scope)).await?;
        Ok((rows, heads))
    }
}
