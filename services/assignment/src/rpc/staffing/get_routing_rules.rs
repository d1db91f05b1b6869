//! Gets what routing demands at a site.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{
    GetRoutingRulesRequest, GetRoutingRulesResponse, RoutingRules,
};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render};
use crate::rpc::parse;
use crate::store::{demands, sites};

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetRoutingRulesRequest>,
) -> Result<GetRoutingRulesResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let name = &request.get_ref().name;
    let parent = name
        .strip_suffix("/routingRules")
        .ok_or_else(|| Fault::invalid("name", "must look like sites/{site}/routingRules"))?;
    let operation = Get {
        site: parse::site_in("name", parent)?,
    };
    let rules = shared.db.read(&scope, &operation).await?;
    Ok(GetRoutingRulesResponse { rules: Some(rules) })
}

struct Get {
    site: SiteId,
}

impl Operation for Get {
    const NAME: &'static str = "assignment.get_routing_rules";
    type Output = RoutingRules;

    async fn run(&self, tx: &mut Tx) -> Result<RoutingRules, Fault> {
        sites::require(tx, &self.site).await?;
        let (demands, revision) = demands::get(tx, &self.site).await?;
        Ok(render::rules(&self.site, demands, revision))
    }
}
