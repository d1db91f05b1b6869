//! CheckWording: what a text says that must not leave the house. Keeps nothing.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SiteName;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use tonic::Request;

use super::Wording;
use crate::domain::texts;
use crate::domain::words::Language;
use crate::rpc::texts::Holds;

pub(super) async fn handle(
    service: &Wording,
    request: Request<proto::CheckWordingRequest>,
) -> Result<proto::CheckWordingResponse, Fault> {
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
    let hits = texts::check(&holding, &asked.text, super::audience(asked.audience()));
    let language = Language::choose(&asked.language, &language);
    Ok(proto::CheckWordingResponse {
        hits: super::hits(&hits, language.tag()),
    })
}
