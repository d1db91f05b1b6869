//! ListTemplates: what holds at a site, with its origin and variables.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SiteName;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use tonic::Request;

use super::TemplateTexts;
use crate::domain::words::{Language, Template};
use crate::rpc::texts::Holds;

pub(super) async fn handle(
    service: &TemplateTexts,
    request: Request<proto::ListTemplatesRequest>,
) -> Result<proto::ListTemplatesResponse, Fault> {
    let caller = Caller::of(&request)?;
    let SiteName(site) = parse_field("parent", &request.get_ref().parent)?;
    caller.require_site(&site)?;
    let holds = Holds {
        site: &site,
        now: service.clock.now(),
    };
    let (holding, _) = redress_runtime::sight(caller)
        .read(&service.db, &holds)
        .await?;
    let mut templates = Vec::new();
    for template in Template::ALL {
        for language in Language::ALL {
            templates.push(super::template(&site, *template, *language, &holding));
        }
    }
    Ok(proto::ListTemplatesResponse { templates })
}
