//! The TemplateService. One RPC a file; this one only knows which file is which, and how its nouns look on the wire.

mod apply_template;
mod get_template;
mod list_template_revisions;
mod list_templates;
mod preview_template;

use redress_model::Fault;
use redress_model::fault::{Violation, parse_field};
use redress_model::name::{SiteId, SiteName};
use redress_model::time::SharedClock;
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::template_service_server::TemplateService;
use redress_rpc::{Fingerprints, etag, status};
use redress_store::Database;
use tonic::{Request, Response, Status};

use crate::domain::render::{Templates, TextProblem};
use crate::domain::texts::{self, Holding, Source};
use crate::domain::variables;
use crate::domain::words::{Language, Template};
use crate::jobs::metrics::Metrics;
use crate::store::texts::Revision;

/// Answers whoever reads and writes templates.
#[derive(Debug)]
pub struct TemplateTexts {
    /// The database.
    pub db: Database,
    /// Time.
    pub clock: SharedClock,
    /// What tells a repeated request from another one.
    pub fingerprints: Fingerprints,
    /// What is counted.
    pub metrics: Metrics,
}

#[tonic::async_trait]
impl TemplateService for TemplateTexts {
    async fn apply_template(
        &self,
        request: Request<proto::ApplyTemplateRequest>,
    ) -> Result<Response<proto::ApplyTemplateResponse>, Status> {
        apply_template::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn get_template(
        &self,
        request: Request<proto::GetTemplateRequest>,
    ) -> Result<Response<proto::GetTemplateResponse>, Status> {
        get_template::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn list_template_revisions(
        &self,
        request: Request<proto::ListTemplateRevisionsRequest>,
    ) -> Result<Response<proto::ListTemplateRevisionsResponse>, Status> {
        list_template_revisions::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn list_templates(
        &self,
        request: Request<proto::ListTemplatesRequest>,
    ) -> Result<Response<proto::ListTemplatesResponse>, Status> {
        list_templates::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn preview_template(
        &self,
        request: Request<proto::PreviewTemplateRequest>,
    ) -> Result<Response<proto::PreviewTemplateResponse>, Status> {
        preview_template::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}

/// The site and the template of `sites/{site}/templates/{template}`.
fn read_name(name: &str) -> Result<(SiteId, Template), Fault> {
    let pattern = || Fault::invalid("name", "must look like sites/{site}/templates/{template}");
    let (site, key) = name.split_once("/templates/").ok_or_else(pattern)?;
    let SiteName(site) = parse_field("name", site)?;
    let template = Template::of_key(key)
        .ok_or_else(|| Fault::not_found("Template", format!("sites/{site}/templates/{key}")))?;
    Ok((site, template))
}

/// The language of a request, which its rules have seen.
fn read_language(tag: &str) -> Result<Language, Fault> {
    Language::ALL
        .iter()
        .copied()
        .find(|language| language.tag() == tag)
        .ok_or_else(|| Fault::invalid("language", "must be zh-CN or en"))
}

/// A draft's problems as the caller's.
fn wrong(problems: Vec<TextProblem>) -> Fault {
    Fault::violations(
        problems
            .into_iter()
            .map(|problem| Violation {
                field: problem.field.to_owned(),
                description: problem.what,
            })
            .collect(),
    )
}

/// A text as it holds at a site.
fn template(
    site: &SiteId,
    template: Template,
    language: Language,
    holding: &[Holding],
) -> proto::Template {
    let own = texts::template(holding, template, language);
    let (source, origin, revision) = match own {
        Some(own) => (own.source, own.scope.to_string(), own.revision),
        None => (Templates::built_in(template, language), String::new(), 0),
    };
    proto::Template {
        name: format!("sites/{site}/templates/{}", template.key()),
        language: language.tag().to_owned(),
        subject: source.subject,
        body: source.body,
        origin,
        revision,
        outward: template.is_outward(),
        variables: variables::of(template)
            .into_iter()
            .map(|variable| proto::TemplateVariable {
                name: variable.name.to_owned(),
                description_zh_cn: variable.said.0.to_owned(),
                description_en: variable.said.1.to_owned(),
            })
            .collect(),
    }
}

/// A revision of a level's text.
fn revision(
    row: Revision,
    template: Template,
    language: Language,
) -> Result<proto::TemplateRevision, Fault> {
    let source: Source = serde_json::from_str(&row.document)
        .map_err(|_| Fault::internal("a template is not what was applied"))?;
    Ok(proto::TemplateRevision {
        parent: row.scope.to_string(),
        template: template.key().to_owned(),
        language: language.tag().to_owned(),
        revision: row.revision,
        etag: etag::of(i64::from(row.revision)),
        subject: source.subject,
        body: source.body,
        effective_time: Some(convert::to_timestamp(row.effective)),
        author: row.author,
        reason: row.reason,
        create_time: Some(convert::to_timestamp(row.created)),
        overridden_rules: row.overridden,
    })
}
