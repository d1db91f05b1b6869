//! ListPlaybooks: what holds at a site, by rank. NOT_FOUND when the site is none of the caller's.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Playbooks;
use super::view::playbook;
use crate::store::playbooks::{self, Known};

pub(super) async fn handle(
    api: &Playbooks,
    request: &Request<wire::ListPlaybooksRequest>,
) -> Result<wire::ListPlaybooksResponse, Fault> {
    let caller = Caller::of(request)?;
    let SiteName(site) = parse_field("parent", &request.get_ref().parent)?;
    caller.require_site(&site)?;
    let list = OfSite { site: &site };
    let known = redress_runtime::sight(caller)
        .read(&api.incidents.db, &list)
        .await?;
    let parent = SiteName(site).to_string();
    let playbooks = known.into_iter().map(|known| wire::Playbook {
        document: String::new(),
        ..playbook(&parent, &known)
    });
    Ok(wire::ListPlaybooksResponse {
        playbooks: playbooks.collect(),
    })
}

/// Reads what holds at a site.
pub(super) struct OfSite<'a> {
    pub(super) site: &'a SiteId,
}

impl Operation for OfSite<'_> {
    const NAME: &'static str = "crisis.list_playbooks";
    type Output = Vec<Known>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Known>, Fault> {
        playbooks::of_site(tx, self.site).await
    }
}
