//! ListTemplateRevisions: what a level's text was, newest first.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use tonic::Request;

use super::TemplateTexts;
use crate::domain::texts::{Subject, TextScope};
use crate::domain::words::Template;
use crate::rpc::texts::Revisions;

pub(super) async fn handle(
    service: &TemplateTexts,
    request: Request<proto::ListTemplateRevisionsRequest>,
) -> Result<proto::ListTemplateRevisionsResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let scope: TextScope = parse_field("parent", &asked.parent)?;
    let template = Template::of_key(&asked.template)
        .ok_or_else(|| Fault::invalid("template", "must be one that ListTemplates names"))?;
    let language = super::read_language(&asked.language)?;
    let question = proto::ListTemplateRevisionsRequest {
        page_size: 0,
        page_token: String::new(),
        ..asked.clone()
    };
    let method = "ListTemplateRevisions";
    let page: Page<i32> = Page::of(method, asked.page_size, &asked.page_token, &question)?;
    let list = Revisions {
        scope: &scope,
        subject: Subject::Template(template, language),
        below: page.after().copied(),
        limit: page.limit(),
        caller,
    };
    let rows = redress_runtime::sight(caller)
        .read(&service.db, &list)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.revision);
    Ok(proto::ListTemplateRevisionsResponse {
        revisions: rows
            .into_iter()
            .map(|row| super::revision(row, template, language))
            .collect::<Result<_, _>>()?,
        next_page_token,
    })
}
