//! Gets what holds at a site at an instant, with the origin of each value.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{SiteId, SiteName};
use redress_proto::convert::{from_timestamp, to_timestamp};
use redress_proto::triage::v1::{self as wire, GetPolicyRequest, GetPolicyResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::policy_service::{origin, site_of};
use super::{Shared, render};
use crate::domain::policies::SitePolicy;
use crate::store::sites;

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetPolicyRequest>,
) -> Result<GetPolicyResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let site = site_of(&request.name, "policy")?;
    caller.require_site(&site)?;
    let asked = request
        .as_of_time
        .as_ref()
        .map(|time| from_timestamp("as_of_time", time))
        .transpose()?;
    let get = Get {
        site,
        at: asked.unwrap_or_else(|| shared.desk.now()),
    };
    let scope = redress_runtime::scope(&caller);
    let policy = shared.desk.db.read(&scope, &get).await?;
    Ok(GetPolicyResponse {
        policy: Some(show(&get.site, &policy, get.at)),
    })
}

struct Get {
    site: SiteId,
    at: Timestamp,
}

impl Operation for Get {
    const NAME: &'static str = "triage.get_policy";
    type Output = std::sync::Arc<SitePolicy>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let site = sites::get(tx, &self.site, self.at)
            .await?
            .ok_or_else(|| Fault::not_found("Site", SiteName(self.site.clone())))?;
        Ok(site.policy)
    }
}

fn show(site: &SiteId, policy: &SitePolicy, at: Timestamp) -> wire::Policy {
    wire::Policy {
        name: format!("sites/{site}/policy"),
        profile: policy.policy().name.clone(),
        revision: render::count(policy.policy().revision),
        as_of_time: Some(to_timestamp(at)),
        values: policy
            .effective
            .values
            .iter()
            .map(|value| wire::PolicyValue {
                field: value.field.clone(),
                value: value.value.to_string(),
                origin: Some(origin(&value.origin)),
            })
            .collect(),
        origins: policy.origins.iter().map(origin).collect(),
        left_out: policy.left_out.iter().map(origin).collect(),
    }
}
