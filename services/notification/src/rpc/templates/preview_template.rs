//! PreviewTemplate: a text written from sample data, and what the wording check finds in it.

use redress_model::Fault;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_wording::Audience;
use tonic::Request;

use super::TemplateTexts;
use crate::domain::render::{Templates, sample};
use crate::domain::texts::{self, Source};
use crate::rpc::texts::Holds;
use crate::rpc::wording;

pub(super) async fn handle(
    service: &TemplateTexts,
    request: Request<proto::PreviewTemplateRequest>,
) -> Result<proto::PreviewTemplateResponse, Fault> {
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
    let draft = Source {
        subject: asked.subject.clone(),
        body: asked.body.clone(),
    };
    let source = if draft.is_empty() {
        texts::template(&holding, template, language)
            .map_or_else(|| Templates::built_in(template, language), |own| own.source)
    } else {
        let problems = Templates::check(template, language, &draft);
        if !problems.is_empty() {
            return Err(super::wrong(problems));
        }
        draft
    };
    let text = sample(template, language, &source, true).map_err(Fault::internal)?;
    let whole = format!("{}\n{}", text.subject, text.body);
    let hits = if template.is_outward() {
        texts::check(&holding, &whole, Audience::Complainant)
    } else {
        Vec::new()
    };
    Ok(proto::PreviewTemplateResponse {
        subject: text.subject,
        body: text.body,
        hits: wording::hits(&hits, language.tag()),
    })
}
