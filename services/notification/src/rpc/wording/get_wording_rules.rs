//! GetWordingRules: the rules that hold at a site, with the origin of each.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SiteName;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_wording::Audience;
use tonic::Request;

use super::Wording;
use crate::domain::texts;
use crate::domain::words::Language;
use crate::rpc::texts::Holds;

pub(super) async fn handle(
    service: &Wording,
    request: Request<proto::GetWordingRulesRequest>,
) -> Result<proto::GetWordingRulesResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let SiteName(site) = parse_field("parent", &asked.parent)?;
    caller.require_site(&site)?;
    let holds = Holds {
        site: &site,
        now: service.clock.now(),
    };
    let (holding, language) = redress_runtime::sight(caller)
        .read(&service.db, &holds)
        .await?;
    let language = Language::choose(&asked.language, &language);
    let rules = texts::wording(&holding);
    Ok(proto::GetWordingRulesResponse {
        rules: rules
            .with_origin()
            .map(|(origin, rule)| proto::WordingRule {
                rule: rule.id.clone(),
                origin: origin.to_owned(),
                audiences: rule
                    .audiences
                    .iter()
                    .map(|audience| match audience {
                        Audience::Complainant => proto::WordingAudience::Complainant.into(),
                        Audience::Media => proto::WordingAudience::Media.into(),
                    })
                    .collect(),
                phrases: rule.phrases.clone(),
                unless_phrases: rule.unless.clone(),
                with_phrases: rule.with.clone(),
                why: rule.why.in_language(language.tag()).to_owned(),
                better: rule.better.in_language(language.tag()).to_owned(),
            })
            .collect(),
    })
}
