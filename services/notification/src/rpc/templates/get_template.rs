//! GetTemplate: one text as it holds at a site.

use redress_model::Fault;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use tonic::Request;

use super::TemplateTexts;
use crate::rpc::texts::Holds;

pub(super) async fn handle(
    service: &TemplateTexts,
    request: Request<proto::GetTemplateRequest>,
) -> Result<proto::GetTemplateResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let (site, template) = super::read_name(&asked.name)?;
    let language = super::read_language(&asked.language)?;
    caller.require_site(&site)?;
    let holds = Holds {
        site: &site,
        now: service.clock.now(),
    };
    let (holding, _) = redress_runtime::sight(caller)
        .read(&service.db, &holds)
        .await?;
    Ok(proto::GetTemplateResponse {
        template: Some(super::template(&site, template, language, &holding)),
    })
}
