//! Gets the rules of a site's roster.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{GetRosterPlanRequest, GetRosterPlanResponse, RosterPlan};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render};
use crate::rpc::parse;
use crate::store::plan;

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetRosterPlanRequest>,
) -> Result<GetRosterPlanResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let name = &request.get_ref().name;
    let parent = name
        .strip_suffix("/rosterPlan")
        .ok_or_else(|| Fault::invalid("name", "must look like sites/{site}/rosterPlan"))?;
    let operation = Get {
        site: parse::site_in("name", parent)?,
    };
    let plan = shared.db.read(&scope, &operation).await?;
    Ok(GetRosterPlanResponse { plan: Some(plan) })
}

struct Get {
    site: SiteId,
}

impl Operation for Get {
    const NAME: &'static str = "assignment.get_roster_plan";
    type Output = RosterPlan;

    async fn run(&self, tx: &mut Tx) -> Result<RosterPlan, Fault> {
        let zone = plan::zone(tx, &self.site).await?;
        let (rules, revision) = plan::rules(tx, &self.site).await?;
        let zone = zone.iana_name().unwrap_or_default();
        Ok(render::plan(&self.site, zone, rules, revision))
    }
}
