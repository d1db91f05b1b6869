//! ListWordingRevisions: what a level's rules were, newest first.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use tonic::Request;

use super::Wording;
use crate::domain::texts::{Subject, TextScope};
use crate::rpc::texts::Revisions;

pub(super) async fn handle(
    service: &Wording,
    request: Request<proto::ListWordingRevisionsRequest>,
) -> Result<proto::ListWordingRevisionsResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let scope: TextScope = parse_field("parent", &asked.parent)?;
    let question = proto::ListWordingRevisionsRequest {
        page_size: 0,
        page_token: String::new(),
        ..asked.clone()
    };
    let method = "ListWordingRevisions";
    let page: Page<i32> = Page::of(method, asked.page_size, &asked.page_token, &question)?;
    let list = Revisions {
        scope: &scope,
        subject: Subject::Wording,
        below: page.after().copied(),
        limit: page.limit(),
        caller,
    };
    let rows = redress_runtime::sight(caller)
        .read(&service.db, &list)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.revision);
    Ok(proto::ListWordingRevisionsResponse {
        revisions: rows.into_iter().map(super::revision).collect(),
        next_page_token,
    })
}
