//! ApplyTemplate: a level puts a text of its own in the place of the one above.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::receipt::ReceiptKey;
use redress_wording::promise::promised;
use redress_wording::{Audience, Checker};
use tonic::Request;

use super::TemplateTexts;
use crate::domain::render::Templates;
use crate::domain::texts::{self as domain, Source, Subject, TextScope};
use crate::domain::words::Template;
use crate::rpc::texts::{self, Apply, Holds};

const METHOD: &str = "redress.notification.v1.TemplateService/ApplyTemplate";

pub(super) async fn handle(
    service: &TemplateTexts,
    request: Request<proto::ApplyTemplateRequest>,
) -> Result<proto::ApplyTemplateResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let scope: TextScope = parse_field("parent", &asked.parent)?;
    let template = Template::of_key(&asked.template)
        .ok_or_else(|| Fault::invalid("template", "must be one that ListTemplates names"))?;
    let language = super::read_language(&asked.language)?;
    texts::plain(&[
        ("reason", &asked.reason),
        ("override_reason", &asked.override_reason),
    ])?;
    texts::may_override(caller, &asked.override_reason)?;
    let source = Source {
        subject: asked.subject.clone(),
        body: asked.body.clone(),
    };
    let mut overridden = Vec::new();
    if !source.is_empty() {
        let problems = Templates::check(template, language, &source);
        if !problems.is_empty() {
            return Err(super::wrong(problems));
        }
        if template.is_outward() {
            let whole = format!("{}\n{}", source.subject, source.body);
            let hits = match &scope {
                TextScope::Site(site) => {
                    let holds = Holds {
                        site,
                        now: service.clock.now(),
                    };
                    let (holding, _) = redress_runtime::sight(caller)
                        .read(&service.db, &holds)
                        .await?;
                    domain::check(&holding, &whole, Audience::Complainant)
                }
                // Sites differ; each message is checked again by its own site's rules when it is sent.
                TextScope::Organization(_) | TextScope::Region(_) => {
                    Checker::built_in().check(&whole, Audience::Complainant)
                }
            };
            overridden = texts::let_through(&hits, &asked.override_reason, &asked.parent)?;
        }
        if template.is_outward() {
            let whole = format!("{}\n{}", source.subject, source.body);
            if promised(&whole).is_some() {
                let what = "must promise no money: a solution of a case does, once it is approved";
                return Err(Fault::invalid("body", what));
            }
        }
        if let Some(problem) = Templates::unsaid(template, language, &source) {
            return Err(super::wrong(vec![problem]));
        }
    }
    let now = service.clock.now();
    let unnumbered = proto::ApplyTemplateRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let reason = match asked.override_reason.as_str() {
        "" => asked.reason.clone(),
        why => format!("{} (override: {why})", asked.reason),
    };
    let counted = overridden.len();
    let apply = Apply {
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: texts::receipt_site(&scope),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        subject: Subject::Template(template, language),
        document: serde_json::to_string(&source).map_err(Fault::internal)?,
        disable: Vec::new(),
        effective: texts::effective(asked.effective_time.as_ref(), now)?,
        reason,
        overridden,
        etag: asked.etag.clone(),
        scope,
        caller,
        now,
    };
    let (row, is_new) = redress_runtime::sight(caller)
        .run(&service.db, &apply)
        .await?;
    if is_new && counted > 0 {
        service.metrics.overridden("template");
    }
    Ok(proto::ApplyTemplateResponse {
        revision: Some(super::revision(row, template, language)?),
    })
}
