//! GetPlaybook. NOT_FOUND when none of this name holds at the site, or the site is none of the caller's.

use redress_model::Fault;
use redress_model::name::{SiteId, SiteName};
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::Playbooks;
use super::list_playbooks::OfSite;
use super::view::playbook;

pub(super) async fn handle(
    api: &Playbooks,
    request: &Request<wire::GetPlaybookRequest>,
) -> Result<wire::GetPlaybookResponse, Fault> {
    let caller = Caller::of(request)?;
    let name = &request.get_ref().name;
    let (site, wanted) = parse(name).ok_or_else(|| {
        Fault::invalid("name", "must look like sites/{site}/playbooks/{playbook}")
    })?;
    caller.require_site(&site)?;
    let list = OfSite { site: &site };
    let known = redress_runtime::sight(caller)
        .read(&api.incidents.db, &list)
        .await?;
    let found = known.iter().find(|k| k.playbook.name == wanted);
    let found = found.ok_or_else(|| Fault::not_found("Playbook", name))?;
    Ok(wire::GetPlaybookResponse {
        playbook: Some(playbook(&SiteName(site).to_string(), found)),
    })
}

fn parse(name: &str) -> Option<(SiteId, &str)> {
    let (site, playbook) = name.strip_prefix("sites/")?.split_once("/playbooks/")?;
    Some((site.parse().ok()?, playbook))
}
